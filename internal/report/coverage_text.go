package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"exposync/internal/coverage"
)

// CoverageShown says how much of a report the text shows.
type CoverageShown struct {
	Lineage bool // the way of every exposure
	All     bool // every miss, however many
}

// CoverageText draws a report: the dimensions, what they miss by file, and
// what was asked for and does not hold.
func CoverageText(s Style, r coverage.Report, shown CoverageShown) string {
	var b strings.Builder
	b.WriteString("coverage of " + s.Paint(Strong, r.Project))
	for _, part := range []string{"dbt " + r.DBTVersion, r.Adapter} {
		if part != "" && part != "dbt " {
			b.WriteString(s.Paint(Faint, " · "+part))
		}
	}
	b.WriteString("\n\n" + s.dimensions(r))
	if shown.Lineage {
		for _, l := range r.Exposures {
			b.WriteString("\n" + s.lineage(l))
		}
	}
	b.WriteString(s.missing(r, shown))
	b.WriteString(s.suppressed(r))
	if r.Against != nil {
		b.WriteString("\n" + CompareText(s, *r.Against))
	}
	b.WriteString(s.also(r))
	b.WriteString("\n" + s.coverageClosing(r))
	return b.String()
}

// dimensions is the table with one line a dimension.
func (s Style) dimensions(r coverage.Report) string {
	const fixed = len("a described   1234 of 1234  ") + len("  100.0%  ")
	bar := 10
	if s.width() >= 100 {
		bar = 20
	}
	var b strings.Builder
	for _, d := range r.Dimensions {
		counts := fmt.Sprintf("%d of %d", d.Covered, d.Total)
		if d.Share == nil {
			counts = "-"
		}
		text := d.Title
		switch {
		case !d.Measured:
			text = d.Note
		case d.Note != "":
			text += "; " + d.Note
		}
		for i, line := range wrap(text, max(s.width()-fixed-bar, 20)) {
			if i > 0 {
				fmt.Fprintf(&b, "%s%s\n", strings.Repeat(" ", fixed+bar), s.Paint(Faint, line))
				continue
			}
			fmt.Fprintf(&b, "%s %-11s %12s  %s  %s  %s\n", s.Paint(Faint, d.Letter), d.Name, counts, s.bar(d, bar), s.share(d), s.Paint(Faint, line))
		}
		b.WriteString(s.parts(d, fixed+bar))
	}
	total := "n/a"
	if r.Total.Share != nil {
		total = Percent(*r.Total.Share)
	}
	fmt.Fprintf(&b, "  %-11s %12s  %s  %s  %s\n", s.Paint(Strong, "total"), fmt.Sprintf("%d of %d", r.Total.Covered, r.Total.Total),
		strings.Repeat(" ", bar), s.Paint(Strong, padLeft(total, 6)), s.Paint(Faint, weighing(r)))
	if s.Colour { // the colour codes of "total" count as width above
		return strings.Replace(b.String(), s.Paint(Strong, "total"), s.Paint(Strong, "total")+strings.Repeat(" ", 6), 1)
	}
	return b.String()
}

// weighing says how the total was made.
func weighing(r coverage.Report) string {
	even := true
	for _, d := range r.Dimensions {
		even = even && d.Weight == 1
	}
	if even {
		return "the mean of the shares"
	}
	return "the mean of the shares, weighted"
}

// parts are the sub-scores of a dimension, below it.
func (s Style) parts(d coverage.Dimension, indent int) string {
	if len(d.Parts) == 0 || d.Share == nil || *d.Share == 1 {
		return ""
	}
	texts := make([]string, len(d.Parts))
	for i, p := range d.Parts {
		texts[i] = fmt.Sprintf("%s %d/%d", p.Name, p.Covered, p.Total)
		if i < len(d.Parts)-1 {
			texts[i] += ", "
		}
	}
	var b strings.Builder
	for _, line := range filled(texts, max(s.width()-indent, 20)) {
		fmt.Fprintf(&b, "%s%s\n", strings.Repeat(" ", indent), s.Paint(Faint, strings.TrimRight(line, " ")))
	}
	return b.String()
}

// bar draws a share. It is full only at 100%, and never empty above 0.
func (s Style) bar(d coverage.Dimension, width int) string {
	if d.Share == nil {
		return s.Paint(Faint, strings.Repeat("·", width))
	}
	n := int(math.Round(*d.Share * float64(width)))
	if n == width && d.Covered < d.Total {
		n--
	}
	if n == 0 && d.Covered > 0 {
		n = 1
	}
	return s.Paint(shareRole(d), strings.Repeat("█", n)) + s.Paint(Faint, strings.Repeat("░", width-n))
}

func (s Style) share(d coverage.Dimension) string {
	if d.Share == nil {
		role := Faint
		if d.Failed {
			role = Bad
		}
		return s.Paint(role, padLeft("n/a", 6))
	}
	return s.Paint(shareRole(d), padLeft(Percent(*d.Share), 6))
}

func shareRole(d coverage.Dimension) Role {
	switch {
	case d.Failed:
		return Bad
	case d.Covered == d.Total:
		return Good
	}
	return Warn
}

// Percent is a share as people read it. What is not all is never 100%, and what
// is not nothing never 0%.
func Percent(share float64) string {
	tenths := math.Round(share * 1000)
	switch {
	case tenths >= 1000 && share < 1:
		tenths = 999
	case tenths == 0 && share > 0:
		tenths = 1
	}
	if math.Mod(tenths, 10) == 0 {
		return fmt.Sprintf("%.0f%%", tenths/10)
	}
	return fmt.Sprintf("%.1f%%", tenths/10)
}

// apart writes what is and what was asked for so that they can be told apart:
// 84.14% is not 84.1% short of 84.1%.
func apart(got, want float64) (is, asked string) {
	if is, asked = Percent(got), Percent(want); is != asked || got == want {
		return is, asked
	}
	exact := func(share float64) string { return strconv.FormatFloat(math.Round(share*1e8)/1e6, 'f', -1, 64) + "%" }
	return exact(got), exact(want)
}

func padLeft(text string, width int) string {
	return strings.Repeat(" ", max(width-utf8.RuneCountInString(text), 0)) + text
}

// suppressed lists what does not count, and suppressions that do not count
// themselves.
func (s Style) suppressed(r coverage.Report) string {
	var b strings.Builder
	for _, d := range r.Dimensions {
		for _, x := range d.Suppressed {
			if b.Len() == 0 {
				b.WriteString("\n" + s.Paint(Strong, "suppressed") + "\n")
			}
			until := ""
			if !x.Until.IsZero() {
				until = ", until " + x.Until.Format(time.DateOnly)
			}
			text := fmt.Sprintf("%s %s: %s%s", d.Name, strings.Trim(x.Name+"."+x.Column, "."), x.Reason, until)
			b.WriteString(s.hanging("  ", text, Faint))
		}
	}
	for _, i := range r.Ignored {
		if problem := i.Problem(); problem != "" {
			b.WriteString(s.hanging(s.Paint(Warn, "warning "), strings.TrimPrefix(i.Where+": "+problem, ": "), Plain))
		}
	}
	return b.String()
}

// also lists what no dimension scores, and what could not be looked at.
func (s Style) also(r coverage.Report) string {
	var b strings.Builder
	if len(r.Shown) > 0 {
		b.WriteString("\n" + s.Paint(Strong, "not scored") + "\n")
	}
	for _, n := range r.Shown {
		b.WriteString(s.hanging("  ", n.Message, Faint))
	}
	notes := slices.DeleteFunc(slices.Clone(r.Notes), func(note string) bool { // said in the table
		return slices.ContainsFunc(r.Dimensions, func(d coverage.Dimension) bool { return strings.HasPrefix(note, d.Name+": ") })
	})
	if len(notes) > 0 {
		b.WriteString("\n")
	}
	for _, note := range notes {
		b.WriteString(s.hanging(s.Paint(Faint, "note "), note, Plain))
	}
	return b.String()
}

// hanging wraps a text behind a label, so that its lines stand below each other.
func (s Style) hanging(label, text string, role Role) string {
	width := visible(label)
	var b strings.Builder
	for i, line := range wrap(text, max(s.width()-width, 30)) {
		if i > 0 {
			label = strings.Repeat(" ", width)
		}
		b.WriteString(label + s.Paint(role, line) + "\n")
	}
	return b.String()
}

// visible is how many columns a text takes, colours left out.
func visible(text string) int {
	n := 0
	for i := 0; i < len(text); {
		if strings.HasPrefix(text[i:], "\x1b[") {
			if end := strings.IndexByte(text[i:], 'm'); end >= 0 {
				i += end + 1
				continue
			}
		}
		_, size := utf8.DecodeRuneInString(text[i:])
		n, i = n+1, i+size
	}
	return n
}

// coverageClosing is the last part: what was asked for and does not hold, and
// one line of numbers.
func (s Style) coverageClosing(r coverage.Report) string {
	var b strings.Builder
	for _, c := range r.Checks {
		if !c.OK {
			b.WriteString(s.hanging(s.Paint(Bad, "FAIL "), Unmet(c), Plain))
		}
	}
	fresh, suppressed := 0, 0
	if r.Against != nil {
		fresh = len(r.Against.New)
	}
	if fresh > 0 {
		text := Count(int64(fresh), "miss") + " that the baseline does not have"
		b.WriteString(s.hanging(s.Paint(Bad, "FAIL "), strings.Replace(text, "misss", "misses", 1), Plain))
	}
	for _, d := range r.Dimensions {
		suppressed += len(d.Suppressed)
	}
	fmt.Fprintf(&b, "COVERED=%d MISSED=%d SUPPRESSED=%d TOTAL=%d", r.Total.Covered, r.Total.Total-r.Total.Covered, suppressed, r.Total.Total)
	if r.Against != nil {
		fmt.Fprintf(&b, " NEW=%d FIXED=%d", fresh, len(r.Against.Fixed))
	}
	return b.String() + "\n"
}

// Unmet says of a check that does not hold what was asked for and what is.
func Unmet(c coverage.Check) string {
	by := ""
	if c.Where != "" {
		by = " (" + c.Where + ")"
	}
	if c.Got == nil {
		return c.Name + " is n/a, and is required" + by
	}
	is, want := Percent(*c.Got), ""
	if c.Want != nil {
		is, want = apart(*c.Got, *c.Want)
	}
	return fmt.Sprintf("%s is %s, and %s was asked for%s", c.Name, is, want, by)
}
