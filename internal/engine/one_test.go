package engine_test

import (
	"testing"

	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/plan"
)

// One record is found wherever its row is.
func TestOneRecordOutsideOfTheWindow(t *testing.T) {
	t.Parallel()
	b := large(t, 20)
	b.run()
	if one, err := b.one("k0", false); err != nil || one.Mark == nil {
		t.Errorf("%v", err)
	}
}

// One record of a renamed job is held against what its former name confirmed,
// and sending it does not make the rest unknown.
func TestOneRecordOfARenamedJob(t *testing.T) {
	t.Parallel()
	for _, send := range []bool{false, true} {
		b := setup(t)
		b.table.set(contacts(10)...)
		b.run()
		b.crm.sent, b.crm.traits.Idempotent = nil, false
		b.job.ID, b.job.Was = "people", []string{"contacts"}
		if one, err := b.one("k0001", send); err != nil || one.Sent || one.FirstRun || one.Op != 0 {
			t.Errorf("send %t: %v %+v", send, err, one)
		}
		if res := b.run(); res.Counts.Unchanged != 10 || len(b.crm.sent) > 0 {
			t.Errorf("send %t: %+v, sent %v", send, res.Counts, b.crm.sent)
		}
	}
}

func TestHalfOfACopyIsNotAmended(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(10)...)
	b.run()
	b.job.ID = "people"
	half(b, "contacts")
	for _, send := range []bool{false, true} {
		if one, err := b.one("k0002", send); !fault.Is(err, "ledger_incomplete") {
			t.Errorf("one, send %t: %v %+v", send, err, one)
		}
	}
	e, done := b.engine()
	defer done()
	id := plan.SyncID{Project: "shop", Job: "people", Connection: "crm", Account: "acme", Object: "contacts", Key: []string{"external_id"}}
	if _, err := e.Amend(b.Context(), id, "prod", engine.Release, engine.Which{}, false); !fault.Is(err, "ledger_incomplete") {
		t.Errorf("amend: %v", err)
	}
}
