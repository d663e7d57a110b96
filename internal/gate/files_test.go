package gate_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"exposync/internal/dbt"
	"exposync/internal/fault"
	"exposync/internal/gate"
	"exposync/internal/plan"
)

// TestFiles are the preconditions of the artifacts (row 25 and the pair check).
func TestFiles(t *testing.T) {
	t.Parallel()
	minutes := func(n int) time.Time { return now.Add(time.Duration(n) * time.Minute) }
	cases := []struct {
		name  string
		world func(*world)
		want  string
	}{
		{"no file", func(*world) {}, "hold: no_results"},
		{"nothing was selected", func(w *world) { w.ran("build") }, "hold: no_results"},
		{"nothing was selected, though the ledger knows all", func(w *world) {
			w.ran("build").knows("dim_customers", "success", time.Hour).knows("export_customers", "success", time.Hour)
		}, "hold: no_results, not_rebuilt dim_customers"},
		{"an empty file beside one with results", func(w *world) { w.green().file("run", "inv-2", minutes(-1)) }, "go"},
		{"dbt compile", func(w *world) { w.ran("compile", "dim_customers success") }, "hold: not_evidence"},
		{"dbt show", func(w *world) { w.ran("show", "export_customers success") }, "hold: not_evidence"},
		{"dbt clone", func(w *world) { w.ran("clone", "export_customers success: No-op") }, "hold: not_evidence"},
		{"dbt run-operation", func(w *world) { w.ran("run-operation", "macro.shop.grant success") }, "hold: not_evidence"},
		{"no which", func(w *world) { w.ran("", "export_customers success") }, "hold: not_evidence"},
		{"a build whose tests are a success", func(w *world) { w.green("unique_export_customers success") }, "hold: not_evidence"},
		{"a failure in docs is no evidence either", func(w *world) {
			w.file("build", "inv-0", minutes(-20), w.greenRows()...).ran("generate", "dim_customers error")
		}, "go"},
		{"the ledger remembers a failure behind docs", func(w *world) {
			w.ran("generate", "dim_customers success").knows("dim_customers", "error", time.Hour)
		}, "block: node_failed dim_customers, not_evidence"},

		{"25 hours old", func(w *world) { w.file("build", "inv-1", now.Add(-25*time.Hour), w.greenRows()...) }, "hold: stale"},
		{"25 hours old, accepted", func(w *world) {
			w.file("build", "inv-1", now.Add(-25*time.Hour), w.greenRows()...).accept("stale")
		}, "go_warn: stale"},
		{"25 hours old, with a failure", func(w *world) {
			w.file("build", "inv-1", now.Add(-25*time.Hour), w.greenRows("dim_customers error")...).accept("stale")
		}, "block: node_failed dim_customers, stale"},
		{"exactly max_age old", func(w *world) { w.file("build", "inv-1", now.Add(-24*time.Hour), w.greenRows()...) }, "go"},
		{"without a time", func(w *world) { w.file("build", "inv-1", time.Time{}, w.greenRows()...) }, "hold: stale"},
		{"4 minutes ahead", func(w *world) { w.file("build", "inv-1", minutes(4), w.greenRows()...) }, "go"},
		{"6 minutes ahead", func(w *world) { w.file("build", "inv-1", minutes(6), w.greenRows()...) }, "hold: stale"},
		{"fresh tests of an old build", func(w *world) {
			w.file("run", "inv-0", now.Add(-25*time.Hour), "dim_customers success", "export_customers success")
			w.ran("test", "unique_export_customers pass", "not_null_export_customers pass")
		}, "hold: stale dim_customers, view_not_in_run export_customers"},
		{"fresh tests of an old build, accepted", func(w *world) {
			w.file("run", "inv-0", now.Add(-25*time.Hour), "dim_customers success", "export_customers success")
			w.ran("test", "unique_export_customers pass", "not_null_export_customers pass").accept("stale")
		}, "go_warn: stale dim_customers, view_not_in_run export_customers"},

		{"another invocation, all nodes known", func(w *world) { w.green().last().InvocationID = "inv-9" }, "go_warn: reparsed"},
		{"neither says its invocation", func(w *world) { w.green().last().InvocationID, w.project.InvocationID = "", "" }, "go_warn: reparsed"},
		{"another invocation, a node is unknown", func(w *world) {
			w.ran("build", append(w.greenRows(), "model.shop.renamed success")...).last().InvocationID = "inv-9"
		}, "hold: pair_mismatch"},
		{"accepted", func(w *world) {
			w.ran("build", append(w.greenRows(), "model.shop.renamed success")...).last().InvocationID = "inv-9"
			w.accept("pair_mismatch")
		}, "go_warn: pair_mismatch"},
		{"another invocation, a hook is unknown", func(w *world) {
			w.ran("build", append(w.greenRows(), "operation.shop.shop-on-run-end-0 success")...).last().InvocationID = "inv-9"
		}, "go_warn: reparsed"},
		{"same invocation, a hook failed at the start", func(w *world) {
			w.ran("build", append(w.greenRows(), "operation.shop.shop-on-run-start-0 error")...)
		}, "block: hook_failed operation.shop.shop-on-run-start-0"},
		{"a hook failed at the start, warn", func(w *world) {
			w.ran("build", append(w.greenRows(), "operation.shop.shop-on-run-start-0 error")...)
			w.policy(func(p *gate.Policy) { p.HookStart = gate.HookWarn })
		}, "go_warn: hook_failed operation.shop.shop-on-run-start-0"},
		{"a hook failed at the end", func(w *world) {
			w.ran("build", append(w.greenRows(), "operation.shop.shop-on-run-end-0 error")...)
		}, "go_warn: hook_failed operation.shop.shop-on-run-end-0"},
		{"a hook failed at the end, block", func(w *world) {
			w.ran("build", append(w.greenRows(), "operation.shop.shop-on-run-end-0 error")...)
			w.policy(func(p *gate.Policy) { p.HookEnd = gate.HookBlock })
		}, "block: hook_failed operation.shop.shop-on-run-end-0"},
		{"a later file ran the hook well", func(w *world) {
			w.file("run", "inv-0", minutes(-20), "operation.shop.shop-on-run-start-0 error")
			w.ran("build", append(w.greenRows(), "operation.shop.shop-on-run-start-0 success")...)
		}, "go"},
		{"another relation name", func(w *world) {
			w.green().last().InvocationID = "inv-9"
			w.edit("fct_invoices", func(n *dbt.Node) { n.RelationName = `"db"."prod"."fct_invoices_v2"` })
		}, "hold: pair_mismatch"},
		{"another schema", func(w *world) {
			w.green().last().InvocationID = "inv-9"
			w.edit("fct_invoices", func(n *dbt.Node) { n.RelationName = `"db"."dev"."fct_invoices"` })
		}, "hold: wrong_target"},
		{"another schema is never acceptable", func(w *world) {
			w.green().last().InvocationID = "inv-9"
			w.edit("fct_invoices", func(n *dbt.Node) { n.RelationName = `"db"."dev"."fct_invoices"` })
			w.accept("wrong_target", "pair_mismatch")
		}, "hold: wrong_target"},
		{"other quotes are no other relation", func(w *world) {
			w.green().last().InvocationID = "inv-9"
			w.edit("fct_invoices", func(n *dbt.Node) { n.RelationName = "`DB`.prod.FCT_INVOICES" })
		}, "go_warn: reparsed"},
		{"another project", func(w *world) { w.file("build", "inv-9", builtAt, "model.other.x success") }, "hold: wrong_project"},

		{"files of two targets by --target", func(w *world) {
			w.file("build", "inv-0", minutes(-20), w.greenRows()...).args(func(a *dbt.Args) { a.Target = "dev" })
			w.green().args(func(a *dbt.Args) { a.Target = "prod" })
		}, "hold: wrong_target"},
		{"files of two targets by relation", func(w *world) {
			w.file("build", "inv-0", minutes(-20), "fct_invoices success").last().Results[0].RelationName = `"db"."dev"."fct_invoices"`
			w.project.Nodes[w.id("fct_invoices")].RelationName = ""
			w.green().last().Results[slices.IndexFunc(w.last().Results, func(r dbt.Result) bool { return r.UniqueID == w.id("fct_invoices") })].RelationName = `"db"."prod"."fct_invoices"`
		}, "hold: wrong_target"},
		{"--empty, then a full build", func(w *world) {
			w.file("build", "inv-0", minutes(-20), w.greenRows()...).args(func(a *dbt.Args) { a.Empty = true })
			w.green()
		}, "go"},
		{"--empty, then a build of a part", func(w *world) {
			w.file("build", "inv-0", minutes(-20), w.greenRows()...).args(func(a *dbt.Args) { a.Empty = true })
			w.ran("build", "export_customers success", "unique_export_customers pass")
		}, "block: empty_build dim_customers, empty_build country_codes"},
		{"tests of an --empty build prove nothing", func(w *world) {
			w.file("build", "inv-0", minutes(-20), w.greenRows()...).args(func(a *dbt.Args) { a.Empty = true })
			w.ran("run", "dim_customers success", "export_customers success", "country_codes success")
		}, "go_warn: untested export_customers"},
		{"a full build, then --empty elsewhere", func(w *world) {
			w.file("build", "inv-0", minutes(-20), w.greenRows()...)
			w.ran("build", "fct_invoices success").args(func(a *dbt.Args) { a.Empty = true })
		}, "block: empty_build"},
		{"v2 does not say --empty, its code does", func(w *world) {
			w.edit("export_customers", func(n *dbt.Node) {
				n.CompiledCode = `select * from (select * from "db"."prod"."dim_customers" limit 0)`
			})
			w.green().last().DBTVersion = "2.0.0"
		}, "block: empty_build"},
		{"a limit of one's own is no --empty", func(w *world) {
			w.edit("export_customers", func(n *dbt.Node) {
				n.CompiledCode = `select * from (select * from "db"."prod"."dim_customers" limit 0) union all select * from "db"."prod"."dim_customers"`
			})
			w.green().last().DBTVersion = "2.0.0"
		}, "go"},
		{"a rebuild after the tests", func(w *world) {
			w.file("build", "inv-0", minutes(-20), w.greenRows()...)
			w.ran("run", "dim_customers success")
		}, "go_warn: untested export_customers"},
		{"a later failure of a success", func(w *world) {
			w.file("build", "inv-0", minutes(-20), w.greenRows()...)
			w.ran("run", "dim_customers error")
		}, "block: node_failed dim_customers, untested export_customers"},
		{"a later test file overrides nothing about models", func(w *world) {
			w.file("run", "inv-0", minutes(-20), "dim_customers error", "export_customers success")
			w.ran("test", "unique_export_customers pass", "not_null_export_customers pass")
		}, "block: node_failed dim_customers"},
		{"a skipped test does not undo its failure", func(w *world) {
			w.file("build", "inv-0", minutes(-20), w.greenRows("unique_export_customers fail")...)
			w.green("unique_export_customers skipped")
		}, "block: test_failed unique_export_customers"},
		{"a node twice in one file has its worst status", func(w *world) {
			w.ran("build", append(w.greenRows("dim_customers error"), "dim_customers success")...)
		}, "block: node_failed dim_customers"},
		{"results without unique_id", func(w *world) { w.ran("build", append(w.greenRows(), `"" error`)...) }, "go"},
		{"v2 refuses everything", func(w *world) {
			var rows []string
			for _, r := range w.greenRows() {
				name, _, _ := strings.Cut(r, " ")
				rows = append(rows, name+" error: Compilation Error")
			}
			w.ran("build", rows...).last().DBTVersion = "2.0.0"
		}, "block: node_failed export_customers"},

		{"23 the exposure was skipped, nothing else says why", func(w *world) { w.green("crm_contacts skipped") }, "block: exposure_skipped crm_contacts"},
		{"23 a rebuild undoes it", func(w *world) {
			w.file("build", "inv-0", minutes(-20), w.greenRows("crm_contacts skipped")...)
			w.ran("run", "dim_customers success", "export_customers success")
		}, "go_warn: untested export_customers"},
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

// TestTarget proves that what another target holds is never read.
func TestTarget(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		adapter string
		target  gate.Target
		edit    func(*dbt.Node)
		args    string
		want    string
	}{
		{name: "match", target: gate.Target{Name: "prod", Project: "shop", Database: "db", Schema: "prod"}, args: "prod", want: "go"},
		{name: "case counts on postgres", target: gate.Target{Name: "prod", Database: "db", Schema: "PROD"}, want: "hold: wrong_target export_customers"},
		{name: "case does not on snowflake", adapter: "snowflake", target: gate.Target{Name: "prod", Database: "DB", Schema: "PROD"}, want: "go"},
		{name: "another schema", target: gate.Target{Name: "prod", Schema: "analytics"}, want: "hold: wrong_target export_customers"},
		{name: "another database", target: gate.Target{Name: "prod", Database: "other", Schema: "prod"}, want: "hold: wrong_target export_customers"},
		{
			name: "a database of its own", target: gate.Target{Name: "prod", Database: "other", Schema: "prod"},
			edit: func(n *dbt.Node) { n.ConfigDatabase = "db" }, want: "go",
		},
		{
			name: "a schema of its own", target: gate.Target{Name: "prod", Schema: "prod"},
			edit: func(n *dbt.Node) { n.ConfigSchema, n.SchemaName = "crm", "prod_crm" }, want: "go",
		},
		{
			name: "a schema of its own in another target", target: gate.Target{Name: "prod", Schema: "prod"},
			edit: func(n *dbt.Node) { n.ConfigSchema, n.SchemaName = "crm", "dev_crm" }, want: "hold: wrong_target export_customers",
		},
		{
			name: "a listed schema", target: gate.Target{Name: "prod", Schema: "prod", Schemas: []string{"crm"}},
			edit: func(n *dbt.Node) { n.ConfigSchema, n.SchemaName = "crm", "crm" }, want: "go",
		},
		{name: "dbt ran with another --target", target: gate.Target{Name: "prod"}, args: "dev", want: "hold: wrong_target"},
		{name: "another project", target: gate.Target{Project: "crm"}, want: "hold: wrong_project"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := shop(t)
			w.target = &c.target
			w.project.Adapter = cmp.Or(c.adapter, "postgres")
			if c.edit != nil {
				w.edit("export_customers", c.edit)
			}
			w.green().args(func(a *dbt.Args) { a.Target = c.args }).accept("wrong_target", "wrong_project")
			w.want("crm_contacts", c.want)
		})
	}
}

func TestOnlyFewCodesAreAcceptable(t *testing.T) {
	t.Parallel()
	var got []string
	for _, code := range fault.Codes() {
		if gate.Acceptable(code) {
			got = append(got, code)
		}
	}
	if want := []string{"not_built", "not_rebuilt", "pair_mismatch", "stale", "test_skipped"}; !slices.Equal(got, want) {
		t.Errorf("acceptable are %v, want %v", got, want)
	}
}

func TestAcceptLetsOnlyItsHoldThrough(t *testing.T) {
	t.Parallel()
	absent := func(w *world) *world { return w.ran("build", "base success").node("table other") }
	cases := []struct {
		name   string
		row    row
		accept string
		want   string
		raised []string
	}{
		{"not_rebuilt", row{n: "-"}, "not_rebuilt", "go_warn: not_rebuilt n", []string{"not_rebuilt"}},
		{"not_built", row{kind: "view", n: "-", world: func(w *world) {
			w.knows("n", "success", time.Hour).remembers("n", func(e *plan.Evidence) { e.Checksum = "old" })
		}}, "not_built", "go_warn: not_built n", []string{"not_built"}},
		{"test_skipped", row{test: "skipped"}, "test_skipped", "go_warn: test_skipped t_n", []string{"test_skipped"}},
		{"another code", row{n: "-"}, "not_built", "hold: not_rebuilt n", []string{"not_rebuilt"}},
		{"a proven block", row{n: "error"}, "node_failed", "block: node_failed n", nil},
		{"untested", row{test: "-", set: func(p *gate.Policy) { p.TestRequire = true }}, "untested", "hold: untested n", []string{"untested"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := c.row.build(t, false).accept(c.accept).want("e", c.want)
			if got := gate.Raised(gate.Evaluate(w.facts(), w.policies, w.now)); !slices.Equal(got, c.raised) {
				t.Errorf("raised are %v, want %v", got, c.raised)
			}
			for _, r := range w.judge("e").Reasons {
				if r.Accepted != (r.Verdict == plan.VerdictGoWarn && r.Code == c.accept) {
					t.Errorf("%s: accepted is %v", r.Code, r.Accepted)
				}
			}
		})
	}
	// What was not in the run at all is not let through with it.
	w := shop(t)
	absent(w.node("table base")).accept("not_rebuilt", "not_in_run").want("crm_contacts", "hold: not_in_run")
}

func TestNotes(t *testing.T) {
	t.Parallel()
	w := shop(t)
	w.ran("build", append(w.greenRows("fct_invoices exploded", "unique_export_customers pass: Statically checked"), `"" error`)...).
		args(func(a *dbt.Args) {
			a.Defer, a.Select, a.IndirectSelection = true, []string{"x"}, "cautious"
		})
	w.file("generate", "inv-7", now)
	want := []string{
		"no dbt profile was read: database and schema were not compared with a target",
		"target/inv-1.json: 1 test checked by analysis, without a query in the warehouse",
		"target/inv-1.json: dbt build used --defer: parents outside of the selection were read from another environment",
		"target/inv-1.json: dbt build was narrowed by --select, --indirect-selection cautious: tests may be missing on purpose",
		"target/inv-1.json: left out 1 result without unique_id",
		`target/inv-1.json: model.shop.fct_invoices has status "exploded", which Exposync does not know`,
		"target/inv-7.json: written by dbt docs generate, which builds and tests nothing: left out",
	}
	if got := w.facts().Notes; !slices.Equal(got, want) {
		t.Errorf("notes:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestNothingToNote(t *testing.T) {
	t.Parallel()
	w := shop(t).green()
	w.target = &gate.Target{Name: "prod"}
	if got := w.facts().Notes; len(got) != 0 {
		t.Errorf("notes of a plain build: %v", got)
	}
}

// TestHints: what to type next depends on what went wrong.
func TestHints(t *testing.T) {
	t.Parallel()
	cases := []struct {
		world         func(*world)
		message, next string
	}{
		{func(w *world) { w.ran("generate", "dim_customers success") }, "dbt docs generate wrote this file", "--target-path target/docs"},
		{func(w *world) { w.ran("freshness", "dim_customers success") }, "dbt source freshness wrote this file", "dbt build"},
		{func(w *world) { w.ran("", "dim_customers success") }, "does not say which dbt command", "dbt build"},
		{func(w *world) { w.green("unique_export_customers success") }, "only dbt compile and docs", "dbt build"},
		{func(w *world) { w.ran("build") }, "check its --select", "dbt build"},
		{func(w *world) { w.green().project.InvocationID = "inv-2" }, "dbt ls, parse, docs or source freshness", "exposync build"},
		{func(w *world) {
			w.file("build", "inv-9", builtAt, append(w.greenRows(), "model.shop.a success", "model.shop.b success")...)
		}, "it lacks model.shop.a and 1 more", "dbt build"},
		{func(w *world) { w.file("build", "inv-1", now.Add(time.Hour), w.greenRows()...) }, "1h in the future", "dbt build"},
		{func(w *world) { w.ran("build", "fct_invoices success") }, "nothing that crm_contacts depends on", "dbt build --select +exposure:crm_contacts"},
		{func(w *world) { w.green("dim_customers error: Compilation Error") }, "dim_customers failed in dbt build: it does not compile", "dbt build --select dim_customers+"},
		{func(w *world) {
			w.ran("build", "dim_customers error: Compilation Error", "export_customers error: Compilation Error")
		}, "like everything in it: dbt stopped before it built anything", "dbt build --select export_customers+"},
		{func(w *world) { w.green("export_customers skipped: Skipping due to fail_fast") }, "--fail-fast", "dbt build --select export_customers+"},
		{func(w *world) {
			w.edit("dim_customers", func(n *dbt.Node) { n.Version = "2" }).green("dim_customers error")
		}, "dim_customers.v2 failed", "dbt build --select dim_customers.v2+"},
		{func(w *world) {
			w.target = &gate.Target{Schema: "dev"}
			w.green()
		}, "export_customers stands in schema \"prod\", not \"dev\" as the profile's target has it", "dbt build"},
		{func(w *world) {
			w.green().args(func(a *dbt.Args) { a.Target = "dev" })
			w.target = &gate.Target{Name: "prod"}
		}, "ran with --target dev, not prod", "dbt build --target prod"},
	}
	for _, c := range cases {
		t.Run(c.message, func(t *testing.T) {
			t.Parallel()
			w := shop(t)
			c.world(w)
			r := w.judge("crm_contacts").Reasons[0]
			if !strings.Contains(r.Message, c.message) || !strings.Contains(r.Next, c.next) {
				t.Errorf("%s: %q, next %q\nwant %q, next %q", r.Code, r.Message, r.Next, c.message, c.next)
			}
		})
	}
}

func TestMetadataFaultsBlockOnlyTheirExposure(t *testing.T) {
	t.Parallel()
	w := shop(t).green()
	w.policies.Faults = map[string]fault.List{w.id("crm_contacts"): {
		{Code: "setting_missing", Where: "models/x.yml:3", Msg: "key is missing", Hint: "name the key"},
	}}
	w.want("crm_contacts", "block: config crm_contacts").want("erp_invoices", "go")
	if r := w.judge("crm_contacts").Reasons[0]; r.Message != "models/x.yml:3: key is missing" || r.Next != "name the key" {
		t.Errorf("reason is %+v", r)
	}
}

func TestPolicyOfAnExposure(t *testing.T) {
	t.Parallel()
	yes := true
	w := shop(t).green("dim_customers error").exposure("second", "export_customers")
	w.policies.ByExposure = map[string]gate.Policy{
		w.id("second"): gate.DefaultPolicy().With(gate.Override{AllowFailedAncestors: &yes, MaxAge: time.Hour}),
	}
	w.want("crm_contacts", "block: node_failed dim_customers").want("second", "go_warn: node_failed dim_customers")

	got := gate.DefaultPolicy().With(gate.Override{})
	if got.MaxAge != 24*time.Hour || got.Scope != gate.ScopeRun || got.AllowFailedAncestors {
		t.Errorf("an empty override changed the policy: %+v", got)
	}
}
