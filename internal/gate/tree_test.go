package gate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/fault"
	"exposync/internal/gate"
	"exposync/internal/plan"
)

func tree(w *world, exposure string) string {
	facts := w.facts()
	var b strings.Builder
	for _, l := range gate.Why(facts, gate.Evaluate(facts, w.policies, w.now)[w.id(exposure)], w.now).Lines() {
		b.WriteString(l.Prefix + l.Text + "\n")
	}
	return b.String()
}

func TestWhyTree(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		world func(*world)
		want  string
	}{
		{"blocked", func(w *world) {
			w.green("dim_customers error", "not_null_export_customers fail", "unique_export_customers").knows("country_codes", "error", time.Minute)
			w.last().Results[5].Failures = 2
		}, `
crm_contacts · block
└─ export_customers · view · success · 10m ago in dbt build inv-1 · 0 of 2 tests passed
   ├─ dim_customers · table · error · 10m ago in dbt build inv-1
   │  ├─ node_failed: dim_customers failed in dbt build
   │  │  └─ next: dbt build --select dim_customers+
   │  └─ country_codes · seed · error · 1m ago in dbt build inv-0
   │     └─ node_failed: country_codes failed in dbt build of 2026-11-24, and nothing newer is known
   │        └─ next: dbt build --select country_codes+
   └─ not_null_export_customers · test · fail · 10m ago in dbt build inv-1
      └─ test_failed: not_null_export_customers failed (2 rows) in dbt build
         └─ next: dbt test --select not_null_export_customers
`},
		{"skipped below a failure", func(w *world) {
			w.green("dim_customers error", "export_customers skipped: Skipped due to upstream failure", "unique_export_customers skipped", "not_null_export_customers skipped")
		}, `
crm_contacts · block
└─ export_customers · view · skipped · 10m ago in dbt build inv-1 · 0 of 2 tests passed
   ├─ node_skipped: export_customers was skipped in dbt build: something above it failed
   └─ dim_customers · table · error · 10m ago in dbt build inv-1
      └─ node_failed: dim_customers failed in dbt build
         └─ next: dbt build --select dim_customers+
`},
		{"skipped by itself", func(w *world) { w.green("export_customers skipped: Skipping due to fail_fast") }, `
crm_contacts · block
└─ export_customers · view · skipped · 10m ago in dbt build inv-1 · 2 of 2 tests passed
   └─ node_skipped: export_customers was skipped in dbt build: an earlier failure stopped dbt (--fail-fast)
      └─ next: dbt build --select export_customers+
`},
		{"go", func(w *world) { w.green() }, `
crm_contacts · go
└─ export_customers · view · success · 10m ago in dbt build inv-1 · 2 of 2 tests passed
`},
		{"not in run", func(w *world) { w.ran("build", "fct_invoices success") }, `
crm_contacts · hold
├─ not_in_run: nothing that crm_contacts depends on was in this dbt build (target/inv-1.json, 10m ago)
│  └─ next: dbt build --select +exposure:crm_contacts
└─ export_customers · view · not in this run · 0 of 2 tests passed
`},
		{"accepted, and waived", func(w *world) {
			w.file("build", "inv-1", now.Add(-30*time.Hour), w.greenRows("not_null_export_customers fail")...).accept("stale")
			w.policy(func(p *gate.Policy) {
				p.Waivers = []gate.Waiver{{Node: "not_null_*", Reason: "DATA-12", Until: now}}
			})
		}, `
crm_contacts · go_warn
├─ stale: the newest dbt build is older than max_age (24h): its successes prove nothing any more (accepted for this run) (target/inv-1.json, 30h ago)
│  └─ next: dbt build
└─ export_customers · view · success · 30h ago in dbt build inv-1 · 1 of 2 tests passed
   └─ not_null_export_customers · test · fail · 30h ago in dbt build inv-1
      └─ waived: not_null_export_customers failed in dbt build; waived until 2026-11-24: DATA-12
         └─ next: dbt test --select not_null_export_customers
`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := shop(t)
			c.world(w)
			if diff := cmp.Diff(c.want, "\n"+tree(w, "crm_contacts")); diff != "" {
				t.Errorf("Why() mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhyOfSomethingElse(t *testing.T) {
	t.Parallel()
	got := gate.Why(shop(t).facts(), plan.Judgement{Exposure: "exposure.shop.gone", Verdict: plan.VerdictHold}, now).Lines()
	if len(got) != 1 || got[0].Text != "exposure.shop.gone · hold" {
		t.Errorf("tree is %+v", got)
	}
}

func TestLinesSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	w := shop(t).green("unique_export_customers warn")
	facts := w.facts()
	var got []string
	for _, l := range gate.Why(facts, w.judge("crm_contacts"), now).Lines() {
		got = append(got, string(l.Role)+" "+string(l.Verdict))
	}
	want := []string{"exposure go_warn", "node go", "node go_warn", "reason go_warn", "next go_warn"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("roles mismatch (-want +got):\n%s", diff)
	}
}

// TestEveryReasonHasItsFacts looks at every reason that the truth table
// raises: a page to read, a place, a sentence, and a path that leads there.
func TestEveryReasonHasItsFacts(t *testing.T) {
	t.Parallel()
	raised := map[string]bool{}
	for _, r := range rows() {
		for _, above := range []bool{false, true} {
			w := r.build(t, above)
			for _, reason := range w.judge("e").Reasons {
				raised[reason.Code] = true
				if _, ok := fault.Explain(reason.Code); !ok {
					t.Errorf("%s has no page", reason.Code)
				}
				if reason.Message == "" || strings.HasSuffix(reason.Message, ".") {
					t.Errorf("%s: message %q", reason.Code, reason.Message)
				}
				if n := len(reason.Path); reason.UniqueID != "" && (n == 0 || reason.Path[n-1] != reason.UniqueID) {
					t.Errorf("%s: %s: path %v does not lead there", r.name, reason.Code, reason.Path)
				}
				if reason.Verdict != plan.VerdictGoWarn && reason.Verdict != plan.VerdictUnchanged && reason.Next == "" {
					t.Errorf("%s: %s: nothing to type next", r.name, reason.Code)
				}
			}
		}
	}
	if len(raised) < 18 {
		t.Errorf("the table raises only %d codes", len(raised))
	}
}

// TestEveryCodeHasAPage names the public codes: adding one is a promise.
func TestEveryCodeHasAPage(t *testing.T) {
	t.Parallel()
	codes := strings.FieldsSeq(`node_failed node_skipped partial_success not_built view_not_in_run not_rebuilt not_in_run
		other_project source_unknown freshness_warn freshness_error freshness_missing test_warned test_failed test_error
		test_skipped untested related_test_failed exposure_skipped hook_failed not_evidence no_results stale pair_mismatch
		reparsed empty_build sample_build wrong_project wrong_target disabled no_parents dangling_parent deprecated
		model_warned reused unknown_status waived config`)
	for code := range codes {
		p, ok := fault.Explain(code)
		if !ok || p.Title == "" || len(p.Means) < 60 || p.Next == "" {
			t.Errorf("the page of %s is missing or thin: %+v", code, p)
		}
		if strings.HasSuffix(p.Title, ".") {
			t.Errorf("the title of %s ends with a period", code)
		}
	}
}
