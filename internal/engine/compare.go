package engine

import (
	"bytes"
	"context"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// compareChunk is how many keys the destination is asked for at a time.
const compareChunk = 5000

// compare reads the destination's records for the creates that were put
// aside: equal ones are adopted, different ones become updates. Insert never
// writes over a record, so it adopts those, too.
func (s *scan) compare(ctx context.Context) error {
	if len(s.asking) == 0 {
		return nil
	}
	theirs, err := s.theirs(ctx)
	if err != nil {
		return err
	}
	for _, d := range s.asking {
		held, there := theirs[d.Seen.KeyHash]
		if there {
			ours, _, err := record.ReadRecord(d.Seen.Row, nil)
			if err != nil {
				return err
			}
			if s.p.req.Job.Mode == plan.Insert || same(ours, held) {
				if err := s.adopt(d); err != nil {
					return err
				}
				continue
			}
			d.Op = record.Update
		}
		if err := s.write(d, d.Seen.Row); err != nil {
			return err
		}
	}
	s.asking = s.asking[:0]
	s.release()
	return nil
}

// theirs reads the records the destination has for the keys put aside.
func (s *scan) theirs(ctx context.Context) (map[record.Hash]record.Record, error) {
	reader, ok := s.p.req.Destination.(destination.Reader)
	if !ok {
		return nil, &fault.Fault{
			Code: "compare_unsupported", Kind: fault.Config, Whose: fault.Destination, Where: "job " + s.p.req.Job.ID,
			Msg:  "a destination of type " + s.p.req.Job.Type + " cannot be read by key, so the first run cannot compare",
			Hint: "exposync run --first send (sends every record) or --first adopt (takes every record as sent)",
		}
	}
	t := target(s.p.bound, s.p.req.RunID)
	keys := make([]record.Key, len(s.asking))
	for i, d := range s.asking {
		keys[i] = d.Seen.Key
	}
	theirs := make(map[record.Hash]record.Record, len(keys))
	for r, err := range reader.Read(ctx, t, keys) {
		if err != nil {
			return nil, err
		}
		key := record.AppendKey(nil, r[:len(t.Key)]...)
		theirs[key.Hash()] = r[len(t.Key):].Clone()
	}
	return theirs, nil
}

// same reports whether the destination already holds our values; a field that
// is not sent does not count.
func same(ours, theirs record.Record) bool {
	if len(ours) != len(theirs) {
		return false
	}
	for i := range ours {
		if ours[i].Kind == record.Absent {
			continue
		}
		if !bytes.Equal(record.AppendCanonical(nil, ours[i]), record.AppendCanonical(nil, theirs[i])) {
			return false
		}
	}
	return true
}
