package bucket

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/ledger/format"
	"exposync/internal/plan"
)

func evidenceKey(project string) string { return "evidence/" + format.Name(project, project) + ".json" }

func runsKey(project, job string) string { return "runs/" + format.Name(job, project, job) + ".json" }

// Evidence reads what is known of a project's nodes.
func (s *store) Evidence(ctx context.Context, project string) (map[string]plan.Evidence, error) {
	var f format.Evidence
	_, err := s.readHistory(ctx, evidenceKey(project), &f, &f.Version)
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
	return s.change(ctx, evidenceKey(project), func(key string) (any, string, error) {
		var f format.Evidence
		version, err := s.readHistory(ctx, key, &f, &f.Version)
		if err != nil || !f.Add(project, evidence) {
			return nil, "", err
		}
		f.Write = newID()
		return f, version, nil
	})
}

// Runs reads the runs of a job.
func (s *store) Runs(ctx context.Context, project, job string) ([]ledger.Run, error) {
	var f format.Runs
	_, err := s.readHistory(ctx, runsKey(project, job), &f, &f.Version)
	return f.Runs, err
}

// AddRun puts a run before those that started earlier.
func (s *store) AddRun(ctx context.Context, project, job string, r ledger.Run) error {
	return s.changeRuns(ctx, project, job, func(f *format.Runs) bool {
		f.Add(project, job, r)
		return true
	})
}

func (s *store) changeRuns(ctx context.Context, project, job string, change func(f *format.Runs) bool) error {
	return s.change(ctx, runsKey(project, job), func(key string) (any, string, error) {
		var f format.Runs
		version, err := s.readHistory(ctx, key, &f, &f.Version)
		if err != nil || !change(&f) {
			return nil, "", err
		}
		f.Write = newID()
		return f, version, nil
	})
}

// change reads, changes and swaps until nobody else came between. read gives
// the new document and the version that it was made of; nil for no change.
func (s *store) change(ctx context.Context, key string, read func(key string) (any, string, error)) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	for range casTries {
		doc, version, err := read(key)
		if err != nil || doc == nil {
			return err
		}
		b, err := json.Marshal(doc)
		if err != nil {
			return err
		}
		if _, err = swap(ctx, s.objects, key, b, version); !errors.Is(err, errConflict) {
			return err
		}
	}
	return unwritten(s.objects.where(key), errors.New("others change it all the time"))
}

// readHistory decodes an object into v, and leaves v alone if there is none.
// version is where v keeps the format's version.
func (s *store) readHistory(ctx context.Context, key string, v any, version *int) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	o, err := s.objects.get(ctx, key)
	if errors.Is(err, errAbsent) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	const after = "then run exposync build; marks are kept elsewhere and are not touched"
	where := s.objects.where(key)
	if err := json.Unmarshal(o.body, v); err != nil {
		return "", damagedAlone(where, "it is not the JSON that was written", after)
	}
	switch {
	case *version < 1:
		return "", damagedAlone(where, "it does not name its version", after)
	case *version > format.HistoryVersion:
		return "", newer(where, *version)
	}
	return o.version, nil
}

// Siblings reads the heads of the job's syncs that were written to.
func (s *store) Siblings(ctx context.Context, project, job, target string) ([]plan.SyncID, error) {
	var out []plan.SyncID
	var problems fault.List
	// Only names that can be the job's: a damaged head of another job must not
	// stop this one.
	err := s.heads(ctx, headPrefix+format.Slug(job), func(h head, err error) {
		problems = append(problems, fault.All(err)...)
		if h.Sync.Project == project && h.Sync.Job == job && h.wrote(target) {
			out = append(out, h.Sync)
		}
	})
	if err != nil {
		return nil, err
	}
	return out, problems.Err()
}

// Contents reads every head, and the names in the history's objects.
func (s *store) Contents(ctx context.Context) (ledger.Contents, error) {
	var c ledger.Contents
	var problems fault.List
	err := s.heads(ctx, headPrefix, func(h head, err error) {
		problems = append(problems, fault.All(err)...)
		if len(h.Targets) > 0 {
			c.Syncs = append(c.Syncs, ledger.Stored{Sync: h.Sync, Targets: h.Targets})
		}
	})
	if err != nil {
		return c, err
	}
	for _, folder := range []string{"evidence/", "runs/"} {
		keys, err := s.keys(ctx, folder)
		if err != nil {
			return c, err
		}
		for _, key := range keys {
			var named struct {
				Version      int
				Project, Job string
			}
			_, err := s.readHistory(ctx, key, &named, &named.Version)
			switch {
			case err != nil:
				problems = append(problems, fault.All(err)...)
			case folder == "evidence/":
				c.Evidence = append(c.Evidence, named.Project)
			default:
				c.Jobs = append(c.Jobs, ledger.JobName{Project: named.Project, Job: named.Job})
			}
		}
	}
	return c, problems.Err()
}

// heads calls fn with every head whose key begins with a prefix, in the order
// of their names.
func (s *store) heads(ctx context.Context, prefix string, fn func(h head, err error)) error {
	keys, err := s.keys(ctx, prefix)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := s.readHead(ctx, key)
		if errors.Is(err, errAbsent) {
			continue
		}
		fn(h.head, err)
	}
	return nil
}

// keys lists the documents below a prefix.
func (s *store) keys(ctx context.Context, prefix string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var keys []string
	err := s.objects.list(ctx, prefix, func(key string) error {
		if strings.HasSuffix(key, ".json") {
			keys = append(keys, key)
		}
		return nil
	})
	return keys, err
}
