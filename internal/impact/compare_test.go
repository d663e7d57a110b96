package impact_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/impact"
)

// lines shows changes in one line each, with whom they reach.
func lines(i impact.Impact) []string {
	var out []string
	for _, c := range i.Changes {
		subject := c.Subject[strings.Index(c.Subject, "shop.")+len("shop."):]
		if c.Job != "" {
			subject = c.Job
		}
		if c.Column != "" {
			subject += "/" + c.Column
		}
		text := fmt.Sprintf("%s %s %s", c.Severity, c.Kind, subject)
		for _, r := range c.Reaches {
			name := strings.TrimPrefix(r.Exposure, "exposure.shop.")
			if r.Job != "" {
				name = r.Job
			}
			text += fmt.Sprintf(" | %s %s %s", r.Severity, name, strings.TrimSpace(string(r.Way)+" "+strings.Join(r.Fields, ",")))
		}
		out = append(out, text)
	}
	return out
}

// doc is a manifest while a case edits it.
type doc struct {
	t *testing.T
	m tree
}

type edit func(d doc)

func (d doc) at(path ...string) tree { return at(d.t, d.m, path...) }

func (d doc) below(m tree, path ...string) tree { return at(d.t, m, path...) }

func (d doc) model(name string) tree { return d.at("nodes", "model.shop."+name) }

func (d doc) exposure(name string) tree { return d.at("exposures", "exposure.shop."+name) }

// declare replaces what an exposure says under exposync:.
func (d doc) declare(name, block string) {
	x := d.exposure(name)
	meta := tree{"exposync": json.RawMessage(block)}
	x["meta"] = meta
	x["config"].(tree)["meta"] = meta
}

// rewrite changes the SQL of a model.
func (d doc) rewrite(name string) {
	n := d.model(name)
	n["raw_code"], n["checksum"] = "select 1 as changed", tree{"name": "sha256", "checksum": "changed" + name}
}

// column is one of export_customers.
func (d doc) column(name string) tree {
	return d.below(d.model("export_customers"), "columns", name)
}

func (d doc) dropColumn(model, name string) {
	delete(d.below(d.model(model), "columns"), name)
	d.rewrite(model)
}

// test finds a test by the beginning of its name.
func (d doc) test(name string) (id string, node tree) {
	for id, n := range d.at("nodes") {
		if strings.HasPrefix(id, "test.shop."+name) {
			return id, n.(tree)
		}
	}
	d.t.Fatalf("there is no test %s", name)
	return "", nil
}

func (d doc) remove(id string) {
	delete(d.at("nodes"), id)
	delete(d.at("parent_map"), id)
}

func (d doc) disable(section, id string) {
	n := d.at(section, id)
	n["config"].(tree)["enabled"] = false
	d.at("disabled")[id] = []any{n}
	delete(d.at(section), id)
	delete(d.at("parent_map"), id)
}

func (d doc) contract(name string) {
	d.model(name)["contract"] = tree{"enforced": true, "checksum": "c"}
	d.configure(name, "contract", tree{"enforced": true})
}

func (d doc) configure(name, key string, value any) {
	n := d.model(name)
	n["config"].(tree)[key] = value
	n["unrendered_config"].(tree)[key] = value
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, tt := range cases() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			both := func(first, second edit) func(m tree) {
				return func(m tree) {
					if first != nil {
						first(doc{t, m})
					}
					if second != nil {
						second(doc{t, m})
					}
				}
			}
			before, after := shop(t, both(tt.both, tt.before)), shop(t, both(tt.both, tt.after))
			there, back := impact.Compare(before, after, impact.Options{}), impact.Compare(after, before, impact.Options{})
			golden(t, "compare/"+strings.ReplaceAll(tt.name, " ", "_"), strings.Join(slices.Concat(lines(there), []string{"", "and back"}, lines(back)), "\n")+"\n")
			if !tt.oneWay {
				mirrored(t, there, back)
			}
		})
	}
}

// mirrored: what is gone one way is new the other way.
func mirrored(t *testing.T, there, back impact.Impact) {
	t.Helper()
	count := func(i impact.Impact, kinds ...impact.Kind) int {
		n := 0
		for _, c := range i.Changes {
			if slices.Contains(kinds, c.Kind) {
				n++
			}
		}
		return n
	}
	for _, pair := range [][2][]impact.Kind{
		{{"column_removed"}, {"column_added"}},
		{{"column_undeclared"}, {"column_declared"}},
		{{"column_renamed"}, {"column_renamed"}},
		{{"column_retyped"}, {"column_retyped"}},
		{{"constraint_dropped"}, {"constraint_added"}},
		{{"model_removed", "model_disabled"}, {"model_added", "model_enabled"}},
		{{"model_renamed"}, {"model_renamed"}},
		{{"source_removed"}, {"source_added"}},
		{{"relation_moved"}, {"relation_moved"}},
		{{"contract_removed"}, {"contract_added"}},
		{{"test_removed", "test_disabled"}, {"test_added", "test_enabled"}},
		{{"exposure_removed", "exposure_disabled"}, {"exposure_added", "exposure_enabled"}},
		{{"dependency_removed"}, {"dependency_added"}},
		{{"job_field_removed"}, {"job_field_added"}},
		{{"job_field_changed"}, {"job_field_changed"}},
		{{"job_destination_changed"}, {"job_destination_changed"}},
		{{"job_key_changed"}, {"job_key_changed"}},
	} {
		for _, way := range [][2]impact.Impact{{there, back}, {back, there}} {
			if a, b := count(way[0], pair[0]...), count(way[1], pair[1]...); a != b {
				t.Errorf("%v comes %d times, and %v on the way back %d times", pair[0], a, pair[1], b)
			}
		}
	}
}

// golden compares a text with testdata/NAME.golden; UPDATE=1 writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(name)+".golden")
	if os.Getenv("UPDATE") != "" {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(got), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s mismatch (-want +got):\n%s", name, diff)
	}
}

// Each kind of the table is raised by a case or by the real pull request.
func TestEveryKindIsRaised(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*/*.golden")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for _, r := range impact.Rules() {
		if !strings.Contains(all.String(), " "+string(r.Kind)+" ") {
			t.Errorf("nothing raises %s", r.Kind)
		}
	}
}

// What real dbt made of a pull request that changes a little of everything,
// with catalogs on both sides.
func TestRealPullRequest(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"1.12-duckdb", "2.0-duckdb"} {
		dir := filepath.Join(artifacts, engine)
		before, after := load(t, filepath.Join(dir, "all_green", "manifest.json.gz")), load(t, filepath.Join(dir, "pull_request", "manifest.json.gz"))
		got := impact.Compare(before, after, impact.Options{})
		golden(t, "real/"+engine, strings.Join(append(lines(got), got.Notes...), "\n")+"\n")
		mirrored(t, got, impact.Compare(after, before, impact.Options{}))
	}
}
