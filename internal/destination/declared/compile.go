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
	columns  []string        // in a reading request
	own      map[string]bool // fields that the service has by itself
	problems []string
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
	t := &template{kind: object}
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

// merge adds the entries that "..." stands for.
func (c *compiler) merge(n *yamlx.Node, add func(string, *template)) {
	words, _ := n.Strings()
	for _, word := range words {
		switch word {
		case "$key":
			for i, f := range c.target.Key {
				add(f.Name, &template{kind: keyPart, index: i})
			}
		default:
			for i, f := range c.target.Fields {
				if c.picks(word, f.Name) {
					add(f.Name, &template{kind: field, index: i})
				}
			}
		}
	}
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
		return &template{kind: keyPart}
	case name == "$key":
		return c.named(keyPart, "key", part, c.target.Key)
	case word == "$fields", word == "$own", word == "$custom":
		t := &template{kind: object}
		for i, f := range c.target.Fields {
			if c.picks(word, f.Name) {
				t.entries = append(t.entries, entry{append(c.quoted(f.Name), ':'), &template{kind: field, index: i}})
			}
		}
		return t
	case name == "$field":
		return c.named(field, "fields", part, c.target.Fields)
	case word == "$names":
		t := &template{kind: array}
		for _, f := range c.target.Fields {
			t.items = append(t.items, &template{bytes: c.quoted(f.Name)})
		}
		return t
	case word == "$columns":
		t := &template{kind: array}
		for _, name := range c.columns {
			t.items = append(t.items, &template{bytes: c.quoted(name)})
		}
		return t
	case word == "$op":
		return &template{kind: operation}
	case word == "$dest_id":
		return &template{kind: remoteID}
	}
	return &template{kind: trace}
}

// named is the template of one field by its name.
func (c *compiler) named(kind templateKind, what, name string, fields []destination.Field) *template {
	i := slices.IndexFunc(fields, func(f destination.Field) bool { return f.Name == name })
	if i < 0 {
		return c.failf("this destination needs %q among the job's %s", name, what)
	}
	return &template{kind: kind, index: i}
}

// quoted is a JSON string of the spec's own text.
func (c *compiler) quoted(text string) []byte {
	b, err := record.AppendJSONText(nil, text)
	if err != nil {
		c.failf("%q: %s", text, err)
	}
	return b
}
