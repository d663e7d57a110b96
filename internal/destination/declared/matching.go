package declared

import (
	"slices"

	"exposync/internal/record"
)

// texts are the fields of a target that hold text at the service: some
// refuse a number or a boolean there, and with it the whole request.
type texts struct{ keys, fields []bool }

// matching says which fields those are; nil where the spec does not ask for
// it, or nothing is known.
func (d *Destination) matching(s *sender) *texts {
	if !s.op.encode.matching {
		return nil
	}
	is := func(field string) bool { return d.familyOf(s.target.Object, field) == "text" }
	t := &texts{}
	for _, f := range s.target.Key {
		t.keys = append(t.keys, is(f.Name))
	}
	for _, f := range s.target.Fields {
		t.fields = append(t.fields, is(f.Name))
	}
	if !slices.Contains(t.keys, true) && !slices.Contains(t.fields, true) {
		return nil
	}
	return t
}

func (t *texts) key(i int, v record.Value) record.Value {
	if t == nil || !t.keys[i] {
		return v
	}
	return asText(v)
}

func (t *texts) field(i int, v record.Value) record.Value {
	if t == nil || !t.fields[i] {
		return v
	}
	return asText(v)
}

// asText is a number or boolean as the text that says it. What is no finite
// number stays one, and is refused as such.
func asText(v record.Value) record.Value {
	switch v.Kind {
	case record.Int, record.Bool:
		v.Kind = record.Text
	case record.Float, record.Decimal:
		if record.Finite(v) {
			v.Kind = record.Text
		}
	default:
	}
	return v
}
