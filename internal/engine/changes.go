package engine

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"os"

	"exposync/internal/record"
)

// changesMemory is how many bytes of changes stay in memory.
const changesMemory = 4 << 20

var errChanges = errors.New("engine: the changes file is damaged")

// changes is an ordered list of changes, in memory while it is short and in a
// nameless file beyond that.
type changes struct {
	dir  string
	n    int64
	buf  []byte
	file *os.File
	size int64
}

// add appends one change; row is what record.AppendRecord wrote, nil if the
// change carries no values.
func (c *changes) add(ch record.Change, row []byte) error {
	frame := make([]byte, 0, 64+len(ch.Key)+len(row))
	frame = append(frame, byte(ch.Op))
	frame = append(frame, ch.KeyHash[:]...)
	frame = append(frame, ch.RowHash[:]...)
	frame = appendBytes(frame, ch.Key)
	frame = appendBytes(frame, []byte(ch.RemoteID))
	frame = binary.AppendUvarint(frame, uint64(ch.Attempts)) //nolint:gosec // a small count
	frame = binary.AppendVarint(frame, ch.Since)
	return c.addFrame(appendBytes(frame, row))
}

// addFrame appends a change that is encoded already.
func (c *changes) addFrame(frame []byte) error {
	c.n++
	c.buf = appendBytes(c.buf, frame)
	if len(c.buf) < changesMemory {
		return nil
	}
	return c.flush()
}

func (c *changes) flush() error {
	if c.file == nil {
		f, err := nameless(c.dir, "changes")
		if err != nil {
			return err
		}
		c.file = f
	}
	if _, err := c.file.WriteAt(c.buf, c.size); err != nil {
		return spoolFault(err)
	}
	c.size += int64(len(c.buf))
	c.buf = c.buf[:0]
	return nil
}

// frames yields the changes' bytes, each valid until the next.
func (c *changes) frames() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		sources := []io.Reader{}
		if c.file != nil {
			sources = append(sources, io.NewSectionReader(c.file, 0, c.size))
		}
		rest := c.buf
		r := bufio.NewReaderSize(io.MultiReader(append(sources, bytes.NewReader(rest))...), 256<<10)
		var frame []byte
		for range c.n {
			n, err := binary.ReadUvarint(r)
			if err != nil {
				yield(nil, errChanges)
				return
			}
			if uint64(cap(frame)) < n {
				frame = make([]byte, n)
			}
			frame = frame[:n]
			if _, err := io.ReadFull(r, frame); err != nil {
				yield(nil, errChanges)
				return
			}
			if !yield(frame, nil) {
				return
			}
		}
	}
}

func (c *changes) close() {
	if c.file != nil {
		discard(c.file)
		c.file = nil
	}
}

// decode reads one frame; everything in the change shares frame.
func decode(frame []byte) (record.Change, error) {
	var ch record.Change
	if len(frame) < 33 {
		return ch, errChanges
	}
	ch.Op = record.Op(frame[0])
	copy(ch.KeyHash[:], frame[1:17])
	copy(ch.RowHash[:], frame[17:33])
	r := reader{b: frame[33:]}
	ch.Key = r.bytes()
	ch.RemoteID = string(r.bytes())
	ch.Attempts = int(r.uvarint()) //nolint:gosec // written from an int
	ch.Since = r.varint()
	row := r.bytes()
	if r.bad || len(r.b) != 0 {
		return ch, errChanges
	}
	var err error
	if ch.KeyVals, err = ch.Key.Values(); err != nil {
		return ch, errChanges
	}
	if len(row) > 0 {
		if ch.Values, _, err = record.ReadRecord(row, nil); err != nil {
			return ch, errChanges
		}
	}
	return ch, nil
}

// reader takes fields off bytes; bad is set when they run out.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) varint() int64 {
	n, size := binary.Varint(r.b)
	if size <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) bytes() []byte {
	n := r.uvarint()
	if r.bad || n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func appendBytes(dst, b []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}
