package bucket

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"

	"exposync/internal/ledger"
	"exposync/internal/ledger/format"
	"exposync/internal/plan"
)

// tempFile makes a file for a working copy. Where the system allows it the
// file has no name from the start, so that not even kill -9 leaves it behind.
func (s *store) tempFile() (*os.File, func() error, error) {
	if s.opts.Temp != "" {
		if err := os.MkdirAll(s.opts.Temp, 0o700); err != nil {
			return nil, nil, scratch(s.opts.Temp, err)
		}
	}
	f, err := os.CreateTemp(s.opts.Temp, "exposync-ledger-*")
	if err != nil {
		return nil, nil, scratch(s.opts.Temp, err)
	}
	if os.Remove(f.Name()) == nil {
		return f, func() error { return nil }, nil
	}
	return f, func() error { return os.Remove(f.Name()) }, nil
}

// sort puts a journal's working copy in order.
func (s *store) sort(since int64, entries *scratchFile) (*format.Overlay, error) {
	return format.Sort(since, entries.each, s.runBytes, format.Temp{New: s.tempFile, Fault: scratch})
}

// scratchFile holds entries of a journal in the order of their writing.
type scratchFile struct {
	f    *os.File
	drop func() error
	size int64
}

func (s *store) newScratch() (*scratchFile, error) {
	f, drop, err := s.tempFile()
	if err != nil {
		return nil, err
	}
	return &scratchFile{f: f, drop: drop}, nil
}

// add appends encoded entries.
func (c *scratchFile) add(entries []byte) error {
	if _, err := c.f.WriteAt(entries, c.size); err != nil {
		return scratch(c.f.Name(), err)
	}
	c.size += int64(len(entries))
	return nil
}

// each is format.Entries.
func (c *scratchFile) each(fn func(e *ledger.Entry, raw []byte) error) error {
	in := bufio.NewReaderSize(io.NewSectionReader(c.f, 0, c.size), 256<<10)
	var e ledger.Entry
	var raw []byte
	for {
		raw = slices.Grow(raw[:0], format.EntryHead)[:format.EntryHead]
		if _, err := io.ReadFull(in, raw); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return scratch(c.f.Name(), err)
		}
		n := format.EntryHead + int(binary.LittleEndian.Uint32(raw))
		raw = slices.Grow(raw, n-len(raw))[:n]
		if _, err := io.ReadFull(in, raw[format.EntryHead:]); err != nil {
			return scratch(c.f.Name(), err)
		}
		if !format.ParseEntry(raw, &e) {
			return scratch(c.f.Name(), errors.New("it changed while it was in use"))
		}
		if err := fn(&e, raw); err != nil {
			return err
		}
	}
}

// empty forgets all entries.
func (c *scratchFile) empty() { c.size = 0 }

func (c *scratchFile) close() error {
	if c == nil {
		return nil
	}
	return errors.Join(c.f.Close(), c.drop())
}

// copyOf is a snapshot of marks on this machine.
type copyOf struct {
	*format.Snapshot
	drop func() error
}

// close may be called again.
func (c *copyOf) close() error {
	if c == nil || c.drop == nil {
		return nil
	}
	err := errors.Join(c.Close(), c.drop())
	c.drop = nil
	return err
}

// snapshot gives the marks, nil if there are none.
func (c *copyOf) snapshot() *format.Snapshot {
	if c == nil {
		return nil
	}
	return c.Snapshot
}

// fetch copies the marks that a head names. Whatever was changed on the way
// or in the bucket is noticed. The error is errAbsent if they are not there.
func (s *store) fetch(ctx context.Context, h *head) (*copyOf, error) {
	if h.Marks == nil {
		return nil, nil // no marks
	}
	f, drop, err := s.tempFile()
	if err != nil {
		return nil, err
	}
	sum := &summed{to: f, sum: sha256.New()}
	err = s.objects.download(ctx, h.Marks.Key, sum)
	if sum.err != nil {
		err = scratch(f.Name(), sum.err)
	}
	where := s.objects.where(h.Marks.Key)
	if err == nil && (sum.size != h.Marks.Size || sum.hex() != h.Marks.SHA256) {
		err = damaged(where, h.Sync.Job, "it is not what was written")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), drop())
	}
	return s.open(f, drop, h)
}

// open opens a working copy of the marks that a head names.
func (s *store) open(f *os.File, drop func() error, h *head) (*copyOf, error) {
	where := s.objects.where(h.Marks.Key)
	snap, err := format.Open(f, blame{where: where, job: h.Sync.Job})
	if err != nil {
		return nil, errors.Join(err, drop())
	}
	if got := snap.Header(); got.Generation > h.Header.Generation || got.Marks != h.Header.Marks || got.Standing != h.Header.Standing {
		return nil, errors.Join(damaged(where, h.Sync.Job, "it is not of the generation that its head names"), snap.Close(), drop())
	}
	return &copyOf{Snapshot: snap, drop: drop}, nil
}

// summed counts and sums what is written.
type summed struct {
	to   io.Writer
	sum  hash.Hash
	size int64
	err  error
}

// Write writes to both.
func (w *summed) Write(b []byte) (int, error) {
	n, err := w.to.Write(b)
	w.sum.Write(b[:n])
	w.size += int64(n)
	if err != nil {
		w.err = err
	}
	return n, err
}

func (w *summed) hex() string { return hex.EncodeToString(w.sum.Sum(nil)) }

// blame makes the faults of one object.
type blame struct{ where, job string }

// Damaged is an object that is not what was written.
func (b blame) Damaged(what string) error { return damaged(b.where, b.job, what) }

// Newer is an object of a later Exposync.
func (b blame) Newer(version int) error { return newer(b.where, version) }

// Unreadable is a working copy that the system does not give.
func (b blame) Unreadable(err error) error { return unreadable(b.where, err) }

func marksKey(id plan.SyncID, token, generation int64) string {
	return fmt.Sprintf("%smarks/%010d-%010d-%s", syncPrefix(id), token, generation, newID())
}
