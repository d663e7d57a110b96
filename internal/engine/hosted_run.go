package engine

import (
	"context"
	"errors"
	"fmt"
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
	now      trigger // that answers, as the journal has it; zero as long as there is none
	last     hosted.Run
	resumed  bool
	adopted  bool
	begun    int             // triggers of this process
	slack    time.Duration   // by which the tool's clock may be behind, where all its runs are known
	said     map[string]bool // unknown words
}

// errStopped ends the waiting: the user interrupted.
var errStopped = errors.New("stopped")

// ApplyHosted triggers the sync, at most once for a dbt run, and waits for its
// end. When stop is closed it stops waiting: the run goes on in the tool, and
// the next run or `exposync wait` goes on waiting. A plan with holds that
// nobody accepted is not carried out. Once the result is remembered, call
// SettleHosted.
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
		e: e, p: p, ctx: ctx, wait: wait, tool: p.req.Tool, deadline: e.Now().Add(timeout), said: map[string]bool{},
	}
	run, err := h.answer() //nolint:contextcheck // the journal is written even when the process ends
	h.conclude(&res, run, err)
	if err := e.foldHosted(ctx, p); err != nil {
		res.Problems = append(res.Problems, fault.All(err)...)
		res.Status, p.answered = plan.Failed, nil
	}
	res.Plan.Notes = p.Plan.Notes
	res.Took = e.Now().Sub(res.StartedAt)
	return res
}

// SettleHosted closes the trigger whose end ApplyHosted told. It stays open
// until the result is remembered elsewhere: a process that dies before asks
// for that run again, and triggers no other.
func (e *Engine) SettleHosted(ctx context.Context, p *PreparedHosted) error {
	if p.answered == nil || p.sync == nil {
		return nil
	}
	if err := p.sync.Append(context.WithoutCancel(ctx), p.answered.ended()); err != nil {
		return err
	}
	p.answered = nil
	return e.foldHosted(ctx, p)
}

// answer gives the run that answers the dbt run: one that was triggered for it
// already, or a new one.
func (h *hostedRun) answer() (hosted.Run, error) {
	for i, t := range h.p.open {
		if h.p.answers(i) {
			h.resumed = true
			return h.resume(t)
		}
		if err := h.finish(t); err != nil {
			return hosted.Run{}, err
		}
	}
	if h.p.req.WaitOnly {
		return hosted.Run{}, nil
	}
	return h.trigger()
}

// resume goes on with the trigger of an earlier process that answers this dbt
// run.
func (h *hostedRun) resume(t trigger) (hosted.Run, error) {
	h.now = t
	if t.Run == "" {
		found, err := h.recover(t, clockSlack)
		if err != nil {
			return hosted.Run{}, err
		}
		t, h.adopted = found, true
	}
	h.note("goes on with run %s, which was triggered at %s", t.Run, t.At.UTC().Format("2006-01-02 15:04 MST"))
	return h.watch(t)
}

// finish waits for what was triggered for another dbt run, or before somebody
// asked for one more. What cannot be found out about it is told and let be:
// this dbt run gets a trigger of its own.
func (h *hostedRun) finish(t trigger) error {
	if t.Run == "" {
		found, err := h.recover(t, clockSlack)
		if fault.Is(err, "hosted_in_doubt") {
			h.note("nobody knows what became of the trigger at %s: it is given up", t.At.UTC().Format("2006-01-02 15:04 MST"))
			return h.journal(t.ended())
		}
		if err != nil {
			return err
		}
		t = found
	}
	run, err := h.poll(t.Run, earlier)
	switch {
	case fault.Is(err, "hosted_run_gone"):
		h.note("run %s, which was triggered before, is gone: nobody knows how it ended", t.Run)
	case err != nil:
		return err
	default:
		h.note("run %s, which was triggered before, has ended: %s", run.ID, run.State)
	}
	return h.journal(t.ended())
}

// watch waits for the end of the run that answers. Its trigger stays open in
// the journal.
func (h *hostedRun) watch(t trigger) (hosted.Run, error) {
	h.now = t
	return h.poll(t.Run, answering)
}

func (h *hostedRun) journal(entries ...ledger.Entry) error {
	return h.p.sync.Append(context.WithoutCancel(h.ctx), entries...)
}

func (h *hostedRun) note(format string, args ...any) {
	h.p.Plan.Notes = append(h.p.Plan.Notes, fmt.Sprintf(format, args...))
}
