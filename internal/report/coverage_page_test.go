package report_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"exposync/internal/coverage"
	"exposync/internal/plan"
	"exposync/internal/report"
)

func share(covered, total int) *float64 {
	if total == 0 {
		return nil
	}
	s := float64(covered) / float64(total)
	return &s
}

// dimension is one with misses about some models.
func dimension(name, title string, covered, total int, misses ...coverage.Miss) coverage.Dimension {
	letter := string(rune('a' + slices.Index(coverage.Names(), name)))
	d := coverage.Dimension{Letter: letter, Name: name, Code: coverage.Code(name), Title: title, Covered: covered, Total: total, Share: share(covered, total), Measured: true, Weight: 1}
	for _, m := range misses {
		m.Dimension, m.Code = name, d.Code
		d.Misses = append(d.Misses, m)
	}
	return d
}

func miss(severity plan.Severity, subject, column, message, fix string, fresh bool) coverage.Miss {
	return coverage.Miss{New: fresh, Finding: plan.Finding{
		Severity: severity, Subject: subject, Column: column, File: "models/exports/_exports.yml", Line: len(subject), Message: message, Fix: fix, Owner: "Lifecycle team",
	}}
}

var madeAt = time.Date(2026, 11, 20, 6, 30, 0, 0, time.UTC)

// shopLineage is the way of one export, with everything that can be known.
func shopLineage(name string) coverage.Lineage {
	good := &coverage.Evidence{Status: "success", GeneratedAt: madeAt, Invocation: "7d3c", InRun: true, Good: true}
	node := func(id, kind string, layer coverage.Layer, how string, tests int) coverage.Node {
		parts := strings.Split(id, ".")
		return coverage.Node{ID: id, Kind: kind, Layer: layer, Name: parts[len(parts)-1], Materialized: how, File: "models/" + parts[len(parts)-1] + ".sql", Tests: coverage.TestCount{Total: tests, Passed: tests}, Evidence: good}
	}
	customers := node("source.shop.raw.customers", "source", coverage.LayerSource, "", 1)
	customers.Evidence, customers.Freshness = nil, &coverage.Freshness{WarnAfter: 12 * time.Hour, ErrorAfter: 24 * time.Hour, LoadedAt: madeAt.Add(-3 * time.Hour), Age: 3 * time.Hour, Status: "pass"}
	orders := node("source.shop.raw.orders", "source", coverage.LayerSource, "", 0)
	orders.Evidence, orders.Misses = nil, 1
	payments := node("seed.shop.payments", "seed", coverage.LayerSource, "seed", 0)
	failing := node("model.shop.stg_orders", "model", coverage.LayerStaging, "view", 3)
	failing.Tests = coverage.TestCount{Total: 3, Passed: 2, Failed: 1}
	warning := node("model.shop.customer_orders", "model", coverage.LayerIntermediate, "table", 2)
	warning.Tests = coverage.TestCount{Total: 2, Passed: 1, Warned: 1}
	unknown := node("model.shop.dim_customers", "model", coverage.LayerMart, "incremental", 4)
	unknown.Evidence, unknown.Tests = nil, coverage.TestCount{Total: 4, NotRun: 4}
	return coverage.Lineage{
		Exposure: "exposure.shop." + name, Name: name, Label: "Contacts in the e-mail tool", Type: "application", Maturity: "medium", Owner: "Lifecycle team", SLA: 6 * time.Hour, URL: "https://app.example.com/syncs/42",
		Nodes: []coverage.Node{
			customers, orders, payments,
			node("model.shop.stg_customers", "model", coverage.LayerStaging, "view", 2), failing, node("model.shop.stg_payments", "model", coverage.LayerStaging, "view", 2),
			warning, unknown, node("model.shop.export_"+name, "model", coverage.LayerExport, "view", 5),
			{ID: "exposure.shop." + name, Kind: "exposure", Layer: coverage.LayerExposure, Name: name, Owner: "Lifecycle team", Misses: 2},
			{ID: "crm.contacts " + name, Kind: "destination", Layer: coverage.LayerDestination, Name: "crm.contacts", Job: name, Last: &coverage.LastSync{RunID: "r1", Status: "partial", EndedAt: madeAt, Success: madeAt.Add(-24 * time.Hour)}},
		},
		Edges: []coverage.Edge{
			{From: "source.shop.raw.customers", To: "model.shop.stg_customers"},
			{From: "source.shop.raw.orders", To: "model.shop.stg_orders"},
			{From: "seed.shop.payments", To: "model.shop.stg_payments"},
			{From: "model.shop.stg_orders", To: "model.shop.customer_orders"},
			{From: "model.shop.stg_payments", To: "model.shop.customer_orders"},
			{From: "model.shop.stg_customers", To: "model.shop.dim_customers"},
			{From: "model.shop.customer_orders", To: "model.shop.dim_customers"},
			{From: "model.shop.dim_customers", To: "model.shop.export_" + name},
			{From: "source.shop.raw.orders", To: "model.shop.export_" + name},
			{From: "model.shop.export_" + name, To: "exposure.shop." + name},
			{From: "exposure.shop." + name, To: "crm.contacts " + name},
		},
	}
}

// covered is a report with everything in it, compared with a baseline.
func covered(exposures ...string) coverage.Report {
	want, got := 0.8, 0.7142
	r := coverage.Report{
		Project: "shop", DBTVersion: "1.12.0", Invocation: "7d3c1f", GeneratedAt: madeAt,
		Dimensions: []coverage.Dimension{
			dimension("exports", "exports with an exposure", 5, 7,
				miss(plan.SeverityError, "model.shop.export_orders", "", "export_orders has no exposure", "exposures:\n  - name: orders_export\n    type: application\n    depends_on: [ref('export_orders')]", true),
				miss(plan.SeverityError, "model.shop.export_leads", "", "export_leads has no exposure", "exposures:\n  - name: leads_export", false)),
			dimension("targets", "exposures on exports", 6, 6),
			dimension("hosted", "hosted syncs matched back", 0, 0),
			dimension("described", "descriptive fields", 23, 30, miss(plan.SeverityWarning, "exposure.shop.email_crm_export", "sla", "email_crm_export says no sla", "sla: 6h", false)),
			dimension("keys", "keys that are tested", 4, 6, miss(plan.SeverityError, "model.shop.export_customers", "email", "the key email is not tested to be unique", "data_tests: [unique, not_null]", true)),
			dimension("fresh", "sources that promise freshness", 1, 3, miss(plan.SeverityWarning, "source.shop.raw.orders", "", "raw.orders promises no freshness", "freshness:\n  warn_after: {count: 12, period: hour}", false)),
		},
		Total:  coverage.Total{Covered: 39, Total: 52, Share: share(39, 52)},
		Checks: []coverage.Check{{Name: "total", Want: &got, Got: share(39, 52), OK: true, Where: "--fail-under"}, {Name: "exports", Want: &want, Got: share(5, 7), Where: "exposync.yml:12"}},
		Notes:  []string{"there is no catalog.json, so whether columns exist was not looked at: dbt docs generate"},
	}
	d := &r.Dimensions
	(*d)[0].FailUnder, (*d)[0].Failed = &want, true
	(*d)[2].Measured, (*d)[2].Note = false, "no hosted tool was asked"
	(*d)[3].Parts = []coverage.Part{{Name: "owner", Covered: 6, Total: 6, Share: share(6, 6)}, {Name: "sla", Covered: 2, Total: 6, Share: share(2, 6)}}
	ignored := miss(plan.SeverityError, "model.shop.export_legacy", "id", "the key id is not tested to be unique", "", false)
	ignored.Code = coverage.Code("keys")
	(*d)[4].Suppressed = []coverage.Suppressed{{Miss: ignored, Reason: "DATA-12: goes in March", Until: time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC)}}
	fixed := miss(plan.SeverityError, "exposure.shop.ads_export", "url", "ads_export has no url", "", false)
	fixed.Code = coverage.Code("described")
	r.Against = &coverage.Comparison{
		Baseline: "main.json", Before: coverage.Total{Share: share(40, 51)}, After: r.Total,
		New: []coverage.Miss{(*d)[0].Misses[0], (*d)[4].Misses[0]}, Fixed: []coverage.Miss{fixed},
		Rows: []coverage.Change{{Name: "exports", Before: share(6, 7), After: share(5, 7)}, {Name: "targets", Before: share(6, 6)}, {Name: "described", Before: share(20, 30)}, {Name: "keys", Before: share(5, 6)}, {Name: "fresh", Before: share(1, 3)}},
	}
	for _, name := range exposures {
		r.Exposures = append(r.Exposures, shopLineage(name))
	}
	return r
}

func TestCoverageMarkdown(t *testing.T) {
	t.Parallel()
	golden(t, "coverage_markdown", report.CoverageMarkdown(covered("email_crm_export"), "1.2.3", ""))
	alone := covered("email_crm_export")
	alone.Against, alone.Checks, alone.Selection = nil, nil, []string{"+exposure:email_crm_export"}
	golden(t, "coverage_markdown_alone", report.CoverageMarkdown(alone, "1.2.3", "transform"))
	golden(t, "coverage_markdown_empty", report.CoverageMarkdown(coverage.Report{Project: "shop"}, "1.2.3", ""))
}

func TestCoveragePage(t *testing.T) {
	t.Parallel()
	golden(t, "coverage_html", report.CoverageHTML(covered("email_crm_export", "finance_erp_export"), "1.2.3", "transform"))
}

// A page is one file: nothing in it is loaded from elsewhere, and its policy
// names exactly the style and the script that it has.
func TestPageNeedsNothingElse(t *testing.T) {
	t.Parallel()
	page := report.CoverageHTML(covered("email_crm_export"), "1.2.3", "")
	policy := regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)
	if policy == nil {
		t.Fatal("there is no policy")
	}
	for _, block := range []string{"style", "script"} {
		all := regexp.MustCompile(`(?s)<`+block+`>(.*?)</`+block+`>`).FindAllStringSubmatch(page, -1)
		if len(all) != 1 {
			t.Fatalf("%d blocks of %s", len(all), block)
		}
		sum := sha256.Sum256([]byte(all[0][1]))
		if want := block + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(html.UnescapeString(policy[1]), want) {
			t.Errorf("the policy %s does not have %s", policy[1], want)
		}
	}
	bare := strings.ReplaceAll(page, `href="data:image/svg+xml`, "")
	for _, bad := range []string{` src=`, `<link rel="stylesheet"`, `@import`, `url(http`, ` style="`, ` onclick=`, `<iframe`, `<img`} {
		if strings.Contains(bare, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	for _, m := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(bare, -1) {
		if !strings.HasPrefix(m[1], "#") || len(m[1]) > 1 && !strings.Contains(page, `id="`+m[1][1:]+`"`) {
			t.Errorf("a link leads to %q", m[1])
		}
	}
}

// names that would like to be markup.
func TestPageShowsHostileNamesAsTheyAre(t *testing.T) {
	t.Parallel()
	evil := `</svg></script><script>alert(1)</script>"'><img src=x onerror=alert(2)>`
	r := covered(evil, "مُخرَجات_العملاء", strings.Repeat("very_long_name_", 40))
	r.Project, r.Notes = evil, []string{evil}
	for i := range r.Dimensions {
		r.Dimensions[i].Title, r.Dimensions[i].Note = evil, evil
		for j := range r.Dimensions[i].Misses {
			m := &r.Dimensions[i].Misses[j]
			m.Subject, m.Column, m.File, m.Message, m.Fix, m.Owner = evil, evil, evil, evil, evil+"\n"+evil, evil
		}
	}
	page := report.CoverageHTML(r, evil, evil)
	if n := strings.Count(page, "<script"); n != 1 {
		t.Errorf("%d scripts", n)
	}
	if strings.Contains(page, "<img") || strings.Contains(page, "alert(1)</script>") {
		t.Error("a name is markup")
	}
	if !strings.Contains(page, "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Error("the name is not shown")
	}
	if a, b := strings.Count(page, "<svg"), strings.Count(page, "</svg>"); a != b {
		t.Errorf("%d pictures begin and %d end", a, b)
	}
}

// Any number of exposures gives a page, and one node has one entry.
func TestPageOfManyExposures(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 200 {
		names = append(names, fmt.Sprintf("export_%03d", i))
	}
	page := report.CoverageHTML(covered(names...), "1.2.3", "")
	if n := strings.Count(page, `class="lineage"`); n != 200 {
		t.Errorf("%d pictures", n)
	}
	if n := strings.Count(page, `class="entry"`); n != 8+3*200 {
		t.Errorf("%d entries of nodes", n)
	}
	if len(page) > 3_000_000 {
		t.Errorf("the page has %d bytes", len(page))
	}
	t.Logf("%d bytes", len(page))
}
