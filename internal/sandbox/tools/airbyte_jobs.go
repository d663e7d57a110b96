package tools

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"exposync/internal/sandbox/facade"
)

// ofJob finds the connection of a job; nothing is left to do if ok is false.
func (a *airbyteAPI) ofJob(w http.ResponseWriter, r *http.Request) (connection string, ok bool) {
	id := r.PathValue("id")
	if !digits(id) {
		airbyteBad(w, "jobId: is no number")
		return "", false
	}
	connection, err := a.ws.syncOf(id)
	switch {
	case err != nil:
		airbyteRefuse(w, r, facade.Down)
	case connection == "":
		airbyteMissing(w, "JOB", id)
	default:
		return connection, true
	}
	return "", false
}

func (a *airbyteAPI) job(w http.ResponseWriter, r *http.Request) {
	connection, ok := a.ofJob(w, r)
	if !ok {
		return
	}
	p, err := a.ws.poll(r, connection, r.PathValue("id"))
	if err != nil {
		airbyteRefuse(w, r, facade.Down)
		return
	}
	a.ws.act(w, r, p.answer, p.script, func(w http.ResponseWriter) {
		if p.run == nil {
			airbyteMissing(w, "JOB", r.PathValue("id"))
			return
		}
		facade.JSON(w, http.StatusOK, a.jobDoc(connection, p.run))
	})
}

// cancel stops a job, and answers with it as it was.
func (a *airbyteAPI) cancel(w http.ResponseWriter, r *http.Request) {
	connection, ok := a.ofJob(w, r)
	if !ok {
		return
	}
	_, found, err := a.ws.cancel(connection, r.PathValue("id"))
	if err != nil {
		airbyteRefuse(w, r, facade.Down)
		return
	}
	facade.JSON(w, http.StatusOK, a.jobDoc(connection, found))
}

// jobs lists the jobs of a connection, the newest first unless orderBy says
// otherwise.
func (a *airbyteAPI) jobs(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	id := q.Get("connectionId")
	limit, err := number(q.Get("limit"), 20, 1, 100)
	offset, err2 := number(q.Get("offset"), 0, 0, 1<<30)
	since, err3 := airbyteTime(q.Get("createdAtStart"))
	until, err4 := airbyteTime(q.Get("createdAtEnd"))
	order := strings.ToUpper(q.Get("orderBy"))
	switch {
	case !uuid(id):
		airbyteBad(w, "connectionId: is no UUID")
		return
	case err != nil || err2 != nil || err3 != nil || err4 != nil:
		airbyteBad(w, "limit, offset, createdAtStart or createdAtEnd is invalid")
		return
	case order != "" && !slices.Contains([]string{"CREATEDAT|ASC", "CREATEDAT|DESC", "UPDATEDAT|ASC", "UPDATEDAT|DESC"}, order):
		airbyteBad(w, "orderBy: is a field and ASC or DESC, such as createdAt|DESC")
		return
	}
	status := q.Get("status")
	keep := func(r *run) bool {
		return (status == "" || r.Word == status) && !r.Created.Before(since) && (until.IsZero() || !r.Created.After(until))
	}
	k, runs, more, err := a.ws.list(r, id, keep, offset, limit)
	switch {
	case err != nil:
		airbyteRefuse(w, r, facade.Down)
		return
	case k.Missing:
		airbyteMissing(w, "CONNECTION", id)
		return
	}
	if strings.HasSuffix(order, "|ASC") {
		slices.Reverse(runs)
	}
	docs := []any{}
	for _, run := range runs {
		docs = append(docs, a.jobDoc(id, run))
	}
	a.page(w, r, docs, offset, limit, more)
}

// page answers with a part of a list.
func (a *airbyteAPI) page(w http.ResponseWriter, r *http.Request, docs []any, offset, limit int, more bool) {
	out := map[string]any{"data": docs, "previous": "", "next": ""}
	at := func(offset int) string {
		q := r.URL.Query()
		q.Set("offset", strconv.Itoa(offset))
		return a.ws.s.URL(r, r.URL.Path+"?"+q.Encode())
	}
	if more {
		out["next"] = at(offset + limit)
	}
	if offset > 0 {
		out["previous"] = at(max(0, offset-limit))
	}
	facade.JSON(w, http.StatusOK, out)
}

func airbyteTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339Nano, text)
}

func (a *airbyteAPI) connection(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !uuid(id) {
		airbyteBad(w, "connectionId: is no UUID")
		return
	}
	s, err := a.ws.look(r, id)
	models, err2 := a.ws.models()
	switch {
	case err != nil || err2 != nil:
		airbyteRefuse(w, r, facade.Down)
	case s.Missing:
		airbyteMissing(w, "CONNECTION", id)
	default:
		facade.JSON(w, http.StatusOK, airbyteConnection(&s, models))
	}
}

func (a *airbyteAPI) connections(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit, err := number(q.Get("limit"), 20, 1, 100)
	offset, err2 := number(q.Get("offset"), 0, 0, 1<<30)
	if err != nil || err2 != nil {
		airbyteBad(w, "limit or offset is invalid")
		return
	}
	all, err := a.ws.all(r)
	models, err2 := a.ws.models()
	if err != nil || err2 != nil {
		airbyteRefuse(w, r, facade.Down)
		return
	}
	docs := []any{}
	for i := min(offset, len(all)); i < min(offset+limit, len(all)); i++ {
		docs = append(docs, airbyteConnection(&all[i], models))
	}
	a.page(w, r, docs, offset, limit, offset+limit < len(all))
}

// airbyteConnection is a connection. Its stream is the table of its model.
func airbyteConnection(s *seen, models []Model) map[string]any {
	stream := map[string]any{"name": s.object(), "syncMode": "incremental_deduped_history"}
	if m := modelNamed(models, s.Sync); m.Table != "" {
		stream["name"], stream["namespace"] = m.Table, m.Schema
	}
	schedule := map[string]any{"scheduleType": "manual"}
	switch c, err := s.calendar(); {
	case err != nil:
	case c.cron != "":
		schedule = map[string]any{"scheduleType": "cron", "cronExpression": "0 " + c.cron + " UTC"}
	case c.every > 0:
		schedule = map[string]any{"scheduleType": "basic", "basicTiming": "Every " + strconv.Itoa(max(1, int(c.every.Hours()))) + " HOURS"}
	case c.dbt: // it has no such trigger: a clock comes nearest
		schedule = map[string]any{"scheduleType": "cron", "cronExpression": "0 0 6 * * ? UTC"}
	}
	status := "active"
	if s.Disabled {
		status = "inactive"
	}
	return map[string]any{
		"connectionId": s.ID, "name": s.title(), "status": status, "workspaceId": airbyteWorkspace, "sourceId": uuidOf("source/"+s.ID, 1),
		"destinationId": uuidOf("destination/"+s.ID, 1), "schedule": schedule, "dataResidency": "auto", "namespaceDefinition": "destination",
		"nonBreakingSchemaUpdatesBehavior": "ignore", "configurations": map[string]any{"streams": []any{stream}},
		"createdAt": s.Made.Unix(), "tags": []any{},
	}
}
