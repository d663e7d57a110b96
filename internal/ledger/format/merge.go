package format

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"slices"

	"exposync/internal/ledger"
	"exposync/internal/record"
)

// Merged yields the marks of one partition as they are after the overlay was
// folded into the snapshot. A mark is valid until the next.
func Merged(ctx context.Context, s *Snapshot, o *Overlay, part int) iter.Seq2[record.Mark, error] {
	if o == nil || !o.Touches(part) {
		return s.Marks(ctx, part)
	}
	return func(yield func(record.Mark, error) bool) {
		c, err := o.open(part)
		if err != nil {
			yield(record.Mark{}, err)
			return
		}
		defer c.close()
		m := &merger{c: c, since: o.Since, yield: yield}
		for mark, err := range s.Marks(ctx, part) {
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

// Fold is the header of the marks that come out when a journal is merged into
// those with the header h. Marks and Standing are still to be counted.
func (o *Overlay) Fold(h, told ledger.Header) ledger.Header {
	next := h.Next(told)
	for i := range o.Jobs {
		next.Jobs = ledger.FoldJobs(next.Jobs, &o.Jobs[i])
	}
	return next
}

// Write writes the marks with the overlay over them, and gives the header of
// what was written.
func Write(ctx context.Context, to io.Writer, h ledger.Header, s *Snapshot, o *Overlay) (ledger.Header, error) {
	w, err := NewWriter(to, h)
	if err != nil {
		return h, err
	}
	for part := range ledger.Partitions {
		for m, err := range Merged(ctx, s, o, part) {
			if err == nil {
				err = w.Add(&m)
			}
			if err != nil {
				return h, err
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return h, err
	}
	return w.Finish()
}

// View is marks with a journal over them, as if it were folded.
type View struct {
	marks  *Snapshot
	over   *Overlay
	header ledger.Header
}

// NewView counts the header that a fold of the journal would make of the one
// that the marks have. encoding is that of the journal's hashes. The view takes
// over both, even if it fails.
func NewView(ctx context.Context, h ledger.Header, s *Snapshot, o *Overlay, encoding int) (*View, error) {
	v := &View{marks: s, over: o, header: h}
	if err := v.count(ctx, encoding); err != nil {
		return nil, errors.Join(err, v.Close())
	}
	return v, nil
}

// Header tells about the marks with the journal folded.
func (v *View) Header() ledger.Header {
	h := v.header
	h.Jobs = slices.Clone(h.Jobs)
	return h
}

// Marks yields a partition with the journal folded.
func (v *View) Marks(ctx context.Context, part int) iter.Seq2[record.Mark, error] {
	return Merged(ctx, v.marks, v.over, part)
}

func (v *View) count(ctx context.Context, encoding int) error {
	if v.over == nil || v.over.Entries == 0 {
		return nil
	}
	v.header.Generation++
	v.header.Leftover = true
	if v.header.Encoding == 0 {
		v.header.Encoding = encoding
	}
	for i := range v.over.Jobs {
		v.header.Jobs = ledger.FoldJobs(v.header.Jobs, &v.over.Jobs[i])
	}
	for part := range ledger.Partitions {
		if !v.over.Touches(part) {
			continue
		}
		confirmed, standing := v.marks.Count(part)
		v.header.Marks -= confirmed
		v.header.Standing -= standing
		for m, err := range v.Marks(ctx, part) {
			if err != nil {
				return err
			}
			if m.Confirmed() {
				v.header.Marks++
			}
			if m.Standing != nil {
				v.header.Standing++
			}
		}
	}
	return nil
}

// Append refuses: a view has no lease.
func (v *View) Append(context.Context, ...ledger.Entry) error { return errView }

// Fold refuses: a view has no lease.
func (v *View) Fold(context.Context, ledger.Header) error { return errView }

// Close releases the files.
func (v *View) Close() error { return errors.Join(v.marks.Close(), v.over.Close()) }

var errView = errors.New("the ledger of this sync was opened for reading only")
