package tools

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"exposync/internal/sandbox/facade"
)

// multiwoven is Multiwoven, which is AI Squared by now: signing in, syncs, and
// their runs below /api/v1. A trigger gives no id of a run.
//
// Sources: Multiwoven/multiwoven server/app (controllers api/v1, serializers,
// interactors/syncs, models/sync_run.rb), docs.squared.ai/api-reference.
func multiwoven() facade.Vendor {
	return facade.Vendor{
		Kind: "multiwoven", Title: "Multiwoven", Credential: facade.Bearer, Routes: multiwovenRoutes, Refuse: multiwovenRefuse,
		Public: func(r *http.Request) bool {
			return login(r) || r.Method == http.MethodPost && r.URL.Path == multiwovenBase+"/login"
		},
	}
}

const multiwovenBase = "/api/v1"

// multiwovenSession is how long a token is good.
const multiwovenSession = time.Hour

// wrongSecret is a password or secret that no stand-in accepts.
const wrongSecret = "wrong"

func multiwovenDialect() *dialect {
	return &dialect{
		known: digits, run: func(n int64) string { return strconv.FormatInt(800+n, 10) },
		queued: []string{"pending", "queued"}, working: []string{"started", "querying", "in_progress", "paused"},
		order: []string{"pending", "started", "querying", "queued", "in_progress"}, busy: refuses,
		ends: map[End]string{Success: "success", Partial: "success", Failed: "failed", Canceled: "canceled"},
		page: func(sync, run string) string {
			if run != "" {
				return "https://app.squared.ai/activate/syncs/" + sync + "/run/" + run
			}
			return "https://app.squared.ai/activate/syncs/" + sync
		},
		say: speech{
			refuse: multiwovenRefuse,
			broken: func(w http.ResponseWriter) {
				multiwovenError(w, http.StatusInternalServerError, "Internal Server Error")
			},
			gone:   func(w http.ResponseWriter) { multiwovenError(w, http.StatusNotFound, "Sync Run not found") },
			wrong:  func(w http.ResponseWriter) { multiwovenFailed(w, http.StatusOK, 424, "Unable to schedule the sync") },
			hollow: func(w http.ResponseWriter) { facade.JSON(w, http.StatusOK, map[string]any{}) },
		},
	}
}

// multiwovenAPI is one installation of Multiwoven.
type multiwovenAPI struct{ ws *Workspace }

func multiwovenRoutes(s *facade.Service) http.Handler {
	m := &multiwovenAPI{newWorkspace(s, multiwovenDialect())}
	mux := http.NewServeMux()
	in := func(pattern string, next http.HandlerFunc) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Workspace-Id") == "" {
				multiwovenError(w, http.StatusInternalServerError, "Workspace not found")
				return
			}
			next(w, r)
		})
	}
	mux.HandleFunc("POST "+multiwovenBase+"/login", m.login)
	in("POST "+multiwovenBase+"/schedule_syncs", m.trigger)
	in("DELETE "+multiwovenBase+"/schedule_syncs/{id}", m.cancel)
	in("GET "+multiwovenBase+"/syncs", m.syncs)
	in("GET "+multiwovenBase+"/syncs/{id}", m.sync)
	in("GET "+multiwovenBase+"/syncs/{id}/sync_runs", m.runs)
	in("GET "+multiwovenBase+"/syncs/{id}/sync_runs/{run}", m.run)
	in("GET "+multiwovenBase+"/models", m.models)
	mux.HandleFunc("GET "+loginPage, signIn)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { multiwovenRefuse(w, r, facade.NotFound) })
	return &handler{mux, m.ws}
}

func multiwovenRefuse(w http.ResponseWriter, _ *http.Request, t facade.Trouble) {
	switch t {
	case facade.Unauthorized, facade.Expired:
		facade.JSON(w, http.StatusUnauthorized, map[string]string{"error": "Unauthorized"})
	case facade.Throttled, facade.Exhausted:
		w.Header().Set("Retry-After", "1")
		multiwovenError(w, http.StatusTooManyRequests, "Too Many Requests")
	case facade.TooLarge:
		multiwovenError(w, http.StatusRequestEntityTooLarge, "Payload Too Large")
	case facade.NotFound:
		multiwovenError(w, http.StatusNotFound, "Not Found")
	default:
		multiwovenError(w, http.StatusServiceUnavailable, "Service Unavailable")
	}
}

func multiwovenError(w http.ResponseWriter, status int, detail string) {
	multiwovenFailed(w, status, status, detail)
}

func multiwovenFailed(w http.ResponseWriter, status, said int, detail string) {
	facade.JSON(w, status, map[string]any{"errors": []any{map[string]any{"status": said, "title": "Error", "detail": detail}}})
}

// multiwovenBody reads a body; nothing is left to do if ok is false. Names are
// those that it has to have.
func multiwovenBody(w http.ResponseWriter, r *http.Request, names ...string) (doc gjson.Result, ok bool) {
	body, err := facade.ReadBody(r, 1<<20)
	doc = gjson.ParseBytes(body)
	if err != nil || !gjson.ValidBytes(body) || !doc.IsObject() {
		multiwovenError(w, http.StatusBadRequest, "Error occurred while parsing request parameters")
		return doc, false
	}
	missing := map[string][]string{}
	for _, name := range names {
		if !doc.Get(name).Exists() {
			missing[name] = []string{"is missing"}
		}
	}
	if len(missing) > 0 {
		facade.JSON(w, http.StatusBadRequest, map[string]any{"errors": missing})
		return doc, false
	}
	return doc, true
}

// login gives a token for an address and any password but "wrong".
func (m *multiwovenAPI) login(w http.ResponseWriter, r *http.Request) {
	doc, ok := multiwovenBody(w, r, "email", "password")
	if !ok {
		return
	}
	if doc.Get("email").Str == "" || doc.Get("password").Str == "" || doc.Get("password").Str == wrongSecret {
		multiwovenError(w, http.StatusUnauthorized, "Invalid email or password")
		return
	}
	token := m.ws.s.Tokens.Issue(multiwovenSession)
	facade.JSON(w, http.StatusOK, map[string]any{"data": map[string]any{
		"type": "token", "id": uuidOf(token, 1), "attributes": map[string]string{"token": token},
	}})
}

// trigger starts a run. What goes wrong in the engine below it is swallowed:
// the answer is the same, and there is no run.
func (m *multiwovenAPI) trigger(w http.ResponseWriter, r *http.Request) {
	doc, ok := multiwovenBody(w, r, "schedule_sync")
	if !ok {
		return
	}
	id := doc.Get("schedule_sync.sync_id").String()
	if !digits(id) {
		multiwovenError(w, http.StatusNotFound, "Sync not found")
		return
	}
	t, err := m.ws.trigger(r, id, nil)
	if err == nil && t.answer == "" && !t.sync.Missing {
		err = multiwovenBlocked(t)
	}
	var blocked multiwovenProblem
	switch {
	case errors.As(err, &blocked):
		multiwovenError(w, http.StatusFailedDependency, string(blocked))
		return
	case err != nil:
		multiwovenRefuse(w, r, facade.Down)
		return
	case t.sync.Missing:
		multiwovenError(w, http.StatusNotFound, "Sync not found")
		return
	}
	m.ws.act(w, r, t.answer, t.script, func(w http.ResponseWriter) {
		facade.JSON(w, http.StatusOK, map[string]string{"message": "Sync scheduled successfully"})
	})
}

// multiwovenProblem is why a sync cannot be run.
type multiwovenProblem string

// Error is the reason.
func (p multiwovenProblem) Error() string { return string(p) }

// multiwovenBlocked finds why a trigger starts nothing.
func multiwovenBlocked(t triggered) error {
	switch {
	case t.sync.Disabled:
		return multiwovenProblem("Sync is disabled")
	case strings.TrimSpace(t.sync.Schedule) != "":
		return multiwovenProblem("Sync Schedule type should be manual")
	case t.blocked != nil:
		return multiwovenProblem("Sync cannot be scheduled due to active sync run")
	}
	return nil
}

func (m *multiwovenAPI) cancel(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !digits(id) {
		multiwovenError(w, http.StatusNotFound, "Sync not found")
		return
	}
	stopping, _, err := m.ws.cancel(id, "")
	switch {
	case err != nil:
		multiwovenRefuse(w, r, facade.Down)
	case len(stopping) == 0:
		multiwovenError(w, http.StatusFailedDependency, "Sync cannot be cancelled due to no active sync run")
	default:
		facade.JSON(w, http.StatusOK, map[string]string{"message": "Sync cancelled successfully"})
	}
}
