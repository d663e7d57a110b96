package engine

import (
	"context"

	"exposync/internal/destination"
	"exposync/internal/fault"
)

// The limits of going on past a lot that the destination does not take. A dead
// destination and one record that always breaks it look alike at first.
const (
	maxStrikes  = 3  // lots in a row that were given up
	maxDeferred = 16 // lots that wait for a second chance, in memory
	maxApart    = 64 // extra calls of one job to find the record that breaks it
	apartTries  = 2  // sendings of each part
)

// deferred is a lot that was given up for now.
type deferred struct {
	lot      lot
	why      destination.Outcome
	accepted int64 // records that had been accepted when its first try began
}

// putOff keeps a lot for the end of the list: by then it is known whether the
// destination takes others.
func (d *delivery) putOff(ctx context.Context, x deferred) error {
	d.mu.Lock()
	d.strikes++
	strikes, room := d.strikes, len(d.deferred) < maxDeferred
	if room {
		d.deferred = append(d.deferred, x)
	}
	d.mu.Unlock()
	if strikes >= maxStrikes {
		d.haltFor(unavailable(d.job.ID, x.why.Code, x.why.Message))
	}
	if room {
		return nil
	}
	d.weaken(x.why)
	return d.leave(ctx, x.lot)
}

// secondChances ends what was put off: one record must not keep all others
// from arriving, in this run or any other.
func (d *delivery) secondChances(ctx context.Context) error {
	for len(d.deferred) > 0 { // looking for the one may put off parts of it again
		x := d.deferred[0]
		d.deferred = d.deferred[1:]
		if err := d.apart(ctx, x); err != nil {
			return d.abandon(err)
		}
	}
	return nil
}

// abandon passes on an error of the ledger: what was put off has no second
// chance.
func (d *delivery) abandon(err error) error {
	for _, x := range d.deferred {
		err = d.unrecorded(err, x.lot)
	}
	d.deferred = nil
	return err
}

// apart sends the parts of a lot on their own, until the record that breaks a
// destination which takes others is found. That one counts as rejected for
// now, so that later runs try it and in the end put it into quarantine.
func (d *delivery) apart(ctx context.Context, x deferred) error {
	l, n := x.lot, x.lot.len()
	switch {
	case n == 0:
		return nil
	case d.halted() || ctx.Err() != nil, n == 1 && d.accepted() == x.accepted, n > 1 && d.divided.Add(2) > maxApart:
		d.weaken(x.why)
		return d.leave(ctx, l)
	case n == 1 && l.ways[0].doubt != nil && !l.ways[0].doubt.Maybe: // no answer at all: nobody refused it
		return d.leave(ctx, l)
	case n == 1:
		x.why.State, x.why.Transient = destination.Rejected, true
		return d.finish(ctx, l, []destination.Outcome{x.why})
	}
	before := d.accepted()
	first, _, err := d.attempt(ctx, l.cut(0, n/2), apartTries)
	if err != nil {
		return d.unrecorded(err, l.cut(n/2, n))
	}
	second, _, err := d.attempt(ctx, l.cut(n/2, n), apartTries)
	if err != nil {
		return d.unrecorded(err, first)
	}
	if n > 2 && d.accepted() == before {
		d.haltFor(unavailable(d.job.ID, x.why.Code, x.why.Message))
	}
	if err := d.apart(ctx, deferred{lot: first, why: x.why, accepted: x.accepted}); err != nil {
		return d.unrecorded(err, second)
	}
	return d.apart(ctx, deferred{lot: second, why: x.why, accepted: x.accepted})
}

// weaken remembers that something was not sent because the destination did
// not take it; it is told at the end if nothing else halted the delivery.
func (d *delivery) weaken(why destination.Outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.weak == nil {
		d.weak = unavailable(d.job.ID, why.Code, why.Message)
	}
}

// accepted is how many records the destination confirmed or promised to.
func (d *delivery) accepted() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.counts.OK + d.pending.count
}

// problem is why the delivery did not come to its end, nil if it did.
func (d *delivery) problem() *fault.Fault {
	if d.halt != nil {
		return d.halt
	}
	return d.weak
}
