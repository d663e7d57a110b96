package facade

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The sizes of a page of a query.
const (
	sfPageMost  = 2000
	sfPageLeast = 200
	sfCursors   = 100 // queries whose further pages are kept
)

// query answers a query with its first page.
func (o *org) query(w http.ResponseWriter, r *http.Request) {
	q, ok := sfParse(r.URL.Query().Get("q"))
	if !ok {
		sfFail(w, http.StatusBadRequest, "MALFORMED_QUERY", "unexpected token in the query")
		return
	}
	if strings.EqualFold(q.object, "Organization") {
		o.organization(w, r, &q)
		return
	}
	sw, err := o.writer(r, q.object, nil, "")
	if reason, is := err.(*sfReason); is { //nolint:errorlint // writer gives it as it is
		reason.status, reason.code, reason.message = http.StatusBadRequest, "INVALID_TYPE", "sObject type '"+q.object+"' is not supported."
	}
	if err == nil {
		_, err = sfShown(r, sw.name, sw.all, Record{}, q.fields)
	}
	var ids []string
	if err == nil {
		ids, err = sw.matching(&q)
	}
	if err != nil {
		sfAnswerError(w, r, err)
		return
	}
	o.answer(w, r, sw, q.fields, ids, len(ids), 0)
}

// matching are the ids of the records that a query wants.
func (w *sfWriter) matching(q *sfQuery) (ids []string, err error) {
	key, known := w.all[strings.ToLower(q.where)]
	if q.where != "" && !known {
		return nil, &sfReason{code: "INVALID_FIELD", message: "No such column '" + q.where + "' on entity '" + w.name + "'."}
	}
	if key.Name == "Id" || key.Unique {
		ids, err = w.direct(key, q.values)
	} else {
		ids, err = w.scanned(key, q)
	}
	if q.limit > 0 && len(ids) > q.limit {
		ids = ids[:q.limit]
	}
	return ids, err
}

// direct finds records by what identifies them.
func (w *sfWriter) direct(key sfField, values []string) (ids []string, err error) {
	err = w.object.View(func(tx *Tx) error {
		for _, value := range values {
			var rec Record
			var there bool
			var err error
			if key.Name == "Id" {
				rec, there, err = tx.Get(sfLong(value))
			} else {
				rec, there, err = tx.Find(key.property(), value)
			}
			if err != nil {
				return err
			}
			if there && !slices.Contains(ids, rec.ID) {
				ids = append(ids, rec.ID)
			}
		}
		return nil
	})
	return ids, err
}

// scanned looks at every record.
func (w *sfWriter) scanned(key sfField, q *sfQuery) (ids []string, err error) {
	for after := 0; after >= 0; {
		var page []Record
		if page, after, err = w.object.Page(after, 1000); err != nil {
			return nil, err
		}
		for _, rec := range page {
			if q.where == "" || slices.ContainsFunc(q.values, func(v string) bool {
				return strings.EqualFold(v, rec.Fields.Text(key.Name)) || v == "null" && !rec.Fields.Has(key.Name)
			}) {
				ids = append(ids, rec.ID)
			}
		}
	}
	return ids, nil
}

// answer gives one page and keeps the rest.
func (o *org) answer(w http.ResponseWriter, r *http.Request, sw *sfWriter, fields, ids []string, total, start int) {
	size := sfPageMost
	if text, given := strings.CutPrefix(r.Header.Get("Sforce-Query-Options"), "batchSize="); given {
		if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
			size = min(max(n, sfPageLeast), sfPageMost)
		}
	}
	page := ids[:min(size, len(ids))]
	records := []map[string]any{}
	err := sw.object.View(func(tx *Tx) error {
		for _, id := range page {
			rec, there, err := tx.Get(id)
			if err != nil {
				return err
			}
			if !there {
				continue // deleted since
			}
			shown, err := sfShown(r, sw.name, sw.all, rec, fields)
			if err != nil {
				return err
			}
			records = append(records, shown)
		}
		return nil
	})
	if err != nil {
		sfAnswerError(w, r, err)
		return
	}
	out := map[string]any{"totalSize": total, "done": len(page) == len(ids), "records": records}
	if len(page) < len(ids) {
		out["nextRecordsUrl"] = o.keep(r, sw.name, fields, ids[len(page):], total, start+len(page))
	}
	CallOf(r).Mode = "read"
	JSON(w, http.StatusOK, out)
}

// keep remembers the rest of a query and gives its address.
func (o *org) keep(r *http.Request, object string, fields, rest []string, total, start int) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.cursors) >= sfCursors {
		clear(o.cursors)
	}
	locator := Checked18("01g")(o.requests.Load()) + "-" + strconv.Itoa(start)
	o.cursors[locator] = slices.Concat([]string{object, strings.Join(fields, ","), strconv.Itoa(total), strconv.Itoa(start)}, rest)
	return "/services/data/" + r.PathValue("version") + "/query/" + locator
}

// queryMore answers a query with one of its further pages.
func (o *org) queryMore(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	kept := o.cursors[r.PathValue("locator")]
	o.mu.Unlock()
	if kept == nil {
		sfFail(w, http.StatusBadRequest, "INVALID_QUERY_LOCATOR", "invalid query locator")
		return
	}
	sw, err := o.writer(r, kept[0], nil, "")
	if err != nil {
		sfAnswerError(w, r, err)
		return
	}
	total, _ := strconv.Atoi(kept[2])
	start, _ := strconv.Atoi(kept[3])
	o.answer(w, r, sw, strings.Split(kept[1], ","), kept[4:], total, start)
}

// organization answers queries about the org itself.
func (o *org) organization(w http.ResponseWriter, r *http.Request, q *sfQuery) {
	all, err := o.fields("Organization")
	rec := Record{ID: o.orgID(), Created: o.s.Now(), Updated: o.s.Now(), Fields: Fields{"IsSandbox": []byte("true")}}
	rec.Fields.Set("Name", "Sandbox of "+o.s.Connection)
	rec.Fields.Set("OrganizationType", "Developer Edition")
	rec.Fields.Set("InstanceName", "SBX0")
	var shown map[string]any
	if err == nil {
		shown, err = sfShown(r, "Organization", all, rec, q.fields)
	}
	if err != nil {
		sfAnswerError(w, r, err)
		return
	}
	JSON(w, http.StatusOK, map[string]any{"totalSize": 1, "done": true, "records": []any{shown}})
}
