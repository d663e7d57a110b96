package format

import (
	"slices"

	"exposync/internal/ledger"
	"exposync/internal/plan"
)

// HistoryVersion is the version of Evidence and Runs.
const HistoryVersion = 1

// Evidence is the evidence of one project. Keys that a later version adds are
// ignored.
type Evidence struct {
	Version int                      `json:"version"`
	Project string                   `json:"project"`
	Nodes   map[string]plan.Evidence `json:"nodes"`
	Write   string                   `json:"write,omitempty"` // makes one writing differ from all others, where that matters
}

// Add keeps the newer of two results of a node, and reports whether anything
// changed.
func (f *Evidence) Add(project string, evidence []plan.Evidence) bool {
	if f.Nodes == nil {
		f.Nodes = map[string]plan.Evidence{}
	}
	f.Version, f.Project = HistoryVersion, project
	changed := false
	for _, e := range evidence {
		if known, ok := f.Nodes[e.UniqueID]; !ok || e.GeneratedAt.After(known.GeneratedAt) {
			f.Nodes[e.UniqueID] = e
			changed = true
		}
	}
	return changed
}

// Runs is the runs of one job.
type Runs struct {
	Version int          `json:"version"`
	Project string       `json:"project"`
	Job     string       `json:"job"`
	Runs    []ledger.Run `json:"runs"` // newest first
	Write   string       `json:"write,omitempty"`
}

// Add puts a run before those that started earlier; a run that is there
// already is replaced.
func (f *Runs) Add(project, job string, r ledger.Run) {
	f.Version, f.Project, f.Job = HistoryVersion, project, job
	f.Runs = slices.DeleteFunc(f.Runs, func(o ledger.Run) bool { return r.ID != "" && o.ID == r.ID })
	at := slices.IndexFunc(f.Runs, func(o ledger.Run) bool { return !o.StartedAt.After(r.StartedAt) })
	if at < 0 {
		at = len(f.Runs)
	}
	f.Runs = slices.Insert(f.Runs, at, r)
	f.Runs = f.Runs[:min(len(f.Runs), ledger.KeptRuns)]
}

// Unhandle makes sure that no run of a sync that is forgotten keeps a later
// one from starting. It reports whether anything changed.
func (f *Runs) Unhandle(id plan.SyncID) bool {
	changed := false
	for i := range f.Runs {
		if f.Runs[i].Handled && ledger.Equal(f.Runs[i].Sync, id) {
			f.Runs[i].Handled, changed = false, true
		}
	}
	return changed
}
