package local

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"exposync/internal/ledger"
	"exposync/internal/ledger/format"
	"exposync/internal/plan"
)

// Open takes the lease, and folds what an interrupted run left behind.
func (s *store) Open(ctx context.Context, id plan.SyncID, target string) (ledger.Sync, error) {
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	l, err := s.lease(id)
	if err != nil {
		return nil, err
	}
	y := &session{store: s, id: id, target: target, dir: s.syncDir(id), lease: l}
	if err := y.recover(ctx); err != nil {
		return nil, errors.Join(err, l.release())
	}
	return y, nil
}

// recover brings the files to a clean state and opens the marks.
func (y *session) recover(ctx context.Context) error {
	if err := checkIdentity(y.dir, y.id); err != nil {
		return err
	}
	for _, half := range []string{y.path("marks") + tempSuffix, y.path("sort") + tempSuffix} {
		if err := os.Remove(half); err != nil && !errors.Is(err, os.ErrNotExist) {
			return writeFault("remove", half, err)
		}
	}
	var err error
	if y.base, err = openMarks(y.path("marks"), y.id.Job); err != nil {
		return err
	}
	y.shown = y.base
	j, err := openJournal(y.path("journal"), y.id.Job)
	if err != nil || j == nil {
		return errors.Join(err, y.closeMarks(err))
	}
	err = y.foldLeftover(ctx, j)
	return errors.Join(err, y.closeMarks(err))
}

// closeMarks closes the marks if opening the sync failed.
func (y *session) closeMarks(failed error) error {
	if failed == nil {
		return nil
	}
	return errors.Join(y.base.Close(), y.shown.Close())
}

// foldLeftover folds the journal of an interrupted run. What is known about
// the marks stays as it is, because that run never got to say otherwise.
func (y *session) foldLeftover(ctx context.Context, j *journalFile) error {
	if j.at > 0 && j.info.Generation > y.base.Generation() {
		return errors.Join(damaged(y.path("marks"), y.id.Job, "it is missing, or older than the journal beside it"), j.close())
	}
	if j.at == 0 || j.info.Generation < y.base.Generation() {
		return errors.Join(j.close(), y.store.disk.remove(y.path("journal")))
	}
	o, err := y.store.sortJournal(j, y.sortFile)
	if err = errors.Join(err, j.close()); err != nil {
		return err
	}
	if o.Entries == 0 {
		return errors.Join(o.Close(), y.store.disk.remove(y.path("journal")))
	}
	h := y.base.Header()
	if h.Encoding == 0 {
		h.Encoding = j.info.Encoding
	}
	if err := errors.Join(y.rewrite(ctx, h, o), o.Close()); err != nil {
		return err
	}
	before := y.shown
	y.shown, y.leftover = y.base, true
	return before.Close()
}

// sortFile makes the temporary file for sorting a journal.
func (y *session) sortFile() (*os.File, func() error, error) {
	f, err := y.store.disk.create(y.path("sort") + tempSuffix)
	if err != nil {
		return nil, nil, err
	}
	return f.f, func() error { return os.Remove(f.path) }, nil
}

// viewTries is how often View looks again when a fold happens while it opens
// the files.
const viewTries = 10

// View opens the marks, and sorts a copy of the journal.
func (s *store) View(ctx context.Context, id plan.SyncID, _ string) (ledger.Sync, error) {
	dir := s.syncDir(id)
	if err := checkIdentity(dir, id); err != nil {
		return nil, err
	}
	for range viewTries {
		v, again, err := s.view(ctx, id, dir)
		if err != nil || !again {
			return v, err
		}
	}
	return nil, damaged(filepath.Join(dir, "marks"), id.Job, "it is missing, or older than the journal beside it")
}

// view opens the journal first: marks that are opened later have at least
// what it builds on, unless the sync is being reset.
func (s *store) view(ctx context.Context, id plan.SyncID, dir string) (_ ledger.Sync, again bool, err error) {
	j, err := openJournal(filepath.Join(dir, "journal"), id.Job)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = j.close() }()
	marks, err := s.viewMarks(filepath.Join(dir, "marks"), id.Job)
	if err != nil {
		return nil, false, err
	}
	if j == nil || j.at == 0 || j.info.Generation < marks.Generation() {
		v, err := format.NewView(ctx, marks.Header(), marks, nil, 0)
		return v, false, err
	}
	if j.info.Generation > marks.Generation() {
		return nil, true, marks.Close()
	}
	over, err := s.sortJournal(j, s.viewFile)
	if err != nil {
		return nil, false, errors.Join(err, marks.Close())
	}
	v, err := format.NewView(ctx, marks.Header(), marks, over, j.info.Encoding)
	return v, false, err
}

// viewMarks opens the marks for a view. Where an open file cannot be replaced
// the view reads a copy: looking must never stand in the way of a run.
func (s *store) viewMarks(path, job string) (*format.Snapshot, error) {
	if !s.copyViews {
		return openMarks(path, job)
	}
	from, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, unreadable(path, err)
	}
	to, err := os.CreateTemp(s.opts.Temp, "exposync-marks-*")
	if err != nil {
		return nil, errors.Join(writeFault("create temporary file", s.opts.Temp, err), from.Close())
	}
	_, err = io.Copy(to, from)
	if err = errors.Join(err, from.Close()); err != nil {
		return nil, errors.Join(unreadable(path, err), to.Close(), os.Remove(to.Name()))
	}
	return format.OpenCopy(to, blame{path: path, job: job})
}

// viewFile makes the temporary file of a view: the ledger itself may be
// read-only. Where the system allows it the file has no name from the start,
// so that not even kill -9 leaves it behind.
func (s *store) viewFile() (*os.File, func() error, error) {
	f, err := os.CreateTemp(s.opts.Temp, "exposync-view-*")
	if err != nil {
		return nil, nil, writeFault("create temporary file", s.opts.Temp, err)
	}
	if os.Remove(f.Name()) == nil {
		return f, func() error { return nil }, nil
	}
	return f, func() error { return os.Remove(f.Name()) }, nil
}
