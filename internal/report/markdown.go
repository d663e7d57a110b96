package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"exposync/internal/plan"
)

// GitHub takes comments of up to 65,536 characters.
const (
	mdLimit = 65_000 // bytes of the whole
	mdTable = 25_000 // bytes of the table
	mdLeast = 500    // bytes of room below which no details are tried
	mdTries = 20     // details that may be too long for the room before no more are tried
	mdItems = 12     // of one list
	mdLines = 60     // of one block
)

// PlanMarkdown draws a plan as the comment of a pull request: a table of all
// syncs, and what there is to say of each folded below it. Its first line, which
// does not show, is the same for every plan of a project and target, so that a
// workflow finds its own comment. However many syncs there are, the comment is
// one that GitHub takes, and says what it leaves out.
func PlanMarkdown(run Run) string {
	head := mdHead(run)
	foot := mdFoot(run)
	rows, left := mdRows(run.Jobs)
	var b strings.Builder
	b.WriteString(head)
	if len(run.Jobs) > 0 {
		b.WriteString("\n" + rows)
		if left > 0 {
			fmt.Fprintf(&b, "\nand %s\n", Count(int64(left), "more sync"))
		}
		if text := takes(run.Jobs); text != "" {
			b.WriteString("\n" + mdProse(text) + "\n")
		}
	}
	if run.NotInRun > 0 {
		b.WriteString("\n" + notInRunText(run.NotInRun) + "\n")
	}
	room, left := mdLimit-b.Len()-len(foot)-200, 0
	for i, j := range byAttention(run.Jobs) {
		if room < mdLeast || left == mdTries {
			left += len(run.Jobs) - i
			break
		}
		text := mdDetails(j)
		if len(text) > room {
			left++
			continue
		}
		room -= len(text)
		b.WriteString(text)
	}
	if left > 0 {
		fmt.Fprintf(&b, "\nand details of %s: `exposync plan` shows them\n", Count(int64(left), "more sync"))
	}
	b.WriteString(foot)
	return b.String()
}

func mdHead(run Run) string {
	title := "no syncs are declared"
	if n := len(run.Jobs); n > 0 {
		c := countsOf(run.Jobs)
		title = fmt.Sprintf("%s, %s, %s in %s", Count(c.Create, "create"), Count(c.Update, "update"), Count(c.Delete, "delete"), Count(int64(n), "sync"))
		if ends := endings(run.Jobs); ends != "" {
			title += "; " + ends
		}
	}
	return fmt.Sprintf("<!-- exposync:plan %s %s -->\n### Exposync plan: %s\n", mdMark(run.Project), mdMark(run.Target), mdProse(title))
}

// mdMark is a name that cannot end an HTML comment.
func mdMark(name string) string {
	out := strings.Map(func(c rune) rune {
		if c < utf8.RuneSelf && (c == '_' || c == '.' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z') {
			return c
		}
		return '_'
	}, middle(name, 80))
	if out == "" {
		return "_"
	}
	return out
}

func mdFoot(run Run) string {
	invocation := mdCode(run.Invocation)
	if invocation == "" {
		invocation = "unknown"
	}
	return fmt.Sprintf("\n---\ndbt run %s · exposync %s · target %s\n", invocation, mdCode(run.Version), mdCode(run.Target))
}

// mdDetails is what there is to say of one sync, folded.
func mdDetails(j JobReport) string {
	var b strings.Builder
	b.WriteString("\n<details>\n<summary>" + mdHTML(j.Job.ID))
	if p := j.Result.Plan; p != nil && p.Hosted == nil {
		b.WriteString(" " + sumOf([]JobReport{j}))
	}
	if codes := stoppedBy(j); len(codes) > 0 {
		b.WriteString(", stopped by " + mdHTML(strings.Join(codes, ", ")))
	}
	b.WriteString("</summary>\n\n")
	b.WriteString(mdList(mdWhy(j)))
	if p := j.Result.Plan; p != nil {
		lines := []string{mdProse(readText(*p))}
		if p.Hosted != nil {
			lines = []string{mdProse(hostedText(*p.Hosted, p.MadeAt))}
		}
		for _, n := range planNotes(*p) {
			lines = append(lines, mdProse(n))
		}
		for _, g := range j.Result.Rejects {
			lines = append(lines, "rejected before: "+mdProse(rejectLine(g)))
		}
		b.WriteString(mdList(lines))
	}
	if j.Samples != nil && len(j.Samples.Records) > 0 {
		lines := strings.Split(strings.TrimRight(samplesText(Style{Width: 100}, *j.Samples), "\n"), "\n")
		for i, l := range lines {
			lines[i] = strings.TrimPrefix(l, "  ")
		}
		b.WriteString("\n" + mdBlock(mdCut(lines, "more line")))
	}
	if len(j.Mapping) > 0 {
		b.WriteString("\n" + mdBlock(mdCut(mappingLines(j.Mapping), "more field")))
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

// mdWhy are the reasons, holds and problems, each with its next command.
func mdWhy(j JobReport) []string {
	var out []string
	entry := func(word, code, message, next string) {
		line := fmt.Sprintf("**%s** %s: %s", word, mdCode(code), mdProse(message))
		if next != "" {
			line += "\n  - next: " + mdNext(next)
		}
		out = append(out, line)
	}
	for _, r := range j.Judgement.Reasons {
		if !j.Judgement.Verdict.Open() && r.Verdict == j.Judgement.Verdict {
			entry(string(r.Verdict), r.Code, r.Message, r.Next)
		}
	}
	if p := j.Result.Plan; p != nil {
		for _, h := range p.Holds {
			if h.Accepted {
				entry("accepted", h.Code, h.Message, "")
				continue
			}
			entry("hold", h.Code, h.Message, h.Next)
		}
	}
	for _, f := range FaultsJSON(j.Result.Problems) {
		if f.Next == "" {
			f.Next = "exposync explain " + f.Code
		}
		entry("error", f.Code, f.What, f.Next)
	}
	return out
}

// mdNext is a next step; the command that it begins with is code as a whole.
func mdNext(next string) string {
	if before, command, found := strings.Cut(next, ": exposync "); found {
		return mdProse(before+":") + " " + mdNext("exposync "+command)
	}
	if !strings.HasPrefix(next, "exposync ") && !strings.HasPrefix(next, "dbt ") {
		return mdProse(next)
	}
	end := len(next)
	for _, stop := range []string{" (", ", ", "; ", "`"} {
		if at := strings.Index(next, stop); at >= 0 {
			end = min(end, at)
		}
	}
	rest := mdProse(next[end:])
	if rest != "" && rest[0] != ',' && rest[0] != ';' {
		rest = " " + rest
	}
	return mdCode(next[:end]) + rest
}

func mdList(items []string) string {
	var b strings.Builder
	for i, item := range items {
		if i == mdItems {
			fmt.Fprintf(&b, "- and %d more\n", len(items)-i)
			break
		}
		b.WriteString("- " + item + "\n")
	}
	return b.String()
}

// mdCut keeps the first lines of a block, and says how many there are more.
func mdCut(lines []string, noun string) []string {
	out := make([]string, 0, min(len(lines), mdLines+1))
	for i, l := range lines {
		if i == mdLines {
			return append(out, "and "+Count(int64(len(lines)-i), noun))
		}
		out = append(out, middle(l, mdRunes))
	}
	return out
}

// mappingLines read like assignments: theirs <- ours.
func mappingLines(fields []plan.Mapped) []string {
	widest := 0
	for _, f := range fields {
		widest = max(widest, min(utf8.RuneCountInString(f.Field), 40))
	}
	out := make([]string, len(fields))
	for i, f := range fields {
		theirs, ours := oneLine(f.Field), oneLine(f.Column)
		if f.Column == "" {
			ours = "(constant)"
		}
		out[i] = theirs + strings.Repeat(" ", max(widest-utf8.RuneCountInString(theirs), 0)) + " <- " + ours
		if f.Key {
			out[i] += " (key)"
		}
	}
	return out
}
