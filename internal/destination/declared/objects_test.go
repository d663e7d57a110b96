package declared

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/record"
)

// objectService is described by object: people are found before they are
// written, things are upserts under a name of their own.
const objectService = `
name: x
params: {url: {kind: url, required: true}}
vars: {base_url: "${url}"}
limits: {rows: 1, concurrency: 2}
fields:
  email: {type: text, unique: true}
  name: {type: text, required: true}
  level: {options: [low, high]}
objects:
  people:
    read:
      rows: 2
      keys: [email]
      request: {method: POST, path: /find}
      envelope: {any: $rows}
      row: $key
      at: found
      key: "${key_field}"
      id: id
      custom: more
      fold_case: [email]
      paging: {next: next, query: page}
    ops:
      upsert: {find: {found: change, missing: make}, idempotent: true, limits: {rows: 5}}
      update: {find: {found: change}, idempotent: true, limits: {rows: 5}}
      insert: {find: {missing: make}, limits: {rows: 5}}
      delete: {find: {found: remove}, idempotent: true, limits: {rows: 5}}
      make: &make
        request: {method: POST, path: /people}
        limits: {rows: 1}
        envelope: $row
        row: {"...": [$key, $own], more: $custom}
        response: [{status: "2xx", when: id, outcome: ok}]
        echo: {id: id}
      change: {<<: *make, request: {method: PUT, path: "/people/${dest_id}"}}
      remove: {request: {method: DELETE, path: "/people", query: {ids: "${dest_ids}"}}, limits: {rows: 5}, encode: {format: none}, reply: any, response: [{status: "204", outcome: ok}]}
  things/*:
    fields: {email: null, key: {unique: true}}
    ops:
      upsert: {request: {method: PUT, path: "/things/${star}/${key}"}, limits: {rows: 1}, envelope: $row, row: {"...": $own, rest: $custom}, response: [{status: "2xx", outcome: ok}], reply: any}
      delete: {request: {method: DELETE, path: "/things/${star}", query: {"${key_field}": "${keys}"}}, limits: {rows: 5}, encode: {format: none}, reply: any, response: [{status: "204", outcome: ok}]}
`

// crowd is a service that knows no upsert.
type crowd struct {
	*httptest.Server
	mu     sync.Mutex
	people map[string]string // by id: the address
	calls  []string
	refuse int // status of the next search
}

func newCrowd(t *testing.T, people map[string]string) *crowd {
	t.Helper()
	c := &crowd{people: people}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

// ServeHTTP notes every call.
func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	c.calls = append(c.calls, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/find" && c.refuse > 0:
		w.WriteHeader(c.refuse)
		_, _ = w.Write([]byte(`{"message":"no"}`))
	case r.URL.Path == "/find":
		_, _ = w.Write(c.found(body, r.URL.Query().Get("page")))
	case r.Method == http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
	default:
		_, _ = w.Write([]byte(`{"id":"made"}`))
	}
}

// found gives one record a page, and one that nobody asked for.
func (c *crowd) found(body []byte, page string) []byte {
	var asked struct{ Any []string }
	_ = json.Unmarshal(body, &asked)
	found := []map[string]string{{"id": "0", "email": "somebody@else.example"}}
	for _, id := range slices.Sorted(maps.Keys(c.people)) {
		if slices.ContainsFunc(asked.Any, func(key string) bool { return strings.EqualFold(key, c.people[id]) }) {
			found = append(found, map[string]string{"id": id, "email": c.people[id]})
		}
	}
	out := map[string]any{"found": found}
	if page == "" && len(found) > 2 {
		out = map[string]any{"found": found[:2], "next": "2"}
	} else if page != "" {
		out["found"] = found[2:]
	}
	data, _ := json.Marshal(out)
	return data
}

func objectDestination(t *testing.T, url, inline string) (*Destination, error) {
	t.Helper()
	cfg := connection(t, url, inline)
	s, err := parse("x.yaml", []byte(objectService), newOverlay(cfg.File, cfg.Blocks))
	if err != nil {
		return nil, err
	}
	d, err := open(cfg, s)
	if err == nil {
		t.Cleanup(func() { _ = d.Close() })
	}
	return d, err
}

func personTarget(mode destination.Mode) destination.Target {
	return destination.Target{Object: "people", Mode: mode, Key: []destination.Field{{Name: "email"}}, Fields: []destination.Field{{Name: "name"}, {Name: "score"}}}
}

func somebody(op record.Op, email, remembered string) record.Change {
	ch := record.Change{Op: op, KeyVals: record.Record{val(record.Text, email)}, RemoteID: remembered}
	if op != record.Delete {
		ch.Values = record.Record{val(record.Text, "N"), val(record.Int, "7")}
	}
	ch.Key = record.AppendKey(nil, ch.KeyVals...)
	return ch
}

func TestFindBeforeWriting(t *testing.T) {
	t.Parallel()
	people := map[string]string{"1": "a@example.com", "2": "B@example.com", "3": "c@example.com", "4": "c@example.com"}
	batch := []record.Change{
		somebody(record.Update, "a@example.com", ""), somebody(record.Update, "b@example.com", "9"), somebody(record.Create, "c@example.com", ""), somebody(record.Create, "d@example.com", ""),
	}
	gone := []record.Change{
		somebody(record.Delete, "a@example.com", "1"), somebody(record.Delete, "b@example.com", "9"), somebody(record.Delete, "c@example.com", ""), somebody(record.Delete, "d@example.com", "4"),
	}
	first, second := `POST /find {"any":["a@example.com","b@example.com"]}`, `POST /find {"any":["c@example.com","d@example.com"]}`
	pages := []string{`POST /find?page=2 {"any":["a@example.com","b@example.com"]}`, `POST /find?page=2 {"any":["c@example.com","d@example.com"]}`}
	body := func(email string) string { return `{"email":"` + email + `","name":"N","more":{"score":7}}` }
	tests := []struct {
		name  string
		op    string
		batch []record.Change
		want  string
		calls []string
	}{
		{"upsert", "upsert", batch, "ok ok fail/ambiguous ok", []string{
			first, pages[0], "PUT /people/1 " + body("a@example.com"), "PUT /people/2 " + body("b@example.com"), second, pages[1], "POST /people " + body("d@example.com"),
		}},
		{"update", "update", batch, "ok ok fail/ambiguous fail/not_found", []string{
			first, pages[0], "PUT /people/1 " + body("a@example.com"), "PUT /people/2 " + body("b@example.com"), second, pages[1],
		}},
		{"insert", "insert", batch, "fail/exists fail/exists fail/ambiguous ok", []string{first, pages[0], second, pages[1], "POST /people " + body("d@example.com")}},
		{"delete", "delete", gone, "ok fail/replaced fail/ambiguous ok", []string{first, pages[0], "DELETE /people?ids=1", second, pages[1]}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCrowd(t, people)
			d, err := objectDestination(t, c.URL, "")
			if err != nil {
				t.Fatal(err)
			}
			view, err := d.of("people")
			if err != nil {
				t.Fatal(err)
			}
			s, problems := view.sender(tt.op, personTarget(destination.Upsert))
			if err := problems.Err(); err != nil {
				t.Fatal(err)
			}
			out := destination.All(len(tt.batch), destination.Outcome{State: destination.NotSent})
			s.deliver(t.Context(), tt.batch, func(int) bool { return true }, out)
			if got := brief(out); got != tt.want {
				t.Errorf("outcomes %s, want %s", got, tt.want)
			}
			if diff := cmp.Diff(tt.calls, c.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// A question that is not answered writes nothing, and says so.
func TestFindThatFails(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{401: "auth/401", 404: "stop/404", 400: "stop/400", 500: "retry/500"} {
		c := newCrowd(t, nil)
		c.refuse = status
		d, err := objectDestination(t, c.URL, "")
		if err != nil {
			t.Fatal(err)
		}
		w, err := d.Open(t.Context(), personTarget(destination.Upsert))
		if err != nil {
			t.Fatal(err)
		}
		out := w.Write(t.Context(), []record.Change{somebody(record.Create, "a@example.com", "")})
		if got := brief(out); got != want {
			t.Errorf("status %d gives %s, want %s", status, got, want)
		}
		if slices.ContainsFunc(c.calls, func(call string) bool { return !strings.HasPrefix(call, "POST /find") }) {
			t.Errorf("status %d: something was written: %q", status, c.calls)
		}
	}
}

func TestObjects(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, nil)
	d, err := objectDestination(t, c.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	thing := destination.Target{Object: "things/a b", Mode: destination.Mirror, Key: []destination.Field{{Name: "key"}}, Fields: []destination.Field{{Name: "name"}, {Name: "x"}}}
	w, err := d.Open(t.Context(), thing)
	if err != nil {
		t.Fatal(err)
	}
	batch := []record.Change{
		somebody(record.Create, "k/1", ""), somebody(record.Create, "..", ""), somebody(record.Create, "", ""),
		somebody(record.Delete, "p", ""), somebody(record.Delete, "q&r", ""), somebody(record.Delete, "s,t", ""),
	}
	if got, want := brief(w.Write(t.Context(), batch)), "ok fail/invalid_key fail/invalid_key ok ok fail/invalid_key"; got != want {
		t.Errorf("outcomes %s, want %s", got, want)
	}
	calls := []string{`PUT /things/a%20b/k%2F1 {"name":"N","rest":{"x":7}}`, "DELETE /things/a%20b?key=p%2Cq%26r"}
	if diff := cmp.Diff(calls, c.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	thing.Object = "nothing"
	if _, err := d.Open(t.Context(), thing); !fault.Is(err, "object_missing") || !strings.Contains(err.Error(), "people, things/*") {
		t.Errorf("an object that there is not: %v", err)
	}
	target := personTarget(destination.Upsert)
	target.Fields = []destination.Field{{Name: "free"}}
	if _, err := d.Open(t.Context(), target); !fault.Is(err, "field_required") {
		t.Errorf("without a field that is demanded: %v", err)
	}
	target = personTarget(destination.Upsert)
	target.Key[0].Name = "name"
	if _, err := d.Open(t.Context(), target); !fault.Is(err, "target_unsupported") || !strings.Contains(err.Error(), "found by email") {
		t.Errorf("a key that cannot be asked for: %v", err)
	}
	if got := d.Identifies("people", destination.Upsert); !got || d.Identifies("things/x", destination.Upsert) || d.Identifies("nothing", destination.Upsert) {
		t.Errorf("Identifies() is wrong")
	}
}

// An option that is no option of an own field is one refused record.
func TestOwnFieldsHaveOptions(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, nil)
	d, err := objectDestination(t, c.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	target := personTarget(destination.Upsert)
	target.Fields[1].Name = "level"
	w, err := d.Open(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	bad := somebody(record.Create, "a@example.com", "")
	good := somebody(record.Create, "b@example.com", "")
	good.Values[1] = val(record.Text, "high")
	if got := brief(w.Write(t.Context(), []record.Change{bad, good})); got != "fail/option_unknown ok" {
		t.Errorf("outcomes %s", got)
	}
	if last := c.calls[len(c.calls)-1]; last != `POST /people {"email":"b@example.com","name":"N","level":"high"}` {
		t.Errorf("sent %s", last)
	}
}

func TestObjectProblems(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ old, new, want string }{
		"no such operation":     {"found: change, missing", "found: chang, missing", `x.yaml:25: ops.upsert: there is no operation "chang"`},
		"an id nobody tells":    {"      id: id\n", "", "x.yaml:24: ops.upsert: find needs a block read with id"},
		"no side at all":        {"delete: {find: {found: remove}", "delete: {find: {}", "x.yaml:28: ops.delete.find needs found, missing or both: the operations that write"},
		"an update that makes":  {"update: {find: {found: change}", "update: {find: {found: change, missing: make}", "x.yaml:26: ops.update: what is not there is not written, so find has no missing"},
		"an insert that alters": {"insert: {find: {missing: make}", "insert: {find: {missing: make, found: change}", "x.yaml:27: ops.insert: what is there is not changed, so find has no found"},
		"a star in the middle":  {"things/*:", "th*ngs:", `x.yaml:11: objects: a * stands at the end of a name, which it does not in "th*ngs"`},
		"one address for many":  {`limits: {rows: 1}, envelope: $row, row: {"...": $own, rest: $custom}`, `limits: {rows: 2}, envelope: $rows, row: {"...": $own, rest: $custom}`, "x.yaml:41: ops.upsert: the address of the request names one record"},
		"nobody is named":       {`query: {ids: "${dest_ids}"}`, "query: {}", "x.yaml:37: ops.remove: with format none the address has to name the records"},
		"a body for none":       {"encode: {format: none}, reply: any, response: [{status: \"204\", outcome: ok}]}\n  things", "row: $key, encode: {format: none}, reply: any, response: [{status: \"204\", outcome: ok}]}\n  things", "x.yaml:37: ops.remove: with format none there is no row and no envelope"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(objectService, tt.old) {
				t.Fatalf("%q is not there", tt.old)
			}
			_, err := parse("x.yaml", []byte(strings.Replace(objectService, tt.old, tt.new, 1)), nil)
			var got []string
			for _, f := range fault.All(err) {
				got = append(got, f.Where+": "+f.Msg)
			}
			if len(got) == 0 || got[0] != tt.want {
				t.Errorf("problems %q, want %q", got, tt.want)
			}
		})
	}
}

// A connection changes an operation of the objects that have it, and no other.
func TestInlineOverObjects(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, map[string]string{"1": "a@example.com"})
	d, err := objectDestination(t, c.URL, `ops: {remove: {request: {method: DELETE, path: "/archive/${dest_id}"}, limits: {rows: 1}}}`)
	if err != nil {
		t.Fatal(err)
	}
	w, err := d.Open(t.Context(), personTarget(destination.Mirror))
	if err != nil {
		t.Fatal(err)
	}
	if got := brief(w.Write(t.Context(), []record.Change{somebody(record.Delete, "a@example.com", "1")})); got != "ok" || c.calls[1] != "DELETE /archive/1" {
		t.Errorf("%s %q", got, c.calls)
	}
	if _, err := objectDestination(t, c.URL, "ops: {remov: {}}"); err == nil || !strings.Contains(err.Error(), `exposync.yml:1: ops: unknown key "remov"`) {
		t.Errorf("an operation that no object has: %v", err)
	}
}

// A job that was given up makes no record ok, whatever its numbers say.
func TestCountsOfJobs(t *testing.T) {
	t.Parallel()
	p := &poll{state: "state", gone: []string{"cancelled"}, failed: "failed", total: "total", okay: "ok"}
	for text, fine := range map[string]bool{
		`{"state":"complete","failed":1,"total":3,"ok":2}`:    true,
		`{"state":"complete","failed":1,"total":3,"ok":3}`:    true,
		`{"state":"complete","failed":1,"total":3,"ok":1}`:    false,
		`{"state":"complete","failed":0,"total":3,"ok":3}`:    false,
		`{"state":"complete","failed":1,"total":2,"ok":1}`:    false,
		`{"state":"complete","failed":1,"total":3}`:           false,
		`{"state":"complete","total":3,"ok":2}`:               false,
		`{"state":"cancelled","failed":1,"total":3,"ok":2}`:   false,
		`{"state":"complete","failed":"1","total":3,"ok":2}`:  true,
		`{"state":"complete","failed":1.5,"total":3,"ok":2}`:  false,
		`{"state":"complete","failed":null,"total":3,"ok":2}`: false,
	} {
		if msg := p.differs(parsed(text), 3, 1, 0); (msg == "") != fine {
			t.Errorf("%s: %q", text, msg)
		}
	}
	if p.differs(parsed(`{"state":"complete","failed":1,"total":3,"ok":2}`), 3, 1, 1) == "" {
		t.Error("an error that names nobody is overlooked")
	}
}
