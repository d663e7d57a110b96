package gate_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"exposync/internal/dbt"
	"exposync/internal/gate"
	"exposync/internal/plan"
)

const artifacts = "../../fixtures/dbt/artifacts"

// verdicts are by exposure; "*" stands for every exposure that is not named.
type verdicts map[string]string

const (
	emailTest   = "not_null_export_customers_email"
	relOrders   = "relationships_fct_orders_customer_id__customer_id__ref_dim_customers_"
	relExport   = "relationships_export_orders_customer_id__customer_id__ref_export_customers_"
	statusTest  = "accepted_values_export_invoices_status__open__paid__void"
	countryTest = "not_null_export_customers_country"
	parityTest  = "equal_rowcount_export_customers_ref_dim_customers_"
	unitTest    = "cancelled_orders_do_not_count"
)

// whatRealDBTMeans says what each scenario of the shop leads to, read from
// its files by hand. All engines agree unless differently says otherwise.
func whatRealDBTMeans() map[string]verdicts {
	// stg_customers fails: what hangs below is skipped. fct_orders does not,
	// but dbt cannot run the test that compares it with the customers.
	customersBroken := verdicts{
		"email_crm_export":    "block: node_skipped dim_customers, node_skipped export_customers, node_failed stg_customers",
		"support_desk_export": "block: node_skipped dim_customers, node_skipped export_customers, node_failed stg_customers",
		"ops_tool":            "block: node_skipped dim_customers, node_failed stg_customers",
		"weekly_kpis":         "hold: test_skipped " + relOrders,
		"*":                   "go",
	}
	emailBroken := verdicts{
		"email_crm_export": "block: test_failed " + emailTest, "support_desk_export": "block: test_failed " + emailTest, "*": "go",
	}
	return map[string]verdicts{
		"all_green":             {"*": "go"},
		"pull_request":          {"*": "go"},
		"test_failed_on_export": emailBroken,
		"run_then_test":         emailBroken,
		"run_then_test_green":   {"*": "go"},
		"docs_after_build":      emailBroken,
		"model_failed_upstream": customersBroken,
		"invoices_test_failed":  {"finance_erp_export": "block: test_failed " + statusTest, "*": "go"},
		"retry":                 {"*": "go"},
		"reparsed":              {"*": "go_warn: reparsed"},
		"mismatched_pair":       {"*": "hold: pair_mismatch"},
		"nothing_selected":      {"*": "hold: no_results"},
		"not_in_run":            {"finance_erp_export": "go", "*": "hold: not_in_run"},
		"empty":                 {"*": "block: empty_build"},
		"sample":                {"*": "block: sample_build"},
		"microbatch_green":      {"*": "go"},
		"microbatch_partial":    {"sales_feed_export": "block: node_skipped export_daily_sales, partial_success fct_daily_sales", "*": "go"},
		"warn": {
			"email_crm_export": "go_warn: test_warned " + countryTest, "support_desk_export": "go_warn: test_warned " + countryTest, "*": "go",
		},
		"jinja_failed_upstream": {
			"support_desk_export": "block: node_skipped export_orders, node_failed fct_orders",
			"weekly_kpis":         "block: node_failed fct_orders", "*": "go",
		},
		// The relationships tests are attached to the orders: they block who
		// reads orders and warn who reads customers only.
		"related_test_failed": {
			"email_crm_export":    "go_warn: related_test_failed " + relExport,
			"ops_tool":            "go_warn: related_test_failed " + relOrders,
			"support_desk_export": "block: test_failed " + relExport + ", test_failed " + relOrders,
			"weekly_kpis":         "block: related_test_failed " + relOrders,
			"*":                   "go",
		},
		// dbt built the children, so only the walk finds the failure.
		"on_error_continue": {
			"finance_erp_export": "go", "weekly_kpis": "go", "*": "block: node_failed dim_customers",
		},
		"unit_test_failed": {
			"email_crm_export":    "block: node_skipped dim_customers, node_skipped export_customers, test_failed " + unitTest,
			"support_desk_export": "block: node_skipped dim_customers, node_skipped export_customers, test_failed " + unitTest,
			"ops_tool":            "block: node_skipped dim_customers, test_failed " + unitTest,
			"weekly_kpis":         "hold: test_skipped " + relOrders,
			"*":                   "go",
		},
		// Only export_customers was built, the rest was read with --defer.
		"slim_ci": {
			"email_crm_export":    "go",
			"support_desk_export": "hold: not_rebuilt fct_orders, view_not_in_run export_orders",
			"finance_erp_export":  "hold: not_in_run",
			"weekly_kpis":         "hold: not_in_run",
			"ops_tool":            "hold: not_rebuilt dim_customers, untested dim_customers",
		},
		"defer_in_prod": {
			"email_crm_export":    "go",
			"support_desk_export": "hold: not_rebuilt fct_orders, view_not_in_run export_orders",
			"finance_erp_export":  "hold: not_in_run",
			"weekly_kpis":         "hold: not_in_run",
			"ops_tool":            "hold: not_rebuilt dim_customers, untested dim_customers",
		},
		// Only dim_customers was built, and with it ran the parity test of the
		// export view, which nobody has seen built yet.
		"partial_select": {
			"email_crm_export":    "go_warn: view_not_in_run export_customers",
			"support_desk_export": "hold: not_rebuilt fct_orders, view_not_in_run export_customers, untested export_orders, view_not_in_run export_orders",
			"finance_erp_export":  "hold: not_in_run",
			"weekly_kpis":         "hold: not_rebuilt fct_orders",
			"ops_tool":            "go",
		},
		"freshness_warn":          {"finance_erp_export": "go_warn: reparsed", "*": "go_warn: reparsed, freshness_warn orders"},
		"freshness_error":         {"finance_erp_export": "go_warn: reparsed", "*": "go_warn: reparsed, freshness_error orders"},
		"freshness_runtime_error": {"finance_erp_export": "go_warn: reparsed", "*": "go_warn: reparsed, freshness_missing orders"},
		// Of dbt v2, which leaves an empty file of "freshness" beside the build's.
		"freshness_not_supported": {"*": "go"},
		"fail_fast": {
			"email_crm_export":    "block: node_skipped dim_customers, node_skipped export_customers, node_skipped stg_customers, test_failed not_null_stg_payments_payment_id",
			"ops_tool":            "block: node_skipped dim_customers, node_skipped stg_customers, test_failed not_null_stg_payments_payment_id",
			"support_desk_export": "block: node_skipped dim_customers, node_skipped export_customers, node_skipped export_orders, node_skipped fct_orders, node_skipped stg_customers, test_failed not_null_stg_payments_payment_id",
			"finance_erp_export":  "block: node_skipped export_invoices, node_skipped fct_invoices",
			"weekly_kpis":         "block: node_skipped fct_orders, test_failed not_null_stg_payments_payment_id",
		},
		// dbt skips every model: the hook is what has to be told.
		"on_run_start_failure": {"*": "block: hook_failed shop-on-run-start-0"},
		// dbt v1 writes no results when a hook stops a build: what is left is
		// the green build before, beside a newer manifest.
		"on_run_start_failure_in_build": {"*": "go_warn: reparsed"},
	}
}

// differently has what one engine writes in another way.
func differently() map[string]verdicts {
	refused := verdicts{
		"email_crm_export":    "block: node_failed export_customers",
		"support_desk_export": "block: node_failed export_customers, node_failed export_orders",
		"finance_erp_export":  "block: node_failed export_invoices",
		"ops_tool":            "block: node_failed dim_customers",
		"weekly_kpis":         "block: node_failed fct_orders",
	}
	return map[string]verdicts{
		// dbt drops the old table with cascade, and so the view that its
		// parity test reads: the view is not there any more.
		"1.12-postgres/partial_select": {
			"email_crm_export":    "block: test_error " + parityTest + ", view_not_in_run export_customers",
			"support_desk_export": "block: test_error " + parityTest + ", not_rebuilt fct_orders, view_not_in_run export_customers, untested export_orders, view_not_in_run export_orders",
			"finance_erp_export":  "hold: not_in_run",
			"weekly_kpis":         "hold: not_rebuilt fct_orders",
			"ops_tool":            "go_warn: related_test_failed " + parityTest,
		},
		// v2 writes one "Compilation Error" for everything that it did not start.
		"2.0-duckdb/fail_fast":                     refused,
		"2.0-duckdb/on_run_start_failure":          refused,
		"2.0-duckdb/on_run_start_failure_in_build": refused,
		// v2 leaves out a microbatch model of which a batch failed.
		"2.0-duckdb/microbatch_partial": {"sales_feed_export": "block: node_skipped export_daily_sales", "*": "go"},
		// v2 says nowhere that it ran with --sample: only the guard on a
		// shrunken source is left.
		"2.0-duckdb/sample": {
			"email_crm_export":    "go_warn: untested export_customers",
			"support_desk_export": "go_warn: untested export_customers, untested export_orders",
			"finance_erp_export":  "go_warn: untested export_invoices",
			"ops_tool":            "go_warn: untested dim_customers",
			"weekly_kpis":         "go_warn: untested fct_orders",
		},
		// v2 does not continue below a view that lost its table.
		"2.0-duckdb/on_error_continue": {
			"email_crm_export":    "block: node_failed dim_customers, node_skipped export_customers",
			"support_desk_export": "block: node_failed dim_customers, node_skipped export_customers",
			"ops_tool":            "block: node_failed dim_customers",
			"weekly_kpis":         "hold: test_skipped " + relOrders,
			"*":                   "go",
		},
		// v2 calls a unit test that finds a difference an error.
		"2.0-duckdb/unit_test_failed": {
			"email_crm_export":    "block: node_skipped dim_customers, node_skipped export_customers, test_error " + unitTest,
			"support_desk_export": "block: node_skipped dim_customers, node_skipped export_customers, test_error " + unitTest,
			"ops_tool":            "block: node_skipped dim_customers, test_error " + unitTest,
			"weekly_kpis":         "hold: test_skipped " + relOrders,
			"*":                   "go",
		},
	}
}

// load reads one scenario, with those of its run_results that are named.
func load(t *testing.T, dir string, runResults ...string) *world {
	t.Helper()
	w := newWorld(t)
	p, err := dbt.LoadManifest(t.Context(), filepath.Join(dir, "manifest.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	w.project = p
	for _, f := range runResults {
		r, err := dbt.LoadRunResults(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		w.runs = append(w.runs, r)
	}
	if f := filepath.Join(dir, "sources.json.gz"); exists(f) {
		if w.sources, err = dbt.LoadSources(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	w.now = p.GeneratedAt.Add(5 * time.Minute)
	return w
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

func runResultsOf(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "run_results*.json.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no run_results in %s: %v", dir, err)
	}
	return files
}

// named is short with the names of nodes instead of unique_ids.
func (w *world) named(j plan.Judgement) string {
	for i, r := range j.Reasons {
		if n := w.project.Nodes[r.UniqueID]; n != nil {
			j.Reasons[i].UniqueID = n.Name
		}
	}
	return w.short(j)
}

func TestWhatRealDBTWrote(t *testing.T) {
	t.Parallel()
	common, special := whatRealDBTMeans(), differently()
	dirs, err := filepath.Glob(filepath.Join(artifacts, "*", "*"))
	if err != nil || len(dirs) < 70 {
		t.Fatalf("only %d scenarios below %s: %v", len(dirs), artifacts, err)
	}
	for _, dir := range dirs {
		engine, scenario := filepath.Base(filepath.Dir(dir)), filepath.Base(dir)
		t.Run(engine+"/"+scenario, func(t *testing.T) {
			t.Parallel()
			want, ok := special[engine+"/"+scenario]
			if !ok {
				want, ok = common[scenario]
			}
			if !ok {
				t.Fatalf("nobody said what %s means", scenario)
			}
			w := load(t, dir, runResultsOf(t, dir)...)
			got := gate.Evaluate(w.facts(), w.policies, w.now)
			for _, id := range slices.Sorted(maps.Keys(w.project.Exposures)) {
				name := strings.TrimPrefix(id, "exposure.shop.")
				expect, ok := want[name]
				if !ok {
					expect = want["*"]
				}
				if verdict := w.named(got[id]); verdict != expect {
					t.Errorf("%s:\n got %s\nwant %s", name, verdict, expect)
				}
			}
			for name := range want {
				if name != "*" && w.project.Exposures["exposure.shop."+name] == nil {
					t.Errorf("the shop has no exposure %s", name)
				}
			}
		})
	}
}

// TestRealDocsAlone: what docs generate leaves is called a success everywhere,
// and opens nothing.
func TestRealDocsAlone(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"1.12-duckdb", "2.0-duckdb"} {
		dir := filepath.Join(artifacts, engine, "docs_after_build")
		w := load(t, dir, filepath.Join(dir, "run_results.json.gz"))
		for id, j := range gate.Evaluate(w.facts(), w.policies, w.now) {
			if got := w.named(j); got != "hold: not_evidence" {
				t.Errorf("%s: %s: %s", engine, id, got)
			}
		}
	}
}

// TestRealEvidenceProvesTheNextRun plays two runs of the same shop: the green
// build is remembered, then only dim_customers is built.
func TestRealEvidenceProvesTheNextRun(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"1.12-duckdb", "2.0-duckdb", "1.5-duckdb", "sqlite"} {
		first := filepath.Join(artifacts, engine, "all_green")
		w := load(t, first, runResultsOf(t, first)...)
		evidence := gate.NewEvidence(w.project, w.runs)

		second := filepath.Join(artifacts, engine, "partial_select")
		w = load(t, second, runResultsOf(t, second)...)
		for _, e := range evidence {
			e.GeneratedAt = w.now.Add(-20 * time.Hour)
			w.known[e.UniqueID] = e
		}
		got := gate.Evaluate(w.facts(), w.policies, w.now)
		want := verdicts{
			"email_crm_export":    "go",
			"support_desk_export": "go_warn: not_rebuilt fct_orders",
			"finance_erp_export":  "go_warn: not_rebuilt fct_invoices",
			"weekly_kpis":         "go_warn: not_rebuilt fct_orders",
			"ops_tool":            "go",
		}
		for name, expect := range want {
			if verdict := w.named(got["exposure.shop."+name]); verdict != expect {
				t.Errorf("%s: %s:\n got %s\nwant %s", engine, name, verdict, expect)
			}
		}
	}
}
