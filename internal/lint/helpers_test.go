package lint

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"exposync/internal/config"
	"exposync/internal/coverage"
	"exposync/internal/dbt"
	"exposync/internal/fault"
	"exposync/internal/job"
)

const exportsYML = "models/exports/_exports.yml"

// scene is a project to check: the shop, as real dbt read it, with changes; or
// one YAML file alone.
type scene struct {
	yaml    string            // the file alone, without a manifest
	engine  string            // of fixtures/dbt/artifacts; 1.12-duckdb if empty
	replace []string          // pairs: what to replace in the shop's exposures, and by what
	files   map[string]string // further files, or other texts of them
	edit    func(manifest)    // changes what dbt wrote
	config  string            // exposync.yml; a file without settings if empty
	catalog bool              // catalog.json is at hand
}

// manifest is a manifest.json to change.
type manifest map[string]any

func (m manifest) node(id string) map[string]any {
	for _, section := range []string{"nodes", "sources", "exposures"} {
		if n, ok := m[section].(map[string]any)[id].(map[string]any); ok {
			return n
		}
	}
	panic("the shop has no " + id)
}

// config of a node, to change.
func (m manifest) config(id string) map[string]any {
	c, ok := m.node(id)["config"].(map[string]any)
	if !ok {
		c = map[string]any{}
		m.node(id)["config"] = c
	}
	return c
}

// declare sets what an exposure says to Exposync.
func (m manifest) declare(exposure string, block map[string]any) {
	id := "exposure.shop." + exposure
	m.node(id)["meta"] = map[string]any{"exposync": block}
	m.config(id)["meta"] = map[string]any{"exposync": block}
}

// drop takes nodes out whose id begins with a text.
func (m manifest) drop(prefix string) {
	for _, section := range []string{"nodes", "parent_map", "child_map"} {
		for id := range m[section].(map[string]any) {
			if strings.HasPrefix(id, prefix) {
				delete(m[section].(map[string]any), id)
			}
		}
	}
}

// copyModel adds a model like another one.
func (m manifest) copyModel(from, to string) {
	text, _ := json.Marshal(m.node("model.shop." + from))
	var n map[string]any
	_ = json.Unmarshal([]byte(strings.ReplaceAll(string(text), from, to)), &n)
	m["nodes"].(map[string]any)["model.shop."+to] = n
	parents := m["parent_map"].(map[string]any)
	parents["model.shop."+to] = parents["model.shop."+from]
}

// now is a day on which the shop was built.
func now() time.Time { return time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC) }

// input makes a scene.
func (s scene) input(t *testing.T) Input {
	t.Helper()
	text := s.config
	if text == "" {
		text = "exports: {prefix: export_}\n"
	}
	cfg, err := config.Parse("exposync.yml", []byte(text), config.Types{"file": nil, "http": nil, "postgres": nil, "hightouch": nil})
	in := Input{Config: cfg, Now: now(), Name: "shop", Files: map[string][]byte{}}
	if err != nil {
		in.ConfigProblems, in.Config = fault.All(err), config.Default("exposync.yml")
	}
	for file, text := range s.files {
		in.Files[file] = []byte(text)
	}
	if s.yaml != "" {
		in.Files[exportsYML] = []byte(s.yaml)
		return in
	}
	s.shop(t, &in)
	return in
}

// shop adds the shop's files and what dbt wrote about them.
func (s scene) shop(t *testing.T, in *Input) {
	t.Helper()
	root := "../../fixtures/dbt/shop"
	for _, pattern := range []string{"models/*/*.yml", "models/exports/*.sql"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("no files of %s: %v", pattern, err)
		}
		for _, file := range found {
			rel, _ := filepath.Rel(root, file)
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if _, other := in.Files[filepath.ToSlash(rel)]; !other {
				in.Files[filepath.ToSlash(rel)] = text
			}
		}
	}
	exposures := string(in.Files[exportsYML])
	for i := 0; i+1 < len(s.replace); i += 2 {
		if !strings.Contains(exposures, s.replace[i]) {
			t.Fatalf("the shop's exposures do not hold %q", s.replace[i])
		}
		exposures = strings.ReplaceAll(exposures, s.replace[i], s.replace[i+1])
	}
	in.Files[exportsYML] = []byte(exposures)
	s.load(t, in)
}

func (s scene) load(t *testing.T, in *Input) {
	t.Helper()
	engine := s.engine
	if engine == "" {
		engine = "1.12-duckdb"
	}
	dir := filepath.Join("../../fixtures/dbt/artifacts", engine, "all_green")
	file := filepath.Join(dir, "manifest.json.gz")
	if s.edit != nil {
		var m manifest
		if err := json.Unmarshal(unzip(t, file), &m); err != nil {
			t.Fatal(err)
		}
		s.edit(m)
		out, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		file = filepath.Join(t.TempDir(), "manifest.json")
		if err := os.WriteFile(file, out, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if in.Project, err = dbt.LoadManifest(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	var catalog *dbt.Catalog
	if s.catalog {
		if catalog, err = dbt.LoadCatalog(t.Context(), filepath.Join(dir, "catalog.json.gz")); err != nil {
			t.Fatal(err)
		}
	}
	read := func(path string) ([]byte, error) {
		if text, ok := in.Files[path]; ok {
			return text, nil
		}
		return nil, os.ErrNotExist
	}
	in.Set = job.Build(in.Project, in.Config, job.Options{Files: read})
	declared := map[string]coverage.Declared{}
	for _, x := range in.Set.Exposures {
		declared[x.ID] = coverage.Declared{Where: x.Where, Watched: x.Watched, SLA: x.SLA}
	}
	in.Facts = coverage.Collect(coverage.Input{
		Project: in.Project, Jobs: in.Set.Jobs, Declared: declared, Catalog: catalog, Files: read, Now: in.Now,
		IsExport: func(n *dbt.Node) bool { return in.Config.Exports.Has(n.Name, n.Path, n.Tags) },
	})
}

func unzip(t *testing.T, file string) []byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// found are the findings of one code, as file:line and subject.
func found(r Report, code string) []Finding {
	var out []Finding
	for _, f := range r.Findings {
		if f.Code == code {
			out = append(out, f)
		}
	}
	return out
}

func itoa(n int) string { return strconv.Itoa(n) }

// emptyProject is what a version of dbt writes about a project without nodes.
func emptyProject(version string) *dbt.Project {
	return &dbt.Project{Name: "shop", DBTVersion: version, Nodes: map[string]*dbt.Node{}, Exposures: map[string]*dbt.Exposure{}, Parents: map[string][]string{}}
}

func factsOf(p *dbt.Project) *coverage.Facts {
	return coverage.Collect(coverage.Input{Project: p, IsExport: func(*dbt.Node) bool { return false }})
}
