package engine

import (
	"context"
	"errors"
	"slices"

	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// open opens the marks that the plan is made against. Where the job has none
// and a former name of it has, the job goes on with those: a run carries them
// over first, a look shows them as they are.
func (e *Engine) open(ctx context.Context, p *Prepared, id plan.SyncID) error {
	if err := e.openOwn(ctx, p, id); err != nil {
		return err
	}
	h := p.sync.Header()
	from, half := h.Incomplete()
	_, unfinished := h.Carried()
	switch {
	case unfinished && !p.look:
		if err := p.closeSync(); err != nil {
			return err
		}
		if err := ledger.Finish(ctx, e.Ledger, id, p.req.Job.Target); err != nil {
			return err
		}
		if err := e.openOwn(ctx, p, id); err != nil {
			return err
		}
	case half || h.Generation == 0:
		if err := e.goOn(ctx, p, id, from.Sync, half); err != nil {
			return err
		}
	}
	p.header = p.sync.Header()
	if unfinished && p.look {
		p.header.Generation++ // finishing it, which a run does first, is a fold
	}
	return usable(p.header, p.opened(id))
}

// usable refuses marks that nothing may be decided by: half of a copy, and
// those of a newer Exposync.
func usable(h ledger.Header, id plan.SyncID) error {
	if _, half := h.Incomplete(); half {
		return ledger.IncompleteFault(id)
	}
	if h.Encoding > record.Encoding {
		return newerLedger(id.Job)
	}
	return nil
}

// opened is the identity whose marks are open.
func (p *Prepared) opened(id plan.SyncID) plan.SyncID {
	if p.Plan.Continues != "" && p.look {
		id.Job = p.Plan.Continues
	}
	return id
}

func (e *Engine) openOwn(ctx context.Context, p *Prepared, id plan.SyncID) (err error) {
	open := e.Ledger.Open
	if p.look {
		open = e.Ledger.View
	}
	p.sync, err = open(ctx, id, p.req.Job.Target)
	return err
}

// closeSync may be called again.
func (p *Prepared) closeSync() error {
	if p.sync == nil {
		return nil
	}
	s := p.sync
	p.sync = nil
	return s.Close()
}

// goOn continues the marks of the job's former name, if there are any. Half of
// a copy is done again if it was one of just those.
func (e *Engine) goOn(ctx context.Context, p *Prepared, id, half plan.SyncID, isHalf bool) error {
	from, generation, err := e.former(ctx, p.req.Job, id)
	if err != nil || generation == 0 || isHalf && !ledger.Equal(from, half) {
		return err
	}
	p.Plan.Continues, p.continued = from.Job, generation
	if err := p.closeSync(); err != nil {
		return err
	}
	if p.look {
		p.sync, err = e.Ledger.View(ctx, from, p.req.Job.Target)
		return err
	}
	if _, err := ledger.Carry(ctx, e.Ledger, ledger.Carrying{From: from, To: id, Target: p.req.Job.Target}); err != nil {
		return err
	}
	return e.openOwn(ctx, p, id)
}

// former finds the newest former name of the job under which something was
// confirmed at the same place, with the generation of its marks; 0 if there
// is none.
func (e *Engine) former(ctx context.Context, job plan.Job, id plan.SyncID) (plan.SyncID, int64, error) {
	for i, name := range job.Was {
		was := id
		was.Job = name
		ids, err := e.Ledger.Siblings(ctx, id.Project, name, job.Target)
		if err != nil {
			return was, 0, err
		}
		if !slices.ContainsFunc(ids, func(s plan.SyncID) bool { return ledger.Equal(s, was) }) {
			continue
		}
		v, err := e.Ledger.View(ctx, was, job.Target)
		if err != nil {
			return was, 0, err
		}
		h := v.Header()
		err = v.Close()
		from, half := h.Incomplete()
		if half && err == nil && slices.Contains(job.Was[i+1:], from.Sync.Job) {
			continue // what it is half of is still whole, under a name before
		}
		if err != nil || h.Generation > 0 {
			return was, h.Generation, err
		}
	}
	return plan.SyncID{}, 0, nil
}

// siblings are the other identities of the job, and of its former names, under
// which something was confirmed for the same dbt target.
func (e *Engine) siblings(ctx context.Context, job plan.Job, id plan.SyncID) ([]plan.SyncID, error) {
	var out []plan.SyncID
	var problems error
	for _, name := range append([]string{job.ID}, job.Was...) {
		ids, err := e.Ledger.Siblings(ctx, id.Project, name, job.Target)
		problems = errors.Join(problems, err)
		for _, s := range ids {
			if !ledger.Equal(s, id) {
				out = append(out, s)
			}
		}
	}
	return out, problems
}
