package ledger

import (
	"context"
	"errors"
	"iter"
	"slices"

	"exposync/internal/plan"
	"exposync/internal/record"
)

// Carrying says what is carried over from one identity to another within one
// store.
type Carrying struct {
	From, To plan.SyncID
	Target   string // dbt target of the run
	// Marks gives the marks under the new identity, in ascending order of key
	// hash, from the sync of the old one; nil carries them over as they are.
	Marks func(ctx context.Context, src Sync) iter.Seq2[record.Mark, error]
	// Header changes what is remembered beside the marks; nil leaves it.
	Header func(Header) Header
}

// Carry lets a sync go on under another identity: marks, header and open jobs
// are copied and compared, the runs of a job with another name are added to
// those of the new one, and only then is the old identity forgotten. (If it
// stayed, it would grow stale, and going back to it would take values for
// confirmed that were replaced since.) A crash leaves the old identity usable,
// or the new one; Carry or Finish completes it.
func Carry(ctx context.Context, l Ledger, c Carrying) (sum Sum, err error) {
	// What the old identity was carried over from is named there only.
	if err := Finish(ctx, l, c.From, c.Target); err != nil {
		return sum, err
	}
	src, err := l.Open(ctx, c.From, c.Target)
	if err != nil {
		return sum, err
	}
	defer func() {
		if src != nil {
			err = errors.Join(err, src.Close())
		}
	}()
	h := src.Header()
	if _, half := h.Incomplete(); half {
		return sum, IncompleteFault(c.From)
	}
	if h.Generation == 0 {
		return sum, nil // another process has just done it
	}
	f := &filling{
		to: l, id: c.To, targets: targetsOf(ctx, l, c), head: h, origin: Origin{Sync: c.From, Generation: h.Generation},
	}
	if c.Header != nil {
		f.head = c.Header(h)
	}
	defer f.end(ctx)
	if err := f.begin(ctx); err != nil {
		return sum, err
	}
	marks := All(ctx, src)
	if c.Marks != nil {
		marks = c.Marks(ctx, src)
	}
	if sum, err = f.fill(ctx, marks); err != nil {
		return sum, err
	}
	if err := carryRuns(ctx, l, c); err != nil {
		return sum, err
	}
	if err := f.carry(ctx); err != nil {
		return sum, err
	}
	err = src.Close()
	src = nil
	if err != nil {
		return sum, err
	}
	return sum, Finish(ctx, l, c.To, c.Target)
}

// targetsOf gives every target of the old identity. One that cannot be listed
// is not missed: the run's own is what counts.
func targetsOf(ctx context.Context, l Ledger, c Carrying) []string {
	targets := []string{c.Target}
	contents, _ := l.Contents(ctx)
	for _, s := range contents.Syncs {
		if !Equal(s.Sync, c.From) {
			continue
		}
		for _, t := range s.Targets {
			if !slices.Contains(targets, t) {
				targets = append(targets, t)
			}
		}
	}
	return targets
}

func carryRuns(ctx context.Context, l Ledger, c Carrying) error {
	was, is := JobName{c.From.Project, c.From.Job}, JobName{c.To.Project, c.To.Job}
	if was == is {
		return nil
	}
	_, err := copyRuns(ctx, l, l, was, is, func(run Run) Run {
		if Equal(run.Sync, c.From) {
			run.Sync = c.To // so that forgetting the sync forgets that it was handled
		}
		return run
	})
	return err
}

// Finish forgets the identity that a sync was carried over from, if it is
// still to be forgotten.
func Finish(ctx context.Context, l Ledger, id plan.SyncID, target string) (err error) {
	s, err := l.Open(ctx, id, target)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	h := s.Header()
	o, yes := h.Carried()
	if !yes {
		return nil
	}
	if err := forgetOrigin(ctx, l, o, id, target); err != nil {
		return err
	}
	if err := s.Append(ctx, Entry{Kind: JobEnded, Job: o.job(carriedJob)}); err != nil {
		return err
	}
	return s.Fold(ctx, h)
}

// forgetOrigin resets the old identity if it is as it was when it was copied.
func forgetOrigin(ctx context.Context, l Ledger, o Origin, id plan.SyncID, target string) error {
	if Equal(o.Sync, id) {
		return nil // a copy from another store
	}
	v, err := l.View(ctx, o.Sync, target)
	if err != nil {
		return err
	}
	h := v.Header()
	if err := v.Close(); err != nil {
		return err
	}
	if h.Generation == 0 {
		return nil
	}
	if h.Generation != o.Generation {
		return differsFault(id, "since it was carried over, another run wrote under the former identity of this sync ("+o.Sync.Job+", "+place(o.Sync)+")",
			"forget both and begin anew: exposync ledger reset "+o.Sync.Job+" and "+id.Job)
	}
	return l.Reset(ctx, o.Sync)
}
