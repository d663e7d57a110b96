// Package destination is the seam to where records arrive. An adapter writes
// and classifies; it never retries, sleeps, bisects or logs: the engine does.
package destination

import (
	"context"
	"errors"
	"iter"
	"time"

	"exposync/internal/record"
)

// Destination is one connection of exposync.yml, opened for one run. It is
// safe for use by several jobs at once.
type Destination interface {
	// Account asks the destination who it is, for the sync identity and for
	// the guard `expect`: a database's host and name, a vendor's account id.
	// It must be stable between runs and writes nothing.
	Account(ctx context.Context) (string, error)
	// Open checks that the target's object and fields exist and can be
	// written, and gives a writer for it. It writes no record.
	Open(ctx context.Context, t Target) (Writer, error)
	// Close releases connections.
	Close() error
}

// Mode is how the target wants records written: the job's mode.
type Mode string

// The modes, as in exposure metadata.
const (
	Upsert Mode = "upsert"
	Update Mode = "update" // must not create: answer not_found as a reject
	Insert Mode = "insert"
	Mirror Mode = "mirror"
	Append Mode = "append" // no identity: every change is a new record
)

// Target is what one job writes to.
type Target struct {
	Object string
	Key    []Field // the identity; changes carry values in this order
	Fields []Field // the other fields, in declared order
	Mode   Mode
	RunID  string // of this run, for names of things that a run makes
}

// Field is one field of the target.
type Field struct {
	Name string // as the destination spells it
	Kind record.Kind
	// SkipNulls: a null leaves the field as it is. The engine sends such
	// values as record.Absent.
	SkipNulls bool
	// Partial: not every change sends the field, though the source has a value
	// for it. Such changes have record.Absent there.
	Partial bool
}

// Writer writes batches of one target. Write is called from as many
// goroutines as Traits.Concurrency; everything else from one.
type Writer interface {
	// Traits tell the engine how to batch. They do not change, but by Route.
	Traits() Traits
	// Write sends a batch and gives one outcome per change, in order; a
	// missing outcome counts as InDoubt. Keys are unique within a batch.
	// When ctx ends, the outcomes of what may have arrived are InDoubt.
	Write(ctx context.Context, batch []record.Change) []Outcome
	// Close ends the writing. Whatever was not settled by then is not kept.
	Close() error
}

// Traits are what the engine must respect.
type Traits struct {
	Rows        int                     // records per batch
	Bytes       int                     // bytes per batch, 0 for no limit; needs Size
	Size        func(record.Change) int // encoded size of one change; nil with Bytes 0
	Concurrency int                     // batches in flight
	PerSecond   float64                 // batches per second, 0 for no limit
	Idempotent  bool                    // sending the same change twice does no harm: it may be resent and bisected
	Deletes     bool                    // understands record.Delete
	Settles     bool                    // outcomes may be Pending; the writer is a Settler
	Jobs        bool                    // batches of creates and updates go to Submit; the writer is a Jobber
	JobDeletes  bool                    // with Jobs: batches of deletes, too
}

// State is what an answer says about one change. The zero State is InDoubt:
// silence is never success.
type State uint8

// The states. The engine turns Retry, Bisect, Auth, Stop, Mapping and Pending
// into a final outcome.
const (
	InDoubt  State = iota // sent, fate unknown
	OK                    // confirmed by the destination
	Rejected              // refused for good, until the record or the mapping changes
	Retry                 // refused for now, nothing was written (but for Maybe): wait and send again
	Bisect                // something in the batch is bad, nobody knows what; nothing of it was written (but for Maybe)
	Auth                  // credentials are not accepted; nothing was written
	Stop                  // quota or policy: no further call makes sense in this run
	Mapping               // every record would fail the same way: a field is unknown or has the wrong type
	Pending               // accepted; the fate follows from Settle
	NotSent               // did not leave this machine
)

// Outcome is the answer for one change.
type Outcome struct {
	State     State
	Code      string        // the destination's own code, or one of ours
	Message   string        // the destination's reason; the adapter removes record values where it knows them
	RemoteID  string        // the destination's id of the record, where it tells
	Transient bool          // with Rejected: a later run may succeed with the same values
	After     time.Duration // with Retry: wait at least this long
	// Maybe: with Retry, Bisect and Rejected, the change may have been stored
	// all the same, because the answer was a server's failure or did not add up.
	Maybe bool
}

// All gives n times the same outcome.
func All(n int, o Outcome) []Outcome {
	out := make([]Outcome, n)
	for i := range out {
		out[i] = o
	}
	return out
}

// Settler is a Writer whose Pending changes are decided at the end: files
// that appear by rename, asynchronous jobs.
type Settler interface {
	// Settle makes all Pending changes final: nil means every one of them is
	// confirmed, and the same changes settled again by a later run do no
	// harm; an error means that none is, unless it wraps ErrUnknown.
	Settle(ctx context.Context) error
}

// ErrUnknown is in an error of Settle after which nobody knows whether the
// Pending changes were kept: they are in doubt.
var ErrUnknown = errors.New("nobody knows whether it arrived")

// Router is a Writer that has several ways to write: for few records and for
// many.
type Router interface {
	// Route chooses the way for so many changes. Traits may be others then.
	// Nothing is being written when it is called.
	Route(changes int64)
}

// Jobber is a Writer whose batches may go on at the destination as jobs,
// after they were handed over. The engine keeps their ids in the ledger: a job
// that a killed run left behind is asked for its results, not started again.
type Jobber interface {
	// Submit hands a batch over. It calls keep with the job's id as soon as
	// the destination told it, and sends no record before that returned nil.
	// Outcomes are Pending for the changes that are in the job; if none is, the
	// job has come to nothing.
	Submit(ctx context.Context, batch []record.Change, keep func(id string) error) (id string, out []Outcome)
	// Poll asks once how far a job is. An error says nothing about the job.
	Poll(ctx context.Context, id string) (Progress, error)
	// Results gives the outcomes of an ended job for the changes of batch that
	// are in it, in order.
	Results(ctx context.Context, id string, batch []record.Change) ([]Outcome, error)
	// Recall yields what an ended job says of the records it names, when its
	// batch is not at hand any more. A record that it does not name stays in
	// doubt.
	Recall(ctx context.Context, id string) iter.Seq2[Recalled, error]
}

// Progress is how far a job is.
type Progress struct {
	Ended  bool
	Lost   bool          // Ended, and there are no results: the destination has forgotten it, or it never began
	Again  time.Duration // ask again after this
	Most   time.Duration // the longest wait between two questions, as they get rarer
	GiveUp time.Duration // a run does not wait longer than this altogether
}

// Recalled is what a job says of one record.
type Recalled struct {
	Key     record.Key
	Outcome Outcome
}

// Paced is a Destination whose connection as a whole has a limit of its own,
// beside the Traits of its writers: for estimates, which engine and writers
// do not wait for.
type Paced interface {
	// PerSecond is how many batches a second all jobs of the connection can
	// send together, 0 if nothing limits them.
	PerSecond() float64
}

// Identifier is a Destination that tells its own ids of records: they can be
// looked up by other jobs.
type Identifier interface {
	// Identifies reports whether outcomes of what the mode writes to the
	// object carry a RemoteID.
	Identifies(object string, mode Mode) bool
}

// Reader is a Destination that can be read by key, for first: compare.
type Reader interface {
	// Read yields the target's records that have one of keys: key values
	// first, then field values, with the target's kinds. Keys that the
	// destination does not hold are left out; a key of which it holds several
	// records comes once for each of them.
	Read(ctx context.Context, t Target, keys []record.Key) iter.Seq2[record.Record, error]
}

// Holder is a Reader whose fields cannot hold every value that they take: a
// column may round numbers, cut the fraction of a second, or spell a value
// otherwise.
type Holder interface {
	Reader
	// Held gives every record, fields only, as Read would yield it once it was
	// written. One that the destination would refuse comes back as it is. It
	// writes nothing.
	Held(ctx context.Context, t Target, records []record.Record) ([]record.Record, error)
}
