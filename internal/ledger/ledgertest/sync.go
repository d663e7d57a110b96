package ledgertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// emptyStore: what was never written reads as nothing, and reading leaves no
// trace.
func emptyStore(t *testing.T, factory Factory) {
	l := factory(t).Open(t)
	v := look(t, l, SyncID("job"))
	expect(t, v)
	if d := cmp.Diff(ledger.Header{}, v.Header()); d != "" {
		t.Errorf("header (-want +got):\n%s", d)
	}
	s := open(t, l, SyncID("job"))
	expect(t, s)
	got, err := l.Siblings(t.Context(), "shop", "job", target)
	if err != nil || len(got) != 0 {
		t.Errorf("Siblings() = %v, %v; an identity that wrote nothing is no sibling", got, err)
	}
	closeAll(t, v, s, l)
}

// roundTrip: every field of a mark survives, in the marks and in the journal.
func roundTrip(t *testing.T, factory Factory) {
	store := factory(t)
	l := store.Open(t)
	s := open(t, l, SyncID("job"))
	full := record.Standing{
		State: record.Rejected, RowHash: Row(9), Attempts: 3, Code: "23514", Reason: "außerhalb 🌍\x00", Permanent: true, Since: -5,
	}
	confirmed := Entry(ledger.Confirmed, 1, Row(1))
	confirmed.RemoteID = "id/1"
	refused := Entry(ledger.Refused, 1, Row(9))
	refused.Standing = &full
	unknown := Entry(ledger.Quarantine, 2, Row(9))
	unknown.Standing = &record.Standing{RowHash: Row(9)}
	long := ledger.Entry{Kind: ledger.Confirmed, Key: make(record.Key, 300_000), RowHash: Row(3)}
	long.KeyHash = long.Key.Hash()
	appendAll(t, s, confirmed, refused, unknown, Entry(ledger.Adopted, 4, Row(4)), long)

	one := mark(1, Row(1))
	one.RemoteID, one.Standing = "id/1", &full
	two := mark(2, record.Hash{})
	two.Standing = &record.Standing{State: record.Quarantined, RowHash: Row(9)}
	four := mark(4, Row(4))
	four.Adopted = true
	want := []record.Mark{one, two, four, {KeyHash: long.KeyHash, Key: long.Key, RowHash: Row(3)}}

	v := look(t, l, SyncID("job"))
	expect(t, v, want...)
	fold(t, s, ledger.Header{Encoding: 1, Mapping: "m1:x", Rows: 77, First: plan.FirstCompare, Generation: 9, Marks: 9, Cursor: "2026", FullAt: 42})
	closeAll(t, v, s, l)

	l = store.Open(t)
	s = open(t, l, SyncID("job"))
	expect(t, s, want...)
	header := ledger.Header{Generation: 1, Encoding: 1, Mapping: "m1:x", Rows: 77, First: plan.FirstCompare, Marks: 3, Standing: 2, Cursor: "2026", FullAt: 42}
	if d := cmp.Diff(header, s.Header()); d != "" {
		t.Errorf("header (-want +got):\n%s", d)
	}
	other := open(t, l, SyncID("other"))
	expect(t, other)
	closeAll(t, s, other, l)
}

// leftover: an unfolded journal is folded by the next run, which is told.
func leftover(t *testing.T, factory Factory) {
	store := factory(t)
	l := store.Open(t)
	s := open(t, l, SyncID("job"))
	appendAll(t, s, Entry(ledger.Confirmed, 1, Row(1)))
	fold(t, s, ledger.Header{Encoding: 7, Mapping: "m", Rows: 10})
	appendAll(t, s, Entry(ledger.Confirmed, 2, Row(2)), Entry(ledger.Sending, 1, Row(5)))
	closeAll(t, s, l)

	doubted := mark(1, Row(1))
	doubted.Standing = &record.Standing{State: record.InDoubt, RowHash: Row(5), Attempts: 1, Code: ledger.CodeInterrupted}
	want := ledger.Header{Generation: 2, Encoding: 7, Mapping: "m", Rows: 10, Marks: 2, Standing: 1, Leftover: true}
	l = store.Open(t)
	for _, how := range []func(testing.TB, ledger.Ledger) ledger.Sync{
		func(t testing.TB, l ledger.Ledger) ledger.Sync { return look(t, l, SyncID("job")) },
		func(t testing.TB, l ledger.Ledger) ledger.Sync { return look(t, l, SyncID("job")) },
		func(t testing.TB, l ledger.Ledger) ledger.Sync { return open(t, l, SyncID("job")) },
	} {
		s := how(t, l)
		expect(t, s, doubted, mark(2, Row(2)))
		if d := cmp.Diff(want, s.Header()); d != "" {
			t.Errorf("header (-want +got):\n%s", d)
		}
		closeAll(t, s)
	}
	s = open(t, l, SyncID("job"))
	if h := s.Header(); h.Leftover || h.Generation != 2 {
		t.Errorf("header after the fold = %+v, want generation 2 and nothing left over", h)
	}
	closeAll(t, s, l)
}

// viewWhileOpen: reading needs no lease and sees what is durable by then.
func viewWhileOpen(t *testing.T, factory Factory) {
	store := factory(t)
	l, reader := store.Open(t), store.Open(t)
	s := open(t, l, SyncID("job"))
	for i := range 5 {
		appendAll(t, s, Entry(ledger.Confirmed, i, Row(1)))
		v := look(t, reader, SyncID("job"))
		if got := len(Marks(t, v)); got != i+1 {
			t.Errorf("a view sees %d marks after %d commits", got, i+1)
		}
		if err := v.Append(t.Context(), Entry(ledger.Confirmed, 9, Row(1))); err == nil {
			t.Error("Append() through a view is no error")
		}
		if err := v.Fold(t.Context(), ledger.Header{}); err == nil {
			t.Error("Fold() through a view is no error")
		}
		if i == 3 {
			fold(t, s, ledger.Header{Mapping: "m"})
		}
		if got := len(Marks(t, v)); got != i+1 {
			t.Errorf("a view sees %d marks after a fold, it saw %d before", got, i+1)
		}
		closeAll(t, v)
	}
	closeAll(t, s, l, reader)
}

// asWhenOpened: neither commits nor folds change what a run compares with.
func asWhenOpened(t *testing.T, factory Factory) {
	l := factory(t).Open(t)
	s := open(t, l, SyncID("job"))
	appendAll(t, s, Entry(ledger.Confirmed, 1, Row(1)))
	expect(t, s)
	fold(t, s, ledger.Header{Mapping: "a"})
	appendAll(t, s, Entry(ledger.Confirmed, 2, Row(2)))
	fold(t, s, ledger.Header{Mapping: "b", Rows: 2})
	expect(t, s)
	if d := cmp.Diff(ledger.Header{}, s.Header()); d != "" {
		t.Errorf("header (-want +got):\n%s", d)
	}
	closeAll(t, s)
	s = open(t, l, SyncID("job"))
	expect(t, s, mark(1, Row(1)), mark(2, Row(2)))
	if h := s.Header(); h.Generation != 2 || h.Mapping != "b" || h.Leftover {
		t.Errorf("header = %+v, want generation 2, mapping b", h)
	}
	closeAll(t, s, l)
}

// openJobs: work that goes on elsewhere is known until its end is.
func openJobs(t *testing.T, factory Factory) {
	store := factory(t)
	l := store.Open(t)
	s := open(t, l, SyncID("job"))
	job := func(kind ledger.EntryKind, id string) ledger.Entry { return ledger.Entry{Kind: kind, Job: id} }
	appendAll(t, s, job(ledger.JobStarted, "a"), job(ledger.Triggered, "b"), job(ledger.JobStarted, "c"))
	fold(t, s, ledger.Header{Mapping: "m"})
	appendAll(t, s, job(ledger.JobEnded, "a"), job(ledger.JobStarted, "d"), job(ledger.JobEnded, "d"))
	closeAll(t, s)
	want := []ledger.OpenJob{{ID: "b", Hosted: true}, {ID: "c"}}
	for _, s := range []ledger.Sync{look(t, l, SyncID("job")), open(t, l, SyncID("job"))} {
		if d := cmp.Diff(want, s.Header().Jobs); d != "" {
			t.Errorf("open jobs (-want +got):\n%s", d)
		}
		expect(t, s)
		closeAll(t, s)
	}
	closeAll(t, l)
}

// refusedEntries: what could not be folded later is refused at once, whole.
func refusedEntries(t *testing.T, factory Factory) {
	l := factory(t).Open(t)
	s := open(t, l, SyncID("job"))
	bad := map[string]ledger.Entry{
		"no kind":    {KeyHash: Row(1), RowHash: Row(1)},
		"new kind":   {Kind: 99, KeyHash: Row(1), RowHash: Row(1)},
		"no key":     {Kind: ledger.Confirmed, RowHash: Row(1)},
		"no row":     {Kind: ledger.Confirmed, KeyHash: Row(1)},
		"no job":     {Kind: ledger.Triggered},
		"adopted, 0": {Kind: ledger.Adopted, KeyHash: Row(1)},
	}
	for name, e := range bad {
		if err := s.Append(t.Context(), Entry(ledger.Confirmed, 1, Row(1)), e); err == nil {
			t.Errorf("%s: Append() is no error", name)
		}
	}
	appendAll(t, s)
	fold(t, s, ledger.Header{Mapping: "m"})
	closeAll(t, s)
	s = open(t, l, SyncID("job"))
	expect(t, s)
	closeAll(t, s, l)
}

// afterClose: a closed sync takes nothing more, and closing twice is fine.
func afterClose(t *testing.T, factory Factory) {
	l := factory(t).Open(t)
	s := open(t, l, SyncID("job"))
	appendAll(t, s, Entry(ledger.Confirmed, 1, Row(1)))
	closeAll(t, s, s)
	if err := s.Append(t.Context(), Entry(ledger.Confirmed, 2, Row(1))); err == nil {
		t.Error("Append() after Close() is no error")
	}
	if err := s.Fold(t.Context(), ledger.Header{}); err == nil {
		t.Error("Fold() after Close() is no error")
	}
	s = open(t, l, SyncID("job"))
	expect(t, s, mark(1, Row(1)))
	closeAll(t, s, l)
}

// concurrentAppends: many workers share the journal and lose nothing.
func concurrentAppends(t *testing.T, factory Factory) {
	const workers, commits, batch = 8, 20, 25
	store := factory(t)
	l := store.Open(t)
	s := open(t, l, SyncID("job"))
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for c := range commits {
				list := make([]ledger.Entry, 0, 2*batch)
				for i := range batch {
					n := (w*commits+c)*batch + i
					list = append(list, Entry(ledger.Sending, n, Row(n)), Entry(ledger.Confirmed, n, Row(n)))
				}
				if err := s.Append(t.Context(), list...); err != nil {
					t.Errorf("Append(): %v", err)
				}
			}
		})
	}
	group.Wait()
	closeAll(t, s, l)
	l = store.Open(t)
	s = open(t, l, SyncID("job"))
	want := make([]record.Mark, 0, workers*commits*batch)
	for n := range workers * commits * batch {
		want = append(want, mark(n, Row(n)))
	}
	expect(t, s, want...)
	closeAll(t, s, l)
}

// cancelled: a context that has ended ends the work, with its own error.
func cancelled(t *testing.T, factory Factory) {
	l := factory(t).Open(t)
	s := open(t, l, SyncID("job"))
	appendAll(t, s, Entry(ledger.Confirmed, 1, Row(1)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, openErr := l.Open(ctx, SyncID("other"), target)
	for what, err := range map[string]error{
		"Append": s.Append(ctx, Entry(ledger.Confirmed, 2, Row(1))),
		"Fold":   s.Fold(ctx, ledger.Header{Mapping: "m"}),
		"Open":   openErr,
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s() = %v, want context.Canceled", what, err)
		}
	}
	fold(t, s, ledger.Header{Mapping: "m"})
	closeAll(t, s)
	s = open(t, l, SyncID("job"))
	expect(t, s, mark(1, Row(1)))
	for _, err := range s.Marks(ctx, int(Key(1).Hash()[0])) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Marks() = %v, want context.Canceled", err)
		}
	}
	closeAll(t, s, l)
}

// BenchEntries makes n confirmed entries with keys as long as usual.
func BenchEntries(n int) []ledger.Entry {
	out := make([]ledger.Entry, n)
	for i := range out {
		k := record.AppendKey(nil, record.Value{Kind: record.Text, Data: fmt.Appendf(nil, "customer-%09d@example.com", i)})
		out[i] = ledger.Entry{Kind: ledger.Confirmed, Key: k, KeyHash: k.Hash(), RowHash: Row(i)}
	}
	return out
}
