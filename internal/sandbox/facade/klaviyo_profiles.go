package facade

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// klaviyoProfile is a profile as a request has it.
type klaviyoProfile struct {
	Type       string          `json:"type"`
	ID         string          `json:"id"`
	Attributes json.RawMessage `json:"attributes"`
}

// klaviyoTexts are the attributes that are texts.
func klaviyoTexts() []string {
	return []string{"email", "phone_number", "external_id", "first_name", "last_name", "organization", "locale", "title", "image"}
}

// klaviyoIdentifiers are those that a profile is found by.
func klaviyoIdentifiers() []Property {
	return []Property{{Name: "external_id"}, {Name: "email", Fold: true}, {Name: "phone_number"}}
}

var (
	klaviyoEmail = regexp.MustCompile(`^[^@\s,;<>"]+@[^@\s.,;<>"]+(\.[^@\s.,;<>"]+)+$`)
	klaviyoPhone = regexp.MustCompile(`^\+[1-9]\d{6,14}$`)
)

const klaviyoRowBytes = 100_000

// check says what is wrong with a profile; at is where it stands in the body.
func (k *klav) check(p *klaviyoProfile, at string) (Fields, error) {
	attributes := gjson.ParseBytes(p.Attributes)
	switch {
	case p.Type != "profile":
		return nil, klaviyoInvalid(at+"/type", "'"+p.Type+"' is not a valid resource type; it must be 'profile'.")
	case !attributes.IsObject():
		return nil, klaviyoInvalid(at+"/attributes", "'attributes' is a required field for the resource 'profile'.")
	case len(p.Attributes) > klaviyoRowBytes:
		return nil, &klaviyoError{Code: "profile_too_large", Title: "Profile too large.", Detail: "The profile is larger than 100KB.", Source: &klaviyoSource{Pointer: at}}
	}
	fields := ParseFields(p.Attributes)
	for name, raw := range fields {
		if detail := klaviyoMisfit(name, gjson.ParseBytes(raw)); detail != "" {
			return nil, klaviyoInvalid(at+"/attributes/"+name, detail)
		}
	}
	if p.ID == "" && !slices.ContainsFunc(klaviyoIdentifiers(), func(p Property) bool { return fields.Text(p.Name) != "" }) {
		return nil, klaviyoInvalid(at+"/attributes", "One of the following must be provided: email, phone_number, external_id, id.")
	}
	return fields, nil
}

// klaviyoMisfit says why an attribute cannot have a value; empty if it can.
func klaviyoMisfit(name string, v gjson.Result) string {
	null := v.Type == gjson.Null
	switch {
	case name == "properties", name == "location":
		if !null && !v.IsObject() {
			return "'" + name + "' must be an object."
		}
	case !slices.Contains(klaviyoTexts(), name):
		return "'" + name + "' is not a valid field for the resource 'profile'."
	case null:
	case v.Type != gjson.String:
		return "'" + name + "' must be a string."
	case name == "email" && !klaviyoEmail.MatchString(v.Str):
		return "Invalid email address"
	case name == "phone_number" && !klaviyoPhone.MatchString(v.Str):
		return "Invalid phone number format (Example of a valid format: +12345678901)"
	}
	return ""
}

// write puts one profile into the account: what it names is changed, what it
// does not name stays. It says whether it was created, updated or unchanged.
func (k *klav) write(tx *Tx, p *klaviyoProfile, fields Fields, call *Call, at string) (Record, string, error) {
	key := cmp.Or(fields.Text("external_id"), fields.Text("email"), fields.Text("phone_number"), p.ID)
	if why, refused := call.Poisoned(key, fields); refused {
		return Record{}, "rejected", &klaviyoError{
			Code: cmp.Or(why.Code, "invalid"), Title: "Invalid input.", Detail: cmp.Or(why.Message, "The profile is not valid."), Source: &klaviyoSource{Pointer: at},
		}
	}
	old, there, err := k.known(tx, p.ID, fields, at)
	if err != nil {
		return Record{}, "rejected", err
	}
	if !there {
		made, err := tx.Create(klaviyoID, fields)
		return made, "created", err
	}
	merged := old.Fields.Merge(fields)
	if fields.Has("properties") && old.Fields.Has("properties") {
		properties, err := json.Marshal(ParseFields(old.Fields["properties"]).Merge(ParseFields(fields["properties"])))
		if err != nil {
			return Record{}, "", err
		}
		merged["properties"] = properties
	}
	changed, err := tx.Put(old.ID, merged)
	if err != nil {
		return Record{}, "", err
	}
	what := "unchanged"
	if changed {
		what = "updated"
	}
	now, _, err := tx.Get(old.ID)
	return now, what, err
}

// klaviyoID makes ids in the shape of Klaviyo's.
func klaviyoID(n int64) string { return strings.ToUpper(Prefixed("01K", 23)(n)) }

// known finds the profile that identifiers mean. Those of two profiles mean
// none.
func (k *klav) known(tx *Tx, id string, fields Fields, at string) (found Record, there bool, err error) {
	if id != "" {
		if found, there, err = tx.Get(id); err == nil && !there {
			err = &klaviyoError{Code: "not_found", Title: "Not found.", Detail: "A profile with id " + id + " does not exist.", Source: &klaviyoSource{Pointer: at + "/id"}}
		}
		if err != nil {
			return found, there, err
		}
	}
	for _, p := range klaviyoIdentifiers() {
		value := fields.Text(p.Name)
		if value == "" {
			continue
		}
		other, has, err := tx.Find(p, value)
		switch {
		case err != nil:
			return found, there, err
		case has && there && other.ID != found.ID:
			reason := k.duplicate(&other)
			reason.Source.Pointer = at + "/attributes"
			return found, there, reason
		case has:
			found, there = other, true
		}
	}
	return found, there, nil
}

// shown is a profile as answers have it.
func (k *klav) shown(r *http.Request, rec *Record) map[string]any {
	attributes := map[string]any{"properties": json.RawMessage("{}"), "location": nil, "created": rec.Created, "updated": rec.Updated, "last_event_date": nil}
	for _, name := range klaviyoTexts() {
		attributes[name] = nil
	}
	for name, raw := range rec.Fields {
		attributes[name] = raw
	}
	self := k.s.URL(r, "/api/profiles/"+rec.ID+"/")
	related := func(name string) map[string]any {
		return map[string]any{"links": map[string]any{"self": self + "relationships/" + name + "/", "related": self + name + "/"}}
	}
	return map[string]any{
		"type": "profile", "id": rec.ID, "attributes": attributes, "links": map[string]any{"self": self},
		"relationships": map[string]any{"lists": related("lists"), "segments": related("segments"), "push-tokens": related("push-tokens"), "conversation": related("conversation")},
	}
}

// one carries out a request for one profile.
func (k *klav) one(w http.ResponseWriter, r *http.Request, mode string, id *string) {
	var body struct {
		Data klaviyoProfile `json:"data"`
	}
	if !klaviyoBody(w, r, 1<<20, &body) {
		return
	}
	call, what, rec := CallOf(r), "", Record{}
	if id != nil {
		if body.Data.ID != *id {
			klaviyoFail(w, r, http.StatusBadRequest, klaviyoInvalid("/data/id", "The id does not match that of the address."))
			return
		}
	} else if mode == "create" {
		body.Data.ID = ""
	}
	fields, err := k.check(&body.Data, "/data")
	if err == nil {
		err = k.update(func(tx *Tx) error {
			if mode == "create" {
				other, there, err := k.known(tx, "", fields, "/data")
				if err != nil {
					return err
				}
				if there {
					return k.duplicate(&other)
				}
			}
			var err error
			rec, what, err = k.write(tx, &body.Data, fields, call, "/data")
			return err
		})
	}
	if err != nil {
		call.Report(mode, "rejected", 1)
		klaviyoAnswer(w, r, err)
		return
	}
	call.Report(mode, what, 1)
	status := http.StatusOK
	if what == "created" {
		status = http.StatusCreated
	}
	klaviyoJSON(w, status, map[string]any{"data": k.shown(r, &rec)})
}

func (k *klav) duplicate(other *Record) *klaviyoError {
	return &klaviyoError{
		Code: "duplicate_profile", Title: "Conflict.", Detail: "A profile already exists with one of these identifiers.",
		Source: &klaviyoSource{Pointer: "/data/attributes"}, Meta: map[string]any{"duplicate_profile_id": other.ID},
	}
}

func (k *klav) update(change func(*Tx) error) error {
	o, err := k.s.Object("profiles")
	if err != nil {
		return err
	}
	return o.Update(change)
}

func (k *klav) importOne(w http.ResponseWriter, r *http.Request) { k.one(w, r, "upsert", nil) }
func (k *klav) create(w http.ResponseWriter, r *http.Request)    { k.one(w, r, "create", nil) }
func (k *klav) patch(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	k.one(w, r, "update", &id)
}

func (k *klav) profile(w http.ResponseWriter, r *http.Request) {
	o, err := k.s.Object("profiles")
	var rec Record
	there := false
	if err == nil {
		err = o.View(func(tx *Tx) (err error) {
			rec, there, err = tx.Get(r.PathValue("id"))
			return err
		})
	}
	switch {
	case err != nil:
		klaviyoRefuse(w, r, Down)
	case !there:
		klaviyoRefuse(w, r, NotFound)
	default:
		CallOf(r).Mode = "read"
		klaviyoJSON(w, http.StatusOK, map[string]any{"data": k.shown(r, &rec)})
	}
}

var klaviyoFilter = regexp.MustCompile(`^(any|equals)\((id|email|phone_number|external_id),(.*)\)$`)

// filtered gives the values that a filter asks for.
func klaviyoFiltered(filter string) (field string, values []string, ok bool) {
	m := klaviyoFilter.FindStringSubmatch(filter)
	if m == nil {
		return "", nil, false
	}
	list := m[3]
	if m[1] == "equals" {
		list = "[" + list + "]"
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(list)))
	return m[2], values, dec.Decode(&values) == nil
}

// page gives the size and the start of a page.
func klaviyoPage(q url.Values) (size, from int, bad *klaviyoError) {
	size = 20
	if text := q.Get("page[size]"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100 {
			return 0, 0, &klaviyoError{Code: "invalid", Title: "Invalid input.", Detail: "Page size must be between 1 and 100.", Source: &klaviyoSource{Parameter: "page[size]"}}
		}
		size = n
	}
	if text := q.Get("page[cursor]"); text != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(text, "c"))
		if err != nil || n < 0 {
			return 0, 0, &klaviyoError{Code: "invalid", Title: "Invalid input.", Detail: "Invalid cursor.", Source: &klaviyoSource{Parameter: "page[cursor]"}}
		}
		from = n
	}
	return size, from, nil
}

// links leads from a page to the next; next < 0 is the end.
func (k *klav) links(r *http.Request, next int) map[string]any {
	out := map[string]any{"self": k.s.URL(r, r.URL.RequestURI()), "next": nil, "prev": nil}
	if next >= 0 {
		q := r.URL.Query()
		q.Set("page[cursor]", "c"+strconv.Itoa(next))
		out["next"] = k.s.URL(r, r.URL.EscapedPath()+"?"+q.Encode())
	}
	return out
}

func (k *klav) profiles(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	size, from, bad := klaviyoPage(q)
	if bad != nil {
		klaviyoFail(w, r, http.StatusBadRequest, bad)
		return
	}
	found, next, err := k.search(q.Get("filter"), from, size)
	if err != nil {
		klaviyoAnswer(w, r, err)
		return
	}
	CallOf(r).Mode = "read"
	data := []any{}
	for i := range found {
		data = append(data, k.shown(r, &found[i]))
	}
	klaviyoJSON(w, http.StatusOK, map[string]any{"data": data, "links": k.links(r, next)})
}

// search gives a page of profiles.
func (k *klav) search(filter string, from, size int) (found []Record, next int, err error) {
	o, err := k.s.Object("profiles")
	if err != nil {
		return nil, -1, err
	}
	if filter == "" {
		return o.Page(from, size)
	}
	field, values, ok := klaviyoFiltered(filter)
	if !ok {
		return nil, -1, &klaviyoError{Code: "invalid", Title: "Invalid input.", Detail: "Invalid filter provided.", Source: &klaviyoSource{Parameter: "filter"}}
	}
	err = o.View(func(tx *Tx) error {
		for _, value := range values {
			rec, there, err := tx.Get(value)
			if field != "id" {
				rec, there, err = tx.Find(Property{Name: field, Fold: field == "email"}, value)
			}
			if err != nil {
				return err
			}
			if there {
				found = append(found, rec)
			}
		}
		return nil
	})
	next = -1
	if len(found) > from+size {
		next = from + size
	}
	return found[min(from, len(found)):min(from+size, len(found))], next, err
}
