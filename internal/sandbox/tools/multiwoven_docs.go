package tools

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"exposync/internal/sandbox/facade"
)

// multiwovenPage is how many runs a page has.
const multiwovenPage = 20

// resource is a document of JSON:API.
func resource(kind, id string, attributes map[string]any) map[string]any {
	return map[string]any{"id": id, "type": kind, "attributes": attributes}
}

// runs lists the runs of a sync, the newest first.
func (m *multiwovenAPI) runs(w http.ResponseWriter, r *http.Request) {
	id, q := r.PathValue("id"), r.URL.Query()
	page, err := number(q.Get("page"), 1, 1, 1<<20)
	size, err2 := number(q.Get("per_page"), multiwovenPage, 1, 100)
	switch {
	case !digits(id):
		multiwovenError(w, http.StatusNotFound, "Sync not found")
		return
	case err != nil || err2 != nil:
		facade.JSON(w, http.StatusBadRequest, map[string]any{"errors": map[string][]string{"page": {"must be greater than 0"}}})
		return
	}
	status := q.Get("status")
	keep := func(r *run) bool { return status == "" || r.Word == status }
	k, runs, more, err := m.ws.list(r, id, keep, (page-1)*size, size)
	switch {
	case err != nil:
		multiwovenRefuse(w, r, facade.Down)
		return
	case k.Missing:
		multiwovenError(w, http.StatusNotFound, "Sync not found")
		return
	}
	docs := []any{}
	for _, run := range runs {
		docs = append(docs, m.runDoc(id, run))
	}
	links := map[string]any{"self": m.ws.s.URL(r, r.URL.RequestURI()), "next": nil}
	if more {
		links["next"] = m.ws.s.URL(r, r.URL.Path+"?page="+strconv.Itoa(page+1))
	}
	facade.JSON(w, http.StatusOK, map[string]any{"data": docs, "links": links})
}

func (m *multiwovenAPI) run(w http.ResponseWriter, r *http.Request) {
	id, run := r.PathValue("id"), r.PathValue("run")
	if !digits(id) {
		multiwovenError(w, http.StatusNotFound, "Sync not found")
		return
	}
	p, err := m.ws.poll(r, id, run)
	switch {
	case err != nil:
		multiwovenRefuse(w, r, facade.Down)
		return
	case p.sync.Missing:
		multiwovenError(w, http.StatusNotFound, "Sync not found")
		return
	}
	m.ws.act(w, r, p.answer, p.script, func(w http.ResponseWriter) {
		if p.run == nil {
			m.ws.d.say.gone(w)
			return
		}
		facade.JSON(w, http.StatusOK, map[string]any{"data": m.runDoc(id, p.run)})
	})
}

func (m *multiwovenAPI) runDoc(sync string, r *run) map[string]any {
	p := r.progress(m.ws.d)
	doc := map[string]any{
		"sync_id": json.Number(sync), "status": r.Word, "started_at": stamp(r.Started), "finished_at": stamp(r.Ended), "duration": nil,
		"total_query_rows": p.planned.Planned(), "total_rows": p.planned.Planned(), "skipped_rows": 0,
		"successful_rows": p.taken.Planned(), "failed_rows": p.refused.Planned(), "error": nil,
		"created_at": stamp(r.Created), "updated_at": stamp(r.Updated),
	}
	if !r.Started.IsZero() && !r.Ended.IsZero() {
		doc["duration"] = r.Ended.Sub(r.Started).Seconds()
	}
	if r.Script.NoTimes {
		doc["started_at"], doc["finished_at"], doc["duration"] = nil, nil, nil
	}
	if why := r.why(m.ws.d); why != "" {
		doc["error"] = why
	}
	return resource("sync_runs", r.ID, doc)
}

func (m *multiwovenAPI) sync(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !digits(id) {
		multiwovenError(w, http.StatusNotFound, "Sync not found")
		return
	}
	s, err := m.ws.look(r, id)
	models, err2 := m.ws.models()
	switch {
	case err != nil || err2 != nil:
		multiwovenRefuse(w, r, facade.Down)
	case s.Missing:
		multiwovenError(w, http.StatusNotFound, "Sync not found")
	default:
		facade.JSON(w, http.StatusOK, map[string]any{"data": multiwovenSync(&s, models)})
	}
}

func (m *multiwovenAPI) syncs(w http.ResponseWriter, r *http.Request) {
	all, err := m.ws.all(r)
	models, err2 := m.ws.models()
	page, err3 := number(r.URL.Query().Get("page"), 1, 1, 1<<20)
	if err != nil || err2 != nil {
		multiwovenRefuse(w, r, facade.Down)
		return
	}
	if err3 != nil {
		facade.JSON(w, http.StatusBadRequest, map[string]any{"errors": map[string][]string{"page": {"must be greater than 0"}}})
		return
	}
	docs := []any{}
	for i := min((page-1)*multiwovenPage, len(all)); i < min(page*multiwovenPage, len(all)); i++ {
		docs = append(docs, multiwovenSync(&all[i], models))
	}
	links := map[string]any{"self": m.ws.s.URL(r, r.URL.RequestURI()), "next": nil}
	if page*multiwovenPage < len(all) {
		links["next"] = m.ws.s.URL(r, r.URL.Path+"?page="+strconv.Itoa(page+1))
	}
	facade.JSON(w, http.StatusOK, map[string]any{"data": docs, "links": links})
}

func multiwovenSync(s *seen, models []Model) map[string]any {
	var mapping []any
	for _, column := range s.columns() {
		mapping = append(mapping, map[string]string{"from": column, "to": column, "mapping_type": "standard"})
	}
	id := modelOf(s.Sync)
	doc := map[string]any{
		"name": s.title(), "source_id": 1, "destination_id": 2, "model_id": json.Number(id), "configuration": mapping,
		"schedule_type": "manual", "sync_mode": "incremental", "sync_interval": nil, "sync_interval_unit": nil, "cron_expression": nil,
		"stream_name": s.object(), "status": "healthy", "cursor_field": nil, "current_cursor_field": nil,
		"created_at": stamp(s.Made), "updated_at": stamp(s.Changed), "model": multiwovenModel(modelNamed(models, s.Sync)),
		"source":      map[string]any{"id": 1, "name": "Warehouse", "connector_type": "source", "connector_name": "Postgresql"},
		"destination": map[string]any{"id": 2, "name": "CRM", "connector_type": "destination", "connector_name": "HubSpot"},
	}
	switch c, err := s.calendar(); {
	case err != nil:
	case c.cron != "":
		doc["schedule_type"], doc["cron_expression"] = "cron_expression", c.cron
	case c.every > 0 && c.every%time.Hour == 0:
		doc["schedule_type"], doc["sync_interval"], doc["sync_interval_unit"] = "interval", int(c.every.Hours()), "hours"
	case c.every > 0:
		doc["schedule_type"], doc["sync_interval"], doc["sync_interval_unit"] = "interval", int(c.every.Minutes()), "minutes"
	case c.dbt:
		doc["schedule_type"] = "automated"
	}
	if s.last == nil {
		doc["status"] = "pending"
	} else if s.last.End == Failed {
		doc["status"] = "failed"
	}
	if s.Disabled {
		doc["status"] = "disabled"
	}
	return resource("syncs", s.ID, doc)
}

// modelNamed is the model that feeds a sync: its own query where none is
// declared.
func modelNamed(models []Model, s Sync) Model {
	for _, m := range models {
		if m.ID == s.Model {
			return m
		}
	}
	return Model{ID: modelOf(s), Name: "Query of " + s.title()}
}

// multiwovenModel is a model: a table, one of dbt, or a query.
func multiwovenModel(m Model) map[string]any {
	doc := map[string]any{"id": json.Number(m.ID), "name": m.Name, "primary_key": "id", "query_type": "raw_sql", "query": "select id, email from customers"}
	switch {
	case m.Table != "":
		doc["query_type"], doc["query"] = "table_selector", "select * from "+relation(m)
	case m.UniqueID != "":
		doc["query_type"], doc["query"] = "dbt", m.UniqueID
	}
	return doc
}

func (m *multiwovenAPI) models(w http.ResponseWriter, r *http.Request) {
	models, err := m.ws.models()
	if err != nil {
		multiwovenRefuse(w, r, facade.Down)
		return
	}
	docs := []any{}
	for _, one := range models {
		docs = append(docs, resource("models", one.ID, multiwovenModel(one)))
	}
	facade.JSON(w, http.StatusOK, map[string]any{"data": docs, "links": map[string]any{"self": m.ws.s.URL(r, r.URL.RequestURI()), "next": nil}})
}
