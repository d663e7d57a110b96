package gate_test

import (
	"testing"
	"time"

	"exposync/internal/dbt"
	"exposync/internal/gate"
	"exposync/internal/plan"
)

// row is one situation of node n, judged twice: where the exposure reads n
// itself (base -> n -> e), and where n stands further up (base -> n -> d -> e).
// All else is green.
type row struct {
	name   string
	kind   string // of n; table unless it says otherwise
	n      string // status of n, with ": MESSAGE"; "-" is no row
	test   string // status of the test of n; "-" is no row, "none" is no test
	set    func(*gate.Policy)
	world  func(*world) // anything else
	direct string
	above  string
}

func (r row) build(t *testing.T, above bool) *world {
	t.Helper()
	w := newWorld(t).node("table base")
	kind, parents := r.kind, []string{"base"}
	switch kind {
	case "":
		kind = "table"
	case "source":
		parents = nil
		w.ids["n"] = "source.shop.n.n"
		w.project.Nodes["source.shop.n.n"] = &dbt.Node{UniqueID: "source.shop.n.n", ResourceType: "source", SourceName: "n", Name: "n", Package: "shop"}
	case "seed", "external":
		parents = nil
	}
	if kind != "source" {
		w.node(kind+" n", parents...)
	}
	rows := []string{"base success"}
	if r.test != "none" {
		w.test("t_n", "n")
		if r.test != "-" {
			rows = append(rows, "t_n "+orElse(r.test, "pass"))
		}
	}
	if kind != "source" && r.n != "-" {
		rows = append(rows, "n "+orElse(r.n, "success"))
	}
	if above {
		w.node("table d", "n").test("t_d", "d").exposure("e", "d")
		rows = append(rows, "d success", "t_d pass")
	} else {
		w.exposure("e", "n")
	}
	w.ran("build", rows...)
	if r.set != nil {
		w.policy(r.set)
	}
	if r.world != nil {
		r.world(w)
	}
	return w
}

func orElse(s, or string) string {
	if s == "" {
		return or
	}
	return s
}

func scope(s gate.Scope) func(*gate.Policy) { return func(p *gate.Policy) { p.Scope = s } }

// rows are the situations of the truth table, by number.
func rows() []row {
	return append(append(resultRows(), absenceRows()...), testRows()...)
}

func resultRows() []row {
	return []row{
		{name: "1 success", direct: "go", above: "go"},
		{name: "1 success, strict", set: scope(gate.ScopeStrict), direct: "go", above: "go"},
		{name: "2 reused", n: "reused", direct: "unchanged: reused n", above: "go"},
		{name: "2 reused with its test", n: "reused", test: "reused: Skipped due to model reuse", direct: "unchanged: reused n", above: "go"},
		{name: "3 model warn", n: "warn", direct: "go_warn: model_warned n", above: "go_warn: model_warned n"},
		{name: "4 error", n: "error", direct: "block: node_failed n", above: "block: node_failed n"},
		{name: "4 fail", n: "fail", direct: "block: node_failed n", above: "block: node_failed n"},
		{name: "4 runtime error", n: "runtime error", direct: "block: node_failed n", above: "block: node_failed n"},
		{
			name: "4 error, allow_failed_ancestors", n: "error", set: func(p *gate.Policy) { p.AllowFailedAncestors = true },
			direct: "block: node_failed n", above: "go_warn: node_failed n",
		},
		{
			name: "4 error, allow_failed_ancestors, strict", n: "error",
			set:    func(p *gate.Policy) { p.AllowFailedAncestors, p.Scope = true, gate.ScopeStrict },
			direct: "block: node_failed n", above: "block: node_failed n",
		},
		{name: "4 error, scope direct", n: "error", set: scope(gate.ScopeDirect), direct: "block: node_failed n", above: "go_warn: node_failed n"},
		{name: "4 v2 compile error", n: "error: Compilation Error", direct: "block: node_failed n", above: "block: node_failed n"},
		{name: "4 an ephemeral that does not compile", kind: "ephemeral", n: "error: Compilation Error", direct: "block: node_failed n", above: "block: node_failed n"},
		{name: "5 skipped by v2", n: "skipped: Skipped due to upstream failure", direct: "block: node_skipped n", above: "block: node_skipped n"},
		{name: "5 skipped by fail-fast", n: "skipped: Skipping due to fail_fast", direct: "block: node_skipped n", above: "block: node_skipped n"},
		{
			name: "5 skipped, allow_failed_ancestors does not cover it", n: "skipped", set: func(p *gate.Policy) { p.AllowFailedAncestors = true },
			direct: "block: node_skipped n", above: "block: node_skipped n",
		},
		{name: "5 skipped, scope direct", n: "skipped", set: scope(gate.ScopeDirect), direct: "block: node_skipped n", above: "go_warn: node_skipped n"},
		{name: "6 ephemeral skipped by v2", kind: "ephemeral", n: "skipped: Skipped", test: "none", direct: "go", above: "go"},
		{name: "6 ephemeral without row", kind: "ephemeral", n: "-", test: "none", direct: "go", above: "go"},
		{name: "7 partial success", n: "partial success", direct: "block: partial_success n", above: "block: partial_success n"},
		{
			name: "7 partial success, warn", n: "partial success", set: func(p *gate.Policy) { p.PartialSuccess = gate.PartialWarn },
			direct: "go_warn: partial_success n", above: "go_warn: partial_success n",
		},
		{name: "13 function skipped in dbt run", kind: "function", n: "skipped: Skipped", test: "none", direct: "go", above: "go"},
		{name: "13 function failed", kind: "function", n: "error", test: "none", direct: "block: node_failed n", above: "block: node_failed n"},
		{name: "13 metric transparent", kind: "metric", n: "-", test: "none", direct: "go", above: "go"},
		{name: "13 semantic model transparent", kind: "semantic_model", n: "-", test: "none", direct: "go", above: "go"},
		{name: "unknown status", n: "exploded", direct: "hold: unknown_status n", above: "go_warn: unknown_status n"},
		{name: "unknown status, strict", n: "exploded", set: scope(gate.ScopeStrict), direct: "hold: unknown_status n", above: "hold: unknown_status n"},
		{
			name: "28 deprecated", world: func(w *world) {
				w.edit("n", func(n *dbt.Node) { n.Deprecation = now.Add(-time.Hour) })
			},
			direct: "go_warn: deprecated n", above: "go",
		},
		{
			name: "28 deprecated next year", world: func(w *world) {
				w.edit("n", func(n *dbt.Node) { n.Deprecation = now.AddDate(1, 0, 0) })
			},
			direct: "go", above: "go",
		},
	}
}

func absenceRows() []row {
	known := func(ago time.Duration) func(*world) {
		return func(w *world) { w.knows("n", "success", ago) }
	}
	changed := func(w *world) {
		w.knows("n", "success", time.Hour).remembers("n", func(e *plan.Evidence) { e.Checksum = "old" })
	}
	require := func(p *gate.Policy) { p.Views = gate.ViewsRequire }
	external := func(p *gate.Policy) { p.External = gate.ExternalRequire }
	freshness := func(f gate.Freshness) func(*gate.Policy) { return func(p *gate.Policy) { p.Freshness = f } }
	late := func(status string, ago time.Duration) func(*world) {
		return func(w *world) { w.freshness("n", status, ago) }
	}
	promised := func(w *world) {
		w.edit("n", func(n *dbt.Node) { n.Freshness = &dbt.Freshness{ErrorAfter: time.Hour} })
	}
	return []row{
		{name: "8 absent view, no ledger", kind: "view", n: "-", direct: "go_warn: view_not_in_run n", above: "go"},
		{name: "8 absent view, no ledger, scope direct", kind: "view", n: "-", set: scope(gate.ScopeDirect), direct: "go_warn: view_not_in_run n", above: "go"},
		{name: "8 absent view, no ledger, strict", kind: "view", n: "-", set: scope(gate.ScopeStrict), direct: "hold: view_not_in_run n", above: "go"},
		{name: "8 absent view, ledger has this code", kind: "view", n: "-", world: known(500 * time.Hour), direct: "go", above: "go"},
		{name: "8 absent view, ledger has other code", kind: "view", n: "-", world: changed, direct: "hold: not_built n", above: "go"},
		{name: "8 absent view, required", kind: "view", n: "-", set: require, world: known(time.Hour), direct: "hold: view_not_in_run n", above: "go"},
		{
			name: "8 absent view, required, strict", kind: "view", n: "-",
			set: func(p *gate.Policy) { require(p); p.Scope = gate.ScopeStrict }, direct: "hold: view_not_in_run n", above: "hold: view_not_in_run n",
		},
		{name: "8 absent view, the ledger's success is a failure", kind: "view", n: "-", world: func(w *world) { w.knows("n", "error", 500*time.Hour) }, direct: "block: node_failed n", above: "block: node_failed n"},
		{name: "9 absent table, no ledger", n: "-", direct: "hold: not_rebuilt n", above: "go"},
		{name: "9 absent table, no ledger, scope direct", n: "-", set: scope(gate.ScopeDirect), direct: "hold: not_rebuilt n", above: "go"},
		{name: "9 absent table, no ledger, strict", n: "-", set: scope(gate.ScopeStrict), direct: "hold: not_rebuilt n", above: "hold: not_rebuilt n"},
		{name: "9 absent table, ledger", n: "-", world: known(23 * time.Hour), direct: "go_warn: not_rebuilt n", above: "go"},
		{name: "9 absent table, ledger, strict", n: "-", set: scope(gate.ScopeStrict), world: known(23 * time.Hour), direct: "go_warn: not_rebuilt n", above: "go_warn: not_rebuilt n"},
		{name: "9 absent table, ledger too old", n: "-", world: known(25 * time.Hour), direct: "hold: not_rebuilt n", above: "go"},
		{name: "9 absent table, ledger old but within max_age", n: "-", world: known(25 * time.Hour), set: func(p *gate.Policy) { p.MaxAge = 48 * time.Hour }, direct: "go_warn: not_rebuilt n", above: "go"},
		{name: "9 absent table, ledger has other code", n: "-", world: changed, direct: "hold: not_rebuilt n", above: "go"},
		{name: "9 absent table, ledger without checksum", n: "-", world: func(w *world) {
			w.knows("n", "success", time.Hour).remembers("n", func(e *plan.Evidence) { e.Checksum = "" })
		}, direct: "hold: not_rebuilt n", above: "go"},
		{name: "9 absent table, ledger from another target", n: "-", world: func(w *world) {
			w.knows("n", "success", time.Hour).remembers("n", func(e *plan.Evidence) { e.RelationName = `"db"."dev"."n"` })
		}, direct: "hold: not_rebuilt n", above: "go"},
		{name: "9 another target's failure is not ours", n: "-", world: func(w *world) {
			w.knows("n", "error", time.Hour).remembers("n", func(e *plan.Evidence) { e.RelationName = `"db"."dev"."n"` })
		}, direct: "hold: not_rebuilt n", above: "go"},
		{name: "9 absent incremental", kind: "incremental", n: "-", direct: "hold: not_rebuilt n", above: "go"},
		{name: "9 absent materialized view", kind: "materialized_view", n: "-", direct: "hold: not_rebuilt n", above: "go"},
		{name: "9 absent snapshot", kind: "snapshot", n: "-", direct: "hold: not_rebuilt n", above: "go"},
		{name: "9 absent seed", kind: "seed", n: "-", direct: "hold: not_rebuilt n", above: "go"},
		{name: "9 an old failure in the ledger", n: "-", world: func(w *world) { w.knows("n", "error", 9000*time.Hour) }, direct: "block: node_failed n", above: "block: node_failed n"},
		{name: "9 an old skip in the ledger", n: "-", world: func(w *world) { w.knows("n", "skipped", 9000*time.Hour) }, direct: "block: node_skipped n", above: "block: node_skipped n"},
		{name: "9 the ledger remembers a failure after the run", world: func(w *world) { w.knows("n", "error", time.Minute) }, direct: "block: node_failed n", above: "block: node_failed n"},
		{name: "9 the run replaces a failure of the ledger", world: func(w *world) { w.knows("n", "error", time.Hour) }, direct: "go", above: "go"},
		{name: "9 the ledger's --empty build", n: "-", world: func(w *world) {
			w.knows("n", "success", time.Hour).remembers("n", func(e *plan.Evidence) { e.Cut = "empty" })
		}, direct: "block: empty_build n", above: "block: empty_build n"},
		{name: "9 the ledger's --sample build", n: "-", world: func(w *world) {
			w.knows("n", "success", time.Hour).remembers("n", func(e *plan.Evidence) { e.Cut = "sample" })
		}, direct: "block: sample_build n", above: "block: sample_build n"},
		{name: "10 external", kind: "external", n: "-", direct: "go_warn: other_project n", above: "go", test: "none"},
		{name: "10 external, required", kind: "external", n: "-", set: external, test: "none", direct: "hold: other_project n", above: "go"},
		{name: "10 external, required, strict", kind: "external", n: "-", test: "none", set: func(p *gate.Policy) { external(p); p.Scope = gate.ScopeStrict }, direct: "hold: other_project n", above: "hold: other_project n"},
		{name: "10 external with evidence", kind: "external", test: "none", direct: "go", above: "go"},
		{name: "11 source", kind: "source", direct: "go_warn: source_unknown n", above: "go"},
		{name: "11 source, ignore", kind: "source", set: freshness(gate.FreshnessIgnore), direct: "go_warn: source_unknown n", above: "go"},
		{name: "11 source, require", kind: "source", set: freshness(gate.FreshnessRequire), direct: "hold: source_unknown n", above: "go"},
		{name: "11 source with a promise, no sources.json", kind: "source", world: promised, direct: "go_warn: source_unknown n", above: "go"},
		{name: "11 source with a promise, no sources.json, require", kind: "source", world: promised, set: freshness(gate.FreshnessRequire), direct: "hold: freshness_missing n", above: "hold: freshness_missing n"},
		{name: "12 pass", kind: "source", world: late("pass", time.Hour), direct: "go", above: "go"},
		{name: "12 pass, require", kind: "source", world: late("pass", time.Hour), set: freshness(gate.FreshnessRequire), direct: "go", above: "go"},
		{name: "12 warn", kind: "source", world: late("warn", 13*time.Hour), direct: "go_warn: freshness_warn n", above: "go_warn: freshness_warn n"},
		{name: "12 pass when it was looked at, late by now", kind: "source", world: late("pass", 13*time.Hour), direct: "go_warn: freshness_warn n", above: "go_warn: freshness_warn n"},
		{name: "12 error", kind: "source", world: late("error", 25*time.Hour), direct: "block: freshness_error n", above: "go_warn: freshness_error n"},
		{name: "12 pass when it was looked at, an error by now", kind: "source", world: late("pass", 25*time.Hour), direct: "block: freshness_error n", above: "go_warn: freshness_error n"},
		{name: "12 error, require", kind: "source", world: late("error", 25*time.Hour), set: freshness(gate.FreshnessRequire), direct: "block: freshness_error n", above: "block: freshness_error n"},
		{name: "12 error, ignore", kind: "source", world: late("error", 25*time.Hour), set: freshness(gate.FreshnessIgnore), direct: "go_warn: source_unknown n", above: "go"},
		{name: "12 runtime error", kind: "source", world: late("runtime error", time.Hour), direct: "go_warn: freshness_missing n", above: "go_warn: freshness_missing n"},
		{name: "12 missing though freshness ran", kind: "source", world: func(w *world) { promised(w); w.freshness("", "", 0) }, direct: "go_warn: freshness_missing n", above: "go_warn: freshness_missing n"},
		{name: "12 the file says no limits, the project does", kind: "source", world: func(w *world) {
			promised(w)
			w.freshness("n", "pass", 2*time.Hour).sources.Results[0].Freshness = dbt.Freshness{}
		}, direct: "block: freshness_error n", above: "go_warn: freshness_error n"},
		{name: "12 exactly as old as it may be", kind: "source", world: late("pass", 24*time.Hour), direct: "go_warn: freshness_warn n", above: "go_warn: freshness_warn n"},
		{name: "12 twice in one file, the worse counts", kind: "source", world: func(w *world) {
			w.freshness("n", "pass", time.Hour).freshness("n", "error", 30*time.Hour).freshness("n", "pass", time.Hour)
		}, direct: "block: freshness_error n", above: "go_warn: freshness_error n"},
		{name: "12 a result without unique_id", kind: "source", world: func(w *world) {
			w.freshness("n", "pass", time.Hour).sources.Results = append(w.sources.Results, dbt.SourceResult{Status: "error"})
		}, direct: "go", above: "go"},
		{name: "12 an error without a time", kind: "source", world: func(w *world) {
			w.freshness("n", "error", 0).sources.Results[0].MaxLoadedAt = time.Time{}
		}, direct: "block: freshness_error n", above: "go_warn: freshness_error n"},
		{name: "12 a status that is new", kind: "source", world: late("exploded", time.Hour), direct: "go_warn: freshness_missing n", above: "go_warn: freshness_missing n"},
		{name: "12 missing, require", kind: "source", world: func(w *world) { promised(w); w.freshness("", "", 0) }, set: freshness(gate.FreshnessRequire), direct: "hold: freshness_missing n", above: "hold: freshness_missing n"},
		{name: "12 missing, but it promises nothing", kind: "source", world: func(w *world) { w.freshness("", "", 0) }, direct: "go_warn: source_unknown n", above: "go"},
	}
}

func testRows() []row {
	tests := func(change func(*gate.Policy)) func(*gate.Policy) { return change }
	direct := tests(func(p *gate.Policy) { p.TestScope = gate.TestsDirect })
	warn := func(v gate.TestWarn) func(*gate.Policy) { return func(p *gate.Policy) { p.TestWarn = v } }
	require := tests(func(p *gate.Policy) { p.TestRequire = true })
	waive := func(node, reason string, until time.Time) func(*gate.Policy) {
		return func(p *gate.Policy) {
			p.Waivers = []gate.Waiver{{Node: node, Reason: reason, Until: until}}
		}
	}
	today := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	return []row{
		{name: "14 pass", direct: "go", above: "go"},
		{name: "14 statically checked", test: "pass: Statically checked", direct: "go", above: "go"},
		{name: "15 warn", test: "warn", direct: "go_warn: test_warned t_n", above: "go_warn: test_warned t_n"},
		{name: "15 warn, pass", test: "warn", set: warn(gate.TestWarnPass), direct: "go", above: "go"},
		{name: "15 warn, block", test: "warn", set: warn(gate.TestWarnBlock), direct: "block: test_warned t_n", above: "block: test_warned t_n"},
		{
			name: "15 warn, block, tests.scope direct", test: "warn",
			set: func(p *gate.Policy) { p.TestWarn, p.TestScope = gate.TestWarnBlock, gate.TestsDirect }, direct: "block: test_warned t_n", above: "go_warn: test_warned t_n",
		},
		{name: "16 fail", test: "fail", direct: "block: test_failed t_n", above: "block: test_failed t_n"},
		{name: "16 fail, tests.scope direct", test: "fail", set: direct, direct: "block: test_failed t_n", above: "go_warn: test_failed t_n"},
		{name: "16 fail, scope direct leaves tests.scope alone", test: "fail", set: scope(gate.ScopeDirect), direct: "block: test_failed t_n", above: "block: test_failed t_n"},
		{name: "17 error", test: "error", direct: "block: test_error t_n", above: "block: test_error t_n"},
		{name: "17 error, tests.scope direct", test: "error", set: direct, direct: "block: test_error t_n", above: "go_warn: test_error t_n"},
		{name: "18 a lone skip", test: "skipped", direct: "hold: test_skipped t_n", above: "go"},
		{name: "18 a skip that its parent explains", n: "error", test: "skipped", direct: "block: node_failed n", above: "block: node_failed n"},
		{name: "19 no test ran", test: "-", direct: "go_warn: untested n", above: "go"},
		{name: "19 no test ran, required", test: "-", set: require, direct: "hold: untested n", above: "go"},
		{name: "19 a test of yesterday, before the rebuild", test: "-", world: func(w *world) { w.knows("t_n", "pass", time.Hour) }, direct: "go_warn: untested n", above: "go"},
		{name: "19 a test after the rebuild", test: "-", world: func(w *world) { w.knows("t_n", "pass", time.Minute) }, direct: "go", above: "go"},
		{name: "19 a test that another definition passed", test: "-", world: func(w *world) {
			w.knows("t_n", "pass", time.Minute).remembers("t_n", func(e *plan.Evidence) { e.Checksum = "other" })
		}, direct: "go_warn: untested n", above: "go"},
		{name: "19 a failure of yesterday", test: "-", world: func(w *world) { w.knows("t_n", "fail", 9000*time.Hour) }, direct: "block: test_failed t_n", above: "block: test_failed t_n"},
		{name: "19 a failure that a skip does not undo", test: "skipped", world: func(w *world) { w.knows("t_n", "fail", time.Hour) }, direct: "block: test_failed t_n", above: "block: test_failed t_n"},
		{name: "19 a failure that reuse does not undo", test: "reused", world: func(w *world) { w.knows("t_n", "fail", time.Hour) }, direct: "block: test_failed t_n", above: "block: test_failed t_n"},
		{name: "20 no test defined", test: "none", set: require, direct: "go", above: "go"},
		{name: "unknown status", test: "exploded", direct: "hold: unknown_status t_n", above: "go_warn: unknown_status t_n"},
		{name: "waived on its last day", test: "fail", set: waive("t_n", "DATA-12", today), direct: "go_warn: waived t_n", above: "go_warn: waived t_n"},
		{name: "waived by glob", test: "error", set: waive("test.shop.t_*", "DATA-12", today), direct: "go_warn: waived t_n", above: "go_warn: waived t_n"},
		{name: "waived skip", test: "skipped", set: waive("t_n", "DATA-12", today), direct: "go_warn: waived t_n", above: "go"},
		{name: "waiver of yesterday", test: "fail", set: waive("t_n", "DATA-12", today.AddDate(0, 0, -1)), direct: "block: test_failed t_n", above: "block: test_failed t_n"},
		{name: "waiver without a reason", test: "fail", set: waive("t_n", "", today), direct: "block: test_failed t_n", above: "block: test_failed t_n"},
		{name: "waiver without a date", test: "fail", set: waive("t_n", "DATA-12", time.Time{}), direct: "block: test_failed t_n", above: "block: test_failed t_n"},
		{name: "a waiver covers no model", n: "error", test: "-", set: waive("n", "DATA-12", today), direct: "block: node_failed n", above: "block: node_failed n"},
		{name: "waived untested", test: "-", set: func(p *gate.Policy) { require(p); waive("n", "DATA-12", today)(p) }, direct: "go_warn: waived n", above: "go"},
	}
}

func TestTruthTable(t *testing.T) {
	t.Parallel()
	for _, r := range rows() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			r.build(t, false).want("e", r.direct)
			r.build(t, true).want("e", r.above)
		})
	}
}
