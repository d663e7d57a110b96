package mysql

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"
	"strings"

	"exposync/internal/destination"
	"exposync/internal/record"
)

// stage is a batch as SQL.
type stage struct {
	groups []group
	bad    map[int]destination.Outcome // by place in the batch
}

// group is a run of records that the same statements can write: all of them
// carry the same fields, or all of them are deletes.
type group struct {
	items   []item
	present []bool // by field; nil for a delete
	del     bool
}

// item is one change with its values as SQL.
type item struct {
	at     int // place in the batch
	id     string
	keys   []string
	values []string // "" for absent
	change record.Change
}

// bytes is about what the item takes in a statement.
func (it item) bytes() int {
	n := 0
	for _, l := range [][]string{it.keys, it.values} {
		for _, s := range l {
			n += len(s) + len("'', ")
		}
	}
	return n
}

// newStage sorts a batch into groups, each in the order of its keys: two
// batches that meet take their locks in the same order. Records that no
// column can hold as they are are put aside with the reason.
func newStage(s *shape, batch []record.Change) *stage {
	st := &stage{bad: map[int]destination.Outcome{}}
	var items []item
	patterns := make([]string, len(batch))
	for i, ch := range batch {
		it, o := s.item(i, ch)
		if o != nil {
			st.bad[i] = *o
			continue
		}
		patterns[i] = pattern(ch)
		items = append(items, it)
	}
	slices.SortFunc(items, func(a, b item) int {
		if c := strings.Compare(patterns[a.at], patterns[b.at]); c != 0 {
			return c
		}
		return bytes.Compare(a.change.Key, b.change.Key)
	})
	for n, it := range items {
		if n == 0 || patterns[it.at] != patterns[items[n-1].at] {
			g := group{del: it.change.Op == record.Delete}
			for _, v := range it.change.Values {
				g.present = append(g.present, v.Kind != record.Absent)
			}
			st.groups = append(st.groups, g)
		}
		last := &st.groups[len(st.groups)-1]
		last.items = append(last.items, it)
	}
	return st
}

// pattern names the group of a change: writes before deletes.
func pattern(ch record.Change) string {
	if ch.Op == record.Delete {
		return "x"
	}
	out := make([]byte, len(ch.Values))
	for i, v := range ch.Values {
		out[i] = '0'
		if v.Kind == record.Absent {
			out[i] = '1'
		}
	}
	return string(out)
}

func (s *shape) item(at int, ch record.Change) (item, *destination.Outcome) {
	bad := func(code, reason string) (item, *destination.Outcome) {
		o := rejected(code, reason)
		return item{}, &o
	}
	if len(ch.KeyVals) != len(s.keys) || ch.Op != record.Delete && len(ch.Values) != len(s.fields) {
		return bad("invalid_value", "the record has another number of values than the target has fields")
	}
	it := item{at: at, id: fingerprint(ch.KeyVals), change: ch}
	for i, v := range ch.KeyVals {
		if v.Kind == record.Null || v.Kind == record.Absent {
			return bad("invalid_value", "field "+s.keys[i].Name+" of the key is null")
		}
		l, code, reason := appendLiteral(nil, v, s.keys[i])
		if reason != "" {
			return bad(code, reason)
		}
		it.keys = append(it.keys, string(l))
	}
	for i, v := range ch.Values {
		if v.Kind == record.Absent {
			it.values = append(it.values, "")
			continue
		}
		l, code, reason := appendLiteral(nil, v, s.fields[i])
		if reason != "" {
			return bad(code, reason)
		}
		it.values = append(it.values, string(l))
	}
	return it, nil
}

// fingerprint tells keys apart byte by byte, which a table's collation may
// not.
func fingerprint(key record.Record) string {
	var out []byte
	for _, v := range key {
		out = append(binary.AppendUvarint(out, uint64(len(v.Data))), v.Data...)
	}
	return string(out)
}

// pieces divides items into what one statement takes.
func pieces(items []item, limit int) iter.Seq[[]item] {
	return func(yield func([]item) bool) {
		for len(items) > 0 {
			n, bytes := 0, 0
			for n < len(items) && n < statementRows {
				if bytes += items[n].bytes(); n > 0 && bytes > limit {
					break
				}
				n++
			}
			if !yield(items[:n]) {
				return
			}
			items = items[n:]
		}
	}
}
