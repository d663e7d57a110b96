package cli

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"

	"exposync/internal/dbt"
	"exposync/internal/fault"
	"exposync/internal/gate"
	"exposync/internal/plan"
)

// folder is what one dbt job left in a target path of its own.
type folder struct {
	dir     string
	run     *dbt.RunResults
	project *dbt.Project // of the manifest beside it; nil for the session's own, or if there is none
}

// checkArtifacts refuses flags that name the same files twice.
func (a *app) checkArtifacts() error {
	if len(a.flags.artifacts) > 0 && (a.flags.manifest != "" || len(a.flags.runResults) > 0) {
		return usage("exposync gate --artifacts DIR --artifacts DIR",
			"--artifacts names folders, each with its manifest.json and run_results.json: --manifest and --run-results do not go with it")
	}
	return nil
}

// loadFolders reads the folders of several dbt jobs. The manifest of the one
// that ended last is the project; the others say which code their own results
// are of.
func (s *session) loadFolders(ctx context.Context) error {
	var problems fault.List
	newest := -1
	for _, dir := range s.a.flags.artifacts {
		f := folder{dir: s.a.pathOf(dir)}
		path := filepath.Join(f.dir, "run_results.json")
		for _, found := range existing(path) {
			path = found
		}
		var err error
		if f.run, err = dbt.LoadRunResults(ctx, path); err != nil {
			problems = append(problems, fault.All(err)...)
			continue
		}
		f.run.File = s.a.shown(f.run.File)
		s.runs, s.folders = append(s.runs, f.run), append(s.folders, f)
		if newest < 0 || later(f.run, s.folders[newest].run) {
			newest = len(s.folders) - 1
		}
	}
	if err := problems.Err(); err != nil {
		return err
	}
	for i := range s.folders {
		path := filepath.Join(s.folders[i].dir, "manifest.json")
		found := existing(path)
		if i != newest && len(found) == 0 {
			continue
		}
		for _, p := range found {
			path = p
		}
		p, err := dbt.LoadManifest(ctx, path, s.a.keep, s.a.flags.asked().Keep())
		switch {
		case err != nil:
			problems = append(problems, fault.All(err)...)
		case i == newest:
			s.project = p
			s.project.File = s.a.shown(p.File)
		default:
			s.folders[i].project = p
		}
	}
	return problems.Err()
}

// later reports whether a file tells of a later dbt run than another; one that
// builds and tests nothing tells of none.
func later(a, b *dbt.RunResults) bool {
	tells := func(r *dbt.RunResults) bool { return r.Executes() && len(r.Results) > 0 }
	if tells(a) != tells(b) {
		return tells(a)
	}
	return a.GeneratedAt.After(b.GeneratedAt)
}

// newestSources gives the sources.json of the folders that was written last,
// empty if there is none.
func (s *session) newestSources() string {
	newest, at := "", fs.FileInfo(nil)
	for _, f := range s.folders {
		for _, path := range existing(filepath.Join(f.dir, "sources.json")) {
			if info, err := os.Stat(path); err == nil && (at == nil || info.ModTime().After(at.ModTime())) {
				newest, at = path, info
			}
		}
	}
	return newest
}

// evidence gives what the files prove, by the manifest that each was written
// with where it is at hand.
func (s *session) evidence() [][]plan.Evidence {
	var out [][]plan.Evidence
	for _, f := range s.folders {
		if f.project != nil {
			out = append(out, gate.NewEvidence(f.project, []*dbt.RunResults{f.run}))
		}
	}
	return append(out, gate.NewEvidence(s.project, s.runs))
}

// overlay adds what the folders' own manifests say about their results to what
// the ledger knows.
func (s *session) overlay(known map[string]plan.Evidence) map[string]plan.Evidence {
	for _, f := range s.folders {
		if f.project == nil {
			continue
		}
		if known == nil {
			known = map[string]plan.Evidence{}
		}
		for _, e := range gate.NewEvidence(f.project, []*dbt.RunResults{f.run}) {
			if was, ok := known[e.UniqueID]; !ok || !e.GeneratedAt.Before(was.GeneratedAt) {
				known[e.UniqueID] = e
			}
		}
	}
	return known
}

// settled reads files that belong together until the one that was read first
// is still the same at the end: dbt may be writing them just now.
func settled(stat func() (fs.FileInfo, error), read func() error) error {
	const tries = 3
	for try := 1; ; try++ {
		before, errBefore := stat()
		err := read()
		after, errAfter := stat()
		if err != nil || errBefore != nil || errAfter != nil || try == tries ||
			before.Size() == after.Size() && before.ModTime().Equal(after.ModTime()) {
			return err
		}
	}
}
