package engine_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/plan"
	"exposync/internal/record"
)

func TestASavedAdoptionMayCreateWhatWasAmbiguous(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.job.Mode = plan.Upsert
	b.req.First = plan.FirstCompare
	b.crm.records = map[string]string{"two": "1"}
	b.table.set([2]string{"two", "1"}, [2]string{"b", "2"})
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		return destination.All(len(batch), destination.Outcome{State: destination.Stop})
	}
	b.runAt(&twins{crm: b.crm, of: map[string]string{"two": "2"}})
	b.crm.answer, b.crm.records, b.req.First = nil, map[string]string{}, plan.FirstAdopt
	e, done := b.engine()
	defer done()
	p, err := e.Prepare(b.Context(), b.request(), true)
	if err != nil {
		t.Fatal(err)
	}
	if p.Plan.Counts.Create != 1 || p.Plan.Counts.Adopted != 1 {
		t.Fatalf("%+v", p.Plan.Counts)
	}
	var rows bytes.Buffer
	digest, err := p.SaveRows(&rows, true)
	if err != nil {
		t.Fatal(err)
	}
	restored, err := e.Restore(b.Context(), b.request(), p.Plan, &rows, digest)
	if err != nil {
		t.Fatal(err)
	}
	_ = restored.Close()
}

func TestNotesTellOfDeletesThatHappen(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.job.Mode, b.job.Owned, b.req.First = plan.Mirror, plan.OwnedAll, plan.FirstAdopt
	b.table.set(contacts(40)...)
	b.run()
	b.req.First = plan.FirstAsk
	b.table.set(append(contacts(35), [2]string{"", "nobody"})...)
	p := b.plan()
	if p.Deletes || p.Counts.Delete != 0 || slices.ContainsFunc(p.Notes, func(n string) bool { return strings.Contains(n, "owned: all") }) {
		t.Errorf("%t %+v %v", p.Deletes, p.Counts, p.Notes)
	}
}

func TestTheFirstRunAfterSingleRecords(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.req.AskFirst = true
	b.table.set(contacts(5)...)
	if _, err := b.one("k0001", true); err != nil {
		t.Fatal(err)
	}
	p := b.plan()
	if len(p.Holds) != 1 || strings.Contains(p.Holds[0].Message, "nothing was ever sent") {
		t.Errorf("%v", p.Holds)
	}
}
