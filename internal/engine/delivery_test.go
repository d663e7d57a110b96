package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/record"
)

func state(s destination.State) func(int, []record.Change) []destination.Outcome {
	return func(_ int, batch []record.Change) []destination.Outcome {
		return destination.All(len(batch), destination.Outcome{State: s, Code: "code"})
	}
}

func TestThePartThatIsBadIsFirstSentAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(5)...)
	b.crm.answer = func(call int, batch []record.Change) []destination.Outcome {
		if call > 1 {
			return nil
		}
		out := b.crm.store(batch[1:])
		return append([]destination.Outcome{{State: destination.Bisect, Code: "row without a result"}}, out...)
	}
	if res := b.run(); res.Counts.OK != 5 || res.Counts.Calls != 2 {
		t.Errorf("%+v: one that is alone in being unclear is not refused before it was sent alone", res.Counts)
	}
}

func TestTheReasonOfTheBadOneIsItsOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(2)...)
	b.crm.answer = func(call int, batch []record.Change) []destination.Outcome {
		switch {
		case call == 1:
			return []destination.Outcome{{State: destination.Bisect, Code: "bad"}, {State: destination.Retry, Code: "later"}}
		case len(batch) == 1 && call == 2:
			return []destination.Outcome{{State: destination.Bisect, Code: "bad"}}
		}
		return nil
	}
	res := b.run()
	if d := cmp.Diff([]plan.RejectGroup{{Code: "bad", Records: 1, New: 1, State: "rejected"}}, res.Rejects); d != "" || res.Counts.OK != 1 {
		t.Errorf("%+v (-want +got):\n%s", res.Counts, d)
	}
}

// Past the ceiling of extra calls nobody knows which records are bad: the
// good ones among them must not be refused for good.
func TestPastTheCeilingOfHalvingRecordsStayDue(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.crm.traits = destination.Traits{Rows: 8192, Concurrency: 1, Idempotent: true}
	rows := contacts(8192)
	b.table.set(rows...)
	bad := func(ch record.Change) bool { return ch.KeyHash[15]%3 == 0 }
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		if slices.ContainsFunc(batch, bad) {
			return state(destination.Bisect)(0, batch)
		}
		return nil
	}
	res := b.run()
	if res.Counts.Calls > 2100 || res.Counts.Rejected == 0 || res.Counts.OK == 0 {
		t.Fatalf("%+v", res.Counts)
	}
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		if len(batch) == 1 && bad(batch[0]) {
			return state(destination.Rejected)(0, batch)
		}
		out := make([]destination.Outcome, len(batch))
		for i, ch := range batch {
			if out[i].State = destination.Rejected; !bad(ch) {
				b.crm.put(ch)
				out[i].State = destination.OK
			}
		}
		return out
	}
	b.run()
	for _, r := range rows {
		hash := record.AppendKey(nil, text(r[0])).Hash()
		if _, there := b.crm.records[r[0]]; !there && hash[15]%3 != 0 {
			t.Fatalf("%s is good, and was not tried again", r[0])
		}
	}
}

func TestStoppingEndsTheSearchForBadOnes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.crm.traits.Rows = 1000
	b.table.set(contacts(1000)...)
	b.crm.answer = func(call int, batch []record.Change) []destination.Outcome {
		if call == 2 {
			close(b.stop)
		}
		return state(destination.Bisect)(call, batch)
	}
	if res := b.run(); res.Counts.Calls != 2 || res.Counts.NotSent != 1000 || res.Status != plan.Stopped {
		t.Errorf("%s %+v", res.Status, res.Counts)
	}
}

func TestAuthEndsTheSearchForBadOnes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(2)...)
	b.crm.answer = func(int, []record.Change) []destination.Outcome {
		return []destination.Outcome{{State: destination.Bisect}, {State: destination.Auth}}
	}
	if res := b.run(); res.Counts.Calls != 1 || res.Counts.NotSent != 2 || !fault.Is(res.Problems, "destination_auth") {
		t.Errorf("%+v %v", res.Counts, res.Problems)
	}
}

func TestWaitsGrowAndAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(1)...)
	b.crm.answer = state(destination.Retry)
	b.run()
	want := []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second}
	if d := cmp.Diff(want, b.waits); d != "" {
		t.Errorf("with a jitter of one half (-want +got):\n%s", d)
	}
}

func TestNobodyWaitsForHours(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(3)...)
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		return destination.All(len(batch), destination.Outcome{State: destination.Retry, Code: "429", After: 2 * time.Hour})
	}
	res := b.run()
	if res.Counts.Calls != 1 || res.Counts.NotSent != 3 || len(b.waits) != 0 || !fault.Is(res.Problems, "destination_stopped") {
		t.Fatalf("%+v %v, waits %v", res.Counts, res.Problems, b.waits)
	}
	if !strings.Contains(res.Problems.Error(), "2h") {
		t.Errorf("the fault does not say how long it would take: %v", res.Problems)
	}
}

// until ends a wait as a timer of hours would: only when it is told to.
func until(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(10 * time.Second):
		return nil
	}
}

func TestStoppingDoesNotSitOutABackoff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(3)...)
	b.crm.answer = state(destination.Retry)
	b.wait = func(ctx context.Context) error {
		close(b.stop)
		return until(ctx)
	}
	if res := b.run(); res.Counts.Calls != 1 || res.Counts.NotSent != 3 || res.Status != plan.Stopped {
		t.Errorf("%s %+v", res.Status, res.Counts)
	}
}

func TestAHaltEndsTheBackoffOfOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.crm.traits.Rows, b.crm.traits.Concurrency = 1, 2
	b.table.set(contacts(2)...)
	waiting := make(chan struct{})
	b.wait = func(ctx context.Context) error {
		close(waiting)
		return until(ctx)
	}
	b.crm.answer = func(call int, batch []record.Change) []destination.Outcome {
		if call == 1 {
			return state(destination.Retry)(call, batch)
		}
		<-waiting
		return state(destination.Auth)(call, batch)
	}
	if res := b.run(); res.Counts.Calls != 2 || res.Counts.NotSent != 2 || !fault.Is(res.Problems, "destination_auth") {
		t.Errorf("%+v %v", res.Counts, res.Problems)
	}
}

func TestStoppingDoesNotSitOutTheRateLimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.crm.traits.PerSecond, b.crm.traits.Concurrency = 0.001, 1
	b.table.set(contacts(30)...)
	b.crm.answer = func(int, []record.Change) []destination.Outcome {
		time.AfterFunc(20*time.Millisecond, func() { close(b.stop) })
		return nil
	}
	if res := b.run(); res.Counts.Calls != 1 || res.Counts.OK != 10 || res.Status != plan.Stopped {
		t.Errorf("%s %+v", res.Status, res.Counts)
	}
}

func TestRefusedForNowIsNoMappingError(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(300)...)
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		return destination.All(len(batch), destination.Outcome{State: destination.Rejected, Code: "locked", Transient: true})
	}
	if res := b.run(); res.Counts.Rejected != 300 || len(res.Problems) != 0 {
		t.Errorf("%+v %v", res.Counts, res.Problems)
	}
}

func TestNoDeletesAfterAWriteThatWasNotSent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.job.Mode = plan.Mirror
	b.table.set(contacts(20)...)
	b.run()
	rows := contacts(20)[1:]
	rows[0][1] = "changed"
	b.table.set(rows...)
	b.crm.answer = state(destination.NotSent)
	res := b.run()
	if res.Counts.NotSent != 2 || res.Counts.Calls != 1 || len(b.crm.records) != 20 {
		t.Errorf("%+v, %d records left", res.Counts, len(b.crm.records))
	}
}

func TestUselessTraits(t *testing.T) {
	t.Parallel()
	tests := map[string]destination.Traits{
		"nothing said":         {Idempotent: true},
		"negative":             {Rows: -1, Concurrency: -1, Bytes: -1, PerSecond: -1},
		"bytes without a size": {Rows: 100, Bytes: 10, Idempotent: true},
		"all above the limit":  {Rows: 100, Bytes: 10, Size: func(record.Change) int { return 1000 }},
	}
	for name, traits := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.crm.traits = traits
			b.table.set(contacts(20)...)
			if res := b.run(); res.Counts.OK != 20 || res.Counts.Calls != 20 {
				t.Errorf("%+v", res.Counts)
			}
		})
	}
}

func TestBatchesKeepWithinTheirBytes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	size := func(ch record.Change) int { return len(ch.Values[0].Data) }
	b.crm.traits = destination.Traits{Rows: 100, Bytes: 25, Size: size, Idempotent: true}
	b.table.set(contacts(50)...)
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		sum := 0
		for _, ch := range batch {
			sum += size(ch)
		}
		if sum > 25 || len(batch) == 1 {
			t.Errorf("a batch of %d records has %d bytes", len(batch), sum)
		}
		return nil
	}
	if res := b.run(); res.Counts.OK != 50 {
		t.Errorf("%+v", res.Counts)
	}
}

// stagingCRM keeps changes back until Settle.
func TestAnUnchangedRunLeavesTheLedgerAlone(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.table.set(contacts(3)...)
	b.run()
	folds, appends := b.mem.folds, b.mem.appends
	b.run()
	if b.mem.folds != folds || b.mem.appends != appends {
		t.Error("nothing changed, and yet the ledger was written")
	}
	b.job.Mode = plan.Insert // upsert would update
	b.table.set(contacts(2)...)
	b.run()
	if b.mem.header.Rows != 2 {
		t.Errorf("the ledger remembers %d rows, the source has 2", b.mem.header.Rows)
	}
}

func TestKeysOfNumbersKeepTheirKind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.kind = record.Int
	b.table.set([2]string{"12", "x"})
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		if k := batch[0].KeyVals[0]; k.Kind != record.Int || string(k.Data) != "12" {
			t.Errorf("the key arrives as %s %s", k.Kind, k.Data)
		}
		return nil
	}
	b.run()
}

// One record that breaks the destination must not keep all others out, run
// after run.
func TestInsertComparesWithoutWritingOver(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.job.Mode, b.req.First = plan.Insert, plan.FirstCompare
	b.crm.records["a"] = "theirs"
	b.table.set([2]string{"a", "ours"}, [2]string{"b", "ours"})
	if res := b.run(); res.Counts.Adopted != 1 || res.Counts.Create != 1 || res.Counts.Update != 0 {
		t.Errorf("%+v", res.Counts)
	}
	b.holds("a", "theirs")
}

func TestAnAcceptedMappingIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.crm.traits.Concurrency = 1
	b.table.set(contacts(300)...)
	b.run()
	b.job.Fields = []plan.Field{{Name: "full_name", Column: "name"}}
	b.req.Accept = []string{"mapping_changed"}
	b.mem.dieAt = b.mem.appends + 3
	if res := b.run(); res.Counts.OK == 0 || res.Counts.OK == 300 {
		t.Fatalf("%+v", res.Counts)
	}
	b.mem.dieAt, b.req.Accept = 0, nil
	if got := codes(b.plan()); len(got) > 0 {
		t.Errorf("the killed run was let through, and yet: %v", got)
	}
	if res := b.run(); res.Status != plan.Success {
		t.Errorf("%s %+v", res.Status, res.Counts)
	}
}

// A reader that ends without an error when it is interrupted has not read
// everything: a mirror must not take the rest for gone.
func TestAnInterruptedReadIsNotComplete(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.job.Mode, b.job.Guards = plan.Mirror, plan.Guards{Deletes: plan.Limit{Off: true}, Rows: plan.Limit{Off: true}}
	b.table.set(contacts(50)...)
	b.run()
	ctx, cancel := context.WithCancel(t.Context())
	b.table.reading = func(i int) bool {
		if i == 10 {
			cancel()
		}
		return i < 10
	}
	if _, err := b.try(ctx); !fault.Is(err, "interrupted") {
		t.Errorf("err = %v", err)
	}
}
