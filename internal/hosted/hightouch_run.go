package hosted

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// Trigger starts a run. A run that is going on does not hinder it: Hightouch
// queues the new one behind it. A sequence that is running may answer with the
// run that is going on.
func (h *hightouch) Trigger(ctx context.Context, sync string, o TriggerOptions) (Run, error) {
	c := call{what: "start sync " + sync, path: "/syncs/" + part(sync) + "/trigger", body: struct{}{}}
	if id, ok := strings.CutPrefix(sync, sequencePrefix); ok {
		c = call{what: "start sequence " + id, path: "/sync-sequences/" + part(id) + "/trigger"}
		if o.FullResync {
			return Run{}, h.notSent(c, "a sequence cannot send every record again: ask for its syncs one by one")
		}
	} else if o.FullResync {
		c.body = map[string]bool{"fullResync": true}
	}
	doc, err := h.trigger(ctx, c)
	if err != nil {
		return Run{}, err
	}
	id := runID(doc.Get("id"))
	if id == "" {
		return Run{}, h.noID(c, doc)
	}
	return Run{ID: id, State: Queued, URL: h.runPage(sync, id)}, nil
}

// Run looks for the run in the list of its sync, which may be empty just after
// the trigger.
func (h *hightouch) Run(ctx context.Context, sync, run string) (Run, error) {
	if strings.HasPrefix(sync, sequencePrefix) {
		return h.sequenceRun(ctx, sync, run)
	}
	q := call{
		what: "ask for run " + run + " of sync " + sync, path: "/syncs/" + part(sync) + "/runs",
		query: url.Values{"runId": {run}}, gone: "hosted_run_gone",
	}
	doc, err := h.read(ctx, q)
	if err != nil {
		return Run{}, err
	}
	if !doc.Get("data").IsArray() {
		return Run{}, h.unreadable(q, http.StatusOK, "without a list of runs").fault
	}
	for _, r := range doc.Get("data").Array() {
		if text(r.Get("id")) == run {
			return h.run(sync, r), nil
		}
	}
	return Run{ID: run, State: Queued, URL: h.runPage(sync, run)}, nil
}

func (h *hightouch) run(sync string, doc gjson.Result) Run {
	r := Run{
		ID: text(doc.Get("id")), Status: short(text(doc.Get("status"))), Created: moment(doc.Get("createdAt")),
		Started: moment(doc.Get("startedAt")), Ended: moment(doc.Get("finishedAt")), Error: h.show(text(doc.Get("error"))),
	}
	r.URL = h.runPage(sync, r.ID)
	r.State = h.state(hightouchRuns(), r.Status)
	planned, good, bad := doc.Get("plannedRows"), doc.Get("successfulRows"), doc.Get("failedRows")
	r.Rows = Rows{
		Added: count(planned.Get("addedCount")), Changed: count(planned.Get("changedCount")), Removed: count(planned.Get("removedCount")),
		Total: hightouchSum(planned), OK: hightouchSum(good), Failed: hightouchSum(bad),
	}
	r.mind(bad.Get("addedCount"), bad.Get("changedCount"), bad.Get("removedCount"))
	r.Continued = word(r.Status) == "interrupted"
	return r
}

func hightouchSum(rows gjson.Result) *int64 {
	return sum(count(rows.Get("addedCount")), count(rows.Get("changedCount")), count(rows.Get("removedCount")))
}

// Recent lists runs. Hightouch selects by the time of the start, so a run that
// waits in the queue may be listed later.
func (h *hightouch) Recent(ctx context.Context, sync string, since time.Time) ([]Run, error) {
	if strings.HasPrefix(sync, sequencePrefix) {
		return nil, h.noList("a sequence")
	}
	minutes := int(h.now().Sub(since).Minutes()) + 2
	pages, err := h.pages(ctx, call{
		what: "list the runs of sync " + sync, path: "/syncs/" + part(sync) + "/runs",
		query: url.Values{"within": {strconv.Itoa(max(minutes, 2))}, "orderBy": {"id"}},
	})
	if err != nil {
		return nil, err
	}
	var out []Run
	for _, doc := range pages {
		out = append(out, h.run(sync, doc))
	}
	return recent(out, since), nil
}

// List joins syncs to the models that they read.
func (h *hightouch) List(ctx context.Context) ([]Sync, error) {
	order := url.Values{"orderBy": {"id"}}
	models, err := h.pages(ctx, call{what: "list the models", path: "/models", query: order})
	if err != nil {
		return nil, err
	}
	byID := map[string]Model{}
	for _, doc := range models {
		byID[text(doc.Get("id"))] = hightouchModel(doc)
	}
	syncs, err := h.pages(ctx, call{what: "list the syncs", path: "/syncs", query: order})
	if err != nil {
		return nil, err
	}
	var out []Sync
	for _, doc := range syncs {
		s := h.sync(doc)
		if m, ok := byID[s.Model.ID]; ok && s.Model.ID != "" {
			s.Model = m
		}
		out = append(out, s)
	}
	return inOrder(out), nil
}

// pages reads a list to its end. The older description tells no hasMore: there
// a full page may have another one behind it.
func (h *hightouch) pages(ctx context.Context, c call) ([]gjson.Result, error) {
	const size = 100
	var out []gjson.Result
	for range mostPages {
		c.query.Set("limit", strconv.Itoa(size))
		c.query.Set("offset", strconv.Itoa(len(out)))
		doc, err := h.read(ctx, c)
		if err != nil {
			return nil, err
		}
		list := doc.Get("data")
		if !list.IsArray() {
			return nil, h.unreadable(c, http.StatusOK, "without a list").fault
		}
		page := list.Array()
		out = append(out, page...)
		more := doc.Get("hasMore")
		if len(page) == 0 || more.Exists() && !more.Bool() || !more.Exists() && len(page) < size {
			return out, nil
		}
	}
	return nil, h.endless(c)
}

// sequenceRun gives a sequence with its parts. It is as good as the worst of
// them.
func (h *hightouch) sequenceRun(ctx context.Context, sync, run string) (Run, error) {
	doc, err := h.read(ctx, call{
		what: "ask for run " + run + " of " + strings.Replace(sync, "/", " ", 1), path: "/sync-sequences/runs/" + part(run), gone: "hosted_run_gone",
	})
	if err != nil {
		return Run{}, err
	}
	r := Run{ID: run, Status: short(text(doc.Get("status"))), URL: h.page("sequences/" + strings.TrimPrefix(sync, sequencePrefix))}
	for _, p := range doc.Get("syncRuns").Array() {
		id, of := text(p.Get("syncRunId")), text(p.Get("syncId"))
		one := Run{ID: id, Status: short(text(p.Get("status"))), Ended: moment(p.Get("finishedAt")), URL: h.runPage(of, id)}
		one.State = h.state(hightouchRuns(), one.Status)
		r.Parts = append(r.Parts, one)
		if one.Ended.After(r.Ended) {
			r.Ended = one.Ended
		}
	}
	r.State = h.state(words{"pending": Queued, "running": Running, "done": Succeeded, "failed": Failed, "cancelled": Canceled, "canceled": Canceled}, r.Status)
	if r.State == Succeeded {
		r.State = worst(r.Parts)
	}
	if !r.State.Ended() {
		r.Ended = time.Time{}
	}
	return r, nil
}

// worst is the state of a sequence that is done. A part that has not ended
// keeps it from having ended; one that was cancelled or skipped is no success.
func worst(parts []Run) State {
	for _, s := range []State{Unknown, Queued, Running, Failed, Canceled, Skipped, Partial} {
		if slices.ContainsFunc(parts, func(p Run) bool { return p.State == s }) {
			if s == Queued || s == Canceled || s == Skipped {
				return map[State]State{Queued: Running, Canceled: Partial, Skipped: Partial}[s]
			}
			return s
		}
	}
	return Succeeded
}

func (h *hightouch) runPage(sync, run string) string {
	if sync == "" || run == "" || strings.HasPrefix(sync, sequencePrefix) {
		return ""
	}
	return h.page("syncs/" + sync + "/runs/" + run)
}

// page is an address for people; without the workspace's name there is none.
func (h *hightouch) page(path string) string {
	if h.space == "" {
		return ""
	}
	return "https://app.hightouch.com/" + url.PathEscape(h.space) + "/" + path
}
