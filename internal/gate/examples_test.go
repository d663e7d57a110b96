package gate_test

import (
	"testing"
	"time"

	"exposync/internal/dbt"
	"exposync/internal/gate"
)

// TestWorkedExamples are the examples that the semantics of the gate are
// taught with, by number.
func TestWorkedExamples(t *testing.T) {
	t.Parallel()
	strict := scope(gate.ScopeStrict)
	cases := []struct {
		name  string
		world func(*world)
		want  string
	}{
		{"1 all green", func(w *world) { w.green("crm_contacts no-op") }, "go"},
		{"2 the key test failed, the exposure is a no-op", func(w *world) {
			w.green("crm_contacts no-op", "not_null_export_customers fail")
		}, "block: test_failed not_null_export_customers"},
		{"3 only the dimension, the ledger knows the view", func(w *world) {
			w.ran("build", "dim_customers success").knows("export_customers", "success", 100*time.Hour)
		}, "go_warn: untested export_customers"},
		{"3 with tests.require", func(w *world) {
			w.ran("build", "dim_customers success").knows("export_customers", "success", 100*time.Hour)
			w.policy(func(p *gate.Policy) { p.TestRequire = true })
		}, "hold: untested export_customers"},
		{"4 only the dimension, no ledger", func(w *world) { w.ran("build", "dim_customers success") }, "go_warn: untested export_customers, view_not_in_run export_customers"},
		{"4 strict", func(w *world) { w.ran("build", "dim_customers success").policy(strict) }, "hold: view_not_in_run export_customers, not_rebuilt country_codes, untested export_customers"},
		{"5 only the export view", func(w *world) {
			w.ran("build", "export_customers success", "unique_export_customers pass", "not_null_export_customers pass")
		}, "go"},
		{"5 scope direct", func(w *world) {
			w.ran("build", "export_customers success", "unique_export_customers pass").policy(scope(gate.ScopeDirect))
		}, "go"},
		{"5 strict", func(w *world) {
			w.ran("build", "export_customers success", "unique_export_customers pass").policy(strict)
		}, "hold: not_rebuilt dim_customers, not_rebuilt country_codes"},
		{"6 the export is a table and absent", func(w *world) {
			w.edit("export_customers", func(n *dbt.Node) { n.Materialized = "table" }).ran("build", "dim_customers success")
		}, "hold: not_rebuilt export_customers, untested export_customers"},
		{"6 with evidence", func(w *world) {
			w.edit("export_customers", func(n *dbt.Node) { n.Materialized = "table" }).ran("build", "dim_customers success")
			w.knows("export_customers", "success", time.Hour).knows("unique_export_customers", "pass", time.Hour)
		}, "go_warn: not_rebuilt export_customers"},
		{"7 on_error: continue", func(w *world) { w.green("dim_customers error") }, "block: node_failed dim_customers"},
		{"8 v2 lists the ephemeral", func(w *world) { w.green("stg_customers skipped: Skipped") }, "go"},
		{"8 v2 without its row", func(w *world) { w.green() }, "go"},
		{"9 v2 skips what hangs below", func(w *world) {
			w.green("dim_customers error", "export_customers skipped: Skipped due to upstream failure",
				"unique_export_customers skipped: Skipped due to upstream failure", "not_null_export_customers skipped: Skipped due to upstream failure")
		}, "block: node_failed dim_customers, node_skipped export_customers"},
		{"10 all reused", func(w *world) {
			w.green("dim_customers reused", "export_customers reused", "country_codes reused", "unique_export_customers reused", "not_null_export_customers reused")
		}, "unchanged: reused export_customers"},
		{"10 reused, but a test warned", func(w *world) {
			w.green("export_customers reused", "unique_export_customers warn")
		}, "go_warn: test_warned unique_export_customers, reused export_customers"},
		{"11 only docs generate is left", func(w *world) {
			w.ran("generate", w.greenRows("unique_export_customers success")...)
		}, "hold: not_evidence"},
		{"12 both files", func(w *world) {
			w.file("build", "inv-0", builtAt.Add(-time.Minute), w.greenRows()...)
			w.ran("generate", w.greenRows("unique_export_customers success")...)
		}, "go"},
		{"13 --empty", func(w *world) { w.green().args(func(a *dbt.Args) { a.Empty = true }) }, "block: empty_build"},
		{"13 --sample", func(w *world) { w.green().args(func(a *dbt.Args) { a.Sample = "3 days" }) }, "block: sample_build"},
		{"14 run is green, test is not", func(w *world) {
			w.file("run", "inv-0", builtAt.Add(-time.Minute), "dim_customers success", "export_customers success")
			w.ran("test", "unique_export_customers fail", "not_null_export_customers pass")
		}, "block: test_failed unique_export_customers"},
		{"15 retry", func(w *world) {
			w.file("build", "inv-0", builtAt.Add(-time.Minute), w.greenRows("dim_customers error", "export_customers skipped", "unique_export_customers skipped", "not_null_export_customers skipped", "crm_contacts skipped")...)
			w.ran("build", "dim_customers success", "export_customers success", "unique_export_customers pass", "not_null_export_customers pass")
		}, "go"},
		{"16 another exposure's model failed", func(w *world) { w.green("fct_invoices error", "export_invoices skipped") }, "go"},
		{"17 relationships, attached here", func(w *world) {
			w.node("table dim_regions").test("rel", "export_customers", "dim_regions").green("rel fail")
		}, "block: related_test_failed rel"},
		{"18 relationships, attached there", func(w *world) {
			w.node("table dim_regions").test("rel", "dim_regions", "export_customers").green("rel fail")
		}, "go_warn: related_test_failed rel"},
		{"19 the source is not fresh", func(w *world) { w.green().freshness("raw.customers", "error", 30*time.Hour) }, "go_warn: freshness_error raw.customers"},
		{"19 require", func(w *world) {
			w.green().freshness("raw.customers", "error", 30*time.Hour).policy(func(p *gate.Policy) { p.Freshness = gate.FreshnessRequire })
		}, "block: freshness_error raw.customers"},
		{"20 partial success", func(w *world) { w.green("dim_customers partial success") }, "block: partial_success dim_customers"},
		{"20 warn", func(w *world) {
			w.green("dim_customers partial success").policy(func(p *gate.Policy) { p.PartialSuccess = gate.PartialWarn })
		}, "go_warn: partial_success dim_customers"},
		{"21 source freshness wrote a new manifest", func(w *world) { w.green().project.InvocationID = "inv-2" }, "go_warn: reparsed"},
		{"23 ^C, the dimension is there", func(w *world) {
			w.ran("build", "dim_customers success").knows("export_customers", "success", 50*time.Hour)
		}, "go_warn: untested export_customers"},
		{"23 ^C before the dimension", func(w *world) { w.ran("build", "country_codes success") }, "hold: not_rebuilt dim_customers, untested export_customers, view_not_in_run export_customers"},
		{"23 ^C before the dimension, the ledger proves it", func(w *world) {
			w.ran("build", "country_codes success").knows("dim_customers", "success", time.Hour).knows("export_customers", "success", time.Hour)
		}, "go_warn: not_rebuilt dim_customers, untested export_customers"},
		{"26 another part of the project was built", func(w *world) { w.ran("build", "fct_invoices success", "export_invoices success") }, "hold: not_in_run"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := shop(t)
			c.world(w)
			w.want("crm_contacts", c.want)
		})
	}
}

// TestOneBrokenModelStopsOnlyItsOwnExposure is example 16 seen from both sides.
func TestOneBrokenModelStopsOnlyItsOwnExposure(t *testing.T) {
	t.Parallel()
	shop(t).green("fct_invoices error", "export_invoices skipped", "erp_invoices skipped").
		want("crm_contacts", "go").
		want("erp_invoices", "block: node_skipped export_invoices, node_failed fct_invoices")
}

// TestMetricsStandForTheirModels is example 24.
func TestMetricsStandForTheirModels(t *testing.T) {
	t.Parallel()
	w := shop(t).node("semantic_model invoices", "fct_invoices").node("metric revenue", "invoices").
		node("metric revenue_growth", "revenue").exposure("kpis", "revenue_growth")
	w.green("fct_invoices error").want("kpis", "block: node_failed fct_invoices")
}

// TestNothingToDependOn is example 25, and its neighbours.
func TestNothingToDependOn(t *testing.T) {
	t.Parallel()
	w := shop(t).exposure("nothing").exposure("gone", "model.shop.removed").exposure("off", "model.shop.off").
		node("ephemeral constant").exposure("only_constants", "constant").
		node("metric lost", "semantic_model.shop.removed").exposure("lost_metric", "lost").
		exposure("half", "export_customers", "model.shop.removed").
		exposure("only_source", "raw.customers")
	w.project.Disabled["model.shop.off"] = dbt.Disabled{UniqueID: "model.shop.off", ResourceType: "model", Name: "off"}
	w.green().
		want("nothing", "block: no_parents nothing").
		want("gone", "block: dangling_parent model.shop.removed").
		want("off", "block: dangling_parent model.shop.off").
		want("only_constants", "block: no_parents only_constants").
		want("lost_metric", "block: dangling_parent semantic_model.shop.removed").
		want("half", "block: dangling_parent model.shop.removed").
		want("only_source", "go_warn: source_unknown raw.customers")
}
