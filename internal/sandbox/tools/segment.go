package tools

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"exposync/internal/sandbox/facade"
)

// segment is Segment's public API of reverse ETL, in its alpha version. What
// others call a sync is a subscription here: a mapping of a model.
//
// Sources: segmentio/public-api-sdk-go (api_reverse_etl.go, models), kestra-io/
// plugin-twilio. What the status of a run is that was canceled is not documented.
func segment() facade.Vendor {
	return facade.Vendor{
		Kind: "segment", Title: "Segment", Credential: facade.Bearer, Public: login, Routes: segmentRoutes, Refuse: segmentRefuse,
	}
}

// segmentType is the type of all bodies.
const segmentType = "application/vnd.segment.v1alpha+json"

func segmentDialect() *dialect {
	return &dialect{
		known: opaque, run: func(n int64) string { return fmt.Sprintf("2kV%024x", 0x5e6_0000+n) },
		working: []string{"IN_PROGRESS"}, order: []string{"IN_PROGRESS", "IN_PROGRESS"}, busy: beside,
		ends: map[End]string{Success: "SUCCESS", Partial: "PARTIAL_SUCCESS", Failed: "FAIL", Canceled: "CANCELED"},
		say: speech{
			refuse: segmentRefuse,
			broken: func(w http.ResponseWriter) {
				segmentError(w, http.StatusInternalServerError, "internal-server-error", "", "Internal server error")
			},
			gone: func(w http.ResponseWriter) {
				segmentError(w, http.StatusNotFound, "not-found", "", "The sync was not found")
			},
			wrong: func(w http.ResponseWriter) {
				segmentJSON(w, http.StatusOK, segmentErrors(http.StatusBadRequest, "bad-request", "", "The sync could not be started"))
			},
			hollow: func(w http.ResponseWriter) {
				segmentData(w, map[string]any{"reverseETLManualSync": map[string]any{}})
			},
		},
	}
}

// segmentAPI is one workspace of Segment.
type segmentAPI struct{ ws *Workspace }

func segmentRoutes(s *facade.Service) http.Handler {
	a := &segmentAPI{newWorkspace(s, segmentDialect())}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /reverse-etl-syncs", a.trigger)
	mux.HandleFunc("GET /reverse-etl-models/{model}/syncs/{run}", a.run)
	mux.HandleFunc("POST /reverse-etl-models/{model}/syncs/{run}/cancel", a.cancel)
	mux.HandleFunc("GET /reverse-etl-models/{model}/subscriptionId/{id}/syncs", a.runs)
	mux.HandleFunc("GET /reverse-etl-models/{model}", a.model)
	mux.HandleFunc("GET /reverse-etl-models", a.models)
	mux.HandleFunc("GET /destinations/{destination}/subscriptions/{id}", a.subscription)
	mux.HandleFunc("GET /destinations/{destination}/subscriptions", a.subscriptions)
	mux.HandleFunc("GET "+loginPage, signIn)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { segmentRefuse(w, r, facade.NotFound) })
	return &handler{mux, a.ws}
}

func segmentJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", segmentType)
	facade.JSON(w, status, v)
}

func segmentData(w http.ResponseWriter, data any) {
	segmentJSON(w, http.StatusOK, map[string]any{"data": data})
}

func segmentRefuse(w http.ResponseWriter, _ *http.Request, t facade.Trouble) {
	status, kind, text := http.StatusServiceUnavailable, "service-unavailable", "Service unavailable"
	switch t {
	case facade.Unauthorized, facade.Expired:
		status, kind, text = http.StatusUnauthorized, "unauthorized", "The provided token is not valid"
	case facade.Throttled, facade.Exhausted:
		w.Header().Set("X-RateLimit-Limit", "20")
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", "60")
		w.Header().Set("Retry-After", "60")
		status, kind, text = http.StatusTooManyRequests, "too-many-requests", "Rate limit exceeded"
	case facade.TooLarge:
		status, kind, text = http.StatusRequestEntityTooLarge, "bad-request", "The request is too large"
	case facade.NotFound:
		status, kind, text = http.StatusNotFound, "not-found", "Not found"
	case facade.Down:
	}
	segmentError(w, status, kind, "", text)
}

func segmentErrors(status int, kind, field, message string) map[string]any {
	one := map[string]any{"type": kind, "message": message, "status": status}
	if field != "" {
		one["field"] = field
	}
	return map[string]any{"errors": []any{one}}
}

func segmentError(w http.ResponseWriter, status int, kind, field, message string) {
	segmentJSON(w, status, segmentErrors(status, kind, field, message))
}

func segmentMissing(w http.ResponseWriter, what string) {
	segmentError(w, http.StatusNotFound, "not-found", "", "The "+what+" was not found")
}

// trigger starts a run of a subscription, whose model and source have to be
// named beside it.
func (a *segmentAPI) trigger(w http.ResponseWriter, r *http.Request) {
	body, err := facade.ReadBody(r, 1<<20)
	doc := gjson.ParseBytes(body)
	if err != nil || !gjson.ValidBytes(body) || !doc.IsObject() {
		segmentError(w, http.StatusBadRequest, "bad-request", "", "The body is no JSON object")
		return
	}
	for _, name := range []string{"sourceId", "modelId", "subscriptionId"} {
		if !opaque(doc.Get(name).Str) {
			segmentError(w, http.StatusBadRequest, "bad-request", name, name+" is required")
			return
		}
	}
	id, model := doc.Get("subscriptionId").Str, doc.Get("modelId").Str
	known, err := a.ws.fedBy(r, id, model, doc.Get("sourceId").Str)
	if err != nil {
		segmentRefuse(w, r, facade.Down)
		return
	}
	if !known {
		segmentMissing(w, "subscription of this model")
		return
	}
	t, err := a.ws.trigger(r, id, nil)
	switch {
	case err != nil:
		segmentRefuse(w, r, facade.Down)
		return
	case t.sync.Disabled && t.answer == "": // the documentation has no words for it
		segmentError(w, http.StatusBadRequest, "bad-request", "subscriptionId", "The subscription is not enabled")
		return
	}
	a.ws.act(w, r, t.answer, t.script, func(w http.ResponseWriter) {
		run, at := a.ws.d.run(0), a.ws.s.Now() // swallowed
		if t.run != nil {
			run, at = t.run.ID, t.run.Created
		}
		segmentData(w, map[string]any{"reverseETLManualSync": map[string]any{"syncId": run, "startedAt": stamp(at)}})
	})
}

// fedBy notes which model feeds a sync and what that reads, if nobody said so
// before; false if it is another, or the sync is missing. An empty source is
// any.
func (w *Workspace) fedBy(r *http.Request, sync, model, source string) (is bool, err error) {
	err = w.with(sync, func(k *kept) error {
		k.Model, k.Source = cmp.Or(k.Model, model), cmp.Or(k.Source, source)
		is = k.Model == model && (source == "" || k.Source == source) && !overlaid(k.Sync, r).Missing
		return nil
	})
	return is, err
}

func (a *segmentAPI) runDoc(s Sync, r *run) map[string]any {
	p := r.progress(a.ws.d)
	text := strconv.Itoa
	doc := map[string]any{
		"syncId": r.ID, "modelId": s.Model, "sourceId": s.Source, "syncStatus": r.Word, "startedAt": stamp(r.Started), "duration": clock(0),
		"extractPhase": map[string]string{
			"extractCount": text(p.planned.Planned()), "addedCount": text(p.planned.Added), "updatedCount": text(p.planned.Changed), "deletedCount": text(p.planned.Removed),
		},
		"loadPhase": map[string]string{"deliverSuccessCount": text(p.taken.Planned()), "deliverFailureCount": text(p.refused.Planned())},
	}
	if !r.Ended.IsZero() && !r.Script.NoTimes {
		doc["finishedAt"], doc["duration"] = stamp(r.Ended), clock(r.Ended.Sub(r.Started))
	}
	if r.Script.NoTimes {
		delete(doc, "startedAt")
	}
	if why := r.why(a.ws.d); why != "" {
		doc["error"], doc["errorCode"] = why, "LOAD_FAILED"
	}
	return doc
}

// clock writes a duration as 01:02:03.
func clock(d time.Duration) string {
	s := int(d.Seconds())
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s%3600/60, s%60)
}

// of finds the subscription of a run of a model; nothing is left to do if ok
// is false.
func (a *segmentAPI) of(w http.ResponseWriter, r *http.Request) (sync Sync, ok bool) {
	id, err := a.ws.syncOf(r.PathValue("run"))
	if err == nil && id != "" {
		var s seen
		s, err = a.ws.look(r, id)
		if err == nil && s.Model == r.PathValue("model") && !s.Missing {
			return s.Sync, true
		}
	}
	if err != nil {
		segmentRefuse(w, r, facade.Down)
		return Sync{}, false
	}
	segmentMissing(w, "sync")
	return Sync{}, false
}

func (a *segmentAPI) run(w http.ResponseWriter, r *http.Request) {
	sync, ok := a.of(w, r)
	if !ok {
		return
	}
	p, err := a.ws.poll(r, sync.ID, r.PathValue("run"))
	if err != nil {
		segmentRefuse(w, r, facade.Down)
		return
	}
	a.ws.act(w, r, p.answer, p.script, func(w http.ResponseWriter) {
		if p.run == nil {
			segmentMissing(w, "sync")
			return
		}
		segmentData(w, map[string]any{"reverseETLSyncStatus": a.runDoc(sync, p.run)})
	})
}

// cancel stops a run, for a reason that is a number from 0 to 4.
func (a *segmentAPI) cancel(w http.ResponseWriter, r *http.Request) {
	body, err := facade.ReadBody(r, 1<<20)
	reason := gjson.GetBytes(body, "reasonForCanceling")
	if err != nil || !gjson.ValidBytes(body) || reason.Type != gjson.Number || !slices.Contains([]int64{0, 1, 2, 3, 4}, reason.Int()) {
		segmentError(w, http.StatusBadRequest, "bad-request", "reasonForCanceling", "reasonForCanceling is a number from 0 to 4")
		return
	}
	sync, ok := a.of(w, r)
	if !ok {
		return
	}
	stopping, found, err := a.ws.cancel(sync.ID, r.PathValue("run"))
	if err != nil {
		segmentRefuse(w, r, facade.Down)
		return
	}
	status := "CANCELLING"
	switch {
	case len(stopping) > 0:
	case found.End == Canceled:
		status = "SyncAlreadyCanceled"
	default:
		status = "SyncFinishedCannotCancel"
	}
	segmentData(w, map[string]string{"status": status})
}
