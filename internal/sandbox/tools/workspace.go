package tools

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"exposync/internal/sandbox/facade"
)

// Workspace is what one stand-in remembers: its syncs with their runs, and how
// the next of them go. It is safe for concurrent use; what a method changes is
// on disk when it returns.
type Workspace struct {
	d *dialect
	s *facade.Service

	mu     sync.Mutex
	loaded bool
	syncs  map[string]*kept
	rest   rest
	runs   int64 // there were
}

// rest is what is about no single sync.
type rest struct {
	Scripts   []scripted
	Models    []Model
	Sequences []*sequence
}

func newWorkspace(s *facade.Service, d *dialect) *Workspace {
	return &Workspace{d: d, s: s, syncs: map[string]*kept{}}
}

// load reads what is on disk, once.
func (w *Workspace) load() error {
	if w.loaded {
		return nil
	}
	names, err := w.s.Documents.List("sync-")
	if err != nil {
		return err
	}
	for _, name := range names {
		k := &kept{}
		if _, err := w.s.Documents.Load(name, k); err != nil {
			return err
		}
		w.syncs[k.ID] = k
		if last := k.newest(); last != nil {
			w.runs = max(w.runs, last.N)
		}
	}
	if _, err := w.s.Documents.Load("workspace", &w.rest); err != nil {
		return err
	}
	w.loaded = true
	return nil
}

// with calls do with a sync that is made when it is new, and keeps what do did
// to it.
func (w *Workspace) with(id string, do func(k *kept) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.load(); err != nil {
		return err
	}
	k, err := w.see(id)
	if err != nil {
		return err
	}
	if err := do(k); err != nil {
		return err
	}
	return w.save(k)
}

// see gives a sync, and makes it when it is new.
func (w *Workspace) see(id string) (*kept, error) {
	if k := w.syncs[id]; k != nil {
		return k, nil
	}
	if !w.d.known(id) {
		return nil, fmt.Errorf("%q is no id of a sync here", id)
	}
	now := w.s.Now()
	k := &kept{Sync: Sync{ID: id}, Made: now, Changed: now}
	w.syncs[id] = k
	return k, nil
}

func (w *Workspace) save(k *kept) error { return w.s.Documents.Save("sync-"+k.ID, k) }

// change calls do with what is about no single sync, and keeps it.
func (w *Workspace) change(do func(r *rest) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.load(); err != nil {
		return err
	}
	if err := do(&w.rest); err != nil {
		return err
	}
	return w.s.Documents.Save("workspace", &w.rest)
}

// Declare says what a sync is. Its runs stay.
func (w *Workspace) Declare(s Sync) error {
	if _, err := s.calendar(); err != nil {
		return err
	}
	if s.Rows != nil && !s.Rows.valid() {
		return errors.New("rows are not negative, and no more fail than there are")
	}
	return w.with(s.ID, func(k *kept) error {
		k.Sync, k.Changed = s, w.s.Now()
		return nil
	})
}

// DeclareModel says what a model is.
func (w *Workspace) DeclareModel(m Model) error {
	if m.ID == "" || m.Name == "" {
		return errors.New("a model has an id and a name")
	}
	return w.change(func(r *rest) error {
		r.Models = slices.DeleteFunc(r.Models, func(old Model) bool { return old.ID == m.ID })
		r.Models = append(r.Models, m)
		return nil
	})
}

// Script says how the next runs of a sync go, of all syncs where it is empty:
// the first script first, for as many triggers as it is for. It takes the place
// of what was said before; none makes them usual again.
func (w *Workspace) Script(sync string, scripts ...Script) error {
	list := make([]scripted, len(scripts))
	for i, s := range scripts {
		if err := s.check(w.d); err != nil {
			return err
		}
		list[i] = scripted{Script: s}
	}
	if sync == "" {
		return w.change(func(r *rest) error { r.Scripts = list; return nil })
	}
	return w.with(sync, func(k *kept) error { k.Scripts = list; return nil })
}

// Start starts a run that nobody asked for through the API, and gives its id.
func (w *Workspace) Start(sync string, s Script) (id string, err error) {
	if err := s.check(w.d); err != nil {
		return "", err
	}
	err = w.with(sync, func(k *kept) error {
		id = w.begin(k, bySomebody, s, nil).ID
		return nil
	})
	return id, err
}

// End lets runs end at their next poll, as end says or, where that is empty, as
// their script does: one run of a sync, or all of its runs where run is empty.
func (w *Workspace) End(sync, run string, end End) error {
	if _, has := w.d.ends[end]; !has && end != "" {
		return fmt.Errorf("this tool has no run that ends as %q", end)
	}
	return w.with(sync, func(k *kept) error {
		found := false
		for _, r := range k.going() {
			if run != "" && r.ID != run {
				continue
			}
			found = true
			r.Script.Stages, r.Script.Polls, r.Hidden = []string{}, nil, 0
			if r.Script.End == Never || end != "" {
				r.Script.End = end
			}
		}
		if !found {
			return fmt.Errorf("sync %s has no such run that is going on", sync)
		}
		return nil
	})
}

// Counts tell what was asked for of a sync.
func (w *Workspace) Counts(sync string) (Counts, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.load(); err != nil {
		return Counts{}, err
	}
	if k := w.syncs[sync]; k != nil {
		return k.Counts, nil
	}
	return Counts{}, nil
}

// begin creates a run.
func (w *Workspace) begin(k *kept, by string, s Script, flags []string) *run {
	w.runs++
	now := w.s.Now()
	r := &run{N: w.runs, ID: w.d.run(w.runs), By: by, Flags: flags, Script: s, Created: now, Updated: now, Hidden: s.Hidden, Rows: usual}
	if k.Rows != nil {
		r.Rows = *k.Rows
	}
	if s.Rows != nil {
		r.Rows = *s.Rows
	}
	r.Word = r.first(w.d)
	if len(w.d.queued) == 0 {
		r.Started = now
	}
	k.add(r)
	k.Changed = now
	return r
}

// show lets an answer show a run once more.
func (w *Workspace) show(k *kept, r *run) {
	before, ended := k.find(r.Behind), r.End != ""
	waits := before != nil && before.End == ""
	if waits { // nobody else asks for that one
		w.show(k, before)
	}
	r.step(w.d, w.s.Now(), waits)
	if r.End == Interrupted && !ended && r.Script.Then != none {
		w.begin(k, byTool, Script{End: r.Script.Then, Rows: r.Script.Rows, IDs: r.Script.IDs}, nil)
	}
}

// overlaid gives a sync as a request sees it: with the faults about syncs that
// act on it.
func overlaid(s Sync, r *http.Request) Sync {
	call := facade.CallOf(r)
	for _, name := range call.Scenarios {
		if sc := scenarios()[name]; sc.sync != nil {
			sc.sync(&s)
			call.Act(name)
		}
	}
	return s
}

// stamp writes a moment as most of these tools do; nil where there is none.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// digits reports whether an id is a positive number of at most 18 digits.
func digits(id string) bool {
	return id != "" && len(id) <= 18 && strings.Trim(id, "0123456789") == "" && id[0] != '0'
}
