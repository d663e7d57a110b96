package facade

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Requests for one record, and those that read several.

func (z *zen) create(w http.ResponseWriter, r *http.Request, k zenKind) {
	z.writeOne(w, r, &zenWrite{z: z, k: k, call: CallOf(r), op: "create"}, "")
}

func (z *zen) createOrUpdate(w http.ResponseWriter, r *http.Request, k zenKind) {
	by := "" // of users any that identifies
	if k.singular == "organization" {
		by = "external_id"
	}
	z.writeOne(w, r, &zenWrite{z: z, k: k, call: CallOf(r), op: "create_or_update", by: by}, "")
}

func (z *zen) update(w http.ResponseWriter, r *http.Request, k zenKind) {
	id := r.PathValue("id")
	if _, there, err := z.get(k, id); err != nil || !there {
		z.missing(w, r, err)
		return
	}
	z.writeOne(w, r, &zenWrite{z: z, k: k, call: CallOf(r), op: "update"}, id)
}

func (z *zen) missing(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		zendeskRefuse(w, r, Down)
		return
	}
	zendeskRefuse(w, r, NotFound)
}

func (z *zen) writeOne(w http.ResponseWriter, r *http.Request, wr *zenWrite, id string) {
	raw, ok := zendeskBody(w, r, wr.k.singular)
	if !ok {
		return
	}
	o, err := z.s.Object(wr.k.object)
	rec, action, what := Record{}, "", "rejected"
	if err == nil {
		err = o.Update(func(tx *Tx) (err error) {
			rec, action, what, err = wr.write(tx, id, raw)
			return err
		})
	}
	if err != nil {
		wr.call.Report(wr.op, "rejected", 1)
		zendeskAnswer(w, r, err)
		return
	}
	wr.call.Report(wr.op, what, 1)
	status := http.StatusOK
	if action == "create" {
		status = http.StatusCreated
	}
	JSON(w, status, map[string]any{wr.k.singular: z.shown(wr.k, &rec)})
}

func (z *zen) get(k zenKind, id string) (rec Record, there bool, err error) {
	o, err := z.s.Object(k.object)
	if err != nil {
		return rec, false, err
	}
	err = o.View(func(tx *Tx) (err error) {
		rec, there, err = tx.Get(id)
		return err
	})
	return rec, there, err
}

func (z *zen) show(w http.ResponseWriter, r *http.Request, k zenKind) {
	rec, there, err := z.get(k, r.PathValue("id"))
	if err != nil || !there {
		z.missing(w, r, err)
		return
	}
	CallOf(r).Mode = "read"
	JSON(w, http.StatusOK, map[string]any{k.singular: z.shown(k, &rec)})
}

// destroy deletes a record. A user becomes inactive, and is found no more.
func (z *zen) destroy(w http.ResponseWriter, r *http.Request, k zenKind) {
	rec, there, err := z.get(k, r.PathValue("id"))
	if err == nil && there {
		err = z.drop(k, []string{rec.ID}, CallOf(r))
	}
	switch {
	case err != nil || !there:
		z.missing(w, r, err)
	case k.singular == "user":
		gone := z.shown(k, &rec)
		gone["active"] = false
		JSON(w, http.StatusOK, map[string]any{"user": gone})
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (z *zen) drop(k zenKind, ids []string, call *Call) error {
	o, err := z.s.Object(k.object)
	if err != nil {
		return err
	}
	return o.Update(func(tx *Tx) error {
		for _, id := range ids {
			was, err := tx.Delete(id)
			if err != nil {
				return err
			}
			if was {
				call.Report("delete", "deleted", 1)
			}
		}
		return nil
	})
}

// showMany gives the records of up to 100 ids or external ids that there are.
func (z *zen) showMany(w http.ResponseWriter, r *http.Request, k zenKind) {
	found, ok := z.asked(w, r, k, r.URL.Query().Get("ids"), r.URL.Query().Get("external_ids"))
	if !ok {
		return
	}
	JSON(w, http.StatusOK, map[string]any{k.plural: found, "count": len(found), "next_page": nil, "previous_page": nil})
}

// asked finds records by lists of ids or external ids, parted by commas.
func (z *zen) asked(w http.ResponseWriter, r *http.Request, k zenKind, ids, externalIDs string) (found []any, ok bool) {
	values := strings.Split(ids+externalIDs, ",")
	if ids+externalIDs == "" || len(values) > 100 {
		zendeskTitled(w, http.StatusBadRequest, "Invalid attribute", "Between 1 and 100 ids must be given")
		return nil, false
	}
	o, err := z.s.Object(k.object)
	found = []any{}
	if err == nil {
		err = o.View(func(tx *Tx) error {
			for _, value := range slices.Compact(slices.Sorted(slices.Values(values))) {
				rec, there, err := tx.Get(value)
				if externalIDs != "" {
					rec, there, err = tx.Find(Property{Name: "external_id"}, value)
				}
				if err != nil {
					return err
				}
				if there {
					found = append(found, z.shown(k, &rec))
				}
			}
			return nil
		})
	}
	if err != nil {
		zendeskRefuse(w, r, Down)
		return nil, false
	}
	CallOf(r).Mode = "read"
	return found, true
}

// list gives records by page, or those that a filter names.
func (z *zen) list(w http.ResponseWriter, r *http.Request, k zenKind) {
	q := r.URL.Query()
	if ids, external := q.Get("filter[ids]"), q.Get("filter[external_ids]"); k.key != "" && ids+external != "" {
		if found, ok := z.asked(w, r, k, ids, external); ok {
			JSON(w, http.StatusOK, map[string]any{k.plural: found, "count": len(found), "meta": map[string]any{"has_more": false}, "links": map[string]any{"next": nil, "prev": nil}})
		}
		return
	}
	size, _ := strconv.Atoi(q.Get("page[size]"))
	from, _ := strconv.Atoi(q.Get("page[after]"))
	if size < 1 || size > 100 {
		size = 100
	}
	o, err := z.s.Object(k.object)
	var records []Record
	next := -1
	if err == nil {
		records, next, err = o.Page(max(from, 0), size)
	}
	if err != nil {
		zendeskRefuse(w, r, Down)
		return
	}
	out, meta, links := []any{}, map[string]any{"has_more": next >= 0, "after_cursor": nil, "before_cursor": nil}, map[string]any{"next": nil, "prev": nil}
	for i := range records {
		out = append(out, z.shown(k, &records[i]))
	}
	if next >= 0 {
		meta["after_cursor"] = strconv.Itoa(next)
		q.Set("page[after]", strconv.Itoa(next))
		links["next"] = z.s.URL(r, r.URL.EscapedPath()+"?"+q.Encode())
	}
	CallOf(r).Mode = "read"
	JSON(w, http.StatusOK, map[string]any{k.plural: out, "meta": meta, "links": links})
}

// zenItems reads a list of records, of up to 100.
func zenItems(w http.ResponseWriter, raw json.RawMessage, name string) ([]json.RawMessage, bool) {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil || len(items) == 0 {
		zendeskTitled(w, http.StatusBadRequest, "Invalid attribute", name+" must be a list")
		return nil, false
	}
	if len(items) > 100 {
		zendeskFail(w, &zenError{status: http.StatusBadRequest, Error: "TooManyValues", Description: "Too many values for " + name + ". Limit is 100"})
		return nil, false
	}
	return items, true
}
