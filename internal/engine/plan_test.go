package engine_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/fault"
	"exposync/internal/plan"
)

func TestFirstRun(t *testing.T) {
	t.Parallel()
	tests := map[plan.First]struct {
		sent  []string
		adopt int64
		holds []string
	}{
		plan.FirstAsk:     {holds: []string{"first_run"}},
		plan.FirstSend:    {sent: []string{"create a", "create b", "create c"}},
		plan.FirstAdopt:   {adopt: 3},
		plan.FirstCompare: {sent: []string{"create c", "update b"}, adopt: 1},
	}
	for first, tt := range tests {
		t.Run("first "+string(first), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.req.AskFirst, b.req.First = true, first
			b.crm.records = map[string]string{"a": "1", "b": "other"}
			b.table.set([2]string{"a", "1"}, [2]string{"b", "2"}, [2]string{"c", "3"})
			if d := cmp.Diff(tt.holds, codes(b.plan())); d != "" {
				t.Fatalf("holds (-want +got):\n%s", d)
			}
			if tt.holds != nil {
				return
			}
			res := b.run()
			slices.Sort(b.crm.sent)
			if d := cmp.Diff(tt.sent, b.crm.sent); d != "" {
				t.Errorf("sent (-want +got):\n%s", d)
			}
			if res.Counts.Adopted != tt.adopt {
				t.Errorf("adopted %d, want %d", res.Counts.Adopted, tt.adopt)
			}
			b.req.First = plan.FirstAsk
			if again := b.run(); again.Counts.Changes() != 0 || again.Counts.Unchanged != 3 {
				t.Errorf("the next run: %+v", again.Counts)
			}
		})
	}
}

func TestAMovedIdentityHolds(t *testing.T) {
	t.Parallel()
	tests := map[string]func(b *bench){
		"key_changed":        func(b *bench) { b.job.Key = []plan.KeyField{{Field: "other", Column: "id"}} },
		"object_changed":     func(b *bench) { b.job.Object = "leads" },
		"account_changed":    func(b *bench) { b.crm.account = "another" },
		"connection_changed": func(b *bench) { b.job.Connection = "crm2" },
	}
	for code, change := range tests {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.req.AskFirst, b.req.First = true, plan.FirstSend
			b.table.set(contacts(3)...)
			b.run()
			change(b)
			p := b.plan()
			if d := cmp.Diff([]string{code}, codes(p)); d != "" {
				t.Fatalf("(-want +got):\n%s", d)
			}
			b.req.Accept = []string{code}
			if p := b.plan(); len(p.Held()) != 1 {
				t.Error("a changed identity must not be acceptable by a flag")
			}
		})
	}
}

func TestAnotherTargetIsNoMovedIdentity(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(3)...)
	b.crm.account, b.job.Target = "dev", "dev"
	b.run()
	b.crm.account, b.job.Target = "prod", "prod"
	if got := codes(b.plan()); len(got) != 0 {
		t.Errorf("holds = %v", got)
	}
	if res := b.run(); res.Counts.Create != 3 {
		t.Errorf("every record must be created in production after a run elsewhere: %+v", res.Counts)
	}
}

func TestWrongAccountSendsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.req.Expect = "production"
	b.table.set(contacts(3)...)
	_, err := b.try(t.Context())
	if !fault.Is(err, "wrong_account") || b.crm.calls != 0 {
		t.Errorf("err = %v, calls = %d", err, b.crm.calls)
	}
}

func TestADyingWarehousePlansNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.job.Mode = plan.Mirror
	b.table.set(contacts(50)...)
	b.run()
	b.table.die = 10
	_, err := b.try(t.Context())
	if !fault.Is(err, "warehouse_read") || len(b.crm.records) != 50 {
		t.Errorf("err = %v; %d records left", err, len(b.crm.records))
	}
}

func TestAChangedMappingHoldsUntilAccepted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(300)...)
	b.run()
	b.job.Fields = []plan.Field{{Name: "full_name", Column: "name"}}
	p := b.plan()
	if d := cmp.Diff([]string{"mapping_changed"}, codes(p)); d != "" || p.Counts.Update != 300 {
		t.Fatalf("%+v (-want +got):\n%s", p.Counts, d)
	}
	b.req.Accept = []string{"mapping_changed"}
	if res := b.run(); res.Counts.OK != 300 {
		t.Errorf("%+v", res.Counts)
	}
	b.req.Accept = nil
	if got := codes(b.plan()); len(got) != 0 {
		t.Errorf("after the resend: %v", got)
	}
}

func TestTwoRunsOfOneSyncDoNotOverlap(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(3)...)
	e, done := b.engine()
	defer done()
	p, err := e.Prepare(t.Context(), b.request(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	if _, err := b.try(t.Context()); !fault.Is(err, "locked") {
		t.Errorf("err = %v", err)
	}
	if got := b.plan(); got.Counts.Create != 3 {
		t.Errorf("looking must work beside a run: %+v", got.Counts)
	}
}
