package engine_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/destination"
	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
)

func TestARenamedJobGoesOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.req.AskFirst, b.req.First = true, plan.FirstSend
	b.table.set(contacts(30)...)
	b.run()
	b.crm.sent, b.req.First = nil, plan.FirstAsk
	b.job.ID, b.job.Was = "people", []string{"never", "contacts"}
	rows := contacts(30)
	rows[3][1] = "changed"
	b.table.set(rows...)
	for range 2 { // looking changes nothing
		p := b.plan()
		if p.FirstRun || p.Continues != "contacts" || p.Counts.Unchanged != 29 || p.Counts.Update != 1 || !slices.Contains(p.Notes, "continues contacts") || len(p.Held()) > 0 {
			t.Fatalf("%+v", p)
		}
	}
	res := b.run()
	if d := cmp.Diff([]string{"update k0003"}, b.crm.sent); d != "" || res.Plan.Continues != "contacts" {
		t.Errorf("sent (-want +got):\n%s", d)
	}
	res = b.run()
	if res.Counts.Unchanged != 30 || res.Plan.Continues != "" || len(res.Plan.Notes) > 0 {
		t.Errorf("`was` must do nothing any more: %+v", res.Plan)
	}
	// Renamed back, it goes on again: nothing stale is left under the old name.
	rows[3][1] = "name 3"
	b.table.set(rows...)
	b.crm.sent = nil
	b.job.ID, b.job.Was = "contacts", []string{"people"}
	if res = b.run(); res.Counts.Update != 1 || res.Plan.Continues != "people" {
		t.Errorf("renamed back: %+v", res.Counts)
	}
}

func TestOnlyTheSameTargetIsContinued(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.job.Target = "dev"
	b.table.set(contacts(3)...)
	b.run()
	b.job.Target, b.job.ID, b.job.Was, b.req.AskFirst = "prod", "people", []string{"contacts"}, true
	if got := codes(b.plan()); !slices.Contains(got, "first_run") {
		t.Errorf("holds = %v", got)
	}
}

// half leaves a copy of the job's former name as a killed run would.
func half(b *bench, from string) {
	b.Helper()
	e, done := b.engine()
	defer done()
	id := plan.SyncID{Project: "shop", Job: b.job.ID, Connection: "crm", Account: "acme", Object: "contacts", Key: []string{"external_id"}}
	origin := ledger.Origin{Sync: id, Generation: 1}
	origin.Sync.Job = from
	text, err := json.Marshal(origin)
	if err != nil {
		b.Fatal(err)
	}
	s, err := e.Ledger.Open(b.Context(), id, b.job.Target)
	if err != nil {
		b.Fatal(err)
	}
	key := record.AppendKey(nil, record.Value{Kind: record.Text, Data: []byte("k0001")})
	if err := s.Append(b.Context(),
		ledger.Entry{Kind: ledger.JobStarted, Job: "exposync:copying " + string(text)},
		ledger.Entry{Kind: ledger.Confirmed, Key: key, KeyHash: key.Hash(), RowHash: key.Hash()}); err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

func TestHalfOfACopyIsNeverTheWhole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(10)...)
	b.run()
	b.crm.sent = nil
	b.job.ID = "people"
	half(b, "contacts")
	if _, err := b.try(t.Context()); !fault.Is(err, "ledger_incomplete") {
		t.Errorf("err = %v", err)
	}
	b.job.Was = []string{"contacts"}
	if p := b.plan(); p.Counts.Unchanged != 10 {
		t.Errorf("looking: %+v", p.Counts)
	}
	if res := b.run(); res.Counts.Unchanged != 10 || len(b.crm.sent) > 0 {
		t.Errorf("carried again: %+v, sent %v", res.Counts, b.crm.sent)
	}
	b.job.ID, b.job.Was = "others", []string{"people"}
	half(b, "somebody else")
	if _, err := b.try(t.Context()); !fault.Is(err, "ledger_incomplete") {
		t.Errorf("half of another copy: err = %v", err)
	}
}

func TestAnEphemeralLedgerHolds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(3)...)
	b.req.Ephemeral = true
	if res := b.run(); res.Status != plan.HeldStatus || b.crm.calls > 0 {
		t.Fatalf("%s, %d calls", res.Status, b.crm.calls)
	}
	b.req.Accept = []string{"ephemeral_ledger"}
	if res := b.run(); res.Status != plan.Success {
		t.Errorf("%s %v", res.Status, res.Problems)
	}
}

// rekey carries the job's marks over and gives what became of them.
func (b *bench) rekey(do, proven bool) (engine.Rekeyed, error) {
	b.Helper()
	e, done := b.engine()
	defer done()
	return e.Rekey(b.Context(), b.request(), engine.RekeyOptions{Do: do, Proven: proven})
}

// newKey gives the job a key by name, with the old one as a field.
func (b *bench) newKey() {
	b.job.Key = []plan.KeyField{{Field: "name_key", Column: "name"}}
	b.job.Fields = []plan.Field{{Name: "external_id", Column: "id", Nulls: plan.Clear}}
}

func TestRekeyCarriesEveryMarkToItsRecord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rows := contacts(400)
	b.table.set(rows...)
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		out := destination.All(len(batch), destination.Outcome{State: destination.OK, RemoteID: "r"})
		for i, ch := range batch {
			if string(ch.KeyVals[0].Data) == "k0009" {
				out[i] = destination.Outcome{State: destination.Rejected, Code: "no"}
			}
		}
		return out
	}
	b.run()
	b.crm.answer = nil
	b.newKey()
	rows = append(rows[:390], // ten are gone
		[2]string{"new", "name new"},         // one never had a mark
		[2]string{"other", "name 5"},         // its new key is also that of k0005
		[2]string{"k0006", "name 6 doubled"}, // two rows have the old key k0006
		[2]string{"", "name 7"},              // a row without the old key takes k0007's new one
	)
	rows[8][1] = "" // k0008 has no new key
	b.table.set(rows...)
	if got := codes(b.plan()); !slices.Contains(got, "key_changed") {
		t.Fatalf("holds = %v", got)
	}
	would, err := b.rekey(false, false)
	if err != nil {
		t.Fatal(err)
	}
	want := engine.Rekeyed{From: would.From, To: would.To, Confirmed: 399, Standing: 1, Carried: 385, Again: 385, Gone: 10, Unclear: 4, NewKey: true}
	if d := cmp.Diff(want, would); d != "" {
		t.Errorf("would (-want +got):\n%s", d)
	}
	if got := codes(b.plan()); !slices.Contains(got, "key_changed") {
		t.Errorf("looking changed something: holds = %v", got)
	}
	if _, err := b.rekey(true, false); !fault.Is(err, "rekey_gate") {
		t.Errorf("a model that is not proven: %v", err)
	}
	did, err := b.rekey(true, true)
	want.Done = true
	if d := cmp.Diff(want, did); d != "" || err != nil {
		t.Errorf("did (-want +got): %v\n%s", err, d)
	}
	p := b.plan()
	// Creates: the new one, the two of k0006, the rejected one. Two pairs have one new key.
	if p.Counts.Update != 385 || p.Counts.Create != 4 || p.Counts.Invalid != 5 {
		t.Errorf("%+v", p.Counts)
	}
	if _, err := b.rekey(true, true); !fault.Is(err, "rekey_nothing") {
		t.Errorf("a second time: %v", err)
	}
}

func TestRekeyWithoutTheOldColumnChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(3)...)
	b.run()
	b.newKey()
	b.job.Fields = nil
	for _, do := range []bool{false, true} {
		if _, err := b.rekey(do, true); !fault.Is(err, "rekey_columns") {
			t.Errorf("err = %v", err)
		}
	}
	b.table.die = 2
	b.newKey()
	if _, err := b.rekey(true, true); !fault.Is(err, "warehouse_read") {
		t.Errorf("a reading that breaks off: %v", err)
	}
	b.table.die = 0
	b.job = setup(t).job
	if p := b.plan(); p.Counts.Unchanged != 3 {
		t.Errorf("the old identity is not what it was: %+v", p.Counts)
	}
}

func TestRekeyKeepsMarksAsTheyAreAtAnotherAccount(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(20)...)
	b.run()
	b.crm.account = "acme renamed"
	if got := codes(b.plan()); !slices.Contains(got, "account_changed") {
		t.Fatalf("holds = %v", got)
	}
	got, err := b.rekey(true, false)
	if err != nil || got.Carried != 20 || got.Again != 0 || got.NewKey {
		t.Fatalf("%+v, %v", got, err)
	}
	if p := b.plan(); p.Counts.Unchanged != 20 || len(p.Held()) > 0 {
		t.Errorf("%+v %v", p.Counts, p.Holds)
	}
}

// A job that is renamed again while half of its marks were taken over goes on
// with the whole.
func TestARenamedJobIsRenamedAgainAfterACrash(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(10)...)
	b.run()
	b.crm.sent = nil
	b.job.ID = "people"
	half(b, "contacts")
	b.job.ID, b.job.Was = "humans", []string{"people", "contacts"}
	if res := b.run(); res.Counts.Unchanged != 10 || res.Plan.Continues != "contacts" {
		t.Errorf("%+v", res.Counts)
	}
	b.job.ID, b.job.Was = "others", []string{"people"}
	if _, err := b.try(t.Context()); !fault.Is(err, "ledger_incomplete") {
		t.Errorf("without the name of the whole: %v", err)
	}
}

// A plan is no older for what a run has to finish first.
func TestAPlanWhileAFormerNameIsStillToBeForgotten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(10)...)
	shelf := newShelf()
	b.open = func() (ledger.Ledger, error) { return shelf, nil }
	b.run()
	b.job.ID, b.job.Was = "people", []string{"contacts"}
	shelf.of("people").dieAt = 4 // when the former name was forgotten
	if _, err := b.try(t.Context()); err == nil {
		t.Fatal("nothing died")
	}
	shelf.revive()
	saved := b.plan()
	e, done := b.engine()
	defer done()
	p, err := e.Repeat(b.Context(), b.request(), saved)
	if err != nil {
		t.Fatal(err)
	}
	_ = p.Close()
}

// Whatever name a sync is carried on from, nothing stale stays behind under
// the names before.
func TestNoStaleNameStaysBehind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(10)...)
	shelf := newShelf()
	b.open = func() (ledger.Ledger, error) { return shelf, nil }
	b.run()
	b.job.ID, b.job.Was = "people", []string{"contacts"}
	shelf.of("contacts").dieAt = 1 // it cannot be forgotten
	if _, err := b.try(t.Context()); err == nil {
		t.Fatal("nothing died")
	}
	shelf.revive()
	b.job.ID, b.job.Was = "humans", []string{"people", "contacts"}
	if res := b.run(); res.Plan.Continues != "people" || res.Counts.Unchanged != 10 {
		t.Fatalf("%+v", res.Plan)
	}
	for _, name := range []string{"contacts", "people"} {
		if m := shelf.of(name); len(m.marks) > 0 || m.header.Generation > 0 {
			t.Errorf("%s still has %d marks", name, len(m.marks))
		}
	}
}
