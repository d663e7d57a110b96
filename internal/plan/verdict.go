package plan

import "time"

// Verdict is the gate's answer for one exposure.
type Verdict string

// The verdicts, worst first.
const (
	VerdictBlock     Verdict = "block"     // proven bad
	VerdictHold      Verdict = "hold"      // not proven
	VerdictGoWarn    Verdict = "go_warn"   // may start, with reasons to read
	VerdictGo        Verdict = "go"        // proven good
	VerdictUnchanged Verdict = "unchanged" // go, and dbt reused every direct parent
)

// Open reports whether a job may start under the verdict.
func (v Verdict) Open() bool { return v == VerdictGo || v == VerdictGoWarn || v == VerdictUnchanged }

// Worse gives the verdict that wins when both were reached.
func (v Verdict) Worse(o Verdict) Verdict {
	rank := map[Verdict]int{VerdictBlock: 5, VerdictHold: 4, VerdictGoWarn: 3, VerdictGo: 2, VerdictUnchanged: 1}
	if rank[o] > rank[v] {
		return o
	}
	return v
}

// Reason is one fact that decided a verdict.
type Reason struct {
	Code         string        `json:"code"`                    // public, see fault.Explain
	Verdict      Verdict       `json:"verdict"`                 // what this reason alone leads to
	UniqueID     string        `json:"unique_id,omitempty"`     // the node or test
	Status       string        `json:"status,omitempty"`        // as dbt wrote it
	InvocationID string        `json:"invocation_id,omitempty"` // of the evidence
	File         string        `json:"file,omitempty"`          // the artifact it was read from
	Age          time.Duration `json:"-"`                       // of the evidence when judged
	Path         []string      `json:"path,omitempty"`          // from the exposure down to the node, exposure excluded
	Message      string        `json:"message"`                 // one sentence for people
	Next         string        `json:"next,omitempty"`          // the command to type
	Accepted     bool          `json:"accepted,omitempty"`      // a hold that somebody let through for this run
}

// Judgement is the verdict on one exposure with everything that decided it.
type Judgement struct {
	Exposure string // unique_id
	Verdict  Verdict
	Reasons  []Reason // worst first, then by unique_id
	// Touched: something of the lineage stands in the files of this dbt run.
	Touched bool
	// Invocation is the dbt run that the exposure's rows are of: the newest
	// one known to have built or tested something of its lineage. It is empty
	// if none is known, or if rows change without dbt, because what is read
	// shows a source, another project's model or what refreshes by itself.
	Invocation string
}

// Only reports whether code is the single cause of the verdict: no reason
// with another code is as bad as the verdict itself.
func (j Judgement) Only(code string) bool {
	found := false
	for _, r := range j.Reasons {
		if r.Verdict == j.Verdict {
			if r.Code != code {
				return false
			}
			found = true
		}
	}
	return found
}

// Evidence is the newest result of one dbt node from an executing command.
type Evidence struct {
	UniqueID     string    `json:"unique_id"`
	Status       string    `json:"status"`
	Message      string    `json:"message,omitempty"`
	Failures     int64     `json:"failures,omitempty"`
	InvocationID string    `json:"invocation_id"`
	Which        string    `json:"which"`        // build, run, seed, snapshot, test
	GeneratedAt  time.Time `json:"generated_at"` // of the file it stood in
	Checksum     string    `json:"checksum,omitempty"`
	RelationName string    `json:"relation_name,omitempty"` // tests: of the node they are about
	Cut          string    `json:"cut,omitempty"`           // "empty" or "sample": built without all its rows
	File         string    `json:"-"`                       // artifact, empty for evidence from the ledger
}
