package ledger

import (
	"encoding/json"
	"slices"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/plan"
)

// A sync that is being filled with the marks of another one has an open job
// that says so, from before its first mark until all of them were compared. So
// every store remembers it, and no run takes half of the marks for all.
const (
	copyingJob = "exposync:copying "
	carriedJob = "exposync:carried "
)

// Origin is where the marks of a sync come from.
type Origin struct {
	Sync       plan.SyncID `json:"sync"`
	Generation int64       `json:"generation"` // of the marks that were copied
}

// Incomplete gives the origin of marks whose copy was cut short: they are a
// part of what was confirmed, and nothing may be decided by them.
func (h Header) Incomplete() (Origin, bool) { return h.origin(copyingJob) }

// Carried gives the identity that the marks were taken over from, as long as
// it is still to be forgotten there. The marks themselves are complete.
func (h Header) Carried() (Origin, bool) { return h.origin(carriedJob) }

// Pending gives the jobs that go on elsewhere: those in Jobs without the
// ledger's own.
func (h Header) Pending() []OpenJob {
	return slices.DeleteFunc(slices.Clone(h.Jobs), func(j OpenJob) bool {
		return strings.HasPrefix(j.ID, copyingJob) || strings.HasPrefix(j.ID, carriedJob)
	})
}

func (h Header) origin(prefix string) (Origin, bool) {
	for _, j := range h.Jobs {
		text, ok := strings.CutPrefix(j.ID, prefix)
		if !ok {
			continue
		}
		var o Origin
		_ = json.Unmarshal([]byte(text), &o) // an origin that cannot be read is one that equals nothing
		return o, true
	}
	return Origin{}, false
}

// job is the name of the ledger's own job.
func (o Origin) job(prefix string) string {
	text, err := json.Marshal(o)
	if err != nil {
		panic("BUG: encode origin: " + err.Error()) // texts and a number
	}
	return prefix + string(text)
}

// Equal reports whether two identities are the same.
func Equal(a, b plan.SyncID) bool {
	keys := slices.Equal(a.Key, b.Key)
	a.Key, b.Key = nil, nil
	return keys && a.Project == b.Project && a.Job == b.Job && a.Connection == b.Connection &&
		a.Account == b.Account && a.Object == b.Object
}

// IncompleteFault says that a sync's marks are half of a copy.
func IncompleteFault(id plan.SyncID) error {
	return &fault.Fault{
		Code: "ledger_incomplete", Kind: fault.Config, Whose: fault.Setup, Where: "job " + id.Job,
		Msg: "what is remembered of " + place(id) + " is part of a copy that was interrupted; nothing was sent",
		Hint: "type the command that was interrupted again (exposync ledger move or rekey): it starts over; " +
			"or forget the part: exposync ledger reset " + id.Job,
	}
}

func differsFault(id plan.SyncID, what, hint string) error {
	return &fault.Fault{
		Code: "ledger_differs", Kind: fault.Config, Whose: fault.Setup, Where: "job " + id.Job, Msg: what, Hint: hint,
	}
}

func place(id plan.SyncID) string { return id.Connection + "." + id.Object }
