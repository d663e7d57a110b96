package facade

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

var (
	zenNumber = regexp.MustCompile(`^-?\d+(\.\d+)?([eE][+-]?\d+)?$`)
	zenWhole  = regexp.MustCompile(`^-?\d+$`)
	zenDay    = regexp.MustCompile(`^\d{4}-\d\d-\d\d([T ].*)?$`)
	zenKey    = regexp.MustCompile(`^[a-zA-Z0-9_]{1,100}$`)
)

// misfit says why a value cannot stand in a custom field; empty if it can.
func (f customField) zenMisfit(v gjson.Result) string {
	text := v.String()
	if v.Type == gjson.Number {
		text = v.Raw
	}
	switch {
	case v.Type == gjson.Null, text == "":
		return ""
	case f.Type == "multiselect":
		if !v.IsArray() {
			return f.Name + ": must be an array"
		}
		for _, one := range v.Array() {
			if !slices.Contains(f.Options, one.String()) {
				return f.Name + ": " + one.String() + " is not a valid option"
			}
		}
		return ""
	case v.Type == gjson.JSON:
		return f.Name + ": is invalid"
	case f.Type == "integer" && !zenWhole.MatchString(text), f.Type == "decimal" && !zenNumber.MatchString(text):
		return f.Name + ": " + text + " is not a valid number"
	case f.Type == "checkbox" && text != "true" && text != "false":
		return f.Name + ": " + text + " is not a valid boolean"
	case f.Type == "date" && !zenDay.MatchString(text):
		return f.Name + ": " + text + " is not a valid date"
	case f.Type == "dropdown" && !slices.Contains(f.Options, text):
		return f.Name + ": " + text + " is not a valid option"
	}
	return ""
}

// fieldsName is the name of a kind's custom fields in paths and answers.
func (k zenKind) fieldsName() string {
	if k.key != "" {
		return "custom_object_fields"
	}
	return k.singular + "_fields"
}

func (z *zen) fields(w http.ResponseWriter, r *http.Request, k zenKind) {
	known, err := customFields(z.s, k.object)
	if err != nil {
		zendeskRefuse(w, r, Down)
		return
	}
	out := []any{}
	for i, f := range known {
		one := map[string]any{
			"id": 7000 + i, "key": f.Name, "title": f.Name, "raw_title": f.Name, "type": f.Type, "active": true, "system": false, "position": i,
			"url": z.url(k.fieldsName() + "/" + strconv.Itoa(7000+i)),
		}
		if len(f.Options) > 0 {
			options := []any{}
			for _, o := range f.Options {
				options = append(options, map[string]string{"name": o, "value": o})
			}
			one["custom_field_options"] = options
		}
		out = append(out, one)
	}
	JSON(w, http.StatusOK, map[string]any{k.fieldsName(): out, "count": len(out), "next_page": nil, "previous_page": nil})
}

// zendeskLearn makes fields for what a run is about to send.
func zendeskLearn(s *Service, object string, fields []Field) error {
	k, ok := zenKindOf(object)
	if !ok {
		return nil
	}
	types := map[string]string{"number": "decimal", "bool": "checkbox", "date": "date"}
	var added []customField
	for _, f := range fields {
		if slices.Contains(k.own, f.Name) || !zenKey.MatchString(f.Name) {
			continue
		}
		kind := types[f.Type]
		if kind == "" {
			kind = "text"
		}
		added = append(added, customField{Name: f.Name, Type: kind})
	}
	return defineFields(s, k.object, added)
}

// zenKindOf is the kind that an object of a sync stands for.
func zenKindOf(object string) (zenKind, bool) {
	key, custom := strings.CutPrefix(object, "custom_objects/")
	switch {
	case custom:
		return zenCustom(key), key != ""
	case object == "users":
		return zenUsers(), true
	case object == "organizations":
		return zenOrganizations(), true
	}
	return zenKind{}, false
}
