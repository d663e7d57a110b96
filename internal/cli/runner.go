package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/gate"
	"exposync/internal/job"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/report"
)

// runner takes the jobs of one run from their verdicts to their results.
type runner struct {
	a       *app
	s       *session
	opts    runOptions
	stop    <-chan struct{}
	engine  *engine.Engine
	lines   *progress
	id      string
	started time.Time

	jobs     []plan.Job // those that have a line
	reports  []report.JobReport
	prepared []*engine.Prepared
	ended    []chan struct{} // closed when the job of this place has ended
	notInRun int

	mu     sync.Mutex
	failed bool
	said   map[string]bool // notes that are said once, whichever job they come from
}

func newRunner(a *app, s *session, opts runOptions, stop <-chan struct{}) *runner {
	r := &runner{a: a, s: s, opts: opts, stop: stop, id: a.env.NewID(), started: a.env.Now(), said: map[string]bool{}}
	r.engine, r.lines = s.engine(), newProgress(a)
	r.engine.Progress = r.lines.update
	return r
}

// run carries out every selected job and gives the whole as one value.
func (r *runner) run(ctx context.Context) (report.Run, error) {
	r.choose()
	r.leaveOut(ctx)
	saved, err := r.saved()
	if err != nil {
		return report.Run{}, err
	}
	defer r.release()
	defer r.lines.end()
	r.a.say("%s", r.head())
	if len(r.opts.accept) > 0 { // whether a code is raised is known when all are planned
		r.each(func(i int) { r.refuse(ctx, i) }, func(i int) { r.prepare(ctx, i, saved) })
		if err := r.unraised(); err != nil {
			return report.Run{}, err
		}
		r.planAgain()
	}
	r.each(func(i int) {
		r.await(i)
		if r.prepared[i] == nil {
			r.refuse(ctx, i)
		}
		r.line(i, true)
	}, func(i int) {
		defer close(r.ended[i])
		if r.prepared[i] == nil {
			r.prepare(ctx, i, saved)
		}
		r.apply(ctx, i)
		r.remember(ctx, i)
		r.line(i, false)
	})
	return r.result(), nil
}

// choose lines up the jobs that are part of this run: those with nothing of
// theirs in this dbt run are only counted, unless they were named.
func (r *runner) choose() {
	for _, j := range r.s.selected() {
		if r.s.judgement(j.Exposure).Only("not_in_run") && !r.s.named(j) {
			r.notInRun++
			continue
		}
		r.jobs = append(r.jobs, j)
	}
	r.jobs = inOrder(r.jobs)
	r.ended = make([]chan struct{}, len(r.jobs))
	for i := range r.ended {
		r.ended[i] = make(chan struct{})
	}
	r.reports = make([]report.JobReport, len(r.jobs))
	r.prepared = make([]*engine.Prepared, len(r.jobs))
	for i, j := range r.jobs {
		r.reports[i] = report.JobReport{Job: j, Judgement: r.s.judgement(j.Exposure), Result: plan.Result{Job: j.ID}}
	}
}

func (r *runner) head() string {
	return fmt.Sprintf("Found %s in %s; target %s; dbt run %s",
		plural(len(r.jobs)+r.notInRun, "job"), plural(r.s.exposureCount(), "exposure"), r.s.target, r.s.invocationAge())
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// each takes every job through two steps: first in order, one at a time, then
// do, as many at a time as threads say.
func (r *runner) each(first, do func(i int)) {
	slots := make(chan struct{}, r.opts.threads)
	var wg sync.WaitGroup
	for i := range r.jobs {
		slots <- struct{}{}
		first(i)
		wg.Go(func() {
			defer func() { <-slots }()
			do(i)
		})
	}
	wg.Wait()
}

// refuse settles a job that is not to be planned at all.
func (r *runner) refuse(ctx context.Context, i int) {
	rep := &r.reports[i]
	if rep.Result.Status != "" {
		return
	}
	rep.Result.StartedAt = r.a.env.Now()
	rep.Result.Status, rep.Reason = r.refusal(ctx, r.jobs[i], rep)
}

// prepare takes a job to a plan, or to the reason why there is none.
func (r *runner) prepare(ctx context.Context, i int, saved *savedPlan) {
	j, rep := r.jobs[i], &r.reports[i]
	if rep.Result.Status != "" {
		return
	}
	started := r.a.env.Now()
	defer func() { rep.Result.Took = r.a.env.Now().Sub(started) }()
	req, err := r.s.request(ctx, j)
	if err == nil {
		req.First, req.Accept, req.RunID = plan.First(r.opts.first), r.opts.accept, r.id
		req.FullRead = r.fullRead(j)
		req.Retry, req.Quarantined = r.opts.retry, r.opts.released
		if saved != nil {
			r.prepared[i], err = saved.prepare(ctx, r.engine, req)
		} else {
			r.prepared[i], err = r.engine.Prepare(ctx, req, false)
		}
	}
	if err != nil {
		r.fail(rep, err)
		return
	}
	p := r.prepared[i].Plan
	rep.Result.Plan, rep.Result.Counts = &p, p.Counts
	if held := p.Held(); len(held) > 0 {
		rep.Result.Status, rep.Reason = plan.HeldStatus, held[0].Code
	}
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
		return plan.Skipped, "already synced for this dbt run"
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

// apply delivers a prepared plan that nothing holds.
func (r *runner) apply(ctx context.Context, i int) {
	rep, p := &r.reports[i], r.prepared[i]
	if p == nil {
		return
	}
	defer func() {
		if err := p.Close(); err != nil {
			r.fail(rep, errors.Join(rep.Result.Problems.Err(), err))
		}
		r.prepared[i] = nil
	}()
	if rep.Result.Status != "" {
		return
	}
	planning := rep.Result.Took
	rep.Result = r.engine.Apply(ctx, r.stop, p)
	rep.Result.Took += planning
	if rep.Result.Status == plan.Failed {
		r.fail(rep, rep.Result.Problems)
	}
}

func (r *runner) fail(rep *report.JobReport, err error) {
	rep.Result.Status, rep.Result.Problems = plan.Failed, r.a.located(fault.All(err))
	rep.Reason = rep.Result.Problems[0].Code
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *runner) anyFailed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *runner) interrupted() bool {
	select {
	case <-r.stop:
		return true
	default:
		return false
	}
}

// remember adds the job's run to the ledger's history.
func (r *runner) remember(ctx context.Context, i int) {
	rep := &r.reports[i]
	if rep.Result.Status == plan.Skipped {
		return
	}
	run := ledger.Run{
		ID: r.id, Target: rep.Job.Target, Sandbox: rep.Job.Sandbox, InvocationID: r.s.invocationOf(rep.Job), Definition: job.Definition(rep.Job),
		Handled: engine.Handled(rep.Result) && rep.Result.Plan != nil, Status: rep.Result.Status, Counts: rep.Result.Counts,
		Accepted: r.opts.accept, StartedAt: rep.Result.StartedAt.UTC(), EndedAt: r.a.env.Now().UTC(),
	}
	if rep.Result.Plan != nil {
		run.Sync, run.Notes = rep.Result.Plan.Sync, rep.Result.Plan.Notes
	}
	if rep.Reason != "" {
		run.Codes = []string{rep.Reason}
	}
	if err := r.s.ledger.AddRun(context.WithoutCancel(ctx), rep.Job.Project, rep.Job.ID, run); err != nil {
		r.fail(rep, errors.Join(rep.Result.Problems.Err(), err))
	}
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

func (r *runner) release() {
	for _, p := range r.prepared {
		if p != nil {
			_ = p.Close()
		}
	}
}

// line prints the START or the result line of a job.
func (r *runner) line(i int, start bool) {
	rep := r.reports[i]
	line := report.JobLine{N: i + 1, Of: len(r.jobs), Job: rep.Job.ID, To: rep.To(), Result: &rep.Result, Reason: rep.Reason}
	text := line.End(r.a.errStyle())
	if start {
		if rep.Result.Status != "" {
			return
		}
		text = line.Start(r.a.errStyle())
	}
	ended := ""
	if !start {
		ended = rep.Job.ID
	}
	r.lines.say(ended, r.a.env.Now().Format("15:04:05")+"  "+text)
}

func (r *runner) result() report.Run {
	run := report.Run{
		Version: version(), RunID: r.id, Invocation: r.s.invocation(), Command: r.opts.command, Target: r.s.target, Project: r.s.project.Name,
		StartedAt: r.started, Elapsed: r.a.env.Now().Sub(r.started), Jobs: r.reports, NotInRun: r.notInRun,
		DBTExitCode: r.opts.dbtExit,
	}
	if r.interrupted() {
		run.ExitCode = fault.Interrupted.ExitCode()
	}
	if r.opts.dbtExit != nil {
		run.ExitCode = fault.Worse(run.ExitCode, *r.opts.dbtExit)
	}
	for _, rep := range r.reports {
		run.ExitCode = fault.Worse(run.ExitCode, exitCode(rep.Result))
	}
	return run
}

// exitCode is the exit code that one job leads to.
func exitCode(res plan.Result) int {
	switch res.Status {
	case plan.HeldStatus, plan.Blocked:
		return fault.Blocked.ExitCode()
	case plan.PartialDone:
		return fault.Partial.ExitCode()
	case plan.Stopped:
		return fault.Interrupted.ExitCode()
	case plan.Failed:
		return fault.ExitCode(res.Problems)
	case plan.Success, plan.Skipped:
	}
	return 0
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
