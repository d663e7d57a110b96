package cli

import (
	"context"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"exposync/internal/config"
	"exposync/internal/fault"
	"exposync/internal/lint"
	"exposync/internal/plan"
	"exposync/internal/report"
)

// lintAsked is what the command line of lint says.
type lintAsked struct {
	fix, diff, list bool
	failOn, out     string
	rules           []string
	read            *lint.Read
	paths           []string // files and folders that findings are shown of; all if empty
}

func newLint(a *app) *cobra.Command {
	asked := lintAsked{}
	cmd := &cobra.Command{
		Use:   "lint [FILE|DIR]...",
		Short: "check how syncs are declared, and mend what needs no person",
		Long: `Checks the YAML that dbt may not even load, the exposures, the export models and
what stands upstream of them. It works on the YAML files alone; rules that need
dbt's manifest run where there is one, and lint says which did not.

Rules are switched off or weighed in exposync.yml (lint: {rules: {CODE: off}}),
a finding is let pass where it is about, with a reason:
  exposync: {ignore: [{check: CODE, reason: "why", until: "2027-01-31"}]}
or with a comment on its line: # exposync: ignore CODE why`,
		Example: `  exposync lint
  exposync lint --diff              # what --fix would change
  exposync lint --fix
  exposync lint --fail-on warning models/exports
  exposync lint --list              # every rule`,
		GroupID: "check",
		RunE: func(cmd *cobra.Command, args []string) error {
			if asked.list {
				return a.printLintRules()
			}
			asked.paths, asked.read = args, &lint.Read{}
			return a.lint(cmd.Context(), asked)
		},
	}
	set := cmd.Flags()
	set.BoolVar(&asked.fix, "fix", false, "mend what needs no person, and show what is left")
	set.BoolVar(&asked.diff, "diff", false, "show what --fix would change, and change nothing")
	set.BoolVar(&asked.list, "list", false, "list the rules")
	set.StringVar(&asked.failOn, "fail-on", "", "the least `SEVERITY` that ends with exit code 6: error or warning (default: exposync.yml's, else error)")
	set.StringSliceVar(&asked.rules, "rule", nil, "check only the rule of that `CODE`; may be repeated")
	_ = cmd.RegisterFlagCompletionFunc("rule", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return lint.Codes(), cobra.ShellCompDirectiveNoFileComp
	})
	a.before(cmd, asked.check)
	a.cloud(cmd)
	a.checkFormats(cmd, &asked.out)
	return cmd
}

// check refuses what no project can make right.
func (l *lintAsked) check() error {
	if l.failOn != "" && l.failOn != config.LintError && l.failOn != config.LintWarning {
		return usage("exposync lint --help", "--fail-on %s: it takes error or warning", l.failOn)
	}
	if l.fix && l.diff {
		return usage("exposync lint --fix", "--diff shows what --fix would change: give one of them")
	}
	for _, code := range l.rules {
		if !slices.Contains(lint.Codes(), code) {
			return usage("exposync lint --list", "there is no rule %q%s", code, near(code, lint.Codes()))
		}
	}
	return nil
}

func (a *app) printLintRules() error {
	if !a.flags.json() {
		return a.printText(report.LintRulesText(a.outStyle(), lint.Rules()))
	}
	type ruleJSON struct {
		Code     string        `json:"code"`
		Severity plan.Severity `json:"severity"`
		Fix      bool          `json:"fix"`
		Needs    string        `json:"needs"`
		Title    string        `json:"title"`
	}
	rules := []ruleJSON{}
	for _, r := range lint.Rules() {
		rules = append(rules, ruleJSON{r.Code, r.Severity, r.Fixes, r.Needs(), r.Title()})
	}
	return a.printJSON(map[string]any{"rules": rules})
}

func (a *app) lint(ctx context.Context, asked lintAsked) error {
	s, in, err := a.lintInput(ctx, asked)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.lintPaths(asked.paths, in); err != nil {
		return err
	}
	doc := report.Lint{Files: len(in.Files), Rules: len(lint.Rules()), Shown: s.shownFile, Applied: asked.fix}
	for _, f := range lint.Fix(in) {
		if s.asksAbout(asked.paths, f.File) {
			doc.Fixed = append(doc.Fixed, f)
		}
	}
	if asked.fix && len(doc.Fixed) > 0 {
		if err := s.mendFiles(doc.Fixed); err != nil {
			return err
		}
		if s, in, err = a.lintInput(ctx, asked); err != nil { // lines have moved
			return err
		}
		defer s.close()
	}
	doc.Report = lint.Check(in)
	doc.Findings = slices.DeleteFunc(doc.Findings, func(f lint.Finding) bool { return !s.asksAbout(asked.paths, f.File) })
	if err := s.printLint(doc, asked, in.Name); err != nil {
		return err
	}
	return exit(a.lintCode(s, doc, asked))
}

// lintPaths refuses paths that are not there, and warns of those in which there
// is nothing to check: findings of a misspelt path are never shown.
func (s *session) lintPaths(paths []string, in lint.Input) error {
	for _, p := range paths {
		if _, err := os.Stat(s.a.pathOf(p)); err != nil {
			return usage("exposync lint", "there is no file or folder %s", p)
		}
		one := []string{p}
		if !slices.ContainsFunc(slices.Collect(maps.Keys(in.Files)), func(file string) bool { return s.asksAbout(one, file) }) && !s.asksAbout(one, config.FileName) {
			s.a.say("warning: %s is no YAML of the project's model-paths, nor SQL of an export model: it is not checked", p)
		}
	}
	return nil
}

// printLint shows the findings; with --diff what would be mended of them.
func (s *session) printLint(doc report.Lint, asked lintAsked, project string) error {
	text := doc.Text
	if asked.diff {
		text = func(style report.Style) string {
			var b strings.Builder
			for _, f := range doc.Fixed {
				b.WriteString(report.DiffText(style, doc.Shown(f.File), f.Was, f.Now))
			}
			return b.String()
		}
	}
	return s.a.printChecked(checked{
		findings: doc.Value(project, s.folderInRepository(), version()),
		text:     text,
		json:     func() any { return doc.JSON() },
	}, asked.out)
}

// lintCode is the exit code, and the next command to type.
func (a *app) lintCode(s *session, doc report.Lint, asked lintAsked) int {
	failOn := asked.failOn
	if failOn == "" {
		failOn = s.config.Lint.FailOn
	}
	worst := doc.Worst()
	failed := worst == plan.SeverityError || failOn == config.LintWarning && worst == plan.SeverityWarning
	if asked.diff {
		failed = len(doc.Fixed) > 0
	}
	switch {
	case len(doc.Fixed) > 0 && !asked.fix:
		a.next("exposync lint --fix%s", asked.where())
	case len(doc.Findings) > 0:
		a.next("exposync explain %s", doc.Findings[worstAt(doc)].Code)
	}
	if failed {
		return fault.Check.ExitCode()
	}
	return 0
}

// worstAt is the first finding of the worst severity.
func worstAt(doc report.Lint) int {
	return slices.IndexFunc(doc.Findings, func(f lint.Finding) bool { return f.Severity == doc.Worst() })
}

// where repeats the paths for the next command.
func (l *lintAsked) where() string {
	var b strings.Builder
	for _, p := range l.paths {
		b.WriteString(" " + word(p))
	}
	return b.String()
}

// asksAbout reports whether findings of a file are asked for: it is one of the
// paths of the command line, or in one of them.
func (s *session) asksAbout(paths []string, file string) bool {
	if len(paths) == 0 {
		return true
	}
	return slices.ContainsFunc(paths, func(p string) bool {
		rel := s.inProject(p)
		return rel == file || rel == "." || strings.HasPrefix(file, strings.TrimSuffix(rel, "/")+"/") || path.Clean(rel) == path.Clean(file)
	})
}
