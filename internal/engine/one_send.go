package engine

import (
	"context"
	"errors"
	"fmt"

	"exposync/internal/destination"
	"exposync/internal/diff"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// refusal is why a record must not be sent, whoever asks.
func (o *One) refusal(job string) error {
	switch {
	case o.There > 1:
		return &fault.Fault{
			Code: plan.CodeAmbiguous, Kind: fault.Blocked, Whose: fault.Destination, Where: "job " + job,
			Msg: fmt.Sprintf("the destination holds %d records with this key; nothing was sent", o.There), Hint: "merge them there, then try again",
		}
	case o.Op == 0 && o.Mark != nil && o.Mark.Standing != nil && o.Mark.Standing.State == record.InDoubt:
		return &fault.Fault{
			Code: "in_doubt", Kind: fault.Blocked, Whose: fault.Destination, Where: "job " + job,
			Msg:  "an earlier attempt may have arrived, and sending the record twice would do harm; nothing was sent",
			Hint: fmt.Sprintf("look at the destination, then: exposync rejects settle %s --sent (or --resend)", job),
		}
	}
	return nil
}

// sendOne delivers the change and remembers the outcome.
func (e *Engine) sendOne(ctx context.Context, stop <-chan struct{}, p *Prepared, dec diff.Decision, row []byte, one *One) error {
	p.empty(e.Spool)
	if err := p.writes.add(changeOf(dec), flagsOf(dec.Mark), row); err != nil {
		return err
	}
	if dec.Op == record.Create {
		p.Plan.Counts = plan.Counts{Read: 1, Create: 1}
	} else {
		p.Plan.Counts = plan.Counts{Read: 1, Update: 1}
	}
	if err := e.keepAsking(ctx, p); err != nil {
		return err
	}
	d := newDelivery(e, p, stop)
	listening := &listener{Writer: p.writer}
	d.writer = listening
	err := d.run(ctx, p.writes)
	err = errors.Join(err, d.settle(ctx, p))
	made := p.Plan
	res := plan.Result{Job: p.req.Job.ID, Plan: &made, Counts: made.Counts, StartedAt: made.MadeAt}
	d.close(&res)
	res.Problems = append(res.Problems, fault.All(err)...)
	if ctx.Err() == nil && !d.failed {
		res.Problems = append(res.Problems, fault.All(p.sync.Fold(ctx, p.header))...)
	}
	res.Status = status(res, plan.Limit{Off: true}, d.interrupted(), ctx.Err() != nil)
	one.Sent, one.Result, one.Outcome = res.Counts.NotSent == 0, res, listening.last
	return nil
}

// keepAsking makes it last, before anything is sent, that the first run is
// still to come: one record is no answer to how it goes.
func (e *Engine) keepAsking(ctx context.Context, p *Prepared) error {
	next := p.header
	next.Encoding = record.Encoding
	if p.Plan.FirstRun && next.First == plan.FirstAsk {
		next.First = plan.FirstOpen
	}
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

// listener keeps the last outcome that a writer gave.
type listener struct {
	destination.Writer
	last destination.Outcome
}

func (l *listener) Write(ctx context.Context, batch []record.Change) []destination.Outcome {
	out := l.Writer.Write(ctx, batch)
	if len(out) > 0 {
		l.last = out[0]
	}
	return out
}
