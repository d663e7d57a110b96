package local

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"exposync/internal/ledger"
	"exposync/internal/record"
)

// marksWriter writes a marks file from front to back. Marks come in ascending
// order of key hash.
type marksWriter struct {
	file    *file
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

// newMarks starts a file of the given generation.
func (d disk) newMarks(path string, h ledger.Header) (*marksWriter, error) {
	f, err := d.create(path)
	if err != nil {
		return nil, err
	}
	h.Marks, h.Standing = 0, 0
	w := &marksWriter{file: f, out: bufio.NewWriterSize(f, 256<<10), header: h, block: make([]byte, blockHead, blockSize+4<<10)}
	return w, w.write(head(marksMagic, marksVersion))
}

// add appends one mark.
func (w *marksWriter) add(m *record.Mark) error {
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
	w.block = appendMark(w.block, m)
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
func (w *marksWriter) flush() error {
	if w.inBlock == 0 {
		return nil
	}
	payload := w.block[blockHead:]
	binary.LittleEndian.PutUint32(w.block[0:], uint32(len(payload))) //nolint:gosec // bounded by maxEntry
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

// finish closes the file, durably, and gives the header it carries. The file
// still has its temporary name.
func (w *marksWriter) finish() (ledger.Header, error) {
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
	if err := w.out.Flush(); err != nil {
		return w.header, err
	}
	if err := w.file.sync(); err != nil {
		return w.header, err
	}
	return w.header, w.file.close()
}

// abandon closes a file that will not be finished, and takes it away.
func (w *marksWriter) abandon() error {
	_ = w.file.f.Close() // it may be closed already, and is worth nothing
	return w.file.disk.remove(w.file.path)
}

func (w *marksWriter) write(b []byte) error {
	_, err := w.out.Write(b)
	w.offset += int64(len(b))
	return err
}
