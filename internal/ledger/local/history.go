package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/ledger/format"
	"exposync/internal/plan"
)

func (s *store) evidencePath(project string) string {
	return filepath.Join(s.dir, "evidence", format.Name(project, project)+".json")
}

func (s *store) runsPath(project, job string) string {
	return filepath.Join(s.dir, "runs", format.Name(job, project, job)+".json")
}

// Evidence reads what is known of a project's nodes.
func (s *store) Evidence(ctx context.Context, project string) (map[string]plan.Evidence, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var f format.Evidence
	err := readHistory(s.evidencePath(project), &f, &f.Version)
	if f.Nodes == nil {
		f.Nodes = map[string]plan.Evidence{}
	}
	return f.Nodes, err
}

// Record keeps the newer of two results of a node.
func (s *store) Record(ctx context.Context, project string, evidence []plan.Evidence) error {
	if len(evidence) == 0 {
		return nil
	}
	return s.change(ctx, func() error {
		path := s.evidencePath(project)
		var f format.Evidence
		if err := readHistory(path, &f, &f.Version); err != nil {
			return err
		}
		if !f.Add(project, evidence) {
			return nil
		}
		return s.writeHistory(path, f)
	})
}

// Runs reads the runs of a job.
func (s *store) Runs(ctx context.Context, project, job string) ([]ledger.Run, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var f format.Runs
	err := readHistory(s.runsPath(project, job), &f, &f.Version)
	return f.Runs, err
}

// AddRun puts a run before those that started earlier; a run that is there
// already is replaced.
func (s *store) AddRun(ctx context.Context, project, job string, r ledger.Run) error {
	return s.change(ctx, func() error {
		path := s.runsPath(project, job)
		f := format.Runs{}
		if err := readHistory(path, &f, &f.Version); err != nil {
			return err
		}
		f.Add(project, job, r)
		return s.writeHistory(path, f)
	})
}

// unhandle makes sure that no run of a sync that is forgotten keeps a later
// one from starting.
func (s *store) unhandle(ctx context.Context, id plan.SyncID) error {
	return s.change(ctx, func() error {
		path := s.runsPath(id.Project, id.Job)
		var f format.Runs
		if err := readHistory(path, &f, &f.Version); err != nil {
			return err
		}
		if !f.Unhandle(id) {
			return nil
		}
		return s.writeHistory(path, f)
	})
}

// change runs a read-modify-write while no other process does one.
func (s *store) change(ctx context.Context, fn func() error) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	l, err := s.lockHistory(ctx)
	if err != nil {
		return err
	}
	return errors.Join(fn(), l.release())
}

// readHistory decodes a file into v, and leaves v alone if there is none.
// version is where v keeps the file's version.
func readHistory(path string, v any, version *int) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return unreadable(path, err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return damagedHistory(path, "it is not the JSON that was written")
	}
	switch {
	case *version < 1:
		return damagedHistory(path, "it does not name its version")
	case *version > format.HistoryVersion:
		return newer(path, *version)
	}
	return nil
}

func (s *store) writeHistory(path string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", filepath.Base(path), err)
	}
	if err := s.disk.ensureDir(filepath.Dir(path)); err != nil {
		return err
	}
	return s.disk.replace(path, append(b, '\n'))
}

// Contents reads every identity, and the names in the history's files.
func (s *store) Contents(ctx context.Context) (ledger.Contents, error) {
	var c ledger.Contents
	dirs, err := entries(filepath.Join(s.dir, "syncs"))
	if err != nil {
		return c, err
	}
	var problems fault.List
	for _, d := range dirs {
		if err := ctx.Err(); err != nil {
			return c, err
		}
		if !d.IsDir() || strings.HasSuffix(d.Name(), goneSuffix) {
			continue
		}
		i, ok, err := listedIdentity(filepath.Join(s.dir, "syncs", d.Name()), "")
		if err != nil {
			problems = append(problems, fault.All(err)...)
		} else if ok {
			c.Syncs = append(c.Syncs, ledger.Stored{Sync: i.Sync, Targets: i.Targets})
		}
	}
	problems = append(problems, fault.All(s.historyContents(&c))...)
	return c, problems.Err()
}

// historyContents lists whose evidence and runs there are. Files are named
// after what they hold, so their order does not change.
func (s *store) historyContents(c *ledger.Contents) error {
	var problems fault.List
	for _, folder := range []string{"evidence", "runs"} {
		files, err := entries(filepath.Join(s.dir, folder))
		problems = append(problems, fault.All(err)...)
		for _, f := range files {
			if filepath.Ext(f.Name()) != ".json" {
				continue
			}
			var named struct {
				Version      int
				Project, Job string
			}
			if err := readHistory(filepath.Join(s.dir, folder, f.Name()), &named, &named.Version); err != nil {
				problems = append(problems, fault.All(err)...)
				continue
			}
			if folder == "evidence" {
				c.Evidence = append(c.Evidence, named.Project)
			} else {
				c.Jobs = append(c.Jobs, ledger.JobName{Project: named.Project, Job: named.Job})
			}
		}
	}
	return problems.Err()
}

// entries lists a folder by name; nothing if it is not there.
func entries(dir string) ([]fs.DirEntry, error) {
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, unreadable(dir, err)
	}
	return list, nil
}
