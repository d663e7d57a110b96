package facade

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// sfWriter writes records of one object for one request.
type sfWriter struct {
	o      *org
	name   string // of the object
	object *Object
	all    map[string]sfField
	call   *Call
}

// writer gives what writes to an object. Custom fields that nobody declared
// become texts, unless the sandbox is strict; external is one that records
// are found by.
func (o *org) writer(r *http.Request, object string, rows []Fields, external string) (*sfWriter, error) {
	name, known := o.objectName(object)
	if !known || name == "Organization" {
		return nil, &sfReason{status: http.StatusNotFound, code: "NOT_FOUND", message: "The requested resource does not exist"}
	}
	o.s.Schema.Lock()
	defer o.s.Schema.Unlock()
	all, err := o.fields(name)
	if err != nil {
		return nil, err
	}
	var added []sfField
	note := func(field string, key bool) {
		lower := strings.ToLower(field)
		if _, known := all[lower]; !known && !o.s.Strict && sfName.MatchString(field) && strings.HasSuffix(lower, "__c") {
			all[lower] = sfCustom(field, "", key)
			added = append(added, all[lower])
		}
	}
	if external != "" {
		note(external, true)
	}
	for _, row := range rows {
		for _, field := range slices.Sorted(keysOf(row)) {
			note(field, false)
		}
	}
	if _, standard := sfStandard[name]; len(added) > 0 || !standard {
		if err := o.define(name, added...); err != nil {
			return nil, err
		}
	}
	records, err := o.s.Object(name)
	return &sfWriter{o: o, name: name, object: records, all: all, call: CallOf(r)}, err
}

// external gives the field that records are found by.
func (w *sfWriter) external(name string) (sfField, error) {
	f, known := w.all[strings.ToLower(name)]
	if !known || !f.ExternalID && f.Name != "Id" {
		return f, &sfReason{
			status: http.StatusNotFound, code: "NOT_FOUND", message: "Provided external ID field does not exist or is not accessible: " + name,
		}
	}
	return f, nil
}

func (f *sfField) property() Property { return Property{Name: f.Name, Fold: !f.CaseSensitive} }

// parse gives the fields of a row by their right names and types. A value of
// another type is an error of the request.
func (w *sfWriter) parse(row Fields) (Fields, error) {
	out := Fields{}
	for _, name := range slices.Sorted(keysOf(row)) {
		f, known := w.all[strings.ToLower(name)]
		if !known {
			out[name] = row[name] // is refused with its record
			continue
		}
		value, err := f.parse(row[name])
		if err != nil {
			return nil, err
		}
		out[f.Name] = value
	}
	return out, nil
}

// create makes a record.
func (w *sfWriter) create(tx *Tx, fields Fields) (Record, error) {
	if fields.Has("Id") {
		return Record{}, &sfReason{code: "INVALID_FIELD_FOR_INSERT_UPDATE", message: "cannot specify Id in an insert call", fields: []string{"Id"}}
	}
	fields = fields.Merge(nil)
	delete(fields, "Id")
	if err := w.check(tx, fields, "", true); err != nil {
		return Record{}, err
	}
	return tx.Create(Checked18(sfPrefix(w.name)), w.computed(fields, Fields{}))
}

// update changes a record; changed is false where all was so already.
func (w *sfWriter) update(tx *Tx, old Record, fields Fields) (changed bool, err error) {
	fields = fields.Merge(nil)
	delete(fields, "Id")
	if err := w.check(tx, fields, old.ID, false); err != nil {
		return false, err
	}
	return tx.Put(old.ID, w.computed(fields, old.Fields))
}

// computed are all fields of a record, with those that follow from others.
func (w *sfWriter) computed(fields, old Fields) Fields {
	out := old.Merge(fields)
	if w.name == "Contact" || w.name == "Lead" {
		out.Set("Name", strings.TrimSpace(out.Text("FirstName")+" "+out.Text("LastName")))
	}
	return out
}

// get finds a record by an id of 15 or 18 characters.
func (w *sfWriter) get(tx *Tx, id string) (Record, error) {
	if !sfID.MatchString(id) {
		return Record{}, &sfReason{code: "MALFORMED_ID", message: "Record ID: id value of incorrect type: " + id, fields: []string{"Id"}}
	}
	id = sfLong(id)
	rec, there, err := tx.Get(id)
	if err != nil || there {
		return rec, err
	}
	if _, deleted, err := tx.Deleted(id); err != nil || deleted {
		return Record{}, cmp.Or(err, error(&sfReason{status: http.StatusNotFound, code: "ENTITY_IS_DELETED", message: "entity is deleted"}))
	}
	return Record{}, &sfReason{status: http.StatusNotFound, code: "INVALID_CROSS_REFERENCE_KEY", message: "invalid cross reference id"}
}

// sfLong is an id with the three characters that tell its capitals.
func sfLong(id string) string {
	if len(id) == 15 {
		return id + string(capitals([]byte(id)))
	}
	return id
}

// upsert finds a record by an external id and changes it, or makes it.
func (w *sfWriter) upsert(tx *Tx, key sfField, fields Fields) (rec Record, what string, err error) {
	if key.Name == "Id" {
		return w.upsertByID(tx, fields)
	}
	value := fields.Text(key.Name)
	if value == "" {
		return rec, "", &sfReason{code: "MISSING_ARGUMENT", message: key.Name + " not specified", fields: []string{}}
	}
	if p, poisoned := w.call.Poisoned(value, fields); poisoned {
		return rec, "", sfPoisoned(p)
	}
	rec, there, err := tx.Find(key.property(), value)
	if err != nil {
		return rec, "", err
	}
	if !there {
		rec, err = w.create(tx, fields)
		return rec, "created", err
	}
	changed, err := w.update(tx, rec, fields)
	return rec, sfChange(changed), err
}

func (w *sfWriter) upsertByID(tx *Tx, fields Fields) (rec Record, what string, err error) {
	if !fields.Has("Id") {
		rec, err = w.create(tx, fields)
		return rec, "created", err
	}
	if rec, err = w.get(tx, fields.Text("Id")); err != nil {
		return rec, "", err
	}
	changed, err := w.update(tx, rec, fields)
	return rec, sfChange(changed), err
}

func sfChange(changed bool) string {
	if changed {
		return "updated"
	}
	return "unchanged"
}

func sfPoisoned(p Poison) error {
	return &sfReason{code: cmp.Or(p.Code, "FIELD_CUSTOM_VALIDATION_EXCEPTION"), message: cmp.Or(p.Message, "A validation rule refuses this record.")}
}

// check finds the first value that is refused. Own is the id of the record
// that gets the values.
func (w *sfWriter) check(tx *Tx, fields Fields, own string, creates bool) error {
	for _, name := range slices.Sorted(keysOf(fields)) {
		f, known := w.all[strings.ToLower(name)]
		switch {
		case !known:
			return &sfReason{code: "INVALID_FIELD", message: fmt.Sprintf("No such column '%s' on sobject of type %s", name, w.name), fields: []string{}}
		case creates && !f.Createable, !creates && !f.Updateable:
			return &sfReason{
				code: "INVALID_FIELD_FOR_INSERT_UPDATE", fields: []string{f.Name},
				message: "Unable to create/update fields: " + f.Name + ". Please check the security settings of this field and verify that it is read/write for your profile or permission set.",
			}
		}
		if err := f.check(fields[name]); err != nil {
			return err
		}
		if err := w.alone(tx, &f, fields, own); err != nil {
			return err
		}
	}
	return w.required(fields, creates)
}

// alone makes sure that a unique value is nobody else's.
func (w *sfWriter) alone(tx *Tx, f *sfField, fields Fields, own string) error {
	if !f.Unique || !fields.Has(f.Name) {
		return nil
	}
	other, taken, err := tx.Find(f.property(), fields.Text(f.Name))
	if err != nil || !taken || other.ID == own {
		return err
	}
	return &sfReason{code: "DUPLICATE_VALUE", message: fmt.Sprintf("duplicate value found: %s duplicates value on record with id: %s", f.Name, other.ID), fields: []string{}}
}

func (w *sfWriter) required(fields Fields, creates bool) error {
	var missing []string
	for _, f := range w.all {
		if f.Nillable || f.DefaultedOnCreate || !f.Createable {
			continue
		}
		if _, given := fields[f.Name]; !fields.Has(f.Name) && (creates || given) {
			missing = append(missing, f.Name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return &sfReason{code: "REQUIRED_FIELD_MISSING", message: "Required fields are missing: [" + strings.Join(missing, ", ") + "]", fields: missing}
}

// sfRow reads an object of a request: its fields without attributes.
func sfRow(raw json.RawMessage) (fields Fields, object string, err error) {
	if len(raw) == 0 || raw[0] != '{' {
		return nil, "", &sfReason{status: http.StatusBadRequest, code: "JSON_PARSER_ERROR", message: "The HTTP entity body is required to be an object"}
	}
	fields = ParseFields(raw)
	object = ParseFields(fields["attributes"]).Text("type")
	delete(fields, "attributes")
	return fields, object, nil
}
