package declared

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/record"
)

// sender sends the records of one operation.
type sender struct {
	d          *Destination
	op         *op
	target     destination.Target
	row        *template
	also       []*template // more items of a record
	judged     []int       // places in attrs that values are held against
	attrs      []attribute // of the key's fields, then of the others, where they are known
	job        *jobSender  // nil: an answer says all
	aliased    *aliased    // nil: records have no names of their own
	finder     *finder     // nil: the records' ids are not asked for
	late       *request    // its address names records; nil: path is that of all
	values     values      // for late
	fold       bool        // the service does not tell keys apart by case
	cells      []cell      // of the row, in formats without nesting
	hashed     []bool      // by field; nil for none
	texts      *texts      // fields that hold text there
	head, tail []byte      // of the body, around the records
	sep        []byte      // between them
	path       string      // with its query
	header     http.Header
	scope      string // of idempotency keys
	overhead   int    // rough size of a record besides its values
	grow       atomic.Int64
}

func (d *Destination) sender(name string, t destination.Target) (*sender, fault.List) {
	o, ok := d.spec.ops[name]
	if !ok {
		return nil, fault.List{{
			Code: "mode_unsupported", Kind: fault.Config, Whose: fault.Mapping, Where: d.cfg.Where,
			Msg:  fmt.Sprintf("connection %s cannot write with mode: %s, it has no operation %s", d.cfg.Name, t.Mode, name),
			Hint: "choose another mode in the exposure's metadata, or describe the operation under ops",
		}}
	}
	s := &sender{d: d, op: o, target: t, scope: scopeOf(d.values.named["base_url"], t)}
	job := []pair{{"object", t.Object}, {"mode", string(t.Mode)}, {"key_field", ""}}
	if len(t.Key) > 0 {
		job[2].text = t.Key[0].Name
	}
	c := &compiler{target: t, values: d.values.with(job...), encode: &o.encode, deletes: o.deletes, own: d.spec.own()}
	s.fold = o.fold.of(job[2].text)
	for _, name := range o.needs {
		if d.values.named[name] == "" {
			return nil, fault.List{{
				Code: "mode_unsupported", Kind: fault.Config, Whose: fault.Setup, Where: d.cfg.Where,
				Msg:  fmt.Sprintf("connection %s cannot write with mode: %s, it has no %s", d.cfg.Name, t.Mode, name),
				Hint: fmt.Sprintf("add %s to the connection in exposync.yml, or choose another mode", name),
			}}
		}
	}
	if o.find != nil {
		return d.findSender(s, t)
	}
	row := o.row
	if o.alias != nil {
		s.aliased, row = c.aliased(o)
	}
	s.row = c.row(row)
	c.name(s.row, o.idem.field)
	for _, n := range o.also {
		x := c.row(n)
		x.whole = true
		s.also = append(s.also, x)
	}
	s.frame(c)
	s.partial(c)
	s.overhead = s.row.overhead()
	if s.aliased != nil {
		s.overhead += len(s.end(2)) - len(s.end(1))
	}
	if o.job == nil {
		s.request(c)
	} else {
		s.recordHeader()
		s.job = newJobSender(s, c)
	}
	var problems fault.List
	for _, p := range c.problems {
		problems = append(problems, &fault.Fault{
			Code: "target_unsupported", Kind: fault.Config, Whose: fault.Mapping, Where: d.cfg.Where,
			Msg:  fmt.Sprintf("connection %s, object %s: %s", d.cfg.Name, t.Object, p),
			Hint: "change key or fields in the exposure's metadata, or ops." + name + ".row of the connection",
		})
	}
	return s, problems
}

// scopeOf is what an idempotency key is unique in: the same values in other
// fields are another request.
func scopeOf(base string, t destination.Target) string {
	names := []string{base, t.Object}
	for _, f := range t.Fields {
		names = append(names, f.Name)
	}
	return strings.Join(names, "\x00") + "\x00"
}

// frame prepares what stands around the records, and between them.
func (s *sender) frame(c *compiler) {
	switch o := s.op; o.encode.format {
	case "ndjson":
		s.tail, s.sep = []byte("\n"), []byte("\n")
	case "csv":
		s.cells = c.flat(s.row, o.encode.format)
		s.head = headCSV(s.cells)
	case "form":
		s.cells = c.distinct(c.flat(s.row, o.encode.format))
	case "none":
	default:
		s.sep = []byte(",")
		if s.aliased != nil {
			s.head = c.envelope(o, s.aliased)
			break
		}
		s.head, s.tail, _ = c.compile(o.envelope).split()
	}
	for _, name := range s.op.encode.hash {
		for i, f := range s.target.Fields {
			if f.Name == name {
				if s.hashed == nil {
					s.hashed = make([]bool, len(s.target.Fields))
				}
				s.hashed[i] = true
			}
		}
	}
}

// end is what stands behind n records.
func (s *sender) end(n int) []byte {
	if s.aliased != nil {
		return s.aliased.end(n)
	}
	return s.tail
}

// appendRow appends one record in the operation's format, the nth of its
// request.
func (s *sender) appendRow(dst []byte, row *rowContext, n int) ([]byte, error) {
	if s.aliased != nil {
		return s.aliased.append(dst, s.row, row, n)
	}
	switch s.op.encode.format {
	case "csv":
		return appendCSV(dst, s.cells, row)
	case "form":
		return appendForm(dst, s.cells, row)
	case "none":
		return dst, nil
	}
	return s.row.append(dst, row)
}

// appendItems appends what a record is in a body: one item, and those of also
// that have all they need.
func (s *sender) appendItems(dst []byte, row *rowContext, n int) (body []byte, items int, err error) {
	start := len(dst)
	body, err = s.appendRow(dst, row, n)
	items = 1
	for _, t := range s.also {
		if err != nil {
			break
		}
		before := len(body)
		more, miss := t.append(append(body, s.sep...), row)
		if miss == errAbsent { //nolint:errorlint // the sentinel itself, on the hot path
			body = more[:before]
			continue
		}
		body, err = more, miss
		items++
	}
	if err != nil {
		body = body[:min(start, len(body))]
	}
	return body, items, err
}

// request prepares what all requests of the job have in common.
func (s *sender) request(c *compiler) {
	s.address(c)
	s.recordHeader()
	for _, h := range s.op.request.headers {
		text, err := c.values.text(h.text)
		if err != nil || strings.ContainsAny(text, "\r\n\x00") {
			c.failf("the header %s cannot be filled", h.name)
			continue
		}
		s.header.Set(h.name, text)
	}
}

// recordHeader is the header of requests that carry records.
func (s *sender) recordHeader() {
	s.header = s.d.header.Clone()
	if s.op.encode.format != "none" {
		s.header.Set("Content-Type", s.op.encode.contentType())
	}
	if s.op.encode.gzip {
		s.header.Set("Content-Encoding", "gzip")
	}
}

// overhead estimates the bytes of a template besides record values.
func (t *template) overhead() int {
	n := len(t.bytes) + 2
	for _, e := range t.entries {
		n += len(e.name) + 1 + e.value.overhead()
	}
	for _, i := range t.items {
		n += 1 + i.overhead()
	}
	return n
}

// size estimates one record's bytes: exact would mean to encode it twice, and
// deliver splits what turns out larger.
func (s *sender) size(ch record.Change) int {
	n := s.overhead + 1
	for _, v := range ch.KeyVals {
		n += len(v.Data)
	}
	for _, v := range ch.Values {
		n += len(v.Data)
	}
	return n
}
