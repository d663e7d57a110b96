package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"exposync/internal/destination"
	"exposync/internal/record"
)

type chaos struct {
	*crm
	rng             *rand.Rand
	faults          float64         // share of calls that do not simply succeed; 0 for none
	poison          map[string]bool // keys that break every call they are part of
	settles         bool
	idempotentDoubt bool // poison ends in a lost answer
	staged          []record.Change
	log             map[string][]string // every value it ever stored, by key
	deleted         []string
	unsure          map[string]bool // keys that may be in doubt: an answer was lost
	died            bool            // the ledger did once, so that clear answers were lost, too
	stop            func()
	kill            func()
	ledger          *memory
}

func (c *chaos) Open(context.Context, destination.Target) (destination.Writer, error) {
	w := &chaosWriter{c}
	if c.settles {
		return &settlingWriter{w}, nil
	}
	return w, nil
}

// quietly looks at the destination, or changes it, while no call of a process
// that was killed is still being worked off.
func (c *chaos) quietly(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do()
}

type chaosWriter struct{ *chaos }

func (w *chaosWriter) Traits() destination.Traits { return w.traits }

func (w *chaosWriter) Close() error { return nil }

func (w *chaosWriter) Write(_ context.Context, batch []record.Change) []destination.Outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	for _, ch := range batch {
		if w.poison[string(ch.KeyVals[0].Data)] {
			if w.idempotentDoubt {
				w.doubt(batch...)
				return destination.All(len(batch), destination.Outcome{State: destination.InDoubt, Code: "timeout"})
			}
			return destination.All(len(batch), destination.Outcome{State: destination.Retry, Code: "500"})
		}
	}
	if w.rng.Float64() >= w.faults {
		return w.take(batch)
	}
	all := func(s destination.State) []destination.Outcome {
		return destination.All(len(batch), destination.Outcome{State: s, Code: fmt.Sprint("code ", s)})
	}
	kind := w.rng.IntN(13)
	if kind >= 3 && kind <= 9 && kind != 7 {
		w.doubt(batch...)
	}
	switch kind {
	case 0:
		return all(destination.Retry)
	case 1:
		return all(destination.Bisect)
	case 2:
		return all([]destination.State{destination.Auth, destination.Stop, destination.Mapping, destination.NotSent}[w.rng.IntN(4)])
	case 3: // stored, but the answer is lost
		w.store(batch)
		return all(destination.InDoubt)
	case 4:
		return all(destination.InDoubt)
	case 5:
		w.store(batch[:w.rng.IntN(len(batch)+1)])
		return all(destination.OK)[:w.rng.IntN(len(batch))]
	case 6:
		w.store(batch)
		return all(destination.State(99))
	case 7:
		w.stop()
		return w.take(batch)
	case 8:
		w.kill()
		w.store(batch[:w.rng.IntN(len(batch)+1)])
		return all(destination.InDoubt)
	case 9: // the process dies before it can write down anything more
		w.died = true
		w.ledger.mu.Lock()
		w.ledger.dieAt = w.ledger.appends + 1
		w.ledger.mu.Unlock()
		return w.take(batch)
	case 10:
		return destination.All(len(batch), destination.Outcome{State: destination.Retry, After: 10 * time.Minute})
	default:
		return w.mixed(batch)
	}
}

func (w *chaosWriter) mixed(batch []record.Change) []destination.Outcome {
	out := make([]destination.Outcome, len(batch))
	for i, ch := range batch {
		switch w.rng.IntN(7) {
		case 0:
			out[i] = destination.Outcome{State: destination.Rejected, Code: "permanent"}
		case 1:
			out[i] = destination.Outcome{State: destination.Rejected, Code: "transient", Transient: true}
		case 2:
			w.doubt(ch)
			w.put(ch)
			out[i] = destination.Outcome{State: destination.InDoubt, Code: "stored"}
		case 3:
			out[i] = destination.Outcome{State: destination.Retry}
		case 4:
			out[i] = destination.Outcome{State: destination.NotSent}
		default:
			out[i] = w.take(batch[i : i+1])[0]
		}
	}
	return out
}

func (w *chaosWriter) doubt(batch ...record.Change) {
	for _, ch := range batch {
		w.unsure[string(ch.KeyVals[0].Data)] = true
	}
}

func (w *chaosWriter) take(batch []record.Change) []destination.Outcome {
	if !w.settles {
		w.store(batch)
		return destination.All(len(batch), destination.Outcome{State: destination.OK})
	}
	for _, ch := range batch {
		ch.Values, ch.KeyVals = ch.Values.Clone(), ch.KeyVals.Clone()
		w.staged = append(w.staged, ch)
	}
	return destination.All(len(batch), destination.Outcome{State: destination.Pending})
}

func (w *chaosWriter) store(batch []record.Change) {
	for _, ch := range batch {
		w.put(ch)
	}
}

func (w *chaosWriter) put(ch record.Change) {
	w.crm.put(ch)
	key := string(ch.KeyVals[0].Data)
	if ch.Op == record.Delete {
		w.deleted = append(w.deleted, key)
		delete(w.log, key) // what comes after is another record
		return
	}
	w.log[key] = append(w.log[key], string(ch.Values[0].Data))
}

type settlingWriter struct{ *chaosWriter }

func (w *settlingWriter) Settle(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rng.Float64() < w.faults/2 {
		return errDisk
	}
	w.store(w.staged)
	w.staged = nil
	return nil
}

func (w *settlingWriter) Close() error {
	w.staged = nil
	return nil
}
