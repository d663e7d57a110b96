package engine_test

import (
	"slices"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// How many calls a run spends on a destination that takes nothing, or that
// does not say which records it does not take: quotas are other people's too.
func TestCallsOfAHopelessRun(t *testing.T) {
	t.Parallel()
	all := func(o destination.Outcome) func(int, []record.Change) []destination.Outcome {
		return func(_ int, batch []record.Change) []destination.Outcome { return destination.All(len(batch), o) }
	}
	single := func(whole, one destination.State) func(int, []record.Change) []destination.Outcome {
		return func(_ int, batch []record.Change) []destination.Outcome {
			o := destination.Outcome{State: whole, Code: "UNKNOWN_FIELD"}
			if len(batch) == 1 {
				o.State = one
			}
			return destination.All(len(batch), o)
		}
	}
	tests := map[string]struct {
		answer   func(int, []record.Change) []destination.Outcome
		workers  int
		most     int64
		problem  string
		rejected int64 // at most
	}{
		"a mapping error that says so":            {all(destination.Outcome{State: destination.Mapping, Code: "UNKNOWN_FIELD"}), 1, 1, "mapping_error", 0},
		"as well, with workers":                   {all(destination.Outcome{State: destination.Mapping, Code: "UNKNOWN_FIELD"}), 8, 8, "mapping_error", 0},
		"every record refused for one reason":     {all(destination.Outcome{State: destination.Rejected, Code: "UNKNOWN_FIELD"}), 1, 1, "mapping_error", 100},
		"as well, by whole batches":               {single(destination.Bisect, destination.Rejected), 1, 220, "mapping_error", 100},
		"as well, by whole batches, with workers": {single(destination.Bisect, destination.Rejected), 8, 400, "mapping_error", 110},
		"the day's quota":                         {all(destination.Outcome{State: destination.Stop, Code: "DAILY"}), 1, 1, "destination_stopped", 0},
		"credentials":                             {all(destination.Outcome{State: destination.Auth, Code: "401"}), 8, 8, "destination_auth", 0},
		"limited for ever":                        {all(destination.Outcome{State: destination.Retry, Code: "429"}), 1, 18, "destination_unavailable", 0},
		"limited for ever, with workers":          {all(destination.Outcome{State: destination.Retry, Code: "429"}), 8, 60, "destination_unavailable", 0},
		"a server that fails for ever":            {all(destination.Outcome{State: destination.Retry, Code: "500", Maybe: true}), 1, 18, "destination_unavailable", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupMemory(t)
			b.crm.traits.Rows, b.crm.traits.Concurrency, b.crm.answer = 100, tt.workers, tt.answer
			b.table.set(contacts(5000)...)
			res := b.run()
			if res.Counts.Calls > tt.most || res.Counts.Rejected > tt.rejected || !fault.Is(res.Problems, tt.problem) || res.Status != plan.Failed {
				t.Errorf("%s %+v %v", res.Status, res.Counts, res.Problems)
			}
			b.crm.answer = nil
			if res = b.run(); res.Counts.Create+res.Counts.HeldBack != 5000 {
				t.Errorf("the next run sends the rest: %+v", res.Counts)
			}
		})
	}
}

// Where bad records are everywhere, and nobody says which they are, a run
// stops looking for them after so many calls; the others arrive later.
func TestTheCallsToFindBadRecordsAreLimited(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.crm.traits.Rows = 100
	b.table.set(contacts(7000)...)
	bad := func(ch record.Change) bool { key := ch.KeyVals[0].Data; return key[len(key)-1]%2 == 1 }
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		if slices.ContainsFunc(batch, bad) {
			return destination.All(len(batch), destination.Outcome{State: destination.Bisect, Code: "422"})
		}
		return nil
	}
	const batches, most = 70, 2000
	runs := 0
	for ; runs < 15 && len(b.crm.records) < 3500; runs++ {
		res := b.run()
		if res.Counts.Calls > batches+most || res.Counts.NotSent > 0 {
			t.Fatalf("%+v", res.Counts)
		}
	}
	for key := range b.crm.records {
		if key[len(key)-1]%2 == 1 {
			t.Fatalf("%s arrived", key)
		}
	}
	if res := b.run(); len(b.crm.records) != 3500 || res.Counts.Quarantined > 0 {
		t.Errorf("%d records arrived in %d runs: %+v", len(b.crm.records), runs, res.Counts)
	}
}
