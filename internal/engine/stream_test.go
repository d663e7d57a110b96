package engine_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"exposync/internal/engine"
	"exposync/internal/plan"
	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// timed is a row of a relation with the columns id, name and at.
type timed struct {
	id, name string
	at       record.Value
}

// timeline is a warehouse with one such relation. It leaves out what a bound
// lets it leave out, or some of it.
type timeline struct {
	rows  []timed
	kind  record.Kind       // of the column at
	lazy  bool              // every other row below the bound comes all the same
	asked []warehouse.Query // what Rows was asked
	got   int               // rows that Fetch yielded
}

func (t *timeline) Snapshot(context.Context) (warehouse.Snapshot, error) {
	return &timelineSnapshot{t: t, rows: slices.Clone(t.rows)}, nil
}

func (t *timeline) Close() error { return nil }

type timelineSnapshot struct {
	t    *timeline
	rows []timed
}

func (s *timelineSnapshot) Columns(context.Context, string) ([]record.Column, error) {
	return []record.Column{{Name: "id", Kind: record.Text}, {Name: "name", Kind: record.Text}, {Name: "at", Kind: s.t.kind}}, nil
}

func (s *timelineSnapshot) Rows(_ context.Context, q warehouse.Query) iter.Seq2[record.Record, error] {
	s.t.asked = append(s.t.asked, q)
	return func(yield func(record.Record, error) bool) {
		for i, r := range s.rows {
			if q.Since.Column != "" && less(r.at, q.Since.From) && (!s.t.lazy || i%2 == 0) {
				continue
			}
			if !yield(s.cells(q.Columns, r), nil) {
				return
			}
		}
	}
}

func less(a, b record.Value) bool {
	order, ok := record.Compare(a, b)
	return ok && order < 0
}

func (s *timelineSnapshot) Fetch(_ context.Context, q warehouse.Query, keys []record.Key) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		for _, r := range s.rows {
			key := record.AppendKey(nil, text(r.id))
			if r.id == "" || !slices.ContainsFunc(keys, func(k record.Key) bool { return string(k) == string(key) }) {
				continue
			}
			if q.Since.Column != "" && less(r.at, q.Since.From) {
				continue // what a reader need not find
			}
			s.t.got++
			if !yield(s.cells(q.Columns, r), nil) {
				return
			}
		}
	}
}

func (s *timelineSnapshot) Close() error { return nil }

func (s *timelineSnapshot) cells(columns []string, r timed) record.Record {
	var out record.Record
	for _, c := range columns {
		switch c {
		case "id":
			out = append(out, text(r.id))
		case "name":
			out = append(out, text(r.name))
		default:
			out = append(out, r.at)
		}
	}
	return out
}

func at(n int) record.Value {
	return record.Value{Kind: record.Int, Data: strconv.AppendInt(nil, int64(n), 10)}
}

// stream is a world whose source is read in parts.
type stream struct {
	*world
	at      map[string]int
	silent  map[string]bool // changed without moving on, since all was read
	highest int             // that any record ever had
	now     time.Time
	last    plan.Plan
}

// run is one process from its start to its end, however that comes.
func (w *stream) run(req engine.Request) plan.Result {
	ctx, kill := context.WithCancel(context.Background())
	defer kill()
	stop := make(chan struct{})
	w.dest.stop, w.dest.kill = sync.OnceFunc(func() { close(stop) }), kill
	w.ledger.dieAt, w.ledger.held = 0, false
	e := &engine.Engine{
		Ledger: w.ledger, Spool: w.spool, Now: func() time.Time { return w.now }, Rand: func() float64 { return 0.5 },
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }, Log: slog.New(slog.DiscardHandler),
	}
	house := &timeline{kind: record.Int, lazy: true}
	for key, value := range w.source {
		house.rows = append(house.rows, timed{key, value, at(w.at[key])})
	}
	for _, r := range w.extra {
		house.rows = append(house.rows, timed{r[0], r[1], at(w.highest)})
	}
	req.Job, req.Warehouse, req.Destination = w.job, house, w.dest
	before := w.known()
	w.dest.deleted = nil
	p, err := e.Prepare(ctx, req, false)
	if err != nil {
		w.Fatal(err)
	}
	if w.last = p.Plan; w.last.Reading.Full {
		clear(w.silent)
	}
	if held := p.Plan.Held(); len(held) > 0 {
		w.Fatalf("held: %v", held)
	}
	res := e.Apply(ctx, stop, p)
	_ = p.Close()
	w.check(res, before)
	return res
}

// lost lists the records that did not arrive though they were due: in the
// end only what is in doubt, or was refused too often, may stand against one.
func (w *stream) lost() []string {
	var out []string
	known := w.known()
	for key, value := range w.source {
		m := known[key]
		switch s := m.Standing; {
		case w.silent[key], s != nil && s.State != record.Rejected:
		case s != nil:
			out = append(out, fmt.Sprintf("%s is still refused: %s", key, s.Code))
		case w.dest.records[key] != value, m.Confirmed() && m.RowHash != w.hashes(value)[len(w.names)-1]:
			out = append(out, fmt.Sprintf("%s=%s at %d, there %q", key, value, w.at[key], w.dest.records[key]))
		}
	}
	return out
}
