package config

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"exposync/internal/fault"
	"exposync/internal/yamlx"
)

// Place is where a setting stands, for people.
type Place struct {
	Where   string // "file:line", or the setting's path where no line is known
	Subject string // what a message starts with; empty if Where already says it
	Line    int    // 0 where it is not known
}

// Locator tells the place of the setting at path.
type Locator func(path []string) Place

// Reader reads one map of settings key by key and collects what is wrong with
// it. A key that nobody asked for is unknown, so the code that reads a
// setting is also what declares it. Readers of one document share their
// problems.
type Reader struct {
	node  *yamlx.Node
	path  []string
	known []string
	later []string
	sink  *sink
}

type sink struct {
	locate Locator
	whose  fault.Whose
	found  []located
}

type located struct {
	line  int
	fault *fault.Fault
}

// NewReader reads a document from its root. A root that is neither a map nor
// empty is a problem.
func NewReader(root *yamlx.Node, whose fault.Whose, locate Locator) *Reader {
	r := &Reader{sink: &sink{locate: locate, whose: whose}}
	r.node = r.mapNode(nil, root)
	return r
}

// Problems gives what was found so far in all readers of the document, by
// line, and forgets it.
func (r *Reader) Problems() fault.List {
	slices.SortStableFunc(r.sink.found, func(a, b located) int { return a.line - b.line })
	var out fault.List
	for _, l := range r.sink.found {
		out = append(out, l.fault)
	}
	r.sink.found = nil
	return out
}

// Fault reports a problem of one key; an empty key stands for the map itself.
func (r *Reader) Fault(key, code, hint, format string, args ...any) {
	r.report(r.at(key), code, hint, fmt.Sprintf(format, args...))
}

// Place tells where a key stands; an empty key stands for the map itself.
func (r *Reader) Place(key string) Place { return r.sink.locate(r.at(key)) }

// Path is the path of a key from the root of the document; an empty key
// stands for the map itself.
func (r *Reader) Path(key string) []string { return r.at(key) }

// Has reports whether the key is there and not null, and makes it known.
func (r *Reader) Has(key string) bool { return !r.Node(key).IsNull() }

// Node gives a key's value as it stands, nil if it is not there.
func (r *Reader) Node(key string) *yamlx.Node {
	if !slices.Contains(r.known, key) {
		r.known = append(r.known, key)
	}
	return r.node.Get(key)
}

// Text gives a key's text. It is empty if the key is not there or is no text,
// which is a problem.
func (r *Reader) Text(key string) string {
	n := r.Node(key)
	if n == nil {
		return ""
	}
	return r.text(key, n)
}

func (r *Reader) text(key string, n *yamlx.Node) string {
	s, ok := n.Str()
	switch {
	case !ok:
		r.Fault(key, "setting_invalid", "", "must be text, not %s%s", n.Kind, Trap(n))
	case strings.TrimSpace(s) == "":
		r.Fault(key, "setting_invalid", "", "is empty")
	}
	return s
}

// Texts gives a key's text or list of texts; nil if it is not there.
func (r *Reader) Texts(key string) []string {
	n := r.Node(key)
	if n == nil {
		return nil
	}
	if n.Kind != yamlx.List {
		return []string{r.text(key, n)}
	}
	out := make([]string, 0, len(n.Items))
	for i, item := range n.Items {
		out = append(out, r.text(fmt.Sprintf("%s[%d]", key, i), item))
	}
	return out
}

// Bool gives a key's true or false; nil if it is not there.
func (r *Reader) Bool(key string) *bool {
	n := r.Node(key)
	if n == nil {
		return nil
	}
	v, ok := n.Bool()
	if !ok {
		r.Fault(key, "setting_invalid", "write true or false", "must be true or false, not %s", n.Kind)
		return nil
	}
	return &v
}

// Choice gives a key's word, one of words; empty if it is not there.
func (r *Reader) Choice(key string, words ...string) string {
	n := r.Node(key)
	if n == nil {
		return ""
	}
	s, ok := n.Str()
	if ok && slices.Contains(words, s) {
		return s
	}
	r.Fault(key, "setting_invalid", "", "must be %s, not %s%s%s", orList(words), got(n), suggestion(s, words), Trap(n))
	return ""
}

// Duration gives a key's duration, see ParseDuration; 0 if it is not there.
func (r *Reader) Duration(key string) time.Duration {
	n := r.Node(key)
	if n == nil {
		return 0
	}
	s, _ := n.Str()
	d, ok := ParseDuration(s)
	if !ok {
		trap := ""
		if n.Kind == yamlx.Number {
			trap = " without a unit; dbt reads an unquoted 1:30 as the number 90"
		}
		r.Fault(key, "setting_invalid", "write whole numbers with their unit, s, m, h, d or w: 1d12h, 1h30m",
			"must be a duration such as 90m, 24h or 7d, not %s%s", got(n), trap)
	}
	return d
}

// Map gives a reader of the map below a key; an empty one if it is not there.
func (r *Reader) Map(key string) *Reader { return r.below(key, r.Node(key)) }

// Entries yields the keys of a map whose keys are names, with a reader and
// the node of each value. Values that are no maps have an empty reader and
// are the caller's to judge.
func (r *Reader) Entries() iter.Seq2[string, *yamlx.Node] {
	return func(yield func(string, *yamlx.Node) bool) {
		for _, key := range r.node.Keys() {
			if !yield(key, r.Node(key)) {
				return
			}
		}
	}
}

// Item gives a reader of the map at a place of the list below a key.
func (r *Reader) Item(key string, i int) *Reader {
	n := r.Node(key)
	return r.below(fmt.Sprintf("%s[%d]", key, i), n.Items[i])
}

// Later names keys that the documentation knows but that do not act yet.
func (r *Reader) Later(words ...string) { r.later = append(r.later, words...) }

// Done reports every key that nobody asked for.
func (r *Reader) Done() {
	for _, key := range r.node.Keys() {
		switch {
		case slices.Contains(r.known, key):
		case slices.Contains(r.later, key):
			r.unknown(key, "remove it until then: nothing would happen", "%q does not act in this version", key)
		default:
			hint := ""
			if len(r.known) > 0 {
				hint = "known here: " + strings.Join(r.known, ", ")
			}
			r.unknown(key, hint, "unknown key %q%s", key, suggestion(key, r.known))
		}
	}
}

// unknown reports a key at its own line, but in the words of the map around it.
func (r *Reader) unknown(key, hint, format string, args ...any) {
	at, around := r.Place(key), r.Place("")
	if at.Subject != "" {
		at.Subject = around.Subject
	}
	r.add(at, "unknown_key", hint, fmt.Sprintf(format, args...))
}

func (r *Reader) below(key string, n *yamlx.Node) *Reader {
	path := r.at(key)
	return &Reader{node: r.mapNode(path, n), path: path, sink: r.sink}
}

func (r *Reader) mapNode(path []string, n *yamlx.Node) *yamlx.Node {
	if n == nil || n.Kind == yamlx.Map {
		return n
	}
	if path != nil || n.Kind != yamlx.Null { // an empty file is fine, an empty setting is not
		r.report(path, "setting_invalid", "", fmt.Sprintf("must be a map, not %s", n.Kind))
	}
	return nil
}

func (r *Reader) at(key string) []string {
	if key == "" {
		return r.path
	}
	return append(slices.Clip(r.path), key)
}

func (r *Reader) report(path []string, code, hint, msg string) {
	r.add(r.sink.locate(path), code, hint, msg)
}

func (r *Reader) add(at Place, code, hint, msg string) {
	if at.Subject != "" {
		msg = at.Subject + ": " + msg
	}
	if hint == "" {
		hint = "correct it; more: exposync explain " + code
		if r.sink.whose == fault.Mapping {
			hint = "correct it and run dbt parse; more: exposync explain " + code
		}
	}
	r.sink.found = append(r.sink.found, located{at.Line, &fault.Fault{
		Code: code, Kind: fault.Config, Whose: r.sink.whose, Where: at.Where, Msg: msg, Hint: hint,
	}})
}

// Trap explains why YAML made something else of a word that was written
// without quotes; empty where there is nothing to explain.
func Trap(n *yamlx.Node) string {
	switch n.Kind {
	case yamlx.Null:
		return "; ~, null and everything after a # count as nothing: put the value in quotes"
	case yamlx.Bool:
		return "; unquoted yes, no, on and off count as true or false: put the word in quotes"
	case yamlx.Number:
		return "; unquoted digits are a number, and dbt reads 1:30 as 90: put the value in quotes"
	case yamlx.String, yamlx.List, yamlx.Map:
	}
	return ""
}

// got writes what stands there instead: a text as it is, else its kind. It
// is for settings that never hold a secret.
func got(n *yamlx.Node) string {
	if s, ok := n.Str(); ok {
		return strconv.Quote(s)
	}
	return n.Kind.String()
}

func suggestion(word string, known []string) string {
	if near := fault.Suggest(word, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// orList writes words as people do: a, b or c.
func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
