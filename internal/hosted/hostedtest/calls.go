package hostedtest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"exposync/internal/fault"
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

// polls are the answers to questions about a run.
func polls() []check {
	passing := func(scenario, number string) check {
		return check{"a poll with " + scenario + " goes on " + number, []string{scenario}, func(t *testing.T, b *bench) {
			b.Play(t, scenario)
			if r := b.end(t, b.trigger(t)); r.State != hosted.Succeeded {
				t.Errorf("%s", r.State)
			}
		}}
	}
	failing := func(scenario, number string, codes ...string) check {
		return check{"a poll with " + scenario + " is no success " + number, []string{scenario}, func(t *testing.T, b *bench) {
			b.Play(t, scenario)
			run := b.trigger(t)
			for range 3 {
				r, err := b.Tool.Run(t.Context(), b.Sync, run)
				if err == nil {
					if r.State.Ended() {
						t.Fatalf("%s", r.State)
					}
					continue
				}
				f := b.failure(t, err)
				if !slices.Contains(codes, f.Code) {
					t.Errorf("%v, want %v", err, codes)
				}
				if f.Code == "rate_limited" && !strings.Contains(f.Msg, "until ") {
					t.Errorf("it does not say until when: %v", f)
				}
				return
			}
			t.Error("no error")
		}}
	}
	return []check{
		{"a credential that ends while waiting (8)", []string{"poll-401"}, testExpired},
		failing("poll-denied", "(8)", "hosted_denied"),
		passing("poll-429", "(9)"), passing("poll-500", "(9)"), passing("poll-reset", "(9)"),
		failing("poll-429-day", "(10)", "rate_limited"),
		failing("poll-login", "(14)", "http_redirect", "hosted_reply"), failing("poll-error", "(15)", "hosted_reply"), failing("poll-no-json", "(16)", "hosted_reply"),
		failing("gone", "(17)", "hosted_run_gone"),
	}
}

// testExpired: tokens that end are fetched anew; of a key that is refused a
// person has to know at once.
func testExpired(t *testing.T, b *bench) {
	b.Play(t, "poll-401")
	run := b.trigger(t)
	if b.h.Logs {
		b.end(t, run)
		return
	}
	for range 5 {
		if _, err := b.Tool.Run(t.Context(), b.Sync, run); err != nil {
			if f := b.failure(t, err); f.Code != "hosted_denied" || f.Kind != fault.Config {
				t.Errorf("%v", err)
			}
			return
		}
	}
	t.Error("a key that was refused is not told")
}

// looks are what is known of a sync before it is triggered.
func looks() []check {
	return []check{
		{"a sync is looked at", nil, func(t *testing.T, b *bench) {
			s, err := b.Tool.Inspect(t.Context(), b.Sync)
			if err != nil || s.ID != b.Sync || s.Schedule != "" || s.Disabled != "" {
				t.Errorf("Inspect() = %+v, %v", s, err)
			}
			if a := b.Tool.Account(); a == "" || a != b.Tool.Account() || strings.ContainsAny(a, " \n") {
				t.Errorf("Account() = %q", a)
			}
		}},
		{"all syncs are listed", []string{Listing}, func(t *testing.T, b *bench) {
			want, err := b.Tool.Inspect(t.Context(), b.Sync)
			if err != nil {
				t.Fatal(err)
			}
			l, can := b.Tool.(hosted.Lister)
			if !can {
				t.Fatal("it cannot list, and does not say so")
			}
			for range 2 {
				list, err := l.List(t.Context())
				if err != nil || len(list) != 1 || list[0].ID != want.ID || list[0].Title != want.Title || list[0].Disabled != want.Disabled || list[0].Model != want.Model {
					t.Errorf("List() = %+v, %v; want %+v", list, err, want)
				}
			}
		}},
		{"its own schedule is told (18)", []string{"schedule", Schedules}, func(t *testing.T, b *bench) {
			b.Play(t, "schedule")
			if s, err := b.Tool.Inspect(t.Context(), b.Sync); err != nil || s.Schedule == "" {
				t.Errorf("Inspect() = %+v, %v", s, err)
			}
		}},
		{"that it is disabled is told (19)", []string{"disabled", Disables}, func(t *testing.T, b *bench) {
			b.Play(t, "disabled")
			if s, err := b.Tool.Inspect(t.Context(), b.Sync); err != nil || s.Disabled == "" {
				t.Errorf("Inspect() = %+v, %v", s, err)
			}
		}},
		{"a sync that is not there (19)", []string{"missing"}, func(t *testing.T, b *bench) {
			b.Play(t, "missing")
			_, err := b.Tool.Inspect(t.Context(), b.Sync)
			if f := b.failure(t, err); f.Code != "hosted_missing" || f.Kind != fault.Config {
				t.Errorf("Inspect(): %v", err)
			}
			if got := b.refused(t); got.Fate != hosted.NotStarted {
				t.Errorf("fate %d: %v", got.Fate, got)
			}
		}},
	}
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }
