package engine_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"exposync/internal/engine"
	"exposync/internal/plan"
)

const late = 3 // values that a record may come late by and still be found

func newStream(t *rapid.T, spool string, idempotent bool) *stream {
	w := &stream{world: newWorld(t, spool, idempotent), at: map[string]int{}, silent: map[string]bool{}, now: time.Unix(1_700_000_000, 0)}
	w.job.Incremental = plan.Incremental{Column: "at", Lookback: plan.Lookback{Steps: late}}
	return w
}

// put adds or changes a record, at the end of the stream or a little late.
func (w *stream) put(key, value string) {
	w.at[key] = max(w.highest+rapid.IntRange(-late, 4).Draw(w.T, "at"), 0)
	w.source[key], w.highest = value, max(w.highest, w.at[key])
}

func (w *stream) trouble() {
	w.dest.faults = rapid.SampledFrom([]float64{0, 0.3, 0.8}).Draw(w.T, "faults")
	w.dest.poison = map[string]bool{fmt.Sprint("e", rapid.IntRange(0, 30).Draw(w.T, "poison")): true}
	w.job.Incremental.Lookback.Steps = rapid.SampledFrom([]int64{late, late + 2, late + 9}).Draw(w.T, "lookback")
	w.now = w.now.Add(time.Duration(rapid.IntRange(0, 30).Draw(w.T, "hours")) * time.Hour)
	w.extra = nil
	if rapid.IntRange(0, 9).Draw(w.T, "bad keys") == 0 {
		w.extra = [][2]string{{"", "nobody"}}
	}
}

// Events that come in time arrive, once, whatever happens on the way; and the
// ledger does not grow with the stream.
func TestNoEventIsLostOrDoubled(t *testing.T) {
	t.Parallel()
	spool := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		w := newStream(t, spool, rapid.Bool().Draw(t, "idempotent"))
		w.job.Mode, w.job.Incremental.Forget = plan.Append, true
		next := 0
		for range rapid.IntRange(1, 8).Draw(t, "runs") {
			for range rapid.IntRange(0, 6).Draw(t, "events") {
				w.put(fmt.Sprint("e", next), "1")
				next++
			}
			if rapid.IntRange(0, 9).Draw(t, "twins") == 0 && next > 0 { // both go, and one comes back later
				key := fmt.Sprint("e", next-1)
				if _, known := w.known()[key]; !known {
					w.extra = [][2]string{{key, "1"}}
				}
			}
			extra := w.extra
			w.trouble()
			w.extra = append(w.extra, extra...)
			w.run(engine.Request{Retry: rapid.Bool().Draw(t, "retry")})
			for key, values := range w.dest.log {
				if len(values) > 1 && !w.dest.unsure[key] && !w.dest.died {
					t.Fatalf("%s was sent %d times", key, len(values))
				}
			}
		}
		w.dest.faults, w.dest.poison, w.extra = 0, nil, nil
		for range 3 {
			w.run(engine.Request{Retry: true})
		}
		if lost := w.lost(); len(lost) > 0 {
			t.Fatalf("lost: %v", lost)
		}
		for key, m := range w.known() {
			if m.Standing == nil && w.at[key] < w.highest-late-9 {
				t.Fatalf("%s at %d is still remembered, the stream is at %d", key, w.at[key], w.highest)
			}
		}
		calls := w.dest.calls
		if res := w.run(engine.Request{}); w.dest.calls != calls || res.Counts.Changes() != 0 {
			t.Fatalf("an unchanged run sent something: %+v", res.Counts)
		}
	})
}

// Of a large table that is read in parts no change is lost, and nothing is
// deleted before all of it was read.
func TestNoChangeOfALargeTableIsLost(t *testing.T) {
	t.Parallel()
	spool := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		w := newStream(t, spool, true)
		w.job.Mode = rapid.SampledFrom([]plan.Mode{plan.Upsert, plan.Mirror}).Draw(t, "mode")
		w.job.Incremental.FullRead = rapid.SampledFrom([]time.Duration{24 * time.Hour, 72 * time.Hour}).Draw(t, "full read")
		for range rapid.IntRange(1, 8).Draw(t, "runs") {
			for range rapid.IntRange(0, 6).Draw(t, "edits") {
				key := rapid.StringMatching("[a-j]").Draw(t, "key")
				if rapid.IntRange(0, 4).Draw(t, "gone") == 0 {
					delete(w.source, key)
					continue
				}
				value := rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "value")
				if _, there := w.source[key]; there && rapid.IntRange(0, 5).Draw(t, "silent") == 0 {
					w.source[key], w.silent[key] = value, true
					continue
				}
				delete(w.silent, key)
				w.put(key, value)
			}
			w.trouble()
			if rapid.IntRange(0, 6).Draw(t, "remap") == 0 {
				w.job.Fields[0].Name += "_"
				w.names = append(w.names, w.job.Fields[0].Name)
			}
			req := engine.Request{Retry: rapid.Bool().Draw(t, "retry")}
			if rapid.IntRange(0, 5).Draw(t, "full refresh") == 0 {
				req.FullRead = "somebody asked for it"
			}
			w.run(req)
			if !w.last.Reading.Full && len(w.dest.deleted) > 0 {
				t.Fatalf("%v were deleted after a part was read", w.dest.deleted)
			}
		}
		w.dest.faults, w.dest.poison, w.extra = 0, nil, nil
		for range 2 {
			w.run(engine.Request{Retry: true})
		}
		if lost := w.lost(); len(lost) > 0 {
			t.Fatalf("lost: %v", lost)
		}
		w.run(engine.Request{Retry: true, FullRead: "the end"})
		w.compare()
		calls := w.dest.calls
		if res := w.run(engine.Request{}); w.dest.calls != calls || res.Counts.Changes() != 0 {
			t.Fatalf("an unchanged run sent something: %+v", res.Counts)
		}
	})
}
