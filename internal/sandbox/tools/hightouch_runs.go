package tools

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"exposync/internal/sandbox/facade"
)

// runs lists the runs of a sync, the newest first, or gives one in a list.
func (h *hightouchAPI) runs(w http.ResponseWriter, r *http.Request) {
	id, q := r.PathValue("id"), r.URL.Query()
	if !h.known(w, id) {
		return
	}
	limit, offset, keep, bad := hightouchWindow(q, h.ws.s.Now())
	if bad != "" {
		hightouchInvalid(w, http.StatusUnprocessableEntity, map[string]string{bad: "invalid value"})
		return
	}
	if run := q.Get("runId"); run != "" {
		h.oneRun(w, r, id, run)
		return
	}
	sync, runs, more, err := h.ws.list(r, id, keep, offset, limit)
	switch {
	case err != nil:
		hightouchRefuse(w, r, facade.Down)
		return
	case sync.Missing:
		hightouchError(w, http.StatusNotFound, "Sync not found")
		return
	}
	data := []any{}
	for _, run := range runs {
		data = append(data, h.runDoc(run))
	}
	facade.JSON(w, http.StatusOK, map[string]any{"hasMore": more, "data": data})
}

// oneRun answers with a list of one run, which is empty as long as the run is
// not listed, and of a run that there is not.
func (h *hightouchAPI) oneRun(w http.ResponseWriter, r *http.Request, sync, run string) {
	if !digits(run) {
		hightouchInvalid(w, http.StatusUnprocessableEntity, map[string]string{"runId": "invalid float number"})
		return
	}
	p, err := h.ws.poll(r, sync, run)
	switch {
	case err != nil:
		hightouchRefuse(w, r, facade.Down)
		return
	case p.sync.Missing:
		hightouchError(w, http.StatusNotFound, "Sync not found")
		return
	}
	h.ws.act(w, r, p.answer, p.script, func(w http.ResponseWriter) {
		data := []any{}
		if p.run != nil {
			data = append(data, h.runDoc(p.run))
		}
		facade.JSON(w, http.StatusOK, map[string]any{"hasMore": false, "data": data})
	})
}

// hightouchWindow reads which runs a list is to hold; bad names a parameter
// that is none.
func hightouchWindow(q url.Values, now time.Time) (limit, offset int, keep func(*run) bool, bad string) {
	var after, before time.Time
	var err error
	if limit, err = number(q.Get("limit"), 100, 1, 1000); err != nil {
		return 0, 0, nil, "limit"
	}
	if offset, err = number(q.Get("offset"), 0, 0, 1<<30); err != nil {
		return 0, 0, nil, "offset"
	}
	for name, at := range map[string]*time.Time{"after": &after, "before": &before} {
		if text := q.Get(name); text != "" {
			if *at, err = hightouchTime(text); err != nil {
				return 0, 0, nil, name
			}
		}
	}
	minutes, err := number(q.Get("within"), 0, 1, 1<<24)
	if err != nil {
		return 0, 0, nil, "within"
	}
	if order := q.Get("orderBy"); order != "" && !slices.Contains([]string{"id", "createdAt", "startedAt", "finishedAt"}, order) {
		return 0, 0, nil, "orderBy"
	}
	return limit, offset, func(r *run) bool {
		return (after.IsZero() || r.Created.After(after)) && (before.IsZero() || r.Created.Before(before)) &&
			(minutes == 0 || now.Sub(r.Created) <= time.Duration(minutes)*time.Minute)
	}, ""
}

func (h *hightouchAPI) runDoc(r *run) map[string]any {
	p := r.progress(h.ws.d)
	rows := func(n Rows) map[string]int {
		return map[string]int{"addedCount": n.Added, "changedCount": n.Changed, "removedCount": n.Removed}
	}
	doc := map[string]any{
		"id": written(r.Script.IDs, r.ID), "status": r.Word, "createdAt": stamp(r.Created),
		"startedAt": stamp(r.Started), "finishedAt": stamp(r.Ended), "querySize": p.planned.Planned(), "completionRatio": 0.54,
		"plannedRows": rows(p.planned), "successfulRows": rows(p.taken), "failedRows": rows(p.refused), "error": nil,
	}
	if r.Script.NoTimes {
		doc["startedAt"], doc["finishedAt"] = nil, nil
	}
	if why := r.why(h.ws.d); why != "" {
		doc["error"] = why
	}
	return doc
}

func (h *hightouchAPI) sync(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !h.known(w, id) {
		return
	}
	s, err := h.ws.look(r, id)
	switch {
	case err != nil:
		hightouchRefuse(w, r, facade.Down)
	case s.Missing:
		hightouchError(w, http.StatusNotFound, "Sync not found")
	default:
		facade.JSON(w, http.StatusOK, h.syncDoc(&s))
	}
}

// syncDoc is a sync. Its status is that of its newest run.
func (h *hightouchAPI) syncDoc(s *seen) map[string]any {
	doc := map[string]any{
		"id": s.ID, "slug": s.slug(), "workspaceId": h.workspaceID(), "modelId": modelOf(s.Sync), "destinationId": hightouchDestination,
		"configuration": map[string]any{"mode": "upsert", "object": s.object()}, "schedule": hightouchSchedule(s.Sync), "disabled": s.Disabled,
		"status": "pending", "lastRunAt": nil, "primaryKey": s.columns()[0], "referencedColumns": s.columns(),
		"tags": map[string]string{}, "createdAt": stamp(s.Made), "updatedAt": stamp(s.Changed),
	}
	if s.last != nil {
		doc["status"], doc["lastRunAt"] = s.last.Word, stamp(s.last.Created)
	}
	if s.Disabled {
		doc["status"] = "disabled"
	}
	return doc
}

func (h *hightouchAPI) workspaceID() string { return "1" }

// modelOf is the id of the model that feeds a sync: its own query where none is
// declared.
func modelOf(s Sync) string {
	if s.Model != "" {
		return s.Model
	}
	return ownModel + s.ID
}

// ownModel stands before the id of a sync whose model nobody declared.
const ownModel = "900"

// hightouchSchedule is a sync's own clock; null where it is run by hand or the
// API only.
func hightouchSchedule(s Sync) any {
	c, err := s.calendar()
	switch {
	case err != nil || c == (calendar{}):
		return nil
	case c.dbt:
		return map[string]any{"type": "dbt-cloud", "schedule": map[string]any{
			"dbtCredentialId": "1", "account": map[string]string{"id": "4242"}, "job": map[string]string{"id": "70403"},
		}}
	case c.cron != "":
		return map[string]any{"type": "cron", "schedule": map[string]string{"expression": c.cron}}
	}
	for _, u := range []struct {
		name string
		of   time.Duration
	}{{"week", 7 * 24 * time.Hour}, {"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		if c.every%u.of == 0 {
			return map[string]any{"type": "interval", "schedule": map[string]any{"interval": map[string]any{"quantity": int(c.every / u.of), "unit": u.name}}}
		}
	}
	return nil
}

// syncs lists the syncs of the workspace.
func (h *hightouchAPI) syncs(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	all, err := h.ws.all(r)
	if err != nil {
		hightouchRefuse(w, r, facade.Down)
		return
	}
	var docs []any
	for i := range all {
		if s := &all[i]; (q.Get("slug") == "" || s.slug() == q.Get("slug")) && (q.Get("modelId") == "" || modelOf(s.Sync) == q.Get("modelId")) {
			docs = append(docs, h.syncDoc(s))
		}
	}
	hightouchPage(w, q, docs)
}

// hightouchPage answers with a part of a list.
func hightouchPage(w http.ResponseWriter, q url.Values, docs []any) {
	limit, err := number(q.Get("limit"), 100, 1, 1000)
	if err != nil {
		hightouchInvalid(w, http.StatusUnprocessableEntity, map[string]string{"limit": "invalid value"})
		return
	}
	offset, err := number(q.Get("offset"), 0, 0, 1<<30)
	if err != nil {
		hightouchInvalid(w, http.StatusUnprocessableEntity, map[string]string{"offset": "invalid value"})
		return
	}
	docs = docs[min(offset, len(docs)):]
	more := len(docs) > limit
	facade.JSON(w, http.StatusOK, map[string]any{"hasMore": more, "data": append([]any{}, docs[:min(limit, len(docs))]...)})
}

// slugged makes a slug of a name.
func slugged(name string) string {
	return strings.Trim(strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, strings.ToLower(name)), "-")
}
