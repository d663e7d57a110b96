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
	if run.ID == "" && h.last.ID != "" {
		run = h.last
	}
	if run.ID != "" {
		r := h.told(run)
		r.Adopted, r.Resumed = h.adopted, h.resumed
		res.Hosted = &r
	}
	switch {
	case errors.Is(err, errStopped) || h.ctx.Err() != nil:
		res.Status = plan.Stopped
		if run.ID != "" {
			res.Problems = fault.List{h.goesOn(run)}
		}
		return
	case err != nil:
		res.Status, res.Problems = plan.Failed, fault.All(err)
		if fault.Is(err, "hosted_in_doubt") || fault.Is(err, "hosted_run_gone") {
			res.Status = plan.PartialDone
		}
		return
	case run.ID == "":
		res.Status = plan.Skipped
		return
	}
	h.judge(res, run)
}

// judge gives the status of a run by its state. What is no clear success is
// none.
func (h *hostedRun) judge(res *plan.Result, run hosted.Run) {
	res.Counts = counts(run.Rows)
	switch run.State {
	case hosted.Succeeded:
		res.Status = plan.Success
	case hosted.Partial:
		res.Status = h.partial(run)
		if n := value(run.Rows.Failed); n > 0 {
			res.Rejects = []plan.RejectGroup{{Code: "hosted_rows", Reason: h.rejectReason(run), Records: n, New: n, State: "rejected"}}
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
	return "rejected, see the run in " + h.p.req.Job.Connection + seePage(run.URL)
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
	return &fault.Fault{
		Code: "hosted_goes_on", Kind: fault.Interrupted, Whose: fault.User, Where: j.To(),
		Msg:  "run " + run.ID + " goes on in " + j.Connection + seePage(run.URL),
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
// apart and they add up; else nothing.
func counts(r hosted.Rows) plan.Counts {
	if r.Added == nil || r.Changed == nil || r.Removed == nil {
		return plan.Counts{}
	}
	c := plan.Counts{Create: *r.Added, Update: *r.Changed, Delete: *r.Removed, Rejected: value(r.Failed)}
	c.OK = c.Changes() - c.Rejected
	if r.OK != nil {
		c.OK = *r.OK
	}
	if left := c.Changes() - c.OK - c.Rejected; left >= 0 {
		c.InDoubt = left
		return c
	}
	return plan.Counts{}
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
