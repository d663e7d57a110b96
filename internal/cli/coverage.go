package cli

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"exposync/internal/config"
	"exposync/internal/coverage"
	"exposync/internal/fault"
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
		Short: "say how well exposures, tests and evidence cover the syncs",
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
		Long: `Compares two reports that exposync coverage wrote as JSON: every dimension
before and after, what is missed now and was not, and what is mended. It ends
with exit code 6 if anything is missed that was not before.`,
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
			a.sayOtherSelection(args[0], before, after)
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
	if s.noConfig != nil {
		return s.noConfig // it may hold thresholds, and a check that lost them passes
	}
	r, err := s.measure(ctx, f, limits)
	if err != nil {
		return err
	}
	if f.baseline != "" {
		before, err := a.readCoverage(f.baseline)
		if err != nil {
			return err
		}
		a.sayOtherSelection(f.baseline, before, r)
		r.CompareWith(f.baseline, before)
	}
	if f.writeBaseline != "" && r.Against != nil && len(r.Against.New) > 0 && a.pathOf(f.writeBaseline) == a.pathOf(f.baseline) {
		a.say("%s stays as it is: it would no longer show what is new; without --baseline it is written", f.writeBaseline)
	} else if f.writeBaseline != "" {
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

// sayOtherSelection warns of two reports that are not about the same things:
// what only the later one looked at shows as new.
func (a *app) sayOtherSelection(path string, before, after coverage.Report) {
	if slices.Equal(before.Selection, after.Selection) {
		return
	}
	of := func(r coverage.Report) string {
		if len(r.Selection) == 0 {
			return "everything"
		}
		return strings.Join(r.Selection, " ")
	}
	a.say("warning: %s is about %s, and the report about %s: what only one of them looked at shows as new or gone", path, of(before), of(after))
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
