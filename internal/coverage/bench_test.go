package coverage_test

import (
	"path/filepath"
	"testing"
	"time"

	"exposync/internal/config"
	"exposync/internal/coverage"
	"exposync/internal/dbt"
	"exposync/internal/dbt/dbttest"
	"exposync/internal/gate"
	"exposync/internal/job"
)

// measured is everything that coverage does after the manifest was read,
// evidence and jobs included.
func measured(tb testing.TB, p *dbt.Project, cfg *config.Config) coverage.Report {
	tb.Helper()
	set := job.Build(p, cfg, job.Options{Target: "prod"})
	in := coverage.Input{
		Project: p, Jobs: set.Jobs, Declared: map[string]coverage.Declared{}, Now: now, NodeIgnores: readIgnores,
		IsExport: func(n *dbt.Node) bool { return cfg.Exports.Has(n.Name, n.Path, n.Tags) },
		Runs:     true, Gate: gate.Collect(p, gate.Input{}),
	}
	for _, e := range set.Exposures {
		in.Declared[e.ID] = coverage.Declared{Watched: e.Watched, SLA: e.SLA, Ignores: ignores(e.Ignores)}
	}
	return coverage.Measure(coverage.Collect(in))
}

// TestCoverageCostsLittleMoreThanReading: both are timed in one run, and tried
// again while they take too long, the best time of each counting: a machine that
// is busy for a moment fails nothing.
func TestCoverageCostsLittleMoreThanReading(t *testing.T) { //nolint:paralleltest // it measures time
	if testing.Short() {
		t.Skip("it reads 10,000 nodes several times")
	}
	path := dbttest.Grow(t, filepath.Join(fixtures, "artifacts"), 10_000, nil)
	cfg, err := config.Load(filepath.Join(fixtures, "shop", config.FileName), connectors())
	if err != nil {
		t.Fatal(err)
	}
	var reading, measuring time.Duration
	for try := 0; try < 6 && (try == 0 || reading+measuring > reading*3/2); try++ {
		start := time.Now()
		p, err := dbt.LoadManifest(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		read := time.Since(start)
		start = time.Now()
		r := measured(t, p, cfg)
		took := time.Since(start)
		if r.Dimension(coverage.Exports).Total < 500 || len(r.Exposures) < 700 {
			t.Fatalf("only %d exports and %d exposures", r.Dimension(coverage.Exports).Total, len(r.Exposures))
		}
		if reading == 0 || read < reading {
			reading = read
		}
		if measuring == 0 || took < measuring {
			measuring = took
		}
	}
	t.Logf("reading %v, measuring %v: together %.2f times the reading", reading, measuring, float64(reading+measuring)/float64(reading))
	if reading+measuring > reading*3/2 {
		t.Errorf("reading and measuring take %.2f times as long as reading, want at most 1.5", float64(reading+measuring)/float64(reading))
	}
}

func BenchmarkCoverage(b *testing.B) {
	path := dbttest.Grow(b, filepath.Join(fixtures, "artifacts"), 10_000, nil)
	cfg, err := config.Load(filepath.Join(fixtures, "shop", config.FileName), connectors())
	if err != nil {
		b.Fatal(err)
	}
	p, err := dbt.LoadManifest(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("read", func(b *testing.B) { // the floor
		for b.Loop() {
			if _, err := dbt.LoadManifest(b.Context(), path); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("measure", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			measured(b, p, cfg)
		}
	})
}
