package declared

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"exposync/internal/destination"
	"exposync/internal/record"
	"exposync/internal/rest"
	"exposync/internal/yamlx"
)

// fixture is an answer of the service with what it means for every record:
// written by hand from its documentation, run without a network.
type fixture struct {
	name   string
	op     string
	object string
	key    string   // name of the key field
	rows   []string // keys; the trace of record i is i
	answer answer   // of a request
	script []answer // of a job, in the order of the calls
	resume string   // a job that an earlier run left: nothing may be uploaded
	params []pair   // of the connection; others are any text
	want   []string // state or state/code, one for each record
	where  string
}

// answer is one answer of a fixture.
type answer struct {
	call   string // create, upload, close, poll, results.N
	status int
	header []pair
	body   string
	text   bool // the body is no JSON
}

// Tested is what became of one fixture.
type Tested struct {
	Fixture string   `json:"fixture"`
	Where   string   `json:"where"`
	Op      string   `json:"op"`
	OK      bool     `json:"ok"`
	Want    []string `json:"want"`
	Got     []string `json:"got"`
	Rules   []string `json:"rules,omitempty"`   // which rule decided, answer by answer
	Reasons []string `json:"reasons,omitempty"` // of every record
	Problem string   `json:"problem,omitempty"`
}

// Report is what a spec's fixtures showed.
type Report struct {
	Name     string   `json:"name"`
	Fixtures []Tested `json:"fixtures"`
	// Unproven lists the rules that no fixture reaches.
	Unproven []string `json:"unproven,omitempty"`
}

// OK reports whether every fixture agrees and every rule is reached.
func (r Report) OK() bool {
	return len(r.Unproven) == 0 && !slices.ContainsFunc(r.Fixtures, func(t Tested) bool { return !t.OK })
}

// trial collects which rules were reached while fixtures run.
type trial struct {
	reached map[*rule]bool
	said    []string
}

func (t *trial) note(o *op, r *rule) {
	if t == nil {
		return
	}
	if r == nil {
		t.said = append(t.said, "no rule of "+o.name+": the status decides")
		return
	}
	t.reached[r] = true
	t.said = append(t.said, fmt.Sprintf("ops.%s.response[%d] (%s)", o.name, slices.IndexFunc(o.rules, func(x rule) bool { return x.same(r) }), r.where))
}

func (r *rule) same(other *rule) bool { return r.where == other.where }

// Test runs the fixtures of the description of a kind.
func (c *Catalog) Test(ctx context.Context, kind string) (Report, error) {
	s, err := c.load(kind, nil)
	if err != nil {
		return Report{}, err
	}
	return s.test(ctx), nil
}

func (s *spec) test(ctx context.Context) Report {
	out, t := Report{Name: s.name}, &trial{reached: map[*rule]bool{}}
	for i := range s.fixtures {
		out.Fixtures = append(out.Fixtures, s.try(ctx, &s.fixtures[i], t))
	}
	names := make([]string, 0, len(s.ops))
	for name := range s.ops {
		names = append(names, name)
	}
	slices.Sort(names)
	seen := map[string]bool{} // operations may share rules
	for r := range t.reached {
		seen[r.where] = true
	}
	out.Unproven = s.unproven(seen)
	for _, o := range s.objects {
		out.Unproven = append(out.Unproven, o.spec.unproven(seen)...)
	}
	return out
}

// unproven lists the rules that were not seen.
func (s *spec) unproven(seen map[string]bool) (out []string) {
	for _, name := range slices.Sorted(maps.Keys(s.ops)) {
		for i := range s.ops[name].rules {
			if r := &s.ops[name].rules[i]; !seen[r.where] {
				seen[r.where] = true
				out = append(out, fmt.Sprintf("ops.%s.response[%d] (%s)", name, i, r.where))
			}
		}
	}
	return out
}

// try runs one fixture through the same code as a run.
func (s *spec) try(ctx context.Context, f *fixture, t *trial) Tested {
	out := Tested{Fixture: f.name, Where: f.where, Op: f.op, Want: f.want}
	t.said = nil
	got, err := s.play(ctx, f, t)
	out.Rules = t.said
	if err != nil {
		out.Problem = err.Error()
		return out
	}
	for _, o := range got {
		out.Got = append(out.Got, stateWord(o))
		out.Reasons = append(out.Reasons, o.Message)
	}
	out.OK = slices.Equal(out.Want, out.Got)
	return out
}

// stateWord writes an outcome as fixtures do: ok, fail/CODE.
func stateWord(o destination.Outcome) string {
	text := map[destination.State]string{destination.Pending: "pending", destination.NotSent: "not_sent"}[o.State]
	for w, state := range states() {
		if state == o.State {
			text = w
		}
	}
	if o.Code != "" {
		text += "/" + o.Code
	}
	return text
}

func (s *spec) play(ctx context.Context, f *fixture, t *trial) ([]destination.Outcome, error) {
	stage := &stage{answers: slices.Clone(f.script)}
	if f.script == nil {
		stage.answers = []answer{f.answer}
	}
	params := make([]pair, 0, len(s.params)+len(f.params))
	for _, p := range s.params {
		value := "fixture"
		if p.Kind == "url" {
			value = "https://fixture.invalid"
		}
		params = append(params, pair{p.Name, value})
	}
	d, err := s.stand(stage, append(params, f.params...), f.where)
	if err != nil {
		return nil, err
	}
	d.trial = t
	d.values.named["base_url"] = "https://fixture.invalid"
	if d, err = d.of(f.object); err != nil {
		return nil, err
	}
	sender, problems := d.sender(f.op, destination.Target{
		Object: f.object, Mode: destination.Upsert, Key: d.spec.needs(f.op, "$key.", f.key), Fields: d.spec.needs(f.op, "$field."),
	})
	if err := problems.Err(); err != nil {
		return nil, err
	}
	batch := make([]record.Change, len(f.rows))
	for i, key := range f.rows {
		v := record.Value{Kind: record.Text, Data: []byte(key)}
		batch[i] = record.Change{Op: record.Create, RemoteID: "id-" + strconv.Itoa(i)}
		for range sender.target.Key {
			batch[i].KeyVals = append(batch[i].KeyVals, v)
		}
		batch[i].Key = record.AppendKey(nil, batch[i].KeyVals...)
		for range sender.target.Fields {
			batch[i].Values = append(batch[i].Values, record.Value{Kind: record.Text, Data: []byte("fixture")})
		}
	}
	if sender.job != nil {
		return sender.job.play(ctx, f, batch)
	}
	out := destination.All(len(batch), destination.Outcome{State: destination.NotSent})
	sender.deliver(ctx, batch, func(int) bool { return true }, out)
	return out, stage.err
}

// stand opens the spec for a service that is not there: only what is given
// answers, nobody has to prove who sends, and nothing waits.
func (s *spec) stand(answers http.RoundTripper, params []pair, where string) (*Destination, error) {
	cfg := Config{
		Kind: s.name, Name: "fixture", Where: where, Params: map[string]string{},
		Rest: rest.Config{Now: noon, Jitter: func() float64 { return 0 }, Transport: answers, WaitMin: time.Nanosecond, WaitMax: time.Nanosecond},
	}
	for _, p := range params {
		cfg.Params[p.name] = p.text
	}
	plain := *s
	plain.auth, plain.rate, plain.vars = []auth{{kind: "none"}}, rateLimit{}, slices.Clone(s.vars)
	d, err := open(cfg, &plain)
	if err == nil {
		d.values.named["base_url"] = "https://fixture.invalid"
	}
	return d, err
}

// needs are the fields that an operation's row asks for by name; others if it
// asks for none.
func (s *spec) needs(op, word string, others ...string) []destination.Field {
	names := map[string]bool{}
	if o := s.ops[op]; o != nil {
		namesOf(o.row, word, names)
	}
	if len(names) == 0 {
		for _, name := range others {
			names[name] = true
		}
	}
	var out []destination.Field
	for _, name := range slices.Sorted(maps.Keys(names)) {
		out = append(out, destination.Field{Name: name, Kind: record.Text})
	}
	return out
}

// noon is the time at which fixtures play: they wait for nothing.
func noon() time.Time { return time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) }

// play goes through a job, or through the rest of one.
func (j *jobSender) play(ctx context.Context, f *fixture, batch []record.Change) ([]destination.Outcome, error) {
	id, out := f.resume, destination.All(len(batch), destination.Outcome{State: destination.Pending})
	if id == "" {
		id, out = j.submit(ctx, batch, func(string) error { return nil })
		_, id, _ = strings.Cut(id, ":")
	}
	if !slices.ContainsFunc(out, func(o destination.Outcome) bool { return o.State == destination.Pending }) {
		return out, nil
	}
	for range 100 {
		p, doc, err := j.status(ctx, id)
		switch {
		case err != nil:
			return nil, err
		case p.Lost:
			return destination.All(len(batch), destination.Outcome{State: destination.InDoubt, Code: "job_lost"}), nil
		case p.Ended:
			ended, err := j.outcomes(ctx, id, batch, doc)
			for i := range ended { // as in a run: only what is pending is asked for
				if out[i].State == destination.Pending {
					out[i] = ended[i]
				}
			}
			return out, err
		}
	}
	return nil, errors.New("the job does not end")
}

// stage gives the answers of a fixture, one a request.
type stage struct {
	answers []answer
	err     error
}

// RoundTrip gives the next answer.
func (s *stage) RoundTrip(req *http.Request) (*http.Response, error) {
	if len(s.answers) == 0 {
		s.err = fmt.Errorf("the fixture has no answer to %s %s", req.Method, req.URL.Path)
		return nil, s.err
	}
	a := s.answers[0]
	s.answers = s.answers[1:]
	h := http.Header{"Content-Type": {"application/json"}}
	if a.text {
		h.Set("Content-Type", "text/csv")
	}
	for _, p := range a.header {
		h.Set(p.name, p.text)
	}
	return &http.Response{
		StatusCode: a.status, Header: h, Request: req, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(strings.NewReader(a.body)), ContentLength: int64(len(a.body)),
	}, nil
}

func (d *decoder) fixture(n *yamlx.Node) fixture {
	f := fixture{where: d.where(n), object: "object", key: "key"}
	fields := d.answer(&f.answer)
	fields["name"], fields["op"], fields["rows"], fields["want"] = d.text(&f.name), d.text(&f.op), d.words(&f.rows), d.words(&f.want)
	fields["resume_with"], fields["params"] = d.text(&f.resume), d.pairs(&f.params, "params", d.text)
	fields["object"], fields["key"] = d.text(&f.object), d.text(&f.key)
	fields["script"] = d.list("script", func(n *yamlx.Node) {
		var a answer
		more := d.answer(&a)
		more["call"] = d.text(&a.call)
		d.keys(n, "script", more)
		f.script = append(f.script, a)
	})
	d.keys(n, "fixtures", fields)
	if f.name == "" || f.op == "" || len(f.rows) == 0 || len(f.rows) != len(f.want) {
		d.fail(n, "", "a fixture needs name, op, rows, and want with one state for each row")
	}
	return f
}

func (d *decoder) answer(a *answer) known {
	return known{
		"status":  d.count(&a.status),
		"headers": d.pairs(&a.header, "headers", d.text),
		"text": func(n *yamlx.Node) {
			d.text(&a.body)(n)
			a.text = true
		},
		"body": func(n *yamlx.Node) {
			a.body = string(appendNode(nil, n))
		},
	}
}

// appendNode writes a tree as JSON.
func appendNode(dst []byte, n *yamlx.Node) []byte {
	switch {
	case n.IsNull():
		return append(dst, "null"...)
	case n.Kind == yamlx.List:
		dst = append(dst, '[')
		for i, item := range n.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendNode(dst, item)
		}
		return append(dst, ']')
	case n.Kind == yamlx.Map:
		dst = append(dst, '{')
		for i, p := range n.Pairs {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst, _ = record.AppendJSONText(dst, p.Key) // YAML is UTF-8
			dst = appendNode(append(dst, ':'), p.Value)
		}
		return append(dst, '}')
	case n.Kind == yamlx.String:
		dst, _ = record.AppendJSONText(dst, n.Text)
		return dst
	}
	return append(dst, n.Text...)
}
