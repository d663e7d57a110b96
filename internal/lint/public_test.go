package lint

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"exposync/internal/config"
	"exposync/internal/coverage"
	"exposync/internal/dbt"
	"exposync/internal/job"
)

// What lint says about projects that nobody wrote for Exposync: as they stand,
// and as if every exposure stood for a sync and every model were an export
// model. There are no files of them, so that places have no lines. The golden
// is to be read: each line has to be right, and a project without application
// exposures has none.
func TestPublicProjects(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, name := range []string{"dbt-docs/v1", "dbt-docs/v2", "dbt-metabase/v11", "dbt-metabase/v12", "dbt-project-evaluator", "dbt-score"} {
		for _, asIf := range []bool{false, true} {
			b.WriteString("== " + name)
			if asIf {
				b.WriteString(", as if they synced")
			}
			b.WriteString("\n")
			for _, f := range Check(public(t, name, asIf)).Findings {
				b.WriteString(placed(f) + ": " + string(f.Severity) + ": " + f.Message + "\n")
			}
		}
	}
	golden(t, "testdata/public.golden", b.String())
}

func public(t *testing.T, name string, asIf bool) Input {
	t.Helper()
	p, err := dbt.LoadManifest(t.Context(), filepath.Join("../../fixtures/dbt/public", filepath.FromSlash(name), "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Default(config.FileName)
	if asIf {
		cfg.Exports = config.Exports{Paths: []string{"models/marts"}}
		for _, e := range p.Exposures {
			e.Type = "application"
			e.URL = "https://app.hightouch.com/acme/syncs/1"
		}
	}
	set := job.Build(p, cfg, job.Options{Target: "prod"})
	in := Input{Config: cfg, Project: p, Set: set, Now: now(), Name: p.Name, Files: map[string][]byte{}}
	declared := map[string]coverage.Declared{}
	for _, x := range set.Exposures {
		declared[x.ID] = coverage.Declared{Where: x.Where, Watched: x.Watched, SLA: x.SLA}
	}
	in.Facts = coverage.Collect(coverage.Input{
		Project: p, Jobs: set.Jobs, Declared: declared, Now: in.Now,
		Files:    func(string) ([]byte, error) { return nil, os.ErrNotExist },
		IsExport: func(n *dbt.Node) bool { return cfg.Exports.Has(n.Name, n.Path, n.Tags) },
	})
	return in
}
