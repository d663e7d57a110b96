package engine

import (
	"errors"
	"time"

	"exposync/internal/fault"
)

// recover finds the run of a trigger of which nobody knows what became. Only
// one that must be ours is taken. slack is how much earlier than the trigger it
// may say that it came to be.
func (h *hostedRun) recover(t trigger, slack time.Duration) (trigger, error) {
	if t.Crowded {
		return t, h.inDoubt("the answer was lost, and the tool lists too many runs to tell it from them")
	}
	wait := h.first()
	for try := range maxLookups {
		found, err := h.since(t, slack)
		switch {
		case fault.Is(err, "hosted_no_list"):
			return t, h.inDoubt("the answer was lost, and its runs cannot be listed")
		case err != nil && (h.wait.Err() != nil || try == maxLookups-1):
			return t, errors.Join(h.stopped(), err)
		case len(found) == 1:
			return t, h.name(&t, found[0])
		case len(found) > 1:
			return t, h.inDoubt("the answer was lost, and the tool lists several runs since, any of which may be it")
		}
		if err := h.pause(wait); err != nil {
			return t, err
		}
		wait = min(wait+wait/2, slowestPoll)
	}
	return t, h.inDoubt("the tool gave no id of a run, and lists none since")
}

// since are the runs that came after a trigger.
func (h *hostedRun) since(t trigger, slack time.Duration) ([]string, error) {
	runs, err := h.tool.Recent(h.wait, h.p.req.Job.Hosted.Sync, t.At.Add(-slack))
	if err != nil {
		return nil, err
	}
	var found []string
	for _, r := range runs {
		if !t.knows(r.ID, h.p.open) {
			found = append(found, r.ID)
		}
	}
	return found, nil
}

// inDoubt is the end of a trigger of which nobody knows whether it arrived.
func (h *hostedRun) inDoubt(why string) *fault.Fault {
	j := h.p.req.Job
	return &fault.Fault{
		Code: "hosted_in_doubt", Kind: fault.Partial, Whose: fault.Tool, Where: j.To(),
		Msg:  "the sync may have been triggered: " + why + "; it is not triggered again for this dbt run",
		Hint: "look at its runs in " + j.Connection + h.pageText() + "; if there is none: exposync retry --select " + j.ID,
	}
}

func (h *hostedRun) pageText() string {
	if h.p.Plan.Hosted == nil {
		return seePage(h.p.req.Job.Hosted.Page)
	}
	return seePage(h.p.Plan.Hosted.URL)
}
