package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"exposync/internal/engine"
	"exposync/internal/fault"
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
	hosted   []*engine.PreparedHosted // of jobs that trigger a sync elsewhere
	ended    []chan struct{}          // closed when the job of this place has ended
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
	settled := make([]bool, len(r.jobs))
	r.each(func(i int) {
		r.await(i)
		if !r.ready(i) {
			r.refuse(ctx, i)
		}
		if settled[i] = r.reports[i].Result.Status != ""; settled[i] {
			r.end(ctx, i)
			return
		}
		r.line(i, true)
	}, func(i int) {
		defer close(r.ended[i])
		if settled[i] {
			return
		}
		if !r.ready(i) {
			r.prepare(ctx, i, saved)
		}
		r.end(ctx, i)
	})
	return r.result(), nil
}

// end delivers what is to be delivered of a job, and says how it ended.
func (r *runner) end(ctx context.Context, i int) {
	r.apply(ctx, i)
	r.settleHosted(ctx, i, r.remember(ctx, i))
	r.line(i, false)
}

// choose lines up the jobs that are part of this run: those with nothing of
// theirs in this dbt run are only counted, unless they were named.
func (r *runner) choose() {
	var jobs []plan.Job
	for _, j := range r.s.selected() {
		if r.s.judgement(j.Exposure).Only("not_in_run") && !r.s.named(j) {
			r.notInRun++
			continue
		}
		jobs = append(jobs, j)
	}
	r.lineUp(inOrder(jobs))
}

// lineUp gives every job its line.
func (r *runner) lineUp(jobs []plan.Job) {
	r.jobs = jobs
	r.ended = make([]chan struct{}, len(r.jobs))
	for i := range r.ended {
		r.ended[i] = make(chan struct{})
	}
	r.reports = make([]report.JobReport, len(r.jobs))
	r.prepared, r.hosted = make([]*engine.Prepared, len(r.jobs)), make([]*engine.PreparedHosted, len(r.jobs))
	for i, j := range r.jobs {
		r.reports[i] = report.JobReport{Job: j, Ref: r.s.ref(j.ID), Judgement: r.s.judgement(j.Exposure), Result: plan.Result{Job: j.ID}}
	}
}

func (r *runner) head() string {
	return fmt.Sprintf("Found %s in %s; target %s; dbt run %s",
		plural(len(r.jobs)+r.notInRun, "job"), plural(r.s.exposureCount(), "exposure"), r.s.target, r.s.invocationAge())
}

// plural is a number with its noun, as reports write it.
func plural[N int | int64](n N, noun string) string { return report.Count(int64(n), noun) }

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

// prepare takes a job to a plan, or to the reason why there is none.
func (r *runner) prepare(ctx context.Context, i int, saved *savedPlan) {
	j, rep := r.jobs[i], &r.reports[i]
	if rep.Result.Status != "" {
		return
	}
	started := r.a.env.Now()
	defer func() { rep.Result.Took = r.a.env.Now().Sub(started) }()
	if j.Hosted != nil {
		if err := r.prepareHosted(ctx, i, false, saved); err != nil {
			r.fail(rep, err)
		}
		return
	}
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

// apply delivers a prepared plan that nothing holds.
func (r *runner) apply(ctx context.Context, i int) {
	if r.hosted[i] != nil {
		r.applyHosted(ctx, i)
		return
	}
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

// remember adds the job's run to the ledger's history, and reports whether it
// is there.
func (r *runner) remember(ctx context.Context, i int) bool {
	rep := &r.reports[i]
	if rep.Result.Status == plan.Skipped {
		return false
	}
	run := ledger.Run{
		ID: r.id, Target: rep.Job.Target, Sandbox: rep.Job.Sandbox, InvocationID: r.answeredBy(rep), Definition: job.Definition(rep.Job),
		Handled: engine.Handled(rep.Result) && rep.Result.Plan != nil, Status: rep.Result.Status, Counts: rep.Result.Counts,
		Accepted: r.opts.accept, By: r.a.who(), StartedAt: rep.Result.StartedAt.UTC(), EndedAt: r.a.env.Now().UTC(),
	}
	if rep.Result.Plan != nil {
		run.Sync, run.Notes = rep.Result.Plan.Sync, rep.Result.Plan.Notes
		run.Recipe, run.Pass = rep.Result.Plan.Recipe, rep.Result.Plan.Pass
	}
	run.Hosted = rep.Result.Hosted
	if rep.Reason != "" {
		run.Codes = []string{rep.Reason}
	}
	if err := r.s.ledger.AddRun(context.WithoutCancel(ctx), rep.Job.Project, rep.Job.ID, run); err != nil {
		r.fail(rep, errors.Join(rep.Result.Problems.Err(), err))
		return false
	}
	return true
}

func (r *runner) release() {
	for _, p := range r.prepared {
		if p != nil {
			_ = p.Close()
		}
	}
	for _, p := range r.hosted {
		if p != nil {
			_ = p.Close()
		}
	}
}

// ready reports whether a job has its plan.
func (r *runner) ready(i int) bool { return r.prepared[i] != nil || r.hosted[i] != nil }

// line prints the START or the result line of a job.
func (r *runner) line(i int, start bool) {
	rep := r.reports[i]
	line := report.JobLine{N: i + 1, Of: len(r.jobs), Job: rep.Job.ID, To: rep.To(), Result: &rep.Result, Reason: rep.Reason}
	text, ended := line.Start(r.a.errStyle()), ""
	if !start {
		text, ended = line.End(r.a.errStyle()), rep.Job.ID
	}
	r.lines.say(ended, r.a.env.Now().Format("15:04:05")+"  "+text)
}

func (r *runner) result() report.Run {
	run := report.Run{
		Version: version(), RunID: r.id, Invocation: r.s.invocation(), Command: r.opts.command, Target: r.s.target, Project: r.s.project.Name,
		StartedAt: r.started, Elapsed: r.a.env.Now().Sub(r.started), Jobs: r.reports, NotInRun: r.notInRun,
		DBTExitCode: r.opts.dbtExit,
	}
	if r.s.cloud != nil {
		run.DBTCloudRun = r.s.cloud.ID
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
	case plan.Started:
	case plan.Stopped:
		return fault.Interrupted.ExitCode()
	case plan.Failed:
		return fault.ExitCode(res.Problems)
	case plan.Success, plan.Skipped:
	}
	return 0
}
