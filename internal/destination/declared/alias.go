package declared

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"exposync/internal/record"
	"exposync/internal/yamlx"
)

// alias says that every record of a request has a name of its own, r0, r1, …,
// as services want it that take their calls as text (GraphQL): the call is
// written once for every record, and its values stand beside it as variables.
type alias struct {
	name      string // before the number
	call      string // ${call} in the envelope: what is written for every record
	variables []pair // entries of row that call may name as $entry, with their types
}

// The names that an envelope has besides those of a job.
const (
	aliasCalls = "calls"        // r0: call, r1: call, …
	aliasTypes = "declarations" // $key0: type, $key1: type, …
)

func aliasNames() []string { return []string{aliasCalls, aliasTypes} }

// aliased is an alias compiled for one job.
type aliased struct {
	name      string
	variables []string // that the call names, in the order of the row
	types     []string
	call      [][]byte // JSON text; between two parts stands the record's number
	tail      [][]byte // of the body: literal, calls or declarations, literal, …
}

// mark parts the texts that depend on the number of records from others. It
// is no part of JSON.
const mark = "\x00"

var variableText = regexp.MustCompile(`\$[A-Za-z_][A-Za-z0-9_]*`)

// aliased compiles what the call of an operation names. It also gives the row
// with the variables that are left.
func (c *compiler) aliased(o *op) (*aliased, *yamlx.Node) {
	a := &aliased{name: o.alias.name}
	call, err := c.values.text(o.alias.call)
	if err != nil {
		c.failf("%s", err)
	}
	named := variableText.FindAllString(call, -1)
	row := *o.row
	row.Pairs = nil
	for _, p := range o.row.Pairs {
		if slices.Contains(named, "$"+p.Key) {
			row.Pairs = append(row.Pairs, p)
			a.variables = append(a.variables, p.Key)
			a.types = append(a.types, c.typeOf(o.alias, p.Key))
		}
	}
	if len(a.variables) == 0 {
		c.failf("the call names none of the record's variables: %s", strings.Join(o.alias.names(), ", "))
	}
	numbered := variableText.ReplaceAllStringFunc(call, func(word string) string {
		if slices.Contains(a.variables, word[1:]) {
			return word + mark
		}
		return word
	})
	for part := range strings.SplitSeq(numbered, mark) {
		a.call = append(a.call, c.inner(part))
	}
	return a, &row
}

func (c *compiler) typeOf(a *alias, name string) string {
	for _, v := range a.variables {
		if v.name == name {
			text, err := c.values.text(v.text)
			if err != nil {
				c.failf("%s", err)
			}
			return text
		}
	}
	return ""
}

// names are the variables as a call writes them.
func (a *alias) names() []string {
	var out []string
	for _, v := range a.variables {
		out = append(out, "$"+v.name)
	}
	return out
}

// inner is a text within a JSON string.
func (c *compiler) inner(text string) []byte {
	quoted := c.quoted(text)
	return quoted[1 : len(quoted)-1]
}

// envelope compiles an envelope whose texts may hold the calls and the
// declarations. The records come first: only then their number is known.
func (c *compiler) envelope(o *op, a *aliased) (head []byte) {
	inside := *c
	inside.values = c.values.with(pair{aliasCalls, mark + aliasCalls + mark}, pair{aliasTypes, mark + aliasTypes + mark})
	t := inside.compile(o.envelope)
	c.problems = inside.problems
	t.rowsFirst()
	head, tail, _ := t.split()
	// the records are an object here, not a list
	head = append(bytes.TrimSuffix(head, []byte("[")), '{')
	tail = append([]byte("}"), bytes.TrimPrefix(tail, []byte("]"))...)
	tail = bytes.ReplaceAll(tail, []byte(`\u0000`), []byte(mark))
	if bytes.Contains(head, []byte(`\u0000`)) {
		c.failf("the calls of an envelope cannot stand in a list before the records")
	}
	a.tail = bytes.Split(tail, []byte(mark))
	return head
}

// rowsFirst puts the entry with the records first, at every level.
func (t *template) rowsFirst() bool {
	if t.kind == rowsHere {
		return true
	}
	for i := range t.entries {
		if t.entries[i].value.rowsFirst() {
			e := t.entries[i]
			t.entries = slices.Insert(slices.Delete(t.entries, i, i+1), 0, e)
			return true
		}
	}
	return slices.ContainsFunc(t.items, func(item *template) bool { return item.rowsFirst() })
}

// end is what stands behind n records.
func (a *aliased) end(n int) []byte {
	var out []byte
	for i, part := range a.tail {
		switch {
		case i%2 == 0:
			out = append(out, part...)
		case string(part) == aliasCalls:
			for k := range n {
				out = a.appendCall(out, k)
			}
		case string(part) == aliasTypes:
			for k := range n {
				out = a.appendTypes(out, k)
			}
		}
	}
	return out
}

func (a *aliased) appendCall(dst []byte, n int) []byte {
	if n > 0 {
		dst = append(dst, ' ')
	}
	dst = strconv.AppendInt(append(dst, a.name...), int64(n), 10)
	dst = append(dst, ": "...)
	for i, part := range a.call {
		if i > 0 {
			dst = strconv.AppendInt(dst, int64(n), 10)
		}
		dst = append(dst, part...)
	}
	return dst
}

func (a *aliased) appendTypes(dst []byte, n int) []byte {
	for i, name := range a.variables {
		if n > 0 || i > 0 {
			dst = append(dst, ", "...)
		}
		dst = strconv.AppendInt(append(append(dst, '$'), name...), int64(n), 10)
		text, _ := record.AppendJSONText(nil, a.types[i]) // it comes from YAML, which is UTF-8
		dst = append(append(dst, ": "...), text[1:len(text)-1]...)
	}
	return dst
}

// append appends the variables of a record, the nth of its request.
func (a *aliased) append(dst []byte, row *template, c *rowContext, n int) ([]byte, error) {
	start := len(dst)
	for i := range row.entries {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(append(append(dst, '"'), a.variables[i]...), int64(n), 10)
		out, err := row.entries[i].value.append(append(dst, `":`...), c)
		if err != nil {
			return out[:start], err
		}
		dst = out
	}
	return dst, nil
}
