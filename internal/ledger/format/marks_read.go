package format

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sync"

	"exposync/internal/ledger"
	"exposync/internal/record"
)

// Blame makes the faults of one place where marks are kept.
type Blame interface {
	Damaged(what string) error
	Newer(version int) error
	Unreadable(err error) error
}

// Snapshot is an open file of marks. The nil snapshot has no marks.
type Snapshot struct {
	f      *os.File
	blame  Blame
	header ledger.Header
	slots  [ledger.Partitions]slot
	blocks sync.Pool // of *[]byte, one for each partition that is being read
	closed bool
	copied bool // see OpenCopy
}

// OpenCopy is Open for a copy that nobody else needs: it goes when it is
// closed.
func OpenCopy(f *os.File, blame Blame) (*Snapshot, error) {
	s, err := Open(f, blame)
	if err != nil {
		return nil, errors.Join(err, os.Remove(f.Name()))
	}
	s.copied = true
	return s, nil
}

// Open takes over an open file of marks and checks all of it but the blocks,
// which are checked when they are read. It closes a file that is no good.
func Open(f *os.File, blame Blame) (*Snapshot, error) {
	s := &Snapshot{f: f, blame: blame}
	s.blocks.New = func() any { return new([]byte) }
	if err := s.load(); err != nil {
		_ = f.Close()
		return nil, err
	}
	return s, nil
}

// load reads head and tail.
func (s *Snapshot) load() error {
	info, err := s.f.Stat()
	if err != nil {
		return s.blame.Unreadable(err)
	}
	size := info.Size()
	first := make([]byte, min(size, HeadSize))
	if err := s.readAt(first, 0); err != nil {
		return err
	}
	switch version, ok := CheckHead(first, marksMagic); {
	case !ok:
		return s.damaged("it does not begin as a file of marks")
	case version > marksVersion:
		return s.blame.Newer(version)
	}
	if size < HeadSize+indexSize+tailSize {
		return s.damaged("it ends too early")
	}
	tail := make([]byte, tailSize)
	if err := s.readAt(tail, size-tailSize); err != nil {
		return err
	}
	metaSize := int64(binary.LittleEndian.Uint32(tail))
	if string(tail[16:]) != marksMagic || binary.LittleEndian.Uint64(tail[8:]) != uint64(size) ||
		metaSize > size-HeadSize-indexSize-tailSize {
		return s.damaged("its end is missing")
	}
	rest := make([]byte, indexSize+metaSize)
	if err := s.readAt(rest, size-tailSize-int64(len(rest))); err != nil {
		return err
	}
	if tailSum(size, rest[:indexSize], rest[indexSize:]) != binary.LittleEndian.Uint32(tail[4:]) {
		return s.damaged("the checksum of its index is wrong")
	}
	return s.index(rest, size-tailSize-int64(len(rest)))
}

// index takes over the index and the header; end is where the blocks end.
func (s *Snapshot) index(rest []byte, end int64) error {
	if err := json.Unmarshal(rest[indexSize:], &s.header); err != nil || s.header.Generation < 1 {
		return s.damaged("its header cannot be read")
	}
	at := int64(HeadSize)
	var marks, standing int64
	for i := range s.slots {
		slot := parseSlot(rest[i*slotSize:])
		if slot.bytes < 0 || slot.bytes > end-at || slot.bytes > 0 && slot.offset != at {
			return s.damaged(fmt.Sprintf("partition %d is not where it should be", i))
		}
		at += slot.bytes
		marks, standing = marks+slot.confirmed, standing+slot.standing
		s.slots[i] = slot
	}
	if at != end || marks != s.header.Marks || standing != s.header.Standing {
		return s.damaged("its index does not add up")
	}
	return nil
}

// Marks yields one partition.
func (s *Snapshot) Marks(ctx context.Context, part int) iter.Seq2[record.Mark, error] {
	return func(yield func(record.Mark, error) bool) {
		if s == nil {
			return
		}
		buf := s.blocks.Get().(*[]byte)
		defer s.blocks.Put(buf)
		if err := s.read(ctx, part, buf, yield); err != nil {
			yield(record.Mark{}, err)
		}
	}
}

// read yields the marks of a partition block by block until yield has enough.
func (s *Snapshot) read(ctx context.Context, part int, buf *[]byte, yield func(record.Mark, error) bool) error {
	var (
		slot     = s.slots[part]
		end      = slot.offset + slot.bytes
		seen     order
		mark     record.Mark
		standing record.Standing
	)
	for at, ordinal := slot.offset, 0; at < end; ordinal++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		payload, n, err := s.block(part, ordinal, at, end, buf)
		if err != nil {
			return err
		}
		at += blockHead + int64(len(payload))
		p := parser{b: payload}
		for range n {
			if !p.mark(&mark, &standing) || !seen.follows(&mark, part) {
				return s.damaged(fmt.Sprintf("partition %d has a mark that cannot be", part))
			}
			if !yield(mark, nil) {
				return nil
			}
		}
		if len(p.b) > 0 {
			return s.damaged(fmt.Sprintf("partition %d has bytes behind its marks", part))
		}
	}
	if seen.marks != slot.marks {
		return s.damaged(fmt.Sprintf("partition %d holds %d marks, its index says %d", part, seen.marks, slot.marks))
	}
	return nil
}

// block reads one block and checks it.
func (s *Snapshot) block(part, ordinal int, at, end int64, buf *[]byte) (payload []byte, marks uint32, err error) {
	var headBytes [blockHead]byte
	if end-at < blockHead {
		return nil, 0, s.damaged(fmt.Sprintf("partition %d ends within a block", part))
	}
	if err := s.readAt(headBytes[:], at); err != nil {
		return nil, 0, err
	}
	size := int64(binary.LittleEndian.Uint32(headBytes[0:]))
	marks = binary.LittleEndian.Uint32(headBytes[4:])
	if size > end-at-blockHead {
		return nil, 0, s.damaged(fmt.Sprintf("partition %d ends within a block", part))
	}
	if int64(cap(*buf)) < size {
		*buf = make([]byte, max(size, blockSize+4<<10))
	}
	payload = (*buf)[:size]
	if err := s.readAt(payload, at+blockHead); err != nil {
		return nil, 0, err
	}
	if blockSum(s.header.Generation, part, ordinal, marks, payload) != binary.LittleEndian.Uint32(headBytes[8:]) {
		return nil, 0, s.damaged(fmt.Sprintf("the checksum of a block of partition %d is wrong", part))
	}
	return payload, marks, nil
}

// Count is how many confirmed and standing marks the index says a partition
// has.
func (s *Snapshot) Count(part int) (confirmed, standing int64) {
	if s == nil {
		return 0, 0
	}
	return s.slots[part].confirmed, s.slots[part].standing
}

// order counts what was read of a partition and checks its order.
type order struct {
	marks int64
	last  record.Hash
}

func (o *order) follows(m *record.Mark, part int) bool {
	ok := int(m.KeyHash[0]) == part && (o.marks == 0 || bytes.Compare(m.KeyHash[:], o.last[:]) > 0)
	o.marks++
	o.last = m.KeyHash
	return ok
}

func (s *Snapshot) readAt(b []byte, at int64) error {
	_, err := s.f.ReadAt(b, at)
	switch {
	case errors.Is(err, io.EOF):
		return s.damaged("it ends too early")
	case err != nil:
		return s.blame.Unreadable(err)
	}
	return nil
}

func (s *Snapshot) damaged(what string) error { return s.blame.Damaged(what) }

// Generation is 0 where there are no marks.
func (s *Snapshot) Generation() int64 {
	if s == nil {
		return 0
	}
	return s.header.Generation
}

// Header is the header, zero where there are no marks.
func (s *Snapshot) Header() ledger.Header {
	if s == nil {
		return ledger.Header{}
	}
	return s.header
}

// Close may be called again.
func (s *Snapshot) Close() error {
	if s == nil || s.closed {
		return nil
	}
	s.closed = true
	err := s.f.Close()
	if s.copied {
		err = errors.Join(err, os.Remove(s.f.Name()))
	}
	return err
}
