package declared

import (
	"fmt"
	"slices"
	"strings"

	"exposync/internal/destination"
	"exposync/internal/record"
	"exposync/internal/yamlx"
)

// compiler builds templates for one job.
type compiler struct {
	target   destination.Target
	values   values
	asked    []string // in a reading request
	encode   *encoding
	deletes  bool            // records hold their keys only
	named    map[string]bool // fields that the row names, for $others
	own      map[string]bool // fields that the service has by itself
	problems []string
}

// row builds the template of a record.
func (c *compiler) row(n *yamlx.Node) *template {
	c.named = map[string]bool{}
	namesOf(n, "$field.", c.named)
	return c.compile(n)
}

// namesOf collects the fields that a row names by a word: $field. or $key.
func namesOf(n *yamlx.Node, word string, into map[string]bool) {
	if n == nil {
		return
	}
	if name, ok := strings.CutPrefix(n.Text, word); ok && n.Kind == yamlx.String {
		into[strings.TrimSuffix(name, "?")] = true
	}
	for _, item := range n.Items {
		namesOf(item, word, into)
	}
	for _, p := range n.Pairs {
		namesOf(p.Value, word, into)
	}
}

// name adds the record's own name to a row, at a path of names.
func (c *compiler) name(row *template, path string) {
	if path == "" || row.kind != object {
		return
	}
	first, rest, deeper := strings.Cut(path, ".")
	label := append(c.quoted(first), ':')
	i := slices.IndexFunc(row.entries, func(e entry) bool { return string(e.name) == string(label) })
	switch {
	case deeper && i >= 0:
		c.name(row.entries[i].value, rest)
	case deeper || i >= 0:
		c.failf("idempotency.field %q has no place of its own in the row", path)
	default:
		row.entries = append(row.entries, entry{label, &template{kind: idemKey}})
	}
}

func (c *compiler) failf(format string, args ...any) *template {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
	return &template{}
}

// compile builds the template of a node.
func (c *compiler) compile(n *yamlx.Node) *template {
	switch {
	case n.IsNull():
		return &template{bytes: []byte("null")}
	case n.Kind == yamlx.Map:
		return c.object(n)
	case n.Kind == yamlx.List:
		t := &template{kind: array}
		for _, item := range n.Items {
			t.items = append(t.items, c.compile(item))
		}
		return t
	case n.Kind == yamlx.String && strings.HasPrefix(n.Text, "$") && !strings.HasPrefix(n.Text, "$$") && !strings.HasPrefix(n.Text, "${"):
		return c.placeholder(n.Text)
	case n.Kind == yamlx.String:
		if t := c.spelled(n.Text); t != nil {
			return t
		}
		text, err := c.values.text(n.Text)
		if err != nil {
			return c.failf("%s", err)
		}
		return &template{bytes: c.quoted(text)}
	}
	return &template{bytes: []byte(n.Text)} // a number or boolean, checked by shape
}

func (c *compiler) object(n *yamlx.Node) *template {
	t := &template{kind: object, filled: onlyNulls(n)}
	seen := map[string]bool{}
	add := func(name string, value *template) {
		if seen[name] {
			c.failf("%q would stand twice in one object: rename the field, or the entry of row", name)
		}
		seen[name] = true
		t.entries = append(t.entries, entry{append(c.quoted(name), ':'), value})
	}
	for _, p := range n.Pairs {
		if p.Key == "..." {
			c.merge(p.Value, add)
			continue
		}
		if word, _ := p.Value.Str(); word == "$custom" && !c.hasCustom() {
			continue
		}
		name, err := c.values.text(p.Key)
		if err != nil {
			c.failf("%s", err)
		}
		add(name, c.compile(p.Value))
	}
	return t
}

// onlyNulls reports whether an object has nothing but fields that are null: it
// is left out where none is.
func onlyNulls(n *yamlx.Node) bool {
	if len(n.Pairs) != 1 || n.Pairs[0].Key != "..." {
		return false
	}
	words, _ := n.Pairs[0].Value.Strings()
	return slices.Equal(words, []string{"$nulls"})
}

// merge adds the entries that "..." stands for.
func (c *compiler) merge(n *yamlx.Node, add func(string, *template)) {
	words, _ := n.Strings()
	for _, word := range words {
		switch word {
		case "$key":
			for i, f := range c.target.Key {
				add(f.Name, c.keyPart(i))
			}
		default:
			for i, f := range c.target.Fields {
				if t, ok := c.among(word, i); ok {
					add(f.Name, t)
				}
			}
		}
	}
}

func (c *compiler) keyPart(i int) *template {
	return &template{kind: keyPart, index: i, own: c.encode.of(c.target.Key[i].Name, true)}
}

func (c *compiler) field(i int) *template {
	return &template{kind: field, index: i, own: c.encode.of(c.target.Fields[i].Name, false)}
}

// among gives a field as one of a set of them; ok is false if it is not in it.
func (c *compiler) among(set string, i int) (t *template, ok bool) {
	t = c.field(i)
	switch set {
	case "$values":
		t.only = ifValue
	case "$nulls":
		t.only = ifNull
	case "$others":
		return t, !c.named[c.target.Fields[i].Name]
	case "$own", "$custom":
		return t, c.own[c.target.Fields[i].Name] == (set == "$own")
	}
	return t, true
}

// set is the object of the fields in a set.
func (c *compiler) set(word string) *template {
	t := &template{kind: object}
	for i, f := range c.target.Fields {
		if value, ok := c.among(word, i); ok {
			t.entries = append(t.entries, entry{append(c.quoted(f.Name), ':'), value})
		}
	}
	return t
}

// columns are the names of what a record holds, key first; cells the values.
func (c *compiler) columns(values bool) *template {
	t := &template{kind: array}
	add := func(name string, value *template) {
		if !values {
			value = &template{bytes: c.quoted(name)}
		}
		t.items = append(t.items, value)
	}
	for i, f := range c.target.Key {
		add(f.Name, c.keyPart(i))
	}
	for i, f := range c.target.Fields {
		if !c.deletes {
			add(f.Name, c.field(i))
		}
	}
	return t
}

func (c *compiler) placeholder(word string) *template {
	name, part, _ := strings.Cut(word, ".")
	switch {
	case word == "$rows":
		return &template{kind: rowsHere, bytes: []byte("[]")}
	case word == "$row":
		return &template{kind: rowsHere}
	case word == "$key":
		if len(c.target.Key) != 1 {
			return c.failf("this destination identifies a record by one key field, the job has %d", len(c.target.Key))
		}
		return c.keyPart(0)
	case name == "$key":
		return c.one(keyPart, "key", part, c.target.Key)
	case word == "$fields", word == "$values", word == "$others", word == "$own", word == "$custom":
		return c.set(word)
	case word == "$nulls":
		t := &template{kind: nullNames}
		for i, f := range c.target.Fields {
			t.items = append(t.items, &template{kind: field, index: i, bytes: c.quoted(f.Name)})
		}
		return t
	case name == "$field":
		return c.one(field, "fields", part, c.target.Fields)
	case word == "$columns" && c.asked != nil:
		t := &template{kind: array}
		for _, name := range c.asked {
			t.items = append(t.items, &template{bytes: c.quoted(name)})
		}
		return t
	case word == "$columns", word == "$cells":
		return c.columns(word == "$cells")
	case word == "$names":
		t := &template{kind: array}
		for _, f := range c.target.Fields {
			t.items = append(t.items, &template{bytes: c.quoted(f.Name)})
		}
		return t
	case word == "$op":
		return &template{kind: operation}
	case word == "$dest_id":
		return &template{kind: remoteID}
	}
	return &template{kind: trace}
}

// one is the template of one field by its name; with ? behind it the job may
// have none.
func (c *compiler) one(kind templateKind, what, name string, fields []destination.Field) *template {
	name, optional := strings.CutSuffix(name, "?")
	i := slices.IndexFunc(fields, func(f destination.Field) bool { return f.Name == name })
	switch {
	case i < 0 && optional:
		return &template{kind: nothing}
	case i < 0:
		return c.failf("this destination needs %q among the job's %s", name, what)
	case kind == keyPart:
		return c.keyPart(i)
	}
	return c.field(i)
}

// quoted is a JSON string of the spec's own text.
func (c *compiler) quoted(text string) []byte {
	b, err := record.AppendJSONText(nil, text)
	if err != nil {
		c.failf("%q: %s", text, err)
	}
	return b
}
