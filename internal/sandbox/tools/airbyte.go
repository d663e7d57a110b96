package tools

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"exposync/internal/sandbox/facade"
)

// airbyte is Airbyte's public API: tokens of applications, connections and
// their jobs, below /v1 as on cloud and below /api/public/v1 as elsewhere.
//
// Sources: airbytehq/airbyte-platform api_documentation_jobs.yaml, api-problems.
// yaml, ApplicationServiceConfig.kt, PublicApiLoadShedFilter.kt; reference.airbyte.com.
func airbyte() facade.Vendor {
	return facade.Vendor{
		Kind: "airbyte", Title: "Airbyte", Credential: facade.Bearer, Routes: airbyteRoutes, Refuse: airbyteRefuse,
		Public: func(r *http.Request) bool {
			return login(r) || r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/applications/token")
		},
	}
}

// airbyteSession is how long a token is good: three minutes in the open source.
const airbyteSession = 3 * time.Minute

// airbyteBases are where the API begins.
func airbyteBases() []string { return []string{"/v1", "/api/public/v1"} }

func airbyteDialect() *dialect {
	return &dialect{
		known: uuid, run: func(n int64) string { return strconv.FormatInt(1200+n, 10) },
		queued: []string{"pending", "queued"}, order: []string{"pending", "running"}, working: []string{"running", "incomplete"}, busy: refuses,
		ends: map[End]string{Success: "succeeded", Failed: "failed", Canceled: "cancelled"},
		page: func(sync, _ string) string {
			return "https://cloud.airbyte.com/workspaces/" + airbyteWorkspace + "/connections/" + sync + "/timeline"
		},
		say: speech{
			refuse: airbyteRefuse,
			broken: func(w http.ResponseWriter) {
				airbyteProblem(w, http.StatusInternalServerError, "unexpected-problem", "Unexpected problem", nil)
			},
			gone: func(w http.ResponseWriter) {
				airbyteProblem(w, http.StatusNotFound, "resource-not-found", "The requested resource could not be found", map[string]string{"resourceType": "JOB"})
			},
			wrong: func(w http.ResponseWriter) {
				facade.JSON(w, http.StatusOK, airbyteBody(http.StatusInternalServerError, "unexpected-problem", "Unexpected problem", nil))
			},
			hollow: func(w http.ResponseWriter) {
				facade.JSON(w, http.StatusOK, map[string]string{"status": "pending", "jobType": "sync"})
			},
		},
	}
}

// airbyteWorkspace is the one workspace.
const airbyteWorkspace = "18dccc91-0ab1-4f72-9ed7-0b8fc27c5826"

// airbyteAPI is one installation of Airbyte.
type airbyteAPI struct{ ws *Workspace }

func airbyteRoutes(s *facade.Service) http.Handler {
	a := &airbyteAPI{newWorkspace(s, airbyteDialect())}
	mux := http.NewServeMux()
	for _, base := range airbyteBases() {
		mux.HandleFunc("POST "+base+"/applications/token", a.token)
		mux.HandleFunc("POST "+base+"/jobs", a.trigger)
		mux.HandleFunc("GET "+base+"/jobs", a.jobs)
		mux.HandleFunc("GET "+base+"/jobs/{id}", a.job)
		mux.HandleFunc("DELETE "+base+"/jobs/{id}", a.cancel)
		mux.HandleFunc("GET "+base+"/connections", a.connections)
		mux.HandleFunc("GET "+base+"/connections/{id}", a.connection)
	}
	mux.HandleFunc("POST /api/v1/applications/token", a.token)
	mux.HandleFunc("GET "+loginPage, signIn)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { airbyteRefuse(w, r, facade.NotFound) })
	return &handler{mux, a.ws}
}

// airbyteRefuse words troubles as RFC 9457 asks. A limit that is reached comes
// without Retry-After, on purpose.
func airbyteRefuse(w http.ResponseWriter, _ *http.Request, t facade.Trouble) {
	switch t {
	case facade.Unauthorized, facade.Expired:
		airbyteProblem(w, http.StatusUnauthorized, "unauthorized", "The request is not authorized", nil)
	case facade.Throttled, facade.Exhausted:
		airbyteProblem(w, http.StatusTooManyRequests, "too-many-requests", "The request has been rate limited", nil)
	case facade.TooLarge:
		airbyteProblem(w, http.StatusRequestEntityTooLarge, "bad-request", "The request is too large", nil)
	case facade.NotFound:
		airbyteProblem(w, http.StatusNotFound, "resource-not-found", "The requested resource could not be found", nil)
	default:
		airbyteProblem(w, http.StatusServiceUnavailable, "service-unavailable", "The service is not available", nil)
	}
}

func airbyteBody(status int, kind, detail string, data map[string]string) map[string]any {
	doc := map[string]any{"type": "error:" + kind, "title": kind, "status": status, "detail": detail}
	if data != nil {
		doc["data"] = data
	}
	return doc
}

func airbyteProblem(w http.ResponseWriter, status int, kind, detail string, data map[string]string) {
	w.Header().Set("Content-Type", "application/problem+json")
	facade.JSON(w, status, airbyteBody(status, kind, detail, data))
}

func airbyteBad(w http.ResponseWriter, detail string) {
	airbyteProblem(w, http.StatusBadRequest, "bad-request", "The request could not be understood", map[string]string{"message": detail})
}

func airbyteMissing(w http.ResponseWriter, kind, id string) {
	airbyteProblem(w, http.StatusNotFound, "resource-not-found", "The requested resource could not be found", map[string]string{"resourceType": kind, "resourceId": id})
}

// airbyteDoc reads a body; nothing is left to do if ok is false.
func airbyteDoc(w http.ResponseWriter, r *http.Request) (doc gjson.Result, ok bool) {
	body, err := facade.ReadBody(r, 1<<20)
	doc = gjson.ParseBytes(body)
	if err != nil || !gjson.ValidBytes(body) || !doc.IsObject() {
		airbyteBad(w, "the body is no JSON object")
		return doc, false
	}
	return doc, true
}

// token gives a token for any client and any secret but "wrong".
func (a *airbyteAPI) token(w http.ResponseWriter, r *http.Request) {
	doc, ok := airbyteDoc(w, r)
	if !ok {
		return
	}
	id, secret := doc.Get("client_id").String(), doc.Get("client_secret").String()
	if id == "" {
		id, secret = doc.Get("clientId").String(), doc.Get("clientSecret").String()
	}
	if id == "" || secret == "" || secret == wrongSecret {
		airbyteRefuse(w, r, facade.Unauthorized)
		return
	}
	facade.JSON(w, http.StatusOK, map[string]any{
		"access_token": a.ws.s.Tokens.Issue(airbyteSession), "token_type": "Bearer", "expires_in": int(airbyteSession.Seconds()),
	})
}

// trigger creates a job. A connection has one at a time.
func (a *airbyteAPI) trigger(w http.ResponseWriter, r *http.Request) {
	doc, ok := airbyteDoc(w, r)
	if !ok {
		return
	}
	id, kind := doc.Get("connectionId").String(), doc.Get("jobType").String()
	switch {
	case !uuid(id):
		airbyteBad(w, "connectionId: is no UUID")
		return
	case !slices.Contains([]string{"sync", "reset", "refresh", "clear"}, kind):
		airbyteBad(w, "jobType: must be one of sync, reset, refresh, clear")
		return
	}
	var flags []string
	if kind != "sync" {
		flags = append(flags, kind)
	}
	t, err := a.ws.trigger(r, id, flags)
	switch {
	case err != nil:
		airbyteRefuse(w, r, facade.Down)
		return
	case t.sync.Missing:
		airbyteMissing(w, "CONNECTION", id)
		return
	case t.sync.Disabled && t.answer == "":
		airbyteProblem(w, http.StatusConflict, "state-conflict", "State conflict", map[string]string{"message": "The connection is inactive."})
		return
	case t.blocked != nil && t.answer == "":
		airbyteProblem(w, http.StatusConflict, "try-again-later", "Please try again later.",
			map[string]string{"message": "A sync is already running for: " + id})
		return
	}
	a.ws.act(w, r, t.answer, t.script, func(w http.ResponseWriter) {
		it := t.run
		if it == nil { // swallowed
			it = &run{ID: "1200", Word: "pending", Created: a.ws.s.Now(), Updated: a.ws.s.Now()}
		}
		facade.JSON(w, http.StatusOK, a.jobDoc(id, it))
	})
}

func (a *airbyteAPI) jobDoc(connection string, r *run) map[string]any {
	p := r.progress(a.ws.d)
	doc := map[string]any{
		"jobId": censusID(r.ID, r.Script), "status": r.Word, "jobType": "sync", "startTime": stamp(r.Created), "connectionId": connection,
		"lastUpdatedAt": stamp(r.Updated), "bytesSynced": 120 * p.taken.Planned(), "rowsSynced": p.taken.Planned(),
	}
	if len(r.Flags) > 0 {
		doc["jobType"] = r.Flags[0]
	}
	if !r.Ended.IsZero() {
		doc["duration"] = isoDuration(r.Ended.Sub(r.Created))
	}
	return doc
}

// isoDuration writes a duration as PT1H2M3S.
func isoDuration(d time.Duration) string {
	out, left := "PT", int(d.Seconds())
	if n := left / 3600; n > 0 {
		out += fmt.Sprintf("%dH", n)
	}
	if n := left % 3600 / 60; n > 0 {
		out += fmt.Sprintf("%dM", n)
	}
	if n := left % 60; n > 0 || out == "PT" {
		out += fmt.Sprintf("%dS", n)
	}
	return out
}
