package dbt_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"exposync/internal/dbt"
)

const artifactsDir = "../../fixtures/dbt/artifacts"

// walk calls check for every artifact that real dbt wrote whose name starts
// with prefix.
func walk(t *testing.T, prefix string, check func(t *testing.T, path string)) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(artifactsDir, "*", "*", prefix+"*.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Fatalf("no %s below %s", prefix, artifactsDir)
	}
	for _, path := range paths {
		name, _ := filepath.Rel(artifactsDir, path)
		t.Run(filepath.ToSlash(name), func(t *testing.T) {
			t.Parallel()
			check(t, path)
		})
	}
}

func TestManifestsOfRealDBT(t *testing.T) {
	t.Parallel()
	walk(t, "manifest", func(t *testing.T, path string) {
		t.Helper()
		p, err := dbt.LoadManifest(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if p.Name != "shop" || p.Schema < 4 || p.InvocationID == "" || p.GeneratedAt.IsZero() || len(p.Digest) != 64 || p.Adapter == "" {
			t.Errorf("metadata is incomplete: %+v", p.Name)
		}
		if len(p.Diagnostics) > 0 {
			t.Errorf("real dbt is odd: %v", p.Diagnostics)
		}
		crm := p.Exposures["exposure.shop.email_crm_export"]
		if crm == nil || crm.Type != "application" || len(crm.Meta) == 0 || len(crm.OwnerEmails) == 0 || crm.Path == "" {
			t.Fatalf("email_crm_export is incomplete: %+v", crm)
		}
		for id := range p.Exposures {
			if len(p.Ancestors(id)) == 0 {
				t.Errorf("%s has no ancestors", id)
			}
		}
		for id, n := range p.Nodes {
			checkNode(t, p, id, n)
		}
		checkEdges(t, p)
	})
}

func checkNode(t *testing.T, p *dbt.Project, id string, n *dbt.Node) {
	t.Helper()
	if n.UniqueID != id || n.Name == "" || n.ResourceType == "" || n.Package == "" || n.External {
		t.Errorf("%s is incomplete: %+v", id, n)
	}
	if n.Relation() && n.RelationName == "" {
		t.Errorf("%s has no relation", id)
	}
	if n.Materialized == "ephemeral" && n.RelationName != "" {
		t.Errorf("%s is ephemeral, but has relation %s", id, n.RelationName)
	}
	if n.ResourceType == "test" && (n.Severity != "error" && n.Severity != "warn" || len(p.Parents[id]) == 0) {
		t.Errorf("%s has severity %q and parents %v", id, n.Severity, p.Parents[id])
	}
	if n.ResourceType == "unit_test" && p.Nodes[n.AttachedNode] == nil {
		t.Errorf("%s tests the unknown %q", id, n.AttachedNode)
	}
	if n.AttachedNode != "" && p.Nodes[n.AttachedNode] == nil {
		t.Errorf("%s is attached to the unknown %q", id, n.AttachedNode)
	}
	if n.ResourceType == "model" && n.Checksum == "" {
		t.Errorf("%s has no checksum", id)
	}
}

func checkEdges(t *testing.T, p *dbt.Project) {
	t.Helper()
	for id, parents := range p.Parents {
		if p.Nodes[id] == nil && p.Exposures[id] == nil {
			t.Errorf("edges of the unknown %s", id)
		}
		if !slices.IsSorted(parents) {
			t.Errorf("parents of %s are not sorted: %v", id, parents)
		}
		for _, parent := range parents {
			if p.Nodes[parent] == nil {
				t.Errorf("%s has the unknown parent %s", id, parent)
			}
		}
	}
}

func TestRunResultsOfRealDBT(t *testing.T) {
	t.Parallel()
	known := []string{
		"success", "error", "fail", "warn", "skipped", "partial success", "pass", "runtime error", "no-op", "reused",
	}
	walk(t, "run_results", func(t *testing.T, path string) {
		t.Helper()
		r, err := dbt.LoadRunResults(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if r.Schema < 4 || r.InvocationID == "" || r.GeneratedAt.IsZero() || r.Args.Which == "" {
			t.Errorf("metadata is incomplete: %+v", r)
		}
		manifest, err := dbt.LoadManifest(t.Context(), filepath.Join(filepath.Dir(path), "manifest.json.gz"))
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range r.Results {
			if !slices.Contains(known, row.Status) {
				t.Errorf("%s has status %q", row.UniqueID, row.Status)
			}
			if n := manifest.Nodes[row.UniqueID]; n == nil && manifest.Exposures[row.UniqueID] == nil {
				t.Errorf("%s is not in the manifest", row.UniqueID)
			}
		}
		if scenario := filepath.Base(filepath.Dir(path)); r.Args.Empty != (scenario == "empty" && strings.Contains(path, "1.")) {
			t.Errorf("empty is %v in %s", r.Args.Empty, path)
		}
	})
}

func TestSourcesOfRealDBT(t *testing.T) {
	t.Parallel()
	walk(t, "sources", func(t *testing.T, path string) {
		t.Helper()
		s, err := dbt.LoadSources(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if s.InvocationID == "" || s.GeneratedAt.IsZero() {
			t.Errorf("metadata is incomplete: %+v", s)
		}
		for _, r := range s.Results {
			if r.Status != "runtime error" && (r.MaxLoadedAt.IsZero() || r.SnapshottedAt.IsZero() || r.ErrorAfter == 0) {
				t.Errorf("result is incomplete: %+v", r)
			}
		}
	})
}

func TestCatalogsOfRealDBT(t *testing.T) {
	t.Parallel()
	walk(t, "catalog", func(t *testing.T, path string) {
		t.Helper()
		c, err := dbt.LoadCatalog(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		columns := c.Columns["model.shop.export_customers"]
		if len(columns) < 3 || columns[0].Name != "customer_id" || columns[0].Type == "" {
			t.Errorf("export_customers has %v", columns)
		}
	})
}

func TestOtherArtifactsAreRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(artifactsDir, "1.12-duckdb", "all_green")
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	load := map[string]func(path string) error{
		"manifest":    func(p string) error { _, err := dbt.LoadManifest(t.Context(), p); return err },
		"run_results": func(p string) error { _, err := dbt.LoadRunResults(t.Context(), p); return err },
		"sources":     func(p string) error { _, err := dbt.LoadSources(t.Context(), p); return err },
		"catalog":     func(p string) error { _, err := dbt.LoadCatalog(t.Context(), p); return err },
	}
	for kind, read := range load {
		for _, file := range []string{"manifest", "run_results", "catalog"} {
			err := read(filepath.Join(dir, file+".json.gz"))
			if got, want := code(err), map[bool]string{false: "artifact_wrong_kind"}[kind == file]; got != want {
				t.Errorf("%s read as %s: %v, want code %q", file, kind, err, want)
			}
		}
	}
}
