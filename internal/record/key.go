package record

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
)

// Hash identifies a key or the mapped values of a row: the first 128 bits of
// a SHA-256, so nobody who chooses values can make two of them collide.
type Hash [16]byte

// String is the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Key is the canonical encoding of a record's key values, in the order of the
// job's key fields sorted by their destination's name.
type Key []byte

// AppendKey appends the key of values to dst.
func AppendKey(dst []byte, values ...Value) Key {
	for _, v := range values {
		dst = AppendCanonical(dst, v)
	}
	return dst
}

// Hash is the identity under which marks are stored.
func (k Key) Hash() Hash {
	sum := sha256.Sum256(k)
	return Hash(sum[:16])
}

// Values decodes the key. Numbers come back as Decimal.
func (k Key) Values() (Record, error) { return k.AppendValues(nil) }

// AppendValues is Values into memory that the caller has. The values share k.
func (k Key) AppendValues(dst Record) (Record, error) {
	for b := []byte(k); len(b) > 0; {
		kind, ok := kindOf(b[0])
		if !ok {
			return nil, errEncoding
		}
		data, rest, err := readBytes(b[1:])
		if err != nil {
			return nil, err
		}
		dst, b = append(dst, Value{Kind: kind, Data: data}), rest
	}
	return dst, nil
}

// Hasher makes the hash of a row's mapped values. A field that is Absent does
// not count, so a new field that is not sent changes nothing; the order in
// which fields are declared does not count either.
type Hasher struct {
	order []int
	names [][]byte
	buf   []byte
}

// NewHasher prepares a hasher for rows whose values stand in the order of
// names, the destination's field names.
func NewHasher(names []string) *Hasher {
	h := &Hasher{order: make([]int, len(names)), names: make([][]byte, len(names))}
	for i, name := range names {
		h.order[i] = i
		h.names[i] = append(binary.AppendUvarint(nil, uint64(len(name))), name...)
	}
	slices.SortFunc(h.order, func(a, b int) int {
		switch {
		case names[a] < names[b]:
			return -1
		case names[a] > names[b]:
			return 1
		}
		return 0
	})
	return h
}

// Sum hashes one row; r has one value per name.
func (h *Hasher) Sum(r Record) Hash {
	h.buf = append(h.buf[:0], Encoding)
	for _, i := range h.order {
		if r[i].Kind == Absent {
			continue
		}
		h.buf = append(h.buf, h.names[i]...)
		h.buf = AppendCanonical(h.buf, r[i])
	}
	sum := sha256.Sum256(h.buf)
	return Hash(sum[:16])
}
