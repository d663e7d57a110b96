package gate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"exposync/internal/dbt"
	"exposync/internal/gate"
	"exposync/internal/plan"
)

// now is when everything is judged; builtAt is when the newest dbt command
// of a test ended, unless it says otherwise.
var (
	now     = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	builtAt = now.Add(-10 * time.Minute)
)

// world is a dbt project with what is known about it, written in short names:
// "dim_customers" stands for model.shop.dim_customers. Every method changes
// the world and gives it back, so that a case reads as one sentence.
type world struct {
	t        testing.TB
	project  *dbt.Project
	ids      map[string]string // short name -> unique_id
	runs     []*dbt.RunResults
	sources  *dbt.Sources
	known    map[string]plan.Evidence
	target   *gate.Target
	policies gate.Policies
	now      time.Time
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	return &world{
		t: tb, ids: map[string]string{}, known: map[string]plan.Evidence{}, now: now,
		policies: gate.Policies{Default: gate.DefaultPolicy()},
		project: &dbt.Project{
			Name: "shop", InvocationID: "inv-1", GeneratedAt: builtAt, DBTVersion: "1.12.6",
			Nodes: map[string]*dbt.Node{}, Exposures: map[string]*dbt.Exposure{},
			Disabled: map[string]dbt.Disabled{}, Parents: map[string][]string{},
		},
	}
}

// shop is the project of the worked examples.
func shop(tb testing.TB) *world {
	tb.Helper()
	return newWorld(tb).
		node("source raw.customers").
		node("ephemeral stg_customers", "raw.customers").
		node("seed country_codes").
		node("table dim_customers", "stg_customers", "country_codes").
		node("view export_customers", "dim_customers").
		test("unique_export_customers", "export_customers").
		test("not_null_export_customers", "export_customers").
		exposure("crm_contacts", "export_customers").
		node("table fct_invoices").
		node("view export_invoices", "fct_invoices").
		exposure("erp_invoices", "export_invoices")
}

// node adds "KIND NAME": table, view, incremental, ephemeral, seed, snapshot,
// source, external, function, metric or semantic_model.
func (w *world) node(what string, parents ...string) *world {
	w.t.Helper()
	kind, name, ok := strings.Cut(what, " ")
	if !ok {
		w.t.Fatalf("node %q: write KIND NAME", what)
	}
	n := &dbt.Node{
		ResourceType: "model", Name: name, Package: "shop", Materialized: kind, Enabled: true,
		Database: "db", SchemaName: "prod", Checksum: "sum-" + name,
		RelationName: `"db"."prod"."` + name + `"`,
	}
	switch kind {
	case "seed", "snapshot", "function", "metric", "semantic_model", "saved_query":
		n.ResourceType = kind
	case "source":
		n.ResourceType, n.Materialized, n.Checksum = "source", "", ""
		n.SourceName, n.Name, _ = strings.Cut(name, ".")
	case "external":
		n.Package, n.Materialized, n.External = "mesh", "table", true
	}
	if kind == "metric" || kind == "semantic_model" || kind == "saved_query" || kind == "function" {
		n.Materialized = ""
	}
	if kind == "ephemeral" || n.Materialized == "" && kind != "source" {
		n.RelationName = ""
	}
	n.UniqueID = n.ResourceType + "." + n.Package + "." + name
	return w.add(n, name, parents)
}

// test adds a generic test: attached to its first parent.
func (w *world) test(name string, parents ...string) *world {
	w.t.Helper()
	return w.add(&dbt.Node{
		UniqueID: "test.shop." + name, ResourceType: "test", Name: name, Package: "shop",
		Severity: "error", Enabled: true, AttachedNode: w.id(parents[0]),
	}, name, parents)
}

// singular adds a test that is attached to nothing, as before manifest v9.
func (w *world) singular(name string, parents ...string) *world {
	w.t.Helper()
	w.test(name, parents...)
	w.project.Nodes[w.id(name)].AttachedNode = ""
	return w
}

// unit adds a unit test.
func (w *world) unit(name, model string) *world {
	w.t.Helper()
	return w.add(&dbt.Node{
		UniqueID: "unit_test.shop." + model + "." + name, ResourceType: "unit_test", Name: name, Package: "shop", Enabled: true,
	}, name, []string{model})
}

func (w *world) add(n *dbt.Node, name string, parents []string) *world {
	w.ids[name] = n.UniqueID
	for _, p := range parents {
		n.DependsOn = append(n.DependsOn, w.id(p))
	}
	w.project.Nodes[n.UniqueID] = n
	w.project.Parents[n.UniqueID] = slices.Sorted(slices.Values(n.DependsOn))
	return w
}

func (w *world) exposure(name string, parents ...string) *world {
	w.t.Helper()
	e := &dbt.Exposure{UniqueID: "exposure.shop." + name, Name: name, Type: "application", Package: "shop"}
	for _, p := range parents {
		e.DependsOn = append(e.DependsOn, w.id(p))
	}
	w.ids[name] = e.UniqueID
	w.project.Exposures[e.UniqueID] = e
	w.project.Parents[e.UniqueID] = slices.Sorted(slices.Values(e.DependsOn))
	return w
}

// id gives the unique_id of a short name; what is no short name stands for itself.
func (w *world) id(name string) string {
	if id, ok := w.ids[name]; ok {
		return id
	}
	if strings.Count(name, ".") < 2 {
		w.t.Fatalf("nothing is called %q", name)
	}
	return name
}

// edit changes one node.
func (w *world) edit(name string, change func(*dbt.Node)) *world {
	w.t.Helper()
	change(w.project.Nodes[w.id(name)])
	return w
}

// ran adds a run_results file of the manifest's invocation with rows "NAME
// STATUS" or "NAME STATUS: MESSAGE".
func (w *world) ran(which string, rows ...string) *world {
	w.t.Helper()
	return w.file(which, "inv-1", builtAt, rows...)
}

func (w *world) file(which, invocation string, at time.Time, rows ...string) *world {
	w.t.Helper()
	r := &dbt.RunResults{
		File: "target/" + invocation + ".json", InvocationID: invocation, GeneratedAt: at,
		DBTVersion: "1.12.6", Args: dbt.Args{Which: which},
	}
	for _, row := range rows {
		head, message, _ := strings.Cut(row, ": ")
		name, status, ok := strings.Cut(head, " ")
		if !ok {
			w.t.Fatalf("row %q: write NAME STATUS", row)
		}
		res := dbt.Result{Status: status, Message: message}
		if name != `""` {
			res.UniqueID = w.id(name)
		}
		if n := w.project.Nodes[res.UniqueID]; n != nil {
			res.RelationName = n.RelationName
		}
		r.Results = append(r.Results, res)
	}
	w.runs = append(w.runs, r)
	return w
}

// last gives the file that was added last.
func (w *world) last() *dbt.RunResults { return w.runs[len(w.runs)-1] }

// args changes the arguments of the file that was added last.
func (w *world) args(change func(*dbt.Args)) *world {
	change(&w.last().Args)
	return w
}

// green adds a dbt build in which everything went well.
func (w *world) green(except ...string) *world {
	w.t.Helper()
	return w.ran("build", w.greenRows(except...)...)
}

// greenRows gives a good row for every node that dbt runs, but for the names
// in except: "NAME" is left out, "NAME STATUS…" takes the place of the row.
func (w *world) greenRows(except ...string) []string {
	w.t.Helper()
	instead := map[string]string{}
	for _, e := range except {
		name, _, _ := strings.Cut(e, " ")
		instead[w.id(name)] = e
	}
	var rows []string
	for _, name := range slices.Sorted(mapKeys(w.ids)) {
		id := w.ids[name]
		e, replaced := instead[id]
		switch n := w.project.Nodes[id]; {
		case replaced && e == name:
		case replaced:
			rows = append(rows, e)
		case n == nil || n.External || n.Materialized == "ephemeral":
		case n.Test():
			rows = append(rows, name+" pass")
		case n.ResourceType == "model" || n.ResourceType == "seed" || n.ResourceType == "snapshot":
			rows = append(rows, name+" success")
		}
	}
	return rows
}

func mapKeys[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// knows puts a result into the ledger, of the code that the project has now.
func (w *world) knows(name, status string, ago time.Duration) *world {
	w.t.Helper()
	n := w.project.Nodes[w.id(name)]
	w.known[n.UniqueID] = plan.Evidence{
		UniqueID: n.UniqueID, Status: status, InvocationID: "inv-0", Which: "build",
		GeneratedAt: now.Add(-ago), Checksum: n.Checksum, RelationName: n.RelationName,
	}
	return w
}

// remembers changes what the ledger knows of a node.
func (w *world) remembers(name string, change func(*plan.Evidence)) {
	w.t.Helper()
	e := w.known[w.id(name)]
	change(&e)
	w.known[w.id(name)] = e
}

// freshness adds a sources.json in which a source was loaded some time ago.
func (w *world) freshness(name, status string, loadedAgo time.Duration) *world {
	w.t.Helper()
	if w.sources == nil {
		w.sources = &dbt.Sources{File: "target/sources.json", InvocationID: "inv-1", GeneratedAt: builtAt}
	}
	if name != "" {
		w.sources.Results = append(w.sources.Results, dbt.SourceResult{
			UniqueID: w.id(name), Status: status, MaxLoadedAt: now.Add(-loadedAgo), SnapshottedAt: builtAt,
			Freshness: dbt.Freshness{WarnAfter: 12 * time.Hour, ErrorAfter: 24 * time.Hour},
		})
	}
	return w
}

func (w *world) policy(change func(*gate.Policy)) { change(&w.policies.Default) }

func (w *world) accept(codes ...string) *world {
	w.policies.Accept = gate.Accept{}
	for _, c := range codes {
		w.policies.Accept[c] = true
	}
	return w
}

func (w *world) facts() *gate.Facts {
	return gate.Collect(w.project, gate.Input{Runs: w.runs, Sources: w.sources, Known: w.known, Target: w.target})
}

func (w *world) judge(exposure string) plan.Judgement {
	w.t.Helper()
	j, ok := gate.Evaluate(w.facts(), w.policies, w.now)[w.id(exposure)]
	if !ok {
		w.t.Fatalf("%s was not judged", exposure)
	}
	return j
}

// short writes a judgement as "VERDICT: CODE NAME, CODE NAME".
func (w *world) short(j plan.Judgement) string {
	names := map[string]string{}
	for name, id := range w.ids {
		names[id] = name
	}
	var reasons []string
	for _, r := range j.Reasons {
		name, ok := names[r.UniqueID]
		if !ok {
			name = r.UniqueID
		}
		reasons = append(reasons, strings.TrimSpace(r.Code+" "+name))
	}
	if len(reasons) == 0 {
		return string(j.Verdict)
	}
	return fmt.Sprintf("%s: %s", j.Verdict, strings.Join(reasons, ", "))
}

// want fails the test unless the exposure is judged so.
func (w *world) want(exposure, want string) *world {
	w.t.Helper()
	j := w.judge(exposure)
	if got := w.short(j); got != want {
		w.t.Errorf("%s:\n got %s\nwant %s", exposure, got, want)
	}
	return w
}
