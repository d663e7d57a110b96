package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"exposync/internal/plan"
)

// PlanText draws what a run would do, job by job, and all together.
func PlanText(s Style, run Run) string {
	var b strings.Builder
	jobs := run.Jobs
	for i, j := range jobs {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(s.head(j.Job.ID, j.To(), j.Judgement.Verdict))
		if j.Reason != "" && len(j.Result.Problems) == 0 {
			b.WriteString(s.item(2, Plain, j.Reason))
		}
		b.WriteString(gateText(s, j.Judgement))
		if p := j.Result.Plan; p != nil {
			b.WriteString(planBody(s, *p))
			b.WriteString(s.readingLine(j.Job, *p, "  "))
		}
		if j.Samples != nil {
			b.WriteString(samplesText(s, *j.Samples))
		}
		if len(j.Result.Problems) > 0 {
			b.WriteString(indent(FaultText(s.narrower(2), j.Result.Problems), "  "))
		}
		b.WriteString(invalidText(s, j))
		b.WriteString(rejectText(s, j.ref(), j.Result.Rejects))
	}
	if len(jobs) > 1 {
		b.WriteString("\n" + s.item(0, Plain, totalText(jobs)))
	}
	b.WriteString(notInRun(s, run.NotInRun))
	return b.String()
}

// head is the line that a job begins with; where it is too long, its
// destination stands below it, because a name is never cut.
func (s Style) head(job, to string, verdict plan.Verdict) string {
	gap, tail := " ", ""
	if verdict != "" {
		tail = "  " + s.verdict(verdict)
	}
	if utf8.RuneCountInString(job+" -> "+to)+len(verdict)+2 > s.width() {
		gap = "\n  "
	}
	return s.Paint(Strong, job) + gap + "-> " + to + tail + "\n"
}

func planBody(s Style, p plan.Plan) string {
	var b strings.Builder
	if p.Hosted != nil {
		b.WriteString(hostedPlan(s, *p.Hosted, p.MadeAt))
	} else {
		b.WriteString(planCounts(s, p))
	}
	for _, n := range planNotes(p) {
		b.WriteString(s.item(2, Plain, n))
	}
	for _, h := range p.Holds {
		word, role := "hold ", Warn
		if h.Accepted {
			word, role = "accepted ", Faint
		}
		b.WriteString(s.led(2, role, word+h.Code+":", h.Message))
		if !h.Accepted {
			b.WriteString(s.next(4, h.Next))
		}
	}
	return b.String()
}

// planCounts are the changes that would be sent, and what was read for them.
func planCounts(s Style, p plan.Plan) string {
	c := p.Counts
	return fmt.Sprintf("  %s  %s  %s  %s\n",
		s.Paint(Good, fmt.Sprintf("+%d create", c.Create)), s.Paint(Warn, fmt.Sprintf("~%d update", c.Update)),
		s.Paint(Bad, fmt.Sprintf("-%d delete", c.Delete)), fmt.Sprintf("=%d unchanged", c.Unchanged)) +
		s.item(2, Faint, readText(p))
}

// readText is what was read, what of it stays where it is, and what sending
// the rest would take.
func readText(p plan.Plan) string {
	c := p.Counts
	read := []string{Count(c.Read, "row") + " read"}
	for _, part := range []struct {
		n    int64
		word string
	}{{c.Invalid, "invalid"}, {c.HeldBack, "held back"}, {c.Quarantined, "quarantined"}} {
		if part.n > 0 {
			read = append(read, fmt.Sprintf("%d %s", part.n, part.word))
		}
	}
	if text := EstimateText(p.Estimate); text != "" {
		read = append(read, text)
	}
	return strings.Join(read, ", ")
}

// planNotes are the sentences about a plan as a whole.
func planNotes(p plan.Plan) []string {
	var out []string
	if p.FirstRun {
		out = append(out, "first run: no run of this sync came to its end yet")
	}
	if m := p.Match; m != nil {
		out = append(out, fmt.Sprintf("compared with the destination: %d equal, %d different, %d not there, %d ambiguous", m.Equal, m.Different, m.Missing, m.Ambiguous))
	}
	if p.Counts.Adopted > 0 {
		out = append(out, Count(p.Counts.Adopted, "record")+" taken as already there")
	}
	if p.MappingWas != "" {
		out = append(out, fmt.Sprintf("the mapping changed since the last run: %s would be sent again", Count(p.Counts.Update, "record")))
	}
	for _, n := range p.Notes {
		out = append(out, "note: "+n)
	}
	return out
}

// Prose draws sentences, wrapped.
func Prose(s Style, text string) string { return s.item(0, Plain, text) }

// item draws one text, wrapped, with what follows its first line indented by
// two more.
func (s Style) item(by int, role Role, text string) string {
	var b strings.Builder
	for i, line := range wrap(text, s.width()-by-2) {
		fmt.Fprintf(&b, "%s%s\n", strings.Repeat(" ", by+2*min(i, 1)), s.Paint(role, line))
	}
	return b.String()
}

// led is item for a text whose beginning alone has the colour.
func (s Style) led(by int, role Role, lead, text string) string {
	plain := s.item(by, Plain, lead+" "+text)
	at := strings.Repeat(" ", by) + lead
	rest, whole := strings.CutPrefix(plain, at)
	if !whole { // broken within the lead
		return s.item(by, role, lead+" "+text)
	}
	return strings.Repeat(" ", by) + s.Paint(role, lead) + rest
}

// narrower is the style of a part that is indented.
func (s Style) narrower(by int) Style {
	s.Width = s.width() - by
	return s
}

// rejectText draws why records did not arrive, with counts, never values, and
// what to do about them.
func rejectText(s Style, ref string, rejects []plan.RejectGroup) string {
	var b strings.Builder
	for _, g := range rejects {
		b.WriteString(s.item(4, Warn, rejectLine(g)))
	}
	for _, next := range rejectSteps(ref, rejects) {
		b.WriteString(s.next(6, next))
	}
	return b.String()
}

// rejectLine is one reason with the number of its records.
func rejectLine(g plan.RejectGroup) string {
	known := ""
	switch {
	case g.State != "" && g.State != "rejected":
		known = " (" + strings.ReplaceAll(g.State, "_", " ") + ")"
	case g.New == 0:
		known = " (known)"
	}
	return fmt.Sprintf("%s%s: %s", Count(g.Records, "record"), known, answer(g))
}

func answer(g plan.RejectGroup) string {
	switch {
	case g.Reason == "":
		return g.Code
	case g.Code == "":
		return g.Reason
	}
	return g.Code + " " + g.Reason
}

func (s Style) verdict(v plan.Verdict) string {
	role := verdictRole(v)
	if v == plan.VerdictGo || v == plan.VerdictUnchanged {
		role = Good
	}
	return s.Paint(role, string(v))
}

func indent(text, by string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return by + strings.Join(lines, "\n"+by) + "\n"
}
