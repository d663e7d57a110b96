package sandbox

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"exposync/internal/fault"
)

// object is one file of versions and an index of the newest ones. What is in
// memory grows with the records, some 80 bytes each, not with their values or
// their history.
type object struct {
	connection, name string
	path             string

	mu      sync.RWMutex
	file    *os.File
	entries []entry             // in the order in which keys were first seen
	index   map[recordID]uint32 // into entries
	end     int64               // of the file
	live    int
	lines   int64
	touched int64 // time of the newest line, microseconds
	failed  error // of a write: the file no longer takes any

	syncing group
}

// entry is where the newest version of a record stands.
type entry struct {
	id      recordID
	offset  int64
	number  uint32
	deleted bool
}

// magic is the first line of every file.
const magic = "exposync sandbox 1 "

// openObject reads the index of a file, or starts one. A torn end, as a kill
// or a loss of power leaves it, is cut: nobody was told that it arrived.
func openObject(path, connection, name string) (*object, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, dirFault(path, err)
	}
	o := &object{connection: connection, name: name, path: path, file: f, index: map[recordID]uint32{}}
	o.syncing.init(f.Sync)
	if err := o.load(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	o.syncing.written, o.syncing.synced = o.end, o.end
	return o, nil
}

func (o *object) load() error {
	info, err := o.file.Stat()
	if err != nil {
		return dirFault(o.path, err)
	}
	if info.Size() < int64(len(magic)) { // new, or killed while it was made
		if err := o.file.Truncate(0); err != nil {
			return dirFault(o.path, err)
		}
		head := []byte(magic + "\n")
		if _, err := o.file.WriteAt(head, 0); err != nil {
			return dirFault(o.path, err)
		}
		o.end = int64(len(head))
		return o.file.Sync()
	}
	if err := o.scan(bufio.NewReaderSize(o.file, 1<<20)); err != nil {
		return err
	}
	if o.end == info.Size() {
		return nil
	}
	return o.cut(info.Size())
}

// scan reads lines up to the end or the first that is torn.
func (o *object) scan(r *bufio.Reader) error {
	head, err := r.ReadBytes('\n')
	if err != nil || string(head) != magic+"\n" {
		return &fault.Fault{
			Code: "sandbox_damaged", Kind: fault.Config, Whose: fault.Setup, Where: o.path,
			Msg: "the file was not written by this sandbox", Hint: "move the file away; it can hold copies of test data only",
		}
	}
	o.end = int64(len(head))
	var long []byte
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			long = append(long, line...)
			continue
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return dirFault(o.path, err)
		}
		if len(long) > 0 {
			long = append(long, line...)
			line = long
		}
		v, err := parseLine(line[:len(line)-1])
		if err != nil {
			return nil //nolint:nilerr // the torn end
		}
		o.add(&v, o.end)
		o.end += int64(len(line))
		long = long[:0]
	}
}

// cut removes the torn end. If whole lines stand behind the damage, the end is
// kept in a file beside it.
func (o *object) cut(size int64) error {
	tail := make([]byte, min(size-o.end, 64<<20))
	if _, err := o.file.ReadAt(tail, o.end); err != nil {
		return dirFault(o.path, err)
	}
	for line := range bytes.Lines(tail) {
		if _, err := parseLine(bytes.TrimSuffix(line, []byte("\n"))); err == nil {
			if err := os.WriteFile(o.path+".cut", tail, 0o600); err != nil {
				return dirFault(o.path, err)
			}
			break
		}
	}
	if err := o.file.Truncate(o.end); err != nil {
		return dirFault(o.path, err)
	}
	return o.file.Sync()
}

// add puts a version that stands at offset into the index.
func (o *object) add(v *version, offset int64) {
	o.lines++
	o.touched = max(o.touched, v.at)
	i, known := o.index[v.id]
	if !known {
		i = uint32(len(o.entries)) //nolint:gosec // 4 billion records do not fit into memory
		o.index[v.id] = i
		o.entries = append(o.entries, entry{id: v.id, deleted: true})
	}
	e := &o.entries[i]
	if e.deleted && !v.deleted {
		o.live++
	}
	if !e.deleted && v.deleted {
		o.live--
	}
	e.offset, e.number, e.deleted = offset, v.number, v.deleted
}

// read gives the version at an offset.
func (o *object) read(offset int64) (version, error) {
	buf := make([]byte, 1024)
	for {
		n, err := o.file.ReadAt(buf, offset)
		if i := bytes.IndexByte(buf[:n], '\n'); i >= 0 {
			return parseLine(buf[:i])
		}
		if err != nil {
			return version{}, fmt.Errorf("read a record of %s: %w", o.name, err)
		}
		buf = make([]byte, 4*len(buf))
	}
}

// newest gives the newest version of a record.
func (o *object) newest(id recordID) (e entry, v version, ok bool, err error) {
	i, ok := o.index[id]
	if !ok {
		return entry{}, version{}, false, nil
	}
	e = o.entries[i]
	v, err = o.read(e.offset)
	return e, v, true, err
}

// write appends lines and gives the end of the file to wait for with
// syncing.wait. A file that could not be written takes no more lines: what
// stands behind the torn one would be lost when it is opened again.
func (o *object) write(lines []byte) (int64, error) {
	if o.failed != nil {
		return 0, o.failed
	}
	if _, err := o.file.WriteAt(lines, o.end); err != nil {
		o.failed = fmt.Errorf("write records of %s: %w", o.name, err)
		return 0, o.failed
	}
	o.end += int64(len(lines))
	o.syncing.wrote(o.end)
	return o.end, nil
}
