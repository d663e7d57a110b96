package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"exposync/internal/destination"
	"exposync/internal/engine"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// wide is a warehouse of n rows with eight columns; every changed-th row is
// another one than in the marks.
type wide struct {
	n, changed int
	round      byte
}

func (w *wide) Snapshot(context.Context) (warehouse.Snapshot, error) { return &wideSnapshot{w: w}, nil }

func (w *wide) Close() error { return nil }

type wideSnapshot struct {
	w   *wide
	buf []byte
	row record.Record
}

func (s *wideSnapshot) Columns(context.Context, string) ([]record.Column, error) {
	columns := []record.Column{{Name: "id", Kind: record.Int}}
	for i := range 7 {
		columns = append(columns, record.Column{Name: fmt.Sprint("c", i), Kind: record.Text})
	}
	return columns, nil
}

// at makes row i; key first, as the columns are asked for.
func (s *wideSnapshot) at(i int) record.Record {
	s.buf = fmt.Appendf(s.buf[:0], "%08d value of a column that is not short", i)
	s.row = append(s.row[:0], record.Value{Kind: record.Int, Data: s.buf[:8]})
	for range 6 {
		s.row = append(s.row, record.Value{Kind: record.Text, Data: s.buf})
	}
	version := []byte{'0'}
	if s.w.changed > 0 && i%s.w.changed == 0 {
		version = []byte{s.w.round}
	}
	s.row = append(s.row, record.Value{Kind: record.Text, Data: version})
	return s.row
}

func (s *wideSnapshot) Rows(context.Context, warehouse.Query) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		for i := range s.w.n {
			if !yield(s.at(i), nil) {
				return
			}
		}
	}
}

func (s *wideSnapshot) Fetch(_ context.Context, _ warehouse.Query, keys []record.Key) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		var vals record.Record
		for _, k := range keys {
			vals, _ = k.AppendValues(vals[:0])
			i := 0
			for _, c := range vals[0].Data {
				i = i*10 + int(c-'0')
			}
			if !yield(s.at(i), nil) {
				return
			}
		}
	}
}

func (s *wideSnapshot) Close() error { return nil }

// sink takes everything.
type sink struct{ records atomic.Int64 }

func (s *sink) Account(context.Context) (string, error) { return "sink", nil }

func (s *sink) Open(context.Context, destination.Target) (destination.Writer, error) { return s, nil }

func (s *sink) Traits() destination.Traits {
	return destination.Traits{Rows: 1000, Concurrency: 2, Idempotent: true, Deletes: true}
}

func (s *sink) Write(_ context.Context, batch []record.Change) []destination.Outcome {
	s.records.Add(int64(len(batch)))
	return destination.All(len(batch), destination.Outcome{State: destination.OK})
}

func (s *sink) Close() error { return nil }

// sorted is a ledger of marks that cost nothing to read, and that forgets what
// is written to it.
type sorted struct {
	*memory
	parts [ledger.Partitions][]record.Mark
}

func (s *sorted) Open(ctx context.Context, id plan.SyncID, target string) (ledger.Sync, error) {
	y, err := s.memory.Open(ctx, id, target)
	return &sortedSync{Sync: y, s: s}, err
}

type sortedSync struct {
	ledger.Sync
	s *sorted
}

func (y *sortedSync) Marks(_ context.Context, part int) iter.Seq2[record.Mark, error] {
	return func(yield func(record.Mark, error) bool) {
		for _, m := range y.s.parts[part] {
			if !yield(m, nil) {
				return
			}
		}
	}
}

func (y *sortedSync) Append(context.Context, ...ledger.Entry) error { return nil }

func (y *sortedSync) Fold(context.Context, ledger.Header) error { return nil }

func wideJob() plan.Job {
	job := plan.Job{ID: "wide", Object: "wide", Mode: plan.Mirror, Key: []plan.KeyField{{Field: "id", Column: "id"}}, AllFields: true}
	off := plan.Limit{Off: true}
	job.Guards = plan.Guards{Deletes: off, Creates: off, Rows: off, Keys: off}
	return job
}

func wideEngine(l ledger.Ledger, spool string) *engine.Engine {
	return &engine.Engine{Ledger: l, Spool: spool, Now: fixed, Rand: func() float64 { return 0 }, Wait: func(context.Context, time.Duration) error { return nil }}
}

// marked runs once, so that every row of w has a mark.
func marked(tb testing.TB, w *wide) *sorted {
	tb.Helper()
	l := &sorted{memory: newMemory()}
	once(tb, l.memory, w, &sink{})
	for key, m := range l.marks {
		l.parts[key[0]] = append(l.parts[key[0]], m)
	}
	l.marks = nil
	for _, p := range l.parts {
		slices.SortFunc(p, func(a, b record.Mark) int { return bytes.Compare(a.KeyHash[:], b.KeyHash[:]) })
	}
	return l
}

func once(tb testing.TB, l ledger.Ledger, w *wide, dest destination.Destination) {
	tb.Helper()
	e := wideEngine(l, tb.TempDir())
	p, err := e.Prepare(tb.Context(), engine.Request{Job: wideJob(), Warehouse: w, Destination: dest}, false)
	if err != nil {
		tb.Fatal(err)
	}
	res := e.Apply(tb.Context(), make(chan struct{}), p)
	if err := p.Close(); err != nil || res.Status != plan.Success {
		tb.Fatalf("%v %s %v", err, res.Status, res.Problems)
	}
}

// BenchmarkRows is the way of every row: scan, hash, spill, compare with
// 200 000 marks, and send what differs.
func BenchmarkRows(b *testing.B) {
	const rows = 200_000
	for _, bb := range []struct {
		name    string
		changed int
	}{{"unchanged", 0}, {"1 in 100 changed", 100}, {"all changed", 1}} {
		b.Run(bb.name, func(b *testing.B) {
			w := &wide{n: rows, changed: bb.changed, round: '0'}
			l := marked(b, w)
			w.round = '1'
			b.ReportAllocs()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for b.Loop() {
				once(b, l, w, &sink{})
			}
			runtime.ReadMemStats(&after)
			n := float64(b.N) * rows
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/n, "allocs/row")
			b.ReportMetric(b.Elapsed().Seconds()*1e9/n, "ns/row")
		})
	}
}

// Memory does not grow with the rows: ten times as many, sent whole or looked
// through, keep within the same bounds.
func TestMemoryIsBounded(t *testing.T) { //nolint:paralleltest // it measures the process
	if testing.Short() {
		t.Skip("a million rows")
	}
	w := &wide{n: 400_000}
	l := &thrifty{memory: newMemory()}
	e := wideEngine(l, t.TempDir())
	peak := watchHeap(t)
	p, err := e.Prepare(t.Context(), engine.Request{Job: wideJob(), Warehouse: w, Destination: &sink{}}, false)
	if err != nil {
		t.Fatal(err)
	}
	res := e.Apply(t.Context(), make(chan struct{}), p)
	if err := p.Close(); err != nil || res.Counts.OK != 400_000 {
		t.Fatalf("%v %+v %v", err, res.Counts, res.Problems)
	}
	const limit = 96 << 20 // the rows alone are 120 MB
	if grown := peak(); grown > limit {
		t.Errorf("the heap grew by %d MB", grown>>20)
	} else {
		t.Logf("the heap grew by %d MB", grown>>20)
	}
}

// thrifty is a ledger that forgets at once.
type thrifty struct{ *memory }

func (m *thrifty) Open(ctx context.Context, id plan.SyncID, target string) (ledger.Sync, error) {
	y, err := m.memory.Open(ctx, id, target)
	return &thriftySync{y}, err
}

type thriftySync struct{ ledger.Sync }

func (thriftySync) Append(context.Context, ...ledger.Entry) error { return nil }

// watchHeap looks at the heap until the returned function is called, which
// gives how far it grew.
func watchHeap(t *testing.T) (peak func() uint64) {
	t.Helper()
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	runtime.GC()
	start, most := heap(), uint64(0)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, heap())
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
	return func() uint64 {
		close(stop)
		<-done
		return most - min(start, most)
	}
}
