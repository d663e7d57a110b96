// Package diff compares what the source holds with what the ledger's marks
// say was confirmed, one partition of keys at a time, and decides what has to
// be sent. It computes only: rows and files belong to the engine.
package diff

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"iter"
	"slices"

	"exposync/internal/plan"
	"exposync/internal/record"
)

// Seen is one row of the source as a scan met it.
type Seen struct {
	KeyHash record.Hash
	RowHash record.Hash
	Key     record.Key
	Row     []byte // the encoded row where the scan kept it, else nil
}

// Decision is one thing to do about a key.
type Decision struct {
	Op   record.Op   // 0: nothing to send
	Seen Seen        // zero for deletes and for keys that are gone
	Mark record.Mark // zero if the ledger knew nothing of the key
	// Forget: what stood against the key no longer matters, because its
	// values are confirmed again, the key is gone, or another mapping gives
	// it another chance. With Op 0 and without Forget, what stands against
	// the key keeps it from being sent.
	Forget bool
	// Ask: what stands against the key is due, but its row was not read: it
	// has to be fetched by its key, and decided with Settle.
	Ask bool
	// Drop: the mark's row left the window that is read, so that the mark
	// need not be remembered.
	Drop bool
	// Assume: the change in doubt counts as sent from now on. What has to be
	// done about the key beyond that is a decision of its own.
	Assume bool
	// Unfit: the row has no values that could be sent, see Unfit. Nothing is
	// decided about its key.
	Unfit bool
}

// Rules decide what a difference means for one job.
type Rules struct {
	Mode plan.Mode
	// Idempotent: a change whose fate is unknown may simply be sent again.
	Idempotent bool
	// RetryRejected sends permanent rejects again, too.
	RetryRejected bool
	// Remapped: the mapping is another one than that of the marks, so that
	// whatever was rejected under it gets another chance.
	Remapped bool
	// Partial: the rows are those of a window, not all of the source. A mark
	// without a row says nothing about it, and nothing is taken for gone.
	Partial bool
	// Forgetful: a mark without a row is no longer needed. With Partial only.
	Forgetful bool
	// RetryQuarantined sends what waits for a release, too.
	RetryQuarantined bool
	// OwnAll lets a mirror delete adopted records, too.
	OwnAll bool
	// OnInDoubt is the way out of a doubt where sending twice does harm.
	OnInDoubt plan.OnInDoubt
}

// resends reports whether a change in doubt is sent again.
func (r Rules) resends() bool { return r.Idempotent || r.OnInDoubt == plan.Resend }

// Tally counts the fates of one partition's rows and keys.
type Tally struct {
	Read, Unchanged, Create, Update, Delete int64
	Duplicate, HeldBack, Quarantined        int64
	Unfit                                   int64 // rows that Unfit marks as invalid
	Standing                                int64 // known rejects and doubts: of HeldBack and Quarantined, and of keys without a row
}

// Add sums two tallies.
func (t *Tally) Add(o Tally) {
	t.Read += o.Read
	t.Unchanged += o.Unchanged
	t.Create += o.Create
	t.Update += o.Update
	t.Delete += o.Delete
	t.Duplicate += o.Duplicate
	t.Unfit += o.Unfit
	t.HeldBack += o.HeldBack
	t.Quarantined += o.Quarantined
	t.Standing += o.Standing
}

// errOrder is a ledger's mistake. Going on would take a row for new and its
// mark for gone: a mirror would delete what it has just written.
var errOrder = errors.New("the marks of the ledger do not come in ascending order")

// Partition merges the rows of one partition with its marks, which come in
// ascending order of key hash, and emits decisions in that order. It sorts
// seen. Every row counts once in the tally; a key that occurs twice is a
// duplicate with all of its rows, and nothing is decided about it.
func Partition(seen []Seen, marks iter.Seq2[record.Mark, error], rules Rules, emit func(Decision) error) (Tally, error) {
	return (&merger{rules: rules, emit: emit, seen: seen}).run(marks)
}

// Settle decides the marks that Partition asked about with Ask, in ascending
// order, with all rows that the source has of their keys.
func Settle(seen []Seen, marks iter.Seq2[record.Mark, error], rules Rules, emit func(Decision) error) (Tally, error) {
	return (&merger{rules: rules, asked: true, emit: emit, seen: seen}).run(marks)
}

func (m *merger) run(marks iter.Seq2[record.Mark, error]) (Tally, error) {
	slices.SortFunc(m.seen, func(a, b Seen) int { return compare(&a.KeyHash, &b.KeyHash) })
	var last []byte // key hash of the mark before
	for mark, err := range marks {
		if err != nil {
			return m.tally, err
		}
		if last != nil && bytes.Compare(mark.KeyHash[:], last) <= 0 {
			return m.tally, errOrder
		}
		last = append(last[:0], mark.KeyHash[:]...)
		if err := m.rowsBefore(mark.KeyHash); err != nil {
			return m.tally, err
		}
		if err := m.mark(&mark); err != nil {
			return m.tally, err
		}
	}
	for len(m.seen) > 0 {
		if err := m.row(&record.Mark{}); err != nil {
			return m.tally, err
		}
	}
	return m.tally, nil
}

type merger struct {
	rules Rules
	asked bool // the rows are those of marks that were asked about
	emit  func(Decision) error
	seen  []Seen // not yet decided, ascending
	tally Tally
}

// rowsBefore decides the rows whose keys have no mark.
func (m *merger) rowsBefore(key record.Hash) error {
	for len(m.seen) > 0 && compare(&m.seen[0].KeyHash, &key) < 0 {
		if err := m.row(&record.Mark{}); err != nil {
			return err
		}
	}
	return nil
}

// mark decides the key of one mark, with or without a row.
func (m *merger) mark(mark *record.Mark) error {
	if len(m.seen) > 0 && m.seen[0].KeyHash == mark.KeyHash {
		return m.row(mark)
	}
	return m.gone(mark)
}

// row decides the first row of seen and takes it, with its duplicates, away.
func (m *merger) row(mark *record.Mark) error {
	first, n := &m.seen[0], 1
	for n < len(m.seen) && m.seen[n].KeyHash == first.KeyHash {
		n++
	}
	m.seen = m.seen[n:]
	m.tally.Read += int64(n)
	if n > 1 {
		m.tally.Duplicate += int64(n)
		return nil
	}
	if _, why := Unfits(first.RowHash); why != 0 {
		return m.unfit(*first, why)
	}
	if err := m.assume(mark); err != nil {
		return err
	}
	// A change in doubt may have arrived: the destination need not hold what
	// was confirmed before it, even where the source holds that again.
	if mark.Confirmed() && mark.RowHash == first.RowHash && !inDoubt(mark) {
		m.tally.Unchanged++
		return m.forget(mark)
	}
	if m.hold(mark, first.RowHash) {
		return m.emit(Decision{Mark: *mark})
	}
	if mark.Confirmed() && m.rules.Mode == plan.Insert {
		m.tally.HeldBack++
		return nil
	}
	// What stands against a key that was asked about stays until the outcome is
	// known: nothing else would bring it back after a crash.
	d := Decision{Op: record.Create, Seen: *first, Mark: *mark, Forget: m.rules.Remapped && refused(mark) && !m.asked}
	if mark.Confirmed() {
		d.Op = record.Update
		m.tally.Update++
	} else {
		m.tally.Create++
	}
	return m.emit(d)
}

// gone decides a key that the source does not hold.
func (m *merger) gone(mark *record.Mark) error {
	if err := m.assume(mark); err != nil {
		return err
	}
	if inDoubt(mark) && !m.rules.resends() {
		return m.stand(mark)
	}
	if m.rules.Partial && !m.asked {
		return m.unread(mark)
	}
	if !mark.Confirmed() {
		return m.forget(mark)
	}
	if m.rules.Mode != plan.Mirror || mark.Adopted && !m.rules.OwnAll {
		if refused(mark) {
			return m.forget(mark)
		}
		return nil // a doubt counts again when the key comes back
	}
	if s := mark.Standing; m.rules.Partial || s != nil && m.stands(*s, record.Hash{}) {
		return m.stand(mark) // of a window, nothing is deleted
	}
	m.tally.Delete++
	return m.emit(Decision{Op: record.Delete, Mark: *mark, Forget: m.rules.Remapped && refused(mark)})
}

// unread decides a mark of which no row was read. A record that changed would
// have been: what was tried last is what the source still holds.
func (m *merger) unread(mark *record.Mark) error {
	switch s := mark.Standing; {
	case s == nil && m.rules.Forgetful:
		return m.emit(Decision{Mark: *mark, Drop: true})
	case s == nil:
		return nil
	case m.stands(*s, s.RowHash):
		return m.stand(mark)
	}
	return m.emit(Decision{Mark: *mark, Ask: true})
}

// stand reports what stands against a key without a row.
func (m *merger) stand(mark *record.Mark) error {
	m.tally.Standing++
	return m.emit(Decision{Mark: *mark})
}

// hold reports whether what stands against the key keeps these values from
// being sent, and counts them.
func (m *merger) hold(mark *record.Mark, row record.Hash) bool {
	s := mark.Standing
	if s == nil || !m.stands(*s, row) {
		return false
	}
	m.tally.Standing++
	if s.State == record.Quarantined {
		m.tally.Quarantined++
	} else {
		m.tally.HeldBack++
	}
	return true
}

// stands reports whether a standing applies to an attempt with these values:
// changed values are always worth another attempt, except where the last one
// may have arrived and would be doubled.
func (m *merger) stands(s record.Standing, row record.Hash) bool {
	if s.State == record.InDoubt {
		return !m.rules.resends()
	}
	if s.RowHash != row || m.rules.Remapped {
		return false
	}
	if s.State == record.Quarantined {
		return !m.rules.RetryQuarantined
	}
	return s.Permanent && !m.rules.RetryRejected
}

// assume takes a change in doubt for sent, if that is the job's way out: the
// mark becomes what it counts as from now on.
func (m *merger) assume(mark *record.Mark) error {
	if !inDoubt(mark) || m.rules.Idempotent || m.rules.OnInDoubt != plan.AssumeSent {
		return nil
	}
	if err := m.emit(Decision{Mark: *mark, Assume: true}); err != nil {
		return err
	}
	*mark = Assumed(*mark)
	return nil
}

// Assumed is the mark of a key whose change in doubt counts as sent. Nobody
// confirmed it, so a record that was not ours before is none of ours now.
func Assumed(mark record.Mark) record.Mark {
	tried := mark.Standing.RowHash
	if tried == (record.Hash{}) { // a delete
		return record.Mark{KeyHash: mark.KeyHash}
	}
	mark.Adopted = mark.Adopted || !mark.Confirmed()
	mark.RowHash, mark.Standing = tried, nil
	return mark
}

func (m *merger) forget(mark *record.Mark) error {
	if mark.Standing == nil {
		return nil
	}
	return m.emit(Decision{Mark: *mark, Forget: true})
}

func inDoubt(mark *record.Mark) bool {
	return mark.Standing != nil && mark.Standing.State == record.InDoubt
}

// refused reports whether the destination refused the key's last change.
func refused(mark *record.Mark) bool { return mark.Standing != nil && !inDoubt(mark) }

// compare orders hashes by their bytes. A row is compared some twelve times.
func compare(a, b *record.Hash) int {
	const half = len(record.Hash{}) / 2
	if c := cmp.Compare(binary.BigEndian.Uint64(a[:half]), binary.BigEndian.Uint64(b[:half])); c != 0 {
		return c
	}
	return cmp.Compare(binary.BigEndian.Uint64(a[half:]), binary.BigEndian.Uint64(b[half:]))
}
