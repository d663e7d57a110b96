package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"iter"

	"exposync/internal/record"
)

// Sum says in a few bytes what the marks of a sync are. Two syncs with equal
// sums remember the same of the same keys.
type Sum struct {
	Confirmed, Standing int64
	Digest              [sha256.Size]byte
}

// SumOf reads every mark, so it also proves that every mark can be read.
func SumOf(ctx context.Context, s Sync) (Sum, error) {
	c := newSummer()
	for m, err := range All(ctx, s) {
		if err != nil {
			return Sum{}, err
		}
		c.add(&m)
	}
	return c.sum(), nil
}

// All yields the marks of all partitions in ascending order of key hash.
func All(ctx context.Context, s Sync) iter.Seq2[record.Mark, error] {
	return func(yield func(record.Mark, error) bool) {
		for part := range Partitions {
			for m, err := range s.Marks(ctx, part) {
				if !yield(m, err) || err != nil {
					return
				}
			}
		}
	}
}

// summer adds up marks in ascending order of key hash.
type summer struct {
	total Sum
	hash  hash.Hash
	buf   []byte
}

func newSummer() *summer { return &summer{hash: sha256.New()} }

func (c *summer) add(m *record.Mark) {
	if m.Confirmed() {
		c.total.Confirmed++
	}
	b := append(append(c.buf[:0], m.KeyHash[:]...), m.RowHash[:]...)
	b = text(text(b, string(m.Key)), m.RemoteID)
	b = append(b, bit(m.Adopted), bit(m.Standing != nil))
	if s := m.Standing; s != nil {
		c.total.Standing++
		b = append(append(b, byte(s.State), bit(s.Permanent)), s.RowHash[:]...)
		b = binary.AppendVarint(binary.AppendVarint(b, int64(s.Attempts)), s.Since)
		b = text(text(b, s.Code), s.Reason)
	}
	c.buf = b
	_, _ = c.hash.Write(b)
}

func (c *summer) sum() Sum {
	c.hash.Sum(c.total.Digest[:0])
	return c.total
}

func text(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func bit(on bool) byte {
	if on {
		return 1
	}
	return 0
}
