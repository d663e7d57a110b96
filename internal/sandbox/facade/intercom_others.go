package facade

import (
	"net/http"
	"strconv"
)

// Companies, which are found by company_id, and instances of custom objects,
// which are found by external_id: writing one is an upsert.

func (i *comm) putCompany(w http.ResponseWriter, r *http.Request) {
	i.put(w, r, commCompanies(), "upsert", func(tx *Tx, fields Fields) (string, error) {
		if !fields.Has("company_id") && !fields.Has("name") {
			return "", commInvalid("parameter_not_found", "company_id or name is required")
		}
		rec, _, err := tx.Find(Property{Name: "company_id"}, fields.Text("company_id"))
		return rec.ID, err
	})
}

// updateCompany changes a company; its company_id stays as it is.
func (i *comm) updateCompany(w http.ResponseWriter, r *http.Request) {
	i.put(w, r, commCompanies(), "update", func(tx *Tx, fields Fields) (string, error) {
		rec, there, err := tx.Get(r.PathValue("id"))
		if err == nil && !there {
			err = &commError{status: http.StatusNotFound, Code: "company_not_found", Message: "Company Not Found"}
		}
		delete(fields, "company_id")
		return rec.ID, err
	})
}

func (i *comm) company(w http.ResponseWriter, r *http.Request) {
	i.get(w, r, commCompanies(), func(tx *Tx) (Record, bool, error) { return tx.Get(r.PathValue("id")) })
}

func (i *comm) deleteCompany(w http.ResponseWriter, r *http.Request) {
	i.remove(w, r, commCompanies(), func(tx *Tx) (Record, bool, error) { return tx.Get(r.PathValue("id")) })
}

// companies gives the one with a company_id, or lists all by page.
func (i *comm) companies(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if id := q.Get("company_id"); id != "" {
		i.get(w, r, commCompanies(), func(tx *Tx) (Record, bool, error) { return tx.Find(Property{Name: "company_id"}, id) })
		return
	}
	size, _ := strconv.Atoi(q.Get("per_page"))
	page, _ := strconv.Atoi(q.Get("page"))
	if size < 1 || size > 60 {
		size = 15
	}
	o, err := i.s.Object("companies")
	var all []Record
	if err == nil {
		all, _, err = o.Page(0, o.Len()+1)
	}
	if err != nil {
		intercomAnswer(w, r, err)
		return
	}
	from := min(max(page-1, 0)*size, len(all))
	data := []any{}
	for n := range all[from:min(from+size, len(all))] {
		data = append(data, i.shown(commCompanies(), &all[from+n]))
	}
	CallOf(r).Mode = "read"
	JSON(w, http.StatusOK, map[string]any{
		"type": "list", "data": data, "total_count": len(all),
		"pages": map[string]any{"type": "pages", "page": max(page, 1), "per_page": size, "total_pages": (len(all) + size - 1) / size},
	})
}

// kindOf is the custom object of a request. In a strict sandbox there are only
// those that have attributes.
func (i *comm) kindOf(w http.ResponseWriter, r *http.Request) (commKind, bool) {
	k := commInstances(r.PathValue("type"))
	known, err := customFields(i.s, k.object)
	if err == nil && len(known) == 0 && i.s.Strict {
		err = &commError{status: http.StatusNotFound, Code: "resource_not_found", Message: "Custom object type not found"}
	}
	if err != nil {
		intercomAnswer(w, r, err)
		return k, false
	}
	return k, true
}

func (i *comm) putInstance(w http.ResponseWriter, r *http.Request) {
	k, ok := i.kindOf(w, r)
	if !ok {
		return
	}
	i.put(w, r, k, "upsert", func(tx *Tx, fields Fields) (string, error) {
		if !fields.Has("external_id") {
			return "", commInvalid("parameter_not_found", "external_id is required")
		}
		rec, _, err := tx.Find(commByExternal, fields.Text("external_id"))
		return rec.ID, err
	})
}

// named finds the instance that an address means: by Intercom's id, or by
// external_id.
func (i *comm) named(r *http.Request) func(*Tx) (Record, bool, error) {
	return func(tx *Tx) (Record, bool, error) {
		if id := r.PathValue("id"); id != "" {
			return tx.Get(id)
		}
		return tx.Find(commByExternal, r.URL.Query().Get("external_id"))
	}
}

func (i *comm) instance(w http.ResponseWriter, r *http.Request) {
	if k, ok := i.kindOf(w, r); ok {
		i.get(w, r, k, i.named(r))
	}
}

func (i *comm) deleteInstance(w http.ResponseWriter, r *http.Request) {
	if k, ok := i.kindOf(w, r); ok {
		i.remove(w, r, k, i.named(r))
	}
}
