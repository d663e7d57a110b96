package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"exposync/internal/diff"
	"exposync/internal/plan"
)

// hold collects everything that keeps the plan from running and marks what
// was accepted for this run.
func (e *Engine) hold(ctx context.Context, p *Prepared) error {
	siblings, err := e.Ledger.Siblings(ctx, p.Plan.Sync.Project, p.Plan.Sync.Job, p.req.Job.Target)
	if err != nil {
		return err
	}
	moved := p.moved(siblings)
	p.Plan.Holds = append(p.Plan.Holds, moved...)
	if len(moved) == 0 && p.req.AskFirst && p.Plan.FirstRun && p.Plan.First == plan.FirstAsk {
		p.Plan.Holds = append(p.Plan.Holds, plan.Hold{
			Code:    "first_run",
			Message: fmt.Sprintf("nothing was ever sent to %s.%s by this sync: %d records would be created", p.req.Job.Connection, p.req.Job.Object, p.Plan.Counts.Create),
			Next:    fmt.Sprintf("exposync run --target %s --select %s --first send (or compare, adopt), or `first:` in the exposure's metadata", p.req.Job.Target, p.req.Job.ID),
		})
	}
	p.Plan.Holds = append(p.Plan.Holds, diff.Guards(p.req.Job.Guards, diff.Facts{
		Counts: p.Plan.Counts, Marks: p.header.Marks, PreviousRows: p.header.Rows,
		FirstRun: p.Plan.FirstRun || p.header.Marks == 0, Remapped: p.Plan.MappingWas != "", BadKeys: p.Plan.Counts.Invalid,
		Retried: p.Plan.Retried,
	})...)
	for i, h := range p.Plan.Holds {
		p.Plan.Holds[i].Accepted = h.Acceptable && slices.Contains(p.req.Accept, h.Code)
	}
	return nil
}

// moved holds a job whose identity changed while marks of the old identity
// exist: sending everything again to a new place must be somebody's decision.
func (p *Prepared) moved(siblings []plan.SyncID) []plan.Hold {
	if !p.Plan.FirstRun || p.req.Job.Sandbox {
		return nil
	}
	var holds []plan.Hold
	for _, was := range siblings {
		code, from, to := difference(was, p.Plan.Sync)
		if code == "" {
			continue
		}
		holds = append(holds, plan.Hold{
			Code:    code,
			Message: fmt.Sprintf("records were confirmed under %s, now it is %s", from, to),
			Next:    fmt.Sprintf("put it back, or forget what was confirmed: exposync ledger reset %s", p.req.Job.ID),
		})
	}
	return holds
}

// difference names the part of an identity that changed, worst first.
func difference(was, is plan.SyncID) (code, from, to string) {
	switch {
	case was.Connection != is.Connection:
		return "connection_changed", "connection " + was.Connection, is.Connection
	case was.Account != is.Account:
		return "account_changed", "account " + was.Account, is.Account
	case was.Object != is.Object:
		return "object_changed", "object " + was.Object, is.Object
	case !slices.Equal(was.Key, is.Key):
		return "key_changed", "key " + strings.Join(was.Key, ", "), strings.Join(is.Key, ", ")
	}
	return "", "", ""
}
