package engine

import (
	"context"
	"errors"
	"time"

	"exposync/internal/destination"
	"exposync/internal/ledger"
	"exposync/internal/record"
)

// The limits of trying within one run.
const (
	maxTries    = 6                      // sendings of one batch
	firstWait   = 500 * time.Millisecond // before the second try, doubled each time, with full jitter
	longestWait = 30 * time.Second       // of our own backoff
	longestAsk  = 5 * time.Minute        // that a destination may ask us to wait
	maxBisects  = 2000                   // extra batches of one job to find bad records
	maxAttempts = 5                      // runs that try the same values before quarantine
)

// send delivers changes until each has a final outcome, or the delivery halts.
// What is left without one was not sent.
func (d *delivery) send(ctx context.Context, changes []record.Change, ordinals []int64) error {
	for try := 1; len(changes) > 0; try++ {
		outcomes, err := d.write(ctx, changes)
		if err != nil {
			return err
		}
		s := d.sortOut(changes, ordinals, outcomes, try >= maxTries || ctx.Err() != nil)
		if err := d.finish(ctx, s.final, s.outcomes); err != nil {
			return err
		}
		if err := d.bisect(ctx, s, len(changes)); err != nil {
			return err
		}
		if d.refuse(s, try) || len(s.again) == 0 {
			return d.finish(ctx, s.doubted, s.doubts)
		}
		if err := d.wait(ctx, try, s.after); err != nil || d.halted() {
			return errors.Join(d.finish(ctx, s.doubted, s.doubts), err)
		}
		changes, ordinals = s.again, s.againOrdinals
	}
	return nil
}

// write makes one call. Where sending twice would do harm, the ledger knows
// of the attempt before the destination does.
func (d *delivery) write(ctx context.Context, changes []record.Change) ([]destination.Outcome, error) {
	if d.limiter != nil {
		if err := d.limiter.Wait(ctx); err != nil {
			return nil, err
		}
	}
	if !d.traits.Idempotent {
		entries := make([]ledger.Entry, len(changes))
		for i, ch := range changes {
			entries[i] = entry(ledger.Sending, ch)
		}
		if err := d.append(ctx, entries...); err != nil {
			return nil, err
		}
	}
	outcomes := d.writer.Write(ctx, changes)
	d.mu.Lock()
	d.counts.Calls++
	d.mu.Unlock()
	if len(outcomes) != len(changes) { // an adapter's mistake must not become success
		outcomes = destination.All(len(changes), destination.Outcome{
			State: destination.InDoubt, Code: "outcomes_missing", Message: "the adapter gave another number of outcomes than changes",
		})
	}
	return outcomes, nil
}

// sorted is one call's outcomes by what happens next.
type sorted struct {
	final         []record.Change // with outcomes
	outcomes      []destination.Outcome
	again         []record.Change // to be sent again after a wait
	againOrdinals []int64
	halves        []record.Change // one of them is bad
	halfOrdinals  []int64
	after         time.Duration
	last          destination.Outcome // why something is sent again
	halting       destination.Outcome // Auth, Stop or Mapping
	doubted       []record.Change     // of again, those that may have arrived, with outcomes
	doubts        []destination.Outcome
}

func (d *delivery) sortOut(changes []record.Change, ordinals []int64, outcomes []destination.Outcome, lastTry bool) sorted {
	var s sorted
	for i, o := range outcomes {
		switch o.State {
		case destination.Pending:
			d.mu.Lock()
			d.pending.add(ordinals[i])
			d.mu.Unlock()
		case destination.OK, destination.Rejected:
			s.final, s.outcomes = append(s.final, changes[i]), append(s.outcomes, o)
		case destination.InDoubt:
			if !d.traits.Idempotent || lastTry {
				s.final, s.outcomes = append(s.final, changes[i]), append(s.outcomes, o)
				s.last = o
				continue
			}
			s.doubted, s.doubts = append(s.doubted, changes[i]), append(s.doubts, o)
			s.again, s.againOrdinals, s.last = append(s.again, changes[i]), append(s.againOrdinals, ordinals[i]), o
		case destination.Retry:
			s.again, s.againOrdinals, s.last = append(s.again, changes[i]), append(s.againOrdinals, ordinals[i]), o
			s.after = max(s.after, o.After)
		case destination.Bisect:
			s.halves, s.halfOrdinals = append(s.halves, changes[i]), append(s.halfOrdinals, ordinals[i])
			s.last = o
		case destination.Auth, destination.Stop, destination.Mapping:
			s.halting = o
		case destination.NotSent:
		}
	}
	return s
}

// bisect looks for the bad ones among changes of which nothing was written:
// part of a batch is sent again as one, a whole batch in halves.
func (d *delivery) bisect(ctx context.Context, s sorted, sent int) error {
	n := len(s.halves)
	switch {
	case n == 0:
		return nil
	case n == 1 || d.extra.Add(2) > maxBisects:
		o := destination.Outcome{State: destination.Rejected, Code: s.last.Code, Message: s.last.Message}
		return d.finish(ctx, s.halves, destination.All(n, o))
	case n < sent:
		return d.send(ctx, s.halves, s.halfOrdinals)
	}
	if err := d.send(ctx, s.halves[:n/2], s.halfOrdinals[:n/2]); err != nil || d.halted() {
		return err
	}
	return d.send(ctx, s.halves[n/2:], s.halfOrdinals[n/2:])
}

// refuse halts the delivery when no further call makes sense.
func (d *delivery) refuse(s sorted, try int) bool {
	switch s.halting.State {
	case destination.Auth:
		d.haltFor(authRefused(d.job.ID, s.halting.Code, s.halting.Message))
		return true
	case destination.Mapping:
		d.haltFor(refusedAll(d.job.ID, s.halting.Code, s.halting.Message))
		return true
	case destination.Stop:
		d.haltFor(stopped(d.job.ID, s.halting.Code, s.halting.Message))
		return true
	default:
	}
	gaveUp := try >= maxTries && (len(s.again) > 0 || s.last.State == destination.InDoubt && d.traits.Idempotent)
	if gaveUp {
		d.haltFor(unavailable(d.job.ID, s.last.Code, s.last.Message))
	}
	return gaveUp
}

// wait backs off with full jitter; a destination's own word wins, within
// reason.
func (d *delivery) wait(ctx context.Context, try int, asked time.Duration) error {
	own := min(firstWait<<min(try-1, 10), longestWait)
	wait := time.Duration(d.e.Rand() * float64(own))
	if asked > 0 {
		wait = min(asked, longestAsk) + wait/4
	}
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-d.stop:
			cancel()
		case <-waiting.Done():
		}
	}()
	if err := d.e.Wait(waiting, wait); err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return nil
}
