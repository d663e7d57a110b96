package engine

import (
	"context"
	"errors"
	"slices"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/hosted"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// settleChunk is how many ledger entries without a delivery go out at once.
const settleChunk = 2000

// Apply carries out a prepared plan and gives what became of it. When stop is
// closed the batches in flight are finished, everything confirmed is saved
// and the rest stays due. When ctx ends, what is in flight is in doubt. A
// plan with holds that nobody accepted is not carried out.
func (e *Engine) Apply(ctx context.Context, stop <-chan struct{}, p *Prepared) plan.Result {
	made := p.Plan // a copy: the rows of p must not live as long as the result
	res := plan.Result{Job: p.req.Job.ID, Plan: &made, Counts: made.Counts, StartedAt: e.Now()}
	if len(made.Held()) > 0 || p.look {
		return refused(res, p.look)
	}
	d := newDelivery(e, p, stop)
	err := e.apply(ctx, p, d)
	d.close(&res)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = nil // the status says it
	}
	if err != nil {
		res.Problems = append(res.Problems, fault.All(err)...)
	}
	if !res.Counts.SentAddsUp() || res.Counts.NotSent < 0 {
		res.Problems = append(res.Problems, &fault.Fault{
			Code: "internal", Kind: fault.Bug, Whose: fault.Ours, Where: "job " + res.Job,
			Msg: "the outcomes do not add up to the changes of the plan",
		})
	}
	res.Status = status(res, p.req.Job.MaxRejected, d.interrupted(), ctx.Err() != nil || d.cutShort)
	res.Took = e.Now().Sub(res.StartedAt)
	return res
}

// refused is the result of a plan that must not be carried out.
func refused(res plan.Result, look bool) plan.Result {
	res.Status, res.Counts.NotSent = plan.HeldStatus, res.Counts.Changes()
	if look {
		res.Status = plan.Failed
		res.Problems = fault.List{{
			Code: "internal", Kind: fault.Bug, Whose: fault.Ours, Where: "job " + res.Job,
			Msg: "a plan that was made to be looked at cannot be applied; nothing was sent",
		}}
	}
	return res
}

func (e *Engine) apply(ctx context.Context, p *Prepared, d *delivery) error {
	if err := e.begin(ctx, p, d); err != nil {
		d.fail()
		return err
	}
	err := d.run(ctx, p.writes)
	if err == nil && p.Plan.Deletes && ctx.Err() == nil && !d.halted() && d.answered() == p.writes.n {
		err = d.run(ctx, p.deletes)
	}
	err = errors.Join(err, d.settle(ctx, p))
	if ctx.Err() != nil || d.failed {
		return err // the journal stays as it is and the next run folds it
	}
	if d.finished(p) {
		if ferr := d.listEntries(ctx, p.dropped, dropped); ferr != nil {
			d.fail()
			return errors.Join(err, ferr)
		}
	}
	return errors.Join(err, e.fold(ctx, p, d))
}

// begin makes decisions last that a run which comes to no end must not lose:
// how the first run was answered, and that another mapping was accepted.
func (e *Engine) begin(ctx context.Context, p *Prepared, d *delivery) error {
	if p.restarts() {
		next := p.header
		next.Cursor, next.FullAt = "", 0
		if err := e.remember(ctx, p, next); err != nil {
			return err
		}
	}
	if p.Plan.FirstRun && p.writes.n+p.settled.n > 0 {
		if err := e.remember(ctx, p, p.adopting(answerOf(p.Plan))); err != nil {
			return err
		}
	}
	if err := d.listEntries(ctx, p.settled, d.e.settledEntry); err != nil {
		return err
	}
	if p.Plan.MappingWas != "" && p.header.Mapping != p.Plan.Mapping {
		return e.remember(ctx, p, p.adopting(p.header.First))
	}
	return nil
}

// answerOf is how a first run goes: where nobody has to be asked, it sends.
func answerOf(p plan.Plan) plan.First {
	if p.First == plan.FirstAsk {
		return plan.FirstSend
	}
	return p.First
}

// adopting is the header with the plan's mapping and an answer to the first
// run.
func (p *Prepared) adopting(first plan.First) ledger.Header {
	next := p.header
	next.Encoding, next.Mapping, next.First = record.Encoding, p.Plan.Mapping, first
	return next
}

// remember folds before anything is delivered.
func (e *Engine) remember(ctx context.Context, p *Prepared, next ledger.Header) error {
	if next.Known() == p.header.Known() {
		return nil
	}
	if err := p.sync.Fold(ctx, next); err != nil {
		return err
	}
	next.Generation++
	p.header = next
	return nil
}

// fold merges the journal into the marks, if the run changed anything. A first
// run that met no record has not come to its end: the answer still counts.
func (e *Engine) fold(ctx context.Context, p *Prepared, d *delivery) error {
	next := p.adopting("")
	if p.Plan.Reading.Full {
		next.Rows = p.Plan.Counts.Read
	}
	if d.finished(p) {
		next.Cursor, next.FullAt = p.Plan.Reading.Cursor, p.Plan.Reading.FullAt
	}
	switch {
	case !p.Plan.FirstRun, d.finished(p) && p.Plan.Counts.Read > 0:
		next.First = plan.FirstAsk
	default:
		next.First = answerOf(p.Plan)
	}
	if p.header.Generation > 0 && next.Known() == p.header.Known() && !d.journaled() {
		return nil
	}
	return p.sync.Fold(ctx, next)
}

func (d *delivery) journaled() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.entries > 0
}

// dropped is what it learns of a key that left the window.
func dropped(ch record.Change) ledger.Entry {
	return ledger.Entry{Kind: ledger.Dropped, KeyHash: ch.KeyHash}
}

// listEntries writes what the ledger learns without a delivery.
func (d *delivery) listEntries(ctx context.Context, list *changes, entry func(record.Change) ledger.Entry) error {
	entries := make([]ledger.Entry, 0, min(list.n, settleChunk))
	flush := func() error {
		err := d.append(ctx, entries...)
		entries = entries[:0]
		return err
	}
	for frame, err := range list.frames() {
		if err != nil {
			return err
		}
		ch, _, _, err := decode(slices.Clone(frame), nil)
		if err != nil {
			return err
		}
		if entries = append(entries, entry(ch)); len(entries) < settleChunk {
			continue
		}
		if err := flush(); err != nil {
			return err
		}
		if d.interrupted() {
			d.cutShort = true
			return nil
		}
	}
	return flush()
}

// answered is how many changes have an outcome, or will have one when they
// are settled.
func (d *delivery) answered() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.counts.OK + d.counts.Rejected + d.counts.InDoubt + d.pending.count
}

// finished reports whether the plan was carried out to its end.
func (d *delivery) finished(p *Prepared) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.cutShort && d.counts.OK+d.counts.Rejected+d.counts.InDoubt == p.Plan.Counts.Changes()
}

// settle makes pending outcomes final, and confirms them in a second pass over
// the changes. What the writer did not settle was not sent.
func (d *delivery) settle(ctx context.Context, p *Prepared) error {
	if d.pending.count == 0 {
		return nil
	}
	err := ctx.Err()
	if err == nil {
		err = d.settler.Settle(ctx)
	}
	at := int64(0)
	for _, list := range []*changes{p.writes, p.deletes} {
		if ferr := d.settleList(ctx, list, &at, err); ferr != nil {
			d.fail()
			return errors.Join(err, ferr)
		}
	}
	return err
}

func (d *delivery) settleList(ctx context.Context, list *changes, at *int64, settled error) error {
	b := newBatch(0)
	for frame, err := range list.frames() {
		if err != nil {
			return err
		}
		if d.pending.has(*at) {
			b.add(frame, *at, 0)
		}
		*at++
		if len(b.ends) >= settleChunk {
			if err := d.settleBatch(ctx, b, settled); err != nil {
				return err
			}
			b = newBatch(len(b.buf))
		}
	}
	return d.settleBatch(ctx, b, settled)
}

func (d *delivery) settleBatch(ctx context.Context, b *batch, settled error) error {
	l, err := b.decode(d.kinds)
	if err != nil {
		return err
	}
	switch {
	case settled == nil:
		return d.finish(ctx, l, destination.All(l.len(), destination.Outcome{State: destination.OK}))
	case errors.Is(settled, destination.ErrUnknown):
		return d.finish(ctx, l, destination.All(l.len(), destination.Outcome{
			State: destination.InDoubt, Code: "unsettled", Message: "it was written, but nobody knows whether it was kept",
		}))
	}
	for i := range l.ways {
		w := &l.ways[i]
		w.announced = d.announces(l.changes[i])
		if o, doubted := d.doubtful[w.ordinal]; doubted {
			w.doubt = &o
		}
	}
	if err := d.finish(ctx, lot{}, nil, &l); err != nil {
		return err
	}
	return d.leave(ctx, l)
}

// status is the last word on a job.
func status(res plan.Result, maxRejected plan.Limit, interrupted, cut bool) plan.Status {
	c := res.Counts
	switch {
	case len(res.Problems) > 0:
		return plan.Failed
	case cut, interrupted && c.NotSent > 0:
		return plan.Stopped
	case c.Rejected+c.InDoubt+c.NotSent+c.Invalid > 0, maxRejected.Exceeded(c.Standing, res.Plan.Rows()):
		return plan.PartialDone
	case slices.ContainsFunc(res.Rejects, func(g plan.RejectGroup) bool { return g.New > 0 }):
		return plan.PartialDone
	}
	return plan.Success
}

// Handled reports whether the job has nothing left to do for this dbt run:
// every change ended ok or rejected, and no record waits for an id; of a hosted
// sync, its run is known to have ended so.
func Handled(res plan.Result) bool {
	done := res.Status == plan.Success || res.Status == plan.PartialDone
	if res.Plan != nil && res.Plan.Hosted != nil {
		return done && res.Hosted != nil && (res.Hosted.State == string(hosted.Succeeded) || res.Hosted.State == string(hosted.Partial))
	}
	waits := slices.ContainsFunc(res.Rejects, func(g plan.RejectGroup) bool { return g.State == plan.StateWaiting })
	return done && res.Counts.InDoubt == 0 && res.Counts.NotSent == 0 && !waits
}
