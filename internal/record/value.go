// Package record holds the values that flow from a warehouse to a
// destination: a Record is one row of an export model, a Mark what was last
// confirmed about it, a Change what has to be sent.
//
// Every reader of the same table must yield the same values, so a Value
// carries one canonical text per kind, never a driver's wire bytes.
package record

// Kind says what a value is; it decides how the value is written out.
type Kind uint8

// The kinds, with the canonical text of Value.Data. Years beyond 9999 and
// before the common era are written as AppendDate says.
const (
	Absent    Kind = iota // no value at all: the field is left as it is at the destination
	Null                  // SQL null; Data is empty
	Bool                  // true, false
	Int                   // -12
	Float                 // shortest text that reads back the same: 0.1; NaN, Infinity, -Infinity
	Decimal               // exact, no exponent, no trailing zeros: 12.5; NaN, Infinity, -Infinity
	Text                  // UTF-8; also UUIDs (lower case), enums, networks, intervals
	Bytes                 // the raw bytes
	Date                  // 2006-01-02; infinity, -infinity
	Time                  // 15:04:05.999999, trailing zeros cut
	Timestamp             // 2006-01-02T15:04:05.999999, no zone; infinity, -infinity
	Instant               // 2006-01-02T15:04:05.999999Z, always UTC; infinity, -infinity
	JSON                  // compact, object keys sorted by bytes; SQL arrays too
)

// String is the kind's name as reports print it.
func (k Kind) String() string {
	names := [...]string{
		"absent", "null", "bool", "int", "float", "decimal", "text", "bytes",
		"date", "time", "timestamp", "instant", "json",
	}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Value is one cell. The zero Value is Absent.
type Value struct {
	Kind Kind
	Data []byte // canonical text, see Kind; may share a reader's buffer
}

// Column is one column of a relation.
type Column struct {
	Name string // as the warehouse spells it
	Type string // the warehouse's own name of the type, for messages
	Kind Kind   // what its values are when not null; Text where the type says nothing
}

// Record is one row, its values in the order of the query's columns. It is
// valid until the next row is read: Clone what must live longer.
type Record []Value

// Clone copies the record and its bytes.
func (r Record) Clone() Record {
	size := 0
	for _, v := range r {
		size += len(v.Data)
	}
	buf, out := make([]byte, 0, size), make(Record, len(r))
	for i, v := range r {
		start := len(buf)
		buf = append(buf, v.Data...)
		out[i] = Value{Kind: v.Kind, Data: buf[start:len(buf):len(buf)]}
	}
	return out
}
