package facade

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hubspotProperty is the definition of a property.
type hubspotProperty struct {
	Name           string          `json:"name"`
	Label          string          `json:"label"`
	Type           string          `json:"type"` // string, number, bool, date, datetime, enumeration
	FieldType      string          `json:"fieldType"`
	GroupName      string          `json:"groupName"`
	Description    string          `json:"description"`
	Options        []hubspotOption `json:"options"`
	HasUniqueValue bool            `json:"hasUniqueValue"`
	Calculated     bool            `json:"calculated"`
	Archived       bool            `json:"archived"`
	HubSpotDefined bool            `json:"hubspotDefined,omitempty"`
	Modification   struct {
		ReadOnlyValue      bool `json:"readOnlyValue"`
		ReadOnlyDefinition bool `json:"readOnlyDefinition"`
		Archivable         bool `json:"archivable"`
	} `json:"modificationMetadata"`
}

type hubspotOption struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// hubspotStages are the options of lifecyclestage, in the order in which a
// record moves through them.
var hubspotStages = []string{"subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist", "other"}

// hubspotStandard are properties that every account has: name, type and form.
func hubspotStandard(object string) []string {
	all := []string{"hs_object_id number number", "createdate datetime date", "hs_lastmodifieddate datetime date", "hubspot_owner_id enumeration select"}
	text := func(names string) (out []string) {
		for name := range strings.FieldsSeq(names) {
			out = append(out, name+" string text")
		}
		return out
	}
	switch object {
	case "contacts":
		all = append(all, text("email firstname lastname phone mobilephone company jobtitle website address city state zip country salutation fax")...)
		return append(all, "lifecyclestage enumeration radio", "hs_lead_status enumeration radio", "annualrevenue string text", "lastmodifieddate datetime date")
	case "companies":
		all = append(all, text("name domain phone address address2 city state zip country website description")...)
		return append(all, "industry string text", "numberofemployees number number", "annualrevenue number number", "lifecyclestage enumeration radio")
	case "deals":
		all = append(all, text("dealname dealstage pipeline description")...)
		return append(all, "amount number number", "closedate datetime date", "dealtype string text")
	}
	return append(all, "name string text")
}

// definitions gives the properties of an object, by name.
func (h *hub) definitions(object string) (map[string]hubspotProperty, error) {
	out := map[string]hubspotProperty{}
	for _, line := range hubspotStandard(object) {
		parts := strings.Fields(line)
		p := hubspotProperty{
			Name: parts[0], Label: parts[0], Type: parts[1], FieldType: parts[2], GroupName: "information",
			Options: []hubspotOption{}, HubSpotDefined: true,
		}
		p.Modification.ReadOnlyDefinition = true
		p.Modification.ReadOnlyValue = slices.Contains([]string{"hs_object_id", "createdate", "hs_lastmodifieddate", "lastmodifieddate"}, p.Name)
		switch p.Name {
		case "lifecyclestage":
			p.Options = hubspotOptions(hubspotStages...)
		case "hs_lead_status":
			p.Options = hubspotOptions("NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT", "CONNECTED", "BAD_TIMING")
		}
		out[p.Name] = p
	}
	_, err := h.s.Documents.Load("properties-"+object, &out)
	return out, err
}

func hubspotOptions(values ...string) []hubspotOption {
	out := make([]hubspotOption, len(values))
	for i, v := range values {
		out[i] = hubspotOption{Label: v, Value: v}
	}
	return out
}

// define keeps properties. What HubSpot defines itself is not kept.
func (h *hub) define(object string, all map[string]hubspotProperty, added ...hubspotProperty) error {
	for _, p := range added {
		all[p.Name] = p
	}
	own := map[string]hubspotProperty{}
	for name, p := range all {
		if !p.HubSpotDefined {
			own[name] = p
		}
	}
	return h.s.Documents.Save("properties-"+object, own)
}

// madeGroup is the group of properties that the sandbox made by itself.
const madeGroup = "made_by_the_sandbox"

// ofType gives a property the type for values of a family; text for an unknown
// one.
func (p *hubspotProperty) ofType(family string) {
	p.Type, p.FieldType, p.Options = "string", "text", []hubspotOption{}
	switch family {
	case "number":
		p.Type, p.FieldType = "number", "number"
	case "bool":
		p.Type, p.FieldType, p.Options = "bool", "booleancheckbox", hubspotOptions("true", "false")
	case "date":
		p.Type, p.FieldType = "date", "date"
	case "time":
		p.Type, p.FieldType = "datetime", "date"
	}
}

// textProperty is what an undeclared property becomes.
func textProperty(name string) hubspotProperty {
	p := hubspotProperty{Name: name, Label: name, Type: "string", FieldType: "text", GroupName: madeGroup, Options: []hubspotOption{}}
	p.Modification.Archivable = true
	return p
}

// hubspotLearn makes properties for fields that a run is about to send. Their
// names are written as HubSpot wants them: names that it would refuse are left
// to be refused.
func hubspotLearn(s *Service, object string, fields []Field) error {
	s.Schema.Lock()
	defer s.Schema.Unlock()
	h := &hub{s: s}
	object = hubspotType(object)
	all, err := h.definitions(object)
	if err != nil {
		return err
	}
	var added []hubspotProperty
	for _, f := range fields {
		p, known := all[f.Name]
		before := p
		switch {
		case !known && !hubspotName().MatchString(f.Name):
			continue
		case !known:
			p = textProperty(f.Name)
			p.ofType(f.Type)
		case p.GroupName == madeGroup: // made by us, so it follows the mapping
			p.ofType(f.Type)
		}
		p.HasUniqueValue = p.HasUniqueValue || f.Key && !hubspotUnique(&p)
		if known && p.Type == before.Type && p.HasUniqueValue == before.HasUniqueValue {
			continue
		}
		p.HubSpotDefined = false
		added = append(added, p)
	}
	if len(added) == 0 {
		return nil
	}
	return h.define(object, all, added...)
}

func hubspotName() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9_]{0,99}$`) }

// hubspotUnique reports whether records may be addressed by a property.
func hubspotUnique(p *hubspotProperty) bool {
	return p.HasUniqueValue || p.Name == "hs_object_id" || p.Name == "email"
}

func (h *hub) properties(w http.ResponseWriter, r *http.Request) {
	all, err := h.definitions(hubspotType(r.PathValue("type")))
	if err != nil {
		hubspotRefuse(w, r, Down)
		return
	}
	list := slices.SortedFunc(maps.Values(all), func(a, b hubspotProperty) int { return cmp.Compare(a.Name, b.Name) })
	JSON(w, http.StatusOK, map[string]any{"results": list})
}

func (h *hub) property(w http.ResponseWriter, r *http.Request) {
	all, err := h.definitions(hubspotType(r.PathValue("type")))
	p, known := all[r.PathValue("name")]
	switch {
	case err != nil:
		hubspotRefuse(w, r, Down)
	case !known:
		hubspotRefuse(w, r, NotFound)
	default:
		JSON(w, http.StatusOK, p)
	}
}

func (h *hub) addProperty(w http.ResponseWriter, r *http.Request) {
	body, err := ReadBody(r, 1<<20)
	p := textProperty("")
	p.GroupName = ""
	if err != nil || json.Unmarshal(body, &p) != nil {
		hubspotInvalid(w, r, "Invalid input JSON.")
		return
	}
	p.HubSpotDefined, p.Calculated = false, false
	types := []string{"string", "number", "bool", "date", "datetime", "enumeration", "phone_number"}
	switch {
	case !hubspotName().MatchString(p.Name):
		hubspotInvalid(w, r, "The name of a property has lower-case letters, digits and _, and begins with a letter.")
		return
	case !slices.Contains(types, p.Type):
		hubspotInvalid(w, r, "The type of a property is one of "+strings.Join(types, ", ")+".")
		return
	}
	h.s.Schema.Lock()
	defer h.s.Schema.Unlock()
	object := hubspotType(r.PathValue("type"))
	all, err := h.definitions(object)
	if _, known := all[p.Name]; known && err == nil {
		hubspotFail(w, r, http.StatusConflict, &hubspotError{Category: "OBJECT_ALREADY_EXISTS", Message: "A property with this name exists already."})
		return
	}
	if err == nil {
		err = h.define(object, all, p)
	}
	if err != nil {
		hubspotRefuse(w, r, Down)
		return
	}
	JSON(w, http.StatusCreated, p)
}

// check gives the code and the message for a value that a property refuses;
// none for one that it takes. An empty text clears every property.
func (p *hubspotProperty) check(value string) (code, message string) {
	if value == "" {
		return "", ""
	}
	switch p.Type {
	case "number":
		if _, err := strconv.ParseFloat(value, 64); err != nil {
			return "INVALID_LONG", "was not a valid number."
		}
	case "bool":
		if value != "true" && value != "false" {
			return "INVALID_OPTION", "was not one of the allowed options: [true, false]"
		}
	case "date", "datetime":
		if !hubspotMoment(value, p.Type == "date") {
			return "INVALID_DATE", "was not a valid date."
		}
	case "enumeration":
		if allowed, ok := p.allows(value); !ok {
			return "INVALID_OPTION", "was not one of the allowed options: [" + allowed + "]"
		}
	}
	if p.Name == "email" {
		if a, err := mail.ParseAddress(value); err != nil || a.Address != value || !strings.Contains(value[strings.LastIndexByte(value, '@'):], ".") {
			return "INVALID_EMAIL", "is not a valid email address."
		}
	}
	return "", ""
}

// allows reports whether a value is one of the options, or several of them
// where several may be chosen. A property without options takes everything.
func (p *hubspotProperty) allows(value string) (allowed string, ok bool) {
	if len(p.Options) == 0 {
		return "", true
	}
	names := make([]string, len(p.Options))
	for i, o := range p.Options {
		names[i] = o.Value
	}
	chosen := []string{value}
	if p.FieldType == "checkbox" {
		chosen = strings.Split(strings.Trim(value, ";"), ";")
	}
	for _, one := range chosen {
		if !slices.Contains(names, one) {
			return strings.Join(names, ", "), false
		}
	}
	return "", true
}

// hubspotMoment reports whether a text is a time: milliseconds since 1970, or
// ISO 8601. A date in milliseconds is a midnight in UTC.
func hubspotMoment(value string, date bool) bool {
	if ms, err := strconv.ParseInt(value, 10, 64); err == nil {
		return !date || ms%86_400_000 == 0
	}
	if _, err := time.Parse(time.DateOnly, value); err == nil {
		return true
	}
	_, err := time.Parse(time.RFC3339Nano, value)
	return err == nil && !date
}
