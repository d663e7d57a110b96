// Package local keeps the ledger in a directory, by default .exposync beside
// dbt_project.yml. It needs no database and survives kill -9, a full disk and
// loss of power at any instant.
//
// The directory is 0700 and its files are 0600, because keys are data:
//
//	.gitignore                 keeps all of it out of git
//	locks/<name>               lease of one sync; says who holds it
//	locks/history              held while a file of history is replaced
//	syncs/<name>/identity.json whose marks these are, and the dbt targets seen
//	syncs/<name>/marks         the snapshot: every mark as of the last fold
//	syncs/<name>/journal       what happened since, the only commit point
//	evidence/<name>.json       newest result of every dbt node of a project
//	runs/<name>.json           the newest runs of a job
//
// A name is readable and ends in a hash of the full identity. A lease is a
// lock of the operating system on a file that is never removed, so it ends
// with the process that holds it.
//
// marks is written once, from front to back: a head with the format's
// version, 256 partitions in the order of key hashes, an index of them, what
// Header says, and a tail that closes the file. Partitions are made of blocks
// of about 64 KB, each with a checksum over its content, its place and the
// generation; reading one partition verifies exactly that partition.
//
// journal is a head with the version, the generation it builds on, the run's
// process and its start, then one frame for each commit. A frame is written
// only after the one before it was synced, so a damaged frame with an intact
// one behind it was durable once: that is corruption, and is reported. A
// damaged frame at the very end was never acknowledged: it is cut off.
//
// A fold writes marks anew beside the old file, syncs it, renames it over the
// old one, syncs the directory and then removes the journal. A journal that
// builds on an older generation than marks has was folded already.
package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"exposync/internal/ledger"
	"exposync/internal/ledger/format"
)

// Options are what the store takes from its surroundings.
type Options struct {
	// Now tells the time for messages and standings; without it they have none.
	Now func() time.Time
	// Host is this machine's name, for the message of a lease that is taken.
	Host string
	// Temp is where View puts the sorted copy of a long journal; empty for
	// the system's directory of temporary files.
	Temp string
}

// Open gives the ledger in dir. Nothing is created before the first write, so
// that reading works in a directory that may not be written to.
func Open(dir string, opts Options) (ledger.Ledger, error) {
	if dir == "" {
		return nil, errors.New("open ledger: no directory given")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, unreadable(dir, err)
	}
	return &store{dir: abs, opts: opts, runBytes: format.DefaultRunBytes, copyViews: !renameOverOpen}, nil
}

// store is a ledger.Ledger.
type store struct {
	dir      string
	opts     Options
	disk     disk
	runBytes int // memory for sorting a journal
	// copyViews: a view reads a copy of the marks, see viewMarks.
	copyViews bool
}

var _ ledger.Ledger = (*store)(nil)

// Close has nothing to release: every open sync holds its own files.
func (s *store) Close() error { return nil }

// prepare makes the directory and its .gitignore.
func (s *store) prepare(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.disk.ensureDir(s.dir); err != nil {
		return err
	}
	// A directory from elsewhere may be open to others. Where permissions
	// cannot be changed there are none, and the files have their own.
	if info, err := os.Stat(s.dir); err == nil && info.Mode().Perm()&0o077 != 0 {
		_ = os.Chmod(s.dir, dirMode)
	}
	return s.ignore()
}

// ignore keeps the directory out of git. Several processes may write the same
// few bytes at once; a crash leaves an empty file, which is written again.
func (s *store) ignore() error {
	path := filepath.Join(s.dir, ".gitignore")
	if info, err := os.Stat(path); err == nil && info.Size() > 0 {
		return nil
	}
	content := []byte("# Keys and hashes of what was sent: never commit them.\n*\n")
	return s.disk.do("write", path, func() error { return os.WriteFile(path, content, fileMode) })
}

// unix is the present in unix seconds, 0 without a clock.
func (s *store) unix() int64 {
	if s.opts.Now == nil {
		return 0
	}
	return s.opts.Now().Unix()
}
