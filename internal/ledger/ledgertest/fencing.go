package ledgertest

import (
	"testing"

	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/record"
)

// pausedHolder is what a store has to hold to when a lease was taken over: the
// paused holder can change nothing any more, and is told so.
func pausedHolder(t *testing.T, factory Factory) {
	cases := map[string]func(t *testing.T, f *overtaken){
		"append after the other folded": func(t *testing.T, f *overtaken) {
			t.Helper()
			s := open(t, f.store.Open(t), SyncID("job"))
			f.append(t)
			expect(t, s, mark(1, Row(1)), mark(2, Row(2)))
			appendAll(t, s, Entry(ledger.Confirmed, 3, Row(3)))
			fold(t, s, ledger.Header{Mapping: "theirs"})
			f.append(t)
			f.fold(t)
			closeAll(t, s)
			f.want(t, "theirs", mark(1, Row(1)), mark(2, Row(2)), mark(3, Row(3)))
		},
		"fold while the other writes": func(t *testing.T, f *overtaken) {
			t.Helper()
			s := open(t, f.store.Open(t), SyncID("job"))
			appendAll(t, s, Entry(ledger.Confirmed, 3, Row(3)))
			f.fold(t)
			f.append(t)
			appendAll(t, s, Entry(ledger.Deleted, 1, Row(1)))
			fold(t, s, ledger.Header{Mapping: "theirs"})
			closeAll(t, s)
			f.want(t, "theirs", mark(2, Row(2)), mark(3, Row(3)))
		},
		"after the other has ended": func(t *testing.T, f *overtaken) {
			t.Helper()
			closeAll(t, open(t, f.store.Open(t), SyncID("job")))
			f.append(t)
			f.fold(t)
			f.want(t, "ours", mark(1, Row(1)), mark(2, Row(2)))
		},
		"after a reset": func(t *testing.T, f *overtaken) {
			t.Helper()
			if err := f.store.Open(t).Reset(t.Context(), SyncID("job")); err != nil {
				t.Fatal(err)
			}
			f.append(t)
			f.fold(t)
			f.want(t, "")
		},
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := factory(t)
			lease := fencer(t, store)
			f := &overtaken{store: store, paused: open(t, store.Open(t), SyncID("job"))}
			appendAll(t, f.paused, Entry(ledger.Confirmed, 1, Row(1)))
			fold(t, f.paused, ledger.Header{Mapping: "ours"})
			appendAll(t, f.paused, Entry(ledger.Confirmed, 2, Row(2)))
			if _, err := store.Open(t).Open(t.Context(), SyncID("job"), target); !fault.Is(err, "locked") {
				t.Fatalf("Open() before the lease has run out = %v, want a fault locked", err)
			}
			lease.Expire(t, SyncID("job"))
			run(t, f)
			if err := f.paused.Close(); err != nil {
				t.Errorf("Close() without a lease: %v", err)
			}
			closeAll(t, open(t, store.Open(t), SyncID("job")))
		})
	}
}

// overtaken is a sync whose holder was paused: it folded key 1, and appended 2.
type overtaken struct {
	store  Store
	paused ledger.Sync
}

func (f *overtaken) append(t *testing.T) {
	t.Helper()
	if err := f.paused.Append(t.Context(), Entry(ledger.Confirmed, 9, Row(9))); !fault.Is(err, "lease_lost") {
		t.Errorf("Append() by the paused holder = %v, want a fault lease_lost", err)
	}
}

func (f *overtaken) fold(t *testing.T) {
	t.Helper()
	if err := f.paused.Fold(t.Context(), ledger.Header{Mapping: "stale"}); !fault.Is(err, "lease_lost") {
		t.Errorf("Fold() by the paused holder = %v, want a fault lease_lost", err)
	}
}

// want looks at what is there, with and without a lease.
func (f *overtaken) want(t *testing.T, mapping string, marks ...record.Mark) {
	t.Helper()
	l := f.store.Open(t)
	for _, s := range []ledger.Sync{look(t, l, SyncID("job")), open(t, l, SyncID("job"))} {
		expect(t, s, marks...)
		if got := s.Header().Mapping; got != mapping {
			t.Errorf("mapping %q, want %q", got, mapping)
		}
		closeAll(t, s)
	}
}
