package engine

import (
	"crypto/sha1" //nolint:gosec // a name-based UUID is made of it, nothing is kept secret by it
	"errors"
	"fmt"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/hosted"
	"exposync/internal/plan"
)

// conclude turns what became of the run into the result.
func (h *hostedRun) conclude(res *plan.Result, run hosted.Run, err error) {
	if run.ID == "" && !run.Unwatched {
		run = h.seen()
	}
	if run.ID != "" || run.Unwatched {
		r := h.told(run)
		r.Adopted, r.Resumed, r.Unwatched, r.Invocation = h.adopted, h.resumed, run.Unwatched, h.now.Invocation
		res.Hosted = &r
	}
	switch {
	case err != nil && (errors.Is(err, errStopped) || h.ctx.Err() != nil):
		res.Status = plan.Stopped
		if h.now.Invocation != "" || h.now.Run != "" {
			res.Problems = fault.List{h.goesOn(run)}
		}
	case err != nil:
		res.Status, res.Problems = plan.Failed, fault.All(err)
		if fault.Is(err, "hosted_in_doubt") || fault.Is(err, "hosted_run_gone") {
			res.Status = plan.PartialDone
		}
	case res.Hosted == nil:
		res.Status = plan.Skipped
	default:
		h.judge(res, run)
	}
}

// seen is the run that answers as far as it was seen; zero if none is known.
func (h *hostedRun) seen() hosted.Run {
	if h.last.ID != "" || h.now.Run == "" {
		return h.last
	}
	return hosted.Run{ID: h.now.Run, State: hosted.Unknown}
}

// judge gives the status of a run by its state. What is no clear success is
// none.
func (h *hostedRun) judge(res *plan.Result, run hosted.Run) {
	res.Counts = counts(run)
	if run.State.Ended() {
		h.p.answered = &h.now
	}
	switch run.State {
	case hosted.Succeeded:
		res.Status = plan.Success
		if run.Unwatched {
			h.note("the tool took the trigger, and nobody can ask how its run ends")
		}
	case hosted.Partial:
		res.Status = h.partial(run)
		if n := value(run.Rows.Failed); n > 0 {
			res.Rejects = []plan.RejectGroup{{Code: plan.CodeHostedRows, Reason: h.rejectReason(run), Records: n, New: n, State: "rejected"}}
		} else {
			h.note("rows were rejected, and %s does not say how many", h.p.req.Job.Connection)
		}
	case hosted.Queued, hosted.Running, hosted.Unknown:
		res.Status = plan.Started // detached
	case hosted.Failed, hosted.Canceled, hosted.Skipped:
		res.Status, res.Problems = plan.Failed, fault.List{h.ending(run)}
	default:
		res.Status, res.Problems = plan.Failed, fault.List{h.ending(run)}
	}
}

// partial is what rejected rows come to.
func (h *hostedRun) partial(run hosted.Run) plan.Status {
	j := h.p.req.Job
	total := value(run.Rows.Total)
	if total == 0 {
		total = value(run.Rows.OK) + value(run.Rows.Failed)
	}
	tolerated := run.Rows.Failed != nil && !j.MaxRejected.Exceeded(*run.Rows.Failed, total)
	if j.Hosted.Partial == plan.PartialFails || !tolerated {
		return plan.PartialDone
	}
	if j.Hosted.Partial == plan.PartialWarns {
		h.note("%d rows were rejected, within max_rejected (%s)", *run.Rows.Failed, j.MaxRejected)
	}
	return plan.Success
}

func (h *hostedRun) rejectReason(run hosted.Run) string {
	if run.Error != "" {
		return run.Error
	}
	page := seePage(run.URL)
	if page == "" {
		page = h.pageText()
	}
	return "rejected; see the run in " + h.p.req.Job.Connection + page
}

// ending is the fault of a run that ended badly.
func (h *hostedRun) ending(run hosted.Run) *fault.Fault {
	j := h.p.req.Job
	f := &fault.Fault{Code: "hosted_failed", Kind: fault.Unavailable, Whose: fault.Tool, Where: j.To(), Msg: "run " + run.ID + " failed"}
	switch run.State {
	case hosted.Canceled:
		f.Code, f.Msg = "hosted_canceled", "run "+run.ID+" was canceled"
	case hosted.Skipped:
		f.Code, f.Msg = "hosted_skipped", "the tool skipped run "+run.ID+": nothing was synced"
	case hosted.Queued, hosted.Running, hosted.Succeeded, hosted.Partial, hosted.Failed, hosted.Unknown:
	}
	if run.Error != "" {
		f.Msg += ": " + run.Error
	}
	f.Msg += seePage(run.URL)
	f.Hint = "correct it in " + j.Connection + ", then exposync retry --select " + j.ID
	return f
}

// goesOn says that interrupting Exposync interrupts no hosted run.
func (h *hostedRun) goesOn(run hosted.Run) *fault.Fault {
	j := h.p.req.Job
	msg := "run " + run.ID + " goes on in " + j.Connection + seePage(run.URL)
	if run.ID == "" {
		msg = "the sync may have been triggered: its answer was lost, and its run was not found yet" + h.pageText()
	}
	return &fault.Fault{
		Code: "hosted_goes_on", Kind: fault.Interrupted, Whose: fault.User, Where: j.To(), Msg: msg,
		Hint: "exposync wait --select " + j.ID + ", or the next exposync run, goes on waiting for it",
	}
}

// told is a run as results show it.
func (h *hostedRun) told(run hosted.Run) plan.HostedRun {
	j := h.p.req.Job
	out := plan.HostedRun{
		Tool: j.Type, Sync: j.Hosted.Sync, Run: run.ID, URL: run.URL, State: string(run.State), Status: shorten(run.Status),
		Rows: plan.HostedRows(run.Rows), Error: run.Error,
	}
	for _, part := range run.Parts {
		out.Parts = append(out.Parts, h.told(part))
	}
	return out
}

// counts are the rows as those of direct syncs, where the tool tells them
// apart and they add up; else nothing. What nobody said arrived did not.
func counts(run hosted.Run) plan.Counts {
	r := run.Rows
	if r.Added == nil || r.Changed == nil || r.Removed == nil {
		return plan.Counts{}
	}
	c := plan.Counts{Create: *r.Added, Update: *r.Changed, Delete: *r.Removed, Rejected: value(r.Failed)}
	switch {
	case r.OK != nil:
		c.OK = *r.OK
	case run.State == hosted.Succeeded, run.State == hosted.Partial && r.Failed != nil:
		c.OK = c.Changes() - c.Rejected
	default:
		return plan.Counts{}
	}
	c.InDoubt = c.Changes() - c.OK - c.Rejected
	if min(c.Create, c.Update, c.Delete, c.OK, c.Rejected, c.InDoubt) < 0 {
		return plan.Counts{}
	}
	return c
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// triggerKey is the same for every attempt to start the same run: a name-based
// UUID (RFC 9562, version 5) of the dbt run and the job.
func triggerKey(invocation, project, job, attempt string) string {
	namespace := [16]byte{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8} // URLs
	name := strings.Join([]string{"exposync", project, job, invocation, attempt}, "/")
	sum := sha1.Sum(append(namespace[:], name...)) //nolint:gosec // see the import
	id := sum[:16]
	id[6], id[8] = id[6]&0x0f|0x50, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
