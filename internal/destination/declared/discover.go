package declared

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/record"
	"exposync/internal/yamlx"
)

// discovery is the request that tells which fields an object has.
type discovery struct {
	request   request
	body      *yamlx.Node // nil: none
	paging    paging
	at        string            // path of the fields
	name      string            // paths within one
	kind      string            // its type
	types     map[string]string // of their types into ours: text, number, bool, date, time
	writable  string
	creatable string
	unique    []string // all of them must hold
	required  []string // all of them must hold
	length    string   // the most letters of a text
	options   string   // the values that it takes
	closed    string   // whether it takes no others; empty: always
	many      string   // whether several values may stand in one, parted by ;
	alsoKeys  []string // fields that identify a record though nothing says so
}

// attribute is what a service tells of one field.
type attribute struct {
	name                string
	kind                string // text, number, bool, date, time; empty: anything
	writable, creatable bool
	unique, required    bool
	many                bool
	length              int             // letters, 0: any number
	options             map[string]bool // nil: any value
	form                *regexp.Regexp  // nil: any
	forbidden           map[string]bool // values in lower case
	bytes               int             // of a text; 0: any length
	doc                 string          // what to do about a value that is not right
}

// catalog is what is known of the objects of a connection.
type catalog struct {
	mu      sync.Mutex
	objects map[string][]attribute
}

// attributes asks for an object's fields, once.
func (d *Destination) attributes(ctx context.Context, object string) ([]attribute, error) {
	d.catalog.mu.Lock()
	defer d.catalog.mu.Unlock()
	if known, ok := d.catalog.objects[object]; ok {
		return known, nil
	}
	out, err := d.discover(ctx, object)
	if err != nil {
		return nil, err
	}
	if d.catalog.objects == nil {
		d.catalog.objects = map[string][]attribute{}
	}
	d.catalog.objects[object] = out
	return out, nil
}

// familyOf is what is known of a field's type: the fields were asked for when
// the job's writer was opened, or the description tells them.
func (d *Destination) familyOf(object, field string) string {
	d.catalog.mu.Lock()
	defer d.catalog.mu.Unlock()
	for _, a := range d.catalog.objects[object] {
		if a.name == field {
			return a.kind
		}
	}
	for _, a := range d.spec.fields {
		if a.name == field {
			return a.kind
		}
	}
	return ""
}

func (d *Destination) discover(ctx context.Context, object string) ([]attribute, error) {
	s := d.spec.discover
	v := d.values.with(pair{"object", object}, pair{"key_field", ""}, pair{"mode", ""})
	var out []attribute
	var body []byte
	if s.body != nil {
		c := &compiler{values: v}
		var err error
		if body, err = c.compile(s.body).append(nil, &rowContext{}); err != nil || len(c.problems) > 0 {
			return nil, d.unreadable("discover", "its body cannot be written: "+strings.Join(c.problems, "; "))
		}
	}
	for doc, err := range d.pages(ctx, v, s.request, body, s.paging, "") {
		if err != nil {
			return nil, d.noObject(err, object)
		}
		fields := doc.Get(s.at)
		if s.at == "" || s.at == "@this" {
			fields = doc
		}
		if !fields.IsArray() {
			return nil, d.unreadable("discover", fmt.Sprintf("%q is no list of fields", s.at))
		}
		fields.ForEach(func(_, f gjson.Result) bool {
			out = append(out, s.attribute(f))
			return true
		})
	}
	if len(out) == 0 && len(d.spec.fields) == 0 { // of an object with fields of its own it may have no others
		return nil, d.unreadable("discover", "it names no field")
	}
	return out, nil
}

func (s *discovery) attribute(f gjson.Result) attribute {
	has := func(path string, unsaid bool) bool {
		if path == "" {
			return unsaid
		}
		return truth(f, path)
	}
	a := attribute{
		name: plain(f.Get(s.name)), writable: has(s.writable, true), many: has(s.many, false),
	}
	fails := func(path string) bool { return !truth(f, path) }
	a.unique = !slices.ContainsFunc(s.unique, fails)
	a.creatable = has(s.creatable, a.writable)
	a.unique = a.unique || slices.Contains(s.alsoKeys, a.name)
	a.required = len(s.required) > 0 && !slices.ContainsFunc(s.required, fails)
	if s.kind != "" {
		a.kind = s.types[plain(f.Get(s.kind))]
	}
	if n, ok := whole(f.Get(s.length)); s.length != "" && ok && (a.kind == "text" || a.kind == "") {
		a.length = n
	}
	if options := f.Get(s.options); s.options != "" && truth(options, "") && has(s.closed, true) {
		a.options = optionSet(options)
	}
	return a
}

// optionSet are the values that a field takes; nil, for any, where the answer
// does not spell them as texts.
func optionSet(options gjson.Result) map[string]bool {
	out := map[string]bool{}
	for _, o := range list(options) {
		if text := plain(o); text != "" {
			out[text] = true
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// checkFields holds a job's fields against those of the object, before
// anything is written.
func (d *Destination) checkFields(ctx context.Context, t destination.Target) ([]attribute, error) {
	if d.spec.discover == nil && len(d.spec.fields) == 0 {
		return nil, nil
	}
	c := &fieldCheck{d: d, t: t, known: d.spec.fields, open: d.spec.discover == nil && (d.spec.custom || d.spec.others)}
	if d.spec.discover != nil {
		told, err := d.attributes(ctx, t.Object)
		if err != nil {
			return nil, err
		}
		c.known = together(d.spec.fields, told)
	}
	return c.all()
}

// fieldCheck collects what is wrong with a job's fields.
type fieldCheck struct {
	d        *Destination
	t        destination.Target
	known    []attribute
	open     bool // it takes fields that are not known
	problems fault.List
}

// all checks the target's fields, and gives what is known of each: those of
// the key first.
func (c *fieldCheck) all() ([]attribute, error) {
	out := make([]attribute, 0, len(c.t.Key)+len(c.t.Fields))
	for _, f := range c.t.Key {
		out = append(out, c.key(f))
	}
	for _, f := range c.t.Fields {
		a := c.find("field", f)
		if a == nil {
			out = append(out, attribute{})
			continue
		}
		out = append(out, *a)
		c.writable(f, a)
	}
	c.required()
	return out, c.problems.Err()
}

// key checks one field of the key. Where no request tells the fields, the key
// of mode append is ours alone: nothing there is told apart by it.
func (c *fieldCheck) key(f destination.Field) attribute {
	fixed, appends := c.d.spec.discover == nil, c.t.Mode == destination.Append
	if i := slices.IndexFunc(c.known, func(a attribute) bool { return a.name == f.Name }); fixed && appends {
		if i >= 0 {
			return c.known[i]
		}
		return attribute{}
	}
	a := c.find("key", f)
	switch {
	case a == nil && !c.d.spec.others:
		return attribute{}
	case a == nil || !a.unique && !appends:
		hint := "choose a field that is unique there, or make it unique"
		if fixed {
			hint = "fields that a key may have: " + strings.Join(c.uniqueNames(), ", ")
		}
		c.fault("key_not_unique", hint, "key %q: the destination does not keep this field unique, so records cannot be told apart", f.Name)
		return attribute{}
	}
	return *a
}

func (c *fieldCheck) uniqueNames() []string {
	var out []string
	for _, a := range c.known {
		if a.unique {
			out = append(out, a.name)
		}
	}
	return out
}

func (c *fieldCheck) fault(code, hint, format string, args ...any) {
	c.problems = append(c.problems, &fault.Fault{
		Code: code, Kind: fault.Config, Whose: fault.Mapping, Where: "connection " + c.d.cfg.Name,
		Msg: c.t.Object + ": " + fmt.Sprintf(format, args...), Hint: hint,
	})
}

func (c *fieldCheck) find(what string, f destination.Field) *attribute {
	var names []string
	for i := range c.known {
		a := &c.known[i]
		if a.name == f.Name {
			if !fits(f.Kind, a.kind, c.d.spec.encode) {
				c.fault("field_kind", "cast it in the mapping or in the export model", "%s %q: a %s does not fit a field of type %s", what, f.Name, f.Kind, a.kind)
			}
			return a
		}
		names = append(names, a.name)
	}
	if c.open {
		return nil // nothing tells which other fields there are
	}
	hint := "the fields of an object: exposync destination show, or the service's own settings"
	if near := fault.Suggest(f.Name, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	c.fault("field_missing", hint, "%s %q: the destination has no such field", what, f.Name)
	return nil
}

func (c *fieldCheck) writable(f destination.Field, a *attribute) {
	switch mode := c.t.Mode; {
	case !a.writable && mode != destination.Insert && mode != destination.Append,
		!a.creatable && (mode == destination.Insert || mode == destination.Append):
		c.fault("field_readonly", "remove it from the mapping", "field %q: the destination takes no value for it", f.Name)
	}
}

func (c *fieldCheck) required() {
	if c.t.Mode == destination.Update {
		return
	}
	mapped := map[string]bool{}
	for _, f := range slices.Concat(c.t.Key, c.t.Fields) {
		mapped[f.Name] = true
	}
	for _, a := range c.known {
		if a.required && !mapped[a.name] {
			c.fault("field_required", "map a value to it, or use mode: update", "the destination creates no record without %q, but the sync sends nothing to it", a.name)
		}
	}
}

// fits reports whether values of a kind can be right in a field. Text may say
// anything: it is judged value by value.
func fits(k record.Kind, family string, e encoding) bool {
	counted := e.date != isoDate
	switch k {
	case record.Absent, record.Null, record.Text, record.JSON:
		return k != record.JSON || family == "" || family == "text" || family == "json"
	case record.Int, record.Float, record.Decimal:
		return family == "" || family == "number" || family == "text" || family == "time" || family == "date" && counted
	case record.Bool:
		return family == "" || family == "bool" || family == "text"
	case record.Date:
		return family == "" || family == "date" || family == "time" || family == "text" || family == "number" && counted
	case record.Timestamp, record.Instant:
		return family == "" || family == "time" || family == "text" || family == "number" && counted
	default:
		return family == "" || family == "text"
	}
}

// judges reports whether values have to be looked at.
func (a *attribute) judges() bool {
	return a.options != nil || a.kind == "number" || a.form != nil || a.forbidden != nil || a.bytes > 0 || a.length > 0
}

// misshapen says why a text is none that the field takes.
func (a *attribute) misshapen(v record.Value, e *encoding) (code, message string) {
	if a.form == nil && a.forbidden == nil && a.bytes == 0 {
		return "", ""
	}
	text := e.plainKey(v)
	switch {
	case a.forbidden[strings.ToLower(text)]:
		return "value_forbidden", fmt.Sprintf("field %q: the destination refuses this value, which stands for nobody in particular", a.name)
	case a.form != nil && !a.form.MatchString(text):
		return "value_form", fmt.Sprintf("field %q: the value is not in the form that the destination takes", a.name)
	case a.bytes > 0 && len(text) > a.bytes:
		return "value_too_long", fmt.Sprintf("field %q: the value has %d bytes, the destination takes %d", a.name, len(text), a.bytes)
	}
	return "", ""
}

// misfit says why a value cannot be right in its field; empty if it may be.
func (a *attribute) misfit(v record.Value, e *encoding) (code, message string) {
	if v.Kind == record.Absent || v.Kind == record.Null {
		return "", ""
	}
	if code, message = a.misshapen(v, e); code != "" {
		return code, strings.TrimSuffix(message+": "+a.doc, ": ")
	}
	if a.kind == "number" && v.Kind == record.Text {
		if _, ok := record.AppendDecimal(nil, v.Data); !ok {
			return "wrong_type", fmt.Sprintf("field %q takes numbers, the value is none", a.name)
		}
	}
	if a.length > 0 && v.Kind == record.Text && utf8.RuneCount(v.Data) > a.length {
		return "too_long", fmt.Sprintf("field %q takes %d letters, the value has %d", a.name, a.length, utf8.RuneCount(v.Data))
	}
	if a.options == nil || v.Kind == record.Text && len(v.Data) == 0 {
		return "", ""
	}
	text := e.plainKey(v)
	values := []string{text}
	if a.many {
		values = strings.Split(text, ";")
	}
	for _, one := range values {
		if !a.options[one] {
			return "option_unknown", fmt.Sprintf("field %q takes only its %d options, the value is none of them", a.name, len(a.options))
		}
	}
	return "", ""
}
