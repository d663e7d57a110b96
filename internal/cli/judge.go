package cli

import (
	"context"

	"github.com/spf13/cobra"

	"exposync/internal/config"
	"exposync/internal/fault"
	"exposync/internal/gate"
	"exposync/internal/plan"
	"exposync/internal/report"
)

func newGate(a *app) *cobra.Command {
	all, record := false, false
	var accept []string
	cmd := &cobra.Command{
		Use:   "gate",
		Short: "say for every exposure whether its sync may start, and why",
		Long: `Judges every exposure by what dbt built and tested, over its whole lineage. It
needs a manifest, and run_results to prove anything. --run-results may be
repeated: dbt run and dbt test write one file each. So may --artifacts: several
dbt jobs have a target path each. --dbt-cloud-run takes what the steps of a run
of dbt platform wrote.`,
		Example: `  exposync gate
  exposync gate --run-results run/run_results.json --run-results test/run_results.json
  exposync gate --artifacts target/crm --artifacts target/finance
  exposync gate --dbt-cloud-run latest --job 456
  exposync gate --output json --manifest target/manifest.json`,
		GroupID: "daily",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, _, done := a.abortable(cmd.Context())
			defer done()
			s, err := a.look(ctx)
			if err != nil {
				return err
			}
			defer s.close()
			if err := s.judgeReadOnly(ctx, accept, record); err != nil {
				return err
			}
			return a.printGate(s, all)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "every enabled exposure, whatever its type")
	cmd.Flags().BoolVar(&record, "record", false, "keep the evidence of these files for later runs")
	cmd.Flags().StringSliceVar(&accept, "accept", nil, "hold codes to let through")
	a.selection(cmd)
	a.cloud(cmd)
	a.flags.format(cmd, "text", "json")
	return cmd
}

func (a *app) printGate(s *session, all bool) error {
	doc := report.Gate{}
	for _, x := range s.candidates(all) {
		doc.Judgements = append(doc.Judgements, s.judgement(x.UniqueID))
	}
	var err error
	if a.flags.json() {
		err = a.printJSON(doc.JSON())
	} else {
		trees := make([]*gate.Tree, len(doc.Judgements))
		for i, j := range doc.Judgements {
			trees[i] = gate.Why(s.facts, j, a.env.Now())
		}
		err = a.printText(report.GateText(a.outStyle(), doc.Judgements, trees, s.facts.Notes))
	}
	if err != nil {
		return err
	}
	code := 0
	for _, x := range s.candidates(all) {
		j := s.judgement(x.UniqueID)
		if !j.Verdict.Open() && (!j.Only("not_in_run") || s.namedExposure(x)) {
			code = fault.Blocked.ExitCode()
		}
	}
	return exit(code)
}

// judgeReadOnly judges with what the ledger knows, if there is one, and keeps
// the evidence only when asked.
func (s *session) judgeReadOnly(ctx context.Context, accept []string, record bool) error {
	if s.a.flags.target != "" && fault.Is(s.noProfile, "target_unknown") {
		return s.noProfile // a slip of the pen, as for run; a profile that is not at hand is none
	}
	if record || s.hasLedger() {
		if err := s.openLedger(ctx); err != nil {
			return err
		}
	}
	if record {
		if err := s.recordEvidence(ctx); err != nil {
			return err
		}
	}
	return s.judge(ctx, accept)
}

// gather puts together what speaks about the project's nodes.
func (s *session) gather(ctx context.Context) error {
	in := gate.Input{Runs: s.runs, Sources: s.sources, Asked: s.a.flags.target, Target: s.gateTarget()}
	if s.ledger != nil {
		known, err := s.ledger.Evidence(ctx, s.world())
		if err != nil {
			return err
		}
		in.Known = known
	}
	in.Known = s.overlay(in.Known)
	s.facts = gate.Collect(s.project, in)
	return nil
}

// judge gives every exposure its verdict.
func (s *session) judge(ctx context.Context, accept []string) error {
	if err := s.gather(ctx); err != nil {
		return err
	}
	s.policies = s.gatePolicies(accept)
	s.judgements = gate.Evaluate(s.facts, s.policies, s.a.env.Now())
	for _, code := range gate.Raised(s.judgements) {
		if gate.Acceptable(code) {
			s.acceptedByGate[code] = true
		}
	}
	return nil
}

func (s *session) judgement(exposure string) plan.Judgement { return s.judgements[exposure] }

func (s *session) skipUnchanged(j plan.Job) bool {
	if p, ok := s.policies.ByExposure[j.Exposure]; ok {
		return p.SkipIfUnchanged
	}
	return s.policies.Default.SkipIfUnchanged
}

// gatePolicies puts together what exposync.yml, the exposures and the command
// line say about the gate.
func (s *session) gatePolicies(accept []string) gate.Policies {
	p := gate.Policies{
		Default:    gate.DefaultPolicy().With(override(s.config.Gate)),
		ByExposure: map[string]gate.Policy{}, Accept: gate.Accept{}, Faults: map[string]fault.List{},
	}
	for _, code := range accept {
		p.Accept[code] = true
	}
	for _, x := range s.set.Exposures {
		o := override(x.Gate.Gate)
		for _, w := range x.Gate.Waive {
			o.Waivers = append(o.Waivers, gate.Waiver{Node: w.Node, Reason: w.Reason, Until: w.Until})
		}
		p.ByExposure[x.ID] = p.Default.With(o)
		if len(x.Problems) > 0 {
			p.Faults[x.ID] = x.Problems
		}
	}
	return p
}

func override(g config.Gate) gate.Override {
	return gate.Override{
		Scope: gate.Scope(g.Scope), MaxAge: g.MaxAge, Views: gate.Views(g.Views), PartialSuccess: gate.PartialSuccess(g.PartialSuccess),
		AllowFailedAncestors: g.AllowFailedAncestors, SkipIfUnchanged: g.SkipIfUnchanged,
		External: gate.External(g.External), Freshness: gate.Freshness(g.Freshness),
		TestScope: gate.TestScope(g.Tests.Scope), TestWarn: gate.TestWarn(g.Tests.Warn), TestRequire: g.Tests.Require,
		HookStart: gate.Hook(g.Hooks.Start), HookEnd: gate.Hook(g.Hooks.End),
	}
}
