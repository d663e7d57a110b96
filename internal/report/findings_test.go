package report_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"exposync/fixtures/schemas/formats"
	"exposync/internal/coverage"
	"exposync/internal/plan"
	"exposync/internal/report"
)

// found are findings of every kind, out of order. Their codes are public ones
// that have a page.
func found() report.Findings {
	file := "models/exports/_exports.yml"
	return report.Findings{
		Command: "lint", Version: "1.2.3", Project: "shop", Root: "transform/shop", Compared: true,
		Rules: []string{"yaml_syntax", "field_unknown", "guard_deletes", "node_failed", "key_changed"},
		Found: []report.Found{
			{Finding: plan.Finding{Code: "node_failed", Severity: plan.SeverityInfo, Subject: "source.shop.raw.orders", Message: "the source has no freshness", Fix: "freshness:\n  warn_after: {count: 12, period: hour}"}},
			{Finding: plan.Finding{Code: "guard_deletes", Severity: plan.SeverityWarning, Subject: "exposure.shop.email_crm_export", File: file, Line: 12, Col: 5, Message: "email_crm_export has no url, 100% of them: none", Fix: "url: https://…", Owner: "Lifecycle team"}},
			{Finding: plan.Finding{Code: "yaml_syntax", Severity: plan.SeverityError, Subject: file, File: file, Line: 3, Message: "a tab indents the line", Fix: "replace it by spaces"}},
			{Finding: plan.Finding{Code: "guard_deletes", Severity: plan.SeverityError, Subject: "model.shop.export_customers.v2", Column: "email", File: "models/exports/export customers.sql", Message: "the key is not tested"}, New: true},
			{Finding: plan.Finding{Code: "guard_deletes", Severity: plan.SeverityError, Subject: "model.shop.export_orders", Column: "id", File: file, Line: 40, Message: "the key is not tested"}, Ignored: true, Reason: "DATA-12: legacy | <b>", Until: "2027-01-31"},
		},
		LetPass: 2, NotRun: []report.NotRun{{Code: "key_changed", Why: "there is no catalog.json"}},
		Limits: []report.Limit{
			{Name: "total", Kept: true, Message: "91% of all checks hold, and 90% were asked for"},
			{Name: "new findings", Message: "there is 1 new finding, and none was allowed", Next: "exposync lint --baseline lint.json"},
		},
	}
}

func TestFindingsInEveryFormat(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]report.Findings{"findings": found(), "findings_none": {Command: "lint", Version: "1.2.3", Project: "shop", Rules: []string{"yaml_syntax"}}} {
		sarif, err := json.MarshalIndent(f.Sarif(), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+"_github", f.GitHub())
		golden(t, name+"_junit", f.JUnit())
		golden(t, name+"_sarif", string(sarif)+"\n")
		golden(t, name+"_markdown", f.Markdown())
	}
}

// annotations reads workflow commands as the runner does: split at the first
// "::" after the name, properties at commas, then unescaped.
type annotation struct {
	level      string
	properties map[string]string
	message    string
}

var command = regexp.MustCompile(`^::([a-z]+)(?: ([^:]*))?::(.*)$`)

func annotationsOf(t interface{ Fatalf(string, ...any) }, text string) (all []annotation, plain []string) {
	unescape := strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%")
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		m := command.FindStringSubmatch(line)
		if m == nil {
			if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
				t.Fatalf("the runner would take this for a command of its own: %q", line)
			}
			plain = append(plain, line)
			continue
		}
		if m[1] == "group" || m[1] == "endgroup" {
			continue
		}
		a := annotation{level: m[1], properties: map[string]string{}, message: unescape.Replace(m[3])}
		for p := range strings.SplitSeq(m[2], ",") {
			name, value, ok := strings.Cut(p, "=")
			if !ok {
				t.Fatalf("property %q of %q", p, line)
			}
			a.properties[name] = unescape.Replace(value)
		}
		all = append(all, a)
	}
	return all, plain
}

// GitHub shows ten of a level: no more are given, and nothing gets lost.
func TestGitHubShowsTenOfALevel(t *testing.T) {
	t.Parallel()
	for _, n := range []int{9, 10, 11, 300} {
		f := report.Findings{Command: "lint"}
		for i := range n {
			f.Found = append(f.Found, report.Found{Finding: plan.Finding{Code: "guard_deletes", Severity: plan.SeverityWarning, Subject: fmt.Sprintf("model.shop.m%03d", i), Message: fmt.Sprintf("finding %03d", i)}})
		}
		all, plain := annotationsOf(t, f.GitHub())
		if len(all) != min(n, 10) {
			t.Errorf("%d annotations of %d findings", len(all), n)
		}
		if n <= 10 {
			if len(plain) > 0 {
				t.Errorf("%d findings, and yet %q", n, plain)
			}
			continue
		}
		if want := fmt.Sprintf("%d more warnings of exposync lint", n-9); !strings.HasPrefix(all[9].message, want) {
			t.Errorf("the tenth says %q, want %q", all[9].message, want)
		}
		if len(plain) != n-9 || !strings.Contains(plain[0], "finding 009") || !strings.Contains(plain[n-10], fmt.Sprintf("finding %03d", n-1)) {
			t.Errorf("the log has %d lines: %q", len(plain), plain)
		}
	}
}

// wild are findings whose every text is hostile.
func wild(t *rapid.T) report.Findings {
	text := func(name string) string { return hostile().Draw(t, name) }
	f := report.Findings{Command: "lint", Version: text("version"), Project: text("project"), Rules: []string{"guard_deletes", text("rule")}, Compared: rapid.Bool().Draw(t, "compared")}
	for range rapid.IntRange(1, 4).Draw(t, "findings") {
		f.Found = append(f.Found, report.Found{
			Finding: plan.Finding{
				Code: text("code"), Severity: rapid.SampledFrom([]plan.Severity{plan.SeverityError, plan.SeverityWarning, plan.SeverityInfo, "fatal"}).Draw(t, "severity"),
				Subject: text("subject"), Column: text("column"), File: text("file"), Line: rapid.IntRange(0, 9).Draw(t, "line"), Col: rapid.IntRange(0, 9).Draw(t, "col"),
				Message: text("message"), Fix: text("fix"), Owner: text("owner"),
			},
			New: rapid.Bool().Draw(t, "new"), Ignored: rapid.Bool().Draw(t, "ignored"), Reason: text("reason"), Until: text("until"),
		})
	}
	f.NotRun = []report.NotRun{{Code: text("not run"), Why: text("why")}}
	f.Limits = []report.Limit{{Name: text("limit"), Message: text("asked"), Next: text("next")}, {Name: text("limit"), Kept: true, Message: text("kept")}}
	return f
}

// Whatever a finding says, every format stays what it is, and its text is data
// in it.
func TestNothingBreaksOutOfAFormat(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := wild(t)
		active := 0
		for _, x := range f.Found {
			if !x.Ignored {
				active++
			}
		}
		annotations, plain := annotationsOf(t, f.GitHub())
		if len(annotations) != active+1 || len(plain) != 0 {
			t.Errorf("%d annotations and %q of %d findings and a limit", len(annotations), plain, active)
		}
		for _, a := range annotations {
			if a.properties["title"] == "" || strings.ContainsAny(a.message, "\x1b\x00\u202e") {
				t.Errorf("annotation %+v", a)
			}
		}
		doc, err := json.Marshal(f.Sarif())
		if err != nil {
			t.Fatal(err)
		}
		if err := formats.Sarif(doc); err != nil {
			t.Fatalf("%v\n%s", err, doc)
		}
		if err := formats.JUnit([]byte(f.JUnit())); err != nil {
			t.Fatalf("%v\n%s", err, f.JUnit())
		}
		markdown := f.Markdown()
		markdownStays(t, markdown, active)
		if n := strings.Count(rendered(t, markdown), "<td>"); n != 4*active {
			t.Errorf("%d cells of %d findings:\n%s", n, active, markdown)
		}
	})
}

// So does the comment of a coverage report, which has other tables, too.
func TestNothingBreaksOutOfCoverageMarkdown(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) string { return hostile().Draw(t, name) }
		r := covered(text("exposure"))
		r.Project, r.Notes, r.Selection = text("project"), []string{text("note")}, []string{text("selector")}
		rows := len(r.Dimensions) + 1
		for i := range r.Dimensions {
			d := &r.Dimensions[i]
			d.Title, d.Note = text("title"), text("why")
			for j := range d.Misses {
				m := &d.Misses[j]
				m.Subject, m.Column, m.File, m.Message, m.Fix = text("subject"), text("column"), text("file"), text("message"), text("fix")
				rows++
			}
		}
		for i := range r.Checks {
			r.Checks[i].Where = text("where")
		}
		r.Against.Fixed[0].Subject = text("fixed")
		markdownStays(t, report.CoverageMarkdown(r, text("version"), text("root")), rows)
	})
}

// markdownStays fails where text of others is markup of the comment.
func markdownStays(t *rapid.T, markdown string, rows int) {
	page := rendered(t, markdown)
	bare := regexp.MustCompile(`(?s)<pre>.*?</pre>|<code>.*?</code>`).ReplaceAllString(page, "")
	bare = bare[strings.Index(bare, "-->"):]
	if got := strings.Count(bare, "<tr>") - strings.Count(bare, "<table>"); got != rows {
		t.Errorf("%d rows of %d findings:\n%s", got, rows, markdown)
	}
	known := map[string]bool{"h3": true, "table": true, "thead": true, "tbody": true, "tr": true, "th": true, "td": true, "p": true, "details": true, "summary": true, "strong": true, "hr": true, "blockquote": true, "ul": true, "li": true}
	for _, m := range regexp.MustCompile(`<(/?[a-z][a-z0-9]*)`).FindAllStringSubmatch(bare, -1) {
		if !known[strings.TrimPrefix(m[1], "/")] {
			t.Errorf("there is a %s:\n%s", m[1], markdown)
		}
	}
	for _, bad := range []string{"@", "#12", "shop#1", "GH-7", "gh-7", ":smile:", "$x", "\x1b", "\u202e"} {
		if strings.Contains(bare, bad) {
			t.Errorf("%q stands outside of code:\n%s", bad, markdown)
		}
	}
}

// A comment of any number of findings is one that GitHub takes; it shows the
// most important ones and says how many more there are.
func TestFindingsMarkdownOfAnySize(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 500, 5000} {
		for _, long := range []int{1, 300, 5_000} {
			if n*long > 2_500_000 {
				continue
			}
			f := report.Findings{Command: "coverage", Project: "shop"}
			for i := range n {
				severity := plan.SeverityWarning
				if i == n-1 {
					severity = plan.SeverityError
				}
				f.Found = append(f.Found, report.Found{Finding: plan.Finding{
					Code: "guard_deletes", Severity: severity, Subject: fmt.Sprintf("model.shop.m%d", i), File: "models/" + strings.Repeat("f", long) + ".yml",
					Message: fmt.Sprintf("last%d ", i) + strings.Repeat("x ", long), Fix: strings.Repeat("- fix: it\n", long),
				}})
			}
			markdown := f.Markdown()
			if size := utf8.RuneCountInString(markdown); size > 65_536 || len(markdown) > 65_536 {
				t.Errorf("%d findings of %d make %d characters", n, long, size)
			}
			r := covered("email_crm_export")
			for _, x := range f.Found {
				r.Dimensions[0].Misses = append(r.Dimensions[0].Misses, coverage.Miss{Finding: x.Finding, New: len(r.Dimensions[0].Misses)%3 == 0})
			}
			if size := len(report.CoverageMarkdown(r, "1.2.3", "")); size > 65_536 {
				t.Errorf("%d misses of %d make %d bytes", n, long, size)
			}
			if !strings.Contains(strings.SplitN(markdown, "\n", 8)[5], fmt.Sprintf("last%d", n-1)) {
				t.Errorf("%d findings of %d do not begin with the error:\n%.600s", n, long, markdown)
			}
			shown := strings.Count(markdown, "| `guard_deletes` |")
			if more := regexp.MustCompile(`and (\d+) more finding`).FindStringSubmatch(markdown); shown < n && (more == nil || more[1] != strconv.Itoa(n-shown)) {
				t.Errorf("%d of %d findings are shown, and it says %q", shown, n, more)
			}
		}
	}
}
