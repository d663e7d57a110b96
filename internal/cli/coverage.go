package cli

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"exposync/internal/config"
	"exposync/internal/coverage"
	"exposync/internal/dbt"
	"exposync/internal/fault"
	"exposync/internal/job"
	"exposync/internal/plan"
	"exposync/internal/report"
)

// coverageFlags are the flags of coverage alone.
type coverageFlags struct {
	failUnder               []string
	baseline, writeBaseline string
	catalog, out            string
	lineage, all, online    bool
}

func newCoverage(a *app) *cobra.Command {
	f := &coverageFlags{}
	cmd := &cobra.Command{
		Use:   "coverage",
		Short: "say how well the syncs are covered by exposures, tests and evidence",
		Long: `Measures, for the exposures of type application and the export models, thirteen
dimensions: from "has an exposure" over tested keys and fresh sources to columns
that no sync sends. Each has what it misses, with file, line and what to write.
It needs a manifest, and says more with run_results, sources, catalog.json and a
ledger. Thresholds, weights and required dimensions may stand under coverage: in
exposync.yml. With --baseline only what became worse fails.`,
		Example: `  exposync coverage
  exposync coverage --fail-under 80 --fail-under keys=100,parity=50
  exposync coverage --write-baseline coverage.json
  exposync coverage --baseline coverage.json
  exposync coverage --select email_crm_export --lineage
  exposync coverage --output html --out coverage.html
  exposync coverage compare before.json after.json`,
		GroupID: "check",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.coverage(cmd.Context(), f) },
	}
	set := cmd.Flags()
	set.StringArrayVar(&f.failUnder, "fail-under", nil, "exit 6 below that `PERCENT` of the total, or of dimensions: keys=100,parity=50; may be repeated")
	set.StringVar(&f.baseline, "baseline", "", "earlier report: exit 6 if anything is missed that the `FILE` does not miss")
	set.StringVar(&f.writeBaseline, "write-baseline", "", "write the report as JSON into a `FILE`, to be a baseline")
	set.StringVar(&f.catalog, "catalog", "", "`FILE` to read as catalog.json instead of the target path's; .gz, too")
	set.BoolVar(&f.lineage, "lineage", false, "draw the way of every exposure, from its sources to its destinations")
	set.BoolVar(&f.online, "online", false, "ask the hosted tools which syncs they have, for the dimension hosted")
	set.BoolVar(&f.all, "all", false, "show every miss, however many there are")
	a.selection(cmd)
	a.cloud(cmd)
	a.checkFormats(cmd, &f.out)
	cmd.AddCommand(newCoverageCompare(a))
	return cmd
}

func newCoverageCompare(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "compare BEFORE AFTER",
		Short: "say what became better and worse between two reports",
		Long: `Compares two reports that exposync coverage wrote as JSON: every dimension before
and after, what is missed now and was not, and what is mended. It ends with exit
code 6 if anything is missed that was not before.`,
		Example: "  exposync coverage compare main.json branch.json",
		Args:    cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			before, err := a.readCoverage(args[0])
			if err != nil {
				return err
			}
			after, err := a.readCoverage(args[1])
			if err != nil {
				return err
			}
			after.CompareWith(args[0], before)
			if a.flags.json() {
				err = a.printJSON(report.CompareDoc(*after.Against))
			} else {
				err = a.printText(report.CompareText(a.outStyle(), *after.Against))
			}
			if err != nil || len(after.Against.New) == 0 {
				return err
			}
			return exit(fault.Check.ExitCode())
		},
	}
	a.flags.format(cmd, "text", "json")
	return cmd
}

// coverage measures, renders, and fails where it was asked to.
func (a *app) coverage(ctx context.Context, f *coverageFlags) error {
	limits, err := config.ParseFailUnder(f.failUnder)
	if err != nil {
		return err
	}
	s, err := a.look(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	r, err := s.measure(ctx, f, limits)
	if err != nil {
		return err
	}
	if f.baseline != "" {
		before, err := a.readCoverage(f.baseline)
		if err != nil {
			return err
		}
		r.CompareWith(f.baseline, before)
	}
	if f.writeBaseline != "" {
		if err := a.writeCoverage(f.writeBaseline, r); err != nil {
			return err
		}
	}
	if err := s.printCoverage(r, f); err != nil {
		return err
	}
	if r.Failed() {
		return exit(fault.Check.ExitCode())
	}
	return nil
}

// measure puts together everything that speaks about the project.
func (s *session) measure(ctx context.Context, f *coverageFlags, limits map[string]config.Threshold) (coverage.Report, error) {
	if s.hasLedger() {
		if err := s.openLedger(ctx); err != nil {
			return coverage.Report{}, err
		}
	}
	if err := s.gather(ctx); err != nil {
		return coverage.Report{}, err
	}
	in := s.coverageInput()
	var err error
	if in.Catalog, err = s.loadCatalog(ctx, f.catalog); err != nil {
		return coverage.Report{}, err
	}
	if in.Last, err = s.lastSyncs(ctx); err != nil {
		return coverage.Report{}, err
	}
	if f.online {
		in.Hosted = s.inventory(ctx)
	}
	in.Gate, in.Runs = s.facts, len(s.runs) > 0
	in.Settings = coverageSettings(s.config.Coverage, limits)
	r := coverage.Measure(coverage.Collect(in))
	r.Selection = slices.Concat(s.a.flags.selects, s.a.flags.excludes)
	return r, nil
}

// coverageInput is what the project itself says: enough for the facts that
// coverage and lint share.
func (s *session) coverageInput() coverage.Input {
	in := coverage.Input{
		Project: s.project, Jobs: s.set.Jobs, Declared: map[string]coverage.Declared{}, Files: s.readFile, Now: s.a.env.Now(),
		IsExport: func(n *dbt.Node) bool { return s.config.Exports.Has(n.Name, n.Path, n.Tags) },
		NodeIgnores: func(meta []byte, where string) ([]coverage.Ignore, []string) {
			found, mistakes := job.Ignores(meta, where)
			return ignoresOf(found), mistakes
		},
	}
	for _, x := range s.set.Exposures {
		page, _ := job.PageOf(s.project.Exposures[x.ID].URL)
		in.Declared[x.ID] = coverage.Declared{
			Where: x.Where, Watched: x.Watched, Sync: page.Sync, SLA: x.SLA, Ignores: ignoresOf(x.Ignores),
		}
	}
	if s.chosen != nil {
		in.Selected = func(id string) bool {
			if x := s.project.Exposures[id]; x != nil {
				return s.selects(x, "")
			}
			return s.chosen[id]
		}
	}
	return in
}

func ignoresOf(list []job.Ignore) []coverage.Ignore {
	out := make([]coverage.Ignore, 0, len(list))
	for _, i := range list {
		out = append(out, coverage.Ignore(i))
	}
	return out
}

// coverageSettings lays the flags over exposync.yml.
func coverageSettings(c config.Coverage, limits map[string]config.Threshold) coverage.Settings {
	out := coverage.Settings{
		Weights: c.Weights, Required: c.Required, ViewDepth: c.ViewDepth, EnumColumns: c.EnumColumns,
		FailUnder: map[string]coverage.Threshold{},
	}
	for _, from := range []map[string]config.Threshold{c.FailUnder, limits} {
		for name, t := range from {
			out.FailUnder[name] = coverage.Threshold(t)
		}
	}
	return out
}

// loadCatalog reads the catalog of the flag, else the one beside the manifest;
// nil if there is none.
func (s *session) loadCatalog(ctx context.Context, named string) (*dbt.Catalog, error) {
	path := named
	if path == "" {
		beside := beside(s.a.pathOf(s.project.File), "catalog.json")
		if path = strings.Join(existing(beside), ""); path == "" {
			return nil, nil //nolint:nilnil // without a catalog less is said
		}
	}
	c, err := dbt.LoadCatalog(ctx, s.a.pathOf(path))
	if err != nil {
		return nil, err
	}
	c.File = s.a.shown(c.File)
	return c, nil
}

// lastSyncs gives the newest run of every job, as far as the ledger knows one
// under the session's target.
func (s *session) lastSyncs(ctx context.Context) (map[string]coverage.LastSync, error) {
	if s.ledger == nil {
		return nil, nil //nolint:nilnil // nothing is remembered
	}
	out := map[string]coverage.LastSync{}
	for _, j := range s.set.Jobs {
		runs, err := s.ledger.Runs(ctx, j.Project, j.ID)
		if err != nil {
			return nil, err
		}
		last := coverage.LastSync{}
		for _, r := range runs { // newest first
			if s.target != "" && r.Target != s.target {
				continue
			}
			if last.RunID == "" {
				last.RunID, last.Status, last.EndedAt = r.ID, string(r.Status), r.EndedAt
			}
			if r.Status == plan.Success && last.Success.IsZero() {
				last.Success = r.EndedAt
			}
		}
		if last.RunID != "" {
			out[j.ID] = last
		}
	}
	return out, nil
}

// readCoverage reads an earlier report.
func (a *app) readCoverage(path string) (coverage.Report, error) {
	data, err := os.ReadFile(a.pathOf(path))
	var r coverage.Report
	if err == nil {
		r, err = report.ReadCoverage(data)
	}
	if err != nil {
		return r, &fault.Fault{
			Code: "baseline_unreadable", Kind: fault.Config, Whose: fault.User, Where: path,
			Msg: "cannot be read as a coverage report", Hint: "exposync coverage --write-baseline " + path, Err: err,
		}
	}
	return r, nil
}

// writeCoverage replaces a file with the report as JSON.
func (a *app) writeCoverage(path string, r coverage.Report) error {
	doc, err := indented(report.CoverageDoc(r))
	if err != nil {
		return err
	}
	if err := replaceFile(a.pathOf(path), a.redactJSON(doc), 0o644); err != nil {
		return outFault(path, err)
	}
	a.say("wrote %s", path)
	return nil
}

// printCoverage writes the report in the format that was asked for.
func (s *session) printCoverage(r coverage.Report, f *coverageFlags) error {
	root := s.folderInRepository()
	return s.a.printChecked(checked{
		findings: report.CoverageFindings(r, version(), root),
		text: func(style report.Style) string {
			return report.CoverageText(style, r, report.CoverageShown{Lineage: f.lineage || r.Selection != nil, All: f.all})
		},
		json:     func() any { return report.CoverageDoc(r) },
		markdown: func() string { return report.CoverageMarkdown(r, version(), root) },
		html:     func() string { return report.CoverageHTML(r, version(), root) },
	}, f.out)
}
