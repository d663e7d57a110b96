package postgres

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"exposync/internal/record"
)

// stage is a batch on its way into the temporary table.
type stage struct {
	order  []int // n -> place in the batch
	groups []group
	copied []byte // COPY's text format
	bad    map[int]string
}

// newStage sorts a batch into groups, each in the order of its keys: two
// batches that meet take their locks in the same order. Records that no
// PostgreSQL can hold are put aside with the reason.
func newStage(s *shape, batch []record.Change) *stage {
	st := &stage{bad: map[int]string{}}
	patterns := make([]string, len(batch))
	bits := make([]byte, len(s.fields))
	for i, ch := range batch {
		if len(ch.KeyVals) != len(s.keys) || ch.Op != record.Delete && len(ch.Values) != len(s.fields) {
			st.bad[i] = "the record has another number of values than the target has fields"
			continue
		}
		patterns[i] = pattern(ch, bits)
		st.order = append(st.order, i)
	}
	slices.SortFunc(st.order, func(a, b int) int {
		if c := strings.Compare(patterns[a], patterns[b]); c != 0 {
			return c
		}
		return bytes.Compare(batch[a].Key, batch[b].Key)
	})
	st.encode(s, batch)
	for n, i := range st.order {
		if n == 0 || patterns[i] != patterns[st.order[n-1]] {
			g := group{lo: n, del: batch[i].Op == record.Delete}
			if !g.del {
				g.present = present(batch[i])
			}
			st.groups = append(st.groups, g)
		}
		st.groups[len(st.groups)-1].hi = n + 1
	}
	return st
}

// pattern names the group of a change: writes before deletes.
func pattern(ch record.Change, bits []byte) string {
	if ch.Op == record.Delete {
		return "x"
	}
	for i, v := range ch.Values {
		bits[i] = '0'
		if v.Kind == record.Absent {
			bits[i] = '1'
		}
	}
	return string(bits)
}

func present(ch record.Change) []bool {
	out := make([]bool, len(ch.Values))
	for i, v := range ch.Values {
		out[i] = v.Kind != record.Absent
	}
	return out
}

// encode writes the lines for COPY and drops records that cannot be written.
func (st *stage) encode(s *shape, batch []record.Change) {
	kept := st.order[:0]
	for _, i := range st.order {
		start := len(st.copied)
		reason := ""
		st.copied = strconv.AppendInt(st.copied, int64(len(kept)), 10)
		for k, v := range batch[i].KeyVals {
			if reason == "" {
				st.copied, reason = appendCell(append(st.copied, '\t'), v, s.keys[k])
			}
		}
		for f := range s.fields {
			v := record.Value{}
			if batch[i].Op != record.Delete {
				v = batch[i].Values[f]
			}
			if reason == "" {
				st.copied, reason = appendCell(append(st.copied, '\t'), v, s.fields[f])
			}
		}
		if reason != "" {
			st.bad[i] = reason
			st.copied = st.copied[:start]
			continue
		}
		st.copied = append(st.copied, '\n')
		kept = append(kept, i)
	}
	st.order = kept
}

// create is the statement that makes the temporary table.
func (s *shape) create() string {
	var b strings.Builder
	b.WriteString("create temporary table exposync_staged (n integer not null")
	for i := range s.keys {
		fmt.Fprintf(&b, ", k%d text", i+1)
	}
	for i := range s.fields {
		fmt.Fprintf(&b, ", f%d text", i+1)
	}
	return b.String() + ") on commit drop"
}

// appendCell writes one value in COPY's text format, or says why no column of
// this type can hold it.
func appendCell(dst []byte, v record.Value, f field) ([]byte, string) {
	switch v.Kind {
	case record.Absent, record.Null:
		return append(dst, `\N`...), ""
	case record.Bytes:
		return hex.AppendEncode(append(dst, `\\x`...), v.Data), ""
	case record.JSON:
		if f.column.category == "A" {
			text, err := appendArray(nil, v.Data, f.column.elem)
			if err != nil {
				return dst, "field " + f.Name + ": " + err.Error()
			}
			return appendText(dst, text, f.Name)
		}
	default:
	}
	return appendText(dst, v.Data, f.Name)
}

func appendText(dst, text []byte, name string) ([]byte, string) {
	if bytes.IndexByte(text, 0) >= 0 {
		return dst, "field " + name + " has a NUL character, which PostgreSQL cannot store"
	}
	if !utf8.Valid(text) {
		return dst, "field " + name + " is not valid UTF-8"
	}
	for len(text) > 0 {
		i := bytes.IndexAny(text, "\\\t\n\r")
		if i < 0 {
			break
		}
		dst = append(dst, text[:i]...)
		dst = append(dst, '\\', escaped(text[i]))
		text = text[i+1:]
	}
	return append(dst, text...), ""
}

func escaped(c byte) byte {
	switch c {
	case '\t':
		return 't'
	case '\n':
		return 'n'
	case '\r':
		return 'r'
	}
	return '\\'
}

// size is what a change takes on the wire at the most.
func size(ch record.Change) int {
	n := len("2147483647\n")
	for _, r := range []record.Record{ch.KeyVals, ch.Values} {
		for _, v := range r {
			n += 1 + cellSize(v)
		}
	}
	return n
}

func cellSize(v record.Value) int {
	switch v.Kind {
	case record.Absent, record.Null:
		return len(`\N`)
	case record.Bytes:
		return len(`\\x`) + hex.EncodedLen(len(v.Data))
	case record.JSON: // in an array's text quotes are escaped, and the escapes again for COPY
		return 2 + 4*len(v.Data)
	default:
	}
	n := len(v.Data)
	for _, c := range v.Data {
		if c == '\\' || c == '\t' || c == '\n' || c == '\r' {
			n++
		}
	}
	return n
}
