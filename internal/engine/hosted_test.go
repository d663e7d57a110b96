package engine_test

import (
	"cmp"
	"errors"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/hosted"
	"exposync/internal/plan"
)

// hostedEnd is how one process is expected to leave things.
type hostedEnd struct {
	Status   plan.Status
	Codes    string
	Run      string // that the result names
	State    hosted.State
	Triggers int
	Runs     int // at the tool
	Open     int // triggers in the ledger
	Handled  bool
	Adopted  bool
	Note     string // in exactly one note
}

// The loop, scene by scene: what a tool does, and what comes of it.
func TestHosted(t *testing.T) {
	t.Parallel()
	lost := triggerError(hosted.MayHaveStarted, "hosted_unavailable")
	ok := hostedEnd{Status: plan.Success, Run: "1", State: hosted.Succeeded, Triggers: 1, Runs: 1, Handled: true}
	with := func(change func(*hostedEnd)) hostedEnd {
		e := ok
		change(&e)
		return e
	}
	for _, test := range []struct {
		name    string
		arrange func(b *hostedBench, w *workspace)
		want    hostedEnd
	}{
		{"the usual run", func(*hostedBench, *workspace) {}, ok},
		{"the list is empty right after the trigger", func(_ *hostedBench, w *workspace) {
			w.onTrigger = func(int) (hosted.Run, error) {
				r, err := w.starts()
				w.runs[0].hidden = 4
				return r, err
			}
		}, ok},
		{"an unknown word, again and again", func(_ *hostedBench, w *workspace) {
			w.onTrigger = func(int) (hosted.Run, error) {
				return w.starts(hosted.Unknown, hosted.Unknown, hosted.Unknown, hosted.Succeeded)
			}
		}, with(func(e *hostedEnd) { e.Note = `the tool says "unknown", which this version does not know` })},
		{"an unknown word for ever", func(_ *hostedBench, w *workspace) {
			w.onTrigger = func(int) (hosted.Run, error) { return w.starts(hosted.Unknown) }
		}, hostedEnd{Status: plan.Failed, Codes: "hosted_timeout", Run: "1", State: hosted.Unknown, Triggers: 1, Runs: 1, Open: 1, Note: "does not know"}},
		{"no question is answered", func(_ *hostedBench, w *workspace) {
			w.dumb = true
		}, hostedEnd{Status: plan.Failed, Codes: "hosted_timeout", Run: "1", State: hosted.Unknown, Triggers: 1, Runs: 1, Open: 1}},
		{"a very slow queue", func(_ *hostedBench, w *workspace) {
			w.onTrigger = func(int) (hosted.Run, error) { return w.starts(hosted.Queued) }
		}, hostedEnd{Status: plan.Failed, Codes: "hosted_timeout", Run: "1", State: hosted.Queued, Triggers: 1, Runs: 1, Open: 1}},
		{"the run fails", func(_ *hostedBench, w *workspace) {
			w.onTrigger = func(int) (hosted.Run, error) { return w.starts(hosted.Failed) }
		}, hostedEnd{Status: plan.Failed, Codes: "hosted_failed", Run: "1", State: hosted.Failed, Triggers: 1, Runs: 1}},
		{"somebody stops the run", func(_ *hostedBench, w *workspace) {
			w.onTrigger = func(int) (hosted.Run, error) { return w.starts(hosted.Canceled) }
		}, hostedEnd{Status: plan.Failed, Codes: "hosted_canceled", Run: "1", State: hosted.Canceled, Triggers: 1, Runs: 1}},
		{"interrupted, and followed", func(_ *hostedBench, w *workspace) {
			w.onTrigger = func(int) (hosted.Run, error) {
				r, err := w.starts(hosted.Failed)
				w.runs[0].Continued = true
				w.begin(hosted.Running, hosted.Succeeded).hidden = 2
				return r, err
			}
		}, with(func(e *hostedEnd) { e.Run, e.Runs, e.Note = "2", 2, "the tool goes on in run 2" })},
		{"interrupted twice is followed once", func(_ *hostedBench, w *workspace) {
			w.onTrigger = func(int) (hosted.Run, error) {
				r, err := w.starts(hosted.Failed)
				w.begin(hosted.Failed)
				w.begin()
				w.runs[0].Continued, w.runs[1].Continued = true, true
				return r, err
			}
		}, hostedEnd{Status: plan.Failed, Codes: "hosted_failed", Run: "2", State: hosted.Failed, Triggers: 1, Runs: 3, Note: "goes on in run 2"}},
		{"interrupted for good", func(_ *hostedBench, w *workspace) {
			w.onTrigger = func(int) (hosted.Run, error) {
				r, err := w.starts(hosted.Failed)
				w.runs[0].Continued = true
				return r, err
			}
		}, hostedEnd{Status: plan.Failed, Codes: "hosted_failed", Run: "1", State: hosted.Failed, Triggers: 1, Runs: 1}},
		{"skipped: the other run is waited for, and one more is triggered", func(_ *hostedBench, w *workspace) {
			w.now = built.Add(-time.Minute)
			w.begin(hosted.Running, hosted.Running, hosted.Succeeded).Started = w.now
			w.now = built.Add(time.Minute)
			w.onTrigger = func(n int) (hosted.Run, error) {
				if n == 1 {
					return w.starts(hosted.Skipped)
				}
				return w.starts()
			}
		}, with(func(e *hostedEnd) { e.Run, e.Triggers, e.Runs, e.Note = "3", 2, 3, "it was waited for" })},
		{"skipped, because a run goes on that began after dbt", func(_ *hostedBench, w *workspace) {
			w.begin(hosted.Running, hosted.Running, hosted.Succeeded).Started = w.now
			w.onTrigger = func(int) (hosted.Run, error) { return w.starts(hosted.Skipped) }
		}, with(func(e *hostedEnd) { e.Runs, e.Adopted, e.Note = 2, true, "began after dbt had built" })},
		{"skipped twice", func(_ *hostedBench, w *workspace) {
			w.onTrigger = func(int) (hosted.Run, error) { return w.starts(hosted.Skipped) }
		}, hostedEnd{Status: plan.Failed, Codes: "hosted_skipped", Run: "2", State: hosted.Skipped, Triggers: 2, Runs: 2, Note: "skipped run 1"}},
		{"500, and nothing was created", func(_ *hostedBench, w *workspace) {
			w.onTrigger = func(int) (hosted.Run, error) { return hosted.Run{}, lost }
		}, hostedEnd{Status: plan.PartialDone, Codes: "hosted_in_doubt", Triggers: 1, Open: 1, Note: "the answer to the trigger was lost"}},
		{"500, but the run was created", func(_ *hostedBench, w *workspace) {
			w.onTrigger = func(int) (hosted.Run, error) {
				_, _ = w.starts()
				return hosted.Run{}, lost
			}
		}, with(func(e *hostedEnd) { e.Adopted, e.Note = true, "was lost" })},
		{"the answer is lost, and the run is listed late", func(_ *hostedBench, w *workspace) {
			w.onTrigger = func(int) (hosted.Run, error) {
				_, _ = w.starts()
				w.runs[0].hidden = 4
				return hosted.Run{}, lost
			}
		}, with(func(e *hostedEnd) { e.Adopted, e.Note = true, "was lost" })},
		{"the answer is lost, and older runs are not taken for it", func(_ *hostedBench, w *workspace) {
			w.begin(hosted.Succeeded)
			w.onTrigger = func(int) (hosted.Run, error) { return hosted.Run{}, lost }
		}, hostedEnd{Status: plan.PartialDone, Codes: "hosted_in_doubt", Triggers: 1, Runs: 1, Open: 1, Note: "was lost"}},
		{"the answer is lost, and one more older run than is remembered tells no time", func(_ *hostedBench, w *workspace) {
			w.now = time.Time{}
			for range 51 {
				w.begin(hosted.Succeeded)
			}
			w.now, w.timeless = built.Add(time.Minute), true
			w.onTrigger = func(int) (hosted.Run, error) { return hosted.Run{}, lost }
		}, hostedEnd{Status: plan.PartialDone, Codes: "hosted_in_doubt", Triggers: 1, Runs: 51, Open: 1, Note: "was lost"}},
		{"a run without an id, by a clock that is an hour behind", func(_ *hostedBench, w *workspace) {
			w.onTrigger = func(int) (hosted.Run, error) {
				_, _ = w.starts()
				w.runs[0].Created = w.now.Add(-time.Hour)
				return hosted.Run{State: hosted.Queued}, nil
			}
		}, ok},
		{"busy with a run from before dbt, by a clock that is an hour ahead", func(b *hostedBench, w *workspace) {
			w.begin(hosted.Running, hosted.Running, hosted.Succeeded).Started = built.Add(50 * time.Minute)
			w.onTrigger = func(n int) (hosted.Run, error) {
				if n == 1 {
					return hosted.Run{}, busyWith("1")
				}
				return w.starts()
			}
		}, with(func(e *hostedEnd) { e.Run, e.Triggers, e.Runs, e.Note = "2", 2, 2, "it was waited for" })},
		{"busy with a run that is gone already", func(_ *hostedBench, w *workspace) {
			w.begin(hosted.Running).gone = true
			w.onTrigger = func(n int) (hosted.Run, error) {
				if n == 1 {
					return hosted.Run{}, busyWith("1")
				}
				return w.starts()
			}
		}, with(func(e *hostedEnd) { e.Run, e.Triggers, e.Runs = "2", 2, 2 })},
		{"the answer is lost, and somebody else triggered, too", func(_ *hostedBench, w *workspace) {
			w.onTrigger = func(int) (hosted.Run, error) {
				_, _ = w.starts()
				w.begin()
				return hosted.Run{}, lost
			}
		}, hostedEnd{Status: plan.PartialDone, Codes: "hosted_in_doubt", Triggers: 1, Runs: 2, Open: 1, Note: "was lost"}},
		{"the answer is lost, and the tool cannot list", func(_ *hostedBench, w *workspace) {
			w.noList = true
			w.onTrigger = func(int) (hosted.Run, error) {
				_, _ = w.starts()
				return hosted.Run{}, lost
			}
		}, hostedEnd{Status: plan.PartialDone, Codes: "hosted_in_doubt", Triggers: 1, Runs: 1, Open: 1, Note: "was lost"}},
		{"the trigger gives no id, and the run is found", func(_ *hostedBench, w *workspace) {
			w.onTrigger = func(int) (hosted.Run, error) {
				_, _ = w.starts()
				return hosted.Run{State: hosted.Queued}, nil
			}
		}, ok},
		{"the trigger gives no id, and nothing runs", func(_ *hostedBench, w *workspace) {
			w.onTrigger = func(int) (hosted.Run, error) { return hosted.Run{State: hosted.Queued}, nil }
		}, hostedEnd{Status: plan.PartialDone, Codes: "hosted_in_doubt", Triggers: 1, Open: 1}},
		{"nobody can ask how the run ends", func(_ *hostedBench, w *workspace) {
			w.noList = true
			w.onTrigger = func(int) (hosted.Run, error) {
				return hosted.Run{State: hosted.Succeeded, Status: "accepted", Unwatched: true}, nil
			}
		}, hostedEnd{Status: plan.Success, State: hosted.Succeeded, Triggers: 1, Handled: true, Note: "nobody can ask how its run ends"}},
		{"the trigger is refused", func(_ *hostedBench, w *workspace) {
			w.onTrigger = func(int) (hosted.Run, error) {
				return hosted.Run{}, triggerError(hosted.NotStarted, "hosted_refused")
			}
		}, hostedEnd{Status: plan.Failed, Codes: "hosted_refused", Triggers: 1}},
		{"the tool lists nothing for now: nothing is triggered", func(_ *hostedBench, w *workspace) {
			w.onList = func() error { return unavailable() }
		}, hostedEnd{Status: plan.Failed, Codes: "hosted_unavailable"}},
		{"409: an old run is waited for, and one of ours follows", func(_ *hostedBench, w *workspace) {
			w.now = built.Add(-time.Hour)
			w.begin(hosted.Running, hosted.Running, hosted.Failed).Started = w.now
			w.now = built.Add(time.Minute)
			w.onTrigger = func(n int) (hosted.Run, error) {
				if n == 1 {
					return hosted.Run{}, busyWith("1")
				}
				return w.starts()
			}
		}, with(func(e *hostedEnd) { e.Run, e.Triggers, e.Runs, e.Note = "2", 2, 2, "may have read rows from before" })},
		{"409: a run that began after dbt is adopted", func(_ *hostedBench, w *workspace) {
			w.begin().Started = w.now
			w.onTrigger = func(int) (hosted.Run, error) { return hosted.Run{}, busyWith("") }
		}, with(func(e *hostedEnd) { e.Adopted, e.Note = true, "began after dbt had built" })},
		{"409: a run that began as dbt ended is not", func(_ *hostedBench, w *workspace) {
			w.begin().Started = built.Add(3 * time.Second)
			w.onTrigger = func(n int) (hosted.Run, error) {
				if n == 1 {
					return hosted.Run{}, busyWith("")
				}
				return w.starts()
			}
		}, with(func(e *hostedEnd) { e.Run, e.Triggers, e.Runs, e.Note = "2", 2, 2, "may have read rows from before" })},
		{"409, and again", func(_ *hostedBench, w *workspace) {
			w.onTrigger = func(int) (hosted.Run, error) { return hosted.Run{}, busyWith("") }
		}, hostedEnd{Status: plan.Failed, Codes: "hosted_busy", Triggers: 2}},
		{"409 by a run that never ends: it is not canceled", func(b *hostedBench, w *workspace) {
			b.as, b.req.CancelOnTimeout = canceler{w}, true
			w.now = built.Add(-time.Hour)
			w.begin(hosted.Running).Started = w.now
			w.now = built.Add(time.Minute)
			w.onTrigger = func(int) (hosted.Run, error) { return hosted.Run{}, busyWith("1") }
		}, hostedEnd{Status: plan.Failed, Codes: "hosted_timeout", Triggers: 1, Runs: 1, Note: "was going on already"}},
		{"the run vanishes", func(_ *hostedBench, w *workspace) {
			w.onPoll = func(n int) error {
				w.runs[0].gone = n > 1
				return nil
			}
		}, hostedEnd{Status: plan.PartialDone, Codes: "hosted_run_gone", Run: "1", State: hosted.Queued, Triggers: 1, Runs: 1, Open: 1}},
		{"the run is not found at first", func(_ *hostedBench, w *workspace) {
			w.onPoll = func(n int) error {
				w.runs[0].gone = n < 4
				return nil
			}
		}, ok},
		{"some questions fail", func(_ *hostedBench, w *workspace) {
			w.onPoll = func(n int) error {
				if n%2 == 0 {
					return unavailable()
				}
				return nil
			}
		}, ok},
		{"all questions fail", func(_ *hostedBench, w *workspace) {
			w.onPoll = func(n int) error {
				if n > 1 {
					return unavailable()
				}
				return nil
			}
		}, hostedEnd{Status: plan.Failed, Codes: "hosted_unavailable hosted_unwatched", Run: "1", State: hosted.Queued, Triggers: 1, Runs: 1, Open: 1}},
		{"a login page instead of answers", func(_ *hostedBench, w *workspace) {
			w.onPoll = func(int) error { return &fault.Fault{Code: "hosted_reply", Kind: fault.Unavailable, Msg: "a web page"} }
		}, hostedEnd{Status: plan.Failed, Codes: "hosted_reply hosted_unwatched", Run: "1", State: hosted.Unknown, Triggers: 1, Runs: 1, Open: 1}},
		{"the credential is refused while waiting", func(_ *hostedBench, w *workspace) {
			w.onPoll = func(int) error { return &fault.Fault{Code: "hosted_denied", Kind: fault.Config, Msg: "no"} }
		}, hostedEnd{Status: plan.Failed, Codes: "hosted_denied hosted_unwatched", Run: "1", State: hosted.Unknown, Triggers: 1, Runs: 1, Open: 1}},
		{"the quota is used up for a day", func(_ *hostedBench, w *workspace) {
			w.onPoll = func(int) error {
				return &fault.Fault{Code: "rate_limited", Kind: fault.Unavailable, Msg: "until tomorrow"}
			}
		}, hostedEnd{Status: plan.Failed, Codes: "rate_limited hosted_unwatched", Run: "1", State: hosted.Unknown, Triggers: 1, Runs: 1, Open: 1}},
		{"its own schedule", func(_ *hostedBench, w *workspace) { w.sync.Schedule = "every 1 hour" }, hostedEnd{Status: plan.HeldStatus}},
		{"its own schedule, accepted", func(b *hostedBench, w *workspace) {
			w.sync.Schedule, b.req.Accept = "every 1 hour", []string{"own_schedule"}
		}, ok},
		{
			"detached", func(b *hostedBench, _ *workspace) { b.req.Detach = true },
			hostedEnd{Status: plan.Started, Run: "1", State: hosted.Queued, Triggers: 1, Runs: 1, Open: 1},
		},
		{"nothing to wait for", func(b *hostedBench, _ *workspace) { b.req.WaitOnly = true }, hostedEnd{Status: plan.Skipped}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newHostedBench(t)
			test.arrange(b, b.tool)
			b.check(b.run(), test.want)
			if len(b.tool.canceled) > 0 {
				t.Errorf("canceled %v", b.tool.canceled)
			}
		})
	}
}

// check compares how a process left things.
func (b *hostedBench) check(res plan.Result, want hostedEnd) {
	b.Helper()
	got := hostedEnd{Status: res.Status, Codes: codesOf(res), Triggers: len(b.tool.triggers), Runs: len(b.tool.runs), Open: b.open(), Handled: engine.Handled(res)}
	if res.Hosted != nil {
		got.Run, got.State, got.Adopted = res.Hosted.Run, hosted.State(res.Hosted.State), res.Hosted.Adopted
	}
	if want.Note != "" && noted(res, want.Note) == 1 {
		got.Note = want.Note
	}
	if d := gocmp.Diff(want, got); d != "" {
		b.Errorf("(-want +got):\n%s\nnotes %q\nproblems %v", d, res.Plan.Notes, res.Problems)
	}
}

// What a run with rejected rows comes to.
func TestHostedPartial(t *testing.T) {
	t.Parallel()
	n := func(i int64) *int64 { return &i }
	few, many, unclear := hosted.Rows{Total: n(1000), OK: n(995), Failed: n(5)}, hosted.Rows{OK: n(900), Failed: n(100)}, hosted.Rows{}
	for _, test := range []struct {
		on   plan.OnPartial
		rows hosted.Rows
		want plan.Status
		note int
	}{
		{plan.PartialFails, few, plan.PartialDone, 0},
		{plan.PartialFails, many, plan.PartialDone, 0},
		{plan.PartialFails, unclear, plan.PartialDone, 0},
		{plan.PartialWarns, few, plan.Success, 1},
		{plan.PartialWarns, many, plan.PartialDone, 0},
		{plan.PartialWarns, unclear, plan.PartialDone, 0},
		{plan.PartialOK, few, plan.Success, 0},
		{plan.PartialOK, many, plan.PartialDone, 0},
		{plan.PartialOK, unclear, plan.PartialDone, 0},
	} {
		b := newHostedBench(t)
		b.req.Job.Hosted.Partial = test.on
		b.tool.onTrigger = func(int) (hosted.Run, error) {
			r, err := b.tool.starts(hosted.Partial)
			b.tool.runs[0].Rows = test.rows
			return r, err
		}
		res := b.run()
		if res.Status != test.want || noted(res, "rows were rejected, within max_rejected") != test.note || !engine.Handled(res) || b.open() != 0 {
			t.Errorf("on_partial %q, %v of %v rejected: %s, notes %q", test.on, val(test.rows.Failed), val(test.rows.Total), res.Status, res.Plan.Notes)
		}
		if untold := noted(res, "does not say how many") == 1; untold != (test.rows.Failed == nil) {
			t.Errorf("on_partial %q, %v rejected: notes %q", test.on, test.rows.Failed, res.Plan.Notes)
		}
		if failed := val(test.rows.Failed); failed > 0 && (len(res.Rejects) != 1 || res.Rejects[0].Records != failed) {
			t.Errorf("rejects %+v", res.Rejects)
		}
	}
}

func val(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// Rows become counts where they tell changes apart and add up; nothing is made
// up.
func TestHostedCounts(t *testing.T) {
	t.Parallel()
	n := func(i int64) *int64 { return &i }
	whole := hosted.Rows{Added: n(6), Changed: n(3), Removed: n(1)}
	for _, test := range []struct {
		rows hosted.Rows
		want plan.Counts
		end  hosted.State // if it is no success
	}{
		{whole, plan.Counts{Create: 6, Update: 3, Delete: 1, OK: 10}, ""},
		{whole, plan.Counts{}, hosted.Failed}, // planned, and nobody says how far it came
		{whole, plan.Counts{}, hosted.Partial},
		{hosted.Rows{Added: n(6), Changed: n(3), Removed: n(1), OK: n(4)}, plan.Counts{Create: 6, Update: 3, Delete: 1, OK: 4, InDoubt: 6}, hosted.Canceled},
		{hosted.Rows{Added: n(6), Changed: n(3), Removed: n(1), OK: n(10), Failed: n(0)}, plan.Counts{Create: 6, Update: 3, Delete: 1, OK: 10}, ""},
		{hosted.Rows{Added: n(6), Changed: n(3), Removed: n(1), OK: n(7), Failed: n(3)}, plan.Counts{Create: 6, Update: 3, Delete: 1, OK: 7, Rejected: 3}, ""},
		{hosted.Rows{Added: n(6), Changed: n(3), Removed: n(1), OK: n(7), Failed: n(2)}, plan.Counts{Create: 6, Update: 3, Delete: 1, OK: 7, Rejected: 2, InDoubt: 1}, ""},
		{hosted.Rows{Added: n(6), Changed: n(3), Removed: n(1), OK: n(70)}, plan.Counts{}, ""}, // does not add up
		{hosted.Rows{Added: n(6), Changed: n(3), Removed: n(1), Failed: n(11)}, plan.Counts{}, ""},
		{hosted.Rows{Added: n(-6), Changed: n(3), Removed: n(10)}, plan.Counts{}, ""},
		{hosted.Rows{Added: n(6), Changed: n(3), OK: n(9)}, plan.Counts{}, ""},
		{hosted.Rows{Total: n(9), OK: n(9)}, plan.Counts{}, ""},
	} {
		b := newHostedBench(t)
		b.tool.onTrigger = func(int) (hosted.Run, error) {
			r, err := b.tool.starts(cmp.Or(test.end, hosted.Succeeded))
			b.tool.runs[0].Rows = test.rows
			return r, err
		}
		res := b.run()
		if d := gocmp.Diff(test.want, res.Counts); d != "" || !res.Counts.SentAddsUp() || test.end == "" && !engine.Handled(res) {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
}

// A process that is interrupted stops waiting; the next one goes on, and
// triggers nothing.
func TestHostedInterruptedThenResumed(t *testing.T) {
	t.Parallel()
	b := newHostedBench(t)
	b.tool.onTrigger = func(int) (hosted.Run, error) {
		return b.tool.starts(hosted.Queued, hosted.Running, hosted.Running, hosted.Succeeded)
	}
	b.tool.onWait = func(n int) {
		if n == 2 {
			b.interrupt()
		}
	}
	res := b.run()
	b.check(res, hostedEnd{Status: plan.Stopped, Codes: "hosted_goes_on", Run: "1", State: hosted.Running, Triggers: 1, Runs: 1, Open: 1})
	if !strings.Contains(res.Problems[0].Msg, b.tool.runs[0].URL) {
		t.Errorf("where the run is seen is not said: %s", res.Problems[0].Msg)
	}
	b.stop, b.tool.onWait = make(chan struct{}), nil
	res = b.run()
	b.check(res, hostedEnd{Status: plan.Success, Run: "1", State: hosted.Succeeded, Triggers: 1, Runs: 1, Handled: true, Note: "goes on with run 1"})
	if !res.Hosted.Resumed || b.looked.Hosted.Resumes != "1" {
		t.Errorf("%+v, planned %+v", res.Hosted, b.looked.Hosted)
	}
}

// What a detached run triggered is waited for later, for the dbt run that it
// was triggered for, also when dbt ran since.
func TestHostedDetachedThenWaitedFor(t *testing.T) {
	t.Parallel()
	b := newHostedBench(t)
	b.req.Detach = true
	b.tool.onTrigger = func(int) (hosted.Run, error) { return b.tool.starts(hosted.Queued, hosted.Running, hosted.Failed) }
	b.run()
	b.check(b.run(), hostedEnd{Status: plan.Started, Run: "1", State: hosted.Queued, Triggers: 1, Runs: 1, Open: 1, Note: "goes on with run 1"})
	b.req.Detach, b.req.WaitOnly, b.req.Invocation = false, true, "dbt-2"
	res := b.run()
	b.check(res, hostedEnd{Status: plan.Failed, Codes: "hosted_failed", Run: "1", State: hosted.Failed, Triggers: 1, Runs: 1})
	if res.Hosted.Invocation != "dbt-1" {
		t.Errorf("it answers %s", res.Hosted.Invocation)
	}
	b.check(b.run(), hostedEnd{Status: plan.Skipped, Triggers: 1, Runs: 1})
}

// A doubt stays one for its dbt run; another dbt run has a trigger of its own,
// and so has somebody who asks for one.
func TestHostedDoubtEnds(t *testing.T) {
	t.Parallel()
	for name, goOn := range map[string]func(b *hostedBench){
		"another dbt run": func(b *hostedBench) { b.req.Invocation, b.req.BuiltAt = "dbt-2", b.tool.now },
		"retry":           func(b *hostedBench) { b.req.Again = true },
	} {
		b := newHostedBench(t)
		b.tool.onTrigger = func(n int) (hosted.Run, error) {
			if n == 1 {
				return hosted.Run{}, triggerError(hosted.MayHaveStarted, "hosted_unavailable")
			}
			return b.tool.starts()
		}
		doubt := hostedEnd{Status: plan.PartialDone, Codes: "hosted_in_doubt", Triggers: 1, Open: 1}
		b.check(b.run(), doubt)
		b.check(b.run(), doubt)
		goOn(b)
		b.tool.now = b.tool.now.Add(time.Minute)
		b.check(b.run(), hostedEnd{Status: plan.Success, Run: "1", State: hosted.Succeeded, Triggers: 2, Runs: 1, Handled: true, Note: "nobody knows what became of"})
		if t.Failed() {
			t.Fatal(name)
		}
		if b.tool.triggers[0].Key == b.tool.triggers[1].Key {
			t.Errorf("%s: the same key means the same run", name)
		}
	}
}

// A run for an earlier dbt run that goes on is waited for; it answers nothing.
func TestHostedEarlierRunIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := newHostedBench(t)
	b.req.Detach = true
	b.run()
	b.req.Detach, b.req.Invocation = false, "dbt-2"
	b.check(b.run(), hostedEnd{Status: plan.Success, Run: "2", State: hosted.Succeeded, Triggers: 2, Runs: 2, Handled: true, Note: "run 1, which was triggered before, has ended: succeeded"})
}

// The end of a run that is told but not remembered is told again, and nothing
// is triggered.
func TestHostedDiesBeforeItIsRemembered(t *testing.T) {
	t.Parallel()
	b := newHostedBench(t)
	b.req.Tool = b.tool
	e := b.engine()
	p, err := e.PrepareHosted(t.Context(), b.req, false)
	if err != nil {
		t.Fatal(err)
	}
	if res := e.ApplyHosted(t.Context(), b.stop, p); res.Status != plan.Success {
		t.Fatalf("%+v", res)
	}
	if err := errors.Join(p.Close(), e.SettleHosted(t.Context(), p)); err != nil { // the process ends without settling
		t.Fatal(err)
	}
	b.check(b.run(), hostedEnd{Status: plan.Success, Run: "1", State: hosted.Succeeded, Triggers: 1, Runs: 1, Handled: true})
}

// --cancel-on-timeout ends a run of ours, where the tool can.
func TestHostedCanceledOnTimeout(t *testing.T) {
	t.Parallel()
	for _, can := range []bool{true, false} {
		b := newHostedBench(t)
		b.req.CancelOnTimeout, b.req.Job.Hosted.Timeout = true, 10*time.Minute
		if can {
			b.as = canceler{b.tool}
		}
		b.tool.onTrigger = func(int) (hosted.Run, error) { return b.tool.starts(hosted.Running) }
		started := b.tool.now
		res := b.run()
		if codesOf(res) != "hosted_timeout" || (len(b.tool.canceled) == 1) != can {
			t.Errorf("%v, canceled %v", res.Problems, b.tool.canceled)
		}
		if took := b.tool.now.Sub(started); took != 10*time.Minute {
			t.Errorf("waited for %s", took)
		}
		words := "was told to cancel it"
		if !can {
			words = "cannot be told to cancel a run"
		}
		if !strings.Contains(res.Problems[0].Msg, words) {
			t.Errorf("%s", res.Problems[0].Msg)
		}
	}
}

// A disabled sync is a fault before the trigger, but not while its run goes on.
func TestHostedDisabled(t *testing.T) {
	t.Parallel()
	b := newHostedBench(t)
	b.tool.sync.Disabled = "paused"
	if _, err := b.attempt(t.Context()); !fault.Is(err, "hosted_disabled") || len(b.tool.triggers) != 0 || b.open() != 0 {
		t.Fatalf("%v", err)
	}
	b.tool.sync.Disabled, b.req.Detach = "", true
	b.run()
	b.tool.sync.Disabled, b.tool.sync.Schedule, b.req.Detach = "paused", "every 1 hour", false
	b.check(b.run(), hostedEnd{Status: plan.Success, Run: "1", State: hosted.Succeeded, Triggers: 1, Runs: 1, Handled: true})
}

// A sequence tells its parts.
func TestHostedSequence(t *testing.T) {
	t.Parallel()
	b := newHostedBench(t)
	b.tool.onTrigger = func(int) (hosted.Run, error) {
		r, err := b.tool.starts(hosted.Running, hosted.Partial)
		b.tool.runs[0].Parts = []hosted.Run{{ID: "p1", State: hosted.Succeeded}, {ID: "p2", State: hosted.Partial}}
		return r, err
	}
	res := b.run()
	if res.Status != plan.PartialDone || len(res.Hosted.Parts) != 2 || res.Hosted.Parts[1].State != "partial" {
		t.Errorf("%s %+v", res.Status, res.Hosted)
	}
}

// Questions come after two seconds, and then ever later, up to half a minute.
func TestHostedPauses(t *testing.T) {
	t.Parallel()
	b := newHostedBench(t)
	b.tool.onTrigger = func(int) (hosted.Run, error) { return b.tool.starts(hosted.Running) }
	var pauses []time.Duration
	last := b.tool.now
	b.tool.onWait = func(int) {
		pauses = append(pauses, b.tool.now.Sub(last).Round(time.Millisecond))
		last = b.tool.now
	}
	b.run()
	want := []int64{2000, 3000, 4500, 6750, 10125, 15188, 22781, 30000, 30000}
	for i, w := range want {
		if pauses[i].Milliseconds() != w {
			t.Fatalf("%v", pauses[:len(want)])
		}
	}
}
