package facade

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// read answers a batch of ids with the records that there are.
func (h *hub) read(w http.ResponseWriter, r *http.Request, b *hubspotBatch) {
	o, object, err := h.object(r)
	if err != nil {
		hubspotRefuse(w, r, NotFound)
		return
	}
	all, err := h.definitions(object)
	if p := all[b.IDProperty]; err == nil && b.IDProperty != "" && !hubspotUnique(&p) {
		hubspotInvalid(w, r, "Property "+b.IDProperty+" is not a unique identifier")
		return
	}
	start := h.s.Now()
	var results []hubspotResult
	var missing []string
	if err == nil {
		err = o.View(func(tx *Tx) error {
			for i := range b.Inputs {
				rec, there, err := h.lookUp(tx, b.IDProperty, b.Inputs[i].ID)
				if err != nil {
					return err
				}
				if !there {
					missing = append(missing, b.Inputs[i].ID)
					continue
				}
				results = append(results, hubspotShown(rec, hubspotNames(b.Properties, object)))
			}
			return nil
		})
	}
	if err != nil {
		hubspotRefuse(w, r, Down)
		return
	}
	var refused []hubspotRowError
	if len(missing) > 0 {
		refused = []hubspotRowError{{
			Status: "error", Category: "OBJECT_NOT_FOUND", Message: "Could not get some objects, they may be deleted or not exist.",
			Context: map[string][]string{"ids": missing},
		}}
	}
	CallOf(r).Mode = "read"
	h.answer(w, r, "read", start, results, refused)
}

func (h *hub) lookUp(tx *Tx, property, value string) (Record, bool, error) {
	if property == "" || property == "hs_object_id" {
		return tx.Get(value)
	}
	return tx.Find(hubspotKey(property), value)
}

// hubspotNames are the properties to show: those that were asked for, or what
// an object shows by itself.
func hubspotNames(asked []string, object string) []string {
	if len(asked) > 0 {
		return asked
	}
	switch object {
	case "contacts":
		return []string{"email", "firstname", "lastname"}
	case "companies":
		return []string{"name", "domain"}
	case "deals":
		return []string{"dealname", "amount", "closedate", "pipeline", "dealstage"}
	}
	return nil
}

// archiveAll deletes a batch of records. Ids that there are no records of are
// passed over.
func (h *hub) archiveAll(w http.ResponseWriter, r *http.Request, b *hubspotBatch) {
	o, _, err := h.object(r)
	if err != nil {
		hubspotRefuse(w, r, NotFound)
		return
	}
	call, gone := CallOf(r), 0
	err = o.Update(func(tx *Tx) error {
		for i := range b.Inputs {
			if _, refused := call.Poisoned(b.Inputs[i].ID, nil); refused {
				return &hubspotReason{category: "VALIDATION_ERROR", message: "A record cannot be archived."}
			}
			deleted, err := tx.Delete(b.Inputs[i].ID)
			if err != nil {
				return err
			}
			if deleted {
				gone++
			}
		}
		return nil
	})
	if reason, is := errors.AsType[*hubspotReason](err); is {
		call.Report("archive", "rejected", len(b.Inputs))
		hubspotWhole(w, r, reason)
		return
	}
	if err != nil {
		hubspotRefuse(w, r, Down)
		return
	}
	call.Report("archive", "deleted", gone)
	call.Report("archive", "unchanged", len(b.Inputs)-gone)
	w.WriteHeader(http.StatusNoContent)
}

// create makes one record.
func (h *hub) create(w http.ResponseWriter, r *http.Request) { h.one(w, r, "create", "", "") }

// update changes one record.
func (h *hub) update(w http.ResponseWriter, r *http.Request) {
	h.one(w, r, "update", r.PathValue("id"), r.URL.Query().Get("idProperty"))
}

func (h *hub) one(w http.ResponseWriter, r *http.Request, op, id, property string) {
	body, err := ReadBody(r, 16<<20)
	in := hubspotInput{}
	if err != nil || json.Unmarshal(body, &in) != nil {
		hubspotInvalid(w, r, "Invalid input JSON.")
		return
	}
	in.ID, in.IDProperty = id, property
	b := hubspotBatch{Inputs: []hubspotInput{in}}
	if message := badValue(&b); message != "" {
		hubspotInvalid(w, r, message)
		return
	}
	o, object, err := h.object(r)
	if err != nil {
		hubspotRefuse(w, r, NotFound)
		return
	}
	all, unknown, err := h.known(object, b.Inputs)
	if len(unknown) > 0 {
		hubspotUnknown(w, r, unknown)
		return
	}
	wr := &hubspotWriter{h: h, o: o, all: all, op: op, call: CallOf(r)}
	var result hubspotResult
	what := ""
	if err == nil {
		err = o.Update(func(tx *Tx) (err error) { result, what, err = wr.write(tx, &in); return err })
	}
	if reason, is := errors.AsType[*hubspotReason](err); is {
		wr.call.Report(op, "rejected", 1)
		hubspotWhole(w, r, reason)
		return
	}
	if err != nil {
		hubspotRefuse(w, r, Down)
		return
	}
	wr.call.Report(op, what, 1)
	status := http.StatusOK
	if op == "create" {
		status = http.StatusCreated
	}
	JSON(w, status, result)
}

func (h *hub) archive(w http.ResponseWriter, r *http.Request) {
	h.archiveAll(w, r, &hubspotBatch{Inputs: []hubspotInput{{ID: r.PathValue("id")}}})
}

func (h *hub) get(w http.ResponseWriter, r *http.Request) {
	o, object, err := h.object(r)
	if err != nil {
		hubspotRefuse(w, r, NotFound)
		return
	}
	query := r.URL.Query()
	var rec Record
	there := false
	err = o.View(func(tx *Tx) (err error) {
		rec, there, err = h.lookUp(tx, query.Get("idProperty"), r.PathValue("id"))
		return err
	})
	switch {
	case err != nil:
		hubspotRefuse(w, r, Down)
	case !there:
		hubspotRefuse(w, r, NotFound)
	default:
		JSON(w, http.StatusOK, hubspotShown(rec, hubspotNames(asked(query["properties"]), object)))
	}
}

// asked splits lists of names, which come repeated or with commas.
func asked(values []string) (out []string) {
	for _, v := range values {
		for name := range strings.SplitSeq(v, ",") {
			if name != "" {
				out = append(out, name)
			}
		}
	}
	return out
}

func (h *hub) list(w http.ResponseWriter, r *http.Request) {
	o, object, err := h.object(r)
	if err != nil {
		hubspotRefuse(w, r, NotFound)
		return
	}
	query := r.URL.Query()
	limit, after := 10, 0
	if text := query.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > hubspotMax {
			hubspotInvalid(w, r, "limit is from 1 to 100")
			return
		}
	}
	if text := query.Get("after"); text != "" {
		if after, err = strconv.Atoi(text); err != nil || after < 0 {
			hubspotInvalid(w, r, "after is not a cursor")
			return
		}
	}
	records, next, err := o.Page(after, limit)
	if err != nil {
		hubspotRefuse(w, r, Down)
		return
	}
	results := make([]hubspotResult, len(records))
	for i := range records {
		results[i] = hubspotShown(records[i], hubspotNames(asked(query["properties"]), object))
	}
	out := map[string]any{"results": results}
	if next >= 0 {
		out["paging"] = map[string]any{"next": map[string]string{"after": strconv.Itoa(next), "link": h.s.URL(r, r.URL.Path+"?after="+strconv.Itoa(next))}}
	}
	JSON(w, http.StatusOK, out)
}
