package plan

// Showing says how much of a column's values a sample may show. The zero
// Showing shows the least.
type Showing uint8

// The ways to show a value, from the least to the most.
const (
	Mask Showing = iota // what kind of values the column has, and null: neither length nor hash, which tell the values of a small domain
	Hash                // as Mask, with a number that equal values of one column share within a sync
	Show                // the value
)

// Samples are a few records of a plan, for people who asked to see them.
// Values stand as they may be shown: see Cell.
type Samples struct {
	// Before says where values of before come from, or why they are not known;
	// empty if the records need none.
	Before  string   `json:"before,omitempty"`
	Records []Sample `json:"records"`
}

// Sample is one record that a plan creates, updates or deletes. Which records
// are picked depends on the plan alone.
type Sample struct {
	Op      string `json:"op"`
	Key     []Cell `json:"key"`
	Fields  []Cell `json:"fields"`            // of an update only those that differ, where that is known
	Known   bool   `json:"known"`             // what the destination holds was read
	Missing bool   `json:"missing,omitempty"` // it was read, and has no such record
}

// Cell is one field of a sample. A text is in quotes, null and other values
// stand for themselves, ‹text› is a masked text, and ‹text 2› the second text
// of its column.
type Cell struct {
	Field  string `json:"field"` // theirs
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Mapped is one line of a mapping: theirs <- ours.
type Mapped struct {
	Field  string `json:"field"`
	Column string `json:"column,omitempty"` // empty for a constant
	Key    bool   `json:"key,omitempty"`
}
