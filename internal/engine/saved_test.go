package engine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// file is a saved plan: its header has been through JSON, as a reader finds it.
type file struct {
	plan   plan.Plan
	rows   []byte
	digest string
}

func (b *bench) save(values bool) file {
	b.Helper()
	e, done := b.engine()
	defer done()
	p, err := e.Prepare(b.Context(), b.request(), true)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	var f file
	var rows bytes.Buffer
	if f.digest, err = p.SaveRows(&rows, values); err != nil {
		b.Fatal(err)
	}
	f.rows = rows.Bytes()
	head, err := json.Marshal(p.Plan)
	if err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal(head, &f.plan); err != nil {
		b.Fatal(err)
	}
	return f
}

func (b *bench) apply(f file, values bool) (plan.Result, error) {
	b.Helper()
	e, done := b.engine()
	defer done()
	restore := func() (*engine.Prepared, error) {
		if values {
			return e.Restore(b.Context(), b.request(), f.plan, bytes.NewReader(f.rows), f.digest)
		}
		return e.Repeat(b.Context(), b.request(), f.plan)
	}
	p, err := restore()
	if err != nil {
		return plan.Result{}, err
	}
	defer func() { _ = p.Close() }()
	return e.Apply(b.Context(), b.stop, p), nil
}

// planned is a sync with something of everything to do.
func planned(t *testing.T) *bench {
	t.Helper()
	b := setupMemory(t)
	b.job.Mode = plan.Mirror
	rows := contacts(20)
	b.table.set(rows...)
	b.run()
	rows[3][1] = "changed"
	b.table.set(append(rows[2:], [2]string{"new", "one"})...)
	b.crm.sent = nil
	return b
}

func TestASavedPlanIsAppliedExactly(t *testing.T) {
	t.Parallel()
	for _, values := range []bool{true, false} {
		t.Run(fmt.Sprintf("values %t", values), func(t *testing.T) {
			t.Parallel()
			b := planned(t)
			f := b.save(values)
			if values { // with values the source is not read again, whatever it holds by now
				b.table.set()
			}
			res, err := b.apply(f, values)
			if err != nil || res.Status != plan.Success || res.Counts.OK != 4 {
				t.Fatalf("%v %s %+v", err, res.Status, res.Counts)
			}
			slices.Sort(b.crm.sent)
			want := []string{"create new", "delete k0000", "delete k0001", "update k0003"}
			if !slices.Equal(b.crm.sent, want) {
				t.Errorf("sent %v, want %v", b.crm.sent, want)
			}
			if _, err := b.apply(f, values); !fault.Is(err, "plan_stale") {
				t.Errorf("applied twice: %v", err)
			}
		})
	}
}

func TestASavedPlanIsStale(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		values, hashes bool // which kind of plan notices
		move           func(b *bench)
	}{
		"another run":                     {true, true, func(b *bench) { b.run() }},
		"another account":                 {true, true, func(b *bench) { b.crm.account = "other" }},
		"another object":                  {true, true, func(b *bench) { b.job.Object = "leads" }},
		"another project":                 {true, true, func(b *bench) { b.job.Project = "other" }},
		"another mapping":                 {true, true, func(b *bench) { b.job.Fields = []plan.Field{{Name: "full", Column: "name"}} }},
		"a killed run left a journal":     {true, true, func(b *bench) { b.mem.journal = append(b.mem.journal, entryOf("k0009")) }},
		"a row changed":                   {false, true, func(b *bench) { b.table.rows[9][1] = "later" }},
		"a bad key takes the deletes out": {false, true, func(b *bench) { b.table.rows = append(b.table.rows, [2]string{"", "x"}) }},
	}
	for name, tt := range tests {
		for _, values := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, values %t", name, values), func(t *testing.T) {
				t.Parallel()
				b := planned(t)
				f := b.save(values)
				tt.move(b)
				b.crm.sent = nil
				_, err := b.apply(f, values)
				noticed := values && tt.values || !values && tt.hashes
				if noticed && (!fault.Is(err, "plan_stale") || len(b.crm.sent) > 0) {
					t.Errorf("err = %v, sent %v", err, b.crm.sent)
				}
				if !noticed && err != nil {
					t.Errorf("err = %v", err)
				}
			})
		}
	}
}

func entryOf(key string) ledger.Entry {
	k := record.AppendKey(nil, text(key))
	return ledger.Entry{Kind: ledger.Confirmed, Key: k, KeyHash: k.Hash(), RowHash: record.Hash{1}}
}

// A plan that was made beside a run, or after one was killed, stands on marks
// that no generation names: it counts only if planning again gives the same.
func TestAPlanMadeBesideARun(t *testing.T) {
	t.Parallel()
	b := planned(t)
	b.mem.journal = append(b.mem.journal, entryOf("k0009"))
	f := b.save(true)
	if !f.plan.Unsettled || f.plan.Counts.Update != 2 {
		t.Fatalf("unsettled %t, %+v", f.plan.Unsettled, f.plan.Counts)
	}
	moved := setupMemory(t)
	*moved.mem = memory{header: b.mem.header, marks: maps.Clone(b.mem.marks), journal: append(slices.Clone(b.mem.journal), entryOf("k0010"))}
	moved.job, moved.table, moved.crm = b.job, b.table, newCRM()
	if _, err := moved.apply(f, true); !fault.Is(err, "plan_stale") || moved.crm.calls != 0 {
		t.Errorf("the other run went on: %v", err)
	}
	if res, err := b.apply(f, true); err != nil || res.Counts.OK != 5 {
		t.Errorf("nothing moved: %v %+v", err, res.Counts)
	}
}

func TestASavedPlanIsDamaged(t *testing.T) {
	t.Parallel()
	other := planned(t)
	other.table.rows[5][1] = "of another plan"
	foreign := other.save(true)
	tests := map[string]func(f *file){
		"cut":              func(f *file) { f.rows = f.rows[:len(f.rows)-1] },
		"empty":            func(f *file) { f.rows = nil },
		"longer":           func(f *file) { f.rows = append(f.rows, 0) },
		"another digest":   func(f *file) { f.digest = "00" },
		"hashes only":      func(f *file) { f.rows, f.digest = other.save(false).rows, other.save(false).digest },
		"of another plan":  func(f *file) { f.rows, f.digest = foreign.rows, foreign.digest },
		"a count":          func(f *file) { f.plan.Counts.Delete++ },
		"deletes hidden":   func(f *file) { f.plan.Deletes = false },
		"digest of header": func(f *file) { f.plan.Digest = foreign.plan.Digest },
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := planned(t)
			f := b.save(true)
			damage(&f)
			if _, err := b.apply(f, true); !fault.Is(err, "plan_damaged") || len(b.crm.sent) > 0 {
				t.Errorf("err = %v, sent %v", err, b.crm.sent)
			}
		})
	}
}

func TestNoBitOfASavedPlanMayFlip(t *testing.T) {
	t.Parallel()
	b := planned(t)
	f := b.save(true)
	for at := range f.rows {
		for _, bit := range []byte{1, 0x80} {
			flipped := f
			flipped.rows = slices.Clone(f.rows)
			flipped.rows[at] ^= bit
			if _, err := b.apply(flipped, true); !fault.Is(err, "plan_damaged") {
				t.Fatalf("byte %d: err = %v", at, err)
			}
		}
	}
}

func FuzzRestore(f *testing.F) {
	f.Add([]byte("exposync-rows-1\n\x00\x00\x00"))
	f.Add([]byte("exposync-rows-1\n\x01\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, rows []byte) {
		b := setupMemory(t)
		b.table.set(contacts(3)...)
		saved := b.save(true)
		saved.rows = rows
		if _, err := b.apply(saved, true); !fault.Is(err, "plan_damaged") {
			t.Errorf("err = %v", err)
		}
	})
}

func TestAcceptingAHoldOfASavedPlan(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.req.AskFirst = true
	b.job.Guards.Keys = plan.Limit{}
	b.table.set(append(contacts(3), [2]string{"", "nobody"})...)
	b.req.First = plan.FirstSend
	f := b.save(true)
	if res, err := b.apply(f, true); err != nil || res.Status != plan.HeldStatus || b.crm.calls != 0 {
		t.Errorf("%v %s", err, res.Status)
	}
	b.req.Accept = []string{"guard_keys"}
	if res, err := b.apply(f, true); err != nil || res.Counts.OK != 3 {
		t.Errorf("%v %s %+v", err, res.Status, res.Counts)
	}
	if f.plan.Holds[0].Accepted {
		t.Error("accepting once changed the plan itself")
	}
}

// What was accepted when the plan was made was reviewed with it.
func TestAPlanKeepsWhatWasAccepted(t *testing.T) {
	t.Parallel()
	for _, values := range []bool{true, false} {
		b := setupMemory(t)
		b.job.Guards.Keys = plan.Limit{}
		b.table.set(append(contacts(3), [2]string{"", "nobody"})...)
		b.req.Accept = []string{"guard_keys"}
		f := b.save(values)
		b.req.Accept = nil
		if res, err := b.apply(f, values); err != nil || res.Counts.OK != 3 {
			t.Errorf("values %t: %v %s %+v", values, err, res.Status, res.Counts)
		}
		f.plan.Holds = nil
		b = setupMemory(t)
		b.job.Guards.Keys = plan.Limit{}
		b.table.set(append(contacts(3), [2]string{"", "nobody"})...)
		if _, err := b.apply(f, values); !fault.Is(err, "plan_stale") || b.crm.calls != 0 {
			t.Errorf("values %t: holds that are gone from the file: %v", values, err)
		}
	}
}

// The order in which the warehouse yields rows, and whether rows were kept
// from the scan or fetched by key, decide nothing.
func TestThePlanIsTheSameInWhateverWayRowsAreRead(t *testing.T) {
	t.Parallel()
	spool := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, spool, true)
		w.job.Mode = plan.Mirror
		w.change()
		w.run(engine.Request{})
		w.change()
		fetched, rows := w.planRows()
		again, _ := w.planRows() // a map has another order every time
		w.ledger.header.Mapping = "m1:another"
		kept, keptRows := w.planRows()
		if fetched.Digest != again.Digest || fetched.Digest != kept.Digest || fetched.Counts != kept.Counts {
			t.Fatalf("digests %s %s %s, counts %+v %+v", fetched.Digest, again.Digest, kept.Digest, fetched.Counts, kept.Counts)
		}
		if !slices.Equal(rows, keptRows) {
			t.Fatalf("fetched %q\nkept %q", rows, keptRows)
		}
	})
}

// planRows gives a plan and what it would send, sorted.
func (w *world) planRows() (plan.Plan, []string) {
	e := &engine.Engine{Ledger: w.ledger, Spool: w.spool, Now: fixed}
	w.ledger.held = false
	p, err := e.Prepare(w.Context(), engine.Request{Job: w.job, Warehouse: w.table(), Destination: w.dest}, true)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	var rows []string
	for ch, err := range p.Changes() {
		if err != nil {
			w.Fatal(err)
		}
		row := fmt.Sprint(ch.Op, ch.KeyVals, ch.Values, ch.RowHash, ch.RemoteID, ch.Attempts)
		rows = append(rows, row)
	}
	slices.Sort(rows)
	return p.Plan, rows
}

func TestAnUnstableModelIsNotSent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(20)...)
	b.run()
	rows := contacts(20)
	rows[7][1] = "changed"
	b.table.set(rows...)
	b.table.odd = true
	calls := b.crm.calls
	if _, err := b.try(t.Context()); !fault.Is(err, "rows_vanished") || b.crm.calls != calls {
		t.Errorf("err = %v", err)
	}
}

func TestManyRowsInWhateverOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rows := contacts(3000)
	b.table.set(rows...)
	first := b.plan()
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	b.table.set(rows...)
	if b.plan().Digest != first.Digest {
		t.Error("the digest depends on the order of the scan")
	}
	rows[0][1] += "."
	b.table.set(rows...)
	if b.plan().Digest == first.Digest {
		t.Error("the digest does not depend on the rows")
	}
}
