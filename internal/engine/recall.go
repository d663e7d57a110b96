package engine

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"exposync/internal/destination"
	"exposync/internal/diff"
	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
)

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
	if err == nil && !got.Lost {
		err = e.settleRecalled(ctx, p, jobber, id)
	}
	if err != nil {
		return err
	}
	return p.sync.Append(context.WithoutCancel(ctx), ledger.Entry{Kind: ledger.JobEnded, Job: id})
}

// settleRecalled ends the doubt about the records that a job names: those
// whose announcement stands open. What the job says is put where the marks of
// the keys are, so that memory holds one part of either.
func (e *Engine) settleRecalled(ctx context.Context, p *Prepared, jobber destination.Jobber, id string) error {
	words := &spill{dir: e.Spool}
	defer words.close()
	var word []byte
	for r, err := range jobber.Recall(ctx, id) {
		if err != nil {
			return err
		}
		word = appendOutcome(word[:0], r.Outcome)
		if err := words.add(r.Key.Hash(), record.Hash{}, nil, word); err != nil {
			return err
		}
	}
	for part := range ledger.Partitions {
		said, err := words.load(part)
		if err != nil {
			return err
		}
		if len(said) == 0 {
			continue
		}
		slices.SortFunc(said, func(a, b diff.Seen) int { return bytes.Compare(a.KeyHash[:], b.KeyHash[:]) })
		if err := e.settlePart(ctx, p, part, said); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// settlePart ends the doubts of one part of the marks.
func (e *Engine) settlePart(ctx context.Context, p *Prepared, part int, said []diff.Seen) error {
	var entries []ledger.Entry
	for m, err := range p.sync.Marks(ctx, part) {
		if err != nil {
			return err
		}
		var about []diff.Seen
		about, said = wordsOf(said, m.KeyHash)
		if len(about) == 0 || !waitsForJob(m.Standing) {
			continue
		}
		o, err := verdict(about)
		if err != nil {
			return err
		}
		entries = append(entries, e.recalledEntries(m, o)...)
		if len(entries) < settleChunk {
			continue
		}
		if err := p.settle(ctx, entries); err != nil {
			return err
		}
		entries = entries[:0]
	}
	return p.settle(ctx, entries)
}

// settle writes what a job said of records to the journal. No run told of the
// refusals among them yet.
func (p *Prepared) settle(ctx context.Context, entries []ledger.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	if err := p.sync.Append(context.WithoutCancel(ctx), entries...); err != nil {
		return err
	}
	for _, en := range entries {
		if s := en.Standing; s != nil {
			p.standing.add(plan.RejectGroup{Code: s.Code, Reason: s.Reason, New: 1, State: "rejected"})
		}
	}
	return nil
}

// wordsOf takes what is said of one key from the front of a sorted list.
func wordsOf(said []diff.Seen, key record.Hash) (about, rest []diff.Seen) {
	from := 0
	for from < len(said) && bytes.Compare(said[from].KeyHash[:], key[:]) < 0 {
		from++ // the ledger knows nothing of it
	}
	to := from
	for to < len(said) && said[to].KeyHash == key {
		to++
	}
	return said[from:to], said[to:]
}

// verdict is what a job says of one record: nothing, if it says two things.
func verdict(about []diff.Seen) (destination.Outcome, error) {
	o, err := readOutcome(about[0].Row)
	for _, other := range about[1:] {
		next, nerr := readOutcome(other.Row)
		if err == nil {
			err = nerr
		}
		if next.State != o.State {
			return destination.Outcome{}, err
		}
	}
	return o, err
}

// appendOutcome appends what of an outcome the ledger may learn.
func appendOutcome(dst []byte, o destination.Outcome) []byte {
	dst = append(dst, byte(o.State), 0)
	if o.Transient {
		dst[len(dst)-1] = 1
	}
	return appendBytes(appendBytes(appendBytes(dst, o.Code), o.Message), o.RemoteID)
}

func readOutcome(b []byte) (destination.Outcome, error) {
	if len(b) < 2 {
		return destination.Outcome{}, errChanges
	}
	r := reader{b: b[2:]}
	o := destination.Outcome{
		State: destination.State(b[0]), Transient: b[1] == 1,
		Code: string(r.bytes()), Message: string(r.bytes()), RemoteID: string(r.bytes()),
	}
	if r.bad {
		return destination.Outcome{}, errChanges
	}
	return o, nil
}

// waitsForJob reports whether a doubt is one that a job can end: a change that
// was announced, and of which nothing more is known.
func waitsForJob(s *record.Standing) bool {
	return s != nil && s.State == record.InDoubt && (s.Code == ledger.CodeInterrupted || s.Code == codeJobOpen)
}

// recalledEntries are the journal's words on one record that a job names. A
// record that would have to be sent again stays in doubt, which sends it again.
// One that the job refused may have been in doubt before: nobody knows which
// values it has.
func (e *Engine) recalledEntries(m record.Mark, o destination.Outcome) []ledger.Entry {
	s := m.Standing
	out := ledger.Entry{KeyHash: m.KeyHash, RowHash: s.RowHash, Key: append(record.Key(nil), m.Key...), RemoteID: o.RemoteID}
	switch {
	case s.RowHash == record.Hash{}:
		return nil
	case o.State == destination.OK:
		out.Kind = ledger.Confirmed
		return []ledger.Entry{out}
	case o.State != destination.Rejected:
		return nil
	}
	var entries []ledger.Entry
	if m.Confirmed() {
		unsure := out
		unsure.Kind, unsure.RowHash, unsure.RemoteID = ledger.Confirmed, uncertain(), ""
		if m.Adopted {
			unsure.Kind = ledger.Adopted
		}
		entries = append(entries, unsure)
	}
	out.Kind = ledger.Refused
	out.Standing = &record.Standing{
		State: record.Rejected, RowHash: s.RowHash, Attempts: s.Attempts, Code: o.Code, Reason: o.Message,
		Permanent: !o.Transient, Since: s.Since,
	}
	if e.Redact != nil {
		out.Standing.Reason = e.Redact(o.Message)
	}
	return append(entries, out)
}

func jobRuns(job string) *fault.Fault {
	return &fault.Fault{
		Code: codeJobOpen, Kind: fault.Unavailable, Whose: fault.Destination, Where: "job " + job,
		Msg:  "a job of an earlier run still goes on at the destination; nothing was sent",
		Hint: "run again later: its results are asked for then",
	}
}
