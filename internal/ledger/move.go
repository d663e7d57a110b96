package ledger

import (
	"context"
	"errors"
	"reflect"
	"slices"

	"exposync/internal/plan"
)

// Moved is what became of one sync.
type Moved struct {
	Sync plan.SyncID
	Sum  Sum
	Same bool // the other store knew exactly this already
}

// MoveReport says what was copied.
type MoveReport struct {
	Syncs    []Moved
	Evidence int // results of dbt nodes
	Runs     int
}

// Move copies everything that one store remembers into another, and compares
// it there before it says so. It holds the leases of all syncs of both as long
// as it takes, changes nothing in from, and refuses to write over something
// else. After a crash it can be repeated. told, if set, hears of every sync.
func Move(ctx context.Context, from, to Ledger, told func(Moved)) (r MoveReport, err error) {
	if err := finishAll(ctx, from); err != nil {
		return r, err
	}
	contents, err := from.Contents(ctx)
	if err != nil {
		return r, err
	}
	open := make([]Sync, 0, len(contents.Syncs))
	defer func() {
		for _, s := range open {
			err = errors.Join(err, s.Close())
		}
	}()
	for _, stored := range contents.Syncs {
		s, err := from.Open(ctx, stored.Sync, stored.target())
		if err != nil {
			return r, err
		}
		open = append(open, s)
		if _, half := s.Header().Incomplete(); half {
			return r, IncompleteFault(stored.Sync)
		}
	}
	for i, stored := range contents.Syncs {
		if open[i].Header().Generation == 0 {
			continue // nothing but its name was ever written
		}
		moved, err := moveSync(ctx, open[i], to, stored)
		if err != nil {
			return r, err
		}
		r.Syncs = append(r.Syncs, moved)
		if told != nil {
			told(moved)
		}
	}
	return r, moveHistory(ctx, from, to, contents, &r)
}

// finishAll completes what an interrupted Carry left to be done.
func finishAll(ctx context.Context, l Ledger) error {
	contents, err := l.Contents(ctx)
	if err != nil {
		return err
	}
	for _, stored := range contents.Syncs {
		v, err := l.View(ctx, stored.Sync, stored.target())
		if err != nil {
			return err
		}
		_, carried := v.Header().Carried()
		if err := v.Close(); err != nil {
			return err
		}
		if carried {
			if err := Finish(ctx, l, stored.Sync, stored.target()); err != nil {
				return err
			}
		}
	}
	return nil
}

// target is one of the targets, for stores that want to know it.
func (s Stored) target() string {
	if len(s.Targets) == 0 {
		return ""
	}
	return s.Targets[0]
}

// moveSync copies one sync, unless the other store has it already.
func moveSync(ctx context.Context, src Sync, to Ledger, stored Stored) (Moved, error) {
	h := src.Header()
	moved := Moved{Sync: stored.Sync}
	var err error
	if moved.Sum, err = SumOf(ctx, src); err != nil {
		return moved, err
	}
	f := &filling{
		to: to, id: stored.Sync, targets: stored.Targets, head: h,
		origin: Origin{Sync: stored.Sync, Generation: h.Generation},
	}
	if len(f.targets) == 0 {
		f.targets = []string{""}
	}
	if moved.Same, err = f.same(ctx, moved.Sum); err != nil {
		return moved, err
	}
	if moved.Same {
		return moved, f.addTargets(ctx)
	}
	defer f.end(ctx)
	if err := f.begin(ctx); err != nil {
		return moved, err
	}
	if _, err := f.fill(ctx, All(ctx, src)); err != nil {
		return moved, err
	}
	return moved, f.complete(ctx)
}

// same reports whether the other store knows exactly what is to be copied.
func (f *filling) same(ctx context.Context, want Sum) (bool, error) {
	v, err := f.to.View(ctx, f.id, f.targets[0])
	if err != nil {
		return false, err
	}
	defer func() { _ = v.Close() }()
	h := v.Header()
	if _, half := h.Incomplete(); half || h.Generation == 0 || h.Known() != f.head.Known() || !slices.Equal(h.Jobs, f.head.Jobs) {
		return false, nil
	}
	got, err := SumOf(ctx, v)
	return got == want, err
}

// addTargets makes the other store remember the targets of a sync that it has.
func (f *filling) addTargets(ctx context.Context) error {
	c, err := f.to.Contents(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(c.Syncs, func(s Stored) bool { return Equal(s.Sync, f.id) })
	for _, target := range f.targets {
		if i >= 0 && slices.Contains(c.Syncs[i].Targets, target) {
			continue
		}
		if f.sync, err = f.to.Open(ctx, f.id, target); err != nil {
			return err
		}
		job := f.origin.job(copyingJob)
		err = f.append(ctx, Entry{Kind: JobStarted, Job: job}, Entry{Kind: JobEnded, Job: job})
		if err := errors.Join(err, f.close()); err != nil {
			return err
		}
	}
	return nil
}

// moveHistory copies evidence and runs. Both only ever add, so repeating it
// does no harm.
func moveHistory(ctx context.Context, from, to Ledger, contents Contents, r *MoveReport) error {
	for _, project := range contents.Evidence {
		known, err := from.Evidence(ctx, project)
		if err != nil {
			return err
		}
		list := make([]plan.Evidence, 0, len(known))
		for _, e := range known {
			list = append(list, e)
		}
		if err := to.Record(ctx, project, list); err != nil {
			return err
		}
		r.Evidence += len(list)
	}
	for _, name := range contents.Jobs {
		n, err := copyRuns(ctx, from, to, name, name, func(run Run) Run { return run })
		if err != nil {
			return err
		}
		r.Runs += n
	}
	return nil
}

// copyRuns adds the runs of one job to another, oldest first, without those
// that are there.
func copyRuns(ctx context.Context, from, to History, was, is JobName, as func(Run) Run) (int, error) {
	runs, err := from.Runs(ctx, was.Project, was.Job)
	if err != nil {
		return 0, err
	}
	known, err := to.Runs(ctx, is.Project, is.Job)
	if err != nil {
		return 0, err
	}
	for _, run := range slices.Backward(runs) {
		run = as(run)
		if slices.ContainsFunc(known, func(k Run) bool { return reflect.DeepEqual(k, run) }) {
			continue
		}
		if err := to.AddRun(ctx, is.Project, is.Job, run); err != nil {
			return 0, err
		}
	}
	return len(runs), nil
}
