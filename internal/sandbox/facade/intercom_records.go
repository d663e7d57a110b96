package facade

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// commOwn are the fields of an object that are Intercom's own.
func commOwn(object string) []string {
	switch object {
	case "contacts":
		return []string{
			"role", "external_id", "email", "email_verified", "phone", "name", "avatar", "signed_up_at", "last_seen_at", "owner_id",
			"unsubscribed_from_emails", "language_override",
		}
	case "companies":
		return []string{"company_id", "name", "plan", "size", "website", "industry", "monthly_spend", "remote_created_at"}
	}
	return []string{"external_id", "external_created_at", "external_updated_at"}
}

// commKind is one kind of record.
type commKind struct {
	object string // as the sandbox keeps it
	word   string // in answers
	key    string
	prefix string // of ids
}

func commContacts() commKind  { return commKind{"contacts", "contact", "external_id", "6a"} }
func commCompanies() commKind { return commKind{"companies", "company", "company_id", "6c"} }
func commInstances(name string) commKind {
	return commKind{"custom_objects/" + name, name, "external_id", "22"}
}

func (k commKind) id(n int64) string { return fmt.Sprintf("%s%022x", k.prefix, n) }

var commAddress = regexp.MustCompile(`^[^@\s,;<>"]+@[^@\s.,;<>"]+(\.[^@\s.,;<>"]+)+$`)

// check says what is wrong with the fields of a record.
func (i *comm) check(k commKind, fields Fields) error {
	for _, name := range slices.Sorted(keysOf(fields)) {
		v := gjson.ParseBytes(fields[name])
		if name == "custom_attributes" {
			if err := i.checkCustom(k, v); err != nil {
				return err
			}
			continue
		}
		if !slices.Contains(commOwn(k.object), name) {
			continue // what it does not know it ignores
		}
		if why := commMisfit(name, v); why != "" {
			return commInvalid("parameter_invalid", why)
		}
	}
	if fields.Has("email_verified") && !fields.Has("email") && k.object == "contacts" {
		return commInvalid("parameter_invalid", "email_verified cannot be set without an email")
	}
	return nil
}

// commMisfit says why one of Intercom's own fields cannot have a value.
func commMisfit(name string, v gjson.Result) string {
	times := []string{"signed_up_at", "last_seen_at", "remote_created_at", "external_created_at", "external_updated_at"}
	switch {
	case v.Type == gjson.Null:
	case name == "email" && (v.Type != gjson.String || v.Str != "" && !commAddress.MatchString(v.Str)):
		return "Email is invalid"
	case name == "role" && v.String() != "user" && v.String() != "lead":
		return "Role must be one of user, lead"
	case slices.Contains(times, name) && (v.Type != gjson.Number || v.Num != math.Trunc(v.Num)):
		return name + " must be a UNIX timestamp"
	case slices.Contains([]string{"size", "monthly_spend", "owner_id"}, name) && (v.Type != gjson.Number || v.Num > math.MaxInt32 && name == "monthly_spend"):
		return name + " must be a number of at most 2147483647"
	case slices.Contains([]string{"email_verified", "unsubscribed_from_emails"}, name) && !v.IsBool():
		return name + " must be a boolean"
	case slices.Contains([]string{"external_id", "company_id", "name", "phone", "avatar", "plan", "website", "industry"}, name) && v.Type != gjson.String:
		return name + " must be a string"
	}
	return ""
}

func (i *comm) checkCustom(k commKind, custom gjson.Result) error {
	if custom.Type == gjson.Null {
		return nil
	}
	if !custom.IsObject() {
		return commInvalid("parameter_invalid", "custom_attributes must be an object")
	}
	values := ParseFields([]byte(custom.Raw))
	names := slices.Sorted(keysOf(values))
	known, err := fieldsByName(i.s, k.object, names, "")
	if err != nil {
		return err
	}
	for _, name := range names {
		f, there := known[name]
		if !there {
			return commInvalid("parameter_invalid", "Custom attribute '"+name+"' does not exist")
		}
		if why := f.commMisfit(gjson.ParseBytes(values[name])); why != "" {
			return commInvalid("parameter_invalid", "Custom attribute '"+name+"' "+why)
		}
	}
	return nil
}

// commMisfit says why an attribute cannot have a value; empty if it can. One
// without a type was made by a write, and takes any.
func (f customField) commMisfit(v gjson.Result) string {
	switch {
	case v.Type == gjson.Null:
	case v.Type == gjson.JSON:
		return "cannot be nested"
	case f.Type == "string" && v.Type != gjson.String:
		return "must be a string"
	case (f.Type == "integer" || f.Type == "float") && v.Type != gjson.Number, f.Type == "integer" && v.Num != math.Trunc(v.Num):
		return "must be a number"
	case f.Type == "boolean" && !v.IsBool():
		return "must be a boolean"
	case (f.Type == "date" || f.Type == "datetime") && v.Type != gjson.Number:
		return "must be a UNIX timestamp"
	case len(f.Options) > 0 && !slices.Contains(f.Options, v.String()):
		return "must be one of its options"
	}
	return ""
}

// write puts a record into the workspace: a new one where id is empty. It says
// whether that created, updated or changed nothing.
func (i *comm) write(tx *Tx, k commKind, id string, fields Fields, call *Call) (Record, string, error) {
	if why, refused := call.Poisoned(cmp.Or(fields.Text(k.key), fields.Text("email"), fields.Text("name"), id), fields); refused {
		return Record{}, "rejected", commInvalid(cmp.Or(why.Code, "parameter_invalid"), cmp.Or(why.Message, "A value is invalid"))
	}
	if err := i.check(k, fields); err != nil {
		return Record{}, "rejected", err
	}
	old, there, err := tx.Get(id)
	if err != nil {
		return Record{}, "", err
	}
	kept := old.Fields.Merge(nil)
	for name, value := range fields {
		if slices.Contains(commOwn(k.object), name) {
			kept[name] = commKept(name, value)
		}
	}
	if fields.Has("custom_attributes") {
		merged, err := json.Marshal(ParseFields(old.Fields["custom_attributes"]).Merge(ParseFields(fields["custom_attributes"])))
		if err != nil {
			return Record{}, "", err
		}
		kept["custom_attributes"] = merged
	}
	if !there {
		made, err := tx.Create(k.id, kept)
		return made, "created", err
	}
	changed, err := tx.Put(id, kept)
	if err != nil {
		return Record{}, "", err
	}
	what := "unchanged"
	if changed {
		what = "updated"
	}
	now, _, err := tx.Get(id)
	return now, what, err
}

// commKept is a value as Intercom keeps it: it has no cents.
func commKept(name string, raw json.RawMessage) json.RawMessage {
	if v := gjson.ParseBytes(raw); name == "monthly_spend" && v.Type == gjson.Number {
		whole, _, _ := strings.Cut(v.Raw, ".")
		return json.RawMessage(whole)
	}
	return raw
}

// shown is a record as answers have it.
func (i *comm) shown(k commKind, rec *Record) map[string]any {
	out := map[string]any{"custom_attributes": json.RawMessage("{}")}
	for _, name := range commOwn(k.object) {
		out[name] = nil
	}
	for name, raw := range rec.Fields {
		out[name] = raw
	}
	out["type"], out["id"], out["created_at"], out["updated_at"] = k.word, rec.ID, rec.Created.Unix(), rec.Updated.Unix()
	if k.object == "contacts" {
		out["workspace_id"] = i.workspace()
		if out["role"] == nil {
			out["role"] = "user"
		}
	}
	return out
}

// put carries out a write of one record and answers it. choose says which
// record is meant: none is a new one.
func (i *comm) put(w http.ResponseWriter, r *http.Request, k commKind, mode string, choose func(*Tx, Fields) (string, error)) {
	var body map[string]json.RawMessage
	if !intercomBody(w, r, &body) {
		return
	}
	fields, call := Fields(body), CallOf(r)
	o, err := i.s.Object(k.object)
	rec, what := Record{}, ""
	if err == nil {
		err = o.Update(func(tx *Tx) error {
			id, err := choose(tx, fields)
			if err != nil {
				return err
			}
			rec, what, err = i.write(tx, k, id, fields, call)
			return err
		})
	}
	if err != nil {
		call.Report(mode, "rejected", 1)
		intercomAnswer(w, r, err)
		return
	}
	call.Report(mode, what, 1)
	JSON(w, http.StatusOK, i.shown(k, &rec))
}

// get answers with one record.
func (i *comm) get(w http.ResponseWriter, r *http.Request, k commKind, find func(*Tx) (Record, bool, error)) {
	o, err := i.s.Object(k.object)
	rec, there := Record{}, false
	if err == nil {
		err = o.View(func(tx *Tx) (err error) {
			rec, there, err = find(tx)
			return err
		})
	}
	switch {
	case err != nil:
		intercomAnswer(w, r, err)
	case !there:
		intercomRefuse(w, r, NotFound)
	default:
		CallOf(r).Mode = "read"
		JSON(w, http.StatusOK, i.shown(k, &rec))
	}
}

// remove deletes one record.
func (i *comm) remove(w http.ResponseWriter, r *http.Request, k commKind, find func(*Tx) (Record, bool, error)) {
	o, err := i.s.Object(k.object)
	rec, there := Record{}, false
	if err == nil {
		err = o.Update(func(tx *Tx) (err error) {
			if rec, there, err = find(tx); err == nil && there {
				_, err = tx.Delete(rec.ID)
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
		CallOf(r).Report("delete", "deleted", 1)
		JSON(w, http.StatusOK, map[string]any{"type": k.word, "object": k.word, "id": rec.ID, "external_id": rec.Fields.Text(k.key), "deleted": true})
	}
}
