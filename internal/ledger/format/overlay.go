package format

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"exposync/internal/ledger"
	"exposync/internal/record"
)

const (
	// DefaultRunBytes is how much of a journal is sorted in memory at a time.
	DefaultRunBytes = 4 << 20
	cursorBytes     = 16 << 10
)

// Overlay is a journal in the order of key hashes; entries about one key keep
// their order. A short journal is held in memory, a long one in a temporary
// file of sorted runs.
type Overlay struct {
	Since   int64 // unix seconds: the start of the run that wrote the journal
	Entries int64
	Jobs    []ledger.Entry // about jobs, in order
	runs    []run
	temp    *os.File
	drop    func() error
	readers sync.Pool
}

// run is one sorted stretch; partition p lies between starts[p] and [p+1].
type run struct {
	src    io.ReaderAt
	starts [ledger.Partitions + 1]int64
}

// sorter builds an overlay.
type sorter struct {
	out     *Overlay
	temp    Temp
	limit   int
	written int64
	buf     []byte
	refs    []ref
}

// ref is one entry in a sorter's buffer.
type ref struct {
	key        record.Hash
	start, end int
}

// Temp makes the file for sorting a long journal.
type Temp struct {
	New func() (f *os.File, drop func() error, err error) // drop: how to get rid of it
	// Fault tells of a file that could not be written.
	Fault func(path string, err error) error
}

// Entries reads a journal whole: it calls fn with every entry in order, with
// its bytes as AppendEntry made them. Both are valid during the call.
type Entries func(fn func(e *ledger.Entry, raw []byte) error) error

// Sort reads the journal of a run that began at since. limit is how much of
// it is held in memory.
func Sort(since int64, entries Entries, limit int, temp Temp) (*Overlay, error) {
	o := &Overlay{Since: since}
	o.readers.New = func() any { return bufio.NewReaderSize(nil, cursorBytes) }
	s := &sorter{out: o, temp: temp, limit: limit}
	err := entries(s.add)
	if err == nil {
		err = s.finish()
	}
	if err != nil {
		return nil, errors.Join(err, o.Close())
	}
	return o, nil
}

func (s *sorter) add(e *ledger.Entry, raw []byte) error {
	s.out.Entries++
	if !e.Kind.About() {
		s.out.Jobs = append(s.out.Jobs, *e)
		return nil
	}
	if len(s.buf)+len(raw) > s.limit && len(s.refs) > 0 {
		if err := s.spill(); err != nil {
			return err
		}
	}
	start := len(s.buf)
	s.buf = append(s.buf, raw...)
	s.refs = append(s.refs, ref{key: e.KeyHash, start: start, end: len(s.buf)})
	return nil
}

// finish keeps the last run in memory if it is the only one.
func (s *sorter) finish() error {
	if len(s.refs) == 0 {
		return nil
	}
	if s.out.temp != nil {
		return s.spill()
	}
	var sorted bytes.Buffer
	sorted.Grow(len(s.buf))
	r, err := s.sorted(&sorted, 0)
	r.src = bytes.NewReader(sorted.Bytes())
	s.out.runs = append(s.out.runs, r)
	return err
}

// spill writes the buffer as a sorted run.
func (s *sorter) spill() error {
	if s.out.temp == nil {
		var err error
		if s.out.temp, s.out.drop, err = s.temp.New(); err != nil {
			return err
		}
	}
	w := bufio.NewWriterSize(s.out.temp, 256<<10)
	r, err := s.sorted(w, s.written)
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return s.temp.Fault(s.out.temp.Name(), err)
	}
	r.src = s.out.temp
	s.out.runs = append(s.out.runs, r)
	s.written = r.starts[ledger.Partitions]
	s.buf, s.refs = s.buf[:0], s.refs[:0]
	return nil
}

// sorted writes the buffered entries in order; at is where the run begins.
func (s *sorter) sorted(w io.Writer, at int64) (run, error) {
	slices.SortFunc(s.refs, func(a, b ref) int {
		if c := bytes.Compare(a.key[:], b.key[:]); c != 0 {
			return c
		}
		return a.start - b.start
	})
	var r run
	part := 0
	r.starts[0] = at
	for _, ref := range s.refs {
		for ; part < int(ref.key[0]); part++ {
			r.starts[part+1] = at
		}
		if _, err := w.Write(s.buf[ref.start:ref.end]); err != nil {
			return r, err
		}
		at += int64(ref.end - ref.start)
	}
	for ; part < ledger.Partitions; part++ {
		r.starts[part+1] = at
	}
	return r, nil
}

// Close gets rid of the temporary file. The nil overlay has none.
func (o *Overlay) Close() error {
	if o == nil || o.temp == nil {
		return nil
	}
	return errors.Join(o.temp.Close(), o.drop())
}

// Touches reports whether there is any entry about a partition.
func (o *Overlay) Touches(part int) bool {
	return slices.ContainsFunc(o.runs, func(r run) bool { return r.starts[part+1] > r.starts[part] })
}

// cursor walks through one partition of an overlay.
type cursor struct {
	o     *Overlay
	heads []*runHead // heap: smallest key, then oldest run, first
}

// runHead is the next entry of one run.
type runHead struct {
	in    *bufio.Reader
	order int
	size  [EntryHead]byte
	raw   []byte
	entry ledger.Entry
}

// open starts a cursor. Close it to give its buffers back.
func (o *Overlay) open(part int) (*cursor, error) {
	c := &cursor{o: o}
	for i, r := range o.runs {
		if r.starts[part+1] == r.starts[part] {
			continue
		}
		in := o.readers.Get().(*bufio.Reader)
		in.Reset(io.NewSectionReader(r.src, r.starts[part], r.starts[part+1]-r.starts[part]))
		h := &runHead{in: in, order: i}
		if _, err := h.next(); err != nil {
			return nil, err
		}
		c.heads = append(c.heads, h)
	}
	for i := len(c.heads)/2 - 1; i >= 0; i-- {
		c.sink(i)
	}
	return c, nil
}

// peek gives the key of the next entry; false at the end.
func (c *cursor) peek() (record.Hash, bool) {
	if len(c.heads) == 0 {
		return record.Hash{}, false
	}
	return c.heads[0].entry.KeyHash, true
}

// entry is the one that peek tells about, valid until advance.
func (c *cursor) entry() *ledger.Entry { return &c.heads[0].entry }

func (c *cursor) advance() error {
	h := c.heads[0]
	more, err := h.next()
	if err != nil {
		return err
	}
	if !more {
		c.o.readers.Put(h.in)
		last := len(c.heads) - 1
		c.heads[0] = c.heads[last]
		c.heads = c.heads[:last]
	}
	c.sink(0)
	return nil
}

func (c *cursor) close() {
	for _, h := range c.heads {
		c.o.readers.Put(h.in)
	}
	c.heads = nil
}

// sink restores the heap below i.
func (c *cursor) sink(i int) {
	for {
		small := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(c.heads); child++ {
			if c.heads[child].before(c.heads[small]) {
				small = child
			}
		}
		if small == i {
			return
		}
		c.heads[i], c.heads[small] = c.heads[small], c.heads[i]
		i = small
	}
}

func (h *runHead) before(o *runHead) bool {
	if c := bytes.Compare(h.entry.KeyHash[:], o.entry.KeyHash[:]); c != 0 {
		return c < 0
	}
	return h.order < o.order
}

// next reads one entry; false at the end of the run's partition.
func (h *runHead) next() (bool, error) {
	if _, err := io.ReadFull(h.in, h.size[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		return false, fmt.Errorf("read sorted journal: %w", err)
	}
	n := int(binary.LittleEndian.Uint32(h.size[:]))
	h.raw = slices.Grow(h.raw[:0], n)[:n]
	if _, err := io.ReadFull(h.in, h.raw); err != nil {
		return false, fmt.Errorf("read sorted journal: %w", err)
	}
	if !(&parser{b: h.raw}).entry(&h.entry) {
		return false, errors.New("read sorted journal: an entry changed while it was sorted")
	}
	return true, nil
}
