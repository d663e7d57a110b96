package engine_test

import (
	"fmt"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/record"
)

func TestOneRecordThatBreaksTheDestination(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{1, 10, 100} {
		for _, answer := range []destination.State{destination.Retry, destination.InDoubt} {
			t.Run(fmt.Sprintf("%d rows a batch, state %d", rows, answer), func(t *testing.T) {
				t.Parallel()
				b := setupMemory(t)
				b.crm.traits.Rows, b.crm.traits.Concurrency = rows, 1
				b.table.set(contacts(60)...)
				b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
					for _, ch := range batch {
						if string(ch.KeyVals[0].Data) == "k0007" {
							return state(answer)(0, batch)
						}
					}
					return nil
				}
				res := b.run()
				if res.Counts.OK != 59 || res.Counts.NotSent != 0 || len(res.Problems) != 0 || res.Counts.Calls > 100 {
					t.Fatalf("%s %+v %v", res.Status, res.Counts, res.Problems)
				}
				for range 4 {
					b.table.set(append(b.table.rows, [2]string{fmt.Sprint("new ", len(b.table.rows)), "x"})...)
					b.run()
				}
				if res = b.run(); answer == destination.Retry && (res.Counts.Quarantined != 1 || res.Counts.Calls != 0) {
					t.Errorf("after five runs: %+v", res.Counts)
				}
			})
		}
	}
}

func TestADeadDestinationIsNotCalledForEver(t *testing.T) {
	t.Parallel()
	for _, concurrency := range []int{1, 4} {
		b := setupMemory(t)
		b.crm.traits.Concurrency = concurrency
		b.table.set(contacts(1000)...)
		b.crm.answer = state(destination.Retry)
		res := b.run()
		if most := int64(6 * (2 + concurrency)); res.Counts.Calls > most || res.Counts.NotSent != 1000 || !fault.Is(res.Problems, "destination_unavailable") {
			t.Errorf("%d at a time: %+v, at most %d calls", concurrency, res.Counts, most)
		}
	}
}

func TestADeadDestinationAndASmallRun(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 10} {
		b := setupMemory(t)
		b.table.set(contacts(n)...)
		b.crm.answer = state(destination.Retry)
		res := b.run()
		if res.Counts.NotSent != int64(n) || res.Counts.Calls > 10 || !fault.Is(res.Problems, "destination_unavailable") {
			t.Errorf("%d records: %+v %v", n, res.Counts, res.Problems)
		}
	}
}
