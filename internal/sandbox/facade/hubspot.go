package facade

import (
	"net/http"
	"strconv"
	"strings"
)

// hubspot is HubSpot's CRM: objects in batches and one by one, by v3 paths and
// by dated ones, definitions of properties, and the account.
func hubspot() Vendor {
	return Vendor{
		Kind: "hubspot", Title: "HubSpot", Credential: Bearer,
		Routes: hubspotRoutes, Refuse: hubspotRefuse, Learn: hubspotLearn,
	}
}

// hub is one HubSpot account.
type hub struct{ s *Service }

func hubspotRoutes(s *Service) http.Handler {
	h := &hub{s: s}
	mux := http.NewServeMux()
	for _, objects := range []string{"/crm/v3/objects/{type}", "/crm/objects/{version}/{type}"} {
		mux.HandleFunc("POST "+objects+"/batch/{op}", h.batch)
		mux.HandleFunc("POST "+objects, h.create)
		mux.HandleFunc("GET "+objects, h.list)
		mux.HandleFunc("GET "+objects+"/{id}", h.get)
		mux.HandleFunc("PATCH "+objects+"/{id}", h.update)
		mux.HandleFunc("DELETE "+objects+"/{id}", h.archive)
	}
	for _, properties := range []string{"/crm/v3/properties/{type}", "/crm/properties/{version}/{type}"} {
		mux.HandleFunc("GET "+properties, h.properties)
		mux.HandleFunc("POST "+properties, h.addProperty)
		mux.HandleFunc("GET "+properties+"/{name}", h.property)
	}
	mux.HandleFunc("GET /account-info/v3/details", h.account)
	mux.HandleFunc("GET /account-info/{version}/details", h.account)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { hubspotRefuse(w, r, NotFound) })
	return hubspotDated(mux)
}

// hubspotDated refuses versions of the API that there are none of, and adds
// the headers that stand on every answer.
func hubspotDated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts := strings.Split(r.URL.Path, "/")
		for _, part := range parts[:min(len(parts), 4)] {
			if len(part) == 7 && part[:2] == "20" && part != "2025-09" && part != "2026-03" && part != "2026-09" {
				hubspotRefuse(w, r, NotFound)
				return
			}
		}
		hubspotLimits(w, 189)
		next.ServeHTTP(w, r)
	})
}

// hubspotLimits are the headers that tell a client how much it may still ask.
func hubspotLimits(w http.ResponseWriter, remaining int) {
	h := w.Header()
	h.Set("X-HubSpot-RateLimit-Max", "190")
	h.Set("X-HubSpot-RateLimit-Remaining", strconv.Itoa(remaining))
	h.Set("X-HubSpot-RateLimit-Interval-Milliseconds", "10000")
	h.Set("X-HubSpot-RateLimit-Daily", "1000000")
	h.Set("X-HubSpot-RateLimit-Daily-Remaining", "990000")
}

// hubspotError is the body of every refusal.
type hubspotError struct {
	Status        string              `json:"status"`
	Category      string              `json:"category,omitempty"`
	ErrorType     string              `json:"errorType,omitempty"`
	PolicyName    string              `json:"policyName,omitempty"`
	CorrelationID string              `json:"correlationId"`
	Message       string              `json:"message"`
	Context       map[string][]string `json:"context,omitempty"`
	Errors        []hubspotDetail     `json:"errors,omitempty"`
}

// hubspotDetail is one thing that is wrong.
type hubspotDetail struct {
	Message string              `json:"message"`
	Code    string              `json:"code,omitempty"`
	Context map[string][]string `json:"context,omitempty"`
}

func hubspotFail(w http.ResponseWriter, r *http.Request, status int, e *hubspotError) {
	e.Status, e.CorrelationID = "error", requestID(r)
	JSON(w, status, e)
}

func hubspotInvalid(w http.ResponseWriter, r *http.Request, message string) {
	hubspotFail(w, r, http.StatusBadRequest, &hubspotError{Category: "VALIDATION_ERROR", Message: message})
}

func hubspotRefuse(w http.ResponseWriter, r *http.Request, t Trouble) {
	switch t {
	case Unauthorized:
		hubspotFail(w, r, http.StatusUnauthorized, &hubspotError{
			Category: "INVALID_AUTHENTICATION",
			Message:  "Authentication credentials not found. This API supports OAuth 2.0 and private app access tokens.",
		})
	case Expired:
		hubspotFail(w, r, http.StatusUnauthorized, &hubspotError{Category: "EXPIRED_AUTHENTICATION", Message: "The access token is expired."})
	case Throttled:
		hubspotLimits(w, 0)
		hubspotFail(w, r, http.StatusTooManyRequests, &hubspotError{
			ErrorType: "RATE_LIMIT", PolicyName: "TEN_SECONDLY_ROLLING", Message: "You have reached your ten_secondly_rolling limit.",
		})
	case Exhausted:
		hubspotLimits(w, 189)
		w.Header().Set("X-HubSpot-RateLimit-Daily-Remaining", "0")
		hubspotFail(w, r, http.StatusTooManyRequests, &hubspotError{
			ErrorType: "RATE_LIMIT", PolicyName: "DAILY", Message: "You have reached your daily limit.",
		})
	case TooLarge:
		hubspotFail(w, r, http.StatusRequestEntityTooLarge, &hubspotError{Category: "VALIDATION_ERROR", Message: "The request is too large."})
	case NotFound:
		hubspotFail(w, r, http.StatusNotFound, &hubspotError{Category: "OBJECT_NOT_FOUND", Message: "No such resource."})
	default:
		hubspotFail(w, r, http.StatusServiceUnavailable, &hubspotError{Category: "SERVICE_UNAVAILABLE", Message: "The service is unavailable."})
	}
}

func (h *hub) account(w http.ResponseWriter, _ *http.Request) {
	JSON(w, http.StatusOK, map[string]any{
		"portalId": h.s.Account(), "accountType": "DEVELOPER_TEST", "timeZone": "Europe/Berlin", "companyCurrency": "EUR",
		"additionalCurrencies": []string{}, "utcOffset": "+01:00", "utcOffsetMilliseconds": 3600000,
		"uiDomain": "app.hubspot.com", "dataHostingLocation": "na1",
	})
}

// object gives the records of the request's type. Types stand in paths by
// name or by number.
func (h *hub) object(r *http.Request) (*Object, string, error) {
	kind := hubspotType(r.PathValue("type"))
	o, err := h.s.Object(kind)
	return o, kind, err
}

func hubspotType(name string) string {
	switch strings.ToLower(name) {
	case "0-1", "contact", "contacts":
		return "contacts"
	case "0-2", "company", "companies":
		return "companies"
	case "0-3", "deal", "deals":
		return "deals"
	}
	return name
}
