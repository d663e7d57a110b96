package declared

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/destination"
	"exposync/internal/record"
)

// A request for one record goes to its own address, escaped, and never to
// another one's.
func TestRequestsByKey(t *testing.T) {
	t.Parallel()
	batch := persons(7)
	for i, key := range []string{"a/b?c=é", "..", "", ".", "k 4", "k5", "k6"} {
		batch[i].KeyVals = record.Record{val(record.Text, key)}
		batch[i].RemoteID = "id/" + key
	}
	batch[5].RemoteID = ""
	tests := map[string]struct {
		request string
		want    []string
		states  string
	}{
		"by key": {
			`{method: PUT, path: "/${object}/${key}", query: {of: "${key}"}}`,
			[]string{"/people/a%2Fb%3Fc=%C3%A9?of=a%2Fb%3Fc%3D%C3%A9", "/people/k%204?of=k+4", "/people/k5?of=k5", "/people/k6?of=k6"},
			"ok fail/invalid_key fail/invalid_key fail/invalid_key ok ok ok",
		},
		"by id": {
			`{path: "/${object}/${dest_id}/tags"}`,
			[]string{"/people/id%2Fa%2Fb%3Fc=%C3%A9/tags", "/people/id%2F../tags", "/people/id%2F/tags", "/people/id%2F./tags", "/people/id%2Fk%204/tags", "/people/id%2Fk6/tags"},
			"ok ok ok ok ok fail/no_remote_id ok",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{}
			d := service(t, r.handle, `{ops: {upsert: {limits: {rows: 1}, `+accept+`, envelope: $row, row: {"...": $fields}, request: `+tt.request+`}}}`)
			if got := brief(open1(t, d, destination.Upsert).Write(t.Context(), batch)); got != tt.states {
				t.Errorf("outcomes = %s, want %s", got, tt.states)
			}
			var asked []string
			for _, s := range r.sent {
				asked = append(asked, s.uri)
			}
			if diff := cmp.Diff(tt.want, asked); diff != "" {
				t.Errorf("requests mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

// A request that carries requests holds the address of every record.
func TestAddressesInRows(t *testing.T) {
	t.Parallel()
	batch := persons(4)
	for i, key := range []string{`a/b?"é`, "..", "", "k3"} {
		batch[i].KeyVals = record.Record{val(record.Text, key)}
	}
	batch[0].RemoteID = "7"
	r := &recorder{}
	d := service(t, r.handle, `{ops: {upsert: {`+accept+`, envelope: $rows, row: {url: "/of/${object}/${key}", n: $field.score}}}}`)
	if got := brief(open1(t, d, destination.Upsert).Write(t.Context(), batch)); got != "ok fail/invalid_value fail/invalid_value ok" {
		t.Errorf("outcomes = %s", got)
	}
	if want := `[{"url":"/of/people/a%2Fb%3F%22%C3%A9","n":0},{"url":"/of/people/k3","n":3}]`; len(r.sent) != 1 || r.sent[0].body != want {
		t.Errorf("sent %v\nwant %s", r.sent, want)
	}
	d = service(t, r.handle, `{ops: {upsert: {`+accept+`, envelope: $rows, row: {url: "/of/${dest_id}"}}}}`)
	if got := brief(open1(t, d, destination.Upsert).Write(t.Context(), batch)); got != "ok fail/no_remote_id fail/no_remote_id fail/no_remote_id" {
		t.Errorf("outcomes = %s", got)
	}
}

// Records with equal values have names of their own, also where only the
// address tells them apart: a service that has seen a name does nothing.
func TestIdempotencyByAddress(t *testing.T) {
	t.Parallel()
	batch := persons(2)
	batch[1].Values = batch[0].Values
	r := &recorder{}
	d := service(t, r.handle, `{ops: {upsert: {limits: {rows: 1}, `+accept+`, idempotency: {header: Idempotency-Key}, envelope: $row, row: $fields, request: {path: "/${key}"}}}}`)
	w := open1(t, d, destination.Upsert)
	w.Write(t.Context(), batch)
	w.Write(t.Context(), batch[:1])
	if len(r.sent) != 3 {
		t.Fatalf("%d requests", len(r.sent))
	}
	first, second, again := r.sent[0].header.Get("Idempotency-Key"), r.sent[1].header.Get("Idempotency-Key"), r.sent[2].header.Get("Idempotency-Key")
	if first == "" || first == second || first != again {
		t.Errorf("names: %q, %q, and of the first again %q", first, second, again)
	}
}

// What is nested is written into a form in brackets.
func TestNestedForm(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	d := service(t, r.handle, `{limits: {rows: 1}, encode: {format: form, null: ""}, ops: {upsert: {`+accept+`, envelope: null, row: {mail: $key, metadata: {ref: $key, deep: {"...": $fields}}}}}}`)
	batch := persons(1)
	batch[0].Values[0] = record.Value{Kind: record.Null}
	if got := brief(open1(t, d, destination.Upsert).Write(t.Context(), batch)); got != "ok" {
		t.Fatalf("outcomes = %s", got)
	}
	if want := "mail=k0&metadata%5Bref%5D=k0&metadata%5Bdeep%5D%5Bname%5D=&metadata%5Bdeep%5D%5Bscore%5D=0"; r.sent[0].body != want {
		t.Errorf("body %s\nwant %s", r.sent[0].body, want)
	}
}

func TestRequestsByKeyProblems(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ inline, want string }{
		"several records": {
			`{limits: {rows: 2}, ops: {upsert: {` + accept + `, row: $fields, request: {path: "/${key}"}}}}`,
			"ops.upsert: the address of the request names one record",
		},
		"one parameter twice": {
			`{limits: {rows: 1}, encode: {format: form}, ops: {upsert: {` + accept + `, envelope: null, row: {m: {a: $key}, "m[a]": $key}}}}`,
			`"m[a]" would stand twice`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := New(connection(t, "https://crm.example.com", tt.inline))
			if err == nil {
				_, err = d.Open(t.Context(), people(destination.Upsert))
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %s", err, tt.want)
			}
		})
	}
}
