package report

import (
	"fmt"
	"strings"
	"time"

	"exposync/internal/plan"
)

// JobLine is one job of a run as its START and result lines show it.
type JobLine struct {
	N, Of  int
	Job    string
	To     string // connection.object
	Result *plan.Result
	Reason string // why it was not run, one short phrase
}

// Start is the line that says a job begins.
func (l JobLine) Start(s Style) string {
	text, short := l.texts("START")
	if line := s.dotted("[RUN]", text, short); !strings.Contains(line, "\n") {
		return line
	}
	return short // a name is never cut, and START says it
}

// End is the line that says how a job ended. Where both do not fit, the counts
// matter more than where the job goes to, which its START line said.
func (l JobLine) End(s Style) string {
	word, role := word(l.Result.Status)
	text, short := l.texts(word)
	line := s.dotted("["+l.tail()+"]", text, short)
	if !s.Colour {
		return line
	}
	return strings.Replace(line, " "+word+" ", " "+s.Paint(role, word)+" ", 1)
}

// texts are the words of a line, with the destination and without.
func (l JobLine) texts(word string) (text, short string) {
	short = fmt.Sprintf("%d of %d %s sync %s", l.N, l.Of, word, l.Job)
	return short + " -> " + l.To, short
}

func (l JobLine) tail() string {
	r := l.Result
	switch r.Status {
	case plan.Blocked, plan.HeldStatus, plan.Skipped:
		return l.Reason
	case plan.Failed:
		if r.Plan == nil || r.Plan.Hosted != nil {
			return l.Reason
		}
	default:
	}
	switch {
	case r.Hosted != nil:
		return hostedTail(*r.Hosted, r.Took)
	case r.Plan != nil && r.Plan.Hosted != nil:
		return l.Reason
	}
	return Tail(r.Counts, r.Took)
}

// Tail is the counts of a job as its result line shows them:
// "+3 ~2 -0 =95, 2 calls, 0.4s", with rejects and doubts where there are any.
func Tail(c plan.Counts, took time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "+%d ~%d -%d =%d", c.Create, c.Update, c.Delete, c.Unchanged)
	for _, part := range []struct {
		n    int64
		word string
	}{
		{c.Rejected, "rejected"},
		{c.InDoubt, "in doubt"},
		{c.NotSent, "not sent"},
		{c.Invalid, "invalid"},
		{c.HeldBack, "held back"},
		{c.Quarantined, "quarantined"},
	} {
		if part.n > 0 {
			fmt.Fprintf(&b, ", %d %s", part.n, part.word)
		}
	}
	fmt.Fprintf(&b, ", %s, %.1fs", Count(c.Calls, "call"), took.Seconds())
	return b.String()
}

// word is the status as the result line shows it, in dbt's manner.
func word(status plan.Status) (string, Role) {
	switch status {
	case plan.Success:
		return "OK", Good
	case plan.PartialDone:
		return "PARTIAL", Warn
	case plan.HeldStatus:
		return "HOLD", Warn
	case plan.Blocked:
		return "BLOCK", Bad
	case plan.Skipped:
		return "SKIP", Warn
	case plan.Stopped:
		return "STOP", Warn
	case plan.Started:
		return "STARTED", Good
	case plan.Failed:
	}
	return "ERROR", Bad
}

// Done is the closing line of a run.
func Done(results []plan.Result) string {
	n := map[plan.Status]int{}
	for _, r := range results {
		n[r.Status]++
	}
	started := ""
	if k := n[plan.Started]; k > 0 {
		started = fmt.Sprintf(" STARTED=%d", k)
	}
	return fmt.Sprintf("Done. OK=%d%s PARTIAL=%d HOLD=%d BLOCK=%d ERROR=%d SKIP=%d TOTAL=%d",
		n[plan.Success], started, n[plan.PartialDone]+n[plan.Stopped], n[plan.HeldStatus], n[plan.Blocked],
		n[plan.Failed], n[plan.Skipped], len(results))
}

// Count is a number with its noun: "1 call", "2 calls".
func Count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
