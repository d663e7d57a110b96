package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/plan"
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
		wait = min(max(p.Again, wait+wait/2), max(most, p.Again))
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

// recall asks the jobs that earlier runs left behind what became of their
// records, before anything is planned. It reports whether there were any.
func (e *Engine) recall(ctx context.Context, p *Prepared) (bool, error) {
	open := p.openJobs()
	if len(open) == 0 {
		return false, nil
	}
	if p.look {
		p.Plan.Notes = append(p.Plan.Notes, fmt.Sprintf(
			"%d job(s) of an earlier run are open at the destination; a run asks for their results first", len(open)))
		return false, nil
	}
	if err := e.openWriter(ctx, p); err != nil {
		return false, err
	}
	defer func() {
		_ = p.writer.Close()
		p.writer = nil
	}()
	jobber, ok := p.writer.(destination.Jobber)
	if !ok {
		return false, nil // nothing to ask: what is in doubt is treated as such
	}
	for _, id := range open {
		if err := e.recallJob(ctx, p, jobber, id); err != nil {
			return false, err
		}
	}
	return true, nil
}

// reopen reads the ledger again: the marks as the jobs' results left them.
func (e *Engine) reopen(ctx context.Context, p *Prepared, id plan.SyncID) error {
	if err := p.closeSync(); err != nil {
		return err
	}
	return e.open(ctx, p, id)
}

// openWriter opens the writer without reading the source.
func (e *Engine) openWriter(ctx context.Context, p *Prepared) error {
	snap, err := p.req.Warehouse.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = snap.Close() }()
	return p.bind(ctx, snap)
}

func (e *Engine) recallJob(ctx context.Context, p *Prepared, jobber destination.Jobber, id string) error {
	got, err := e.untilEnded(ctx, ctx, jobber, id)
	if err == nil && !got.Ended {
		err = jobRuns(p.req.Job.ID)
	}
	if err != nil {
		return err
	}
	said := map[record.Hash]destination.Outcome{}
	if !got.Lost {
		for r, err := range jobber.Recall(ctx, id) {
			if err != nil {
				return err
			}
			said[r.Key.Hash()] = r.Outcome
		}
	}
	if err := e.settleRecalled(ctx, p, said); err != nil {
		return err
	}
	return p.sync.Append(context.WithoutCancel(ctx), ledger.Entry{Kind: ledger.JobEnded, Job: id})
}

// settleRecalled ends the doubt about the records that a job names: those
// whose announcement stands open.
func (e *Engine) settleRecalled(ctx context.Context, p *Prepared, said map[record.Hash]destination.Outcome) error {
	if len(said) == 0 {
		return nil
	}
	for part := range ledger.Partitions {
		entries, err := e.recalledEntries(ctx, p, part, said)
		if err != nil {
			return err
		}
		for chunk := range slices.Chunk(entries, settleChunk) {
			if err := p.sync.Append(context.WithoutCancel(ctx), chunk...); err != nil {
				return err
			}
		}
	}
	return nil
}

// recalledEntries are those of one part of the marks.
func (e *Engine) recalledEntries(ctx context.Context, p *Prepared, part int, said map[record.Hash]destination.Outcome) ([]ledger.Entry, error) {
	var entries []ledger.Entry
	for m, err := range p.sync.Marks(ctx, part) {
		if err != nil {
			return nil, err
		}
		o, named := said[m.KeyHash]
		if !named || !waitsForJob(m.Standing) {
			continue
		}
		en, ok := e.recalledEntry(m, o)
		if !ok {
			continue
		}
		entries = append(entries, en)
		if s := en.Standing; s != nil { // no run told of it yet
			p.standing.add(plan.RejectGroup{Code: s.Code, Reason: s.Reason, New: 1, State: "rejected"})
		}
	}
	return entries, nil
}

// waitsForJob reports whether a doubt is one that a job can end: a change that
// was announced, and of which nothing more is known.
func waitsForJob(s *record.Standing) bool {
	return s != nil && s.State == record.InDoubt && (s.Code == ledger.CodeInterrupted || s.Code == codeJobOpen)
}

// recalledEntry is the journal's word on one record that a job names. A record
// that would have to be sent again stays in doubt, which sends it again.
func (e *Engine) recalledEntry(m record.Mark, o destination.Outcome) (ledger.Entry, bool) {
	s := m.Standing
	out := ledger.Entry{KeyHash: m.KeyHash, RowHash: s.RowHash, Key: append(record.Key(nil), m.Key...), RemoteID: o.RemoteID}
	switch {
	case s.RowHash == record.Hash{}:
		return out, false
	case o.State == destination.OK:
		out.Kind = ledger.Confirmed
		return out, true
	case o.State == destination.Rejected:
		out.Kind = ledger.Refused
		out.Standing = &record.Standing{
			State: record.Rejected, RowHash: s.RowHash, Attempts: s.Attempts, Code: o.Code, Reason: o.Message,
			Permanent: !o.Transient, Since: s.Since,
		}
		if e.Redact != nil {
			out.Standing.Reason = e.Redact(o.Message)
		}
		return out, true
	default:
		return out, false
	}
}

func jobRuns(job string) *fault.Fault {
	return &fault.Fault{
		Code: codeJobOpen, Kind: fault.Unavailable, Whose: fault.Destination, Where: "job " + job,
		Msg:  "a job of an earlier run still goes on at the destination; nothing was sent",
		Hint: "run again later: its results are asked for then",
	}
}
