package local

import (
	"encoding/binary"
	"hash/crc32"

	"exposync/internal/ledger/format"
)

// The shape of a journal:
//
//	head   magic (8), version (1), zeros (7)
//	frame  journalInfo as JSON
//	frame  entries of the first commit, each with its length (4) before it
//	frame  …
//
// A frame is: magic (4), bytes (4), CRC-32C of the payload (4), CRC-32C of
// the frame's head and its offset (4), payload. All numbers are little endian.
const (
	journalMagic   = "EXPOJRNL"
	journalVersion = 1
	frameMagic     = 0x4d524658 // "XFRM"
	frameHead      = 16
	// commitBytes is when one call's entries become several commits.
	commitBytes = 1 << 20
)

// journalInfo tells what the entries of a journal are about.
type journalInfo struct {
	Generation int64  `json:"generation"` // of the marks it builds on
	Encoding   int    `json:"encoding"`   // of its hashes
	Started    int64  `json:"started"`    // unix seconds
	PID        int    `json:"pid"`
	Host       string `json:"host,omitempty"`
}

// putFrameHead fills in the head of a frame that will stand at offset.
func putFrameHead(frame []byte, offset int64) {
	binary.LittleEndian.PutUint32(frame[0:], frameMagic)
	binary.LittleEndian.PutUint32(frame[4:], uint32(len(frame)-frameHead)) //nolint:gosec // far below 4 GB, see commitBytes
	binary.LittleEndian.PutUint32(frame[8:], crc32.Checksum(frame[frameHead:], format.CRC()))
	binary.LittleEndian.PutUint32(frame[12:], frameHeadSum(frame, offset))
}

func frameHeadSum(frame []byte, offset int64) uint32 {
	var place [8]byte
	binary.LittleEndian.PutUint64(place[:], uint64(offset)) //nolint:gosec // a bit pattern
	return crc32.Update(crc32.Checksum(place[:], format.CRC()), format.CRC(), frame[:12])
}
