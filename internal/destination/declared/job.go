package declared

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"exposync/internal/destination"
	"exposync/internal/record"
	"exposync/internal/rest"
	"exposync/internal/yamlx"
)

// job is an operation that goes on at the service after it was handed over:
// create, upload, close, poll, results. Upload and close may be missing.
type job struct {
	create  step
	id      string // path of the job's id in the answer to create
	upload  *step  // the records go with it; nil: they go with create
	close   *step
	abort   *step
	poll    poll
	dead    []deadRule
	results []results
	missing destination.State // of records that no result names
}

// step is one request of a job.
type step struct {
	request request
	body    *yamlx.Node // nil: none, or the records
	expect  string      // status; empty: any success
}

// poll asks how far a job is.
type poll struct {
	request             request
	state               string
	open                []string // handed over, but not closed: it does not begin
	running, done, gone []string // gone: it failed as a whole
	message             string
	every, most, giveUp time.Duration
	processed, failed   string // counts of records, failed ones among the processed
	total, okay         string // counts of all records, and of those that were taken
}

// deadRule says why a job failed as a whole.
type deadRule struct {
	field   string
	match   *regexp.Regexp
	outcome destination.State
	message string
}

// results is one list of what became of a job's records.
type results struct {
	request   *request // nil: they stand in the answer to poll
	format    string   // json, csv
	at        string
	key       string // path or column, may hold ${…}
	destID    string // in place of key: the destination's own id
	index     string
	indexPart *regexp.Regexp
	ok        string // path or column that marks a success; empty: state is that of all
	state     destination.State
	id        string
	code      string
	codePart  *regexp.Regexp
	message   string
	class     classes
	paging    paging
}

// jobSender hands batches of one operation over.
type jobSender struct {
	s      *sender
	job    *job
	values values
	create []byte // the body of create, without records

	mu    sync.Mutex
	asked map[record.Hash]string // ids that were asked for: the batch does not hold them
}

func newJobSender(s *sender, c *compiler) *jobSender {
	j := &jobSender{s: s, job: s.op.job, values: c.values}
	if b := s.op.job.create.body; b != nil {
		body, err := c.compile(b).append(nil, &rowContext{})
		if err != nil {
			c.failf("job.create.body: %s", err)
		}
		j.create = body
	}
	return j
}

// submit hands a batch over. The id is kept before anything else is done.
func (j *jobSender) submit(ctx context.Context, batch []record.Change, keep func(string) error) (id string, out []destination.Outcome) {
	out = destination.All(len(batch), destination.Outcome{State: destination.NotSent})
	sent, mine := batch, func(int) bool { return true }
	if j.s.op.locate != "" {
		if sent, mine = j.s.located(ctx, batch, mine, out); hopeless(out) {
			return "", out
		}
		j.keepIDs(batch, sent)
	}
	p, ok := j.s.pack(sent, mine, out)
	if !ok {
		return "", out
	}
	body := append(p.body, j.s.tail...)
	first := j.create
	if j.job.upload == nil {
		first = body
	}
	resp, bad := j.step(ctx, j.job.create, j.values, first, j.job.upload == nil, batch, p)
	if bad != nil {
		return "", spread(out, p.at, j.unborn(bad))
	}
	raw := plain(gjson.GetBytes(resp.Body, j.job.id))
	if raw == "" {
		o := destination.Outcome{State: destination.InDoubt, Code: codeUndeclared, Message: fmt.Sprintf("the answer does not say %s, the job's id", j.job.id)}
		return "", spread(out, p.at, destination.All(len(p.at), o))
	}
	id = j.s.op.name + ":" + raw
	if err := keep(id); err != nil {
		return "", out // the engine knows why; no record left
	}
	spread(out, p.at, destination.All(len(p.at), destination.Outcome{State: destination.Pending}))
	v := j.values.with(pair{"job_id", raw})
	if j.job.upload != nil {
		if _, bad := j.step(ctx, *j.job.upload, v, body, true, batch, p); bad != nil {
			return id, j.forsaken(ctx, v, out, p, bad)
		}
	}
	if j.job.close != nil {
		if _, bad := j.step(ctx, *j.job.close, v, j.fixed(*j.job.close), false, batch, p); bad != nil {
			return id, j.forsaken(ctx, v, out, p, bad)
		}
	}
	return id, out
}

// unborn are the outcomes where no job came to be: whatever became of the
// request for one, no record was in it if they are uploaded.
func (j *jobSender) unborn(bad []destination.Outcome) []destination.Outcome {
	if j.job.upload == nil {
		return bad
	}
	for i := range bad {
		o := &bad[i]
		if o.Maybe = false; o.State == destination.InDoubt {
			o.State = destination.Retry
		}
	}
	return bad
}

// tries is how often a step is sent in one go. Where a job stands open the
// records are worth some patience. To create one again, and to wait for that,
// is the engine's; and what begins a job, the close or, without one, the
// upload, may be refused the second time because it did so the first time.
func (j *jobSender) tries(records bool) int {
	if records && j.job.upload != nil && j.job.close != nil {
		return 3
	}
	return 1
}

// forsaken gives up a job that got no records, or was not begun. Where that
// is not certain the job stays to be asked.
func (j *jobSender) forsaken(ctx context.Context, v values, out []destination.Outcome, p *parcel, bad []destination.Outcome) []destination.Outcome {
	for _, o := range bad {
		if o.State == destination.InDoubt || o.Maybe {
			return out
		}
	}
	if j.job.abort != nil && ctx.Err() == nil {
		_, _ = j.request(ctx, *j.job.abort, v, j.fixed(*j.job.abort), false)
	}
	return spread(out, p.at, bad)
}

// pack encodes a batch as one body. What does not fit any more waits for the
// next job.
func (s *sender) pack(batch []record.Change, mine func(int) bool, out []destination.Outcome) (*parcel, bool) {
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
		body, err := s.appendRow(p.body, &row, len(p.at))
		if o, bad := s.unfit(body[min(from, len(body)):], err); bad {
			out[i], p.body = o, body[:start]
			continue
		}
		p.body = body
		if s.full(p, &batch[i], 1) {
			p.body = body[:start]
			out[i] = destination.Outcome{State: destination.Retry, Code: "batch_full", Message: "it goes with the next job"}
			continue
		}
		s.put(p, i, &batch[i], 1)
	}
	return p, len(p.at) > 0
}

func spread(out []destination.Outcome, at []int, of []destination.Outcome) []destination.Outcome {
	for k, i := range at {
		out[i] = of[k]
	}
	return out
}

// fixed is the body of a step that holds no record.
func (j *jobSender) fixed(s step) []byte {
	if s.body == nil {
		return nil
	}
	c := &compiler{values: j.values}
	body, _ := c.compile(s.body).append(nil, &rowContext{}) // its shape is checked
	return body
}

// step makes one request of a job; what is no success gives outcomes.
func (j *jobSender) step(ctx context.Context, s step, v values, body []byte, records bool, batch []record.Change, p *parcel) (*rest.Response, []destination.Outcome) {
	resp, err := j.request(ctx, s, v, body, records)
	judge := &judge{s: j.s, batch: batch, at: p.at}
	switch {
	case err != nil:
		return nil, judge.unanswered(err)
	case s.expect == "" && resp.OK(), s.expect != "" && matchesStatus(s.expect, resp.Status):
		return resp, nil
	}
	return nil, judge.refused(resp)
}

// refused sorts an answer that is no success.
func (j *judge) refused(resp *rest.Response) []destination.Outcome {
	if resp.OK() {
		return j.all(destination.Outcome{
			State: destination.InDoubt, Code: codeUndeclared, Message: fmt.Sprintf("%s answered %d, which no rule describes", resp.Host, resp.Status),
		})
	}
	return j.answered(resp)
}

func (j *jobSender) request(ctx context.Context, s step, v values, body []byte, records bool) (*rest.Response, error) {
	target, err := v.target(s.request)
	if err != nil {
		return nil, err
	}
	header := j.s.d.header.Clone()
	switch {
	case records:
		header = j.s.header.Clone()
		if j.s.op.encode.gzip {
			body = packed(body)
		}
	case body != nil:
		header.Set("Content-Type", "application/json")
	}
	for _, h := range s.request.headers {
		text, err := v.text(h.text)
		if err != nil {
			return nil, err
		}
		header.Set(h.name, text)
	}
	class := rest.Insert
	if s.request.method == http.MethodPut || s.request.method == http.MethodPatch {
		class = rest.Upsert // the same step again changes nothing
	}
	return j.s.d.do(ctx, exchange{class: class, method: s.request.method, target: target, header: header, body: body, attempts: j.tries(records)})
}

// status asks how far a job is. One that was never closed is closed now: its
// records arrived, or it ends without any.
func (j *jobSender) status(ctx context.Context, id string) (destination.Progress, gjson.Result, error) {
	p := j.job.poll
	lost := destination.Progress{Ended: true, Lost: true}
	running := destination.Progress{Again: p.every, Most: p.most, GiveUp: p.giveUp}
	v := j.values.with(pair{"job_id", id})
	doc, err := j.ask(ctx, v)
	if err != nil {
		return destination.Progress{}, doc, err
	}
	if j.isOpen(doc) {
		resp, err := j.request(ctx, *j.job.close, v, j.fixed(*j.job.close), false)
		if err != nil || resp.OK() || !final(resp.Status) {
			return running, doc, nil //nolint:nilerr // the next question closes it
		}
		if doc, err = j.ask(ctx, v); err != nil { // it may have been closed before, and only just have begun
			return destination.Progress{}, doc, err
		}
		if j.isOpen(doc) {
			return lost, doc, nil // it got no records, and never begins
		}
	}
	switch state := plain(doc.Get(p.state)); {
	case !doc.Exists():
		return lost, doc, nil
	case slices.Contains(p.running, state):
		return running, doc, nil
	case slices.Contains(p.done, state), slices.Contains(p.gone, state):
		return destination.Progress{Ended: true}, doc, nil
	default:
		return destination.Progress{}, doc, j.s.d.unreadable("poll", fmt.Sprintf("the job is in a state that the description does not know (%s)", short(j.s.d.hideSecrets(state), 40)))
	}
}

// ask reads how far a job is; nothing if the service does not know it.
func (j *jobSender) ask(ctx context.Context, v values) (gjson.Result, error) {
	target, err := v.target(j.job.poll.request)
	if err != nil {
		return gjson.Result{}, err
	}
	return j.s.d.document(ctx, exchange{
		class: rest.Read, method: j.job.poll.request.method, target: target, header: j.s.d.header, attempts: 5, none: "404",
	})
}

// isOpen reports whether a job waits for somebody to close it.
func (j *jobSender) isOpen(doc gjson.Result) bool {
	return j.job.close != nil && doc.Exists() && slices.Contains(j.job.poll.open, plain(doc.Get(j.job.poll.state)))
}

// final reports whether a status refuses a step for what it is, not for now
// and not for who asks.
func final(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusTooEarly, http.StatusLocked:
		return false
	}
	return refused(status)
}

// deadWord is the outcome of a job that failed as a whole; ok is false if it
// did not, or no rule knows why.
func (j *jobSender) deadWord(doc gjson.Result) (o destination.Outcome, ok bool) {
	if !slices.Contains(j.job.poll.gone, plain(doc.Get(j.job.poll.state))) {
		return o, false
	}
	for _, r := range j.job.dead {
		if text := plain(doc.Get(r.field)); r.match.MatchString(text) {
			code := r.match.FindString(text)
			return destination.Outcome{State: r.outcome, Code: strings.TrimSpace(code), Message: plain(doc.Get(r.message))}, true
		}
	}
	return o, false
}
