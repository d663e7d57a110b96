package local

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"sync"

	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
)

var (
	errClosed = errors.New("the ledger of this sync is closed")
	errView   = errors.New("the ledger of this sync was opened for reading only")
)

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
	shown   *snapshot // as the sync was opened
	base    *snapshot // as of the last fold
	start   sync.Mutex
	journal *journal // nil until the first entry
}

func (y *session) path(file string) string { return filepath.Join(y.dir, file) }

// Header gives what was known when the sync was opened.
func (y *session) Header() ledger.Header {
	h := y.shown.head()
	h.Leftover = y.leftover
	h.Jobs = slices.Clone(h.Jobs)
	return h
}

// Marks yields a partition as it was when the sync was opened.
func (y *session) Marks(ctx context.Context, part int) iter.Seq2[record.Mark, error] {
	return y.shown.marks(ctx, part)
}

// Append writes entries and syncs them.
func (y *session) Append(ctx context.Context, entries ...ledger.Entry) error {
	if err := check(entries); err != nil {
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

// check refuses entries that could not be folded, before anything is written.
func check(entries []ledger.Entry) error {
	for i := range entries {
		e := &entries[i]
		if err := e.Check(); err != nil {
			return err
		}
		size := len(e.Key) + len(e.RemoteID) + len(e.Job)
		if e.Standing != nil {
			size += len(e.Standing.Code) + len(e.Standing.Reason)
		}
		if size > maxEntry/2 {
			return fmt.Errorf("ledger entry of %d bytes is too long", size)
		}
	}
	return nil
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
		Generation: y.base.generation(), Encoding: record.Encoding, Started: y.store.unix(), PID: h.PID, Host: h.Host,
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
	o := &overlay{}
	if y.journal != nil {
		var err error
		if o, err = y.sorted(); err != nil {
			return err
		}
	}
	return errors.Join(y.rewrite(ctx, h, o), o.close())
}

// sorted reads the session's own journal back.
func (y *session) sorted() (*overlay, error) {
	j, err := openJournal(y.path("journal"), y.id.Job)
	if err != nil {
		return nil, err
	}
	if j == nil || j.size < y.journal.size {
		return nil, errors.Join(damaged(y.path("journal"), y.id.Job, "somebody removed it during the run"), j.close())
	}
	o, err := sortJournal(j, y.store.runBytes, y.sortFile)
	if err == nil && j.end < y.journal.size {
		err = errors.Join(damaged(y.path("journal"), y.id.Job, "its end changed during the run"), o.close())
	}
	return o, errors.Join(err, j.close())
}

// rewrite writes the next generation of marks, puts it in place and drops the
// journal.
func (y *session) rewrite(ctx context.Context, h ledger.Header, o *overlay) error {
	next := y.base.head().Next(h)
	for i := range o.jobs {
		next.Jobs = ledger.FoldJobs(next.Jobs, &o.jobs[i])
	}
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
		if err := y.base.close(); err != nil {
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

// writeMarks writes the marks with the overlay over them.
func (y *session) writeMarks(ctx context.Context, path string, h ledger.Header, o *overlay) error {
	w, err := y.store.disk.newMarks(path, h)
	if err != nil {
		return err
	}
	for part := range ledger.Partitions {
		for m, err := range merged(ctx, y.base, o, part) {
			if err == nil {
				err = w.add(&m)
			}
			if err != nil {
				return errors.Join(err, w.abandon())
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return errors.Join(err, w.abandon())
	}
	if _, err := w.finish(); err != nil {
		return errors.Join(err, w.abandon())
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
	return errors.Join(y.base.close(), y.shown.close(), y.journal.close(), y.lease.release())
}

// view is a sync that is only looked at.
type view struct {
	marks  *snapshot
	over   *overlay
	header ledger.Header
}

// Header tells about the marks with the journal folded.
func (v *view) Header() ledger.Header {
	h := v.header
	h.Jobs = slices.Clone(h.Jobs)
	return h
}

// Marks yields a partition with the journal folded.
func (v *view) Marks(ctx context.Context, part int) iter.Seq2[record.Mark, error] {
	return merged(ctx, v.marks, v.over, part)
}

// count makes the header that a fold would have made.
func (v *view) count(ctx context.Context) error {
	if v.over.entries == 0 {
		return nil
	}
	v.header.Generation++
	v.header.Leftover = true
	if v.header.Encoding == 0 {
		v.header.Encoding = v.over.info.Encoding
	}
	for i := range v.over.jobs {
		v.header.Jobs = ledger.FoldJobs(v.header.Jobs, &v.over.jobs[i])
	}
	for part := range ledger.Partitions {
		if !v.over.touches(part) {
			continue
		}
		if v.marks != nil {
			v.header.Marks -= v.marks.slots[part].confirmed
			v.header.Standing -= v.marks.slots[part].standing
		}
		for m, err := range v.Marks(ctx, part) {
			if err != nil {
				return err
			}
			if m.Confirmed() {
				v.header.Marks++
			}
			if m.Standing != nil {
				v.header.Standing++
			}
		}
	}
	return nil
}

// Append refuses: a view has no lease.
func (v *view) Append(context.Context, ...ledger.Entry) error { return errView }

// Fold refuses: a view has no lease.
func (v *view) Fold(context.Context, ledger.Header) error { return errView }

// Close releases the files.
func (v *view) Close() error { return errors.Join(v.marks.close(), v.over.close()) }
