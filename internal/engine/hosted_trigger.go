package engine

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"exposync/internal/fault"
	"exposync/internal/hosted"
)

// mostTriggers is how often one process asks for a run: a second time only
// after a clear word that the first one did not run.
const mostTriggers = 2

// trigger starts a run. Where one is going on already that may have read rows
// from before this dbt run, it is waited for, and a run of our own follows.
func (h *hostedRun) trigger() (hosted.Run, error) {
	for {
		run, running, again, err := h.once()
		if !again || h.begun >= mostTriggers {
			return run, err
		}
		fresh, run, err := h.standBy(running)
		if err != nil || fresh {
			return run, err
		}
	}
}

// once triggers, and gives what came of it. again: the tool said clearly that
// nothing ran, because of another run, which running names where it does.
func (h *hostedRun) once() (run hosted.Run, running string, again bool, err error) {
	t := trigger{Invocation: h.p.req.Invocation, At: h.e.Now(), Full: h.p.req.FullResync}
	if err := h.before(&t); err != nil {
		return hosted.Run{}, "", false, err
	}
	if err := h.journal(t.begun()); err != nil {
		return hosted.Run{}, "", false, err
	}
	h.now = t
	run, err = h.ask(&t)
	var busy *hosted.TriggerError
	switch {
	case errors.As(err, &busy) && busy.Fate == hosted.Busy:
		return run, busy.Running, true, err
	case err != nil, run.Unwatched, h.p.req.Detach && !run.State.Ended():
		return run, "", false, err
	}
	run, err = h.watch(t)
	if err != nil || run.State != hosted.Skipped || h.begun >= mostTriggers {
		return run, "", false, err
	}
	h.note("the tool skipped run %s, because another one was going on: it is waited for, and a run follows", t.Run)
	if err := h.withdraw(t); err != nil {
		return hosted.Run{}, "", false, err
	}
	return run, "", true, nil
}

// before remembers which runs there are: none of them can be ours. Where the
// tool lists none for now, nothing is triggered: a lost answer could not be
// told from what was there before.
func (h *hostedRun) before(t *trigger) error {
	runs, err := h.tool.Recent(h.wait, h.p.req.Job.Hosted.Sync, t.At.Add(-lookBack))
	switch {
	case fault.Is(err, "hosted_no_list"):
		return nil
	case err != nil:
		return errors.Join(h.stopped(), err)
	}
	newest := max(0, len(runs)-mostSeen)
	for _, r := range runs[newest:] {
		t.Seen = append(t.Seen, r.ID)
	}
	// One that is not remembered, and is listed again later, would pass for ours.
	t.Crowded = slices.ContainsFunc(runs[:newest], func(r hosted.Run) bool {
		at := r.Created
		if at.IsZero() {
			at = r.Started
		}
		return at.IsZero() || !at.Before(t.At.Add(-clockSlack))
	})
	h.slack = clockSlack
	if newest == 0 {
		h.slack = lookBack
	}
	return nil
}

// ask triggers, and gives the run that came of it.
func (h *hostedRun) ask(t *trigger) (hosted.Run, error) {
	h.begun++
	j := h.p.req.Job
	run, err := h.tool.Trigger(h.ctx, j.Hosted.Sync, hosted.TriggerOptions{
		FullResync: h.p.req.FullResync, Key: h.key(*t), Invocation: t.Invocation, Job: j.ID,
		Reason: "exposync: exposure " + j.ID + " after dbt run " + t.Invocation,
	})
	var failed *hosted.TriggerError
	switch {
	case err == nil && run.ID != "":
		return run, h.name(t, run.ID)
	case err == nil && run.Unwatched:
		return run, nil
	case err == nil: // it started, under an id that is yet to be found
	case errors.As(err, &failed) && failed.Fate == hosted.MayHaveStarted, h.ctx.Err() != nil:
		h.note("the answer to the trigger was lost: %s", h.e.hide(errors.New(said(err))))
		h.adopted = true
	default:
		return hosted.Run{}, errors.Join(err, h.withdraw(*t))
	}
	slack := clockSlack
	if err == nil && h.slack > 0 { // there is a run: it is the one that was not there before, whatever time it tells
		slack = h.slack
	}
	found, lost := h.recover(*t, slack)
	if lost != nil {
		return hosted.Run{}, lost
	}
	*t = found
	return hosted.Run{ID: t.Run, State: hosted.Queued}, nil
}

// key tells the tool which triggers mean the same run. Whoever triggers again
// means another one.
func (h *hostedRun) key(t trigger) string {
	attempt := strconv.Itoa(h.begun)
	if h.p.req.Again {
		attempt = t.At.UTC().Format(time.RFC3339Nano)
	}
	return triggerKey(t.Invocation, h.p.req.Job.Project, h.p.req.Job.ID, attempt)
}

// name puts the run's id into the journal.
func (h *hostedRun) name(t *trigger, id string) error {
	was := t.ended()
	*t = t.named(id)
	return h.journal(was, t.begun())
}

// withdraw closes a trigger that surely did nothing.
func (h *hostedRun) withdraw(t trigger) error {
	h.now, h.last, h.adopted = trigger{}, hosted.Run{}, false
	return h.journal(t.ended())
}

// standBy waits for the run that is in the way. A run that began after dbt had
// built is as good as one of ours, and becomes it.
func (h *hostedRun) standBy(running string) (fresh bool, _ hosted.Run, _ error) {
	running, err := h.inTheWay(running)
	if err != nil {
		return false, hosted.Run{}, err
	}
	if running == "" { // it has ended meanwhile
		return false, hosted.Run{}, h.pause(h.first())
	}
	run, err := h.tool.Run(h.wait, h.p.req.Job.Hosted.Sync, running)
	switch {
	case fault.Is(err, "hosted_run_gone"):
		return false, hosted.Run{}, h.pause(h.first())
	case err != nil:
		return false, hosted.Run{}, errors.Join(h.stopped(), err)
	}
	if h.readWhatWasBuilt(run) {
		h.note("run %s began after dbt had built: it counts as this one's", running)
		h.adopted = true
		t := trigger{Invocation: h.p.req.Invocation, At: h.e.Now(), Run: running}
		if err := h.journal(t.begun()); err != nil {
			return true, hosted.Run{}, err
		}
		run, err = h.watch(t)
		return true, run, err
	}
	h.note("run %s was going on already, and may have read rows from before this dbt run: it was waited for", running)
	_, err = h.poll(running, theirs)
	if fault.Is(err, "hosted_run_gone") {
		err = nil
	}
	return false, hosted.Run{}, err
}

// inTheWay is the newest run that is going on, unless the tool named it; empty
// if there is none.
func (h *hostedRun) inTheWay(named string) (string, error) {
	if named != "" {
		return named, nil
	}
	runs, err := h.tool.Recent(h.wait, h.p.req.Job.Hosted.Sync, h.e.Now().Add(-24*time.Hour))
	if err != nil {
		return "", errors.Join(h.stopped(), err)
	}
	for _, r := range runs {
		if !r.State.Ended() {
			named = r.ID
		}
	}
	return named, nil
}

// readWhatWasBuilt reports whether a run began after dbt had ended. A time that
// is still to come proves that the tool's clock is ahead of this one, and
// nothing else.
func (h *hostedRun) readWhatWasBuilt(run hosted.Run) bool {
	at, built := began(run), h.p.req.BuiltAt
	return !built.IsZero() && at.After(built.Add(clockSlack)) && !at.After(h.e.Now().Add(clockSlack))
}

// began is when a run began, or was taken in where the tool does not tell.
func began(run hosted.Run) time.Time {
	if run.Started.IsZero() {
		return run.Created
	}
	return run.Started
}

// said is an error in its own words, without where it was met.
func said(err error) string {
	if f := (*fault.Fault)(nil); errors.As(err, &f) {
		return f.Msg
	}
	return err.Error()
}
