package declared

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/record"
	"exposync/internal/rest"
)

// writer writes one job's records.
type writer struct {
	d       *Destination
	write   *sender // creates and updates: the way that was chosen
	delete  *sender // nil: not in this mode
	ways    []way   // of which write is one; the first is for few records
	deletes []way   // of which delete is one
	traits  destination.Traits
}

// way is one of several ways to write.
type way struct {
	most int64 // records; 0: any number
	s    *sender
}

// Open compiles the mode's operations for the target and, where the service
// tells its fields, holds the target's against them. It writes nothing. What
// the target asks for and the spec does not offer are faults with the codes
// mode_unsupported and target_unsupported; those about fields are the ones of
// every destination.
func (d *Destination) Open(ctx context.Context, t destination.Target) (destination.Writer, error) {
	d, err := d.of(t.Object)
	if err != nil {
		return nil, err
	}
	w := &writer{d: d}
	var problems fault.List
	for _, name := range opsOf(t.Mode) {
		for _, r := range d.spec.waysOf(name) {
			s, list := d.sender(r.op, t)
			problems = append(problems, list...)
			if name == "delete" {
				w.deletes = append(w.deletes, way{r.most, s})
			} else {
				w.ways = append(w.ways, way{r.most, s})
			}
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	fields, err := d.checkFields(ctx, t)
	if err != nil {
		return nil, err
	}
	for _, x := range slices.Concat(w.ways, w.deletes) {
		x.s.learn(fields)
	}
	w.Route(0)
	return w, nil
}

// Route chooses the way for so many changes.
func (w *writer) Route(changes int64) {
	w.write = wayFor(w.ways, changes)
	if len(w.deletes) > 0 {
		w.delete = wayFor(w.deletes, changes)
	}
	if w.delete != nil && w.delete.job != nil && w.write.job == nil {
		w.delete = w.deletes[0].s // deletes are jobs only beside jobs
	}
	w.traits = w.limits()
}

// wayFor is the first of several ways that is for so many changes.
func wayFor(ways []way, changes int64) *sender {
	for _, x := range ways {
		if x.most == 0 || changes <= x.most {
			return x.s
		}
	}
	return ways[len(ways)-1].s
}

// waysOf are the operations that carry one of a mode out.
func (s *spec) waysOf(name string) []route {
	if routes := s.routes[name]; len(routes) > 0 {
		return routes
	}
	return []route{{op: name}}
}

var (
	_ destination.Router = (*writer)(nil)
	_ destination.Jobber = (*writer)(nil)
)

// Submit hands a batch over as a job.
func (w *writer) Submit(ctx context.Context, batch []record.Change, keep func(id string) error) (string, []destination.Outcome) {
	if len(batch) > 0 && batch[0].Op == record.Delete {
		return w.delete.job.submit(ctx, batch, keep)
	}
	return w.write.job.submit(ctx, batch, keep)
}

// Poll asks how far a job is.
func (w *writer) Poll(ctx context.Context, id string) (destination.Progress, error) {
	j, raw, err := w.jobOf(id)
	if err != nil {
		return destination.Progress{Ended: true, Lost: true}, nil //nolint:nilerr // a job of an operation that is no more
	}
	p, _, err := j.status(ctx, raw)
	return p, err
}

// Results gives the outcomes of an ended job.
func (w *writer) Results(ctx context.Context, id string, batch []record.Change) ([]destination.Outcome, error) {
	j, raw, err := w.jobOf(id)
	if err != nil {
		return nil, err
	}
	_, doc, err := j.status(ctx, raw)
	if err != nil {
		return nil, err
	}
	return j.outcomes(ctx, raw, batch, doc)
}

// Recall yields what an ended job says of its records.
func (w *writer) Recall(ctx context.Context, id string) iter.Seq2[destination.Recalled, error] {
	return func(yield func(destination.Recalled, error) bool) {
		j, raw, err := w.jobOf(id)
		if err != nil {
			return
		}
		_, doc, err := j.status(ctx, raw)
		if err != nil {
			yield(destination.Recalled{}, err)
			return
		}
		j.recall(ctx, raw, doc)(yield)
	}
}

// jobOf finds the operation that an id belongs to.
func (w *writer) jobOf(id string) (*jobSender, string, error) {
	name, raw, _ := strings.Cut(id, ":")
	for _, x := range slices.Concat(w.ways, w.deletes) {
		if x.s.op.name == name && x.s.job != nil {
			return x.s.job, raw, nil
		}
	}
	return nil, "", errors.New("declared: the job is of an operation that there is no more")
}

// limits are the tighter of both operations. The rate is not among them:
// the client's bucket holds for all jobs of the connection together.
func (w *writer) limits() destination.Traits {
	l := w.write.op.limits
	t := destination.Traits{
		Rows: l.rows, Bytes: l.bytes, Concurrency: l.concurrency, Idempotent: w.write.op.safe(), Jobs: w.write.job != nil,
	}
	if w.delete != nil && t.Jobs {
		t.Deletes, t.JobDeletes = true, w.delete.job != nil // as requests they are cut to their size
		t.Idempotent = t.Idempotent && w.delete.op.safe()
	} else if w.delete != nil {
		l := w.delete.op.limits
		t.Rows, t.Concurrency = min(t.Rows, l.rows), min(t.Concurrency, l.concurrency)
		if t.Bytes == 0 || (l.bytes > 0 && l.bytes < t.Bytes) {
			t.Bytes = l.bytes
		}
		t.Deletes = true
		t.Idempotent = t.Idempotent && w.delete.op.safe()
	}
	if t.Bytes > 0 {
		t.Size = w.write.size
	}
	return t
}

// Traits tell how to batch.
func (w *writer) Traits() destination.Traits { return w.traits }

// Close has nothing to do.
func (w *writer) Close() error { return nil }

// Write sends a batch: one request for what it creates and updates, one for
// what it deletes, more where a limit would be exceeded. After an answer that
// leaves no sense in going on, the rest is not sent.
func (w *writer) Write(ctx context.Context, batch []record.Change) []destination.Outcome {
	out := destination.All(len(batch), destination.Outcome{State: destination.NotSent})
	deletes := func(i int) bool { return batch[i].Op == record.Delete }
	if !w.write.deliver(ctx, batch, func(i int) bool { return !deletes(i) }, out) {
		return out
	}
	if w.delete == nil {
		for i := range batch {
			if deletes(i) {
				out[i] = destination.Outcome{
					State: destination.Rejected, Code: "delete_unsupported", Message: "deletes need mode: mirror",
				}
			}
		}
		return out
	}
	del := w.delete
	if del.job != nil {
		del = w.deletes[0].s
	}
	del.deliver(ctx, batch, deletes, out)
	return out
}

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

// parcel is one request being filled: positions in the batch, and the body
// with the head in front.
type parcel struct {
	at   []int
	own  []int // with op.also: for every item of the body its place in at
	body []byte
	keys map[string]bool // with op.once
}

// deliver sends the changes that mine picks; it is false when nothing more
// should be sent.
func (s *sender) deliver(ctx context.Context, batch []record.Change, mine func(int) bool, out []destination.Outcome) bool {
	if s.op.locate != "" {
		if batch, mine = s.located(ctx, batch, mine, out); hopeless(out) {
			return false
		}
	}
	if s.finder != nil {
		return s.finder.deliver(ctx, batch, mine, out)
	}
	return s.sendAll(ctx, batch, mine, out)
}

// sendAll encodes and sends, in as many requests as the limits ask for.
func (s *sender) sendAll(ctx context.Context, batch []record.Change, mine func(int) bool, out []destination.Outcome) bool {
	p := s.parcel(len(batch))
	row := rowContext{encode: &s.op.encode, hashed: s.hashed, texts: s.texts, scope: s.scope, max: s.op.idem.max}
	for i := range batch {
		if !mine(i) {
			continue
		}
		if o, bad := s.misfit(&batch[i]); bad {
			out[i] = o
			continue
		}
		row.change, row.trace = &batch[i], i
		start := len(p.body)
		if len(p.at) > 0 {
			p.body = append(p.body, s.sep...)
		}
		from := len(p.body)
		body, items, err := s.appendItems(p.body, &row, len(p.at))
		encoded := body[min(from, len(body)):]
		if o, bad := s.unfit(encoded, err); bad {
			out[i], p.body = o, body[:start]
			continue
		}
		p.body = body
		if s.full(p, &batch[i], items) {
			next := s.parcel(len(batch) - i)
			if s.aliased == nil {
				next.body = append(next.body, encoded...)
			} else if next.body, err = s.appendRow(next.body, &row, 0); err != nil {
				return false // it went before: the record is the same
			}
			p.body = p.body[:start]
			if !s.send(ctx, batch, p, out) {
				return false
			}
			p = next
		}
		s.put(p, i, &batch[i], items)
	}
	return len(p.at) == 0 || s.send(ctx, batch, p, out)
}

func (s *sender) parcel(rows int) *parcel {
	size := max(int(s.grow.Load()), 512)
	p := &parcel{at: make([]int, 0, min(rows, s.op.limits.rows)), body: make([]byte, 0, size+size/8)}
	p.body = append(p.body, s.head...)
	if s.op.once {
		p.keys = make(map[string]bool, cap(p.at))
	}
	return p
}

// learn takes what the service told of the target's fields.
func (s *sender) learn(attrs []attribute) {
	if s.finder != nil {
		s.finder.learn(attrs)
		return
	}
	s.attrs, s.texts = attrs, s.d.matching(s)
	for i := range attrs {
		if attrs[i].judges() {
			s.judged = append(s.judged, i)
		}
	}
}

// misfit is the outcome of a record with a value that its field cannot take.
func (s *sender) misfit(ch *record.Change) (destination.Outcome, bool) {
	if o, bad := s.unaddressed(ch); bad {
		return o, true
	}
	for _, i := range s.judged {
		values, at := ch.KeyVals, i
		if i >= len(s.target.Key) {
			values, at = ch.Values, i-len(s.target.Key)
		}
		if at >= len(values) {
			continue // a delete has no values
		}
		if code, msg := s.attrs[i].misfit(values[at], &s.op.encode); code != "" {
			return destination.Outcome{State: destination.Rejected, Code: code, Message: msg}, true
		}
	}
	return destination.Outcome{}, false
}

// unfit is the outcome of a record that cannot be sent at all.
func (s *sender) unfit(encoded []byte, err error) (destination.Outcome, bool) {
	o := destination.Outcome{State: destination.Rejected}
	switch {
	case err == errNoRemoteID: //nolint:errorlint // the sentinel itself
		o.Code, o.Message = "no_remote_id", err.Error()
	case err != nil:
		o.Code, o.Message = "invalid_value", err.Error()
	case s.op.limits.rowBytes > 0 && len(encoded) > s.op.limits.rowBytes:
		o.Code = "row_too_large"
		o.Message = fmt.Sprintf("the record is %d bytes as it is sent, the destination takes %d", len(encoded), s.op.limits.rowBytes)
	case s.op.limits.bytes > 0 && len(s.head)+len(encoded)+len(s.end(1)) > s.op.limits.bytes:
		o.Code = "row_too_large"
		o.Message = fmt.Sprintf("the record is %d bytes as it is sent, a request may have %d", len(encoded), s.op.limits.bytes)
	default:
		return o, false
	}
	return o, true
}

// full reports whether the record that was just appended has to start a
// request of its own.
func (s *sender) full(p *parcel, ch *record.Change, items int) bool {
	if len(p.at) == 0 {
		return false
	}
	l := s.op.limits
	return max(len(p.at), len(p.own))+items > l.rows || (l.bytes > 0 && len(p.body)+len(s.end(len(p.at)+1)) > l.bytes) || (p.keys != nil && p.keys[s.identity(ch)])
}

// put takes note of the record that was just appended.
func (s *sender) put(p *parcel, i int, ch *record.Change, items int) {
	for range items {
		if len(s.also) > 0 {
			p.own = append(p.own, len(p.at))
		}
	}
	p.at = append(p.at, i)
	if p.keys != nil {
		p.keys[s.identity(ch)] = true
	}
}

// identity is a key as the service tells it apart from others.
func (s *sender) identity(ch *record.Change) string {
	return s.folded(string(ch.Key))
}

// folded is a key as the service tells it apart from others.
func (s *sender) folded(key string) string {
	if s.fold {
		return strings.ToLower(key)
	}
	return key
}

// send makes one request and sorts its answer; it is false when nothing more
// should be sent.
func (s *sender) send(ctx context.Context, batch []record.Change, p *parcel, out []destination.Outcome) bool {
	body := append(p.body, s.end(len(p.at))...)
	s.grow.Store(int64(len(body)))
	x := exchange{class: rest.Insert, method: s.op.request.method, target: s.addressOf(batch, p), header: s.header, body: body, attempts: 1}
	if s.op.encode.format == "none" {
		x.body = nil
	}
	if s.op.safe() {
		x.class = rest.Upsert
	}
	if s.op.idem.header != "" {
		x.header = s.header.Clone()
		scope := s.scope
		if s.late != nil {
			scope += x.target + "\x00" // the body alone does not tell which record it is of
		}
		x.header.Set(s.op.idem.header, requestName(scope, s.op, body))
	}
	if s.op.encode.gzip {
		x.body = packed(body)
	}
	resp, err := s.d.do(ctx, x)
	j := &judge{s: s, batch: batch, at: p.at, own: p.own}
	var outcomes []destination.Outcome
	if err != nil {
		outcomes = j.unanswered(err)
	} else {
		outcomes = j.answered(resp)
	}
	for k, i := range p.at {
		out[i] = outcomes[k]
	}
	return ctx.Err() == nil && !hopeless(outcomes)
}

// hopeless reports whether one of the outcomes says that no further request
// makes sense.
func hopeless(out []destination.Outcome) bool {
	return slices.ContainsFunc(out, func(o destination.Outcome) bool {
		return o.State == destination.Auth || o.State == destination.Stop || o.State == destination.Mapping
	})
}
