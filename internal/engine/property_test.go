package engine_test

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"exposync/internal/destination"
	"exposync/internal/engine"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// chaos is a destination that answers anything, and knows what it stored.
// mixed answers for every change on its own.
// settlingWriter keeps everything back until Settle, and then stores all or
// nothing.
func fixed() time.Time { return time.Unix(1, 0) }

// world is everything that lasts from run to run.
type world struct {
	*rapid.T
	ledger  *memory
	dest    *chaos
	source  map[string]string
	extra   [][2]string // rows with bad keys
	job     plan.Job
	names   []string // that the one field ever had
	spool   string
	settled bool // somebody said that what was in doubt arrived
	resent  bool // somebody asked to send what was in doubt again

	through func() destination.Destination // what a run talks to, if it is not dest itself
}

// destination is what the next run talks to.
func (w *world) destination() destination.Destination {
	if w.through == nil {
		return w.dest
	}
	return w.through()
}

// assumes reports whether doubts may count as sent.
func (w *world) assumes() bool { return w.job.OnInDoubt == plan.AssumeSent || w.settled }

// hashes gives what a value's hash was under any of the mappings so far; the
// last one is today's.
func (w *world) hashes(value string) []record.Hash {
	var out []record.Hash
	for _, name := range w.names {
		out = append(out, record.NewHasher([]string{name}).Sum(record.Record{text(value)}))
	}
	return out
}

func newWorld(t *rapid.T, spool string, idempotent bool) *world {
	w := &world{T: t, ledger: newMemory(), source: map[string]string{}, names: []string{"name"}, spool: spool}
	w.dest = &chaos{
		crm: newCRM(), rng: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)), ledger: w.ledger,
		log: map[string][]string{}, unsure: map[string]bool{},
	}
	w.dest.traits = destination.Traits{
		Rows: rapid.IntRange(0, 4).Draw(t, "rows"), Bytes: rapid.SampledFrom([]int{0, 1, 200}).Draw(t, "bytes"),
		Concurrency: rapid.SampledFrom([]int{0, 1, 1, 3}).Draw(t, "concurrency"), Idempotent: idempotent, Deletes: true,
	}
	w.job = plan.Job{
		ID: "contacts", Project: "shop", Target: "prod", Connection: "crm", Type: "fake", Object: "contacts",
		Source: plan.Source{Node: "model.shop.export_contacts", Name: "export_contacts"},
		Key:    []plan.KeyField{{Field: "external_id", Column: "id"}}, Fields: []plan.Field{{Name: "name", Column: "name"}},
		Guards: plan.Guards{Deletes: plan.Limit{Off: true}, Creates: plan.Limit{Off: true}, Rows: plan.Limit{Off: true}, Keys: plan.Limit{Off: true}},
	}
	return w
}

// change edits the source.
func (w *world) change() {
	for range rapid.IntRange(0, 5).Draw(w.T, "edits") {
		key := rapid.StringMatching("[a-j]").Draw(w.T, "key")
		if rapid.IntRange(0, 3).Draw(w.T, "gone") == 0 {
			delete(w.source, key)
		} else {
			w.source[key] = rapid.SampledFrom([]string{"1", "2", "3"}).Draw(w.T, "value")
		}
	}
	w.extra = nil
	if rapid.IntRange(0, 5).Draw(w.T, "bad keys") == 0 {
		w.extra = [][2]string{{"", "nobody"}, {"twin", "1"}, {"twin", "2"}}
	}
}

func (w *world) table() *table {
	rows := slices.Clone(w.extra)
	for k, v := range w.source { // in an order that is never the same
		rows = append(rows, [2]string{k, v})
	}
	t := &table{}
	t.set(rows...)
	return t
}

// run is one process from its start to its end, however that comes.
func (w *world) run(req engine.Request) plan.Result {
	res, err := w.attempt(req)
	if err != nil {
		w.Fatal(err)
	}
	return res
}

// attempt is a run that may come to no plan.
func (w *world) attempt(req engine.Request) (plan.Result, error) {
	req.Destination = w.destination() // from here on nobody hears of the process before
	ctx, kill := context.WithCancel(context.Background())
	defer kill()
	stop := make(chan struct{})
	w.dest.quietly(func() {
		w.dest.stop, w.dest.kill, w.dest.staged = sync.OnceFunc(func() { close(stop) }), kill, nil
	})
	w.ledger.dieAt, w.ledger.held = 0, false
	e := &engine.Engine{
		Ledger: w.ledger, Spool: w.spool, Now: fixed, Rand: func() float64 { return 0.5 },
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }, Log: slog.New(slog.DiscardHandler),
	}
	req.Job, req.Warehouse = w.job, w.table()
	before := w.known()
	w.dest.quietly(func() { w.dest.deleted = nil })
	p, err := e.Prepare(ctx, req, false)
	if err != nil {
		return plan.Result{}, err
	}
	res := e.Apply(ctx, stop, p)
	_ = p.Close()
	w.dest.quietly(func() { w.check(res, before) })
	return res, nil
}

// known is what the ledger says of every key.
func (w *world) known() map[string]record.Mark {
	v, err := w.ledger.View(context.Background(), plan.SyncID{}, "")
	if err != nil {
		w.Fatal(err)
	}
	out := map[string]record.Mark{}
	for part := range 256 {
		for m, err := range v.Marks(context.Background(), part) {
			if err != nil {
				w.Fatal(err)
			}
			vals, err := m.Key.Values()
			if err != nil {
				w.Fatal(err)
			}
			if m.Standing != nil {
				standing := *m.Standing
				m.Standing = &standing
			}
			out[string(vals[0].Data)] = m
		}
	}
	return out
}

// check holds a run against the invariants.
func (w *world) check(res plan.Result, before map[string]record.Mark) {
	if c := res.Counts; !c.ReadAddsUp() || !c.SentAddsUp() || min(c.OK, c.Rejected, c.InDoubt, c.NotSent) < 0 {
		w.Fatalf("counts do not add up: %+v", c)
	}
	for _, f := range res.Problems {
		if f.Code == "internal" && !strings.Contains(f.Msg, errDisk.Error()) {
			w.Fatalf("a mistake of our own: %v", f)
		}
	}
	for _, key := range w.dest.deleted {
		_, there := w.source[key]
		if !w.ours(before[key]) && !w.recalled(before[key]) || there || w.job.Mode != plan.Mirror || res.Counts.Invalid > 0 {
			w.Fatalf("%q was deleted; confirmed %t, in the source %t, mode %s, %d invalid", key, before[key].Confirmed(), there, w.job.Mode, res.Counts.Invalid)
		}
	}
	for key, m := range w.known() {
		if m.Standing != nil && m.Standing.State == record.InDoubt && !w.dest.unsure[key] && !w.dest.died {
			w.Fatalf("%q is in doubt, though every answer about it was clear", key)
		}
		if m.Confirmed() && m.RowHash == uncertain() {
			if !before[key].Confirmed() && !w.recalled(before[key]) {
				w.Fatalf("%q counts as confirmed, though it never was", key)
			}
			continue
		}
		if !m.Confirmed() {
			continue
		}
		if m.Standing != nil && m.Standing.State == record.InDoubt {
			continue
		}
		if w.assumes() && (w.dest.unsure[key] || w.dest.died) { // nobody knows
			continue
		}
		if value, held := w.dest.records[key]; !held || !slices.Contains(w.hashes(value), m.RowHash) {
			w.Fatalf("the ledger says that %q is confirmed, but the destination holds other values (log %v)", key, w.dest.log[key])
		}
	}
	if !w.dest.traits.Idempotent && !w.resent && !w.assumes() {
		for key, values := range w.dest.log {
			if len(slices.Compact(slices.Clone(values))) != len(values) {
				w.Fatalf("%q was doubled: %v", key, values)
			}
		}
	}
}

// ours reports whether a mirror may delete a record of which that was known.
func (w *world) ours(m record.Mark) bool {
	if w.job.Owned == plan.OwnedAll && w.job.OnInDoubt == plan.AssumeSent && m.Standing != nil && m.Standing.State == record.InDoubt {
		return true // it counts as sent, and as adopted
	}
	return m.Confirmed() && (!m.Adopted || w.job.Owned == plan.OwnedAll)
}

// recalled reports whether a run may learn before it plans what became of a
// record: a job that was left behind says so.
func (w *world) recalled(m record.Mark) bool {
	return w.through != nil && m.Standing != nil && m.Standing.State == record.InDoubt
}

// uncertain is what a mark holds when nobody knows what the destination does.
func uncertain() record.Hash { return record.Hash(bytes.Repeat([]byte{0xff}, 16)) }

// rest is what a run has to send, by the ledger's own word.
func (w *world) rest(known map[string]record.Mark) []string {
	var out []string
	hash := func(value string) record.Hash { return w.hashes(value)[len(w.names)-1] }
	for key, value := range w.source {
		m := known[key]
		doubt := m.Standing != nil && m.Standing.State == record.InDoubt
		switch {
		case m.Standing != nil && m.Standing.State == record.Quarantined && m.Standing.RowHash == hash(value):
		case !m.Confirmed():
			out = append(out, "create "+key)
		case m.RowHash != hash(value) || doubt:
			out = append(out, "update "+key)
		}
	}
	for key, m := range known {
		_, there := w.source[key]
		if !there && m.Confirmed() && !m.Adopted && w.job.Mode == plan.Mirror && (m.Standing == nil || m.Standing.State != record.Quarantined || m.Standing.RowHash != record.Hash{}) {
			out = append(out, "delete "+key)
		}
	}
	slices.Sort(out)
	return out
}

// Whatever happens, nothing is lost, doubled or deleted by mistake, and when
// it stops happening one run brings the destination to where the source is.
func TestNothingIsEverLost(t *testing.T) {
	t.Parallel()
	spool := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, spool, true)
		w.job.Mode = rapid.SampledFrom([]plan.Mode{plan.Upsert, plan.Mirror}).Draw(t, "mode")
		w.dest.settles = rapid.IntRange(0, 3).Draw(t, "settles") == 0
		for range rapid.IntRange(1, 6).Draw(t, "runs") {
			w.change()
			w.dest.faults = rapid.SampledFrom([]float64{0, 0.3, 0.8}).Draw(t, "faults")
			w.dest.poison = map[string]bool{rapid.StringMatching("[a-z]").Draw(t, "poison"): true}
			w.dest.idempotentDoubt = rapid.Bool().Draw(t, "poison is lost")
			if rapid.IntRange(0, 6).Draw(t, "remap") == 0 {
				w.job.Fields[0].Name += "_"
				w.names = append(w.names, w.job.Fields[0].Name)
			}
			res := w.run(engine.Request{First: rapid.SampledFrom([]plan.First{plan.FirstAsk, plan.FirstSend, plan.FirstCompare}).Draw(t, "first"), Retry: rapid.Bool().Draw(t, "retry")})
			if engine.Handled(res) && (res.Counts.InDoubt > 0 || res.Counts.NotSent > 0) {
				t.Fatalf("handled, with %+v", res.Counts)
			}
		}
		w.dest.faults, w.dest.poison, w.extra = 0, nil, nil
		if w.ledger.header.Mapping == "" || w.ledger.header.First != "" {
			w.run(engine.Request{First: plan.FirstSend, Retry: true})
		}
		w.run(engine.Request{Retry: true}) // after another mapping everything is due again: out of the way
		w.dest.sent = nil
		known := w.known()
		want := w.rest(known)
		w.run(engine.Request{Retry: true})
		slices.Sort(w.dest.sent)
		if d := cmp.Diff(want, w.dest.sent); d != "" {
			t.Fatalf("the last run sent something else than the rest (-want +got):\n%s", d)
		}
		w.compare()
		calls := w.dest.calls
		if res := w.run(engine.Request{}); w.dest.calls != calls || res.Counts.Changes() != 0 {
			t.Fatalf("an unchanged run sent something: %+v", res.Counts)
		}
	})
}

// compare holds the destination against the source.
func (w *world) compare() {
	known := w.known()
	want := maps.Clone(w.source)
	for key, m := range known {
		if m.Standing != nil { // quarantined: printed, every time
			delete(want, key)
		}
	}
	got := maps.Clone(w.dest.records)
	for key := range got {
		m, marked := known[key]
		_, there := w.source[key]
		switch {
		case marked && m.Standing != nil:
			delete(got, key)
		case !there && (!marked || m.Adopted || w.job.Mode != plan.Mirror): // never confirmed, or not ours to delete
			delete(got, key)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		w.Fatalf("the destination differs from the source (-source +destination):\n%s", d)
	}
}

// Where sending twice does harm nothing is sent twice, and what is in doubt is
// said every time.
func TestNothingIsEverDoubled(t *testing.T) {
	t.Parallel()
	spool := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, spool, false)
		w.job.Mode = rapid.SampledFrom([]plan.Mode{plan.Append, plan.Insert, plan.Upsert}).Draw(t, "mode")
		for range rapid.IntRange(1, 6).Draw(t, "runs") {
			w.change()
			w.dest.faults = rapid.SampledFrom([]float64{0, 0.3, 0.8}).Draw(t, "faults")
			w.run(engine.Request{Retry: rapid.Bool().Draw(t, "retry")})
		}
		w.dest.faults, w.extra = 0, nil
		w.run(engine.Request{Retry: true})
		doubts := int64(0)
		for _, m := range w.known() {
			if m.Standing != nil && m.Standing.State == record.InDoubt {
				doubts++
			}
		}
		calls := w.dest.calls
		res := w.run(engine.Request{})
		if w.dest.calls != calls || res.Counts.Standing < doubts {
			t.Fatalf("%d in doubt, but the run says %+v", doubts, res.Counts)
		}
	})
}
