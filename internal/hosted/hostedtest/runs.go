package hostedtest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"exposync/internal/hosted"
)

// ends are how runs end, and what they show on the way.
func ends() []check {
	ended := func(scenario string, want hosted.State, needs ...string) check {
		return check{scenario + " is " + string(want), append(needs, scenario), func(t *testing.T, b *bench) {
			if scenario != "success" {
				b.Play(t, scenario)
			}
			if r := b.end(t, b.trigger(t)); r.State != want {
				t.Errorf("it ended as %s (%s), want %s", r.State, r.Status, want)
			}
		}}
	}
	return []check{
		ended("success", hosted.Succeeded),
		ended("failed", hosted.Failed),
		ended("canceled", hosted.Canceled, CancelWord),
		ended("ids-number", hosted.Succeeded),
		ended("ids-string", hosted.Succeeded),
		ended("unknown", hosted.Succeeded),
		{"a run that is not listed yet (1)", []string{"empty"}, testEmpty},
		{"times that are null (2)", []string{"no-times"}, testNoTimes},
		{"rejected rows make it partial, with counts (4)", []string{"partial", Counts}, testPartial},
		{"interrupted goes on in another run (5)", []string{"interrupted", Lists}, testInterrupted},
		{"interrupted for good (5)", []string{"interrupted-only", Lists}, testInterruptedOnly},
		{"skipped is no success (6)", []string{"skipped", Lists}, testSkipped},
		{"an unknown word is no end, and told once (7)", []string{"unknown-for-ever"}, testUnknown},
		{"a run that never starts (20)", []string{"stuck"}, testStuck},
		{"a run that is ended (21)", []string{"stuck", Cancels}, testCancel},
	}
}

// testEmpty allows both ways in which a tool may speak of a run that it does
// not list yet: not at all, and as of one that is not there.
func testEmpty(t *testing.T, b *bench) {
	b.Play(t, "empty")
	run := b.trigger(t)
	for range 10 {
		r, err := b.Tool.Run(t.Context(), b.Sync, run)
		switch {
		case err != nil:
			if f := b.failure(t, err); f.Code != "hosted_run_gone" {
				t.Fatalf("a run that is not listed yet: %v", err)
			}
		case r.State.Ended() && r.State != hosted.Succeeded:
			t.Fatalf("a run that was not listed at first is %s", r.State)
		case r.State == hosted.Succeeded:
			return
		}
	}
	b.end(t, run)
}

func testNoTimes(t *testing.T, b *bench) {
	b.Play(t, "no-times")
	if r := b.end(t, b.trigger(t)); r.State != hosted.Succeeded || !r.Started.IsZero() && r.Started.Year() < 2000 {
		t.Errorf("%s, started %s", r.State, r.Started)
	}
}

func testPartial(t *testing.T, b *bench) {
	b.Play(t, "partial")
	r := b.end(t, b.trigger(t))
	if r.State != hosted.Partial || r.Rows.Failed == nil || *r.Rows.Failed != 3 {
		t.Errorf("%s with rows %+v, want partial with 3 failed", r.State, r.Rows)
	}
}

// after gives the runs that are listed behind a run.
func (b *bench) after(t *testing.T, run string, since time.Time) []string {
	t.Helper()
	list := b.listed(t, since)
	at := slices.Index(list, run)
	if at < 0 {
		t.Fatalf("%s is not among %v", run, list)
	}
	return list[at+1:]
}

func testInterrupted(t *testing.T, b *bench) {
	since := b.since()
	b.Play(t, "interrupted")
	run := b.trigger(t)
	if r := b.end(t, run); r.State != hosted.Failed || !r.Continued {
		t.Fatalf("%s (%s), continued %v", r.State, r.Status, r.Continued)
	}
	next := b.after(t, run, since)
	if len(next) != 1 {
		t.Fatalf("it goes on in %v, want one run", next)
	}
	if r := b.end(t, next[0]); r.State != hosted.Succeeded || r.Continued {
		t.Errorf("the run that it goes on in is %s, continued %v", r.State, r.Continued)
	}
}

func testInterruptedOnly(t *testing.T, b *bench) {
	since := b.since()
	b.Play(t, "interrupted-only")
	run := b.trigger(t)
	if r := b.end(t, run); r.State != hosted.Failed || !r.Continued {
		t.Fatalf("%s (%s), continued %v", r.State, r.Status, r.Continued)
	}
	if next := b.after(t, run, since); len(next) != 0 {
		t.Errorf("it goes on in %v", next)
	}
}

// testSkipped: the run that was going on is found, so that the engine can wait
// for it and trigger once more.
func testSkipped(t *testing.T, b *bench) {
	since := b.since()
	b.Play(t, "skipped")
	run := b.trigger(t)
	if r := b.end(t, run); r.State != hosted.Skipped {
		t.Fatalf("%s (%s), want skipped", r.State, r.Status)
	}
	runs, err := b.Tool.Recent(t.Context(), b.Sync, since)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(runs, func(r hosted.Run) bool { return r.ID != run && r.State != hosted.Skipped }) {
		t.Errorf("the run that was going on is not listed: %+v", runs)
	}
}

func testUnknown(t *testing.T, b *bench) {
	b.Play(t, "unknown-for-ever")
	run := b.trigger(t)
	unknown := 0
	for range 8 {
		r, err := b.Tool.Run(t.Context(), b.Sync, run)
		if err != nil || r.State.Ended() {
			t.Fatalf("%s (%s), %v", r.State, r.Status, err)
		}
		if r.State == hosted.Unknown {
			unknown++
		}
	}
	told := slices.DeleteFunc(slices.Clone(b.Notes()), func(s string) bool { return !strings.Contains(s, "does not know") })
	if unknown == 0 || len(told) != 1 {
		t.Errorf("unknown %d times, told %q", unknown, told)
	}
}

func testStuck(t *testing.T, b *bench) {
	b.Play(t, "stuck")
	run := b.trigger(t)
	for range 20 {
		if r, err := b.Tool.Run(t.Context(), b.Sync, run); err != nil || r.State.Ended() || r.State == hosted.Unknown {
			t.Fatalf("%s (%s), %v", r.State, r.Status, err)
		}
		b.Pass(time.Minute)
	}
	b.Finish(t)
	b.end(t, run)
}

func testCancel(t *testing.T, b *bench) {
	b.Play(t, "stuck")
	run := b.trigger(t)
	c, can := b.Tool.(hosted.Canceler)
	if !can {
		t.Fatal("it cannot cancel, and does not say so")
	}
	if err := c.Cancel(t.Context(), b.Sync, run); err != nil {
		t.Fatalf("Cancel(): %v", err)
	}
	want := hosted.Canceled
	if _, missing := b.h.Missing[CancelWord]; missing {
		want = hosted.Failed
	}
	if r := b.end(t, run); r.State != want {
		t.Errorf("%s (%s), want %s", r.State, r.Status, want)
	}
	if err := c.Cancel(t.Context(), b.Sync, run); err != nil {
		t.Errorf("Cancel() of a run that has ended: %v", err)
	}
}
