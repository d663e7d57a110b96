package engine

import (
	"context"
	"time"

	"exposync/internal/destination"
	"exposync/internal/ledger"
	"exposync/internal/record"
)

// finish records final outcomes durably, and counts them only then.
func (d *delivery) finish(ctx context.Context, changes []record.Change, outcomes []destination.Outcome) error {
	entries := make([]ledger.Entry, 0, len(changes))
	for i, ch := range changes {
		if e, ok := d.outcomeEntry(ch, outcomes[i]); ok {
			entries = append(entries, e)
		}
	}
	if err := d.append(context.WithoutCancel(ctx), entries...); err != nil {
		return err
	}
	d.count(changes, outcomes)
	return nil
}

func (d *delivery) count(changes []record.Change, outcomes []destination.Outcome) {
	d.mu.Lock()
	for i, o := range outcomes {
		switch o.State {
		case destination.OK:
			d.counts.OK++
		case destination.Rejected:
			d.counts.Rejected++
			fresh := int64(0)
			if changes[i].Attempts == 0 {
				fresh = 1
			}
			d.rejects.add(o.Code, o.Message, 1, fresh)
		case destination.InDoubt:
			d.counts.InDoubt++
			d.rejects.add(o.Code, o.Message, 1, 1)
		default:
		}
		d.streak.see(o)
	}
	if d.streak.hopeless() && d.halt == nil {
		d.halt = refusedAll(d.job.ID, d.streak.code, d.streak.message)
	}
	done := d.counts.OK + d.counts.Rejected + d.counts.InDoubt
	d.mu.Unlock()
	if d.e.Progress != nil {
		d.e.Progress(d.job.ID, done, d.total)
	}
}

// outcomeEntry is the journal's word on one outcome; none for what was not
// sent.
func (d *delivery) outcomeEntry(ch record.Change, o destination.Outcome) (ledger.Entry, bool) {
	switch o.State {
	case destination.OK:
		if ch.Op == record.Delete {
			return entry(ledger.Deleted, ch), true
		}
		e := entry(ledger.Confirmed, ch)
		if o.RemoteID != "" {
			e.RemoteID = o.RemoteID
		}
		return e, true
	case destination.Rejected:
		e := entry(ledger.Refused, ch)
		e.Standing = d.standing(ch, o, record.Rejected)
		if e.Standing.Attempts >= maxAttempts {
			e.Kind, e.Standing.State = ledger.Quarantine, record.Quarantined
		}
		return e, true
	case destination.InDoubt:
		e := entry(ledger.Doubted, ch)
		e.Standing = d.standing(ch, o, record.InDoubt)
		return e, true
	default:
		return ledger.Entry{}, false
	}
}

func (d *delivery) standing(ch record.Change, o destination.Outcome, state record.StandingState) *record.Standing {
	s := &record.Standing{
		State: state, RowHash: ch.RowHash, Attempts: ch.Attempts + 1, Code: o.Code, Reason: o.Message,
		Permanent: !o.Transient, Since: ch.Since,
	}
	if s.Since == 0 {
		s.Since = d.e.Now().Truncate(time.Second).Unix()
	}
	return s
}

func entry(kind ledger.EntryKind, ch record.Change) ledger.Entry {
	return ledger.Entry{Kind: kind, KeyHash: ch.KeyHash, RowHash: ch.RowHash, Key: ch.Key, RemoteID: ch.RemoteID}
}

// refusals notices that a destination refuses everything for one reason:
// going on would only burn its quota.
type refusals struct {
	code, message string
	n             int
	broken        bool // something was accepted, or refused for another reason
}

// hopelessAfter is how many equal refusals in a row, with nothing accepted,
// make a mapping error.
const hopelessAfter = 100

func (r *refusals) see(o destination.Outcome) {
	switch {
	case r.broken:
	case o.State != destination.Rejected, r.n > 0 && o.Code != r.code:
		r.broken = true
	default:
		r.code, r.message = o.Code, o.Message
		r.n++
	}
}

func (r *refusals) hopeless() bool { return !r.broken && r.n >= hopelessAfter }
