package ledger

import (
	"context"
	"errors"
	"iter"
	"slices"

	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// copyChunk is how many marks are written at once.
const copyChunk = 2000

// filling is one sync that gets the marks of another. Until complete or carry
// it counts as incomplete, so a crash at any instant leaves the origin as it
// is and the copy unusable; filling starts over then.
type filling struct {
	to      Ledger
	id      plan.SyncID
	targets []string // at least one
	origin  Origin
	head    Header // what to remember beside the marks
	sync    Sync   // holds the lease
	begun   bool   // something was written that is of no use until the end
}

// begin takes the lease, makes sure that nothing is lost by writing, and
// writes down that a copy begins.
func (f *filling) begin(ctx context.Context) error {
	if err := f.empty(ctx); err != nil {
		return err
	}
	// The first target comes last: its session stays open.
	for _, target := range slices.Backward(f.targets) {
		if f.sync != nil {
			if err := f.close(); err != nil {
				return err
			}
		}
		var err error
		if f.sync, err = f.to.Open(ctx, f.id, target); err != nil {
			return err
		}
		if !f.begun && f.sync.Header().Generation > 0 {
			return f.taken() // by a run, just now
		}
		f.begun = true
		if err := f.append(ctx, Entry{Kind: JobStarted, Job: f.origin.job(copyingJob)}); err != nil {
			return err
		}
	}
	return nil
}

// empty opens the sync and forgets an earlier try of the same copy.
func (f *filling) empty(ctx context.Context) (err error) {
	s, err := f.to.Open(ctx, f.id, f.targets[0])
	if err != nil {
		return err
	}
	h := s.Header()
	if err := s.Close(); err != nil {
		return err
	}
	from, half := h.Incomplete()
	switch {
	case half && Equal(from.Sync, f.origin.Sync):
		return f.to.Reset(ctx, f.id)
	case half:
		return IncompleteFault(f.id)
	case h.Generation == 0:
		return nil
	}
	return f.taken()
}

// taken is the fault of marks that are there already.
func (f *filling) taken() error {
	if Equal(f.id, f.origin.Sync) {
		return differsFault(f.id, "the other ledger remembers something else of "+place(f.id)+" already; nothing was written over",
			"choose an empty place; or name the other ledger in exposync.yml, look at it with exposync ledger show, and forget what it has: exposync ledger reset "+f.id.Job)
	}
	return differsFault(f.id, "records were confirmed under the present identity ("+place(f.id)+") already; nothing was written over",
		"look at both: exposync ledger show")
}

// append writes entries and folds them under the origin's header.
func (f *filling) append(ctx context.Context, entries ...Entry) error {
	if err := f.sync.Append(ctx, entries...); err != nil {
		return err
	}
	return f.sync.Fold(ctx, f.head)
}

// fill writes the marks, which come in ascending order of key hash, and
// compares what the store has then.
func (f *filling) fill(ctx context.Context, marks iter.Seq2[record.Mark, error]) (Sum, error) {
	want := newSummer()
	chunk := &entryChunk{}
	for m, err := range marks {
		if err != nil {
			return Sum{}, err
		}
		want.add(&m)
		chunk.add(&m)
		if chunk.marks >= copyChunk {
			if err := f.sync.Append(ctx, chunk.list...); err != nil {
				return Sum{}, err
			}
			chunk.reset()
		}
	}
	for _, j := range f.head.Pending() {
		kind := JobStarted
		if j.Hosted {
			kind = Triggered
		}
		chunk.list = append(chunk.list, Entry{Kind: kind, Job: j.ID})
	}
	if err := f.append(ctx, chunk.list...); err != nil {
		return Sum{}, err
	}
	return want.sum(), f.compare(ctx, want.sum())
}

// compare reads back what was written.
func (f *filling) compare(ctx context.Context, want Sum) error {
	v, err := f.to.View(ctx, f.id, f.targets[0])
	if err != nil {
		return err
	}
	got, err := SumOf(ctx, v)
	h := v.Header()
	if err := errors.Join(err, v.Close()); err != nil {
		return err
	}
	if got != want || h.Marks != want.Confirmed || h.Standing != want.Standing || h.Known() != f.head.Known() ||
		!slices.Equal(h.Pending(), f.head.Pending()) {
		return &fault.Fault{
			Code: "ledger_copy", Kind: fault.Unavailable, Whose: fault.Setup, Where: "job " + f.id.Job,
			Msg:  "the copy of " + place(f.id) + " reads back differently from what was written; the original is untouched",
			Hint: "look at the disk or database that takes the copy, then type the command again",
		}
	}
	return nil
}

// complete says that the marks are all there, and gives the lease back.
func (f *filling) complete(ctx context.Context) error {
	if err := f.append(ctx, Entry{Kind: JobEnded, Job: f.origin.job(copyingJob)}); err != nil {
		return err
	}
	f.begun = false
	return f.close()
}

// carry is complete for marks whose origin is to be forgotten. Whatever part
// of the entries lasts, either the copy is incomplete or the origin is named.
func (f *filling) carry(ctx context.Context) error {
	err := f.append(ctx, Entry{Kind: JobStarted, Job: f.origin.job(carriedJob)}, Entry{Kind: JobEnded, Job: f.origin.job(copyingJob)})
	if err != nil {
		return err
	}
	f.begun = false
	return f.close()
}

// end gives the lease back, and forgets what is of no use: the origin is
// whole. Where even that fails, the copy stays incomplete.
func (f *filling) end(ctx context.Context) {
	_ = f.close()
	if f.begun {
		_ = f.to.Reset(context.WithoutCancel(ctx), f.id)
	}
}

// close may be called again.
func (f *filling) close() error {
	if f.sync == nil {
		return nil
	}
	s := f.sync
	f.sync = nil
	return s.Close()
}

// entryChunk is marks as entries that would make them. It copies keys: a mark
// is valid until the next.
type entryChunk struct {
	list  []Entry
	keys  []byte
	marks int
}

func (c *entryChunk) reset() { c.list, c.keys, c.marks = c.list[:0], c.keys[:0], 0 }

func (c *entryChunk) add(m *record.Mark) {
	at := len(c.keys)
	c.keys = append(c.keys, m.Key...)
	e := Entry{KeyHash: m.KeyHash, Key: c.keys[at:len(c.keys):len(c.keys)]}
	c.marks++
	if m.Confirmed() {
		e.Kind, e.RowHash, e.RemoteID = Confirmed, m.RowHash, m.RemoteID
		if m.Adopted {
			e.Kind = Adopted
		}
		c.list = append(c.list, e)
	}
	if m.Standing == nil {
		return
	}
	s := *m.Standing
	e.Kind, e.RowHash, e.RemoteID, e.Standing = Refused, s.RowHash, "", &s
	switch s.State {
	case record.InDoubt:
		e.Kind = Doubted
	case record.Quarantined:
		e.Kind = Quarantine
	case record.Rejected:
	}
	c.list = append(c.list, e)
}
