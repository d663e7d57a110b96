package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/ledger/format"
	"exposync/internal/plan"
)

const identityVersion = 1

// identity is the content of identity.json.
type identity struct {
	Version int         `json:"version"`
	Sync    plan.SyncID `json:"sync"`
	Targets []string    `json:"targets"` // dbt targets of the runs that wrote, sorted
}

func (s *store) syncDir(id plan.SyncID) string {
	return filepath.Join(s.dir, "syncs", format.SyncName(id))
}

// readIdentity gives the identity of a sync's directory; ok is false if the
// directory has none, because nothing was written.
func readIdentity(dir, job string) (i identity, ok bool, err error) {
	path := filepath.Join(dir, "identity.json")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return identity{}, false, nil
	}
	if err != nil {
		return identity{}, false, unreadable(path, err)
	}
	if err := json.Unmarshal(b, &i); err != nil || i.Version < 1 {
		return identity{}, false, damagedIdentity(path, job)
	}
	if i.Version > identityVersion {
		return identity{}, false, newer(path, i.Version)
	}
	return i, true, nil
}

func damagedIdentity(path, job string) error {
	return damaged(path, job, "it does not say whose marks are beside it")
}

// claim makes the sync's directory, and remembers the target.
func (s *store) claim(id plan.SyncID, target string) error {
	dir := s.syncDir(id)
	if err := s.disk.ensureDir(dir); err != nil {
		return err
	}
	i, ok, err := readIdentity(dir, id.Job)
	if err != nil {
		return err
	}
	if ok && slices.Contains(i.Targets, target) {
		return nil
	}
	i.Version, i.Sync = identityVersion, id
	i.Targets = append(i.Targets, target)
	slices.Sort(i.Targets)
	b, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return fmt.Errorf("encode identity of %s: %w", id.Job, err)
	}
	return s.disk.replace(filepath.Join(dir, "identity.json"), append(b, '\n'))
}

// checkIdentity makes sure that a directory's marks belong to the sync.
func checkIdentity(dir string, id plan.SyncID) error {
	i, ok, err := readIdentity(dir, id.Job)
	if err != nil {
		return err
	}
	if ok && !ledger.Equal(i.Sync, id) {
		return damaged(filepath.Join(dir, "identity.json"), id.Job, "it names another sync than its directory")
	}
	if ok {
		return nil
	}
	return checkNameless(dir, id.Job)
}

// checkNameless makes sure that a directory without an identity holds nothing.
func checkNameless(dir, job string) error {
	for _, file := range []string{"marks", "journal"} {
		if _, err := os.Lstat(filepath.Join(dir, file)); err == nil {
			return damagedIdentity(filepath.Join(dir, "identity.json"), job)
		}
	}
	return nil
}

// listedIdentity is readIdentity for a listing, where marks that nobody's name
// stands at must not be passed over.
func listedIdentity(dir, job string) (i identity, ok bool, err error) {
	if i, ok, err = readIdentity(dir, job); ok || err != nil {
		return i, ok, err
	}
	return i, false, checkNameless(dir, job)
}

// Siblings reads the identities of the job's syncs that were written to.
func (s *store) Siblings(ctx context.Context, project, job, target string) ([]plan.SyncID, error) {
	root := filepath.Join(s.dir, "syncs")
	dirs, err := entries(root)
	if err != nil {
		return nil, err
	}
	var out []plan.SyncID
	var problems fault.List
	for _, d := range dirs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		// Only names that can be the job's: a damaged file of another job
		// must not stop this one.
		if !d.IsDir() || !strings.HasPrefix(d.Name(), format.Slug(job)) || strings.HasSuffix(d.Name(), goneSuffix) {
			continue
		}
		i, ok, err := listedIdentity(filepath.Join(root, d.Name()), job)
		if err != nil {
			problems = append(problems, fault.All(err)...)
		}
		if ok && i.Sync.Project == project && i.Sync.Job == job && slices.Contains(i.Targets, target) {
			out = append(out, i.Sync)
		}
	}
	return out, problems.Err()
}

// goneSuffix marks a directory whose sync was forgotten.
const goneSuffix = ".gone"

// Reset moves the sync's directory aside in one step, then removes it: a
// crash leaves everything or nothing.
func (s *store) Reset(ctx context.Context, id plan.SyncID) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	l, err := s.lease(id)
	if err != nil {
		return err
	}
	// Handled runs are forgotten first: a run too many does no harm, a run
	// that is skipped although its marks are gone would.
	err = s.unhandle(ctx, id)
	if err == nil {
		err = s.forget(id)
	}
	return errors.Join(err, l.release())
}

func (s *store) forget(id plan.SyncID) error {
	dir := s.syncDir(id)
	gone := dir + goneSuffix
	if err := os.RemoveAll(gone); err != nil {
		return writeFault("remove", gone, err)
	}
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := s.disk.rename(dir, gone); err != nil {
		return err
	}
	return s.disk.do("remove", gone, func() error { return os.RemoveAll(gone) })
}

// lease takes the lease of a sync.
func (s *store) lease(id plan.SyncID) (*lease, error) {
	l, h, err := s.lock(format.SyncName(id))
	if errors.Is(err, errHeld) {
		return nil, taken(filepath.Join(s.dir, "locks", format.SyncName(id)), "the sync of job "+id.Job, h)
	}
	return l, err
}
