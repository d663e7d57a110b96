package engine

import (
	"bytes"
	"context"
	"errors"
	"time"

	"exposync/internal/destination"
	"exposync/internal/diff"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// compareChunk is how many keys the destination is asked for at a time.
const compareChunk = 5000

// ambiguousReason is what stands against a record that several records at the
// destination could be.
const ambiguousReason = "the destination holds several records with this key"

// ambiguous reports whether it was not known which record the key means.
func ambiguous(m record.Mark) bool {
	return m.Standing != nil && StateOf(*m.Standing) == plan.CodeAmbiguous
}

// ask puts a create aside until the destination is asked for its key.
func (s *scan) ask(ctx context.Context, d diff.Decision) error {
	s.asking = append(s.asking, s.lasting(d))
	if len(s.asking) >= compareChunk {
		return s.compare(ctx)
	}
	return nil
}

// match is what the destination holds for one key.
type match struct {
	ours, theirs record.Record
	records      int
	same         bool // one of them has our values
}

// compare reads the destination's records for the creates that were put
// aside: equal ones are adopted, different ones become updates, and where
// there are several nobody knows which one is meant. Insert never writes over
// a record, so it adopts what is there.
func (s *scan) compare(ctx context.Context) error {
	if len(s.asking) == 0 {
		return nil
	}
	matches, err := s.matches(ctx)
	if err != nil {
		return err
	}
	if s.p.Plan.Match == nil {
		s.p.Plan.Match = &plan.Match{}
	}
	for i, d := range s.asking {
		if err := s.matched(ctx, d, matches[i]); err != nil {
			return err
		}
	}
	s.asking = s.asking[:0]
	s.release()
	return nil
}

// matched decides one record by what the destination has of it. In mode
// append a record has no identity: any one with our values will do.
func (s *scan) matched(ctx context.Context, d diff.Decision, m match) error {
	mode, found := s.p.req.Job.Mode, s.p.Plan.Match
	switch {
	case m.records == 0 || mode == plan.Append && !m.same:
		found.Missing++
	case m.records > 1 && mode != plan.Append:
		found.Ambiguous++
		return s.hold(d)
	case mode == plan.Insert, m.same:
		found.Equal++
		return s.adopt(d)
	default:
		found.Different++
		d.Op = record.Update
	}
	return s.write(ctx, d, d.Seen.Row)
}

// hold keeps an ambiguous record back, and has the ledger remember it: a later
// run must not take it for new.
func (s *scan) hold(d diff.Decision) error {
	s.held++
	group := plan.RejectGroup{Code: plan.CodeAmbiguous, Reason: ambiguousReason, Records: 1, State: plan.CodeAmbiguous}
	fresh := !ambiguous(d.Mark)
	if fresh {
		group.New = 1
	}
	s.p.standing.add(group)
	if !fresh && d.Mark.Standing.RowHash == d.Seen.RowHash {
		return nil
	}
	return s.p.settled.add(record.Change{Op: opHeld, KeyHash: d.Seen.KeyHash, RowHash: d.Seen.RowHash, Key: d.Seen.Key}, 0, nil)
}

// ambiguousStanding is what the ledger remembers of such a record. It is not
// permanent: every run asks the destination again.
func ambiguousStanding(row record.Hash, now time.Time) *record.Standing {
	return &record.Standing{
		State: record.Rejected, RowHash: row, Attempts: 1, Code: plan.CodeAmbiguous, Reason: ambiguousReason,
		Since: now.Truncate(time.Second).Unix(),
	}
}

// matches asks for the keys that were put aside.
func (s *scan) matches(ctx context.Context) ([]match, error) {
	reader, ok := s.p.req.Destination.(destination.Reader)
	if !ok {
		return nil, &fault.Fault{
			Code: "compare_unsupported", Kind: fault.Config, Whose: fault.Destination, Where: "job " + s.p.req.Job.ID,
			Msg:  "a destination of type " + s.p.req.Job.Type + " cannot be read by key, so the first run cannot compare",
			Hint: "exposync run --first send (sends every record) or --first adopt (takes every record as sent)",
		}
	}
	t := target(s.p.bound, s.p.req.RunID)
	keys, places := make([]record.Key, len(s.asking)), make(map[record.Hash]int, len(s.asking))
	out := make([]match, len(s.asking))
	for i, d := range s.asking {
		ours, _, err := record.ReadRecord(d.Seen.Row, nil)
		if err != nil {
			return nil, err
		}
		keys[i], places[d.Seen.KeyHash], out[i].ours = d.Seen.Key, i, ours
	}
	for r, err := range reader.Read(ctx, t, keys) {
		if err != nil {
			return nil, err
		}
		i, asked := places[record.AppendKey(nil, r[:len(t.Key)]...).Hash()]
		if !asked {
			return nil, errors.New("the destination answered for a key that it was not asked for")
		}
		m := &out[i]
		m.records++
		if s.mapper.equal(m.ours, r[len(t.Key):]) {
			m.same = true
		} else if m.theirs == nil {
			m.theirs = r[len(t.Key):].Clone()
			s.mapper.leave(m.ours)
			s.mapper.keep(m.ours, m.theirs)
		}
	}
	return out, s.tolerate(ctx, reader, t, out)
}

// tolerate looks again at the records that differ, as the destination would
// hold ours: a difference that it cannot hold is none, and would be sent again
// on every comparison.
func (s *scan) tolerate(ctx context.Context, reader destination.Reader, t destination.Target, matches []match) error {
	holder, ok := reader.(destination.Holder)
	if !ok {
		return nil
	}
	var at []int
	var ours []record.Record
	for i := range matches {
		if m := &matches[i]; m.theirs != nil && !m.same {
			at, ours = append(at, i), append(ours, m.ours)
		}
	}
	if len(ours) == 0 {
		return nil
	}
	held, err := holder.Held(ctx, t, ours)
	if err != nil {
		return err
	}
	if len(held) != len(ours) {
		return errors.New("the destination gave another number of records than it was asked about")
	}
	for n, i := range at {
		matches[i].same = same(held[n], matches[i].theirs)
	}
	return nil
}

// same reports whether the destination already holds our values; a field that
// is not sent does not count.
func same(ours, theirs record.Record) bool {
	if len(ours) != len(theirs) {
		return false
	}
	for i := range ours {
		if ours[i].Kind == record.Absent {
			continue
		}
		if !bytes.Equal(record.AppendCanonical(nil, ours[i]), record.AppendCanonical(nil, theirs[i])) {
			return false
		}
	}
	return true
}
