package facade

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// intercom is Intercom's API of contacts, companies and custom objects, one
// record a call, with the search of contacts and definitions of attributes.
func intercom() Vendor {
	return Vendor{
		Kind: "intercom", Title: "Intercom", Credential: Bearer,
		Routes: intercomRoutes, Refuse: intercomRefuse, Learn: intercomLearn,
	}
}

// comm is one Intercom workspace.
type comm struct{ s *Service }

func intercomRoutes(s *Service) http.Handler {
	i := &comm{s: s}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /me", i.me)
	mux.HandleFunc("GET /data_attributes", i.attributes)
	mux.HandleFunc("POST /data_attributes", i.addAttribute)
	mux.HandleFunc("GET /contacts", i.contacts)
	mux.HandleFunc("POST /contacts", i.createContact)
	mux.HandleFunc("POST /contacts/search", i.search)
	mux.HandleFunc("GET /contacts/{id}", i.contact)
	mux.HandleFunc("PUT /contacts/{id}", i.updateContact)
	mux.HandleFunc("DELETE /contacts/{id}", i.deleteContact)
	mux.HandleFunc("POST /contacts/{id}/{op}", i.archive)
	mux.HandleFunc("GET /companies", i.companies)
	mux.HandleFunc("POST /companies", i.putCompany)
	mux.HandleFunc("GET /companies/{id}", i.company)
	mux.HandleFunc("PUT /companies/{id}", i.updateCompany)
	mux.HandleFunc("DELETE /companies/{id}", i.deleteCompany)
	mux.HandleFunc("POST /custom_object_instances/{type}", i.putInstance)
	mux.HandleFunc("GET /custom_object_instances/{type}", i.instance)
	mux.HandleFunc("GET /custom_object_instances/{type}/{id}", i.instance)
	mux.HandleFunc("DELETE /custom_object_instances/{type}", i.deleteInstance)
	mux.HandleFunc("DELETE /custom_object_instances/{type}/{id}", i.deleteInstance)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { intercomRefuse(w, r, NotFound) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		intercomLimits(w, "9999", s.Now().Add(10*time.Second))
		if version := r.Header.Get("Intercom-Version"); version != "" && !intercomVersion.MatchString(version) {
			intercomFail(w, r, commInvalid("intercom_version_invalid", "The requested version could not be found"))
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// intercomVersion is a version of the API: without one the app's own counts.
var intercomVersion = regexp.MustCompile(`^([12]\.\d{1,2}|Preview|Unstable)$`)

func intercomLimits(w http.ResponseWriter, remaining string, reset time.Time) {
	h := w.Header()
	h.Set("X-RateLimit-Limit", "10000")
	h.Set("X-RateLimit-Remaining", remaining)
	h.Set("X-RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
}

// commError is the vendor's reason for a refusal.
type commError struct {
	status  int
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Field   *string `json:"field"`
}

func (e *commError) Error() string { return e.Message }

func commInvalid(code, message string) *commError {
	return &commError{status: http.StatusBadRequest, Code: code, Message: message}
}

func intercomFail(w http.ResponseWriter, r *http.Request, e *commError) {
	JSON(w, e.status, map[string]any{"type": "error.list", "request_id": requestID(r), "errors": []any{e}})
}

// intercomAnswer refuses a record, or says that the service is down.
func intercomAnswer(w http.ResponseWriter, r *http.Request, err error) {
	if reason, is := errors.AsType[*commError](err); is {
		intercomFail(w, r, reason)
		return
	}
	intercomRefuse(w, r, Down)
}

func intercomRefuse(w http.ResponseWriter, r *http.Request, t Trouble) {
	e := &commError{status: http.StatusServiceUnavailable, Code: "service_unavailable", Message: "Sorry, the API service is temporarily unavailable"}
	switch t {
	case Unauthorized:
		e = &commError{status: http.StatusUnauthorized, Code: "token_unauthorized", Message: "Access Token Invalid"}
	case Expired:
		e = &commError{status: http.StatusUnauthorized, Code: "unauthorized", Message: "Access Token Invalid"}
	case Throttled, Exhausted: // there is no limit for a day
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("Retry-After", "10")
		e = &commError{status: http.StatusTooManyRequests, Code: "rate_limit_exceeded", Message: "Exceeded rate limit of 10000 in 60_seconds"}
	case TooLarge:
		e = &commError{status: http.StatusRequestEntityTooLarge, Code: "request_too_large", Message: "The request is too large"}
	case NotFound:
		e = &commError{status: http.StatusNotFound, Code: "not_found", Message: "The requested resource does not exist"}
	default:
	}
	intercomFail(w, r, e)
}

// intercomBody reads a JSON object.
func intercomBody(w http.ResponseWriter, r *http.Request, v any) bool {
	body, err := ReadBody(r, 4<<20)
	switch {
	case errors.Is(err, ErrTooLarge):
		intercomRefuse(w, r, TooLarge)
	case err != nil, json.Unmarshal(body, v) != nil:
		intercomFail(w, r, commInvalid("bad_request", "bad 'application/json': the body is no JSON object"))
	default:
		return true
	}
	return false
}

// workspace is an id in the shape of Intercom's.
func (i *comm) workspace() string {
	return strings.ToLower(base62Digits(int64(i.s.Account()))) + "in"
}

func (i *comm) me(w http.ResponseWriter, _ *http.Request) {
	JSON(w, http.StatusOK, map[string]any{
		"type": "admin", "id": strconv.Itoa(i.s.Account()), "email": "sandbox@example.com", "name": "Sandbox", "email_verified": true,
		"app": map[string]any{"type": "app", "id_code": i.workspace(), "name": "Sandbox", "region": "US", "created_at": 1767225600, "secure": false, "identity_verification": false, "timezone": "Europe/Berlin"},
	})
}

// commModel says of an object of the sandbox what its attributes are called.
func commModel(object string) (string, bool) {
	model, ok := map[string]string{"contacts": "contact", "companies": "company"}[object]
	return model, ok
}

func commObject(model string) (string, bool) {
	object, ok := map[string]string{"contact": "contacts", "company": "companies"}[model]
	return object, ok
}

// commStandard are the attributes that every workspace has: name and type,
// with a ! where the API cannot write them.
func commStandard(object string) []string {
	if object == "companies" {
		return []string{"company_id string", "name string", "plan string", "size integer", "website string", "industry string", "monthly_spend float", "remote_created_at date", "last_request_at !date", "user_count !integer"}
	}
	return []string{
		"id !string", "external_id string", "email string", "name string", "phone string", "role string", "avatar string", "owner_id integer", "signed_up_at date",
		"last_seen_at date", "created_at !date", "unsubscribed_from_emails boolean", "has_hard_bounced !boolean", "language_override string",
	}
}

func (i *comm) attributes(w http.ResponseWriter, r *http.Request) {
	model := r.URL.Query().Get("model")
	object, ok := commObject(model)
	if !ok {
		intercomFail(w, r, commInvalid("parameter_invalid", "model must be contact, company or conversation"))
		return
	}
	known, err := customFields(i.s, object)
	if err != nil {
		intercomRefuse(w, r, Down)
		return
	}
	data := []any{}
	for _, line := range commStandard(object) {
		name, kind, _ := strings.Cut(line, " ")
		data = append(data, commAttribute(model, name, strings.TrimPrefix(kind, "!"), kind[0] != '!', false, nil))
	}
	for _, f := range known {
		data = append(data, commAttribute(model, f.Name, cmp.Or(f.Type, "string"), true, true, f.Options))
	}
	JSON(w, http.StatusOK, map[string]any{"type": "list", "data": data})
}

func commAttribute(model, name, kind string, writable, custom bool, options []string) map[string]any {
	full := name
	if custom {
		full = "custom_attributes." + name
	}
	out := map[string]any{
		"type": "data_attribute", "model": model, "name": name, "full_name": full, "label": name, "description": "", "data_type": kind,
		"api_writable": writable, "ui_writable": writable, "messenger_writable": false, "custom": custom, "archived": false,
	}
	if len(options) > 0 {
		out["options"] = options
	}
	return out
}

func (i *comm) addAttribute(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Name     string `json:"name"`
		Model    string `json:"model"`
		DataType string `json:"data_type"`
		Options  []struct {
			Value string `json:"value"`
		} `json:"options"`
	}
	if !intercomBody(w, r, &body) {
		return
	}
	object, ok := commObject(body.Model)
	if !ok || body.Name == "" || !slices.Contains([]string{"string", "integer", "float", "boolean", "date", "datetime"}, body.DataType) {
		intercomFail(w, r, commInvalid("parameter_invalid", "name, model and data_type are required"))
		return
	}
	f := customField{Name: body.Name, Type: body.DataType}
	for _, o := range body.Options {
		f.Options = append(f.Options, o.Value)
	}
	if err := defineFields(i.s, object, []customField{f}); err != nil {
		intercomRefuse(w, r, Down)
		return
	}
	JSON(w, http.StatusOK, commAttribute(body.Model, f.Name, f.Type, true, true, f.Options))
}

// intercomLearn makes attributes for what a run is about to send.
func intercomLearn(s *Service, object string, fields []Field) error {
	if _, ok := commModel(object); !ok && !strings.HasPrefix(object, "custom_objects/") {
		return nil
	}
	types := map[string]string{"number": "float", "bool": "boolean", "date": "date", "time": "date"}
	var added []customField
	for _, f := range fields {
		if slices.Contains(commOwn(object), f.Name) {
			continue
		}
		kind := types[f.Type]
		if kind == "" {
			kind = "string"
		}
		added = append(added, customField{Name: f.Name, Type: kind})
	}
	return defineFields(s, object, added)
}
