package ledgertest

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/plan"
)

// lease: one run of a sync at a time; others are told, and other syncs are
// free.
func lease(t *testing.T, factory Factory) {
	store := factory(t)
	one, two := store.Open(t), store.Open(t)
	s := open(t, one, SyncID("job"))
	for _, l := range []ledger.Ledger{one, two} {
		if _, err := l.Open(t.Context(), SyncID("job"), target); !fault.Is(err, "locked") {
			t.Errorf("Open() of a sync that is open = %v, want a fault locked", err)
		}
		if err := l.Reset(t.Context(), SyncID("job")); !fault.Is(err, "locked") {
			t.Errorf("Reset() of a sync that is open = %v, want a fault locked", err)
		}
	}
	other := open(t, two, SyncID("other"))
	closeAll(t, s, other)
	s = open(t, two, SyncID("job"))
	closeAll(t, s, one, two)
}

// leaseOfAnother: the lease holds across processes, names its holder and ends
// with it.
func leaseOfAnother(t *testing.T, factory Factory) {
	store := factory(t)
	holder, ok := store.(Holder)
	if !ok {
		t.Skip("the store cannot be used by another process here")
	}
	kill := holder.Hold(t, SyncID("job"))
	l := store.Open(t)
	_, err := l.Open(t.Context(), SyncID("job"), target)
	if !fault.Is(err, "locked") {
		t.Fatalf("Open() = %v, want a fault locked", err)
	}
	if f := fault.All(err)[0]; f.Hint == "" || f.Where == "" {
		t.Errorf("the fault says neither where nor what next: %+v", f)
	}
	closeAll(t, look(t, l, SyncID("job")))
	kill()
	closeAll(t, open(t, l, SyncID("job")), l)
}

// siblings: the identities of one job under one target.
func siblings(t *testing.T, factory Factory) {
	l := factory(t).Open(t)
	was := SyncID("job")
	moved, foreign, longer := was, was, SyncID("job2")
	moved.Key = []string{"email"}
	foreign.Project = "other shop"
	write := func(id plan.SyncID, target string) {
		s, err := l.Open(t.Context(), id, target)
		if err != nil {
			t.Fatal(err)
		}
		appendAll(t, s, Entry(ledger.Confirmed, 1, Row(1)))
		fold(t, s, ledger.Header{Mapping: "m"})
		closeAll(t, s)
	}
	write(was, "prod")
	write(was, "prod")
	write(moved, "prod")
	write(moved, "dev")
	write(foreign, "prod")
	write(longer, "prod")
	closeAll(t, look(t, l, SyncID("job3")))
	tests := []struct {
		project, job, target string
		want                 []plan.SyncID
	}{
		{"shop", "job", "prod", []plan.SyncID{was, moved}},
		{"shop", "job", "dev", []plan.SyncID{moved}},
		{"other shop", "job", "prod", []plan.SyncID{foreign}},
		{"shop", "job2", "prod", []plan.SyncID{longer}},
		{"shop", "job", "stage", nil},
		{"shop", "job3", "prod", nil},
	}
	for _, tt := range tests {
		got, err := l.Siblings(t.Context(), tt.project, tt.job, tt.target)
		if err != nil {
			t.Fatalf("Siblings(): %v", err)
		}
		for _, ids := range [][]plan.SyncID{got, tt.want} {
			slices.SortFunc(ids, func(a, b plan.SyncID) int { return slices.Compare(a.Key, b.Key) })
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("Siblings(%s, %s, %s) (-want +got):\n%s", tt.project, tt.job, tt.target, d)
		}
	}
	closeAll(t, l)
}

// reset: everything about one sync is forgotten, and nothing else.
func reset(t *testing.T, factory Factory) {
	store := factory(t)
	l := store.Open(t)
	if err := l.Reset(t.Context(), SyncID("job")); err != nil {
		t.Errorf("Reset() of an unknown sync: %v", err)
	}
	other := SyncID("job")
	other.Account = "43"
	for _, id := range []plan.SyncID{SyncID("job"), other} {
		s := open(t, l, id)
		appendAll(t, s, Entry(ledger.Confirmed, 1, Row(1)))
		fold(t, s, ledger.Header{Mapping: "m", Rows: 1})
		appendAll(t, s, Entry(ledger.Confirmed, 2, Row(2)))
		closeAll(t, s)
		run := ledger.Run{ID: id.Account, Handled: true, Sync: id, InvocationID: "i"}
		if err := l.AddRun(t.Context(), id.Project, id.Job, run); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Reset(t.Context(), SyncID("job")); err != nil {
		t.Fatal(err)
	}
	closeAll(t, l)
	l = store.Open(t)
	for _, s := range []ledger.Sync{look(t, l, SyncID("job")), open(t, l, SyncID("job"))} {
		expect(t, s)
		if d := cmp.Diff(ledger.Header{}, s.Header()); d != "" {
			t.Errorf("header after Reset() (-want +got):\n%s", d)
		}
		closeAll(t, s)
	}
	got, err := l.Siblings(t.Context(), "shop", "job", target)
	if d := cmp.Diff([]plan.SyncID{other}, got); d != "" || err != nil {
		t.Errorf("Siblings() after Reset(): %v (-want +got):\n%s", err, d)
	}
	runs, err := l.Runs(t.Context(), "shop", "job")
	if err != nil || len(runs) != 2 {
		t.Fatalf("Runs() = %v, %v, want both", runs, err)
	}
	for _, r := range runs {
		if r.Handled != (r.ID == other.Account) {
			t.Errorf("after Reset() the run of account %s has handled = %t", r.ID, r.Handled)
		}
	}
	s := open(t, l, other)
	expect(t, s, mark(1, Row(1)), mark(2, Row(2)))
	closeAll(t, s, l)
}
