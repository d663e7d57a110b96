package declared

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/record"
)

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

// An id or a key of dots leads elsewhere, however the path names it.
func TestAddressesOfDots(t *testing.T) {
	t.Parallel()
	for name, own := range map[string]bool{"keys": false, "dest_ids": true} {
		r := &recorder{}
		d := described1(t, r.handle, "limits: {rows: 3}\nops: {upsert: {idempotent: true, encode: {format: none}, request: {path: \"/x/${"+name+"}\"}, reply: any, response: [{outcome: ok}]}}")
		batch := persons(2)
		batch[0].RemoteID, batch[1].RemoteID = "..", "7"
		if !own {
			batch[0].KeyVals[0].Data = []byte("..")
		}
		if got := brief(open1(t, d, destination.Upsert).Write(t.Context(), batch)); got != "fail/invalid_key ok" {
			t.Errorf("%s: %s, %+v", name, got, r.sent)
		}
	}
}

// tells of it.
func TestAFieldThatBothTell(t *testing.T) {
	t.Parallel()
	own := attribute{name: "email", unique: true, form: regexp.MustCompile("@"), forbidden: map[string]bool{"none": true}, bytes: 9, doc: "d", options: map[string]bool{"a": true}}
	got := together([]attribute{own}, []attribute{{name: "email", kind: "text", length: 80}})[0]
	if got.form == nil || !got.forbidden["none"] || got.bytes != 9 || got.doc != "d" || got.length != 80 || got.kind != "text" || !got.unique || !got.options["a"] {
		t.Errorf("together = %+v", got)
	}
	told := map[string]bool{"b": true}
	if got := together([]attribute{own}, []attribute{{name: "email", options: told}})[0]; got.options["a"] || !got.options["b"] {
		t.Errorf("the service's own options = %v", got.options)
	}
}

// A field of text gets text, also where the description tells its type.
func TestTextFieldsOfADescription(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	d := described1(t, r.handle, "fields: {email: {type: text, unique: true}, name: {type: number}, score: {type: text}}\nencode: {match_types: true}\n"+
		"ops: {upsert: {idempotent: true, limits: {rows: 3}, request: {path: /x}, reply: any, response: [{outcome: ok}], row: $fields}}")
	open1(t, d, destination.Upsert).Write(t.Context(), []record.Change{{
		Op: record.Create, KeyVals: record.Record{val(record.Text, "k")}, Values: record.Record{val(record.Int, "1"), val(record.Int, "2")},
	}})
	if len(r.sent) != 1 || r.sent[0].body != `[{"name":1,"score":"2"}]` {
		t.Errorf("sent %+v", r.sent)
	}
}

// that was remembered.
func TestIDsThatChanged(t *testing.T) {
	t.Parallel()
	j := &jobSender{}
	before, after := persons(2), persons(2)
	before[0].RemoteID, after[0].RemoteID, before[1].RemoteID, after[1].RemoteID = "old", "new", "same", "same"
	j.keepIDs(before, after)
	if j.idOf(&before[0]) != "new" || j.idOf(&before[1]) != "same" || len(j.asked) != 1 {
		t.Errorf("ids = %s %s, %d kept", j.idOf(&before[0]), j.idOf(&before[1]), len(j.asked))
	}
}

// A question before writing is no longer than its address may be.
func TestFindCutsQuestionsBySize(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	d := service(t, idService(r, 200), `
read: {bytes: 11, request: {path: /ids, query: {q: "|${keys}"}}, at: list, key: email, id: ID}
ops:
  update: {find: {found: change}, idempotent: true}
  change: {idempotent: true, limits: {rows: 9}, request: {path: /update}, row: {id: $dest_id}, response: [{outcome: ok}], reply: any}`)
	got := brief(open1(t, d, destination.Update).Write(t.Context(), persons(4)))
	if got != "ok fail/not_found fail/ambiguous ok" || len(r.sent) != 4 {
		t.Errorf("%s, %d requests", got, len(r.sent))
	}
}

// keys that the service takes for one.
func TestKeysThatFoldToOne(t *testing.T) {
	t.Parallel()
	removed := 0
	d := service(t, func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if req.URL.Path == "/ids" {
			fmt.Fprint(w, `{"list":[{"ID":"7","email":"ADA"}]}`)
			return
		}
		removed++
	}, `
read: {fold_case: true, request: {path: /ids, query: {q: "${keys}"}}, at: list, key: email, id: ID}
ops:
  upsert: {idempotent: true, request: {path: /x}, row: $fields, response: [{outcome: ok}], reply: any}
  delete: {find: {found: remove}, idempotent: true}
  remove: {idempotent: true, limits: {rows: 9}, request: {path: /remove}, row: {id: $dest_id}, response: [{outcome: ok}], reply: any}`)
	batch := persons(2)
	for i, text := range []string{"Ada", "ada"} {
		batch[i].Op, batch[i].Values, batch[i].KeyVals = record.Delete, nil, record.Record{val(record.Text, text)}
		batch[i].Key = record.AppendKey(nil, batch[i].KeyVals...)
	}
	if got := brief(open1(t, d, destination.Mirror).Write(t.Context(), batch)); got != "fail/ambiguous fail/ambiguous" || removed != 0 {
		t.Errorf("outcomes = %s, %d removed", got, removed)
	}
}

// needs a parameter says so.
func TestFindWithOneOperation(t *testing.T) {
	t.Parallel()
	const ops = `
read: {request: {path: /ids, query: {q: "|${keys}"}}, at: list, key: email, id: ID}
ops:
  upsert: {find: {found: put, missing: put}, idempotent: true, limits: {rows: 9}}
  put: {NEEDS idempotent: true, limits: {rows: 9}, request: {path: /put}, row: $fields, response: [{outcome: ok}], reply: any}`
	r := &recorder{}
	d := service(t, idService(r, 200), strings.Replace(ops, "NEEDS", "", 1))
	if got := brief(open1(t, d, destination.Upsert).Write(t.Context(), persons(2))); got != "ok ok" {
		t.Errorf("outcomes = %s", got)
	}
	d = service(t, idService(r, 200), strings.Replace(ops, "NEEDS", "needs: [check_path],", 1))
	if _, err := d.Open(t.Context(), people(destination.Upsert)); !fault.Is(err, "mode_unsupported") {
		t.Errorf("Open() = %v", err)
	}
}
