package declared

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"exposync/internal/destination"
	"exposync/internal/record"
	"exposync/internal/rest"
)

// each reads results that stand in the order of the records.
func (j *judge) each(r *rule) []destination.Outcome {
	e := r.each
	list := j.doc.Get(e.at)
	if e.alias {
		return j.aliased(e, list)
	}
	out := make([]destination.Outcome, 0, len(j.at))
	n := 0
	list.ForEach(func(_, item gjson.Result) bool {
		if n++; n > j.items() {
			return true
		}
		o := e.outcome(item)
		if at := j.owner(n - 1); at == len(out) {
			out = append(out, o)
		} else {
			out[at] = worst(out[at], o)
		}
		return true
	})
	if !list.IsArray() || n != j.items() {
		return j.all(destination.Outcome{
			State: destination.Bisect, Maybe: true, Code: codeCount,
			Message: fmt.Sprintf("%d records were sent, the answer has %d results", j.items(), n),
		})
	}
	return out
}

// worst is the outcome of a record of which two items have one each. If one of
// them was taken, the other's refusal does not leave the record as it was.
func worst(a, b destination.Outcome) destination.Outcome {
	mixed := (a.State == destination.OK) != (b.State == destination.OK)
	if rank(b.State) > rank(a.State) {
		a, b = b, a
	}
	a.Maybe = a.Maybe || b.Maybe || mixed
	return a
}

// aliased reads results that stand under the names of their records. A record
// without one is not known to be written.
func (j *judge) aliased(e *each, list gjson.Result) []destination.Outcome {
	out := make([]destination.Outcome, len(j.at))
	for i := range out {
		switch item := list.Get(j.s.op.alias.name + strconv.Itoa(i)); {
		case !item.Exists() || item.Type == gjson.Null:
			out[i] = destination.Outcome{State: destination.Bisect, Maybe: true, Code: codeNoResult, Message: "the answer holds no result for the record"}
		case item.Type == gjson.False:
			out[i] = destination.Outcome{State: destination.Rejected, Code: codeRefused, Message: "the service answered false"}
		case item.IsObject():
			out[i] = e.outcome(item)
		case item.IsArray():
			out[i] = destination.Outcome{State: destination.Bisect, Maybe: true, Code: codeUnclaimed, Message: "a result in the answer is a list"}
		default:
			out[i] = destination.Outcome{State: destination.OK}
		}
	}
	return out
}

// outcome reads one result. What is no object says nothing.
func (e *each) outcome(item gjson.Result) destination.Outcome {
	if !item.IsObject() {
		return destination.Outcome{State: destination.Bisect, Maybe: true, Code: codeUnclaimed, Message: "a result in the answer is no object"}
	}
	if e.accepted(item) {
		o := destination.Outcome{State: destination.OK}
		if e.id != "" {
			o.RemoteID = plain(item.Get(e.id))
		}
		return o
	}
	codes, message := pick(item, e.code), join(pick(item, e.message), ": ")
	return destination.Outcome{
		State: e.class.of(codes, message, destination.Rejected), Code: join(codes, ","), Message: message,
	}
}

func (e *each) accepted(item gjson.Result) bool {
	if len(e.okIn) == 0 {
		return truth(item, e.ok)
	}
	return slices.Contains(e.okIn, plain(item.Get(e.ok)))
}

// claims collects which records the errors of an answer name.
type claims struct {
	j      *judge
	found  []destination.Outcome
	named  []bool
	loose  int // errors that name no record of the request
	traces map[string]int
	keys   map[string]int
	reason destination.Outcome // of the first loose error
}

// named reads errors that name their records. An error that names none makes
// every other record uncertain.
func (j *judge) named(r *rule, resp *rest.Response) []destination.Outcome {
	c := &claims{j: j, found: j.all(destination.Outcome{}), named: make([]bool, len(j.at))}
	for i := range r.errors {
		c.list(&r.errors[i])
	}
	rest := c.rest(r, resp)
	var results []destination.Outcome
	if r.each != nil {
		results = j.each(r)
	}
	for i := range c.found {
		switch {
		case !c.named[i] && results != nil && c.loose == 0 && rest.State == destination.OK:
			c.found[i] = results[i]
		case !c.named[i]:
			c.found[i] = rest
		case c.loose > 0 && c.found[i].State == destination.OK:
			c.found[i] = rest
		case j.own != nil && c.found[i].State != destination.OK && r.rest == destination.OK && j.several(i):
			c.found[i].Maybe = true // its other items may have been taken
		}
	}
	return c.found
}

// several reports whether a record has more than one item in the request.
func (j *judge) several(at int) bool {
	n := 0
	for _, owner := range j.own {
		n += btoi(owner == at)
	}
	return n > 1
}

// rest is the outcome of the records that no error names.
func (c *claims) rest(r *rule, resp *rest.Response) destination.Outcome {
	rest := destination.Outcome{State: r.rest}
	switch {
	case c.loose > 0:
		rest = destination.Outcome{State: destination.Bisect, Maybe: resp.OK() || r.rest == destination.OK, Code: codeUnclaimed, Message: "the answer holds an error that names no record"}
		if c.reason.Code != "" || c.reason.Message != "" {
			rest.Code, rest.Message = c.reason.Code, c.reason.Message
		}
	case !resp.OK() && !c.any():
		rest = destination.Outcome{State: destination.Bisect, Code: orStatus("", resp.Status), Message: c.j.vendorMessage(resp)}
	case r.rest == destination.Bisect:
		rest.Code = codeUnclaimed
	}
	return rest
}

func (c *claims) any() bool {
	for _, n := range c.named {
		if n {
			return true
		}
	}
	return false
}

// list reads one list of errors. A list of the wrong shape is an error that
// names nobody, unless it is empty.
func (c *claims) list(e *errorList) {
	list := c.j.doc.Get(e.at)
	asMap := e.mapKeys || e.mapIndex || e.mapKey
	switch {
	case !truth(list, ""):
		return
	case list.IsArray() && !asMap, list.IsObject() && asMap:
		list.ForEach(func(key, item gjson.Result) bool {
			c.one(e, key, item)
			return true
		})
	default:
		c.loose++
	}
}

// one reads one error.
func (c *claims) one(e *errorList, key, item gjson.Result) {
	var at []int
	missed := false
	take := func(i int, ok bool) {
		if ok && i >= 0 && i < len(c.j.at) {
			at = append(at, i)
			return
		}
		missed = true
	}
	place := func(i int, ok bool) (int, bool) {
		if !ok || i < 0 || i >= c.j.items() {
			return 0, false
		}
		return c.j.owner(i), true
	}
	if !e.about(item) {
		c.claim(e, item, nil, true)
		return
	}
	each := func(path string, find func(gjson.Result) (int, bool)) {
		if path == "" {
			return
		}
		v := item.Get(path)
		for _, x := range list(v) {
			i, ok := find(x)
			take(i, ok)
		}
	}
	each(e.index, func(v gjson.Result) (int, bool) {
		if e.indexPart == nil {
			return place(whole(v))
		}
		i := locate(func(string) string { return plain(v) }, "@this", e.indexPart)
		return place(i, i >= 0)
	})
	each(e.indexList, func(v gjson.Result) (int, bool) { return place(whole(v)) })
	each(e.trace, c.byTrace)
	each(e.key, c.byKey)
	if e.keyList != "" {
		i, ok := c.byKey(item)
		take(i, ok)
	}
	if e.mapIndex {
		n, err := strconv.Atoi(key.String())
		take(place(n, err == nil))
	}
	if e.mapKey {
		i, ok := c.byKey(key)
		take(i, ok)
	}
	c.claim(e, item, at, missed)
}

// about reports whether an error is of the kind that names records of ours.
func (e *errorList) about(item gjson.Result) bool {
	for _, p := range e.is {
		if plain(item.Get(p.name)) != p.text {
			return false
		}
	}
	return true
}

// claim gives the error to the records it names; the worse of two wins.
func (c *claims) claim(e *errorList, item gjson.Result, at []int, missed bool) {
	codes := pick(item, e.code)
	if e.keyList != "" {
		codes = []string{e.keyList}
	}
	message := join(pick(item, e.message), ": ")
	o := destination.Outcome{State: e.class.of(codes, message, destination.Rejected), Code: join(codes, ","), Message: message}
	if len(at) == 0 || missed {
		if c.loose == 0 {
			c.reason = o
		}
		c.loose++
	}
	for _, i := range at {
		if !c.named[i] || rank(o.State) > rank(c.found[i].State) {
			c.found[i], c.named[i] = o, true
		}
	}
}

// byTrace finds a record by the number that was sent with it.
func (c *claims) byTrace(v gjson.Result) (int, bool) {
	if c.traces == nil {
		c.traces = make(map[string]int, len(c.j.at))
		for i, at := range c.j.at {
			c.traces[strconv.Itoa(at)] = i
		}
	}
	i, ok := c.traces[plain(v)]
	return i, ok
}

// byKey finds a record by its key as it was sent, letter by letter. A key of
// several fields cannot be named this way.
func (c *claims) byKey(v gjson.Result) (int, bool) { return c.byText(plain(v)) }

func (c *claims) byText(text string) (int, bool) {
	if c.keys == nil {
		c.keys = make(map[string]int, len(c.j.at))
		for i, at := range c.j.at {
			if k := c.j.batch[at].KeyVals; len(k) == 1 && k[0].Kind != record.Null {
				text := c.j.s.folded(c.j.s.op.encode.plainKey(k[0]))
				if _, twice := c.keys[text]; twice {
					i = -1 // nobody knows which of them an answer means
				}
				c.keys[text] = i
			}
		}
	}
	i, ok := c.keys[c.j.s.folded(text)]
	return i, ok && i >= 0 && text != "" // an answer without a key names nobody
}

// echo fills in the ids that a success tells in a list of its own. Ids are
// taken only if it is certain whose they are: a wrong one would delete the
// wrong record one day.
func (j *judge) echo(out []destination.Outcome) {
	o := j.s.op
	if o.echoID == "" {
		return
	}
	ids, n := j.told(o.echoID)
	if o.echoTrace == "" {
		if len(ids) == len(out) && n == len(ids) {
			for i := range out {
				j.learn(&out[i], ids[i])
			}
		}
		return
	}
	traces, m := j.told(o.echoTrace)
	if len(traces) != len(ids) || n != len(ids) || m != len(traces) {
		return
	}
	c := &claims{j: j}
	for n, t := range traces {
		if i, ok := c.byTrace(t); ok {
			j.learn(&out[i], ids[n])
		}
	}
}

// told gives the texts at a path such as results.#.id, and how many results
// there are: one that lacks the text would move those behind it.
func (j *judge) told(path string) (texts []gjson.Result, results int) {
	texts = list(j.doc.Get(path))
	switch before, _, listed := strings.Cut("."+path, ".#"); {
	case !listed:
		return texts, len(texts)
	case before == "":
		return texts, int(j.doc.Get("#").Int())
	default:
		return texts, int(j.doc.Get(before[1:] + ".#").Int())
	}
}

func (j *judge) learn(o *destination.Outcome, id gjson.Result) {
	if o.State == destination.OK && o.RemoteID == "" {
		o.RemoteID = plain(id)
	}
}

// rank orders states by how bad they are: the worse wins where an answer says
// two things of one record.
func rank(s destination.State) int {
	order := []destination.State{
		destination.OK, destination.Retry, destination.Bisect, destination.InDoubt, destination.Rejected,
		destination.Auth, destination.Stop, destination.Mapping,
	}
	for i, o := range order {
		if o == s {
			return i
		}
	}
	return len(order)
}
