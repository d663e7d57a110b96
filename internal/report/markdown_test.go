package report_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
	"pgregory.net/rapid"

	"exposync/internal/plan"
	"exposync/internal/report"
)

// sampled is a run with samples and mappings of every kind.
func sampled() report.Run {
	r := run()
	r.Project = "shop"
	samples := plan.Samples{Before: "read from the destination", Records: []plan.Sample{
		{Op: "create", Key: []plan.Cell{{Field: "email", After: "‹text›"}, {Field: "site", After: "7"}}, Fields: []plan.Cell{{Field: "name", After: `"Ada"`}, {Field: "lifetime_value", After: "12.5"}}},
		{Op: "update", Known: true, Key: []plan.Cell{{Field: "email", After: "‹text›"}}, Fields: []plan.Cell{{Field: "notes", Before: `"` + strings.Repeat("before ", 8) + `"…`, After: `"` + strings.Repeat("after ", 9) + `"…`}, {Field: "name", Before: `"Bob"`, After: "null"}}},
		{Op: "update", Known: true, Key: []plan.Cell{{Field: "email", After: "‹text›"}}},
		{Op: "update", Known: true, Missing: true, Key: []plan.Cell{{Field: "email", After: "‹text›"}}, Fields: []plan.Cell{{Field: "name", After: "‹text›"}}},
		{Op: "delete", Known: true, Key: []plan.Cell{{Field: "email", After: "‹text›"}}, Fields: []plan.Cell{{Field: "name", Before: "‹text›"}}},
	}}
	for i := range r.Jobs {
		p := r.Jobs[i].Result.Plan
		if p == nil {
			continue
		}
		copied := *p
		copied.Sync.Connection = r.Jobs[i].Job.ID
		r.Jobs[i].Result.Plan = &copied
		if i == 1 {
			copied.Estimate = plan.Estimate{Calls: 1200, PerSecond: 10, Seconds: 120, Shared: true}
			r.Jobs[i].Samples = &samples
			r.Jobs[i].Mapping = []plan.Mapped{{Field: "email", Column: "email", Key: true}, {Field: "lifetime", Column: "lifetime_value"}, {Field: "source"}}
		}
		if i == 4 {
			copied.Estimate = plan.Estimate{Calls: 1, PerSecond: 0.25, Seconds: 4}
		}
		if i == 7 {
			copied.Estimate = plan.Estimate{Calls: 2}
		}
	}
	return r
}

func TestPlanMarkdown(t *testing.T) {
	t.Parallel()
	golden(t, "plan_markdown", report.PlanMarkdown(sampled()))
	golden(t, "plan_markdown_empty", report.PlanMarkdown(report.Run{Project: "shop", Target: "prod", Version: "1.2.3"}))
}

func TestPlanTextOfSamples(t *testing.T) {
	t.Parallel()
	for name, style := range styles() {
		golden(t, "samples_"+name, report.PlanText(style, report.Run{Jobs: sampled().Jobs[1:2]}))
	}
}

func rendered(t interface{ Fatal(...any) }, markdown string) string {
	var out bytes.Buffer
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	if err := md.Convert([]byte(markdown), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// hostile is text that would like to be something else.
func hostile() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		words := rapid.SliceOfN(rapid.OneOf(
			rapid.SampledFrom([]string{
				"@octocat", "a@b.example", "|", `\|`, `\`, "`", "``", "```", "<b>", "</details>", "-->", "<!--", "#12", "acme/shop#1", "GH-7", "gh-7",
				"https://evil.example", "www.evil.example", "(www.evil.example)", "[x](http://evil.example)", "![x](y)", "*bold*", "_em_", "__a__", "~~gone~~", "$x$", ":smile:",
				"\n", "\n\n", "\r\n", "- [ ]", "| --- |", "&lt;script&gt;", "<script>", "\x1b[31m", "\u202e", "\x00", "1.", "#", "======", "    code", "plain", "‹text›", "\xff",
			}), rapid.String(),
		), 0, 8).Draw(t, "words")
		return strings.Join(words, rapid.SampledFrom([]string{"", " "}).Draw(t, "between"))
	})
}

// Whatever names, reasons and values hold: the table keeps its cells, nothing
// is a link, an image, a mention or an issue, and what is folded stays folded.
func TestNothingBreaksOutOfTheMarkdown(t *testing.T) {
	t.Parallel()
	code := regexp.MustCompile(`(?s)<pre>.*?</pre>|<code>.*?</code>`)
	tag := regexp.MustCompile(`<(/?[a-z][a-z0-9]*)`)
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) string { return hostile().Draw(t, name) }
		r := report.Run{Project: text("project"), Target: text("target"), Invocation: text("invocation"), Version: "1.0"}
		n := rapid.IntRange(1, 3).Draw(t, "jobs")
		for range n {
			j := report.JobReport{Job: plan.Job{ID: text("id"), Connection: text("connection"), Object: text("object")}}
			j.Judgement = plan.Judgement{Verdict: plan.VerdictBlock, Reasons: []plan.Reason{{Code: text("code"), Verdict: plan.VerdictBlock, Message: text("message"), Next: rapid.SampledFrom([]string{"", "dbt "}).Draw(t, "dbt") + text("next")}}}
			j.Result.Plan = &plan.Plan{
				Notes: []string{text("note")}, Holds: []plan.Hold{{Code: text("hold"), Message: text("why"), Next: text("then")}},
				Sync: plan.SyncID{Connection: j.Job.Connection}, Estimate: plan.Estimate{Calls: 1, PerSecond: 0.1, Seconds: 10},
			}
			j.Result.Rejects = []plan.RejectGroup{{Code: text("reject"), Reason: text("reason"), Records: 1}}
			j.Mapping = []plan.Mapped{{Field: text("field"), Column: text("column")}}
			// values come from the engine, which has them on one line each
			value := fmt.Sprintf("%q", text("value"))
			j.Samples = &plan.Samples{Records: []plan.Sample{{Op: "create", Key: []plan.Cell{{Field: text("key"), After: value}}, Fields: []plan.Cell{{Field: text("cell"), After: value}}}}}
			r.Jobs = append(r.Jobs, j)
		}
		markdown := report.PlanMarkdown(r)
		page := rendered(t, markdown)
		bare := code.ReplaceAllString(page, "")
		bare = bare[strings.Index(bare, "-->"):]
		if i := strings.Count(bare, "<td"); i != 9*n || strings.Count(bare, "<tr") != n+1 || strings.Count(bare, "<table") != 1 {
			t.Errorf("%d cells for %d syncs", i, n)
		}
		if strings.Count(bare, "<details>") != n || strings.Count(bare, "</details>") != n {
			t.Error("what is folded does not stay so")
		}
		known := map[string]bool{"h3": true, "table": true, "thead": true, "tbody": true, "tr": true, "th": true, "td": true, "p": true, "details": true, "summary": true, "ul": true, "li": true, "strong": true, "hr": true}
		for _, m := range tag.FindAllStringSubmatch(bare, -1) {
			if !known[strings.TrimPrefix(m[1], "/")] {
				t.Errorf("there is a %s", m[1])
			}
		}
		for _, bad := range []string{"@", "#12", "shop#1", "GH-7", "gh-7", ":smile:", "$x", "\x1b", "\u202e"} {
			if strings.Contains(bare, bad) {
				t.Errorf("%q stands outside of code", bad)
			}
		}
		if t.Failed() {
			t.Fatalf("%s\n%s", markdown, page)
		}
	})
}

// A comment of any number of syncs is one that GitHub takes, and says what it
// leaves out.
func TestMarkdownOfAnySize(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 300, 2000} {
		for _, long := range []int{1, 100, 10_000} {
			if n*long > 1_000_000 {
				continue
			}
			r := report.Run{Project: "shop", Target: "prod"}
			for i := range n {
				name := strings.Repeat("ä", long)
				j := report.JobReport{Job: plan.Job{ID: fmt.Sprintf("%d%s", i, name), Connection: name, Object: name}, Judgement: plan.Judgement{Verdict: plan.VerdictGo}}
				j.Result.Plan = &plan.Plan{}
				for range 30 {
					j.Mapping = append(j.Mapping, plan.Mapped{Field: name, Column: name})
					j.Result.Plan.Holds = append(j.Result.Plan.Holds, plan.Hold{Code: name, Message: name, Next: name})
				}
				r.Jobs = append(r.Jobs, j)
			}
			text := report.PlanMarkdown(r)
			if len(text) > 65_536 {
				t.Errorf("%d syncs with names of %d: %d bytes", n, long, len(text))
			}
			rows := strings.Count(text, " | go | ")
			details := strings.Count(text, "<details>")
			if rows < n && !strings.Contains(text, fmt.Sprintf("\nand %d more sync", n-rows)) || rows == n && strings.Contains(text, "\nand 0 more") {
				t.Errorf("%d of %d syncs have a row, and nothing says so", rows, n)
			}
			if details < n && !strings.Contains(text, fmt.Sprintf("\nand details of %d more sync", n-details)) {
				t.Errorf("%d of %d syncs have details, and nothing says so", details, n)
			}
			if long == 1 && (rows == 0 || details == 0) {
				t.Error("the comment is empty")
			}
		}
	}
}
