package impact

import (
	"cmp"
	"time"

	"exposync/internal/plan"
)

// jobLimits compares the guards.
func (c *comparison) jobLimits(was, is plan.Job, change adder) {
	for _, g := range []struct {
		name   string
		before plan.Limit
		after  plan.Limit
	}{
		{"guards.deletes", was.Guards.Deletes, is.Guards.Deletes},
		{"guards.creates", was.Guards.Creates, is.Guards.Creates},
		{"guards.rows", was.Guards.Rows, is.Guards.Rows},
		{"guards.keys", was.Guards.Keys, is.Guards.Keys},
		{"max_rejected", was.MaxRejected, is.MaxRejected},
	} {
		if g.before == g.after {
			continue
		}
		kind := Kind("job_guard_loosened")
		if tighter(g.before, g.after) {
			kind = "job_guard_tightened"
		}
		change(kind, g.before.String(), g.after.String(), "has %s %s now, was %s", g.name, g.after, g.before)
	}
}

// tighter reports whether no number of records passes a limit that it did not
// pass before.
func tighter(was, is plan.Limit) bool {
	return was.Off || !is.Off && is.Share <= was.Share && is.Records <= was.Records
}

// jobSettings compares the rest of what a sync declares.
func (c *comparison) jobSettings(was, is plan.Job, change adder) {
	if was.Incremental != is.Incremental {
		change("job_reading_changed", readingText(was), readingText(is), "reads its source in another way: %s now, was %s", readingText(is), readingText(was))
	}
	if was.Owned != is.Owned {
		change("job_policy_changed", ownedText(was), ownedText(is), "has owned: %s now, was %s", ownedText(is), ownedText(was))
	}
	if a, b := cmp.Or(was.OnInDoubt, "hold"), cmp.Or(is.OnInDoubt, "hold"); a != b {
		change("job_policy_changed", string(a), string(b), "has on_in_doubt: %s now, was %s", b, a)
	}
	if a, b := partialText(was), partialText(is); a != b && a != "" && b != "" {
		kind := Kind("job_guard_loosened")
		if b == "fail" || a == "ok" {
			kind = "job_guard_tightened"
		}
		change(kind, a, b, "has on_partial: %s now, was %s", b, a)
	}
	if was.SLA != is.SLA && is.Sync != "" { // else it is said of the exposure
		change("sla_changed", slaText(was.SLA), slaText(is.SLA), "has sla %s now, was %s", slaText(is.SLA), slaText(was.SLA))
	}
	if was.Every != is.Every {
		change("job_schedule_changed", everyText(was.Every), everyText(is.Every), "runs %s now, was %s", everyText(is.Every), everyText(was.Every))
	}
	if was.First != is.First {
		change("job_first_changed", string(cmp.Or(was.First, "ask")), string(cmp.Or(is.First, "ask")), "has first: %s now, was %s", cmp.Or(is.First, "ask"), cmp.Or(was.First, "ask"))
	}
}

// partialText is on_partial of a hosted sync; empty for a direct one.
func partialText(j plan.Job) string {
	if j.Hosted == nil {
		return ""
	}
	return string(cmp.Or(j.Hosted.Partial, "fail"))
}

func ownedText(j plan.Job) string { return string(cmp.Or(j.Owned, "confirmed")) }

func readingText(j plan.Job) string {
	i := j.Incremental
	if !i.On() {
		return "all of it"
	}
	text := i.Setting() + ": " + i.Column
	if l := i.Lookback.String(); l != "0" {
		text += ", lookback " + l
	}
	return text
}

func everyText(d time.Duration) string {
	if d == 0 {
		return "with every dbt run"
	}
	return "every " + plan.Age(d)
}
