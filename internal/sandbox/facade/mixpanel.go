package facade

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// mixpanel is Mixpanel's ingestion: updates of profiles and of groups, and the
// import of events.
func mixpanel() Vendor {
	return Vendor{Kind: "mixpanel", Title: "Mixpanel", Credential: mixpanelCredential, Routes: mixpanelRoutes, Refuse: mixpanelRefuse}
}

// What a request may hold.
const (
	mixpanelBody  = 10_000_000
	mixpanelRow   = 1_000_000
	mixpanelRows  = 2000
	mixpanelGroup = 200
)

// mixpanelCredential: updates of profiles hold the project token themselves,
// everything else comes with basic authentication.
func mixpanelCredential(r *http.Request) (string, bool) {
	if r.URL.Path == "/engage" || r.URL.Path == "/groups" {
		return "", true
	}
	return Basic(r)
}

// project is one project of Mixpanel.
type project struct{ s *Service }

func mixpanelRoutes(s *Service) http.Handler {
	p := &project{s}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /engage", p.engage)
	mux.HandleFunc("POST /groups", p.engage)
	mux.HandleFunc("POST /import", p.events)
	mux.HandleFunc("GET /lookup-tables", func(w http.ResponseWriter, _ *http.Request) {
		JSON(w, http.StatusOK, map[string]any{"code": 200, "status": "OK", "results": []string{}})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { mixpanelRefuse(w, r, NotFound) })
	return mux
}

// mixpanelSay answers with a status, its words and what went wrong.
func mixpanelSay(w http.ResponseWriter, status int, problem string, more map[string]any) {
	answer := map[string]any{"code": status, "status": http.StatusText(status)}
	if problem != "" {
		answer["error"] = problem
	}
	maps.Copy(answer, more)
	JSON(w, status, answer)
}

func mixpanelRefuse(w http.ResponseWriter, _ *http.Request, t Trouble) {
	switch t {
	case Unauthorized, Expired:
		mixpanelSay(w, http.StatusUnauthorized, "Invalid credentials", nil)
	case Throttled, Exhausted:
		mixpanelSay(w, http.StatusTooManyRequests, "Project exceeded rate limits. Please retry the request with exponential backoff.", nil)
	case TooLarge:
		mixpanelSay(w, http.StatusRequestEntityTooLarge, "request exceeds max limit of 10485760 bytes", nil)
	case NotFound:
		mixpanelSay(w, http.StatusNotFound, "not found", nil)
	default:
		mixpanelSay(w, http.StatusServiceUnavailable, "service unavailable", nil)
	}
}

// mixpanelError is a record that was refused.
type mixpanelError struct {
	Index    int    `json:"index"`
	InsertID string `json:"insert_id"`
	Field    string `json:"field"`
	Message  string `json:"message"`
}

// Error is what is wrong.
func (e *mixpanelError) Error() string { return e.Message }

// rows reads the list of a request; nothing is left to do if ok is false.
func (p *project) rows(w http.ResponseWriter, r *http.Request, most int) (list []gjson.Result, ok bool) {
	body, err := ReadBody(r, mixpanelBody)
	if errors.Is(err, ErrTooLarge) {
		mixpanelRefuse(w, r, TooLarge)
		return nil, false
	}
	doc := gjson.ParseBytes(body)
	switch {
	case err != nil || !json.Valid(body) || !doc.IsArray():
		mixpanelSay(w, http.StatusBadRequest, "the body must be a list of JSON objects", nil)
	case len(doc.Array()) > most:
		mixpanelSay(w, http.StatusBadRequest, "request exceeds max limit of "+strconv.Itoa(most)+" records", nil)
	default:
		return doc.Array(), true
	}
	return nil, false
}

// take writes the records that write accepts, and tells those it does not.
func (p *project) take(w http.ResponseWriter, r *http.Request, name, mode string, list []gjson.Result, write func(*Tx, gjson.Result) (string, error)) {
	refused := []mixpanelError{}
	call := CallOf(r)
	o, err := p.s.Object(name)
	if err == nil {
		err = o.Update(func(tx *Tx) error {
			for i, row := range list {
				what, err := write(tx, row)
				if bad, is := errors.AsType[*mixpanelError](err); is {
					bad.Index, bad.InsertID = i, row.Get(`properties.$insert_id`).String()
					refused, what = append(refused, *bad), "rejected"
				} else if err != nil {
					return err
				}
				call.Report(mode, what, 1)
			}
			return nil
		})
	}
	if err != nil {
		mixpanelRefuse(w, r, Down)
		return
	}
	p.told(w, r, mode, len(list), refused)
}

// told answers as strict, verbose or neither wants it.
func (p *project) told(w http.ResponseWriter, r *http.Request, mode string, n int, refused []mixpanelError) {
	more := map[string]any{}
	if mode == "import" {
		more["num_records_imported"] = n - len(refused)
	}
	strict, verbose := r.URL.Query().Get("strict") == "1", r.URL.Query().Get("verbose") == "1"
	switch {
	case strict && len(refused) > 0:
		more["failed_records"] = refused
		mixpanelSay(w, http.StatusBadRequest, "some data points in the request failed validation", more)
	case strict || mode == "import":
		JSON(w, http.StatusOK, mixpanelOK(more))
	case verbose && n == len(refused):
		JSON(w, http.StatusOK, map[string]any{"error": "no data objects in the body are valid", "status": 0})
	case verbose:
		JSON(w, http.StatusOK, map[string]any{"error": nil, "status": 1})
	case n == len(refused):
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte("0"))
	default:
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte("1"))
	}
}

func mixpanelOK(more map[string]any) map[string]any {
	answer := map[string]any{"code": 200, "status": "OK"}
	maps.Copy(answer, more)
	return answer
}

// engage updates profiles, or groups.
func (p *project) engage(w http.ResponseWriter, r *http.Request) {
	name, id, most := "profiles", "$distinct_id", mixpanelRows
	if r.URL.Path == "/groups" {
		name, id, most = "groups", "$group_id", mixpanelGroup
	}
	list, ok := p.rows(w, r, most)
	if !ok {
		return
	}
	for _, row := range list {
		if row.Get("$token").String() == "" {
			mixpanelRefuse(w, r, Unauthorized)
			return
		}
	}
	call := CallOf(r)
	p.take(w, r, name, "engage", list, func(tx *Tx, row gjson.Result) (string, error) {
		return p.profile(tx, row, id, call)
	})
}

// profile carries out one update: it has exactly one command.
func (p *project) profile(tx *Tx, row gjson.Result, idField string, call *Call) (what string, err error) {
	id, ok := scalar(row.Get(idField))
	commands := []string{}
	for name := range ParseFields([]byte(row.Raw)) {
		if strings.HasPrefix(name, "$") && !strings.Contains(" $token $distinct_id $group_id $group_key $ip $time $ignore_time $ignore_alias ", " "+name+" ") {
			commands = append(commands, name)
		}
	}
	switch {
	case len(row.Raw) > mixpanelRow:
		return "", &mixpanelError{Message: "the update is larger than 1 MB"}
	case !ok || mixpanelNobody(id):
		return "", &mixpanelError{Field: idField, Message: "'" + idField + "' is invalid: the value is empty or not allowed"}
	case len(commands) != 1:
		return "", &mixpanelError{Message: "an update must hold exactly one command"}
	}
	key := Property{Name: "id"}
	whole := row.Get("$group_key").String() + "/" + id
	fields := Fields{}
	argument := row.Get(commands[0])
	switch commands[0] {
	case "$set":
		fields = ParseFields([]byte(argument.Raw))
	case "$unset":
		for _, name := range argument.Array() {
			fields[name.String()] = json.RawMessage("null")
		}
	case "$delete":
	default:
		return "", &mixpanelError{Field: commands[0], Message: "the sandbox knows $set, $unset and $delete only"}
	}
	if bad, refused := call.Poisoned(id, fields); refused {
		return "", &mixpanelError{Field: commands[0], Message: cmp.Or(bad.Message, "a property of the update is invalid")}
	}
	if commands[0] == "$delete" {
		return drop(tx, key, whole)
	}
	fields.Set("id", whole)
	fields.Set(strings.TrimPrefix(idField, "$"), id)
	if err := mixpanelNested(gjson.Parse(argument.Raw), 0); err != nil {
		return "", err
	}
	what, err = keep(tx, key, whole, Prefixed("profile", 8), fields)
	return what, err
}

// mixpanelNobody lists ids that stand for nobody.
func mixpanelNobody(id string) bool {
	switch strings.ToLower(id) {
	case "", "0", "-1", "null", "none", "nil", "na", "n/a", "unknown", "undefined", "anonymous", "anon", "true", "false", "[]", "{}",
		"00000000-0000-0000-0000-000000000000":
		return true
	}
	return false
}

// mixpanelNested finds what is nested too deep, or a list that is too long.
func mixpanelNested(v gjson.Result, depth int) (err error) {
	if !v.IsObject() && !v.IsArray() {
		return nil
	}
	if depth > 3 {
		return &mixpanelError{Field: "properties", Message: "a property is nested deeper than 3 levels"}
	}
	if v.IsArray() && len(v.Array()) >= 255 {
		return &mixpanelError{Field: "properties", Message: "a list has 255 elements or more"}
	}
	v.ForEach(func(_, item gjson.Result) bool {
		err = mixpanelNested(item, depth+1)
		return err == nil
	})
	return err
}
