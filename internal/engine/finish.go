package engine

import (
	"context"
	"time"

	"exposync/internal/destination"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// uncertain stands in a mark for values that nobody knows: a change that may
// have arrived was refused when it was sent again. It equals no values, so
// whatever the source holds is sent; and the record counts as confirmed, so a
// mirror may delete it.
func uncertain() record.Hash {
	var h record.Hash
	for i := range h {
		h[i] = 0xff
	}
	return h
}

// Uncertain reports whether a mark's values are ones that nobody knows.
func Uncertain(row record.Hash) bool { return row == uncertain() }

// finish records final outcomes durably, and counts them only then. Of the
// changes in unsent nothing was written by the call that gave the outcomes.
func (d *delivery) finish(ctx context.Context, l lot, outcomes []destination.Outcome, unsent ...*lot) error {
	entries := make([]ledger.Entry, 0, l.len())
	for i, o := range outcomes {
		entries = d.outcomeEntries(entries, l.changes[i], l.ways[i], o)
	}
	for _, u := range unsent {
		for i, ch := range u.changes {
			if w := &u.ways[i]; w.announced && w.doubt == nil {
				entries = append(entries, entry(ledger.Unsent, ch))
				w.announced = false
			}
		}
	}
	if err := d.append(context.WithoutCancel(ctx), entries...); err != nil {
		d.unknown(int64(l.len()))
		return err
	}
	d.count(l, outcomes)
	return nil
}

// unrecorded passes on an error of the ledger. Those of the changes that an
// earlier try may have stored are in doubt.
func (d *delivery) unrecorded(err error, lots ...lot) error {
	n := int64(0)
	for _, l := range lots {
		for _, w := range l.ways {
			if w.doubt != nil {
				n++
			}
		}
	}
	d.unknown(n)
	return err
}

// unknown counts changes that were sent, but whose outcome the ledger did not
// take: for the next run they are in doubt.
func (d *delivery) unknown(n int64) {
	if n == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts.InDoubt += n
	d.rejects.add(plan.RejectGroup{
		Code: "unrecorded", Reason: "sent, but the ledger could not be written", Records: n, New: n, State: "in_doubt",
	})
}

func (d *delivery) count(l lot, outcomes []destination.Outcome) {
	d.mu.Lock()
	for i, o := range outcomes {
		switch o.State {
		case destination.OK:
			d.counts.OK++
			d.strikes = 0
		case destination.Rejected:
			d.counts.Rejected++
			fresh := int64(0)
			if l.changes[i].Attempts == 0 {
				fresh = 1
			}
			group := plan.RejectGroup{Code: o.Code, Reason: o.Message, Records: 1, New: fresh, State: "rejected"}
			if l.changes[i].Attempts+1 >= maxAttempts {
				group.State, group.Waits = "quarantined", true
			}
			d.rejects.add(group)
		case destination.InDoubt:
			d.counts.InDoubt++
			d.rejects.add(plan.RejectGroup{
				Code: o.Code, Reason: o.Message, Records: 1, New: 1, State: "in_doubt",
				Waits: !d.traits.Idempotent && d.job.OnInDoubt == plan.HoldInDoubt,
			})
		default:
		}
		d.streak.see(o)
	}
	hopeless := d.streak.hopeless()
	done := d.counts.OK + d.counts.Rejected + d.counts.InDoubt
	d.mu.Unlock()
	if hopeless {
		d.haltFor(refusedAll(d.job.ID, d.streak.code, d.streak.message))
	}
	if d.e.Progress != nil && len(outcomes) > 0 {
		d.e.Progress(d.job.ID, done, d.total)
	}
}

// outcomeEntries appends the journal's words on one final outcome.
func (d *delivery) outcomeEntries(entries []ledger.Entry, ch record.Change, w way, o destination.Outcome) []ledger.Entry {
	switch o.State {
	case destination.OK:
		if ch.Op == record.Delete {
			return append(entries, entry(ledger.Deleted, ch))
		}
		e := entry(ledger.Confirmed, ch)
		if o.RemoteID != "" {
			e.RemoteID = o.RemoteID
		}
		return append(entries, e)
	case destination.Rejected:
		if w.flags&wasConfirmed != 0 && (w.doubt != nil || w.flags&wasDoubted != 0) {
			entries = append(entries, uncertainEntry(ch, w))
		}
		e := entry(ledger.Refused, ch)
		e.Standing = d.standing(ch, o, record.Rejected)
		if e.Standing.Attempts >= maxAttempts {
			e.Kind, e.Standing.State = ledger.Quarantine, record.Quarantined
		}
		return append(entries, e)
	case destination.InDoubt:
		e := entry(ledger.Doubted, ch)
		e.Standing = d.standing(ch, o, record.InDoubt)
		return append(entries, e)
	default:
		return entries
	}
}

// uncertainEntry takes the certainty from a mark, and nothing else.
func uncertainEntry(ch record.Change, w way) ledger.Entry {
	e := entry(ledger.Confirmed, ch)
	e.RowHash = uncertain()
	if w.flags&wasAdopted != 0 {
		e.Kind = ledger.Adopted
	}
	return e
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
	case o.State != destination.Rejected, o.Transient, r.n > 0 && o.Code != r.code:
		r.broken = true
	default:
		r.code, r.message = o.Code, o.Message
		r.n++
	}
}

func (r *refusals) hopeless() bool { return !r.broken && r.n >= hopelessAfter }
