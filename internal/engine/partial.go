package engine

import (
	"context"
	"errors"
	"fmt"

	"exposync/internal/destination"
	"exposync/internal/diff"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// Fields that are not sent with every change. What is sent at creation only is
// no part of the hash: a change in it alone sends nothing. What fills an empty
// field is, and the destination is asked for the records before they go.

// choose finds the fields that are not always sent.
func (m *mapper) choose() {
	for i, f := range m.bound.Fields {
		switch f.Write {
		case plan.WriteCreate:
			m.creates = append(m.creates, i)
		case plan.WriteIfEmpty:
			m.fills = append(m.fills, i)
		case plan.WriteAlways:
		}
	}
}

// sum is the hash of the values that a mark remembers.
func (m *mapper) sum(values record.Record) record.Hash {
	if len(m.creates) == 0 {
		return m.hasher.Sum(values)
	}
	m.hashed = append(m.hashed[:0], values...)
	m.leave(m.hashed)
	return m.hasher.Sum(m.hashed)
}

// leave takes out what is sent at creation only.
func (m *mapper) leave(values record.Record) {
	for _, i := range m.creates {
		values[i] = record.Value{}
	}
}

// keep takes out what would fill a field that is not empty.
func (m *mapper) keep(ours, theirs record.Record) {
	for _, i := range m.fills {
		if !empty(theirs[i]) {
			ours[i] = record.Value{}
		}
	}
}

// empty reports whether there is nothing in a field.
func empty(v record.Value) bool {
	switch v.Kind {
	case record.Absent, record.Null:
		return true
	case record.Text:
		return len(v.Data) == 0
	default:
	}
	return false
}

// equal reports whether a record that exists already holds our values, as far
// as they would be sent to it.
func (m *mapper) equal(ours, theirs record.Record) bool {
	if len(m.creates)+len(m.fills) == 0 || len(ours) != len(theirs) {
		return same(ours, theirs)
	}
	m.hashed = append(m.hashed[:0], ours...)
	m.leave(m.hashed)
	m.keep(m.hashed, theirs)
	return same(m.hashed, theirs)
}

// filling are changes whose empty fields are still to be looked for.
type filling struct {
	decisions []diff.Decision
	rows      []record.Record
}

// fill puts a change aside until the destination is asked what it holds.
func (s *scan) fill(ctx context.Context, d diff.Decision, values record.Record) error {
	d.Seen.Key, d.Seen.Row, d.Mark.Key = append(record.Key(nil), d.Seen.Key...), nil, nil
	if d.Mark.Standing != nil {
		standing := *d.Mark.Standing
		d.Mark.Standing = &standing
	}
	s.filling.decisions, s.filling.rows = append(s.filling.decisions, d), append(s.filling.rows, values.Clone())
	if len(s.filling.decisions) < compareChunk {
		return nil
	}
	return s.fillEmpty(ctx)
}

// fillEmpty asks for the records that were put aside, and plans them without
// what is there already.
func (s *scan) fillEmpty(ctx context.Context) error {
	f := s.filling
	s.filling = filling{}
	if len(f.decisions) == 0 {
		return nil
	}
	reader, ok := s.p.req.Destination.(destination.Reader)
	if !ok { // bind refuses it
		return errors.New("the destination cannot be read by key")
	}
	keys, places := make([]record.Key, len(f.decisions)), make(map[record.Hash]int, len(f.decisions))
	for i, d := range f.decisions {
		keys[i], places[d.Seen.KeyHash] = d.Seen.Key, i
	}
	t := target(s.p.bound, s.p.req.RunID)
	for r, err := range reader.Read(ctx, t, keys) {
		if err != nil {
			return err
		}
		i, asked := places[record.AppendKey(nil, r[:len(t.Key)]...).Hash()]
		if !asked {
			return errors.New("the destination answered for a key that it was not asked for")
		}
		s.mapper.keep(f.rows[i], r[len(t.Key):])
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for i, d := range f.decisions {
		if err := s.put(d, record.AppendRecord(nil, f.rows[i])); err != nil {
			return err
		}
	}
	return nil
}

// checkFills refuses if_empty where nobody can tell what is empty.
func (p *Prepared) checkFills() error {
	if _, ok := p.req.Destination.(destination.Reader); ok {
		return nil
	}
	for _, f := range p.bound.Fields {
		if f.Write == plan.WriteIfEmpty {
			return &fault.Fault{
				Code: "if_empty_unsupported", Kind: fault.Config, Whose: fault.Mapping, Where: p.req.Job.Where,
				Msg:  fmt.Sprintf("job %s: fields.%s: write: if_empty: a destination of type %s cannot be read by key, so nobody can tell what is empty", p.req.Job.ID, f.Name, p.req.Job.Type),
				Hint: "use write: create, which sends the field when the record is created",
			}
		}
	}
	return nil
}
