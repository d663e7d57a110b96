package report

import (
	"fmt"
	"strings"

	"exposync/internal/coverage"
)

// CoverageMarkdown is a coverage report as the comment of a pull request: what
// was asked for and is not kept, each dimension before and after, new misses
// before known ones. It is always one that GitHub takes, and says what it leaves
// out. Its first line is the same for every report of a project.
func CoverageMarkdown(r coverage.Report, version, root string) string {
	f := CoverageFindings(r, version, root)
	all, total := scores(r)
	var b strings.Builder
	fmt.Fprintf(&b, "<!-- exposync:coverage %s -->\n### Exposync coverage: %s\n", mdMark(r.Project), coverageTitle(r, total))
	b.WriteString(mdLimits(f.Limits))
	b.WriteString("\n" + scoreTable(all, total, f.Compared, newByCode(f)))
	if len(r.Selection) > 0 {
		b.WriteString("\nonly of " + mdCode(strings.Join(r.Selection, " ")) + "\n")
	}
	if r.Against != nil {
		b.WriteString(mdGone(*r.Against))
	}
	f.mdBody(&b)
	for _, n := range r.Notes {
		if b.Len()+len(n) > mdLimit-mdLeast {
			break
		}
		b.WriteString("\n" + mdParagraphs(n) + "\n")
	}
	f.mdFoot(&b)
	return b.String()
}

// coverageTitle is the report in one line.
func coverageTitle(r coverage.Report, total Score) string {
	title := percentText(total.Share)
	if r.Against == nil {
		n := 0
		for _, d := range r.Dimensions {
			n += len(d.Misses)
		}
		return title + ", " + misses(n)
	}
	if change, _ := changeText(total.Before, total.Share); change != "" {
		title += " (" + change + ")"
	}
	return fmt.Sprintf("%s, %s, %d fixed", title, misses(len(r.Against.New), "new"), len(r.Against.Fixed))
}

func misses(n int, kind ...string) string {
	noun := strings.Join(append(kind, "miss"), " ")
	if n != 1 {
		noun += "es"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

func newByCode(f Findings) map[string]int {
	out := map[string]int{}
	for _, x := range f.Active() {
		if x.New {
			out[x.Code]++
		}
	}
	return out
}

// scoreTable has one row a dimension; the total is its last one.
func scoreTable(all []Score, total Score, compared bool, fresh map[string]int) string {
	var b strings.Builder
	head, rule := "| | covered | |", "| --- | ---: | ---: |"
	if compared {
		head, rule = head+" before | change | new misses |", rule+" ---: | ---: | ---: |"
	}
	b.WriteString(head + "\n" + rule + "\n")
	for _, s := range append(all, total) {
		cells := []string{mdProse(s.Name), "", percentText(s.Share)}
		if s.Of > 0 {
			cells[1] = fmt.Sprintf("%d of %d", s.Covered, s.Of)
		}
		if s.Failed {
			cells[2] += " ❌"
		}
		if compared {
			change, _ := changeText(s.Before, s.Share)
			news := ""
			if n := fresh[s.Code]; n > 0 {
				news = fmt.Sprintf("**%d**", n)
			}
			cells = append(cells, percentText(s.Before), change, news)
		}
		if s.Name == total.Name && s.Code == "" {
			cells[0], cells[2] = "**total**", "**"+cells[2]+"**"
		}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	return b.String()
}

// mdGone says what became of misses of the baseline.
func mdGone(c coverage.Comparison) string {
	var parts []string
	if n := len(c.Fixed); n > 0 {
		parts = append(parts, fmt.Sprintf("%s fixed: %s", misses(n), missNames(c.Fixed)))
	}
	if n := len(c.Gone); n > 0 {
		parts = append(parts, fmt.Sprintf("%s about what is not there any more", misses(n)))
	}
	if n := len(c.Unjudged); n > 0 {
		parts = append(parts, fmt.Sprintf("%s not compared, since one of the two reports could not look", misses(n)))
	}
	if len(parts) == 0 {
		return ""
	}
	return "\n" + mdList(parts)
}

// missNames are the first few of some misses.
func missNames(list []coverage.Miss) string {
	var out []string
	for _, m := range list[:min(len(list), mdItems)] {
		out = append(out, mdCode(Found{Finding: m.Finding}.named()))
	}
	if more := len(list) - mdItems; more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(out, ", ")
}
