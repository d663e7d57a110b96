package coverage_test

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"exposync/internal/config"
	"exposync/internal/coverage"
	"exposync/internal/report"
)

// Projects that nobody wrote for Exposync. They have no export models, and
// nearly no application exposures: as they stand, little is measured, and none
// of it is 100%.
func TestPublicProjects(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"dbt-metabase/v12", "dbt-metabase/v11", "dbt-score", "dbt-docs/v2", "dbt-project-evaluator"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := public(t, name, config.DefaultExports())
			r := coverage.Measure(coverage.Collect(in))
			for _, d := range r.Dimensions {
				if d.Share != nil && *d.Share > 0 {
					t.Errorf("%s is %v", d.Name, *d.Share)
				}
			}
			golden(t, "public_"+strings.ReplaceAll(name, "/", "_"), report.CoverageText(report.Style{Width: 100}, r, report.CoverageShown{All: true}))
		})
	}
}

// The same with every model of a folder as an export model and every exposure as an
// application, so that there is something to say.
func TestPublicProjectsAsIfTheySynced(t *testing.T) {
	t.Parallel()
	for name, folder := range map[string]string{
		"dbt-metabase/v12": "models", "dbt-metabase/v11": "models", "dbt-score": "models",
		"dbt-docs/v2": "models/marts", "dbt-project-evaluator": "models/marts",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := public(t, name, config.Exports{Paths: []string{folder}})
			for id, e := range in.Project.Exposures {
				e.Type = "application"
				in.Declared[id] = coverage.Declared{Watched: "hightouch", Sync: "1"}
			}
			r := coverage.Measure(coverage.Collect(in))
			golden(t, "public_as_if_"+strings.ReplaceAll(name, "/", "_"), report.CoverageText(report.Style{Width: 100}, r, report.CoverageShown{All: true}))
		})
	}
}

func public(t *testing.T, name string, exports config.Exports) coverage.Input {
	t.Helper()
	cfg := config.Default(config.FileName)
	cfg.Exports = exports
	return read(t, filepath.Join(fixtures, "public", filepath.FromSlash(name)), cfg, fstest.MapFS{})
}
