package facade

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
)

// salesforce is a Salesforce org: the token endpoint, queries, descriptions of
// objects, records one by one and in collections, and jobs of Bulk API 2.0.
func salesforce() Vendor {
	return Vendor{
		Kind: "salesforce", Title: "Salesforce", Credential: Bearer, Public: salesforcePublic,
		Routes: salesforceRoutes, Refuse: salesforceRefuse, Learn: salesforceLearn,
	}
}

// salesforcePublic are the paths that need no session.
func salesforcePublic(r *http.Request) bool {
	path := strings.TrimSuffix(r.URL.Path, "/")
	return path == "/services/oauth2/token" || path == "/services/data"
}

// org is one Salesforce org.
type org struct {
	s        *Service
	requests atomic.Int64

	mu      sync.Mutex
	cursors map[string][]string // pages of queries that are still to come
	jobs    sync.Mutex          // held while a job changes
}

// salesforceDaily is how many requests an org may make in a day.
const salesforceDaily = 100_000

func salesforceRoutes(s *Service) http.Handler {
	o := &org{s: s, cursors: map[string][]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /services/oauth2/token", o.token)
	mux.HandleFunc("GET /services/data", o.versions)
	mux.HandleFunc("GET /services/data/{$}", o.versions)
	data := "/services/data/{version}"
	mux.HandleFunc("GET "+data+"/limits", o.limits)
	mux.HandleFunc("GET "+data+"/query", o.query)
	mux.HandleFunc("GET "+data+"/query/{locator}", o.queryMore)
	mux.HandleFunc("GET "+data+"/sobjects", o.list)
	mux.HandleFunc("GET "+data+"/sobjects/{object}/describe", o.describe)
	mux.HandleFunc("POST "+data+"/sobjects/{object}", o.createOne)
	for method, one := range map[string]http.HandlerFunc{"GET": o.getOne, "PATCH": o.patchOne, "DELETE": o.deleteOne} {
		mux.HandleFunc(method+" "+data+"/sobjects/{object}/{id}", one)
		mux.HandleFunc(method+" "+data+"/sobjects/{object}/{field}/{value}", one)
	}
	mux.HandleFunc("POST "+data+"/composite/sobjects", o.createMany)
	mux.HandleFunc("PATCH "+data+"/composite/sobjects", o.updateMany)
	mux.HandleFunc("PATCH "+data+"/composite/sobjects/{object}/{field}", o.upsertMany)
	mux.HandleFunc("DELETE "+data+"/composite/sobjects", o.deleteMany)
	o.bulkRoutes(mux, data+"/jobs/ingest")
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { salesforceRefuse(w, r, NotFound) })
	return o.counted(mux)
}

var salesforceVersion = regexp.MustCompile(`^v[2-9][0-9]\.0$`)

// counted refuses versions of the API that there are none of, and adds the
// header that stands on every answer.
func (o *org) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, data := strings.CutPrefix(r.URL.Path, "/services/data/")
		version, _, _ := strings.Cut(rest, "/")
		if data && version != "" && !salesforceVersion.MatchString(version) {
			salesforceRefuse(w, r, NotFound)
			return
		}
		if data {
			w.Header().Set("Sforce-Limit-Info", fmt.Sprintf("api-usage=%d/%d", o.requests.Add(1), salesforceDaily))
		}
		next.ServeHTTP(w, r)
	})
}

// sfError is a refusal of a request; requests are answered with a list of it.
type sfError struct {
	Message   string   `json:"message"`
	ErrorCode string   `json:"errorCode"`
	Fields    []string `json:"fields,omitempty"`
}

func sfFail(w http.ResponseWriter, status int, code, message string, fields ...string) {
	JSON(w, status, []sfError{{Message: message, ErrorCode: code, Fields: fields}})
}

// sfReason says why a record is refused, or, with a status, a whole request.
type sfReason struct {
	code, message string
	fields        []string
	status        int
}

func (e *sfReason) Error() string { return e.code + ": " + e.message }

func salesforceRefuse(w http.ResponseWriter, _ *http.Request, t Trouble) {
	switch t {
	case Unauthorized, Expired:
		sfFail(w, http.StatusUnauthorized, "INVALID_SESSION_ID", "Session expired or invalid")
	case Throttled:
		sfFail(w, http.StatusForbidden, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.")
	case Exhausted:
		w.Header().Set("Sforce-Limit-Info", fmt.Sprintf("api-usage=%d/%d", salesforceDaily, salesforceDaily))
		sfFail(w, http.StatusForbidden, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
	case TooLarge:
		sfFail(w, http.StatusRequestEntityTooLarge, "REQUEST_ENTITY_TOO_LARGE", "The request is too large.")
	case NotFound:
		sfFail(w, http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
	default:
		sfFail(w, http.StatusServiceUnavailable, "SERVER_UNAVAILABLE", "The server is temporarily unavailable.")
	}
}

// sfAnswerError answers a request that failed as a whole.
func sfAnswerError(w http.ResponseWriter, r *http.Request, err error) {
	reason, is := errors.AsType[*sfReason](err)
	switch {
	case errors.Is(err, ErrTooLarge):
		salesforceRefuse(w, r, TooLarge)
	case !is:
		salesforceRefuse(w, r, Down)
	case reason.status != 0:
		sfFail(w, reason.status, reason.code, reason.message, reason.fields...)
	default:
		sfFail(w, http.StatusBadRequest, reason.code, reason.message, reason.fields...)
	}
}

func (o *org) versions(w http.ResponseWriter, _ *http.Request) {
	out := []map[string]string{}
	for n := 58; n <= 66; n++ {
		version := fmt.Sprintf("%d.0", n)
		out = append(out, map[string]string{"label": "API " + version, "url": "/services/data/v" + version, "version": version})
	}
	JSON(w, http.StatusOK, out)
}

func (o *org) limits(w http.ResponseWriter, _ *http.Request) {
	JSON(w, http.StatusOK, map[string]map[string]int64{
		"DailyApiRequests":     {"Max": salesforceDaily, "Remaining": max(0, salesforceDaily-o.requests.Load())},
		"DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 10_000},
		"DailyBulkApiBatches":  {"Max": 15_000, "Remaining": 15_000},
	})
}

// orgID is the id of the organization: it stays the same for a connection.
func (o *org) orgID() string { return Checked18("00D")(int64(o.s.Account())) }
