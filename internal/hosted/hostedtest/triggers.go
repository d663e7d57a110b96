package hostedtest

import (
	"slices"
	"testing"
	"time"

	"exposync/internal/hosted"
)

// triggers are the answers to a trigger, and what is known after them.
func triggers() []check {
	lost := func(scenario, number string) check {
		return check{"a trigger with " + scenario + " is found again " + number, []string{scenario, Lists}, func(t *testing.T, b *bench) {
			b.Play(t, scenario)
			since := b.since()
			before := b.listed(t, since)
			if got := b.refused(t); got.Fate != hosted.MayHaveStarted {
				t.Fatalf("fate %d: %v", got.Fate, got)
			}
			fresh := slices.DeleteFunc(b.listed(t, since), func(id string) bool { return slices.Contains(before, id) })
			runs, sent := b.Seen(t)
			if len(fresh) != 1 || len(runs) != 1 || fresh[0] != runs[0] || sent != 1 {
				t.Fatalf("%v are listed, %v are there, it was sent %d times", fresh, runs, sent)
			}
			if r := b.end(t, fresh[0]); r.State != hosted.Succeeded {
				t.Errorf("%s", r.State)
			}
		}}
	}
	none := func(scenario, number string) check {
		return check{"a trigger with " + scenario + " is no success " + number, []string{scenario}, func(t *testing.T, b *bench) {
			b.Play(t, scenario)
			got := b.refused(t)
			if runs, sent := b.Seen(t); sent != 1 || len(runs) > 0 && got.Fate == hosted.NotStarted {
				t.Errorf("fate %d, %v are there, it was sent %d times", got.Fate, runs, sent)
			}
		}}
	}
	return []check{
		lost("trigger-lost", "(11)"), lost("trigger-hang", "(13)"), lost("trigger-reset", "(13)"), lost("trigger-no-json", "(16)"),
		none("trigger-500", "(11)"), none("trigger-login", "(14)"), none("trigger-error", "(15)"), none("trigger-no-id", "(15)"),
		{"a trigger that is one too many is sent again (9)", []string{"trigger-429"}, testTooMany},
		{"a busy sync (12)", []string{"stuck"}, testBusy},
		{"two runs that could be ours (22)", []string{"somebody", Lists}, testSomebody},
		{"a run whose id was lost (22)", []string{Lists}, testLostID},
		{"a trigger that the tool swallows", []string{"swallowed", Lists}, testSwallowed},
		{"resending everything is asked for, or refused", nil, testFullResync},
	}
}

func testTooMany(t *testing.T, b *bench) {
	b.Play(t, "trigger-429")
	r, err := b.Tool.Trigger(t.Context(), b.Sync, hosted.TriggerOptions{})
	runs, sent := b.Seen(t)
	switch {
	case err == nil && len(runs) == 1 && (r.ID == runs[0] || b.h.Nameless) && sent > 1:
	case err != nil && b.failure(t, err).Code == "rate_limited" && len(runs) == 0:
	default:
		t.Errorf("%+v, %v; %v are there, it was sent %d times", r, err, runs, sent)
	}
}

func testBusy(t *testing.T, b *bench) {
	going := b.Somebody(t)
	if b.h.Busy != Refuses {
		run := b.trigger(t)
		if run == going {
			t.Fatal("the run of somebody else is given as ours")
		}
		r, err := b.Tool.Run(t.Context(), b.Sync, run)
		if err != nil || r.State == hosted.Succeeded {
			t.Errorf("%s, %v", r.State, err)
		}
		return
	}
	got := b.refused(t)
	if got.Fate != hosted.Busy || b.failure(t, got).Code != "hosted_busy" {
		t.Errorf("fate %d: %v", got.Fate, got)
	}
	if _, missing := b.h.Missing[RunningName]; !missing && got.Running != going {
		t.Errorf("%q is going on, want %q", got.Running, going)
	}
	if _, sent := b.Seen(t); sent != 1 {
		t.Errorf("it was sent %d times", sent)
	}
	b.Finish(t)
	b.end(t, going)
	b.end(t, b.trigger(t))
}

// testSomebody: both runs are listed, so that the engine adopts neither.
func testSomebody(t *testing.T, b *bench) {
	b.Play(t, "somebody")
	since := b.since()
	if _, err := b.Tool.Trigger(t.Context(), b.Sync, hosted.TriggerOptions{}); err != nil {
		t.Fatal(err)
	}
	runs, _ := b.Seen(t)
	if list := b.listed(t, since); len(runs) != 2 || !slices.Equal(sorted(list), sorted(runs)) {
		t.Errorf("%v are listed, %v are there", list, runs)
	}
}

// testLostID: what began before is left out, what began after is there, oldest
// first.
func testLostID(t *testing.T, b *bench) {
	old := b.trigger(t)
	b.end(t, old)
	b.Pass(time.Hour)
	since := b.since()
	first := b.trigger(t)
	b.end(t, first)
	b.Pass(2 * time.Second)
	second := b.trigger(t)
	if list := b.listed(t, since); !slices.Equal(list, []string{first, second}) {
		t.Errorf("%v are listed, want %v", list, []string{first, second})
	}
	if list := b.listed(t, since.Add(-2*time.Hour)); !slices.Equal(list, []string{old, first, second}) {
		t.Errorf("%v are listed, want %v", list, []string{old, first, second})
	}
}

// testSwallowed: the answer is as usual, and the list proves that there is no
// run.
func testSwallowed(t *testing.T, b *bench) {
	b.Play(t, "swallowed")
	since := b.since()
	r, err := b.Tool.Trigger(t.Context(), b.Sync, hosted.TriggerOptions{})
	if err != nil || r.State.Ended() {
		t.Fatalf("%+v, %v", r, err)
	}
	if list := b.listed(t, since); len(list) != 0 {
		t.Errorf("%v are listed", list)
	}
}

func testFullResync(t *testing.T, b *bench) {
	_, err := b.Tool.Trigger(t.Context(), b.Sync, hosted.TriggerOptions{FullResync: true})
	if _, missing := b.h.Missing[FullResyncs]; missing {
		if runs, sent := b.Seen(t); err == nil || b.failure(t, err).Code != "hosted_refused" || sent != 0 || len(runs) != 0 {
			t.Errorf("a full resync that it does not have: %v, sent %d times", err, sent)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if b.Flags != nil && len(b.Flags(t)) == 0 {
		t.Error("the full resync did not arrive")
	}
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }
