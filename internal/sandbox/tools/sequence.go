package tools

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"exposync/internal/sandbox/facade"
)

// sequence is a chain of syncs of Hightouch, as it is on disk.
type sequence struct {
	ID       string        `json:"id"`
	Syncs    []string      `json:"syncs"`
	Scripts  []scripted    `json:"scripts,omitempty"`
	Runs     []sequenceRun `json:"runs,omitempty"`
	Triggers int           `json:"triggers"`
}

// sequenceRun is one way through a chain. Its parts are started one after the
// other, as it is asked for.
type sequenceRun struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Parts   []string  `json:"parts,omitempty"` // ids of runs, in the order of the syncs
	Asked   int       `json:"asked,omitempty"`
	Status  string    `json:"status"`
	Script  Script    `json:"script"` // of the way itself: its answers, and its end
	Part    Script    `json:"part"`   // of the last part, where that has none of its own
}

func (r *sequenceRun) ended() bool { return r.Status != "pending" && r.Status != "running" }

var uuidForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
})

// uuid reports whether an id is a UUID in small letters.
func uuid(id string) bool { return uuidForm().MatchString(id) }

// uuidOf makes a UUID of a text and a number: the same of the same.
func uuidOf(text string, n int64) string {
	h := fnv.New128a()
	_, _ = fmt.Fprintf(h, "%s/%d", text, n)
	b := h.Sum(nil)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Sequence says which syncs a chain has, in their order.
func (w *Workspace) Sequence(id string, syncs ...string) error {
	if !uuid(id) || len(syncs) == 0 || slices.ContainsFunc(syncs, func(s string) bool { return !w.d.known(s) }) {
		return errors.New("a sequence has a UUID and ids of syncs")
	}
	return w.change(func(r *rest) error {
		r.sequence(id).Syncs = syncs
		return nil
	})
}

// ScriptSequence says how the next triggers of a chain and the questions about
// its runs are answered; what its syncs do is in their own scripts.
func (w *Workspace) ScriptSequence(id string, scripts ...Script) error {
	list := make([]scripted, len(scripts))
	for i, s := range scripts {
		if err := s.check(w.d); err != nil {
			return err
		}
		list[i] = scripted{Script: s}
	}
	return w.change(func(r *rest) error { r.sequence(id).Scripts = list; return nil })
}

// sequence gives a chain, and makes one of two syncs when it is new.
func (r *rest) sequence(id string) *sequence {
	for _, s := range r.Sequences {
		if s.ID == id {
			return s
		}
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	first := 3_000_000 + int(h.Sum32()%1_000_000)
	s := &sequence{ID: id, Syncs: []string{strconv.Itoa(first), strconv.Itoa(first + 1)}}
	r.Sequences = append(r.Sequences, s)
	return s
}

// triggerSequence starts a chain. While it runs one more waits, and further
// triggers give that.
func (h *hightouchAPI) triggerSequence(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !uuid(id) {
		hightouchInvalid(w, http.StatusUnprocessableEntity, map[string]string{"syncSequenceId": "invalid uuid"})
		return
	}
	var script Script
	var run string
	err := h.ws.change(func(all *rest) error {
		q := all.sequence(id)
		q.Triggers++
		script, _ = next(q.Scripts)
		fault := h.ws.faults(Script{}, r)
		script = script.merge(Script{Answer: fault.Answer, RetryAfter: fault.RetryAfter, Polls: fault.Polls, Stay: fault.Stay})
		fault.Answer, fault.Polls, fault.Stay = "", nil, false
		if what, took := script.Answer.parts(); !took || what == Swallowed {
			run = uuidOf(id, 0)
			return nil
		}
		going := slices.DeleteFunc(slices.Clone(q.Runs), func(r sequenceRun) bool { return r.ended() })
		if len(going) < 2 {
			n := int64(len(q.Runs) + 1)
			q.Runs = append(q.Runs, sequenceRun{ID: uuidOf(id, n), Created: h.ws.s.Now(), Status: "pending", Script: script, Part: fault})
		}
		run = q.Runs[len(q.Runs)-1].ID
		return nil
	})
	if err != nil {
		hightouchRefuse(w, r, facade.Down)
		return
	}
	h.ws.act(w, r, script.Answer, script, func(w http.ResponseWriter) {
		facade.JSON(w, http.StatusOK, map[string]string{"id": run})
	})
}

// sequenceRun shows a way through a chain, which moves on by one poll of the
// part that it is at.
func (h *hightouchAPI) sequenceRun(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	var at sequenceRun
	var answer Answer
	var doc map[string]any
	err := h.ws.change(func(all *rest) error {
		q, i := all.sequenceRun(id)
		if q == nil {
			return nil
		}
		it := &q.Runs[i]
		it.Asked++
		probe := run{Script: it.Script, Asked: it.Asked}
		if answer = probe.answer(); answer == "" {
			waits := i > 0 && !q.Runs[i-1].ended()
			if err := h.ws.stepSequence(q, it, waits); err != nil {
				return err
			}
			doc = h.sequenceDoc(q, it)
		}
		at = *it
		return nil
	})
	switch {
	case err != nil:
		hightouchRefuse(w, r, facade.Down)
	case at.ID == "":
		hightouchError(w, http.StatusNotFound, "Sync sequence run not found")
	default:
		h.ws.act(w, r, answer, at.Script, func(w http.ResponseWriter) { facade.JSON(w, http.StatusOK, doc) })
	}
}

func (r *rest) sequenceRun(id string) (*sequence, int) {
	for _, q := range r.Sequences {
		if i := slices.IndexFunc(q.Runs, func(r sequenceRun) bool { return r.ID == id }); i >= 0 {
			return q, i
		}
	}
	return nil, 0
}

// stepSequence shows a way through a chain once more. The workspace is locked.
func (w *Workspace) stepSequence(q *sequence, it *sequenceRun, waits bool) error {
	if it.ended() || waits {
		return nil
	}
	it.Status = "running"
	if it.Script.End == Never {
		return nil
	}
	for i, id := range q.Syncs {
		k, err := w.see(id)
		if err != nil {
			return err
		}
		if i == len(it.Parts) {
			s, said := next(k.Scripts)
			if !said && i == len(q.Syncs)-1 {
				s = it.Part
			}
			it.Parts = append(it.Parts, w.begin(k, byTool, s, nil).ID)
		}
		part := k.find(it.Parts[i])
		if part == nil || part.End != "" {
			continue
		}
		w.show(k, part)
		if err := w.save(k); err != nil || part.End == "" {
			return err
		}
	}
	it.Status = cmp.Or(map[End]string{Failed: "failed", Canceled: "cancelled"}[it.Script.End], "done")
	return nil
}

func (h *hightouchAPI) sequenceDoc(q *sequence, it *sequenceRun) map[string]any {
	parts := []any{}
	for i, id := range it.Parts {
		part := h.ws.syncs[q.Syncs[i]].find(id)
		if part == nil {
			continue
		}
		sync, _ := strconv.ParseInt(q.Syncs[i], 10, 64)
		number, _ := strconv.ParseInt(id, 10, 64)
		parts = append(parts, map[string]any{"syncId": sync, "status": part.Word, "finishedAt": stamp(part.Ended), "syncRunId": number})
	}
	return map[string]any{"id": it.ID, "status": it.Status, "syncRuns": parts}
}
