// Package hosted is the seam to tools in which syncs live that Exposync only
// triggers and watches: Hightouch, Census and their like.
//
// # To add a tool
//
// Write a file with a constructor of a Tool, add a Kind to Kinds, and run
// hostedtest.Run over it against the tool's stand-in in the sandbox. A tool
// translates and classifies; it keeps no state between calls, never sleeps and
// never calls again by itself: the engine waits, resumes and recovers.
package hosted

import (
	"context"
	"time"
)

// Tool is one workspace of a hosted tool. Its methods make the calls that one
// answer needs and no more. They are safe for concurrent use. Every error is a
// *fault.Fault, or wraps one, that names the call and never holds a secret;
// that of Trigger may be a *TriggerError.
type Tool interface {
	// Account names the workspace as far as the tool tells or the settings do:
	// part of the identity that a sync is remembered under.
	Account() string
	// Inspect gives what is known of a sync. A sync that does not exist, or
	// that the credential may not see, is a fault with code "hosted_missing"
	// or "hosted_denied".
	Inspect(ctx context.Context, sync string) (Sync, error)
	// Trigger starts a run of the sync, at most once: where it cannot tell
	// whether the tool took the request, the error is a *TriggerError with
	// MayHaveStarted. A Run without an ID was started, and is yet to be found
	// with Recent.
	Trigger(ctx context.Context, sync string, o TriggerOptions) (Run, error)
	// Run gives a run as it is now. A run that the tool does not list yet is
	// Queued; one that it says does not exist is a fault with code
	// "hosted_run_gone".
	Run(ctx context.Context, sync, run string) (Run, error)
	// Recent lists runs of a sync that were created at since or later, oldest
	// first, whoever started them. Where the tool cannot list, it is a fault
	// with code "hosted_no_list".
	Recent(ctx context.Context, sync string, since time.Time) ([]Run, error)
}

// Canceler is a Tool that can end a run. A tool need not be one.
type Canceler interface {
	// Cancel asks the tool to end a run, which may take it a while. A run that
	// has ended already is no error.
	Cancel(ctx context.Context, sync, run string) error
}

// Lister is a Tool that can list its syncs. A tool need not be one.
type Lister interface {
	// List gives every sync of the workspace, all pages, in an order that does
	// not change.
	List(ctx context.Context) ([]Sync, error)
}

// Sync is a sync as the tool has it.
type Sync struct {
	ID       string // as hosted: names it
	Title    string // for people; empty if it has none
	URL      string // of its page; empty if nobody knows
	Disabled string // why a trigger would not run it, in the tool's word; empty: it would
	// Schedule is the sync's own clock or trigger in the tool's words, such as
	// "every 1 hour": the tool runs it without asking dbt. Empty: there is none.
	Schedule string
	Model    Model
	Columns  []string  // of the model that it reads; nil if the tool does not tell
	Object   string    // what it writes to, as the tool calls it; empty if it does not tell
	LastRun  time.Time // zero if there was none, or nobody knows
}

// Model is what a hosted sync reads, as far as the tool tells.
type Model struct {
	ID       string // the tool's own
	Name     string
	UniqueID string // of the dbt node
	Relation string // database.schema.name
}

// TriggerOptions are what the user asked for beside the trigger itself.
type TriggerOptions struct {
	// FullResync sends every record again. Only a flag of the command line
	// sets it, never a setting.
	FullResync bool
	// Key is the same for every attempt to start the same run: for tools that
	// take one, it makes the trigger safe to repeat.
	Key string
	// Reason is one sentence for tools that show who started a run.
	Reason string
	// Invocation is dbt's id of its run, Job ours of the sync: for requests that
	// people write themselves. Both may be empty.
	Invocation, Job string
}

// Run is one run of a sync.
type Run struct {
	ID    string
	State State
	// Status is the tool's own word, as it wrote it.
	Status string
	URL    string // of its page; empty if nobody knows
	// Created is when the tool took it in, Started when it began, Ended when
	// it ended; zero where the tool does not tell.
	Created, Started, Ended time.Time
	Rows                    Rows
	// Error is the tool's reason for an end that is no success.
	Error string
	// Unwatched: State is Succeeded because the tool took the trigger, and says
	// no more than that: nobody can ask how the run ends.
	Unwatched bool
	// Continued: this run has ended, and the tool goes on with its work in
	// another one that is listed after it.
	Continued bool
	// Parts are the runs that a sequence of syncs is made of.
	Parts []Run
}

// Rows counts what a run did, in rows. A nil count is one that the tool does
// not tell.
type Rows struct {
	Added, Changed, Removed *int64 // planned, or done where the tool does not tell them apart
	Total                   *int64 // of rows it had to deal with
	OK                      *int64 // accepted
	Failed                  *int64 // refused by the destination, or by the tool before it
}

// Fate says what became of a trigger that failed.
type Fate uint8

// The fates of triggers.
const (
	NotStarted     Fate = iota // certainly no run of ours
	Busy                       // not started, because another run is going on
	MayHaveStarted             // nobody knows
)

// TriggerError is why a trigger gave no run.
type TriggerError struct {
	Fate    Fate
	Running string // Busy: the run that is going on, where the tool names it
	Err     error  // a *fault.Fault
}

// Error is the cause in words.
func (e *TriggerError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *TriggerError) Unwrap() error { return e.Err }
