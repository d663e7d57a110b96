package coverage_test

import (
	"strings"
	"testing"
	"time"

	"exposync/internal/coverage"
	"exposync/internal/dbt"
	"exposync/internal/fault"
	"exposync/internal/gate"
	"exposync/internal/plan"
)

// small is a project with one sync that misses nothing but what a test takes
// away.
func small(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.model("", "raw_customers").Freshness = &dbt.Freshness{WarnAfter: time.Hour}
	w.model("view", "stg_customers", "raw_customers")
	w.model("table", "dim_customers", "stg_customers")
	n := columns(w.model("view", "export_customers", "dim_customers"), "id int the key", "email text where to write", "status text how it stands")
	n.ContractEnforced = true
	w.test("unique", "export_customers", "id", "")
	w.test("not_null", "export_customers", "id", "")
	w.test("equal_rowcount", "export_customers", "", `{"compare_model":"ref('dim_customers')"}`, "dim_customers")
	w.test("accepted_values", "export_customers", "status", `{"values":["a"]}`)
	w.exposure("crm", "export_customers")
	w.job("crm", "export_customers", "id", "email", "status")
	w.declared("crm", coverage.Declared{Where: "models/exposures.yml:3", SLA: time.Hour})
	return w
}

func TestNothingIsMissed(t *testing.T) {
	t.Parallel()
	w := small(t)
	r := w.measure()
	for _, d := range r.Dimensions {
		switch d.Name {
		case coverage.Hosted, coverage.Proven: // nothing was at hand
			if d.Share != nil || d.Measured || d.Note == "" {
				t.Errorf("%s was not measured, and has %v", d.Name, d.Share)
			}
		default:
			if d.Share == nil || *d.Share != 1 || len(d.Misses) > 0 {
				t.Errorf("%s: %d of %d, %v", d.Name, d.Covered, d.Total, d.Misses)
			}
		}
	}
	if r.Total.Share == nil || *r.Total.Share != 1 || r.Failed() {
		t.Errorf("total %+v", r.Total)
	}
}

// An empty project has no shares: neither 100% nor a crash.
func TestNothingThere(t *testing.T) {
	t.Parallel()
	r := newWorld(t).measure()
	if r.Total.Share != nil || r.Total.Total != 0 || len(r.Dimensions) != 13 {
		t.Errorf("total %+v of %d dimensions", r.Total, len(r.Dimensions))
	}
	for _, d := range r.Dimensions {
		wants(t, d, "0 of 0")
	}
}

func TestExports(t *testing.T) {
	t.Parallel()
	w := small(t)
	w.model("view", "export_orders", "dim_customers")
	w.model("view", "export_hidden", "dim_customers").Enabled = true
	w.model("ephemeral", "between", "export_hidden")
	w.exposure("through", "between")
	w.exposure("board", "export_orders").Type = "dashboard"
	wants(t, w.dimension(coverage.Exports), "2 of 3", "export_orders")
}

func TestTargets(t *testing.T) {
	t.Parallel()
	w := small(t)
	w.exposure("mart", "dim_customers")
	w.exposure("none")
	d := w.dimension(coverage.Targets)
	wants(t, d, "1 of 3", "mart", "none")
	for _, m := range d.Misses {
		if m.Name == "mart" && (!strings.Contains(m.Message, "depends on dim_customers") || !strings.Contains(m.Fix, "ref('export_customers')")) {
			t.Errorf("mart: %s\n%s", m.Message, m.Fix)
		}
		if m.Name == "none" && !strings.Contains(m.Message, "depends on nothing") {
			t.Errorf("none: %s", m.Message)
		}
	}
}

func TestBound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		url     string
		watched string
		problem *fault.Fault
		job     bool
		want    string // of the message; empty if it is bound
	}{
		"job":         {url: "https://x.example.com", job: true},
		"hosted id":   {url: "https://app.hightouch.com/a/syncs/42", watched: "hightouch"},
		"unknown app": {url: "https://sync.example.com/syncs/7"},
		"search":      {url: "https://app.hightouch.com/a/syncs?search=x", watched: "hightouch", want: "not the id of a sync"},
		"placeholder": {url: "<your sync>", want: "its url is no address"},
		"no url":      {want: "neither a sync"},
		"other url":   {url: "https://bi.example.com/1", want: "its url shows no sync"},
		"mistake": {
			url: "https://x.example.com", job: true, problem: &fault.Fault{Whose: fault.Mapping, Msg: "key is missing", Hint: "add it"},
			want: "never runs: key is missing",
		},
		"no set-up": {url: "https://x.example.com", job: true, problem: &fault.Fault{Whose: fault.Setup, Msg: "no connection"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.model("view", "export_a")
			w.exposure("e", "export_a").URL = c.url
			w.declared("e", coverage.Declared{Watched: c.watched})
			if c.job {
				j := w.job("e", "export_a", "id")
				if c.problem != nil {
					j.Problems = fault.List{c.problem}
				}
			}
			d := w.dimension(coverage.Bound)
			if c.want == "" {
				wants(t, d, "1 of 1")
				return
			}
			wants(t, d, "0 of 1", "e")
			if !strings.Contains(d.Misses[0].Message, c.want) {
				t.Errorf("%q does not say %q", d.Misses[0].Message, c.want)
			}
		})
	}
}

func TestHosted(t *testing.T) {
	t.Parallel()
	w := small(t)
	w.model("view", "export_orders", "dim_customers")
	w.exposure("shown").URL = "https://app.hightouch.com/a/syncs/4"
	w.declared("shown", coverage.Declared{Watched: "hightouch", Sync: "4"})
	w.in.Hosted = &coverage.HostedInventory{
		Syncs: []coverage.HostedSync{
			{Tool: "hightouch", ID: "1", Name: "by id", Model: id("export_customers"), Enabled: true},
			{Tool: "hightouch", ID: "2", Name: "by relation", Relation: `S.EXPORT_CUSTOMERS`, Enabled: true},
			{Tool: "hightouch", ID: "3", Name: "unclaimed", Model: id("export_orders"), Columns: []string{"id"}},
			{Tool: "hightouch", ID: "4", Name: "by url", Relation: "elsewhere.t", Enabled: true},
			{Tool: "hightouch", ID: "5", Name: "stranger", Relation: "other.t", Enabled: true},
			{Tool: "census", ID: "4", Name: "another tool's", Enabled: true},
		},
		Unread: map[string]string{"census_eu": "401"},
	}
	d := w.dimension(coverage.Hosted)
	wants(t, d, "3 of 6", "hightouch/3", "hightouch/5", "census/4")
	if !strings.Contains(d.Note, "census_eu") {
		t.Errorf("note %q", d.Note)
	}
	for _, m := range d.Misses {
		switch m.Name {
		case "unclaimed":
			if !strings.Contains(m.Message, "switched off") || !strings.Contains(m.Fix, "hosted: hightouch/3") || !strings.Contains(m.Fix, "ref('export_orders')") {
				t.Errorf("%s\n%s", m.Message, m.Fix)
			}
		case "stranger":
			if !strings.Contains(m.Message, "no model of this project") {
				t.Error(m.Message)
			}
		}
	}
}

func TestDescribed(t *testing.T) {
	t.Parallel()
	w := small(t)
	e := w.exposure("bare", "export_customers")
	e.OwnerName, e.OwnerEmails, e.URL, e.Description, e.Maturity = "", []string{"a***@example.com"}, "https://<workspace>/x", "  ", ""
	w.job("bare", "export_customers", "id")
	w.exposure("not_synced", "export_customers")
	d := w.dimension(coverage.Described)
	wants(t, d, "5 of 10", "bare:owner", "bare:url", "bare:description", "bare:maturity", "bare:sla")
	for _, p := range d.Parts {
		if p.Covered != 1 || p.Total != 2 {
			t.Errorf("part %s: %d of %d", p.Name, p.Covered, p.Total)
		}
	}
	// The jobs may say it, if they all do.
	w.in.Jobs[1].SLA = time.Hour
	if d := w.dimension(coverage.Described); d.Covered != 6 {
		t.Errorf("the job's sla does not count: %d", d.Covered)
	}
}

func TestFresh(t *testing.T) {
	t.Parallel()
	w := small(t)
	w.model("", "raw_orders").LoadedAt = "_at"
	w.model("", "raw_aside")
	w.in.Project.Nodes[id("stg_customers")].DependsOn = append(w.in.Project.Nodes[id("stg_customers")].DependsOn, id("raw_orders"))
	w.in.Project.Parents[id("stg_customers")] = []string{id("raw_customers"), id("raw_orders")}
	d := w.dimension(coverage.Fresh)
	wants(t, d, "1 of 2", "raw_orders")
	if !strings.Contains(d.Misses[0].Message, "loaded_at_field is there") || strings.Contains(d.Misses[0].Fix, "loaded_at_field") {
		t.Errorf("%s\n%s", d.Misses[0].Message, d.Misses[0].Fix)
	}
}

func TestViews(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		build func(w *world)
		depth int
		ok    bool
	}{
		"table":                 {func(w *world) { w.model("table", "export_a", "raw_x") }, 0, true},
		"incremental":           {func(w *world) { w.model("incremental", "export_a", "v"); w.model("view", "v", "raw_x") }, 0, true},
		"view on table":         {func(w *world) { w.model("view", "export_a", "t"); w.model("table", "t", "raw_x") }, 0, true},
		"view on mat. view":     {func(w *world) { w.model("view", "export_a", "t"); w.model("materialized_view", "t", "raw_x") }, 0, true},
		"view on view":          {func(w *world) { chain(w) }, 0, false},
		"view on view, depth 2": {func(w *world) { chain(w) }, 2, true},
		"view on source":        {func(w *world) { w.model("view", "export_a", "raw_x") }, 5, false},
		"ephemeral on table": {func(w *world) {
			w.model("view", "export_a", "e")
			w.model("ephemeral", "e", "t")
			w.model("table", "t", "raw_x")
		}, 0, true},
		"ephemeral on view": {func(w *world) {
			w.model("view", "export_a", "e")
			w.model("ephemeral", "e", "v")
			w.model("view", "v", "t")
			w.model("table", "t")
		}, 0, false},
		"one of two parents": {func(w *world) {
			w.model("view", "export_a", "t", "v")
			w.model("table", "t")
			w.model("view", "v", "t")
		}, 0, false},
		"other project": {func(w *world) { w.model("view", "export_a", "t"); w.model("view", "t").External = true }, 0, true},
		"cycle":         {func(w *world) { w.model("view", "export_a", "v"); w.model("view", "v", "export_a") }, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.model("", "raw_x")
			c.build(w)
			w.exposure("e", "export_a")
			w.job("e", "export_a", "id")
			w.in.Settings.ViewDepth = c.depth
			d := w.dimension(coverage.Views)
			if c.ok {
				wants(t, d, "1 of 1")
				return
			}
			wants(t, d, "0 of 1", "export_a")
			if !strings.Contains(d.Misses[0].Message, "export_a (view) -> ") {
				t.Errorf("no chain in %q", d.Misses[0].Message)
			}
		})
	}
}

func chain(w *world) {
	w.model("view", "export_a", "v")
	w.model("view", "v", "t")
	w.model("table", "t", "raw_x")
}

func TestParity(t *testing.T) {
	t.Parallel()
	w := small(t)
	w.model("view", "export_joined", "dim_customers", "stg_customers") // nothing to compare with
	w.model("view", "export_declared", "dim_customers", "stg_customers")
	w.test("equality", "export_declared", "", "", "dim_customers")
	w.model("view", "export_bare", "dim_customers")
	w.model("view", "export_elsewhere", "dim_customers")
	w.test("equal_rowcount", "export_elsewhere", "", "", "stg_customers")
	w.model("view", "export_raw", "raw_customers")
	w.exposure("more", "export_joined", "export_declared", "export_bare", "export_elsewhere", "export_raw")
	w.job("more", "export_bare", "id")
	r := w.measure()
	wants(t, *r.Dimension(coverage.Parity), "2 of 4", "export_bare", "export_elsewhere")
	several := 0
	for _, n := range r.Shown {
		if n.Kind == "several_parents" {
			several++
		}
	}
	if several != 1 {
		t.Errorf("%d models are told to be made of several", several)
	}
}

func TestEvidence(t *testing.T) {
	t.Parallel()
	w := small(t)
	run := &dbt.RunResults{InvocationID: "1", GeneratedAt: now, Args: dbt.Args{Which: "build"}}
	for node, status := range map[string]string{
		id("stg_customers"): "success", id("dim_customers"): "error", id("export_customers"): "skipped",
	} {
		run.Results = append(run.Results, dbt.Result{UniqueID: node, Status: status})
	}
	known := map[string]plan.Evidence{}
	for test, n := range w.in.Project.Nodes {
		switch n.TestName {
		case "unique":
			run.Results = append(run.Results, dbt.Result{UniqueID: test, Status: "pass"})
		case "not_null":
			known[test] = plan.Evidence{UniqueID: test, Status: "pass", Which: "build", GeneratedAt: now.Add(-48 * time.Hour)}
		}
	}
	w.in.Runs, w.in.Gate = true, gate.Collect(w.in.Project, gate.Input{Runs: []*dbt.RunResults{run}, Known: known})
	d := w.dimension(coverage.Proven)
	if d.Covered != 3 || d.Total != 7 || len(d.Misses) != 4 { // 3 models and 4 tests; a failure is evidence, a skip is none
		t.Errorf("%d of %d, %d misses", d.Covered, d.Total, len(d.Misses))
	}
	for _, m := range d.Misses {
		if strings.Contains(m.Subject, "not_null") && !strings.Contains(m.Message, "the last one is of 2026-11-25") {
			t.Errorf("what the ledger knows is not told: %s", m.Message)
		}
	}
	// Files that are no evidence prove nothing, but they are there.
	run.Args.Which = "generate"
	w.in.Gate = gate.Collect(w.in.Project, gate.Input{Runs: []*dbt.RunResults{run}})
	if d := w.dimension(coverage.Proven); d.Share == nil || *d.Share != 0 || d.Note == "" {
		t.Errorf("docs prove %v, note %q", d.Share, d.Note)
	}
}

// What a miss proposes never writes over a file that is there.
func TestTargetsProposeNoFileThatIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.model("table", "customers")
	w.model("table", "dim_customers", "customers")
	w.model("view", "export_customers", "dim_customers")
	w.exposure("other", "customers")
	misses := w.dimension(coverage.Targets).Misses
	if len(misses) != 1 || strings.Contains(misses[0].Fix, "export_customers.sql") || !strings.Contains(misses[0].Fix, "ref('export_customers')") {
		t.Errorf("%+v", misses)
	}
}
