package declared

import (
	"slices"
	"strings"

	"exposync/internal/yamlx"
)

// Services keep their own fields and those that a customer added in two
// places of a record. `fields` lists the service's own: $own in a row stands
// for the job's fields among them, $custom for all others.

// fieldKinds are the types of fields.
func fieldKinds() []string { return []string{"text", "number", "bool", "date", "time", "json"} }

// ownFields reads the fields that the service has by itself.
func (d *decoder) ownFields(s *spec, n *yamlx.Node) {
	if d.drawing.free(func(n *yamlx.Node) { d.ownField("*", n) }) {
		return
	}
	fields := known{}
	for _, name := range n.Keys() {
		fields[name] = func(n *yamlx.Node) { s.fields = append(s.fields, d.ownField(name, n)) }
	}
	d.keys(n, "fields", fields)
}

func (d *decoder) ownField(name string, n *yamlx.Node) attribute {
	a := attribute{name: name, writable: true, creatable: true}
	d.keys(n, "fields."+name, known{
		"type": d.choice(&a.kind, fieldKinds()...), "unique": d.flag(&a.unique), "required": d.flag(&a.required),
		"form": d.pattern(&a.form), "bytes": d.count(&a.bytes), "doc": d.text(&a.doc),
		"forbid": d.wordSet(&a.forbidden, strings.ToLower),
		"writable": func(n *yamlx.Node) {
			d.flag(&a.writable)(n)
			a.creatable = a.writable
		},
		"options": func(n *yamlx.Node) {
			var words []string
			d.words(&words)(n)
			a.options = map[string]bool{}
			for _, w := range words {
				a.options[w] = true
			}
		},
	})
	return a
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

// own are the names of the service's fields; nil where nothing tells them from
// others.
func (s *spec) own() map[string]bool {
	if len(s.fields) == 0 {
		return nil
	}
	own := make(map[string]bool, len(s.fields))
	for _, a := range s.fields {
		own[a.name] = true
	}
	return own
}

// together are the service's own fields with what it told of its fields. Of
// one that is in both its own word counts, but for what only the description
// knows.
func together(own, told []attribute) []attribute {
	out := slices.Clone(told)
	for _, a := range own {
		i := slices.IndexFunc(out, func(b attribute) bool { return b.name == a.name })
		if i < 0 {
			out = append(out, a)
			continue
		}
		out[i].unique, out[i].required = a.unique, out[i].required || a.required
		out[i].form, out[i].forbidden, out[i].bytes, out[i].doc = a.form, a.forbidden, a.bytes, a.doc
		if out[i].options == nil {
			out[i].options = a.options
		}
	}
	return out
}

// hasCustom reports whether the job has a field that $custom stands for.
func (c *compiler) hasCustom() bool {
	for _, f := range c.target.Fields {
		if !c.own[f.Name] {
			return true
		}
	}
	return false
}

// holds reports whether a word stands anywhere below a node.
func holds(n *yamlx.Node, word string) bool {
	switch {
	case n.IsNull():
		return false
	case n.Kind == yamlx.List:
		return slices.ContainsFunc(n.Items, func(n *yamlx.Node) bool { return holds(n, word) })
	case n.Kind == yamlx.Map:
		return slices.ContainsFunc(n.Pairs, func(p yamlx.Pair) bool { return holds(p.Value, word) })
	}
	return n.Kind == yamlx.String && n.Text == word
}

// folding says for which key fields the service does not tell keys apart by
// case.
type folding struct {
	all   bool
	names []string
}

func (f folding) of(field string) bool { return f.all || slices.Contains(f.names, field) }

// folding reads true, false, or the names of key fields.
func (d *decoder) folding(f *folding) func(*yamlx.Node) {
	return func(n *yamlx.Node) {
		if n.Kind == yamlx.Bool {
			d.flag(&f.all)(n)
			return
		}
		d.words(&f.names)(n)
		if slices.ContainsFunc(f.names, func(s string) bool { return strings.TrimSpace(s) == "" }) {
			d.fail(n, "", "fold_case must be true, or the names of key fields")
		}
	}
}
