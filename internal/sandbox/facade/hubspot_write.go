package facade

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// known gives the definitions of an object with those of all properties that
// inputs name. In a strict sandbox properties that nobody declared are
// unknown; otherwise they become texts.
func (h *hub) known(object string, inputs []hubspotInput) (all map[string]hubspotProperty, unknown []string, err error) {
	h.s.Schema.Lock()
	defer h.s.Schema.Unlock()
	if all, err = h.definitions(object); err != nil {
		return nil, nil, err
	}
	var added []hubspotProperty
	note := func(name string, key bool) {
		if _, known := all[name]; known || slices.Contains(unknown, name) {
			return
		}
		if h.s.Strict || !hubspotName().MatchString(name) {
			unknown = append(unknown, name)
			return
		}
		p := textProperty(name)
		p.HasUniqueValue = key
		all[name] = p
		added = append(added, p)
	}
	for i := range inputs {
		if key := inputs[i].IDProperty; key != "" {
			note(key, true)
		}
		for _, name := range slices.Sorted(keysOf(inputs[i].Properties)) {
			note(name, false)
		}
	}
	if len(unknown) > 0 || len(added) == 0 {
		return all, unknown, nil
	}
	return all, nil, h.define(object, all, added...)
}

func keysOf(m map[string]json.RawMessage) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for name := range m {
			if !yield(name) {
				return
			}
		}
	}
}

// hubspotWriter writes the inputs of one request.
type hubspotWriter struct {
	h    *hub
	o    *Object
	all  map[string]hubspotProperty
	op   string // upsert, update, create
	call *Call
}

// write carries out one input. A reason is for the input, any other error for
// the request.
func (w *hubspotWriter) write(tx *Tx, in *hubspotInput) (hubspotResult, string, error) {
	old, there, err := w.find(tx, in)
	if err != nil {
		return hubspotResult{}, "", err
	}
	fields := Fields(in.Properties)
	if fields == nil {
		fields = Fields{}
	}
	if in.IDProperty != "" && in.IDProperty != "hs_object_id" && !there && !fields.Has(in.IDProperty) {
		fields = fields.Merge(nil)
		fields.Set(in.IDProperty, in.ID)
	}
	if err := w.check(tx, fields, old.ID); err != nil {
		return hubspotResult{}, "", err
	}
	if p, refused := w.call.Poisoned(cmp.Or(in.ID, fields.Text("email")), fields); refused {
		return hubspotResult{}, "", &hubspotReason{
			category: cmp.Or(p.Code, "VALIDATION_ERROR"), message: cmp.Or(p.Message, "Property values were not valid: a value was refused."), code: "INVALID_VALUE",
		}
	}
	if !there {
		made, err := tx.Create(Digits(500), fields)
		return w.result(made, in, true), "created", err
	}
	merged := old.Fields.Merge(forward(old.Fields, fields))
	changed, err := tx.Put(old.ID, merged)
	if err != nil {
		return hubspotResult{}, "", err
	}
	now, _, err := tx.Get(old.ID)
	what := "unchanged"
	if changed {
		what = "updated"
	}
	return w.result(now, in, false), what, err
}

// find gives the record that an input addresses.
func (w *hubspotWriter) find(tx *Tx, in *hubspotInput) (rec Record, there bool, err error) {
	if w.op == "create" {
		return Record{}, false, nil
	}
	if in.ID == "" {
		return Record{}, false, &hubspotReason{category: "VALIDATION_ERROR", message: "Some required fields were not set: [id]", code: "REQUIRED_FIELD", property: "id"}
	}
	if in.IDProperty == "" || in.IDProperty == "hs_object_id" {
		rec, there, err = tx.Get(in.ID)
	} else {
		p := w.all[in.IDProperty]
		if !hubspotUnique(&p) {
			return Record{}, false, &hubspotReason{
				category: "VALIDATION_ERROR", message: "Property " + in.IDProperty + " is not a unique identifier", code: "INVALID_ID_PROPERTY", property: in.IDProperty,
			}
		}
		rec, there, err = tx.Find(hubspotKey(in.IDProperty), in.ID)
	}
	byID := in.IDProperty == "" || in.IDProperty == "hs_object_id"
	if err == nil && !there && (w.op == "update" || byID) {
		err = &hubspotReason{category: "OBJECT_NOT_FOUND", message: "No record has the id " + in.ID, ids: []string{in.ID}}
	}
	return rec, there, err
}

// hubspotKey is a property that identifies: addresses without regard to case.
func hubspotKey(name string) Property { return Property{Name: name, Fold: name == "email"} }

// check finds the first value that is refused. Own is the id of the record
// that gets the values.
func (w *hubspotWriter) check(tx *Tx, fields Fields, own string) error {
	for _, name := range slices.Sorted(keysOf(fields)) {
		p, value := w.all[name], fields.Text(name)
		if p.Modification.ReadOnlyValue || p.Calculated {
			return &hubspotReason{category: "VALIDATION_ERROR", message: name + " is a read only property; its value cannot be set.", code: "READ_ONLY_VALUE", property: name}
		}
		if code, message := p.check(value); code != "" {
			return &hubspotReason{category: "VALIDATION_ERROR", message: "Property values were not valid: " + name + " " + message, code: code, property: name}
		}
		if !hubspotUnique(&p) || value == "" {
			continue
		}
		other, taken, err := tx.Find(hubspotKey(name), value)
		if err != nil {
			return err
		}
		if taken && other.ID != own {
			return &hubspotReason{category: "CONFLICT", message: "A record with this " + name + " exists already. Existing ID: " + other.ID, existing: other.ID}
		}
	}
	return nil
}

// forward leaves out a lifecycle stage that would move back.
func forward(old, fields Fields) Fields {
	before, after := slices.Index(hubspotStages, old.Text("lifecyclestage")), slices.Index(hubspotStages, fields.Text("lifecyclestage"))
	if before < 0 || after < 0 || after >= before {
		return fields
	}
	out := fields.Merge(nil)
	delete(out, "lifecyclestage")
	return out
}

func (w *hubspotWriter) result(rec Record, in *hubspotInput, made bool) hubspotResult {
	names := slices.Collect(keysOf(in.Properties))
	out := hubspotShown(rec, names)
	out.Trace = in.Trace
	if w.op == "upsert" {
		out.New = &made
	}
	return out
}

// hubspotShown is a record with those of its properties that were asked for,
// and those that always come with it. What it has no value of is null.
func hubspotShown(rec Record, names []string) hubspotResult {
	created, updated := rec.Created.Format(time.RFC3339Nano), rec.Updated.Format(time.RFC3339Nano)
	out := hubspotResult{ID: rec.ID, CreatedAt: rec.Created, UpdatedAt: rec.Updated, Properties: map[string]*string{}}
	for _, name := range names {
		var value *string
		if text := rec.Fields.Text(name); text != "" {
			value = &text
		}
		out.Properties[name] = value
	}
	if _, email := rec.Fields["email"]; email && slices.Contains(names, "email") {
		lower := strings.ToLower(rec.Fields.Text("email"))
		out.Properties["email"] = &lower
	}
	out.Properties["hs_object_id"], out.Properties["createdate"], out.Properties["hs_lastmodifieddate"] = &rec.ID, &created, &updated
	return out
}
