package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// combined is a stream whose sync is renamed, amended, planned beforehand and
// killed, in whatever order.
type combined struct {
	*stream
	shelf *shelf
	next  int // number of the next event, and of the next name

	stopped chan struct{}
}

func newCombined(t *rapid.T, spool string) *combined {
	w := &combined{stream: newStream(t, spool, rapid.Bool().Draw(t, "idempotent")), shelf: newShelf()}
	w.dest.settles = rapid.IntRange(0, 5).Draw(t, "settles") == 0
	w.job.Owned = rapid.SampledFrom([]plan.Owned{plan.OwnedConfirmed, plan.OwnedAll}).Draw(t, "owned")
	w.job.OnInDoubt = rapid.SampledFrom([]plan.OnInDoubt{plan.HoldInDoubt, plan.Resend, plan.AssumeSent}).Draw(t, "in doubt")
	w.resent = w.job.OnInDoubt == plan.Resend
	if w.job.Incremental.Forget = rapid.Bool().Draw(t, "events"); w.job.Incremental.Forget {
		w.job.Mode = plan.Append
		return w
	}
	w.job.Mode = rapid.SampledFrom([]plan.Mode{plan.Upsert, plan.Mirror}).Draw(t, "mode")
	w.job.Incremental.FullRead = 48 * time.Hour
	return w
}

// edit changes the source: events only ever come, records also go.
func (w *combined) edit() {
	for range rapid.IntRange(0, 6).Draw(w.T, "edits") {
		if w.job.Incremental.Forget {
			w.put(fmt.Sprint("e", w.next), "1")
			w.next++
			continue
		}
		key := rapid.StringMatching("[a-j]").Draw(w.T, "key")
		if rapid.IntRange(0, 4).Draw(w.T, "gone") == 0 {
			delete(w.source, key)
			continue
		}
		w.put(key, rapid.SampledFrom([]string{"1", "2", "3"}).Draw(w.T, "value"))
	}
}

// rename gives the job another name; only the last one is still known as its
// former name when the marks were taken over.
func (w *combined) rename() {
	w.next++
	w.job.Was = append([]string{w.job.ID}, w.job.Was...)
	w.job.ID = fmt.Sprint("name ", w.next)
}

// process begins a new process, which may be one that dies at some write.
func (w *combined) process(mortal bool) (*engine.Engine, func()) {
	w.shelf.revive()
	w.ledger = w.shelf.of(w.job.ID)
	w.dest.ledger, w.dest.staged, w.dest.deleted = w.ledger, nil, nil
	if mortal && rapid.IntRange(0, 3).Draw(w.T, "dies") == 0 {
		w.dest.died = true
		w.ledger.dieAt = w.ledger.appends + rapid.IntRange(1, 4).Draw(w.T, "at")
	}
	stop := make(chan struct{})
	w.stopped = stop
	w.dest.stop = sync.OnceFunc(func() { close(stop) })
	return &engine.Engine{
		Ledger: w.shelf, Spool: w.spool, Now: func() time.Time { return w.now }, Rand: func() float64 { return 0.5 },
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }, Log: slog.New(slog.DiscardHandler),
	}, w.shelf.revive
}

func (w *combined) house() *timeline {
	house := &timeline{kind: record.Int, lazy: true}
	for key, value := range w.source {
		house.rows = append(house.rows, timed{key, value, at(w.at[key])})
	}
	for _, r := range w.extra {
		house.rows = append(house.rows, timed{r[0], r[1], at(w.highest)})
	}
	return house
}

// look asks what is known now, by whatever name.
func (w *combined) look() map[string]record.Mark {
	w.ledger = w.shelf.newest(w.job)
	return w.known()
}

// tolerate lets a process die of its disk, and of nothing else.
func (w *combined) tolerate(err error) {
	if err != nil && !errors.Is(err, errDisk) && !errors.Is(err, context.Canceled) && !fault.Is(err, "ledger_incomplete") {
		w.Fatal(err)
	}
}

func (w *combined) amend(word engine.Amendment) {
	e, done := w.process(true)
	defer done()
	id := plan.SyncID{Project: "shop", Job: w.job.ID, Connection: "crm", Account: "acme", Object: "contacts", Key: []string{"external_id"}}
	_, err := e.Amend(context.Background(), id, "prod", word, engine.Which{}, false)
	w.tolerate(err)
	w.resent = w.resent || word == engine.SendAgain
	w.settled = w.settled || word == engine.CountSent
}

func (w *combined) one() {
	for key := range w.source {
		if m, known := w.look()[key]; w.job.Incremental.Forget && (!known || m.Confirmed()) {
			continue // nobody could tell whether it was sent before
		}
		e, done := w.process(true)
		defer done()
		w.dest.kill = func() {}
		one, err := e.One(context.Background(), w.stopped, engine.OneRequest{Request: w.request(), Keys: []string{key}, Send: true})
		if !fault.Is(err, "in_doubt") {
			w.tolerate(err)
		}
		if err == nil && one.Sent && !one.Result.Counts.SentAddsUp() {
			w.Fatalf("%+v", one.Result.Counts)
		}
		return
	}
}

func (w *combined) request() engine.Request {
	return engine.Request{Job: w.job, Warehouse: w.house(), Destination: w.dest, First: plan.FirstSend}
}

// prepare plans at once, or saves a plan and takes it up again.
func (w *combined) prepare(ctx context.Context, e *engine.Engine, req engine.Request) (*engine.Prepared, error) {
	way := rapid.SampledFrom([]string{"", "", "full", "hashes"}).Draw(w.T, "saved")
	if way == "" {
		return e.Prepare(ctx, req, false)
	}
	p, err := e.Prepare(ctx, req, true)
	if err != nil {
		return nil, err
	}
	saved := p.Plan
	var rows bytes.Buffer
	digest, err := p.SaveRows(&rows, way == "full")
	if err = errors.Join(err, p.Close()); err != nil {
		return nil, err
	}
	if way == "full" {
		return e.Restore(ctx, req, saved, &rows, digest)
	}
	return e.Repeat(ctx, req, saved)
}

// run is one process from its start to its end, however that comes.
func (w *combined) run(req engine.Request, mortal bool) (res plan.Result, ended bool) {
	before := w.look()
	e, done := w.process(mortal)
	defer done()
	ctx, kill := context.WithCancel(context.Background())
	defer kill()
	w.dest.kill = kill
	p, err := w.prepare(ctx, e, req)
	if err != nil {
		w.tolerate(err)
		return res, false
	}
	defer func() { _ = p.Close() }()
	w.last = p.Plan
	for _, h := range p.Plan.Held() {
		if h.Code != "window_reread" || !w.job.Incremental.Forget || req.FullRead == "" {
			w.Fatalf("held: %v", h)
		}
	}
	if p.Plan.FirstRun && len(before) > 0 && w.ledger.header.First == "" {
		w.Fatal("a sync that is known has a first run again")
	}
	res = e.Apply(ctx, w.stopped, p)
	_ = p.Close()
	if w.ledger = w.shelf.newest(w.job); !p.Plan.Reading.Full && len(w.dest.deleted) > 0 {
		w.Fatalf("%v were deleted after a part was read", w.dest.deleted)
	}
	w.check(res, before)
	return res, true
}

// before is what a person does between two runs.
func (w *combined) before() {
	switch rapid.IntRange(0, 7).Draw(w.T, "before") {
	case 0:
		w.amend(engine.Release)
	case 1:
		w.amend(engine.SendAgain)
	case 2:
		w.amend(engine.CountSent)
	case 3:
		w.one()
	case 4, 5:
		w.rename()
	}
}

// Readings of parts, second chances, names, saved plans and crashes in one:
// nothing is lost, doubled or deleted by mistake, and in the end what the
// ledger says is what the destination holds.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	spool := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		w := newCombined(t, spool)
		for range rapid.IntRange(1, 8).Draw(t, "runs") {
			w.edit()
			w.trouble()
			w.before()
			req := w.request()
			req.First = rapid.SampledFrom([]plan.First{plan.FirstSend, plan.FirstCompare}).Draw(t, "first")
			req.Retry, req.Quarantined = rapid.Bool().Draw(t, "retry"), rapid.Bool().Draw(t, "quarantined")
			if rapid.IntRange(0, 5).Draw(t, "full refresh") == 0 {
				req.FullRead = "somebody asked for it"
			}
			w.run(req, true)
		}
		w.dest.faults, w.dest.poison, w.extra = 0, nil, nil
		all := func() (res plan.Result) {
			req := w.request()
			req.Retry, req.Quarantined = true, true
			if !w.job.Incremental.Forget {
				req.FullRead = "the end"
			}
			res, ended := w.run(req, false)
			if !ended {
				t.Fatal("the last runs have no excuse")
			}
			return res
		}
		all() // takes over what a former name knew
		for range 3 {
			e, done := w.process(false)
			_, err := e.Amend(context.Background(), w.last.Sync, "prod", engine.SendAgain, engine.Which{}, false)
			if done(); err != nil {
				t.Fatal(err)
			}
			w.resent = true
			all()
		}
		w.look()
		if lost := w.lost(); len(lost) > 0 && !w.assumes() {
			t.Fatalf("lost: %v", lost)
		}
		for key, m := range w.known() {
			if m.Standing != nil {
				t.Fatalf("%q still has %+v", key, *m.Standing)
			}
		}
		if !w.assumes() && !w.job.Incremental.Forget {
			w.compare()
		}
		calls := w.dest.calls
		if res := all(); w.dest.calls != calls || res.Counts.Changes() != 0 {
			t.Fatalf("an unchanged run sent something: %+v", res.Counts)
		}
	})
}
