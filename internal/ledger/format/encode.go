// Package format is how a store writes marks and journal entries as bytes,
// and how it merges a journal into marks that are too many for memory. Stores
// that keep a sync's marks as one file, or as one object, share it.
package format

import (
	"encoding/binary"
	"fmt"

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

// AppendMark appends flags, key hash and the parts that the flags name.
func AppendMark(dst []byte, m *record.Mark) []byte {
	flags := flag(m.Confirmed(), hasRow) | flag(len(m.Key) > 0, hasKey) | flag(m.RemoteID != "", hasRemote) |
		flag(m.Standing != nil, hasStanding) | flag(m.Adopted, isAdopted)
	dst = append(dst, flags)
	dst = append(dst, m.KeyHash[:]...)
	return appendParts(dst, flags, &m.RowHash, m.Key, m.RemoteID, m.Standing)
}

// AppendEntry appends an entry with its length before it.
func AppendEntry(dst []byte, e *ledger.Entry) []byte {
	flags := flag(e.RowHash != record.Hash{}, hasRow) | flag(len(e.Key) > 0, hasKey) |
		flag(e.RemoteID != "", hasRemote) | flag(e.Standing != nil, hasStanding) | flag(e.Job != "", hasJob)
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, byte(e.Kind), flags)
	dst = append(dst, e.KeyHash[:]...)
	dst = appendParts(dst, flags, &e.RowHash, e.Key, e.RemoteID, e.Standing)
	if e.Job != "" {
		dst = appendBytes(dst, e.Job)
	}
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start-EntryHead)) //nolint:gosec // bounded by MaxEntry
	return dst
}

// EntryHead is the length before an entry.
const EntryHead = 4

// MaxEntry is far above any key or reason, and keeps lengths in 32 bits.
const MaxEntry = 16 << 20

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

// CutEntry gives the first entry of b, with its length before it.
func CutEntry(b []byte) ([]byte, bool) {
	if len(b) < EntryHead {
		return nil, false
	}
	n := uint64(binary.LittleEndian.Uint32(b)) + EntryHead
	if n > uint64(len(b)) {
		return nil, false
	}
	return b[:n], true
}

// ParseEntry reads what CutEntry gives into e, and reports whether it is an
// entry and nothing else. The key shares the bytes.
func ParseEntry(raw []byte, e *ledger.Entry) bool {
	p := parser{b: raw[EntryHead:]}
	return p.entry(e)
}

// Check refuses entries that could not be folded, before anything is written.
func Check(entries []ledger.Entry) error {
	for i := range entries {
		e := &entries[i]
		if err := e.Check(); err != nil {
			return err
		}
		size := len(e.Key) + len(e.RemoteID) + len(e.Job)
		if e.Standing != nil {
			size += len(e.Standing.Code) + len(e.Standing.Reason)
		}
		if size > MaxEntry/2 {
			return fmt.Errorf("ledger entry of %d bytes is too long", size)
		}
	}
	return nil
}
