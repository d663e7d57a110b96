package declared

import (
	"regexp"
	"strconv"
	"strings"

	"exposync/internal/destination"
	"exposync/internal/yamlx"
)

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
