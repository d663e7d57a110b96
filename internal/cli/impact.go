package cli

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"exposync/internal/coverage"
	"exposync/internal/dbt"
	"exposync/internal/fault"
	"exposync/internal/impact"
	"exposync/internal/job"
	"exposync/internal/report"
)

// impactOptions are the flags of impact.
type impactOptions struct {
	failOn, out  string
	all, mention bool
}

func newImpact(a *app) *cobra.Command {
	var opts impactOptions
	cmd := &cobra.Command{
		Use:   "impact --state DIR",
		Short: "say which exposures, fields and owners a change reaches",
		Long: `Compares the project with an earlier state of it, and says for every difference
which exposures, syncs, destination fields and owners it reaches, and by which
way: a column that a sync maps is gone, a relation moved, a test became looser,
a mapping changed. --state is a folder with an earlier manifest.json, or such a
file, as dbt's own flag. With catalog.json on both sides (dbt docs generate)
columns are those of the warehouse, else those that YAML declares.

Exposures of both sides are read with today's exposync.yml. What is breaking,
risky or safe stands in docs/impact.md; exposync explain KIND tells of one kind.

--output markdown is a comment for a pull request, below the size that GitHub
takes. Owners stand in it as text; --mention mentions those that are written as
@user or @organisation/team.`,
		Example: `  exposync impact --state prod-artifacts
  exposync impact --state prod-artifacts --fail-on breaking
  exposync impact --state prod-artifacts --output markdown > impact.md`,
		GroupID: "check",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.impact(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.failOn, "fail-on", "", "exit 6 if a change is as bad: `breaking|risky|any`")
	cmd.Flags().BoolVar(&opts.all, "all", false, "list what is safe, too, and everything that is many")
	cmd.Flags().BoolVar(&opts.mention, "mention", false, "in Markdown, mention owners that are written as @user")
	a.before(cmd, opts.check)
	a.selection(cmd)
	a.cloud(cmd)
	a.checkFormats(cmd, &opts.out)
	return cmd
}

// failing are the words of --fail-on, and the severity that each begins at.
func failing() map[string]impact.Severity {
	return map[string]impact.Severity{"breaking": impact.Breaking, "risky": impact.Risky, "any": impact.Safe}
}

func (o *impactOptions) check() error {
	if _, ok := failing()[o.failOn]; !ok && o.failOn != "" {
		return usage("exposync impact --help", "--fail-on %s: it is breaking, risky or any%s", o.failOn, near(o.failOn, []string{"breaking", "risky", "any"}))
	}
	return nil
}

func (a *app) impact(ctx context.Context, opts impactOptions) error {
	a.keep = impact.Keep
	s, err := a.look(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	before, err := s.stateSide(ctx)
	if err != nil {
		return err
	}
	after := impact.Side{Project: s.project, Jobs: s.set}
	if after.Catalog, err = a.catalogBeside(ctx, s.manifestPath()); err != nil {
		return err
	}
	doc := report.Impact{
		Impact:  impact.Compare(before, after, impact.Options{Place: coverage.Places(s.project, s.readFile)}),
		Project: s.project.Name, Version: version(), Before: impactSide(before), After: impactSide(after),
	}
	if s.chosen != nil {
		doc.Impact = doc.Only(s.reachSelected)
	}
	if err := s.printImpact(doc, opts); err != nil {
		return err
	}
	if at, ok := failing()[opts.failOn]; ok && doc.Fails(at) {
		return exit(fault.Check.ExitCode())
	}
	return nil
}

func (s *session) printImpact(doc report.Impact, opts impactOptions) error {
	return s.a.printChecked(checked{
		findings: s.impactFindings(doc, opts),
		text:     func(style report.Style) string { return report.ImpactText(style, doc, opts.all) },
		json:     func() any { return doc.JSON() },
		markdown: func() string { return report.ImpactMarkdown(doc, opts.mention) },
	}, opts.out)
}

// impactFindings is the impact in the shape that other systems read.
func (s *session) impactFindings(doc report.Impact, opts impactOptions) report.Findings {
	root := s.folderInRepository()
	at, ok := failing()[opts.failOn]
	if !ok {
		return doc.Checked(root)
	}
	bad := 0
	for _, severity := range impact.Severities() {
		if !at.Worse(severity) {
			bad += doc.Count(severity)
		}
	}
	return doc.Checked(root, report.Limit{
		Name: "--fail-on " + opts.failOn, Kept: bad == 0, Next: "exposync impact --state " + s.a.flags.state,
		Message: report.Count(int64(bad), "change") + " at least as bad as was allowed",
	})
}

// reachSelected reports whether the selectors leave an exposure, or a sync of
// it. One that is gone cannot be selected, and is not left.
func (s *session) reachSelected(exposure, jobID string) bool {
	x := s.project.Exposures[exposure]
	return x != nil && s.selects(x, jobID)
}

// stateSide reads the earlier project that --state names.
func (s *session) stateSide(ctx context.Context) (impact.Side, error) {
	path := s.stateDir()
	if path == "" {
		return impact.Side{}, &fault.Fault{
			Code: "state_missing", Kind: fault.Config, Whose: fault.User,
			Msg:  "nothing says what to compare with",
			Hint: "exposync impact --state DIR, a folder with the manifest.json of an earlier dbt run",
		}
	}
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		found := existing(filepath.Join(path, "manifest.json"))
		if len(found) == 0 {
			return impact.Side{}, &fault.Fault{
				Code: "state_missing", Kind: fault.Config, Whose: fault.User, Where: s.a.shown(path),
				Msg:  "--state has no manifest.json; as in dbt, it is seen from the folder of dbt_project.yml",
				Hint: "name a folder with the artifacts of an earlier dbt run, for example what the last deployment left",
			}
		}
		path = found[0]
	}
	p, err := dbt.LoadManifest(ctx, path, impact.Keep)
	if err != nil {
		return impact.Side{}, err
	}
	p.File = s.a.shown(p.File)
	side := impact.Side{Project: p, Jobs: job.Build(p, s.config, job.Options{Target: s.target})}
	side.Catalog, err = s.a.catalogBeside(ctx, path)
	return side, err
}

// manifestPath is the file that the project was read from.
func (s *session) manifestPath() string { return s.a.pathOf(s.project.File) }

// catalogBeside reads the catalog in a manifest's folder; nil if there is none.
func (a *app) catalogBeside(ctx context.Context, manifest string) (*dbt.Catalog, error) {
	found := existing(beside(manifest, "catalog.json"))
	if len(found) == 0 {
		return nil, nil //nolint:nilnil // none is an answer
	}
	c, err := dbt.LoadCatalog(ctx, found[0])
	if err != nil {
		return nil, err
	}
	c.File = a.shown(c.File)
	return c, nil
}

func impactSide(s impact.Side) report.ImpactSide {
	out := report.ImpactSide{
		Manifest: s.Project.File, GeneratedAt: s.Project.GeneratedAt.UTC().Format(time.RFC3339), DBTVersion: s.Project.DBTVersion,
	}
	if s.Catalog != nil && !s.Catalog.GeneratedAt.Before(s.Project.GeneratedAt) {
		out.Catalog = s.Catalog.File
	}
	return out
}
