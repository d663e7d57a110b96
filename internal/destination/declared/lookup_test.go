package declared

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/destination"
	"exposync/internal/record"
)

// typed is a target with a field of each kind that services write in their
// own way.
func typed() destination.Target {
	f := func(name string, kind record.Kind) destination.Field {
		return destination.Field{Name: name, Kind: kind}
	}
	return destination.Target{
		Object: "people", Mode: destination.Upsert, Key: []destination.Field{f("email", record.Text)},
		Fields: []destination.Field{
			f("name", record.Text), f("score", record.Int), f("rate", record.Float), f("total", record.Decimal),
			f("active", record.Bool), f("born", record.Date), f("seen", record.Instant), f("extra", record.JSON), f("a.b", record.Text),
		},
	}
}

func keysOf(texts ...string) []record.Key {
	var out []record.Key
	for _, s := range texts {
		out = append(out, record.AppendKey(nil, val(record.Text, s)))
	}
	return out
}

func readAll(t *testing.T, d *Destination, target destination.Target, keys []record.Key) ([]string, error) {
	t.Helper()
	var out []string
	for r, err := range (Readable{d}).Read(t.Context(), target, keys) {
		if err != nil {
			return out, err
		}
		var parts []string
		for _, v := range r {
			parts = append(parts, v.Kind.String()+":"+string(v.Data))
		}
		out = append(out, strings.Join(parts, " "))
	}
	return out, nil
}

// Records are asked for in requests of their own size, followed over pages,
// and come with the target's kinds.
func TestReadByPost(t *testing.T) {
	t.Parallel()
	var bodies []string
	h := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Query().Get("after") == "" {
			bodies = append(bodies, string(body))
		}
		var q struct{ Keys []string }
		_ = json.Unmarshal(body, &q)
		w.Header().Set("Content-Type", "application/json")
		switch {
		case q.Keys[0] == "k2":
			w.WriteHeader(http.StatusNotFound)
		case r.URL.Query().Get("after") == "":
			fmt.Fprint(w, `{"list":[{"id":"k1","is":{"name":"Ada","score":"12","rate":0.50,"total":"1.50","active":"yes","born":"2024-02-29",
				"seen":"2024-02-29T12:34:56.000+0000","extra":{"b":1,"a":[]},"a.b":"dotted"}}],"page":{"next":"x y"}}`)
		default:
			fmt.Fprint(w, `{"list":[{"id":"k0","is":{"name":"","score":"many","active":null,"born":1709164800000}}]}`)
		}
	}
	d := service(t, h, `{encode: {bool: yes/no, null: ""}, read: {rows: 2, request: {method: POST, path: "/${object}/read"},
		envelope: {fields: $names, keys: $rows}, row: $key, at: list, key: id, fields: is, none: "404", paging: {next: page.next, query: after}}}`)
	got, err := readAll(t, d, typed(), keysOf("k0", "k1", "k2"))
	want := []string{
		`text:k1 text:Ada decimal:12 float:0.5 decimal:1.5 bool:true date:2024-02-29 instant:2024-02-29T12:34:56Z json:{"a":[],"b":1} text:dotted`,
		`text:k0 null: text:many null: null: null: text:1709164800000 null: null: null:`,
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("records mismatch (-want +got):\n%s%v", diff, err)
	}
	first := `{"fields":["name","score","rate","total","active","born","seen","extra","a.b"],"keys":["k0","k1"]}`
	if len(bodies) != 2 || bodies[0] != first {
		t.Errorf("requests = %v", bodies)
	}
}

// Keys in a query are texts there, whatever they hold.
func TestReadByQuery(t *testing.T) {
	t.Parallel()
	var asked string
	h := func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query().Get("q")
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"records":[{"email":"O'Neil \\","name":"x"}]}`)
	}
	d := service(t, h, `{read: {request: {path: /query, query: {q: "SELECT ${key_field},${fields} FROM ${object} WHERE ${key_field} IN (${keys})"}}, quote: "'", at: records}}`)
	target := people(destination.Upsert)
	got, err := readAll(t, d, target, keysOf(`O'Neil \`, "b,c"))
	if err != nil || len(got) != 1 || got[0] != `text:O'Neil \ text:x null:` {
		t.Errorf("records = %q, %v", got, err)
	}
	if want := `SELECT email,name,score FROM people WHERE email IN ('O\'Neil \\','b,c')`; asked != want {
		t.Errorf("asked %s\nwant  %s", asked, want)
	}
	d = service(t, h, `{read: {request: {path: /query, query: {ids: "${keys}"}}, at: records}}`)
	if _, err := readAll(t, d, target, keysOf("b,c")); err == nil || !strings.Contains(err.Error(), `holds ","`) {
		t.Errorf("a key with a comma: %v", err)
	}
}

// The keys of a query may stand in it one by one, with their own words between
// them, and moments with a blank in place of the T.
func TestReadByConditions(t *testing.T) {
	t.Parallel()
	var asked string
	h := func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query().Get("filter")
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"items":[{"email":"a||b","seen":"2026-01-02 03:04:05.120Z","born":"2026-01-02 00:00:00.000Z"}]}`)
	}
	d := service(t, h, `{read: {request: {path: /r, query: {filter: "email=${keys}"}}, quote: '"', join: "||email=", at: items}}`)
	target := typed()
	target.Fields = target.Fields[5:7]
	got, err := readAll(t, d, target, keysOf("a||b", `"c`))
	if err != nil || len(got) != 1 || got[0] != "text:a||b date:2026-01-02 instant:2026-01-02T03:04:05.12Z" {
		t.Errorf("records = %q, %v", got, err)
	}
	if want := `email="a||b"||email="\"c"`; asked != want {
		t.Errorf("asked %s\nwant  %s", asked, want)
	}
	d = service(t, h, `{read: {request: {path: /r, query: {filter: "${keys}"}}, join: "||", at: items}}`)
	if _, err := readAll(t, d, target, keysOf("a||b")); err == nil || !strings.Contains(err.Error(), `holds "||"`) {
		t.Errorf("a key that would be two: %v", err)
	}
}

// What is read is never taken for another key's record.
func TestReadFindsItsKeys(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fold    string
		keys    []string
		answer  string
		want    string
		problem string
	}{
		"as asked":           {"false", []string{"A", "b"}, "A", "text:A", ""},
		"another case":       {"false", []string{"A"}, "a", "", "not asked for"},
		"folded":             {"true", []string{"Ada@X"}, "ada@x", "text:Ada@X", ""},
		"folded, but exact":  {"true", []string{"Ada", "ada"}, "ada", "text:ada", ""},
		"folded, two keys":   {"true", []string{"Ada", "aDa"}, "ADA", "", "not asked for"},
		"something else":     {"true", []string{"A"}, "z", "", "not asked for"},
		"no list of records": {"false", []string{"A"}, "*", "", "no list of records"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := fmt.Sprintf(`{"records":[{"email":%q}]}`, tt.answer)
			if tt.answer == "*" {
				body = `{"records":{"email":"A"}}`
			}
			d := service(t, answers(200, "application/json", body), `{read: {fold_case: `+tt.fold+`, request: {path: /r, query: {k: "${keys}"}}, at: records}}`)
			got, err := readAll(t, d, destination.Target{Object: "o", Key: []destination.Field{{Name: "email", Kind: record.Text}}}, keysOf(tt.keys...))
			if strings.Join(got, " ") != tt.want {
				t.Errorf("records = %q, want %q", got, tt.want)
			}
			if (err == nil) != (tt.problem == "") || err != nil && !strings.Contains(err.Error(), tt.problem) {
				t.Errorf("error = %v, want %q", err, tt.problem)
			}
		})
	}
}

// Only a destination that says how can be read.
func TestConnectTellsWhatCanBeRead(t *testing.T) {
	t.Parallel()
	for inline, want := range map[string]bool{"": false, `read: {request: {path: /r, query: {k: "${keys}"}}, at: records}`: true} {
		d, err := Connect(connection(t, "https://crm.example.com", inline))
		if err != nil {
			t.Fatal(err)
		}
		if _, got := d.(destination.Reader); got != want {
			t.Errorf("with %q it is a Reader: %v", inline, got)
		}
	}
}
