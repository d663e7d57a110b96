package engine

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"exposync/internal/destination"
	"exposync/internal/diff"
	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// Ids of other jobs' records are joined part by part: rows are put where the
// marks of the keys they name are, so that memory holds one part of either.

// Parent is a job whose ids others look up.
type Parent struct {
	Job         plan.Job
	Destination destination.Destination
}

// lookup is one field whose value is looked up.
type lookup struct {
	field int
	part  plan.BoundPart
	marks ledger.Sync // only looked at
	spill *spill
	key   record.Key
	tag   byte // how the keys of the other job's marks begin; 0 if it has none
	asked bool // whether tag was looked for
}

// openLookups looks at the marks of every job that is looked up, and refuses
// what will never find anything.
func (e *Engine) openLookups(ctx context.Context, p *Prepared) error {
	opened := map[string]ledger.Sync{}
	for i, f := range p.bound.Fields {
		if f.Lookup == nil {
			continue
		}
		parent, known := p.req.Parents[f.Lookup.Job]
		if !known {
			return fmt.Errorf("job %s: nobody said where %s goes to", p.req.Job.ID, f.Lookup.Job)
		}
		ids, ok := parent.Destination.(destination.Identifier)
		if !ok || !ids.Identifies(parent.Job.Object, destination.Mode(parent.Job.Mode)) {
			return &fault.Fault{
				Code: "lookup_no_ids", Kind: fault.Config, Whose: fault.Mapping, Where: f.Lookup.Where,
				Msg:  fmt.Sprintf("job %s: fields.%s: lookup: %s goes to a destination of type %s, which never tells an id of its own", p.req.Job.ID, f.Name, f.Lookup.Job, parent.Job.Type),
				Hint: "send the other record's key itself (from: …), or make its id a column of the export model",
			}
		}
		marks := opened[f.Lookup.Job]
		if marks == nil {
			var err error
			if marks, err = e.viewParent(ctx, parent); err != nil {
				return err
			}
			opened[f.Lookup.Job] = marks
			p.parents = append(p.parents, marks)
		}
		p.lookups = append(p.lookups, &lookup{field: i, part: f, marks: marks, spill: &spill{dir: e.Spool}})
	}
	return nil
}

func (e *Engine) viewParent(ctx context.Context, parent Parent) (ledger.Sync, error) {
	req := Request{Job: parent.Job, Destination: parent.Destination}
	id, err := req.account(ctx)
	if err != nil {
		return nil, err
	}
	marks, err := e.Ledger.View(ctx, id, parent.Job.Target)
	if err != nil {
		return nil, err
	}
	if marks.Header().Encoding > record.Encoding {
		_ = marks.Close()
		return nil, newerLedger(parent.Job.ID)
	}
	return marks, nil
}

func (p *Prepared) closeLookups() {
	for _, l := range p.lookups {
		l.spill.close()
	}
	for _, marks := range p.parents {
		_ = marks.Close()
	}
	p.lookups, p.parents = nil, nil
}

// route puts a mapped row where its next lookup is made, or to the end of all.
func (s *scan) route(from int, key record.Key, values record.Record) error {
	for _, l := range s.p.lookups[from:] {
		v := values[l.field]
		if v.Kind == record.Null || v.Kind == record.Absent {
			continue
		}
		l.key = record.AppendKey(l.key[:0], v)
		// The row's own key stands where a spill keeps keys; the hash is that of
		// the key it names.
		s.row = record.AppendRecord(s.row[:0], values)
		return l.spill.add(l.key.Hash(), record.Hash{}, key, s.row)
	}
	s.row = record.AppendRecord(s.row[:0], values)
	return s.spill.add(key.Hash(), s.mapper.sum(values), key, s.row)
}

// lookUp makes all lookups, one after the other.
func (s *scan) lookUp(ctx context.Context) error {
	for n, l := range s.p.lookups {
		for part := range ledger.Partitions {
			seen, err := l.spill.load(part)
			if err != nil {
				return err
			}
			if len(seen) == 0 {
				continue
			}
			slices.SortFunc(seen, func(a, b diff.Seen) int { return bytes.Compare(a.KeyHash[:], b.KeyHash[:]) })
			if err := s.join(ctx, n, part, seen); err != nil {
				return err
			}
		}
		l.spill.close()
		l.spill = &spill{dir: s.e.Spool}
	}
	return ctx.Err()
}

// join gives the rows of one part their ids.
func (s *scan) join(ctx context.Context, n, part int, seen []diff.Seen) error {
	l := s.p.lookups[n]
	for m, err := range l.marks.Marks(ctx, part) {
		if err != nil {
			return err
		}
		for len(seen) > 0 && bytes.Compare(seen[0].KeyHash[:], m.KeyHash[:]) <= 0 {
			id, there := "", false
			if seen[0].KeyHash == m.KeyHash {
				id, there = m.RemoteID, m.Confirmed()
			}
			if err := s.found(ctx, n, seen[0], id, there); err != nil {
				return err
			}
			seen = seen[1:]
		}
	}
	for _, one := range seen {
		if err := s.found(ctx, n, one, "", false); err != nil {
			return err
		}
	}
	return nil
}

// found sends a row on with what its lookup found.
func (s *scan) found(ctx context.Context, n int, one diff.Seen, id string, there bool) error {
	l := s.p.lookups[n]
	values, _, err := record.ReadRecord(one.Row, s.looked)
	if err != nil {
		return err
	}
	s.looked = values
	if id == "" {
		if err := l.mismatch(ctx, s.p.req.Job.ID, values[l.field]); err != nil {
			return err
		}
		if l.part.Lookup.Miss == plan.MissWait {
			number := s.unfit.number(l.waiting(there))
			return s.spill.add(one.Key.Hash(), diff.Unfit(number, diff.Waits), one.Key, nil)
		}
	}
	values[l.field] = l.value(id)
	return s.route(n+1, one.Key, values)
}

// value is what the field gets; an empty id is none.
func (l *lookup) value(id string) record.Value {
	switch {
	case id != "":
		return record.Value{Kind: record.Text, Data: []byte(id)}
	case l.part.Lookup.Miss == plan.MissClear && l.part.Nulls != plan.Skip:
		return record.Value{Kind: record.Null}
	}
	return record.Value{}
}

// waiting is the group of records that wait; there: the other record was
// sent or taken over, but its id was never told.
func (l *lookup) waiting(there bool) plan.RejectGroup {
	why := "it has not sent that record yet"
	if there {
		why = "the destination never told the id of that record"
	}
	return plan.RejectGroup{
		Code: "lookup_miss", Reason: fmt.Sprintf("%s: lookup %s: %s", l.part.Name, l.part.Lookup.Job, why), Records: 1, State: plan.StateWaiting,
	}
}

// look finds out, once, how the keys of the other job begin.
func (l *lookup) look(ctx context.Context) error {
	for part := 0; part < ledger.Partitions && !l.asked; part++ {
		for m, err := range l.marks.Marks(ctx, part) {
			if err != nil {
				return err
			}
			if len(m.Key) > 0 {
				l.tag, l.asked = m.Key[0], true
				return nil
			}
		}
	}
	l.asked = true
	return nil
}

// mismatch is the fault of keys of different types, which never meet.
func (l *lookup) mismatch(ctx context.Context, job string, v record.Value) error {
	if err := l.look(ctx); err != nil {
		return err
	}
	tag := record.AppendCanonical(nil, v)[0]
	if l.tag == 0 || l.tag == tag {
		return nil
	}
	return &fault.Fault{
		Code: "lookup_type", Kind: fault.Config, Whose: fault.Mapping, Where: l.part.Lookup.Where,
		Msg:  fmt.Sprintf("job %s: fields.%s: lookup: %s holds values of type %s, which the key of %s is not, so nothing would ever be found", job, l.part.Name, l.part.Column, v.Kind, l.part.Lookup.Job),
		Hint: "bring the column to the type of that key: cast: text, or cast: integer",
	}
}

// lookUpOne gives one record its ids.
func (p *Prepared) lookUpOne(ctx context.Context, values record.Record) error {
	for _, l := range p.lookups {
		v := values[l.field]
		if v.Kind == record.Null || v.Kind == record.Absent {
			continue
		}
		hash, id, there := record.AppendKey(nil, v).Hash(), "", false
		for m, err := range l.marks.Marks(ctx, int(hash[0])) {
			if err != nil {
				return err
			}
			if m.KeyHash == hash {
				id, there = m.RemoteID, m.Confirmed()
				break
			}
		}
		if id == "" && l.part.Lookup.Miss == plan.MissWait {
			g := l.waiting(there)
			return &fault.Fault{
				Code: g.Code, Kind: fault.Blocked, Whose: fault.Mapping, Where: l.part.Lookup.Where,
				Msg: "job " + p.req.Job.ID + ": the record waits: " + g.Reason, Hint: "exposync run --select " + l.part.Lookup.Job + ", then try again",
			}
		}
		values[l.field] = l.value(id)
	}
	return nil
}
