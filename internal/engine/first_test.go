package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/record"
)

func TestAFirstRunGoesOnAsItBegan(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		first plan.First
		cut   func(b *bench)
		sent  []string // by the second run
	}{
		"adopt, killed":  {plan.FirstAdopt, func(b *bench) { b.mem.dieAt = 2 }, nil},
		"adopt, stopped": {plan.FirstAdopt, func(b *bench) { close(b.stop) }, nil},
		"compare, stopped": {plan.FirstCompare, func(b *bench) {
			b.crm.calling = func(context.Context) {
				if len(b.crm.sent) == 0 {
					close(b.stop)
				}
			}
		}, []string{"update"}},
		"send, killed": {plan.FirstSend, func(b *bench) { b.mem.dieAt = 3 }, []string{"create"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupMemory(t)
			b.crm.traits.Concurrency = 1
			b.req.AskFirst, b.req.First = true, tt.first
			rows := contacts(5000)
			for i, r := range rows {
				if b.crm.records[r[0]] = r[1]; tt.first == plan.FirstCompare && i%100 == 0 {
					b.crm.records[r[0]] = "other"
				}
			}
			b.table.set(rows...)
			tt.cut(b)
			b.run()
			b.stop, b.mem.dieAt, b.req.First, b.crm.calling, b.crm.sent = make(chan struct{}), 0, plan.FirstAsk, nil, nil
			p := b.plan()
			if !p.FirstRun || p.First != tt.first || len(p.Held()) > 0 {
				t.Fatalf("the next run starts otherwise: first run %t, %q, %v", p.FirstRun, p.First, codes(p))
			}
			if res := b.run(); res.Status != plan.Success {
				t.Fatalf("%s %+v %v", res.Status, res.Counts, res.Problems)
			}
			for _, s := range b.crm.sent {
				if word, _, _ := strings.Cut(s, " "); !slices.Contains(tt.sent, word) {
					t.Fatalf("the second run sent %s", s)
				}
			}
			if p := b.plan(); p.FirstRun || p.Counts.Unchanged != 5000 {
				t.Errorf("after its end: %+v", p.Counts)
			}
		})
	}
}

func TestAnEmptiedMirrorIsNoFirstRun(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.job.Mode, b.job.First, b.job.Guards = plan.Mirror, plan.FirstAdopt, plan.Guards{Deletes: plan.Limit{Off: true}, Rows: plan.Limit{Off: true}, Creates: plan.DefaultGuards().Creates, Keys: plan.DefaultGuards().Keys}
	b.req.First = plan.FirstSend
	b.table.set(contacts(300)...)
	b.run()
	b.req.First = plan.FirstAsk
	b.table.set()
	if res := b.run(); res.Counts.Delete != 300 || len(b.crm.records) != 0 {
		t.Fatalf("%+v", res.Counts)
	}
	b.table.set(contacts(300)...)
	if got := codes(b.plan()); len(got) > 0 {
		t.Errorf("holds = %v", got)
	}
	if res := b.run(); res.Counts.OK != 300 || len(b.crm.records) != 300 {
		t.Errorf("%+v", res.Counts)
	}
}

func TestAnEmptyFirstRunIsNotItsEnd(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.job.First, b.req.AskFirst = plan.FirstCompare, true
	b.run()
	rows := contacts(3)
	b.crm.records = map[string]string{rows[0][0]: rows[0][1]}
	b.table.set(rows...)
	if res := b.run(); res.Counts.Adopted != 1 || res.Counts.Create != 2 {
		t.Errorf("the first records must still be compared: %+v", res.Counts)
	}
}

func TestAnotherMappingGivesRejectsAnotherChance(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.job.Mode = plan.Update
	b.table.set(contacts(3)...)
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		if b.job.Mode != plan.Update {
			return nil
		}
		return destination.All(len(batch), destination.Outcome{State: destination.Rejected, Code: "not_found"})
	}
	b.run()
	b.job.Mode = plan.Upsert
	if res := b.run(); res.Counts.OK != 3 || res.Status != plan.Success {
		t.Errorf("%s %+v", res.Status, res.Counts)
	}
}

func TestApplyRefusesWhatNobodyLetThrough(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.req.AskFirst = true
	b.table.set(contacts(3)...)
	if res := b.run(); res.Status != plan.HeldStatus || res.Counts.NotSent != 3 || b.crm.calls != 0 {
		t.Errorf("%s %+v", res.Status, res.Counts)
	}
	e, done := b.engine()
	defer done()
	b.req.First = plan.FirstSend
	p, err := e.Prepare(t.Context(), b.request(), true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	if res := e.Apply(t.Context(), b.stop, p); res.Status != plan.Failed || b.crm.calls != 0 {
		t.Errorf("a plan without the lease was applied: %s, %d calls", res.Status, b.crm.calls)
	}
}

func TestANewerEncodingStopsThePlan(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.table.set(contacts(3)...)
	b.run()
	b.mem.header.Encoding++
	if _, err := b.try(t.Context()); !fault.Is(err, "ledger_newer") {
		t.Errorf("err = %v", err)
	}
}
