package report_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"exposync/internal/impact"
	"exposync/internal/report"
)

// reached is an impact with a change of every way.
func reached() report.Impact {
	path := []string{"model.shop.stg_customers", "model.shop.dim_customers", "model.shop.export_customers"}
	crm := func(way impact.Way, severity impact.Severity, fields ...string) impact.Reach {
		r := impact.Reach{
			Exposure: "exposure.shop.email_crm_export", Job: "email_crm_export", To: "crm.contacts", Way: way, Severity: severity,
			Fields: fields, Path: path, Why: "what it does to a sync, in one clause that is long enough to be wrapped: " + string(way),
		}
		if way == impact.Mapped || way == impact.Direct {
			r.Path = path[2:]
		}
		return r
	}
	kpis := impact.Reach{Exposure: "exposure.shop.weekly_kpis", Way: impact.Outside, Severity: impact.Breaking, Path: path[1:2], Why: "tools know it by its name"}
	doc := report.Impact{
		Project: "shop", Version: "1.2.3",
		Before: report.ImpactSide{Manifest: "prod/manifest.json", GeneratedAt: "2026-07-01T06:00:00Z", DBTVersion: "1.11.1", Catalog: "prod/catalog.json"},
		After:  report.ImpactSide{Manifest: "target/manifest.json", GeneratedAt: "2026-07-02T06:00:00Z", DBTVersion: "1.12.0"},
	}
	doc.Notes = []string{"there is a catalog on one side only (none of after), so columns are compared as far as YAML declares them"}
	doc.Changes = []impact.Change{
		{Kind: "column_removed", Subject: path[2], Column: "country", Before: "country text", File: "models/exports/_exports.yml", Line: 30, Severity: impact.Breaking, Message: "column country of export_customers is gone", Reaches: []impact.Reach{crm(impact.Mapped, impact.Breaking, "country")}},
		{Kind: "relation_moved", Subject: path[1], File: "models/_core.yml", Line: 3, Severity: impact.Breaking, Message: "model dim_customers is shop.prod.customers now, was shop.prod.dim_customers", Reaches: []impact.Reach{kpis, crm(impact.Upstream, impact.Safe)}},
		{Kind: "column_retyped", Subject: path[0], Column: "email", File: "models/staging/_staging.yml", Severity: impact.Risky, Message: "column email of stg_customers has another type: varchar now, was bigint", Reaches: []impact.Reach{crm(impact.Traced, impact.Risky, "email")}},
		{Kind: "made_view", Subject: path[1], Severity: impact.Risky, Message: "model dim_customers is a view now, was a table", Reaches: []impact.Reach{crm(impact.Chained, impact.Risky)}},
		{Kind: "logic_changed", Subject: path[2], File: "models/exports/export_customers.sql", Severity: impact.Risky, Message: "the SQL of export_customers changed", Reaches: []impact.Reach{crm(impact.Direct, impact.Risky)}},
		{Kind: "logic_changed", Subject: path[0], Severity: impact.Risky, Message: "the SQL of stg_customers changed", Reaches: []impact.Reach{crm(impact.Upstream, impact.Risky)}},
		{Kind: "job_key_changed", Subject: "exposure.shop.desk", Job: "desk.users", Severity: impact.Risky, Message: "sync desk.users has the key id now, was external_id", Reaches: []impact.Reach{crm(impact.LooksUp, impact.Risky, "user")}},
		{Kind: "owner_changed", Subject: "exposure.shop.weekly_kpis", Severity: impact.Safe, Message: "exposure weekly_kpis belongs to Finance now, was Analytics", Reaches: []impact.Reach{{Exposure: "exposure.shop.weekly_kpis", Way: impact.Declared, Severity: impact.Safe, Why: "somebody else is told"}}},
		{Kind: "model_added", Subject: "model.shop.stg_returns", Severity: impact.Safe, Message: "model stg_returns is new"},
	}
	doc.Exposures = []impact.Reached{
		{ID: "exposure.shop.email_crm_export", Name: "email_crm_export", Type: "application", Owner: "Lifecycle team", Emails: []string{"lifecycle@example.com"}, File: "models/exports/_exports.yml", Line: 165, Synced: true, Severity: impact.Breaking, Changes: []int{0, 2, 3, 4, 5, 6, 1}, Next: "after dbt build: exposync plan --select email_crm_export"},
		{ID: "exposure.shop.weekly_kpis", Name: "weekly_kpis", Type: "dashboard", Owner: "@acme/finance", URL: "https://bi.example.com/7", Severity: impact.Breaking, Changes: []int{1, 7}, Next: "look at https://bi.example.com/7"},
	}
	return doc
}

func TestImpact(t *testing.T) {
	t.Parallel()
	for name, style := range styles() {
		golden(t, "impact_"+name, report.ImpactText(style, reached(), false))
		golden(t, "impact_all_"+name, report.ImpactText(style, reached(), true))
	}
	golden(t, "impact_none", report.ImpactText(report.Style{Width: 80}, report.Impact{}, false))
	golden(t, "impact_markdown", report.ImpactMarkdown(reached(), false))
	golden(t, "impact_markdown_none", report.ImpactMarkdown(report.Impact{Project: "shop"}, false))
	doc, err := json.MarshalIndent(reached().JSON(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "impact_json", string(doc)+"\n")
}

// Whatever the width, no line is longer, and no colour changes the text.
func TestImpactKeepsWithinTheTerminal(t *testing.T) {
	t.Parallel()
	escape := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for _, width := range []int{60, 80, 120} {
		text := report.ImpactText(report.Style{Width: width}, reached(), true)
		for line := range strings.SplitSeq(text, "\n") {
			if len([]rune(line)) > width {
				t.Errorf("%d columns at a width of %d: %s", len([]rune(line)), width, line)
			}
		}
		if coloured := report.ImpactText(report.Style{Width: width, Colour: true}, reached(), true); escape.ReplaceAllString(coloured, "") != text || coloured == text {
			t.Error("colour changes the text, or there is none")
		}
	}
}

// Only an owner that is written as GitHub spells one is mentioned, and only
// where that was asked for.
func TestImpactMentions(t *testing.T) {
	t.Parallel()
	doc := reached()
	for owner, mentioned := range map[string]bool{
		"@acme/finance": true, "@somebody": true, "@some body": false, "somebody": false, "@": false, "@a/b/c": false, "@acme/": false, "@x<b>": false, "a@b.example": false,
	} {
		doc.Exposures[1].Owner = owner
		without, with := report.ImpactMarkdown(doc, false), report.ImpactMarkdown(doc, true)
		if bare(rendered(t, without)) != bare(rendered(t, strings.ReplaceAll(without, "\x00", ""))) || strings.Contains(bare(rendered(t, without)), "@") {
			t.Errorf("%s is mentioned though nobody asked", owner)
		}
		if got := strings.Contains(bare(rendered(t, with)), owner); got != mentioned {
			t.Errorf("%s is mentioned: %t", owner, got)
		}
	}
}

// bare is a page without what stands in code, and without the comment on top.
func bare(page string) string {
	out := regexp.MustCompile(`(?s)<pre>.*?</pre>|<code>.*?</code>`).ReplaceAllString(page, "")
	return out[strings.Index(out, "-->"):]
}

func TestNothingBreaksOutOfTheImpact(t *testing.T) {
	t.Parallel()
	tag := regexp.MustCompile(`<(/?[a-z][a-z0-9]*)`)
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) string { return hostile().Draw(t, name) }
		doc := report.Impact{Project: text("project"), Version: "1.0", Before: report.ImpactSide{DBTVersion: text("version")}}
		doc.Notes = []string{text("note")}
		n := rapid.IntRange(1, 3).Draw(t, "exposures")
		for i := range n {
			id := fmt.Sprintf("exposure.p.%d", i)
			doc.Changes = append(doc.Changes, impact.Change{
				Kind: "column_removed", Subject: text("subject"), Job: text("job"), File: text("file"), Line: 3, Message: text("message"), Severity: impact.Breaking,
				Reaches: []impact.Reach{{Exposure: id, Job: text("sync"), To: text("to"), Fields: []string{text("field")}, Path: []string{text("path")}, Severity: impact.Breaking, Why: text("why"), Way: rapid.SampledFrom(impact.Ways()).Draw(t, "way")}},
			})
			doc.Exposures = append(doc.Exposures, impact.Reached{ID: id, Name: text("name"), Owner: text("owner"), Severity: impact.Breaking, Changes: []int{i}, Next: text("next")})
		}
		markdown := report.ImpactMarkdown(doc, false)
		page := bare(rendered(t, markdown))
		if i := strings.Count(page, "<td"); i != 5*n || strings.Count(page, "<table") != 1 {
			t.Errorf("%d cells for %d exposures", i, n)
		}
		if strings.Count(page, "<details open>") != n || strings.Count(page, "</details>") != n {
			t.Error("what is folded does not stay so")
		}
		known := map[string]bool{"h3": true, "table": true, "thead": true, "tbody": true, "tr": true, "th": true, "td": true, "p": true, "details": true, "summary": true, "ul": true, "li": true, "strong": true, "hr": true}
		for _, m := range tag.FindAllStringSubmatch(page, -1) {
			if !known[strings.TrimPrefix(m[1], "/")] {
				t.Errorf("there is a %s", m[1])
			}
		}
		for _, bad := range []string{"@", "#12", "shop#1", "GH-7", "gh-7", ":smile:", "$x", "\x1b", "\u202e"} {
			if strings.Contains(page, bad) {
				t.Errorf("%q stands outside of code", bad)
			}
		}
		if t.Failed() {
			t.Fatalf("%s\n%s", markdown, page)
		}
	})
}

// A comment of any number of exposures is one that GitHub takes, and says what
// it leaves out; what breaks comes first.
func TestImpactMarkdownOfAnySize(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 300, 2000} {
		for _, long := range []int{1, 100, 2000} {
			if n*long > 300_000 {
				continue
			}
			doc := report.Impact{Project: "shop"}
			name := strings.Repeat("ä", long)
			for i := range n {
				id := fmt.Sprintf("exposure.p.%d", i)
				x := impact.Reached{ID: id, Name: fmt.Sprintf("x%d_%s", i, name), Owner: name, Severity: impact.Risky, Next: name}
				if i < n/2 {
					x.Severity = impact.Breaking
				}
				for range 20 {
					x.Changes = append(x.Changes, len(doc.Changes))
					doc.Changes = append(doc.Changes, impact.Change{Kind: "logic_changed", Message: name, File: name, Severity: x.Severity, Reaches: []impact.Reach{{Exposure: id, Fields: []string{name}, Path: []string{name}, Severity: x.Severity, Why: name}}})
				}
				doc.Exposures = append(doc.Exposures, x)
			}
			text := report.ImpactMarkdown(doc, false)
			if len(text) > 65_536 {
				t.Errorf("%d exposures with names of %d: %d bytes", n, long, len(text))
			}
			rows, details := strings.Count(text, "\n| `x"), strings.Count(text, "<details")
			if rows < n && !strings.Contains(text, fmt.Sprintf("\nand %d more exposure", n-rows)) {
				t.Errorf("%d of %d exposures have a row, and nothing says so", rows, n)
			}
			if details < n && !strings.Contains(text, fmt.Sprintf("\nand details of %d more exposure", n-details)) {
				t.Errorf("%d of %d exposures have details, and nothing says so", details, n)
			}
			if rows == 0 || long == 1 && details == 0 {
				t.Error("the comment is empty")
			}
		}
	}
}
