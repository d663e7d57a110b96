package tools

import (
	"slices"
	"time"
)

// Snapshot is a workspace as people look at it.
type Snapshot struct {
	Syncs     []SyncView     `json:"syncs"`
	Models    []Model        `json:"models"`
	Sequences []SequenceView `json:"sequences"`
	Scripts   int            `json:"scripts"` // for all syncs, that still act
}

// SyncView is one sync with its latest runs.
type SyncView struct {
	Sync

	Title   string    `json:"title"` // made up where it has none
	Page    string    `json:"page,omitempty"`
	Made    time.Time `json:"made"`
	Scripts []Script  `json:"scripts"` // that still act
	Counts  Counts    `json:"counts"`
	Runs    []RunView `json:"runs"` // the newest first
}

// RunView is one run.
type RunView struct {
	ID      string    `json:"id"`
	Page    string    `json:"page,omitempty"`
	By      string    `json:"by"`
	Flags   []string  `json:"flags,omitempty"`
	Status  string    `json:"status"` // the tool's word
	State   string    `json:"state"`  // queued, working, unknown, or how it ended
	Created time.Time `json:"created"`
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	Polls   int       `json:"polls"` // questions about just this run
	Planned int       `json:"planned"`
	OK      int       `json:"ok"`
	Failed  int       `json:"failed"`
	Error   string    `json:"error,omitempty"`
}

// SequenceView is a chain of syncs with its runs.
type SequenceView struct {
	ID       string            `json:"id"`
	Syncs    []string          `json:"syncs"`
	Triggers int               `json:"triggers"`
	Runs     []SequenceRunView `json:"runs"`
}

// SequenceRunView is one way through a chain.
type SequenceRunView struct {
	ID      string    `json:"id"`
	Status  string    `json:"status"`
	Created time.Time `json:"created"`
	Parts   []string  `json:"parts"` // ids of runs
}

// Snapshot gives what there is, with up to runs runs of each sync.
func (w *Workspace) Snapshot(runs int) (Snapshot, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.load(); err != nil {
		return Snapshot{}, err
	}
	out := Snapshot{Syncs: []SyncView{}, Models: append([]Model{}, w.rest.Models...), Sequences: []SequenceView{}, Scripts: len(waiting(w.rest.Scripts))}
	for _, k := range w.syncs {
		out.Syncs = append(out.Syncs, w.syncView(k, runs))
	}
	slices.SortFunc(out.Syncs, func(a, b SyncView) int { return byID(a.ID, b.ID) })
	for _, q := range w.rest.Sequences {
		v := SequenceView{ID: q.ID, Syncs: q.Syncs, Triggers: q.Triggers, Runs: []SequenceRunView{}}
		for _, r := range slices.Backward(q.Runs) {
			v.Runs = append(v.Runs, SequenceRunView{r.ID, r.Status, r.Created, append([]string{}, r.Parts...)})
		}
		out.Sequences = append(out.Sequences, v)
	}
	return out, nil
}

func (w *Workspace) syncView(k *kept, runs int) SyncView {
	v := SyncView{Sync: k.Sync, Title: k.title(), Made: k.Made, Scripts: waiting(k.Scripts), Counts: k.Counts, Runs: []RunView{}}
	if w.d.page != nil {
		v.Page = w.d.page(k.ID, "")
	}
	for _, r := range slices.Backward(k.Runs) {
		if len(v.Runs) == runs {
			break
		}
		p := r.progress(w.d)
		one := RunView{
			ID: r.ID, By: r.By, Flags: r.Flags, Status: r.Word, State: r.state(w.d), Created: r.Created, Started: r.Started, Ended: r.Ended,
			Polls: r.Asked, Planned: p.planned.Planned(), OK: p.taken.Planned(), Failed: p.refused.Planned(), Error: r.why(w.d),
		}
		if w.d.page != nil {
			one.Page = w.d.page(k.ID, r.ID)
		}
		v.Runs = append(v.Runs, one)
	}
	return v
}

// waiting gives the scripts that still act.
func waiting(list []scripted) []Script {
	out := []Script{}
	for _, s := range list {
		if s.Script.Times == 0 || s.Used < s.Script.Times {
			out = append(out, s.Script)
		}
	}
	return out
}
