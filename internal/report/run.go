package report

import (
	"cmp"
	"time"

	"exposync/internal/fault"
	"exposync/internal/plan"
)

// RunSchema names the shape of the run's JSON document.
const RunSchema = "https://exposync.dev/schemas/exposync-run-results/v1.json"

// Run is one `exposync run`: what was asked, and what became of every job.
type Run struct {
	Version     string
	RunID       string
	Invocation  string // of the dbt run that was answered
	DBTCloudRun int64  // of dbt platform, if it came from there
	Command     string // run, build, plan
	Target      string
	Project     string
	StartedAt   time.Time
	Elapsed     time.Duration
	Jobs        []JobReport
	Problems    fault.List // of no single job
	ExitCode    int
	DBTExitCode *int // build only
	NotInRun    int  // exposures of which nothing was in this dbt run
	PlanFile    string
}

// JobReport is one job with everything that led to its result.
type JobReport struct {
	Job       plan.Job
	Ref       string // the job in a command to type, where that is more than its name: with --target
	Judgement plan.Judgement
	Result    plan.Result
	Reason    string // one phrase, if the job was not run
	Mapping   []plan.Mapped
	Samples   *plan.Samples // nil unless the user asked to see values
	Skip      string        // already_synced, not_due, unchanged, fail_fast
	DueAt     time.Time
}

// RunJSON is the document of target/exposync_run_results.json and of
// `run --output json`: dbt's shape, with ours inside.
type RunJSON struct {
	Metadata    RunMetadata  `json:"metadata"`
	Results     []ResultJSON `json:"results"`
	NotInRun    int          `json:"not_in_run,omitempty"` // jobs of which nothing was in this dbt run
	Problems    []FaultJSON  `json:"problems,omitempty"`
	Estimate    *TotalJSON   `json:"estimate,omitempty"` // plan only
	ElapsedTime float64      `json:"elapsed_time"`
	ExitCode    int          `json:"exit_code"`
	Args        RunArgs      `json:"args"`
}

// RunMetadata says who wrote the document and about which dbt run.
type RunMetadata struct {
	Schema          string    `json:"exposync_schema_version"`
	Version         string    `json:"exposync_version"`
	GeneratedAt     time.Time `json:"generated_at"`
	RunID           string    `json:"run_id"`
	DBTInvocationID string    `json:"dbt_invocation_id"`
	DBTCloudRunID   int64     `json:"dbt_cloud_run_id,omitempty"`
}

// RunArgs are the arguments that decided what ran.
type RunArgs struct {
	Which  string `json:"which"`
	Target string `json:"target"`
}

// ResultJSON is one job.
type ResultJSON struct {
	UniqueID      string             `json:"unique_id"` // of the exposure
	Job           string             `json:"job"`
	To            string             `json:"to"`
	Status        plan.Status        `json:"status"`
	Message       string             `json:"message"`
	Skip          string             `json:"skip,omitempty"`   // why it was skipped: already_synced, not_due, unchanged, fail_fast
	DueAt         *time.Time         `json:"due_at,omitempty"` // with not_due
	ExecutionTime float64            `json:"execution_time"`
	Verdict       plan.Verdict       `json:"verdict"`
	Reasons       []plan.Reason      `json:"reasons"`
	Counts        plan.Counts        `json:"counts"`
	Rejects       []plan.RejectGroup `json:"rejects"`
	Holds         []plan.Hold        `json:"holds"`
	Notes         []string           `json:"notes"`
	Plan          *PlanJSON          `json:"plan,omitempty"`
	Hosted        *plan.HostedRun    `json:"hosted,omitempty"` // the run in the hosted tool
	Samples       *plan.Samples      `json:"samples,omitempty"`
	Problems      []FaultJSON        `json:"problems"`
}

// PlanJSON is what a plan says beside its counts and holds.
type PlanJSON struct {
	Sync       plan.SyncID `json:"sync"`
	Generation int64       `json:"generation"`
	Mapping    string      `json:"mapping"`
	MappingWas string      `json:"mapping_was,omitempty"`
	FirstRun   bool        `json:"first_run"`
	Continues  string      `json:"continues,omitempty"` // the job's former name, whose marks it goes on with
	First      plan.First  `json:"first,omitempty"`
	Digest     string      `json:"digest"`
	RowsRead   int64       `json:"rows_read"`
	BytesRead  int64       `json:"bytes_read"`
	FullRead   bool        `json:"full_read"`
	Since      string      `json:"since,omitempty"`
	Match      *plan.Match `json:"match,omitempty"`

	Estimate plan.Estimate    `json:"estimate"`
	Fields   []plan.Mapped    `json:"fields,omitempty"` // plan only
	Hosted   *plan.HostedSync `json:"hosted,omitempty"` // what the tool says of the sync
}

// Ended is when the run had ended.
func (r Run) Ended() time.Time { return r.StartedAt.Add(r.Elapsed) }

// JSON is the run as a document.
func (r Run) JSON(generated time.Time) RunJSON {
	doc := RunJSON{
		Metadata: RunMetadata{
			Schema: RunSchema, Version: r.Version, GeneratedAt: generated.UTC(), RunID: r.RunID, DBTInvocationID: r.Invocation, DBTCloudRunID: r.DBTCloudRun,
		},
		Results: make([]ResultJSON, 0, len(r.Jobs)), Problems: FaultsJSON(r.Problems),
		NotInRun: r.NotInRun, ElapsedTime: r.Elapsed.Seconds(), ExitCode: r.ExitCode, Args: RunArgs{Which: r.Command, Target: r.Target},
	}
	for _, j := range r.Jobs {
		doc.Results = append(doc.Results, j.json())
	}
	if r.Command == "plan" {
		t := total(r.Jobs)
		doc.Estimate = &TotalJSON{Calls: t.Calls, Seconds: t.Seconds, Unknown: NonNil(t.Unknown)}
	}
	return doc
}

func (j JobReport) json() ResultJSON {
	out := ResultJSON{
		UniqueID: j.Job.Exposure, Job: j.Job.ID, To: j.To(), Status: j.Result.Status, Message: j.Reason,
		ExecutionTime: j.Result.Took.Seconds(), Verdict: j.Judgement.Verdict,
		Reasons: NonNil(j.Judgement.Reasons), Counts: j.Result.Counts, Rejects: NonNil(j.Result.Rejects),
		Holds: []plan.Hold{}, Notes: []string{}, Problems: FaultsJSON(j.Result.Problems),
	}
	if p := j.Result.Plan; p != nil {
		out.Holds, out.Notes = NonNil(p.Holds), NonNil(p.Notes)
		out.Plan = &PlanJSON{
			Sync: p.Sync, Generation: p.Generation, Mapping: p.Mapping, MappingWas: p.MappingWas,
			FirstRun: p.FirstRun, Continues: p.Continues, First: p.First, Digest: p.Digest, Match: p.Match,
			RowsRead: p.Reading.Rows, BytesRead: p.Reading.Bytes, FullRead: p.Reading.Full, Since: p.Reading.Since,
			Estimate: p.Estimate, Fields: j.Mapping, Hosted: p.Hosted,
		}
		out.Samples = j.Samples
	}
	if out.Skip = j.Skip; !j.DueAt.IsZero() {
		out.DueAt = &j.DueAt
	}
	out.Hosted = j.Result.Hosted
	switch {
	case out.Message != "":
	case j.Result.Hosted != nil:
		out.Message = hostedTail(*j.Result.Hosted, j.Result.Took)
	default:
		out.Message = Tail(j.Result.Counts, j.Result.Took)
	}
	return out
}

// ref is the job in a command to type.
func (j JobReport) ref() string { return cmp.Or(j.Ref, j.Job.ID) }

// To is the job's destination as people name it: connection.object.
func (j JobReport) To() string { return j.Job.To() }

// NonNil is a list as JSON shows it: [] rather than null.
func NonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
