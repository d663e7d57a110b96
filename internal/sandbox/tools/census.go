package tools

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"exposync/internal/sandbox/facade"
)

// census is Census, which is Fivetran Activations by now: syncs and their runs
// in both versions of its API, below /api/v1 and /api/v2.
//
// Sources: fivetran.com/docs/activations/rest-api (API reference of syncs and
// sync runs, migration from V1 to V2, observability guide), developers.getcensus.
// com/api-reference/syncs/list-syncs, docs.getcensus.com/basics/developers/api/syncs.
func census() facade.Vendor {
	return facade.Vendor{
		Kind: "census", Title: "Census", Credential: censusCredential, Public: login, Routes: censusRoutes, Refuse: censusRefuse,
	}
}

// censusCredential takes a token: one of a workspace, with its prefix, in
// either version, and any other in the second.
func censusCredential(r *http.Request) (string, bool) {
	if user, password, basic := r.BasicAuth(); basic {
		return password, user == "bearer" && password != "" && strings.HasPrefix(r.URL.Path, "/api/v1/")
	}
	token, ok := facade.Bearer(r)
	return token, ok && (strings.HasPrefix(token, "secret-token:") || !strings.HasPrefix(r.URL.Path, "/api/v1/"))
}

func censusDialect() *dialect {
	return &dialect{
		known: digits, run: func(n int64) string { return strconv.FormatInt(1_234_567_000+n, 10) },
		queued: []string{"queued"}, working: []string{"working"}, busy: skips,
		ends: map[End]string{Success: "completed", Partial: "completed", Failed: "failed", Canceled: "completed", Skipped: "skipped"},
		page: func(sync, run string) string {
			if run != "" {
				return "https://app.getcensus.com/syncs/" + sync + "/history?sync_run_id=" + run
			}
			return "https://app.getcensus.com/syncs/" + sync + "/overview"
		},
		say: speech{
			refuse: censusRefuse,
			broken: func(w http.ResponseWriter) {
				censusError(w, http.StatusInternalServerError, "error", "Internal server error")
			},
			gone:   func(w http.ResponseWriter) { censusError(w, http.StatusNotFound, "404", "Sync run not found") },
			wrong:  func(w http.ResponseWriter) { censusError(w, http.StatusOK, "error", "The sync could not be triggered") },
			hollow: func(w http.ResponseWriter) { censusData(w, map[string]any{}) },
		},
	}
}

// censusAPI is one workspace of Census, or one group of Fivetran.
type censusAPI struct{ ws *Workspace }

func censusRoutes(s *facade.Service) http.Handler {
	c := &censusAPI{newWorkspace(s, censusDialect())}
	mux := http.NewServeMux()
	for _, base := range []string{"/api/v1", "/api/v2"} {
		mux.HandleFunc("POST "+base+"/syncs/{id}/trigger", c.trigger)
		mux.HandleFunc("GET "+base+"/syncs/{id}/sync_runs", func(w http.ResponseWriter, r *http.Request) { c.runs(w, r, r.PathValue("id")) })
		mux.HandleFunc("GET "+base+"/sync_runs", func(w http.ResponseWriter, r *http.Request) { c.runs(w, r, r.URL.Query().Get("sync_id")) })
		mux.HandleFunc("GET "+base+"/sync_runs/{id}", c.run)
		mux.HandleFunc("GET "+base+"/syncs/{id}", c.sync)
		mux.HandleFunc("GET "+base+"/syncs", c.syncs)
	}
	mux.HandleFunc("GET "+loginPage, signIn)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { censusRefuse(w, r, facade.NotFound) })
	return &handler{mux, c.ws}
}

func censusRefuse(w http.ResponseWriter, _ *http.Request, t facade.Trouble) {
	switch t {
	case facade.Unauthorized, facade.Expired:
		w.Header().Set("WWW-Authenticate", `Token realm="Application"`)
		censusError(w, http.StatusUnauthorized, "error", "Access denied: the token is invalid")
	case facade.Throttled, facade.Exhausted:
		w.Header().Set("Retry-After", "1")
		censusError(w, http.StatusTooManyRequests, "error", "Too many requests")
	case facade.TooLarge:
		censusError(w, http.StatusRequestEntityTooLarge, "error", "The request is too large")
	case facade.NotFound:
		censusError(w, http.StatusNotFound, "404", "Not Found")
	default:
		censusError(w, http.StatusServiceUnavailable, "error", "Service unavailable")
	}
}

// censusError answers in the envelope: its status says that it is no success.
func censusError(w http.ResponseWriter, status int, said, message string) {
	facade.JSON(w, status, map[string]string{"status": said, "message": message})
}

func censusData(w http.ResponseWriter, data any) {
	facade.JSON(w, http.StatusOK, map[string]any{"status": "success", "data": data})
}

func censusMissing(w http.ResponseWriter, what string) {
	censusError(w, http.StatusNotFound, "404", what+" not found")
}

func (c *censusAPI) trigger(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !digits(id) {
		censusMissing(w, "Sync")
		return
	}
	var flags []string
	if full := r.URL.Query().Get("force_full_sync"); full == "true" {
		flags = append(flags, "force_full_sync")
	} else if full != "" && full != "false" {
		censusError(w, http.StatusBadRequest, "error", "force_full_sync is true or false")
		return
	}
	t, err := c.ws.trigger(r, id, flags)
	switch {
	case err != nil:
		censusRefuse(w, r, facade.Down)
		return
	case t.sync.Missing:
		censusMissing(w, "Sync")
		return
	case t.sync.Disabled && t.answer == "": // the documentation has no words for it
		censusError(w, http.StatusBadRequest, "error", "The sync is paused")
		return
	}
	c.ws.act(w, r, t.answer, t.script, func(w http.ResponseWriter) {
		id := "1234567000" // of a run that was swallowed
		if t.run != nil {
			id = t.run.ID
		}
		censusData(w, map[string]any{"sync_run_id": censusID(id, t.script)})
	})
}

// censusID writes an id as a number, unless a script wants a text.
func censusID(id string, s Script) any {
	if s.IDs == "" {
		return written("number", id)
	}
	return written(s.IDs, id)
}

// run gives one run, which is known by its own id.
func (c *censusAPI) run(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	sync, err := c.ws.syncOf(id)
	if err != nil {
		censusRefuse(w, r, facade.Down)
		return
	}
	if sync == "" {
		censusMissing(w, "Sync run")
		return
	}
	p, err := c.ws.poll(r, sync, id)
	if err != nil {
		censusRefuse(w, r, facade.Down)
		return
	}
	c.ws.act(w, r, p.answer, p.script, func(w http.ResponseWriter) {
		if p.run == nil {
			censusMissing(w, "Sync run")
			return
		}
		censusData(w, c.runDoc(p.sync.ID, p.run))
	})
}

// runs lists runs of a sync, the newest first.
func (c *censusAPI) runs(w http.ResponseWriter, r *http.Request, sync string) {
	if !digits(sync) {
		censusMissing(w, "Sync")
		return
	}
	page, size, ok := censusPage(w, r.URL.Query())
	if !ok {
		return
	}
	k, runs, _, err := c.ws.list(r, sync, func(*run) bool { return true }, (page-1)*size, size)
	switch {
	case err != nil:
		censusRefuse(w, r, facade.Down)
		return
	case k.Missing:
		censusMissing(w, "Sync")
		return
	}
	docs := []any{}
	for _, run := range runs {
		docs = append(docs, c.runDoc(sync, run))
	}
	facade.JSON(w, http.StatusOK, map[string]any{"status": "success", "pagination": censusPages(page, size, k.runs), "data": docs})
}

// censusPage reads which part of a list is wanted; a page of 0 is the first.
func censusPage(w http.ResponseWriter, q url.Values) (page, size int, ok bool) {
	page, err := number(q.Get("page"), 1, 0, 1<<20)
	size, err2 := number(q.Get("per_page"), 25, 1, 100)
	order := q.Get("order")
	if err != nil || err2 != nil || order != "" && order != "asc" && order != "desc" {
		censusError(w, http.StatusBadRequest, "error", "page, per_page (at most 100) or order is invalid")
		return 0, 0, false
	}
	return max(page, 1), size, true
}

func censusPages(page, size, total int) map[string]any {
	last := max(1, (total+size-1)/size)
	out := map[string]any{"total_records": total, "per_page": size, "page": page, "last_page": last, "prev_page": nil, "next_page": nil}
	if page > 1 {
		out["prev_page"] = page - 1
	}
	if page < last {
		out["next_page"] = page + 1
	}
	return out
}
