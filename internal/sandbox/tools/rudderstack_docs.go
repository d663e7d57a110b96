package tools

import (
	"net/http"
	"strconv"

	"exposync/internal/sandbox/facade"
)

// connectionDoc is a connection. It has no name.
func (a *rudderstackAPI) connectionDoc(s *seen) map[string]any {
	mappings := []any{}
	for _, column := range s.columns() {
		mappings = append(mappings, map[string]string{"from": column, "to": column})
	}
	schedule := map[string]any{"type": "manual"}
	switch c, err := s.calendar(); {
	case err != nil:
	case c.cron != "" || c.dbt: // it knows no jobs of dbt: a clock comes nearest
		schedule = map[string]any{"type": "cron"}
	case c.every > 0:
		schedule = map[string]any{"type": "basic", "everyMinutes": int(c.every.Minutes())}
	}
	source := modelOf(s.Sync)
	return map[string]any{
		"id": s.ID, "sourceId": source, "destinationId": "1wJCPWvDLHgsi5inTHAChsrFn7O", "enabled": !s.Disabled, "schedule": schedule, "syncBehaviour": "upsert",
		"identifiers": mappings[:1], "mappings": mappings, "object": s.object(), "createdAt": stamp(s.Made), "updatedAt": stamp(s.Changed),
	}
}

func (a *rudderstackAPI) connection(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !opaque(id) {
		rudderstackMissing(w)
		return
	}
	s, err := a.ws.look(r, id)
	switch {
	case err != nil:
		rudderstackRefuse(w, r, facade.Down)
	case s.Missing:
		rudderstackMissing(w)
	default:
		facade.JSON(w, http.StatusOK, a.connectionDoc(&s))
	}
}

// connections lists the connections, those of a source only if asked.
func (a *rudderstackAPI) connections(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	page, err := number(q.Get("page"), 1, 1, 1<<20)
	size, err2 := number(q.Get("pageSize"), 20, 1, 100)
	if err != nil || err2 != nil {
		rudderstackError(w, http.StatusBadRequest, "page or pageSize is not valid")
		return
	}
	all, err := a.ws.all(r)
	if err != nil {
		rudderstackRefuse(w, r, facade.Down)
		return
	}
	docs := []any{}
	for i := range all {
		if want := q.Get("sourceId"); want == "" || want == modelOf(all[i].Sync) {
			docs = append(docs, a.connectionDoc(&all[i]))
		}
	}
	total, from := len(docs), (page-1)*size
	paging := map[string]any{"total": total}
	if from+size < total {
		q.Set("page", strconv.Itoa(page+1))
		paging["next"] = r.URL.Path + "?" + q.Encode()
	}
	facade.JSON(w, http.StatusOK, map[string]any{"data": docs[min(from, total):min(from+size, total)], "paging": paging})
}
