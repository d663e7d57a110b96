package declared

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"regexp"
	"slices"
	"strconv"

	"github.com/tidwall/gjson"

	"exposync/internal/destination"
	"exposync/internal/record"
	"exposync/internal/rest"
)

// named is what a result says of one record.
type named struct {
	key     string
	index   int  // -1: by key
	byID    bool // key is the destination's id
	outcome destination.Outcome
	failed  bool // the service counts it as a failure, not as one that it did not come to
	gone    bool // no result: the service has forgotten the list
}

// told reads all results of a job.
func (j *jobSender) told(ctx context.Context, id string, doc gjson.Result) iter.Seq2[named, error] {
	return func(yield func(named, error) bool) {
		v := j.values.with(pair{"job_id", id})
		for i := range j.job.results {
			for n, err := range j.list(ctx, &j.job.results[i], v, doc) {
				if !yield(n, err) || err != nil {
					return
				}
			}
		}
	}
}

// list reads one list of results.
func (j *jobSender) list(ctx context.Context, r *results, v values, doc gjson.Result) iter.Seq2[named, error] {
	key, err := v.text(r.key + r.destID) // one of them
	switch {
	case err != nil:
		return func(yield func(named, error) bool) { yield(named{}, err) }
	case r.request == nil:
		return r.items(doc, key)
	case r.format == "csv":
		return j.files(ctx, r, v, key)
	}
	return func(yield func(named, error) bool) {
		for page, err := range j.s.d.pages(ctx, v, *r.request, nil, r.paging, "404") {
			if err != nil {
				yield(named{}, err)
				return
			}
			if !page.Exists() && !yield(named{index: -1, gone: true}, nil) {
				return
			}
			for n, err := range r.items(page, key) {
				if !yield(n, err) || err != nil {
					return
				}
			}
		}
	}
}

// items reads the results of one JSON answer.
func (r *results) items(doc gjson.Result, key string) iter.Seq2[named, error] {
	return func(yield func(named, error) bool) {
		items := doc
		if r.at != "" && r.at != "@this" {
			items = doc.Get(r.at)
		}
		for _, item := range items.Array() {
			get := func(path string) string { return plain(item.Get(path)) }
			n := r.result(get, func(path string) bool { return truth(item, path) }, func(path string) []string { return pick(item, path) })
			n.byID = r.destID != ""
			n.key, n.index = get(key), locate(get, r.index, r.indexPart)
			if !yield(n, nil) {
				return
			}
		}
	}
}

// locate is the index that a result names; -1 for none.
func locate(get func(string) string, path string, part *regexp.Regexp) int {
	if path == "" {
		return -1
	}
	text := get(path)
	if part != nil {
		m := part.FindStringSubmatch(text)
		if m == nil {
			return -1
		}
		text = m[len(m)-1]
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}

// result is the outcome that one result states.
func (r *results) result(get func(string) string, holds func(string) bool, texts func(string) []string) named {
	state := r.state
	if r.ok != "" && holds(r.ok) {
		state = destination.OK
	}
	o := destination.Outcome{State: state}
	if r.id != "" {
		o.RemoteID = get(r.id)
	}
	if state == destination.OK {
		return named{outcome: o}
	}
	codes := texts(r.code)
	if r.codePart != nil {
		for i, c := range codes {
			codes[i] = ""
			if m := r.codePart.FindStringSubmatch(c); m != nil {
				codes[i] = m[len(m)-1]
			}
		}
	}
	o.Code, o.Message = join(codes, ","), join(texts(r.message), ": ")
	o.State = r.class.of(codes, o.Message, state)
	return named{outcome: o, failed: state != destination.Retry}
}

// files reads the results of CSV files, page by page.
func (j *jobSender) files(ctx context.Context, r *results, v values, key string) iter.Seq2[named, error] {
	return func(yield func(named, error) bool) {
		first, err := v.target(*r.request)
		if err != nil {
			yield(named{}, err)
			return
		}
		header := j.s.d.header.Clone()
		header.Set("Accept", "text/csv")
		seen := map[string]bool{}
		for target := first; target != ""; {
			if seen[target] || len(seen) >= mostPages {
				yield(named{}, j.s.d.unreadable("results", "the pages of its answer lead in circles"))
				return
			}
			seen[target] = true
			resp, err := j.s.d.results(ctx, exchange{class: rest.Read, method: r.request.method, target: target, header: header, attempts: 5})
			if err != nil {
				yield(named{}, err)
				return
			}
			if !resp.OK() && !yield(named{index: -1, gone: true}, nil) || !j.file(r, resp.Body, key, yield) {
				return
			}
			target = r.paging.header(first, resp.Header)
		}
	}
}

// file yields what one CSV file says; false at an error, or when nobody wants
// more.
func (j *jobSender) file(r *results, body []byte, key string, yield func(named, error) bool) bool {
	for n, err := range r.lines(body, key) {
		if err != nil {
			err = j.s.d.unreadable("results", err.Error())
		}
		if !yield(n, err) || err != nil {
			return false
		}
	}
	return true
}

// results reads an answer of success, whatever it holds. Services forget
// results sooner than jobs: a list that is gone names nobody.
func (d *Destination) results(ctx context.Context, x exchange) (*rest.Response, error) {
	resp, err := d.do(ctx, x)
	if err != nil {
		return nil, d.unreachable(err)
	}
	if resp.Status == http.StatusNotFound || resp.Status == http.StatusGone {
		return &rest.Response{Status: resp.Status, Header: http.Header{}}, nil
	}
	if f := d.refusal(resp); f != nil {
		return nil, f
	}
	return resp, nil
}

// lines reads one CSV file. Services leave quotes within cells as they are.
func (r *results) lines(body []byte, key string) iter.Seq2[named, error] {
	return func(yield func(named, error) bool) {
		if len(bytes.TrimSpace(body)) == 0 {
			return
		}
		if body[len(body)-1] != '\n' && bytes.Count(body, []byte{'"'})%2 != 0 { // the reader would take half a cell for a whole one
			yield(named{}, errors.New("the file was cut off"))
			return
		}
		in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))))
		in.LazyQuotes, in.ReuseRecord = true, true
		line, err := in.Read()
		if err != nil {
			yield(named{}, errors.New("the file is no CSV"))
			return
		}
		columns := slices.Clone(line)
		at := slices.Index(columns, key)
		if at < 0 {
			yield(named{}, fmt.Errorf("the file has no column %q", key))
			return
		}
		for {
			line, err := in.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(named{}, errors.New("a line of the file is no CSV, or it was cut off"))
				return
			}
			n := r.line(columns, line)
			n.key, n.index, n.byID = line[at], -1, r.destID != ""
			if !yield(n, nil) {
				return
			}
		}
	}
}

// line reads the result that one line states.
func (r *results) line(columns, line []string) named {
	get := func(column string) string {
		if i := slices.Index(columns, column); i >= 0 {
			return line[i]
		}
		return ""
	}
	texts := func(column string) []string {
		if text := get(column); text != "" {
			return []string{text}
		}
		return nil
	}
	return r.result(get, func(column string) bool { t := get(column); return t != "" && t != "false" && t != "0" }, texts)
}

// outcomes gives every record of a batch the word of the job's results. Those
// that no result names are ok only where the service lists failures alone and
// its counts agree.
func (j *jobSender) outcomes(ctx context.Context, id string, batch []record.Change, doc gjson.Result) ([]destination.Outcome, error) {
	judge := &judge{s: j.s, batch: batch, at: make([]int, len(batch))}
	for i := range judge.at {
		judge.at[i] = i
	}
	c := &claims{j: judge}
	out, found := judge.all(destination.Outcome{}), make([]bool, len(batch))
	loose, failed, gone := 0, make([]bool, len(batch)), false // a record may have several errors
	var byID map[string]int
	for n, err := range j.told(ctx, id, doc) {
		if err != nil {
			return nil, err
		}
		if n.gone {
			gone = true
			continue
		}
		find := c.byText
		if n.byID {
			find = j.byID(batch, &byID)
		}
		i, ok := find(n.key)
		if n.key == "" && n.index >= 0 && n.index < len(batch) {
			i, ok = n.index, true
		}
		if !ok {
			loose++
			continue
		}
		failed[i] = failed[i] || n.failed
		if !found[i] || rank(n.outcome.State) > rank(out[i].State) {
			out[i], found[i] = n.outcome, true
		}
	}
	j.unnamed(doc, out, found, loose, count(failed))
	if gone && !j.job.poll.untouched(doc) {
		j.unsure(doc, out, found)
	}
	judge.hide(out)
	j.forget(batch)
	return out, nil
}

// byID finds a record of a batch by the destination's id of it.
func (j *jobSender) byID(batch []record.Change, ids *map[string]int) func(string) (int, bool) {
	if *ids == nil {
		*ids = make(map[string]int, len(batch))
		for i := range batch {
			if id := j.idOf(&batch[i]); id != "" {
				(*ids)[id] = i
			}
		}
	}
	return func(id string) (int, bool) {
		i, ok := (*ids)[id]
		return i, ok
	}
}

// idOf is the id that a record went to the job with.
func (j *jobSender) idOf(ch *record.Change) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if id, ok := j.asked[ch.Key.Hash()]; ok {
		return id
	}
	return ch.RemoteID
}

// keepIDs remembers the ids that were asked for, until the results are read.
func (j *jobSender) keepIDs(before, after []record.Change) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range after {
		if before[i].RemoteID != after[i].RemoteID {
			if j.asked == nil {
				j.asked = map[record.Hash]string{}
			}
			j.asked[after[i].Key.Hash()] = after[i].RemoteID
		}
	}
}

func (j *jobSender) forget(batch []record.Change) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range batch {
		delete(j.asked, batch[i].Key.Hash())
	}
}

// unnamed gives a word to the records that no result names, and, where a job
// failed as a whole, to those that it did not come to.
func (j *jobSender) unnamed(doc gjson.Result, out []destination.Outcome, found []bool, loose, failed int) {
	rest := destination.Outcome{State: j.job.missing, Code: "result_missing", Message: "the job's results do not name this record"}
	if rest.State == destination.OK {
		if msg := j.job.poll.differs(doc, len(out), failed, loose); msg != "" {
			rest.State, rest.Code, rest.Message = destination.InDoubt, codeOKCount, msg
		}
	}
	word, dead := j.deadWord(doc)
	for i := range out {
		switch {
		case dead && (!found[i] || out[i].State == destination.Retry):
			out[i] = word
		case !found[i]:
			out[i] = rest
		}
	}
}

// unsure takes the word of a job that failed as a whole from the records that
// no result names, where some results are gone: parts may be written.
func (j *jobSender) unsure(doc gjson.Result, out []destination.Outcome, found []bool) {
	if _, dead := j.deadWord(doc); !dead {
		return
	}
	for i := range out {
		if !found[i] {
			out[i].State = destination.InDoubt
		}
	}
}

// untouched reports whether the job says that it came to no record.
func (p *poll) untouched(doc gjson.Result) bool {
	n, told := whole(doc.Get(p.processed))
	return p.processed != "" && told && n == 0
}

func count(which []bool) (n int) {
	for _, is := range which {
		n += btoi(is)
	}
	return n
}

// differs says why the counts of a job do not bear out that the records that
// its results do not name were taken; empty if they do.
func (p *poll) differs(doc gjson.Result, sent, failed, loose int) string {
	n, counted := whole(doc.Get(p.failed))
	switch {
	case slices.Contains(p.gone, plain(doc.Get(p.state))):
		return "the job was given up, and says nothing of this record"
	case loose > 0, !counted, n != failed:
		return "the job counts other failures than its results name"
	}
	if processed, ok := whole(doc.Get(p.processed)); p.processed != "" && (!ok || processed != sent) {
		return "the job came to another number of records than it was given"
	}
	if total, ok := whole(doc.Get(p.total)); p.total != "" && (!ok || total != sent) {
		return "the job counts another number of records than it was given"
	}
	// services count what they came through with or without what failed
	if okay, ok := whole(doc.Get(p.okay)); p.okay != "" && (!ok || okay != sent-failed && okay != sent) {
		return "the job counts other successes than there can be"
	}
	return ""
}

// recall yields what the results say by key, for a job whose batch is not at
// hand.
func (j *jobSender) recall(ctx context.Context, id string, doc gjson.Result) iter.Seq2[destination.Recalled, error] {
	return func(yield func(destination.Recalled, error) bool) {
		for n, err := range j.told(ctx, id, doc) {
			if err != nil {
				yield(destination.Recalled{}, err)
				return
			}
			key, ok := j.keyOf(n.key)
			if !ok || n.byID { // what nobody remembers is asked for again
				continue
			}
			o := []destination.Outcome{n.outcome}
			one := record.Change{KeyVals: record.Record{{Kind: record.Text, Data: []byte(n.key)}}}
			judge := &judge{s: j.s, batch: []record.Change{one}, at: []int{0}}
			judge.hide(o)
			if !yield(destination.Recalled{Key: key, Outcome: o[0]}, nil) {
				return
			}
		}
	}
}

// keyOf is the key that an answer's text stands for.
func (j *jobSender) keyOf(text string) (record.Key, bool) {
	if text == "" || len(j.s.target.Key) != 1 {
		return nil, false
	}
	kind := j.s.target.Key[0].Kind
	if kind == record.Absent {
		kind = record.Text
	}
	data, got, ok := j.s.op.encode.read(kind, text, gjson.Result{Type: gjson.String, Str: text, Raw: strconv.Quote(text)})
	if !ok {
		data, got = []byte(text), record.Text
	}
	return record.AppendKey(nil, record.Value{Kind: got, Data: data}), true
}
