package engine_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// bulk is a destination that takes batches as jobs. What a job does with its
// records it does when it ends.
type bulk struct {
	*crm
	jobs    map[string]*bulkJob
	next    int
	running bool // no job ends
	dies    bool // the process does, after the job's id was kept and its records are there
	refuses map[string]bool
	// recall replaces what ended jobs say of their records.
	recall func(yield func(destination.Recalled, error) bool)
}

type bulkJob struct {
	batch []record.Change
	done  map[string]destination.Outcome
	lost  bool
}

var errDied = errors.New("the process died")

func newBulk(c *crm) *bulk {
	c.traits.Jobs = true
	return &bulk{crm: c, jobs: map[string]*bulkJob{}, refuses: map[string]bool{}}
}

func (b *bulk) Open(context.Context, destination.Target) (destination.Writer, error) {
	return &bulkWriter{crmWriter{b.crm}, b}, nil
}

type bulkWriter struct {
	crmWriter
	b *bulk
}

func (w *bulkWriter) Submit(_ context.Context, batch []record.Change, keep func(string) error) (string, []destination.Outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.b.next++
	id := "bulk:" + strconv.Itoa(w.b.next)
	if keep(id) != nil {
		return "", destination.All(len(batch), destination.Outcome{State: destination.NotSent})
	}
	j := &bulkJob{}
	for _, ch := range batch {
		ch.Key, ch.KeyVals, ch.Values = slices.Clone(ch.Key), ch.KeyVals.Clone(), ch.Values.Clone()
		j.batch = append(j.batch, ch)
	}
	w.b.jobs[id] = j
	return id, destination.All(len(batch), destination.Outcome{State: destination.Pending})
}

func (w *bulkWriter) Poll(_ context.Context, id string) (destination.Progress, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	j := w.b.jobs[id]
	switch {
	case w.b.dies:
		return destination.Progress{}, errDied
	case w.b.running:
		return destination.Progress{GiveUp: 1}, nil
	case j == nil || j.lost:
		return destination.Progress{Ended: true, Lost: true}, nil
	case j.done != nil:
		return destination.Progress{Ended: true}, nil
	}
	j.done = map[string]destination.Outcome{}
	for _, ch := range j.batch {
		if w.b.refuses[string(ch.KeyVals[0].Data)] {
			j.done[string(ch.Key)] = destination.Outcome{State: destination.Rejected, Code: "bad"}
			continue
		}
		w.put(ch)
		j.done[string(ch.Key)] = destination.Outcome{State: destination.OK, RemoteID: "r-" + string(ch.KeyVals[0].Data)}
	}
	return destination.Progress{Ended: true}, nil
}

func (w *bulkWriter) Results(_ context.Context, id string, batch []record.Change) ([]destination.Outcome, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]destination.Outcome, len(batch))
	for i, ch := range batch {
		out[i] = w.b.jobs[id].done[string(ch.Key)]
	}
	return out, nil
}

func (w *bulkWriter) Recall(_ context.Context, id string) iter.Seq2[destination.Recalled, error] {
	if w.b.recall != nil {
		return w.b.recall
	}
	return func(yield func(destination.Recalled, error) bool) {
		for _, ch := range w.b.jobs[id].batch {
			if !yield(destination.Recalled{Key: ch.Key, Outcome: w.b.jobs[id].done[string(ch.Key)]}, nil) {
				return
			}
		}
	}
}

// setupBulk is a bench whose destination takes batches as jobs.
func setupBulk(t *testing.T) (*bench, *bulk) {
	t.Helper()
	b := setupMemory(t)
	b.crm.traits.Rows = 1000
	d := newBulk(b.crm)
	b.dest = d
	return b, d
}

func (b *bench) bulkRequest() engine.Request {
	req := b.request()
	req.Destination = b.dest
	return req
}

// bulkRun is a run against the destination of jobs; err is why there is no
// plan.
func (b *bench) bulkRun() (plan.Result, error) {
	b.Helper()
	e, done := b.engine()
	defer done()
	p, err := e.Prepare(b.Context(), b.bulkRequest(), false)
	if err != nil {
		return plan.Result{}, err
	}
	defer func() { _ = p.Close() }()
	res := e.Apply(b.Context(), b.stop, p)
	if !res.Counts.ReadAddsUp() || !res.Counts.SentAddsUp() {
		b.Errorf("counts do not add up: %+v", res.Counts)
	}
	return res, nil
}

// abandon leaves a job behind, of which nothing is known but its id.
func (b *bench) abandon(d *bulk) {
	b.Helper()
	d.dies = true
	if res, err := b.bulkRun(); err != nil || res.Counts.InDoubt == 0 || res.Counts.OK > 0 {
		b.Fatalf("%v %+v", err, res.Counts)
	}
	d.dies = false
}

func TestAJobLeftBehindIsAskedAndNotStartedAgain(t *testing.T) {
	t.Parallel()
	b, d := setupBulk(t)
	b.table.set(contacts(300)...)
	d.refuses["k0007"] = true
	b.abandon(d)
	res, err := b.bulkRun()
	if err != nil || len(d.jobs) != 1 || res.Counts.Unchanged != 299 || res.Counts.HeldBack != 1 || res.Counts.Changes() != 0 {
		t.Fatalf("%v, %d jobs, %+v", err, len(d.jobs), res.Counts)
	}
	if len(b.crm.records) != 299 || len(b.mem.header.Jobs) != 0 {
		t.Errorf("%d records, open %v", len(b.crm.records), b.mem.header.Jobs)
	}
	if res, err = b.bulkRun(); err != nil || res.Counts.Changes() != 0 || len(d.jobs) != 1 {
		t.Errorf("again: %v %+v", err, res.Counts)
	}
}

// Whoever sends a record while a job with it is open could not tell its own
// doubt from the job's: nothing is sent until the job has ended.
func TestNothingIsSentWhileAJobIsOpen(t *testing.T) {
	t.Parallel()
	b, d := setupBulk(t)
	b.table.set(contacts(20)...)
	b.abandon(d)
	d.running = true
	b.table.set([2]string{"k0001", "newer"})
	if _, err := b.bulkRun(); !fault.Is(err, "job_open") {
		t.Errorf("run: %v", err)
	}
	if err := b.bulkOne("k0001"); !fault.Is(err, "job_open") || b.crm.calls > 0 || len(d.jobs) != 1 {
		t.Errorf("one: %v, %d calls, %d jobs", err, b.crm.calls, len(d.jobs))
	}
}

func (b *bench) bulkOne(key string) error {
	b.Helper()
	e, done := b.engine()
	defer done()
	_, err := e.One(b.Context(), b.stop, engine.OneRequest{Request: b.bulkRequest(), Keys: []string{key}, Send: true})
	return err
}

// One record that is sent after a job, and of which no answer came back, is
// not confirmed by what that job says of its older values.
func TestAJobConfirmsNothingThatWasSentAfterIt(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"directly", "as a job"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b, d := setupBulk(t)
			b.table.set(contacts(20)...)
			b.abandon(d)
			b.table.set(append(contacts(20)[1:], [2]string{"k0000", "newer"})...)
			if kind == "directly" { // the way for few records
				b.crm.traits.Jobs = false
				b.mem.dieAt = b.mem.appends + 5 // settled, ended, open, announced: then it dies
				b.crm.answer = func(int, []record.Change) []destination.Outcome {
					b.mem.dieAt = b.mem.appends
					return destination.All(1, destination.Outcome{State: destination.InDoubt})
				}
				if err := b.bulkOne("k0000"); err != nil && !errors.Is(err, errDisk) {
					t.Fatal(err)
				}
				b.crm.traits.Jobs, b.mem.dieAt, b.crm.answer = true, 0, nil
			} else {
				d.jobs["bulk:1"].done = nil
				if err := b.bulkOne("k0000"); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				if _, err := b.bulkRun(); err != nil {
					t.Fatal(err)
				}
			}
			b.holds("k0000", "newer")
			if res, err := b.bulkRun(); err != nil || res.Counts.Unchanged != 20 || res.Counts.Changes() != 0 {
				t.Errorf("%v %+v", err, res.Counts)
			}
		})
	}
}

// A job that says two things of a record has said nothing.
func TestAJobThatContradictsItself(t *testing.T) {
	t.Parallel()
	b, d := setupBulk(t)
	b.table.set(contacts(3)...)
	b.abandon(d)
	d.recall = func(yield func(destination.Recalled, error) bool) {
		for _, o := range []destination.State{destination.OK, destination.Rejected, destination.OK} {
			for _, ch := range d.jobs["bulk:1"].batch {
				o := o
				switch string(ch.KeyVals[0].Data) {
				case "k0001":
					o = destination.OK
				case "k0002":
					continue
				}
				if !yield(destination.Recalled{Key: ch.Key, Outcome: destination.Outcome{State: o}}, nil) {
					return
				}
			}
		}
	}
	res, err := b.bulkRun()
	if err != nil || res.Counts.Create != 2 || res.Counts.Unchanged != 1 || res.Counts.OK != 2 || res.Counts.Standing != 0 {
		t.Errorf("%v %+v", err, res.Counts)
	}
}

// A record whose older values were in doubt is refused by a job that was left
// behind: nobody knows what it has, so that a source that goes back is sent.
func TestARecalledRefusalKeepsTheDoubt(t *testing.T) {
	t.Parallel()
	b, d := setupBulk(t)
	b.table.set([2]string{"k", "old"})
	if _, err := b.bulkRun(); err != nil {
		t.Fatal(err)
	}
	b.table.set([2]string{"k", "new"})
	b.abandon(d)
	b.crm.records["k"] = "new" // it wrote that, and then lost its results
	d.jobs["bulk:2"].done = map[string]destination.Outcome{}
	b.table.set([2]string{"k", "bad"})
	d.refuses["k"] = true
	b.abandonAfter(d)
	b.table.set([2]string{"k", "old"})
	e, done := b.engine()
	p, err := e.Prepare(b.Context(), b.bulkRequest(), true) // a look asks no job
	if err != nil || len(p.Plan.Notes) == 0 {
		t.Errorf("%v %v", err, p.Plan.Notes)
	}
	_ = p.Close()
	done()
	d.jobs["bulk:3"].done = map[string]destination.Outcome{string(d.jobs["bulk:3"].batch[0].Key): {State: destination.Rejected, Code: "bad"}}
	d.refuses = map[string]bool{}
	if _, err := b.bulkRun(); err != nil {
		t.Fatal(err)
	}
	b.holds("k", "old")
}

// abandonAfter is a run that asks an open job and leaves the next one behind.
func (b *bench) abandonAfter(d *bulk) {
	b.Helper()
	d.dies = false
	e, done := b.engine()
	defer done()
	p, err := e.Prepare(b.Context(), b.bulkRequest(), false)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	d.dies = true
	e.Apply(b.Context(), b.stop, p)
	d.dies = false
}

// What a job says is not kept in memory, however many records it names.
func TestRecallIsBounded(t *testing.T) { //nolint:paralleltest // it measures memory
	const named = 400_000
	b, d := setupBulk(t)
	b.table.set(contacts(3)...)
	b.abandon(d)
	var before, most uint64
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before = heap()
	d.recall = func(yield func(destination.Recalled, error) bool) {
		for i := range named {
			key := record.AppendKey(nil, text(fmt.Sprintf("key %d of somebody", i)))
			o := destination.Outcome{State: destination.Rejected, Code: "SOME_CODE", Message: fmt.Sprintf("the reason of record %d", i)}
			if !yield(destination.Recalled{Key: key, Outcome: o}, nil) {
				return
			}
			if i%100_000 == 0 || i == named-1 {
				most = max(most, heap())
			}
		}
	}
	res, err := b.bulkRun()
	if err != nil || res.Counts.OK != 3 {
		t.Fatalf("%v %+v", err, res.Counts)
	}
	if grown := int64(most) - int64(before); grown > 48<<20 {
		t.Errorf("%d MB for the words about %d records", grown>>20, named)
	} else {
		t.Logf("%d KB for the words about %d records", grown>>10, named)
	}
}
