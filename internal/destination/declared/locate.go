package declared

import (
	"context"
	"errors"
	"slices"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/record"
	"exposync/internal/rest"
)

// Some services update and delete by their own id only. An operation with
// `locate` asks for the ids first, by key and in the way of `read`: of all its
// records (always), or of those whose id no earlier answer told (unknown).
// What is not there is then neither created nor taken for done.

// The words of ops.….locate.
const (
	locateAlways  = "always"
	locateUnknown = "unknown"
)

// located gives the batch with the ids that the service tells, and which of
// mine are still to be sent: the outcomes of all others are in out. An error
// of the reading is the outcome of every record: nothing was written.
func (s *sender) located(ctx context.Context, batch []record.Change, mine func(int) bool, out []destination.Outcome) ([]record.Change, func(int) bool) {
	look, err := s.looker()
	at, settled := map[record.Hash][]int{}, map[int]bool{}
	var keys []record.Key
	for i := range batch {
		switch h := batch[i].Key.Hash(); {
		case !mine(i), s.op.locate != locateAlways && batch[i].RemoteID != "":
		case err == nil && look.unaskable(&batch[i]): // the others can be asked for
			out[i], settled[i] = look.refused(), true
		default:
			if at[h] == nil {
				keys = append(keys, batch[i].Key)
			}
			at[h] = append(at[h], i)
		}
	}
	left := func(i int) bool { return mine(i) && !settled[i] }
	if len(keys) == 0 {
		return batch, left
	}
	var ids map[record.Hash][]string
	if err == nil {
		ids, err = s.ids(ctx, look, keys)
	}
	batch = slices.Clone(batch)
	for h, places := range at {
		for _, i := range places {
			if err != nil {
				out[i], settled[i] = unlocated(err), true
				continue
			}
			out[i], settled[i] = s.place(&batch[i], ids[h], out[i])
		}
	}
	return batch, left
}

// place gives a change the id that was found, or the outcome of one of which
// there is not one.
func (s *sender) place(ch *record.Change, found []string, o destination.Outcome) (_ destination.Outcome, settled bool) {
	switch {
	case len(found) != 1:
		return notOne(ch.Op, len(found)), true
	case ch.Op == record.Delete && ch.RemoteID != "" && ch.RemoteID != found[0]:
		return replaced(), true
	}
	ch.RemoteID = found[0]
	return o, false
}

// looker reads the ids of the target's records.
func (s *sender) looker() (*looker, error) {
	t := s.target
	t.Fields = nil
	return s.d.newLooker(t)
}

// ids asks for the ids of keys; a key may have none, or several.
func (s *sender) ids(ctx context.Context, l *looker, keys []record.Key) (map[record.Hash][]string, error) {
	ids := make(map[record.Hash][]string, len(keys))
	for chunk := range l.chunks(keys) {
		for found, err := range l.entries(ctx, chunk) {
			if err != nil {
				return nil, err
			}
			if found.id == "" {
				return nil, s.d.unreadable("read", "it does not say "+l.spec.id+", the id of a record")
			}
			h := record.AppendKey(nil, found.record[:len(l.t.Key)]...).Hash()
			if !slices.Contains(ids[h], found.id) { // pages move while they are read
				ids[h] = append(ids[h], found.id)
			}
		}
	}
	return ids, nil
}

// notOne is the outcome of a record of which the service holds none, or
// several.
func notOne(op record.Op, found int) destination.Outcome {
	switch {
	case found > 1:
		return destination.Outcome{State: destination.Rejected, Code: "ambiguous", Message: "the destination holds several records with this key"}
	case op == record.Delete:
		return destination.Outcome{State: destination.OK} // gone already
	}
	return destination.Outcome{State: destination.Rejected, Code: "not_found", Message: "no record has this key"}
}

// replaced is the outcome of a delete that would hit another record than the
// one that was written.
func replaced() destination.Outcome {
	return destination.Outcome{
		State: destination.Rejected, Code: "replaced",
		Message: "the record with this key is not the one that was written: somebody made it anew",
	}
}

// unlocated is the outcome of records whose ids could not be asked for.
func unlocated(err error) destination.Outcome {
	o := destination.Outcome{State: destination.Retry, Code: rest.CodeUnavailable, Message: "the ids of the records could not be asked for"}
	f := (*fault.Fault)(nil)
	if errors.As(err, &f) {
		o.Code, o.Message = f.Code, f.Msg
		switch {
		case f.Code == rest.CodeAuth:
			o.State = destination.Auth
		case f.Code == rest.CodeInterrupted:
			o.State = destination.NotSent
		case f.Kind == fault.Config || f.Code == rest.CodeQuota || f.Code == rest.CodeStopped:
			o.State = destination.Stop
		}
	}
	return o
}

// partial says what is wrong with a job whose records may come with fields
// left out, where the service takes whole records only.
func (s *sender) partial(c *compiler) {
	if len(s.target.Key) != 1 || !slices.Contains(s.op.noPartial, s.target.Key[0].Name) {
		return
	}
	for _, f := range s.target.Fields {
		if f.Partial || f.SkipNulls {
			c.failf("with %s as key it takes whole records only, but %q is left out of some: "+
				"use another field with unique values as key, or write it always and with nulls: clear", s.target.Key[0].Name, f.Name)
		}
	}
}
