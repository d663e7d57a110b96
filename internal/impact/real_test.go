package impact_test

import (
	"path/filepath"
	"testing"

	"exposync/internal/impact"
)

// manifests are all that real dbt wrote, of every version and engine.
func manifests(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(artifacts, "*", "*", "manifest.json.gz"))
	if err != nil || len(found) < 50 {
		t.Fatalf("%d manifests, %v", len(found), err)
	}
	return found
}

func TestNothingDiffersFromItself(t *testing.T) {
	t.Parallel()
	for _, path := range manifests(t) {
		t.Run(filepath.Base(filepath.Dir(filepath.Dir(path)))+"/"+filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			t.Parallel()
			got := impact.Compare(load(t, path), load(t, path), impact.Options{})
			if len(got.Changes)+len(got.Exposures) > 0 {
				t.Errorf("%d changes, the first: %+v", len(got.Changes), got.Changes[0])
			}
		})
	}
}

func TestZZ(t *testing.T) {
	for _, s := range []string{"mismatched_pair", "slim_ci", "unit_test_failed", "on_error_continue", "jinja_failed_upstream", "microbatch_green", "freshness_runtime_error"} {
		got := impact.Compare(load(t, artifacts+"/1.12-duckdb/all_green/manifest.json.gz"), load(t, artifacts+"/1.12-duckdb/"+s+"/manifest.json.gz"), impact.Options{})
		t.Log("=====", s, got.Notes)
		for _, c := range got.Changes {
			t.Logf("%s %s %s | %s | %q -> %q %s:%d", c.Severity, c.Kind, c.Subject, c.Message, c.Before, c.After, c.File, c.Line)
			for _, r := range c.Reaches {
				t.Logf("      %s %s %s %v %v %s", r.Exposure, r.Job, r.Way, r.Fields, r.Path, r.Severity)
			}
		}
	}
}
