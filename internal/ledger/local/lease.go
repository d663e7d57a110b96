package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// errHeld says that another open file has the lock.
var errHeld = errors.New("held elsewhere")

// The patience for locks that are held for a moment only.
const (
	historyPatience = 10 * time.Second
	historyRetry    = 5 * time.Millisecond
)

// lease is a lock on a file that is never removed. The operating system
// releases it with the process, so there is no stale lease to clean up.
type lease struct {
	f      *os.File
	holder holder
}

// holder is what the one who has the lease wrote into its file.
type holder struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host,omitempty"`
	Since time.Time `json:"since,omitzero"`
}

// String names the holder for a message.
func (h holder) String() string {
	if h.PID == 0 {
		return "another run"
	}
	who := "process " + strconv.Itoa(h.PID)
	if h.Host != "" {
		who += " on " + h.Host
	}
	if !h.Since.IsZero() {
		who += " since " + h.Since.Local().Format("2006-01-02 15:04:05 MST")
	}
	return who
}

// lock takes the lease called name at once, or gives errHeld and its holder.
func (s *store) lock(name string) (*lease, holder, error) {
	path := filepath.Join(s.dir, "locks", name)
	if err := s.disk.ensureDir(filepath.Dir(path)); err != nil {
		return nil, holder{}, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return nil, holder{}, writeFault("open lock", path, err)
	}
	if err := tryLock(f); err != nil {
		h := readHolder(f)
		_ = f.Close()
		if errors.Is(err, errHeld) {
			return nil, h, errHeld
		}
		return nil, holder{}, writeFault("lock", path, err)
	}
	l := &lease{f: f}
	if err := s.sign(l); err != nil {
		_ = l.release()
		return nil, holder{}, writeFault("sign lock", path, err)
	}
	return l, holder{}, nil
}

// sign writes into the file who holds it.
func (s *store) sign(l *lease) error {
	l.holder = holder{PID: os.Getpid(), Host: s.opts.Host}
	if s.opts.Now != nil {
		l.holder.Since = s.opts.Now().UTC().Truncate(time.Second)
	}
	b, err := json.Marshal(l.holder)
	if err != nil {
		return fmt.Errorf("encode holder: %w", err)
	}
	if err := l.f.Truncate(0); err != nil {
		return err
	}
	_, err = l.f.WriteAt(append(b, '\n'), 0)
	return err
}

// readHolder reads as much as can be read: it is for a message only.
func readHolder(f *os.File) (h holder) {
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 4096))
	if err != nil || json.Unmarshal(b, &h) != nil {
		return holder{}
	}
	return h
}

// release gives the lease back.
func (l *lease) release() error {
	_ = l.f.Truncate(0) // so that nobody reads an old holder's name
	// Closing alone is not enough: a process that is just being started has a
	// copy of the open file until it runs its own program.
	return errors.Join(unlock(l.f), l.f.Close())
}

// lockHistory waits for the lock under which files of history are replaced.
func (s *store) lockHistory(ctx context.Context) (*lease, error) {
	deadline := time.NewTimer(historyPatience)
	defer deadline.Stop()
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		l, h, err := s.lock("history")
		if !errors.Is(err, errHeld) {
			return l, err
		}
		again.Reset(historyRetry)
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-deadline.C:
			return nil, taken(filepath.Join(s.dir, "locks", "history"), "the run history", h)
		}
	}
}
