package cli

import (
	"context"
	"slices"

	"exposync/internal/engine"
	"exposync/internal/plan"
)

// inOrder puts jobs after those whose ids they look up, and leaves the order
// otherwise. job.Build reported jobs that wait for each other; they do not run.
func inOrder(jobs []plan.Job) []plan.Job {
	depths := map[string]int{}
	byID := map[string]plan.Job{}
	for _, j := range jobs {
		byID[j.ID] = j
	}
	var depth func(id string, passed []string) int
	depth = func(id string, passed []string) int {
		if d, known := depths[id]; known {
			return d
		}
		d := 0
		for _, parent := range byID[id].LooksUp() {
			if _, here := byID[parent]; here && !slices.Contains(passed, parent) {
				d = max(d, depth(parent, append(slices.Clone(passed), parent))+1)
			}
		}
		depths[id] = d
		return d
	}
	out := slices.Clone(jobs)
	slices.SortStableFunc(out, func(a, b plan.Job) int { return depth(a.ID, []string{a.ID}) - depth(b.ID, []string{b.ID}) })
	return out
}

// parents gives the engine the destinations of the jobs that fields look up.
func (s *session) parents(ctx context.Context, j plan.Job) (map[string]engine.Parent, error) {
	var out map[string]engine.Parent
	for _, id := range j.LooksUp() {
		parent, ok := s.set.Find(id)
		if !ok {
			continue // a problem of the job
		}
		dest, _, err := s.connection(ctx, parent)
		if err != nil {
			return nil, err
		}
		parent.Target = ledgerTarget(parent.Target, parent.Sandbox)
		if out == nil {
			out = map[string]engine.Parent{}
		}
		out[id] = engine.Parent{Job: parent, Destination: dest}
	}
	return out, nil
}

// await lets a job begin when those whose ids it looks up have ended, however
// that was: what is known by then, it can use.
func (r *runner) await(i int) {
	for k, j := range r.jobs[:i] {
		if slices.Contains(r.jobs[i].LooksUp(), j.ID) {
			<-r.ended[k]
		}
	}
}

// planAgain forgets the plans of jobs that look up others: they were made to
// see what has to be accepted, before those others had run.
func (r *runner) planAgain() {
	for i, p := range r.prepared {
		if p != nil && r.reports[i].Result.Status == "" && len(r.jobs[i].LooksUp()) > 0 {
			_ = p.Close()
			r.prepared[i] = nil
		}
	}
}
