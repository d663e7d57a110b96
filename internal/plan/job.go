// Package plan holds the leaf values that say everything a run will do and
// did: jobs, verdicts, evidence, holds, plans, results. It computes nothing.
package plan

import (
	"strconv"
	"time"

	"exposync/internal/fault"
	"exposync/internal/mapping"
	"exposync/internal/record"
)

// Mode is how a job writes its records.
type Mode string

// The modes.
const (
	Upsert Mode = "upsert" // new and changed records
	Update Mode = "update" // like upsert, but the destination must not create
	Insert Mode = "insert" // new keys once
	Mirror Mode = "mirror" // upsert, and delete confirmed keys that are gone
	Append Mode = "append" // every new or changed version, as a new record
)

// Modes lists the modes in the order that documentation uses.
func Modes() []Mode { return []Mode{Upsert, Update, Insert, Mirror, Append} }

// First says what the first run of a sync identity does.
type First string

// The answers to a first run.
const (
	FirstAsk     First = ""        // hold with first_run
	FirstSend    First = "send"    // send every record
	FirstCompare First = "compare" // read the destination by key, send what differs
	FirstAdopt   First = "adopt"   // mark every record as sent
	// FirstOpen stands in a ledger only: single records were sent, and the
	// first run is still to be asked about.
	FirstOpen First = "open"
)

// Owned says which records a mirror may delete.
type Owned string

// The answers to what is ours.
const (
	OwnedConfirmed Owned = ""    // what Exposync itself sent and saw confirmed (the default)
	OwnedAll       Owned = "all" // adopted records, too
)

// OnInDoubt says what becomes of changes whose fate is unknown where sending
// them twice would do harm.
type OnInDoubt string

// The ways out of a doubt.
const (
	HoldInDoubt OnInDoubt = ""            // they wait for a person (the default)
	Resend      OnInDoubt = "resend"      // the next run sends them again: at least once
	AssumeSent  OnInDoubt = "assume_sent" // they count as sent: at most once
)

// Job is one sync that an exposure declares. A job with Problems never runs;
// its other fields are filled as far as they could be read.
type Job struct {
	ID       string // exposure name, or exposure.sync
	Exposure string // unique_id of the exposure
	Sync     string // name under syncs:, empty for a single sync
	Project  string // dbt project
	Where    string // file:line of the declaration, as far as known

	Source Source
	Target string // dbt target whose connections are used

	Connection string // name in exposync.yml
	Type       string // the connection's type: postgres, file, http, sandbox
	Sandbox    bool   // the target is a sandbox
	Settings   string // fingerprint of what exposync.yml says about the connection, without secrets
	Object     string

	Mode      Mode
	Key       []KeyField // sorted by Field
	Fields    []Field    // as declared; empty with AllFields until columns are known
	AllFields bool       // fields: all = every column but the key's

	Hosted *Hosted // nil for a sync whose rows Exposync moves itself

	Was         []string // IDs of jobs that this one was before, newest first
	Incremental Incremental
	First       First
	Owned       Owned
	OnInDoubt   OnInDoubt
	Every       time.Duration // cadence, from start to start; 0: with every dbt run
	SLA         time.Duration // how stale the destination may be; 0: nobody said
	Guards      Guards
	MaxRejected Limit

	Problems fault.List // faults of this job alone
}

// Source is the export model a job reads.
type Source struct {
	Node     string // unique_id
	Name     string // model name
	Relation string // quoted and ready for SQL, as dbt wrote it
	Database string
	Schema   string
	Adapter  string // dbt adapter_type
}

// KeyField maps one column to a field that identifies a record there.
type KeyField struct {
	Field  string        // theirs
	Column string        // ours; empty for an expression
	Rule   *mapping.Rule // how the value is made of its columns; nil for a column as it stands
}

// Field maps one column or constant to a field of the destination.
type Field struct {
	Name   string        // theirs
	Column string        // ours; empty for a constant, an expression, an object or an array
	Value  *record.Value // the constant, see Constant
	Nulls  Nulls
	Rule   *mapping.Rule // how the value is made of its columns; nil for a column as it stands
	Write  Write
	Lookup *Lookup // the value is looked up under what the column holds; nil for none
}

// Write says when a field is sent.
type Write string

// The answers to when a field is sent.
const (
	WriteAlways  Write = ""         // with every change (the default)
	WriteCreate  Write = "create"   // when the record is created; what becomes of the column later changes nothing
	WriteIfEmpty Write = "if_empty" // while the destination has nothing in it
)

// Nulls says what a null does to the destination's field.
type Nulls string

// The ways of nulls.
const (
	Clear Nulls = "clear" // the field is cleared (the default)
	Skip  Nulls = "skip"  // the field is left as it is
)

// Limit is a number of records, a share of them, or both: exceeded only when
// every part that is set is exceeded (see Exceeded).
type Limit struct {
	Share   float64 // 0.01 is 1%
	Records int     // absolute; combined as max(share, records)
	Off     bool    // never exceeded
}

// Exceeded reports whether n of total is above max(share of total, records).
func (l Limit) Exceeded(n, total int64) bool {
	if l.Off {
		return false
	}
	return float64(n) > max(l.Share*float64(total), float64(l.Records))
}

// Guards are the limits that hold a run before its first write.
type Guards struct {
	Deletes Limit // of the marks
	Creates Limit // of the marks; not on a first run
	Rows    Limit // fewer source rows than last time
	Keys    Limit // null or duplicate keys, of the rows read
}

// DefaultGuards are the limits of a job that declares none.
func DefaultGuards() Guards {
	return Guards{
		Deletes: Limit{Share: 0.01, Records: 10},
		Creates: Limit{Share: 0.50, Records: 100},
		Rows:    Limit{Share: 0.20, Records: 20},
		Keys:    Limit{Share: 0.005},
	}
}

// SyncID is the identity that marks belong to. Two runs with an equal SyncID
// continue each other; any difference starts from no marks.
type SyncID struct {
	Project    string   `json:"project"`
	Job        string   `json:"job"`
	Connection string   `json:"connection"`
	Account    string   `json:"account"` // as the destination confirmed it
	Object     string   `json:"object"`
	Key        []string `json:"key"` // the destination's key fields, sorted
}

// Age is a duration that prints as people say it: 45s, 12m, 3h, 2d.
func Age(d time.Duration) string { return formatAge(d) }

// String is the limit as people write it: "1%", "10 records", "1% or 10 records", "off".
func (l Limit) String() string {
	share := strconv.FormatFloat(l.Share*100, 'f', -1, 64) + "%"
	switch {
	case l.Off:
		return "off"
	case l.Share > 0 && l.Records > 0:
		return share + " or " + strconv.Itoa(l.Records) + " records"
	case l.Share > 0:
		return share
	}
	return strconv.Itoa(l.Records) + " records"
}
