package tools

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"exposync/internal/sandbox/facade"
)

// triggered is what became of a trigger.
type triggered struct {
	sync    seen
	script  Script // that it followed
	answer  Answer // instead of the usual one
	run     *run   // a copy; nil if none was started
	blocked *run   // a copy of the run that kept it from starting
	again   bool   // the run was started before, with the same key
}

// trigger takes a trigger through the API and does what is to be done before
// it is answered.
func (w *Workspace) trigger(r *http.Request, id string, flags []string) (t triggered, err error) {
	return w.keyed(r, id, "", flags)
}

// keyed takes a trigger with a key: once a run was started with it, no other
// is.
func (w *Workspace) keyed(r *http.Request, id, key string, flags []string) (t triggered, err error) {
	err = w.with(id, func(k *kept) error {
		k.Counts.Triggers++
		t.sync = k.view(r)
		if t.sync.Missing {
			return nil
		}
		if i := slices.IndexFunc(k.Runs, func(r *run) bool { return r.Key == key }); key != "" && i >= 0 {
			t.run, t.again = k.Runs[i].copy(), true
			return nil
		}
		t.script = w.scriptFor(k, r)
		t.answer = t.script.Answer
		what, took := t.answer.parts()
		for range t.script.Others {
			w.begin(k, bySomebody, Script{}, nil)
		}
		if t.script.Busy {
			w.begin(k, bySchedule, Script{}, nil)
		}
		if !took || what == Swallowed || t.sync.Disabled {
			return nil
		}
		t.run, t.blocked = w.started(k, t.script, flags, r)
		if t.run != nil && key != "" {
			k.find(t.run.ID).Key = key
		}
		return nil
	})
	return t, err
}

// scriptFor gives the script for one trigger: of the sync, else of the
// workspace, with the faults that act on the request over it.
func (w *Workspace) scriptFor(k *kept, r *http.Request) Script {
	s, said := next(k.Scripts)
	if !said {
		if s, said = next(w.rest.Scripts); said {
			_ = w.s.Documents.Save("workspace", &w.rest) // how often it was used; lost, it acts once more
		}
	}
	return w.faults(s, r)
}

// faults lays the scenarios that act on a request over a script.
func (w *Workspace) faults(s Script, r *http.Request) Script {
	call := facade.CallOf(r)
	for _, name := range call.Scenarios {
		sc := scenarios()[name]
		if sc.sync != nil || sc.only != "" && sc.only != w.s.Kind {
			continue
		}
		if more := sc.script; more.check(w.d) == nil {
			s = s.merge(more)
			call.Act(name)
		}
	}
	return s
}

// started starts a run as the tool does while others are going on.
func (w *Workspace) started(k *kept, s Script, flags []string, r *http.Request) (started, blocked *run) {
	going := k.going()
	if i := slices.IndexFunc(going, func(g *run) bool { return g.By == bySomebody && s.Others > 0 }); i >= 0 && w.d.busy != behind {
		going = nil // at the same moment, so neither saw the other
	}
	if len(going) > 0 && w.d.busy == refuses {
		return nil, going[len(going)-1].copy()
	}
	if last := len(going) - 1; last > 0 && w.d.busy == behind && going[last].Behind != "" {
		return going[last].copy(), nil // one waits already
	}
	begun := w.begin(k, byAPI, s, flags)
	if len(going) > 0 {
		switch w.d.busy {
		case behind:
			begun.Behind = going[len(going)-1].ID
		case skips:
			begun.Script.End, begun.Script.Stages = Skipped, []string{}
		case beside, refuses:
		}
	}
	begun.Rows.Failed = min(begun.Rows.Planned(), begun.Rows.Failed+poisoned(begun.Rows.Planned(), k.ID, facade.CallOf(r)))
	return begun.copy(), nil
}

// asked is how many rows are asked about one by one; a longer run is made of
// as many again.
const asked = 1000

// poisoned is how many of a run's rows the fault "partial" refuses.
func poisoned(rows int, sync string, call *facade.Call) int {
	if call.Poison == nil || rows == 0 {
		return 0
	}
	n, of := 0, min(rows, asked)
	for i := range of {
		if _, refused := call.Poisoned(fmt.Sprintf("%s/%d", sync, i), nil); refused {
			n++
		}
	}
	return n * rows / of
}

func (r *run) copy() *run {
	c := *r
	return &c
}

// cancel takes a request to stop a run: of all that are going on where run is
// empty. It gives the runs that will stop.
func (w *Workspace) cancel(sync, id string) (stopping []*run, found *run, err error) {
	err = w.with(sync, func(k *kept) error {
		k.Counts.Cancels++
		if r := k.find(id); r != nil {
			found = r.copy()
		}
		for _, r := range k.going() {
			if id == "" || r.ID == id {
				r.Stop = true
				stopping = append(stopping, r.copy())
			}
		}
		return nil
	})
	return stopping, found, err
}

// polled is what became of a question about one run.
type polled struct {
	sync   seen
	run    *run   // a copy; nil if there is none, or it is not listed yet
	there  bool   // there is one, seen or not
	answer Answer // instead of the usual one
	script Script
}

// poll shows one run once more.
func (w *Workspace) poll(r *http.Request, sync, id string) (p polled, err error) {
	err = w.with(sync, func(k *kept) error {
		k.Counts.Polls++
		p.sync = k.view(r)
		it := k.find(id)
		if it == nil {
			return nil
		}
		p.there, p.script = true, it.Script
		it.Asked++
		if p.answer = it.answer(); p.answer != "" {
			return nil
		}
		if w.d.inList && !it.listed() {
			return nil
		}
		w.show(k, it)
		p.run = it.copy()
		return nil
	})
	return p, err
}

// answer is how the latest question about a run is answered; empty as usual.
func (r *run) answer() Answer {
	polls, at := r.Script.Polls, r.Asked-1
	switch {
	case at < len(polls):
		return polls[at]
	case r.Script.Stay && len(polls) > 0:
		return polls[len(polls)-1]
	}
	return ""
}

// list shows the runs of a sync that keep picks, the newest first.
func (w *Workspace) list(r *http.Request, sync string, keep func(*run) bool, from, limit int) (k seen, runs []*run, more bool, err error) {
	err = w.with(sync, func(it *kept) error {
		it.Counts.Lists++
		k = it.view(r)
		for _, one := range slices.Backward(slices.Clone(it.Runs)) {
			if !keep(one) || !one.listed() {
				continue
			}
			if from > 0 {
				from--
				continue
			}
			if len(runs) == limit {
				more = true
				break
			}
			w.show(it, one)
			runs = append(runs, one.copy())
		}
		return nil
	})
	return k, runs, more, err
}

// look gives a sync, which is made when it is new.
func (w *Workspace) look(r *http.Request, id string) (k seen, err error) {
	err = w.with(id, func(it *kept) error { k = it.view(r); return nil })
	return k, err
}

// all gives every sync that is there, by number or else by id.
func (w *Workspace) all(r *http.Request) ([]seen, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.load(); err != nil {
		return nil, err
	}
	var out []seen
	for _, k := range w.syncs {
		if s := k.view(r); !s.Missing {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b seen) int { return byID(a.ID, b.ID) })
	return out, nil
}

// byID orders ids: numbers by size.
func byID(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

// models gives every model that is declared, by id.
func (w *Workspace) models() ([]Model, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.load(); err != nil {
		return nil, err
	}
	out := slices.Clone(w.rest.Models)
	slices.SortFunc(out, func(a, b Model) int { return byID(a.ID, b.ID) })
	return out, nil
}

// syncOf gives the sync that a run is of; empty if there is no such run.
func (w *Workspace) syncOf(run string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.load(); err != nil {
		return "", err
	}
	for id, k := range w.syncs {
		if k.find(run) != nil {
			return id, nil
		}
	}
	return "", nil
}
