package declared

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"exposync/internal/destination"
	"exposync/internal/yamlx"
)

// spec reads a whole spec; nil if it is not even a map.
func (d *decoder) spec(root *yamlx.Node) *spec {
	if root.IsNull() || root.Kind != yamlx.Map {
		d.fail(root, "", "a destination must be a map, not %s", root.Kind)
		return nil
	}
	s := &spec{ops: map[string]*op{}, auth: []auth{{kind: "none"}}}
	var version string
	d.keys(root, "destination", known{
		"apiVersion": d.text(&version), "name": d.text(&s.name), "title": d.text(&s.title),
		"docs": d.text(&s.docs), "verified_on": d.text(&s.verified),
		"params": func(n *yamlx.Node) { d.params(s, n) },
		"vars":   func(n *yamlx.Node) { d.vars(s, n) }, "headers": d.pairs(&s.headers, "headers", d.credential),
		"auth":     func(n *yamlx.Node) { d.auths(s, n) },
		"check":    func(n *yamlx.Node) { s.check = d.check(n) },
		"discover": func(n *yamlx.Node) { s.discover = d.discovery(n) },
		"read":     func(n *yamlx.Node) { s.lookup = d.lookup(n) },
		"limits":   func(n *yamlx.Node) { d.limits(&s.limits, n) },
		"rate":     func(n *yamlx.Node) { d.rate(&s.rate, n) },
		"encode":   func(n *yamlx.Node) { d.encode(&s.encode, n) },
		"fixtures": d.list("fixtures", func(n *yamlx.Node) { s.fixtures = append(s.fixtures, d.fixture(n)) }),
		"routes":   func(n *yamlx.Node) { d.routes(s, n) },
		"ops":      func(n *yamlx.Node) { d.ops(s, n, root.Get("routes")) },
		"fields":   func(n *yamlx.Node) { d.ownFields(s, n) }, "other_fields": d.flag(&s.others),
		"objects": func(*yamlx.Node) {}, // read once all else is known
	})
	if version != "" && version != "1" {
		d.fail(root.Get("apiVersion"), "this version of Exposync reads apiVersion 1", "apiVersion %s is not known", version)
	}
	if s.name == "" {
		d.fail(root, "", "name is missing")
	}
	if len(s.ops) == 0 && root.Get("ops") == nil && root.Get("objects").IsNull() {
		d.fail(root, "", "ops is missing: without an operation nothing can be written")
	}
	d.checkRoutes(s, root.Get("routes"))
	for _, o := range s.ops {
		o.encode = s.encode
		d.encode(&o.encode, o.encodeNode)
		o.limits = o.limits.or(s.limits).or(limits{rows: 1, concurrency: 1})
		s.custom = s.custom || holds(o.row, "$custom")
		d.format(o)
		if o.locate != "" && (s.lookup == nil || s.lookup.id == "") {
			d.failAt(o.where, "add id to read: the path of the service's own id", "ops.%s: locate asks for ids in the way of read, which does not say where they stand", o.name)
		}
		d.checkFind(s, o)
	}
	d.checkDelete(s)
	return s
}

// checkDelete makes sure that few deletes are requests: jobs are for many.
func (d *decoder) checkDelete(s *spec) {
	if o := s.ops["delete"]; o != nil && o.job != nil {
		d.failAt(o.where, "name it otherwise, and lead to it by routes.delete", "ops.delete is one of requests, not of jobs")
	}
}

func (d *decoder) params(s *spec, n *yamlx.Node) {
	fields := known{}
	for _, name := range n.Keys() {
		fields[name] = func(n *yamlx.Node) { s.params = append(s.params, d.param(name, n)) }
	}
	if d.drawing.free(func(n *yamlx.Node) { d.param("*", n) }) {
		return
	}
	d.keys(n, "params", fields)
}

func (d *decoder) param(name string, n *yamlx.Node) Param {
	p := Param{Name: name, Kind: "text"}
	d.keys(n, "params."+name, known{
		"kind": d.choice(&p.Kind, "text", "url", "bool"), "required": d.flag(&p.Required),
		"secret": d.flag(&p.Secret), "default": d.text(&p.Default), "doc": d.text(&p.Doc),
	})
	return p
}

// vars reads texts under names: {base: "${url}"}, or by another one's value:
// {path: {of: "${api}", v3: v3/objects, "*": "objects/${api}"}}.
func (d *decoder) vars(s *spec, n *yamlx.Node) {
	fields := known{}
	for _, name := range n.Keys() {
		fields[name] = func(n *yamlx.Node) {
			v := variable{name: name}
			if n.Kind == yamlx.Map {
				d.pairs(&v.cases, "vars."+name, d.template)(n)
				i := slices.IndexFunc(v.cases, func(p pair) bool { return p.name == "of" })
				if i < 0 {
					d.fail(n, "", "vars.%s needs of: the text that its other keys are the values of", name)
					return
				}
				v.of = v.cases[i].text
				v.cases = slices.Delete(v.cases, i, i+1)
			} else {
				d.template(&v.text)(n)
			}
			s.vars = append(s.vars, v)
		}
	}
	if d.drawing.vars(d.template(new(string))) {
		return
	}
	d.keys(n, "vars", fields)
}

// auths reads one way to prove who sends, or a list of which the first is
// taken that applies.
func (d *decoder) auths(s *spec, n *yamlx.Node) {
	s.auth = nil
	if d.drawing.oneOrMore(func(n *yamlx.Node) { d.auth(n) }) {
		return
	}
	if n.Kind == yamlx.List {
		d.list("auth", func(n *yamlx.Node) { s.auth = append(s.auth, d.auth(n)) })(n)
		return
	}
	s.auth = append(s.auth, d.auth(n))
}

func (d *decoder) auth(n *yamlx.Node) auth {
	a := auth{kind: "none", texts: map[string]*string{}}
	fields := known{"type": d.choice(&a.kind, authWords()...), "when": d.template(&a.when)}
	for _, key := range authKeys() {
		fields[key] = func(n *yamlx.Node) {
			var s string
			switch key {
			case "algorithm":
				d.choice(&s, "sha256", "sha512", "sha1")(n)
			case "format":
				d.choice(&s, "hex", "base64")(n)
			case "name", "timestamp_name", "base_url_from":
				d.text(&s)(n)
			default:
				d.credential(&s)(n)
			}
			a.texts[key] = &s
		}
	}
	d.keys(n, "auth", fields)
	kind := authKinds()[a.kind]
	for _, key := range kind.needs {
		if n.Get(key).IsNull() {
			d.fail(n, "", "auth of type %s needs %s", a.kind, key)
		}
	}
	for _, p := range n.Keys() {
		if slices.Contains(authKeys(), p) && !slices.Contains(kind.needs, p) && !slices.Contains(kind.takes, p) {
			d.fail(n.Get(p), "", "auth of type %s takes no %s", a.kind, p)
		}
	}
	return a
}

func (d *decoder) check(n *yamlx.Node) *check {
	c := &check{}
	d.keys(n, "check", known{
		"request":  func(n *yamlx.Node) { d.request(&c.request, n) },
		"identity": d.text(&c.identity), "identity_match": d.pattern(&c.part),
		"problem": d.text(&c.problem), "fingerprint": d.credential(&c.fingerprint),
	})
	asks := c.request.path != "" && c.identity != ""
	if asks == (c.fingerprint != "") {
		d.fail(n, "", "check needs request.path and identity, or fingerprint where the service tells nobody who it is")
	}
	if c.request.method == "" {
		c.request.method = "GET"
	}
	return c
}

func (d *decoder) discovery(n *yamlx.Node) *discovery {
	if n.IsNull() {
		return nil // a connection may take it away
	}
	s := &discovery{types: map[string]string{}}
	d.keys(n, "discover", known{
		"request": func(n *yamlx.Node) { d.request(&s.request, n) }, "body": d.body(&s.body),
		"paging": func(n *yamlx.Node) { d.paging(&s.paging, n) },
		"fields": func(n *yamlx.Node) {
			d.keys(n, "discover.fields", known{
				"at": d.text(&s.at), "name": d.text(&s.name), "type": d.text(&s.kind), "writable": d.text(&s.writable),
				"creatable": d.text(&s.creatable), "unique": d.words(&s.unique), "length": d.text(&s.length), "options": d.text(&s.options),
				"closed": d.text(&s.closed), "many": d.text(&s.many),
				"required": d.words(&s.required), "also_unique": d.words(&s.alsoKeys),
				"types": func(n *yamlx.Node) {
					var list []pair
					d.pairs(&list, "types", func(s *string) func(*yamlx.Node) { return d.choice(s, fieldKinds()...) })(n)
					for _, p := range list {
						s.types[p.name] = p.text
					}
				},
			})
		},
	})
	if s.request.path == "" || s.at == "" || s.name == "" {
		d.fail(n, "", "discover needs request.path, fields.at and fields.name")
	}
	if s.request.method == "" {
		s.request.method = "GET"
	}
	return s
}

func (d *decoder) lookup(n *yamlx.Node) *lookup {
	if n.IsNull() {
		return nil // a connection may take it away
	}
	l := &lookup{rows: 100}
	d.more = []string{"keys", "fields", "columns"}
	defer func() { d.more = nil }()
	d.keys(n, "read", known{
		"rows": d.count(&l.rows), "bytes": d.count(&l.bytes), "request": func(n *yamlx.Node) { d.request(&l.request, n) },
		"envelope": d.tree(&l.envelope), "row": d.tree(&l.row), "quote": d.text(&l.quote), "join": d.text(&l.join),
		"at": d.text(&l.at), "key": d.template(&l.key), "fields": d.text(&l.fields), "none": d.text(&l.none),
		"id": d.text(&l.id), "more": d.words(&l.more), "custom": d.text(&l.custom), "keys": d.words(&l.keys),
		"fold_case": d.folding(&l.fold), "paging": func(n *yamlx.Node) { d.paging(&l.paging, n) },
	})
	if l.request.path == "" || l.at == "" {
		d.fail(n, "", "read needs request.path and at, the path of the records")
	}
	if l.request.method == "" {
		l.request.method = "GET"
	}
	if (l.envelope == nil) != (l.row == nil) {
		d.fail(n, "", "read has both envelope and row, or neither and ${keys} in the request")
	}
	d.readShape(l)
	return l
}

func (d *decoder) paging(p *paging, n *yamlx.Node) {
	d.keys(n, "paging", known{"next": d.text(&p.next), "query": d.text(&p.query), "header": d.text(&p.from)})
	switch {
	case (p.next == "") == (p.from == ""):
		d.fail(n, "", "paging needs next, the path of the next page's address or value, or header, which holds the value")
	case p.from != "" && p.query == "":
		d.fail(n, "", "paging by header needs query, the parameter that takes the value")
	}
}

func (d *decoder) limits(l *limits, n *yamlx.Node) {
	d.keys(n, "limits", known{
		"rows": d.count(&l.rows), "bytes": d.count(&l.bytes),
		"rowbytes": d.count(&l.rowBytes), "concurrency": d.count(&l.concurrency),
	})
}

func (d *decoder) rate(r *rateLimit, n *yamlx.Node) {
	per := "1s"
	d.keys(n, "rate", known{
		"requests": d.count(&r.requests), "per": d.text(&per),
		"headers": func(n *yamlx.Node) {
			d.keys(n, "rate.headers", known{
				"remaining": d.text(&r.remaining), "limit": d.text(&r.limit), "interval_ms": d.text(&r.interval), "reset": d.text(&r.reset),
			})
		},
		"daily":   func(n *yamlx.Node) { d.daily(&r.daily, n) },
		"refused": d.list("rate.refused", func(n *yamlx.Node) { r.refused = append(r.refused, d.refusal(n)) }),
	})
	length, err := time.ParseDuration(per)
	if err != nil || length <= 0 {
		d.fail(n.Get("per"), "write it as 10s, 1m or 500ms", "rate.per must be a duration")
		return
	}
	r.per = length.Seconds()
	if r.requests == 0 && r.limit == "" && r.remaining == "" && r.daily == (dailyQuota{}) {
		d.fail(n, "", "rate needs requests, or headers that tell the limit")
	}
}

func (d *decoder) daily(q *dailyQuota, n *yamlx.Node) {
	reserve := "0%"
	d.keys(n, "rate.daily", known{
		"remaining": d.text(&q.remaining), "limit": d.text(&q.limit), "usage": d.text(&q.usage), "reserve": d.text(&reserve),
	})
	share, err := strconv.ParseFloat(strings.TrimSuffix(reserve, "%"), 64)
	if err != nil || share < 0 || share >= 100 || !strings.HasSuffix(reserve, "%") {
		d.fail(n.Get("reserve"), "", "reserve must be a share such as 10%%")
	}
	q.reserve = share / 100
	if q.remaining == "" && q.usage == "" {
		d.fail(n, "", "daily needs remaining or usage, the header that tells what is left")
	}
	if share > 0 && q.limit == "" && q.usage == "" {
		d.fail(n, "", "reserve needs limit, the header that tells the whole quota")
	}
}

func (d *decoder) refusal(n *yamlx.Node) refusal {
	var f refusal
	d.keys(n, "rate.refused", known{"status": d.text(&f.status), "when": d.text(&f.when)})
	if !statusText.MatchString(f.status) || f.when == "" {
		d.fail(n, "", "an entry of rate.refused needs status and when, which tell that a limit is reached")
	}
	return f
}

func (d *decoder) encode(e *encoding, n *yamlx.Node) {
	pointer := func(dst **string) func(*yamlx.Node) {
		return func(n *yamlx.Node) {
			var s string
			d.text(&s)(n)
			*dst = &s
		}
	}
	d.keys(n, "encode", known{
		"stringify": d.flag(&e.stringify), "match_types": d.flag(&e.matching), "gzip": d.flag(&e.gzip), "null": pointer(&e.null), "absent": pointer(&e.absent),
		"format": d.choice(&e.format, "json", "ndjson", "csv", "form", "none"),
		"json": func(n *yamlx.Node) {
			var s string
			d.choice(&s, "value", "text")(n)
			e.documents = s == "text"
		},
		"text": d.words(&e.text),
		"dates": func(n *yamlx.Node) {
			var fields []pair
			d.pairs(&fields, "dates", func(s *string) func(*yamlx.Node) { return d.choice(s, dateWords()...) })(n)
			e.dates = map[string]dateForm{}
			for _, f := range fields {
				e.dates[f.name] = dateFormOf(f.text)
			}
		},
		"decimal": func(n *yamlx.Node) {
			var s string
			d.choice(&s, "number", "string")(n)
			e.decimal = s == "string"
		},
		"date": func(n *yamlx.Node) {
			var s string
			d.choice(&s, dateWords()...)(n)
			e.date = dateFormOf(s)
		},
		"zone": func(n *yamlx.Node) {
			var s string
			d.choice(&s, "none", "utc")(n)
			e.zoned = s == "utc"
		},
		"bool": func(n *yamlx.Node) {
			var s string
			d.text(&s)(n)
			yes, no, ok := strings.Cut(s, "/")
			if !ok || yes == no {
				d.fail(n, "write it as true/false or 1/0", "bool must name two texts")
			}
			e.bools = &[2]string{yes, no}
		},
		"hash": func(n *yamlx.Node) {
			var fields []pair
			d.pairs(&fields, "hash", func(s *string) func(*yamlx.Node) { return d.choice(s, "sha256") })(n)
			for _, f := range fields {
				e.hash = append(e.hash, f.name)
			}
		},
	})
}

// ops reads the operations: those of the modes, and those that routes lead to.
func (d *decoder) ops(s *spec, n, routes *yamlx.Node) {
	if d.drawing.ops(func(n *yamlx.Node) { d.op("*", n) }) {
		return
	}
	names := append(opNames(), foundNames(n)...)
	for _, mode := range routes.Keys() {
		for _, r := range routes.Get(mode).Items {
			if to, ok := r.Get("op").Str(); ok {
				names = append(names, to)
			}
		}
	}
	fields := known{}
	for _, name := range names {
		fields[name] = func(n *yamlx.Node) {
			if n.IsNull() {
				return // a connection may take an operation away
			}
			s.ops[name] = d.op(name, n)
		}
	}
	d.keys(n, "ops", fields)
}

var rowsText = regexp.MustCompile(`^rows <= (\d{1,12})$`)

// routes reads which operation carries out a mode, by the number of records.
func (d *decoder) routes(s *spec, n *yamlx.Node) {
	s.routes = map[string][]route{}
	fields := known{}
	for _, mode := range opNames() {
		fields[mode] = d.list("routes."+mode, func(n *yamlx.Node) {
			var r route
			var when string
			d.keys(n, "routes."+mode, known{"when": d.text(&when), "op": d.text(&r.op)})
			if m := rowsText.FindStringSubmatch(when); m != nil {
				r.most, _ = strconv.ParseInt(m[1], 10, 64)
			} else if when != "" {
				d.fail(n.Get("when"), "write it as rows <= 2000", "a route is chosen by the number of records only")
			}
			s.routes[mode] = append(s.routes[mode], r)
		})
	}
	d.keys(n, "routes", fields)
}

// checkRoutes makes sure that every route leads somewhere, and that it makes
// no difference which one is taken but for the speed.
func (d *decoder) checkRoutes(s *spec, n *yamlx.Node) {
	for mode, list := range s.routes {
		at := n.Get(mode)
		for i, r := range list {
			o := s.ops[r.op]
			switch {
			case o == nil:
				d.fail(at, "", "routes.%s: there is no operation %q", mode, r.op)
			case r.most == 0 && i < len(list)-1:
				d.fail(at, "", "routes.%s: nothing comes behind a route without when", mode)
			case r.most > 0 && i == len(list)-1:
				d.fail(at, "the last route has no when", "routes.%s: there is no route for more records", mode)
			case mode == "delete" && i == 0 && o.job != nil:
				d.fail(at, "the first route of deletes is one of requests", "routes.delete: deletes are jobs only beside jobs of upserts")
			case s.ops[list[0].op] != nil && o.safe() != s.ops[list[0].op].safe():
				d.fail(at, "", "routes.%s: all of its operations are idempotent, or none", mode)
			}
		}
	}
}

func (d *decoder) op(name string, n *yamlx.Node) *op {
	o := &op{name: name, where: d.where(n)}
	what, reply := "ops."+name, "json"
	d.keys(n, what, known{
		"job": func(n *yamlx.Node) { o.job = d.job(what, n) }, "fold_case": d.folding(&o.fold),
		"find":  func(n *yamlx.Node) { o.find = d.find(what, n) },
		"codes": d.renames(&o.codes), "no_partial": d.words(&o.noPartial), "locate": d.choice(&o.locate, locateAlways, locateUnknown),
		"idempotent": d.flag(&o.idempotent), "atomic": d.flag(&o.atomic), "unique_keys_per_batch": d.flag(&o.once),
		"idempotency": func(n *yamlx.Node) {
			d.keys(n, what+".idempotency", known{
				"header": d.text(&o.idem.header), "field": d.text(&o.idem.field), "max": d.count(&o.idem.max),
			})
		},
		"limits": func(n *yamlx.Node) { d.limits(&o.limits, n) },
		"encode": func(n *yamlx.Node) {
			o.encodeNode = n // read when the encoding that it goes over is known
			if d.drawing != nil {
				d.encode(&o.encode, n)
			}
		},
		"request":  func(n *yamlx.Node) { d.recordRequest(&o.request, n) },
		"envelope": d.tree(&o.envelope), "row": d.tree(&o.row),
		"alias": func(n *yamlx.Node) { o.alias = d.alias(what, n) }, "needs": d.words(&o.needs),
		"also":     d.list(what+".also", func(n *yamlx.Node) { o.also = append(o.also, n) }),
		"reply":    d.choice(&reply, "json", "any"),
		"response": d.list(what+".response", func(n *yamlx.Node) { o.rules = append(o.rules, d.rule(n)) }),
		"echo": func(n *yamlx.Node) {
			d.keys(n, what+".echo", known{"id": d.text(&o.echoID), "trace": d.text(&o.echoTrace)})
		},
	})
	o.anyReply, o.deletes = reply == "any", name == "delete"
	if o.find != nil {
		return o
	}
	if o.request.path == "" && o.job == nil {
		d.fail(n, "", "%s needs request.path", what)
	}
	if o.request.method == "" {
		o.request.method = "POST"
	}
	if format, _ := o.encodeNode.Get("format").Str(); format == "none" {
		d.noBody(o, n)
	} else if o.row.IsNull() {
		d.fail(n, "row says how one record is written, for example {\"...\": [$key, $fields]}", "%s needs row", what)
	} else {
		d.shape(o)
	}
	d.checkAlias(what, o, n)
	if len(o.rules) == 0 && o.job == nil {
		d.fail(n, "say what an answer means: without a rule none is a success", "%s needs response", what)
	}
	return o
}

func (d *decoder) request(r *request, n *yamlx.Node) {
	d.keys(n, "request", known{
		"method": d.choice(&r.method, "GET", "POST", "PUT", "PATCH", "DELETE"),
		"path":   d.template(&r.path), "query": d.pairs(&r.query, "query", d.template), "headers": d.pairs(&r.headers, "headers", d.template),
	})
	if r.path != "" && !strings.HasPrefix(r.path, "/") {
		d.fail(n.Get("path"), "the path is appended to the connection's url", "request.path must start with /")
	}
}

var statusText = regexp.MustCompile(`^[1-5](xx|\d\d)$`)

func (d *decoder) rule(n *yamlx.Node) rule {
	r := rule{rest: destination.OK, where: d.where(n)}
	var outcome *yamlx.Node
	d.keys(n, "rule", known{
		"status": d.text(&r.status), "when": d.text(&r.when), "ok_count": d.text(&r.okCount),
		"each":   func(n *yamlx.Node) { r.each = d.each(n) },
		"errors": d.list("errors", func(n *yamlx.Node) { r.errors = append(r.errors, d.errorList(n)) }),
		"rest":   d.state(&r.rest), "class": d.classes(&r.class),
		"outcome": func(n *yamlx.Node) { outcome = n; d.state(&r.outcome)(n) },
		"code":    d.text(&r.code), "message": d.text(&r.message),
	})
	if r.status != "" && !statusText.MatchString(r.status) {
		d.fail(n.Get("status"), `write it as "207" or "2xx"`, "status %q is none", r.status)
	}
	if r.rest != destination.OK && r.rest != destination.Bisect {
		d.fail(n.Get("rest"), "", "rest must be ok or bisect")
	}
	parts := 0
	for _, there := range []bool{r.each != nil || len(r.errors) > 0, outcome != nil} {
		if there {
			parts++
		}
	}
	switch {
	case parts > 1:
		d.fail(n, "", "a rule has outcome, or each and errors, not both")
	case parts == 0 && r.okCount == "" && n.Kind == yamlx.Map:
		d.fail(n, "", "a rule needs each, errors, outcome or ok_count")
	case parts == 0:
		r.outcome = destination.OK
	}
	return r
}

func (d *decoder) each(n *yamlx.Node) *each {
	e := &each{}
	d.keys(n, "each", known{
		"at": d.text(&e.at), "ok": d.text(&e.ok), "ok_in": d.words(&e.okIn), "id": d.text(&e.id), "alias": d.flag(&e.alias),
		"code": d.text(&e.code), "message": d.text(&e.message), "class": d.classes(&e.class),
	})
	if e.at == "" || e.ok == "" {
		d.fail(n, "", "each needs at, the path of the results, and ok, what marks a success within one")
	}
	return e
}

func (d *decoder) errorList(n *yamlx.Node) errorList {
	var e errorList
	d.keys(n, "errors", known{
		"is": d.pairs(&e.is, "is", d.text),
		"at": d.text(&e.at), "index": d.text(&e.index), "index_match": d.pattern(&e.indexPart), "trace": d.text(&e.trace), "key": d.text(&e.key),
		"keylist": d.text(&e.keyList), "indexlist": d.text(&e.indexList),
		"map_keys": d.flag(&e.mapKeys), "map_index": d.flag(&e.mapIndex), "map_key": d.flag(&e.mapKey),
		"code": d.text(&e.code), "message": d.text(&e.message), "class": d.classes(&e.class),
	})
	named := e.index != "" || e.trace != "" || e.key != "" || e.keyList != "" || e.indexList != "" || e.mapIndex || e.mapKey
	switch {
	case e.at == "":
		d.fail(n, "", "errors needs at, the path of the list")
	case !named && e.mapKeys:
		d.fail(n, "map_index: true if they are indexes, map_key: true if they are keys of records", "map_keys does not say what the keys of the map are")
	case !named:
		d.fail(n, "one of index, trace, key, keylist, indexlist, map_index, map_key", "errors does not say how an error names its record")
	}
	return e
}
