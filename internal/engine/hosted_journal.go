package engine

import (
	"encoding/json"
	"slices"
	"time"

	"exposync/internal/fault"
	"exposync/internal/ledger"
)

// trigger is what the journal holds of one: written before the tool is asked,
// and again with the run's id as soon as it is known. Without an id nobody
// knows whether the tool took it.
type trigger struct {
	Invocation string    `json:"dbt,omitempty"`
	At         time.Time `json:"at"`
	Run        string    `json:"run,omitempty"`
	Full       bool      `json:"full,omitempty"` // every record was to be sent again
	// Seen are the runs that the tool listed before, newest last: none of them
	// is ours.
	Seen []string `json:"seen,omitempty"`
	// Crowded: there were more of them than are remembered.
	Crowded bool `json:"crowded,omitempty"`
}

// mostSeen is how many earlier runs are remembered with a trigger.
const mostSeen = 50

// name is the run as people know it.
func (t trigger) name() string {
	if t.Run == "" {
		return "unknown, triggered " + t.At.UTC().Format(time.RFC3339)
	}
	return t.Run
}

// job is the trigger as the journal names it.
func (t trigger) job() string {
	t.At = t.At.UTC().Round(time.Millisecond)
	data, err := json.Marshal(t)
	if err != nil {
		panic("BUG: a trigger cannot be written: " + err.Error())
	}
	return string(data)
}

func (t trigger) begun() ledger.Entry { return ledger.Entry{Kind: ledger.Triggered, Job: t.job()} }

func (t trigger) ended() ledger.Entry { return ledger.Entry{Kind: ledger.JobEnded, Job: t.job()} }

// named is the trigger once its run is known.
func (t trigger) named(run string) trigger {
	t.Run, t.Seen, t.Crowded = run, nil, false
	return t
}

// openTriggers reads those that were not seen to end.
func openTriggers(h ledger.Header) ([]trigger, error) {
	var out []trigger
	for _, j := range h.Jobs {
		if !j.Hosted {
			continue
		}
		var t trigger
		if err := json.Unmarshal([]byte(j.ID), &t); err != nil {
			return nil, &fault.Fault{
				Code: "ledger_newer", Kind: fault.Config, Whose: fault.Ours, Where: "ledger",
				Msg:  "what it holds of a triggered run cannot be read: a newer Exposync may have written it",
				Hint: "use the newer exposync here, too", Err: err,
			}
		}
		out = append(out, t)
	}
	return out, nil
}

// OpenTrigger is a trigger whose end is not known, for people.
type OpenTrigger struct {
	Run        string // empty if nobody knows
	Invocation string // of the dbt run that it answers
	At         time.Time
}

// TriggerOf reads what the ledger holds of a trigger; false if it is none.
func TriggerOf(j ledger.OpenJob) (OpenTrigger, bool) {
	var t trigger
	if !j.Hosted || json.Unmarshal([]byte(j.ID), &t) != nil {
		return OpenTrigger{}, false
	}
	return OpenTrigger{Run: t.Run, Invocation: t.Invocation, At: t.At}, true
}

// knows reports whether a run is of another trigger, or was there before.
func (t trigger) knows(run string, others []trigger) bool {
	return slices.Contains(t.Seen, run) || slices.ContainsFunc(others, func(o trigger) bool { return o.Run == run })
}
