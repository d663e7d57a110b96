package declared

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"exposync/internal/destination"
	"exposync/internal/record"
)

// Format is how values look in the requests of some operations.
type Format struct {
	Operations []string `json:"operations"`
	Format     string   `json:"format"` // json, ndjson, csv, form
	Gzip       bool     `json:"gzip,omitempty"`
	Hashed     []string `json:"hashed,omitempty"` // fields of which only a digest leaves
	Values     []Wire   `json:"values"`
}

// Wire is one value as it leaves.
type Wire struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`          // ours
	Sent  string `json:"sent,omitempty"` // empty: see Note
	Note  string `json:"note,omitempty"`
}

// Request is what one record makes.
type Request struct {
	Mode      string `json:"mode"`
	Operation string `json:"operation"`
	Method    string `json:"method"`
	Path      string `json:"path"`
	Body      string `json:"body"`
	Type      string `json:"content_type"`
}

// formats are the encodings of the operations that write values, those that
// are alike together.
func (s *spec) formats() []Format {
	var out []Format
	for _, one := range s.eachSpec() {
		for _, name := range slices.SortedFunc(maps.Keys(one.ops), one.order) {
			o := one.ops[name]
			if !o.writes() {
				continue
			}
			f := o.encode.shown()
			i := slices.IndexFunc(out, func(o Format) bool { return o.same(f) })
			if i < 0 {
				out, i = append(out, f), len(out)
			}
			if !slices.Contains(out[i].Operations, name) {
				out[i].Operations = append(out[i].Operations, name)
			}
		}
	}
	return out
}

var placeholderText = regexp.MustCompile(`\$[a-z_]+`)

// writes reports whether an operation sends fields.
func (o *op) writes() bool {
	words := placeholderText.FindAllString(string(appendNode(nil, o.row)), -1)
	return slices.ContainsFunc(words, func(word string) bool {
		return !slices.Contains([]string{"$key", "$dest_id", "$op", "$trace"}, word)
	})
}

// order compares operations as people think of them: by mode, then by how
// many records they are for.
func (s *spec) order(a, b string) int {
	rank := func(name string) int {
		for i, mode := range opNames() {
			if mode == name {
				return 10 * i
			}
			if k := slices.IndexFunc(s.routes[mode], func(r route) bool { return r.op == name }); k >= 0 {
				return 10*i + 1 + k
			}
		}
		return 1000
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b))
}

func (f Format) same(o Format) bool {
	return f.Format == o.Format && f.Gzip == o.Gzip && slices.Equal(f.Hashed, o.Hashed) && slices.Equal(f.Values, o.Values)
}

func (e *encoding) shown() Format {
	f := Format{Format: e.format, Gzip: e.gzip, Hashed: e.hash}
	if f.Format == "" {
		f.Format = "json"
	}
	for _, v := range []struct {
		kind  record.Kind
		value string
	}{
		{record.Text, "Ada"},
		{record.Int, "42"},
		{record.Decimal, "12.5"},
		{record.Bool, "true"},
		{record.Date, "2026-03-01"},
		{record.Timestamp, "2026-03-01T09:30:00"},
		{record.Instant, "2026-03-01T09:30:00Z"},
		{record.Null, ""},
		{record.Absent, ""},
	} {
		f.Values = append(f.Values, e.wire(record.Value{Kind: v.kind, Data: []byte(v.value)}))
	}
	return f
}

func (e *encoding) wire(v record.Value) Wire {
	w := Wire{Kind: v.Kind.String(), Value: string(v.Data)}
	var sent []byte
	var err error
	switch {
	case v.Kind == record.Absent && e.format == "csv" && e.absent == nil:
		w.Note = "refused: this format cannot leave a field as it is"
		return w
	case v.Kind == record.Absent && e.format != "csv":
		w.Note = "left out"
		return w
	case e.format == "csv" || e.format == "form":
		sent, err = appendPlain(nil, v, e)
	default:
		sent, err = appendValue(nil, v, e)
	}
	switch w.Sent = string(sent); {
	case err != nil:
		w.Note = err.Error()
	case w.Sent == "":
		w.Note = "an empty cell"
	}
	return w
}

// sampleTarget is what the sample of a request writes to.
func (s *spec) sampleTarget(mode string) destination.Target {
	return destination.Target{
		Object: s.sampleObject(), Mode: destination.Mode(mode),
		Key:    []destination.Field{{Name: "external_id", Kind: record.Text}},
		Fields: []destination.Field{{Name: "email", Kind: record.Text}, {Name: "visits", Kind: record.Int}, {Name: "phone", Kind: record.Text}},
	}
}

func sampleChange() record.Change {
	text := func(s string) record.Value { return record.Value{Kind: record.Text, Data: []byte(s)} }
	ch := record.Change{
		Op: record.Create, KeyVals: record.Record{text("C-1001")}, RemoteID: "id-1",
		Values: record.Record{text("ada@example.com"), {Kind: record.Int, Data: []byte("42")}, {Kind: record.Null}},
	}
	ch.Key = record.AppendKey(nil, ch.KeyVals...)
	return ch
}

// sample is the request that the first mode makes of one record; nil where
// the operation needs fields of particular names.
func (s *spec) sample() *Request {
	mode, o := s.main()
	if o == nil {
		return nil
	}
	d, err := s.onStage(o)
	if err != nil {
		return nil
	}
	t := s.sampleTarget(mode)
	sender, problems := d.sender(o.name, t)
	if len(problems) > 0 {
		return nil
	}
	ch := sampleChange()
	body, err := sender.appendRow(slices.Clone(sender.head), &rowContext{change: &ch, encode: &o.encode, hashed: sender.hashed}, 0)
	if err != nil {
		return nil
	}
	r := Request{Mode: mode, Operation: o.name, Method: o.request.method, Path: sender.path, Type: o.encode.contentType()}
	if sender.late != nil {
		if r.Path, err = sender.named("C-1001", "id-1").target(*sender.late); err != nil {
			return nil
		}
	}
	if o.job != nil {
		step := o.job.create
		if o.job.upload != nil {
			step = *o.job.upload
		}
		r.Method = step.request.method
		if r.Path, err = sender.job.values.with(pair{"job_id", "JOB_ID"}).target(step.request); err != nil {
			return nil
		}
	}
	r.Body = readable(append(body, sender.end(1)...))
	return &r
}

// readable is JSON over several lines, anything else as it is.
func readable(body []byte) string {
	var out bytes.Buffer
	if json.Valid(body) && json.Indent(&out, body, "", "  ") == nil {
		return out.String()
	}
	return strings.TrimRight(string(body), "\n")
}

// lines is JSON with every entry of the outermost value on a line.
func lines(body string) string {
	doc := gjson.Parse(body)
	if !gjson.Valid(body) || !doc.IsObject() && !doc.IsArray() || len(body) < 60 {
		return strings.TrimRight(body, "\n")
	}
	var entries []string
	doc.ForEach(func(key, value gjson.Result) bool {
		entry := "  " + value.Raw
		if doc.IsObject() {
			entry = "  " + key.Raw + ": " + value.Raw
		}
		entries = append(entries, entry)
		return true
	})
	text := strings.Join(entries, ",\n")
	if doc.IsObject() {
		return "{\n" + text + "\n}"
	}
	return "[\n" + text + "\n]"
}

// paramsOf are the parameters of a connection as samples show them: defaults,
// then what a fixture of the operation sets, else the name in capitals.
func (s *spec) paramsOf(o *op) []pair {
	var out []pair
	for _, p := range s.params {
		value := p.Default
		if value == "" && p.Kind != "url" {
			value = envName(p.Name)
		}
		if p.Kind == "url" {
			value = "https://fixture.invalid"
		}
		out = append(out, pair{p.Name, value})
	}
	for _, f := range s.fixtures {
		if f.op == o.name && len(f.params) > 0 {
			return append(out, f.params...)
		}
	}
	return out
}
