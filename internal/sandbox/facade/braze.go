package facade

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/tidwall/gjson"
)

// braze is Braze's user data: attributes and events of users, and deletion.
func braze() Vendor {
	return Vendor{Kind: "braze", Title: "Braze", Credential: Bearer, Routes: brazeRoutes, Refuse: brazeRefuse}
}

// What a request may hold.
const (
	brazeBody    = 4_000_000
	brazeRow     = 100_000
	brazeTracked = 75
	brazeDeleted = 50
)

// app is one workspace of Braze.
type app struct{ s *Service }

func brazeRoutes(s *Service) http.Handler {
	a := &app{s}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /users/track", a.track)
	mux.HandleFunc("POST /users/delete", a.delete)
	mux.HandleFunc("GET /custom_attributes", a.attributes)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { brazeRefuse(w, r, NotFound) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		brazeLimits(w, s.Now(), 2999)
		mux.ServeHTTP(w, r)
	})
}

// brazeLimits are the headers on every answer: of a window of three seconds.
func brazeLimits(w http.ResponseWriter, now time.Time, remaining int) {
	w.Header().Set("X-RateLimit-Limit", "3000")
	w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(remaining))
	w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(now.Unix()+2, 10))
}

func brazeRefuse(w http.ResponseWriter, _ *http.Request, t Trouble) {
	status, text := http.StatusServiceUnavailable, "service unavailable"
	switch t {
	case Unauthorized, Expired:
		status, text = http.StatusUnauthorized, "Invalid API key"
	case Throttled, Exhausted:
		status, text = http.StatusTooManyRequests, "You have exceeded your rate limit."
		w.Header().Set("X-RateLimit-Remaining", "0")
	case TooLarge:
		status, text = http.StatusRequestEntityTooLarge, "The request is too large."
	case NotFound:
		status, text = http.StatusNotFound, "Unknown URL"
	case Down:
	}
	JSON(w, status, map[string]string{"message": text})
}

func brazeFatal(w http.ResponseWriter, message string) {
	JSON(w, http.StatusBadRequest, map[string]any{"message": message, "errors": []string{}})
}

// brazeError is an item that was not processed.
type brazeError struct {
	Type  string `json:"type"`
	Array string `json:"input_array"`
	Index int    `json:"index"`
}

// Error is what is wrong.
func (e *brazeError) Error() string { return e.Type }

// brazeDoc reads a body of a request; nothing is left to do if ok is false.
func brazeDoc(w http.ResponseWriter, r *http.Request) (doc gjson.Result, ok bool) {
	body, err := ReadBody(r, brazeBody)
	if errors.Is(err, ErrTooLarge) {
		brazeRefuse(w, r, TooLarge)
		return doc, false
	}
	if doc, ok = object(body); err != nil || !ok {
		brazeFatal(w, "Invalid JSON")
		return doc, false
	}
	return doc, true
}

// track processes attributes and events. An item that is not good is told by
// list and index, and the others are processed.
func (a *app) track(w http.ResponseWriter, r *http.Request) {
	doc, ok := brazeDoc(w, r)
	if !ok {
		return
	}
	attributes, events := doc.Get("attributes").Array(), doc.Get("events").Array()
	switch {
	case len(attributes) > brazeTracked:
		brazeFatal(w, "A maximum of 75 attributes can be sent in one request")
		return
	case len(events) > brazeTracked:
		brazeFatal(w, "A maximum of 75 events can be sent in one request")
		return
	case len(attributes)+len(events) == 0:
		brazeFatal(w, "At least one of attributes, events and purchases is required")
		return
	}
	refused := []brazeError{}
	answer := map[string]any{"message": "success"}
	for name, items := range map[string][]gjson.Result{"attributes": attributes, "events": events} {
		if len(items) == 0 {
			continue
		}
		bad, err := a.process(name, items, CallOf(r))
		if err != nil {
			brazeRefuse(w, r, Down)
			return
		}
		answer[name+"_processed"] = len(items) - len(bad)
		refused = append(refused, bad...)
	}
	if len(refused) > 0 {
		answer["errors"] = refused
	}
	JSON(w, http.StatusCreated, answer)
}

func (a *app) process(name string, items []gjson.Result, call *Call) (refused []brazeError, err error) {
	o, err := a.s.Object(map[string]string{"attributes": "users", "events": "events"}[name])
	if err != nil {
		return nil, err
	}
	err = o.Update(func(tx *Tx) error {
		for i, item := range items {
			what, err := a.item(tx, name, item, call)
			if bad, is := errors.AsType[*brazeError](err); is {
				bad.Array, bad.Index = name, i
				refused, what = append(refused, *bad), "rejected"
			} else if err != nil {
				return err
			}
			call.Report("track", what, 1)
		}
		return nil
	})
	return refused, err
}

// item processes one attributes object or one event.
func (a *app) item(tx *Tx, name string, item gjson.Result, call *Call) (what string, err error) {
	id := item.Get("external_id")
	fields := ParseFields([]byte(item.Raw))
	switch {
	case !item.IsObject():
		return "", &brazeError{Type: "Each item must be an object"}
	case len(item.Raw) > brazeRow:
		return "", &brazeError{Type: "The object is larger than 100 KB"}
	case id.Exists() && id.Type != gjson.String:
		return "", &brazeError{Type: "'external_id' must be a string"}
	case id.Str == "":
		return "", &brazeError{Type: "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required"}
	case name == "events" && item.Get("name").String() == "":
		return "", &brazeError{Type: "'name' is required"}
	case name == "events" && !brazeTime(item.Get("time")):
		return "", &brazeError{Type: "'time' is not a valid datetime"}
	}
	if p, refused := call.Poisoned(id.Str, fields); refused {
		return "", &brazeError{Type: cmp.Or(p.Message, "The value of an attribute is not valid")}
	}
	if name == "events" {
		_, err = tx.Create(Prefixed("event", 10), fields)
		return "created", err
	}
	what, err = keep(tx, Property{Name: "external_id"}, id.Str, brazeID, fields)
	return what, err
}

func brazeID(n int64) string { return Prefixed("b", 23)(n) }

// brazeTime reports whether a value is a moment in ISO 8601.
func brazeTime(v gjson.Result) bool {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999", "2006-01-02 15:04:05", time.DateOnly} {
		if _, err := time.Parse(layout, v.Str); v.Type == gjson.String && err == nil {
			return true
		}
	}
	return false
}

// delete deletes users for good; those that there are not count, too.
func (a *app) delete(w http.ResponseWriter, r *http.Request) {
	doc, ok := brazeDoc(w, r)
	if !ok {
		return
	}
	ids := doc.Get("external_ids").Array()
	if len(ids) == 0 || len(ids) > brazeDeleted {
		brazeFatal(w, "Between 1 and 50 ids of one kind can be deleted in one request")
		return
	}
	o, err := a.s.Object("users")
	if err == nil {
		err = o.Update(func(tx *Tx) error {
			for _, id := range ids {
				what, err := drop(tx, Property{Name: "external_id"}, id.String())
				if err != nil {
					return err
				}
				CallOf(r).Report("delete", what, 1)
			}
			return nil
		})
	}
	if err != nil {
		brazeRefuse(w, r, Down)
		return
	}
	JSON(w, http.StatusCreated, map[string]any{"deleted": len(ids), "message": "success"})
}

func (a *app) attributes(w http.ResponseWriter, _ *http.Request) {
	JSON(w, http.StatusOK, map[string]any{"attributes": []string{}, "message": "success"})
}
