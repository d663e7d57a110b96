package local

import (
	"encoding/binary"

	"exposync/internal/ledger"
	"exposync/internal/record"
)

// The parts that a mark or an entry has.
const (
	hasRow byte = 1 << iota
	hasKey
	hasRemote
	hasStanding
	hasJob
	isAdopted
	isPermanent // within a standing
)

func appendBytes[T ~[]byte | ~string](dst []byte, b T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}

// flag is bit if on.
func flag(on bool, bit byte) byte {
	if on {
		return bit
	}
	return 0
}

// appendMark appends flags, key hash and the parts that the flags name.
func appendMark(dst []byte, m *record.Mark) []byte {
	flags := flag(m.Confirmed(), hasRow) | flag(len(m.Key) > 0, hasKey) | flag(m.RemoteID != "", hasRemote) |
		flag(m.Standing != nil, hasStanding) | flag(m.Adopted, isAdopted)
	dst = append(dst, flags)
	dst = append(dst, m.KeyHash[:]...)
	return appendParts(dst, flags, &m.RowHash, m.Key, m.RemoteID, m.Standing)
}

// appendEntry appends an entry with its length before it.
func appendEntry(dst []byte, e *ledger.Entry) []byte {
	flags := flag(e.RowHash != record.Hash{}, hasRow) | flag(len(e.Key) > 0, hasKey) |
		flag(e.RemoteID != "", hasRemote) | flag(e.Standing != nil, hasStanding) | flag(e.Job != "", hasJob)
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, byte(e.Kind), flags)
	dst = append(dst, e.KeyHash[:]...)
	dst = appendParts(dst, flags, &e.RowHash, e.Key, e.RemoteID, e.Standing)
	if e.Job != "" {
		dst = appendBytes(dst, e.Job)
	}
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start-entryHead)) //nolint:gosec // bounded by maxEntry
	return dst
}

// entryHead is the length before an entry.
const entryHead = 4

func appendParts(dst []byte, flags byte, row *record.Hash, key record.Key, remote string, s *record.Standing) []byte {
	if flags&hasRow != 0 {
		dst = append(dst, row[:]...)
	}
	if flags&hasKey != 0 {
		dst = appendBytes(dst, key)
	}
	if flags&hasRemote != 0 {
		dst = appendBytes(dst, remote)
	}
	if flags&hasStanding != 0 {
		dst = append(dst, byte(s.State), flag(s.Permanent, isPermanent))
		dst = append(dst, s.RowHash[:]...)
		dst = binary.AppendVarint(dst, int64(s.Attempts))
		dst = binary.AppendVarint(dst, s.Since)
		dst = appendBytes(dst, s.Code)
		dst = appendBytes(dst, s.Reason)
	}
	return dst
}

// parser reads what the functions above wrote. It never reads behind the end:
// whatever is missing sets bad.
type parser struct {
	b   []byte
	bad bool
}

func (p *parser) take(n uint64) []byte {
	if n > uint64(len(p.b)) {
		p.bad, p.b = true, nil
		return nil
	}
	out := p.b[:n:n]
	p.b = p.b[n:]
	return out
}

func (p *parser) byte() byte {
	if b := p.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (p *parser) hash(h *record.Hash) {
	copy(h[:], p.take(uint64(len(h))))
}

func (p *parser) bytes() []byte {
	if len(p.b) > 0 && p.b[0] < 0x80 { // nearly always
		n := uint64(p.b[0])
		p.b = p.b[1:]
		return p.take(n)
	}
	n, size := binary.Uvarint(p.b)
	if size <= 0 {
		p.bad, p.b = true, nil
		return nil
	}
	p.b = p.b[size:]
	return p.take(n)
}

func (p *parser) varint() int64 {
	n, size := binary.Varint(p.b)
	if size <= 0 {
		p.bad, p.b = true, nil
		return 0
	}
	p.b = p.b[size:]
	return n
}

// standing reads one into s.
func (p *parser) standing(s *record.Standing) {
	s.State = record.StandingState(p.byte())
	s.Permanent = p.byte()&isPermanent != 0
	p.hash(&s.RowHash)
	s.Attempts = int(p.varint())
	s.Since = p.varint()
	s.Code = string(p.bytes())
	s.Reason = string(p.bytes())
}

// mark reads one into m, whose standing it keeps in s. The key shares the
// parser's bytes.
func (p *parser) mark(m *record.Mark, s *record.Standing) bool {
	flags := p.byte()
	p.hash(&m.KeyHash)
	m.RowHash, m.Key, m.RemoteID, m.Standing = record.Hash{}, nil, "", nil
	m.Adopted = flags&isAdopted != 0
	if flags&hasRow != 0 {
		p.hash(&m.RowHash)
	}
	if flags&hasKey != 0 {
		m.Key = p.bytes()
	}
	if flags&hasRemote != 0 {
		m.RemoteID = string(p.bytes())
	}
	if flags&hasStanding != 0 {
		p.standing(s)
		m.Standing = s
	}
	return !p.bad
}

// entry reads one without its length, and fails if anything is left.
func (p *parser) entry(e *ledger.Entry) bool {
	*e = ledger.Entry{Kind: ledger.EntryKind(p.byte())}
	flags := p.byte()
	p.hash(&e.KeyHash)
	if flags&hasRow != 0 {
		p.hash(&e.RowHash)
	}
	if flags&hasKey != 0 {
		e.Key = p.bytes()
	}
	if flags&hasRemote != 0 {
		e.RemoteID = string(p.bytes())
	}
	if flags&hasStanding != 0 {
		e.Standing = &record.Standing{}
		p.standing(e.Standing)
	}
	if flags&hasJob != 0 {
		e.Job = string(p.bytes())
	}
	return !p.bad && len(p.b) == 0
}
