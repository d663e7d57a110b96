package tools

import (
	"net/http"
	"strconv"
	"strings"

	"exposync/internal/sandbox/facade"
)

// executions lists executions, the newest first, by pages with a token.
func (p *polytomicAPI) executions(w http.ResponseWriter, r *http.Request) {
	id, q := r.PathValue("id"), r.URL.Query()
	if !p.known(w, id) {
		return
	}
	from, err := number(q.Get("page_token"), 0, 0, 1<<30)
	if err != nil {
		polytomicError(w, http.StatusBadRequest, "bad_request", "page_token is not valid")
		return
	}
	const size = 50
	keep := func(r *run) bool { return q.Get("only_completed") != "true" || r.End != "" }
	k, runs, more, err := p.ws.list(r, id, keep, from, size)
	switch {
	case err != nil:
		polytomicRefuse(w, r, facade.Down)
		return
	case k.Missing:
		polytomicMissing(w, "sync")
		return
	}
	docs := []any{}
	for _, run := range runs {
		docs = append(docs, p.executionDoc(run))
	}
	pages := map[string]any{"has_more": more, "next_page_token": nil}
	if more {
		pages["next_page_token"] = strconv.Itoa(from + size)
	}
	facade.JSON(w, http.StatusOK, map[string]any{"data": docs, "pagination": pages})
}

// status tells what is going on and what was last. What is going on moves on
// by being looked at.
func (p *polytomicAPI) status(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !p.known(w, id) {
		return
	}
	k, runs, _, err := p.ws.list(r, id, func(*run) bool { return true }, 0, 2)
	switch {
	case err != nil:
		polytomicRefuse(w, r, facade.Down)
		return
	case k.Missing:
		polytomicMissing(w, "sync")
		return
	}
	doc := map[string]any{"current_execution": nil, "last_execution": nil, "next_execution_time": nil}
	for _, run := range runs {
		switch {
		case run.End == "" && doc["current_execution"] == nil:
			doc["current_execution"] = p.executionDoc(run)
		case run.End != "" && doc["last_execution"] == nil:
			doc["last_execution"] = p.executionDoc(run)
		}
	}
	polytomicData(w, doc)
}

func (p *polytomicAPI) sync(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !p.known(w, id) {
		return
	}
	s, err := p.ws.look(r, id)
	switch {
	case err != nil:
		polytomicRefuse(w, r, facade.Down)
	case s.Missing:
		polytomicMissing(w, "sync")
	default:
		polytomicData(w, polytomicSync(&s))
	}
}

// syncs lists the syncs, those that are active only if asked.
func (p *polytomicAPI) syncs(w http.ResponseWriter, r *http.Request) {
	all, err := p.ws.all(r)
	if err != nil {
		polytomicRefuse(w, r, facade.Down)
		return
	}
	docs := []any{}
	for i := range all {
		if want := r.URL.Query().Get("active"); want == "" || (want == "true") == !all[i].Disabled {
			docs = append(docs, polytomicSync(&all[i]))
		}
	}
	polytomicData(w, docs)
}

// polytomicModelID is the model of a sync: its own where none is declared.
func polytomicModelID(s Sync) string {
	if s.Model != "" {
		return s.Model
	}
	return uuidOf("polytomic/model/"+s.ID, 1)
}

func polytomicSync(s *seen) map[string]any {
	model := polytomicModelID(s.Sync)
	fields := []any{}
	for _, column := range s.columns() {
		fields = append(fields, map[string]any{"target": column, "new": false, "source": map[string]string{"model_id": model, "field": column}})
	}
	c, _ := s.calendar()
	schedule := map[string]any{"frequency": polytomicFrequency(c)}
	if f := strings.Fields(c.cron); len(f) == 5 {
		schedule["minute"], schedule["hour"], schedule["day_of_month"], schedule["month"], schedule["day_of_week"] = f[0], f[1], f[2], f[3], f[4]
	}
	if c.dbt {
		schedule["job_id"] = 70403
	}
	return map[string]any{
		"id": s.ID, "name": s.title(), "active": !s.Disabled, "mode": "updateOrCreate", "schedule": schedule, "fields": fields,
		"identity":        map[string]any{"target": s.columns()[0], "function": "Equality", "source": map[string]string{"model_id": model, "field": s.columns()[0]}},
		"target":          map[string]string{"connection_id": uuidOf("polytomic/connection", 2), "object": s.object()},
		"organization_id": uuidOf("polytomic/organization", 1), "created_at": stamp(s.Made), "updated_at": stamp(s.Changed),
		"filters": []any{}, "overrides": []any{}, "sync_all_records": false,
	}
}

// polytomicModel is a model: of a table, of a node of dbt, or of a query.
func polytomicModel(m Model) map[string]any {
	configuration := map[string]any{"query": "select id, email from customers"}
	switch {
	case m.Table != "":
		configuration = map[string]any{"table": relation(m), "schema": m.Schema, "database": m.Database}
	case m.UniqueID != "":
		configuration = map[string]any{"dbt_model": m.UniqueID}
	}
	return map[string]any{
		"id": m.ID, "name": m.Name, "type": "postgresql", "version": 1, "connection_id": uuidOf("polytomic/connection", 1),
		"configuration": configuration, "fields": []any{}, "identifier": "id", "relations": []any{},
	}
}

func (p *polytomicAPI) allModels(r *http.Request) ([]Model, error) {
	models, err := p.ws.models()
	if err != nil {
		return nil, err
	}
	syncs, err := p.ws.all(r)
	for i := range syncs {
		if s := &syncs[i]; s.Model == "" {
			models = append(models, Model{ID: polytomicModelID(s.Sync), Name: "Query of " + s.title()})
		}
	}
	return models, err
}

func (p *polytomicAPI) models(w http.ResponseWriter, r *http.Request) {
	models, err := p.allModels(r)
	if err != nil {
		polytomicRefuse(w, r, facade.Down)
		return
	}
	docs := []any{}
	for _, m := range models {
		docs = append(docs, polytomicModel(m))
	}
	polytomicData(w, docs)
}

func (p *polytomicAPI) model(w http.ResponseWriter, r *http.Request) {
	models, err := p.allModels(r)
	if err != nil {
		polytomicRefuse(w, r, facade.Down)
		return
	}
	for _, m := range models {
		if m.ID == r.PathValue("id") {
			polytomicData(w, polytomicModel(m))
			return
		}
	}
	polytomicMissing(w, "model")
}
