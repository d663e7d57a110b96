package declared

import (
	"net/http"
	"testing"

	"exposync/internal/destination"
)

// A question asks for what the description adds, and for no column twice,
// though the columns of a written envelope are key and fields as they are.
func TestColumnsOfAQuestion(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	d := service(t, func(w http.ResponseWriter, req *http.Request) {
		r.handle(w, req)
	}, `{read: {request: {method: POST, path: /read}, envelope: {properties: $columns, inputs: $rows}, row: {id: $key}, at: results, key: email, more: [ID, NAME]}}`)
	_, _ = readAll(t, d, people(destination.Upsert), keysOf("k0"))
	if want := `{"properties":["ID","NAME","email","score"],"inputs":[{"id":"k0"}]}`; len(r.sent) != 1 || r.sent[0].body != want {
		t.Errorf("asked %+v\nwant %s", r.sent, want)
	}
}
