package facade

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// sfOne reads the one record of a request.
func (o *org) sfOne(r *http.Request, external string) (*sfWriter, Fields, error) {
	body, err := ReadBody(r, 4<<20)
	if err != nil {
		return nil, nil, err
	}
	if !json.Valid(body) {
		return nil, nil, &sfReason{code: "JSON_PARSER_ERROR", message: "The HTTP entity body is no JSON"}
	}
	row, _, err := sfRow(body)
	if err != nil {
		return nil, nil, err
	}
	w, err := o.writer(r, r.PathValue("object"), []Fields{row}, external)
	if err == nil {
		row, err = w.parse(row)
	}
	return w, row, err
}

// createOne makes a record.
func (o *org) createOne(w http.ResponseWriter, r *http.Request) {
	sw, row, err := o.sfOne(r, "")
	var rec Record
	if err == nil {
		err = sw.object.Update(func(tx *Tx) (err error) {
			if p, poisoned := sw.call.Poisoned(sw.label(row), row); poisoned {
				return sfPoisoned(p)
			}
			rec, err = sw.create(tx, row)
			return err
		})
	}
	if err != nil {
		sfAnswerError(w, r, err)
		return
	}
	sw.call.Report("create", "created", 1)
	JSON(w, http.StatusCreated, sfResult{ID: rec.ID, Success: true, Errors: []sfRowError{}})
}

// patchOne changes a record by its id, or makes or changes one by an external
// id.
func (o *org) patchOne(w http.ResponseWriter, r *http.Request) {
	field := r.PathValue("field")
	sw, row, err := o.sfOne(r, field)
	var rec Record
	what := ""
	if err == nil {
		err = sw.object.Update(func(tx *Tx) error { rec, what, err = sw.patch(tx, r, row); return err })
	}
	if err != nil {
		sfAnswerError(w, r, err)
		return
	}
	sw.call.Report("upsert", what, 1)
	created := what == "created"
	switch {
	case field == "" || strings.EqualFold(field, "Id"):
		w.WriteHeader(http.StatusNoContent)
	case created:
		JSON(w, http.StatusCreated, sfResult{ID: rec.ID, Success: true, Errors: []sfRowError{}, Created: &created})
	default:
		JSON(w, http.StatusOK, sfResult{ID: rec.ID, Success: true, Errors: []sfRowError{}, Created: &created})
	}
}

func (w *sfWriter) patch(tx *Tx, r *http.Request, row Fields) (Record, string, error) {
	field, id := r.PathValue("field"), r.PathValue("id")
	if strings.EqualFold(field, "Id") {
		field, id = "", r.PathValue("value")
	}
	if field == "" {
		rec, err := w.get(tx, id)
		if err != nil {
			return rec, "", err
		}
		changed, err := w.update(tx, rec, row)
		return rec, sfChange(changed), err
	}
	key, err := w.external(field)
	if err != nil {
		return Record{}, "", err
	}
	value, err := json.Marshal(r.PathValue("value"))
	if err != nil {
		return Record{}, "", err
	}
	row = row.Merge(nil)
	if row[key.Name], err = key.parse(value); err != nil {
		return Record{}, "", err
	}
	return w.upsert(tx, key, row)
}

// find gives the record that a path addresses.
func (o *org) find(r *http.Request) (w *sfWriter, rec Record, err error) {
	if w, err = o.writer(r, r.PathValue("object"), nil, ""); err != nil {
		return nil, rec, err
	}
	err = w.object.View(func(tx *Tx) error {
		field := r.PathValue("field")
		if field == "" || strings.EqualFold(field, "Id") {
			rec, err = w.get(tx, r.PathValue("id")+r.PathValue("value"))
			return err
		}
		key, err := w.external(field)
		if err != nil {
			return err
		}
		found, there, err := tx.Find(key.property(), r.PathValue("value"))
		rec = found
		if err == nil && !there {
			err = &sfReason{status: http.StatusNotFound, code: "NOT_FOUND", message: "The requested resource does not exist"}
		}
		return err
	})
	if reason, is := errors.AsType[*sfReason](err); is && reason.code == "INVALID_CROSS_REFERENCE_KEY" {
		err = &sfReason{status: http.StatusNotFound, code: "NOT_FOUND", message: "The requested resource does not exist"}
	}
	return w, rec, err
}

// getOne shows a record: all of it, or the fields that are asked for.
func (o *org) getOne(w http.ResponseWriter, r *http.Request) {
	sw, rec, err := o.find(r)
	if err != nil {
		sfAnswerError(w, r, err)
		return
	}
	var names []string
	if asked := r.URL.Query().Get("fields"); asked != "" {
		names = strings.Split(asked, ",")
	} else {
		for _, f := range sw.all {
			names = append(names, f.Name)
		}
		slices.Sort(names)
	}
	out, err := sfShown(r, sw.name, sw.all, rec, names)
	if err != nil {
		sfAnswerError(w, r, err)
		return
	}
	CallOf(r).Mode = "read"
	JSON(w, http.StatusOK, out)
}

// deleteOne deletes a record.
func (o *org) deleteOne(w http.ResponseWriter, r *http.Request) {
	sw, rec, err := o.find(r)
	if err == nil {
		err = sw.object.Update(func(tx *Tx) error { return sw.delete(tx, rec.ID) })
	}
	if err != nil {
		sfAnswerError(w, r, err)
		return
	}
	sw.call.Report("delete", "deleted", 1)
	w.WriteHeader(http.StatusNoContent)
}

// sfShown is a record as answers show it.
func sfShown(r *http.Request, object string, all map[string]sfField, rec Record, names []string) (map[string]any, error) {
	version := r.PathValue("version")
	out := map[string]any{
		"attributes": map[string]string{"type": object, "url": "/services/data/" + version + "/sobjects/" + object + "/" + rec.ID},
	}
	system := sfSystem(rec)
	for _, name := range names {
		name = strings.TrimSpace(name)
		f, known := all[strings.ToLower(name)]
		if !known {
			return nil, &sfReason{code: "INVALID_FIELD", message: "No such column '" + name + "' on entity '" + object + "'."}
		}
		switch value, given := rec.Fields[f.Name]; {
		case system[f.Name] != nil:
			out[f.Name] = system[f.Name]
		case !given && f.Type == "boolean":
			out[f.Name] = false
		case !given:
			out[f.Name] = nil
		default:
			out[f.Name] = value
		}
	}
	return out, nil
}

// sfSystem are the fields that the org writes itself.
func sfSystem(rec Record) map[string]any {
	const layout = "2006-01-02T15:04:05.000-0700"
	return map[string]any{
		"Id": rec.ID, "IsDeleted": false, "OwnerId": Checked18("005")(1), "CreatedDate": rec.Created.Format(layout),
		"LastModifiedDate": rec.Updated.Format(layout), "SystemModstamp": rec.Updated.Format(layout),
	}
}
