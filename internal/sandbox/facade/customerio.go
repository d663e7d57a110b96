package facade

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"

	"github.com/tidwall/gjson"
)

// customerio is the Track API v2 of Customer.io: people, objects and their
// relationships in batches.
func customerio() Vendor {
	return Vendor{Kind: "customerio", Title: "Customer.io", Credential: Basic, Routes: customerioRoutes, Refuse: customerioRefuse}
}

// What one request and one operation in it may hold, and an attribute's value.
const (
	customerioBody  = 500_000
	customerioRow   = 32_000
	customerioValue = 1000
)

// workspace is one workspace of Customer.io.
type workspace struct{ s *Service }

func customerioRoutes(s *Service) http.Handler {
	ws := &workspace{s}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/accounts/region", ws.region)
	mux.HandleFunc("POST /api/v2/batch", ws.batch)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { customerioRefuse(w, r, NotFound) })
	return mux
}

func customerioRefuse(w http.ResponseWriter, _ *http.Request, t Trouble) {
	status, text := http.StatusServiceUnavailable, "service unavailable"
	switch t {
	case Unauthorized, Expired:
		status, text = http.StatusUnauthorized, "Unauthorized request"
	case Throttled, Exhausted:
		status, text = http.StatusTooManyRequests, "too many requests"
		w.Header().Set("Retry-After", "1")
	case TooLarge:
		status, text = http.StatusRequestEntityTooLarge, "request body too large"
	case NotFound:
		status, text = http.StatusNotFound, "not found"
	case Down:
	}
	JSON(w, status, map[string]any{"meta": map[string]string{"error": text}})
}

func (ws *workspace) region(w http.ResponseWriter, _ *http.Request) {
	JSON(w, http.StatusOK, map[string]any{"url": "track.customer.io", "data_center": "us", "region": "us", "environment_id": ws.s.Account()})
}

// customerioError says what is wrong with one operation, or with the body.
type customerioError struct {
	Index   *int   `json:"batch_index,omitempty"`
	Reason  string `json:"reason"`
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

// Error is what is wrong.
func (e *customerioError) Error() string { return e.Message }

func (ws *workspace) batch(w http.ResponseWriter, r *http.Request) {
	body, err := ReadBody(r, customerioBody)
	if errors.Is(err, ErrTooLarge) {
		customerioRefuse(w, r, TooLarge)
		return
	}
	doc, ok := object(body)
	list := doc.Get("batch")
	if err != nil || !ok || !list.IsArray() || len(list.Array()) == 0 {
		JSON(w, http.StatusBadRequest, map[string]any{"errors": []customerioError{{Reason: "malformed", Field: "batch", Message: "the body must hold a batch of operations"}}})
		return
	}
	refused, err := ws.apply(list.Array(), CallOf(r))
	if err != nil {
		customerioRefuse(w, r, Down)
		return
	}
	if len(refused) > 0 {
		JSON(w, http.StatusMultiStatus, map[string]any{"errors": refused})
		return
	}
	JSON(w, http.StatusOK, struct{}{})
}

// customerioStep is one operation that was read: what it does to which object.
type customerioStep struct {
	at     int
	object string
	do     func(tx *Tx) (what string, err error)
}

// apply carries out the operations, those on one object together.
func (ws *workspace) apply(ops []gjson.Result, call *Call) (refused []customerioError, err error) {
	refused = []customerioError{}
	steps := map[string][]customerioStep{}
	for i, op := range ops {
		step, err := ws.read(op, call)
		if bad, is := errors.AsType[*customerioError](err); is {
			bad.Index = &i
			refused = append(refused, *bad)
			call.Report("batch", "rejected", 1)
			continue
		}
		step.at = i
		steps[step.object] = append(steps[step.object], step)
	}
	for name, list := range steps {
		o, err := ws.s.Object(name)
		if err != nil {
			return nil, err
		}
		err = o.Update(func(tx *Tx) error {
			for _, step := range list {
				what, err := step.do(tx)
				if bad, is := errors.AsType[*customerioError](err); is {
					bad.Index = &step.at
					refused, what = append(refused, *bad), "rejected"
				} else if err != nil {
					return err
				}
				call.Report("batch", what, 1)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return refused, nil
}

// read finds out what an operation is to do.
func (ws *workspace) read(op gjson.Result, call *Call) (customerioStep, error) {
	if len(op.Raw) > customerioRow {
		return customerioStep{}, &customerioError{Reason: "invalid", Message: "the operation is larger than 32 KB"}
	}
	switch op.Get("type").String() {
	case "person":
		by, value, err := customerioIdentifier(op.Get("identifiers"))
		if err != nil {
			return customerioStep{}, err
		}
		return ws.write(op, call, "people", by, value, Prefixed("cio", 8))
	case "object":
		return ws.thing(op, call)
	}
	return customerioStep{}, &customerioError{Reason: "invalid", Field: "type", Message: "type must be person, object or delivery"}
}

// customerioIdentifier reads what a person is known by: exactly one of the three.
func customerioIdentifier(identifiers gjson.Result) (by Property, value string, err error) {
	found := 0
	for _, name := range []string{"id", "email", "cio_id"} {
		if v := identifiers.Get(name); v.Exists() {
			text, ok := scalar(v)
			if !ok || text == "" {
				return by, "", &customerioError{Reason: "invalid", Field: "identifiers." + name, Message: "the identifier must be a text that is not empty"}
			}
			by, value, found = Property{Name: name, Fold: name == "email"}, text, found+1
		}
	}
	if found != 1 {
		return by, "", &customerioError{Reason: "required", Field: "identifiers", Message: "identifiers must hold one of id, email and cio_id"}
	}
	return by, value, nil
}

// thing writes an object, or relates it.
func (ws *workspace) thing(op gjson.Result, call *Call) (customerioStep, error) {
	kind, kindOK := scalar(op.Get("identifiers.object_type_id"))
	id, idOK := scalar(op.Get("identifiers.object_id"))
	if _, err := strconv.ParseUint(kind, 10, 31); err != nil || !kindOK {
		return customerioStep{}, &customerioError{Reason: "invalid", Field: "identifiers.object_type_id", Message: "there is no such type of objects"}
	}
	if !idOK || id == "" {
		return customerioStep{}, &customerioError{Reason: "required", Field: "identifiers.object_id", Message: "object_id is required"}
	}
	if action := op.Get("action").String(); action == "add_relationships" || action == "delete_relationships" {
		return ws.relate(op, call, kind, id)
	}
	return ws.write(op, call, "objects/"+kind, Property{Name: "object_id"}, id, Prefixed("obj", 8))
}

// write identifies or deletes what a property finds.
func (ws *workspace) write(op gjson.Result, call *Call, name string, by Property, value string, shape func(int64) string) (customerioStep, error) {
	fields := Fields{}
	action := op.Get("action").String()
	switch action {
	case "identify":
		attributes := op.Get("attributes")
		if err := customerioAttributes(attributes); err != nil {
			return customerioStep{}, err
		}
		fields = emptied(ParseFields([]byte(attributes.Raw)))
		if related := op.Get("cio_relationships"); related.IsArray() {
			fields["cio_relationships"] = []byte(related.Raw)
		}
	case "delete":
	default:
		return customerioStep{}, &customerioError{Reason: "invalid", Field: "action", Message: "there is no such action for this type"}
	}
	if !fields.Has(by.Name) {
		fields.Set(by.Name, value)
	}
	if p, refused := call.Poisoned(value, fields); refused {
		return customerioStep{}, &customerioError{Reason: cmp.Or(p.Code, "invalid"), Field: "attributes", Message: cmp.Or(p.Message, "an attribute is not valid")}
	}
	return customerioStep{object: name, do: func(tx *Tx) (what string, err error) {
		if action == "delete" {
			return drop(tx, by, value)
		}
		what, err = keep(tx, by, value, shape, fields)
		return what, err
	}}, nil
}

// emptied makes empty texts nulls: both take an attribute away.
func emptied(fields Fields) Fields {
	for name, raw := range fields {
		if string(raw) == `""` {
			fields[name] = []byte("null")
		}
	}
	return fields
}

// customerioAttributes finds the first value that is too long.
func customerioAttributes(attributes gjson.Result) (err error) {
	if attributes.Exists() && !attributes.IsObject() {
		return &customerioError{Reason: "invalid", Field: "attributes", Message: "attributes must be an object"}
	}
	attributes.ForEach(func(name, v gjson.Result) bool {
		if v.Type == gjson.String && len(v.Str) > customerioValue {
			err = &customerioError{Reason: "invalid", Field: "attributes." + name.String(), Message: "the value is longer than 1000 bytes"}
		}
		return err == nil
	})
	return err
}

// relate adds or takes away the relationships of an object with people.
func (ws *workspace) relate(op gjson.Result, call *Call, kind, thing string) (customerioStep, error) {
	list := op.Get("cio_relationships").Array()
	if len(list) == 0 {
		return customerioStep{}, &customerioError{Reason: "required", Field: "cio_relationships", Message: "cio_relationships must be a list that is not empty"}
	}
	pairs := make([]Fields, len(list))
	for i, one := range list {
		by, person, err := customerioIdentifier(one.Get("identifiers"))
		if err != nil {
			return customerioStep{}, err
		}
		fields := ParseFields([]byte(one.Get("relationship_attributes").Raw))
		fields.Set("pair", strconv.Quote(thing)+"-"+strconv.Quote(person))
		fields.Set("object_id", thing)
		fields.Set(by.Name, person)
		if p, refused := call.Poisoned(thing, fields); refused {
			return customerioStep{}, &customerioError{Reason: cmp.Or(p.Code, "invalid"), Field: "cio_relationships", Message: cmp.Or(p.Message, "a relationship is not valid")}
		}
		pairs[i] = fields
	}
	remove := op.Get("action").String() == "delete_relationships"
	return customerioStep{object: "relationships/" + kind, do: func(tx *Tx) (what string, err error) {
		for _, pair := range pairs {
			if remove {
				what, err = drop(tx, Property{Name: "pair"}, pair.Text("pair"))
			} else {
				what, err = keep(tx, Property{Name: "pair"}, pair.Text("pair"), Prefixed("rel", 8), pair)
			}
			if err != nil {
				return "", err
			}
		}
		return what, nil
	}}, nil
}
