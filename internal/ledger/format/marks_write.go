package format

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	"exposync/internal/ledger"
	"exposync/internal/record"
)

// Writer writes a file of marks from front to back. Marks come in ascending
// order of key hash.
type Writer struct {
	out     *bufio.Writer
	header  ledger.Header
	slots   [ledger.Partitions]slot
	offset  int64
	block   []byte // the open block, with room for its head
	inBlock uint32
	part    int // of the open block
	blocks  int // of the partition that were written
	last    record.Hash
	any     bool // last is set
}

// NewWriter starts a file of the given generation.
func NewWriter(to io.Writer, h ledger.Header) (*Writer, error) {
	h.Marks, h.Standing = 0, 0
	w := &Writer{out: bufio.NewWriterSize(to, 256<<10), header: h, block: make([]byte, blockHead, blockSize+4<<10)}
	return w, w.write(Head(marksMagic, marksVersion))
}

// Add appends one mark.
func (w *Writer) Add(m *record.Mark) error {
	if w.any && bytes.Compare(m.KeyHash[:], w.last[:]) <= 0 {
		return fmt.Errorf("write marks: key hash %s does not follow %s", m.KeyHash, w.last)
	}
	if part := int(m.KeyHash[0]); part != w.part {
		if err := w.flush(); err != nil {
			return err
		}
		w.part, w.blocks = part, 0
	}
	s := &w.slots[w.part]
	w.block = AppendMark(w.block, m)
	w.last, w.any = m.KeyHash, true
	w.inBlock++
	s.marks++
	if m.Confirmed() {
		s.confirmed++
		w.header.Marks++
	}
	if m.Standing != nil {
		s.standing++
		w.header.Standing++
	}
	if len(w.block) >= blockSize {
		return w.flush()
	}
	return nil
}

// flush closes the open block.
func (w *Writer) flush() error {
	if w.inBlock == 0 {
		return nil
	}
	payload := w.block[blockHead:]
	binary.LittleEndian.PutUint32(w.block[0:], uint32(len(payload))) //nolint:gosec // bounded by MaxEntry
	binary.LittleEndian.PutUint32(w.block[4:], w.inBlock)
	binary.LittleEndian.PutUint32(w.block[8:], blockSum(w.header.Generation, w.part, w.blocks, w.inBlock, payload))
	s := &w.slots[w.part]
	if s.bytes == 0 {
		s.offset = w.offset
	}
	s.bytes += int64(len(w.block))
	err := w.write(w.block)
	w.block, w.inBlock = w.block[:blockHead], 0
	w.blocks++
	return err
}

// Finish writes everything that is left, and gives the header that the file
// carries.
func (w *Writer) Finish() (ledger.Header, error) {
	if err := w.flush(); err != nil {
		return w.header, err
	}
	meta, err := json.Marshal(w.header)
	if err != nil {
		return w.header, fmt.Errorf("encode header of marks: %w", err)
	}
	var index []byte
	for _, s := range w.slots {
		index = appendSlot(index, s)
	}
	size := w.offset + int64(len(index)+len(meta)+tailSize)
	tail := binary.LittleEndian.AppendUint32(nil, uint32(len(meta))) //nolint:gosec // a few hundred bytes
	tail = binary.LittleEndian.AppendUint32(tail, tailSum(size, index, meta))
	tail = binary.LittleEndian.AppendUint64(tail, uint64(size)) //nolint:gosec // a bit pattern
	tail = append(tail, marksMagic...)
	for _, b := range [][]byte{index, meta, tail} {
		if err := w.write(b); err != nil {
			return w.header, err
		}
	}
	return w.header, w.out.Flush()
}

func (w *Writer) write(b []byte) error {
	_, err := w.out.Write(b)
	w.offset += int64(len(b))
	return err
}
