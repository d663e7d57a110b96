package plan_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"exposync/internal/plan"
)

func TestLimit(t *testing.T) {
	t.Parallel()

	g := plan.DefaultGuards()
	tests := map[string]struct {
		limit    plan.Limit
		n, total int64
		want     bool
		text     string
	}{
		"the floor counts while the share is smaller":   {g.Deletes, 10, 100, false, "1% or 10 records"},
		"one above the floor":                           {g.Deletes, 11, 100, true, "1% or 10 records"},
		"the share counts where it is larger":           {g.Deletes, 100, 10_000, false, "1% or 10 records"},
		"one above the share":                           {g.Deletes, 101, 10_000, true, "1% or 10 records"},
		"everything of nothing":                         {g.Creates, 100, 0, false, "50% or 100 records"},
		"too much of nothing":                           {g.Creates, 101, 0, true, "50% or 100 records"},
		"a share alone":                                 {g.Keys, 5, 1000, false, "0.5%"},
		"a share alone, exceeded":                       {g.Keys, 6, 1000, true, "0.5%"},
		"one bad key of few rows":                       {g.Keys, 1, 10, true, "0.5%"},
		"records alone":                                 {plan.Limit{Records: 3}, 3, 1_000_000, false, "3 records"},
		"records alone, exceeded":                       {plan.Limit{Records: 3}, 4, 1_000_000, true, "3 records"},
		"none at all":                                   {plan.Limit{}, 1, 1_000_000, true, "0 records"},
		"none at all, and none came":                    {plan.Limit{}, 0, 1_000_000, false, "0 records"},
		"off":                                           {plan.Limit{Off: true, Records: 1}, 1_000_000, 1, false, "off"},
		"a share of very many is not rounded by a half": {plan.Limit{Share: 0.01}, 90_000_000_001, 9_000_000_000_000, true, "1%"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if got := tt.limit.Exceeded(tt.n, tt.total); got != tt.want {
				t.Errorf("%s: Exceeded(%d, %d) = %t", tt.limit, tt.n, tt.total, got)
			}
			if got := tt.limit.String(); got != tt.text {
				t.Errorf("String() = %q, want %q", got, tt.text)
			}
		})
	}
}

// A limit that holds a number holds every larger one, and a larger total
// never makes it stricter.
func TestLimitIsMonotone(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		l := plan.Limit{Share: rapid.Float64Range(0, 1).Draw(t, "share"), Records: rapid.IntRange(0, 1000).Draw(t, "records")}
		n, total := rapid.Int64Range(0, 1e6).Draw(t, "n"), rapid.Int64Range(0, 1e6).Draw(t, "total")
		if l.Exceeded(n, total) && !l.Exceeded(n+1, total) {
			t.Fatalf("%s holds %d of %d, but not one more", l, n, total)
		}
		if !l.Exceeded(n, total) && l.Exceeded(n, total+1) {
			t.Fatalf("%s holds %d of %d, but not of one less", l, n, total+1)
		}
	})
}

func TestVerdicts(t *testing.T) {
	t.Parallel()

	order := []plan.Verdict{plan.VerdictBlock, plan.VerdictHold, plan.VerdictGoWarn, plan.VerdictGo, plan.VerdictUnchanged}
	for i, worse := range order {
		for _, better := range order[i:] {
			if worse.Worse(better) != worse || better.Worse(worse) != worse {
				t.Errorf("%s must win over %s, from both sides", worse, better)
			}
		}
		if got, want := worse.Open(), i >= 2; got != want {
			t.Errorf("%s.Open() = %t", worse, got)
		}
		if got := plan.Verdict("").Worse(worse); got != worse {
			t.Errorf("nothing known and %s give %q", worse, got)
		}
	}
	if plan.Verdict("").Open() || plan.Verdict("goo").Open() {
		t.Error("what is no verdict must not open anything")
	}
}

func TestJudgementOnly(t *testing.T) {
	t.Parallel()

	reason := func(code string, v plan.Verdict) plan.Reason { return plan.Reason{Code: code, Verdict: v} }
	tests := map[string]struct {
		judgement plan.Judgement
		want      bool
	}{
		"the one cause":       {plan.Judgement{Verdict: plan.VerdictHold, Reasons: []plan.Reason{reason("not_in_run", plan.VerdictHold)}}, true},
		"beside a mild one":   {plan.Judgement{Verdict: plan.VerdictHold, Reasons: []plan.Reason{reason("not_in_run", plan.VerdictHold), reason("test_warned", plan.VerdictGoWarn)}}, true},
		"beside one as bad":   {plan.Judgement{Verdict: plan.VerdictHold, Reasons: []plan.Reason{reason("not_in_run", plan.VerdictHold), reason("stale", plan.VerdictHold)}}, false},
		"below the verdict":   {plan.Judgement{Verdict: plan.VerdictBlock, Reasons: []plan.Reason{reason("not_in_run", plan.VerdictHold)}}, false},
		"no reasons":          {plan.Judgement{Verdict: plan.VerdictHold}, false},
		"another, worse code": {plan.Judgement{Verdict: plan.VerdictBlock, Reasons: []plan.Reason{reason("node_failed", plan.VerdictBlock), reason("not_in_run", plan.VerdictHold)}}, false},
	}
	for name, tt := range tests {
		if got := tt.judgement.Only("not_in_run"); got != tt.want {
			t.Errorf("%s: Only() = %t", name, got)
		}
	}
}

func TestCountsAddUp(t *testing.T) {
	t.Parallel()

	c := plan.Counts{Read: 21, Unchanged: 1, Create: 2, Update: 3, Delete: 4, Invalid: 5, HeldBack: 6, Quarantined: 4, OK: 1, Rejected: 2, InDoubt: 3, NotSent: 3}
	if !c.ReadAddsUp() || !c.SentAddsUp() || c.Changes() != 9 {
		t.Errorf("%+v adds up", c)
	}
	for name, change := range map[string]func(*plan.Counts){
		"read": func(c *plan.Counts) { c.Read++ }, "unchanged": func(c *plan.Counts) { c.Unchanged++ },
		"invalid": func(c *plan.Counts) { c.Invalid++ }, "held back": func(c *plan.Counts) { c.HeldBack++ },
		"quarantined": func(c *plan.Counts) { c.Quarantined++ }, "create": func(c *plan.Counts) { c.Create++ },
		"update": func(c *plan.Counts) { c.Update++ },
	} {
		other := c
		if change(&other); other.ReadAddsUp() {
			t.Errorf("%s is not part of what was read", name)
		}
	}
	for name, change := range map[string]func(*plan.Counts){
		"ok": func(c *plan.Counts) { c.OK++ }, "rejected": func(c *plan.Counts) { c.Rejected++ },
		"in doubt": func(c *plan.Counts) { c.InDoubt++ }, "not sent": func(c *plan.Counts) { c.NotSent++ },
		"delete": func(c *plan.Counts) { c.Delete++ },
	} {
		other := c
		if change(&other); other.SentAddsUp() {
			t.Errorf("%s is not part of what was sent", name)
		}
	}
}

func TestHeldLeavesOutWhatWasAccepted(t *testing.T) {
	t.Parallel()

	p := plan.Plan{Holds: []plan.Hold{{Code: "a", Accepted: true}, {Code: "b"}, {Code: "c", Acceptable: true}}}
	held := p.Held()
	if len(held) != 2 || held[0].Code != "b" || held[1].Code != "c" {
		t.Errorf("Held() = %+v", held)
	}
}

func TestAge(t *testing.T) {
	t.Parallel()

	for d, want := range map[time.Duration]string{
		-time.Hour: "0s", 0: "0s", 59*time.Second + 999*time.Millisecond: "59s", time.Minute: "1m", 59 * time.Minute: "59m",
		time.Hour: "1h", 47 * time.Hour: "47h", 48 * time.Hour: "2d", 1000 * time.Hour: "41d",
	} {
		if got := plan.Age(d); got != want {
			t.Errorf("Age(%s) = %q, want %q", d, got, want)
		}
	}
}
