package report

import (
	"fmt"
	"slices"
	"strings"

	"exposync/internal/plan"
)

const mdFixes = 25 // findings whose fix is shown, folded

// Markdown gives findings as the comment of a pull request, the most important
// first. However many there are, the comment is one that GitHub takes, and says
// what it leaves out. Its first line, which does not show, is the same for
// every run of the command on a project.
func (f Findings) Markdown() string {
	active := f.Active()
	title := countText(active)
	if f.Compared {
		title += fmt.Sprintf(" (%d new)", countNew(active))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<!-- exposync:%s %s -->\n### Exposync %s: %s\n", f.Command, mdMark(f.Project), f.Command, mdProse(title))
	b.WriteString(mdLimits(f.Limits))
	f.mdBody(&b)
	f.mdFoot(&b)
	return b.String()
}

// mdBody are the findings. With a baseline the new ones stand open and the known
// ones are folded below them.
func (f Findings) mdBody(b *strings.Builder) {
	room := mdLimit - 2*mdLeast
	active := f.Active()
	if !f.Compared {
		f.mdFindings(b, active, room)
		return
	}
	known := slices.DeleteFunc(slices.Clone(active), func(x Found) bool { return x.New })
	fresh := slices.DeleteFunc(active, func(x Found) bool { return !x.New })
	if len(fresh) > 0 {
		b.WriteString("\n**new**\n")
		f.mdFindings(b, fresh, room)
	}
	if len(known) == 0 {
		return
	}
	if b.Len() > room-mdLeast {
		fmt.Fprintf(b, "\nand %s that the baseline has, too\n", Count(int64(len(known)), "finding"))
		return
	}
	fmt.Fprintf(b, "\n<details>\n<summary>%s that the baseline has, too</summary>\n", Count(int64(len(known)), "finding"))
	f.mdFindings(b, known, room)
	b.WriteString("\n</details>\n")
}

// mdLimits says which limits were not kept, before anything else.
func mdLimits(limits []Limit) string {
	var b strings.Builder
	for _, l := range limits {
		if l.Kept {
			continue
		}
		b.WriteString("\n> ❌ " + mdProse(l.Message) + "\n")
		if l.Next != "" {
			b.WriteString("> next: " + mdNext(l.Next) + "\n")
		}
	}
	return b.String()
}

// mdFindings is the table of findings and, folded below it, what to do about
// the first of them; all of it within a number of bytes of the whole.
func (f Findings) mdFindings(b *strings.Builder, found []Found, room int) {
	if len(found) == 0 {
		return
	}
	fixes := f.mdFixed(found, min(mdTable, (room-b.Len())/2))
	b.WriteString("\n| | rule | where | finding |\n| --- | --- | --- | --- |\n")
	left := len(found)
	for _, of := range bySubject(found) {
		row := f.mdRow(of)
		if b.Len()+len(row)+len(fixes) > room {
			fmt.Fprintf(b, "\nand %s: `exposync %s` shows them\n", Count(int64(left), "more finding"), f.Command)
			break
		}
		left -= len(of)
		b.WriteString(row)
	}
	b.WriteString(fixes)
}

// bySubject puts findings of one rule about several columns of one node
// together, where the first of them stands.
func bySubject(found []Found) [][]Found {
	type same struct {
		code, subject string
		severity      plan.Severity
		new           bool
	}
	at := map[same]int{}
	var out [][]Found
	for _, x := range found {
		key := same{x.Code, x.Subject, x.Severity, x.New}
		if i, ok := at[key]; ok && x.Column != "" {
			out[i] = append(out[i], x)
			continue
		}
		at[key] = len(out)
		out = append(out, []Found{x})
	}
	return out
}

func (f Findings) mdRow(of []Found) string {
	x := of[0]
	sign := []string{"❌ error", "⚠️ warning", "hint"}[rank(x.Severity)]
	where := mdCode(f.place(x))
	text := mdProse(x.Message)
	if name := x.named(); !strings.Contains(x.Message, name) && !strings.Contains(f.place(x), name) {
		text = mdCode(name) + ": " + text
	}
	if more := len(of) - 1; more > 0 {
		var columns []string
		for _, y := range of[1:] {
			columns = append(columns, y.Column)
		}
		text += fmt.Sprintf("; and %d more like it: %s", more, mdCodes(columns))
	}
	return "| " + strings.Join([]string{sign, mdCode(x.Code), where, strings.ReplaceAll(text, "|", "¦")}, " | ") + " |\n"
}

// mdFixed are the fixes of the first findings that have one; the same fix stands
// once.
func (f Findings) mdFixed(found []Found, room int) string {
	var b strings.Builder
	n, left := 0, 0
	seen := map[string]bool{}
	for _, x := range found {
		if x.Fix == "" || seen[x.Code+x.Fix] {
			continue
		}
		seen[x.Code+x.Fix] = true
		if n == mdFixes || left == mdTries {
			left++
			continue
		}
		item := "\n" + mdCode(x.Code) + " " + mdCode(x.named()) + "\n\n" + mdBlock(mdCut(strings.Split(printable(x.Fix), "\n"), "more line"))
		if b.Len()+len(item) > room {
			left++
			continue
		}
		n++
		b.WriteString(item)
	}
	switch {
	case n == 0:
		return ""
	case left > 0:
		fmt.Fprintf(&b, "\nand %s: `exposync %s` shows them\n", mdMore(left, "fix"), f.Command)
	}
	return fmt.Sprintf("\n<details>\n<summary>what to do</summary>\n%s\n</details>\n", b.String())
}

// mdMore is Count for fixes.
func mdMore(n int, noun string) string {
	if n == 1 {
		return "1 more " + noun
	}
	return fmt.Sprintf("%d more %ses", n, noun)
}

func (f Findings) mdFoot(b *strings.Builder) {
	b.WriteString("\n---\n")
	if len(f.NotRun) > 0 {
		fmt.Fprintf(b, "not checked: %s · ", mdCodes(notRunCodes(f.NotRun)))
	}
	if n := f.passed(); n > 0 {
		fmt.Fprintf(b, "%s ignored by the project · ", Count(int64(n), "finding"))
	}
	fmt.Fprintf(b, "exposync %s\n", mdCode(f.Version))
}

func notRunCodes(list []NotRun) []string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = n.Code
	}
	return out
}

func countNew(found []Found) int {
	n := 0
	for _, x := range found {
		if x.New {
			n++
		}
	}
	return n
}
