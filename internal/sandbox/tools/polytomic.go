package tools

import (
	"net/http"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"exposync/internal/sandbox/facade"
)

// polytomic is Polytomic's API of model syncs and their executions, below /api.
//
// Sources: polytomic/polytomic-go (model syncs, executions, types, errors),
// docs.polytomic.com.
func polytomic() facade.Vendor {
	return facade.Vendor{
		Kind: "polytomic", Title: "Polytomic", Credential: facade.Bearer, Public: login, Routes: polytomicRoutes, Refuse: polytomicRefuse,
	}
}

func polytomicDialect() *dialect {
	return &dialect{
		known: uuid, run: func(n int64) string { return uuidOf("polytomic/execution", n) },
		queued: []string{"created", "scheduled", "queued", "waiting"}, working: []string{"running", "processing"},
		order: []string{"created", "queued", "running", "processing"}, halting: "canceling", busy: refuses,
		ends: map[End]string{Success: "completed", Partial: "completed", Failed: "failed", Canceled: "canceled", Interrupted: "interrupted"},
		say: speech{
			refuse: polytomicRefuse,
			broken: func(w http.ResponseWriter) {
				polytomicError(w, http.StatusInternalServerError, "internal", "internal server error")
			},
			gone: func(w http.ResponseWriter) { polytomicMissing(w, "execution") },
			wrong: func(w http.ResponseWriter) {
				facade.JSON(w, http.StatusOK, map[string]any{"key": "internal", "message": "internal server error", "metadata": map[string]any{}, "status": 500})
			},
			hollow: func(w http.ResponseWriter) { polytomicData(w, map[string]string{"status": "created"}) },
		},
	}
}

// polytomicAPI is one organization of Polytomic.
type polytomicAPI struct{ ws *Workspace }

func polytomicRoutes(s *facade.Service) http.Handler {
	p := &polytomicAPI{newWorkspace(s, polytomicDialect())}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/syncs/{id}/executions", p.trigger)
	mux.HandleFunc("GET /api/syncs/{id}/executions", p.executions)
	mux.HandleFunc("GET /api/syncs/{id}/executions/{run}", p.execution)
	mux.HandleFunc("POST /api/syncs/{id}/executions/{run}/cancel", p.cancel)
	mux.HandleFunc("POST /api/syncs/{id}/cancel", p.cancel)
	mux.HandleFunc("GET /api/syncs/{id}/status", p.status)
	mux.HandleFunc("GET /api/syncs/{id}", p.sync)
	mux.HandleFunc("GET /api/syncs", p.syncs)
	mux.HandleFunc("GET /api/models", p.models)
	mux.HandleFunc("GET /api/models/{id}", p.model)
	mux.HandleFunc("GET "+loginPage, signIn)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { polytomicRefuse(w, r, facade.NotFound) })
	return &handler{mux, p.ws}
}

func polytomicRefuse(w http.ResponseWriter, _ *http.Request, t facade.Trouble) {
	switch t {
	case facade.Unauthorized, facade.Expired:
		polytomicError(w, http.StatusUnauthorized, "unauthorized", "the API key is not valid")
	case facade.Throttled, facade.Exhausted:
		w.Header().Set("Retry-After", "1")
		polytomicError(w, http.StatusTooManyRequests, "rate_limited", "too many requests")
	case facade.TooLarge:
		polytomicError(w, http.StatusRequestEntityTooLarge, "bad_request", "the request is too large")
	case facade.NotFound:
		polytomicError(w, http.StatusNotFound, "not_found", "not found")
	default:
		polytomicError(w, http.StatusServiceUnavailable, "unavailable", "service unavailable")
	}
}

func polytomicError(w http.ResponseWriter, status int, key, message string) {
	facade.JSON(w, status, map[string]any{"key": key, "message": message, "metadata": map[string]any{}, "status": status})
}

func polytomicMissing(w http.ResponseWriter, what string) {
	polytomicError(w, http.StatusNotFound, "not_found", what+" not found")
}

func polytomicData(w http.ResponseWriter, data any) {
	facade.JSON(w, http.StatusOK, map[string]any{"data": data})
}

// polytomicFlags reads the body of a trigger, which may be empty.
func polytomicFlags(w http.ResponseWriter, r *http.Request) (flags []string, ok bool) {
	body, err := facade.ReadBody(r, 1<<20)
	text := strings.TrimSpace(string(body))
	doc := gjson.Parse(text)
	if err != nil || text != "" && (!gjson.Valid(text) || !doc.IsObject()) {
		polytomicError(w, http.StatusBadRequest, "bad_request", "the body is no JSON object")
		return nil, false
	}
	for _, name := range []string{"resync", "test"} {
		switch v := doc.Get(name); {
		case v.Exists() && !v.IsBool():
			polytomicError(w, http.StatusBadRequest, "bad_request", name+" is no boolean")
			return nil, false
		case v.Bool():
			flags = append(flags, name)
		}
	}
	return flags, true
}

// known checks a sync's id; nothing is left to do if ok is false.
func (p *polytomicAPI) known(w http.ResponseWriter, id string) (ok bool) {
	if ok = uuid(id); !ok {
		polytomicMissing(w, "sync")
	}
	return ok
}

// trigger starts an execution. A sync has one at a time.
func (p *polytomicAPI) trigger(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	flags, ok := polytomicFlags(w, r)
	if !ok || !p.known(w, id) {
		return
	}
	t, err := p.ws.trigger(r, id, flags)
	switch {
	case err != nil:
		polytomicRefuse(w, r, facade.Down)
		return
	case t.sync.Missing:
		polytomicMissing(w, "sync")
		return
	case t.sync.Disabled && t.answer == "":
		polytomicError(w, http.StatusBadRequest, "bad_request", "the sync is not active")
		return
	case t.blocked != nil && t.answer == "":
		polytomicError(w, http.StatusConflict, "conflict", "the sync is already running")
		return
	}
	p.ws.act(w, r, t.answer, t.script, func(w http.ResponseWriter) {
		it := t.run
		if it == nil { // swallowed
			it = &run{ID: uuidOf("polytomic/execution", 0), Word: "created", Created: p.ws.s.Now()}
		}
		polytomicData(w, p.executionDoc(it))
	})
}

func (p *polytomicAPI) executionDoc(r *run) map[string]any {
	at := r.progress(p.ws.d)
	doc := map[string]any{
		"id": r.ID, "type": "sync", "status": r.Word, "created_at": stamp(r.Created), "started_at": stamp(r.Started), "completed_at": stamp(r.Ended), "errors": []string{},
		"counts": map[string]int{
			"insert": at.taken.Added, "update": at.taken.Changed, "upserts": 0, "delete": at.taken.Removed, "error": at.refused.Planned(),
			"warnings": 0, "total": at.planned.Planned(),
		},
	}
	if r.Script.NoTimes {
		doc["started_at"], doc["completed_at"] = nil, nil
	}
	if why := r.why(p.ws.d); why != "" {
		doc["errors"] = []string{why}
	}
	return doc
}

func (p *polytomicAPI) execution(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !p.known(w, id) {
		return
	}
	it, err := p.ws.poll(r, id, r.PathValue("run"))
	switch {
	case err != nil:
		polytomicRefuse(w, r, facade.Down)
		return
	case it.sync.Missing:
		polytomicMissing(w, "sync")
		return
	}
	p.ws.act(w, r, it.answer, it.script, func(w http.ResponseWriter) {
		if it.run == nil {
			polytomicMissing(w, "execution")
			return
		}
		polytomicData(w, p.executionDoc(it.run))
	})
}

// cancel asks an execution to stop, or that which is going on: it says that it
// is canceling once more before it is canceled.
func (p *polytomicAPI) cancel(w http.ResponseWriter, r *http.Request) {
	id, run := r.PathValue("id"), r.PathValue("run")
	if !p.known(w, id) {
		return
	}
	stopping, found, err := p.ws.cancel(id, run)
	switch {
	case err != nil:
		polytomicRefuse(w, r, facade.Down)
	case run != "" && found == nil:
		polytomicMissing(w, "execution")
	case len(stopping) > 0:
		polytomicData(w, map[string]string{"id": stopping[0].ID, "status": "canceling"})
	case found != nil:
		polytomicData(w, map[string]string{"id": found.ID, "status": found.Word})
	default:
		polytomicMissing(w, "execution")
	}
}

// polytomicFrequency gives the frequency that comes nearest to an interval.
func polytomicFrequency(c calendar) string {
	switch {
	case c.cron != "":
		return "custom"
	case c.dbt:
		return "dbtcloud"
	case c.every == 0:
		return "manual"
	case c.every < time.Hour:
		return "continuous"
	case c.every < 24*time.Hour:
		return "hourly"
	case c.every < 7*24*time.Hour:
		return "daily"
	}
	return "weekly"
}
