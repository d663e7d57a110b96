package tools

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"exposync/internal/sandbox/facade"
)

// runDoc is one run. A run that was stopped has the status completed, and says
// in canceled that it was.
func (c *censusAPI) runDoc(sync string, r *run) map[string]any {
	p := r.progress(c.ws.d)
	doc := map[string]any{
		"id": censusID(r.ID, r.Script), "sync_id": json.Number(sync), "status": r.Word, "canceled": r.End == Canceled,
		"full_sync": len(r.Flags) > 0, "current_step": nil, "sync_trigger_reason": r.reason(),
		"created_at": stamp(r.Created), "updated_at": stamp(r.Updated), "completed_at": stamp(r.Ended), "scheduled_execution_time": nil,
		"source_record_count": p.planned.Planned(), "source_record_updates": p.planned.Added + p.planned.Changed,
		"source_record_deletes": p.planned.Removed, "source_record_invalids": 0, "records_invalid": 0,
		"records_processed": p.taken.Planned() + p.refused.Planned(), "records_updated": p.taken.Planned(), "records_failed": p.refused.Planned(),
		"error_code": nil, "error_message": nil, "error_detail": nil,
	}
	if r.End == "" && r.Word != c.ws.d.queued[0] {
		doc["current_step"] = "Running Sync"
	}
	if r.Script.NoTimes {
		doc["completed_at"] = nil
	}
	if r.By == bySchedule {
		doc["scheduled_execution_time"] = stamp(r.Created)
	}
	if why := r.why(c.ws.d); why != "" {
		doc["error_code"], doc["error_message"], doc["error_detail"] = "SYNC_ERROR", why, why
	}
	return doc
}

// reason says in short what started a run.
func (r *run) reason() string {
	switch r.By {
	case bySchedule:
		return "Schedule"
	case bySomebody:
		return "Manual"
	}
	return "API"
}

func (c *censusAPI) sync(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !digits(id) {
		censusMissing(w, "Sync")
		return
	}
	s, err := c.ws.look(r, id)
	if err != nil {
		censusRefuse(w, r, facade.Down)
		return
	}
	if s.Missing {
		censusMissing(w, "Sync")
		return
	}
	models, err := c.ws.models()
	if err != nil {
		censusRefuse(w, r, facade.Down)
		return
	}
	censusData(w, censusSync(r, &s, models))
}

func (c *censusAPI) syncs(w http.ResponseWriter, r *http.Request) {
	page, size, ok := censusPage(w, r.URL.Query())
	if !ok {
		return
	}
	all, err := c.ws.all(r)
	models, err2 := c.ws.models()
	if err != nil || err2 != nil {
		censusRefuse(w, r, facade.Down)
		return
	}
	docs := []any{}
	for i := min((page-1)*size, len(all)); i < min(page*size, len(all)); i++ {
		docs = append(docs, censusSync(r, &all[i], models))
	}
	facade.JSON(w, http.StatusOK, map[string]any{"status": "success", "pagination": censusPages(page, size, len(all)), "data": docs})
}

// censusSync is a sync. In the second version a destination has a word as id;
// what else is different there is not documented.
func censusSync(r *http.Request, s *seen, models []Model) map[string]any {
	var mappings []any
	for i, column := range s.columns() {
		mappings = append(mappings, map[string]any{"from": map[string]any{"type": "column", "data": column}, "to": column, "is_primary_identifier": i == 0})
	}
	mode, frequency, cron := censusMode(s.Sync)
	doc := map[string]any{
		"id": json.Number(s.ID), "label": s.title(), "status": "ready", "operation": "upsert", "paused": s.Disabled,
		"created_at": stamp(s.Made), "updated_at": stamp(s.Changed), "mappings": mappings, "mode": mode,
		"schedule_frequency": frequency, "schedule_day": nil, "schedule_hour": nil, "schedule_minute": nil, "cron_expression": cron,
		"source_attributes": map[string]any{"connection_id": 4, "object": censusObject(s.Sync, models)},
	}
	if len(r.URL.Path) > 7 && r.URL.Path[:7] == "/api/v2" {
		doc["destination_attributes"] = map[string]any{"connection_id": "glimmering_donkey", "object": s.object()}
		return doc
	}
	doc["destination_attributes"] = map[string]any{"connection_id": 15, "object": s.object()}
	return doc
}

// censusObject is what a sync reads: a model of Census, or a table.
func censusObject(s Sync, models []Model) map[string]any {
	for _, m := range models {
		if m.ID != s.Model {
			continue
		}
		if m.Table != "" {
			return map[string]any{"type": "table", "table_catalog": m.Database, "table_schema": m.Schema, "table_name": m.Table}
		}
		if m.UniqueID != "" {
			return map[string]any{"type": "model", "id": m.ID, "name": m.Name, "dbt_unique_id": m.UniqueID}
		}
		return map[string]any{"type": "model", "id": m.ID, "name": m.Name, "query": "select id, email from customers"}
	}
	return map[string]any{"type": "model", "id": ownModel + s.ID, "name": "Query of " + s.title(), "query": "select id, email from customers"}
}

// censusMode is how a sync is started, in the words of both versions.
func censusMode(s Sync) (mode map[string]any, frequency string, cron any) {
	c, err := s.calendar()
	triggers := map[string]any{"schedule": map[string]any{"frequency": "never"}}
	switch {
	case err != nil || c == (calendar{}):
		return map[string]any{"type": "triggered", "triggers": triggers}, "never", nil
	case c.dbt:
		triggers["dbt_cloud"] = map[string]string{"project_id": "12345", "job_id": "123456"}
		return map[string]any{"type": "triggered", "triggers": triggers}, "never", nil
	case c.cron != "":
		triggers["schedule"] = map[string]any{"frequency": "expression", "cron_expression": c.cron}
		return map[string]any{"type": "triggered", "triggers": triggers}, "expression", c.cron
	}
	frequency = map[time.Duration]string{15 * time.Minute: "quarter_hourly", time.Hour: "hourly", 24 * time.Hour: "daily", 7 * 24 * time.Hour: "weekly"}[c.every]
	if frequency == "" { // other intervals are written as cron
		frequency, cron = "expression", "*/"+strconv.Itoa(max(1, int(c.every.Minutes())))+" * * * *"
		triggers["schedule"] = map[string]any{"frequency": frequency, "cron_expression": cron}
	} else {
		triggers["schedule"] = map[string]any{"frequency": frequency, "hour": 10, "minute": 30}
	}
	return map[string]any{"type": "triggered", "triggers": triggers}, frequency, cron
}
