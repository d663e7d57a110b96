package file

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
)

// digest identifies a set of lines, whatever their order: the sum of their
// SHA-256, modulo 2^256. The order in which a warehouse yields rows may differ
// between two runs that write the same.
type digest struct {
	sum   [4]uint64
	lines uint64
}

func (d *digest) add(line []byte) {
	sum := sha256.Sum256(line)
	var carry uint64
	for i := range d.sum {
		d.sum[i], carry = bits.Add64(d.sum[i], binary.LittleEndian.Uint64(sum[8*i:]), carry)
	}
	d.lines++
}

// String is the digest of the file: 64 bits in hexadecimal.
func (d *digest) String() string {
	b := binary.LittleEndian.AppendUint64(nil, d.lines)
	for _, part := range d.sum {
		b = binary.LittleEndian.AppendUint64(b, part)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}
