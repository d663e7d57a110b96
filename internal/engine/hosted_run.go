package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"exposync/internal/fault"
	"exposync/internal/hosted"
	"exposync/internal/ledger"
	"exposync/internal/plan"
)

// hostedRun carries one plan out.
type hostedRun struct {
	e    *Engine
	p    *PreparedHosted
	ctx  context.Context // ends with the process
	wait context.Context // ends with the first ^C, too
	tool hosted.Tool

	deadline time.Time
	others   []trigger // what the journal held before
	resumed  bool
	adopted  bool
	begun    int             // triggers of this process
	said     map[string]bool // unknown words
	last     hosted.Run      // as far as it was seen
}

// errStopped ends the waiting: the user interrupted.
var errStopped = errors.New("stopped")

// ApplyHosted triggers the sync, at most once for a dbt run, and waits for its
// end. When stop is closed it stops waiting: the run goes on in the tool, and
// the next run or `exposync wait` goes on waiting. A plan with holds that
// nobody accepted is not carried out.
func (e *Engine) ApplyHosted(ctx context.Context, stop <-chan struct{}, p *PreparedHosted) plan.Result {
	made := p.Plan
	res := plan.Result{Job: p.req.Job.ID, Plan: &made, StartedAt: e.Now()}
	if len(made.Held()) > 0 || p.look {
		return refused(res, p.look)
	}
	wait, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-stop:
			cancel()
		case <-wait.Done():
		}
	}()
	timeout := p.req.Job.Hosted.Timeout
	if timeout == 0 {
		timeout = plan.DefaultHostedTimeout
	}
	h := &hostedRun{
		e: e, p: p, ctx: ctx, wait: wait, tool: p.req.Tool, deadline: e.Now().Add(timeout), others: p.open, said: map[string]bool{},
	}
	run, err := h.answer()
	h.conclude(&res, run, err)
	if err := e.remembered(ctx, p); err != nil {
		res.Problems = append(res.Problems, fault.All(err)...)
		res.Status = plan.Failed
	}
	res.Plan.Notes = p.Plan.Notes
	res.Took = e.Now().Sub(res.StartedAt)
	return res
}

// answer gives the run that answers the dbt run: one that was triggered for it
// already, or a new one.
func (h *hostedRun) answer() (hosted.Run, error) {
	for i, t := range h.p.open {
		run, err := h.resume(t)
		if err != nil {
			return run, err
		}
		mine := h.p.req.WaitOnly || t.Invocation == h.p.req.Invocation && !h.p.req.Again
		if mine && i == len(h.p.open)-1 {
			h.resumed = true
			return run, nil
		}
	}
	if h.p.req.WaitOnly {
		return hosted.Run{}, nil
	}
	return h.trigger()
}

// resume goes on with a trigger of an earlier process.
func (h *hostedRun) resume(t trigger) (hosted.Run, error) {
	if t.Run == "" {
		found, err := h.recover(t)
		if err != nil {
			other := h.p.req.Again || t.Invocation != h.p.req.Invocation // it has a trigger of its own
			if other && !h.p.req.WaitOnly && fault.Is(err, "hosted_in_doubt") {
				return hosted.Run{}, h.journal(t.ended())
			}
			return hosted.Run{}, err
		}
		t = found
	}
	h.note("goes on with run %s, which was triggered at %s", t.Run, t.At.UTC().Format("2006-01-02 15:04 MST"))
	return h.watch(t)
}

// trigger starts a run. Where one is going on already that may have read rows
// from before this dbt run, it is waited for, and a run of our own follows.
func (h *hostedRun) trigger() (hosted.Run, error) {
	for {
		t := trigger{Invocation: h.p.req.Invocation, At: h.e.Now()}
		t.Seen = h.listed(t.At.Add(-time.Hour))
		if err := h.journal(t.begun()); err != nil {
			return hosted.Run{}, err
		}
		run, err := h.ask(&t)
		var busy *hosted.TriggerError
		if errors.As(err, &busy) && busy.Fate == hosted.Busy && h.begun < mostTriggers {
			fresh, run, err := h.standBy(busy.Running)
			if err != nil || fresh {
				return run, err
			}
			continue
		}
		if err != nil {
			return run, err
		}
		if h.p.req.Detach && !run.State.Ended() {
			return run, nil
		}
		run, err = h.watch(t)
		if err == nil && run.State == hosted.Skipped && h.begun < mostTriggers {
			h.note("the tool skipped run %s, because another one was going on: it is waited for, and a run follows", t.Run)
			fresh, run, err := h.standBy("")
			if err != nil || fresh {
				return run, err
			}
			continue
		}
		return run, err
	}
}

// mostTriggers is how often one process asks for a run: a second time only
// after a clear word that the first one did not run.
const mostTriggers = 2

// ask triggers, and gives the run that came of it.
func (h *hostedRun) ask(t *trigger) (hosted.Run, error) {
	h.begun++
	j := h.p.req.Job
	run, err := h.tool.Trigger(h.ctx, j.Hosted.Sync, hosted.TriggerOptions{
		FullResync: h.p.req.FullResync, Key: h.key(*t),
		Reason: "exposync: exposure " + j.ID + " after dbt run " + t.Invocation,
	})
	h.last = run
	var failed *hosted.TriggerError
	switch {
	case err == nil && run.ID != "":
		return run, h.name(t, run.ID)
	case err == nil: // it started, under an id that is yet to be found
	case errors.As(err, &failed) && failed.Fate == hosted.MayHaveStarted, h.ctx.Err() != nil:
		h.note("the answer to the trigger was lost: %s", h.e.hide(err))
		h.adopted = true
	default:
		return run, errors.Join(err, h.journal(t.ended()))
	}
	found, lost := h.recover(*t)
	if lost != nil {
		return run, lost
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

func (h *hostedRun) journal(entries ...ledger.Entry) error {
	return h.p.sync.Append(context.WithoutCancel(h.ctx), entries...)
}

func (h *hostedRun) note(format string, args ...any) {
	h.p.Plan.Notes = append(h.p.Plan.Notes, fmt.Sprintf(format, args...))
}

// listed names the runs that the tool lists now; none where it cannot list.
func (h *hostedRun) listed(since time.Time) []string {
	runs, err := h.tool.Recent(h.ctx, h.p.req.Job.Hosted.Sync, since)
	if err != nil {
		return nil
	}
	var ids []string
	for _, r := range runs {
		ids = append(ids, r.ID)
	}
	return ids[max(0, len(ids)-mostSeen):]
}

// standBy waits for the run that is in the way. A run that began after dbt had
// built is as good as one of ours, and becomes it.
func (h *hostedRun) standBy(running string) (fresh bool, _ hosted.Run, _ error) {
	if running == "" {
		runs, err := h.tool.Recent(h.wait, h.p.req.Job.Hosted.Sync, h.e.Now().Add(-24*time.Hour))
		if err != nil {
			return false, hosted.Run{}, err
		}
		for _, r := range runs {
			if !r.State.Ended() {
				running = r.ID
			}
		}
	}
	if running == "" { // it has ended meanwhile
		return false, hosted.Run{}, h.pause(h.first())
	}
	run, err := h.tool.Run(h.wait, h.p.req.Job.Hosted.Sync, running)
	if err != nil {
		return false, run, err
	}
	began := run.Started
	if began.IsZero() {
		began = run.Created
	}
	if built := h.p.req.BuiltAt; !built.IsZero() && began.After(built) {
		h.note("run %s began after dbt had built: it counts as this one's", running)
		h.adopted = true
		t := trigger{Invocation: h.p.req.Invocation, At: h.e.Now(), Run: running}
		if err := h.journal(t.begun()); err != nil {
			return true, run, err
		}
		run, err = h.watch(t)
		return true, run, err
	}
	h.note("run %s was going on already, and may have read rows from before this dbt run: it was waited for", running)
	_, err = h.poll(running, false)
	return false, hosted.Run{}, err
}
