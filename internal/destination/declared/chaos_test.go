package declared_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"exposync/internal/engine"
	"exposync/internal/ledger/local"
	"exposync/internal/plan"
	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// chaos is a service that does what services do on bad days. It keeps what it
// accepted, whether or not its answer says so.
type chaos struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	rand    *rand.Rand
	calm    bool
	records map[string]string
}

func newChaos(t *testing.T, seed uint64) *chaos {
	t.Helper()
	c := &chaos{t: t, rand: rand.New(rand.NewPCG(seed, 1)), records: map[string]string{}}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

// ServeHTTP takes a batch and answers in one of many ways.
func (c *chaos) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	mood := c.rand.IntN(12)
	if c.calm {
		mood = 0
	}
	w.Header().Set("Content-Type", "application/json")
	rows := gjson.GetBytes(body, "records").Array()
	switch mood {
	case 1:
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case 2:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case 3: // all or nothing: one bad record refuses the batch, nobody says which
		if slices.ContainsFunc(rows, bad) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			fmt.Fprint(w, `{"message":"validation failed"}`)
			return
		}
	}
	results := make([]string, len(rows))
	for i, row := range rows {
		results[i] = c.take(row, strings.HasSuffix(r.URL.Path, "/delete"))
	}
	c.answer(w, mood, results)
}

func bad(row gjson.Result) bool { return row.Get("name").Str == "bad" }

func (c *chaos) take(row gjson.Result, gone bool) string {
	switch {
	case gone:
		delete(c.records, row.Get("id").Str)
	case bad(row):
		return `{"ok":false,"code":"INVALID","message":"name must not be bad"}`
	default:
		c.records[row.Get("id").Str] = row.Get("name").Str
	}
	return `{"ok":true}`
}

// answer comes after the write.
func (c *chaos) answer(w http.ResponseWriter, mood int, results []string) {
	full := `{"results":[` + strings.Join(results, ",") + `]}`
	switch mood {
	case 4:
		hangUp(c.t, w)
	case 5:
		w.WriteHeader(http.StatusBadGateway)
	case 6:
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<h1>please sign in</h1>")
	case 7:
		w.Header().Set("Content-Length", strconv.Itoa(len(full)))
		fmt.Fprint(w, full[:len(full)/2])
		w.(http.Flusher).Flush()
		hangUp(c.t, w)
	case 8: // a result is lost
		fmt.Fprint(w, `{"results":[`+strings.Join(results[1:], ",")+`]}`)
	case 9:
		w.WriteHeader(http.StatusNoContent)
	case 10:
		fmt.Fprint(w, full[:len(full)-1])
	default:
		fmt.Fprint(w, full)
	}
}

// rows is a warehouse of one relation with the columns id and name.
type rows struct{ of map[string]string }

func (r *rows) Snapshot(context.Context) (warehouse.Snapshot, error) { return r, nil }

func (r *rows) Close() error { return nil }

func (r *rows) Columns(context.Context, string) ([]record.Column, error) {
	return []record.Column{{Name: "id", Kind: record.Text}, {Name: "name", Kind: record.Text}}, nil
}

func (r *rows) Rows(ctx context.Context, q warehouse.Query) iter.Seq2[record.Record, error] {
	return r.pick(q, func(string) bool { return true })
}

func (r *rows) Fetch(_ context.Context, q warehouse.Query, keys []record.Key) iter.Seq2[record.Record, error] {
	wanted := map[string]bool{}
	for _, k := range keys {
		wanted[string(k)] = true
	}
	return r.pick(q, func(id string) bool { return wanted[string(record.AppendKey(nil, textValue(id)))] })
}

func (r *rows) pick(q warehouse.Query, take func(string) bool) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		for id, name := range r.of {
			of := map[string]record.Value{"id": textValue(id), "name": textValue(name)}
			out := make(record.Record, len(q.Columns))
			for i, c := range q.Columns {
				out[i] = of[c]
			}
			if take(id) && !yield(out, nil) {
				return
			}
		}
	}
}

func textValue(s string) record.Value { return record.Value{Kind: record.Text, Data: []byte(s)} }

// Whatever a service does, the ledger and the service agree in the end: runs
// go on until nothing is due, everything good has arrived, everything gone is
// deleted, and a bad record has cost only itself.
func TestChaosLosesNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			c := newChaos(t, seed)
			store, err := local.Open(t.TempDir(), local.Options{Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			source := &rows{of: map[string]string{}}
			for i := range 300 {
				source.of[fmt.Sprintf("k%03d", i)] = fmt.Sprintf("name %d", i)
			}
			source.of["k007"], source.of["k123"] = "bad", "bad"
			e := &engine.Engine{
				Ledger: store, Spool: t.TempDir(), Now: time.Now, Rand: func() float64 { return 0 },
				Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
			}
			converge(t, e, c, source)
			for i := range 20 {
				delete(source.of, fmt.Sprintf("k%03d", 10+i))
				source.of[fmt.Sprintf("k%03d", 200+i)] = "renamed"
			}
			source.of["k007"] = "good now"
			converge(t, e, c, source)
		})
	}
}

// converge runs until a run leaves nothing undone. The last runs meet a calm
// service: six bad answers in a row end a run, as they should.
func converge(t *testing.T, e *engine.Engine, c *chaos, source *rows) {
	t.Helper()
	for n := range 30 {
		c.mu.Lock()
		c.calm = n > 20
		c.mu.Unlock()
		res := once(t, e, c, source)
		if !res.Counts.SentAddsUp() || !res.Counts.ReadAddsUp() {
			t.Fatalf("run %d does not add up: %+v", n, res.Counts)
		}
		if res.Counts.Changes() == 0 && len(res.Problems) == 0 {
			break
		}
	}
	wanted := maps.Clone(source.of)
	maps.DeleteFunc(wanted, func(_, name string) bool { return name == "bad" })
	c.mu.Lock()
	defer c.mu.Unlock()
	if diff := cmp.Diff(wanted, c.records); diff != "" {
		t.Fatalf("the service does not hold what the source has (-want +got):\n%s", diff)
	}
}

func once(t *testing.T, e *engine.Engine, c *chaos, source *rows) plan.Result {
	t.Helper()
	d := connect(t, c.URL, "limits: {rows: 20}")
	defer func() { _ = d.Close() }()
	guards := plan.DefaultGuards()
	guards.Deletes.Off, guards.Rows.Off = true, true
	p, err := e.Prepare(t.Context(), engine.Request{
		Job: plan.Job{
			ID: "people", Project: "shop", Connection: "crm", Object: "people", Mode: plan.Mirror,
			Source: plan.Source{Relation: "people"}, Guards: guards,
			Key: []plan.KeyField{{Field: "id", Column: "id"}}, Fields: []plan.Field{{Name: "name", Column: "name"}},
		},
		Warehouse: source, Destination: d, RunID: "run", First: plan.FirstSend,
	}, false)
	if err != nil {
		t.Fatalf("Prepare(): %v", err)
	}
	defer func() { _ = p.Close() }()
	if held := p.Plan.Held(); len(held) > 0 {
		t.Fatalf("held: %+v", held)
	}
	return e.Apply(t.Context(), make(chan struct{}), p)
}
