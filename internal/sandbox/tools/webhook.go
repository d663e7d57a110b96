package tools

import (
	"net/http"
	"strconv"
	"strings"

	"exposync/internal/sandbox/facade"
)

// webhook is a server of jobs as many teams have one: a hook starts a job, and
// its address tells how it goes. Hooks are there by any name.
//
//	POST   /hooks/NAME  202 {"id", "status", "url"}; once more with the same
//	                    Idempotency-Key: 200 and the same job
//	GET    /jobs/ID     {"id", "hook", "status", "rows": {"total", "ok", "failed"}, …}
//	GET    /jobs?hook=  {"jobs": […]}, the newest first
//	DELETE /jobs/ID     asks a job to stop
//
// Any other address that is posted to is a hook, too, and one that ends in the
// id of a job tells of it, so that a hook can keep the path it has elsewhere.
//
// It asks for no credential: whoever knows the address may call it.
func webhook() facade.Vendor {
	return facade.Vendor{
		Kind: "webhook", Title: "Webhook", Routes: webhookRoutes, Refuse: webhookRefuse,
		Credential: func(r *http.Request) (string, bool) {
			token, _ := facade.Bearer(r)
			return token, true
		},
	}
}

func webhookDialect() *dialect {
	return &dialect{
		known: opaque, run: func(n int64) string { return "job-" + strconv.FormatInt(n, 10) },
		queued: []string{"queued"}, working: []string{"running"}, busy: beside,
		ends: map[End]string{Success: "succeeded", Partial: "completed_with_errors", Failed: "failed", Canceled: "canceled", Skipped: "skipped"},
		say: speech{
			refuse: webhookRefuse,
			broken: func(w http.ResponseWriter) {
				webhookError(w, http.StatusInternalServerError, "internal server error")
			},
			gone:   func(w http.ResponseWriter) { webhookError(w, http.StatusNotFound, "there is no such job") },
			wrong:  func(w http.ResponseWriter) { webhookError(w, http.StatusOK, "the job could not be started") },
			hollow: func(w http.ResponseWriter) { facade.JSON(w, http.StatusOK, map[string]any{}) },
		},
	}
}

// webhookAPI is one server of jobs.
type webhookAPI struct{ ws *Workspace }

func webhookRoutes(s *facade.Service) http.Handler {
	a := &webhookAPI{newWorkspace(s, webhookDialect())}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hooks/{id}", a.trigger)
	mux.HandleFunc("PUT /hooks/{id}", a.trigger)
	mux.HandleFunc("GET /jobs", a.jobs)
	mux.HandleFunc("GET /jobs/{id}", a.job)
	mux.HandleFunc("DELETE /jobs/{id}", a.cancel)
	mux.HandleFunc("GET "+loginPage, signIn)
	mux.HandleFunc("/", a.elsewhere)
	return &handler{mux, a.ws}
}

// elsewhere answers at addresses that are not its own.
func (a *webhookAPI) elsewhere(w http.ResponseWriter, r *http.Request) {
	last := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	hook := strings.ReplaceAll(strings.Trim(r.URL.Path, "/"), "/", "-")
	switch {
	case r.Method == http.MethodGet && strings.HasPrefix(last, "job-"):
		r.SetPathValue("id", last)
		a.job(w, r)
	case (r.Method == http.MethodPost || r.Method == http.MethodPut) && opaque(hook):
		r.SetPathValue("id", hook)
		a.trigger(w, r)
	default:
		webhookRefuse(w, r, facade.NotFound)
	}
}

func webhookRefuse(w http.ResponseWriter, _ *http.Request, t facade.Trouble) {
	switch t {
	case facade.Unauthorized, facade.Expired:
		w.Header().Set("WWW-Authenticate", "Bearer")
		webhookError(w, http.StatusUnauthorized, "not authorized")
	case facade.Throttled, facade.Exhausted:
		w.Header().Set("Retry-After", "1")
		webhookError(w, http.StatusTooManyRequests, "too many requests")
	case facade.TooLarge:
		webhookError(w, http.StatusRequestEntityTooLarge, "the request is too large")
	case facade.NotFound:
		webhookError(w, http.StatusNotFound, "not found")
	default:
		webhookError(w, http.StatusServiceUnavailable, "service unavailable")
	}
}

func webhookError(w http.ResponseWriter, status int, message string) {
	facade.JSON(w, status, map[string]string{"error": message})
}

// trigger starts a job. What the body says is kept with the request, on the
// sandbox's page.
func (a *webhookAPI) trigger(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !opaque(id) {
		webhookError(w, http.StatusNotFound, "there is no such hook")
		return
	}
	t, err := a.ws.keyed(r, id, r.Header.Get("Idempotency-Key"), nil)
	switch {
	case err != nil:
		webhookRefuse(w, r, facade.Down)
		return
	case t.sync.Missing:
		webhookError(w, http.StatusNotFound, "there is no such hook")
		return
	case t.sync.Disabled && t.answer == "":
		webhookError(w, http.StatusConflict, "the hook is disabled")
		return
	}
	a.ws.act(w, r, t.answer, t.script, func(w http.ResponseWriter) {
		it, status := t.run, http.StatusAccepted
		if it == nil { // swallowed
			it = &run{ID: "job-0", Word: "queued", Created: a.ws.s.Now()}
		}
		if t.again || strings.HasPrefix(string(t.answer), string(Swallowed)) {
			status = http.StatusOK
		}
		facade.JSON(w, status, a.jobDoc(r, id, it))
	})
}

func (a *webhookAPI) jobDoc(r *http.Request, hook string, it *run) map[string]any {
	p := it.progress(a.ws.d)
	doc := map[string]any{
		"id": it.ID, "hook": hook, "status": it.Word, "url": a.ws.s.URL(r, "/jobs/"+it.ID), "created_at": stamp(it.Created),
		"started_at": stamp(it.Started), "finished_at": stamp(it.Ended), "error": nil,
		"rows": map[string]int{"total": p.planned.Planned(), "ok": p.taken.Planned(), "failed": p.refused.Planned()},
	}
	if it.Script.NoTimes {
		doc["started_at"], doc["finished_at"] = nil, nil
	}
	if why := it.why(a.ws.d); why != "" {
		doc["error"] = why
	}
	return doc
}

// hookOf finds the hook of a job; nothing is left to do if ok is false.
func (a *webhookAPI) hookOf(w http.ResponseWriter, r *http.Request) (hook string, ok bool) {
	hook, err := a.ws.syncOf(r.PathValue("id"))
	switch {
	case err != nil:
		webhookRefuse(w, r, facade.Down)
	case hook == "":
		a.ws.d.say.gone(w)
	default:
		return hook, true
	}
	return "", false
}

func (a *webhookAPI) job(w http.ResponseWriter, r *http.Request) {
	hook, ok := a.hookOf(w, r)
	if !ok {
		return
	}
	p, err := a.ws.poll(r, hook, r.PathValue("id"))
	if err != nil {
		webhookRefuse(w, r, facade.Down)
		return
	}
	a.ws.act(w, r, p.answer, p.script, func(w http.ResponseWriter) {
		if p.run == nil {
			a.ws.d.say.gone(w)
			return
		}
		facade.JSON(w, http.StatusOK, a.jobDoc(r, hook, p.run))
	})
}

func (a *webhookAPI) jobs(w http.ResponseWriter, r *http.Request) {
	hook := r.URL.Query().Get("hook")
	if !opaque(hook) {
		webhookError(w, http.StatusBadRequest, "hook is the name of one")
		return
	}
	_, runs, _, err := a.ws.list(r, hook, func(*run) bool { return true }, 0, 100)
	if err != nil {
		webhookRefuse(w, r, facade.Down)
		return
	}
	docs := []any{}
	for _, it := range runs {
		docs = append(docs, a.jobDoc(r, hook, it))
	}
	facade.JSON(w, http.StatusOK, map[string]any{"jobs": docs})
}

func (a *webhookAPI) cancel(w http.ResponseWriter, r *http.Request) {
	hook, ok := a.hookOf(w, r)
	if !ok {
		return
	}
	if _, _, err := a.ws.cancel(hook, r.PathValue("id")); err != nil {
		webhookRefuse(w, r, facade.Down)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
