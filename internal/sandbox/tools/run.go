package tools

import (
	"cmp"
	"slices"
	"time"
)

// Who starts runs.
const (
	byAPI      = "the API"
	bySchedule = "its schedule"
	bySomebody = "somebody else"
	byTool     = "the tool"
)

// run is one run of a sync, as it is on disk.
type run struct {
	N       int64     `json:"n"` // counts runs of the workspace
	ID      string    `json:"id"`
	By      string    `json:"by"`
	Flags   []string  `json:"flags,omitempty"` // asked for with the trigger
	Script  Script    `json:"script"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`

	Hidden int    `json:"hidden,omitempty"` // lists that still leave it out
	Asked  int    `json:"asked,omitempty"`  // questions about it, however they were answered
	Shown  int    `json:"shown,omitempty"`  // answers that showed it
	Word   string `json:"word"`             // what the latest of them said
	End    End    `json:"end,omitempty"`    // empty until it has ended
	Rows   Rows   `json:"rows"`             // at the end
	Behind string `json:"behind,omitempty"` // the run that it waits for
	Stop   bool   `json:"stop,omitempty"`   // somebody asked to stop it
	Key    string `json:"key,omitempty"`    // that makes the trigger safe to repeat, where the tool takes one
}

// stages are the words of a run before its end.
func (r *run) stages(d *dialect) []string {
	if r.Script.Stages == nil {
		return d.way()
	}
	out := slices.Clone(r.Script.Stages)
	for i, word := range out {
		if word == "" { // as usual at the start
			out[i] = d.way()[0]
		}
	}
	return out
}

// first is the word that a run has before anybody asked for it.
func (r *run) first(d *dialect) string {
	if stages := r.stages(d); len(stages) > 0 {
		return stages[0]
	}
	return d.way()[0]
}

// step lets a run be shown once more: its word moves on, and it may end. waits
// tells that another run has to end first.
func (r *run) step(d *dialect, now time.Time, waits bool) {
	if r.End != "" {
		return
	}
	r.Updated = now
	stages := r.stages(d)
	switch at := r.Shown / max(1, r.Script.Each); {
	case r.Stop && d.halting != "" && r.Word != d.halting:
		r.Word = d.halting
	case r.Stop:
		r.finish(d, Canceled, now)
	case waits:
		r.Word = r.first(d)
		return
	case at < len(stages):
		r.Word = stages[at]
	case r.Script.End == Never:
		if r.Word == "" {
			r.Word = r.first(d)
		}
	default:
		r.finish(d, r.fate(), now)
	}
	r.Shown++
	if r.Started.IsZero() && !slices.Contains(d.queued, r.Word) && r.Word != "" && r.End != Skipped {
		r.Started = now
	}
}

// fate is how the run ends.
func (r *run) fate() End {
	if r.Script.End == "" && r.Rows.Failed > 0 {
		return Partial
	}
	return cmp.Or(r.Script.End, Success)
}

// finish ends a run. Where the tool has no word of its own for a partial end,
// the counts tell it.
func (r *run) finish(d *dialect, end End, now time.Time) {
	word, has := d.ends[end]
	if !has {
		word = d.ends[Failed]
	}
	r.End, r.Ended, r.Updated, r.Stop = end, now, now, false
	r.Word = word
	if r.Script.Word != "" {
		r.Word = r.Script.Word
	}
	if end == Success {
		r.Rows.Failed = 0
	}
	if end == Partial && r.Rows.Failed == 0 {
		r.Rows.Failed = min(rejected, r.Rows.Planned())
	}
}

// Row counts as far as a run has come: what it planned, what was taken and
// refused of it.
type progress struct{ planned, taken, refused Rows }

// progress gives the rows as far as the run has come.
func (r *run) progress(d *dialect) progress {
	all := Rows{Added: r.Rows.Added, Changed: r.Rows.Changed, Removed: r.Rows.Removed}
	part := func(n int) Rows {
		a, c, m := all.split(n)
		return Rows{Added: a, Changed: c, Removed: m}
	}
	switch {
	case r.End == Success || r.End == Partial:
		refused := part(r.Rows.Failed)
		return progress{all, Rows{Added: all.Added - refused.Added, Changed: all.Changed - refused.Changed, Removed: all.Removed - refused.Removed}, refused}
	case r.End == Skipped || r.End == "" && slices.Contains(d.queued, r.Word):
		return progress{}
	case r.End == Failed:
		return progress{planned: all}
	default: // on the way, stopped or broken off
		return progress{planned: all, taken: part(all.Planned() / 2)}
	}
}

// why is the reason that the tool gives for an end that is no success.
func (r *run) why(d *dialect) string {
	switch r.End {
	case Failed:
		return cmp.Or(r.Script.Why, "The destination could not be reached: its credentials have expired.")
	case Interrupted:
		return cmp.Or(r.Script.Why, "The run was interrupted.")
	case Canceled:
		return cmp.Or(r.Script.Why, d.stopped)
	case Partial, Skipped:
		return r.Script.Why
	default:
		return ""
	}
}

// state is where the run stands, for the page: queued, working or its end.
func (r *run) state(d *dialect) string {
	switch {
	case r.End != "":
		return string(r.End)
	case slices.Contains(d.queued, r.Word):
		return "queued"
	case !slices.Contains(d.working, r.Word) && r.Word != d.halting:
		return "unknown"
	}
	return "working"
}

// listed reports whether a list has the run, and counts one that has not.
func (r *run) listed() bool {
	if r.Hidden == 0 {
		return true
	}
	r.Hidden--
	return false
}
