package declared

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/record"
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

// A key that cannot stand in a question is refused alone: the others are asked
// for, parted as the description says.
func TestKeysThatCannotBeAskedFor(t *testing.T) {
	t.Parallel()
	for name, inline := range map[string]string{
		"locate": strings.Replace(locates, "read: {", "read: {join: \" OR \", ", 1),
		"find": `
read: {request: {path: /ids, query: {q: "|${keys}"}}, join: " OR ", at: list, key: email, id: ID}
ops:
  update: {find: {found: change}, idempotent: true}
  change: {idempotent: true, request: {path: /update}, row: {id: $dest_id}, response: [{outcome: ok}], reply: any}`,
	} {
		r := &recorder{}
		d := service(t, func(w http.ResponseWriter, req *http.Request) {
			r.handle(httptest.NewRecorder(), req)
			if req.URL.Path != "/ids" {
				return
			}
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"list":[{"ID":"x0","email":"k0"},{"ID":"x2","email":"a,b"},{"ID":"x0","email":"k0"}]}`)
		}, inline)
		batch := persons(3)
		for i, text := range map[int]string{1: "a OR b", 2: "a,b"} {
			batch[i].KeyVals = record.Record{val(record.Text, text)}
			batch[i].Key = record.AppendKey(nil, batch[i].KeyVals...)
		}
		if got := brief(open1(t, d, destination.Update).Write(t.Context(), batch)); got != "ok fail/invalid_key ok" {
			t.Errorf("%s: outcomes = %s, sent %+v", name, got, r.sent)
		}
		if len(r.sent) == 0 || !strings.HasSuffix(r.sent[0].uri, "k0+OR+a%2Cb") {
			t.Errorf("%s: asked %+v", name, r.sent)
		}
	}
}

// A delete that asks for all ids does not hit a record that somebody made anew
// under the key of the one that was written.
func TestDeletesDoNotHitAnotherRecord(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	d := service(t, idService(r, 200), strings.Replace(locates, "delete: {locate: unknown", "delete: {locate: always", 1))
	batch := persons(4)
	for i := range batch {
		batch[i].Op, batch[i].Values = record.Delete, nil
	}
	batch[0].RemoteID, batch[3].RemoteID = "other", "x3"
	if got := brief(open1(t, d, destination.Mirror).Write(t.Context(), batch)); got != "fail/replaced ok fail/ambiguous ok" {
		t.Errorf("outcomes = %s", got)
	}
	if len(r.sent) != 2 || !strings.HasPrefix(r.sent[1].uri, "/many/x3?") {
		t.Errorf("requests = %+v", r.sent)
	}
}
