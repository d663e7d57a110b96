package yamlx

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"exposync/internal/fault"
)

// expandLimit bounds how many values the aliases of one document may stand
// for: nine lines of YAML can otherwise stand for billions.
const expandLimit = 1 << 20

// converter turns the library's tree into ours. Aliases share one converted
// node, so a document needs no more memory than it has values.
type converter struct {
	file     string
	source   *source
	done     map[*yaml.Node]*Node
	size     map[*Node]int // values below a node, aliases counted each time
	copied   int           // pairs that merge keys brought in
	exploded bool
	open     map[*yaml.Node]bool
	problems fault.List
}

func convert(file string, src *source, doc *yaml.Node) (*Node, error) {
	c := &converter{
		file: file, source: src, done: map[*yaml.Node]*Node{}, size: map[*Node]int{}, open: map[*yaml.Node]bool{},
	}
	if doc.Kind == yaml.DocumentNode && len(doc.Content) > 0 {
		doc = doc.Content[0]
	}
	out := c.node(doc)
	if err := c.problems.Err(); err != nil {
		return nil, err
	}
	return out, nil
}

// node converts one value. After a problem the result is only good for
// finding further problems.
func (c *converter) node(n *yaml.Node) *Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	if out := c.done[n]; out != nil {
		return out
	}
	if c.open[n] {
		c.problem("yaml_syntax", n, "the anchor &%s contains itself", n.Anchor)
		return &Node{}
	}
	c.open[n] = true
	out := &Node{Line: n.Line, Col: n.Column, Flow: n.Style&yaml.FlowStyle != 0}
	out.Start, out.End = c.source.span(n)
	c.fill(out, n)
	delete(c.open, n)
	c.done[n] = out
	c.count(out, n)
	return out
}

func (c *converter) fill(out *Node, n *yaml.Node) {
	switch n.Kind {
	case yaml.SequenceNode:
		out.Kind, out.Items = List, make([]*Node, 0, len(n.Content))
		for _, item := range n.Content {
			out.Items = append(out.Items, c.node(item))
		}
	case yaml.MappingNode:
		out.Kind = Map
		c.mapping(out, n)
	case yaml.ScalarNode:
		scalar(out, n)
	case yaml.DocumentNode, yaml.AliasNode: // convert and node look through them
	}
}

func scalar(out *Node, n *yaml.Node) {
	out.Text = n.Value
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	switch n.ShortTag() {
	case "!!null":
		out.Kind, out.Text = Null, ""
	case "!!bool":
		out.Kind, out.Text = Bool, strings.ToLower(n.Value)
	case "!!int", "!!float":
		out.Kind, out.Plain = Number, !quoted
	default:
		out.Kind, out.Plain = String, !quoted
	}
}

// mapping fills the pairs of a map. Merged keys stand where the merge key
// stood; a key that the map writes itself wins over them.
func (c *converter) mapping(out *Node, n *yaml.Node) {
	taken := c.ownKeys(n)
	for i := 0; i+1 < len(n.Content); i += 2 {
		at, value := n.Content[i], n.Content[i+1]
		if !merges(at) {
			if key := resolved(at); key.Kind == yaml.ScalarNode {
				pair := Pair{Key: key.Value, Line: at.Line, Col: at.Column, Value: c.node(value)}
				pair.KeyStart, pair.KeyEnd = c.source.span(at)
				out.Pairs = append(out.Pairs, pair)
			}
			continue
		}
		for _, p := range c.merged(value) {
			if _, twice := taken[p.Key]; twice || c.exploded {
				continue
			}
			taken[p.Key] = p.Line
			out.Pairs = append(out.Pairs, p)
			c.copied++
			c.limit(c.copied, at)
		}
	}
}

// ownKeys gives the keys that a map writes itself, with their lines, and
// reports those that stand twice.
func (c *converter) ownKeys(n *yaml.Node) map[string]int {
	own := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		at := n.Content[i]
		key, ok := c.key(at)
		if !ok || merges(at) {
			continue
		}
		if first, twice := own[key]; twice {
			c.problem("yaml_duplicate_key", at, "the key %q already stands on line %d", key, first)
			continue
		}
		own[key] = at.Line
	}
	return own
}

// key gives the text of a map's key.
func (c *converter) key(n *yaml.Node) (string, bool) {
	key := resolved(n)
	if key.Kind == yaml.ScalarNode {
		return key.Value, true
	}
	c.problems = append(c.problems, &fault.Fault{
		Code: "yaml_syntax", Kind: fault.Config, Whose: fault.Setup, Where: c.where(n),
		Msg: "a map or a list cannot be a key", Hint: `put quotes around Jinja: "{{ … }}"`,
	})
	return "", false
}

// merged gives the pairs that a merge key brings in: those of a map, or of
// several maps of which the earlier wins.
func (c *converter) merged(value *yaml.Node) []Pair {
	n := c.node(value)
	switch n.Kind {
	case Map:
		return n.Pairs
	case List:
		var out []Pair
		for _, item := range n.Items {
			if item.Kind != Map {
				c.problem("yaml_syntax", value, "<< can merge only maps")
				return nil
			}
			out = append(out, item.Pairs...)
		}
		return out
	case Null, Bool, Number, String:
	}
	c.problem("yaml_syntax", value, "<< can merge only maps")
	return nil
}

// count adds up what a node stands for and refuses documents that explode.
func (c *converter) count(out *Node, at *yaml.Node) {
	sum := 1
	for _, item := range out.Items {
		sum += c.size[item]
	}
	for _, p := range out.Pairs {
		sum += c.size[p.Value]
	}
	c.limit(sum, at)
	c.size[out] = min(sum, expandLimit)
}

func (c *converter) limit(values int, at *yaml.Node) {
	if values > expandLimit && !c.exploded {
		c.exploded = true
		c.problem("yaml_syntax", at, "with its aliases it stands for more than %d values", expandLimit)
	}
}

func (c *converter) problem(code string, at *yaml.Node, format string, args ...any) {
	c.problems = append(c.problems, &fault.Fault{
		Code: code, Kind: fault.Config, Whose: fault.Setup, Where: c.where(at), Msg: fmt.Sprintf(format, args...),
	})
}

func (c *converter) where(n *yaml.Node) string { return fmt.Sprintf("%s:%d", c.file, n.Line) }

func merges(key *yaml.Node) bool { return key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge" }

func resolved(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return n
}
