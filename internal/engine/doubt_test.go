package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"exposync/internal/destination"
	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// once answers the first call of a run with a state, stored or not, and every
// other call with success.
func (b *bench) once(stored bool, o destination.Outcome) {
	n := 0
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		if n++; n != 1 {
			return nil
		}
		if stored {
			b.crm.store(batch)
		}
		return destination.All(len(batch), o)
	}
}

func lost() destination.Outcome {
	return destination.Outcome{State: destination.InDoubt, Code: "timeout"}
}

func setupMemory(t *testing.T) *bench {
	t.Helper()
	b := setup(t)
	b.mem = newMemory()
	return b
}

// storing takes every batch, and says that it did not, or might not have.
func storing(b *bench, s destination.State) {
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		b.crm.store(batch)
		return destination.All(len(batch), destination.Outcome{State: s, Code: "502", Transient: true, Maybe: true})
	}
}

func (b *bench) holds(key, want string) {
	b.Helper()
	if got := b.crm.records[key]; got != want {
		b.Errorf("the destination holds %q, want %q", got, want)
	}
}

func TestTheSourceGoesBackAfterADoubt(t *testing.T) {
	t.Parallel()
	tests := map[string]func(b *bench){
		"the answer was lost, all tries": func(b *bench) {
			b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
				b.crm.store(batch)
				return destination.All(len(batch), lost())
			}
		},
		"the process died before it could write it down": func(b *bench) { b.mem.dieAt = b.mem.appends + 2 },
		"lost, then the quota was used up": func(b *bench) {
			b.crm.answer = func(call int, batch []record.Change) []destination.Outcome {
				if call == 2 {
					b.crm.store(batch)
					return destination.All(len(batch), lost())
				}
				return destination.All(len(batch), destination.Outcome{State: destination.Stop})
			}
		},
		"lost, then refused": func(b *bench) {
			b.crm.answer = func(call int, batch []record.Change) []destination.Outcome {
				if call == 2 {
					b.crm.store(batch)
					return destination.All(len(batch), lost())
				}
				return destination.All(len(batch), destination.Outcome{State: destination.Rejected})
			}
		},
		"stored, but the server failed, all tries": func(b *bench) { storing(b, destination.Retry) },
		"stored, but the answer did not add up":    func(b *bench) { storing(b, destination.Bisect) },
		"stored, but refused by a garbled answer":  func(b *bench) { storing(b, destination.Rejected) },
	}
	for name, accident := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupMemory(t)
			b.table.set([2]string{"k", "old"})
			b.run()
			b.table.set([2]string{"k", "new"})
			accident(b)
			b.run()
			b.holds("k", "new")
			b.crm.answer, b.mem.dieAt = nil, 0
			b.table.set([2]string{"k", "old"})
			if res := b.run(); res.Counts.Update != 1 || res.Status != plan.Success {
				t.Errorf("%s %+v", res.Status, res.Counts)
			}
			b.holds("k", "old")
			if res := b.run(); res.Counts.Unchanged != 1 || res.Counts.Calls != 0 {
				t.Errorf("afterwards: %+v", res.Counts)
			}
		})
	}
}

func TestARefusalInALaterRunKeepsTheDoubt(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.table.set([2]string{"k", "old"})
	b.run()
	b.table.set([2]string{"k", "new"})
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		b.crm.store(batch)
		return destination.All(len(batch), lost())
	}
	b.run()
	b.table.set([2]string{"k", "bad"})
	b.once(false, destination.Outcome{State: destination.Rejected, Code: "bad"})
	b.run()
	b.crm.answer = nil
	if res := b.run(); res.Counts.HeldBack != 1 || res.Counts.Calls != 0 {
		t.Errorf("a refusal for good stands, doubt or not: %+v", res.Counts)
	}
	b.table.set([2]string{"k", "old"})
	b.run()
	b.holds("k", "old")
}

func TestADoubtNeverMakesARecordOurs(t *testing.T) {
	t.Parallel()
	doubtThenRefusal := func(b *bench) {
		n := 0
		b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
			if n++; n == 1 {
				return destination.All(len(batch), lost())
			}
			return destination.All(len(batch), destination.Outcome{State: destination.Rejected})
		}
		b.run()
		b.crm.answer = nil
	}
	tests := map[string]func(b *bench){
		"adopted": func(b *bench) {
			b.table.set([2]string{"k", "old"})
			b.req.First = plan.FirstAdopt
			b.run()
			b.table.set([2]string{"k", "new"})
			doubtThenRefusal(b)
		},
		"compared": func(b *bench) { // an update to them, and yet nothing was ever confirmed
			b.table.set([2]string{"k", "new"}, [2]string{"other", "x"})
			b.req.First = plan.FirstCompare
			doubtThenRefusal(b)
		},
		"never confirmed": func(b *bench) {
			b.table.set([2]string{"k", "new"})
			doubtThenRefusal(b)
		},
	}
	for name, before := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupMemory(t)
			b.job.Mode = plan.Mirror
			b.crm.records["k"] = "theirs"
			before(b)
			b.table.set()
			if res := b.run(); res.Counts.Delete != 0 {
				t.Errorf("a record that was never confirmed would be deleted: %+v", res.Counts)
			}
			b.holds("k", "theirs")
		})
	}
}

func TestWhatMayHaveArrivedIsNotCalledNotSent(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		setup func(b *bench)
		want  plan.Counts
		code  string
	}{
		"a state nobody knows": {func(b *bench) {
			b.crm.traits.Idempotent = false
			b.once(true, destination.Outcome{State: destination.State(99)})
		}, plan.Counts{InDoubt: 5}, ""},
		"doubt, then the end of the quota": {func(b *bench) {
			b.crm.answer = func(call int, batch []record.Change) []destination.Outcome {
				if call == 1 {
					return destination.All(len(batch), lost())
				}
				return destination.All(len(batch), destination.Outcome{State: destination.Stop})
			}
		}, plan.Counts{InDoubt: 5}, "destination_stopped"},
		"doubt, then the user stops": {func(b *bench) {
			b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
				close(b.stop)
				return destination.All(len(batch), lost())
			}
		}, plan.Counts{InDoubt: 5}, ""},
		"pending, and nobody to settle it": {func(b *bench) {
			b.once(true, destination.Outcome{State: destination.Pending})
		}, plan.Counts{InDoubt: 5}, ""},
		"the ledger cannot be written": {func(b *bench) { b.mem.dieAt = 1 }, plan.Counts{InDoubt: 5}, "internal"},
		"the ledger cannot be written before a call": {func(b *bench) {
			b.crm.traits.Idempotent = false
			b.mem.dieAt = 1
		}, plan.Counts{NotSent: 5}, "internal"},
		"refused for now, to the end": {func(b *bench) {
			b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
				return destination.All(len(batch), destination.Outcome{State: destination.Retry})
			}
		}, plan.Counts{NotSent: 5}, "destination_unavailable"},
		"the adapter did not send it": {func(b *bench) {
			b.once(false, destination.Outcome{State: destination.NotSent})
		}, plan.Counts{NotSent: 5}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupMemory(t)
			b.table.set(contacts(5)...)
			tt.setup(b)
			res := b.run()
			if c := res.Counts; c.OK != tt.want.OK || c.InDoubt != tt.want.InDoubt || c.NotSent != tt.want.NotSent {
				t.Errorf("%+v, want %+v", c, tt.want)
			}
			if tt.code != "" && !fault.Is(res.Problems, tt.code) || tt.code == "" && len(res.Problems) > 0 {
				t.Errorf("problems = %v, want %q", res.Problems, tt.code)
			}
			if engine.Handled(res) {
				t.Error("such a run is not handled")
			}
		})
	}
}

// What was announced, and then certainly not sent, must not wait for a person.
func TestWhatWasNotSentIsDueWhereSendingTwiceDoesHarm(t *testing.T) {
	t.Parallel()
	states := map[string]destination.State{
		"retry": destination.Retry, "auth": destination.Auth, "stop": destination.Stop,
		"mapping": destination.Mapping, "not sent": destination.NotSent,
	}
	for name, state := range states {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupMemory(t)
			b.crm.traits.Idempotent = false
			b.table.set(contacts(5)...)
			b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
				return destination.All(len(batch), destination.Outcome{State: state})
			}
			if res := b.run(); res.Counts.NotSent != 5 {
				t.Fatalf("%+v", res.Counts)
			}
			b.crm.answer = nil
			if res := b.run(); res.Counts.OK != 5 || len(b.crm.records) != 5 {
				t.Errorf("%+v", res.Counts)
			}
		})
	}
}

func TestTroubleWithTheLedgerDoesNotTearOtherRequests(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.crm.traits.Concurrency, b.crm.traits.Rows = 2, 1
	b.table.set(contacts(20)...)
	b.mem.dieAt = 1
	arrived := make(chan struct{}, 20)
	b.crm.calling = func(ctx context.Context) {
		arrived <- struct{}{}
		for range 100 { // both are on their way; one of them comes back to a broken ledger
			if len(arrived) >= 2 {
				break
			}
			select {
			case <-ctx.Done():
			case <-time.After(time.Millisecond):
			}
		}
		if ctx.Err() != nil {
			t.Error("a request was torn because another one's outcome could not be written down")
		}
	}
	res := b.run()
	if res.Counts.InDoubt+res.Counts.NotSent != 20 || res.Counts.InDoubt != res.Counts.Calls || res.Counts.Calls > 2 {
		t.Errorf("%+v", res.Counts)
	}
}

// A mirror whose source was empty once must not take the rows that come back
// for sent, whatever `first:` says.
func TestInterruptedWhilePlanning(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set(contacts(3)...)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.try(ctx)
	if !fault.Is(err, "interrupted") || fault.ExitCode(err) != 130 {
		t.Errorf("err = %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	b.crm.calling = func(context.Context) { cancel() }
	res, err := b.try(ctx)
	if err != nil || res.Status != plan.Stopped || len(res.Problems) != 0 {
		t.Errorf("killed while sending: %s %v %v", res.Status, res.Problems, errors.Unwrap(err))
	}
}

func TestReasonsAreGrouped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.crm.traits.Rows = 1
	b.table.set(contacts(200)...)
	b.crm.answer = func(call int, _ []record.Change) []destination.Outcome {
		return []destination.Outcome{{State: destination.Rejected, Code: fmt.Sprint("code ", call/2)}}
	}
	res := b.run()
	total := int64(0)
	for _, g := range res.Rejects {
		total += g.Records
	}
	if len(res.Rejects) != 51 || total != 200 || res.Rejects[0].Code != "other" {
		t.Errorf("%d groups of %d records, first %+v", len(res.Rejects), total, res.Rejects[0])
	}
}

// A failure of a server that sending twice would double is a doubt, whatever
// the adapter calls it.
func TestAFailureMayHaveStoredWhatMustNotBeDoubled(t *testing.T) {
	t.Parallel()
	for _, s := range []destination.State{destination.Retry, destination.Bisect} {
		b := setupMemory(t)
		b.crm.traits.Idempotent = false
		b.table.set(contacts(4)...)
		storing(b, s)
		if res := b.run(); res.Counts.InDoubt != 4 || res.Counts.Calls != 1 || len(b.crm.sent) != 4 {
			t.Errorf("state %d: %+v, sent %v", s, res.Counts, b.crm.sent)
		}
	}
}

// A record that breaks the server is found and put into quarantine, although
// it may have been stored every time.
func TestARecordThatBreaksTheServerEndsInQuarantine(t *testing.T) {
	t.Parallel()
	b := setupMemory(t)
	b.table.set(contacts(8)...)
	b.run()
	rows := contacts(8)
	change := func() {
		for i := range rows {
			if i != 3 {
				rows[i][1] += "!"
			}
		}
		b.table.set(rows...)
	}
	rows[3][1] = "poison"
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		for _, ch := range batch {
			if string(ch.KeyVals[0].Data) == "k0003" {
				return destination.All(len(batch), destination.Outcome{State: destination.Retry, Code: "500", Maybe: true})
			}
		}
		return nil
	}
	for range 5 {
		change() // it takes the others: so it is not the server
		b.run()
	}
	res := b.run()
	if res.Counts.Quarantined != 1 || res.Counts.Unchanged != 7 || res.Counts.Calls != 0 {
		t.Errorf("%+v", res.Counts)
	}
	b.crm.answer = nil
	b.table.set(contacts(8)...) // the source goes back: nobody knows what the record holds
	b.run()
	b.holds("k0003", "name 3")
	if !slices.Contains(b.crm.sent[len(b.crm.sent)-8:], "update k0003") {
		t.Errorf("sent %v", b.crm.sent)
	}
}
