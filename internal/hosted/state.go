package hosted

import "strings"

// State is where a run stands, the same for all tools.
type State string

// The states.
const (
	Queued    State = "queued"    // accepted, not started
	Running   State = "running"   // working
	Succeeded State = "succeeded" // every row was accepted
	Partial   State = "partial"   // it ended, and some rows were rejected
	Failed    State = "failed"    // it ended early
	Canceled  State = "canceled"  // somebody stopped it
	Skipped   State = "skipped"   // the tool decided not to run: nothing was synced
	// Unknown is a word that this version does not know: never a success, and
	// no end either.
	Unknown State = "unknown"
)

// States lists them.
func States() []State {
	return []State{Queued, Running, Succeeded, Partial, Failed, Canceled, Skipped, Unknown}
}

// Ended reports whether the run will not change any more.
func (s State) Ended() bool {
	switch s {
	case Succeeded, Partial, Failed, Canceled, Skipped:
		return true
	case Queued, Running, Unknown:
	}
	return false
}

// words maps what a tool says to states. It is total: what is not in it is
// Unknown. Its keys are in the normal form of word.
type words map[string]State

// state gives the state of a word, however the tool spells it.
func (w words) state(said string) State {
	if s, known := w[word(said)]; known {
		return s
	}
	return Unknown
}

// word is the normal form of a tool's status.
func word(said string) string {
	return strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(strings.TrimSpace(said)))
}
