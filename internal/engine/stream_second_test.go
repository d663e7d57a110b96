package engine_test

import (
	"slices"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/plan"
	"exposync/internal/record"
)

func events(t *testing.T, n int) *bench {
	t.Helper()
	b := large(t, n)
	b.job.Mode, b.job.Incremental.Forget, b.job.Incremental.FullRead = plan.Append, true, 0
	b.crm.traits.Idempotent = false
	b.run()
	b.house.rows = append(b.house.rows, timed{"new", "v", instant(0)})
	if res := b.run(); res.Plan.Reading.Forgotten == 0 {
		t.Fatalf("nothing was forgotten: %+v", res.Plan.Reading)
	}
	b.crm.sent = nil
	return b
}

func TestAnInterruptedAdoptionSendsNothing(t *testing.T) {
	t.Parallel()
	b := events(t, 2900)
	b.req.FullRead, b.req.First = "somebody asked for it", plan.FirstAdopt
	close(b.stop)
	if res := b.run(); res.Status != plan.Stopped {
		t.Fatalf("%s %+v", res.Status, res.Counts)
	}
	b.stop, b.req.FullRead, b.req.First = make(chan struct{}), "", plan.FirstAsk
	b.house.rows = append(b.house.rows, timed{"later", "v", instant(0)})
	if res := b.run(); !slices.Equal(b.crm.sent, []string{"create later"}) {
		t.Errorf("sent %d: %+v, holds %v", len(b.crm.sent), res.Counts, codes(*res.Plan))
	}
}

func TestRekeyedEventsAreNotSentAgain(t *testing.T) {
	t.Parallel()
	b := events(t, 60)
	b.job.Key = []plan.KeyField{{Field: "event", Column: "id"}}
	b.job.Guards.Creates = plan.Limit{Off: true}
	if got, err := b.rekey(true, true); err == nil {
		t.Fatalf("a key without its old field: %+v", got)
	}
	b.job.Fields = append(b.job.Fields, plan.Field{Name: "external_id", Column: "id"})
	if got, err := b.rekey(true, true); err != nil || got.Carried == 0 {
		t.Fatalf("%+v %v", got, err)
	}
	b.crm.sent = nil
	if p := b.plan(); p.Counts.Create > 0 {
		t.Errorf("%+v would be sent again: %+v, holds %v", p.Reading, p.Counts, codes(p))
	}
}

func TestKnownRejectsOfALargeTableAreFew(t *testing.T) {
	t.Parallel()
	b := large(t, 500)
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		out := b.crm.store(batch)
		for i, ch := range batch {
			if string(ch.KeyVals[0].Data) == "k0" {
				out[i] = destination.Outcome{State: destination.Rejected, Code: "bad"}
			}
		}
		return out
	}
	b.run()
	b.house.rows = append(b.house.rows, timed{"new", "v", instant(0)})
	if res := b.run(); b.reading(res).Full || res.Counts.Standing != 1 || res.Status != plan.Success {
		t.Errorf("%s %+v of %d", res.Status, res.Counts, res.Plan.PreviousRows)
	}
}
