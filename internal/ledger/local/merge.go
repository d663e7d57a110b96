package local

import (
	"bytes"
	"context"
	"iter"

	"exposync/internal/ledger"
	"exposync/internal/record"
)

// merged yields the marks of one partition as they are after the overlay was
// folded into the snapshot. A mark is valid until the next.
func merged(ctx context.Context, s *snapshot, o *overlay, part int) iter.Seq2[record.Mark, error] {
	if o == nil || !o.touches(part) {
		return s.marks(ctx, part)
	}
	return func(yield func(record.Mark, error) bool) {
		c, err := o.open(part)
		if err != nil {
			yield(record.Mark{}, err)
			return
		}
		defer c.close()
		m := &merger{c: c, since: o.info.Started, yield: yield}
		for mark, err := range s.marks(ctx, part) {
			if err != nil {
				yield(record.Mark{}, err)
				return
			}
			if !m.before(&mark) || !m.mark(&mark) {
				return
			}
		}
		m.before(nil)
	}
}

// merger puts entries over marks.
type merger struct {
	c     *cursor
	since int64
	yield func(record.Mark, error) bool
	key   []byte // of the mark that is made, because entries do not last
}

// before yields the keys that only the overlay knows, up to the mark, or all
// that are left if there is none. It is false when nothing more is wanted.
func (m *merger) before(mark *record.Mark) bool {
	for {
		key, ok := m.c.peek()
		if !ok || mark != nil && bytes.Compare(key[:], mark.KeyHash[:]) >= 0 {
			return true
		}
		if !m.replay(record.Mark{KeyHash: key}) {
			return false
		}
	}
}

// mark yields a mark of the snapshot, with what the overlay says about it.
func (m *merger) mark(mark *record.Mark) bool {
	if key, ok := m.c.peek(); !ok || key != mark.KeyHash {
		return m.yield(*mark, nil)
	}
	return m.replay(*mark)
}

// replay folds every entry about one key, and yields what remains.
func (m *merger) replay(mark record.Mark) bool {
	r := ledger.Replay{Mark: mark, Since: m.since}
	for {
		r.Apply(m.c.entry())
		if len(r.Mark.Key) > 0 {
			m.key = append(m.key[:0], r.Mark.Key...)
			r.Mark.Key = m.key
		}
		if err := m.c.advance(); err != nil {
			m.yield(record.Mark{}, err)
			return false
		}
		if next, ok := m.c.peek(); !ok || next != mark.KeyHash {
			break
		}
	}
	if !r.Known() {
		return true
	}
	return m.yield(r.Mark, nil)
}
