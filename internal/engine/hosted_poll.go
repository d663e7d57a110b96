package engine

import (
	"cmp"
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
	maxPolls    = 5 // failed questions one after another
	maxLookups  = 6 // for the run of a trigger whose answer was lost
	clockSlack  = 5 * time.Second
)

// recover finds the run of a trigger of which nobody knows what became. Only
// one that must be ours is taken.
func (h *hostedRun) recover(t trigger) (trigger, error) {
	wait := h.first()
	var found []string
	for try := range maxLookups {
		runs, err := h.tool.Recent(h.wait, h.p.req.Job.Hosted.Sync, t.At.Add(-clockSlack))
		switch {
		case fault.Is(err, "hosted_no_list"):
			return t, h.inDoubt("and its runs cannot be listed")
		case err != nil && (h.wait.Err() != nil || try == maxLookups-1):
			return t, errors.Join(h.stopped(), err)
		case err == nil:
			found = found[:0]
			for _, r := range runs {
				if !t.knows(r.ID, h.others) {
					found = append(found, r.ID)
				}
			}
		}
		if len(found) > 0 {
			break
		}
		if err := h.pause(wait); err != nil {
			return t, err
		}
		wait = min(wait+wait/2, slowestPoll)
	}
	switch len(found) {
	case 1:
		err := h.name(&t, found[0])
		return t, err
	case 0:
		return t, h.inDoubt("and the tool lists no run since")
	}
	return t, h.inDoubt("and the tool lists several runs since, any of which may be it")
}

// inDoubt is the end of a trigger of which nobody knows whether it arrived.
func (h *hostedRun) inDoubt(why string) *fault.Fault {
	j := h.p.req.Job
	return &fault.Fault{
		Code: "hosted_in_doubt", Kind: fault.Partial, Whose: fault.Tool, Where: j.To(),
		Msg:  "the sync may have been triggered: the answer was lost, " + why + "; it is not triggered again for this dbt run",
		Hint: "look at its runs in " + j.Connection + h.pageText() + "; if there is none: exposync retry --select " + j.ID,
	}
}

func (h *hostedRun) pageText() string {
	if h.p.Plan.Hosted == nil {
		return seePage(h.p.req.Job.Hosted.Page)
	}
	return seePage(h.p.Plan.Hosted.URL)
}

// watch waits for the end of a run and tells the journal.
func (h *hostedRun) watch(t trigger) (hosted.Run, error) {
	run, err := h.poll(t.Run, true)
	if err != nil {
		if !fault.Is(err, "hosted_run_gone") {
			return run, err
		}
		return run, errors.Join(err, h.journal(t.ended()))
	}
	if run.ID != "" && run.ID != t.Run { // the tool went on in another run
		return run, h.journal(t.ended())
	}
	return run, h.journal(t.ended())
}

// poll asks for a run until it has ended. A run that the tool goes on with in
// another one is followed, once.
func (h *hostedRun) poll(id string, follow bool) (hosted.Run, error) {
	wait, failures := h.first(), 0
	for {
		run, err := h.tool.Run(h.wait, h.p.req.Job.Hosted.Sync, id)
		if run.ID == "" {
			run.ID = id
		}
		switch {
		case err == nil:
			failures = 0
			h.last = run
			h.listen(run)
		case h.wait.Err() != nil:
			return run, errors.Join(h.stopped(), err)
		case fault.Is(err, "hosted_unavailable"), fault.Is(err, "hosted_run_gone"), fault.Is(err, "hosted_reply"):
			if failures++; failures >= maxPolls {
				return run, h.lost(id, err)
			}
		default:
			return run, h.lost(id, err)
		}
		if err == nil && run.State.Ended() {
			if !run.Continued || !follow {
				return run, nil
			}
			next, err := h.next(run)
			if err != nil || next == "" {
				return run, err
			}
			h.note("run %s was interrupted, and the tool goes on in run %s", id, next)
			id, follow, wait = next, false, h.first()
			continue
		}
		if !h.e.Now().Before(h.deadline) {
			return run, h.late(id)
		}
		if err := h.pause(wait); err != nil {
			return run, err
		}
		wait = min(wait+wait/2, slowestPoll)
	}
}

// next is the run that the tool went on in; empty if it lists none.
func (h *hostedRun) next(run hosted.Run) (string, error) {
	since := run.Created
	if since.IsZero() {
		since = h.e.Now().Add(-time.Hour)
	}
	runs, err := h.tool.Recent(h.wait, h.p.req.Job.Hosted.Sync, since)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(runs, func(r hosted.Run) bool { return r.ID == run.ID })
	if i < 0 || i+1 >= len(runs) {
		return "", nil
	}
	return runs[i+1].ID, nil
}

// listen notes a word that this version does not know, once.
func (h *hostedRun) listen(run hosted.Run) {
	if run.State == hosted.Unknown && !h.said[run.Status] {
		h.said[run.Status] = true
		h.note("the tool says %q, which this version does not know: it counts as not ended", shorten(run.Status))
	}
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
func (h *hostedRun) lost(id string, err error) error {
	for _, f := range fault.All(err) {
		if f.Code == "hosted_run_gone" {
			return f
		}
	}
	return errors.Join(err, &fault.Fault{
		Code: "hosted_unwatched", Kind: fault.Unavailable, Whose: fault.Tool, Where: h.p.req.Job.To(),
		Msg:  "run " + id + " goes on in " + h.p.req.Job.Connection + ", but could not be asked how far it is" + h.pageText(),
		Hint: "exposync wait --select " + h.p.req.Job.ID + " goes on waiting; nothing is triggered twice",
	})
}

// late is the fault of a run that takes longer than the job waits.
func (h *hostedRun) late(id string) error {
	j := h.p.req.Job
	f := &fault.Fault{
		Code: "hosted_timeout", Kind: fault.Unavailable, Whose: fault.Tool, Where: j.To(),
		Msg:  "run " + id + " has not ended in time and goes on in " + j.Connection + h.pageText(),
		Hint: "exposync wait --select " + j.ID + " goes on waiting; `timeout:` in the exposure's metadata gives it longer",
	}
	if !h.p.req.CancelOnTimeout {
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
