package dbt

import "time"

// RunResults is one run_results file.
type RunResults struct {
	File         string
	Schema       int // 1 to 6; 0 if it says none
	DBTVersion   string
	InvocationID string
	GeneratedAt  time.Time
	Env          map[string]string
	Results      []Result
	ElapsedTime  float64
	Args         Args
	Diagnostics  []Diagnostic
}

// Args are the arguments of the dbt command that matter to the gate. Absent
// booleans are false.
type Args struct {
	Which             string // build, run, test, generate, …; empty if the file does not say
	Target            string // only if --target was given
	Profile           string
	Select            []string
	Exclude           []string
	Selector          string
	ResourceTypes     []string
	Empty             bool
	Sample            string // as written, a time window as JSON; empty if none
	Defer             bool
	FavorState        bool
	FullRefresh       bool
	IndirectSelection string

	ExcludeResourceTypes []string
}

// Result is one row of run_results.
type Result struct {
	UniqueID     string
	Status       string
	Message      string
	Failures     int64
	RelationName string
	ThreadID     string
	CompletedAt  time.Time // end of the last timing, zero if none
}

// Executes reports whether the command's results are evidence of what was
// built or tested: docs, compile, show and clone write the same file with
// "success" everywhere, though nothing was built.
func (r *RunResults) Executes() bool {
	switch r.Args.Which {
	case "build", "run", "seed", "snapshot", "test":
		return true
	}
	return false
}

// Sources is one sources.json: the results of `dbt source freshness`.
type Sources struct {
	File         string
	InvocationID string
	GeneratedAt  time.Time
	Results      []SourceResult
}

// SourceResult is the freshness of one source when it was looked at.
type SourceResult struct {
	UniqueID      string
	Status        string // pass, warn, error, runtime error
	MaxLoadedAt   time.Time
	SnapshottedAt time.Time
	Freshness
}
