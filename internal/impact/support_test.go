package impact_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"exposync/internal/config"
	"exposync/internal/dbt"
	"exposync/internal/impact"
	"exposync/internal/job"
)

const artifacts = "../../fixtures/dbt/artifacts"

// load reads one side: a manifest, and the catalog beside it if there is one.
func load(tb testing.TB, manifest string) impact.Side {
	tb.Helper()
	p, err := dbt.LoadManifest(tb.Context(), manifest, impact.Keep)
	if err != nil {
		tb.Fatal(err)
	}
	s := side(p)
	for _, name := range []string{"catalog.json.gz", "catalog.json"} {
		path := filepath.Join(filepath.Dir(manifest), name)
		if _, err := os.Stat(path); err != nil {
			continue
		}
		if s.Catalog, err = dbt.LoadCatalog(tb.Context(), path); err != nil {
			tb.Fatal(err)
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
	var m tree
	decoder := json.NewDecoder(bytes.NewReader(trimmed()))
	decoder.UseNumber()
	if err := decoder.Decode(&m); err != nil {
		t.Fatal(err)
	}
	edit(m)
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "manifest.json")
	if err := os.WriteFile(out, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return load(t, out)
}

// trimmed is the shop's manifest as real dbt wrote it, without the macros and
// pages that the shop does not have itself: they are most of it.
var trimmed = sync.OnceValue(func() []byte {
	f, err := os.Open(filepath.Join(artifacts, "1.12-duckdb", "all_green", "manifest.json.gz"))
	if err != nil {
		panic(err)
	}
	defer func() { _ = f.Close() }()
	zip, err := gzip.NewReader(f)
	if err != nil {
		panic(err)
	}
	var m tree
	decoder := json.NewDecoder(zip)
	decoder.UseNumber()
	if err := decoder.Decode(&m); err != nil {
		panic(err)
	}
	delete(m, "docs")
	delete(m, "child_map")
	for id := range m["macros"].(tree) {
		if !strings.HasPrefix(id, "macro.shop.") {
			delete(m["macros"].(tree), id)
		}
	}
	text, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return text
})

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
