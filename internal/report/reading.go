package report

import (
	"fmt"
	"strconv"
	"strings"

	"exposync/internal/plan"
)

// readingText says how much was read of a source that can be read in part;
// empty for one that is always read as a whole.
func readingText(job plan.Job, p plan.Plan) string {
	r := p.Reading
	if r.Column == "" {
		return ""
	}
	if r.Full {
		return fmt.Sprintf("read all %s rows, %s", grouped(r.Rows), bytesOf(r.Bytes))
	}
	of, what := "", "changed"
	if p.PreviousRows > 0 && !job.Incremental.Forget {
		of = fmt.Sprintf(" of about %s", grouped(p.PreviousRows))
	}
	if job.Incremental.Forget {
		what = "events"
	}
	return fmt.Sprintf("read %s%s rows, %s (%s since %s)", grouped(r.Rows), of, bytesOf(r.Bytes), what, minute(r.Since))
}

// minute shortens a moment to its minute; anything else stays as it is.
func minute(text string) string {
	const length = len("2006-01-02T15:04")
	if len(text) < length || text[4] != '-' || text[10] != 'T' {
		return text
	}
	return strings.Replace(text[:length], "T", " ", 1)
}

// grouped writes a count with its thousands apart.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// bytesOf writes a size as people do.
func bytesOf(n int64) string {
	const step = 1000
	switch {
	case n < step:
		return fmt.Sprintf("%d B", n)
	case n < step*step:
		return fmt.Sprintf("%d KB", n/step)
	case n < step*step*step:
		return fmt.Sprintf("%.1f MB", float64(n)/step/step)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/step/step/step)
}

// readingLine is readingText as a line with an indent.
func (s Style) readingLine(job plan.Job, p plan.Plan, by string) string {
	text := readingText(job, p)
	if text == "" {
		return ""
	}
	return by + s.Paint(Faint, text) + "\n"
}

// noteLines are the notes of a plan, wrapped.
func (s Style) noteLines(p plan.Plan, by string) string {
	var b strings.Builder
	for _, n := range p.Notes {
		b.WriteString(s.item(len(by), Plain, "note: "+n))
	}
	return b.String()
}
