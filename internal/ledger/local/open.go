package local

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"exposync/internal/ledger"
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
	return errors.Join(y.base.close(), y.shown.close())
}

// foldLeftover folds the journal of an interrupted run. What is known about
// the marks stays as it is, because that run never got to say otherwise.
func (y *session) foldLeftover(ctx context.Context, j *journalFile) error {
	if j.at > 0 && j.info.Generation > y.base.generation() {
		return errors.Join(damaged(y.path("marks"), y.id.Job, "it is missing, or older than the journal beside it"), j.close())
	}
	if j.at == 0 || j.info.Generation < y.base.generation() {
		return errors.Join(j.close(), y.store.disk.remove(y.path("journal")))
	}
	o, err := sortJournal(j, y.store.runBytes, y.sortFile)
	if err = errors.Join(err, j.close()); err != nil {
		return err
	}
	if o.entries == 0 {
		return errors.Join(o.close(), y.store.disk.remove(y.path("journal")))
	}
	h := y.base.head()
	if h.Encoding == 0 {
		h.Encoding = o.info.Encoding
	}
	if err := errors.Join(y.rewrite(ctx, h, o), o.close()); err != nil {
		return err
	}
	before := y.shown
	y.shown, y.leftover = y.base, true
	return before.close()
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
	v := &view{}
	if v.marks, err = s.viewMarks(filepath.Join(dir, "marks"), id.Job); err != nil {
		return nil, false, err
	}
	v.header = v.marks.head()
	if j == nil || j.at == 0 || j.info.Generation < v.header.Generation {
		return v, false, nil
	}
	if j.info.Generation > v.header.Generation {
		return nil, true, v.marks.close()
	}
	if v.over, err = sortJournal(j, s.runBytes, s.viewFile); err != nil {
		return nil, false, errors.Join(err, v.marks.close())
	}
	if err := v.count(ctx); err != nil {
		return nil, false, errors.Join(err, v.Close())
	}
	return v, false, nil
}

// viewMarks opens the marks for a view. Where an open file cannot be replaced
// the view reads a copy: looking must never stand in the way of a run.
func (s *store) viewMarks(path, job string) (*snapshot, error) {
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
		err = unreadable(path, err)
	}
	var m *snapshot
	if err == nil {
		m, err = readMarks(to, path, job)
	}
	if err != nil {
		return nil, errors.Join(err, ignoreClosed(to.Close()), os.Remove(to.Name()))
	}
	m.copied = true
	return m, nil
}

// ignoreClosed drops the error of closing twice.
func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
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
