package coverage

import (
	"time"

	"exposync/internal/plan"
)

// Report is how well a project's syncs are covered: by exposures, tests,
// freshness, documentation and evidence. It is a value: it can be printed,
// written, read again and compared.
type Report struct {
	Project     string
	DBTVersion  string
	Adapter     string
	Invocation  string    // of the manifest
	GeneratedAt time.Time // of the manifest
	Selection   []string  // the selectors that narrowed it; nil for the whole project

	Dimensions []Dimension // all of them, in the order of Names
	Total      Total
	Exposures  []Lineage // the application exposures, by unique_id
	Ignored    []Ignored // every suppression that is declared, by Where and Subject
	Shown      []Notice  // worth knowing, and not scored
	Checks     []Check   // what was asked for: thresholds and required dimensions; nil if nothing was
	Against    *Comparison
	Notes      []string // what could not be looked at, and how to make it so
}

// Total is the weighted mean of the dimensions that have a share.
type Total struct {
	Hits    int
	Covered int // of all dimensions
	Total   int
	Share   *float64 // nil: no dimension has one
}

// Dimension is one question about the project and its answer. Covered and
// Total count units: an export model, an exposure, a field, a column. Several
// misses may be about one unit (a model with two keys without tests), and one
// miss may count twice (a column that two exposures send).
type Dimension struct {
	Letter  string // a to m, as the documentation has it
	Name    string // stable word: exports, targets, …, see Names
	Code    string // of its misses: coverage_exports; has a page
	Title   string // what is counted, in a few words
	Unit    string // noun of what is counted, singular
	Hits    int    // proofs that were found: tests, exposures, descriptions, results
	Covered int
	Total   int
	// Share is Covered of Total, 0 to 1. It is nil where Total is 0: that is
	// shown as n/a and is never 100%.
	Share *float64
	// Measured: what the dimension looks at was at hand. Where it is false,
	// Share is nil and Note says what is missing.
	Measured bool
	Note     string

	Weight    float64  // in Total; 0: not part of it
	FailUnder *float64 // least share that was asked for, 0 to 1; nil: none
	Required  bool     // n/a fails, too
	Failed    bool     // a threshold or requirement is not met

	Parts      []Part       // sub-scores, where the dimension has some
	Misses     []Miss       // by file, line and subject; each ID once
	Suppressed []Suppressed // misses that a suppression took out
	Tables     []Table      // every subject that was looked at, by unique_id
}

// Part is a sub-score of a dimension, which has a name of its own.
type Part struct {
	Name    string // owner, url, …; description, data_type, contract
	Covered int
	Total   int
	Share   *float64
}

// Miss is one thing that a dimension misses. Its identity is Finding.ID:
// dimension (Code), unique_id and column.
type Miss struct {
	plan.Finding
	Dimension string // its Name
	Name      string // of the subject, as people say it
	Evidence  string // what is known all the same, in words: the last result, the age of rows; may be empty
	// Missing are the parts that are not there, for grouping: a field, "unique
	// on email", description, data_type, contract; nil if it is one thing.
	Missing []string
	New     bool // it does not stand in the baseline; false without one
}

// Suppressed is what a suppression took out of numerator and denominator.
type Suppressed struct {
	Miss
	Reason string
	Until  time.Time // zero: for good
	Where  string    // of the suppression
}

// Ignored is one suppression as it is declared under ignore.
type Ignored struct {
	Check   string
	Subject string // unique_id of the exposure or node that declares it
	Reason  string
	Until   time.Time
	Where   string // file:line as far as known
	State   IgnoreState
	Mistake string // of one that cannot be read
}

// IgnoreState says whether a suppression counts.
type IgnoreState string

// The states of a suppression.
const (
	IgnoreUsed     IgnoreState = "used"      // took something out
	IgnoreUnused   IgnoreState = "unused"    // there is nothing for it to take out
	IgnoreExpired  IgnoreState = "expired"   // its date has passed: it does not count
	IgnoreNoReason IgnoreState = "no_reason" // it does not count
	IgnoreUnknown  IgnoreState = "unknown"   // no check has that name
	IgnoreInvalid  IgnoreState = "invalid"   // it cannot be read
	IgnoreOther    IgnoreState = "other"     // it is about a check of lint or impact
)

// Table is one subject of a dimension, in the manner of dbt-coverage.
type Table struct {
	Name    string // unique_id
	Hits    int
	Covered int
	Total   int
	Columns []TableColumn // what was looked at below it; empty where that is the subject itself
}

// TableColumn is one counted thing of a subject: a column or a field.
type TableColumn struct {
	Name    string
	Hits    int
	Covered int // of Total: more than 1 where several exposures send a column
	Total   int
}

// Notice is something to know that no dimension scores.
type Notice struct {
	Kind    string // table_export, untested_export, deprecated, private, unpinned, disabled, no_job, parity_declared, …
	Subject string // unique_id
	File    string
	Line    int
	Message string
}

// Check is one thing that was asked for, and whether it holds.
type Check struct {
	Name  string   // total, or a dimension's name
	Want  *float64 // least share; nil: only that it is not n/a
	Got   *float64 // nil: n/a
	OK    bool
	Where string // who asked: --fail-under, or exposync.yml with its line
}

// Lineage is one exposure with everything that stands above it, and where its
// rows go.
type Lineage struct {
	Exposure string // unique_id
	Name     string
	Label    string
	Type     string
	Maturity string
	URL      string
	Owner    string
	SLA      time.Duration // 0: none
	File     string
	Line     int
	Nodes    []Node // in the order of layers, then by depth and name
	Edges    []Edge // from what is upstream, sorted
	Misses   int    // of all dimensions that are about the exposure or a node of it
}

// Node is one node of a lineage.
type Node struct {
	ID           string // unique_id; of a destination connection.object, of a hosted sync tool/id
	Kind         string // source, seed, snapshot, model, metric, …, exposure, destination, hosted
	Layer        Layer
	Depth        int    // longest way to the exposure: 1 is what it depends on; 0 the exposure; -1 its destinations
	Name         string // as people say it
	Materialized string // of models: view, table, incremental, ephemeral, …; of destinations the mode of the job
	Owner        string // of the exposure, or of the node's group
	File         string
	Line         int
	External     bool // of another dbt project
	Tests        TestCount
	Freshness    *Freshness // of sources that promise one, or that were looked at
	Evidence     *Evidence  // newest result; nil if none is known
	Exists       *bool      // the catalog has it; nil without a catalog, and for what has no relation
	Job          string     // of destinations: the job's ID
	Last         *LastSync  // of destinations: the newest run that is known
	Misses       int        // of all dimensions, about this node
}

// Layer is where a node stands on its way out of the warehouse.
type Layer string

// The layers, in the order of the way.
const (
	LayerSource       Layer = "source"
	LayerStaging      Layer = "staging"
	LayerIntermediate Layer = "intermediate" // whatever stands between and says nothing of itself
	LayerMart         Layer = "mart"
	LayerExport       Layer = "export"
	LayerExposure     Layer = "exposure"
	LayerDestination  Layer = "destination"
)

// Layers lists the layers in the order of the way.
func Layers() []Layer {
	return []Layer{LayerSource, LayerStaging, LayerIntermediate, LayerMart, LayerExport, LayerExposure, LayerDestination}
}

// Edge leads from a node to the one that reads it.
type Edge struct{ From, To string }

// TestCount is how the tests of a node stand.
type TestCount struct {
	Total  int
	Passed int
	Warned int
	Failed int // or could not run
	NotRun int // nothing is known of them
}

// Freshness is what a source promises, and how fresh it was.
type Freshness struct {
	WarnAfter, ErrorAfter time.Duration // 0: no promise
	LoadedAt              time.Time     // of its newest rows; zero if nobody looked
	Age                   time.Duration // then, at the time of the report
	Status                string        // pass, warn, error: by Age; empty if nobody looked
}

// Evidence is the newest result of a node.
type Evidence struct {
	Status      string // as dbt wrote it
	GeneratedAt time.Time
	Invocation  string
	InRun       bool // in the files of this run; else the ledger remembers it
	Good        bool
}

// LastSync is the newest run of a job.
type LastSync struct {
	RunID   string
	Status  string // success, partial, error, held, blocked, …
	EndedAt time.Time
	Success time.Time // of the newest run that succeeded; zero if none
}

// Comparison is a report against an earlier one.
type Comparison struct {
	Baseline string // where it was read from
	Before   Total
	After    Total
	Rows     []Change // one a dimension, in the order of Names
	New      []Miss   // not in the earlier report: regressions
	Fixed    []Miss   // of the earlier report, and covered now
	Gone     []Miss   // of the earlier report, about what is not there any more, was not selected, or is suppressed
	// Unjudged are misses of dimensions that one of the two did not measure, and
	// new ones of dimensions with weight 0: they fail nothing.
	Unjudged []Miss
}

// Change is one dimension before and after.
type Change struct {
	Name          string
	Before, After *float64 // nil: n/a
	New, Fixed    int
}
