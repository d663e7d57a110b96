package declared

import (
	"strings"

	"exposync/internal/yamlx"
)

// fixed reads the fields of objects that no request tells.
func (d *decoder) fixed(s *discovery, n *yamlx.Node) {
	if n.Kind != yamlx.Map || len(n.Pairs) == 0 {
		d.fail(n, "fixed: {people: {fields: {id: {unique: true}}}}", "discover.fixed must be a map of objects")
		return
	}
	for _, p := range n.Pairs {
		f := fixedObject{objects: d.pattern1(p.Value, p.Key)}
		what := "discover.fixed." + p.Key
		d.keys(p.Value, what, known{
			"open":   d.flag(&f.open),
			"fields": func(n *yamlx.Node) { f.fields = d.fixedFields(what+".fields", n) },
		})
		if len(f.fields) == 0 {
			d.fail(p.Value, "", "%s needs fields: at least those that a key may have", what)
		}
		s.fixed = append(s.fixed, f)
	}
}

func (d *decoder) fixedFields(what string, n *yamlx.Node) []attribute {
	if n.Kind != yamlx.Map {
		d.fail(n, "", "%s must be a map, not %s", what, n.Kind)
		return nil
	}
	var out []attribute
	for _, p := range n.Pairs {
		a := attribute{name: p.Key, writable: true, creatable: true}
		d.keys(p.Value, what+"."+p.Key, known{
			"writable": func(n *yamlx.Node) {
				d.flag(&a.writable)(n)
				a.creatable = a.writable
			},
			"type":   d.choice(&a.kind, "text", "number", "bool", "date", "time", "json"),
			"unique": d.flag(&a.unique), "required": d.flag(&a.required),
			"form": d.pattern(&a.form), "bytes": d.count(&a.bytes), "doc": d.text(&a.doc),
			"forbid":  d.wordSet(&a.forbidden, strings.ToLower),
			"options": d.wordSet(&a.options, strings.Clone),
		})
		out = append(out, a)
	}
	return out
}

// wordSet reads a list of texts as a set.
func (d *decoder) wordSet(dst *map[string]bool, fold func(string) string) func(*yamlx.Node) {
	return func(n *yamlx.Node) {
		*dst = map[string]bool{}
		d.list("a set of texts", func(n *yamlx.Node) {
			var s string
			d.text(&s)(n)
			(*dst)[fold(s)] = true
		})(n)
	}
}
