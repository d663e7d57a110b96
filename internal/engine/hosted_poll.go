package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"exposync/internal/fault"
	"exposync/internal/hosted"
)

// The pauses between two questions, before jitter, and how often a question
// may fail.
const (
	firstPoll   = 2 * time.Second
	slowestPoll = 30 * time.Second
	maxPolls    = 10 // failed questions one after another
	maxLookups  = 6  // for the run of a trigger whose answer was lost
	// followLookups is how often the run is looked for that follows an interrupted one.
	followLookups = 3
	clockSlack    = 5 * time.Second
	// lookBack is how far back runs are listed before a trigger: further than
	// the clocks of two machines are apart.
	lookBack = 90 * time.Minute
)

// whose says what a run that is watched means to this one.
type whose uint8

const (
	answering whose = iota // it answers this dbt run
	earlier                // it was triggered before, for another one
	theirs                 // somebody else started it
)

// poll asks for a run until it has ended. A run of ours that the tool goes on
// with in another one is followed, once.
func (h *hostedRun) poll(id string, w whose) (hosted.Run, error) {
	wait, failures, followed := h.first(), 0, w == theirs
	for {
		run, answered, err := h.question(id, w, &failures)
		if err != nil {
			return hosted.Run{}, err
		}
		if run.State.Ended() {
			if !run.Continued || followed {
				return run, nil
			}
			next, err := h.next(run)
			if err != nil || next == "" {
				return run, err
			}
			h.note("run %s was interrupted, and the tool goes on in run %s", id, next)
			id, followed, wait = next, true, h.first()
			continue
		}
		if answered && w == answering && h.p.req.Detach {
			return run, nil
		}
		if !h.e.Now().Before(h.deadline) {
			return hosted.Run{}, h.late(id, w)
		}
		if err := h.pause(wait); err != nil {
			return hosted.Run{}, err
		}
		wait = min(wait+wait/2, slowestPoll)
	}
}

// run asks for a run. A tool that answers a byte a minute is waited for no
// longer than for a run that does not end.
func (h *hostedRun) run(id string) (hosted.Run, error) {
	left := max(h.deadline.Sub(h.e.Now()), 5*h.first())
	ctx, cancel := context.WithTimeout(h.wait, left)
	defer cancel()
	return h.tool.Run(ctx, h.p.req.Job.Hosted.Sync, id)
}

// question asks once. Without an answer, and without an error, asking again may
// help.
func (h *hostedRun) question(id string, w whose, failures *int) (run hosted.Run, answered bool, err error) {
	run, err = h.run(id)
	switch {
	case err == nil:
		*failures = 0
		h.saw(run, w)
		return run, true, nil
	case h.wait.Err() != nil:
		return hosted.Run{}, false, errors.Join(h.stopped(), err)
	case passing(err):
		if *failures++; *failures < maxPolls {
			return hosted.Run{}, false, nil
		}
	}
	return hosted.Run{}, false, h.lost(id, w, err)
}

// passing reports whether asking again may help.
func passing(err error) bool {
	return fault.Is(err, "hosted_unavailable") || fault.Is(err, "hosted_run_gone") || fault.Is(err, "hosted_reply")
}

// saw keeps what was seen of the run that answers, and notes a word that this
// version does not know, once.
func (h *hostedRun) saw(run hosted.Run, w whose) {
	if w == answering {
		h.last = run
	}
	if run.State == hosted.Unknown && !h.said[run.Status] {
		h.said[run.Status] = true
		h.note("the tool says %q, which this version does not know: it counts as not ended", shorten(run.Status))
	}
}

// next is the run that the tool went on in; empty if it lists none, even after
// a while.
func (h *hostedRun) next(run hosted.Run) (string, error) {
	since := run.Created
	if since.IsZero() {
		since = h.e.Now().Add(-time.Hour)
	}
	for range followLookups {
		runs, err := h.tool.Recent(h.wait, h.p.req.Job.Hosted.Sync, since)
		if err != nil {
			return "", errors.Join(h.stopped(), err)
		}
		i := slices.IndexFunc(runs, func(r hosted.Run) bool { return r.ID == run.ID })
		if i >= 0 && i+1 < len(runs) {
			return runs[i+1].ID, nil
		}
		if err := h.pause(h.first()); err != nil {
			return "", err
		}
	}
	return "", nil
}

// first is the pause after the first question.
func (h *hostedRun) first() time.Duration { return cmp.Or(h.p.req.FirstPoll, firstPoll) }

// pause waits, with jitter, no longer than the deadline.
func (h *hostedRun) pause(d time.Duration) error {
	d = d*3/4 + time.Duration(float64(d/2)*h.e.Rand())
	if left := h.deadline.Sub(h.e.Now()); d > left && left > 0 {
		d = left
	}
	if h.e.Wait(h.wait, d) != nil {
		return h.stopped()
	}
	return nil
}

// stopped is errStopped where the user interrupted; nil otherwise.
func (h *hostedRun) stopped() error {
	if h.wait.Err() != nil {
		return errStopped
	}
	return nil
}

// lost is the fault of a run that cannot be asked for any more. It goes on all
// the same.
func (h *hostedRun) lost(id string, w whose, err error) error {
	j := h.p.req.Job
	for _, f := range fault.All(err) {
		if f.Code == "hosted_run_gone" {
			gone := *f
			gone.Hint = "look at the history of the sync" + h.pageText() + ", then exposync retry --select " + j.ID + " triggers it again"
			return &gone
		}
	}
	return errors.Join(err, &fault.Fault{
		Code: "hosted_unwatched", Kind: fault.Unavailable, Whose: fault.Tool, Where: j.To(),
		Msg:  "run " + id + " goes on in " + j.Connection + ", but could not be asked how far it is" + h.pageText(),
		Hint: h.later(w),
	})
}

// later is how to go on waiting.
func (h *hostedRun) later(w whose) string {
	if w == theirs {
		return "exposync run --select " + h.p.req.Job.ID + " waits for it again, and triggers after it"
	}
	return "exposync wait --select " + h.p.req.Job.ID + " goes on waiting; nothing is triggered twice"
}

// late is the fault of a run that takes longer than the job waits. Only one of
// ours is canceled.
func (h *hostedRun) late(id string, w whose) error {
	j := h.p.req.Job
	f := &fault.Fault{
		Code: "hosted_timeout", Kind: fault.Unavailable, Whose: fault.Tool, Where: j.To(),
		Msg:  "run " + id + " has not ended in time and goes on in " + j.Connection + h.pageText(),
		Hint: h.later(w) + "; `timeout:` in the exposure's metadata gives it longer",
	}
	if w == theirs {
		f.Msg = "run " + id + ", which somebody else started, has not ended in time: nothing was triggered after it" + h.pageText()
	}
	if !h.p.req.CancelOnTimeout || w == theirs {
		return f
	}
	tool, can := h.tool.(hosted.Canceler)
	if !can {
		f.Msg += "; this tool cannot be told to cancel a run"
		return f
	}
	if err := tool.Cancel(h.ctx, j.Hosted.Sync, id); err != nil {
		return errors.Join(f, err)
	}
	f.Msg = "run " + id + " did not end in time, and " + j.Connection + " was told to cancel it" + h.pageText()
	return f
}

// shorten keeps what a tool says to one line of sensible length.
func shorten(text string) string {
	const most = 80
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}
