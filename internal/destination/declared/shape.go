package declared

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"exposync/internal/yamlx"
)

// shape checks the templates of an operation as far as no job is needed for
// it: placeholders that exist, records that stand in the envelope once.
func (d *decoder) shape(o *op) {
	if o.envelope.IsNull() {
		o.envelope = &yamlx.Node{Kind: yamlx.String, Text: "$rows"} // a bare list
	}
	rows := 0
	if o.alias != nil {
		d.more = aliasNames()
		defer func() { d.more = nil }()
	}
	d.walk(o.envelope, func(n *yamlx.Node, word string) {
		switch word {
		case "$columns":
		case "$rows", "$row":
			rows++
			if word == "$row" && o.limits.rows != 1 {
				d.fail(n, "add limits: {rows: 1} to the operation", "$row stands for one record, so a request must hold only one")
			}
		default:
			d.fail(n, "$rows or $row; $$ writes a $", "%q has no meaning in envelope", word)
		}
	})
	if rows != 1 {
		d.fail(o.envelope, "", "envelope must hold $rows once")
	}
	d.more = singleNames()
	defer func() { d.more = nil }()
	for _, row := range append([]*yamlx.Node{o.row}, o.also...) {
		d.walk(row, func(n *yamlx.Node, word string) {
			if !rowWord(word) {
				d.fail(n, "$key, $key.<name>, $fields, $values, $nulls, $others, $own, $custom, $field.<name>, $cells, $op, $dest_id or $trace; $$ writes a $", "%q has no meaning in row", word)
			}
		})
	}
	if len(o.also) > 0 && (o.job != nil || o.limits.rows == 1) {
		d.fail(o.also[0], "", "also needs requests of several records, and no job")
	}
	if o.idem.field != "" && o.row.Kind != yamlx.Map {
		d.fail(o.row, "", "idempotency.field needs a row that is a map")
	}
}

// format checks that an operation's body can be written as it says. Only JSON
// has an envelope: the other formats leave it out.
func (d *decoder) format(o *op) {
	if o.alias != nil && o.encode.format != "" && o.encode.format != "json" {
		d.failAt(o.where, "", "ops.%s.alias goes with format: json only", o.name)
	}
	if o.encode.format == "form" && o.limits.rows != 1 {
		d.failAt(o.where, "add limits: {rows: 1}", "ops.%s: a form holds one record", o.name)
	}
	if o.request.names(singleNames()...) && o.limits.rows != 1 {
		d.failAt(o.where, "add limits: {rows: 1}, or use ${keys} or ${dest_ids}", "ops.%s: the address of the request names one record", o.name)
	}
}

// readShape checks the templates of `read`.
func (d *decoder) readShape(l *lookup) {
	rows := 0
	d.walk(l.envelope, func(n *yamlx.Node, word string) {
		switch word {
		case "$rows":
			rows++
		case "$names", "$columns":
		default:
			d.fail(n, "$rows, $names or $columns; $$ writes a $", "%q has no meaning in read.envelope", word)
		}
	})
	if !l.envelope.IsNull() && rows != 1 {
		d.fail(l.envelope, "", "read.envelope must hold $rows once")
	}
	d.walk(l.row, func(n *yamlx.Node, word string) {
		if name, _, _ := strings.Cut(word, "."); name != "$key" {
			d.fail(n, "$key or $key.<name>; $$ writes a $", "%q has no meaning in read.row", word)
		}
	})
}

func rowWord(word string) bool {
	name, part, dotted := strings.Cut(word, ".")
	switch name {
	case "$key":
		return !dotted || part != ""
	case "$field":
		return part != ""
	}
	return !dotted && strings.Contains(" $fields $values $nulls $others $own $custom $cells $op $dest_id $trace ", " "+name+" ")
}

// walk calls visit for every placeholder below a node and collects the texts
// that hold ${…}.
func (d *decoder) walk(n *yamlx.Node, visit func(n *yamlx.Node, word string)) {
	if n.IsNull() {
		return
	}
	switch n.Kind {
	case yamlx.List:
		for _, item := range n.Items {
			d.walk(item, visit)
		}
	case yamlx.Map:
		for _, p := range n.Pairs {
			if p.Key == "..." {
				d.mergeShape(p.Value)
				continue
			}
			d.texts = append(d.texts, located{p.Key, d.where(p.Value), d.more})
			d.walk(p.Value, visit)
		}
	case yamlx.String:
		if strings.HasPrefix(n.Text, "$") && !strings.HasPrefix(n.Text, "$$") && !strings.HasPrefix(n.Text, "${") {
			visit(n, n.Text)
			return
		}
		d.texts = append(d.texts, located{n.Text, d.where(n), d.more})
	case yamlx.Number, yamlx.Bool, yamlx.Null:
		if n.Kind == yamlx.Number && !gjson.Valid(n.Text) {
			d.fail(n, "put it in quotes, or write it with digits only", "%s is no number in JSON", n.Text)
		}
	}
}

func (d *decoder) mergeShape(n *yamlx.Node) {
	words, ok := n.Strings()
	for _, w := range words {
		ok = ok && slices.Contains([]string{"$key", "$fields", "$values", "$nulls", "$others", "$own", "$custom"}, w)
	}
	if !ok || len(words) == 0 {
		d.fail(n, `write "...": $fields, or "...": [$key, $fields]`, `"..." merges $key, $fields, $values, $nulls, $others, $own and $custom, nothing else`)
	}
}
