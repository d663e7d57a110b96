package file

import (
	"io"
	"slices"
	"unicode/utf8"

	"exposync/internal/destination"
	"exposync/internal/record"
)

// encoding turns changes into a file.
type encoding interface {
	// header identifies the columns; it stands before all records.
	header() []byte
	// begin starts a file.
	begin(to io.Writer) error
	// add appends a record as a line, which also identifies it, or says why it
	// cannot be written.
	add(dst []byte, ch record.Change) ([]byte, string)
	// write puts the records that were added since the last write into the
	// file; lines are those of add.
	write(lines []byte) error
	// end completes the file.
	end() error
}

// lines is a file of lines: CSV or NDJSON.
type lines struct {
	layout

	to io.Writer
}

func (l *lines) begin(to io.Writer) error {
	l.to = to
	_, err := to.Write(l.header())
	return err
}

func (l *lines) add(dst []byte, ch record.Change) ([]byte, string) { return l.line(dst, ch) }

func (l *lines) write(lines []byte) error {
	_, err := l.to.Write(lines)
	return err
}

func (l *lines) end() error { return nil }

// layout says how a record becomes a line.
type layout struct {
	format  Format
	columns []string // key fields, other fields, then the operation
	keys    int
	op      bool
}

func newLayout(c Config, t destination.Target) layout {
	l := layout{format: c.Format, keys: len(t.Key)}
	for _, f := range slices.Concat(t.Key, t.Fields) {
		l.columns = append(l.columns, f.Name)
	}
	op := c.OpColumn
	if op == "" && t.Mode == destination.Mirror {
		op = "_op"
	}
	if op != "" {
		l.op = true
		l.columns = append(l.columns, op)
	}
	return l
}

// twice finds a name that two columns have.
func (l layout) twice() (string, bool) {
	seen := map[string]bool{}
	for _, c := range l.columns {
		if seen[c] {
			return c, true
		}
		seen[c] = true
	}
	return "", false
}

// header is the first line of the file; NDJSON has none.
func (l layout) header() []byte {
	if l.format == NDJSON {
		return nil
	}
	var line []byte
	for i, c := range l.columns {
		if i > 0 {
			line = append(line, ',')
		}
		line = appendQuotable(line, []byte(c))
	}
	return append(line, "\r\n"...)
}

// line appends a record, or says why it cannot be written.
func (l layout) line(dst []byte, ch record.Change) ([]byte, string) {
	values := l.values(ch)
	if len(values) != len(l.columns) {
		return dst, "the record has another number of values than the target has fields"
	}
	if l.format == NDJSON {
		return l.object(dst, values)
	}
	return l.row(dst, values)
}

// values are those of the columns.
func (l layout) values(ch record.Change) record.Record {
	values := slices.Concat(ch.KeyVals, ch.Values)
	word := "upsert"
	if ch.Op == record.Delete {
		word = "delete"
		values = make(record.Record, len(l.columns))[:l.fields()]
		copy(values, ch.KeyVals)
	}
	if l.op {
		values = append(values, record.Value{Kind: record.Text, Data: []byte(word)})
	}
	return values
}

// fields is how many columns hold values of the record.
func (l layout) fields() int {
	if l.op {
		return len(l.columns) - 1
	}
	return len(l.columns)
}

func (l layout) object(dst []byte, values record.Record) ([]byte, string) {
	start := len(dst)
	dst = append(dst, '{')
	for i, v := range values {
		if v.Kind == record.Absent {
			continue
		}
		if len(dst) > start+1 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = record.AppendJSONText(dst, l.columns[i]); err == nil {
			dst, err = record.AppendJSONElement(append(dst, ':'), v)
		}
		if err != nil {
			return dst[:start], "field " + l.columns[i] + ": " + err.Error()
		}
	}
	return append(dst, "}\n"...), ""
}

func (l layout) row(dst []byte, values record.Record) ([]byte, string) {
	start := len(dst)
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		switch v.Kind {
		case record.Absent, record.Null:
		case record.Bytes:
			var err error
			if dst, err = record.AppendJSON(dst, v); err != nil { // base64 in quotes
				return dst[:start], "field " + l.columns[i] + ": " + err.Error()
			}
		default:
			if !utf8.Valid(v.Data) {
				return dst[:start], "field " + l.columns[i] + " is not valid UTF-8"
			}
			dst = appendQuotable(dst, v.Data)
		}
	}
	if len(dst) == start {
		return dst, "a line without any value would be an empty line, which readers skip"
	}
	return append(dst, "\r\n"...), ""
}

// appendQuotable writes a cell, in quotes where RFC 4180 wants them; an empty
// text has them too, so that it is not a null.
func appendQuotable(dst, text []byte) []byte {
	special := len(text) == 0
	for _, c := range text {
		special = special || c == '"' || c == ',' || c == '\r' || c == '\n'
	}
	if !special {
		return append(dst, text...)
	}
	dst = append(dst, '"')
	for _, c := range text {
		if c == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}
