package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"exposync/internal/plan"
)

// EstimateText says what a plan would take, as far as it is known: "about 24
// calls, 2m or more at 10 calls/s". Nothing is said where nothing is sent, and
// no time where the limit makes none.
func EstimateText(e plan.Estimate) string {
	if e.Calls == 0 {
		return ""
	}
	text := "about " + Count(e.Calls, "call")
	if e.Seconds >= 1 {
		text += ", " + atLeast(e.Seconds) + " at " + pace(e.PerSecond)
	}
	return text
}

// atLeast is a time that a limit alone takes.
func atLeast(seconds float64) string {
	return plan.Age(time.Duration(seconds*float64(time.Second))) + " or more"
}

// pace is a rate in the unit in which it is no fraction of one.
func pace(perSecond float64) string {
	n, unit := perSecond, "s"
	if n < 1 {
		n, unit = n*60, "min"
	}
	if n >= 100 {
		return strconv.FormatFloat(n, 'f', 0, 64) + " calls/" + unit
	}
	return strconv.FormatFloat(n, 'g', 3, 64) + " calls/" + unit
}

// timeText is the time of one plan for a table; "not known" where nothing
// tells it.
func timeText(e plan.Estimate) string {
	switch {
	case e.Calls == 0:
		return ""
	case e.PerSecond == 0:
		return "not known"
	case e.Seconds < 1:
		return "seconds"
	}
	return atLeast(e.Seconds)
}

// totalText is all jobs together: "4 syncs: +3 ~2 -1 =94, 1 held, about 6
// calls".
func totalText(jobs []JobReport) string {
	text := fmt.Sprintf("%s: %s", Count(int64(len(jobs)), "sync"), sumOf(jobs))
	if ends := endings(jobs); ends != "" {
		text += ", " + ends
	}
	if more := takes(jobs); more != "" {
		text += ", " + more
	}
	return text
}

// takes is what all jobs take together; empty where nothing is sent.
func takes(jobs []JobReport) string {
	t := total(jobs)
	if t.Calls == 0 {
		return ""
	}
	text := "about " + Count(t.Calls, "call")
	if t.Seconds >= 1 {
		text += ", " + atLeast(t.Seconds)
		if len(t.Unknown) > 0 {
			text += " (time of " + strings.Join(t.Unknown, ", ") + " not known)"
		}
	}
	return text
}

// sumOf adds up what jobs would do.
func sumOf(jobs []JobReport) string {
	c := countsOf(jobs)
	return fmt.Sprintf("+%d ~%d -%d =%d", c.Create, c.Update, c.Delete, c.Unchanged)
}

func countsOf(jobs []JobReport) plan.Counts {
	var c plan.Counts
	for _, j := range jobs {
		c.Create += j.Result.Counts.Create
		c.Update += j.Result.Counts.Update
		c.Delete += j.Result.Counts.Delete
		c.Unchanged += j.Result.Counts.Unchanged
	}
	return c
}

// endings counts the jobs that would not run.
func endings(jobs []JobReport) string {
	n := map[plan.Status]int{}
	for _, j := range jobs {
		n[j.Result.Status]++
	}
	var out []string
	for _, end := range []struct {
		status plan.Status
		word   string
	}{{plan.Blocked, "blocked"}, {plan.HeldStatus, "held"}, {plan.Failed, "failed"}} {
		if n[end.status] > 0 {
			out = append(out, fmt.Sprintf("%d %s", n[end.status], end.word))
		}
	}
	return strings.Join(out, ", ")
}

func total(jobs []JobReport) plan.Total {
	var plans []plan.Plan
	for _, j := range jobs {
		if p := j.Result.Plan; p != nil {
			plans = append(plans, *p)
		}
	}
	return plan.Sum(plans)
}

// TotalJSON is what all plans of a document would take together.
type TotalJSON struct {
	Calls   int64    `json:"calls"`
	Seconds float64  `json:"seconds,omitempty"`
	Unknown []string `json:"unknown"` // connections of which no time is known
}
