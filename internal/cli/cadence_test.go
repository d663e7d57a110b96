package cli

import (
	"testing"
	"time"

	"exposync/internal/ledger"
	"exposync/internal/plan"
)

func TestDue(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	run := func(ago time.Duration, status plan.Status, handled bool) ledger.Run {
		return ledger.Run{Target: "prod", Status: status, Handled: handled, StartedAt: now.Add(-ago), EndedAt: now.Add(-ago / 2)}
	}
	of := func(r ledger.Run, change func(*ledger.Run)) ledger.Run { change(&r); return r }
	in := func(d time.Duration) time.Time { return now.Add(d) }
	for name, tt := range map[string]struct {
		every time.Duration
		runs  []ledger.Run // newest first
		want  time.Time
	}{
		"no cadence":                   {0, []ledger.Run{run(time.Minute, plan.Success, true)}, time.Time{}},
		"never ran":                    {3 * time.Hour, nil, time.Time{}},
		"counted from the start":       {3 * time.Hour, []ledger.Run{run(time.Hour, plan.Success, true)}, in(102 * time.Minute)},
		"a tenth early":                {10 * time.Hour, []ledger.Run{run(9*time.Hour+time.Second, plan.Success, true)}, in(-time.Second)},
		"the newest start counts":      {3 * time.Hour, []ledger.Run{run(time.Hour, plan.Success, true), run(2*time.Hour, plan.Success, true)}, in(102 * time.Minute)},
		"with known rejects":           {3 * time.Hour, []ledger.Run{run(time.Hour, plan.PartialDone, true)}, in(102 * time.Minute)},
		"interrupted: resumed":         {3 * time.Hour, []ledger.Run{run(time.Hour, plan.Stopped, false), run(2*time.Hour, plan.Success, true)}, time.Time{}},
		"partial, unhandled: resumed":  {3 * time.Hour, []ledger.Run{run(time.Hour, plan.PartialDone, false)}, time.Time{}},
		"a fault: tried again":         {3 * time.Hour, []ledger.Run{run(time.Hour, plan.Failed, false), run(2*time.Hour, plan.Success, true)}, time.Time{}},
		"held runs never started":      {3 * time.Hour, []ledger.Run{run(time.Minute, plan.HeldStatus, false), run(time.Hour, plan.Success, true)}, in(102 * time.Minute)},
		"blocked runs never started":   {3 * time.Hour, []ledger.Run{run(time.Minute, plan.Blocked, false), run(time.Hour, plan.Success, true)}, in(102 * time.Minute)},
		"held, behind it a broken run": {3 * time.Hour, []ledger.Run{run(time.Minute, plan.HeldStatus, false), run(time.Hour, plan.Stopped, false)}, time.Time{}},
		"another target":               {3 * time.Hour, []ledger.Run{of(run(time.Hour, plan.Success, true), func(r *ledger.Run) { r.Target = "dev" })}, time.Time{}},
		"the sandbox of this target":   {3 * time.Hour, []ledger.Run{of(run(time.Hour, plan.Success, true), func(r *ledger.Run) { r.Sandbox = true })}, time.Time{}},
	} {
		if got := due(tt.runs, plan.Job{Target: "prod", Every: tt.every}); !got.Equal(tt.want) {
			t.Errorf("%s: due %v, want %v", name, got, tt.want)
		}
	}
}

func TestNotDueSaysWhen(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("CET", 3600)
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, zone)
	for want, tt := range map[string]struct {
		in    time.Duration
		every time.Duration
	}{
		"not due until 14:05 (every 3h)":               {2*time.Hour + 5*time.Minute, 3 * time.Hour},
		"not due until 2026-11-28 00:00 (every 1d12h)": {12 * time.Hour, 36 * time.Hour},
		"not due until 12:01 (every 1h30m)":            {time.Minute, 90 * time.Minute},
		"not due until 12:00 (every 45s)":              {time.Second, 45 * time.Second},
	} {
		if got := notDue(now.Add(tt.in).UTC(), now, tt.every); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
