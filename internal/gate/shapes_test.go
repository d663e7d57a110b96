package gate_test

import (
	"slices"
	"testing"
	"time"

	"exposync/internal/dbt"
	"exposync/internal/gate"
	"exposync/internal/plan"
)

// TestShapes are lineages that a walk can get wrong.
func TestShapes(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		world func(*world)
		want  string
	}{
		{"two ephemerals in a row", func(w *world) {
			w.node("table a").node("ephemeral b", "a").node("ephemeral c", "b").node("table d", "c").exposure("e", "d").green("a error")
		}, "block: node_failed a"},
		{"an ephemeral right under the exposure", func(w *world) {
			w.node("table a").node("ephemeral b", "a").exposure("e", "b").node("table other").green("a")
		}, "hold: not_in_run"},
		{"a test of an ephemeral right under the exposure", func(w *world) {
			w.node("table a").node("ephemeral b", "a").test("t", "b").exposure("e", "b").green("t fail").
				policy(func(p *gate.Policy) { p.TestScope = gate.TestsDirect })
		}, "block: test_failed t"},
		{"on_error: continue at distance 3", func(w *world) {
			w.node("table a").node("table b", "a").node("table c", "b").node("view d", "c").exposure("e", "d").green("a error")
		}, "block: node_failed a"},
		{"an absent view over a failed table", func(w *world) {
			w.node("table a").node("view b", "a").exposure("e", "b").green("a error", "b").knows("b", "success", time.Hour)
		}, "block: node_failed a"},
		{"an absent view over an absent table", func(w *world) {
			w.node("table x").node("table a", "x").node("view b", "a").exposure("e", "b").green("a", "b").knows("b", "success", time.Hour)
		}, "hold: not_rebuilt a"},
		{"a view that was built over an absent table", func(w *world) {
			w.node("table a").node("view b", "a").exposure("e", "b").green("a")
		}, "go"},
		{"an absent view over an absent view", func(w *world) {
			w.node("table a").node("view b", "a").node("view c", "b").exposure("e", "c").green("b", "c").
				knows("b", "success", time.Hour).knows("c", "success", time.Hour)
		}, "go"},
		{"an absent view over an absent view that changed", func(w *world) {
			w.node("table a").node("view b", "a").node("view c", "b").exposure("e", "c").green("b", "c").
				knows("c", "success", time.Hour).knows("b", "success", time.Hour).edit("b", func(n *dbt.Node) { n.Checksum = "new" })
		}, "hold: not_built b"},
		{"an absent view over an external node", func(w *world) {
			w.node("external a").node("table x").node("view b", "a", "x").exposure("e", "b").green("b").knows("b", "success", time.Hour)
		}, "go_warn: other_project a"},
		{"an absent view over a source", func(w *world) {
			w.node("source raw.a").node("table x").node("view b", "raw.a", "x").exposure("e", "b").green("b").knows("b", "success", time.Hour)
		}, "go_warn: source_unknown raw.a"},
		{"an absent view over an ephemeral", func(w *world) {
			w.node("table x").node("table a").node("ephemeral b", "a", "x").node("view c", "b").exposure("e", "c").green("a", "c").knows("c", "success", time.Hour)
		}, "hold: not_rebuilt a"},
		{"an absent view over something that is gone", func(w *world) {
			w.node("table a").node("view b", "a", "model.shop.gone").exposure("e", "b").green("b").knows("b", "success", time.Hour)
		}, "block: dangling_parent model.shop.gone"},
		{"tests of a view over a source are as old as the view", func(w *world) {
			w.node("source raw.a").node("view b", "raw.a").test("t", "b").node("table other").exposure("e", "b")
			w.file("build", "inv-0", builtAt.Add(-time.Minute), "b success", "t pass").ran("build", "other success")
		}, "go"},
		{"tests of a view over a table that nobody saw built may be old", func(w *world) {
			w.node("table a").node("view b", "a").test("t", "b").node("table other").exposure("e", "b")
			w.file("build", "inv-0", builtAt.Add(-time.Minute), "b success", "t pass").ran("build", "other success")
		}, "go_warn: untested b"},
		{"something that is gone further up", func(w *world) {
			w.node("table a", "model.shop.gone").node("table b", "a").exposure("e", "b").green()
		}, "go"},

		{"an external node that points back", func(w *world) {
			w.node("table a").node("external x", "a").node("table b", "x").exposure("e", "b").green("a error")
			w.project.Parents[w.id("a")] = []string{w.id("b")}
		}, "block: node_failed a"},
		{"a cycle of views", func(w *world) {
			w.node("view a").node("view b", "a").test("t", "b").exposure("e", "b").green()
			w.project.Parents[w.id("a")] = []string{w.id("b")}
		}, "go"},
		{"no parent_map", func(w *world) {
			w.node("table a").node("table b", "a").test("t", "b").exposure("e", "b").green("a error")
			w.project.Parents = nil
		}, "block: node_failed a"},
		{"an exposure is nobody's parent", func(w *world) {
			w.node("table a").exposure("first", "a").exposure("e", "a").green()
			w.project.Parents[w.id("e")] = []string{w.id("first"), w.id("a")}
		}, "go"},
		{"a model of one version", func(w *world) {
			w.node("table a.v1").node("table a.v2").exposure("e", "a.v2").green("a.v1 error")
		}, "go"},
		{"a function in the lineage", func(w *world) {
			w.node("function f").node("table a", "f").exposure("e", "a").green()
		}, "go"},
		{"a saved query is a no-op", func(w *world) {
			w.node("table a").node("saved_query q", "a").exposure("e", "a").ran("build", "a success", "q no-op")
		}, "go"},

		{"a singular test that looks outside", func(w *world) {
			w.node("table a").node("table x").singular("t", "a", "x").exposure("e", "a").green("t fail")
		}, "go_warn: related_test_failed t"},
		{"a singular test of the lineage alone", func(w *world) {
			w.node("table x").node("table a", "x").singular("t", "a", "x").exposure("e", "a").green("t fail")
		}, "block: test_failed t"},
		{"a singular test further up", func(w *world) {
			w.node("table x").node("table y").node("table b", "x", "y").node("table a", "b").singular("t", "x", "y").exposure("e", "a").
				green("t fail").policy(func(p *gate.Policy) { p.TestScope = gate.TestsDirect })
		}, "go_warn: test_failed t"},
		{"a related test further up", func(w *world) {
			w.node("table b").node("table a", "b").node("table x").test("t", "b", "x").exposure("e", "a").green("t fail")
		}, "go_warn: related_test_failed t"},
		{"a related test that is attached outside, further up", func(w *world) {
			w.node("table b").node("table a", "b").node("table x").test("t", "x", "b").exposure("e", "a").green("t fail")
		}, "go"},
		{"a related test could not run", func(w *world) {
			w.node("table a").node("table x").test("t", "a", "x").exposure("e", "a").green("t error")
		}, "block: related_test_failed t"},
		{"a related test was skipped with the other side", func(w *world) {
			w.node("table a").node("table x").test("t", "a", "x").exposure("e", "a").green("x error", "t skipped")
		}, "hold: test_skipped t"},
		{"a related test that is attached outside was skipped", func(w *world) {
			w.node("table a").node("table x").test("t", "x", "a").test("own", "a").exposure("e", "a").green("x error", "t skipped")
		}, "go"},
		{"a skip under an ephemeral whose parent failed", func(w *world) {
			w.node("table a").node("ephemeral b", "a").node("table c", "b").test("t", "b").exposure("e", "c").green("a error", "c skipped", "t skipped")
		}, "block: node_failed a, node_skipped c"},
		{"a test before manifest v9", func(w *world) {
			w.node("table a").singular("t", "a").exposure("e", "a").green("t fail")
		}, "block: test_failed t"},
		{"a test of a source", func(w *world) {
			w.node("source raw.s").node("table a", "raw.s").test("t", "raw.s").exposure("e", "a").green("t fail")
		}, "block: test_failed t"},
		{"a unit test that failed", func(w *world) {
			w.node("table a").unit("u", "a").exposure("e", "a").green("u fail", "a skipped")
		}, "block: node_skipped a, test_failed u"},
		{"tests of what hangs below do not count", func(w *world) {
			w.node("table a").node("table below", "a").test("t", "below").exposure("e", "a").green("t fail", "below error")
		}, "go"},
		{"two direct parents, one without proof", func(w *world) {
			w.node("table a").node("table b").exposure("e", "a", "b").green("b")
		}, "hold: not_rebuilt b"},
		{"two direct parents, one reused", func(w *world) {
			w.node("table a").node("table b").exposure("e", "a", "b").green("b reused")
		}, "go: reused b"},
		{"reused beside a source", func(w *world) {
			w.node("table a").node("source raw.s").exposure("e", "a", "raw.s").green("a reused").freshness("raw.s", "pass", time.Hour)
		}, "go: reused a"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.world(w)
			w.want("e", c.want)
		})
	}
}

func TestNotInRun(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		world func(*world)
		want  plan.Verdict
		code  string
	}{
		{"nothing is known", func(*world) {}, plan.VerdictHold, "not_in_run"},
		{"an old success does not speak", func(w *world) { w.knows("dim_customers", "success", 80*time.Hour) }, plan.VerdictHold, "not_in_run"},
		{"strict", func(w *world) { w.policy(scope(gate.ScopeStrict)) }, plan.VerdictHold, "not_in_run"},
		{"tests.require", func(w *world) {
			w.policy(func(p *gate.Policy) { p.TestRequire = true })
			w.knows("dim_customers", "success", time.Hour).knows("export_customers", "success", time.Hour)
		}, plan.VerdictHold, "not_in_run"},
		{"a fresh success speaks", func(w *world) {
			w.knows("dim_customers", "success", time.Hour).knows("export_customers", "success", time.Hour).
				knows("unique_export_customers", "pass", time.Hour)
		}, plan.VerdictGoWarn, "not_rebuilt"},
		{"a failure speaks", func(w *world) { w.knows("country_codes", "error", 80*time.Hour) }, plan.VerdictBlock, "node_failed"},
		{"changed code speaks", func(w *world) {
			w.knows("export_customers", "success", time.Hour).edit("export_customers", func(n *dbt.Node) { n.Checksum = "new" })
		}, plan.VerdictHold, "not_built"},
		{"a row of an ephemeral does not speak", func(w *world) {
			w.last().Results = append(w.last().Results, dbt.Result{UniqueID: w.id("stg_customers"), Status: "skipped", Message: "Skipped"})
		}, plan.VerdictHold, "not_in_run"},
		{"a row of an ancestor", func(w *world) {
			w.last().Results = append(w.last().Results, dbt.Result{UniqueID: w.id("country_codes"), Status: "success"})
		}, plan.VerdictHold, "not_rebuilt"},
		{"a row of a test", func(w *world) {
			w.last().Results = append(w.last().Results, dbt.Result{UniqueID: w.id("unique_export_customers"), Status: "pass"})
		}, plan.VerdictHold, "not_rebuilt"},
		{"a stale file speaks", func(w *world) { w.last().GeneratedAt = now.Add(-30 * time.Hour) }, plan.VerdictHold, "stale"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := shop(t).ran("build", "fct_invoices success", "export_invoices success")
			c.world(w)
			j := w.judge("crm_contacts")
			if has := slices.ContainsFunc(j.Reasons, func(r plan.Reason) bool { return r.Code == c.code }); j.Verdict != c.want || !has {
				t.Errorf("got %s, want %s with %s", w.short(j), c.want, c.code)
			}
			if only := j.Only("not_in_run"); only != (c.code == "not_in_run") {
				t.Errorf("only not_in_run is %v: %s", only, w.short(j))
			}
		})
	}
}

func TestDisabledExposuresAreListedNotJudged(t *testing.T) {
	t.Parallel()
	w := shop(t).green()
	w.project.Disabled["exposure.shop.old"] = dbt.Disabled{UniqueID: "exposure.shop.old", ResourceType: "exposure", Name: "old"}
	w.project.Disabled["model.shop.x"] = dbt.Disabled{UniqueID: "model.shop.x", ResourceType: "model", Name: "x"}
	if _, judged := gate.Evaluate(w.facts(), w.policies, now)["exposure.shop.old"]; judged {
		t.Error("a disabled exposure was judged")
	}
	got := gate.Disabled(w.project)
	if len(got) != 1 || got[0].Code != "disabled" || got[0].UniqueID != "exposure.shop.old" {
		t.Errorf("disabled are %+v", got)
	}
}
