package cli

import (
	"context"

	"exposync/internal/job"
)

// mostSamples is how many records of each kind a plan shows at the most: more
// are no samples, and each is looked up at the destination.
const mostSamples = 50

// samples picks the records that the user asked to see, masked by the policy
// of their columns.
func (r *runner) samples(ctx context.Context, i int) error {
	rep := &r.reports[i]
	rep.Mapping = r.prepared[i].Mapping()
	if r.opts.samples == 0 {
		return nil
	}
	model := r.s.project.Nodes[r.jobs[i].Source.Node]
	showing, mistakes := job.Showing(model, r.s.config.Columns)
	got, err := r.prepared[i].Samples(ctx, r.opts.samples, showing)
	if err != nil {
		return err
	}
	rep.Samples = &got
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range mistakes {
		if !r.said[m] {
			r.a.say("%s", m)
		}
		r.said[m] = true
	}
	return nil
}

// checkSamples refuses a number that means nothing.
func checkSamples(n int) error {
	if n < 0 || n > mostSamples {
		return usage("exposync plan --help", "--samples %d: use 0 to %d", n, mostSamples)
	}
	return nil
}
