package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/report"
)

func newPlan(a *app) *cobra.Command {
	opts := runOptions{command: "plan"}
	out, values := "", ""
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "say what a run would send, without sending it",
		Long: `Says what a run would create, update and delete, what holds it, and how to let
it through. It writes nothing, neither to a destination nor to the ledger; held
and blocked jobs are planned too, with their verdict on top.

With --out the plan is saved: a small JSON file, and beside it the rows (only
their hashes where CI=true, unless --values full). The files are for their owner
only, and applied by exposync run --plan only while nothing has moved since.

With --samples N some records are shown, up to N of each kind: of an update the
fields that differ, with what stands there before, where the destination can be
read by key. Values are masked, unless a column says otherwise: in dbt with
meta: exposync: {mask: none} (or hash, true), or in exposync.yml with
columns: {"*_id": show} and samples: {default: show}. A column or model that
dbt marks as pii stays masked under any pattern and default.

--output markdown is a comment for a pull request, below the size that GitHub
takes; write it to a file with > plan.md.`,
		Example: `  exposync plan
  exposync plan --samples 3
  exposync plan --out plan.json && exposync run --plan plan.json
  exposync plan --output markdown > plan.md`,
		GroupID: "daily",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := errors.Join(opts.check(), checkSamples(opts.samples)); err != nil {
				return err
			}
			if values == "" {
				values = "full"
				if a.env.get("CI") == "true" {
					values = "hashes"
				}
			}
			if values != "full" && values != "hashes" {
				return usage("exposync plan --help", "--values %s: use full or hashes", values)
			}
			return a.plan(cmd.Context(), opts, out, values == "full")
		},
	}
	opts.add(cmd)
	opts.addFullRead(cmd)
	cmd.Flags().StringVar(&out, "out", "", "save the plan to `FILE`")
	cmd.Flags().IntVar(&opts.samples, "samples", 0, "show up to `N` records of each kind, masked by column policy")
	cmd.Flags().StringVar(&values, "values", "", "what the saved rows hold: `full|hashes`")
	a.flags.dbtProgram(cmd)
	a.selection(cmd)
	a.cloud(cmd)
	a.flags.format(cmd, "text", "json", "markdown")
	return cmd
}

func (a *app) plan(ctx context.Context, opts runOptions, out string, values bool) error {
	ctx, stop, done := a.abortable(ctx)
	defer done()
	s, err := a.open(ctx, opts.command)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.judge(ctx, opts.accept); err != nil {
		return err
	}
	r := newRunner(a, s, opts, stop)
	r.choose()
	defer r.release()
	r.each(func(int) {}, func(i int) { r.look(ctx, i) })
	if r.interrupted() {
		a.say("interrupted: nothing was sent and no plan was made")
		return exit(fault.Interrupted.ExitCode())
	}
	if len(opts.accept) > 0 {
		if err := r.unraised(); err != nil {
			return err
		}
	}
	run := r.result()
	if out != "" {
		if err := r.save(a.pathOf(out), values); err != nil {
			return err
		}
	}
	switch a.flags.output {
	case "json":
		err = a.printJSON(run.JSON(run.Ended()))
	case "markdown":
		err = a.printText(report.PlanMarkdown(run))
	default:
		err = a.printText(report.PlanText(a.outStyle(), run))
	}
	if err != nil {
		return err
	}
	return exit(run.ExitCode)
}

// look plans one job for reading, whatever its verdict.
func (r *runner) look(ctx context.Context, i int) {
	j, rep := r.jobs[i], &r.reports[i]
	rep.Result.StartedAt = r.a.env.Now()
	if len(j.Problems) > 0 {
		r.fail(rep, j.Problems)
		return
	}
	if j.Hosted != nil {
		if err := r.prepareHosted(ctx, i, true, nil); err != nil {
			r.fail(rep, err)
			return
		}
		if err := r.noteAnswered(ctx, i); err != nil {
			r.fail(rep, err)
			return
		}
		r.verdictOn(i, rep.Result.Plan)
		return
	}
	req, err := r.s.request(ctx, j)
	if err == nil {
		req.First, req.Accept, req.RunID = plan.First(r.opts.first), r.opts.accept, r.id
		req.FullRead = r.fullRead(j)
		r.prepared[i], err = r.engine.Prepare(ctx, req, true)
	}
	if err == nil {
		err = r.samples(ctx, i)
	}
	if err != nil {
		r.fail(rep, err)
		return
	}
	p := r.prepared[i].Plan
	rep.Result.Plan, rep.Result.Counts = &p, p.Counts
	rep.Result.Rejects = r.prepared[i].Standing()
	r.verdictOn(i, &p)
}

// verdictOn is what a plan comes to under the job's verdict.
func (r *runner) verdictOn(i int, p *plan.Plan) {
	rep := &r.reports[i]
	verdict := rep.Judgement
	switch {
	case verdict.Verdict == plan.VerdictBlock:
		rep.Result.Status, rep.Reason = plan.Blocked, "blocked by the gate: "+worst(verdict)
	case verdict.Verdict == plan.VerdictHold:
		rep.Result.Status, rep.Reason = plan.HeldStatus, "held by the gate: "+worst(verdict)
	case len(p.Held()) > 0:
		rep.Result.Status = plan.HeldStatus
	default:
		rep.Result.Status = plan.Success
	}
}
