package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"exposync/internal/fault"
	"exposync/internal/hosted"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// HostedMapping stands in the ledger where a direct sync has the fingerprint of
// its mapping.
const HostedMapping = "hosted"

// HostedRequest is one job that triggers a sync of a hosted tool.
type HostedRequest struct {
	Job    plan.Job
	Tool   hosted.Tool
	Expect string // account that the connection must have; empty for any
	// Account stands for the tool's own, where that changes from run to run: in
	// a sandbox.
	Account string
	Accept  []string // hold codes let through for this run
	// Invocation is the dbt run that is answered: a sync is triggered at most
	// once for each.
	Invocation string
	// BuiltAt is when that dbt run ended; zero if nobody knows. A run of the
	// tool that began later read what it built.
	BuiltAt time.Time
	// Again triggers though this dbt run was answered: somebody asked for it.
	Again bool
	// FirstPoll is the first pause between two questions; 0: two seconds.
	FirstPoll  time.Duration
	FullResync bool // send every record again; a flag of the command line
	Detach     bool // do not wait for the end
	// CancelOnTimeout asks the tool to end a run that takes too long.
	CancelOnTimeout bool
	// WaitOnly triggers nothing: it waits for what an earlier run triggered.
	WaitOnly bool
}

// PreparedHosted is a plan for one sync of a hosted tool. It holds the sync's
// lease unless it was only looked at. Close it.
type PreparedHosted struct {
	Plan plan.Plan

	req    HostedRequest
	sync   ledger.Sync
	header ledger.Header
	open   []trigger // not seen to end, oldest first
	look   bool
	// answered is the trigger whose end was told, and is to be remembered.
	answered *trigger
}

// Close releases the lease.
func (p *PreparedHosted) Close() error {
	if p.sync == nil {
		return nil
	}
	s := p.sync
	p.sync = nil
	return s.Close()
}

// Open reports whether an earlier run triggered something that was not seen to
// end.
func (p *PreparedHosted) Open() bool { return len(p.open) > 0 }

// answers reports whether the open trigger at i is the one that answers this
// request.
func (p *PreparedHosted) answers(i int) bool {
	if i < 0 || i != len(p.open)-1 {
		return false
	}
	t := p.open[i]
	return p.req.WaitOnly || t.Invocation == p.req.Invocation && !p.req.Again && (t.Full || !p.req.FullResync)
}

// resumes reports whether carrying this out triggers nothing: what it asks for
// is going on.
func (p *PreparedHosted) resumes() bool { return p.answers(len(p.open) - 1) }

// PrepareHosted asks the tool about the sync and says what stands against
// triggering it. With look it takes no lease and leaves the ledger as it is.
func (e *Engine) PrepareHosted(ctx context.Context, req HostedRequest, look bool) (_ *PreparedHosted, err error) {
	p := &PreparedHosted{req: req, look: look}
	defer func() {
		if err != nil {
			_ = p.Close()
			err = orInterrupted(ctx, req.Job.ID, err)
		}
	}()
	id, err := req.identity()
	if err != nil {
		return nil, err
	}
	open := e.Ledger.Open
	if look {
		open = e.Ledger.View
	}
	if p.sync, err = open(ctx, id, req.Job.Target); err != nil {
		return nil, err
	}
	p.header = p.sync.Header()
	if p.open, err = openTriggers(p.header); err != nil {
		return nil, err
	}
	p.Plan = plan.Plan{
		Job: req.Job.ID, Sync: id, Generation: p.header.Generation, Unsettled: p.header.Leftover, MadeAt: e.Now(),
		Hosted: &plan.HostedSync{Tool: req.Job.Type, Sync: req.Job.Hosted.Sync, URL: req.Job.Hosted.Page},
	}
	if n := len(p.open); n > 0 {
		p.Plan.Hosted.Resumes = p.open[n-1].name()
	}
	if req.WaitOnly {
		return p, nil
	}
	return p, e.inspect(ctx, p)
}

// identity is what the sync's triggers are remembered under.
func (r *HostedRequest) identity() (plan.SyncID, error) {
	account := cmp.Or(r.Account, r.Tool.Account())
	if r.Expect != "" && r.Expect != account {
		return plan.SyncID{}, &fault.Fault{
			Code: "wrong_account", Kind: fault.Config, Whose: fault.Setup, Where: "connection " + r.Job.Connection,
			Msg:  fmt.Sprintf("the connection is of account %q, but expect says %q; nothing was triggered", account, r.Expect),
			Hint: "correct the connection or `expect: {account: …}` in exposync.yml",
		}
	}
	return plan.SyncID{
		Project: r.Job.Project, Job: r.Job.ID, Connection: r.Job.Connection, Account: account, Object: r.Job.Object, Key: []string{},
	}, nil
}

// inspect asks the tool whether a trigger would do what the exposure means.
func (e *Engine) inspect(ctx context.Context, p *PreparedHosted) error {
	j := p.req.Job
	s, err := p.req.Tool.Inspect(ctx, j.Hosted.Sync)
	if err != nil {
		return err
	}
	told := p.Plan.Hosted
	told.Title, told.URL, told.Schedule = s.Title, cmp.Or(s.URL, told.URL), s.Schedule
	told.Reads, told.Writes = cmp.Or(s.Model.UniqueID, s.Model.Relation, s.Model.Name, s.Model.ID), s.Object
	if !s.LastRun.IsZero() {
		at := s.LastRun.UTC()
		told.LastRun = &at
	}
	if s.Disabled != "" && !p.resumes() {
		return &fault.Fault{
			Code: "hosted_disabled", Kind: fault.Config, Whose: fault.Tool, Where: j.To(),
			Msg:  "the sync is " + s.Disabled + " in " + j.Connection + ": a trigger would not run it",
			Hint: "switch it on there" + seePage(told.URL) + ", or remove the exposure's `hosted:`",
		}
	}
	if s.Schedule != "" {
		p.hold("own_schedule", fmt.Sprintf("the sync has a schedule of its own (%s): %s will also run it without asking whether dbt succeeded", s.Schedule, j.Connection),
			"set it to manual there"+seePage(told.URL)+"; or let this run through with --accept own_schedule")
	}
	return nil
}

func seePage(url string) string {
	if url == "" {
		return ""
	}
	return " (" + url + ")"
}

func (p *PreparedHosted) hold(code, message, next string) {
	p.Plan.Holds = append(p.Plan.Holds, plan.Hold{
		Code: code, Message: message, Next: next, Acceptable: true,
		Accepted: slices.Contains(p.req.Accept, code) || p.resumes(), // the tool runs it already
	})
}

// foldHosted folds what the journal holds, so that it does not grow from run
// to run. What goes on at the tool stays known.
func (e *Engine) foldHosted(ctx context.Context, p *PreparedHosted) error {
	next := p.header
	next.Encoding, next.Mapping = record.Encoding, HostedMapping
	return p.sync.Fold(context.WithoutCancel(ctx), next)
}

// Moved says which fact of a saved plan is another one by now; empty if
// triggering does what was reviewed.
func (p *PreparedHosted) Moved(was plan.Plan) string {
	if moved := movedSince(was, p.Plan.Sync); moved != "" {
		return moved
	}
	a, b := was.Hosted, p.Plan.Hosted
	switch {
	case a == nil:
		return "it was made for a direct sync"
	case a.Schedule != b.Schedule:
		return "the sync's schedule in " + p.req.Job.Connection + " was changed"
	case a.Reads != b.Reads:
		return "the sync reads " + cmp.Or(b.Reads, "another model") + " now"
	case a.Writes != b.Writes:
		return "the sync writes to " + cmp.Or(b.Writes, "another object") + " now"
	case a.Resumes != b.Resumes:
		return "another run of it is open now"
	case was.Generation != p.Plan.Generation && !was.Unsettled && !p.Plan.Unsettled:
		return "the sync was triggered since it was made"
	}
	return ""
}
