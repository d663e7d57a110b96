package engine

import (
	"exposync/internal/mapping"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// mapper turns a row of the source into the key and values that are sent.
type mapper struct {
	bound  plan.Bound
	hasher *record.Hasher
	keyBuf record.Key
	failed *mapping.Failure // why the last key could not be made, nil if a part of it is null
	out    record.Record

	creates []int         // fields that are sent when the record is created
	fills   []int         // fields that are sent while the destination's is empty
	hashed  record.Record // values without creates
}

func newMapper(b plan.Bound) *mapper {
	names := make([]string, len(b.Fields))
	for i, f := range b.Fields {
		names[i] = f.Name
	}
	m := &mapper{bound: b, hasher: record.NewHasher(names), out: make(record.Record, len(names))}
	m.choose()
	return m
}

// partOf gives a part of the key.
func partOf(k *plan.BoundPart, r record.Record) (record.Value, *mapping.Failure) {
	if k.Derive != nil {
		return k.Derive.Value(r)
	}
	return r[k.Index], nil
}

// key gives the row's key, valid until the next call; false if a part is null
// or cannot be made.
func (m *mapper) key(r record.Record) (record.Key, bool) {
	m.keyBuf, m.failed = m.keyBuf[:0], nil
	for i := range m.bound.Key {
		v, failed := partOf(&m.bound.Key[i], r)
		if failed != nil {
			m.failed = failed
			return nil, false
		}
		if v.Kind == record.Null || v.Kind == record.Absent {
			return nil, false
		}
		m.keyBuf = record.AppendKey(m.keyBuf, v)
	}
	return m.keyBuf, true
}

// values gives the row's mapped values, valid until the next call; or why a
// record of them cannot be sent.
func (m *mapper) values(r record.Record) (record.Record, *mapping.Failure) {
	for i := range m.bound.Fields {
		f := &m.bound.Fields[i]
		switch {
		case f.Value != nil:
			m.out[i] = *f.Value
		case f.Derive != nil:
			v, failed := f.Derive.Value(r)
			if failed != nil {
				return nil, failed
			}
			if v.Kind == record.Null && f.Nulls == plan.Skip {
				v = record.Value{}
			}
			m.out[i] = v
		case r[f.Index].Kind == record.Null && f.Nulls == plan.Skip:
			m.out[i] = record.Value{}
		default:
			m.out[i] = r[f.Index]
		}
	}
	return m.out, nil
}
