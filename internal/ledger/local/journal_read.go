package local

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"

	"exposync/internal/ledger"
	"exposync/internal/ledger/format"
)

// journalFile is a journal that is read. It sees the file as long as it was
// when it was opened, while another process may still write to it.
type journalFile struct {
	f    *os.File
	path string
	job  string // for messages
	size int64
	info journalInfo
	at   int64 // where the commits begin; 0 if nothing was ever committed
	end  int64 // where the intact ones end, once they were read
	buf  []byte
}

// openJournal opens a journal; nil if there is none.
func openJournal(path, job string) (*journalFile, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // no journal is the usual case
	}
	if err != nil {
		return nil, unreadable(path, err)
	}
	j := &journalFile{f: f, path: path, job: job}
	if err := j.load(); err != nil {
		_ = f.Close()
		return nil, err
	}
	return j, nil
}

// load reads the head and the first frame.
func (j *journalFile) load() error {
	info, err := j.f.Stat()
	if err != nil {
		return unreadable(j.path, err)
	}
	j.size = info.Size()
	first := make([]byte, min(j.size, format.HeadSize))
	if err := j.readAt(first, 0); err != nil {
		return err
	}
	version, ok := format.CheckHead(first, journalMagic)
	if !ok {
		return j.torn(0)
	}
	if version > journalVersion {
		return newer(j.path, version)
	}
	payload, next, err := j.frame(format.HeadSize)
	if err != nil {
		return err
	}
	if payload == nil {
		return j.torn(format.HeadSize)
	}
	if err := json.Unmarshal(payload, &j.info); err != nil || j.info.Generation < 0 {
		return j.damaged("its first frame cannot be read")
	}
	j.at, j.end = next, next
	return nil
}

// entries calls fn with every entry in order. An entry and its bytes are
// valid during the call; its head is still before the raw bytes.
func (j *journalFile) entries(fn func(e *ledger.Entry, raw []byte) error) error {
	if j.at == 0 {
		return nil
	}
	var e ledger.Entry
	for at := j.at; at < j.size; {
		payload, next, err := j.frame(at)
		if err != nil {
			return err
		}
		if payload == nil {
			return j.torn(at)
		}
		if err := j.commit(at, payload, &e, fn); err != nil {
			return err
		}
		at, j.end = next, next
	}
	return nil
}

// commit calls fn with the entries of one frame.
func (j *journalFile) commit(at int64, payload []byte, e *ledger.Entry, fn func(e *ledger.Entry, raw []byte) error) error {
	for len(payload) > 0 {
		raw, ok := format.CutEntry(payload)
		if !ok {
			return j.damaged(fmt.Sprintf("the frame at byte %d ends within an entry", at))
		}
		ok = format.ParseEntry(raw, e)
		if e.Kind > ledger.LastKind { // a later Exposync may tell more than we know
			return newer(j.path, journalVersion+1)
		}
		if !ok || e.Check() != nil {
			return j.damaged(fmt.Sprintf("the frame at byte %d holds an entry that cannot be", at))
		}
		if err := fn(e, raw); err != nil {
			return err
		}
		payload = payload[len(raw):]
	}
	return nil
}

// frame reads the frame at an offset; the payload is nil if it is not intact,
// and valid until the next call.
func (j *journalFile) frame(at int64) (payload []byte, next int64, err error) {
	var h [frameHead]byte
	if j.size-at < frameHead {
		return nil, 0, nil
	}
	if err := j.readAt(h[:], at); err != nil {
		return nil, 0, err
	}
	n := int64(binary.LittleEndian.Uint32(h[4:]))
	if binary.LittleEndian.Uint32(h[0:]) != frameMagic || frameHeadSum(h[:], at) != binary.LittleEndian.Uint32(h[12:]) ||
		n > j.size-at-frameHead {
		return nil, 0, nil
	}
	if int64(cap(j.buf)) < n {
		j.buf = make([]byte, n)
	}
	payload = j.buf[:n]
	if payload == nil {
		payload = []byte{}
	}
	if err := j.readAt(payload, at+frameHead); err != nil {
		return nil, 0, err
	}
	if crc32.Checksum(payload, format.CRC()) != binary.LittleEndian.Uint32(h[8:]) {
		return nil, 0, nil
	}
	return payload, at + frameHead + n, nil
}

// torn decides what a damaged frame at an offset means: the end of what was
// committed if nothing intact follows, else damage. A frame is only written
// after the one before it was synced.
func (j *journalFile) torn(at int64) error {
	magic := binary.LittleEndian.AppendUint32(nil, frameMagic)
	chunk := make([]byte, 64<<10)
	for from := at + 1; from+frameHead <= j.size; {
		b := chunk[:min(int64(len(chunk)), j.size-from)]
		if err := j.readAt(b, from); err != nil {
			return err
		}
		for i := bytes.Index(b, magic); i >= 0; {
			payload, _, err := j.frame(from + int64(i))
			if err != nil {
				return err
			}
			if payload != nil {
				return j.damaged(fmt.Sprintf("the frame at byte %d is not intact, but a later one is", at))
			}
			hit := bytes.Index(b[i+1:], magic)
			if hit < 0 {
				break
			}
			i += 1 + hit
		}
		from += int64(len(b) - len(magic) + 1) // a magic may lie across two chunks
	}
	return nil
}

func (j *journalFile) readAt(b []byte, at int64) error {
	_, err := j.f.ReadAt(b, at)
	switch {
	case errors.Is(err, io.EOF): // it was longer when it was opened
		return j.damaged("it was cut while it was read")
	case err != nil:
		return unreadable(j.path, err)
	}
	return nil
}

func (j *journalFile) damaged(what string) error { return damaged(j.path, j.job, what) }

func (j *journalFile) close() error {
	if j == nil {
		return nil
	}
	return j.f.Close()
}
