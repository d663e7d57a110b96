package engine

import (
	"context"
	"errors"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// settleChunk is how many ledger entries without a delivery go out at once.
const settleChunk = 2000

// Apply carries out a prepared plan and gives what became of it. When stop is
// closed the batches in flight are finished, everything confirmed is saved
// and the rest stays due. When ctx ends, what is in flight is in doubt.
func (e *Engine) Apply(ctx context.Context, stop <-chan struct{}, p *Prepared) plan.Result {
	res := plan.Result{Job: p.req.Job.ID, Plan: &p.Plan, Counts: p.Plan.Counts, StartedAt: e.Now()}
	d := newDelivery(e, p, stop)
	err := e.apply(ctx, p, d)
	d.close(&res)
	if err != nil {
		res.Problems = append(res.Problems, fault.All(err)...)
	}
	if !res.Counts.SentAddsUp() {
		res.Problems = append(res.Problems, &fault.Fault{
			Code: "internal", Kind: fault.Bug, Whose: fault.Ours, Where: "job " + res.Job,
			Msg: "the outcomes do not add up to the changes of the plan",
		})
	}
	res.Status = status(res, p.req.Job.MaxRejected, d.interrupted())
	res.Took = e.Now().Sub(res.StartedAt)
	return res
}

func (e *Engine) apply(ctx context.Context, p *Prepared, d *delivery) error {
	if err := settleEntries(ctx, p); err != nil {
		return err
	}
	err := d.run(ctx, p.writes)
	if err == nil && p.Plan.Deletes && !d.halted() {
		err = d.run(ctx, p.deletes)
	}
	err = errors.Join(err, d.settle(ctx, p))
	if ctx.Err() != nil {
		return err // killed: the journal stays as it is and the next run folds it
	}
	return errors.Join(err, e.fold(ctx, p, d))
}

// fold merges the journal into the marks, if the run changed anything.
func (e *Engine) fold(ctx context.Context, p *Prepared, d *delivery) error {
	h := p.header
	same := h.Generation > 0 && h.Mapping == p.Plan.Mapping && h.Encoding == record.Encoding && h.Rows == p.Plan.Counts.Read
	if same && !d.journaled() && p.settled.n == 0 {
		return nil
	}
	next := h
	next.Encoding, next.Mapping = record.Encoding, p.Plan.Mapping
	if p.complete {
		next.Rows = p.Plan.Counts.Read
	}
	return p.sync.Fold(ctx, next)
}

// settleEntries writes what the ledger learns without a delivery: adopted keys
// and standings that no longer matter.
func settleEntries(ctx context.Context, p *Prepared) error {
	var entries []ledger.Entry
	flush := func() error {
		if len(entries) == 0 {
			return nil
		}
		err := p.sync.Append(ctx, entries...)
		entries = entries[:0]
		return err
	}
	for frame, err := range p.settled.frames() {
		if err != nil {
			return err
		}
		ch, err := decode(append([]byte(nil), frame...))
		if err != nil {
			return err
		}
		entry := ledger.Entry{Kind: ledger.Adopted, KeyHash: ch.KeyHash, RowHash: ch.RowHash, Key: ch.Key}
		if (ch.RowHash == record.Hash{}) {
			entry.Kind = ledger.Released
		}
		if entries = append(entries, entry); len(entries) >= settleChunk {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// settle makes pending outcomes final, and confirms them in a second pass over
// the changes.
func (d *delivery) settle(ctx context.Context, p *Prepared) error {
	settler, ok := p.writer.(destination.Settler)
	if !ok || d.pending.count == 0 {
		return nil
	}
	state := destination.Outcome{State: destination.OK}
	err := settler.Settle(ctx)
	if err != nil {
		state = destination.Outcome{State: destination.NotSent}
	}
	at := int64(0)
	for _, list := range []*changes{p.writes, p.deletes} {
		if ferr := d.settleList(ctx, list, &at, state); ferr != nil {
			return errors.Join(err, ferr)
		}
	}
	return err
}

func (d *delivery) settleList(ctx context.Context, list *changes, at *int64, state destination.Outcome) error {
	b := &batch{}
	flush := func() error {
		if err := b.decode(); err != nil {
			return err
		}
		err := d.finish(ctx, b.changes, destination.All(len(b.changes), state))
		*b = batch{}
		return err
	}
	for frame, err := range list.frames() {
		if err != nil {
			return err
		}
		if d.pending.has(*at) {
			b.add(frame, *at)
		}
		*at++
		if len(b.ends) >= settleChunk {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// status is the last word on a job.
func status(res plan.Result, maxRejected plan.Limit, interrupted bool) plan.Status {
	c := res.Counts
	switch {
	case len(res.Problems) > 0:
		return plan.Failed
	case interrupted && c.NotSent > 0:
		return plan.Stopped
	case c.Rejected+c.InDoubt+c.NotSent+c.Invalid > 0, maxRejected.Exceeded(c.Standing, c.Read):
		return plan.PartialDone
	}
	return plan.Success
}

// Handled reports whether the job has nothing left to do for this dbt run:
// every change ended ok or rejected.
func Handled(res plan.Result) bool {
	done := res.Status == plan.Success || res.Status == plan.PartialDone
	return done && res.Counts.InDoubt == 0 && res.Counts.NotSent == 0
}
