package declared

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/record"
)

// sent is one request as it arrived.
type sent struct {
	method, uri, body string
	header            http.Header
}

// recorder keeps what arrives and accepts all of it.
type recorder struct {
	mu   sync.Mutex
	sent []sent
}

func (r *recorder) handle(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	r.sent = append(r.sent, sent{req.Method, req.RequestURI, string(body), req.Header})
	r.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
}

const accept = `response: [{outcome: ok}], reply: any`

// The bodies that templates make, byte for byte.
func TestBodies(t *testing.T) {
	t.Parallel()
	two := persons(2)
	two[1].Values[0] = record.Value{Kind: record.Null}
	two[1].Values[1] = record.Value{}
	tests := map[string]struct {
		inline string
		want   string
	}{
		"the contract": {"", `{"records":[{"email":"k0","name":"Ada","score":0},{"email":"k1","name":null}]}`},
		"names and nesting": {
			`ops: {upsert: {envelope: {mode: "${mode}", n: 1, deep: [true, {rows: $rows}], z: null}, row: {id: $key, "${key_field}": $key.email, of: $fields, s: $field.score, op: $op, t: $trace, lit: $$x}}}`,
			`{"mode":"upsert","n":1,"deep":[true,{"rows":[` +
				`{"id":"k0","email":"k0","of":{"name":"Ada","score":0},"s":0,"op":"create","t":"0","lit":"$x"},` +
				`{"id":"k1","email":"k1","of":{"name":null},"op":"create","t":"1","lit":"$x"}]}],"z":null}`,
		},
		"a bare list":           {`ops: {upsert: {envelope: $rows, row: [$key, $field.score]}}`, `[["k0",0],["k1",null]]`},
		"everything as text":    {`encode: {stringify: true, null: ""}`, `{"records":[{"email":"k0","name":"Ada","score":"0"},{"email":"k1","name":""}]}`},
		"only an id to go with": {`ops: {upsert: {row: {only: "${object}"}}}`, `{"records":[{"only":"people"},{"only":"people"}]}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{}
			inline := tt.inline
			if strings.Contains(inline, "upsert: {") {
				inline = strings.Replace(inline, "upsert: {", "upsert: {"+accept+", ", 1)
			} else {
				inline += "\nops: {upsert: {" + accept + "}}"
			}
			d := service(t, r.handle, inline)
			if got := brief(open1(t, d, destination.Upsert).Write(t.Context(), two)); got != "ok ok" {
				t.Fatalf("outcomes = %s", got)
			}
			if diff := cmp.Diff(tt.want, r.sent[0].body); diff != "" {
				t.Errorf("body mismatch (-want +got):\n%s", diff)
			}
			if !json.Valid([]byte(r.sent[0].body)) {
				t.Error("the body is not JSON")
			}
		})
	}
}

// A batch is cut where a limit, or a key that comes again, asks for it; every
// record is sent once, in order.
func TestRequestsKeepTheLimits(t *testing.T) {
	t.Parallel()
	again := append(persons(3), person(1), person(4))
	tests := map[string]struct {
		limits string
		batch  []record.Change
		want   [][]string // keys per request
	}{
		"rows":             {"{rows: 2}", persons(5), [][]string{{"k0", "k1"}, {"k2", "k3"}, {"k4"}}},
		"bytes":            {"{bytes: 95}", persons(3), [][]string{{"k0", "k1"}, {"k2"}}},
		"a byte less":      {"{bytes: 94}", persons(3), [][]string{{"k0", "k1"}, {"k2"}}},
		"exactly":          {"{bytes: 89}", persons(3), [][]string{{"k0", "k1"}, {"k2"}}},
		"one too many":     {"{bytes: 88}", persons(3), [][]string{{"k0"}, {"k1"}, {"k2"}}},
		"a key once more":  {"{rows: 100}", again, [][]string{{"k0", "k1", "k2"}, {"k1", "k4"}}},
		"all in one":       {"{rows: 100}", persons(3), [][]string{{"k0", "k1", "k2"}}},
		"one record fits":  {"{bytes: 51}", persons(2), [][]string{{"k0"}, {"k1"}}},
		"none fits":        {"{bytes: 30}", persons(2), nil},
		"a record too big": {"{rowbytes: 39}", append(persons(1), person(100), person(2)), [][]string{{"k0", "k2"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{}
			d := service(t, r.handle, "limits: "+tt.limits+"\nops: {upsert: {"+accept+"}}")
			out := open1(t, d, destination.Upsert).Write(t.Context(), tt.batch)
			var got [][]string
			n := 0
			for _, s := range r.sent {
				var body struct{ Records []struct{ Email string } }
				if err := json.Unmarshal([]byte(s.body), &body); err != nil {
					t.Fatalf("%s: %v", s.body, err)
				}
				var keys []string
				for _, rec := range body.Records {
					keys = append(keys, rec.Email)
				}
				got, n = append(got, keys), n+len(keys)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("requests mismatch (-want +got):\n%s", diff)
			}
			words := strings.Fields(brief(out))
			if ok := len(slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w != "ok" })); ok != n {
				t.Errorf("%d records were sent, %d are ok: %s", n, ok, words)
			}
			for i, w := range words {
				if w != "ok" && w != "fail/row_too_large" {
					t.Errorf("record %d: %s", i, w)
				}
			}
		})
	}
}

// What cannot be written as JSON is refused before it is sent, alone.
func TestUnfitValues(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	d := service(t, r.handle, "ops: {upsert: {"+accept+"}}")
	batch := persons(5)
	batch[0].Values[1] = val(record.Float, "NaN")
	batch[2].Values[0] = val(record.Text, "bad \xff")
	batch[4].Values[1] = val(record.Decimal, "-Infinity")
	out := open1(t, d, destination.Upsert).Write(t.Context(), batch)
	if got := brief(out); got != "fail/invalid_value ok fail/invalid_value ok fail/invalid_value" {
		t.Errorf("outcomes = %s", got)
	}
	if want := `{"records":[{"email":"k1","name":"Ada","score":1},{"email":"k3","name":"Ada","score":3}]}`; r.sent[0].body != want {
		t.Errorf("body = %s", r.sent[0].body)
	}
}

func TestAddressesAndHeaders(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		inline, object string
		uri            string
		header         map[string]string
	}{
		"a plain token": {"", "people", "/people", map[string]string{"Authorization": "Bearer tok-canary"}},
		"an object with everything": {
			"", "a b/c?d#e%f", "/a%20b%2Fc%3Fd%23e%25f", map[string]string{"Content-Type": "application/json", "Accept": "application/json"},
		},
		"basic": {
			"auth: {type: basic, user: ada, password: \"p$${x}\"}", "p", "/p", map[string]string{"Authorization": "Basic YWRhOnAkJHt4fQ=="},
		},
		"a header": {"auth: {type: header, name: X-Api-Key, value: \"${token}\"}", "p", "/p", map[string]string{"X-Api-Key": "${token}", "Authorization": ""}},
		"none":     {"auth: {type: none}", "p", "/p", map[string]string{"Authorization": ""}},
		"more headers": {
			"headers: {X-Tenant: acme, accept: application/vnd.acme+json}", "p", "/p", map[string]string{"X-Tenant": "acme", "Accept": "application/vnd.acme+json"},
		},
		"an operation of one's own": {
			"ops: {upsert: {request: {method: PUT, path: \"/v2/${object}/batch\", query: {mode: \"${mode}\", a: \"b&c\"}, headers: {X-Key: \"${key_field}\"}}}}",
			"p q", "/v2/p%20q/batch?a=b%26c&mode=upsert",
			map[string]string{"X-Key": "email"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{}
			inline := tt.inline
			if strings.Contains(inline, "upsert: {") {
				inline = strings.Replace(inline, "upsert: {", "upsert: {"+accept+", ", 1)
			} else {
				inline += "\nops: {upsert: {" + accept + "}}"
			}
			d := service(t, r.handle, inline)
			target := people(destination.Upsert)
			target.Object = tt.object
			w, err := d.Open(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			if got := brief(w.Write(t.Context(), persons(1))); got != "ok" {
				t.Fatalf("outcome = %s", got)
			}
			if r.sent[0].uri != tt.uri {
				t.Errorf("address = %s, want %s", r.sent[0].uri, tt.uri)
			}
			for name, want := range tt.header {
				if got := r.sent[0].header.Get(name); got != want {
					t.Errorf("%s = %q, want %q", name, got, want)
				}
			}
		})
	}
}

// Creates and updates go one way, deletes the other; outcomes stay in order.
func TestMirrorSplitsTheBatch(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	d := service(t, r.handle, "ops: {upsert: {"+accept+"}, delete: {"+accept+", row: {id: $dest_id}}}")
	batch := persons(4)
	for _, i := range []int{0, 2} {
		batch[i].Op, batch[i].Values = record.Delete, nil
	}
	batch[2].RemoteID = "7"
	out := open1(t, d, destination.Mirror).Write(t.Context(), batch)
	if got := brief(out); got != "fail/no_remote_id ok ok ok" {
		t.Errorf("outcomes = %s", got)
	}
	var got []string
	for _, s := range r.sent {
		got = append(got, s.uri+" "+s.body)
	}
	want := []string{
		`/people {"records":[{"email":"k1","name":"Ada","score":1},{"email":"k3","name":"Ada","score":3}]}`,
		`/people/delete {"records":[{"id":"7"}]}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests mismatch (-want +got):\n%s", diff)
	}
	if got := brief(open1(t, d, destination.Upsert).Write(t.Context(), batch[:1])); got != "fail/delete_unsupported" {
		t.Errorf("a delete without mirror: %s", got)
	}
}

// The same records have the same name in every run, other values another.
func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	d := service(t, r.handle, `ops: {append: {`+accept+`, idempotency: {header: Idempotency-Key, field: $insert_id, max: 20}}}`)
	w := open1(t, d, destination.Append)
	if !w.Traits().Idempotent {
		t.Error("records with a name of their own may be sent again")
	}
	changed := person(1)
	changed.Values[0] = val(record.Text, "Grace")
	for _, ch := range []record.Change{person(1), person(1), changed, person(2)} {
		if got := brief(w.Write(t.Context(), []record.Change{ch})); got != "ok" {
			t.Fatalf("outcome = %s", got)
		}
	}
	var names, headers []string
	for _, s := range r.sent {
		var body struct {
			Records []struct {
				ID string `json:"$insert_id"`
			}
		}
		if err := json.Unmarshal([]byte(s.body), &body); err != nil {
			t.Fatal(err)
		}
		names, headers = append(names, body.Records[0].ID), append(headers, s.header.Get("Idempotency-Key"))
	}
	for _, list := range [][]string{names, headers} {
		distinct := slices.Compact(slices.Sorted(slices.Values(list)))
		if len(list[0]) != 20 || list[0] != list[1] || len(distinct) != 3 {
			t.Errorf("keys = %q", list)
		}
	}
}

// A header that names a whole batch helps only where a batch is one record.
func TestBatchHeaderIsNotEnough(t *testing.T) {
	t.Parallel()
	for inline, want := range map[string]bool{
		`ops: {append: {idempotency: {header: K}}}`:                    false,
		`ops: {append: {idempotency: {header: K}, limits: {rows: 1}}}`: true,
	} {
		d := service(t, answers(200, "", ""), inline)
		if got := open1(t, d, destination.Append).Traits().Idempotent; got != want {
			t.Errorf("%s: Idempotent = %v", inline, got)
		}
	}
}

func TestTargetsThatDoNotFit(t *testing.T) {
	t.Parallel()
	two := people(destination.Upsert)
	two.Key = append(two.Key, destination.Field{Name: "tenant"})
	same := people(destination.Upsert)
	same.Fields = append(same.Fields, destination.Field{Name: "email"})
	update := people(destination.Update)
	tests := map[string]struct {
		inline string
		target destination.Target
		code   string
		msg    string
	}{
		"two key fields":      {"ops: {upsert: {row: {id: $key}}}", two, "target_unsupported", "identifies a record by one key field, the job has 2"},
		"but two may merge":   {"", two, "", ""},
		"a field twice":       {"", same, "target_unsupported", `"email" would stand twice`},
		"a field is missing":  {"ops: {upsert: {row: {a: $field.phone, b: $key.id}}}", people(destination.Upsert), "target_unsupported", `needs "phone"`},
		"no such operation":   {"ops: {update: null}", update, "mode_unsupported", "no operation update"},
		"an entry and a name": {"ops: {upsert: {row: {name: x, \"...\": $fields}}}", people(destination.Upsert), "target_unsupported", `"name" would stand twice`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := service(t, answers(200, "", ""), tt.inline)
			_, err := d.Open(t.Context(), tt.target)
			if tt.code == "" && err == nil {
				return
			}
			if !fault.Is(err, tt.code) || !strings.Contains(err.Error(), tt.msg) || !strings.Contains(err.Error(), "exposync.yml:4") {
				t.Errorf("Open() error = %v, want %s: %s", err, tt.code, tt.msg)
			}
			if _, ok := fault.Explain(tt.code); !ok {
				t.Errorf("%s has no page", tt.code)
			}
		})
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	const check = "check: {request: {path: /me}, identity: data.id}"
	tests := map[string]struct {
		handler http.HandlerFunc
		inline  string
		want    string
		code    string
	}{
		"by address": {answers(500, "", ""), "", "", ""},
		"told":       {answers(200, "application/json", `{"data":{"id":123}}`), check, "123", ""},
		"not told":   {answers(200, "application/json", `{"data":{}}`), check, "", "account_unknown"},
		"an object":  {answers(200, "application/json", `{"data":{"id":{}}}`), check, "", "account_unknown"},
		"HTML":       {answers(200, "text/html", `<html>`), check, "", "http_reply"},
		"denied":     {answers(401, "application/json", `{}`), check, "", "http_auth"},
		"missing":    {answers(404, "application/json", `{}`), check, "", "http_refused"},
		"broken":     {answers(500, "", ``), check, "", "http_unavailable"},
		"moved":      {http.RedirectHandler("https://elsewhere.test/x", http.StatusFound).ServeHTTP, check, "", "http_redirect"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := service(t, tt.handler, tt.inline)
			got, err := d.Account(t.Context())
			if tt.code != "" {
				if !fault.Is(err, tt.code) {
					t.Errorf("Account() error = %v, want %s", err, tt.code)
				}
				return
			}
			want := tt.want
			if want == "" {
				want = d.values.named["base_url"]
			}
			if err != nil || got != want {
				t.Errorf("Account() = %q, %v, want %q", got, err, want)
			}
		})
	}
	if got := address("HTTPS://CRM.Test/API/?key=canary"); got != "https://crm.test/API" {
		t.Errorf("address() = %q", got)
	}
}

// Concurrency is what the connection asks for, the rate belongs to the client.
func TestTraits(t *testing.T) {
	t.Parallel()
	d := service(t, answers(200, "", ""), "limits: {rows: 7, bytes: 1000, concurrency: 9}\nrate: {requests: 100, per: 10s}\nops: {delete: {limits: {rows: 3}}}")
	got := open1(t, d, destination.Mirror).Traits()
	if got.Rows != 3 || got.Bytes != 1000 || got.Concurrency != 9 || !got.Deletes || !got.Idempotent || got.PerSecond != 0 {
		t.Errorf("Traits() = %+v", got)
	}
	if n := got.Size(person(1)); n < 35 || n > 70 {
		t.Errorf("Size() = %d, want about 40", n)
	}
	if s := d.PerSecond(); s != 10 {
		t.Errorf("perSecond() = %v", s)
	}
}
