package engine

import (
	"encoding/hex"
	"strconv"
	"unicode/utf8"

	"exposync/internal/plan"
	"exposync/internal/record"
)

// shownRunes is how much of one value a sample shows.
const shownRunes = 60

// masker writes values as far as their columns may be shown.
type masker struct {
	showing func(column string) plan.Showing
	seen    map[string]map[string]int // of columns shown as Hash: value -> number
}

// text is a value of one field. A constant stands in the project's files and
// is nobody's secret; null shows under every policy, because to see that a
// field is cleared is what a reviewer looks for.
func (m *masker) text(f plan.BoundPart, v record.Value) string {
	if v.Kind == record.Absent {
		return ""
	}
	if v.Kind == record.Null {
		return "null"
	}
	showing := plan.Mask
	switch {
	case f.Value != nil:
		showing = plan.Show
	case f.Derive != nil:
		showing = m.strictest(f.Sources)
	case f.Column != "":
		showing = m.showing(f.Column)
	}
	switch showing {
	case plan.Show:
		return shown(v)
	case plan.Hash:
		return "‹" + f.Kind.String() + " " + strconv.Itoa(m.number(numbered(f), v)) + "›"
	case plan.Mask:
	}
	return "‹" + f.Kind.String() + "›" // of the column: where every value may have its own, it tells about the value
}

// strictest is how much is shown of what was made of several columns: no more
// than of any of them. What no column is in was written by whoever declared it.
func (m *masker) strictest(columns []string) plan.Showing {
	showing := plan.Show
	for _, c := range columns {
		showing = min(showing, m.showing(c))
	}
	return showing
}

// numbered is whose numbers the values of a field share.
func numbered(f plan.BoundPart) string {
	if f.Derive != nil {
		return "\x00" + f.Name
	}
	return f.Column
}

// number tells equal values of a column from others without saying anything
// about them: whoever knows all values that there can be could try a hash.
func (m *masker) number(column string, v record.Value) int {
	numbers := m.seen[column]
	if numbers == nil {
		numbers = map[string]int{}
		m.seen[column] = numbers
	}
	key := string(record.AppendCanonical(nil, v))
	if numbers[key] == 0 {
		numbers[key] = len(numbers) + 1
	}
	return numbers[key]
}

// shown writes a value on one line, with nothing in it that a terminal obeys.
func shown(v record.Value) string {
	switch v.Kind {
	case record.Text, record.JSON:
		text := string(v.Data)
		cut := ""
		if utf8.RuneCountInString(text) > shownRunes {
			text, cut = string([]rune(text)[:shownRunes]), "…"
		}
		return strconv.Quote(text) + cut
	case record.Bytes:
		data, cut := v.Data, ""
		if len(data) > shownRunes/2 {
			data, cut = data[:shownRunes/2], "…"
		}
		return "0x" + hex.EncodeToString(data) + cut
	default:
	}
	return string(v.Data)
}
