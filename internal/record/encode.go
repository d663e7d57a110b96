package record

import (
	"encoding/binary"
	"errors"
)

// Encoding is the version of the canonical encoding below. Marks remember
// the version they were made with: a new Exposync never causes a resend.
const Encoding = 1

// errEncoding says that bytes are not what Append wrote.
var errEncoding = errors.New("record: bytes are not a canonical encoding")

// tags of the canonical encoding. Kinds that hold the same thing share one,
// so that an integer column that becomes numeric, or another reader's UUID,
// changes no mark.
const (
	tagNull      = 'z'
	tagBool      = 'b'
	tagNumber    = 'n'
	tagText      = 's'
	tagBytes     = 'x'
	tagDate      = 'd'
	tagTime      = 'c'
	tagTimestamp = 't'
	tagInstant   = 'i'
	tagJSON      = 'j'
)

// tagOf gives the tag of a kind; Absent has none and is never encoded.
func tagOf(k Kind) byte {
	switch k {
	case Bool:
		return tagBool
	case Int, Float, Decimal:
		return tagNumber
	case Text:
		return tagText
	case Bytes:
		return tagBytes
	case Date:
		return tagDate
	case Time:
		return tagTime
	case Timestamp:
		return tagTimestamp
	case Instant:
		return tagInstant
	case JSON:
		return tagJSON
	case Absent, Null:
	}
	return tagNull
}

func kindOf(tag byte) (Kind, bool) {
	switch tag {
	case tagNull:
		return Null, true
	case tagBool:
		return Bool, true
	case tagNumber:
		return Decimal, true
	case tagText:
		return Text, true
	case tagBytes:
		return Bytes, true
	case tagDate:
		return Date, true
	case tagTime:
		return Time, true
	case tagTimestamp:
		return Timestamp, true
	case tagInstant:
		return Instant, true
	case tagJSON:
		return JSON, true
	}
	return Absent, false
}

// AppendCanonical appends the type-tagged, length-prefixed encoding of v that
// keys and hashes are made of.
func AppendCanonical(dst []byte, v Value) []byte {
	dst = append(dst, tagOf(v.Kind))
	dst = binary.AppendUvarint(dst, uint64(len(v.Data)))
	return append(dst, v.Data...)
}

// AppendRecord appends r with its exact kinds, for files that Exposync reads
// back within one run (a spool): see ReadRecord.
func AppendRecord(dst []byte, r Record) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(r)))
	for _, v := range r {
		dst = append(dst, byte(v.Kind))
		dst = binary.AppendUvarint(dst, uint64(len(v.Data)))
		dst = append(dst, v.Data...)
	}
	return dst
}

// ReadRecord reads what AppendRecord wrote into r (reused when it has room)
// and gives the rest of b. The values share b.
func ReadRecord(b []byte, r Record) (Record, []byte, error) {
	n, b, err := readUvarint(b)
	if err != nil || n > uint64(len(b)) {
		return nil, nil, errEncoding
	}
	r = r[:0]
	for range n {
		if len(b) == 0 || b[0] > byte(JSON) {
			return nil, nil, errEncoding
		}
		v := Value{Kind: Kind(b[0])}
		if v.Data, b, err = readBytes(b[1:]); err != nil {
			return nil, nil, err
		}
		r = append(r, v)
	}
	return r, b, nil
}

func readUvarint(b []byte) (uint64, []byte, error) {
	n, size := binary.Uvarint(b)
	if size <= 0 {
		return 0, nil, errEncoding
	}
	return n, b[size:], nil
}

func readBytes(b []byte) (data, rest []byte, err error) {
	n, b, err := readUvarint(b)
	if err != nil || n > uint64(len(b)) {
		return nil, nil, errEncoding
	}
	return b[:n:n], b[n:], nil
}
