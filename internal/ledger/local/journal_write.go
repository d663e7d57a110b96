package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"exposync/internal/ledger"
	"exposync/internal/ledger/format"
)

// journal appends commits to a new file. Calls that arrive while the disk is
// busy share the next sync.
type journal struct {
	file *file
	size int64 // written and synced
	err  error // the first error; nothing is written after it

	io   sync.Mutex // held while a commit is written; guards size and err
	mu   sync.Mutex // guards next
	next *commit
}

// commit is one frame, filled by one or more calls.
type commit struct {
	frame []byte
	done  chan struct{}
	err   error
}

// newJournal starts the file. It is durable with its name before the first
// commit, so that a damaged start is never mistaken for a crash.
func (d disk) newJournal(path string, info journalInfo) (*journal, error) {
	payload, err := json.Marshal(info)
	if err != nil {
		return nil, fmt.Errorf("encode head of journal: %w", err)
	}
	f, err := d.create(path)
	if err != nil {
		return nil, err
	}
	frame := append(make([]byte, frameHead), payload...)
	putFrameHead(frame, format.HeadSize)
	start := append(format.Head(journalMagic, journalVersion), frame...)
	j := &journal{file: f, size: int64(len(start))}
	if _, err := f.Write(start); err != nil {
		return nil, errors.Join(err, f.f.Close())
	}
	if err := f.sync(); err != nil {
		return nil, errors.Join(err, f.f.Close())
	}
	if err := d.syncDir(filepath.Dir(path)); err != nil {
		return nil, errors.Join(err, f.f.Close())
	}
	return j, nil
}

// append makes entries durable.
func (j *journal) append(entries []ledger.Entry) error {
	for len(entries) > 0 {
		n, err := j.commit(entries)
		if err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

// commit makes as many of the entries durable as go into one commit. Whoever
// opens a commit writes it; the others wait.
func (j *journal) commit(entries []ledger.Entry) (n int, err error) {
	j.mu.Lock()
	c := j.next
	leads := c == nil
	if leads {
		c = &commit{frame: make([]byte, frameHead, 16<<10), done: make(chan struct{})}
		j.next = c
	}
	for start := len(c.frame); n < len(entries) && (n == 0 || len(c.frame)-start < commitBytes); n++ {
		c.frame = format.AppendEntry(c.frame, &entries[n])
	}
	j.mu.Unlock()
	if !leads {
		<-c.done
		return n, c.err
	}
	j.io.Lock()
	j.mu.Lock()
	j.next = nil // from here on nobody joins
	j.mu.Unlock()
	c.err = j.write(c.frame)
	j.io.Unlock()
	close(c.done)
	return n, c.err
}

// write writes and syncs one frame. After an error nobody knows what reached
// the disk, so nothing more may follow it.
func (j *journal) write(frame []byte) error {
	if j.err != nil {
		return j.err
	}
	putFrameHead(frame, j.size)
	if _, j.err = j.file.Write(frame); j.err != nil {
		return j.err
	}
	if j.err = j.file.sync(); j.err != nil {
		return j.err
	}
	j.size += int64(len(frame))
	return nil
}

// close ends writing. Everything that matters was synced.
func (j *journal) close() error {
	if j == nil {
		return nil
	}
	return j.file.f.Close()
}
