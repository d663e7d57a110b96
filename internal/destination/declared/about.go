package declared

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"exposync/internal/destination"
)

// About is what a destination says of itself: all of it comes from its
// description, what is sent from the code that sends it, and rejects from a
// fixture.
type About struct {
	Name       string      `json:"name"`
	Title      string      `json:"title"`
	Origin     Origin      `json:"origin"`
	File       string      `json:"file,omitempty"` // of a user's description
	Docs       string      `json:"docs,omitempty"`
	VerifiedOn string      `json:"verified_on,omitempty"` // the day on which the service's documentation was read
	Notes      []Note      `json:"notes,omitempty"`       // the comment that the description begins with
	Example    string      `json:"example"`               // a connection in exposync.yml
	Params     []Param     `json:"params"`
	Auth       []string    `json:"auth"`              // the ways to prove who sends
	Identity   string      `json:"identity"`          // how the account is known
	Key        string      `json:"key"`               // what identifies a record
	Objects    []string    `json:"objects,omitempty"` // that there are; * stands for any name
	Modes      []string    `json:"modes"`
	Operations []Operation `json:"operations"`
	Routes     []string    `json:"routes,omitempty"` // which operation is taken when
	Reads      bool        `json:"reads"`            // by key, for first: compare
	ReadRows   int         `json:"read_rows,omitempty"`
	Discovers  bool        `json:"discovers"` // fields are checked before the first write
	PerSecond  float64     `json:"per_second,omitempty"`
	Rate       string      `json:"rate,omitempty"`
	Daily      string      `json:"daily,omitempty"` // the day's quota
	Formats    []Format    `json:"formats,omitempty"`
	Request    *Request    `json:"request,omitempty"`
	Reject     *Reject     `json:"reject,omitempty"`
	Answers    []Answer    `json:"answers,omitempty"`
	Fixtures   int         `json:"fixtures"`
}

// Note is a part of the comment that a description begins with.
type Note struct {
	Text string `json:"text"`
	Code bool   `json:"code,omitempty"`
}

// Operation is one way of writing.
type Operation struct {
	Object      string `json:"object,omitempty"` // that it is for; empty: all
	Name        string `json:"name"`
	Rows        int    `json:"rows"`
	Bytes       int    `json:"bytes,omitempty"`
	RowBytes    int    `json:"rowbytes,omitempty"`
	Concurrency int    `json:"concurrency"`
	Idempotent  bool   `json:"idempotent"` // sending twice does no harm
	Job         bool   `json:"job"`        // it goes on at the service
}

// Describe tells of the description of a kind.
func (c *Catalog) Describe(kind string) (About, error) {
	s, err := c.load(kind, nil)
	if err != nil {
		return About{}, err
	}
	source, err := c.source(kind)
	if err != nil {
		return About{}, err
	}
	a := s.about(context.Background())
	a.Origin, a.Notes = c.Origin(kind), notesOf(source.data)
	if a.Origin != BuiltIn {
		a.File = c.File(kind)
	}
	a.Example = s.example(a.Notes)
	return a, nil
}

func (s *spec) about(ctx context.Context) About {
	first := s.eachSpec()[0] // where objects differ, it is the one that is shown
	a := About{
		Name: s.name, Title: s.title, Docs: s.docs, VerifiedOn: s.verified, Params: s.params, Identity: "its address",
		Reads: s.reads(), Discovers: s.discovers(), PerSecond: s.rate.perSecond(), Fixtures: len(s.fixtures),
		Modes: s.allModes(), Key: first.keyWords(), Rate: s.rate.words(), Daily: s.rate.daily.words(), Routes: first.routeWords(),
		Formats: first.formats(), Request: first.sample(), Answers: s.answers(ctx),
	}
	a.Reject = s.reject(ctx)
	if first.lookup != nil {
		a.ReadRows = first.lookup.rows
	}
	switch c := s.check; {
	case c != nil && c.fingerprint != "":
		a.Identity = "its address and a fingerprint of the key"
	case c != nil:
		a.Identity = fmt.Sprintf("`%s` of `%s %s`", c.identity, c.request.method, s.checkPath())
	}
	for _, x := range s.auth {
		a.Auth = append(a.Auth, x.kind)
	}
	if len(s.objects) == 0 {
		a.Operations = s.operations("")
	}
	for _, o := range s.objects {
		a.Objects = append(a.Objects, o.pattern)
		a.Operations = append(a.Operations, o.spec.operations(o.pattern)...)
	}
	return a
}

// allModes are those that some object has.
func (s *spec) allModes() []string {
	var out []string
	for _, mode := range []string{"upsert", "update", "insert", "append", "mirror"} {
		if slices.ContainsFunc(s.eachSpec(), func(s *spec) bool { return slices.Contains(s.modes(), mode) }) {
			out = append(out, mode)
		}
	}
	return out
}

// modes are those that the operations can carry out.
func (s *spec) modes() []string {
	has := func(name string) bool { return s.ops[name] != nil || len(s.routes[name]) > 0 }
	var out []string
	for _, mode := range []string{"upsert", "update", "insert", "append"} {
		if has(mode) {
			out = append(out, mode)
		}
	}
	if has("upsert") && has("delete") {
		out = append(out, "mirror")
	}
	return out
}

// first is the operation that carries out a mode for a few records.
func (s *spec) first(mode string) *op {
	if mode == "mirror" {
		mode = "upsert"
	}
	if list := s.routes[mode]; len(list) > 0 {
		return s.ops[list[0].op]
	}
	return s.ops[mode]
}

// keyWords say what identifies a record.
func (s *spec) keyWords() string {
	o := s.main()
	if o == nil {
		return ""
	}
	text := "one or several fields"
	if d, err := s.stand(nil, s.paramsOf(o), ""); err == nil {
		target := sampleTarget()
		target.Key = append(target.Key, destination.Field{Name: "region"})
		if _, problems := d.sender(o.name, target); len(problems) > 0 {
			text = "one field"
		}
	}
	if o.once {
		text += ", at most once a request"
	}
	switch {
	case o.fold.all:
		text += "; upper and lower case are the same"
	case len(o.fold.names) > 0:
		text += "; upper and lower case are the same in " + strings.Join(o.fold.names, ", ")
	}
	return text
}

// main is the operation that the first mode takes.
func (s *spec) main() *op {
	if modes := s.modes(); len(modes) > 0 {
		return s.first(modes[0])
	}
	return nil
}

func (s *spec) routeWords() []string {
	var out []string
	for _, mode := range opNames() {
		var ways []string
		for _, r := range s.routes[mode] {
			text := fmt.Sprintf("`%s` for more", r.op)
			if r.most > 0 {
				text = fmt.Sprintf("`%s` for up to %d changes", r.op, r.most)
			}
			ways = append(ways, text)
		}
		if len(ways) > 0 {
			out = append(out, mode+": "+strings.Join(ways, ", "))
		}
	}
	return out
}

// checkPath is the path of the check with the defaults in it.
func (s *spec) checkPath() string {
	d, err := s.stand(nil, s.paramsOf(&op{}), "")
	if err != nil {
		return s.check.request.path
	}
	target, err := d.values.target(s.check.request)
	if err != nil {
		return s.check.request.path
	}
	target, _, _ = strings.Cut(target, "?")
	return target
}

func (r rateLimit) words() string {
	var parts []string
	if r.requests > 0 {
		parts = append(parts, fmt.Sprintf("%d requests in %gs", r.requests, r.per))
	}
	var headers []string
	for _, h := range []string{r.limit, r.remaining, r.interval, r.reset} {
		if h != "" {
			headers = append(headers, "`"+h+"`")
		}
	}
	if len(headers) > 0 {
		parts = append(parts, "learned from "+strings.Join(headers, ", "))
	}
	return strings.Join(parts, ", ")
}

func (q dailyQuota) words() string {
	var headers []string
	for _, h := range []string{q.usage, q.remaining, q.limit} {
		if h != "" {
			headers = append(headers, "`"+h+"`")
		}
	}
	if len(headers) == 0 {
		return ""
	}
	text := "read from " + strings.Join(headers, ", ")
	if q.reserve > 0 {
		text += fmt.Sprintf("; a run stops when only %g%% are left, which belong to others", q.reserve*100)
	}
	return text
}

// notesOf reads the comment that a description begins with: paragraphs, and
// what is indented as code.
func notesOf(data []byte) []Note {
	var out []Note
	fresh := true
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		text, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "#")
		if !ok {
			break
		}
		text = strings.TrimPrefix(text, " ")
		code := strings.HasPrefix(text, "  ")
		switch last := len(out) - 1; {
		case strings.TrimSpace(text) == "":
			fresh = true
		case last >= 0 && code && out[last].Code:
			out[last].Text += strings.Repeat("\n", 1+btoi(fresh)) + text[2:]
			fresh = false
		case last >= 0 && !fresh && !code && !out[last].Code:
			out[last].Text += "\n" + text
		default:
			out, fresh = append(out, Note{Text: strings.TrimPrefix(text, "  "), Code: code}), false
		}
	}
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// example is a connection as the description's comment shows one, else one
// with the parameters that have to be set.
func (s *spec) example(notes []Note) string {
	for _, n := range notes {
		if n.Code && strings.Contains(n.Text, "type: "+s.name) {
			return n.Text
		}
	}
	parts := []string{"type: " + s.name}
	for _, p := range s.params {
		switch {
		case p.Secret && (p.Required || len(s.auth) == 1):
			parts = append(parts, fmt.Sprintf(`%s: "{{ env_var('%s_%s') }}"`, p.Name, envName(s.name), envName(p.Name)))
		case p.Required:
			parts = append(parts, fmt.Sprintf("%s: %s", p.Name, cmp.Or(p.Default, "…")))
		}
	}
	return "crm: {" + strings.Join(parts, ", ") + "}"
}

func envName(name string) string {
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// operations are those of a spec, by name.
func (s *spec) operations(object string) (out []Operation) {
	for _, name := range slices.Sorted(maps.Keys(s.ops)) {
		o := s.ops[name]
		out = append(out, Operation{
			object, name, o.limits.rows, o.limits.bytes, o.limits.rowBytes, o.limits.concurrency, o.safe(), o.job != nil,
		})
	}
	slices.SortStableFunc(out, func(a, b Operation) int { return s.order(a.Name, b.Name) })
	return out
}

func (s *spec) discovers() bool {
	return slices.ContainsFunc(s.eachSpec(), func(s *spec) bool { return s.discover != nil })
}

// TestFile runs the fixtures of a description that stands in a file.
func TestFile(ctx context.Context, file string, data []byte) (Report, error) {
	s, err := parse(file, data, nil)
	if err != nil {
		return Report{}, err
	}
	return s.test(ctx), nil
}
