package plan

import (
	"time"

	"exposync/internal/fault"
)

// Hold is one thing that keeps a planned job from running until somebody
// says otherwise.
type Hold struct {
	Code       string `json:"code"`       // first_run, guard_deletes, mapping_changed, …
	Message    string `json:"message"`    // what was found, with numbers
	Next       string `json:"next"`       // the command to type
	Acceptable bool   `json:"acceptable"` // run --accept CODE lets it through
	Accepted   bool   `json:"accepted"`   // it was accepted for this run
}

// Counts add up: Read = Unchanged + Create + Update + Invalid + HeldBack +
// Quarantined, and Create + Update + Delete = OK + Rejected + InDoubt + NotSent.
type Counts struct {
	Read        int64 `json:"read"`
	Unchanged   int64 `json:"unchanged"`
	Create      int64 `json:"created"`
	Update      int64 `json:"updated"`
	Delete      int64 `json:"deleted"`
	Invalid     int64 `json:"invalid"`     // null or duplicate key, value that cannot be written
	HeldBack    int64 `json:"held_back"`   // standing reject that is not due, ambiguous, or a change the mode does not send
	Quarantined int64 `json:"quarantined"` // waits for a release

	OK       int64 `json:"ok"`
	Rejected int64 `json:"rejected"`
	InDoubt  int64 `json:"in_doubt"`
	NotSent  int64 `json:"not_sent"`

	Adopted  int64 `json:"adopted"`  // marked as sent without sending (first: adopt, or compare found them equal); part of Unchanged
	Standing int64 `json:"standing"` // known rejects and doubts that were not tried again: part of HeldBack and Quarantined, and those without a row
	Calls    int64 `json:"calls"`    // requests or statements that wrote
}

// Changes is how many records are to be sent.
func (c Counts) Changes() int64 { return c.Create + c.Update + c.Delete }

// ReadAddsUp reports whether every row that was read has exactly one fate.
func (c Counts) ReadAddsUp() bool {
	return c.Read == c.Unchanged+c.Create+c.Update+c.Invalid+c.HeldBack+c.Quarantined
}

// SentAddsUp reports whether every change has exactly one outcome.
func (c Counts) SentAddsUp() bool {
	return c.Changes() == c.OK+c.Rejected+c.InDoubt+c.NotSent
}

// Plan says everything that applying it will do to one sync. It is a value:
// it can be printed, saved and compared.
type Plan struct {
	Job        string `json:"job"`
	Sync       SyncID `json:"sync"`
	Generation int64  `json:"generation"`       // of the ledger's marks it was made against
	Mapping    string `json:"mapping"`          // fingerprint of key, fields and mode
	Recipe     string `json:"recipe,omitempty"` // fingerprint of what a sandbox tries: description, object, mapping
	FirstRun   bool   `json:"first_run"`        // the identity has no marks yet, or its first run did not reach its end
	First      First  `json:"first,omitempty"`
	MappingWas string `json:"mapping_was,omitempty"` // set if the mapping changed since the marks
	Counts     Counts `json:"counts"`
	// Continues is the job's former name, whose marks (of Generation) the plan
	// was made against because it has none of its own yet.
	Continues    string  `json:"continues,omitempty"`
	PreviousRows int64   `json:"previous_rows"` // source rows of the last complete run, 0 if none
	Deletes      bool    `json:"deletes"`       // deletes are part of the plan
	Reading      Reading `json:"reading"`
	Holds        []Hold  `json:"holds,omitempty"`
	Digest       string  `json:"digest"` // of all changes and adopted records, in whatever order they were read
	// Unsettled: the marks were those of a run that was going on or had been
	// interrupted, so Generation does not stand for one state of them.
	Unsettled bool `json:"unsettled,omitempty"`
	// Retried are creates that an earlier run tried: no growth that a guard
	// would hold.
	Retried int64 `json:"retried,omitempty"`
	// Standing are known rejects and doubts that are not tried again.
	Standing []RejectGroup `json:"standing_rejects,omitempty"`
	Estimate Estimate      `json:"estimate"`
	Notes    []string      `json:"notes,omitempty"`
	// Hosted is the sync in the tool; nil for a direct sync.
	Hosted *HostedSync `json:"hosted,omitempty"`
	// Match is what comparing with the destination found; nil if nothing was
	// compared.
	Match *Match `json:"match,omitempty"`
	// Pass is the run into a sandbox that this recipe has passed; nil if none
	// was asked for, or there is none.
	Pass   *Pass     `json:"pass,omitempty"`
	MadeAt time.Time `json:"made_at"`
}

// Rows is how many rows the source has as far as that is known: where a part of
// it was read, what the last complete reading found counts, too.
func (p *Plan) Rows() int64 {
	if p.Reading.Full {
		return p.Counts.Read
	}
	return max(p.Counts.Read, p.PreviousRows)
}

// Pass is a run into a sandbox in which everything that was sent was
// confirmed.
type Pass struct {
	Run    string    `json:"run"`
	Target string    `json:"target"` // the sandbox
	By     string    `json:"by,omitempty"`
	At     time.Time `json:"at"`
	OK     int64     `json:"ok"` // records
}

// Match counts records that were compared with the destination by key.
type Match struct {
	Equal     int64 `json:"equal"`     // there with our values: taken over, nothing is sent
	Different int64 `json:"different"` // there with other values: updates
	Missing   int64 `json:"missing"`   // not there: creates
	Ambiguous int64 `json:"ambiguous"` // several records have the key: held back
}

// CodeAmbiguous stands against a record of whose key the destination holds
// several.
const CodeAmbiguous = "ambiguous"

// Held gives the holds that nobody accepted.
func (p *Plan) Held() []Hold {
	var out []Hold
	for _, h := range p.Holds {
		if !h.Accepted {
			out = append(out, h)
		}
	}
	return out
}

// Status is the last word on one job of a run.
type Status string

// The statuses.
const (
	Success     Status = "success"     // every change was confirmed, or nothing was due
	PartialDone Status = "partial"     // some changes were rejected, in doubt or not sent
	Failed      Status = "error"       // stopped by a fault
	HeldStatus  Status = "held"        // a gate's or guard's hold
	Blocked     Status = "blocked"     // the gate proved it bad
	Skipped     Status = "skipped"     // already synced for this invocation, or not in this run
	Stopped     Status = "interrupted" // by the user; what was confirmed is saved
	Started     Status = "started"     // a hosted run was triggered, and nobody waits for it here
)

// Result is what became of one job.
type Result struct {
	Job       string
	Status    Status
	Counts    Counts
	Plan      *Plan      // nil if planning was not reached
	Hosted    *HostedRun // nil for a direct sync, and where no run is known
	Rejects   []RejectGroup
	Problems  fault.List
	StartedAt time.Time
	Took      time.Duration
}

// RejectGroup is rejects with one reason, for reports: no record values.
type RejectGroup struct {
	Code    string `json:"code"`
	Reason  string `json:"reason"`
	Records int64  `json:"records"`
	New     int64  `json:"new"`   // first seen in this run
	State   string `json:"state"` // rejected, in_doubt, quarantined, ambiguous, invalid, no_key, waiting
	Waits   bool   `json:"waits"` // for a person: no run tries them again by itself
}
