package local

import (
	"errors"
	"io/fs"
	"os"

	"exposync/internal/ledger/format"
)

// openMarks opens a marks file. A file that is not there is a nil snapshot.
func openMarks(path, job string) (*format.Snapshot, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // the nil snapshot is usable
	}
	if err != nil {
		return nil, unreadable(path, err)
	}
	return format.Open(f, blame{path: path, job: job})
}

// sortJournal reads a journal whole.
func (s *store) sortJournal(j *journalFile, newTemp func() (*os.File, func() error, error)) (*format.Overlay, error) {
	return format.Sort(j.info.Started, j.entries, s.runBytes, format.Temp{New: newTemp, Fault: sortFault})
}

func sortFault(path string, err error) error { return writeFault("sort journal", path, err) }

// blame makes the faults of one file.
type blame struct{ path, job string }

// Damaged is a file that is not what was written.
func (b blame) Damaged(what string) error { return damaged(b.path, b.job, what) }

// Newer is a file of a later Exposync.
func (b blame) Newer(version int) error { return newer(b.path, version) }

// Unreadable is a file that the system does not give.
func (b blame) Unreadable(err error) error { return unreadable(b.path, err) }
