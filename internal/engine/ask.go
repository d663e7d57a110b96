package engine

import (
	"context"
	"iter"

	"exposync/internal/diff"
	"exposync/internal/record"
)

// askChunk is how many records are fetched by key at a time because something
// stands against them: their rows are held in memory.
const askChunk = 10_000

// recall puts a mark aside whose record is due, but is outside of what was read.
func (s *scan) recall(ctx context.Context, m record.Mark) error {
	m.Key = append(record.Key(nil), m.Key...)
	standing := *m.Standing
	m.Standing = &standing
	if s.asked = append(s.asked, m); len(s.asked) < askChunk {
		return nil
	}
	return s.settleAsked(ctx)
}

// settleAsked fetches the rows of the marks put aside and decides them: a
// record comes back when it is due, wherever its row is.
func (s *scan) settleAsked(ctx context.Context) error {
	if len(s.asked) == 0 {
		return nil
	}
	marks := s.asked
	s.asked = nil
	keys, wanted := make([]record.Key, len(marks)), make(map[record.Hash]bool, len(marks))
	for i, m := range marks {
		keys[i], wanted[m.KeyHash] = m.Key, true
	}
	var seen []diff.Seen
	for r, err := range s.snap.Fetch(ctx, wholeQuery(s.p.bound), keys) {
		if err != nil {
			return err
		}
		s.window.count(r)
		key, ok := s.mapper.key(r)
		if !ok || !wanted[key.Hash()] {
			continue
		}
		one := diff.Seen{KeyHash: key.Hash(), Key: append(record.Key(nil), key...)}
		if values, failed := s.mapper.values(r); failed != nil {
			one.RowHash = s.unfit.hash(failed)
		} else {
			one.RowHash, one.Row = s.mapper.sum(values), record.AppendRecord(nil, values)
		}
		seen = append(seen, one)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	tally, err := diff.Settle(seen, each(marks), s.rules, func(d diff.Decision) error { return s.take(ctx, d) })
	if err != nil {
		return err
	}
	s.tally.Add(tally)
	return nil
}

func each(marks []record.Mark) iter.Seq2[record.Mark, error] {
	return func(yield func(record.Mark, error) bool) {
		for _, m := range marks {
			if !yield(m, nil) {
				return
			}
		}
	}
}
