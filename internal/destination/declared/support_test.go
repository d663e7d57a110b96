package declared

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"exposync/internal/destination"
	"exposync/internal/record"
	"exposync/internal/rest"
	"exposync/internal/yamlx"
)

// service opens a connection of type http to a handler, with blocks of YAML
// over its spec.
func service(t *testing.T, h http.HandlerFunc, inline string) *Destination {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	d, err := New(connection(t, server.URL, inline))
	if err != nil {
		t.Fatalf("New(): %v", err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func connection(t *testing.T, url, inline string) Config {
	t.Helper()
	blocks := blocksOf(t, inline)
	return Config{
		Kind: "http", Name: "crm", Where: "exposync.yml:4", File: "exposync.yml", Blocks: blocks,
		Params: map[string]string{"url": url, "token": "tok-canary"},
		Rest: rest.Config{
			Now: time.Now, Jitter: func() float64 { return 0 }, WaitMin: time.Millisecond, WaitMax: time.Millisecond,
			Timeout: 5 * time.Second,
		},
	}
}

// blocksOf reads the blocks that stand inline in a connection.
func blocksOf(tb testing.TB, inline string) map[string]*yamlx.Node {
	tb.Helper()
	root, err := yamlx.Parse("exposync.yml", []byte(inline))
	if err != nil {
		tb.Fatalf("inline blocks: %v", err)
	}
	blocks := map[string]*yamlx.Node{}
	for _, p := range root.Pairs {
		blocks[p.Key] = p.Value
	}
	return blocks
}

// people is a target with one key field and two others.
func people(mode destination.Mode) destination.Target {
	return destination.Target{
		Object: "people", Mode: mode,
		Key:    []destination.Field{{Name: "email", Kind: record.Text}},
		Fields: []destination.Field{{Name: "name", Kind: record.Text}, {Name: "score", Kind: record.Int}},
	}
}

// person is a change of people with the key k0 for 0, k1 for 1.
func person(i int) record.Change {
	ch := record.Change{
		Op: record.Create, KeyVals: record.Record{val(record.Text, "k"+strconv.Itoa(i))},
		Values: record.Record{val(record.Text, "Ada"), val(record.Int, strconv.Itoa(i))},
	}
	ch.Key = record.AppendKey(nil, ch.KeyVals...)
	return ch
}

func persons(n int) []record.Change {
	out := make([]record.Change, n)
	for i := range out {
		out[i] = person(i)
	}
	return out
}

func val(kind record.Kind, text string) record.Value {
	return record.Value{Kind: kind, Data: []byte(text)}
}

// brief writes outcomes as the fixtures of a spec do: ok, fail/CODE.
func brief(out []destination.Outcome) string {
	words := map[destination.State]string{
		destination.Pending: "pending", destination.NotSent: "not_sent",
	}
	for word, s := range states() {
		words[s] = word
	}
	texts := make([]string, len(out))
	for i, o := range out {
		texts[i] = words[o.State]
		if o.Code != "" {
			texts[i] += "/" + o.Code
		}
	}
	return strings.Join(texts, " ")
}

// answers builds a handler that gives one answer to everything.
func answers(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func open1(t *testing.T, d *Destination, mode destination.Mode) destination.Writer {
	t.Helper()
	w, err := d.Open(t.Context(), people(mode))
	if err != nil {
		t.Fatalf("Open(): %v", err)
	}
	return w
}

func parsed(text string) gjson.Result { return gjson.Parse(text) }
