package report

import (
	"fmt"
	"strings"

	"exposync/internal/plan"
)

// ClosingText says, below the lines of a run, what they could not hold: why
// jobs were held, blocked or failed, which records did not arrive, and the
// next command of each.
func ClosingText(s Style, run Run) string {
	var b strings.Builder
	for _, j := range run.Jobs {
		b.WriteString(jobText(s, j))
	}
	if run.NotInRun > 0 {
		fmt.Fprintf(&b, "%s: nothing of theirs was part of this dbt run\n", count(int64(run.NotInRun), "more job"))
	}
	return strings.TrimRight(b.String(), "\n")
}

func jobText(s Style, j JobReport) string {
	var b strings.Builder
	switch j.Result.Status {
	case plan.Blocked, plan.HeldStatus:
		b.WriteString(heldText(s, j))
	case plan.Failed:
		b.WriteString(indent(FaultText(s, j.Result.Problems), "  "))
	case plan.Success, plan.PartialDone, plan.Skipped, plan.Stopped:
	}
	b.WriteString(RejectText(s, j.Result.Rejects))
	b.WriteString(waitingText(s, j.Job.ID, j.Result.Rejects))
	if p := j.Result.Plan; p != nil {
		b.WriteString(s.readingLine(j.Job, *p, "    "))
		b.WriteString(s.noteLines(*p, "    "))
	}
	if b.Len() == 0 {
		return ""
	}
	return "\n" + s.Paint(Strong, j.Job.ID) + "\n" + b.String()
}

// heldText names what decided: reasons of the gate, or holds of the plan.
func heldText(s Style, j JobReport) string {
	var b strings.Builder
	b.WriteString(gateText(s, j.Judgement))
	if p := j.Result.Plan; p != nil {
		for _, h := range p.Held() {
			b.WriteString(s.because(Warn, h.Code, h.Message, h.Next))
		}
	}
	return b.String()
}

// gateText names the reasons of a gate that is shut; empty for an open one.
func gateText(s Style, j plan.Judgement) string {
	var b strings.Builder
	for _, r := range j.Reasons {
		if !j.Verdict.Open() && r.Verdict == j.Verdict {
			b.WriteString(s.because(verdictRole(r.Verdict), r.Code, r.Message, r.Next))
		}
	}
	return b.String()
}

// because draws one reason with its next step, wrapped and indented.
func (s Style) because(role Role, code, message, next string) string {
	var b strings.Builder
	for i, l := range wrap(code+": "+message, s.width()-4) {
		fmt.Fprintf(&b, "    %s\n", s.Paint(role, strings.Repeat("  ", min(i, 1))+l))
	}
	if next != "" {
		for _, l := range wrap("next: "+next, s.width()-6) {
			fmt.Fprintf(&b, "      %s\n", s.Paint(Faint, l))
		}
	}
	return b.String()
}
