// Package tools lets the sandbox stand in for tools in which syncs live that
// others only trigger and watch: Hightouch, Census and their like.
//
// Each is a facade.Vendor over a Workspace. A sync of any well-formed id exists
// until it is declared otherwise: enabled, without a schedule, seen for the
// first time when somebody asks for it. A run goes through the tool's own words
// one poll at a time, never by the clock, so that the same requests get the
// same answers. What happened is on disk before it is answered, and a sandbox
// that was killed goes on where it stood.
//
// # Making things go wrong
//
// A Script says how the next runs of a sync go: how the trigger is answered,
// which words its polls show, how it ends. Scenarios are scripts with a name,
// which the sandbox's fault words and its control path take, too.
//
// # To add a tool
//
// Write a file with a constructor that gives a facade.Vendor: its Routes make a
// Workspace with the tool's dialect and answer with act, so that scripts work
// the same everywhere. Add a line to Vendors. Write it from the vendor's
// documentation, not from package hosted: an adapter must not confirm itself.
package tools

import (
	"net/http"
	"slices"

	"exposync/internal/sandbox/facade"
)

// Vendors are the tools that the sandbox stands in for.
func Vendors() []facade.Vendor {
	return []facade.Vendor{hightouch(), census(), multiwoven(), airbyte(), polytomic(), rudderstack(), segment(), webhook()}
}

// Of gives the stand-in of a connection's type.
func Of(kind string) (facade.Vendor, bool) {
	for _, v := range Vendors() {
		if v.Kind == kind {
			return v, true
		}
	}
	return facade.Vendor{}, false
}

// WorkspaceOf gives the workspace behind a handler that Routes of one of
// Vendors made; nil if it is another's.
func WorkspaceOf(h http.Handler) *Workspace {
	if t, ours := h.(*handler); ours {
		return t.ws
	}
	return nil
}

// handler is the tool's paths with the workspace that they answer from.
type handler struct {
	http.Handler

	ws *Workspace
}

// dialect is how a tool names and does what all of them do.
type dialect struct {
	known   func(id string) bool          // whether a sync's id is well-formed
	run     func(n int64) string          // the id of the nth run
	queued  []string                      // the words of a run that has not begun, in turn
	working []string                      // the words of one that has, in turn
	order   []string                      // all of them in turn, where that is not queued and then working
	halting string                        // the word of a run that was asked to stop, once; empty: it stops at once
	ends    map[End]string                // the words for ends; those the tool has not are missing
	inList  bool                          // a question about one run is answered with a list of it
	busy    policy                        // what a trigger does while a run is going on
	stopped string                        // the reason that it gives for a run that somebody stopped
	page    func(sync, run string) string // the address that people see; nil where nobody knows it
	say     speech                        // how it words what is not as usual
}

// way gives the words of a run that goes well, before its end.
func (d *dialect) way() []string {
	if d.order != nil {
		return d.order
	}
	return slices.Concat(d.queued, d.working)
}

// policy is what a tool does with a trigger while a run is going on.
type policy int

const (
	behind  policy = iota // one run waits until the other has ended
	refuses               // it is an error
	skips                 // it starts a run that does nothing
	beside                // both go on
)

// speech is how a tool words what is not the usual answer.
type speech struct {
	refuse func(w http.ResponseWriter, r *http.Request, t facade.Trouble)
	broken func(w http.ResponseWriter) // status 500
	gone   func(w http.ResponseWriter) // there is no such run
	wrong  func(w http.ResponseWriter) // status 200, and an error in the body
	hollow func(w http.ResponseWriter) // status 200 as after a trigger, and no id
}
