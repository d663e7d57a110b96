package tools

import (
	"net/http"
	"slices"
	"strconv"

	"exposync/internal/sandbox/facade"
)

// segmentPage reads which part of a list is wanted. A cursor is where to go on.
func segmentPage(w http.ResponseWriter, r *http.Request, prefix string) (from, size int, ok bool) {
	q := r.URL.Query()
	size, err := number(q.Get(prefix+"count"), 10, 1, 200)
	from, err2 := number(q.Get(prefix+"cursor"), 0, 0, 1<<30)
	if err != nil || err2 != nil {
		segmentError(w, http.StatusBadRequest, "bad-request", prefix+"count", "count is from 1 to 200, and a cursor comes from an answer")
		return 0, 0, false
	}
	return from, size, true
}

// segmentPages tells where a list goes on.
func segmentPages(from, size int, more bool, total int) map[string]any {
	out := map[string]any{"current": strconv.Itoa(from), "totalEntries": total}
	if more {
		out["next"] = strconv.Itoa(from + size)
	}
	return out
}

// runs lists the runs of a subscription, the newest first.
func (a *segmentAPI) runs(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	from, size, ok := segmentPage(w, r, "")
	if !ok {
		return
	}
	if !opaque(id) {
		segmentMissing(w, "subscription")
		return
	}
	known, err := a.ws.fedBy(r, id, r.PathValue("model"), "")
	if err == nil && !known {
		segmentMissing(w, "subscription of this model")
		return
	}
	k, runs, more, err2 := a.ws.list(r, id, func(*run) bool { return true }, from, size)
	if err != nil || err2 != nil {
		segmentRefuse(w, r, facade.Down)
		return
	}
	docs := []any{}
	for _, run := range runs {
		docs = append(docs, a.runDoc(k.Sync, run))
	}
	segmentData(w, map[string]any{"syncStatuses": docs, "pagination": segmentPages(from, size, more, k.runs)})
}

// segmentModel is a model. It is enabled unless a sync of it is not. What it
// reads is known from the first trigger on, and left out before.
func segmentModel(m Model, syncs []seen) map[string]any {
	query := "select id, email from customers"
	if m.Table != "" {
		query = "select * from " + relation(m)
	}
	off := slices.ContainsFunc(syncs, func(s seen) bool { return s.Model == m.ID && s.Disabled })
	doc := map[string]any{
		"id": m.ID, "name": m.Name, "description": m.UniqueID, "enabled": !off, "query": query, "queryIdentifierColumn": "id",
	}
	if i := slices.IndexFunc(syncs, func(s seen) bool { return s.Model == m.ID && s.Source != "" }); i >= 0 {
		doc["sourceId"] = syncs[i].Source
	}
	return doc
}

// all gives the models: those that are declared, and those of subscriptions.
func (a *segmentAPI) all(r *http.Request) (models []Model, syncs []seen, err error) {
	if models, err = a.ws.models(); err != nil {
		return nil, nil, err
	}
	if syncs, err = a.ws.all(r); err != nil {
		return nil, nil, err
	}
	for _, s := range syncs {
		if s.Model != "" && !slices.ContainsFunc(models, func(m Model) bool { return m.ID == s.Model }) {
			models = append(models, Model{ID: s.Model, Name: "Query of " + s.title()})
		}
	}
	return models, syncs, nil
}

func (a *segmentAPI) models(w http.ResponseWriter, r *http.Request) {
	from, size, ok := segmentPage(w, r, "pagination.")
	if !ok {
		return
	}
	models, syncs, err := a.all(r)
	if err != nil {
		segmentRefuse(w, r, facade.Down)
		return
	}
	docs := []any{}
	for i := min(from, len(models)); i < min(from+size, len(models)); i++ {
		docs = append(docs, segmentModel(models[i], syncs))
	}
	segmentData(w, map[string]any{"models": docs, "pagination": segmentPages(from, size, from+size < len(models), len(models))})
}

// model gives a model. One of any id is there, until its sync is missing.
func (a *segmentAPI) model(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("model")
	models, syncs, err := a.all(r)
	if err != nil {
		segmentRefuse(w, r, facade.Down)
		return
	}
	if !opaque(id) {
		segmentMissing(w, "model")
		return
	}
	m := Model{ID: id, Name: "Model " + id}
	if at := slices.IndexFunc(models, func(m Model) bool { return m.ID == id }); at >= 0 {
		m = models[at]
	}
	segmentData(w, map[string]any{"reverseEtlModel": segmentModel(m, syncs)})
}

func (a *segmentAPI) subscriptionDoc(destination string, s *seen) map[string]any {
	schedule := map[string]any{"strategy": "MANUAL"}
	switch c, err := s.calendar(); {
	case err != nil:
	case c.cron != "":
		schedule = map[string]any{"strategy": "CRON", "config": map[string]string{"spec": c.cron, "timezone": "UTC"}}
	case c.every > 0:
		schedule = map[string]any{"strategy": "PERIODIC", "config": map[string]string{"interval": strconv.Itoa(int(c.every.Minutes())) + "m"}}
	case c.dbt:
		schedule = map[string]any{"strategy": "DBT_CLOUD"}
	}
	doc := map[string]any{
		"id": s.ID, "name": s.title(), "actionId": "aTFN5yBLvsDXqFe8wGgFAn", "actionSlug": s.object(), "destinationId": destination,
		"enabled": !s.Disabled, "settings": map[string]any{}, "trigger": "event = \"new\"", "reverseETLSchedule": schedule,
	}
	if s.Model != "" {
		doc["modelId"] = s.Model
	}
	return doc
}

func (a *segmentAPI) subscription(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !opaque(id) {
		segmentMissing(w, "subscription")
		return
	}
	s, err := a.ws.look(r, id)
	switch {
	case err != nil:
		segmentRefuse(w, r, facade.Down)
	case s.Missing:
		segmentMissing(w, "subscription")
	default:
		segmentData(w, map[string]any{"subscription": a.subscriptionDoc(r.PathValue("destination"), &s)})
	}
}

func (a *segmentAPI) subscriptions(w http.ResponseWriter, r *http.Request) {
	from, size, ok := segmentPage(w, r, "pagination.")
	if !ok {
		return
	}
	all, err := a.ws.all(r)
	if err != nil {
		segmentRefuse(w, r, facade.Down)
		return
	}
	docs := []any{}
	for i := min(from, len(all)); i < min(from+size, len(all)); i++ {
		docs = append(docs, a.subscriptionDoc(r.PathValue("destination"), &all[i]))
	}
	segmentData(w, map[string]any{"subscriptions": docs, "pagination": segmentPages(from, size, from+size < len(all), len(all))})
}
