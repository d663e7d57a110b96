package ledgertest

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/fault"
	"exposync/internal/ledger"
)

// fencer gives the store if its leases can be taken over.
func fencer(t *testing.T, store Store) Fencer {
	t.Helper()
	f, ok := store.(Fencer)
	if !ok {
		t.Skip("a lease of this store ends with its process")
	}
	return f
}

// wantLost fails unless the error says that the lease is lost, and what to do.
func wantLost(t *testing.T, what string, err error) {
	t.Helper()
	if !fault.Is(err, "lease_lost") {
		t.Errorf("%s = %v, want a fault lease_lost", what, err)
		return
	}
	if f := fault.All(err)[0]; f.Hint == "" || f.Where == "" {
		t.Errorf("%s: the fault says neither where nor what next: %+v", what, f)
	}
}

// fenced: whoever lost the lease while it was paused can neither append nor
// fold, whatever it had written before, and does not disturb the new holder.
func fenced(t *testing.T, factory Factory) {
	store := factory(t)
	f := fencer(t, store)
	paused, other := store.Open(t), store.Open(t)
	old := open(t, paused, SyncID("job"))
	appendAll(t, old, Entry(ledger.Confirmed, 1, Row(1)))
	fold(t, old, ledger.Header{Mapping: "old", Rows: 1})
	appendAll(t, old, Entry(ledger.Confirmed, 2, Row(2)))

	f.Expire(t, SyncID("job"))
	s := open(t, other, SyncID("job"))
	if h := s.Header(); !h.Leftover || h.Generation != 2 {
		t.Errorf("header of the new holder = %+v, want what was left over, folded", h)
	}
	appendAll(t, s, Entry(ledger.Confirmed, 3, Row(3)))

	wantLost(t, "Append()", old.Append(t.Context(), Entry(ledger.Confirmed, 4, Row(4))))
	wantLost(t, "Fold()", old.Fold(t.Context(), ledger.Header{Mapping: "old", Rows: 9}))
	wantLost(t, "Append() again", old.Append(t.Context(), Entry(ledger.Deleted, 1, Row(0))))
	if err := old.Close(); err != nil {
		t.Errorf("Close() of the one who lost it: %v", err)
	}
	if _, err := paused.Open(t.Context(), SyncID("job"), target); !fault.Is(err, "locked") {
		t.Errorf("Open() after the old holder's end = %v, want the new holder's lease to stand", err)
	}
	expect(t, s, mark(1, Row(1)), mark(2, Row(2)))
	fold(t, s, ledger.Header{Mapping: "new", Rows: 3})
	closeAll(t, s)

	s = open(t, paused, SyncID("job"))
	expect(t, s, mark(1, Row(1)), mark(2, Row(2)), mark(3, Row(3)))
	want := ledger.Header{Generation: 3, Mapping: "new", Rows: 3, Marks: 3}
	if d := cmp.Diff(want, s.Header()); d != "" {
		t.Errorf("header (-want +got):\n%s", d)
	}
	closeAll(t, s, paused, other)
}

// fencedReset: what was forgotten by another does not come back, although its
// generations start anew.
func fencedReset(t *testing.T, factory Factory) {
	store := factory(t)
	f := fencer(t, store)
	paused, other := store.Open(t), store.Open(t)
	old := open(t, paused, SyncID("job"))
	appendAll(t, old, Entry(ledger.Confirmed, 1, Row(1)))
	f.Expire(t, SyncID("job"))
	if err := other.Reset(t.Context(), SyncID("job")); err != nil {
		t.Fatalf("Reset() of an expired lease: %v", err)
	}
	wantLost(t, "Append()", old.Append(t.Context(), Entry(ledger.Confirmed, 2, Row(2))))
	wantLost(t, "Fold()", old.Fold(t.Context(), ledger.Header{Mapping: "old"}))
	closeAll(t, old)
	s := open(t, other, SyncID("job"))
	expect(t, s)
	if d := cmp.Diff(ledger.Header{}, s.Header()); d != "" {
		t.Errorf("header (-want +got):\n%s", d)
	}
	closeAll(t, s, paused, other)
}

// lateHolder: while one appends and folds, another takes over, again and
// again. What was acknowledged to anybody is there in the end, and what was
// refused is not.
func lateHolder(t *testing.T, factory Factory) {
	const takeovers, workers = 6, 4
	store := factory(t)
	f := fencer(t, store)
	r := &race{t: t, acked: memory{}, refused: map[int]bool{}}
	var opened []interface{ Close() error }
	var group sync.WaitGroup
	defer group.Wait()
	for range takeovers {
		f.Expire(t, SyncID("job"))
		l := store.Open(t)
		s, err := l.Open(t.Context(), SyncID("job"), target)
		if fault.Is(err, "locked") {
			closeAll(t, l) // the holder was just writing: it lives
			continue
		}
		if err != nil {
			t.Fatalf("Open(): %v", err)
		}
		opened = append(opened, s, l)
		started := make(chan struct{}, 2*workers)
		for range workers {
			group.Go(func() { r.write(s, started) })
		}
		for range workers {
			<-started
		}
	}
	group.Wait()
	closeAll(t, opened...)
	l := store.Open(t)
	s := open(t, l, SyncID("job"))
	got := Marks(t, s)
	if d := cmp.Diff(r.acked.marks(), got); d != "" {
		t.Errorf("marks (-acknowledged +got):\n%s", d)
	}
	for n := range r.refused {
		if _, ok := got[Key(n).Hash()]; ok {
			t.Errorf("key %d was refused, and is there", n)
		}
	}
	closeAll(t, s, l)
}

// race is what several holders were told, one after the other.
type race struct {
	t *testing.T

	mu      sync.Mutex
	next    int
	acked   memory
	refused map[int]bool
}

// write appends key after key until it is refused; started is told when it is
// at it, and at the end.
func (r *race) write(s ledger.Sync, started chan<- struct{}) {
	defer func() { started <- struct{}{} }()
	for i := range 200 {
		r.mu.Lock()
		e := Entry(ledger.Confirmed, r.next, Row(r.next))
		n := r.next
		r.next++
		r.mu.Unlock()
		err := s.Append(r.t.Context(), e)
		r.mu.Lock()
		if err == nil {
			r.acked.add(e)
		} else {
			r.refused[n] = true
		}
		r.mu.Unlock()
		if err != nil {
			wantLost(r.t, "Append()", err)
			return
		}
		if i == 3 {
			started <- struct{}{}
		}
	}
}
