package sandbox

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"strconv"
)

// An object is a file of lines, one for each version of a record:
//
//	CRC K ID PREVIOUS VERSION TIME JSON\n
//
// All but the last have a fixed width, so that opening a store of millions of
// lines parses no JSON. K is P for a put and D for a delete; PREVIOUS is the
// offset of the record's version before, 0 for none; TIME is in microseconds
// since 1970; JSON is {"fields":{…},"key":{…}}, of a vendor's record with the time
// "created" before both. CRC is over all that follows.
const (
	crcWidth  = 8
	headWidth = crcWidth + 1 + 1 + 1 + 32 + 1 + 16 + 1 + 8 + 1 + 16 + 1
)

// recordID identifies a record: a hash of its key.
type recordID [16]byte

func (id recordID) String() string { return hex.EncodeToString(id[:]) }

// version is one line.
type version struct {
	id       recordID
	deleted  bool
	previous int64  // offset of the line before of the same record; 0 for none
	number   uint32 // 1 is the first
	at       int64  // microseconds since 1970
	body     []byte // JSON
}

var errLine = errors.New("the line is not one that the sandbox wrote")

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func (v *version) appendLine(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, "00000000 P "...)
	if v.deleted {
		dst[len(dst)-2] = 'D'
	}
	dst = hex.AppendEncode(dst, v.id[:])
	dst = appendHex(append(dst, ' '), uint64(v.previous), 16) //nolint:gosec // an offset
	dst = appendHex(append(dst, ' '), uint64(v.number), 8)
	dst = appendHex(append(dst, ' '), uint64(v.at), 16) //nolint:gosec // read back the same way
	dst = append(append(dst, ' '), v.body...)
	sum := crc32.Checksum(dst[start+crcWidth+1:], castagnoli())
	hex.Encode(dst[start:], binary.BigEndian.AppendUint32(nil, sum))
	return append(dst, '\n')
}

func appendHex(dst []byte, n uint64, width int) []byte {
	var buf [16]byte
	digits := strconv.AppendUint(buf[:0], n, 16)
	for range width - len(digits) {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}

// parseLine reads a line without its end. The body shares line.
func parseLine(line []byte) (version, error) {
	var v version
	if len(line) < headWidth || line[crcWidth] != ' ' {
		return v, errLine
	}
	sum, err := parseHex(line[:crcWidth])
	if err != nil || uint32(sum) != crc32.Checksum(line[crcWidth+1:], castagnoli()) { //nolint:gosec // 8 digits
		return v, errLine
	}
	rest := line[crcWidth+1:]
	v.deleted = rest[0] == 'D'
	if _, err := hex.Decode(v.id[:], rest[2:34]); err != nil {
		return v, errLine
	}
	previous, err1 := parseHex(rest[35:51])
	number, err2 := parseHex(rest[52:60])
	at, err3 := parseHex(rest[61:77])
	if err1 != nil || err2 != nil || err3 != nil {
		return v, errLine
	}
	v.previous, v.number, v.at = int64(previous), uint32(number), int64(at) //nolint:gosec // as written
	v.body = rest[78:]
	return v, nil
}

func parseHex(digits []byte) (uint64, error) {
	var n uint64
	for _, c := range digits {
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			n = n<<4 | uint64(c-'a'+10)
		default:
			return 0, errLine
		}
	}
	return n, nil
}
