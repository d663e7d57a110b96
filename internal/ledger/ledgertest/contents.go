package ledgertest

import (
	"cmp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"exposync/internal/ledger"
	"exposync/internal/plan"
)

// contents: everything that was written is listed, under the names it was
// written with, and nothing else.
func contents(t *testing.T, factory Factory) {
	store := factory(t)
	l := store.Open(t)
	got, err := l.Contents(t.Context())
	if err != nil || len(got.Syncs)+len(got.Evidence)+len(got.Jobs) != 0 {
		t.Fatalf("Contents() of nothing = %v, %v", got, err)
	}
	write := func(id plan.SyncID, target string) {
		s, err := l.Open(t.Context(), id, target)
		if err != nil {
			t.Fatal(err)
		}
		appendAll(t, s, Entry(ledger.Confirmed, 1, Row(1)))
		fold(t, s, ledger.Header{Mapping: "m"})
		closeAll(t, s)
	}
	one, two, reset := SyncID("job"), SyncID("job.two"), SyncID("reset")
	two.Account, two.Project = "Ünïcode / 7", "other shop"
	write(one, "prod")
	write(one, "dev")
	write(two, "prod")
	write(reset, "prod")
	closeAll(t, open(t, l, SyncID("wrote nothing")))
	if err := l.Reset(t.Context(), reset); err != nil {
		t.Fatal(err)
	}
	for _, job := range []string{"job", "job.two"} {
		if err := l.AddRun(t.Context(), "shop", job, ledger.Run{ID: "1", StartedAt: noon()}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Record(t.Context(), "shop@prod", []plan.Evidence{{UniqueID: "model.a", GeneratedAt: noon()}}); err != nil {
		t.Fatal(err)
	}
	closeAll(t, l)

	l = store.Open(t)
	want := ledger.Contents{
		Syncs:    []ledger.Stored{{Sync: one, Targets: []string{"dev", "prod"}}, {Sync: two, Targets: []string{"prod"}}},
		Evidence: []string{"shop@prod"},
		Jobs:     []ledger.JobName{{Project: "shop", Job: "job"}, {Project: "shop", Job: "job.two"}},
	}
	first, err := l.Contents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, err := l.Contents(t.Context())
	if d := gocmp.Diff(first, again); d != "" || err != nil {
		t.Errorf("the second listing differs: %v\n%s", err, d)
	}
	slices.SortFunc(first.Syncs, func(a, b ledger.Stored) int { return cmp.Compare(a.Sync.Job, b.Sync.Job) })
	slices.SortFunc(first.Jobs, func(a, b ledger.JobName) int { return cmp.Compare(a.Job, b.Job) })
	if d := gocmp.Diff(want, first); d != "" {
		t.Errorf("contents (-want +got):\n%s", d)
	}
	closeAll(t, l)
}
