package gate_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/dbt"
	"exposync/internal/gate"
	"exposync/internal/plan"
)

func TestNewEvidence(t *testing.T) {
	t.Parallel()
	w := shop(t)
	w.ran("build", "dim_customers error: relation \"a\" has no column b", "export_customers skipped: Skipped due to upstream failure",
		"country_codes success", "stg_customers skipped: Skipped", "unique_export_customers skipped", "not_null_export_customers fail: Got 3 results",
		"fct_invoices exploded", "crm_contacts skipped", "operation.shop.shop-on-run-start-0 error", `"" error`, "model.shop.gone success")
	w.last().Results[5].Failures = 3
	entry := func(name, status, message string) plan.Evidence {
		n := w.project.Nodes[w.id(name)]
		return plan.Evidence{
			UniqueID: n.UniqueID, Status: status, Message: message, InvocationID: "inv-1", Which: "build",
			GeneratedAt: builtAt, Checksum: n.Checksum, RelationName: n.RelationName,
		}
	}
	want := []plan.Evidence{
		entry("dim_customers", "error", ""),
		entry("export_customers", "skipped", "Skipped due to upstream failure"),
		entry("country_codes", "success", ""),
		entry("not_null_export_customers", "fail", ""),
	}
	want[3].Failures = 3
	want[3].RelationName = w.project.Nodes[w.id("export_customers")].RelationName
	if diff := cmp.Diff(want, gate.NewEvidence(w.project, w.runs)); diff != "" {
		t.Errorf("NewEvidence() mismatch (-want +got):\n%s", diff)
	}
}

func TestNewEvidenceOfFilesThatProveNothing(t *testing.T) {
	t.Parallel()
	w := shop(t).ran("generate", "dim_customers success").ran("build")
	if got := gate.NewEvidence(w.project, w.runs); len(got) != 0 {
		t.Errorf("it remembers %+v", got)
	}
}

// TestEvidenceOfAnotherState must not vouch for code that was not built.
func TestEvidenceOfAnotherState(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		world func(*world)
		sum   string
	}{
		{"same invocation", func(*world) {}, "sum-dim_customers"},
		{"reparsed", func(w *world) { w.last().InvocationID = "inv-9" }, "sum-dim_customers"},
		{"a node is gone", func(w *world) {
			w.last().InvocationID = "inv-9"
			w.last().Results = append(w.last().Results, dbt.Result{UniqueID: "model.shop.gone", Status: "success"})
		}, ""},
		{"built elsewhere", func(w *world) {
			w.last().InvocationID = "inv-9"
			w.last().Results[0].RelationName = `"db"."dev"."dim_customers"`
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := shop(t).ran("build", "dim_customers success")
			c.world(w)
			got := gate.NewEvidence(w.project, w.runs)
			if len(got) != 1 || got[0].Checksum != c.sum {
				t.Errorf("evidence is %+v, want checksum %q", got, c.sum)
			}
		})
	}
}

// TestEvidenceComesBack follows results through the ledger: what a later gate
// sees must be what happened.
func TestEvidenceComesBack(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		first func(*world)
		then  func(*world)
		want  string
	}{
		{"a green build, then only the dimension", func(w *world) { w.green() }, func(w *world) { w.ran("build", "dim_customers success") }, "go_warn: untested export_customers"},
		{"a green build, then elsewhere", func(w *world) { w.green() }, func(w *world) { w.ran("build", "fct_invoices success") }, "go_warn: not_rebuilt dim_customers"},
		{"a failed model, then elsewhere", func(w *world) { w.green("dim_customers error", "export_customers skipped") }, func(w *world) { w.ran("build", "fct_invoices success") }, "block: node_failed dim_customers, node_skipped export_customers"},
		{"a failed test, then only dbt run", func(w *world) { w.green("unique_export_customers fail") }, func(w *world) { w.ran("run", "dim_customers success", "export_customers success") }, "block: test_failed unique_export_customers"},
		{"a failed test, then it passes", func(w *world) { w.green("unique_export_customers fail") }, func(w *world) { w.green() }, "go"},
		{"a failed test, then it is skipped", func(w *world) { w.green("unique_export_customers fail") }, func(w *world) { w.green("unique_export_customers skipped") }, "block: test_failed unique_export_customers"},
		{"--empty, then elsewhere", func(w *world) { w.green().args(func(a *dbt.Args) { a.Empty = true }) }, func(w *world) { w.ran("build", "fct_invoices success") }, "block: empty_build dim_customers, empty_build export_customers, empty_build country_codes"},
		{"--empty, then a full build", func(w *world) { w.green().args(func(a *dbt.Args) { a.Empty = true }) }, func(w *world) { w.green() }, "go"},
		{"a build in dev, then elsewhere in prod", func(w *world) {
			w.green("unique_export_customers fail")
			for id, n := range w.project.Nodes {
				n.RelationName = strings.ReplaceAll(n.RelationName, "prod", "dev")
				for i := range w.last().Results {
					if w.last().Results[i].UniqueID == id {
						w.last().Results[i].RelationName = n.RelationName
					}
				}
			}
		}, func(w *world) {
			for _, n := range w.project.Nodes {
				n.RelationName = strings.ReplaceAll(n.RelationName, "dev", "prod")
			}
			w.ran("build", "fct_invoices success")
		}, "hold: not_in_run"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := shop(t)
			c.first(w)
			w.last().GeneratedAt = now.Add(-5 * time.Hour)
			recorded := gate.NewEvidence(w.project, w.runs)
			if !slices.IsSortedFunc(recorded, func(a, b plan.Evidence) int { return strings.Compare(a.UniqueID, b.UniqueID) }) {
				t.Error("evidence is not sorted")
			}
			for _, e := range recorded {
				w.known[e.UniqueID] = e
			}
			w.runs = nil
			c.then(w)
			w.want("crm_contacts", c.want)
		})
	}
}

// TestNoMessageLeaks: dbt quotes the warehouse, which quotes records.
func TestNoMessageLeaks(t *testing.T) {
	t.Parallel()
	const secret = "invalid input: bob@example.com"
	w := shop(t).green("dim_customers error: "+secret, "unique_export_customers fail: "+secret, "export_customers skipped: "+secret)
	facts := w.facts()
	j := gate.Evaluate(facts, w.policies, now)[w.id("crm_contacts")]
	for _, l := range gate.Why(facts, j, now).Lines() {
		if strings.Contains(l.Text, "bob") {
			t.Errorf("the tree shows a record: %s", l.Text)
		}
	}
	for _, r := range j.Reasons {
		if strings.Contains(r.Message+r.Next+r.Status, "bob") {
			t.Errorf("a reason shows a record: %+v", r)
		}
	}
	for _, e := range gate.NewEvidence(w.project, w.runs) {
		if strings.Contains(e.Message, "bob") {
			t.Errorf("evidence keeps a record: %+v", e)
		}
	}
}
