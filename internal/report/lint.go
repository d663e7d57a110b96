package report

import (
	"fmt"
	"slices"
	"strings"

	"exposync/internal/lint"
	"exposync/internal/plan"
)

// Lint is what `exposync lint` found.
type Lint struct {
	lint.Report
	Files   int          // that were looked at
	Rules   int          // that there are
	Fixed   []lint.Fixed // what was mended; without Applied what could be
	Applied bool
	Shown   func(file string) string // a file of the project as the user names it; nil for as it is
}

// Text draws the findings by file, each with what to write instead, and what
// is left to say about the whole.
func (l Lint) Text(s Style) string {
	var b strings.Builder
	file := ""
	for i, f := range l.Findings {
		if i > 0 && f.File != file {
			b.WriteString("\n")
		}
		file = f.File
		l.finding(&b, s, f)
	}
	if len(l.Findings) > 0 {
		b.WriteString("\n")
	}
	if !l.Applied {
		b.WriteString(l.corrected(s))
	}
	b.WriteString(l.summary(s))
	return b.String()
}

// finding is one finding: where, how bad and which rule on a line that editors
// and terminals open, and below it what is wrong and what to write.
func (l Lint) finding(b *strings.Builder, s Style, f lint.Finding) {
	fmt.Fprintf(b, "%s %s %s\n", s.Paint(Strong, l.place(f.Finding)), s.Paint(severityPaint(f.Severity), string(f.Severity)), f.Code)
	for _, line := range wrap(f.Message, s.width()-2) {
		b.WriteString("  " + line + "\n")
	}
	for i, line := range fixLines(f.Fix, s.width()-7) {
		label := "    "
		if i == 0 {
			label = s.Paint(Faint, "fix ")
		}
		b.WriteString("  " + label + " " + line + "\n")
	}
}

// fixLines is a fix: a text of several lines is YAML and stays as it is, one
// line is wrapped.
func fixLines(fix string, width int) []string {
	switch {
	case fix == "":
		return nil
	case strings.Contains(fix, "\n"):
		return strings.Split(fix, "\n")
	}
	return wrap(fix, width)
}

// place is file:line:col, as far as it is known; the subject where no file is.
func (l Lint) place(f plan.Finding) string {
	if f.File == "" {
		return f.Subject
	}
	out := l.shown(f.File)
	if f.Line > 0 {
		out += fmt.Sprintf(":%d", f.Line)
		if f.Col > 0 {
			out += fmt.Sprintf(":%d", f.Col)
		}
	}
	return out
}

func (l Lint) shown(file string) string {
	if l.Shown == nil {
		return file
	}
	return l.Shown(file)
}

func severityPaint(s plan.Severity) Role {
	switch s {
	case plan.SeverityError:
		return Bad
	case plan.SeverityWarning:
		return Warn
	case plan.SeverityInfo:
	}
	return Faint
}

// corrected shows files that dbt cannot load as they would be after --fix: of
// them, one mistake hides the next.
func (l Lint) corrected(s Style) string {
	var b strings.Builder
	for _, f := range l.Fixed {
		broken := slices.ContainsFunc(f.Codes, func(code string) bool { return strings.HasPrefix(code, "yaml_") })
		if broken {
			fmt.Fprintf(&b, "%s\n%s\n", s.Paint(Strong, l.shown(f.File)+", corrected:"), DiffText(s, l.shown(f.File), f.Was, f.Now))
		}
	}
	return b.String()
}

// summary counts the findings, and says what was not checked and why.
func (l Lint) summary(s Style) string {
	var b strings.Builder
	line := func(text string) { b.WriteString(strings.Join(wrap(text, s.width()), "\n  ") + "\n") }
	if l.Applied {
		for _, f := range l.Fixed {
			line(fmt.Sprintf("fixed %s: %s", l.shown(f.File), strings.Join(f.Codes, ", ")))
		}
	}
	switch fixable := l.fixable(); {
	case len(l.Findings) == 0:
		line(fmt.Sprintf("no findings: %s in %s", Count(int64(l.Rules-len(l.NotRun)), "rule"), Count(int64(l.Files), "file")))
	case fixable > 0:
		line(fmt.Sprintf("%s; --fix mends %d of them", l.counts(), fixable))
	default:
		line(l.counts())
	}
	if l.Ignored > 0 {
		line(Count(int64(l.Ignored), "finding") + " let pass for a reason")
	}
	for _, why := range l.whys() {
		line(l.notRunText(why))
	}
	return b.String()
}

func (l Lint) counts() string {
	var parts []string
	for _, severity := range []plan.Severity{plan.SeverityError, plan.SeverityWarning, plan.SeverityInfo} {
		n := 0
		for _, f := range l.Findings {
			if f.Severity == severity {
				n++
			}
		}
		noun := string(severity)
		if severity == plan.SeverityInfo {
			noun = "note"
		}
		if n > 0 {
			parts = append(parts, Count(int64(n), noun))
		}
	}
	return strings.Join(parts, ", ")
}

func (l Lint) fixable() int {
	n := 0
	for _, f := range l.Findings {
		if len(f.Edits) > 0 {
			n++
		}
	}
	return n
}

// whys are the reasons for which rules did not run, in the order of the rules.
func (l Lint) whys() []string {
	var out []string
	for _, n := range l.NotRun {
		if !slices.Contains(out, n.Why) {
			out = append(out, n.Why)
		}
	}
	return out
}

func (l Lint) notRun(why string) []string {
	var out []string
	for _, n := range l.NotRun {
		if n.Why == why {
			out = append(out, n.Code)
		}
	}
	return out
}

// notRunText names the rules that did not run for a reason, or says how many
// they are.
func (l Lint) notRunText(why string) string {
	const named = 3
	codes := l.notRun(why)
	if len(codes) > named {
		return fmt.Sprintf("not checked: %d of %d rules, because %s", len(codes), l.Rules, why)
	}
	return fmt.Sprintf("not checked: %s, because %s", strings.Join(codes, ", "), why)
}

// Worst is the severity that matters most among the findings; empty if there
// are none.
func (l Lint) Worst() plan.Severity {
	var worst plan.Severity
	for _, f := range l.Findings {
		if worst == "" || rank(f.Severity) < rank(worst) {
			worst = f.Severity
		}
	}
	return worst
}

// Value gives the findings for the formats that all checks have.
func (l Lint) Value(project, root, version string) Findings {
	out := Findings{Command: "lint", Version: version, Project: project, Root: root, Rules: l.Ran, LetPass: l.Ignored}
	for _, f := range l.Findings {
		out.Found = append(out.Found, Found{Finding: f.Finding})
	}
	for _, n := range l.NotRun {
		out.NotRun = append(out.NotRun, NotRun{Code: n.Code, Why: n.Why})
	}
	return out
}
