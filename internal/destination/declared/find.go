package declared

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/record"
	"exposync/internal/rest"
	"exposync/internal/yamlx"
)

// Services that know no upsert want the record's own id. An operation with
// `find` asks for the ids by key, with the requests of `read`, and writes what
// is there by one operation and what is not by another. A side that is not
// named has one meaning: a record that is not there is deleted already, cannot
// be updated, and one that is there cannot be inserted. Deletes by a key that
// cannot be asked for go by the id that an earlier answer told.
type find struct {
	found, missing string // operations
}

func (d *decoder) find(what string, n *yamlx.Node) *find {
	f := &find{}
	d.keys(n, what+".find", known{"found": d.text(&f.found), "missing": d.text(&f.missing)})
	if f.found == "" && f.missing == "" {
		d.fail(n, "", "%s.find needs found, missing or both: the operations that write", what)
	}
	return f
}

// foundNames are the operations that others lead to after they found ids.
func foundNames(ops *yamlx.Node) (names []string) {
	for _, name := range ops.Keys() {
		for _, side := range []string{"found", "missing"} {
			if to, ok := ops.Get(name).Get("find").Get(side).Str(); ok {
				names = append(names, to)
			}
		}
	}
	return names
}

// checkFind makes sure that an operation's ids can be asked for, and that it
// leads somewhere.
func (d *decoder) checkFind(s *spec, o *op) {
	if o.find == nil {
		return
	}
	if s.lookup == nil || s.lookup.id == "" {
		d.failAt(o.where, "read.id is the path of the id in a record", "ops.%s: find needs a block read with id", o.name)
	}
	for _, name := range []string{o.find.found, o.find.missing} {
		switch to := s.ops[name]; {
		case name == "":
		case to == nil:
			d.failAt(o.where, "", "ops.%s: there is no operation %q", o.name, name)
		case to.job != nil, to.find != nil:
			d.failAt(o.where, "", "ops.%s: %s must be an operation of one request", o.name, name)
		}
	}
	switch o.name {
	case "update", "delete":
		if o.find.missing != "" {
			d.failAt(o.where, "", "ops.%s: what is not there is not written, so find has no missing", o.name)
		}
	case "insert":
		if o.find.found != "" {
			d.failAt(o.where, "", "ops.insert: what is there is not changed, so find has no found")
		}
	}
}

// finder writes the records of an operation with find.
type finder struct {
	s              *sender // of the operation itself
	look           *looker
	found, missing *sender // nil: there is nothing to write
}

// findSender completes the sender of an operation with find.
func (d *Destination) findSender(s *sender, t destination.Target) (*sender, fault.List) {
	f := &finder{s: s}
	s.finder = f
	var problems fault.List
	look, err := d.newLooker(t)
	switch f.look = look; {
	case err != nil && s.op.name == "delete":
		f.look = nil // what was written has an id that is remembered
	case err != nil:
		problems = append(problems, fault.All(err)...)
	}
	for _, side := range []struct {
		name string
		to   **sender
	}{{s.op.find.found, &f.found}, {s.op.find.missing, &f.missing}} {
		if side.name == "" {
			continue
		}
		one, list := d.sender(side.name, t)
		if *side.to, problems = one, append(problems, list...); one != nil {
			s.overhead = max(s.overhead, one.overhead)
		}
	}
	return s, problems
}

func (f *finder) learn(attrs []attribute) {
	for _, s := range []*sender{f.found, f.missing} {
		if s != nil {
			s.learn(attrs)
		}
	}
}

// deliver asks for ids, as many at a time as one request may name, and writes
// the records; it is false when nothing more should be sent.
func (f *finder) deliver(ctx context.Context, batch []record.Change, mine func(int) bool, out []destination.Outcome) bool {
	if f.look == nil {
		return f.found.deliver(ctx, batch, mine, out)
	}
	var at []int
	for i := range batch {
		switch {
		case !mine(i):
		case f.look.unaskable(&batch[i]):
			out[i] = f.look.refused()
		default:
			at = append(at, i)
		}
	}
	keys := make([]record.Key, len(at))
	for k, i := range at {
		keys[k] = batch[i].Key
	}
	for chunk := range f.look.chunks(keys) {
		if !f.chunk(ctx, batch, at[:len(chunk)], out) {
			return false
		}
		at = at[len(chunk):]
	}
	return true
}

func (f *finder) chunk(ctx context.Context, batch []record.Change, at []int, out []destination.Outcome) bool {
	ids, bad := f.ask(ctx, batch, at)
	if bad != nil {
		spread(out, at, bad)
		return ctx.Err() == nil && !hopeless(bad)
	}
	known, isThere := slices.Clone(batch), make([]bool, len(batch))
	write := make([]bool, len(batch))
	for _, i := range at {
		o, found, settled := f.settle(&known[i], ids[string(batch[i].Key)])
		isThere[i], write[i] = found, !settled
		if settled {
			out[i] = o
		}
	}
	for _, side := range []struct {
		s     *sender
		there bool
	}{{f.found, true}, {f.missing, false}} {
		if side.s == nil {
			continue
		}
		if !side.s.deliver(ctx, known, func(i int) bool { return write[i] && isThere[i] == side.there }, out) {
			return false
		}
	}
	return true
}

// settle says whether a record is there, and its outcome where nothing is to
// be written. The change learns the id.
func (f *finder) settle(ch *record.Change, ids []string) (o destination.Outcome, found, settled bool) {
	remembered := ch.RemoteID
	o.State = destination.Rejected
	switch {
	case len(ids) > 1:
		o.Code, o.Message = "ambiguous", "the destination holds several records with this key, or one that several keys could mean"
		return o, true, true
	case len(ids) == 1:
		ch.RemoteID = ids[0]
		if f.s.op.name == "delete" && remembered != "" && remembered != ids[0] {
			return replaced(), true, true
		}
		if f.found == nil {
			o.Code, o.Message = "exists", "there is a record with this key already"
		}
		return o, true, f.found == nil
	}
	ch.RemoteID = ""
	switch {
	case f.missing != nil:
		return o, false, false
	case f.s.op.name == "delete":
		o.State = destination.OK
	default:
		o.Code, o.Message = "not_found", "the destination has no record with this key"
	}
	return o, false, true
}

// ask gives the ids of the records that are there, by key, or outcomes where
// the answer does not say: nothing was written then.
func (f *finder) ask(ctx context.Context, batch []record.Change, at []int) (ids map[string][]string, bad []destination.Outcome) {
	keys := make([]record.Key, len(at))
	for k, i := range at {
		keys[k] = batch[i].Key
	}
	judge := &judge{s: f.s, batch: batch, at: at}
	fail := func(err error) (map[string][]string, []destination.Outcome) {
		return nil, judge.all(destination.Outcome{State: destination.Stop, Code: rest.CodeReply, Message: err.Error()})
	}
	body, wanted, texts, err := f.look.question(keys)
	if err != nil {
		return fail(err)
	}
	ids = map[string][]string{}
	l := f.look
	v := l.values.with(pair{"keys", strings.Join(texts, l.spec.between())})
	target, err := v.target(l.spec.request)
	if err != nil {
		return fail(err)
	}
	header, err := l.d.requestHeader(v, l.spec.request, body)
	if err != nil {
		return fail(err)
	}
	first, seen := target, map[string]bool{}
	for target != "" && !seen[target] {
		seen[target] = true
		x := exchange{class: rest.Read, method: l.spec.request.method, target: target, header: header, body: body, attempts: 3}
		doc, bad := f.page(ctx, x, judge)
		if bad != nil {
			return nil, bad
		}
		f.take(doc, wanted, ids)
		if target, err = l.spec.paging.follow(first, doc, l.d.host(ctx)); err != nil {
			return fail(err)
		}
	}
	return ids, nil
}

// page makes one request; what is no success gives outcomes.
func (f *finder) page(ctx context.Context, x exchange, judge *judge) (gjson.Result, []destination.Outcome) {
	resp, err := f.look.d.do(ctx, x)
	if err != nil {
		return gjson.Result{}, unasked(judge.unanswered(err))
	}
	if f.look.spec.none != "" && matchesStatus(f.look.spec.none, resp.Status) {
		return gjson.Result{}, nil
	}
	if !resp.OK() || !resp.JSON() || !gjson.ValidBytes(resp.Body) {
		if resp.JSON() && gjson.ValidBytes(resp.Body) {
			judge.doc, judge.json = gjson.ParseBytes(resp.Body), true
		}
		return gjson.Result{}, unasked(judge.byStatus(resp))
	}
	doc := gjson.ParseBytes(resp.Body)
	if _, err := f.look.items(doc); err != nil {
		return doc, judge.all(destination.Outcome{State: destination.Stop, Code: rest.CodeReply, Message: err.Error()})
	}
	return doc, nil
}

// unasked turns what a failed question would mean for a write into what it
// means: nothing was written.
func unasked(out []destination.Outcome) []destination.Outcome {
	for i := range out {
		switch out[i].State {
		case destination.InDoubt:
			out[i].State = destination.Retry
		case destination.Bisect:
			out[i].State = destination.Stop // the question is wrong, not a record
		default:
		}
	}
	return out
}

// take notes the ids of the records in an answer. Records that were not asked
// for are none of ours: some services search by likeness.
func (f *finder) take(doc gjson.Result, wanted asked, ids map[string][]string) {
	items, _ := f.look.items(doc) // page made sure that they are there
	for _, item := range items {
		text := f.look.canonical(f.look.keyText(item))
		key, ok := wanted.find(text)
		id := plain(item.Get(f.look.spec.id))
		if !ok || id == "" {
			for _, key := range wanted.alike(text) { // none of them is certainly missing
				name := string(record.AppendKey(nil, key...))
				ids[name] = append(ids[name], id, "")
			}
			continue
		}
		name := string(record.AppendKey(nil, key...))
		if !slices.Contains(ids[name], id) {
			ids[name] = append(ids[name], id)
		}
	}
}

// unaskable reports whether a key cannot stand in a request.
func (l *looker) unaskable(ch *record.Change) bool {
	return l.parted() && strings.Contains(l.text(ch.KeyVals), l.spec.between())
}

// refused is the outcome of a record with such a key.
func (l *looker) refused() destination.Outcome {
	return destination.Outcome{
		State: destination.Rejected, Code: "invalid_key",
		Message: fmt.Sprintf("the key holds %q, which parts the keys of a question", l.spec.between()),
	}
}
