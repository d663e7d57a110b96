package tools

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"exposync/internal/sandbox/facade"
)

// rudderstack is RudderStack's API of reverse ETL connections, below /v2, or
// without it where the version is no part of the address that was asked for.
//
// Sources: rudderstack.com/docs/api/retl-connections-api; of what a connection
// is, rudderlabs/rudder-iac api/client/retl. The bodies of errors are not
// documented.
func rudderstack() facade.Vendor {
	return facade.Vendor{
		Kind: "rudderstack", Title: "RudderStack", Credential: facade.Bearer, Public: login, Routes: rudderstackRoutes, Refuse: rudderstackRefuse,
	}
}

var opaqueForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-]{3,64}$`) })

// opaque reports whether a text is an id that tells nothing.
func opaque(id string) bool { return opaqueForm().MatchString(id) }

func rudderstackDialect() *dialect {
	return &dialect{
		known: opaque, run: func(n int64) string { return fmt.Sprintf("cq%018x", 0x5eed0000+n) },
		working: []string{"running"}, order: []string{"running", "running"}, busy: refuses, stopped: "The sync was cancelled",
		ends: map[End]string{Success: "succeeded", Partial: "succeeded", Failed: "failed", Canceled: "failed"},
		say: speech{
			refuse: rudderstackRefuse,
			broken: func(w http.ResponseWriter) {
				rudderstackError(w, http.StatusInternalServerError, "Internal Server Error")
			},
			gone: func(w http.ResponseWriter) { rudderstackError(w, http.StatusNotFound, "Sync not found") },
			wrong: func(w http.ResponseWriter) {
				rudderstackError(w, http.StatusOK, "The sync could not be started")
			},
			hollow: func(w http.ResponseWriter) { facade.JSON(w, http.StatusOK, map[string]any{}) },
		},
	}
}

// rudderstackAPI is one workspace of RudderStack.
type rudderstackAPI struct{ ws *Workspace }

func rudderstackRoutes(s *facade.Service) http.Handler {
	a := &rudderstackAPI{newWorkspace(s, rudderstackDialect())}
	mux := http.NewServeMux()
	for _, base := range []string{"/v2/retl-connections", "/retl-connections"} {
		mux.HandleFunc("GET "+base, a.connections)
		mux.HandleFunc("GET "+base+"/{id}", a.connection)
		mux.HandleFunc("POST "+base+"/{id}/start", a.trigger)
		mux.HandleFunc("POST "+base+"/{id}/stop", a.stop)
		mux.HandleFunc("GET "+base+"/{id}/syncs", a.runs)
		mux.HandleFunc("GET "+base+"/{id}/syncs/{run}", a.run)
	}
	mux.HandleFunc("GET "+loginPage, signIn)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { rudderstackRefuse(w, r, facade.NotFound) })
	return &handler{mux, a.ws}
}

func rudderstackRefuse(w http.ResponseWriter, _ *http.Request, t facade.Trouble) {
	switch t {
	case facade.Unauthorized, facade.Expired:
		rudderstackError(w, http.StatusUnauthorized, "Unauthorized")
	case facade.Throttled, facade.Exhausted:
		w.Header().Set("Retry-After", "1")
		rudderstackError(w, http.StatusTooManyRequests, "Too Many Requests")
	case facade.TooLarge:
		rudderstackError(w, http.StatusRequestEntityTooLarge, "Payload Too Large")
	case facade.NotFound:
		rudderstackError(w, http.StatusNotFound, "Not Found")
	default:
		rudderstackError(w, http.StatusServiceUnavailable, "Service Unavailable")
	}
}

func rudderstackError(w http.ResponseWriter, status int, message string) {
	facade.JSON(w, status, map[string]string{"message": message})
}

func rudderstackMissing(w http.ResponseWriter) {
	rudderstackError(w, http.StatusNotFound, "Reverse ETL connection was not found")
}

func (a *rudderstackAPI) trigger(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	body, err := facade.ReadBody(r, 1<<20)
	text := strings.TrimSpace(string(body))
	kind := gjson.Get(text, "syncType")
	switch {
	case err != nil || text != "" && (!gjson.Valid(text) || !gjson.Parse(text).IsObject()):
		rudderstackError(w, http.StatusBadRequest, "The body is no JSON object")
		return
	case kind.Exists() && kind.Str != "incremental" && kind.Str != "full":
		rudderstackError(w, http.StatusBadRequest, "syncType is incremental or full")
		return
	case !opaque(id):
		rudderstackMissing(w)
		return
	}
	var flags []string
	if kind.Str == "full" {
		flags = append(flags, "full")
	}
	t, err := a.ws.trigger(r, id, flags)
	switch {
	case err != nil:
		rudderstackRefuse(w, r, facade.Down)
		return
	case t.sync.Missing:
		rudderstackMissing(w)
		return
	case t.sync.Disabled && t.answer == "": // the documentation has no words for it
		rudderstackError(w, http.StatusBadRequest, "The connection is disabled")
		return
	case t.blocked != nil && t.answer == "":
		rudderstackError(w, http.StatusConflict, "A Reverse ETL sync is already running for the specified connection ID")
		return
	}
	a.ws.act(w, r, t.answer, t.script, func(w http.ResponseWriter) {
		run := a.ws.d.run(0) // swallowed
		if t.run != nil {
			run = t.run.ID
		}
		facade.JSON(w, http.StatusOK, map[string]string{"syncId": run})
	})
}

func (a *rudderstackAPI) runDoc(r *run) map[string]any {
	p := r.progress(a.ws.d)
	total := func(n int) map[string]int { return map[string]int{"total": n} }
	doc := map[string]any{
		"id": r.ID, "status": r.Word, "startedAt": stamp(r.Started), "finishedAt": stamp(r.Ended), "error": nil,
		"metrics": map[string]any{
			"succeeded": total(p.taken.Planned()), "failed": total(p.refused.Planned()), "changed": total(p.planned.Planned()), "total": p.planned.Planned(),
		},
	}
	if r.Script.NoTimes {
		doc["startedAt"], doc["finishedAt"] = nil, nil
	}
	if why := r.why(a.ws.d); why != "" {
		doc["error"] = why
	}
	return doc
}

func (a *rudderstackAPI) run(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !opaque(id) {
		rudderstackMissing(w)
		return
	}
	p, err := a.ws.poll(r, id, r.PathValue("run"))
	switch {
	case err != nil:
		rudderstackRefuse(w, r, facade.Down)
		return
	case p.sync.Missing:
		rudderstackMissing(w)
		return
	}
	a.ws.act(w, r, p.answer, p.script, func(w http.ResponseWriter) {
		if p.run == nil {
			a.ws.d.say.gone(w)
			return
		}
		facade.JSON(w, http.StatusOK, a.runDoc(p.run))
	})
}

// runs lists the syncs of a connection, the newest first.
func (a *rudderstackAPI) runs(w http.ResponseWriter, r *http.Request) {
	id, q := r.PathValue("id"), r.URL.Query()
	if !opaque(id) {
		rudderstackMissing(w)
		return
	}
	page, err := number(q.Get("page"), 1, 1, 1<<20)
	size, err2 := number(q.Get("per_page"), 20, 1, 100)
	after, err3 := airbyteTime(q.Get("started_after"))
	before, err4 := airbyteTime(q.Get("started_before"))
	status := q.Get("status")
	if err != nil || err2 != nil || err3 != nil || err4 != nil || status != "" && !slices.Contains([]string{"running", "succeeded", "failed"}, status) {
		rudderstackError(w, http.StatusBadRequest, "status, started_after, started_before, page or per_page is not valid")
		return
	}
	total := 0
	keep := func(r *run) bool {
		at := r.Started.Truncate(time.Millisecond)
		kept := (status == "" || r.Word == status) && (after.IsZero() || at.After(after)) && (before.IsZero() || at.Before(before))
		if kept {
			total++
		}
		return kept
	}
	k, runs, more, err := a.ws.list(r, id, keep, (page-1)*size, size)
	switch {
	case err != nil:
		rudderstackRefuse(w, r, facade.Down)
		return
	case k.Missing:
		rudderstackMissing(w)
		return
	}
	docs := []any{}
	for _, run := range runs {
		docs = append(docs, a.runDoc(run))
	}
	paging := map[string]any{"total": total}
	if more {
		q.Set("page", strconv.Itoa(page+1))
		paging["next"] = r.URL.Path + "?" + q.Encode()
	}
	facade.JSON(w, http.StatusOK, map[string]any{"syncs": docs, "paging": paging})
}

// stop asks the running sync to stop: it will have failed.
func (a *rudderstackAPI) stop(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !opaque(id) {
		rudderstackMissing(w)
		return
	}
	if _, _, err := a.ws.cancel(id, ""); err != nil {
		rudderstackRefuse(w, r, facade.Down)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
