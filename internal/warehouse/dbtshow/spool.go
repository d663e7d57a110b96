package dbtshow

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"math"
	"os"

	"exposync/internal/record"
)

const spoolBuffer = 256 << 10

// spool is a file of rows without a name, so that not even kill -9 leaves
// them on the disk.
type spool struct {
	columns []string
	count   int64

	file *os.File
	w    *bufio.Writer
	buf  []byte
}

func newSpool(dir string, columns []column) (*spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, spoolFault(err)
	}
	file, err := os.CreateTemp(dir, "rows-*")
	if err != nil {
		return nil, spoolFault(err)
	}
	_ = os.Remove(file.Name()) // fails on Windows: close does it there
	s := &spool{file: file, w: bufio.NewWriterSize(file, spoolBuffer)}
	for _, c := range columns {
		s.columns = append(s.columns, c.Name)
	}
	return s, nil
}

// add appends one row: its length, then the record.
func (s *spool) add(r record.Record) error {
	s.buf = record.AppendRecord(s.buf[:0], r)
	var size [binary.MaxVarintLen64]byte
	if _, err := s.w.Write(size[:binary.PutUvarint(size[:], uint64(len(s.buf)))]); err != nil {
		return spoolFault(err)
	}
	if _, err := s.w.Write(s.buf); err != nil {
		return spoolFault(err)
	}
	s.count++
	return nil
}

func (s *spool) flush() error {
	if err := s.w.Flush(); err != nil {
		return spoolFault(err)
	}
	return nil
}

// rows yields what was added, from the first row, every time it is called.
func (s *spool) rows() iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		in := bufio.NewReaderSize(io.NewSectionReader(s.file, 0, math.MaxInt64), spoolBuffer)
		var row record.Record
		var buf []byte
		for range s.count {
			size, err := binary.ReadUvarint(in)
			if err == nil {
				buf, err = readFull(in, buf, size)
			}
			if err == nil {
				row, _, err = record.ReadRecord(buf, row)
			}
			if err != nil {
				yield(nil, spoolFault(err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

func readFull(in io.Reader, buf []byte, size uint64) ([]byte, error) {
	if size > math.MaxInt32 {
		return nil, errors.New("a row of the spool has an impossible length")
	}
	if uint64(cap(buf)) < size {
		buf = make([]byte, size)
	}
	buf = buf[:size]
	_, err := io.ReadFull(in, buf)
	return buf, err
}

func (s *spool) close() {
	_ = s.file.Close()
	_ = os.Remove(s.file.Name())
}
