package declared

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/record"
	"exposync/internal/rest"
	"exposync/internal/yamlx"
)

// graph is a server that keeps what it was asked.
type graph struct {
	mu     sync.Mutex
	asked  []graphRequest
	answer func(graphRequest) string
}

type graphRequest struct {
	Query     string                     `json:"query"`
	Variables map[string]json.RawMessage `json:"variables"`
}

func (g *graph) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var q graphRequest
	if err := json.Unmarshal(body, &q); err != nil || r.URL.Path != "/graphql" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	g.mu.Lock()
	g.asked = append(g.asked, q)
	g.mu.Unlock()
	w.Header().Set("Content-Type", "application/graphql-response+json")
	_, _ = w.Write([]byte(g.answer(q)))
}

const customerInput = `{"data":{"__type":{"inputFields":[
	{"name":"email","defaultValue":null,"type":{"kind":"NON_NULL","name":null,"ofType":{"kind":"SCALAR","name":"String","ofType":null}}},
	{"name":"name","defaultValue":null,"type":{"kind":"SCALAR","name":"String","ofType":null}},
	{"name":"score","defaultValue":null,"type":{"kind":"SCALAR","name":"Int","ofType":null}},
	{"name":"region","defaultValue":"\"EU\"","type":{"kind":"NON_NULL","name":null,"ofType":{"kind":"ENUM","name":"Region","ofType":null}}}
]}}}`

func graphql(t *testing.T, g *graph, params map[string]string, inline string) *Destination {
	t.Helper()
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	root, err := yamlx.Parse("exposync.yml", []byte(inline))
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Kind: "graphql", Name: "shop", File: "exposync.yml", Blocks: map[string]*yamlx.Node{},
		Params: map[string]string{"url": server.URL, "input": "CustomerInput"},
		Rest:   rest.Config{Now: time.Now, Jitter: func() float64 { return 0 }, WaitMin: time.Nanosecond, WaitMax: time.Nanosecond},
	}
	for _, p := range root.Pairs {
		cfg.Blocks[p.Key] = p.Value
	}
	maps.Copy(cfg.Params, params)
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// A call is written once for every record, values go as variables only, and
// an error finds its record by the alias.
func TestGraphQLBatch(t *testing.T) {
	t.Parallel()
	g := &graph{answer: func(q graphRequest) string {
		if strings.Contains(q.Query, "__type") {
			return customerInput
		}
		return `{"data":{"r0":{"id":"7"},"r1":null},"errors":[{"message":"email k1 is taken","path":["r1","id"],"extensions":{"code":"CONFLICT"}}]}`
	}}
	d := graphql(t, g, map[string]string{"mutation": `save(input: $record, tag: "a\"b", note: "$$") { id }`}, "{}")
	w := open1(t, d, destination.Upsert)
	out := w.Write(t.Context(), persons(2))
	if got := brief(out); got != "ok fail/CONFLICT" || out[0].RemoteID != "7" || out[1].Message != `email *** is taken` {
		t.Errorf("outcomes %s, %+v", got, out)
	}
	want := `mutation($record0: CustomerInput!, $record1: CustomerInput!) { r0: save(input: $record0, tag: "a\"b", note: "$$") { id } r1: save(input: $record1, tag: "a\"b", note: "$$") { id } }`
	q := g.asked[len(g.asked)-1]
	if q.Query != want {
		t.Errorf("query\n got %s\nwant %s", q.Query, want)
	}
	var vars []string
	for _, name := range []string{"record0", "record1"} {
		vars = append(vars, string(q.Variables[name]))
	}
	if diff := cmp.Diff([]string{`{"email":"k0","name":"Ada","score":0}`, `{"email":"k1","name":"Ada","score":1}`}, vars); diff != "" || len(q.Variables) != 2 {
		t.Errorf("variables: %s", diff)
	}
}

// A batch beyond the limits becomes several requests, each with aliases from
// zero, and no byte more than the limit.
func TestGraphQLSplits(t *testing.T) {
	t.Parallel()
	for _, limits := range []string{"{rows: 3}", "{bytes: 400}"} {
		t.Run(limits, func(t *testing.T) {
			t.Parallel()
			g := &graph{}
			g.answer = func(q graphRequest) string {
				data := map[string]any{}
				for i := range len(q.Variables) / 2 {
					data[fmt.Sprintf("r%d", i)] = map[string]string{"id": string(q.Variables[fmt.Sprintf("key%d", i)])}
				}
				answer, _ := json.Marshal(map[string]any{"data": data})
				return string(answer)
			}
			d := graphql(t, g, map[string]string{"mutation": "update(id: $key, input: $fields) { id }"}, "limits: "+limits+"\ndiscover: null")
			out := open1(t, d, destination.Upsert).Write(t.Context(), persons(8))
			for i, o := range out {
				if o.State != destination.OK || o.RemoteID != fmt.Sprintf(`"k%d"`, i) {
					t.Errorf("record %d: %+v", i, o)
				}
			}
			if len(g.asked) < 3 {
				t.Errorf("%d requests", len(g.asked))
			}
			for _, q := range g.asked {
				if body, _ := json.Marshal(q); limits == "{bytes: 400}" && len(body) > 400 {
					t.Errorf("a request of %d bytes", len(body))
				}
				if string(q.Variables["fields0"])[:8] != `{"name":` || !strings.HasPrefix(q.Query, "mutation($fields0: CustomerInput!, $key0: ID!") {
					t.Errorf("query %s, fields %s", q.Query, q.Variables["fields0"])
				}
			}
		})
	}
}

// The schema is held against the mapping before anything is written; without
// a schema a connection says so.
func TestGraphQLDiscovers(t *testing.T) {
	t.Parallel()
	g := &graph{answer: func(graphRequest) string { return customerInput }}
	d := graphql(t, g, map[string]string{"mutation": "save(input: $record) { id }"}, "{}")
	target := people(destination.Upsert)
	target.Key[0].Name = "name"
	target.Fields[0] = destination.Field{Name: "naem", Kind: record.Text}
	_, err := d.Open(t.Context(), target)
	var got []string
	for _, f := range fault.All(err) {
		got = append(got, f.Code)
	}
	if diff := cmp.Diff([]string{"field_missing", "field_required"}, got); diff != "" {
		t.Errorf("faults: %s\n%v", diff, err)
	}
	if string(g.asked[0].Variables["name"]) != `"CustomerInput"` {
		t.Errorf("asked for %s", g.asked[0].Variables["name"])
	}
}

// What is not configured is no mode, and a call has to name the record.
func TestGraphQLNeeds(t *testing.T) {
	t.Parallel()
	g := &graph{answer: func(graphRequest) string { return customerInput }}
	d := graphql(t, g, map[string]string{"mutation": "save { id }"}, "discover: null")
	for mode, want := range map[destination.Mode]string{
		destination.Update: "mode_unsupported", destination.Insert: "mode_unsupported", destination.Append: "mode_unsupported",
		destination.Mirror: "target_unsupported mode_unsupported", destination.Upsert: "target_unsupported",
	} {
		_, err := d.Open(t.Context(), people(mode))
		var got []string
		for _, f := range fault.All(err) {
			got = append(got, f.Code)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("mode %s: %v, want %s", mode, err, want)
		}
	}
	if len(g.asked) != 0 {
		t.Errorf("%d requests", len(g.asked))
	}
}
