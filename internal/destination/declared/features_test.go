package declared

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/record"
)

// described1 opens a description, without fixtures, to a handler.
func described1(t *testing.T, h http.HandlerFunc, spec string) *Destination {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	s, err := parse("x.yaml", []byte("name: x\nparams: {url: {kind: url, required: true}, token: {secret: true}}\nvars: {base_url: \"${url}\"}\n"+spec))
	if err != nil {
		t.Fatal(err)
	}
	cfg := connection(t, server.URL, "")
	d, err := open(cfg, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// What a row can say about nulls, about fields that it names and those it does
// not, and as a list.
func TestRowsOfSets(t *testing.T) {
	t.Parallel()
	three := persons(3)
	three[1].Values[0] = record.Value{Kind: record.Null}
	three[2].Values[1] = record.Value{}
	tests := map[string]struct{ ops, encode, want string }{
		"values and nulls": {
			`row: {id: $key, set: $values, unset: $nulls}`, "",
			`[{"id":"k0","set":{"name":"Ada","score":0}},{"id":"k1","set":{"score":1},"unset":["name"]},{"id":"k2","set":{"name":"Ada"}}]`,
		},
		"nulls as an object": {
			`row: {id: $key, unset: {"...": $nulls}}`, `encode: {null: "-"}`,
			`[{"id":"k0"},{"id":"k1","unset":{"name":"-"}},{"id":"k2"}]`,
		},
		"others": {
			`row: {id: $key, n: $field.name, rest: $others, gone: "$field.nothing?"}`, "",
			`[{"id":"k0","n":"Ada","rest":{"score":0}},{"id":"k1","n":null,"rest":{"score":1}},{"id":"k2","n":"Ada","rest":{}}]`,
		},
		"cells": {
			`row: $cells`, `encode: {null: "", stringify: true}`,
			`[["k0","Ada","0"],["k1","","1"],["k2","Ada",""]]`,
		},
		"columns": {
			`envelope: {schema: $columns, data: $rows}, row: [$key]`, "",
			`{"schema":["email","name","score"],"data":[["k0"],["k1"],["k2"]]}`,
		},
		"more items where they have all they need": {
			`row: {id: $key, set: $values}, also: [{id: $key, unset: $nulls}]`, "",
			`[{"id":"k0","set":{"name":"Ada","score":0}},{"id":"k1","set":{"score":1}},{"id":"k1","unset":["name"]},{"id":"k2","set":{"name":"Ada"}}]`,
		},
		"as text": {`row: {id: $key, s: $field.score}`, `encode: {text: [score]}`, `[{"id":"k0","s":"0"},{"id":"k1","s":"1"},{"id":"k2"}]`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{}
			d := described1(t, r.handle, tt.encode+"\nops: {upsert: {idempotent: true, limits: {rows: 9}, request: {path: /x}, reply: any, response: [{outcome: ok}], "+tt.ops+"}}")
			if got := brief(open1(t, d, destination.Upsert).Write(t.Context(), three)); got != "ok ok ok" {
				t.Fatalf("outcomes = %s", got)
			}
			if diff := cmp.Diff(tt.want, r.sent[0].body); diff != "" {
				t.Errorf("body mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

// A delete carries no value, so its columns are those of the key.
func TestCellsOfDeletes(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	const op = `{idempotent: true, limits: {rows: 9}, request: {path: /x}, reply: any, response: [{outcome: ok}], envelope: {schema: $columns, data: $rows}, row: $cells}`
	d := described1(t, r.handle, "ops: {upsert: "+op+", delete: "+op+"}")
	gone := person(0)
	gone.Op, gone.Values = record.Delete, nil
	if got := brief(open1(t, d, destination.Mirror).Write(t.Context(), []record.Change{gone})); got != "ok" {
		t.Fatalf("outcomes = %s", got)
	}
	if want := `{"schema":["email"],"data":[["k0"]]}`; r.sent[0].body != want {
		t.Errorf("body = %s, want %s", r.sent[0].body, want)
	}
}

// Where a record is several items, an index, a list of results and a count are
// those of the items; and a request holds no more items than it may.
func TestAnswersAboutItems(t *testing.T) {
	t.Parallel()
	two := persons(2) // three items: k0, k1, k1
	two[1].Values[0] = record.Value{Kind: record.Null}
	two = append(two, person(2)) // k2
	two[2].KeyVals[0].Data = []byte("k2")
	const list = `errors: [{at: errors, index: i, code: c}], ok_count: n`
	tests := map[string]struct{ rule, body, want string }{
		"the second item of a record":     {list, `{"errors":[{"i":2,"c":"E"}],"n":2}`, "ok fail/E ok"},
		"the item behind":                 {list, `{"errors":[{"i":3,"c":"E"}],"n":3}`, "ok ok fail/E"},
		"an item that was not sent":       {list, `{"errors":[{"i":4,"c":"E"}],"n":4}`, "bisect/E bisect/E bisect/E"},
		"a count of records, not items":   {list, `{"errors":[{"i":0,"c":"E"}],"n":2}`, "fail/E bisect/ok_count_mismatch bisect/ok_count_mismatch"},
		"the worst of a record's results": {"each: {at: r, ok: ok, code: c}", `{"r":[{"ok":1},{"ok":1},{"c":"E"},{"ok":1}]}`, "ok fail/E ok"},
		"one result for each record":      {"each: {at: r, ok: ok, code: c}", `{"r":[{"ok":1},{"ok":1},{"ok":1}]}`, strings.TrimSpace(strings.Repeat("bisect/result_count_mismatch ", 3))},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := described1(t, answers(200, "application/json", tt.body), "ops: {upsert: {idempotent: true, limits: {rows: 9}, request: {path: /x}, "+
				"row: {id: $key, set: $values}, also: [{id: $key, unset: $nulls}], response: [{"+tt.rule+"}]}}")
			if got := brief(open1(t, d, destination.Upsert).Write(t.Context(), two)); got != tt.want {
				t.Errorf("outcomes = %s, want %s", got, tt.want)
			}
		})
	}
	r := &recorder{}
	d := described1(t, r.handle, "ops: {upsert: {idempotent: true, limits: {rows: 3}, request: {path: /x}, reply: any, response: [{outcome: ok}], row: {id: $key}, also: [{unset: $nulls}]}}")
	open1(t, d, destination.Upsert).Write(t.Context(), two)
	if len(r.sent) != 2 || r.sent[0].body != `[{"id":"k0"},{"id":"k1"},{"unset":["name"]}]` {
		t.Errorf("requests = %+v", r.sent)
	}
}

func TestErrorsOfAKind(t *testing.T) {
	t.Parallel()
	const rule = `errors: [{at: e, is: {kind: mine}, index: i, code: c}], ok_count: "a|;b"`
	tests := map[string]struct{ body, want string }{
		"mine":                    {`{"e":[{"kind":"mine","i":0,"c":"E"}],"a":1,"b":0}`, "fail/E ok"},
		"of others":               {`{"e":[{"kind":"yours","i":0,"c":"E"}],"a":1,"b":1}`, "bisect/E bisect/E"},
		"counts that add up":      {`{"e":[],"a":1,"b":1}`, "ok ok"},
		"counts that do not":      {`{"e":[],"a":2,"b":1}`, "bisect/ok_count_mismatch bisect/ok_count_mismatch"},
		"one of the counts alone": {`{"e":[],"a":2}`, "in_doubt/reply_not_declared in_doubt/reply_not_declared"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := described1(t, answers(200, "application/json", tt.body), "ops: {upsert: {idempotent: true, limits: {rows: 9}, request: {path: /x}, row: $fields, response: [{"+rule+"}]}}")
			if got := brief(open1(t, d, destination.Upsert).Write(t.Context(), persons(2))); got != tt.want {
				t.Errorf("outcomes = %s, want %s", got, tt.want)
			}
		})
	}
}

// The name of a record may stand deep in its row, and never takes the place of
// something else.
func TestNestedIdempotency(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	const op = "ops: {append: {limits: {rows: 9}, request: {path: /x}, reply: any, response: [{outcome: ok}], row: {properties: $fields}, idempotency: {field: %, max: 36}}}"
	d := described1(t, r.handle, strings.Replace(op, "%", "properties.$insert_id", 1))
	w := open1(t, d, destination.Append)
	if !w.Traits().Idempotent {
		t.Error("records with a name of their own may be sent twice")
	}
	w.Write(t.Context(), persons(1))
	w.Write(t.Context(), persons(1))
	if len(r.sent) != 2 || r.sent[0].body != r.sent[1].body || len(r.sent[0].body) != len(`[{"properties":{"name":"Ada","score":0,"$insert_id":""}}]`)+36 {
		t.Errorf("requests = %+v", r.sent)
	}
	d = described1(t, r.handle, strings.Replace(op, "%", "properties.name", 1))
	if _, err := d.Open(t.Context(), people(destination.Append)); !fault.Is(err, "target_unsupported") {
		t.Errorf("a field that has the place: %v", err)
	}
}

// A service that tells nobody who it is, is known by its address and its key.
func TestAccountByFingerprint(t *testing.T) {
	t.Parallel()
	const spec = "check: {fingerprint: \"${token}\"}\nops: {upsert: {request: {path: /x}, row: $fields, response: [{outcome: ok}]}}"
	d := described1(t, answers(200, "", ""), spec)
	first, err := d.Account(t.Context())
	second, err2 := d.Account(t.Context())
	if err != nil || err2 != nil || first != second || strings.Contains(first, "tok-canary") || !strings.HasPrefix(first, "http://127.0.0.1:") {
		t.Errorf("Account() = %q, then %q, %v", first, second, err)
	}
	d.values.named["token"] = "another"
	if other, _ := d.Account(t.Context()); other == first {
		t.Error("another key is the same account")
	}
}

// An answer of success may say that it is none.
func TestCheckWithAProblem(t *testing.T) {
	t.Parallel()
	const spec = "check: {request: {path: /who}, identity: id, problem: error}\nops: {upsert: {request: {path: /x}, row: $fields, response: [{outcome: ok}]}}"
	d := described1(t, answers(200, "application/json", `{"ok":false,"error":"tok-canary is no token"}`), spec)
	_, err := d.Account(t.Context())
	if !fault.Is(err, "http_auth") || !strings.Contains(err.Error(), "is no token") || strings.Contains(err.Error(), "canary") {
		t.Errorf("Account() error = %v", err)
	}
	d = described1(t, answers(200, "application/json", `{"id":7}`), spec)
	if got, err := d.Account(t.Context()); got != "7" || err != nil {
		t.Errorf("Account() = %q, %v", got, err)
	}
}

const formed = `
other_fields: %
fields:
  email: {unique: true, form: "^k", forbid: [k1], doc: say k}
  name: {bytes: 3}
  read: {writable: false}
ops: {upsert: {idempotent: true, limits: {rows: 9}, request: {path: /x}, reply: any, response: [{outcome: ok}], row: {"...": [$key, $fields]}}}
`

// Values that a service would take for another's, or not at all, do not leave.
func TestFormsOfValues(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	d := described1(t, r.handle, strings.Replace(formed, "%", "true", 1))
	batch := persons(4)
	batch[1].KeyVals[0].Data = []byte("K1")
	batch[2].KeyVals[0].Data = []byte("other")
	batch[3].Values[0] = val(record.Text, "four")
	out := open1(t, d, destination.Upsert).Write(t.Context(), batch)
	if got := brief(out); got != "ok fail/value_forbidden fail/value_form fail/value_too_long" {
		t.Errorf("outcomes = %s", got)
	}
	if !strings.HasSuffix(out[2].Message, ": say k") || strings.Contains(out[2].Message, "other") || len(r.sent) != 1 || strings.Contains(r.sent[0].body, "four") {
		t.Errorf("message %q, requests %+v", out[2].Message, r.sent)
	}
}

// Fields that no description names are faults before the first write, unless
// objects take others; a key is always one of those that are named.
func TestFieldsThatNoRequestTells(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		others string
		change func(t *destination.Target)
		want   string
	}{
		"all known or open":       {"true", func(*destination.Target) {}, ""},
		"closed":                  {"false", func(*destination.Target) {}, "field_missing"},
		"a key of another name":   {"true", func(t *destination.Target) { t.Key[0].Name = "id" }, "key_not_unique"},
		"a key that is not one":   {"true", func(t *destination.Target) { t.Key[0].Name = "name"; t.Fields = t.Fields[1:] }, "key_not_unique"},
		"what is not sent at all": {"true", func(t *destination.Target) { t.Fields[1].Name = "read" }, "field_readonly"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := described1(t, answers(200, "", ""), strings.Replace(formed, "%", tt.others, 1))
			target := people(destination.Upsert)
			tt.change(&target)
			if _, err := d.Open(t.Context(), target); tt.want == "" && err != nil || tt.want != "" && !fault.Is(err, tt.want) {
				t.Errorf("Open() = %v, want %s", err, tt.want)
			}
		})
	}
}
