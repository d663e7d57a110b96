package engine

import (
	"context"
	"fmt"
	"time"

	"exposync/internal/destination"
	"exposync/internal/ledger"
	"exposync/internal/plan"
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

// send delivers a lot until each change has a final outcome, or the delivery
// halts. What is left without one was not sent.
func (d *delivery) send(ctx context.Context, l lot) error {
	accepted := d.accepted()
	stuck, why, err := d.attempt(ctx, l, maxTries)
	if err != nil || stuck.len() == 0 {
		return err
	}
	return d.putOff(ctx, deferred{lot: stuck, why: why, accepted: accepted})
}

// attempt sends a lot up to so many times. It gives back what the destination
// did not take by then, and why.
func (d *delivery) attempt(ctx context.Context, l lot, tries int) (stuck lot, why destination.Outcome, err error) {
	for try := 1; l.len() > 0; try++ {
		if !d.admit(ctx) {
			return lot{}, why, d.leave(ctx, l)
		}
		if err := d.announce(ctx, l); err != nil {
			return lot{}, why, d.unrecorded(err, l)
		}
		outcomes, job := d.write(ctx, l)
		s := d.sortOut(l, outcomes)
		if err := d.finish(ctx, s.final, s.outcomes, &s.again, &s.halves, &s.unsent); err != nil {
			return lot{}, why, d.unrecorded(err, s.again, s.halves, s.unsent)
		}
		if err := d.endJob(ctx, job); err != nil {
			return lot{}, why, d.unrecorded(err, s.again, s.halves, s.unsent)
		}
		d.refuse(s.halting)
		if err := d.leave(ctx, s.unsent); err != nil {
			return lot{}, why, d.unrecorded(err, s.again, s.halves)
		}
		if err := d.bisect(ctx, s.halves, l.len(), s.bad); err != nil {
			return lot{}, why, d.unrecorded(err, s.again)
		}
		l, why = s.again, s.why
		switch {
		case l.len() == 0:
		case d.halted(), ctx.Err() != nil:
			return lot{}, why, d.leave(ctx, l)
		case try >= tries:
			return l, why, nil
		case !d.wait(ctx, try, s.after):
			return lot{}, why, d.leave(ctx, l)
		}
	}
	return lot{}, why, nil
}

// admit waits for the rate limit and reports whether a call may be made.
func (d *delivery) admit(ctx context.Context) bool {
	if d.limiter != nil {
		waiting, done := d.untilHalted(ctx)
		defer done()
		if d.limiter.Wait(waiting) != nil {
			return false
		}
	}
	return ctx.Err() == nil && !d.halted()
}

// announces reports whether the ledger has to know of an attempt before the
// destination does: where sending twice does harm, where a mark would go on
// claiming values that the destination may have lost, and where a job is asked
// later what became of it.
func (d *delivery) announces(ch record.Change) bool {
	return !d.traits.Idempotent || ch.Op != record.Create || d.jobber != nil
}

func (d *delivery) announce(ctx context.Context, l lot) error {
	var entries []ledger.Entry
	for i, ch := range l.changes {
		if w := &l.ways[i]; !w.announced && d.announces(ch) {
			entries = append(entries, entry(ledger.Sending, ch))
			w.announced = true
		}
	}
	return d.append(context.WithoutCancel(ctx), entries...)
}

// write makes one call and gives as many outcomes as changes; with a job that
// has ended, its id.
func (d *delivery) write(ctx context.Context, l lot) (outcomes []destination.Outcome, job string) {
	if d.jobber != nil && (l.changes[0].Op != record.Delete || d.traits.JobDeletes) {
		outcomes, job = d.submit(ctx, l)
	} else {
		outcomes = d.writer.Write(ctx, l.changes)
	}
	d.mu.Lock()
	d.counts.Calls++
	d.mu.Unlock()
	if len(outcomes) != l.len() { // an adapter's mistake must not become success
		outcomes = destination.All(l.len(), destination.Outcome{
			State: destination.InDoubt, Code: "outcomes_missing", Message: "the adapter gave another number of outcomes than changes",
		})
	}
	for i := range outcomes {
		if o := &outcomes[i]; o.Message != "" && d.e.Redact != nil {
			o.Message = d.e.Redact(o.Message)
		}
	}
	return outcomes, job
}

// sorted is one call's changes by what happens next.
type sorted struct {
	final    lot
	outcomes []destination.Outcome // of final
	again    lot                   // to be sent again after a wait
	after    time.Duration         // at least that long
	why      destination.Outcome   // of the last one in again
	halves   lot                   // one of them is bad
	bad      destination.Outcome   // of the last one in halves
	unsent   lot                   // nothing of it was written, and nothing will be
	halting  destination.Outcome   // Auth, Stop or Mapping; else its State is InDoubt
}

func (d *delivery) sortOut(l lot, outcomes []destination.Outcome) sorted {
	s := sorted{outcomes: make([]destination.Outcome, 0, l.len())}
	s.final.changes, s.final.ways = make([]record.Change, 0, l.len()), make([]way, 0, l.len())
	for i, o := range outcomes {
		ch, w := l.changes[i], l.ways[i]
		if o.Maybe {
			if o.State = d.maybe(o.State); o.State != destination.InDoubt {
				d.suspect(ch, &w, o)
			}
		}
		switch o.State {
		case destination.OK, destination.Rejected:
			s.close(ch, w, o)
		case destination.Pending:
			if d.jobber != nil { // its job is still open: the next run asks it
				o.State = destination.InDoubt
				s.close(ch, w, o)
				continue
			}
			if d.settler == nil {
				s.close(ch, w, destination.Outcome{
					State: destination.InDoubt, Code: "never_settled", Message: "accepted, but the adapter cannot say what becomes of it",
				})
				continue
			}
			d.await(w)
		case destination.Retry:
			s.again.add(ch, w)
			s.why, s.after = o, max(s.after, o.After)
			if o.After > longestAsk {
				s.halting = asksTooMuch(o)
			}
		case destination.Bisect:
			s.halves.add(ch, w)
			s.bad = o
		case destination.Auth, destination.Stop, destination.Mapping:
			s.unsent.add(ch, w)
			s.halting = o
		case destination.NotSent:
			s.unsent.add(ch, w)
		default: // InDoubt, and whatever an adapter makes up
			if o.State = destination.InDoubt; !d.traits.Idempotent {
				s.close(ch, w, o)
				continue
			}
			s.why = o
			doubt := o // not o itself: it would be on the heap for every change
			w.doubt = &doubt
			s.again.add(ch, w)
		}
	}
	return s
}

// maybe is what an answer means after which a change may be stored although it
// was refused: where sending twice does harm, it must not be sent again.
func (d *delivery) maybe(s destination.State) destination.State {
	if !d.traits.Idempotent && (s == destination.Retry || s == destination.Bisect) {
		return destination.InDoubt
	}
	return s
}

// suspect remembers that a change may have been stored. Of a create that may be
// sent twice nobody has to know: no mark claims other values.
func (d *delivery) suspect(ch record.Change, w *way, o destination.Outcome) {
	if w.doubt == nil && d.announces(ch) {
		o.State = destination.InDoubt
		w.doubt = &o
	}
}

func (s *sorted) close(ch record.Change, w way, o destination.Outcome) {
	s.final.add(ch, w)
	s.outcomes = append(s.outcomes, o)
}

// await remembers a change whose fate the settler decides.
func (d *delivery) await(w way) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pending.add(w.ordinal)
	d.strikes = 0
	if w.doubt != nil {
		d.doubtful[w.ordinal] = *w.doubt
	}
}

// leave gives up on changes without an answer: those that an earlier try may
// have stored are in doubt, the others were not sent.
func (d *delivery) leave(ctx context.Context, l lot) error {
	var doubted lot
	var outcomes []destination.Outcome
	for i, w := range l.ways {
		if w.doubt != nil {
			doubted.add(l.changes[i], w)
			outcomes = append(outcomes, *w.doubt)
		}
	}
	return d.finish(ctx, doubted, outcomes)
}

// bisect looks for the bad ones among changes of which nothing was written:
// part of a batch is sent again as one, a whole batch in halves.
func (d *delivery) bisect(ctx context.Context, l lot, sent int, why destination.Outcome) error {
	n := l.len()
	why.State = destination.Rejected
	switch {
	case n == 0:
		return nil
	case d.halted():
		return d.leave(ctx, l)
	case sent == 1:
		return d.finish(ctx, l, []destination.Outcome{why})
	case d.extra.Add(2) > maxBisects:
		why.Transient = true // nobody knows which of them is bad: later runs look on
		untried(l)
		return d.finish(ctx, l, destination.All(n, why))
	case n < sent:
		return d.send(ctx, l)
	}
	if err := d.send(ctx, l.cut(0, n/2)); err != nil {
		return d.unrecorded(err, l.cut(n/2, n))
	}
	return d.send(ctx, l.cut(n/2, n))
}

// untried takes back the attempt of changes that were refused for others in
// their batch: it must not lead to quarantine.
func untried(l lot) {
	for i := range l.changes {
		if ch := &l.changes[i]; ch.Attempts > 0 {
			ch.Attempts--
		}
	}
}

// refuse halts the delivery when no further call makes sense.
func (d *delivery) refuse(h destination.Outcome) {
	switch h.State {
	case destination.Auth:
		d.haltFor(authRefused(d.job.ID, h.Code, h.Message))
	case destination.Mapping:
		d.haltFor(refusedAll(d.job.ID, h.Code, h.Message))
	case destination.Stop:
		d.haltFor(stopped(d.job.ID, h.Code, h.Message))
	default:
	}
}

// asksTooMuch turns a wait that no run sits out into the end of this one.
func asksTooMuch(o destination.Outcome) destination.Outcome {
	o.State, o.Message = destination.Stop, fmt.Sprintf("it asks to wait %s %s", plan.Age(o.After), o.Message)
	return o
}

// wait backs off with full jitter; a destination's own word wins. It is false
// when something ended the delivery meanwhile.
func (d *delivery) wait(ctx context.Context, try int, asked time.Duration) bool {
	own := min(firstWait<<min(try-1, 10), longestWait)
	wait := time.Duration(d.e.Rand() * float64(own))
	if asked > 0 {
		wait = asked + wait/4
	}
	waiting, done := d.untilHalted(ctx)
	defer done()
	return d.e.Wait(waiting, wait) == nil && !d.halted()
}

// untilHalted gives a context that ends when nothing more may start.
func (d *delivery) untilHalted(ctx context.Context) (context.Context, context.CancelFunc) {
	waiting, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-d.stop:
		case <-d.ended:
		case <-waiting.Done():
		}
		cancel()
	}()
	return waiting, cancel
}
