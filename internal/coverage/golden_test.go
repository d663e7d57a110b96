package coverage_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/coverage"
	"exposync/internal/report"
)

// golden compares with a file of testdata; UPDATE=1 writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if os.Getenv("UPDATE") != "" {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// The shop has the same coverage whichever dbt wrote the manifest; how much
// stands in the run results is the engine's.
func TestShopOfEveryEngine(t *testing.T) {
	t.Parallel()
	manifests, err := filepath.Glob(filepath.Join(fixtures, "artifacts/*/all_green/manifest.json.gz"))
	if err != nil || len(manifests) < 9 {
		t.Fatalf("manifests: %q, %v", manifests, err)
	}
	for _, path := range manifests {
		engine := filepath.Base(filepath.Dir(filepath.Dir(path)))
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			r := coverage.Measure(coverage.Collect(shop(t, engine, "all_green")))
			golden(t, "shop_"+engine, report.CoverageText(report.Style{Width: 100}, r, report.CoverageShown{Lineage: true, All: true}))
		})
	}
}

// What a run that was cut, failed or proved nothing leaves of the evidence.
func TestShopAfterOtherRuns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ engine, scenario string }{
		{"1.12-duckdb", "partial_select"},
		{"1.12-duckdb", "test_failed_on_export"},
		{"1.12-duckdb", "nothing_selected"},
		{"1.12-duckdb", "freshness_error"},
		{"2.0-duckdb", "model_failed_upstream"},
		{"2.0-duckdb", "unit_test_failed"},
	} {
		name := c.engine + "_" + c.scenario
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := coverage.Measure(coverage.Collect(shop(t, c.engine, c.scenario)))
			golden(t, "shop_"+name, report.CoverageText(report.Style{Width: 80}, r, report.CoverageShown{Lineage: true}))
		})
	}
}

// A report that was written and read again compares as the report itself.
func TestDocumentCompares(t *testing.T) {
	t.Parallel()
	r := coverage.Measure(coverage.Collect(shop(t, "1.12-duckdb", "all_green")))
	doc, err := json.MarshalIndent(report.CoverageDoc(r), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	back, err := report.ReadCoverage(doc)
	if err != nil {
		t.Fatal(err)
	}
	c := coverage.Compare(back, r)
	if len(c.New)+len(c.Fixed)+len(c.Gone)+len(c.Unjudged) > 0 || *c.Before.Share != *c.After.Share {
		t.Errorf("a report differs from itself: %+v", c)
	}
	again, err := json.MarshalIndent(report.CoverageDoc(r), "", "  ")
	if err != nil || !bytes.Equal(doc, again) {
		t.Errorf("equal input does not give equal output: %v", err)
	}
	for _, bad := range []string{"", "{}", `{"exposync_coverage":2,"dimensions":[]}`, "[1]"} {
		if _, err := report.ReadCoverage([]byte(bad)); err == nil {
			t.Errorf("%q was read as a report", bad)
		}
	}
}
