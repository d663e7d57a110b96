package plan

import "slices"

// Lookup takes for a value the id that the destination of another job gave to
// the record with that key.
type Lookup struct {
	Job   string // ID of the job; a name within the exposure until job.Build resolved it
	Miss  Miss
	Where string // file:line of the declaration, as far as known
}

// Miss says what becomes of a record whose lookup finds nothing.
type Miss string

// The answers to a lookup that finds nothing.
const (
	MissWait  Miss = "wait"  // the record waits until the id is there (the default)
	MissSkip  Miss = "skip"  // the field is left as it is
	MissClear Miss = "clear" // the field is cleared
)

// StateWaiting is the state of records that wait for what a lookup will find.
const StateWaiting = "waiting"

// LooksUp gives the IDs of the jobs whose ids this one needs, each once.
func (j Job) LooksUp() []string {
	var out []string
	for _, f := range j.Fields {
		if f.Lookup != nil && !slices.Contains(out, f.Lookup.Job) {
			out = append(out, f.Lookup.Job)
		}
	}
	return out
}
