package engine

import (
	"context"
	"fmt"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/warehouse"
)

// Prepared is a plan with the rows to carry it out. It holds the sync's lease
// unless it was only looked at. Close it.
type Prepared struct {
	Plan plan.Plan

	req    Request
	bound  plan.Bound
	sync   ledger.Sync
	header ledger.Header
	look   bool // without the lease: Apply refuses
	// continued is the generation of the marks of Plan.Continues.
	continued int64
	writer    destination.Writer
	writes    *changes // creates and updates
	deletes   *changes
	settled   *changes // ledger entries without a delivery: adopted and forgotten keys
	dropped   *changes // marks outside of the window, forgotten at the run's end
	standing  groups
	lookups   []*lookup
	parents   []ledger.Sync // of lookups
}

// Close releases the lease, the writer and the spooled rows.
func (p *Prepared) Close() error {
	for _, c := range []*changes{p.writes, p.deletes, p.settled, p.dropped} {
		if c != nil {
			c.close()
		}
	}
	p.closeLookups()
	if p.writer != nil {
		_ = p.writer.Close()
	}
	return p.closeSync()
}

// Prepare works out everything that Apply will do, and writes nothing to the
// destination. With look it takes no lease and leaves the ledger as it is.
func (e *Engine) Prepare(ctx context.Context, req Request, look bool) (_ *Prepared, err error) {
	p := &Prepared{req: req, look: look, standing: groups{}}
	defer func() {
		if err != nil {
			_ = p.Close()
			err = orInterrupted(ctx, req.Job.ID, err)
		}
	}()
	if err := e.start(ctx, p); err != nil {
		return nil, err
	}
	if err := e.read(ctx, p); err != nil {
		return nil, err
	}
	if p.Plan.Estimate, err = p.estimate(); err != nil {
		return nil, err
	}
	return p, e.hold(ctx, p)
}

// start opens the marks and begins the plan with what they say.
func (e *Engine) start(ctx context.Context, p *Prepared) error {
	id, err := p.req.account(ctx)
	if err != nil {
		return err
	}
	if err := e.open(ctx, p, id); err != nil {
		return err
	}
	recalled, err := e.recall(ctx, p)
	if err == nil && recalled {
		err = e.reopen(ctx, p, id)
	}
	if err != nil {
		return err
	}
	p.Plan = plan.Plan{
		Job: p.req.Job.ID, Sync: id, Generation: p.header.Generation, MadeAt: e.Now(),
		FirstRun: p.header.Generation == 0 || p.header.First != plan.FirstAsk, First: p.first(),
		PreviousRows: p.header.Rows, Unsettled: p.look && (p.header.Leftover || len(p.openJobs()) > 0), Continues: p.Plan.Continues,
		Notes: p.Plan.Notes,
	}
	if p.Plan.Continues != "" {
		p.Plan.Generation = p.continued
		p.Plan.Notes = append(p.Plan.Notes, "continues "+p.Plan.Continues)
	}
	return nil
}

// first is how a first run goes: as the command line says, else as it began,
// else as the job declares.
func (p *Prepared) first() plan.First {
	for _, f := range []plan.First{p.req.First, p.header.First} {
		if f != plan.FirstAsk && f != plan.FirstOpen {
			return f
		}
	}
	return p.req.Job.First
}

// read opens one snapshot of the source, and closes it before anything is
// delivered.
func (e *Engine) read(ctx context.Context, p *Prepared) error {
	snap, err := p.req.Warehouse.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = snap.Close() }()
	if err := p.bind(ctx, snap); err != nil {
		return err
	}
	p.Plan.Mapping, p.Plan.Recipe = p.bound.Mapping(), p.recipe()
	if was := p.header.Mapping; was != "" && was != p.Plan.Mapping {
		p.Plan.MappingWas = was
	}
	if err := e.openLookups(ctx, p); err != nil {
		return err
	}
	defer p.closeLookups()
	s := newScan(e, p, snap)
	defer s.spill.close()
	return s.run(ctx)
}

// bind resolves the job's columns against those of the source and opens the
// writer, which checks the fields.
func (p *Prepared) bind(ctx context.Context, snap warehouse.Snapshot) error {
	columns, err := snap.Columns(ctx, p.req.Job.Source.Relation)
	if err != nil {
		return err
	}
	bound, problems := plan.Bind(p.req.Job, columns)
	if err := problems.Err(); err != nil {
		return err
	}
	p.bound = bound
	if p.writer, err = p.req.Destination.Open(ctx, target(bound, p.req.RunID)); err != nil {
		return err
	}
	if err := p.checkFills(); err != nil {
		return err
	}
	if p.req.Job.Mode == plan.Mirror && !p.writer.Traits().Deletes {
		return &fault.Fault{
			Code: "deletes_unsupported", Kind: fault.Config, Whose: fault.Mapping, Where: p.req.Job.Where,
			Msg:  fmt.Sprintf("job %s: mode mirror deletes records, but a destination of type %s cannot", p.req.Job.ID, p.req.Job.Type),
			Hint: "use mode: upsert",
		}
	}
	return nil
}

// Standing gives the known rejects and doubts that were not tried again.
func (p *Prepared) Standing() []plan.RejectGroup { return p.standing.list() }
