// Package ledger is the seam to what Exposync remembers: the marks of every
// sync, the evidence of dbt's runs, and the history of its own.
package ledger

import (
	"context"
	"iter"
	"slices"
	"time"

	"exposync/internal/plan"
	"exposync/internal/record"
)

// Ledger is one store. It is safe for use by several jobs at once.
type Ledger interface {
	Syncs
	History
	// Contents lists everything that is remembered, so that it can be shown
	// or moved to another store. An identity that never wrote is not listed.
	Contents(ctx context.Context) (Contents, error)
	// Close releases the store.
	Close() error
}

// Contents is a table of contents of a store. Every list is sorted in an
// order that does not change.
type Contents struct {
	Syncs    []Stored
	Evidence []string // projects, as Record was told
	Jobs     []JobName
}

// Stored is one identity about which something was written.
type Stored struct {
	Sync    plan.SyncID
	Targets []string // dbt targets of the runs that wrote, sorted
}

// JobName names a job that has runs.
type JobName struct{ Project, Job string }

// Located is a Ledger that can tell where it keeps a sync. A store need not
// be one.
type Located interface {
	// Place tells where a sync is kept, for people, and how many bytes it
	// takes; 0 if nobody knows.
	Place(ctx context.Context, id plan.SyncID) (where string, bytes int64, err error)
}

// Syncs gives access to the marks of one sync at a time.
type Syncs interface {
	// Open takes the sync's lease and folds a journal that an interrupted run
	// left behind. A sync that is open elsewhere is a fault with code
	// "locked" that says by whom and since when. target is the dbt target of
	// the run, remembered for Siblings.
	Open(ctx context.Context, id plan.SyncID, target string) (Sync, error)
	// View is Open for reading: it takes no lease and changes nothing, and
	// shows a leftover journal as if it were folded. Writing to it is a bug.
	View(ctx context.Context, id plan.SyncID, target string) (Sync, error)
	// Siblings gives the identities of the same project and job that were
	// opened under the same target and about which something was written: a
	// changed key, object, connection or account shows as a sibling that is
	// not equal. An identity that never wrote is not one, so correcting a
	// first attempt holds nothing. Sorted in an order that does not change.
	Siblings(ctx context.Context, project, job, target string) ([]plan.SyncID, error)
	// Reset forgets everything about the sync, damaged or not. It takes the
	// lease first. Runs of the sync stay listed, but none counts as handled.
	Reset(ctx context.Context, id plan.SyncID) error
}

// Partitions is how many parts the marks of a sync have: a key belongs to the
// part of its hash's first byte.
const Partitions = 256

// Sync is one open sync.
type Sync interface {
	// Header tells about the marks as they were when the sync was opened.
	Header() Header
	// Marks yields the marks of one partition in ascending order of key hash,
	// as they were when the sync was opened. A mark is valid until the next.
	Marks(ctx context.Context, part int) iter.Seq2[record.Mark, error]
	// Append writes entries to the journal, the only commit point. When it
	// returns nil they survive kill -9 and loss of power. It is safe for
	// concurrent use.
	Append(ctx context.Context, entries ...Entry) error
	// Fold merges the journal into the marks, atomically, and remembers what
	// the run knows about them: h.Known; the store counts the rest itself, see
	// Header.Next. A crash at any instant leaves either the old marks with the
	// journal or the new marks.
	Fold(ctx context.Context, h Header) error
	// Close gives the lease back. A journal that was not folded stays.
	Close() error
}

// Header is what is remembered beside the marks of a sync.
type Header struct {
	Generation int64  `json:"generation"` // grows by one with every fold; 0: no marks yet
	Encoding   int    `json:"encoding"`   // record.Encoding of the hashes
	Mapping    string `json:"mapping"`    // fingerprint the hashes were last made with; empty before the first fold
	Rows       int64  `json:"rows"`       // source rows of the last complete read
	// Cursor is how far the source was read, where it is not read as a whole:
	// in the engine's own form, empty before the first such read.
	Cursor string `json:"cursor,omitempty"`
	// FullAt is when the source was last read as a whole, in unix seconds; 0
	// if nobody has to know.
	FullAt int64 `json:"full_at,omitempty"`
	// First is how the first run was answered, for as long as that run did not
	// reach its end: until then another run goes on with the same answer.
	First    plan.First `json:"first,omitempty"`
	Marks    int64      `json:"marks"`    // confirmed keys
	Standing int64      `json:"standing"` // keys with a Standing
	Leftover bool       `json:"-"`        // an interrupted run's journal was found
	// Jobs are those that were started or triggered and never ended, oldest
	// first.
	Jobs []OpenJob `json:"jobs,omitempty"`
}

// Known is the part of a header that the run which folds decides.
type Known struct {
	Encoding int
	Mapping  string
	Rows     int64
	First    plan.First
	Cursor   string
	FullAt   int64
}

// Known gives what the run that folded last knew.
func (h Header) Known() Known {
	return Known{Encoding: h.Encoding, Mapping: h.Mapping, Rows: h.Rows, First: h.First, Cursor: h.Cursor, FullAt: h.FullAt}
}

// Next is the header after a fold of h over the marks that have this one.
// Marks and Standing are still to be counted.
func (h Header) Next(told Header) Header {
	k := told.Known()
	return Header{
		Generation: h.Generation + 1, Encoding: k.Encoding, Mapping: k.Mapping, Rows: k.Rows, First: k.First,
		Cursor: k.Cursor, FullAt: k.FullAt, Jobs: slices.Clone(h.Jobs),
	}
}

// OpenJob is work that goes on elsewhere under an id.
type OpenJob struct {
	ID     string `json:"id"`
	Hosted bool   `json:"hosted,omitempty"` // Triggered, not JobStarted
}

// EntryKind says what a journal entry records.
type EntryKind uint8

// The kinds of entries.
const (
	Sending    EntryKind = iota + 1 // about to send a change that must not be sent twice
	Confirmed                       // the destination confirmed the values
	Deleted                         // the destination confirmed the delete
	Refused                         // rejected, with reason and attempt
	Doubted                         // sent, fate unknown
	Adopted                         // taken over without sending
	Quarantine                      // rejected too often
	Released                        // back from quarantine or doubt: due again
	JobStarted                      // an asynchronous job has this id (Job)
	Triggered                       // a hosted run was started (Job)
	JobEnded                        // the outcome of a started or triggered job is known (Job)
	Unsent                          // announced by Sending, but certainly not sent: what stood before stands again
	Dropped                         // no longer remembered: the record left the window that is read of the source

	LastKind = Dropped // of this version: a store that meets a later one was written by a newer Exposync
)

// Entry is one line of the journal. Folding applies entries in order: the
// last one about a key wins, and a Sending without a later word is InDoubt.
type Entry struct {
	Kind     EntryKind
	KeyHash  record.Hash
	RowHash  record.Hash
	Key      record.Key
	RemoteID string
	Standing *record.Standing // with Refused, Doubted, Quarantine
	Job      string           // with JobStarted, Triggered, JobEnded
}

// History is what is remembered beside the syncs: small, replaced atomically.
type History interface {
	// Evidence gives the newest known result per node of one dbt project, as
	// recorded by Record.
	Evidence(ctx context.Context, project string) (map[string]plan.Evidence, error)
	// Record keeps evidence that is newer than what is known.
	Record(ctx context.Context, project string, evidence []plan.Evidence) error
	// Runs yields what is known of a job's runs, newest first.
	Runs(ctx context.Context, project, job string) ([]Run, error)
	// AddRun adds one run; the store keeps the newest KeptRuns of a job.
	AddRun(ctx context.Context, project, job string, r Run) error
}

// KeptRuns is how many runs of a job are kept.
const KeptRuns = 100

// Run is one run of a job.
type Run struct {
	ID           string      `json:"id"`
	Target       string      `json:"target"`
	Sandbox      bool        `json:"sandbox,omitempty"` // the target was a sandbox then
	InvocationID string      `json:"invocation_id"`     // of the dbt run it answered
	Definition   string      `json:"definition"`        // fingerprint of the job: a changed job is not "already synced"
	Handled      bool        `json:"handled"`           // every change ended ok or rejected
	Status       plan.Status `json:"status"`
	Sync         plan.SyncID `json:"sync"`
	Counts       plan.Counts `json:"counts"`
	Accepted     []string    `json:"accepted,omitempty"`
	Codes        []string    `json:"codes,omitempty"`  // of holds, reasons and faults
	Notes        []string    `json:"notes,omitempty"`  // sentences of the plan, such as whose marks were continued
	Recipe       string      `json:"recipe,omitempty"` // fingerprint of what a sandbox tries, see plan.Plan
	By           string      `json:"by,omitempty"`     // who ran it, as far as the process can tell
	Pass         *plan.Pass  `json:"pass,omitempty"`   // the sandbox run that it was let through for
	// Hosted is the run in the hosted tool; nil for a direct sync.
	Hosted    *plan.HostedRun `json:"hosted,omitempty"`
	StartedAt time.Time       `json:"started_at"`
	EndedAt   time.Time       `json:"ended_at"`
}
