package plan

import "time"

// Hosted says which sync of a hosted tool a job triggers and watches, and how
// its end is judged.
type Hosted struct {
	Sync    string        // its id there; also the job's Object
	Page    string        // the exposure's url, for people
	Partial OnPartial     // what a run with rejected rows comes to
	Timeout time.Duration // how long a run is waited for; 0: DefaultHostedTimeout
	// Urged: nobody wrote hosted:, the url alone says it (trigger_urls).
	Urged bool
}

// DefaultHostedTimeout is how long a run is waited for.
const DefaultHostedTimeout = time.Hour

// OnPartial says what a hosted run comes to that rejected rows.
type OnPartial string

// The answers. Rows beyond max_rejected are partial whatever the answer.
const (
	PartialFails OnPartial = ""     // partial, exit code 4 (the default)
	PartialWarns OnPartial = "warn" // a success that says how many rows are missing
	PartialOK    OnPartial = "ok"   // a success
)

// CodeHostedRows is the code of rows that a hosted run did not deliver: the
// tool knows which, the ledger does not.
const CodeHostedRows = "hosted_rows"

// HostedSync is what a plan says of the sync in the tool.
type HostedSync struct {
	Tool     string     `json:"tool"` // hightouch, census, …
	Sync     string     `json:"sync"`
	Title    string     `json:"title,omitempty"`
	URL      string     `json:"url,omitempty"`
	Schedule string     `json:"schedule,omitempty"` // of its own, in the tool's words
	Reads    string     `json:"reads,omitempty"`    // the dbt node or relation behind it, as far as the tool tells
	Writes   string     `json:"writes,omitempty"`   // as the tool calls it
	LastRun  *time.Time `json:"last_run,omitempty"`
	// Resumes is a run that was triggered earlier and has not been seen to
	// end: it is asked for first.
	Resumes string `json:"resumes,omitempty"`
}

// HostedRun is what became of a run in the tool.
type HostedRun struct {
	Tool   string `json:"tool"`
	Sync   string `json:"sync"`
	Run    string `json:"run,omitempty"` // empty if nobody knows
	URL    string `json:"url,omitempty"`
	State  string `json:"state"`  // queued, running, succeeded, partial, failed, canceled, skipped, unknown
	Status string `json:"status"` // the tool's own word
	// Adopted: the answer to the trigger was lost, and this is the one run
	// that can be ours.
	Adopted bool `json:"adopted,omitempty"`
	// Resumed: an earlier process triggered it.
	Resumed bool `json:"resumed,omitempty"`
	// Unwatched: the tool took the trigger, and that is all there is to know.
	Unwatched bool `json:"unwatched,omitempty"`
	// Invocation is the dbt run that it was triggered for.
	Invocation string `json:"dbt_invocation_id,omitempty"`

	Rows  HostedRows  `json:"rows"`
	Error string      `json:"error,omitempty"` // the tool's own reason
	Parts []HostedRun `json:"parts,omitempty"` // of a sequence
}

// HostedRows are a run's rows as the tool counts them; nil where it does not
// tell.
type HostedRows struct {
	Added   *int64 `json:"added,omitempty"`
	Changed *int64 `json:"changed,omitempty"`
	Removed *int64 `json:"removed,omitempty"`
	Total   *int64 `json:"total,omitempty"`
	OK      *int64 `json:"ok,omitempty"`
	Failed  *int64 `json:"failed,omitempty"`
}

// To names where a job goes, for people: connection.object, or
// connection/sync of a hosted one.
func (j Job) To() string {
	switch {
	case j.Connection == "":
		return ""
	case j.Hosted != nil:
		return j.Connection + "/" + j.Object
	}
	return j.Connection + "." + j.Object
}
