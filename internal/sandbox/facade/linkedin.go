package facade

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"github.com/tidwall/gjson"
)

// linkedin is the part of LinkedIn's Marketing API that adds users to DMP
// segments and removes them.
func linkedin() Vendor {
	return Vendor{Kind: "linkedin_segments", Title: "LinkedIn DMP segments", Credential: Bearer, Routes: linkedinRoutes, Refuse: linkedinRefuse}
}

// linkedinRows is how many elements a request may hold.
const linkedinRows = 5000

// ads is one member's access to LinkedIn's advertising.
type ads struct{ s *Service }

func linkedinRoutes(s *Service) http.Handler {
	a := &ads{s}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /rest/adAccounts/{id}", a.account)
	mux.HandleFunc("POST /rest/dmpSegments/{segment}/users", a.users)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { linkedinRefuse(w, r, NotFound) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if version := r.Header.Get("LinkedIn-Version"); len(version) != 6 || strings.Trim(version, "0123456789") != "" {
			linkedinFail(w, http.StatusBadRequest, "VERSION_MISSING", "A version must be present. Please specify a version by adding the LinkedIn-Version header.")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func linkedinFail(w http.ResponseWriter, status int, code, message string) {
	JSON(w, status, map[string]any{"status": status, "code": code, "message": message})
}

func linkedinRefuse(w http.ResponseWriter, _ *http.Request, t Trouble) {
	switch t {
	case Unauthorized:
		linkedinFail(w, http.StatusUnauthorized, "INVALID_ACCESS_TOKEN", "Invalid access token")
	case Expired:
		linkedinFail(w, http.StatusUnauthorized, "EXPIRED_ACCESS_TOKEN", "The token used in the request has expired")
	case Throttled, Exhausted:
		linkedinFail(w, http.StatusTooManyRequests, "TOO_MANY_REQUESTS", "Resource level throttle limit for calls to this resource is reached.")
	case TooLarge:
		linkedinFail(w, http.StatusRequestEntityTooLarge, "REQUEST_TOO_LARGE", "The request is too large.")
	case NotFound:
		linkedinFail(w, http.StatusNotFound, "RESOURCE_NOT_FOUND", "No such resource")
	default:
		linkedinFail(w, http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE", "The service is unavailable.")
	}
}

func (a *ads) account(w http.ResponseWriter, r *http.Request) {
	JSON(w, http.StatusOK, map[string]any{"id": r.PathValue("id"), "name": "Example", "status": "ACTIVE", "type": "BUSINESS", "test": true})
}

// linkedinError says why an element was not taken.
type linkedinError struct{ message string }

// Error is what is wrong.
func (e *linkedinError) Error() string { return e.message }

// users carries out the elements, and tells of each in the same order.
func (a *ads) users(w http.ResponseWriter, r *http.Request) {
	body, err := ReadBody(r, 64<<20)
	if errors.Is(err, ErrTooLarge) {
		linkedinRefuse(w, r, TooLarge)
		return
	}
	doc, ok := object(body)
	elements := doc.Get("elements")
	switch {
	case r.Header.Get("X-RestLi-Method") != "BATCH_CREATE":
		linkedinFail(w, http.StatusBadRequest, "ILLEGAL_ARGUMENT", "The method must be BATCH_CREATE")
		return
	case err != nil || !ok || !elements.IsArray():
		linkedinFail(w, http.StatusBadRequest, "ILLEGAL_ARGUMENT", "The body must hold a list of elements")
		return
	case len(elements.Array()) > linkedinRows:
		linkedinFail(w, http.StatusBadRequest, "ILLEGAL_ARGUMENT", "The batch is larger than 5000 elements")
		return
	}
	results, err := a.apply(r, elements.Array())
	if err != nil {
		linkedinRefuse(w, r, Down)
		return
	}
	JSON(w, http.StatusOK, map[string]any{"elements": results})
}

func (a *ads) apply(r *http.Request, elements []gjson.Result) (results []any, err error) {
	results = []any{}
	call := CallOf(r)
	o, err := a.s.Object(r.PathValue("segment"))
	if err != nil {
		return nil, err
	}
	err = o.Update(func(tx *Tx) error {
		for _, e := range elements {
			what, err := linkedinElement(tx, e, call)
			if bad, is := errors.AsType[*linkedinError](err); is {
				call.Report("users", "rejected", 1)
				results = append(results, map[string]any{"status": 400, "error": map[string]any{"status": 400, "message": bad.message}})
				continue
			}
			if err != nil {
				return err
			}
			call.Report("users", what, 1)
			results = append(results, map[string]any{"status": 201})
		}
		return nil
	})
	return results, err
}

// linkedinElement adds or removes one user, known by the first of its ids.
func linkedinElement(tx *Tx, e gjson.Result, call *Call) (what string, err error) {
	fields, key := Fields{}, ""
	for _, id := range e.Get("userIds").Array() {
		kind, value := id.Get("idType").String(), id.Get("idValue")
		digits := map[string]int{"SHA256_EMAIL": 64, "SHA512_EMAIL": 128}[kind]
		switch {
		case digits == 0 && kind != "GOOGLE_AID":
			return "", &linkedinError{"idType is not one of SHA256_EMAIL, SHA512_EMAIL, GOOGLE_AID"}
		case value.Type != gjson.String || value.Str == "" || digits > 0 && !hexadecimal(value.Str, digits):
			return "", &linkedinError{"idValue is not valid for idType " + kind}
		}
		fields.Set(kind, value.Str)
		key = cmp.Or(key, kind+":"+value.Str)
	}
	action := e.Get("action").String()
	switch {
	case key == "":
		return "", &linkedinError{"userIds must hold an id"}
	case action != "ADD" && action != "REMOVE":
		return "", &linkedinError{"action must be ADD or REMOVE"}
	}
	if p, refused := call.Poisoned(key, fields); refused {
		return "", &linkedinError{cmp.Or(p.Message, "the element is not valid")}
	}
	if action == "REMOVE" {
		return drop(tx, Property{Name: "key"}, key)
	}
	fields.Set("key", key)
	what, err = keep(tx, Property{Name: "key"}, key, Digits(1000), fields)
	return what, err
}
