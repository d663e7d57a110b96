package local

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"slices"
	"sync"

	"exposync/internal/ledger"
	"exposync/internal/ledger/format"
	"exposync/internal/plan"
	"exposync/internal/record"
)

var errClosed = errors.New("the ledger of this sync is closed")

// session is one open sync.
type session struct {
	store    *store
	id       plan.SyncID
	target   string
	dir      string
	lease    *lease
	leftover bool

	mu      sync.RWMutex // held alone to fold and close
	closed  bool
	broken  error // why nothing can be written any more
	claimed bool
	shown   *format.Snapshot // as the sync was opened
	base    *format.Snapshot // as of the last fold
	start   sync.Mutex
	journal *journal // nil until the first entry
}

func (y *session) path(file string) string { return filepath.Join(y.dir, file) }

// Header gives what was known when the sync was opened.
func (y *session) Header() ledger.Header {
	h := y.shown.Header()
	h.Leftover = y.leftover
	h.Jobs = slices.Clone(h.Jobs)
	return h
}

// Marks yields a partition as it was when the sync was opened.
func (y *session) Marks(ctx context.Context, part int) iter.Seq2[record.Mark, error] {
	return y.shown.Marks(ctx, part)
}

// Append writes entries and syncs them.
func (y *session) Append(ctx context.Context, entries ...ledger.Entry) error {
	if err := format.Check(entries); err != nil {
		return err
	}
	y.mu.RLock()
	defer y.mu.RUnlock()
	if err := y.usable(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil || len(entries) == 0 {
		return err
	}
	j, err := y.writing()
	if err != nil {
		return err
	}
	return j.append(entries)
}

func (y *session) usable() error {
	if y.closed {
		return errClosed
	}
	return y.broken
}

// writing gives the journal, which the first entry starts.
func (y *session) writing() (*journal, error) {
	y.start.Lock()
	defer y.start.Unlock()
	if y.journal != nil {
		return y.journal, nil
	}
	if err := y.claim(); err != nil {
		return nil, err
	}
	h := y.lease.holder
	j, err := y.store.disk.newJournal(y.path("journal"), journalInfo{
		Generation: y.base.Generation(), Encoding: record.Encoding, Started: y.store.unix(), PID: h.PID, Host: h.Host,
	})
	if err != nil {
		return nil, err
	}
	y.journal = j
	return j, nil
}

// claim writes down whose marks these are, once.
func (y *session) claim() error {
	if y.claimed {
		return nil
	}
	if err := y.store.claim(y.id, y.target); err != nil {
		return err
	}
	y.claimed = true
	return nil
}

// Fold merges the journal into the marks.
func (y *session) Fold(ctx context.Context, h ledger.Header) error {
	y.mu.Lock()
	defer y.mu.Unlock()
	if err := y.usable(); err != nil {
		return err
	}
	if err := y.claim(); err != nil {
		return err
	}
	o := &format.Overlay{}
	if y.journal != nil {
		var err error
		if o, err = y.sorted(); err != nil {
			return err
		}
	}
	return errors.Join(y.rewrite(ctx, h, o), o.Close())
}

// sorted reads the session's own journal back.
func (y *session) sorted() (*format.Overlay, error) {
	j, err := openJournal(y.path("journal"), y.id.Job)
	if err != nil {
		return nil, err
	}
	if j == nil || j.size < y.journal.size {
		return nil, errors.Join(damaged(y.path("journal"), y.id.Job, "somebody removed it during the run"), j.close())
	}
	o, err := y.store.sortJournal(j, y.sortFile)
	if err == nil && j.end < y.journal.size {
		err = errors.Join(damaged(y.path("journal"), y.id.Job, "its end changed during the run"), o.Close())
	}
	return o, errors.Join(err, j.close())
}

// rewrite writes the next generation of marks, puts it in place and drops the
// journal.
func (y *session) rewrite(ctx context.Context, h ledger.Header, o *format.Overlay) error {
	next := o.Fold(y.base.Header(), h)
	temp := y.path("marks") + tempSuffix
	if err := y.writeMarks(ctx, temp, next, o); err != nil {
		return err
	}
	// From the rename on the old journal no longer counts: if anything goes
	// wrong there, entries that went into it would be lost.
	if y.broken = y.swap(temp); y.broken != nil {
		return y.broken
	}
	err := y.journal.close()
	y.journal = nil
	return errors.Join(err, y.store.disk.remove(y.path("journal")))
}

// swap puts a new marks file in place and opens it. The marks that the
// session shows stay open, where the system allows it.
func (y *session) swap(temp string) error {
	if y.base != y.shown || !renameOverOpen {
		if err := y.base.Close(); err != nil {
			return unreadable(y.path("marks"), err)
		}
	}
	if err := y.store.disk.rename(temp, y.path("marks")); err != nil {
		return err
	}
	base, err := openMarks(y.path("marks"), y.id.Job)
	if err != nil {
		return err
	}
	y.base = base
	return nil
}

// writeMarks writes the marks with the overlay over them, durably. The file
// still has its temporary name.
func (y *session) writeMarks(ctx context.Context, path string, h ledger.Header, o *format.Overlay) error {
	f, err := y.store.disk.create(path)
	if err != nil {
		return err
	}
	if _, err = format.Write(ctx, f, h, y.base, o); err == nil {
		err = f.sync()
	}
	if err == nil {
		err = f.close()
	}
	if err != nil {
		return errors.Join(err, f.abandon())
	}
	return nil
}

// Close gives the lease back.
func (y *session) Close() error {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.closed {
		return nil
	}
	y.closed = true
	return errors.Join(y.base.Close(), y.shown.Close(), y.journal.close(), y.lease.release())
}
