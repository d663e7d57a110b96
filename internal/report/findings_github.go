package report

import (
	"fmt"
	"strings"
	"unicode"

	"exposync/internal/plan"
)

// ghShown is how many annotations of one level GitHub shows of a step; it drops
// the others in silence.
// Source: docs.github.com, "Usage limits" of annotations (10 errors, 10 warnings
// and 10 notices a step, 50 a job).
const ghShown = 10

// GitHub gives findings as workflow commands, which become annotations of the
// pull request. Of each level GitHub shows ten: where there are more, the tenth
// says how many are left, and those are lines of the step's log.
func (f Findings) GitHub() string {
	var b strings.Builder
	active := f.Active()
	for _, severity := range severities {
		var level []string
		if severity == plan.SeverityError {
			for _, l := range f.broken() {
				level = append(level, ghCommand("error", "", 0, 0, "exposync "+f.Command+": "+l.Name, joined(l.Message, l.Next)))
			}
		}
		var logged []Found
		for _, x := range active {
			if severities[rank(x.Severity)] != severity {
				continue
			}
			level = append(level, f.ghLine(x))
			logged = append(logged, x)
		}
		f.ghLevel(&b, severity, level, logged)
	}
	if b.Len() == 0 {
		b.WriteString(ghPlain("exposync "+f.Command+": nothing found") + "\n")
	}
	return b.String()
}

// ghLevel writes the annotations of one level, and what is left as a group of
// the log.
func (f Findings) ghLevel(b *strings.Builder, severity plan.Severity, level []string, found []Found) {
	shown := len(level)
	if shown > ghShown {
		shown = ghShown - 1
	}
	for _, line := range level[:shown] {
		b.WriteString(line + "\n")
	}
	left := len(level) - shown
	if left == 0 {
		return
	}
	words := map[plan.Severity]string{plan.SeverityError: "error", plan.SeverityWarning: "warning", plan.SeverityInfo: "hint"}
	more := fmt.Sprintf("%s of exposync %s: GitHub shows %d of a level, the log of this step has them all", Count(int64(left), "more "+words[severity]), f.Command, ghShown)
	b.WriteString(ghCommand(ghWord(severity), "", 0, 0, "exposync "+f.Command, more) + "\n")
	fmt.Fprintf(b, "::group::%s\n", ghData(Count(int64(left), "more "+words[severity])))
	for _, x := range found[len(found)-min(left, len(found)):] {
		b.WriteString(ghPlain(fmt.Sprintf("%s: %s [%s]", f.place(x), x.Message, x.Code)) + "\n")
	}
	b.WriteString("::endgroup::\n")
}

func (f Findings) ghLine(x Found) string {
	title := x.Code + ": " + x.named()
	if x.New {
		title += " (new)"
	}
	return ghCommand(ghWord(x.Severity), f.repoPath(x), x.Line, x.Col, title, joined(x.Message, x.Fix))
}

// joined is a sentence with what to do about it below.
func joined(message, fix string) string {
	if fix == "" {
		return message
	}
	return message + "\n" + fix
}

func ghWord(s plan.Severity) string {
	return []string{"error", "warning", "notice"}[rank(s)]
}

// ghCommand is one workflow command, always on one line.
func ghCommand(word, file string, line, col int, title, message string) string {
	var properties []string
	if file != "" {
		properties = append(properties, "file="+ghProperty(file))
	}
	if file != "" && line > 0 {
		properties = append(properties, fmt.Sprintf("line=%d", line))
		if col > 0 {
			properties = append(properties, fmt.Sprintf("col=%d", col))
		}
	}
	properties = append(properties, "title="+ghProperty(oneLine(title)))
	return "::" + word + " " + strings.Join(properties, ",") + "::" + ghData(message)
}

// ghData escapes the message of a command, and ghProperty a property of it, as
// actions/toolkit does: whatever a text holds, it ends neither.
func ghData(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(printable(text))
}

func ghProperty(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(ghData(text))
}

// ghPlain is a text as a line of the log that is no command. The runner takes
// "::" at the beginning of a line for one, and "##[" anywhere in it.
func ghPlain(text string) string {
	text = strings.ReplaceAll(oneLine(text), "##[", "## [")
	if strings.HasPrefix(text, "::") {
		text = "| " + text
	}
	return text
}

// printable takes out what no reader of a format should have to bear: control
// characters but line breaks and tabs, marks that turn the direction of text,
// and bytes that are no text.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\n' || c == '\t':
			return c
		case c == unicode.ReplacementChar || !unicode.IsPrint(c) && !unicode.IsSpace(c):
			return ' '
		case unicode.IsSpace(c):
			return ' '
		}
		return c
	}, text)
}

// place is where a finding is, as editors and terminals link it.
func (f Findings) place(x Found) string {
	place := f.repoPath(x)
	if x.Line > 0 {
		place += fmt.Sprintf(":%d", x.Line)
		if x.Col > 0 {
			place += fmt.Sprintf(":%d", x.Col)
		}
	}
	return place
}
