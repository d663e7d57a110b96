package engine

import (
	"context"
	"strings"
	"time"

	"exposync/internal/destination"
	"exposync/internal/ledger"
	"exposync/internal/record"
)

// A batch may go on at the destination as a job. Its changes are announced
// and its id is in the journal before the first record leaves, so a run that
// was killed asks the job what became of them, and starts none again.

// ownJob tells the jobs of destinations from those that the ledger keeps for
// itself.
func ownJob(j ledger.OpenJob) bool { return !j.Hosted && !strings.HasPrefix(j.ID, "exposync:") }

// codeJobOpen stands against a change whose job had not ended when the run
// did.
const codeJobOpen = "job_open"

// longestPoll is the longest wait between two questions where the destination
// does not say.
const longestPoll = time.Minute

// submit hands a lot over and waits for its results. The id is of a job that
// has ended, and that the journal is to be told of.
func (d *delivery) submit(ctx context.Context, l lot) (outcomes []destination.Outcome, ended string) {
	var lost error
	kept := ""
	id, out := d.jobber.Submit(ctx, l.changes, func(id string) error {
		lost = d.append(context.WithoutCancel(ctx), ledger.Entry{Kind: ledger.JobStarted, Job: id})
		if lost == nil {
			kept = id
		}
		return lost
	})
	if lost != nil {
		d.fail()
		return destination.All(l.len(), destination.Outcome{State: destination.NotSent}), ""
	}
	var at []int
	var inside []record.Change
	for i, o := range out {
		if o.State == destination.Pending && i < l.len() {
			at, inside = append(at, i), append(inside, l.changes[i])
		}
	}
	if len(at) == 0 || id != kept {
		return out, kept
	}
	outcomes, done := d.watch(ctx, id, inside)
	for k, i := range at {
		out[i] = outcomes[k]
	}
	if !done {
		return out, ""
	}
	return out, id
}

// watch waits for a job's end and gives its outcomes. Without one they stay
// open: the next run asks the job again.
func (d *delivery) watch(ctx context.Context, id string, inside []record.Change) (out []destination.Outcome, done bool) {
	open := func(msg string) []destination.Outcome {
		return destination.All(len(inside), destination.Outcome{State: destination.Pending, Code: codeJobOpen, Message: msg})
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
	p, err := d.e.untilEnded(ctx, waiting, d.jobber, id)
	switch {
	case err != nil:
		return open("the job could not be asked how far it is: " + d.e.hide(err)), false
	case !p.Ended:
		return open("the job still runs at the destination; the next run asks for its results"), false
	case p.Lost:
		return destination.All(len(inside), destination.Outcome{
			State: destination.InDoubt, Code: "job_lost", Message: "the destination does not know the job any more",
		}), true
	}
	out, err = d.jobber.Results(ctx, id, inside)
	if err != nil {
		return open("the job ended, but its results could not be read: " + d.e.hide(err)), false
	}
	if len(out) != len(inside) {
		return open("the adapter gave another number of outcomes than changes"), false
	}
	return out, true
}

func (e *Engine) hide(err error) string {
	if e.Redact == nil {
		return err.Error()
	}
	return e.Redact(err.Error())
}

// untilEnded asks for a job, more and more rarely, until it ended, the
// destination's own patience is over, or waiting ends.
func (e *Engine) untilEnded(ctx, waiting context.Context, j destination.Jobber, id string) (destination.Progress, error) {
	waited, failures := time.Duration(0), 0
	for wait := time.Duration(0); ; {
		p, err := j.Poll(ctx, id)
		switch {
		case err == nil && p.Ended:
			return p, nil
		case err != nil:
			if failures++; failures >= maxTries {
				return p, err
			}
			p.Again = longestWait
		default:
			failures = 0
		}
		if p.GiveUp > 0 && waited >= p.GiveUp || waiting.Err() != nil {
			return p, err
		}
		most := p.Most
		if most <= 0 {
			most = longestPoll
		}
		wait = min(max(p.Again, wait+wait/2, firstWait), max(most, p.Again))
		if e.Wait(waiting, wait) != nil {
			return p, ctx.Err()
		}
		waited += wait
	}
}

// endJob tells the journal that a job's outcomes are in it.
func (d *delivery) endJob(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	return d.append(context.WithoutCancel(ctx), ledger.Entry{Kind: ledger.JobEnded, Job: id})
}

// openJobs are the jobs at the destination that no run saw ending.
func (p *Prepared) openJobs() []string {
	var open []string
	for _, j := range p.header.Jobs {
		if ownJob(j) {
			open = append(open, j.ID)
		}
	}
	return open
}
