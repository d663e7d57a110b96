package engine

import (
	"fmt"

	"exposync/internal/diff"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// What the ledger learns without a delivery, as the operation of a settled
// change says it. 0 is an adopted key, or, without a row hash, a released one.
const (
	opHeld record.Op = 0x80 + iota // ambiguous: a standing
	opSent                         // in doubt, and counts as sent: the record was ours before
	opGone                         // a delete in doubt that counts as sent
)

// settledEntry is the journal's word on one settled change.
func (e *Engine) settledEntry(ch record.Change) ledger.Entry {
	out := ledger.Entry{Kind: ledger.Adopted, KeyHash: ch.KeyHash, RowHash: ch.RowHash, Key: ch.Key}
	switch {
	case ch.Op == opHeld:
		out.Kind, out.Standing = ledger.Refused, ambiguousStanding(ch.RowHash, e.Now())
	case ch.Op == opSent:
		out.Kind = ledger.Confirmed
	case ch.Op == opGone:
		out.Kind = ledger.Deleted
	case ch.RowHash == record.Hash{}:
		out.Kind = ledger.Released
	}
	return out
}

// assume plans that a change in doubt counts as sent.
func (s *scan) assume(m record.Mark) error {
	s.assumed++
	return s.p.settled.add(assumption(m), 0, nil)
}

// assumption is the settled change that ends a doubt: what was tried counts as
// sent. A record that was not ours before is adopted, not confirmed.
func assumption(m record.Mark) record.Change {
	is := diff.Assumed(m)
	ch := record.Change{KeyHash: m.KeyHash, RowHash: is.RowHash, Key: m.Key}
	switch {
	case !is.Confirmed():
		ch.Op = opGone
	case !is.Adopted:
		ch.Op = opSent
	}
	return ch
}

// notes says in the plan what its numbers cannot.
func (s *scan) notes() {
	p, job := s.p, s.p.req.Job
	note := func(format string, args ...any) {
		p.Plan.Notes = append(p.Plan.Notes, fmt.Sprintf(format, args...))
	}
	if p.Plan.FirstRun && p.Plan.First == plan.FirstAdopt && p.Plan.Counts.Adopted > 0 {
		note("adopt trusts that %s.%s holds these %d records already, with the values that %s has now: nothing was read there, and none of them is sent until it changes",
			job.Connection, job.Object, p.Plan.Counts.Adopted, job.Source.Name)
	}
	if s.assumed > 0 {
		note("%d changes in doubt count as sent (on_in_doubt: assume_sent); whether they arrived is not known", s.assumed)
	}
	if s.adopted > 0 && p.Plan.Deletes {
		note("%d of the %d deletes are records that were adopted, not sent (owned: all)", s.adopted, p.Plan.Counts.Delete)
	}
}
