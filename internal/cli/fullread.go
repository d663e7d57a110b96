package cli

import (
	"slices"

	"exposync/internal/dbt"
	"exposync/internal/plan"
)

// fullRead says why all of a job's source has to be read, though the job
// reads it in parts; empty if nothing asks for it. A rebuilt table may hold
// changes that its dates do not tell about. Of events the ledger remembers
// the window only: a rebuilt table is no reason to send all others again.
func (r *runner) fullRead(j plan.Job) string {
	switch {
	case !j.Incremental.On():
		return ""
	case r.opts.fullRead:
		return "--full-refresh asks for it"
	case !j.Incremental.Forget && slices.ContainsFunc(r.s.runs, func(run *dbt.RunResults) bool { return run.Args.FullRefresh }):
		return "dbt rebuilt its tables with --full-refresh"
	}
	return ""
}

// asksAgain reports whether a job runs though nothing happened since it did:
// the user wants all of its source to be read, or sent again by a hosted tool.
func (r *runner) asksAgain(j plan.Job) bool {
	return r.opts.retry || r.opts.fullRead && j.Incremental.On() || r.opts.hosted.resync && j.Hosted != nil
}
