package report

import (
	"strings"

	"exposync/internal/lint"
	"exposync/internal/plan"
)

// LintJSON is what `exposync lint --output json` prints.
type LintJSON struct {
	Findings []LintFindingJSON `json:"findings"`
	NotRun   []NotRunJSON      `json:"not_run"`
	Fixed    []FixedJSON       `json:"fixed"`   // with --fix: the files that were changed; with --diff: that would be
	Ignored  int               `json:"ignored"` // findings let pass for a reason
	Files    int               `json:"files"`   // looked at
	Rules    int               `json:"rules"`   // there are
}

// LintFindingJSON is a finding with what would mend it.
type LintFindingJSON struct {
	plan.Finding
	Edits []EditJSON `json:"edits"` // empty where it takes a person
}

// EditJSON replaces the bytes from start to before end.
type EditJSON struct {
	File  string `json:"file"`
	Start int    `json:"start"`
	End   int    `json:"end"`
	New   string `json:"new"`
}

// NotRunJSON is a rule that could not be checked.
type NotRunJSON struct {
	Code string `json:"code"`
	Why  string `json:"why"`
}

// FixedJSON is a file that was mended.
type FixedJSON struct {
	File  string   `json:"file"`
	Codes []string `json:"codes"`
	Diff  string   `json:"diff"`
}

// JSON is the value for programs. Lists are never null.
func (l Lint) JSON() LintJSON {
	doc := LintJSON{
		Findings: make([]LintFindingJSON, 0, len(l.Findings)), NotRun: make([]NotRunJSON, 0, len(l.NotRun)),
		Fixed: make([]FixedJSON, 0, len(l.Fixed)), Ignored: l.Ignored, Files: l.Files, Rules: l.Rules,
	}
	for _, f := range l.Findings {
		doc.Findings = append(doc.Findings, LintFindingJSON{Finding: f.Finding, Edits: editsJSON(f.Edits)})
	}
	for _, n := range l.NotRun {
		doc.NotRun = append(doc.NotRun, NotRunJSON{Code: n.Code, Why: n.Why})
	}
	for _, f := range l.Fixed {
		doc.Fixed = append(doc.Fixed, FixedJSON{File: f.File, Codes: f.Codes, Diff: DiffText(Style{}, f.File, f.Was, f.Now)})
	}
	return doc
}

func editsJSON(edits []lint.Edit) []EditJSON {
	out := make([]EditJSON, 0, len(edits))
	for _, e := range edits {
		out = append(out, EditJSON{File: e.File, Start: e.Start, End: e.End, New: e.New})
	}
	return out
}

// LintRulesText lists the rules.
func LintRulesText(s Style, rules []lint.Rule) string {
	rows := [][]string{{"rule", "severity", "fix", "title"}}
	for _, r := range rules {
		fix := ""
		if r.Fixes {
			fix = "yes"
		}
		rows = append(rows, []string{r.Code, string(r.Severity), fix, r.Title()})
	}
	if text, ok := s.fitted(rows, 2); ok {
		return text
	}
	return wrappedTable(s, rows)
}

// wrappedTable draws a table whose last column is wrapped.
func wrappedTable(s Style, rows [][]string) string {
	var b strings.Builder
	last := len(rows[0]) - 1
	heads := make([][]string, len(rows))
	for i, r := range rows {
		heads[i] = append(append([]string{}, r[:last]...), "|")
	}
	for i, head := range strings.Split(strings.TrimRight(table(Style{}, heads), "\n"), "\n") {
		head = strings.TrimSuffix(head, "|")
		for k, line := range wrap(rows[i][last], max(s.width()-len(head), 20)) {
			if k > 0 {
				head = strings.Repeat(" ", len(head))
			}
			text := head + line
			if i == 0 {
				text = s.Paint(Faint, text)
			}
			b.WriteString(text + "\n")
		}
	}
	return b.String()
}
