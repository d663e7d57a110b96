package engine

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"iter"
	"os"
	"slices"

	"exposync/internal/record"
)

// changesMemory is how many bytes of changes stay in memory.
const changesMemory = 4 << 20

var errChanges = errors.New("engine: the changes file is damaged")

// factBytes is the part of a frame that says what is done: operation, key
// hash and row hash. A plan without values consists of nothing else.
const factBytes = 1 + 2*len(record.Hash{})

// flags are what the plan knows about a change beside what the destination is
// told.
type flags uint8

const (
	wasAdopted   flags = 1 << iota // the mark was taken over without being sent
	wasDoubted                     // an earlier run's attempt may have arrived
	wasConfirmed                   // the mark claims values, which an attempt in doubt may have replaced
)

// changes is an ordered list of changes, in memory while it is short and in a
// nameless file beyond that.
type changes struct {
	dir   string
	n     int64
	sum   sum
	frame []byte
	buf   []byte
	file  *os.File
	size  int64
}

// sum identifies a set of changes, whatever order they come in: it adds up
// their hashes.
type sum [4]uint64

func (s *sum) add(fact []byte) {
	h := sha256.Sum256(fact)
	for i := range s {
		s[i] += binary.BigEndian.Uint64(h[8*i:])
	}
}

// digestOf identifies everything that a plan does.
func digestOf(lists ...*changes) string {
	h := sha256.New()
	for _, c := range lists {
		_ = binary.Write(h, binary.BigEndian, c.sum)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// add appends one change; row is what record.AppendRecord wrote, nil if the
// change carries no values.
func (c *changes) add(ch record.Change, f flags, row []byte) error {
	frame := append(c.frame[:0], byte(ch.Op))
	frame = append(frame, ch.KeyHash[:]...)
	frame = append(frame, ch.RowHash[:]...)
	frame = append(frame, byte(f))
	frame = appendBytes(frame, ch.Key)
	frame = appendBytes(frame, ch.RemoteID)
	frame = binary.AppendUvarint(frame, uint64(ch.Attempts)) //nolint:gosec // a small count
	frame = binary.AppendVarint(frame, ch.Since)
	c.frame = appendBytes(frame, row)
	return c.addFrame(c.frame)
}

// addFrame appends a change that is encoded already.
func (c *changes) addFrame(frame []byte) error {
	c.n++
	c.sum.add(frame[:factBytes])
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
		var in io.Reader = bytes.NewReader(c.buf)
		if c.file != nil {
			in = io.MultiReader(io.NewSectionReader(c.file, 0, c.size), in)
		}
		r := bufio.NewReaderSize(in, 64<<10)
		var frame []byte
		for range c.n {
			n, err := binary.ReadUvarint(r)
			if err != nil || n > uint64(c.size)+uint64(len(c.buf)) { //nolint:gosec // a size
				yield(nil, errChanges)
				return
			}
			if uint64(cap(frame)) < n {
				frame = make([]byte, n, n+n/2)
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

// empty gives the plan its lists.
func (p *Prepared) empty(dir string) {
	for _, list := range []**changes{&p.writes, &p.deletes, &p.settled, &p.dropped} {
		*list = &changes{dir: dir}
	}
}

// close gives memory and file back.
func (c *changes) close() {
	if c.file != nil {
		discard(c.file)
	}
	*c = changes{dir: c.dir}
}

// decode reads one frame; everything in the change shares frame. Key and
// values are appended to slab, which is given back.
func decode(frame []byte, slab record.Record) (record.Change, flags, record.Record, error) {
	var ch record.Change
	if len(frame) <= factBytes {
		return ch, 0, slab, errChanges
	}
	ch.Op = record.Op(frame[0])
	copy(ch.KeyHash[:], frame[1:])
	copy(ch.RowHash[:], frame[1+len(ch.KeyHash):])
	f := flags(frame[factBytes])
	r := reader{b: frame[factBytes+1:]}
	ch.Key = r.bytes()
	ch.RemoteID = string(r.bytes())
	ch.Attempts = int(r.uvarint()) //nolint:gosec // written from an int
	ch.Since = r.varint()
	row := r.bytes()
	if r.bad || len(r.b) != 0 {
		return ch, 0, slab, errChanges
	}
	at := len(slab)
	slab, err := ch.Key.AppendValues(slab)
	if err != nil {
		return ch, 0, slab, errChanges
	}
	ch.KeyVals = slab[at:len(slab):len(slab)]
	if len(row) == 0 {
		return ch, f, slab, nil
	}
	at = len(slab)
	values, rest, err := record.ReadRecord(row, slab[at:at])
	if err != nil || len(rest) != 0 {
		return ch, 0, slab, errChanges
	}
	ch.Values = slices.Clip(values)
	if cap(slab)-at >= len(values) {
		slab = slab[:at+len(values)]
	}
	return ch, f, slab, nil
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

func appendBytes[T ~[]byte | ~string](dst []byte, b T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}
