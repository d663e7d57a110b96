package diff

import (
	"encoding/binary"

	"exposync/internal/record"
)

// Why says what becomes of a row that has a key, but no values to send.
type Why byte

// The fates of such a row.
const (
	Invalid Why = iota + 1 // it counts as invalid
	Waits                  // it counts as held back: what it needs is not there yet
)

// Unfit stands for the hash of a row's values where there are none, with a
// number that tells the reasons apart. No values have such a hash.
func Unfit(reason uint16, why Why) record.Hash {
	h := record.Hash{}
	h[13] = byte(why)
	binary.BigEndian.PutUint16(h[14:], reason)
	return h
}

// Unfits gives back what Unfit was told; 0 if the hash is one of values.
func Unfits(h record.Hash) (reason uint16, why Why) {
	if [13]byte(h[:13]) != ([13]byte{}) || h[13] == 0 {
		return 0, 0
	}
	return binary.BigEndian.Uint16(h[14:]), Why(h[13])
}

// Aside reports whether a decision is about what is known or missing of a key,
// and sends nothing by itself.
func (d Decision) Aside() bool { return d.Unfit || d.Assume || d.Ask || d.Drop }

// unfit counts a row without values. Its key is neither gone nor changed.
func (m *merger) unfit(row Seen, why Why) error {
	if why == Waits {
		m.tally.HeldBack++
	} else {
		m.tally.Unfit++
	}
	return m.emit(Decision{Seen: row, Unfit: true})
}
