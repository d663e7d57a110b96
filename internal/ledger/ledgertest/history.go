package ledgertest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/ledger"
	"exposync/internal/plan"
)

func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// evidence: the newest result of each node stays, whatever the order.
func evidence(t *testing.T, factory Factory) {
	store := factory(t)
	l := store.Open(t)
	got, err := l.Evidence(t.Context(), "shop")
	if err != nil || len(got) != 0 {
		t.Fatalf("Evidence() of nothing = %v, %v", got, err)
	}
	at := func(node, status string, minutes int) plan.Evidence {
		return plan.Evidence{
			UniqueID: node, Status: status, InvocationID: "i" + status, Which: "build", Message: "ünicode", Failures: 3,
			GeneratedAt: noon().Add(time.Duration(minutes) * time.Minute), Checksum: "c", RelationName: `"a"."b"`,
		}
	}
	record := func(project string, list ...plan.Evidence) {
		if err := l.Record(t.Context(), project, list); err != nil {
			t.Fatalf("Record(): %v", err)
		}
	}
	record("shop", at("model.a", "error", 5), at("model.b", "success", 5))
	record("shop", at("model.a", "success", 4), at("model.b", "fail", 6))
	record("shop", at("model.b", "success", 6), at("model.c", "pass", 1), at("model.c", "fail", 2))
	record("shop")
	record("other", at("model.a", "pass", 9))
	closeAll(t, l)

	l = store.Open(t)
	got, err = l.Evidence(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]plan.Evidence{
		"model.a": at("model.a", "error", 5), "model.b": at("model.b", "fail", 6), "model.c": at("model.c", "fail", 2),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("evidence (-want +got):\n%s", d)
	}
	closeAll(t, l)
}

// runs: newest first, the newest hundred, every field.
func runs(t *testing.T, factory Factory) {
	store := factory(t)
	l := store.Open(t)
	add := func(id string, minutes int) ledger.Run {
		r := ledger.Run{
			ID: id, Target: "prod", InvocationID: "i", Definition: "d", Handled: true, Status: plan.PartialDone,
			Sync: SyncID("job"), Counts: plan.Counts{Read: 5, OK: 3}, Accepted: []string{"guard_deletes"},
			Codes: []string{"x"}, StartedAt: noon().Add(time.Duration(minutes) * time.Minute), EndedAt: noon(),
		}
		if err := l.AddRun(t.Context(), "shop", "job", r); err != nil {
			t.Fatalf("AddRun(): %v", err)
		}
		return r
	}
	oldest := add("0", 0)
	var want []ledger.Run
	for i := 1; i <= 100; i++ {
		if i == 50 {
			continue // it ends later than those that started after it
		}
		want = append([]ledger.Run{add(strconv.Itoa(i), i)}, want...)
	}
	late := add("50", 50)
	want = append(want[:50:50], append([]ledger.Run{late}, want[50:]...)...)
	closeAll(t, l)

	l = store.Open(t)
	got, err := l.Runs(t.Context(), "shop", "job")
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("Runs() without %s: %v (-want +got):\n%s", oldest.ID, err, d)
	}
	if got, err := l.Runs(t.Context(), "shop", "other"); len(got) > 0 || err != nil {
		t.Errorf("Runs() of another job = %v, %v", got, err)
	}
	again := add("100", 100)
	got, err = l.Runs(t.Context(), "shop", "job")
	if err != nil || len(got) != 100 || !cmp.Equal(got[0], again) {
		t.Errorf("the same run again makes %d runs, %v; want it replaced", len(got), err)
	}
	closeAll(t, l)
}

// historyAtOnce: several processes write history, and nothing is lost.
func historyAtOnce(t *testing.T, factory Factory) {
	const writers, each = 6, 5
	store := factory(t)
	var group sync.WaitGroup
	for w := range writers {
		l := store.Open(t)
		group.Go(func() {
			for i := range each {
				node := plan.Evidence{UniqueID: fmt.Sprintf("model.%d.%d", w, i), GeneratedAt: noon()}
				_, err := l.Runs(t.Context(), "shop", "job")
				err = errors.Join(err,
					l.Record(t.Context(), "shop", []plan.Evidence{node}),
					l.AddRun(t.Context(), "shop", "job", ledger.Run{ID: node.UniqueID}))
				if err != nil {
					t.Errorf("writer %d: %v", w, err)
				}
			}
			if err := l.Close(); err != nil {
				t.Errorf("Close(): %v", err)
			}
		})
	}
	group.Wait()
	l := store.Open(t)
	nodes, err := l.Evidence(t.Context(), "shop")
	if err != nil || len(nodes) != writers*each {
		t.Errorf("%d nodes have evidence, want %d (%v)", len(nodes), writers*each, err)
	}
	list, err := l.Runs(t.Context(), "shop", "job")
	if err != nil || len(list) != writers*each {
		t.Errorf("%d runs are known, want %d (%v)", len(list), writers*each, err)
	}
	closeAll(t, l)
}
