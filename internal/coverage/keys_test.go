package coverage_test

import (
	"slices"
	"strings"
	"testing"

	"exposync/internal/coverage"
	"exposync/internal/dbt"
)

func TestProve(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		key     string
		build   func(w *world, n *dbt.Node)
		missing []string
	}{
		"both tests": {"id", func(w *world, _ *dbt.Node) { w.test("unique", "m", "id", ""); w.test("not_null", "m", "id", "") }, nil},
		"nothing":    {"id", func(*world, *dbt.Node) {}, []string{"unique on id", "not_null on id"}},
		"unique only": {
			"id", func(w *world, _ *dbt.Node) { w.test("unique", "m", "id", "") }, []string{"not_null on id"},
		},
		"another column": {
			"id", func(w *world, _ *dbt.Node) { w.test("unique", "m", "email", ""); w.test("not_null", "m", "id", "") }, []string{"unique on id"},
		},
		"a part of the rows": {
			"id", func(w *world, _ *dbt.Node) {
				w.test("unique", "m", "id", "").Where = "x"
				w.test("not_null", "m", "id", "")
			}, []string{"unique on id"},
		},
		"case": {"ID", func(w *world, _ *dbt.Node) { w.test("unique", "m", "id", ""); w.test("not_null", "m", "Id", "") }, nil},
		"column in kwargs": {
			"id", func(w *world, _ *dbt.Node) {
				w.test("unique", "m", "", `{"column_name":"id"}`)
				w.test("not_null", "m", "", `{"column_name":"\"id\""}`)
			}, nil,
		},
		"dbt_expectations": {
			"id", func(w *world, _ *dbt.Node) {
				w.test("expect_column_values_to_be_unique", "m", "id", "")
				w.test("expect_column_values_to_not_be_null", "m", "id", "")
			}, nil,
		},
		"dbt_constraints": {"id", func(w *world, _ *dbt.Node) { w.test("primary_key", "m", "id", "") }, nil},
		"test of another model": {
			"id", func(w *world, _ *dbt.Node) {
				w.model("table", "other")
				w.test("unique", "other", "id", "", "m")
				w.test("not_null", "other", "id", "", "m")
			}, []string{"unique on id", "not_null on id"},
		},
		"combination": {
			"a b", func(w *world, _ *dbt.Node) {
				w.test("unique_combination_of_columns", "m", "", `{"combination_of_columns":["B","a"]}`)
			}, nil,
		},
		"combination of more": {
			"a b", func(w *world, _ *dbt.Node) {
				w.test("unique_combination_of_columns", "m", "", `{"combination_of_columns":["a","b","c"]}`)
			}, []string{"unique_combination_of_columns on a, b", "not_null on a", "not_null on b"},
		},
		"one of several is unique": {
			"a b", func(w *world, _ *dbt.Node) {
				w.test("unique", "m", "a", "")
				w.test("not_null", "m", "a", "")
				w.test("not_null", "m", "b", "")
			}, nil,
		},
		"contract": {
			"id", func(_ *world, n *dbt.Node) {
				n.ContractEnforced = true
				n.Columns = []dbt.Column{{Name: "id", Constraints: []string{"primary_key"}}}
			}, nil,
		},
		"contract on the model": {
			"a b", func(_ *world, n *dbt.Node) {
				n.ContractEnforced = true
				n.Constraints = []dbt.Constraint{{Type: "primary_key", Columns: []string{"a", "b"}}}
			}, nil,
		},
		"contract not enforced": {
			"id", func(_ *world, n *dbt.Node) {
				n.Columns = []dbt.Column{{Name: "id", Constraints: []string{"primary_key"}}}
			}, []string{"unique on id", "not_null on id"},
		},
		"contract and a test": {
			"id", func(w *world, n *dbt.Node) {
				n.ContractEnforced = true
				n.Columns = []dbt.Column{{Name: "id", Constraints: []string{"not_null"}}}
				w.test("unique", "m", "id", "")
			}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			n := w.model("view", "m")
			c.build(w, n)
			k := coverage.Collect(w.in).Prove(n, strings.Fields(c.key))
			if !slices.Equal(k.Missing, c.missing) || k.Proven() != (len(c.missing) == 0) {
				t.Errorf("missing %q, want %q", k.Missing, c.missing)
			}
			if k.Proven() && len(k.Tests) == 0 && !k.Contract {
				t.Error("proven by nothing")
			}
		})
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	w := small(t)
	// A second job with another key of the same model: one model, one of its two keys missed.
	w.exposure("desk", "export_customers")
	w.job("desk", "export_customers", "email", "status")
	// A hosted sync says no key; the model's own counts.
	w.model("view", "export_own", "dim_customers").UniqueKey = []string{"id"}
	w.model("view", "export_tested", "dim_customers")
	w.test("unique", "export_tested", "uid", "")
	w.test("not_null", "export_tested", "uid", "")
	w.model("view", "export_silent", "dim_customers")
	w.exposure("watched", "export_own", "export_tested", "export_silent")
	w.declared("watched", coverage.Declared{Watched: "hightouch", Sync: "1"})
	d := w.dimension(coverage.Keys)
	wants(t, d, "1 of 4", "export_customers:email", "export_own:id", "export_silent")
	for _, m := range d.Misses {
		if m.Column == "email" && (m.Owner != "Team desk" || !strings.Contains(m.Fix, "data_tests: [unique, not_null]")) {
			t.Errorf("%+v", m)
		}
	}
}

func TestColumnsThatAreSent(t *testing.T) {
	t.Parallel()
	w := small(t)
	n := w.in.Project.Nodes[id("export_customers")]
	n.ContractEnforced = false
	columns(n, "tier", "deal_stage text x", "is_status boolean x", "kind text x", "unused int x")
	n.Columns[len(n.Columns)-2].Meta = []byte(`{"picklist":["a"]}`)
	w.exposure("more", "export_customers")
	w.job("more", "export_customers", "id", "EMAIL", "tier", "deal_stage", "is_status", "kind", "ghost")

	values := w.dimension(coverage.Values)
	wants(t, values, "1 of 4", "export_customers:tier", "export_customers:deal_stage", "export_customers:kind")

	documented := w.dimension(coverage.Documented)
	wants(t, documented, "0 of 10", "export_customers:id", "export_customers:email", "export_customers:status", "export_customers:tier",
		"export_customers:deal_stage", "export_customers:is_status", "export_customers:kind", "export_customers:ghost")
	for _, p := range documented.Parts {
		want := map[string]int{"description": 8, "data_type": 8, "contract": 0}[p.Name]
		if p.Covered != want || p.Total != 10 {
			t.Errorf("%s: %d of %d, want %d", p.Name, p.Covered, p.Total, want)
		}
	}
	mapped := w.dimension(coverage.Mapped)
	wants(t, mapped, "7 of 8", "export_customers:unused")

	// The catalog has the last word about which columns there are.
	w.in.Catalog = &dbt.Catalog{Columns: map[string][]dbt.CatalogColumn{n.UniqueID: {
		{Name: "ID", Type: "NUMBER"}, {Name: "EMAIL", Type: "TEXT"}, {Name: "STATUS", Type: "TEXT"}, {Name: "GHOST", Type: "TEXT"}, {Name: "NEW", Type: "TEXT"},
	}}}
	wants(t, w.dimension(coverage.Mapped), "4 of 5", "export_customers:NEW")
	w.in.Jobs[1].Fields[5].Column = "phantom"
	for _, m := range w.dimension(coverage.Documented).Misses {
		if strings.Contains(m.Message, "the catalog does not have it") != (m.Column == "phantom" || !slices.Contains([]string{"id", "email", "status", "ghost"}, m.Column)) {
			t.Errorf("%s: %s", m.Column, m.Message)
		}
	}
	w.in.Jobs[1].AllFields = true
	wants(t, w.dimension(coverage.Mapped), "5 of 5")
}

func TestEnumColumnsAreConfigured(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	columns(w.model("view", "export_a"), "id int x", "status text x", "lead_source text x")
	w.exposure("e", "export_a")
	w.job("e", "export_a", "id", "*")
	wants(t, w.dimension(coverage.Values), "0 of 1", "export_a:status")
	w.in.Settings.EnumColumns = []string{"lead_*"}
	wants(t, w.dimension(coverage.Values), "0 of 1", "export_a:lead_source")
	w.in.Settings.EnumColumns = []string{}
	wants(t, w.dimension(coverage.Values), "0 of 0")
}

// A model of which nobody knows the columns is not counted as one without any.
func TestUnknownColumns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.model("view", "export_a")
	w.exposure("e", "export_a")
	w.job("e", "export_a", "id", "*").Incremental.Column = "changed_at"
	d := w.dimension(coverage.Mapped)
	wants(t, d, "0 of 0")
	if !strings.Contains(d.Note, "export_a") {
		t.Errorf("note %q", d.Note)
	}
	columns(w.in.Project.Nodes[id("export_a")], "id", "changed_at", "x")
	w.in.Jobs[0].AllFields = false
	wants(t, w.dimension(coverage.Mapped), "2 of 3", "export_a:x")
}
