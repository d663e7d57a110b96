package engine_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"exposync/internal/destination"
	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/ledger/local"
	"exposync/internal/plan"
	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// table is a warehouse with one relation of the columns id and name.
type table struct {
	mu   sync.Mutex
	rows [][2]string // "" is null
	die  int         // rows after which reading fails; 0 never
	read int         // rows yielded by Rows
	got  int         // rows yielded by Fetch
	kind record.Kind // of the column id; Text if it is not said
	odd  bool        // a view that gives other values every time

	reading func(i int) bool // false ends the reading before row i, without an error
}

func (t *table) set(rows ...[2]string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = rows
}

func (t *table) Snapshot(context.Context) (warehouse.Snapshot, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return &tableSnapshot{t: t, rows: slices.Clone(t.rows)}, nil
}

func (t *table) Close() error { return nil }

type tableSnapshot struct {
	t    *table
	rows [][2]string
}

func (s *tableSnapshot) Columns(context.Context, string) ([]record.Column, error) {
	return []record.Column{{Name: "id", Kind: s.id("").Kind}, {Name: "name", Kind: record.Text}}, nil
}

// id is a cell of the column id.
func (s *tableSnapshot) id(data string) record.Value {
	if s.t.kind != record.Absent {
		return record.Value{Kind: s.t.kind, Data: []byte(data)}
	}
	return record.Value{Kind: record.Text, Data: []byte(data)}
}

func (s *tableSnapshot) Rows(_ context.Context, q warehouse.Query) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		for i, r := range s.rows {
			if s.t.die > 0 && i >= s.t.die {
				yield(nil, &fault.Fault{Code: "warehouse_read", Kind: fault.Unavailable, Msg: "the server is gone"})
				return
			}
			if s.t.reading != nil && !s.t.reading(i) {
				return
			}
			s.t.read++
			if !yield(s.cells(q.Columns, r), nil) {
				return
			}
		}
	}
}

func (s *tableSnapshot) Fetch(_ context.Context, q warehouse.Query, keys []record.Key) iter.Seq2[record.Record, error] {
	wanted := map[string]bool{}
	for _, k := range keys {
		wanted[string(k)] = true
	}
	return func(yield func(record.Record, error) bool) {
		for _, r := range s.rows {
			if r[0] == "" || !wanted[string(record.AppendKey(nil, s.id(r[0])))] {
				continue
			}
			s.t.got++
			if s.t.odd {
				r[1] += " again"
			}
			if !yield(s.cells(q.Columns, r), nil) {
				return
			}
		}
	}
}

func (s *tableSnapshot) Close() error { return nil }

func (s *tableSnapshot) cells(columns []string, r [2]string) record.Record {
	var out record.Record
	for _, c := range columns {
		switch {
		case c == "name":
			out = append(out, text(r[1]))
		case r[0] == "":
			out = append(out, text(""))
		default:
			out = append(out, s.id(r[0]))
		}
	}
	return out
}

func text(s string) record.Value {
	if s == "" {
		return record.Value{Kind: record.Null}
	}
	return record.Value{Kind: record.Text, Data: []byte(s)}
}

// crm is a destination in memory. answer, if set, decides the outcome of a
// change before anything is stored.
type crm struct {
	mu      sync.Mutex
	account string
	records map[string]string
	traits  destination.Traits
	answer  func(call int, batch []record.Change) []destination.Outcome // nil: store everything
	calling func(ctx context.Context)                                   // is told of every call before anything else
	calls   int
	sent    []string

	constant string // of a second field, if there is one
}

func newCRM() *crm {
	return &crm{account: "acme", records: map[string]string{}, traits: destination.Traits{Rows: 10, Concurrency: 4, Idempotent: true, Deletes: true}}
}

func (c *crm) Account(context.Context) (string, error) { return c.account, nil }

func (c *crm) Open(context.Context, destination.Target) (destination.Writer, error) {
	return &crmWriter{c}, nil
}

func (c *crm) Close() error { return nil }

func (c *crm) Read(_ context.Context, _ destination.Target, keys []record.Key) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		for _, k := range keys {
			vals, err := k.Values()
			if err != nil {
				yield(nil, err)
				return
			}
			c.mu.Lock()
			name, ok := c.records[string(vals[0].Data)]
			c.mu.Unlock()
			held := record.Record{vals[0], text(name)}
			if c.constant != "" {
				held = append(held, text(c.constant))
			}
			if ok && !yield(held, nil) {
				return
			}
		}
	}
}

type crmWriter struct{ *crm }

func (w *crmWriter) Traits() destination.Traits { return w.traits }

func (w *crmWriter) Close() error { return nil }

func (w *crmWriter) Write(ctx context.Context, batch []record.Change) []destination.Outcome {
	if w.calling != nil {
		w.calling(ctx)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if w.answer != nil {
		if out := w.answer(w.calls, batch); out != nil {
			return out
		}
	}
	return w.store(batch)
}

func (c *crm) store(batch []record.Change) []destination.Outcome {
	for _, ch := range batch {
		c.put(ch)
	}
	return destination.All(len(batch), destination.Outcome{State: destination.OK})
}

func (c *crm) put(ch record.Change) {
	key := string(ch.KeyVals[0].Data)
	c.sent = append(c.sent, fmt.Sprintf("%s %s", ch.Op, key))
	if ch.Op == record.Delete {
		delete(c.records, key)
		return
	}
	c.records[key] = string(ch.Values[0].Data)
}

// bench is an engine with a table, a crm and a ledger that lasts.
type bench struct {
	*testing.T
	dir   string
	mem   *memory // the ledger, if it is not the one in dir
	open  func() (ledger.Ledger, error)
	table *table
	house *timeline // instead of table, if there is one
	crm   *crm
	dest  destination.Destination // of samples, if it is not crm
	job   plan.Job
	req   engine.Request
	now   time.Time
	waits []time.Duration
	wait  func(ctx context.Context) error // nil: no time passes
	stop  chan struct{}
}

func setup(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, dir: t.TempDir(), table: &table{}, crm: newCRM(), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), stop: make(chan struct{})}
	b.job = plan.Job{
		ID: "contacts", Exposure: "exposure.shop.contacts", Project: "shop", Target: "prod",
		Source:     plan.Source{Node: "model.shop.export_contacts", Name: "export_contacts", Relation: `"export_contacts"`},
		Connection: "crm", Type: "fake", Object: "contacts", Mode: plan.Upsert,
		Key: []plan.KeyField{{Field: "external_id", Column: "id"}}, Fields: []plan.Field{{Name: "name", Column: "name"}},
		Guards: plan.DefaultGuards(), MaxRejected: plan.Limit{Share: 0.01},
	}
	return b
}

func (b *bench) engine() (*engine.Engine, func()) {
	b.Helper()
	var l ledger.Ledger = b.mem
	if b.mem == nil {
		open := b.open
		if open == nil {
			open = func() (ledger.Ledger, error) { return local.Open(b.dir, local.Options{}) }
		}
		var err error
		if l, err = open(); err != nil {
			b.Fatal(err)
		}
	} else {
		b.mem.held = false // a process that died holds nothing
	}
	var mu sync.Mutex
	return &engine.Engine{
		Ledger: l, Spool: b.TempDir(), Now: func() time.Time { return b.now }, Rand: func() float64 { return 0.5 },
		Wait: func(ctx context.Context, d time.Duration) error {
			mu.Lock()
			b.waits = append(b.waits, d)
			mu.Unlock()
			if b.wait != nil {
				return b.wait(ctx)
			}
			return ctx.Err()
		},
	}, func() { _ = l.Close() }
}

func (b *bench) request() engine.Request {
	req := b.req
	req.Job, req.Warehouse, req.Destination, req.RunID = b.job, b.table, b.crm, "run"
	if b.house != nil {
		req.Warehouse = b.house
	}
	return req
}

// prepare plans without applying.
func (b *bench) plan() plan.Plan {
	b.Helper()
	e, done := b.engine()
	defer done()
	p, err := e.Prepare(b.Context(), b.request(), true)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	return p.Plan
}

// run plans and applies, and checks that the counts add up.
func (b *bench) run() plan.Result {
	b.Helper()
	res, err := b.try(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if !res.Counts.ReadAddsUp() || !res.Counts.SentAddsUp() {
		b.Errorf("counts do not add up: %+v", res.Counts)
	}
	return res
}

func (b *bench) try(ctx context.Context) (plan.Result, error) {
	b.Helper()
	e, done := b.engine()
	defer done()
	p, err := e.Prepare(ctx, b.request(), false)
	if err != nil {
		return plan.Result{}, err
	}
	res := e.Apply(ctx, b.stop, p)
	return res, errors.Join(p.Close(), nil)
}

func codes(p plan.Plan) []string {
	var out []string
	for _, h := range p.Held() {
		out = append(out, h.Code)
	}
	return out
}

func contacts(n int) [][2]string {
	rows := make([][2]string, n)
	for i := range rows {
		rows[i] = [2]string{fmt.Sprintf("k%04d", i), fmt.Sprintf("name %d", i)}
	}
	return rows
}
