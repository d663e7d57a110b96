package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"exposync/internal/ledger"
	"exposync/internal/plan"
)

// invocationOf is the dbt run that a job answers: the newest that its own
// lineage was part of. Where several dbt jobs build parts of a project, one of
// them says nothing about the syncs of another.
func (s *session) invocationOf(j plan.Job) string {
	if own := s.judgement(j.Exposure).Invocation; own != "" {
		return own
	}
	return s.invocation()
}

// leaveOut takes those jobs out of the run that nothing in this dbt run is
// about and that answered the dbt run before: they are only counted. A job
// that was not finished is resumed, and one that was named has its line.
func (r *runner) leaveOut(ctx context.Context) {
	for i := range slices.Backward(r.jobs) {
		j, v := r.jobs[i], r.reports[i].Judgement
		if v.Touched || !v.Verdict.Open() || len(j.Problems) > 0 || r.opts.planFile != "" || r.s.named(j) {
			continue
		}
		runs, err := r.s.ledger.Runs(ctx, j.Project, j.ID)
		if err != nil || !handled(runs, j, r.s.invocationOf(j)) { // an error is told when the job's turn comes
			continue
		}
		r.notInRun++
		r.drop(i)
	}
}

// drop takes a job out of the run.
func (r *runner) drop(i int) {
	r.jobs, r.reports = slices.Delete(r.jobs, i, i+1), slices.Delete(r.reports, i, i+1)
	r.prepared, r.hosted = slices.Delete(r.prepared, i, i+1), slices.Delete(r.hosted, i, i+1)
}

// waits reports whether a job is not due yet by its cadence, and when it is.
// Whoever names a job, applies a plan or retries rejects wants it now.
func (r *runner) waits(runs []ledger.Run, j plan.Job) (time.Time, bool) {
	if r.opts.planFile != "" || r.asksAgain(j) || r.s.named(j) {
		return time.Time{}, false
	}
	at := due(runs, j)
	return at, r.a.env.Now().Before(at)
}

// due is when a job may start again: `every` after its last start, a tenth of
// it early. It is zero without a cadence, before the first run, and when the
// last run is to be resumed. Runs that the gate or a guard held never started.
func due(runs []ledger.Run, j plan.Job) time.Time {
	for _, run := range runs {
		switch {
		case j.Every == 0:
			return time.Time{}
		case run.Target != j.Target || run.Sandbox != j.Sandbox,
			run.Status == plan.HeldStatus, run.Status == plan.Blocked, run.Status == plan.Skipped:
			continue
		case !run.Handled:
			return time.Time{}
		}
		return run.StartedAt.Add(j.Every - j.Every/10)
	}
	return time.Time{}
}

// notDue says it in one phrase: the time alone where it is today's.
func notDue(at, now time.Time, every time.Duration) string {
	at = at.In(now.Location())
	layout := "15:04"
	if at.Format(time.DateOnly) != now.Format(time.DateOnly) {
		layout = "2006-01-02 15:04"
	}
	return fmt.Sprintf("not due until %s (every %s)", at.Format(layout), spell(every))
}

// spell writes a duration as people write it in YAML: 3h, 1d12h, 1h30m.
func spell(d time.Duration) string {
	var b strings.Builder
	for _, u := range []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if n := d / u.size; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d %= u.size
		}
	}
	return b.String()
}
