package facade

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
)

// klaviyo is Klaviyo's API of profiles: one by one and as bulk import jobs,
// their errors, reading by filter, and the members of lists.
func klaviyo() Vendor {
	return Vendor{
		Kind: "klaviyo", Title: "Klaviyo", Credential: Header("Authorization", "Klaviyo-API-Key "),
		Routes: klaviyoRoutes, Refuse: klaviyoRefuse,
	}
}

// klav is one Klaviyo account.
type klav struct{ s *Service }

func klaviyoRoutes(s *Service) http.Handler {
	k := &klav{s: s}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/accounts", k.accounts)
	mux.HandleFunc("GET /api/profiles", k.profiles)
	mux.HandleFunc("POST /api/profiles", k.create)
	mux.HandleFunc("GET /api/profiles/{id}", k.profile)
	mux.HandleFunc("PATCH /api/profiles/{id}", k.patch)
	mux.HandleFunc("POST /api/profile-import", k.importOne)
	mux.HandleFunc("POST /api/profile-bulk-import-jobs", k.importMany)
	mux.HandleFunc("GET /api/profile-bulk-import-jobs/{id}", k.job)
	mux.HandleFunc("GET /api/profile-bulk-import-jobs/{id}/import-errors", k.importErrors)
	mux.HandleFunc("GET /api/lists/{id}", k.list)
	mux.HandleFunc("GET /api/lists/{id}/profiles", k.members)
	mux.HandleFunc("POST /api/lists/{id}/relationships/profiles", k.join)
	mux.HandleFunc("DELETE /api/lists/{id}/relationships/profiles", k.leave)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { klaviyoRefuse(w, r, NotFound) })
	return klaviyoRevised(mux)
}

var klaviyoRevision = regexp.MustCompile(`^20\d\d-\d\d-\d\d(\.[a-z]+)?$`)

// klaviyoRevised refuses requests that do not say which revision of the API
// they mean.
func klaviyoRevised(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !klaviyoRevision.MatchString(r.Header.Get("Revision")) {
			klaviyoFail(w, r, http.StatusBadRequest, &klaviyoError{
				Code: "invalid", Title: "Invalid input.", Detail: "The revision header is missing or is not a valid revision.",
				Source: &klaviyoSource{Header: "revision"},
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// klaviyoError is one entry of every refusal.
type klaviyoError struct {
	ID     string         `json:"id"`
	Status int            `json:"status"`
	Code   string         `json:"code"`
	Title  string         `json:"title"`
	Detail string         `json:"detail"`
	Source *klaviyoSource `json:"source"`
	Links  map[string]any `json:"links"`
	Meta   map[string]any `json:"meta"`
}

type klaviyoSource struct {
	Pointer   string `json:"pointer,omitempty"`
	Parameter string `json:"parameter,omitempty"`
	Header    string `json:"header,omitempty"`
}

// Error is the vendor's reason.
func (e *klaviyoError) Error() string { return e.Detail }

// klaviyoInvalid is a refusal of what stands at a place of the body.
func klaviyoInvalid(pointer, detail string) *klaviyoError {
	return &klaviyoError{Code: "invalid", Title: "Invalid input.", Detail: detail, Source: &klaviyoSource{Pointer: pointer}}
}

func klaviyoFail(w http.ResponseWriter, r *http.Request, status int, list ...*klaviyoError) {
	for i, e := range list {
		e.Status, e.ID = status, requestID(r)+"-"+strconv.Itoa(i)
		if e.Source == nil {
			e.Source = &klaviyoSource{Pointer: "/data/"}
		}
		if e.Links == nil {
			e.Links = map[string]any{}
		}
		if e.Meta == nil {
			e.Meta = map[string]any{}
		}
	}
	klaviyoJSON(w, status, map[string]any{"errors": list})
}

func klaviyoJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/vnd.api+json")
	JSON(w, status, v)
}

func klaviyoRefuse(w http.ResponseWriter, r *http.Request, t Trouble) {
	switch t {
	case Unauthorized:
		klaviyoFail(w, r, http.StatusUnauthorized, &klaviyoError{
			Code: "not_authenticated", Title: "Authentication credentials were not provided.", Detail: "Missing or invalid private key.",
		})
	case Expired:
		klaviyoFail(w, r, http.StatusUnauthorized, &klaviyoError{
			Code: "authentication_failed", Title: "Incorrect authentication credentials.", Detail: "Incorrect authentication credentials.",
		})
	case Throttled, Exhausted: // there is no limit for a day, but one for a minute
		wait := "1"
		if t == Exhausted {
			wait = "59"
		}
		w.Header().Set("Retry-After", wait)
		klaviyoFail(w, r, http.StatusTooManyRequests, &klaviyoError{
			Code: "throttled", Title: "Request was throttled.", Detail: "Request was throttled. Expected available in " + wait + " second(s).",
		})
	case TooLarge:
		klaviyoFail(w, r, http.StatusRequestEntityTooLarge, klaviyoInvalid("/data", "The request is too large."))
	case NotFound:
		klaviyoFail(w, r, http.StatusNotFound, &klaviyoError{Code: "not_found", Title: "Not found.", Detail: "The requested resource was not found."})
	default:
		klaviyoFail(w, r, http.StatusServiceUnavailable, &klaviyoError{Code: "service_unavailable", Title: "Service unavailable.", Detail: "The service is unavailable."})
	}
}

// klaviyoAnswer gives the refusal that an error stands for; a profile that
// there is already is a conflict.
func klaviyoAnswer(w http.ResponseWriter, r *http.Request, err error) {
	reason, is := errors.AsType[*klaviyoError](err)
	switch {
	case !is:
		klaviyoRefuse(w, r, Down)
	case reason.Code == "duplicate_profile":
		klaviyoFail(w, r, http.StatusConflict, reason)
	case reason.Code == "not_found":
		klaviyoFail(w, r, http.StatusNotFound, reason)
	default:
		klaviyoFail(w, r, http.StatusBadRequest, reason)
	}
}

// klaviyoBody reads a JSON:API document, of up to most bytes.
func klaviyoBody(w http.ResponseWriter, r *http.Request, most int64, v any) bool {
	body, err := ReadBody(r, most)
	switch {
	case errors.Is(err, ErrTooLarge):
		klaviyoRefuse(w, r, TooLarge)
		return false
	case err != nil, json.Unmarshal(body, v) != nil:
		klaviyoFail(w, r, http.StatusBadRequest, klaviyoInvalid("/data", "Invalid JSON."))
		return false
	}
	return true
}

// account is an id in the shape of Klaviyo's public keys.
func (k *klav) account() string {
	return "K" + base62Digits(int64(k.s.Account()))[:5]
}

func base62Digits(n int64) string {
	var out []byte
	for range 6 {
		out = append(out, base62[n%62])
		n /= 62
	}
	return string(out)
}

func (k *klav) accounts(w http.ResponseWriter, r *http.Request) {
	self := k.s.URL(r, "/api/accounts/"+k.account()+"/")
	klaviyoJSON(w, http.StatusOK, map[string]any{
		"data": []any{map[string]any{
			"type": "account", "id": k.account(), "links": map[string]any{"self": self},
			"attributes": map[string]any{
				"test_account": true, "public_api_key": k.account(), "timezone": "Europe/Berlin", "preferred_currency": "EUR", "locale": "en-US",
				"industry": nil,
				"contact_information": map[string]any{
					"default_sender_name": "Sandbox", "default_sender_email": "sandbox@example.com", "website_url": "https://example.com",
					"organization_name": cmp.Or(k.s.Connection, "sandbox"),
					"street_address":    map[string]any{"address1": nil, "address2": nil, "city": nil, "region": nil, "country": nil, "zip": nil},
				},
			},
		}},
		"links": map[string]any{"self": k.s.URL(r, r.URL.RequestURI()), "next": nil, "prev": nil},
	})
}
