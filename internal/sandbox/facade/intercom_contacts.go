package facade

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/tidwall/gjson"
)

var (
	commByEmail    = Property{Name: "email", Fold: true}
	commByExternal = Property{Name: "external_id"}
)

func (i *comm) createContact(w http.ResponseWriter, r *http.Request) {
	i.put(w, r, commContacts(), "create", func(tx *Tx, fields Fields) (string, error) {
		if !fields.Has("external_id") && !fields.Has("email") && !fields.Has("role") {
			return "", commInvalid("parameter_not_found", "One of email, external_id or role is required")
		}
		return "", i.conflict(tx, fields, "")
	})
}

func (i *comm) updateContact(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	i.put(w, r, commContacts(), "update", func(tx *Tx, fields Fields) (string, error) {
		rec, there, err := tx.Get(id)
		if err == nil && (!there || archived(&rec)) {
			err = &commError{status: http.StatusNotFound, Code: "not_found", Message: "User Not Found"}
		}
		if err != nil {
			return "", err
		}
		return id, i.conflict(tx, fields, id)
	})
}

// conflict refuses the key or address of another contact, archived ones too.
func (i *comm) conflict(tx *Tx, fields Fields, id string) error {
	for _, p := range []Property{commByExternal, commByEmail} {
		value := fields.Text(p.Name)
		if value == "" {
			continue
		}
		other, there, err := tx.Find(p, value)
		if err != nil {
			return err
		}
		if there && other.ID != id {
			message := "A contact matching those details already exists with id=" + other.ID
			if archived(&other) {
				message = "An archived contact matching those details already exists with id=" + other.ID
			}
			return &commError{status: http.StatusConflict, Code: "conflict", Message: message}
		}
	}
	return nil
}

func archived(rec *Record) bool { return string(rec.Fields["archived"]) == "true" }

func (i *comm) contact(w http.ResponseWriter, r *http.Request) {
	i.get(w, r, commContacts(), func(tx *Tx) (Record, bool, error) {
		if _, gone, err := tx.Deleted(r.PathValue("id")); gone || err != nil {
			return Record{}, false, &commError{status: http.StatusGone, Code: "gone", Message: "The contact was deleted"}
		}
		return tx.Get(r.PathValue("id"))
	})
}

func (i *comm) deleteContact(w http.ResponseWriter, r *http.Request) {
	i.remove(w, r, commContacts(), func(tx *Tx) (Record, bool, error) { return tx.Get(r.PathValue("id")) })
}

// archive moves a contact to the archive, and unarchive back.
func (i *comm) archive(w http.ResponseWriter, r *http.Request) {
	op := r.PathValue("op")
	if op != "archive" && op != "unarchive" {
		intercomRefuse(w, r, NotFound)
		return
	}
	o, err := i.s.Object("contacts")
	rec, there := Record{}, false
	if err == nil {
		err = o.Update(func(tx *Tx) (err error) {
			if rec, there, err = tx.Get(r.PathValue("id")); err == nil && there {
				_, err = tx.Put(rec.ID, rec.Fields.Merge(Fields{"archived": json.RawMessage(strconv.FormatBool(op == "archive"))}))
			}
			return err
		})
	}
	switch {
	case err != nil:
		intercomAnswer(w, r, err)
	case !there:
		intercomRefuse(w, r, NotFound)
	default:
		CallOf(r).Report("delete", map[string]string{"archive": "deleted", "unarchive": "updated"}[op], 1)
		JSON(w, http.StatusOK, map[string]any{"type": "contact", "id": rec.ID, "external_id": rec.Fields.Text("external_id"), "archived": op == "archive"})
	}
}

// contacts lists those that are not archived.
func (i *comm) contacts(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	size, _ := strconv.Atoi(q.Get("per_page"))
	from, _ := strconv.Atoi(q.Get("starting_after"))
	if size < 1 || size > 150 {
		size = 50
	}
	o, err := i.s.Object("contacts")
	var records []Record
	next := -1
	if err == nil {
		records, next, err = o.Page(max(from, 0), size)
	}
	if err != nil {
		intercomAnswer(w, r, err)
		return
	}
	pages := map[string]any{"type": "pages", "per_page": size}
	if next >= 0 {
		pages["next"] = map[string]any{"page": 2, "starting_after": strconv.Itoa(next)}
	}
	i.listed(w, r, records, pages)
}

func (i *comm) listed(w http.ResponseWriter, r *http.Request, records []Record, pages map[string]any) {
	data := []any{}
	for n := range records {
		if !archived(&records[n]) {
			data = append(data, i.shown(commContacts(), &records[n]))
		}
	}
	CallOf(r).Mode = "read"
	JSON(w, http.StatusOK, map[string]any{"type": "list", "data": data, "total_count": len(data), "pages": pages})
}

// commQuery is a filter, or several joined by an operator.
type commQuery struct {
	Field    string          `json:"field"`
	Operator string          `json:"operator"`
	Value    json.RawMessage `json:"value"`
}

const commFilters = 15

// search finds contacts by filters on what identifies them.
func (i *comm) search(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Query commQuery `json:"query"`
	}
	if !intercomBody(w, r, &body) {
		return
	}
	filters := []commQuery{body.Query}
	if body.Query.Field == "" {
		filters = nil
		if body.Query.Operator != "OR" || json.Unmarshal(body.Query.Value, &filters) != nil || len(filters) == 0 || len(filters) > commFilters {
			intercomFail(w, r, commInvalid("invalid_query", "A group has an operator and 1 to 15 filters"))
			return
		}
	}
	found, err := i.matching(filters)
	if err != nil {
		intercomAnswer(w, r, err)
		return
	}
	i.listed(w, r, found, map[string]any{"type": "pages", "page": 1, "per_page": 150, "total_pages": 1})
}

func (i *comm) matching(filters []commQuery) (found []Record, err error) {
	o, err := i.s.Object("contacts")
	if err != nil {
		return nil, err
	}
	err = o.View(func(tx *Tx) error {
		for _, f := range filters {
			for _, value := range f.values() {
				rec, there, err := f.find(tx, value)
				if err != nil {
					return err
				}
				if there && !slices.ContainsFunc(found, func(other Record) bool { return other.ID == rec.ID }) {
					found = append(found, rec)
				}
			}
		}
		return nil
	})
	return found, err
}

func (f *commQuery) values() (values []string) {
	for _, v := range gjson.ParseBytes(f.Value).Array() {
		values = append(values, v.String())
	}
	return values
}

func (f *commQuery) find(tx *Tx, value string) (Record, bool, error) {
	switch {
	case f.Operator != "=" && f.Operator != "IN":
		return Record{}, false, commInvalid("invalid_operator", "The sandbox searches by = and IN only")
	case f.Field == "id":
		return tx.Get(value)
	case f.Field == "email":
		return tx.Find(commByEmail, value)
	case f.Field == "external_id":
		return tx.Find(commByExternal, value)
	}
	return Record{}, false, commInvalid("invalid_field", "The sandbox searches by id, email and external_id only")
}
