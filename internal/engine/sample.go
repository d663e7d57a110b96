package engine

import (
	"bytes"
	"context"
	"slices"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// hashAt is where the key's hash stands in a frame.
const hashAt, hashEnd = 1, 1 + len(record.Hash{})

// Mapping says which column goes to which field, key first.
func (p *Prepared) Mapping() []plan.Mapped {
	out := make([]plan.Mapped, 0, len(p.bound.Key)+len(p.bound.Fields))
	for _, k := range p.bound.Key {
		out = append(out, plan.Mapped{Field: k.Name, Column: k.Column, Key: true})
	}
	for _, f := range p.bound.Fields {
		out = append(out, plan.Mapped{Field: f.Name, Column: f.Column})
	}
	return out
}

// Samples shows up to n creates, n updates and n deletes of the plan, each
// value as far as its column may be shown. The picked records are asked for
// at the destination, where it can be read by key. A plan has the same samples
// in whatever order its rows were read: those with the smallest key hashes.
func (p *Prepared) Samples(ctx context.Context, n int, showing func(column string) plan.Showing) (plan.Samples, error) {
	out := plan.Samples{Records: []plan.Sample{}}
	picked, err := p.pick(n)
	if err != nil {
		return out, err
	}
	held, why, err := p.held(ctx, picked)
	if err != nil {
		return out, orInterrupted(ctx, p.req.Job.ID, err)
	}
	out.Before = why
	m := &masker{showing: showing, seen: map[string]map[string]int{}}
	for _, ch := range picked {
		s := plan.Sample{Op: ch.Op.String(), Known: held != nil && ch.Op != record.Create, Key: []plan.Cell{}, Fields: []plan.Cell{}}
		for i, k := range p.bound.Key {
			s.Key = append(s.Key, plan.Cell{Field: k.Name, After: m.text(k, ch.KeyVals[i])})
		}
		before, there := held[ch.KeyHash]
		s.Missing = s.Known && !there
		s.Fields = append(s.Fields, m.cells(p.bound.Fields, before, ch.Values)...)
		out.Records = append(out.Records, s)
	}
	return out, nil
}

// cells are the fields of one record: without before all that are sent,
// otherwise those that differ.
func (m *masker) cells(fields []plan.BoundPart, before, after record.Record) []plan.Cell {
	var out []plan.Cell
	for i, f := range fields {
		c := plan.Cell{Field: f.Name}
		if after != nil {
			if after[i].Kind == record.Absent || before != nil && same(after[i:i+1], before[i:i+1]) {
				continue
			}
			c.After = m.text(f, after[i])
		}
		if before != nil {
			f.Value = nil // what stands there is theirs, not the declared constant
			c.Before = m.text(f, before[i])
		}
		if c.Before != "" || c.After != "" {
			out = append(out, c)
		}
	}
	return out
}

// pick gives up to n changes of each operation, creates first.
func (p *Prepared) pick(n int) ([]record.Change, error) {
	byOp := map[record.Op][][]byte{}
	for _, list := range []*changes{p.writes, p.deletes} {
		for frame, err := range list.frames() {
			if err != nil {
				return nil, err
			}
			op := record.Op(frame[0])
			byOp[op] = smallest(byOp[op], frame, n)
		}
	}
	kinds := make([]record.Kind, len(p.bound.Key))
	for i, k := range p.bound.Key {
		kinds[i] = k.Kind
	}
	var out []record.Change
	for _, op := range []record.Op{record.Create, record.Update, record.Delete} {
		for _, frame := range byOp[op] {
			ch, _, _, err := decode(frame, nil)
			if err != nil {
				return nil, err
			}
			exactKinds(ch.KeyVals, kinds)
			out = append(out, ch)
		}
	}
	return out, nil
}

// smallest puts a copy of frame among the n with the smallest key hashes.
func smallest(frames [][]byte, frame []byte, n int) [][]byte {
	at, _ := slices.BinarySearchFunc(frames, frame, func(a, b []byte) int { return bytes.Compare(a[hashAt:hashEnd], b[hashAt:hashEnd]) })
	if at >= n {
		return frames
	}
	frames = slices.Insert(frames, at, bytes.Clone(frame))
	return frames[:min(len(frames), n)]
}

// held reads what the destination has of the records that would be changed
// or deleted. It is nil if that cannot be known, and the text says why.
func (p *Prepared) held(ctx context.Context, picked []record.Change) (map[record.Hash]record.Record, string, error) {
	var keys []record.Key
	for _, ch := range picked {
		if ch.Op != record.Create {
			keys = append(keys, ch.Key)
		}
	}
	reader, ok := p.req.Destination.(destination.Reader)
	switch {
	case len(keys) == 0:
		return nil, "", nil
	case p.req.Job.Mode == plan.Append:
		return nil, "not known (mode append adds records and changes none)", nil
	case !ok:
		return nil, "not known (the destination cannot be read by key)", nil
	}
	t, held := target(p.bound, p.req.RunID), map[record.Hash]record.Record{}
	for r, err := range reader.Read(ctx, t, keys) {
		switch {
		case ctx.Err() != nil:
			return nil, "", ctx.Err()
		case err != nil:
			return nil, "not known (reading the destination failed: " + fault.All(err)[0].Code + ")", nil
		}
		held[record.AppendKey(nil, r[:len(t.Key)]...).Hash()] = r[len(t.Key):].Clone()
	}
	return held, "read from the destination", nil
}
