package declared

import (
	"slices"

	"exposync/internal/yamlx"
)

// alias reads how records get names of their own.
func (d *decoder) alias(what string, n *yamlx.Node) *alias {
	a := &alias{name: "r"}
	d.keys(n, what+".alias", known{
		"name": d.text(&a.name), "call": d.template(&a.call), "variables": d.pairs(&a.variables, what+".alias.variables", d.template),
	})
	if a.call == "" || len(a.variables) == 0 {
		d.fail(n, "", "%s.alias needs call, and variables with their types", what)
	}
	return a
}

// checkAlias makes sure that the parts that aliases are made of fit together.
func (d *decoder) checkAlias(what string, o *op, n *yamlx.Node) {
	for i := range o.rules {
		if e := o.rules[i].each; e != nil && e.alias && o.alias == nil {
			d.failAt(o.rules[i].where, "", "%s: each.alias needs alias", what)
		}
	}
	if o.alias == nil {
		return
	}
	at := n.Get("alias")
	for _, v := range o.alias.variables {
		if !slices.Contains(o.row.Keys(), v.name) {
			d.fail(at, "", "%s.alias: row has no entry %q", what, v.name)
		}
	}
	if len(o.alias.variables) != len(o.row.Keys()) {
		d.fail(n.Get("row"), "", "%s.row needs one entry for every variable of alias", what)
	}
	if o.job != nil || o.idem.field != "" || len(o.also) > 0 {
		d.fail(at, "", "%s.alias goes with requests only, without idempotency.field and also", what)
	}
}
