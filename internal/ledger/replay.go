package ledger

import (
	"fmt"

	"exposync/internal/record"
)

// CodeInterrupted is the Standing.Code of a change that was announced by
// Sending and about which the journal says nothing more.
const CodeInterrupted = "interrupted"

// About reports whether the kind is about one key (and not about a job).
func (k EntryKind) About() bool {
	switch k {
	case JobStarted, Triggered, JobEnded:
		return false
	default:
		return true
	}
}

// Check says what is missing in an entry that could not be folded later. Such
// an entry is a mistake of Exposync's own.
func (e *Entry) Check() error {
	switch {
	case e.Kind < Sending || e.Kind > LastKind:
		return fmt.Errorf("ledger entry of unknown kind %d", e.Kind)
	case !e.Kind.About() && e.Job == "":
		return fmt.Errorf("ledger entry of kind %d names no job", e.Kind)
	case e.Kind.About() && e.KeyHash == record.Hash{}:
		return fmt.Errorf("ledger entry of kind %d has no key", e.Kind)
	case (e.Kind == Confirmed || e.Kind == Adopted) && e.RowHash == record.Hash{}:
		return fmt.Errorf("ledger entry of kind %d has no row hash", e.Kind)
	}
	return nil
}

// Replay folds the entries about one key into its mark, in the order in which
// they were appended. Set Mark to what is known before the first (with no
// more than KeyHash if nothing is), and Since for changes whose fate stays
// unknown.
type Replay struct {
	Mark  record.Mark
	Since int64 // unix seconds

	before    *record.Standing // what stood against the key when the open announcement was made
	announced bool
}

// Known reports whether there is anything to remember about the key.
func (r *Replay) Known() bool { return r.Mark.Confirmed() || r.Mark.Standing != nil }

// Apply folds one entry. The mark shares the entry's memory.
func (r *Replay) Apply(e *Entry) {
	if len(e.Key) > 0 {
		r.Mark.Key = e.Key
	}
	switch e.Kind {
	case Sending:
		r.announce(e)
		return
	case Unsent:
		if r.announced {
			r.Mark.Standing = r.before
		}
	case Confirmed, Adopted:
		r.Mark.RowHash, r.Mark.Standing, r.Mark.Adopted = e.RowHash, nil, e.Kind == Adopted
		if e.RemoteID != "" {
			r.Mark.RemoteID = e.RemoteID
		}
	case Deleted, Dropped:
		r.Mark = record.Mark{KeyHash: r.Mark.KeyHash}
	case Refused:
		r.stand(e, record.Rejected)
	case Doubted:
		r.stand(e, record.InDoubt)
	case Quarantine:
		r.stand(e, record.Quarantined)
	case Released:
		r.Mark.Standing = nil
	case JobStarted, Triggered, JobEnded:
	}
	r.before, r.announced = nil, false
}

// announce is doubt until a later entry knows better.
func (r *Replay) announce(e *Entry) {
	if !r.announced {
		r.before, r.announced = r.Mark.Standing, true
	}
	s := &record.Standing{
		State: record.InDoubt, RowHash: e.RowHash, Attempts: 1, Since: r.Since,
		Code: CodeInterrupted, Reason: "the run ended while this change was on its way",
	}
	if b := r.before; b != nil && b.RowHash == e.RowHash {
		s.Attempts, s.Since = b.Attempts+1, b.Since
	}
	r.Mark.Standing = s
}

func (r *Replay) stand(e *Entry, state record.StandingState) {
	s := record.Standing{RowHash: e.RowHash, Attempts: 1, Since: r.Since}
	if e.Standing != nil {
		s = *e.Standing
	}
	s.State = state
	r.Mark.Standing = &s
}

// FoldJobs gives the jobs that are open after one entry about a job.
func FoldJobs(open []OpenJob, e *Entry) []OpenJob {
	var out []OpenJob
	for _, j := range open {
		if j.ID != e.Job {
			out = append(out, j)
		}
	}
	if e.Kind == JobEnded {
		return out
	}
	return append(out, OpenJob{ID: e.Job, Hosted: e.Kind == Triggered})
}
