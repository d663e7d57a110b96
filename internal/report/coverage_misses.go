package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"exposync/internal/coverage"
)

// Most of what a text shows unless all of it is asked for: misses, lines of
// what to write for one of them, and names in a list.
const (
	mostMisses = 40
	mostFix    = 14
	mostNames  = 8
)

// missGroup is what one dimension misses about one node or exposure.
type missGroup struct {
	misses []coverage.Miss
}

func (g missGroup) first() coverage.Miss { return g.misses[0] }

// missing draws what is missed, by file. With a baseline it is what is new.
func (s Style) missing(r coverage.Report, shown CoverageShown) string {
	misses := r.Misses()
	if r.Against != nil && !shown.All {
		misses = slices.DeleteFunc(misses, func(m coverage.Miss) bool { return !m.New })
	}
	var unproven []coverage.Miss
	misses = slices.DeleteFunc(misses, func(m coverage.Miss) bool {
		if m.Dimension == coverage.Proven {
			unproven = append(unproven, m)
		}
		return m.Dimension == coverage.Proven
	})
	var b strings.Builder
	groups := missGroups(misses)
	file, subject := "\x00", ""
	for n, g := range groups {
		if n == mostMisses && !shown.All {
			fmt.Fprintf(&b, "\n%s\n", s.Paint(Faint, fmt.Sprintf("… and %d more: --all shows them", len(groups)-n)))
			break
		}
		m := g.first()
		if m.File != file {
			file, subject = m.File, ""
			fmt.Fprintf(&b, "\n%s\n", s.Paint(Strong, cmp.Or(m.File, "elsewhere")))
		}
		if m.Subject != subject {
			subject = m.Subject
			b.WriteString(s.subjectLine(g, groups))
		}
		b.WriteString(s.groupText(g, shown.All))
	}
	return b.String() + s.unproven(unproven, r, shown.All)
}

// missGroups puts the misses of one subject together, and of these those of one
// dimension, in the order in which they come.
func missGroups(misses []coverage.Miss) []missGroup {
	var out []missGroup
	line := map[string]int{} // of a subject in its file: the first of its misses
	for _, m := range misses {
		if _, known := line[m.File+"\x00"+m.Subject]; !known {
			line[m.File+"\x00"+m.Subject] = m.Line
		}
		i := slices.IndexFunc(out, func(g missGroup) bool {
			f := g.first()
			return f.Dimension == m.Dimension && f.Subject == m.Subject && f.File == m.File
		})
		if i < 0 {
			out = append(out, missGroup{})
			i = len(out) - 1
		}
		out[i].misses = append(out[i].misses, m)
	}
	slices.SortStableFunc(out, func(a, b missGroup) int {
		x, y := a.first(), b.first()
		return cmp.Or(
			cmp.Compare(x.File, y.File), cmp.Compare(line[x.File+"\x00"+x.Subject], line[y.File+"\x00"+y.Subject]), cmp.Compare(x.Subject, y.Subject),
			cmp.Compare(slices.Index(coverage.Names(), x.Dimension), slices.Index(coverage.Names(), y.Dimension)),
		)
	})
	return out
}

// subjectLine names a node or exposure with its line and owner.
func (s Style) subjectLine(g missGroup, all []missGroup) string {
	m := g.first()
	least := m.Line
	for _, other := range all {
		if f := other.first(); f.Subject == m.Subject && f.File == m.File {
			for _, x := range other.misses {
				least = min(least, x.Line)
			}
		}
	}
	line := "     "
	if least > 0 {
		line = padLeft(strconv.Itoa(least), 4) + " "
	}
	owner := ""
	if m.Owner != "" {
		owner = s.Paint(Faint, " · "+m.Owner)
	}
	return s.Paint(Faint, line) + cmp.Or(m.Name, m.Subject) + owner + "\n"
}

// groupText is what is missed, and below it what to write.
func (s Style) groupText(g missGroup, all bool) string {
	const label = 11
	m := g.first()
	role := Warn
	if m.Severity == "error" {
		role = Bad
	}
	head := "     " + s.Paint(role, m.Dimension) + strings.Repeat(" ", label-len(m.Dimension)+1)
	text := g.text(all)
	if m.New {
		text = "new: " + text
	}
	if m.Evidence != "" {
		text += " (" + m.Evidence + ")"
	}
	var b strings.Builder
	b.WriteString(s.hanging(head, text, Plain))
	lines, by := g.fix(), strings.Repeat(" ", 5+label+1)
	for i, line := range lines {
		if i == mostFix && !all {
			b.WriteString(by + s.Paint(Faint, fmt.Sprintf("… %d more lines: --all shows them", len(lines)-i)) + "\n")
			break
		}
		b.WriteString(strings.TrimRight(by+s.Paint(Faint, line), " ") + "\n")
	}
	return b.String()
}

// text says what is missed; several columns or fields in one sentence.
func (g missGroup) text(all bool) string {
	m := g.first()
	if len(g.misses) == 1 {
		return strings.TrimPrefix(strings.TrimPrefix(m.Message, m.Name+" "), m.Name+": ")
	}
	var columns []string
	for _, x := range g.misses {
		columns = append(columns, x.Column)
	}
	switch m.Dimension {
	case coverage.Described:
		return "has no " + anded(columns)
	case coverage.Mapped:
		return "no sync sends " + columnList(columns, all)
	case coverage.Values:
		return "no test lists the words of " + columnList(columns, all)
	case coverage.Documented:
		return g.byMissing(all)
	}
	texts := make([]string, len(g.misses))
	for i, x := range g.misses {
		texts[i] = x.Message
	}
	return strings.Join(texts, "; ")
}

// byMissing puts columns together that miss the same.
func (g missGroup) byMissing(all bool) string {
	var order []string
	columns := map[string][]string{}
	for _, m := range g.misses {
		what := anded(m.Missing)
		if columns[what] == nil {
			order = append(order, what)
		}
		columns[what] = append(columns[what], m.Column)
	}
	texts := make([]string, len(order))
	for i, what := range order {
		texts[i] = "no " + what + ": " + columnList(columns[what], all)
	}
	return strings.Join(texts, "; ")
}

// fix joins what to write for each: lines that two begin with stand once.
func (g missGroup) fix() []string {
	var out, first []string
	for _, m := range g.misses {
		if m.Fix == "" {
			continue
		}
		lines := strings.Split(m.Fix, "\n")
		if first == nil {
			first, out = lines, lines
			continue
		}
		n := 0
		for n < len(lines) && n < len(first) && lines[n] == first[n] {
			n++
		}
		out = append(slices.Clip(out), lines[n:]...)
	}
	return out
}

// unproven draws the misses of evidence: of them the names matter, and one
// command mends them all.
func (s Style) unproven(misses []coverage.Miss, r coverage.Report, all bool) string {
	if len(misses) == 0 {
		return ""
	}
	test := func(m coverage.Miss) int { return strings.Count(m.Subject[:min(9, len(m.Subject))], "test.") }
	slices.SortStableFunc(misses, func(a, b coverage.Miss) int { return test(a) - test(b) }) // what is not built explains its tests
	names := make([]string, len(misses))
	for i, m := range misses {
		names[i] = m.Name
		if m.Evidence != "" && all {
			names[i] += " (" + m.Evidence + ")"
		}
	}
	var exposures []string
	for _, l := range r.Exposures {
		if slices.ContainsFunc(l.Nodes, func(n coverage.Node) bool { return n.Kind == "destination" || n.Kind == "hosted" }) {
			exposures = append(exposures, "+exposure:"+l.Name)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n", s.Paint(Strong, "no result in this run"))
	b.WriteString(s.hanging("     ", fmt.Sprintf("%d of %d: %s", len(misses), r.Dimension(coverage.Proven).Total, columnList(names, all)), Plain))
	if len(exposures) > 0 {
		b.WriteString("     " + s.Paint(Faint, "dbt build --select "+strings.Join(exposures, " ")) + "\n") // on one line, to be copied
	}
	return b.String()
}

// columnList names some of many.
func columnList(list []string, all bool) string {
	if len(list) <= mostNames || all {
		return anded(list)
	}
	return strings.Join(list[:mostNames], ", ") + fmt.Sprintf(" and %d more", len(list)-mostNames)
}

func anded(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}
