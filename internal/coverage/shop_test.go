package coverage_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"exposync/internal/config"
	"exposync/internal/coverage"
	"exposync/internal/dbt"
	"exposync/internal/gate"
	"exposync/internal/job"
)

const fixtures = "../../fixtures/dbt"

// now is a moment after all fixtures were made.
var now = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// connectors stand in for those of the command line.
func connectors() config.Types {
	return config.Types{
		"http":     {{Name: "url", Required: true}, {Name: "token", Secret: true}},
		"postgres": {{Name: "url", Secret: true}},
		"file":     {{Name: "path", Required: true}, {Name: "format"}},
	}
}

// shop gives the input of the shop's coverage, as the command line puts it
// together: what an engine wrote in a scenario, with everything that is there.
func shop(t *testing.T, engine, scenario string) coverage.Input {
	t.Helper()
	dir := filepath.Join(fixtures, "artifacts", engine, scenario)
	cfg, err := config.Load(filepath.Join(fixtures, "shop", config.FileName), connectors())
	if err != nil {
		t.Fatal(err)
	}
	in := read(t, dir, cfg, os.DirFS(filepath.Join(fixtures, "shop")))
	return in
}

// read puts the input of any project together.
func read(t *testing.T, dir string, cfg *config.Config, project fs.FS) coverage.Input {
	t.Helper()
	manifest := filepath.Join(dir, "manifest.json")
	if exists(manifest + ".gz") {
		manifest += ".gz"
	}
	p, err := dbt.LoadManifest(t.Context(), manifest)
	if err != nil {
		t.Fatal(err)
	}
	files := func(path string) ([]byte, error) { return fs.ReadFile(project, path) }
	set := job.Build(p, cfg, job.Options{Target: "prod", Files: files})
	in := coverage.Input{
		Project: p, Jobs: set.Jobs, Declared: map[string]coverage.Declared{}, Files: files, Now: now,
		IsExport: func(n *dbt.Node) bool { return cfg.Exports.Has(n.Name, n.Path, n.Tags) },
	}
	for _, e := range set.Exposures {
		page, _ := job.PageOf(p.Exposures[e.ID].URL)
		in.Declared[e.ID] = coverage.Declared{Where: e.Where, Watched: e.Watched, Sync: page.Sync, SLA: e.SLA, Ignores: ignores(e.Ignores)}
	}
	in.NodeIgnores = readIgnores
	var runs []*dbt.RunResults
	paths, err := filepath.Glob(filepath.Join(dir, "run_results*.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		r, err := dbt.LoadRunResults(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, r)
	}
	var sources *dbt.Sources
	if path := filepath.Join(dir, "sources.json.gz"); exists(path) {
		if sources, err = dbt.LoadSources(t.Context(), path); err != nil {
			t.Fatal(err)
		}
	}
	if path := filepath.Join(dir, "catalog.json.gz"); exists(path) {
		if in.Catalog, err = dbt.LoadCatalog(t.Context(), path); err != nil {
			t.Fatal(err)
		}
	}
	in.Runs = len(runs) > 0
	in.Gate = gate.Collect(p, gate.Input{Runs: runs, Sources: sources})
	return in
}

func ignores(in []job.Ignore) []coverage.Ignore {
	var out []coverage.Ignore
	for _, i := range in {
		out = append(out, coverage.Ignore(i))
	}
	return out
}

// readIgnores reads the suppressions of a node, as the command line does.
func readIgnores(meta []byte, where string) ([]coverage.Ignore, []string) {
	found, mistakes := job.Ignores(meta, where)
	return ignores(found), mistakes
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
