package plan

// Severity is how much a finding matters.
type Severity string

// The severities, worst first.
const (
	SeverityError   Severity = "error"   // fails the check that found it
	SeverityWarning Severity = "warning" // fails it where the user asks for that
	SeverityInfo    Severity = "info"    // to read
)

// Finding is one thing that a check of the project found: what lint reports,
// or what a dimension of coverage misses. It is told apart from others by
// Code, Subject and Column, never by its place, so that moving it within a
// file makes no new finding.
type Finding struct {
	Code     string   `json:"code"` // of a lint rule or a coverage dimension; has a page, see fault.Explain
	Severity Severity `json:"severity"`
	Subject  string   `json:"subject"`          // unique_id of the exposure, model, source or test; a file's path where there is no node
	Column   string   `json:"column,omitempty"` // of the model, or the field it is about
	File     string   `json:"file,omitempty"`   // relative to the dbt project, with slashes
	Line     int      `json:"line,omitempty"`   // 1-based; 0 if nobody knows
	Col      int      `json:"col,omitempty"`    // 1-based; 0 if nobody knows
	Message  string   `json:"message"`          // one sentence: what was found
	Fix      string   `json:"fix,omitempty"`    // what to write or type; may have several lines
	Owner    string   `json:"owner,omitempty"`  // of the exposure, or of the node's group
}

// ID is what makes two findings the same one.
func (f Finding) ID() string { return f.Code + " " + f.Subject + " " + f.Column }
