package report

import (
	"fmt"
	"strings"

	"exposync/internal/plan"
)

// PlanText draws what a run would do, job by job.
func PlanText(s Style, jobs []JobReport) string {
	var b strings.Builder
	for i, j := range jobs {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s -> %s  %s\n", s.Paint(Strong, j.Job.ID), j.To(), s.verdict(j.Judgement.Verdict))
		if j.Reason != "" {
			fmt.Fprintf(&b, "  %s\n", j.Reason)
		}
		b.WriteString(gateText(s, j.Judgement))
		if p := j.Result.Plan; p != nil {
			b.WriteString(planBody(s, *p))
			b.WriteString(s.readingLine(j.Job, *p, "  "))
		}
		if len(j.Result.Problems) > 0 {
			b.WriteString(indent(FaultText(s, j.Result.Problems), "  "))
		}
		b.WriteString(RejectText(s, j.Result.Rejects))
		b.WriteString(waitingText(s, j.Job.ID, j.Result.Rejects))
	}
	return b.String()
}

func planBody(s Style, p plan.Plan) string {
	var b strings.Builder
	c := p.Counts
	fmt.Fprintf(&b, "  %s  %s  %s  %s\n",
		s.Paint(Good, fmt.Sprintf("+%d create", c.Create)), s.Paint(Warn, fmt.Sprintf("~%d update", c.Update)),
		s.Paint(Bad, fmt.Sprintf("-%d delete", c.Delete)), fmt.Sprintf("=%d unchanged", c.Unchanged))
	read := []string{count(c.Read, "row") + " read"}
	for _, part := range []struct {
		n    int64
		word string
	}{{c.Invalid, "invalid"}, {c.HeldBack, "held back"}, {c.Quarantined, "quarantined"}} {
		if part.n > 0 {
			read = append(read, fmt.Sprintf("%d %s", part.n, part.word))
		}
	}
	fmt.Fprintf(&b, "  %s\n", s.Paint(Faint, strings.Join(read, ", ")))
	if p.FirstRun {
		b.WriteString("  first run: no run of this sync came to its end yet\n")
	}
	if m := p.Match; m != nil {
		fmt.Fprintf(&b, "  compared with the destination: %d equal, %d different, %d not there, %d ambiguous\n", m.Equal, m.Different, m.Missing, m.Ambiguous)
	}
	if c.Adopted > 0 {
		fmt.Fprintf(&b, "  %d records are taken as already there\n", c.Adopted)
	}
	if p.MappingWas != "" {
		fmt.Fprintf(&b, "  the mapping changed since the last run: %d records would be sent again\n", c.Update)
	}
	b.WriteString(s.noteLines(p, "  "))
	for _, h := range p.Holds {
		word := s.Paint(Warn, "hold "+h.Code)
		if h.Accepted {
			word = s.Paint(Faint, "accepted "+h.Code)
		}
		fmt.Fprintf(&b, "  %s  %s\n", word, h.Message)
		if !h.Accepted {
			fmt.Fprintf(&b, "    %s %s\n", s.Paint(Faint, "next"), h.Next)
		}
	}
	return b.String()
}

// RejectText draws why records did not arrive, with counts, never values.
func RejectText(s Style, rejects []plan.RejectGroup) string {
	var b strings.Builder
	for _, g := range rejects {
		known := ""
		switch {
		case g.State != "" && g.State != "rejected":
			known = " (" + strings.ReplaceAll(g.State, "_", " ") + ")"
		case g.New == 0:
			known = " (known)"
		}
		for i, line := range wrap(fmt.Sprintf("%s%s: %s", count(g.Records, "record"), known, answer(g)), s.width()-4) {
			if i > 0 {
				line = "  " + line
			}
			fmt.Fprintf(&b, "    %s\n", s.Paint(Warn, line))
		}
	}
	return b.String()
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
