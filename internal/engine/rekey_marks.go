package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"strings"

	"exposync/internal/diff"
	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// rekeying is one reading of the source by the old key and by the new one.
// Memory holds one part of the keys at a time.
type rekeying struct {
	e   *Engine
	req Request
	out *Rekeyed

	rows  spill // by old key: RowHash is the new key's hash (zero: it has none), Row the new key
	fresh spill // by new key: Row is the mark that it gets, empty for none
}

func (r *rekeying) close() {
	r.rows.close()
	r.fresh.close()
}

// read learns of every row which new key belongs to which old one.
func (r *rekeying) read(ctx context.Context) error {
	r.rows.dir, r.fresh.dir = r.e.Spool, r.e.Spool
	snap, err := r.req.Warehouse.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = snap.Close() }()
	columns, err := snap.Columns(ctx, r.req.Job.Source.Relation)
	if err != nil {
		return err
	}
	bound, err := r.bind(columns)
	if err != nil {
		return err
	}
	query := warehouse.Query{Relation: r.req.Job.Source.Relation, Columns: bound.Columns}
	for _, k := range bound.Key {
		if k.Derive == nil {
			query.Key = append(query.Key, k.Column)
		}
	}
	is, was := newMapper(plan.Bound{Key: bound.Key}), newMapper(plan.Bound{Key: bound.Fields})
	for row, err := range snap.Rows(ctx, query) {
		if err != nil {
			return err
		}
		if err := r.row(is, was, row); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (r *rekeying) row(is, was *mapper, row record.Record) error {
	key, keyed := is.key(row)
	before, known := was.key(row)
	var hash record.Hash
	if keyed {
		hash = key.Hash()
	}
	switch {
	case known:
		return r.rows.add(before.Hash(), hash, nil, key)
	case keyed: // a record of its own, without a mark
		return r.fresh.add(hash, record.Hash{}, key, nil)
	}
	return nil
}

// bind finds the columns of both keys: the old one's as its fields.
func (r *rekeying) bind(columns []record.Column) (plan.Bound, error) {
	job := r.req.Job
	job.Fields, job.AllFields = nil, false
	if _, problems := plan.Bind(job, columns); len(problems) > 0 {
		return plan.Bound{}, problems
	}
	var missing []string
	for i, theirs := range r.out.From.Key {
		ours := r.column(theirs)
		probe := plan.Job{Key: []plan.KeyField{{Field: theirs, Column: ours}}}
		if _, problems := plan.Bind(probe, columns); len(problems) > 0 {
			missing = append(missing, theirs)
		}
		// The name is nobody's, so that it does not collide with the new key's.
		job.Fields = append(job.Fields, plan.Field{Name: fmt.Sprintf("\x00%d", i), Column: ours})
	}
	if len(missing) > 0 {
		return plan.Bound{}, &fault.Fault{
			Code: "rekey_columns", Kind: fault.Config, Whose: fault.Mapping, Where: job.Where,
			Msg: fmt.Sprintf("job %s: records were confirmed under %s, and %s has no column for it any more, so nobody can say which of them is which",
				job.ID, strings.Join(missing, ", "), job.Source.Name),
			Hint: fmt.Sprintf("put the column back beside the new key until this is done; or forget what was confirmed: exposync ledger reset %s --target %s", job.ID, job.Target),
		}
	}
	bound, problems := plan.Bind(job, columns)
	return bound, problems.Err()
}

// column is the column that a field of the old key comes from: as the job maps
// it today, else the one of the same name. A wrong guess finds no marks, and
// the counts show it.
func (r *rekeying) column(theirs string) string {
	for _, k := range r.req.Job.Key {
		if k.Field == theirs {
			return k.Column
		}
	}
	for _, f := range r.req.Job.Fields {
		if f.Name == theirs && f.Column != "" {
			return f.Column
		}
	}
	return theirs
}

// same yields the marks as they are, and counts them.
func (r *rekeying) same(ctx context.Context, src ledger.Sync) iter.Seq2[record.Mark, error] {
	return func(yield func(record.Mark, error) bool) {
		for m, err := range ledger.All(ctx, src) {
			if err == nil {
				r.count(m)
				if m.Confirmed() {
					r.out.Carried++
				}
			}
			if !yield(m, err) {
				return
			}
		}
	}
}

func (r *rekeying) count(m record.Mark) {
	if m.Confirmed() {
		r.out.Confirmed++
	}
	if m.Standing != nil {
		r.out.Standing++
	}
}

// marks yields the marks of src under the new keys, in ascending order.
func (r *rekeying) marks(ctx context.Context, src ledger.Sync) iter.Seq2[record.Mark, error] {
	return func(yield func(record.Mark, error) bool) {
		for part := range ledger.Partitions {
			if err := r.match(ctx, src, part); err != nil {
				yield(record.Mark{}, err)
				return
			}
		}
		for part := range ledger.Partitions {
			more, err := r.renewed(part, yield)
			if err != nil {
				yield(record.Mark{}, err)
			}
			if err != nil || !more {
				return
			}
		}
	}
}

// match finds for the marks of one part their rows.
func (r *rekeying) match(ctx context.Context, src ledger.Sync, part int) error {
	seen, err := r.sorted(&r.rows, part)
	if err != nil {
		return err
	}
	for m, err := range src.Marks(ctx, part) {
		if err != nil {
			return err
		}
		r.count(m)
		for len(seen) > 0 && bytes.Compare(seen[0].KeyHash[:], m.KeyHash[:]) < 0 {
			if err := r.unmarked(seen[0]); err != nil {
				return err
			}
			seen = seen[1:]
		}
		matched, err := r.matched(seen, m)
		if err != nil {
			return err
		}
		if matched {
			seen = seen[1:]
		} // else its rows follow, as rows without a mark
	}
	for _, s := range seen {
		if err := r.unmarked(s); err != nil {
			return err
		}
	}
	return nil
}

// matched gives a mark to the new key of its row, if it has one row and that
// has a new key.
func (r *rekeying) matched(seen []diff.Seen, m record.Mark) (bool, error) {
	switch n := equalKeys(seen); {
	case n == 0 || seen[0].KeyHash != m.KeyHash:
		r.out.Gone++
		return false, nil
	case n > 1 || seen[0].RowHash == (record.Hash{}):
		r.out.Unclear++
		return false, nil
	}
	return true, r.fresh.add(seen[0].RowHash, record.Hash{}, seen[0].Row, appendCarried(nil, m))
}

// unmarked keeps the new key of a row that brings no mark: it may be another
// row's new key, too.
func (r *rekeying) unmarked(s diff.Seen) error {
	if s.RowHash == (record.Hash{}) {
		return nil
	}
	return r.fresh.add(s.RowHash, record.Hash{}, s.Row, nil)
}

// renewed yields the marks of one part of the new keys. A key that several
// rows have gets none.
func (r *rekeying) renewed(part int, yield func(record.Mark, error) bool) (more bool, err error) {
	seen, err := r.sorted(&r.fresh, part)
	if err != nil {
		return false, err
	}
	for len(seen) > 0 {
		n := equalKeys(seen)
		group := seen[:n]
		seen = seen[n:]
		for _, s := range group {
			if len(s.Row) == 0 {
				continue
			}
			if n > 1 {
				r.out.Unclear++
				continue
			}
			m, err := readCarried(s)
			if err != nil {
				return false, err
			}
			if m.Confirmed() {
				r.out.Carried++
				r.out.Again++
			}
			if !yield(m, nil) {
				return false, nil
			}
		}
	}
	return true, nil
}

func (r *rekeying) sorted(s *spill, part int) ([]diff.Seen, error) {
	seen, err := s.load(part)
	slices.SortFunc(seen, func(a, b diff.Seen) int { return bytes.Compare(a.KeyHash[:], b.KeyHash[:]) })
	return seen, err
}

// equalKeys is how many rows at the front have one key.
func equalKeys(seen []diff.Seen) int {
	n := 0
	for n < len(seen) && seen[n].KeyHash == seen[0].KeyHash {
		n++
	}
	return n
}

// appendCarried writes what a mark brings to its new key. The values that were
// confirmed are not among it: under another key they prove nothing.
func appendCarried(dst []byte, m record.Mark) []byte {
	const confirmed, adopted, standing, permanent = 1, 2, 4, 8
	var f byte
	if m.Confirmed() {
		f |= confirmed
	}
	if m.Adopted {
		f |= adopted
	}
	s := record.Standing{}
	if m.Standing != nil {
		f |= standing
		s = *m.Standing
	}
	if s.Permanent {
		f |= permanent
	}
	dst = append(append(dst, f, byte(s.State)), s.RowHash[:]...)
	dst = binary.AppendVarint(binary.AppendUvarint(dst, uint64(s.Attempts)), s.Since) //nolint:gosec // a small count
	return appendBytes(appendBytes(appendBytes(dst, m.RemoteID), s.Code), s.Reason)
}

// readCarried makes the mark under the new key.
func readCarried(seen diff.Seen) (record.Mark, error) {
	m := record.Mark{KeyHash: seen.KeyHash, Key: seen.Key}
	var s record.Standing
	if len(seen.Row) < 2+len(s.RowHash) {
		return m, errChanges
	}
	f := seen.Row[0]
	s.State = record.StandingState(seen.Row[1])
	b := seen.Row[2:]
	in := reader{b: b[copy(s.RowHash[:], b):]}
	s.Attempts, s.Since = int(in.uvarint()), in.varint() //nolint:gosec // written from an int
	m.RemoteID = string(in.bytes())
	s.Code, s.Reason, s.Permanent = string(in.bytes()), string(in.bytes()), f&8 != 0
	if in.bad || len(in.b) > 0 {
		return m, errChanges
	}
	m.Adopted = f&2 != 0
	if f&1 != 0 {
		m.RowHash = uncertain()
	}
	if f&4 != 0 {
		m.Standing = &s
	}
	return m, nil
}
