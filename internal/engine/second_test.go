package engine_test

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"exposync/internal/destination"
	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// twins is a destination that holds several records for some keys.
type twins struct {
	*crm
	of    map[string]string // the value of the second record
	round bool              // values are held without what follows a dot
}

func (c *twins) Read(ctx context.Context, t destination.Target, keys []record.Key) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		for r, err := range c.crm.Read(ctx, t, keys) {
			if !yield(r, err) {
				return
			}
			if other, there := c.of[string(r[0].Data)]; there && !yield(record.Record{r[0], text(other)}, nil) {
				return
			}
		}
	}
}

func (c *twins) Held(_ context.Context, _ destination.Target, records []record.Record) ([]record.Record, error) {
	var out []record.Record
	for _, r := range records {
		if i := slices.Index(r[0].Data, '.'); c.round && i >= 0 {
			r = record.Record{{Kind: r[0].Kind, Data: r[0].Data[:i]}}
		}
		out = append(out, r)
	}
	return out, nil
}

func (b *bench) runAt(dest destination.Destination) plan.Result {
	b.Helper()
	e, done := b.engine()
	defer done()
	req := b.request()
	req.Destination = dest
	p, err := e.Prepare(b.Context(), req, false)
	if err != nil {
		b.Fatal(err)
	}
	res := e.Apply(b.Context(), b.stop, p)
	if err := p.Close(); err != nil || !res.Counts.ReadAddsUp() || !res.Counts.SentAddsUp() {
		b.Fatalf("%v %+v", err, res.Counts)
	}
	return res
}

func TestAmbiguousRecordsAreHeldBack(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]plan.Mode{"upsert": plan.Upsert, "mirror": plan.Mirror, "update": plan.Update} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupMemory(t)
			b.job.Mode, b.job.First, b.req.AskFirst = mode, plan.FirstCompare, true
			b.crm.records = map[string]string{"equal": "1", "other": "x", "two": "1", "three": "1"}
			dest := &twins{crm: b.crm, of: map[string]string{"two": "2", "three": "1"}}
			b.table.set([2]string{"equal", "1"}, [2]string{"other", "2"}, [2]string{"new", "3"}, [2]string{"two", "1"}, [2]string{"three", "1"})
			res := b.runAt(dest)
			if d := cmp.Diff(&plan.Match{Equal: 1, Different: 1, Missing: 1, Ambiguous: 2}, res.Plan.Match); d != "" {
				t.Error(d)
			}
			if c := res.Counts; c.HeldBack != 2 || c.Standing != 2 || c.Adopted != 1 || c.OK != 2 || res.Status != plan.PartialDone {
				t.Errorf("%s %+v", res.Status, c)
			}
			want := []plan.RejectGroup{{Code: "ambiguous", Reason: "the destination holds several records with this key", Records: 2, New: 2, State: "ambiguous"}}
			if d := cmp.Diff(want, res.Rejects); d != "" {
				t.Error(d)
			}
			slices.Sort(b.crm.sent)
			if d := cmp.Diff([]string{"create new", "update other"}, b.crm.sent); d != "" {
				t.Error(d)
			}

			// known: asked about again, never written, and nothing is journaled
			b.job.First, b.crm.sent = plan.FirstAsk, nil
			b.table.set([2]string{"equal", "1"}, [2]string{"other", "2"}, [2]string{"new", "3"}, [2]string{"two", "1"}, [2]string{"three", "1"})
			appends := b.mem.appends
			if res = b.runAt(dest); res.Counts.HeldBack != 2 || len(b.crm.sent) != 0 || b.mem.appends != appends || res.Rejects[0].New != 0 {
				t.Errorf("%+v sent %v", res.Counts, b.crm.sent)
			}
			// changed: no excuse
			b.table.set([2]string{"equal", "1"}, [2]string{"other", "2"}, [2]string{"new", "3"}, [2]string{"two", "changed"}, [2]string{"three", "1"})
			if res = b.runAt(dest); res.Counts.HeldBack != 2 || len(b.crm.sent) != 0 {
				t.Errorf("%+v sent %v", res.Counts, b.crm.sent)
			}
			// nor is a person's release
			if n := b.amend(engine.Release, engine.Which{}, false); n != 0 {
				t.Errorf("%d ambiguous records were released", n)
			}
			// another mapping: neither
			b.job.Fields = []plan.Field{{Name: "label", Column: "name"}}
			if res = b.runAt(dest); res.Plan.MappingWas == "" || res.Counts.HeldBack != 2 || slices.Contains(b.crm.sent, "create two") {
				t.Errorf("%+v sent %v", res.Counts, b.crm.sent)
			}
			b.crm.sent = nil
			// merged there
			dest.of = nil
			if res = b.runAt(dest); res.Counts.HeldBack != 0 || res.Counts.Adopted != 1 || !slices.Equal(b.crm.sent, []string{"update two"}) {
				t.Errorf("%+v sent %v", res.Counts, b.crm.sent)
			}
		})
	}
}

// Append has no identity, so several records of a key are no question.
func TestAppendIsNeverAmbiguous(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.job.Mode, b.job.First = plan.Append, plan.FirstCompare
	b.crm.records = map[string]string{"a": "1", "b": "1"}
	b.table.set([2]string{"a", "2"}, [2]string{"b", "3"})
	res := b.runAt(&twins{crm: b.crm, of: map[string]string{"a": "2", "b": "2"}})
	if c := res.Counts; c.Adopted != 1 || c.Create != 1 || c.HeldBack != 0 {
		t.Errorf("%+v", c)
	}
}

func TestADifferenceThatTheDestinationCannotHoldIsNone(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.job.First = plan.FirstCompare
	b.crm.records = map[string]string{"a": "1", "b": "2"}
	b.table.set([2]string{"a", "1.5"}, [2]string{"b", "1.5"})
	res := b.runAt(&twins{crm: b.crm, round: true})
	if d := cmp.Diff(&plan.Match{Equal: 1, Different: 1}, res.Plan.Match); d != "" {
		t.Error(d)
	}
	if !slices.Equal(b.crm.sent, []string{"update b"}) {
		t.Error(b.crm.sent)
	}
}

func TestOwned(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.job.Mode = plan.Mirror
	b.req.First = plan.FirstAdopt
	rows := contacts(40)
	for _, r := range rows {
		b.crm.records[r[0]] = r[1]
	}
	b.table.set(rows...)
	b.run()
	b.req.First = plan.FirstAsk
	b.table.set(rows[15:]...)
	b.job.Guards.Rows = plan.Limit{Off: true}
	if res := b.run(); res.Counts.Delete != 0 || len(b.crm.records) != 40 {
		t.Fatalf("what was adopted is not ours to delete: %+v", res.Counts)
	}
	b.job.Owned = plan.OwnedAll
	p := b.plan()
	if p.Counts.Delete != 15 || !slices.Equal(codes(p), []string{"guard_deletes"}) || len(p.Notes) != 1 {
		t.Fatalf("%+v %v %v", p.Counts, codes(p), p.Notes)
	}
	b.req.Accept = []string{"guard_deletes"}
	if res := b.run(); res.Counts.OK != 15 || len(b.crm.records) != 25 {
		t.Errorf("%+v", res.Counts)
	}
}

// doubted is a bench where one record is in doubt, and sending twice would do
// harm.
func doubted(t *testing.T, stored bool) *bench {
	t.Helper()
	b := setupMemory(t)
	b.crm.traits.Idempotent = false
	b.table.set([2]string{"k", "v"})
	b.once(stored, lost())
	if res := b.run(); res.Counts.InDoubt != 1 || !res.Rejects[0].Waits {
		t.Fatalf("%+v %+v", res.Counts, res.Rejects)
	}
	b.crm.answer = nil
	return b
}

func TestOnInDoubt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		policy plan.OnInDoubt
		calls  int
		counts plan.Counts
		ours   bool // a mirror may delete it later
	}{
		"hold":        {plan.HoldInDoubt, 1, plan.Counts{Read: 1, HeldBack: 1, Standing: 1}, false},
		"resend":      {plan.Resend, 2, plan.Counts{Read: 1, Create: 1, OK: 1, Calls: 1}, true},
		"assume sent": {plan.AssumeSent, 1, plan.Counts{Read: 1, Unchanged: 1}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := doubted(t, true)
			b.job.OnInDoubt, b.job.Mode = tt.policy, plan.Mirror
			b.job.Guards.Creates = plan.Limit{Off: true}
			b.req.Accept = []string{"mapping_changed"}
			res := b.run()
			if d := cmp.Diff(tt.counts, res.Counts); d != "" || b.crm.calls != tt.calls {
				t.Errorf("%d calls %s", b.crm.calls, d)
			}
			b.table.set()
			if res = b.run(); (res.Counts.Delete == 1) != tt.ours {
				t.Errorf("afterwards gone: %+v", res.Counts)
			}
		})
	}
}

func (b *bench) amend(word engine.Amendment, which engine.Which, look bool) int64 {
	b.Helper()
	e, done := b.engine()
	defer done()
	found, err := e.Amend(b.Context(), plan.SyncID{Job: "contacts"}, "prod", word, which, look)
	if err != nil {
		b.Fatal(err)
	}
	n := int64(0)
	for _, g := range found {
		n += g.Records
	}
	return n
}

func TestAPersonSettlesADoubt(t *testing.T) {
	t.Parallel()
	b := doubted(t, true)
	for _, none := range []int64{
		b.amend(engine.Release, engine.Which{}, false), b.amend(engine.CountSent, engine.Which{Keys: []string{"other"}}, false),
		b.amend(engine.CountSent, engine.Which{Code: "other"}, false),
	} {
		if none != 0 {
			t.Fatalf("%d records were meant, want none", none)
		}
	}
	if n := b.amend(engine.CountSent, engine.Which{Keys: []string{"k"}, Code: "timeout"}, true); n != 1 || b.plan().Counts.HeldBack != 1 {
		t.Fatalf("looking at %d records must change nothing", n)
	}
	b.amend(engine.CountSent, engine.Which{Keys: []string{"k"}}, false)
	if res := b.run(); res.Counts.Unchanged != 1 || b.crm.calls != 1 {
		t.Errorf("%+v", res.Counts)
	}

	b = doubted(t, false)
	b.amend(engine.SendAgain, engine.Which{}, false)
	if res := b.run(); res.Counts.OK != 1 || b.crm.records["k"] != "v" {
		t.Errorf("%+v", res.Counts)
	}
}

// An update that may have arrived is due when a person has it sent again, even
// if the source went back to what was confirmed before.
func TestSendAgainForgetsWhatTheMarkClaims(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.crm.traits.Idempotent = false
	b.table.set([2]string{"k", "old"})
	b.run()
	b.table.set([2]string{"k", "new"})
	b.once(true, lost())
	b.run()
	b.crm.answer = nil
	b.table.set([2]string{"k", "old"})
	b.amend(engine.SendAgain, engine.Which{}, false)
	if res := b.run(); res.Counts.Update != 1 || res.Counts.OK != 1 {
		t.Errorf("%+v", res.Counts)
	}
	b.holds("k", "old")
}

func TestQuarantineAndItsRelease(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.table.set([2]string{"k", "v"}, [2]string{"ok", "v"})
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		out := make([]destination.Outcome, len(batch))
		for i, ch := range batch {
			if out[i].State = destination.OK; string(ch.KeyVals[0].Data) == "k" {
				out[i] = destination.Outcome{State: destination.Rejected, Code: "full", Transient: true}
			}
		}
		return out
	}
	for n := range 5 {
		res := b.run()
		if want := n == 4; res.Counts.Rejected != 1 || res.Rejects[0].Waits != want {
			t.Fatalf("run %d: %+v %+v", n+1, res.Counts, res.Rejects)
		}
	}
	calls := b.crm.calls
	b.req.Retry = true
	if res := b.run(); res.Counts.Quarantined != 1 || b.crm.calls != calls || res.Rejects[0].State != "quarantined" {
		t.Fatalf("retry alone lets nothing out: %+v", res.Counts)
	}
	b.req.Quarantined = true
	if res := b.run(); res.Counts.Rejected != 1 || b.plan().Counts.Create != 1 {
		t.Fatalf("asked for by name it is sent: %+v", res.Counts)
	}
	b.req.Retry, b.req.Quarantined = false, false
	if n := b.amend(engine.Release, engine.Which{}, false); n != 1 {
		t.Fatalf("%d released", n)
	}
	b.crm.answer = nil
	if res := b.run(); res.Counts.OK != 1 || res.Status != plan.Success {
		t.Errorf("%s %+v", res.Status, res.Counts)
	}
}

func (b *bench) one(key string, send bool) (*engine.One, error) {
	b.Helper()
	e, done := b.engine()
	defer done()
	return e.One(b.Context(), b.stop, engine.OneRequest{Request: b.request(), Keys: []string{key}, Send: send})
}

func TestOneRecord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.req.AskFirst = true
	b.table.set(contacts(5)...)
	one, err := b.one("k0002", false)
	if err != nil || one.Op != record.Create || one.Sent || b.crm.calls != 0 || one.There != 0 || string(one.Fields[0].Sent.Data) != "name 2" {
		t.Fatalf("%v %+v", err, one)
	}
	if p := b.plan(); p.Generation != 0 {
		t.Fatal("looking wrote to the ledger")
	}
	if one, err = b.one("k0002", true); err != nil || !one.Sent || one.Result.Status != plan.Success {
		t.Fatalf("%v %+v", err, one)
	}
	b.holds("k0002", "name 2")
	// it is remembered, and the first run is still to come
	if p := b.plan(); !p.FirstRun || p.First != plan.FirstAsk || p.Counts.Unchanged != 1 || p.Counts.Create != 4 || !slices.Equal(codes(p), []string{"first_run"}) {
		t.Fatalf("%+v %v", p, codes(p))
	}
	b.req.First = plan.FirstSend
	if res := b.run(); res.Counts.OK != 4 {
		t.Fatalf("%+v", res.Counts)
	}
	if p := b.plan(); p.FirstRun {
		t.Error("the first run came to its end")
	}
	// confirmed values are sent again where that does no harm, and only there
	if one, err = b.one("k0002", true); err != nil || !one.Sent || b.crm.sent[len(b.crm.sent)-1] != "update k0002" {
		t.Fatalf("%v %+v", err, one)
	}
	b.crm.traits.Idempotent = false
	calls := b.crm.calls
	if one, err = b.one("k0002", true); err != nil || one.Sent || b.crm.calls != calls {
		t.Fatalf("%v %+v", err, one)
	}
	if _, err = b.one("nobody", true); !fault.Is(err, "record_missing") {
		t.Error(err)
	}
	b.table.set([2]string{"twin", "1"}, [2]string{"twin", "2"})
	if _, err = b.one("twin", true); !fault.Is(err, "record_twice") || b.crm.calls != calls {
		t.Error(err)
	}
}

// A crash while one record is on its way leaves the first run a first run.
func TestOneRecordAndACrash(t *testing.T) {
	t.Parallel()
	for dieAt := range 4 {
		b := setupMemory(t)
		b.crm.traits.Idempotent, b.req.AskFirst = false, true
		b.table.set(contacts(2)...)
		b.mem.dieAt = dieAt + 1
		_, _ = b.one("k0000", true)
		b.mem.dieAt = 0
		if p := b.plan(); !p.FirstRun || p.First != plan.FirstAsk {
			t.Errorf("died at %d: %+v", dieAt+1, p)
		}
		if one, err := b.one("k0000", true); b.crm.calls > 1 {
			t.Errorf("died at %d: it was doubled: %v %+v", dieAt+1, err, one)
		}
	}
}

func TestOneRecordInDoubtIsNotDoubled(t *testing.T) {
	t.Parallel()
	b := doubted(t, true)
	if _, err := b.one("k", true); !fault.Is(err, "in_doubt") || b.crm.calls != 1 {
		t.Errorf("%v, %d calls", err, b.crm.calls)
	}
	if one, err := b.one("k", false); err != nil || one.Mark == nil || one.Mark.Standing.State != record.InDoubt {
		t.Errorf("%v %+v", err, one)
	}
}

func TestOneAmbiguousRecordIsNotSent(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.crm.records["k"] = "1"
	b.table.set([2]string{"k", "2"})
	e, done := b.engine()
	defer done()
	req := engine.OneRequest{Request: b.request(), Keys: []string{"k"}, Send: true}
	req.Destination = &twins{crm: b.crm, of: map[string]string{"k": "3"}}
	if one, err := e.One(t.Context(), b.stop, req); !fault.Is(err, "ambiguous") || b.crm.calls != 0 || one.There != 2 {
		t.Errorf("%v, %d calls", err, b.crm.calls)
	}
}

// amend says a person's word in the world of the property tests.
func (w *world) amend(word engine.Amendment) {
	w.ledger.dieAt, w.ledger.held = 0, false
	e := &engine.Engine{Ledger: w.ledger, Spool: w.spool, Now: fixed, Log: slog.New(slog.DiscardHandler)}
	if _, err := e.Amend(context.Background(), plan.SyncID{}, "prod", word, engine.Which{}, false); err != nil {
		w.Fatal(err)
	}
	w.resent = w.resent || word == engine.SendAgain
	w.settled = w.settled || word == engine.CountSent
}

// one sends a single record of the source in the world of the property tests.
func (w *world) one(key string) {
	w.ledger.dieAt, w.ledger.held, w.dest.staged = 0, false, nil
	w.dest.stop, w.dest.kill = func() {}, func() {}
	e := &engine.Engine{
		Ledger: w.ledger, Spool: w.spool, Now: fixed, Rand: func() float64 { return 0.5 },
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }, Log: slog.New(slog.DiscardHandler),
	}
	req := engine.OneRequest{Request: engine.Request{Job: w.job, Warehouse: w.table(), Destination: w.dest}, Keys: []string{key}, Send: true}
	first := w.ledger.header
	one, err := e.One(context.Background(), nil, req)
	for _, f := range fault.All(err) {
		if f.Code == "internal" && f.Msg != errDisk.Error() {
			w.Fatal(err)
		}
	}
	if err == nil && one.Sent && !one.Result.Counts.SentAddsUp() {
		w.Fatalf("%+v", one.Result.Counts)
	}
	if is := w.ledger.header; first.Mapping != is.Mapping || (first.Generation == 0 || first.First != "") && is.Generation > 0 && is.First == "" {
		w.Fatalf("one record was an answer to more: %+v, then %+v", first, is)
	}
}

// Whatever second chances are given in whatever order, the sums hold, nothing
// that was not confirmed is deleted, and in the end the ledger equals the
// destination.
func TestSecondChances(t *testing.T) {
	t.Parallel()
	spool := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, spool, rapid.Bool().Draw(t, "idempotent"))
		w.job.Mode = rapid.SampledFrom([]plan.Mode{plan.Upsert, plan.Mirror}).Draw(t, "mode")
		w.job.Owned = rapid.SampledFrom([]plan.Owned{plan.OwnedConfirmed, plan.OwnedAll}).Draw(t, "owned")
		w.job.OnInDoubt = rapid.SampledFrom([]plan.OnInDoubt{plan.HoldInDoubt, plan.Resend, plan.AssumeSent}).Draw(t, "in doubt")
		w.resent = w.job.OnInDoubt == plan.Resend
		for range rapid.IntRange(1, 6).Draw(t, "runs") {
			w.change()
			w.dest.faults = rapid.SampledFrom([]float64{0, 0.3, 0.8}).Draw(t, "faults")
			switch rapid.IntRange(0, 5).Draw(t, "before") {
			case 0:
				w.amend(engine.Release)
			case 1:
				w.amend(engine.SendAgain)
			case 2:
				w.amend(engine.CountSent)
			case 3:
				for key := range w.source {
					w.one(key)
					break
				}
			}
			w.run(engine.Request{
				First: rapid.SampledFrom([]plan.First{plan.FirstSend, plan.FirstCompare}).Draw(t, "first"),
				Retry: rapid.Bool().Draw(t, "retry"), Quarantined: rapid.Bool().Draw(t, "quarantined"),
			})
		}
		w.dest.faults, w.extra = 0, nil
		w.amend(engine.SendAgain)
		w.run(engine.Request{First: plan.FirstSend, Retry: true, Quarantined: true})
		w.amend(engine.SendAgain)
		w.run(engine.Request{First: plan.FirstSend, Retry: true, Quarantined: true})
		for key, m := range w.known() {
			if m.Standing != nil {
				t.Fatalf("%q still has %+v", key, *m.Standing)
			}
			if _, there := w.source[key]; !there && m.RowHash == uncertain() {
				continue // gone, so there is nothing to send, and nobody knows
			}
			if value, held := w.dest.records[key]; !w.assumes() && (!held || !slices.Contains(w.hashes(value), m.RowHash)) {
				t.Fatalf("%q: the ledger and the destination differ", key)
			}
		}
		calls := w.dest.calls
		if res := w.run(engine.Request{}); w.dest.calls != calls || res.Counts.Changes() != 0 {
			t.Fatalf("an unchanged run sent something: %+v", res.Counts)
		}
	})
}
