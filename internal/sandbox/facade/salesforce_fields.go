package facade

import (
	"hash/fnv"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// sfField is the description of a field.
type sfField struct {
	Name              string       `json:"name"`
	Label             string       `json:"label"`
	Type              string       `json:"type"`
	Length            int          `json:"length"`
	Precision         int          `json:"precision"`
	Scale             int          `json:"scale"`
	Createable        bool         `json:"createable"`
	Updateable        bool         `json:"updateable"`
	Nillable          bool         `json:"nillable"`
	DefaultedOnCreate bool         `json:"defaultedOnCreate"`
	ExternalID        bool         `json:"externalId"`
	Unique            bool         `json:"unique"`
	IDLookup          bool         `json:"idLookup"`
	CaseSensitive     bool         `json:"caseSensitive"`
	Custom            bool         `json:"custom"`
	Restricted        bool         `json:"restrictedPicklist"`
	Picklist          []sfPicklist `json:"picklistValues"`
	ReferenceTo       []string     `json:"referenceTo"`
}

type sfPicklist struct {
	Active bool   `json:"active"`
	Label  string `json:"label"`
	Value  string `json:"value"`
}

// sfStandard are the fields that every org has, as NAME:TYPE:LENGTH. A ! is a
// field that is required, a - one that nobody can write.
var sfStandard = map[string]string{
	"": "Id:id:18- IsDeleted:boolean:0- CreatedDate:datetime:0- LastModifiedDate:datetime:0- SystemModstamp:datetime:0- OwnerId:reference:18",
	"Account": "Name:string:255! Type:picklist:255 ParentId:reference:18 BillingStreet:textarea:255 BillingCity:string:40 BillingState:string:80 " +
		"BillingPostalCode:string:20 BillingCountry:string:80 Phone:phone:40 Fax:phone:40 Website:url:255 Industry:picklist:255 " +
		"AnnualRevenue:currency:0 NumberOfEmployees:int:0 Description:textarea:32000 AccountNumber:string:40 Rating:picklist:255",
	"Contact": "LastName:string:80! FirstName:string:40 Salutation:picklist:40 Name:string:121- AccountId:reference:18 Email:email:80 Phone:phone:40 " +
		"MobilePhone:phone:40 Title:string:128 Department:string:80 Birthdate:date:0 MailingStreet:textarea:255 MailingCity:string:40 " +
		"MailingState:string:80 MailingPostalCode:string:20 MailingCountry:string:80 LeadSource:picklist:255 Description:textarea:32000",
	"Lead": "LastName:string:80! Company:string:255! FirstName:string:40 Name:string:121- Email:email:80 Phone:phone:40 Title:string:128 " +
		"Website:url:255 LeadSource:picklist:255 Industry:picklist:255 AnnualRevenue:currency:0 NumberOfEmployees:int:0 Description:textarea:32000",
	"Opportunity": "Name:string:120! StageName:picklist:255! CloseDate:date:0! AccountId:reference:18 Amount:currency:0 Probability:percent:0 " +
		"Type:picklist:255 LeadSource:picklist:255 Description:textarea:32000",
	"Organization": "Name:string:80- IsSandbox:boolean:0- OrganizationType:picklist:40- InstanceName:string:5-",
}

// sfPrefixes are the first three characters of an object's ids.
var sfPrefixes = map[string]string{"Account": "001", "Contact": "003", "Lead": "00Q", "Opportunity": "006", "Organization": "00D", "User": "005"}

// sfPrefix gives custom objects one of their own, from their name.
func sfPrefix(object string) string {
	if p := sfPrefixes[object]; p != "" {
		return p
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(object))
	n := h.Sum32() % (62 * 62)
	return "a" + string(base62[n/62]) + string(base62[n%62])
}

var sfName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,76}$`)

// objectName gives an object by what a client calls it: case does not count.
// Custom objects exist once somebody wrote to them or declared a field, or, in
// a sandbox that is not strict, at once.
func (o *org) objectName(name string) (string, bool) {
	for known := range sfStandard {
		if known != "" && strings.EqualFold(known, name) {
			return known, true
		}
	}
	custom, err := o.s.Documents.List("fields-")
	if err != nil || !sfName.MatchString(name) {
		return "", false
	}
	for _, doc := range custom {
		if known := strings.TrimPrefix(doc, "fields-"); strings.EqualFold(known, name) {
			return known, true
		}
	}
	return name, !o.s.Strict && strings.HasSuffix(strings.ToLower(name), "__c")
}

// fields gives the fields of an object, by their names in lower case.
func (o *org) fields(object string) (map[string]sfField, error) {
	out := map[string]sfField{}
	for _, list := range []string{sfStandard[""], sfStandard[object]} {
		for text := range strings.FieldsSeq(list) {
			f := sfStandardField(text)
			out[strings.ToLower(f.Name)] = f
		}
	}
	if _, standard := sfStandard[object]; !standard {
		out["name"] = sfField{Name: "Name", Label: "Name", Type: "string", Length: 80, Createable: true, Updateable: true, DefaultedOnCreate: true, Picklist: []sfPicklist{}, ReferenceTo: []string{}}
	}
	own := map[string]sfField{}
	_, err := o.s.Documents.Load("fields-"+object, &own)
	maps.Copy(out, own)
	return out, err
}

func sfStandardField(text string) sfField {
	parts := strings.Split(strings.TrimRight(text, "!-"), ":")
	fixed, required := strings.HasSuffix(text, "-"), strings.HasSuffix(text, "!")
	f := sfField{
		Name: parts[0], Label: parts[0], Type: parts[1], Createable: !fixed, Updateable: !fixed, Nillable: !required && !fixed,
		DefaultedOnCreate: fixed || parts[0] == "OwnerId", IDLookup: parts[0] == "Id", Picklist: []sfPicklist{}, ReferenceTo: []string{},
	}
	f.Length, _ = strconv.Atoi(parts[2])
	if f.Type == "currency" || f.Type == "percent" || f.Type == "double" {
		f.Precision, f.Scale = 18, 2
	}
	return f
}

// sfCustom is a field that somebody made: a text without a limit that a run
// would meet, or what the values to come will be.
func sfCustom(name, kind string, key bool) sfField {
	f := sfField{
		Name: name, Label: name, Type: "textarea", Length: 131_072, Createable: true, Updateable: true, Nillable: true,
		Custom: strings.HasSuffix(strings.ToLower(name), "__c"), Picklist: []sfPicklist{}, ReferenceTo: []string{},
	}
	switch {
	case kind == "number":
		f.Type, f.Length, f.Precision, f.Scale = "double", 0, 18, 0
	case kind == "bool":
		f.Type, f.Length, f.Nillable, f.DefaultedOnCreate = "boolean", 0, false, true
	case kind == "date":
		f.Type, f.Length = "date", 0
	case kind == "time":
		f.Type, f.Length = "datetime", 0
	case key:
		f.Type, f.Length = "string", 255
	}
	if key {
		f.ExternalID, f.Unique, f.IDLookup = true, true, true
	}
	return f
}

// define keeps fields of an object.
func (o *org) define(object string, added ...sfField) error {
	own := map[string]sfField{}
	if _, err := o.s.Documents.Load("fields-"+object, &own); err != nil {
		return err
	}
	for _, f := range added {
		own[strings.ToLower(f.Name)] = f
	}
	return o.s.Documents.Save("fields-"+object, own)
}

// salesforceLearn makes fields for what a run is about to send. A key becomes
// an external id.
func salesforceLearn(s *Service, object string, fields []Field) error {
	s.Schema.Lock()
	defer s.Schema.Unlock()
	o := &org{s: s}
	if !sfName.MatchString(object) {
		return nil // it will be refused
	}
	name, known := o.objectName(object)
	if !known {
		name = object
	}
	all, err := o.fields(name)
	if err != nil {
		return err
	}
	var added []sfField
	for _, f := range fields {
		had, known := all[strings.ToLower(f.Name)]
		switch {
		case !known && sfName.MatchString(f.Name):
			added = append(added, sfCustom(f.Name, f.Type, f.Key))
		case known && f.Key && !had.Unique && had.Name != "Id":
			had.ExternalID, had.Unique, had.IDLookup = true, true, true
			added = append(added, had)
		}
	}
	_, standard := sfStandard[name]
	if len(added) == 0 && standard {
		return nil
	}
	return o.define(name, added...)
}

// describe tells the fields of an object.
func (o *org) describe(w http.ResponseWriter, r *http.Request) {
	name, known := o.objectName(r.PathValue("object"))
	if !known {
		salesforceRefuse(w, r, NotFound)
		return
	}
	all, err := o.fields(name)
	if err != nil {
		salesforceRefuse(w, r, Down)
		return
	}
	list := slices.SortedFunc(maps.Values(all), func(a, b sfField) int { return strings.Compare(a.Name, b.Name) })
	out := sfAbout(name)
	out["fields"] = list
	JSON(w, http.StatusOK, out)
}

func sfAbout(name string) map[string]any {
	return map[string]any{
		"name": name, "label": name, "custom": strings.HasSuffix(name, "__c"), "keyPrefix": sfPrefix(name),
		"createable": true, "updateable": true, "deletable": true, "queryable": true, "retrieveable": true,
	}
}

// list tells which objects there are.
func (o *org) list(w http.ResponseWriter, r *http.Request) {
	names, err := o.objectNames()
	if err != nil {
		salesforceRefuse(w, r, Down)
		return
	}
	out := make([]map[string]any, len(names))
	for i, name := range names {
		out[i] = sfAbout(name)
	}
	JSON(w, http.StatusOK, map[string]any{"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": out})
}

func (o *org) objectNames() ([]string, error) {
	custom, err := o.s.Documents.List("fields-")
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range sfStandard {
		if name != "" {
			names = append(names, name)
		}
	}
	for _, doc := range custom {
		if name := strings.TrimPrefix(doc, "fields-"); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}
