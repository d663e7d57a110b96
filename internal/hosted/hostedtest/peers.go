package hostedtest

import (
	"testing"

	"exposync/internal/hosted"
)

// peers are bugs that integrations of others have or had, by where they were
// seen.
func peers() []check {
	return []check{
		{"peers: a Census sensor that knows two ends waits for skipped for ever", []string{"skipped"}, func(t *testing.T, b *bench) {
			b.Play(t, "skipped")
			if r := b.end(t, b.trigger(t)); r.State == hosted.Succeeded {
				t.Error("skipped is a success")
			}
		}},
		{"peers: prefect-hightouch takes the state of the run before for that of this one", nil, func(t *testing.T, b *bench) {
			if r := b.end(t, b.trigger(t)); r.State != hosted.Succeeded {
				t.Fatalf("%s", r.State)
			}
			b.Play(t, "failed")
			run := b.trigger(t)
			if r, err := b.Tool.Run(t.Context(), b.Sync, run); err != nil || r.State == hosted.Succeeded {
				t.Errorf("%s, %v", r.State, err)
			}
			if r := b.end(t, run); r.State != hosted.Failed {
				t.Errorf("%s", r.State)
			}
		}},
		{"peers: dagster-census reads the state of the call for that of the run", []string{"stuck"}, func(t *testing.T, b *bench) {
			b.Play(t, "stuck")
			run := b.trigger(t)
			if r, err := b.Tool.Run(t.Context(), b.Sync, run); err != nil || r.State.Ended() {
				t.Errorf("%s, %v", r.State, err)
			}
		}},
		{"peers: the hook for Hightouch sends a trigger that failed up to three times", []string{"trigger-500"}, func(t *testing.T, b *bench) {
			b.Play(t, "trigger-500")
			_ = b.refused(t)
			if _, sent := b.Seen(t); sent != 1 {
				t.Errorf("it was sent %d times", sent)
			}
		}},
		{"peers: an action for Hightouch sends flags that nobody set", []string{FullResyncs}, func(t *testing.T, b *bench) {
			b.trigger(t)
			if b.Flags == nil {
				t.Skip("the stand-in does not tell what it was asked for")
			}
			if flags := b.Flags(t); len(flags) != 0 {
				t.Errorf("it asked for %v", flags)
			}
		}},
		{"peers: a webhook's address shows in the text of an error", []string{"trigger-reset"}, func(t *testing.T, b *bench) {
			b.Play(t, "trigger-reset")
			_ = b.refused(t) // looks for secrets
		}},
		{"peers: warnings are hidden as success", []string{"partial", Counts}, func(t *testing.T, b *bench) {
			b.Play(t, "partial")
			if r := b.end(t, b.trigger(t)); r.State == hosted.Succeeded {
				t.Error("rejected rows are a success")
			}
		}},
	}
}
