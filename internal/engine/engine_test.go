package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/destination"
	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/record"
)

func TestASecondRunSendsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(25)...)
	first := b.run()
	if first.Status != plan.Success || first.Counts.Create != 25 || first.Counts.OK != 25 {
		t.Fatalf("first run: %s %+v %v", first.Status, first.Counts, first.Problems)
	}
	calls := b.crm.calls
	second := b.run()
	if second.Counts.Unchanged != 25 || second.Counts.Changes() != 0 || b.crm.calls != calls {
		t.Errorf("second run: %+v, %d calls", second.Counts, b.crm.calls-calls)
	}
}

func TestOnlyTheChangedRowIsFetchedAndSent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rows := contacts(300)
	b.table.set(rows...)
	b.run()
	b.crm.sent = nil
	rows[42][1] = "changed"
	b.table.set(append(rows, [2]string{"new", "one"})...)
	res := b.run()
	if res.Counts.Update != 1 || res.Counts.Create != 1 || b.table.got != 2 {
		t.Errorf("counts %+v, fetched %d rows", res.Counts, b.table.got)
	}
	slices.Sort(b.crm.sent)
	if d := cmp.Diff([]string{"create new", "update k0042"}, b.crm.sent); d != "" {
		t.Errorf("sent (-want +got):\n%s", d)
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	tests := map[plan.Mode]struct {
		sent   []string
		counts plan.Counts
	}{
		plan.Upsert: {sent: []string{"create c", "update b"}, counts: plan.Counts{Read: 2, Create: 1, Update: 1, OK: 2}},
		plan.Update: {sent: []string{"create c", "update b"}, counts: plan.Counts{Read: 2, Create: 1, Update: 1, OK: 2}},
		plan.Insert: {sent: []string{"create c"}, counts: plan.Counts{Read: 2, Create: 1, HeldBack: 1, OK: 1}},
		plan.Mirror: {sent: []string{"create c", "delete a", "update b"}, counts: plan.Counts{Read: 2, Create: 1, Update: 1, Delete: 1, OK: 3}},
		plan.Append: {sent: []string{"create c", "update b"}, counts: plan.Counts{Read: 2, Create: 1, Update: 1, OK: 2}},
	}
	for mode, tt := range tests {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.job.Mode = mode
			b.table.set([2]string{"a", "1"}, [2]string{"b", "2"})
			b.run()
			b.crm.sent = nil
			b.table.set([2]string{"b", "3"}, [2]string{"c", "4"})
			res := b.run()
			res.Counts.Calls = 0
			if d := cmp.Diff(tt.counts, res.Counts); d != "" {
				t.Errorf("counts (-want +got):\n%s", d)
			}
			slices.Sort(b.crm.sent)
			if d := cmp.Diff(tt.sent, b.crm.sent); d != "" {
				t.Errorf("sent (-want +got):\n%s", d)
			}
		})
	}
}

func TestRejectsKeepTheirReasonAndStayOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(20)...)
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		out := destination.All(len(batch), destination.Outcome{State: destination.OK})
		for i, ch := range batch {
			if string(ch.KeyVals[0].Data) == "k0007" && string(ch.Values[0].Data) != "good" {
				out[i] = destination.Outcome{State: destination.Rejected, Code: "invalid", Message: "the name is taken"}
				continue
			}
			b.crm.put(ch)
		}
		return out
	}
	res := b.run()
	if res.Status != plan.PartialDone || res.Counts.OK != 19 || res.Counts.Rejected != 1 {
		t.Fatalf("%s %+v", res.Status, res.Counts)
	}
	want := []plan.RejectGroup{{Code: "invalid", Reason: "the name is taken", Records: 1, New: 1, State: "rejected"}}
	if d := cmp.Diff(want, res.Rejects); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	calls := b.crm.calls
	res = b.run()
	if b.crm.calls != calls || res.Counts.HeldBack != 1 || res.Counts.Standing != 1 {
		t.Errorf("a standing permanent reject must not be sent again: %+v", res.Counts)
	}
	if len(res.Rejects) != 1 || res.Rejects[0].New != 0 {
		t.Errorf("a standing reject must be reported every time: %+v", res.Rejects)
	}
	rows := contacts(20)
	rows[7][1] = "good"
	b.table.set(rows...)
	if res = b.run(); res.Counts.OK != 1 || res.Status != plan.Success {
		t.Errorf("a changed record must be tried again: %s %+v", res.Status, res.Counts)
	}
}

func TestTransientRejectsAreQuarantinedAfterFiveRuns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(1)...)
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		return destination.All(len(batch), destination.Outcome{State: destination.Rejected, Code: "locked", Transient: true})
	}
	for run := range 5 {
		if res := b.run(); res.Counts.Rejected != 1 {
			t.Fatalf("run %d: %+v", run, res.Counts)
		}
	}
	if res := b.run(); res.Counts.Quarantined != 1 || res.Counts.Changes() != 0 {
		t.Errorf("after five runs: %+v", res.Counts)
	}
}

func TestOneBadRecordIsFoundByHalving(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.crm.traits.Rows = 100
	b.table.set(contacts(100)...)
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		for _, ch := range batch {
			if string(ch.KeyVals[0].Data) == "k0055" {
				return destination.All(len(batch), destination.Outcome{State: destination.Bisect, Code: "422"})
			}
		}
		return nil
	}
	res := b.run()
	if res.Counts.OK != 99 || res.Counts.Rejected != 1 || len(b.crm.records) != 99 {
		t.Errorf("%+v, %d records landed", res.Counts, len(b.crm.records))
	}
	if res.Counts.Calls > 15 {
		t.Errorf("%d calls to find one of 100", res.Counts.Calls)
	}
}

func TestRefusedForNowIsSentAgainAfterWaiting(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(5)...)
	b.crm.answer = func(call int, batch []record.Change) []destination.Outcome {
		if call <= 2 {
			return destination.All(len(batch), destination.Outcome{State: destination.Retry, Code: "429", After: 7 * time.Second})
		}
		return nil
	}
	res := b.run()
	if res.Status != plan.Success || res.Counts.OK != 5 || len(b.waits) != 2 {
		t.Fatalf("%s %+v, waits %v", res.Status, res.Counts, b.waits)
	}
	for _, w := range b.waits {
		if w < 7*time.Second || w > 8*time.Second {
			t.Errorf("waited %v though 7s were asked for", w)
		}
	}
}

func TestADeadDestinationLosesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(50)...)
	dead := true
	b.crm.answer = func(call int, batch []record.Change) []destination.Outcome {
		if dead && call > 2 {
			return destination.All(len(batch), destination.Outcome{State: destination.Retry, Code: "503"})
		}
		return nil
	}
	res := b.run()
	if res.Status != plan.Failed || fault.ExitCode(res.Problems) != 5 || res.Counts.OK != 20 || res.Counts.NotSent != 30 {
		t.Fatalf("%s %+v %v", res.Status, res.Counts, res.Problems)
	}
	if engine.Handled(res) {
		t.Error("a run with records not sent must not count as handled")
	}
	dead = false
	b.crm.sent = nil
	if res = b.run(); res.Counts.OK != 30 || len(b.crm.sent) != 30 || len(b.crm.records) != 50 {
		t.Errorf("the next run must send exactly the rest: %+v", res.Counts)
	}
}

func TestASilentAnswerIsInDoubt(t *testing.T) {
	t.Parallel()
	for _, idempotent := range []bool{true, false} {
		t.Run(fmt.Sprintf("idempotent %v", idempotent), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.crm.traits.Idempotent = idempotent
			b.table.set(contacts(5)...)
			lost := true
			b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
				b.crm.store(batch)
				if lost {
					return []destination.Outcome{} // nothing: a reply that does not add up
				}
				return nil
			}
			res := b.run()
			if res.Counts.InDoubt != 5 || res.Counts.OK != 0 || engine.Handled(res) {
				t.Fatalf("%s %+v", res.Status, res.Counts)
			}
			lost = false
			b.crm.sent = nil
			res = b.run()
			if idempotent && (res.Counts.OK != 5 || res.Status != plan.Success) {
				t.Errorf("doubt about idempotent changes ends by sending them again: %+v", res.Counts)
			}
			if !idempotent && (len(b.crm.sent) != 0 || res.Counts.HeldBack != 5) {
				t.Errorf("doubtful changes that would be doubled must wait: %+v sent %v", res.Counts, b.crm.sent)
			}
		})
	}
}

func TestStoppingFinishesTheBatchInFlight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.crm.traits.Concurrency = 1
	b.job.Mode = plan.Mirror
	b.table.set(contacts(100)...)
	b.crm.answer = func(call int, _ []record.Change) []destination.Outcome {
		if call == 3 {
			close(b.stop)
		}
		return nil
	}
	res := b.run()
	if res.Status != plan.Stopped || res.Counts.OK < 30 || res.Counts.OK > 50 || int64(len(b.crm.records)) != res.Counts.OK {
		t.Fatalf("%s %+v, %d landed", res.Status, res.Counts, len(b.crm.records))
	}
	done := res.Counts.OK
	b.stop, b.crm.answer = make(chan struct{}), nil
	if res = b.run(); res.Counts.OK != 100-done || len(b.crm.records) != 100 {
		t.Errorf("the next run must send exactly the rest: %+v", res.Counts)
	}
}

func TestKilledWhileWriting(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.crm.traits.Concurrency = 1
	b.table.set(contacts(100)...)
	ctx, cancel := context.WithCancel(t.Context())
	b.crm.answer = func(call int, batch []record.Change) []destination.Outcome {
		if call == 3 {
			cancel()
			b.crm.store(batch)
			return destination.All(len(batch), destination.Outcome{State: destination.InDoubt, Code: "cancelled"})
		}
		return nil
	}
	res, _ := b.try(ctx)
	if res.Counts.OK != 20 || res.Counts.InDoubt != 10 || res.Counts.NotSent != 70 {
		t.Fatalf("%s %+v", res.Status, res.Counts)
	}
	b.crm.answer = nil
	if res = b.run(); res.Counts.OK != 80 || len(b.crm.records) != 100 {
		t.Errorf("the next run: %+v", res.Counts)
	}
}

func TestBadKeysAreInvalidAndStopDeletes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.job.Mode = plan.Mirror
	b.job.Guards.Keys = plan.Limit{Records: 3}
	b.table.set(contacts(20)...)
	b.run()
	rows := contacts(20)[1:]
	b.table.set(append(rows, [2]string{"", "nobody"}, [2]string{"twin", "1"}, [2]string{"twin", "2"})...)
	res := b.run()
	if res.Counts.Invalid != 3 || res.Counts.Delete != 0 || res.Status != plan.PartialDone || len(b.crm.records) != 20 {
		t.Errorf("%s %+v", res.Status, res.Counts)
	}
}

func TestAMappingErrorStopsBeforeTheQuotaBurns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.crm.traits.Concurrency = 1
	b.table.set(contacts(1000)...)
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		return destination.All(len(batch), destination.Outcome{State: destination.Rejected, Code: "PROPERTY_DOESNT_EXIST"})
	}
	res := b.run()
	if res.Status != plan.Failed || !fault.Is(res.Problems, "mapping_error") || res.Counts.Calls > 15 {
		t.Errorf("%s %+v %v", res.Status, res.Counts, res.Problems)
	}
}

func TestDeletesAreNotSentAfterAnAbortedWrite(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.job.Mode = plan.Mirror
	b.table.set(contacts(20)...)
	b.run()
	rows := contacts(20)[1:] // k0000 is gone
	rows[0][1] = "changed"
	b.table.set(rows...)
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		return destination.All(len(batch), destination.Outcome{State: destination.Auth, Code: "401"})
	}
	res := b.run()
	if !fault.Is(res.Problems, "destination_auth") || res.Counts.NotSent != 2 || len(b.crm.records) != 20 {
		t.Errorf("%s %+v", res.Status, res.Counts)
	}
}
