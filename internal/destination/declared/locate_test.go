package declared

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/record"
)

// locates is a service that writes by its own ids: read tells them, k1 has
// none, k2 has two.
const locates = `
read: {request: {path: /ids, query: {q: "${columns}|${keys}"}}, at: list, key: email, id: ID, more: [ID], none: "404"}
ops:
  update: {locate: always, idempotent: true, request: {path: /update}, row: {id: $dest_id}, response: [{outcome: ok}], reply: any}
  upsert: {idempotent: true, request: {path: /upsert}, response: [{outcome: ok}], reply: any}
  delete: {locate: unknown, idempotent: true, limits: {rows: 2}, encode: {format: none}, request: {method: DELETE, path: "/many/${dest_ids}", query: {ids: "${dest_ids}", all: "false"}}, row: null, envelope: null, response: [{outcome: ok}], reply: any}
`

// idService answers questions for ids and records everything.
func idService(r *recorder, status int) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.sent = append(r.sent, sent{req.Method, req.RequestURI, string(body), req.Header})
		r.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		if req.URL.Path != "/ids" {
			return
		}
		if status != http.StatusOK {
			w.WriteHeader(status)
			fmt.Fprint(w, `{"message":"no"}`)
			return
		}
		_, keys, _ := strings.Cut(req.URL.Query().Get("q"), "|")
		var found []string
		for key := range strings.SplitSeq(keys, ",") {
			switch key {
			case "k1":
			case "k2":
				found = append(found, `{"ID":"x2","email":"k2"}`, `{"ID":"y2","email":"k2"}`)
			default:
				found = append(found, fmt.Sprintf(`{"ID":"x%s","email":%q}`, key[1:], key))
			}
		}
		fmt.Fprintf(w, `{"list":[%s]}`, strings.Join(found, ","))
	}
}

// An update asks for ids first: what is not there is refused, not created.
func TestUpdateAsksForIDs(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	d := service(t, idService(r, 200), locates)
	w := open1(t, d, destination.Update)
	batch := persons(4)
	batch[0].RemoteID = "stale"
	if got := brief(w.Write(t.Context(), batch)); got != "ok fail/not_found fail/ambiguous ok" {
		t.Errorf("outcomes = %s", got)
	}
	if len(r.sent) != 2 || r.sent[0].uri != "/ids?q=ID%2Cemail%7Ck0%2Ck1%2Ck2%2Ck3" || r.sent[1].body != `{"records":[{"id":"x0"},{"id":"x3"}]}` {
		t.Errorf("requests = %+v", r.sent)
	}
	if batch[3].RemoteID != "" {
		t.Error("the engine's batch was written to")
	}
}

// A delete asks for the ids that no answer told; what is not there is gone.
// The ids stand in the address, as many as fit, and there is no body.
func TestDeleteByAddress(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	d := service(t, idService(r, 200), locates)
	w := open1(t, d, destination.Mirror)
	batch := persons(5)
	for i := range batch {
		batch[i].Op, batch[i].Values = record.Delete, nil
	}
	batch[0].RemoteID, batch[4].RemoteID = "a/b", "a,b"
	if got := brief(w.Write(t.Context(), batch)); got != "ok ok fail/ambiguous ok fail/invalid_key" {
		t.Errorf("outcomes = %s", got)
	}
	if len(r.sent) != 2 || r.sent[0].uri != "/ids?q=ID%2Cemail%7Ck1%2Ck2%2Ck3" {
		t.Fatalf("requests = %+v", r.sent)
	}
	got := r.sent[1]
	if got.uri != "/many/a%2Fb%2Cx3?all=false&ids=a%2Fb%2Cx3" || got.method != http.MethodDelete || got.body != "" || got.header.Get("Content-Type") != "" {
		t.Errorf("request = %+v", got)
	}
}

// What cannot be asked for was not written, and says why.
func TestIDsThatCannotBeAskedFor(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		403: "auth/http_auth auth/http_auth", 503: "retry/http_unavailable retry/http_unavailable",
		400: "stop/http_refused stop/http_refused", 404: "fail/not_found fail/not_found",
	} {
		r := &recorder{}
		d := service(t, idService(r, status), locates)
		if got := brief(open1(t, d, destination.Update).Write(t.Context(), persons(2))); got != want {
			t.Errorf("%d: outcomes = %s, want %s", status, got, want)
		}
		for _, s := range r.sent {
			if !strings.HasPrefix(s.uri, "/ids") {
				t.Errorf("%d: something was written: %+v", status, s)
			}
		}
	}
}

// The keys of one question are as many as its address may hold.
func TestQuestionsAreCutBySize(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	d := service(t, idService(r, 200), strings.Replace(locates, "read: {", "read: {bytes: 11, ", 1))
	_, err := readAll(t, d, people(destination.Update), keysOf("k0", "k3", "k4", "k5", "k6"))
	if err != nil || len(r.sent) != 3 {
		t.Errorf("%d questions, %v", len(r.sent), err)
	}
}

// A service that takes whole records only by some key refuses jobs that leave
// fields out of some, before anything is sent.
func TestWholeRecordsOnly(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	d := service(t, r.handle, `{ops: {upsert: {no_partial: [email], `+accept+`}}}`)
	target := people(destination.Upsert)
	if _, err := d.Open(t.Context(), target); err != nil {
		t.Errorf("whole records: %v", err)
	}
	target.Fields[1].SkipNulls = true
	if _, err := d.Open(t.Context(), target); !fault.Is(err, "target_unsupported") || !strings.Contains(err.Error(), "score") {
		t.Errorf("with nulls: skip: %v", err)
	}
	target.Fields[1].SkipNulls, target.Fields[0].Partial = false, true
	if _, err := d.Open(t.Context(), target); !fault.Is(err, "target_unsupported") {
		t.Errorf("with write: create: %v", err)
	}
	target.Key[0].Name = "id"
	if _, err := d.Open(t.Context(), target); err != nil {
		t.Errorf("by another key: %v", err)
	}
}

// A var may depend on the value of another one.
func TestVarsByCase(t *testing.T) {
	t.Parallel()
	for api, want := range map[string]string{"v3": "v3/objects", "2026-09": "objects/2026-09"} {
		s, err := parse("x.yaml", []byte("name: x\nparams: {api: {}}\nvars: {path: {of: \"${api}\", v3: v3/objects, \"*\": \"objects/${api}\"}}\n"+
			"ops: {upsert: {request: {path: \"/${path}\"}, row: $fields, response: [{outcome: ok}]}}\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		v, err := newValues(s, map[string]string{"api": api})
		if got, _ := v.path("/${path}"); err != nil || got != "/"+want {
			t.Errorf("%s: %s, %v", api, got, err)
		}
	}
}

// Two things with one code may be told apart by their text only.
func TestClassesByText(t *testing.T) {
	t.Parallel()
	inline := `{ops: {upsert: {codes: {GONE: not_found}, response: [{status: "200", each: {at: list, ok: ok, code: code, message: text,
		class: {BUSY: stop, "/^BUSY: .*(?i:once more)/": retry, "*": fail}}}]}}}`
	d := service(t, answers(200, "application/json", `{"list":[{"code":"BUSY","text":"try Once More"},{"code":"GONE","text":"x"}]}`), inline)
	if got := brief(open1(t, d, destination.Upsert).Write(t.Context(), persons(2))); got != "retry/BUSY fail/not_found" {
		t.Errorf("outcomes = %s", got)
	}
	d = service(t, answers(200, "application/json", `{"list":[{"code":"BUSY","text":"all day"}]}`), inline)
	if got := brief(open1(t, d, destination.Upsert).Write(t.Context(), persons(1))); got != "stop/BUSY" {
		t.Errorf("outcomes = %s", got)
	}
}

// JSON documents are texts where a service has no others, and are read as
// what they were.
func TestDocumentsAsText(t *testing.T) {
	t.Parallel()
	doc := val(record.JSON, `{"a":[1,"x"]}`)
	for _, e := range []encoding{{stringify: true}, {documents: true}} {
		got, err := appendValue(nil, doc, &e)
		if want := `"{\"a\":[1,\"x\"]}"`; err != nil || string(got) != want {
			t.Errorf("written as %s, want %s, %v", got, want, err)
		}
	}
	h := answers(200, "application/json", `{"records":[{"email":"k0","doc":"{\"a\": [1, \"x\"]}"}]}`)
	d := service(t, h, `{encode: {json: text}, read: {request: {path: /r, query: {k: "${keys}"}}, at: records}}`)
	target := destination.Target{Object: "o", Key: []destination.Field{{Name: "email", Kind: record.Text}}, Fields: []destination.Field{{Name: "doc", Kind: record.JSON}}}
	got, err := readAll(t, d, target, keysOf("k0"))
	if err != nil || len(got) != 1 || got[0] != `text:k0 json:{"a":[1,"x"]}` {
		t.Errorf("read %q, %v", got, err)
	}
}

// A number goes to a field of text as text, to one of numbers as a number.
func TestTextFieldsGetText(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	h := func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodPost {
			r.handle(w, req)
			return
		}
		answers(200, "application/json", `{"fields":[{"name":"email","type":"str","unique":true},{"name":"name","type":"str"},
			{"name":"score","type":"num"},{"name":"flag","type":"str"}]}`)(w, req)
	}
	d := service(t, h, discovers+"\nencode: {match_types: true, zone: utc}\nops: {upsert: {"+accept+"}}")
	w, err := d.Open(t.Context(), destination.Target{
		Object: "people", Mode: destination.Upsert, Key: []destination.Field{{Name: "email", Kind: record.Int}},
		Fields: []destination.Field{{Name: "name", Kind: record.Decimal}, {Name: "score", Kind: record.Int}, {Name: "flag", Kind: record.Bool}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ch := record.Change{Op: record.Create, KeyVals: record.Record{val(record.Int, "7")}, Values: record.Record{val(record.Decimal, "8.5"), val(record.Int, "9"), val(record.Bool, "true")}}
	ch.Key = record.AppendKey(nil, ch.KeyVals...)
	if got := brief(w.Write(t.Context(), []record.Change{ch})); got != "ok" {
		t.Fatal(got)
	}
	if want := `{"records":[{"email":"7","name":"8.5","score":9,"flag":"true"}]}`; r.sent[0].body != want {
		t.Errorf("sent %s\nwant %s", r.sent[0].body, want)
	}
	got, err := appendValue(nil, val(record.Timestamp, "2024-02-29T12:00:00"), &encoding{zoned: true})
	if err != nil || string(got) != `"2024-02-29T12:00:00Z"` {
		t.Errorf("a moment without a zone is written as %s, %v", got, err)
	}
}

// What a field cannot hold is refused before it is sent, in letters.
func TestTextsThatAreTooLong(t *testing.T) {
	t.Parallel()
	a := attribute{name: "name", kind: "text", length: 3}
	for text, want := range map[string]string{"üüü": "", "üüüü": "too_long", "": ""} {
		if code, msg := a.misfit(val(record.Text, text), &encoding{}); code != want || text != "" && strings.Contains(msg, text) {
			t.Errorf("%q: %q %s", text, code, msg)
		}
	}
}

// Answers that speak of limits without 429 are no trouble with credentials.
func TestReadsThatAreLimited(t *testing.T) {
	t.Parallel()
	h := answers(403, "application/json", `[{"errorCode":"LIMIT"}]`)
	d := service(t, h, `{rate: {requests: 10, refused: [{status: "403", when: '#(errorCode=="LIMIT")'}]}, check: {request: {path: /me}, identity: id}}`)
	if _, err := d.Account(t.Context()); !fault.Is(err, "rate_limited") {
		t.Errorf("Account() = %v", err)
	}
	d = service(t, answers(403, "application/json", `[{"errorCode":"OTHER"}]`), `{rate: {requests: 10, refused: [{status: "403", when: '#(errorCode=="LIMIT")'}]}, check: {request: {path: /me}, identity: id}}`)
	if _, err := d.Account(t.Context()); !fault.Is(err, "http_auth") {
		t.Errorf("Account() = %v", err)
	}
}

// Salesforce tells restricted picklists, one value or several, and lengths.
func TestSalesforceFieldsAreUnderstood(t *testing.T) {
	t.Parallel()
	s, err := builtin("salesforce", nil)
	if err != nil {
		t.Fatal(err)
	}
	field := func(text string) attribute { return s.discover.attribute(gjson.Parse(text)) }
	several := field(`{"name":"Tags__c","type":"multipicklist","length":4099,"restrictedPicklist":true,"picklistValues":[
		{"active":true,"value":"a"},{"active":true,"value":"b"},{"active":false,"value":"old"}]}`)
	one := field(`{"name":"Stage","type":"picklist","length":255,"restrictedPicklist":true,"picklistValues":[{"active":true,"value":"a"},{"active":true,"value":"b"}]}`)
	open := field(`{"name":"Industry","type":"picklist","length":255,"restrictedPicklist":false,"picklistValues":[{"active":true,"value":"a"}]}`)
	tests := map[string]struct {
		a    attribute
		text string
		want string
	}{
		"several of several": {several, "a;b", ""}, "an old one": {several, "a;old", "option_unknown"},
		"several of one": {one, "a;b", "option_unknown"}, "one": {one, "b", ""}, "not restricted": {open, "anything", ""},
		"too long": {field(`{"name":"Name","type":"string","length":3}`), "abcd", "too_long"},
	}
	for name, tt := range tests {
		if code, _ := tt.a.misfit(val(record.Text, tt.text), &s.encode); code != tt.want {
			t.Errorf("%s: %q, want %q", name, code, tt.want)
		}
	}
	for text, want := range map[string]bool{
		`{"name":"Ext__c","externalId":true,"unique":true}`: true, `{"name":"Ext__c","externalId":true,"unique":false}`: false,
		`{"name":"Id","type":"id"}`: true, `{"name":"Phone"}`: false,
	} {
		if got := field(text).unique; got != want {
			t.Errorf("%s identifies records: %v", text, got)
		}
	}
	if !field(`{"name":"LastName","nillable":false,"defaultedOnCreate":false,"createable":true}`).required || field(`{"name":"OwnerId","nillable":false,"defaultedOnCreate":true,"createable":true}`).required {
		t.Error("required fields are not understood")
	}
}
