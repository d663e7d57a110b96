package impact_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"exposync/internal/config"
	"exposync/internal/dbt"
	"exposync/internal/impact"
	"exposync/internal/job"
)

const artifacts = "../../fixtures/dbt/artifacts"

// load reads one side: a manifest, and the catalog beside it if there is one.
func load(t testing.TB, manifest string) impact.Side {
	t.Helper()
	p, err := dbt.LoadManifest(t.Context(), manifest, impact.Keep)
	if err != nil {
		t.Fatal(err)
	}
	s := side(p)
	for _, name := range []string{"catalog.json.gz", "catalog.json"} {
		path := filepath.Join(filepath.Dir(manifest), name)
		if _, err := os.Stat(path); err != nil {
			continue
		}
		if s.Catalog, err = dbt.LoadCatalog(t.Context(), path); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func side(p *dbt.Project) impact.Side {
	return impact.Side{Project: p, Jobs: job.Build(p, config.Default("exposync.yml"), job.Options{})}
}

// tree is a JSON document while a test edits it.
type tree = map[string]any

// shop gives the manifest of the shop after an edit, without a catalog.
func shop(t *testing.T, edit func(m tree)) impact.Side {
	t.Helper()
	return edited(t, filepath.Join(artifacts, "1.12-duckdb", "all_green", "manifest.json.gz"), edit)
}

func edited(t *testing.T, path string, edit func(m tree)) impact.Side {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	var m tree
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&m); err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(m)
	}
	if text, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "manifest.json")
	if err := os.WriteFile(out, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return load(t, out)
}

// at gives a map below some keys; what is missing is a mistake of the test.
func at(t *testing.T, m tree, path ...string) tree {
	t.Helper()
	for _, key := range path {
		below, ok := m[key].(tree)
		if !ok {
			t.Fatalf("there is no %s in %s", key, strings.Join(path, " > "))
		}
		m = below
	}
	return m
}
