package engine

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"

	"exposync/internal/diff"
	"exposync/internal/ledger"
	"exposync/internal/record"
)

// spillMemory is how much of a scan stays in memory before it goes to disk.
const spillMemory = 16 << 20

// spill keeps what a scan saw, parted by key hash, in one nameless file: each
// flush adds a block for every part.
type spill struct {
	dir    string
	file   *os.File
	size   int64
	memory int
	data   []byte      // of the part that was loaded last
	seen   []diff.Seen // as well
	parts  [ledger.Partitions]spillPart
}

type spillPart struct {
	buf    []byte
	rows   int
	blocks []block
}

type block struct{ at, size int64 }

// add keeps one row; row is nil where only its hashes are needed.
func (s *spill) add(key, row record.Hash, keyBytes record.Key, rowBytes []byte) error {
	p := &s.parts[key[0]]
	before := len(p.buf)
	p.buf = append(p.buf, key[:]...)
	p.buf = append(p.buf, row[:]...)
	p.buf = binary.AppendUvarint(p.buf, uint64(len(keyBytes)))
	p.buf = append(p.buf, keyBytes...)
	p.buf = binary.AppendUvarint(p.buf, uint64(len(rowBytes)))
	p.buf = append(p.buf, rowBytes...)
	p.rows++
	s.memory += len(p.buf) - before
	if s.memory < spillMemory {
		return nil
	}
	return s.flush()
}

func (s *spill) flush() error {
	if s.file == nil {
		f, err := nameless(s.dir, "scan")
		if err != nil {
			return err
		}
		s.file = f
	}
	for i := range s.parts {
		p := &s.parts[i]
		if len(p.buf) == 0 {
			continue
		}
		if _, err := s.file.WriteAt(p.buf, s.size); err != nil {
			return spoolFault(err)
		}
		p.blocks = append(p.blocks, block{at: s.size, size: int64(len(p.buf))})
		s.size += int64(len(p.buf))
		p.buf = p.buf[:0]
	}
	s.memory = 0
	return nil
}

// load gives the rows of one part, in the order of the scan. They are valid
// until the next load.
func (s *spill) load(part int) ([]diff.Seen, error) {
	p := &s.parts[part]
	data := slices.Grow(s.data[:0], int(p.bytes()))
	for _, b := range p.blocks {
		start := len(data)
		data = data[:start+int(b.size)]
		if _, err := s.file.ReadAt(data[start:], b.at); err != nil {
			return nil, spoolFault(err)
		}
	}
	data = append(data, p.buf...)
	seen := slices.Grow(s.seen[:0], p.rows)
	s.data, s.seen = data, seen
	for len(data) > 0 {
		var one diff.Seen
		data = data[copy(one.KeyHash[:], data):]
		data = data[copy(one.RowHash[:], data):]
		one.Key, data = cut(data)
		one.Row, data = cut(data)
		seen = append(seen, one)
	}
	return seen, nil
}

func (p *spillPart) bytes() int64 {
	size := int64(len(p.buf))
	for _, b := range p.blocks {
		size += b.size
	}
	return size
}

func (s *spill) close() {
	if s.file != nil {
		discard(s.file)
	}
}

// cut takes one length-prefixed field off data that this process wrote.
func cut(data []byte) (field, rest []byte) {
	n, size := binary.Uvarint(data)
	end := size + int(n) //nolint:gosec // written by add, from a len
	return data[size:end:end], data[end:]
}

// nameless opens a temporary file and takes its name away where the system
// allows it, so that not even kill -9 leaves rows on disk.
func nameless(dir, purpose string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, spoolFault(err)
	}
	f, err := os.CreateTemp(dir, purpose+"-*")
	if err != nil {
		return nil, spoolFault(err)
	}
	_ = os.Remove(f.Name()) // fails on Windows: discard does it there
	return f, nil
}

func discard(f *os.File) {
	_ = f.Close()
	_ = os.Remove(f.Name())
}

func spoolFault(err error) error { return fmt.Errorf("spool rows: %w", faultOfSpool(err)) }
