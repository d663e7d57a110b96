package local

import (
	"encoding/binary"

	"exposync/internal/ledger"
)

// Hook sets what is told of every step on the disk.
func Hook(l ledger.Ledger, before func(op, path string) error) { l.(*store).disk.before = before }

// SortIn makes the store sort journals in pieces of so many bytes.
func SortIn(l ledger.Ledger, bytes int) { l.(*store).runBytes = bytes }

// CopyViews makes views read a copy of the marks, as on systems where an open
// file cannot be replaced.
func CopyViews(l ledger.Ledger) { l.(*store).copyViews = true }

// Frame makes a whole frame as it would stand at an offset of a journal.
func Frame(payload []byte, offset int64) []byte {
	frame := append(make([]byte, frameHead), payload...)
	putFrameHead(frame, offset)
	return frame
}

// RawEntry is an entry as it stands in a frame.
func RawEntry(e ledger.Entry) []byte { return appendEntry(nil, &e) }

// MarksFile is a file of marks, sound in every checksum, whose partition 0 is
// one block of any bytes.
func MarksFile(block []byte, marks uint32) []byte {
	b := head(marksMagic, marksVersion)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(block)))
	b = binary.LittleEndian.AppendUint32(b, marks)
	b = binary.LittleEndian.AppendUint32(b, blockSum(1, 0, 0, marks, block))
	b = append(b, block...)
	index := appendSlot(nil, slot{offset: headSize, bytes: int64(blockHead + len(block)), marks: int64(marks)})
	index = append(index, make([]byte, indexSize-slotSize)...)
	meta := []byte(`{"generation":1}`)
	b = append(append(b, index...), meta...)
	size := int64(len(b) + tailSize)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(meta)))
	b = binary.LittleEndian.AppendUint32(b, tailSum(size, index, meta))
	b = binary.LittleEndian.AppendUint64(b, uint64(size))
	return append(b, marksMagic...)
}
