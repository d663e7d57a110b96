package declared

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/yamlx"
)

// decoder turns the tree of a spec into a spec and collects what is wrong.
type decoder struct {
	file     string
	over     *overlay
	problems fault.List
	texts    []located // that may hold ${…}
	more     []string  // names that are known where the decoder is now
	drawing  *drawing  // nil while a spec is read
}

type located struct {
	text, where string
	more        []string
}

// where is the place of a node: the spec's file, or exposync.yml for what
// stands inline.
func (d *decoder) where(n *yamlx.Node) string {
	if d.over != nil && d.over.mine[n] {
		return n.Where(d.over.file)
	}
	return n.Where(d.file)
}

func (d *decoder) fail(n *yamlx.Node, hint, format string, args ...any) {
	d.failAt(d.where(n), hint, format, args...)
}

func (d *decoder) failAt(where, hint, format string, args ...any) {
	if d.drawing != nil {
		return // there is nothing that could be wrong
	}
	d.problems = append(d.problems, &fault.Fault{
		Code: "spec_invalid", Kind: fault.Config, Whose: fault.Setup,
		Where: where, Msg: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// sorted gives the problems by file and line, as people look them up.
func (d *decoder) sorted() fault.List {
	slices.SortStableFunc(d.problems, func(a, b *fault.Fault) int {
		fileA, lineA := place(a.Where)
		fileB, lineB := place(b.Where)
		return cmp.Or(strings.Compare(fileA, fileB), cmp.Compare(lineA, lineB))
	})
	return d.problems
}

func place(where string) (file string, line int) {
	if i := strings.LastIndexByte(where, ':'); i >= 0 {
		if n, err := strconv.Atoi(where[i+1:]); err == nil {
			return where[:i], n
		}
	}
	return where, 0
}

// known maps the keys of a block to what reads them.
type known map[string]func(*yamlx.Node)

// keys reads a block; a key that is not known is a problem.
func (d *decoder) keys(n *yamlx.Node, what string, fields known) {
	if d.drawing != nil {
		d.drawing.keys(what, fields)
		return
	}
	if n.IsNull() {
		return
	}
	if n.Kind != yamlx.Map {
		d.fail(n, "", "%s must be a map, not %s", what, n.Kind)
		return
	}
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, p := range n.Pairs {
		read, ok := fields[p.Key]
		if !ok {
			where := d.where(p.Value)
			if p.Line > 0 && p.Value != nil {
				place := *p.Value
				place.Line = p.Line
				where = d.whereLine(p.Value, &place)
			}
			hint := "known here: " + strings.Join(names, ", ")
			if near := fault.Suggest(p.Key, names); near != "" {
				hint = fmt.Sprintf("did you mean %s?", near)
			}
			d.failAt(where, hint, "%s: unknown key %q", what, p.Key)
			continue
		}
		read(p.Value)
	}
}

// whereLine is the place of owner's file at the line of at.
func (d *decoder) whereLine(owner, at *yamlx.Node) string {
	if d.over != nil && d.over.mine[owner] {
		return at.Where(d.over.file)
	}
	return at.Where(d.file)
}

func (d *decoder) text(dst *string) func(*yamlx.Node) {
	return func(n *yamlx.Node) {
		if d.drawing.put(anyText()) {
			return
		}
		s, ok := n.Scalar()
		if !ok {
			d.fail(n, "", "must be text, not %s", n.Kind)
			return
		}
		*dst = s
	}
}

// template is text that may hold ${…}.
func (d *decoder) template(dst *string) func(*yamlx.Node) {
	return func(n *yamlx.Node) {
		d.text(dst)(n)
		d.texts = append(d.texts, located{*dst, d.where(n), d.more})
	}
}

func (d *decoder) flag(dst *bool) func(*yamlx.Node) {
	return func(n *yamlx.Node) {
		if d.drawing.put(node{"type": "boolean"}) {
			return
		}
		v, ok := n.Bool()
		if !ok {
			d.fail(n, "", "must be true or false, not %s", n.Kind)
		}
		*dst = v
	}
}

func (d *decoder) count(dst *int) func(*yamlx.Node) {
	return func(n *yamlx.Node) {
		if d.drawing.put(node{"type": "integer", "minimum": 1}) {
			return
		}
		v, err := strconv.Atoi(n.Text)
		if n.Kind != yamlx.Number || err != nil || v < 1 {
			d.fail(n, "", "must be a whole number of 1 or more")
			return
		}
		*dst = v
	}
}

func (d *decoder) tree(dst **yamlx.Node) func(*yamlx.Node) {
	return func(n *yamlx.Node) { *dst = n }
}

// pairs reads names with texts, each as read says.
func (d *decoder) pairs(dst *[]pair, what string, read func(*string) func(*yamlx.Node)) func(*yamlx.Node) {
	return func(n *yamlx.Node) {
		if d.drawing.free(read(new(string))) {
			return
		}
		if n.Kind != yamlx.Map {
			d.fail(n, "", "%s must be a map of names and texts, not %s", what, n.Kind)
			return
		}
		for _, p := range n.Pairs {
			var s string
			read(&s)(p.Value)
			*dst = append(*dst, pair{p.Key, s})
		}
	}
}

// credential is a template in a spec, literal text in a connection, where
// references are resolved already.
func (d *decoder) credential(dst *string) func(*yamlx.Node) {
	return func(n *yamlx.Node) {
		if d.over == nil || !d.over.mine[n] {
			d.template(dst)(n)
			return
		}
		d.text(dst)(n)
		*dst = strings.ReplaceAll(*dst, "$", "$$")
	}
}

func (d *decoder) list(what string, item func(*yamlx.Node)) func(*yamlx.Node) {
	return func(n *yamlx.Node) {
		if d.drawing.list(item) {
			return
		}
		if n.Kind != yamlx.List {
			d.fail(n, "", "%s must be a list, not %s", what, n.Kind)
			return
		}
		for _, i := range n.Items {
			item(i)
		}
	}
}

// pattern reads a regular expression.
func (d *decoder) pattern(dst **regexp.Regexp) func(*yamlx.Node) {
	return func(n *yamlx.Node) {
		if d.drawing.put(node{"type": "string", "format": "regex"}) {
			return
		}
		var s string
		d.text(&s)(n)
		re, err := regexp.Compile(s)
		if err != nil {
			d.fail(n, "", "is no regular expression")
			return
		}
		*dst = re
	}
}

// duration reads a length of time.
func (d *decoder) duration(dst *time.Duration) func(*yamlx.Node) {
	return func(n *yamlx.Node) {
		var s string
		d.text(&s)(n)
		length, err := time.ParseDuration(s)
		if err != nil || length <= 0 {
			d.fail(n, "", "must be a duration such as 5s, 10m or 2h")
			return
		}
		*dst = length
	}
}

// words reads one text or a list of them.
func (d *decoder) words(dst *[]string) func(*yamlx.Node) {
	return func(n *yamlx.Node) {
		if d.drawing.put(node{"anyOf": []any{anyText(), node{"type": "array", "items": anyText()}}}) {
			return
		}
		list, ok := n.Strings()
		if !ok {
			d.fail(n, "", "must be a text or a list of texts, not %s", n.Kind)
		}
		*dst = list
	}
}

func (d *decoder) choice(dst *string, words ...string) func(*yamlx.Node) {
	return func(n *yamlx.Node) {
		if d.drawing.put(node{"enum": words}) {
			return
		}
		s, _ := n.Str()
		if !slices.Contains(words, s) {
			d.fail(n, "", "must be one of %s", strings.Join(words, ", "))
			return
		}
		*dst = s
	}
}

// state reads one of the words for states.
func (d *decoder) state(dst *destination.State) func(*yamlx.Node) {
	return func(n *yamlx.Node) {
		if d.drawing.put(node{"$ref": "#/$defs/state"}) {
			return
		}
		s, _ := n.Str()
		state, ok := states()[s]
		if !ok {
			d.fail(n, "known: ok, fail, retry, bisect, auth, stop, mapping_error, in_doubt", "unknown state %q", s)
			return
		}
		*dst = state
	}
}
