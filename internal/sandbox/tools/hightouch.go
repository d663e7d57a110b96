package tools

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"exposync/internal/sandbox/facade"
)

// hightouch is Hightouch's API as far as syncs, their runs, models and
// sequences go. Its paths begin with /api/v1.
//
// Sources: the clients hightouchio/airflow-provider-hightouch, kestra-io/
// plugin-hightouch and the models of PrefectHQ/prefect-hightouch, which are made
// from the official description of 2022; hightouch.com/docs/syncs/overview.
func hightouch() facade.Vendor {
	return facade.Vendor{
		Kind: "hightouch", Title: "Hightouch", Credential: facade.Bearer, Public: login, Routes: hightouchRoutes, Refuse: hightouchRefuse,
	}
}

func hightouchDialect(workspace string) *dialect {
	return &dialect{
		known: digits, run: func(n int64) string { return strconv.FormatInt(6_100_000+n, 10) },
		queued: []string{"queued"}, working: []string{"querying", "processing", "reporting"}, inList: true, busy: behind,
		ends: map[End]string{Success: "success", Partial: "warning", Failed: "failed", Canceled: "cancelled", Interrupted: "interrupted"},
		page: func(sync, run string) string {
			at := "https://app.hightouch.com/" + workspace + "/syncs/" + sync
			if run != "" {
				at += "/runs/" + run
			}
			return at
		},
		say: speech{
			refuse: hightouchRefuse,
			broken: func(w http.ResponseWriter) {
				w.Header().Set("Content-Type", "text/plain; charset=utf-8")
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = w.Write([]byte("Internal Server Error"))
			},
			gone:   func(w http.ResponseWriter) { hightouchError(w, http.StatusNotFound, "Sync run not found") },
			wrong:  func(w http.ResponseWriter) { hightouchInvalid(w, http.StatusOK, nil) },
			hollow: func(w http.ResponseWriter) { facade.JSON(w, http.StatusOK, map[string]any{}) },
		},
	}
}

// hightouchAPI is one workspace of Hightouch.
type hightouchAPI struct{ ws *Workspace }

func hightouchRoutes(s *facade.Service) http.Handler {
	ws := newWorkspace(s, hightouchDialect("acme"))
	h := &hightouchAPI{ws}
	mux := http.NewServeMux()
	const base = "/api/v1"
	mux.HandleFunc("POST "+base+"/syncs/{id}/trigger", func(w http.ResponseWriter, r *http.Request) { h.trigger(w, r, r.PathValue("id")) })
	mux.HandleFunc("POST "+base+"/syncs/trigger", h.triggerNamed)
	mux.HandleFunc("GET "+base+"/syncs/{id}/runs", h.runs)
	mux.HandleFunc("GET "+base+"/syncs/{id}", h.sync)
	mux.HandleFunc("GET "+base+"/syncs", h.syncs)
	mux.HandleFunc("GET "+base+"/models", h.models)
	mux.HandleFunc("GET "+base+"/models/{id}", h.model)
	mux.HandleFunc("GET "+base+"/destinations", h.destinations)
	mux.HandleFunc("GET "+base+"/destinations/{id}", h.destination)
	mux.HandleFunc("POST "+base+"/sync-sequences/{id}/trigger", h.triggerSequence)
	mux.HandleFunc("GET "+base+"/sync-sequences/runs/{id}", h.sequenceRun)
	mux.HandleFunc("GET "+loginPage, signIn)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { hightouchRefuse(w, r, facade.NotFound) })
	return &handler{mux, ws}
}

// hightouchRefuse words troubles. A limit that is reached comes without
// Retry-After.
func hightouchRefuse(w http.ResponseWriter, _ *http.Request, t facade.Trouble) {
	switch t {
	case facade.Unauthorized, facade.Expired:
		facade.JSON(w, http.StatusUnauthorized, map[string]string{
			"message": "Authentication error", "details": "The API key is invalid, or the person who made it was deactivated.",
		})
	case facade.Throttled, facade.Exhausted:
		hightouchError(w, http.StatusTooManyRequests, "Too many requests")
	case facade.TooLarge:
		hightouchError(w, http.StatusRequestEntityTooLarge, "The request is too large")
	case facade.NotFound:
		hightouchError(w, http.StatusNotFound, "Not found")
	default:
		hightouchError(w, http.StatusServiceUnavailable, "Service unavailable")
	}
}

func hightouchError(w http.ResponseWriter, status int, text string) {
	facade.JSON(w, status, map[string]string{"error": text})
}

// hightouchInvalid tells what of a request was not valid, by name.
func hightouchInvalid(w http.ResponseWriter, status int, details map[string]string) {
	said := map[string]any{}
	for name, text := range details {
		said[name] = map[string]string{"message": text}
	}
	facade.JSON(w, status, map[string]any{"message": "Validation failed", "details": said})
}

// flags are what a trigger may ask for beside the run itself.
var hightouchFlags = []string{"fullResync", "resetCDC", "clearAndFill"}

// hightouchBody reads the body of a trigger, which may be empty.
func hightouchBody(w http.ResponseWriter, r *http.Request) (doc gjson.Result, flags []string, ok bool) {
	body, err := facade.ReadBody(r, 1<<20)
	text := strings.TrimSpace(string(body))
	if err != nil || text != "" && !gjson.Valid(text) {
		hightouchInvalid(w, http.StatusUnprocessableEntity, map[string]string{"body": "invalid JSON"})
		return doc, nil, false
	}
	doc = gjson.Parse(text)
	if text != "" && !doc.IsObject() {
		hightouchInvalid(w, http.StatusUnprocessableEntity, map[string]string{"body": "invalid object"})
		return doc, nil, false
	}
	for _, name := range hightouchFlags {
		switch v := doc.Get(name); {
		case v.Exists() && !v.IsBool():
			hightouchInvalid(w, http.StatusUnprocessableEntity, map[string]string{"body." + name: "invalid boolean value"})
			return doc, nil, false
		case v.Bool():
			flags = append(flags, name)
		}
	}
	return doc, flags, true
}

// id checks a sync's id; nothing is left to do if ok is false.
func (h *hightouchAPI) known(w http.ResponseWriter, id string) (ok bool) {
	if ok = digits(id); !ok {
		hightouchInvalid(w, http.StatusUnprocessableEntity, map[string]string{"syncId": "invalid float number"})
	}
	return ok
}

func (h *hightouchAPI) trigger(w http.ResponseWriter, r *http.Request, id string) {
	_, flags, ok := hightouchBody(w, r)
	if !ok || !h.known(w, id) {
		return
	}
	h.start(w, r, id, flags)
}

var hightouchSlug = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^sync-([1-9][0-9]{0,17})$`) })

// triggerNamed starts a sync that the body names, by its id or its slug.
func (h *hightouchAPI) triggerNamed(w http.ResponseWriter, r *http.Request) {
	doc, flags, ok := hightouchBody(w, r)
	if !ok {
		return
	}
	id, slug := doc.Get("syncId"), doc.Get("syncSlug")
	switch {
	case id.Exists() && (id.Type != gjson.String || !digits(id.Str)):
		hightouchInvalid(w, http.StatusUnprocessableEntity, map[string]string{"body.syncId": "Not match in '^[0-9]+$'"})
		return
	case !id.Exists() && slug.String() == "":
		hightouchInvalid(w, http.StatusUnprocessableEntity, map[string]string{"body": "'syncId' or 'syncSlug' is required"})
		return
	case id.Exists():
		h.start(w, r, id.Str, flags)
		return
	}
	all, err := h.ws.all(r)
	if err != nil {
		hightouchRefuse(w, r, facade.Down)
		return
	}
	for _, s := range all {
		if s.slug() == slug.Str {
			h.start(w, r, s.ID, flags)
			return
		}
	}
	if m := hightouchSlug().FindStringSubmatch(slug.Str); m != nil {
		h.start(w, r, m[1], flags)
		return
	}
	hightouchError(w, http.StatusNotFound, "Sync not found")
}

func (h *hightouchAPI) start(w http.ResponseWriter, r *http.Request, id string, flags []string) {
	t, err := h.ws.trigger(r, id, flags)
	switch {
	case err != nil:
		hightouchRefuse(w, r, facade.Down)
		return
	case t.sync.Missing:
		hightouchError(w, http.StatusNotFound, "Sync not found")
		return
	case t.sync.Disabled && t.answer == "": // the documentation has no words for it
		facade.JSON(w, http.StatusBadRequest, map[string]string{"message": "The sync is disabled"})
		return
	}
	h.ws.act(w, r, t.answer, t.script, func(w http.ResponseWriter) {
		run := t.run
		if run == nil { // swallowed
			run = &run0
		}
		facade.JSON(w, http.StatusOK, map[string]any{"id": written("string", run.ID)})
	})
}

// run0 stands in for a run that was never started.
var run0 = run{ID: "6099999"}

// written writes an id as a number or as a text.
func written(as, id string) any {
	if as == "number" {
		return json.Number(id)
	}
	return id
}

// hightouchTime reads a moment of the query.
func hightouchTime(text string) (time.Time, error) { return time.Parse(time.RFC3339Nano, text) }

// number reads a number of the query between low and high.
func number(text string, usual, low, high int) (int, error) {
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("from %d to %d", low, high)
	}
	return n, nil
}
