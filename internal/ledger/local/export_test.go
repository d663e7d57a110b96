package local

import (
	"exposync/internal/ledger"
	"exposync/internal/ledger/format"
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
func RawEntry(e ledger.Entry) []byte { return format.AppendEntry(nil, &e) }
