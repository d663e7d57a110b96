package declared

import (
	"slices"
	"strconv"
	"strings"
	"time"

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
		"objects": func(*yamlx.Node) { d.drawObjects() }, // read once all else is known
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
