package cli

import (
	"context"

	"github.com/spf13/cobra"

	"exposync/internal/plan"
)

func newWait(a *app) *cobra.Command {
	opts := runOptions{command: "wait", waitOnly: true}
	cmd := &cobra.Command{
		Use:   "wait",
		Short: "wait for hosted syncs that were triggered and not waited for",
		Long: `Goes on waiting for runs of hosted tools that an earlier exposync run triggered:
with --detach, or before it was interrupted. It triggers nothing, and ends as
the run would have ended.`,
		Example: "  exposync run --detach\n  exposync wait\n  exposync wait --select email_crm_export",
		GroupID: "daily",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.check(); err != nil {
				return err
			}
			return a.wait(cmd.Context(), opts)
		},
	}
	cmd.Flags().IntVar(&opts.threads, "threads", 4, "`N` syncs are watched at the same time")
	cmd.Flags().BoolVar(&opts.hosted.cancel, "cancel-on-timeout", false, "ask the hosted tool to end a run that takes too long")
	a.selection(cmd)
	a.flags.format(cmd, "text", "json")
	return cmd
}

// wait watches what earlier runs left behind.
func (a *app) wait(ctx context.Context, opts runOptions) error {
	ctx, stop, done := a.interruptible(ctx)
	defer done()
	s, err := a.look(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.openLedger(ctx); err != nil {
		return err
	}
	if err := s.judge(ctx, nil); err != nil {
		return err
	}
	r := newRunner(a, s, opts, stop)
	defer r.release()
	defer r.lines.end()
	if err := r.chooseOpen(ctx); err != nil {
		return err
	}
	if len(r.jobs) == 0 {
		if a.flags.json() {
			run := r.result()
			return a.printJSON(run.JSON(run.Ended()))
		}
		return a.printProse("nothing to wait for: no hosted sync that was triggered is still open")
	}
	a.say("Waiting for %s; target %s", plural(len(r.jobs), "hosted sync"), s.target)
	r.each(func(i int) { r.line(i, true) }, func(i int) {
		defer close(r.ended[i])
		r.prepare(ctx, i, nil)
		r.end(ctx, i)
	})
	return a.finish(s, r.result())
}

// chooseOpen lines up the jobs of which a trigger is open.
func (r *runner) chooseOpen(ctx context.Context) error {
	var open []plan.Job
	for _, j := range r.s.selected() {
		if j.Hosted == nil || len(j.Problems) > 0 {
			continue
		}
		waits, err := r.isOpen(ctx, j)
		if ctx.Err() != nil {
			return err
		}
		if waits || err != nil { // the job's line tells what is wrong
			open = append(open, j)
		}
	}
	r.lineUp(open)
	return nil
}

// isOpen reports whether a trigger of the job was not seen to end.
func (r *runner) isOpen(ctx context.Context, j plan.Job) (bool, error) {
	req, err := r.s.hostedRequest(ctx, j)
	if err != nil {
		return false, err
	}
	req.WaitOnly = true
	p, err := r.engine.PrepareHosted(ctx, req, true)
	if err != nil {
		return false, err
	}
	return p.Open(), p.Close()
}
