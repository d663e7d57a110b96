package facade

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
)

// zendesk is Zendesk's API of users, organizations and custom objects: records
// one by one, jobs of up to 100 with at most 30 open, and definitions of fields.
func zendesk() Vendor {
	return Vendor{
		Kind: "zendesk", Title: "Zendesk", Credential: zendeskCredential,
		Routes: zendeskRoutes, Refuse: zendeskRefuse, Learn: zendeskLearn,
	}
}

// zendeskCredential is an OAuth token, or an API token with the agent's
// address before it.
func zendeskCredential(r *http.Request) (string, bool) {
	if token, ok := Bearer(r); ok {
		return token, true
	}
	user, password, ok := r.BasicAuth()
	return user + ":" + password, ok && strings.Contains(user, "@") && password != ""
}

// zen is one Zendesk account.
type zen struct {
	s    *Service
	mu   sync.Mutex
	open map[string]time.Time // jobs that are queued or at work
}

func zendeskRoutes(s *Service) http.Handler {
	z := &zen{s: s, open: map[string]time.Time{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v2/users/me", z.me)
	for _, k := range []zenKind{zenUsers(), zenOrganizations()} {
		path := "/api/v2/" + k.plural
		mux.HandleFunc("GET "+path, z.on(k, z.list))
		mux.HandleFunc("POST "+path, z.on(k, z.create))
		mux.HandleFunc("GET "+path+"/show_many", z.on(k, z.showMany))
		mux.HandleFunc("POST "+path+"/create_or_update", z.on(k, z.createOrUpdate))
		mux.HandleFunc("POST "+path+"/create_many", z.on(k, z.many("create")))
		mux.HandleFunc("PUT "+path+"/update_many", z.on(k, z.many("update")))
		mux.HandleFunc("DELETE "+path+"/destroy_many", z.on(k, z.destroyMany))
		mux.HandleFunc("GET "+path+"/{id}", z.on(k, z.show))
		mux.HandleFunc("PUT "+path+"/{id}", z.on(k, z.update))
		mux.HandleFunc("DELETE "+path+"/{id}", z.on(k, z.destroy))
		mux.HandleFunc("GET /api/v2/"+k.fieldsName(), z.on(k, z.fields))
	}
	mux.HandleFunc("POST /api/v2/users/create_or_update_many", z.on(zenUsers(), z.many("create_or_update")))
	custom := "/api/v2/custom_objects/{key}"
	for pattern, handle := range map[string]func(http.ResponseWriter, *http.Request, zenKind){
		"GET " + custom + "/records": z.list, "POST " + custom + "/records": z.create,
		"GET " + custom + "/records/{id}": z.show, "PATCH " + custom + "/records/{id}": z.update, "DELETE " + custom + "/records/{id}": z.destroy,
		"GET " + custom + "/fields": z.fields, "POST " + custom + "/jobs": z.customJob,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { handle(w, r, zenCustom(r.PathValue("key"))) })
	}
	mux.HandleFunc("GET /api/v2/job_statuses/{id}", z.jobStatus)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { zendeskRefuse(w, r, NotFound) })
	return zendeskAnswers(mux)
}

// on gives a handler its kind of record.
func (z *zen) on(k zenKind, handle func(http.ResponseWriter, *http.Request, zenKind)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { handle(w, r, k) }
}

// zendeskAnswers takes the .json off paths, and adds the headers that stand on
// every answer.
func zendeskAnswers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = strings.TrimSuffix(r.URL.Path, ".json")
		r.URL.RawPath = strings.TrimSuffix(r.URL.RawPath, ".json")
		zendeskLimits(w, "699")
		next.ServeHTTP(w, r)
	})
}

func zendeskLimits(w http.ResponseWriter, remaining string) {
	h := w.Header()
	h.Set("X-Rate-Limit", "700")
	h.Set("X-Rate-Limit-Remaining", remaining)
	h.Set("Ratelimit-Limit", "700")
	h.Set("Ratelimit-Remaining", remaining)
	h.Set("Ratelimit-Reset", "20")
}

// zenError is the body of a refusal.
type zenError struct {
	status      int
	Error       string                 `json:"error"`
	Description string                 `json:"description"`
	Details     map[string][]zenDetail `json:"details,omitempty"`
}

type zenDetail struct {
	Description string `json:"description"`
	Error       string `json:"error"`
}

// zenInvalid is the vendor's word for a record that it does not take: what is
// wrong with which field.
type zenInvalid struct{ field, code, text string }

func (e *zenInvalid) Error() string { return e.text }

func zendeskFail(w http.ResponseWriter, e *zenError) { JSON(w, e.status, e) }

// zendeskAnswer refuses a record, or says that the service is down.
func zendeskAnswer(w http.ResponseWriter, r *http.Request, err error) {
	reason, is := errors.AsType[*zenInvalid](err)
	if !is {
		zendeskRefuse(w, r, Down)
		return
	}
	zendeskFail(w, &zenError{
		status: http.StatusUnprocessableEntity, Error: "RecordInvalid", Description: "Record validation errors",
		Details: map[string][]zenDetail{reason.field: {{Description: reason.text, Error: reason.code}}},
	})
}

func zendeskRefuse(w http.ResponseWriter, _ *http.Request, t Trouble) {
	switch t {
	case Unauthorized, Expired:
		if t == Expired {
			JSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token", "error_description": "The access token provided is expired, revoked, malformed or invalid for other reasons."})
			return
		}
		JSON(w, http.StatusUnauthorized, map[string]string{"error": "Couldn't authenticate you"})
	case Throttled, Exhausted: // there is no limit for a day
		zendeskLimits(w, "0")
		w.Header().Set("Retry-After", "20")
		zendeskFail(w, &zenError{status: http.StatusTooManyRequests, Error: "APIRateLimitExceeded", Description: "Number of allowed API requests per minute exceeded"})
	case TooLarge:
		zendeskFail(w, &zenError{status: http.StatusRequestEntityTooLarge, Error: "RequestEntityTooLarge", Description: "The request is too large"})
	case NotFound:
		zendeskFail(w, &zenError{status: http.StatusNotFound, Error: "RecordNotFound", Description: "Not found"})
	default:
		w.Header().Set("Retry-After", "1")
		zendeskFail(w, &zenError{status: http.StatusServiceUnavailable, Error: "ServiceUnavailable", Description: "The service is temporarily unavailable"})
	}
}

// zendeskBody reads a document; what it gives is what stands under name.
func zendeskBody(w http.ResponseWriter, r *http.Request, name string) (json.RawMessage, bool) {
	body, err := ReadBody(r, 8<<20)
	if errors.Is(err, ErrTooLarge) {
		zendeskRefuse(w, r, TooLarge)
		return nil, false
	}
	var doc map[string]json.RawMessage
	if err != nil || json.Unmarshal(body, &doc) != nil {
		zendeskTitled(w, http.StatusUnprocessableEntity, "Unprocessable Entity", "Server could not parse JSON")
		return nil, false
	}
	if doc[name] == nil {
		zendeskTitled(w, http.StatusBadRequest, "Missing attribute", "Parameter "+name+" is required")
		return nil, false
	}
	return doc[name], true
}

// zendeskTitled is the other shape of refusals.
func zendeskTitled(w http.ResponseWriter, status int, title, message string) {
	JSON(w, status, map[string]any{"error": map[string]string{"title": title, "message": message}})
}

// url is a record's address at Zendesk.
func (z *zen) url(path string) string { return "https://" + z.host() + "/api/v2/" + path + ".json" }

// host is the subdomain that the connection stands in for.
func (z *zen) host() string { return strings.ToLower(z.s.Connection) + "-sandbox.zendesk.com" }

func (z *zen) me(w http.ResponseWriter, _ *http.Request) {
	id := z.s.Account()
	JSON(w, http.StatusOK, map[string]any{"user": map[string]any{
		"id": id, "url": z.url("users/" + Digits(0)(int64(id))), "name": "Sandbox", "email": "sandbox@example.com", "role": "admin",
		"verified": true, "active": true, "time_zone": "Berlin", "locale": "en-US",
	}})
}
