package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/report"
)

// runOptions are the flags of run, and of build after its dbt part.
type runOptions struct {
	threads  int
	first    string
	accept   []string
	planFile string
	samples  int // plan only
	failFast bool
	fullRead bool // --full-refresh
	retry    bool // send rejects again, in a dbt run that was answered, too
	released bool // and what waits in quarantine
	waitOnly bool // trigger nothing: wait for what was triggered
	hosted   hostedFlags
	dbtExit  *int
	command  string
}

func (o *runOptions) add(cmd *cobra.Command) {
	cmd.Flags().IntVar(&o.threads, "threads", 4, "`N` jobs run at the same time")
	cmd.Flags().StringVar(&o.first, "first", "", "what a first run does: `send|compare|adopt`")
	cmd.Flags().StringSliceVar(&o.accept, "accept", nil, "hold codes to let through in this run, as `CODE[,CODE]`")
	cmd.Flags().BoolVarP(&o.failFast, "fail-fast", "x", false, "start no further job after one that failed")
}

// addFullRead adds --full-refresh in dbt's spelling: read everything, whatever
// was read before.
func (o *runOptions) addFullRead(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&o.fullRead, "full-refresh", "f", false, "read all of the sources that jobs read in parts (changed_since, cursor)")
}

// check refuses words that mean nothing.
func (o *runOptions) check() error {
	switch plan.First(o.first) {
	case plan.FirstAsk, plan.FirstSend, plan.FirstCompare, plan.FirstAdopt:
	default:
		return usage("exposync run --help", "--first %s: use send, compare or adopt", o.first)
	}
	if o.threads < 1 {
		return usage("exposync run --help", "--threads must be at least 1")
	}
	return nil
}

func newRun(a *app) *cobra.Command {
	opts := runOptions{command: "run"}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "sync every exposure whose upstream succeeded in the last dbt run",
		Example: `  dbt build; exposync run
  exposync run --select email_crm_export --first send
  exposync run --dbt-cloud-run latest
  exposync run --plan plan.json`,
		GroupID: "daily",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := errors.Join(opts.check(), opts.hosted.check(a)); err != nil {
				return err
			}
			return a.run(cmd.Context(), opts)
		},
	}
	opts.add(cmd)
	opts.addFullRead(cmd)
	opts.hosted.add(cmd)
	cmd.Flags().StringVar(&opts.planFile, "plan", "", "apply exactly the saved plan in `FILE`")
	a.flags.dbtProgram(cmd)
	a.selection(cmd)
	a.cloud(cmd)
	a.flags.format(cmd, "text", "json")
	return cmd
}

// run judges, plans and applies; it prints lines as dbt does and ends with
// the exit code of the worst job.
func (a *app) run(ctx context.Context, opts runOptions) error {
	ctx, stop, done := a.interruptible(ctx)
	defer done()
	s, err := a.open(ctx, opts.command)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.recordEvidence(ctx); err != nil {
		return err
	}
	if err := s.judge(ctx, opts.accept); err != nil {
		return err
	}
	r := newRunner(a, s, opts, stop)
	run, err := r.run(ctx)
	if err != nil {
		return err
	}
	return a.finish(s, run)
}

// finish writes and prints what became of the jobs, and gives the exit code.
func (a *app) finish(s *session, run report.Run) error {
	// What was sent is said even where it cannot be written down.
	unwritten := s.writeResults(run)
	if unwritten != nil {
		run.Problems = fault.All(unwritten)
		run.ExitCode = fault.Worse(run.ExitCode, fault.ExitCode(unwritten))
	}
	if a.flags.json() {
		if err := a.printJSON(run.JSON(run.Ended())); err != nil {
			return err
		}
	} else {
		a.closing(run)
	}
	if unwritten != nil {
		a.printError(unwritten)
	}
	return exit(run.ExitCode)
}

// closing prints what the lines could not say, and the last line. Why a job
// did not do its work is an error: --quiet does not hush it.
func (a *app) closing(run report.Run) {
	if text := report.ClosingText(a.errStyle(), run); text != "" {
		fmt.Fprintln(a.env.Stderr, a.redactor.Redact(text))
	}
	results := make([]plan.Result, len(run.Jobs))
	for i, j := range run.Jobs {
		results[i] = j.Result
	}
	_ = a.printText(report.Done(results) + "\n")
}

// interruptible gives a context that a second ^C ends, and a channel that the
// first one closes.
func (a *app) interruptible(ctx context.Context) (context.Context, <-chan struct{}, func()) {
	ctx, cancel := context.WithCancel(ctx)
	stop := make(chan struct{})
	go func() {
		select {
		case <-a.env.Interrupts:
			a.say("interrupted: finishing what is in flight and saving; interrupt again to stop at once")
			close(stop)
		case <-ctx.Done():
			return
		}
		select {
		case <-a.env.Interrupts:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, stop, cancel
}

// abortable gives a context that the first ^C ends, and a channel that it
// closes: where nothing is sent there is nothing to finish.
func (a *app) abortable(ctx context.Context) (context.Context, <-chan struct{}, func()) {
	ctx, cancel := context.WithCancel(ctx)
	stop := make(chan struct{})
	go func() {
		select {
		case <-a.env.Interrupts:
			close(stop)
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, stop, cancel
}
