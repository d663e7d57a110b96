package facade

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// zenKind is one kind of record: users, organizations, or the records of a
// custom object.
type zenKind struct {
	object           string // as the sandbox keeps it
	plural, singular string // in paths and bodies
	custom           string // where custom fields stand in a record
	key              string // of the custom object
	own              []string
	keys             []Property // that tell records apart, the strongest first
	id               func(int64) string
}

func zenUsers() zenKind {
	return zenKind{
		object: "users", plural: "users", singular: "user", custom: "user_fields", id: Digits(9_000_000_000),
		keys: []Property{{Name: "external_id"}, {Name: "email", Fold: true}},
		own: []string{
			"alias", "custom_role_id", "default_group_id", "details", "email", "external_id", "identities", "locale", "locale_id", "moderator", "name",
			"notes", "only_private_comments", "organization", "organization_id", "organization_ids", "phone", "remote_photo_url", "restricted_agent", "role",
			"shared_phone_number", "signature", "skip_verify_email", "suspended", "tags", "ticket_restriction", "time_zone", "verified",
		},
	}
}

func zenOrganizations() zenKind {
	return zenKind{
		object: "organizations", plural: "organizations", singular: "organization", custom: "organization_fields", id: Digits(4_000_000_000),
		keys: []Property{{Name: "external_id"}, {Name: "name", Fold: true}},
		own:  []string{"details", "domain_names", "external_id", "group_id", "name", "notes", "shared_comments", "shared_tickets", "tags"},
	}
}

func zenCustom(key string) zenKind {
	return zenKind{
		object: "custom_objects/" + key, plural: "custom_object_records", singular: "custom_object_record", custom: "custom_object_fields", key: key,
		keys: []Property{{Name: "external_id"}, {Name: "name"}}, own: []string{"external_id", "name"},
		id: func(n int64) string { return strings.ToUpper(Prefixed("01J", 23)(n)) },
	}
}

var (
	zenAddress = regexp.MustCompile(`^[^@\s,;<>"]+@[^@\s.,;<>"]+(\.[^@\s.,;<>"]+)+$`)
	zenTag     = regexp.MustCompile(`^[^\s,"'<>;]+$`)
)

const zenRowBytes = 32 << 10

// check says what is wrong with a record; there tells that it changes one that
// there is.
func (z *zen) check(k zenKind, raw json.RawMessage, there bool) (Fields, error) {
	if !gjson.ParseBytes(raw).IsObject() {
		return nil, &zenInvalid{"base", "InvalidFormat", "is invalid"}
	}
	fields := ParseFields(raw)
	if k.key != "" && len(raw) > zenRowBytes {
		return nil, &zenInvalid{"base", "PayloadTooLarge", "Record exceeds the maximum size of 32 KB"}
	}
	for name, value := range fields {
		if why := k.misfit(name, gjson.ParseBytes(value)); why != nil {
			return nil, why
		}
	}
	if name, given := fields["name"]; k.key == "" && (!there && !fields.Has("name") || given && gjson.ParseBytes(name).String() == "") {
		return nil, &zenInvalid{"name", "BlankValue", "Name: is too short (minimum one character)"}
	}
	return fields, z.checkCustom(k, fields)
}

func (z *zen) checkCustom(k zenKind, fields Fields) error {
	custom := ParseFields(fields[k.custom])
	names := make([]string, 0, len(custom))
	for name := range custom {
		names = append(names, name)
	}
	slices.Sort(names)
	known, err := fieldsByName(z.s, k.object, names, "text")
	if err != nil {
		return err
	}
	for _, name := range names {
		f, there := known[name]
		if !there {
			return &zenInvalid{name, "UndefinedField", "Undefined " + strings.ReplaceAll(k.fieldsName(), "_", " ") + ": " + name}
		}
		if why := f.zenMisfit(gjson.ParseBytes(custom[name])); why != "" {
			return &zenInvalid{name, "InvalidValue", why}
		}
	}
	return nil
}

// misfit says why one of the service's own fields cannot have a value. Names
// that it does not know it ignores, as Zendesk does.
func (k zenKind) misfit(name string, v gjson.Result) *zenInvalid {
	switch {
	case v.Type == gjson.Null:
	case name == k.custom && !v.IsObject():
		return &zenInvalid{name, "InvalidFormat", k.custom + ": is invalid"}
	case name == "email" && !zenAddress.MatchString(v.String()):
		return &zenInvalid{name, "InvalidFormat", "Email:  " + v.String() + " is not properly formatted"}
	case name == "role" && !slices.Contains([]string{"end-user", "agent", "admin"}, v.String()):
		return &zenInvalid{name, "InvalidValue", "Role: is invalid"}
	case name == "tags":
		for _, tag := range v.Array() {
			if tag.Type != gjson.String || !zenTag.MatchString(tag.Str) {
				return &zenInvalid{name, "InvalidValue", "Tags: contain characters that are not allowed"}
			}
		}
		if !v.IsArray() {
			return &zenInvalid{name, "InvalidFormat", "Tags: must be an array"}
		}
	case slices.Contains([]string{"verified", "suspended", "moderator", "skip_verify_email", "shared_tickets", "shared_comments"}, name) && !v.IsBool():
		return &zenInvalid{name, "InvalidType", name + ": must be a boolean"}
	case slices.Contains([]string{"name", "external_id"}, name) && v.Type == gjson.JSON:
		return &zenInvalid{name, "InvalidType", name + ": must be a string"}
	}
	return nil
}

// zenWrite is one record to be written.
type zenWrite struct {
	z    *zen
	k    zenKind
	call *Call
	op   string // create, update, create_or_update
	by   string // the field that update and create_or_update find records by; empty: any that identifies, or the id
}

// write puts a record into the account and says whether that was a create or
// an update, and whether it changed anything.
func (w *zenWrite) write(tx *Tx, id string, raw json.RawMessage) (rec Record, action, what string, err error) {
	given := ParseFields(raw)
	old, there, err := w.find(tx, cmp.Or(id, given.Text("id")), given)
	action = "update"
	if !there {
		action = "create"
	}
	if err != nil {
		return rec, action, "rejected", err
	}
	fields, err := w.z.check(w.k, raw, there)
	if err == nil {
		err = w.taken(tx, fields, old.ID)
	}
	if err != nil {
		return rec, action, "rejected", err
	}
	if why, refused := w.call.Poisoned(cmp.Or(fields.Text("external_id"), fields.Text("email"), fields.Text("name"), id), fields); refused {
		return rec, action, "rejected", &zenInvalid{"base", cmp.Or(why.Code, "InvalidValue"), cmp.Or(why.Message, "Record is invalid")}
	}
	kept := w.kept(old.Fields, fields)
	if !there {
		rec, err = tx.Create(w.k.id, kept)
		return rec, action, "created", err
	}
	changed, err := tx.Put(old.ID, kept)
	if err != nil {
		return rec, action, "rejected", err
	}
	rec, _, err = tx.Get(old.ID)
	if changed {
		return rec, action, "updated", err
	}
	return rec, action, "unchanged", err
}

// kept are the fields of a record after a write: what it names is changed.
func (w *zenWrite) kept(old, fields Fields) Fields {
	out := old.Merge(nil)
	for name, value := range fields {
		if slices.Contains(w.k.own, name) && name != "skip_verify_email" {
			out[name] = value
		}
	}
	if fields.Has(w.k.custom) {
		merged, err := json.Marshal(ParseFields(old[w.k.custom]).Merge(ParseFields(fields[w.k.custom])))
		if err == nil {
			out[w.k.custom] = merged
		}
	}
	return out
}

// find gives the record that a write means.
func (w *zenWrite) find(tx *Tx, id string, fields Fields) (Record, bool, error) {
	if w.op == "create" {
		return Record{}, false, nil
	}
	if id != "" {
		rec, there, err := tx.Get(id)
		if err == nil && !there {
			err = &zenInvalid{"id", "RecordNotFound", "Record not found"}
		}
		return rec, there, err
	}
	for _, p := range w.k.keys {
		value := fields.Text(p.Name)
		if value == "" || w.by != "" && w.by != p.Name {
			continue
		}
		rec, there, err := tx.Find(p, value)
		if first := w.k.keys[0].Name; there && fields.Has(first) && rec.Fields.Has(first) && rec.Fields.Text(first) != fields.Text(first) {
			continue // it is another one, and keeps what it has
		}
		if there || err != nil {
			return rec, there, err
		}
	}
	if w.by != "" && fields.Text(w.by) == "" {
		return Record{}, false, &zenInvalid{w.by, "BlankValue", w.by + ": cannot be blank"}
	}
	if w.op == "update" {
		return Record{}, false, &zenInvalid{"id", "RecordNotFound", "Record not found"}
	}
	return Record{}, false, nil
}

// taken reports a value that only one record may have, and another one has.
func (w *zenWrite) taken(tx *Tx, fields Fields, id string) error {
	for _, p := range w.k.keys {
		value := fields.Text(p.Name)
		if value == "" || w.k.key != "" && p.Name == "name" && w.by != "name" {
			continue
		}
		other, there, err := tx.Find(p, value)
		if err != nil {
			return err
		}
		if there && other.ID != id {
			return &zenInvalid{p.Name, "DuplicateValue", p.Name + ": " + value + " is already being used by another " + w.k.singular}
		}
	}
	return nil
}

// shown is a record as answers have it.
func (z *zen) shown(k zenKind, rec *Record) map[string]any {
	out := map[string]any{"created_at": rec.Created, "updated_at": rec.Updated, k.custom: json.RawMessage("{}")}
	for _, name := range []string{"external_id", "name"} {
		out[name] = nil
	}
	path := k.plural + "/" + rec.ID
	if k.key != "" {
		path = "custom_objects/" + k.key + "/records/" + rec.ID
		out["custom_object_key"] = k.key
	}
	out["url"] = z.url(path)
	for name, raw := range rec.Fields {
		out[name] = raw
	}
	out["id"] = k.shownID(rec.ID)
	if k.singular == "user" {
		out["active"] = true
		for name, value := range map[string]any{"role": "end-user", "tags": []string{}, "verified": false, "suspended": false, "email": nil} {
			if out[name] == nil {
				out[name] = value
			}
		}
	}
	return out
}

// shownID is an id as JSON: those of custom objects are texts.
func (k zenKind) shownID(id string) any {
	if k.key != "" {
		return id
	}
	return json.RawMessage(id)
}
