package ledgertest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// moveModel: after any history another store remembers the same, and moving
// again says so.
func moveModel(t *testing.T, factory Factory) {
	rapid.Check(t, func(rt *rapid.T) {
		from, to := factory(t).Open(t), factory(t).Open(t)
		id := SyncID("moved")
		s := open(t, from, id)
		for range rapid.IntRange(1, 4).Draw(rt, "folds") {
			appendAll(t, s, entries().Draw(rt, "entries")...)
			appendAll(t, s, jobEntries().Draw(rt, "jobs")...)
			if rapid.Bool().Draw(rt, "fold") {
				fold(t, s, header(rt))
			}
		}
		closeAll(t, s) // perhaps with a journal
		closeAll(t, openAs(t, from, id, "dev"))
		if _, err := ledger.Move(t.Context(), from, to, nil); err != nil {
			rt.Fatalf("Move(): %v", err)
		}
		was, is := look(t, from, id), look(t, to, id)
		if d := cmp.Diff(Marks(t, was), Marks(t, is)); d != "" {
			rt.Errorf("marks (-from +to):\n%s", d)
		}
		if d := cmp.Diff(was.Header().Known(), is.Header().Known()); d != "" {
			rt.Errorf("header (-from +to):\n%s", d)
		}
		if d := cmp.Diff(was.Header().Jobs, is.Header().Jobs); d != "" {
			rt.Errorf("open jobs (-from +to):\n%s", d)
		}
		closeAll(t, was, is)
		again, err := ledger.Move(t.Context(), from, to, nil)
		if err != nil || slices.ContainsFunc(again.Syncs, func(m ledger.Moved) bool { return !m.Same }) {
			rt.Errorf("moved again: %+v, %v", again, err)
		}
		closeAll(t, from, to)
	})
}

func openAs(tb testing.TB, l ledger.Ledger, id plan.SyncID, target string) ledger.Sync {
	tb.Helper()
	s, err := l.Open(tb.Context(), id, target)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func header(t *rapid.T) ledger.Header {
	return ledger.Header{
		Encoding: 1, Mapping: rapid.SampledFrom([]string{"m1", "m2"}).Draw(t, "mapping"), Rows: rapid.Int64Range(0, 1<<40).Draw(t, "rows"),
		First:  rapid.SampledFrom([]plan.First{plan.FirstAsk, plan.FirstCompare}).Draw(t, "first"),
		Cursor: rapid.SampledFrom([]string{"", "c"}).Draw(t, "cursor"), FullAt: rapid.Int64Range(0, 9).Draw(t, "full"),
	}
}

// jobEntries draws any entries about a few jobs.
func jobEntries() *rapid.Generator[[]ledger.Entry] {
	one := rapid.Custom(func(t *rapid.T) ledger.Entry {
		kind := rapid.SampledFrom([]ledger.EntryKind{ledger.JobStarted, ledger.Triggered, ledger.JobEnded}).Draw(t, "kind")
		return ledger.Entry{Kind: kind, Job: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "job")}
	})
	return rapid.SliceOfN(one, 0, 6)
}

// remembered fills a store with a sync of many marks, history and evidence.
func remembered(tb testing.TB, l ledger.Ledger, marks int) plan.SyncID {
	tb.Helper()
	id := SyncID("job")
	s := open(tb, l, id)
	list := make([]ledger.Entry, 0, marks+1)
	for n := range marks {
		e := Entry(ledger.Confirmed, n, Row(n))
		e.RemoteID = strconv.Itoa(n)
		if n%10 == 0 {
			e.Kind, e.Standing = ledger.Refused, &record.Standing{State: record.Rejected, RowHash: e.RowHash, Attempts: 2, Code: "c", Reason: "r", Since: 7}
		}
		list = append(list, e)
	}
	appendAll(tb, s, append(list, ledger.Entry{Kind: ledger.Triggered, Job: "hosted"})...)
	fold(tb, s, ledger.Header{Encoding: 1, Mapping: "m", Rows: int64(marks), Cursor: "c", FullAt: 3})
	closeAll(tb, s)
	s = openAs(tb, l, id, "dev")
	fold(tb, s, s.Header())
	closeAll(tb, s)
	for i := range 3 {
		run := ledger.Run{ID: strconv.Itoa(i), Sync: id, Handled: true, Notes: []string{"n"}, StartedAt: noon().AddDate(0, 0, i)}
		if err := l.AddRun(tb.Context(), id.Project, id.Job, run); err != nil {
			tb.Fatal(err)
		}
	}
	if err := l.Record(tb.Context(), "shop@prod", []plan.Evidence{{UniqueID: "model.a", Status: "success", GeneratedAt: noon()}}); err != nil {
		tb.Fatal(err)
	}
	return id
}

// moves: history comes along, other marks are not written over, and the
// leases are held.
func moves(t *testing.T, factory Factory) {
	from, to := factory(t).Open(t), factory(t).Open(t)
	id := remembered(t, from, 50)
	report, err := ledger.Move(t.Context(), from, to, nil)
	if err != nil || len(report.Syncs) != 1 || report.Syncs[0].Sum.Confirmed != 45 || report.Syncs[0].Sum.Standing != 5 || report.Runs != 3 {
		t.Fatalf("Move() = %+v, %v", report, err)
	}
	want, err := from.Contents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := to.Contents(t.Context())
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("contents (-from +to): %v\n%s", err, d)
	}
	was, err := from.Runs(t.Context(), id.Project, id.Job)
	if err != nil {
		t.Fatal(err)
	}
	is, err := to.Runs(t.Context(), id.Project, id.Job)
	if d := cmp.Diff(was, is); d != "" || err != nil || len(is) != 3 {
		t.Errorf("runs (-from +to): %v\n%s", err, d)
	}
	if known, err := to.Evidence(t.Context(), "shop@prod"); err != nil || known["model.a"].Status != "success" {
		t.Errorf("evidence = %v, %v", known, err)
	}

	s := open(t, to, id)
	for _, l := range [][2]ledger.Ledger{{from, to}, {to, from}} {
		if _, err := ledger.Move(t.Context(), l[0], l[1], nil); l[0] == to && !fault.Is(err, "locked") {
			t.Errorf("Move() of a sync that is open = %v, want a fault locked", err)
		}
	}
	appendAll(t, s, Entry(ledger.Confirmed, 99, Row(99)))
	fold(t, s, s.Header())
	closeAll(t, s)
	if _, err := ledger.Move(t.Context(), from, to, nil); !fault.Is(err, "ledger_differs") {
		t.Errorf("Move() over other marks = %v, want a fault ledger_differs", err)
	}
	closeAll(t, from, to)
}

// errKilled ends a copy where a kill would.
var errKilled = errors.New("killed")

// dying is a ledger whose writes fail after some of them.
type dying struct {
	ledger.Ledger
	left *int
}

func (d dying) step() error {
	if *d.left--; *d.left < 0 {
		return errKilled
	}
	return nil
}

// Open gives a sync that dies, too.
func (d dying) Open(ctx context.Context, id plan.SyncID, target string) (ledger.Sync, error) {
	if err := d.step(); err != nil {
		return nil, err
	}
	s, err := d.Ledger.Open(ctx, id, target)
	return dyingSync{s, d}, err
}

// Reset may not come to pass.
func (d dying) Reset(ctx context.Context, id plan.SyncID) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.Ledger.Reset(ctx, id)
}

// AddRun may not come to pass.
func (d dying) AddRun(ctx context.Context, project, job string, r ledger.Run) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.Ledger.AddRun(ctx, project, job, r)
}

type dyingSync struct {
	ledger.Sync
	d dying
}

// Append may write some of the entries only.
func (s dyingSync) Append(ctx context.Context, list ...ledger.Entry) error {
	if err := s.d.step(); err != nil {
		_ = s.Sync.Append(ctx, list[:len(list)/2]...)
		return err
	}
	return s.Sync.Append(ctx, list...)
}

// Fold may not come to pass.
func (s dyingSync) Fold(ctx context.Context, h ledger.Header) error {
	if err := s.d.step(); err != nil {
		return err
	}
	return s.Sync.Fold(ctx, h)
}

// movesAfterCrash: a move that ended anywhere leaves the original, and
// nothing that looks complete and is not; repeated, it comes to its end.
func movesAfterCrash(t *testing.T, factory Factory) {
	from := factory(t).Open(t)
	id := remembered(t, from, 30)
	want := look(t, from, id)
	all := Marks(t, want)
	closeAll(t, want)
	for steps := 0; ; steps++ {
		to := factory(t).Open(t)
		left := steps
		_, err := ledger.Move(t.Context(), from, dying{to, &left}, nil)
		v := look(t, to, id)
		if _, half := v.Header().Incomplete(); !half && v.Header().Generation > 0 && !cmp.Equal(all, Marks(t, v)) {
			t.Fatalf("after %d steps a part passes for the whole: %+v", steps, v.Header())
		}
		closeAll(t, v)
		if _, err := ledger.Move(t.Context(), from, to, nil); err != nil {
			t.Fatalf("after %d steps the move cannot be repeated: %v", steps, err)
		}
		v = look(t, to, id)
		if d := cmp.Diff(all, Marks(t, v)); d != "" || len(v.Header().Jobs) != 1 {
			t.Fatalf("after %d steps and another move %+v (-want +got):\n%s", steps, v.Header(), d)
		}
		closeAll(t, v, to)
		if err == nil {
			if steps < 8 {
				t.Errorf("a move took only %d steps: the test saw no crash", steps)
			}
			break
		}
		if !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
	}
	closeAll(t, from)
}

// carriesAfterCrash: a sync that is carried over to another name is usable
// under one of the two at any instant, and completely.
func carriesAfterCrash(t *testing.T, factory Factory) {
	for steps := 0; ; steps++ {
		l := factory(t).Open(t)
		from := remembered(t, l, 30)
		v := look(t, l, from)
		all := Marks(t, v)
		closeAll(t, v)
		to := from
		to.Job = "renamed"
		left := steps
		c := ledger.Carrying{From: from, To: to, Target: target}
		_, err := ledger.Carry(t.Context(), dying{l, &left}, c)
		killed := errors.Is(err, errKilled)
		if err != nil && !killed {
			t.Fatal(err)
		}
		finishCarry(t, l, c, all, steps)
		closeAll(t, l)
		if !killed {
			if steps < 8 {
				t.Errorf("carrying took only %d steps: the test saw no crash", steps)
			}
			return
		}
	}
}

// finishCarry does what the next run does, and wants everything under the new
// name and nothing under the old one.
func finishCarry(t *testing.T, l ledger.Ledger, c ledger.Carrying, all map[record.Hash]record.Mark, steps int) {
	t.Helper()
	v := look(t, l, c.To)
	h := v.Header()
	_, half := h.Incomplete()
	if complete := h.Generation > 0 && !half; complete && !cmp.Equal(all, Marks(t, v)) {
		t.Fatalf("after %d steps a part passes for the whole", steps)
	}
	closeAll(t, v)
	var err error
	if half || h.Generation == 0 {
		_, err = ledger.Carry(t.Context(), l, c)
	} else {
		err = ledger.Finish(t.Context(), l, c.To, c.Target)
	}
	if err != nil {
		t.Fatalf("after %d steps: %v", steps, err)
	}
	was, is := look(t, l, c.From), look(t, l, c.To)
	if d := cmp.Diff(all, Marks(t, is)); d != "" || len(is.Header().Jobs) != 1 || was.Header().Generation != 0 {
		t.Fatalf("after %d steps %+v, of the old name %+v (-want +got):\n%s", steps, is.Header(), was.Header(), d)
	}
	closeAll(t, was, is)
	runs, err := l.Runs(t.Context(), c.To.Project, c.To.Job)
	if err != nil || len(runs) != 3 || !ledger.Equal(runs[0].Sync, c.To) {
		t.Fatalf("after %d steps the new name has %d runs, %v", steps, len(runs), err)
	}
	for _, dbtTarget := range []string{"dev", target} {
		ids, err := l.Siblings(t.Context(), c.To.Project, c.To.Job, dbtTarget)
		if err != nil || len(ids) != 1 {
			t.Fatalf("after %d steps, under target %s: %v, %v", steps, dbtTarget, ids, err)
		}
	}
}
