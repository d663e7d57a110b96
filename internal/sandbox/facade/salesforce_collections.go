package facade

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// sfMany is the most records that one request of a collection has.
const sfMany = 200

// sfResult is what became of one record of a collection.
type sfResult struct {
	ID      string       `json:"id,omitempty"`
	Success bool         `json:"success"`
	Errors  []sfRowError `json:"errors"`
	Created *bool        `json:"created,omitempty"`
}

type sfRowError struct {
	StatusCode string   `json:"statusCode"`
	Message    string   `json:"message"`
	Fields     []string `json:"fields"`
}

func sfRefused(reason *sfReason) sfResult {
	fields := reason.fields
	if fields == nil {
		fields = []string{}
	}
	return sfResult{Errors: []sfRowError{{StatusCode: reason.code, Message: reason.message, Fields: fields}}}
}

// sfCollection is the body of a collection.
type sfCollection struct {
	AllOrNone bool              `json:"allOrNone"`
	Records   []json.RawMessage `json:"records"`
}

// sfStep writes one row: it gives its result and what that is called.
type sfStep func(w *sfWriter, tx *Tx, row Fields) (sfResult, string, error)

// errRollback takes a collection back of which all or nothing is wanted.
var errRollback = errors.New("one record was refused")

func (o *org) createMany(w http.ResponseWriter, r *http.Request) {
	o.collection(w, r, "create", "", func(sw *sfWriter, tx *Tx, row Fields) (sfResult, string, error) {
		if p, poisoned := sw.call.Poisoned(sw.label(row), row); poisoned {
			return sfResult{}, "", sfPoisoned(p)
		}
		rec, err := sw.create(tx, row)
		return sfResult{ID: rec.ID, Success: true, Errors: []sfRowError{}}, "created", err
	})
}

func (o *org) updateMany(w http.ResponseWriter, r *http.Request) {
	o.collection(w, r, "update", "", func(sw *sfWriter, tx *Tx, row Fields) (sfResult, string, error) {
		if !row.Has("Id") {
			return sfResult{}, "", &sfReason{code: "MISSING_ARGUMENT", message: "Id not specified in an update call", fields: []string{"Id"}}
		}
		rec, err := sw.get(tx, row.Text("Id"))
		if err != nil {
			return sfResult{}, "", err
		}
		if p, poisoned := sw.call.Poisoned(sw.label(rec.Fields.Merge(row)), row); poisoned {
			return sfResult{}, "", sfPoisoned(p)
		}
		changed, err := sw.update(tx, rec, row)
		return sfResult{ID: rec.ID, Success: true, Errors: []sfRowError{}}, sfChange(changed), err
	})
}

func (o *org) upsertMany(w http.ResponseWriter, r *http.Request) {
	field := r.PathValue("field")
	o.collection(w, r, "upsert", field, func(sw *sfWriter, tx *Tx, row Fields) (sfResult, string, error) {
		key, err := sw.external(field)
		if err != nil {
			return sfResult{}, "", err
		}
		rec, what, err := sw.upsert(tx, key, row)
		created := what == "created"
		return sfResult{ID: rec.ID, Success: true, Errors: []sfRowError{}, Created: &created}, what, err
	})
}

// label is what a record is known by: its external id, else its name.
func (w *sfWriter) label(fields Fields) string {
	for name := range fields {
		if f := w.all[strings.ToLower(name)]; f.ExternalID {
			return fields.Text(name)
		}
	}
	return fields.Text("Name") + fields.Text("LastName")
}

// collection writes up to 200 records, and answers in their order.
func (o *org) collection(w http.ResponseWriter, r *http.Request, mode, external string, step sfStep) {
	body, err := ReadBody(r, 16<<20)
	var c sfCollection
	if err == nil && json.Unmarshal(body, &c) != nil {
		err = &sfReason{code: "JSON_PARSER_ERROR", message: "The HTTP entity body is no collection of records"}
	}
	if err == nil && len(c.Records) > sfMany {
		err = &sfReason{code: "EXCEEDED_ID_LIMIT", message: "record limit reached. cannot submit more than 200 records into this call"}
	}
	if err != nil {
		sfAnswerError(w, r, err)
		return
	}
	results, err := o.runs(r, mode, external, &c, step)
	if err != nil {
		sfAnswerError(w, r, err)
		return
	}
	JSON(w, http.StatusOK, results)
}

// sfRun are neighbouring records of one object.
type sfRun struct {
	object string
	rows   []Fields
}

// runs writes a collection object by object.
func (o *org) runs(r *http.Request, mode, external string, c *sfCollection, step sfStep) ([]sfResult, error) {
	runs, err := sfRuns(c, r.PathValue("object"))
	if err != nil {
		return nil, err
	}
	results := []sfResult{}
	var writers []*sfWriter
	for i := range runs { // nothing is written unless all can be read
		sw, err := o.writer(r, runs[i].object, runs[i].rows, external)
		if err == nil && external != "" {
			_, err = sw.external(external)
		}
		for k := 0; err == nil && k < len(runs[i].rows); k++ {
			runs[i].rows[k], err = sw.parse(runs[i].rows[k])
		}
		if err != nil {
			return nil, err
		}
		writers = append(writers, sw)
	}
	for i := range runs {
		part, err := writers[i].run(mode, external, runs[i].rows, c.AllOrNone, step)
		if err != nil {
			return nil, err
		}
		results = append(results, part...)
	}
	return results, nil
}

// sfRuns parts a collection by objects.
func sfRuns(c *sfCollection, of string) ([]sfRun, error) {
	var runs []sfRun
	for _, raw := range c.Records {
		fields, object, err := sfRow(raw)
		switch {
		case err != nil:
			return nil, err
		case object == "":
			return nil, &sfReason{code: "INVALID_TYPE", message: "A record has no attributes with its type"}
		case of != "" && !strings.EqualFold(of, object):
			return nil, &sfReason{code: "INVALID_TYPE", message: "A record is of another type than the request"}
		}
		if n := len(runs); n == 0 || !strings.EqualFold(runs[n-1].object, object) {
			runs = append(runs, sfRun{object: object})
		}
		runs[len(runs)-1].rows = append(runs[len(runs)-1].rows, fields)
	}
	return runs, nil
}

// run writes records of one object.
func (w *sfWriter) run(mode, external string, rows []Fields, allOrNone bool, step sfStep) ([]sfResult, error) {
	var results []sfResult
	counts := map[string]int{}
	again := w.repeated(external, rows)
	err := w.object.Update(func(tx *Tx) error {
		for i, row := range rows {
			result, what, err := w.attempt(tx, row, external, again[i], step)
			if err != nil {
				return err
			}
			results = append(results, result)
			counts[what]++
		}
		if allOrNone && counts["rejected"] > 0 {
			return errRollback
		}
		return nil
	})
	if errors.Is(err, errRollback) {
		for i := range results {
			if results[i].Success {
				results[i] = sfRefused(&sfReason{code: "ALL_OR_NONE_OPERATION_ROLLED_BACK", message: "Record rolled back because not all records were valid and the request was using AllOrNone header"})
			}
		}
		counts, err = map[string]int{"rejected": len(rows)}, nil
	}
	for what, n := range counts {
		w.call.Report(mode, what, n)
	}
	return results, err
}

// attempt writes one row; what is refused is a result, too.
func (w *sfWriter) attempt(tx *Tx, row Fields, external string, again bool, step sfStep) (sfResult, string, error) {
	if again {
		return sfRefused(&sfReason{code: "DUPLICATE_VALUE", message: "Duplicate external id specified: " + row.Text(external)}), "rejected", nil
	}
	result, what, err := step(w, tx, row)
	if reason, is := errors.AsType[*sfReason](err); is {
		return sfRefused(reason), "rejected", nil
	}
	return result, what, err
}

// repeated marks rows whose external id stands in a request more than once.
func (w *sfWriter) repeated(external string, rows []Fields) []bool {
	out := make([]bool, len(rows))
	if external == "" {
		return out
	}
	f := w.all[strings.ToLower(external)]
	first := map[string]int{}
	for i, row := range rows {
		value := fold(f.property(), row.Text(f.Name))
		if at, twice := first[value]; twice && value != "" {
			out[i], out[at] = true, true
			continue
		}
		first[value] = i
	}
	if w.call.Duplicated() && len(rows) > 1 {
		out[0], out[1] = true, true
	}
	return out
}

// deleteMany deletes records by ids of any objects.
func (o *org) deleteMany(w http.ResponseWriter, r *http.Request) {
	ids := strings.Split(r.URL.Query().Get("ids"), ",")
	if len(ids) > sfMany {
		sfFail(w, http.StatusBadRequest, "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than 200 records into this call")
		return
	}
	results := make([]sfResult, len(ids))
	counts := map[string]int{}
	for i, id := range ids {
		err := o.remove(r, id)
		reason, is := errors.AsType[*sfReason](err)
		switch {
		case err == nil:
			results[i] = sfResult{ID: id, Success: true, Errors: []sfRowError{}}
			counts["deleted"]++
		case is:
			results[i] = sfRefused(reason)
			results[i].ID = id
			counts["rejected"]++
		default:
			salesforceRefuse(w, r, Down)
			return
		}
	}
	for what, n := range counts {
		CallOf(r).Report("delete", what, n)
	}
	JSON(w, http.StatusOK, results)
}

// remove deletes the record with an id, whatever object it is of.
func (o *org) remove(r *http.Request, id string) error {
	names, err := o.objectNames()
	if err != nil {
		return err
	}
	var refused error = &sfReason{code: "MALFORMED_ID", message: "malformed id " + id, fields: []string{}}
	for _, name := range names {
		if !sfID.MatchString(id) || sfPrefix(name) != id[:3] {
			continue
		}
		w, err := o.writer(r, name, nil, "")
		if err != nil {
			return err
		}
		err = w.object.Update(func(tx *Tx) error { return w.delete(tx, id) })
		if reason, is := errors.AsType[*sfReason](err); is && reason.code == "INVALID_CROSS_REFERENCE_KEY" {
			refused = err
			continue // another object may have the same first letters
		}
		return err
	}
	return refused
}

func (w *sfWriter) delete(tx *Tx, id string) error {
	rec, err := w.get(tx, id)
	if err != nil {
		return err
	}
	if p, poisoned := w.call.Poisoned(w.label(rec.Fields), nil); poisoned {
		return sfPoisoned(p)
	}
	_, err = tx.Delete(rec.ID)
	return err
}
