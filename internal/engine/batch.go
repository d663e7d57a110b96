package engine

import (
	"exposync/internal/destination"
	"exposync/internal/record"
)

// batch is a run of consecutive changes, copied once.
type batch struct {
	buf      []byte
	ends     []int
	ordinals []int64
	bytes    int
}

// newBatch expects about as many bytes as the batch before had.
func newBatch(bytes int) *batch { return &batch{buf: make([]byte, 0, bytes)} }

func (b *batch) add(frame []byte, ordinal int64, size int) {
	b.buf = append(b.buf, frame...)
	b.ends = append(b.ends, len(b.buf))
	b.ordinals = append(b.ordinals, ordinal)
	b.bytes += size
}

// decode gives the batch's changes, which share its bytes.
func (b *batch) decode(kinds []record.Kind) (lot, error) {
	l := lot{changes: make([]record.Change, len(b.ends)), ways: make([]way, len(b.ends))}
	var slab record.Record
	start := 0
	for i, end := range b.ends {
		ch, f, grown, err := decode(b.buf[start:end:end], slab)
		if err != nil {
			return lot{}, err
		}
		if i == 0 { // the others are about as wide
			slab = make(record.Record, 0, (len(ch.KeyVals)+len(ch.Values))*(len(b.ends)-1))
		} else {
			slab = grown
		}
		exactKinds(ch.KeyVals, kinds)
		l.changes[i], l.ways[i], start = ch, way{ordinal: b.ordinals[i], flags: f}, end
	}
	return l, nil
}

// exactKinds gives numbers of a key the kind of their column: the encoding of
// keys knows only one kind of number.
func exactKinds(key record.Record, kinds []record.Kind) {
	for i := range min(len(key), len(kinds)) {
		if k := kinds[i]; key[i].Kind == record.Decimal && (k == record.Int || k == record.Float) {
			key[i].Kind = k
		}
	}
}

// lot is changes on their way to the destination.
type lot struct {
	changes []record.Change
	ways    []way // one for each
}

// way is what is known about a change's way so far.
type way struct {
	ordinal   int64
	flags     flags
	announced bool                 // the journal's last word is Sending
	doubt     *destination.Outcome // the answer after which it may have arrived, nil if none
}

func (l *lot) len() int { return len(l.changes) }

func (l *lot) add(ch record.Change, w way) {
	l.changes, l.ways = append(l.changes, ch), append(l.ways, w)
}

// cut gives the changes from one place to another.
func (l *lot) cut(from, to int) lot {
	return lot{changes: l.changes[from:to:to], ways: l.ways[from:to:to]}
}

// bits is a set of ordinals.
type bits struct {
	words []uint64
	count int64
}

func (s *bits) add(n int64) {
	for int64(len(s.words)) <= n/64 {
		s.words = append(s.words, 0)
	}
	s.words[n/64] |= 1 << (n % 64)
	s.count++
}

func (s *bits) has(n int64) bool {
	return n/64 < int64(len(s.words)) && s.words[n/64]&(1<<(n%64)) != 0
}
