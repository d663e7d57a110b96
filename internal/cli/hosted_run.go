package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/job"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/report"
)

// hostedFlags are how syncs of hosted tools are run.
type hostedFlags struct {
	detach, cancel, resync bool
}

func (o *hostedFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.detach, "detach", false, "trigger hosted syncs without waiting for their end: exposync wait does that later")
	cmd.Flags().BoolVar(&o.cancel, "cancel-on-timeout", false, "ask the hosted tool to end a run that takes too long")
	cmd.Flags().BoolVar(&o.resync, "full-resync", false, "let hosted tools send every record again; needs --select")
}

// check refuses what would resend everything of everybody by a slip.
func (o *hostedFlags) check(a *app) error {
	if o.resync && a.flags.asked().Empty() {
		return usage("exposync run --full-resync --select NAME", "--full-resync sends every record of a hosted sync again: name the syncs with --select")
	}
	return nil
}

// prepareHosted takes a job of a hosted tool to a plan, or to the reason why
// there is none. With look it only looks; a saved plan is carried out only if
// what it says of the sync still holds.
func (r *runner) prepareHosted(ctx context.Context, i int, look bool, saved *savedPlan) error {
	rep := &r.reports[i]
	req, err := r.s.hostedRequest(ctx, r.jobs[i])
	if err != nil {
		return err
	}
	req.Accept, req.Again = r.opts.accept, r.opts.retry
	req.Detach, req.CancelOnTimeout, req.FullResync, req.WaitOnly = r.opts.hosted.detach, r.opts.hosted.cancel, r.opts.hosted.resync, r.opts.waitOnly
	p, err := r.engine.PrepareHosted(ctx, req, look)
	if err != nil {
		return err
	}
	r.hosted[i] = p
	if saved != nil {
		if moved := p.Moved(saved.job(r.jobs[i].ID).Plan); moved != "" {
			return engine.Stale(r.jobs[i].ID, moved)
		}
	}
	made := p.Plan
	rep.Result.Plan = &made
	if held := made.Held(); len(held) > 0 && !look {
		rep.Result.Status, rep.Reason = plan.HeldStatus, held[0].Code
	}
	return nil
}

// noteAnswered says in a plan that the dbt run has its answer: then a run
// triggers nothing.
func (r *runner) noteAnswered(ctx context.Context, i int) error {
	j, made := r.jobs[i], r.reports[i].Result.Plan
	if r.s.ledger == nil || r.asksAgain(j) {
		return nil
	}
	runs, err := r.s.ledger.Runs(ctx, j.Project, j.ID)
	if err != nil {
		return err
	}
	invocation := r.s.invocationOf(j)
	if run, badly := triggered(runs, j, invocation); badly {
		made.Notes = append(made.Notes, "run "+run.Hosted.Run+", which this dbt run triggered, ended as "+run.Hosted.State+
			": exposync run tells it again and triggers nothing; exposync retry --select "+j.ID+" triggers")
	} else if handled(runs, j, invocation) {
		made.Notes = append(made.Notes, "this dbt run was answered: exposync run triggers nothing before the next one")
	}
	return nil
}

// applyHosted triggers and waits. The lease is held until the result is
// remembered.
func (r *runner) applyHosted(ctx context.Context, i int) {
	rep, p := &r.reports[i], r.hosted[i]
	if rep.Result.Status != "" {
		return
	}
	planning := rep.Result.Took
	rep.Result = r.engine.ApplyHosted(ctx, r.stop, p)
	rep.Result.Took += planning
	for k := range rep.Result.Rejects {
		rep.Result.Rejects[k].Reason = r.a.redactor.Redact(rep.Result.Rejects[k].Reason)
	}
	switch rep.Result.Status {
	case plan.Failed:
		r.fail(rep, rep.Result.Problems)
	case plan.PartialDone, plan.Stopped:
		if problems := r.a.located(rep.Result.Problems); len(problems) > 0 {
			rep.Result.Problems, rep.Reason = problems, problems[0].Code
		} else if rep.Result.Status == plan.Stopped {
			rep.Reason = "interrupted"
		}
	case plan.Skipped:
		rep.Skip, rep.Reason = "nothing_open", "nothing to wait for"
	case plan.Success, plan.HeldStatus, plan.Blocked, plan.Started:
	}
}

// settleHosted closes what was triggered, now that its result is remembered,
// and gives the lease back.
func (r *runner) settleHosted(ctx context.Context, i int, remembered bool) {
	p := r.hosted[i]
	if p == nil {
		return
	}
	r.hosted[i] = nil
	var err error
	if remembered {
		err = r.engine.SettleHosted(ctx, p)
	}
	if err = errors.Join(err, p.Close()); err != nil {
		r.fail(&r.reports[i], errors.Join(r.reports[i].Result.Problems.Err(), err))
	}
}

// answeredBy is the dbt run that a result belongs to: that which a hosted sync
// was triggered for, however many there were since.
func (r *runner) answeredBy(rep *report.JobReport) string {
	if h := rep.Result.Hosted; h != nil && h.Invocation != "" {
		return h.Invocation
	}
	return r.s.invocationOf(rep.Job)
}

// triggered is the newest run that answered this dbt run with a triggered sync
// whose end is known and is no success: it is told again, not triggered again.
func triggered(runs []ledger.Run, j plan.Job, invocation string) (ledger.Run, bool) {
	i := slices.IndexFunc(runs, func(run ledger.Run) bool {
		return run.Hosted != nil && invocation != "" && run.InvocationID == invocation && run.Target == j.Target && run.Definition == job.Definition(j)
	})
	if i < 0 || runs[i].Handled || !slices.Contains([]plan.Status{plan.Failed, plan.PartialDone}, runs[i].Status) {
		return ledger.Run{}, false
	}
	switch runs[i].Hosted.State {
	case "failed", "canceled", "skipped":
		return runs[i], true
	}
	return ledger.Run{}, false
}

// answeredBadly repeats how the sync ended that this dbt run triggered.
func answeredBadly(rep *report.JobReport, run ledger.Run) *fault.Fault {
	rep.Result.Hosted = run.Hosted
	code := "hosted_failed"
	if len(run.Codes) > 0 {
		code = run.Codes[0]
	}
	msg := "run " + run.Hosted.Run + ", which this dbt run triggered and does not trigger again, ended as " + run.Hosted.State
	if run.Hosted.Error != "" {
		msg += ": " + run.Hosted.Error
	}
	return &fault.Fault{
		Code: code, Kind: fault.Unavailable, Whose: fault.Tool, Where: rep.Job.To(), Msg: msg,
		Hint: "correct it in " + rep.Job.Connection + ", then exposync retry --select " + rep.Job.ID,
	}
}
