package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/gate"
	"exposync/internal/job"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/report"
)

// refuse settles a job that is not to be planned at all.
func (r *runner) refuse(ctx context.Context, i int) {
	rep := &r.reports[i]
	if rep.Result.Status != "" {
		return
	}
	rep.Result.StartedAt = r.a.env.Now()
	rep.Result.Status, rep.Reason = r.refusal(ctx, r.jobs[i], rep)
}

// refusal gives the status of a job that is not to be planned at all.
func (r *runner) refusal(ctx context.Context, j plan.Job, rep *report.JobReport) (plan.Status, string) {
	v := rep.Judgement
	switch {
	case r.interrupted():
		return plan.Stopped, "interrupted"
	case r.opts.failFast && r.anyFailed():
		rep.Skip = "fail_fast"
		return plan.Skipped, "fail-fast"
	case v.Verdict == plan.VerdictBlock:
		return plan.Blocked, worst(v)
	case v.Verdict == plan.VerdictHold:
		return plan.HeldStatus, worst(v)
	case len(j.Problems) > 0:
		rep.Result.Problems = j.Problems
		return plan.Failed, j.Problems[0].Code
	case v.Verdict == plan.VerdictUnchanged && !r.asksAgain(j) && r.s.skipUnchanged(j):
		rep.Skip = "unchanged"
		return plan.Skipped, "unchanged"
	}
	runs, err := r.s.ledger.Runs(ctx, j.Project, j.ID)
	if err != nil {
		rep.Result.Problems = fault.All(err)
		return plan.Failed, rep.Result.Problems[0].Code
	}
	if r.opts.planFile == "" && !r.asksAgain(j) && handled(runs, j, r.s.invocationOf(j)) {
		if rep.Result.Rejects, err = r.s.standing(ctx, j); err != nil {
			rep.Result.Problems = fault.All(err)
			return plan.Failed, rep.Result.Problems[0].Code
		}
		rep.Skip = "already_synced"
		return plan.Skipped, "already synced"
	}
	if run, badly := triggered(runs, j, r.s.invocationOf(j)); badly && j.Hosted != nil && !r.asksAgain(j) {
		rep.Result.Problems = fault.List{answeredBadly(rep, run)}
		return plan.Failed, rep.Result.Problems[0].Code
	}
	if at, wait := r.waits(runs, j); wait {
		rep.Skip, rep.DueAt = "not_due", at.UTC()
		return plan.Skipped, notDue(at, r.a.env.Now(), j.Every)
	}
	return "", ""
}

// handled reports whether a run of this job under the same definition answered
// the dbt run already.
func handled(runs []ledger.Run, j plan.Job, invocation string) bool {
	return slices.ContainsFunc(runs, func(run ledger.Run) bool {
		return run.Handled && invocation != "" && run.InvocationID == invocation && run.Target == j.Target && run.Definition == job.Definition(j)
	})
}

// unraised is the fault of accepting a code that no job's planning raised.
func (r *runner) unraised() error {
	raised := map[string]bool{}
	for _, rep := range r.reports {
		for _, reason := range rep.Judgement.Reasons {
			raised[reason.Code] = raised[reason.Code] || gate.Acceptable(reason.Code)
		}
		if rep.Result.Plan == nil {
			continue
		}
		for _, h := range rep.Result.Plan.Holds {
			if h.Acceptable {
				raised[h.Code] = true
			}
		}
	}
	for code := range r.s.acceptedByGate {
		raised[code] = true
	}
	var list fault.List
	for _, code := range r.opts.accept {
		if !raised[code] {
			list = append(list, &fault.Fault{
				Code: "accept_unraised", Kind: fault.Config, Whose: fault.User,
				Msg:  fmt.Sprintf("--accept %s: no selected job raised this code in this run, or it cannot be accepted; nothing was sent", code),
				Hint: "exposync plan shows what is held and how to let it through",
			})
		}
	}
	return list.Err()
}

// worst is the code of the first reason as bad as the verdict.
func worst(j plan.Judgement) string {
	var codes []string
	for _, reason := range j.Reasons {
		if reason.Verdict == j.Verdict && !slices.Contains(codes, reason.Code) {
			codes = append(codes, reason.Code)
		}
	}
	return strings.Join(codes, ", ")
}
