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
	if more := notInRun(s, run.NotInRun); more != "" {
		b.WriteString("\n" + more)
	}
	return strings.TrimRight(b.String(), "\n")
}

// notInRun counts the jobs that have no line, because nothing that they wait
// for was in this dbt run.
func notInRun(s Style, jobs int) string {
	if jobs == 0 {
		return ""
	}
	return s.item(0, Plain, notInRunText(jobs))
}

func notInRunText(jobs int) string {
	if jobs == 1 {
		return "1 more sync is not listed: none of its models was in this dbt run"
	}
	return fmt.Sprintf("%d more syncs are not listed: none of their models was in this dbt run", jobs)
}

func jobText(s Style, j JobReport) string {
	var b strings.Builder
	switch j.Result.Status {
	case plan.Blocked, plan.HeldStatus:
		b.WriteString(heldText(s, j))
	case plan.Failed:
		b.WriteString(indent(FaultText(s.narrower(2), j.Result.Problems), "  "))
	case plan.PartialDone, plan.Stopped:
		if p := j.Result.Plan; p != nil && p.Hosted != nil && len(j.Result.Problems) > 0 {
			b.WriteString(indent(FaultText(s.narrower(2), j.Result.Problems), "  "))
		}
	case plan.Success, plan.Skipped, plan.Started:
	}
	b.WriteString(invalidText(s, j))
	b.WriteString(rejectText(s, j.ref(), j.Result.Rejects))
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
	return s.item(4, role, code+": "+message) + s.next(6, next)
}

// next draws the next step, if there is one.
func (s Style) next(by int, text string) string {
	if text == "" {
		return ""
	}
	return s.item(by, Faint, "next: "+text)
}
