package gate_test

import (
	"testing"
	"time"

	"exposync/internal/gate"
	"exposync/internal/plan"
)

// A job answers the dbt run that its own rows are of, not the newest one.
func TestInvocationOfALineage(t *testing.T) {
	t.Parallel()
	earlier, hourAgo := now.Add(-20*time.Minute), time.Hour
	for name, tt := range map[string]struct {
		world   func(*world)
		want    string
		touched bool
	}{
		"nothing known": {func(w *world) { w.ran("build", "fct_invoices success") }, "", false},
		"this run":      {func(w *world) { w.green() }, "inv-1", true},
		"another part was built, the ledger knows ours": {func(w *world) {
			w.ran("build", "fct_invoices success").knows("dim_customers", "success", hourAgo).knows("export_customers", "success", hourAgo)
		}, "inv-0", false},
		"two files, ours is the older": {func(w *world) {
			w.file("build", "inv-a", earlier, "dim_customers success", "export_customers success").ran("build", "fct_invoices success")
		}, "inv-a", true},
		"a test of ours in the newer file": {func(w *world) {
			w.file("run", "inv-a", earlier, "dim_customers success", "export_customers success").ran("test", "unique_export_customers pass")
		}, "inv-1", true},
		"the ledger knows a newer build": {func(w *world) {
			w.file("build", "inv-a", now.Add(-2*time.Hour), "dim_customers success").knows("dim_customers", "success", hourAgo)
		}, "inv-0", true},
		"an ancestor alone": {func(w *world) { w.ran("build", "country_codes success") }, "inv-1", true},
	} {
		w := shop(t)
		tt.world(w)
		j := gate.Evaluate(w.facts(), w.policies, w.now)[w.id("crm_contacts")]
		if j.Invocation != tt.want || j.Touched != tt.touched {
			t.Errorf("%s: invocation %q, touched %t, want %q, %t", name, j.Invocation, j.Touched, tt.want, tt.touched)
		}
	}
}

// Where rows change without dbt no dbt run stands for them.
func TestInvocationOfLiveRows(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		world func(*world)
		want  string
	}{
		"a view on a source":                  {func(w *world) { w.node("view v", "raw.customers").node("view export_x", "v") }, ""},
		"a view on an ephemeral source":       {func(w *world) { w.node("view export_x", "stg_customers") }, ""},
		"a view on another project":           {func(w *world) { w.node("external theirs").node("view export_x", "theirs") }, ""},
		"a materialized view":                 {func(w *world) { w.node("materialized_view m", "dim_customers").node("view export_x", "m") }, ""},
		"a table on a source":                 {func(w *world) { w.node("table export_x", "raw.customers") }, "inv-1"},
		"a view on a table, that on a source": {func(w *world) { w.node("view export_x", "dim_customers") }, "inv-1"},
	} {
		w := shop(t)
		tt.world(w)
		w.exposure("x", "export_x").ran("build", "dim_customers success", "export_x success")
		if j := gate.Evaluate(w.facts(), w.policies, w.now)[w.id("x")]; j.Invocation != tt.want {
			t.Errorf("%s: invocation %q, want %q", name, j.Invocation, tt.want)
		}
	}
}

// A file that was recorded together with its own manifest is not taken for
// proof of code that came later.
func TestSuccessOfOtherCode(t *testing.T) {
	t.Parallel()
	at := now.Add(-time.Hour)
	for name, tt := range map[string]struct {
		change func(*world)
		want   string
	}{
		"same code":                {func(*world) {}, "go"},
		"the table's code changed": {func(w *world) { w.remembers("dim_customers", func(e *plan.Evidence) { e.Checksum = "old" }) }, "hold: not_rebuilt dim_customers"},
		"the view's code changed":  {func(w *world) { w.remembers("export_customers", func(e *plan.Evidence) { e.Checksum = "old" }) }, "hold: not_built export_customers"},
	} {
		w := shop(t)
		w.file("build", "inv-a", at, w.greenRows()...)
		for _, n := range []string{"dim_customers", "export_customers", "country_codes"} {
			w.knows(n, "success", time.Hour)
			w.remembers(n, func(e *plan.Evidence) { e.InvocationID, e.GeneratedAt = "inv-a", at })
		}
		tt.change(w)
		w.ran("build", "fct_invoices success")
		w.policy(func(p *gate.Policy) { p.Scope = gate.ScopeStrict })
		if got := w.short(w.judge("crm_contacts")); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}
