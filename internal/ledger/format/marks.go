package format

import (
	"encoding/binary"
	"hash/crc32"

	"exposync/internal/ledger"
)

// HeadSize is the length of what Head makes.
const HeadSize = 16

// The shape of a marks file:
//
//	head   magic (8), version (1), zeros (7)
//	blocks of partition 0, of partition 1, … of partition 255
//	index  256 times: offset, bytes, marks, confirmed, standing (8 each)
//	meta   ledger.Header as JSON
//	tail   bytes of meta (4), CRC-32C of index, meta and place (4),
//	       bytes of the whole file (8), magic (8)
//
// A block is: bytes (4), marks (4), CRC-32C (4), marks. All numbers are
// little endian.
const (
	marksMagic   = "EXPOMARK"
	marksVersion = 1
	blockHead    = 12
	blockSize    = 64 << 10 // a block is closed by the mark that reaches it
	slotSize     = 40
	indexSize    = slotSize * ledger.Partitions
	tailSize     = 24
)

// slot is the index's line about one partition.
type slot struct {
	offset, bytes              int64
	marks, confirmed, standing int64
}

func appendSlot(dst []byte, s slot) []byte {
	for _, n := range []int64{s.offset, s.bytes, s.marks, s.confirmed, s.standing} {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(n)) //nolint:gosec // never negative
	}
	return dst
}

func parseSlot(b []byte) slot {
	at := func(i int) int64 { return int64(binary.LittleEndian.Uint64(b[8*i:])) } //nolint:gosec // checked by whoever uses it
	return slot{offset: at(0), bytes: at(1), marks: at(2), confirmed: at(3), standing: at(4)}
}

// CRC is the table of all checksums; the library makes it once.
func CRC() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// blockSum is the checksum of a block: its content, and that it stands in its
// place of its own file.
func blockSum(generation int64, part, ordinal int, marks uint32, payload []byte) uint32 {
	var place [20]byte
	binary.LittleEndian.PutUint64(place[0:], uint64(generation)) //nolint:gosec // a bit pattern
	binary.LittleEndian.PutUint32(place[8:], uint32(part))       //nolint:gosec // below 256
	binary.LittleEndian.PutUint32(place[12:], uint32(ordinal))   //nolint:gosec // a bit pattern
	binary.LittleEndian.PutUint32(place[16:], marks)
	return crc32.Update(crc32.Checksum(place[:], CRC()), CRC(), payload)
}

// tailSum is the checksum of everything behind the blocks.
func tailSum(size int64, index, meta []byte) uint32 {
	var place [8]byte
	binary.LittleEndian.PutUint64(place[:], uint64(size)) //nolint:gosec // a bit pattern
	sum := crc32.Update(crc32.Checksum(place[:], CRC()), CRC(), index)
	return crc32.Update(sum, CRC(), meta)
}

// Head is the start of a file of ours.
func Head(magic string, version byte) []byte {
	b := make([]byte, HeadSize)
	copy(b, magic)
	b[len(magic)] = version
	return b
}

// CheckHead compares the start of a file with what it has to be. ok is false
// for a file of another kind; version is never 0 for one of ours.
func CheckHead(b []byte, magic string) (version int, ok bool) {
	if len(b) < HeadSize || string(b[:len(magic)]) != magic {
		return 0, false
	}
	version = int(b[len(magic)])
	return version, version > 0
}
