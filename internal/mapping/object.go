package mapping

import (
	"bytes"
	"slices"

	"exposync/internal/record"
)

// sortedMembers gives members in the order of canonical JSON.
func sortedMembers(members []Member) []Member {
	return slices.SortedStableFunc(slices.Values(members), func(a, b Member) int { return bytes.Compare(quoted(a.Name), quoted(b.Name)) })
}

// quoted is a name as JSON writes it; nil if it cannot.
func quoted(name string) []byte {
	out, err := record.AppendJSONText(nil, name)
	if err != nil {
		return nil
	}
	return out
}

// member gives the step of one member.
func (c *compiler) member(m Member) step {
	switch {
	case m.Rule != nil:
		return c.rule(m.Column, m.Rule)
	case m.Value != nil:
		v := *m.Value
		return step{kind: v.Kind, make: func(record.Record) (record.Value, *Failure) { return v, nil }}
	}
	return c.column(m.Column)
}

func (c *compiler) object(members []Member) step {
	members = sortedMembers(members)
	names := make([][]byte, len(members))
	for i, m := range members {
		names[i] = append(quoted(m.Name), ':') // the manifest is JSON, so that it is UTF-8
	}
	return c.members(members, '{', '}', names)
}

func (c *compiler) array(members []Member) step {
	return c.members(members, '[', ']', make([][]byte, len(members)))
}

// members writes JSON in its canonical form, which members in order of their
// names have.
func (c *compiler) members(members []Member, open, end byte, names [][]byte) step {
	parts := make([]step, len(members))
	for i, m := range members {
		parts[i] = c.member(m)
	}
	var buf []byte
	return step{kind: record.JSON, make: func(r record.Record) (record.Value, *Failure) {
		buf = append(buf[:0], open)
		for i, p := range parts {
			v, failed := p.make(r)
			if failed != nil {
				return v, failed
			}
			if v.Kind == record.Absent || v.Kind == record.Null && members[i].SkipNulls {
				continue
			}
			if len(buf) > 1 {
				buf = append(buf, ',')
			}
			var err error
			if buf, err = record.AppendJSON(append(buf, names[i]...), v); err != nil {
				return v, c.fail(codeInvalid, "a value cannot be written as JSON: it is NaN, infinite or no text in UTF-8")
			}
		}
		buf = append(buf, end)
		return record.Value{Kind: record.JSON, Data: buf}, nil
	}}
}
