package hostedtest

import (
	"slices"
	"strings"
	"testing"

	"exposync/internal/fault"
	"exposync/internal/hosted"
)

// polls are the answers to questions about a run.
func polls() []check {
	return []check{
		{"a credential that ends while waiting (8)", []string{"poll-401"}, testExpired},
		failing("poll-denied", "(8)", "hosted_denied"),
		passing("poll-429", "(9)"), passing("poll-500", "(9)"), passing("poll-reset", "(9)"),
		failing("poll-429-day", "(10)", "rate_limited"),
		failing("poll-login", "(14)", "http_redirect", "hosted_reply"), failing("poll-error", "(15)", "hosted_reply"), failing("poll-no-json", "(16)", "hosted_reply"),
		failing("gone", "(17)", "hosted_run_gone"),
	}
}

// passing is a scenario after which the run goes on.
func passing(scenario, number string) check {
	return check{"a poll with " + scenario + " goes on " + number, []string{scenario}, func(t *testing.T, b *bench) {
		b.Play(t, scenario)
		if r := b.end(t, b.trigger(t)); r.State != hosted.Succeeded {
			t.Errorf("%s", r.State)
		}
	}}
}

// failing is a scenario in which a poll is a fault with one of codes.
func failing(scenario, number string, codes ...string) check {
	return check{"a poll with " + scenario + " is no success " + number, []string{scenario}, func(t *testing.T, b *bench) {
		b.Play(t, scenario)
		run := b.trigger(t)
		for range 3 {
			r, err := b.Tool.Run(t.Context(), b.Sync, run)
			if err != nil {
				testPollFault(t, b.failure(t, err), codes)
				return
			}
			if r.State.Ended() {
				t.Fatalf("%s", r.State)
			}
		}
		t.Error("no error")
	}}
}

func testPollFault(t *testing.T, f *fault.Fault, codes []string) {
	if !slices.Contains(codes, f.Code) {
		t.Errorf("%v, want %v", f, codes)
	}
	if f.Code == "rate_limited" && !strings.Contains(f.Msg, "until ") {
		t.Errorf("it does not say until when: %v", f)
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
