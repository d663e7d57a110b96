package declared

import (
	"slices"

	"exposync/internal/yamlx"
)

// block is a part of a spec that a connection may write inline.
type block struct {
	name, doc string
	merge     bool // its keys replace one by one; else as a whole
}

func inlineBlocks() []block {
	return []block{
		{"auth", "how requests prove who sends them: {type: bearer | basic | header | query | oauth2_… | hmac | aws_sigv4 | none, …}", false},
		{"headers", "more headers of every request", true},
		{"check", "the request that tells the account: {request: {method, path}, identity: path}", false},
		{"discover", "the request that tells which fields an object has", false},
		{"read", "how records are read by key, for first: compare", false},
		{"limits", "{rows, bytes, rowbytes, concurrency}", true},
		{"rate", "{requests: 100, per: 10s, headers, daily}", false},
		{"encode", "{stringify, decimal, null, bool, date, format, gzip, hash}", true},
		{"ops", "how an operation is sent and how its answer is read", true},
	}
}

// overlay holds the blocks of a connection that go over its spec. Their
// references are resolved already, so what is a credential in them is taken
// literally.
type overlay struct {
	file   string // of the connection
	blocks map[string]*yamlx.Node
	mine   map[*yamlx.Node]bool // every node of blocks
}

func newOverlay(file string, blocks map[string]*yamlx.Node) *overlay {
	o := &overlay{file: file, blocks: blocks, mine: map[*yamlx.Node]bool{}}
	for _, n := range blocks {
		o.own(n)
	}
	return o
}

func (o *overlay) own(n *yamlx.Node) {
	if n == nil {
		return
	}
	o.mine[n] = true
	for _, item := range n.Items {
		o.own(item)
	}
	for _, p := range n.Pairs {
		o.own(p.Value)
	}
}

// apply gives the tree of the spec with the blocks in place.
func (o *overlay) apply(root *yamlx.Node) *yamlx.Node {
	if o == nil {
		return root
	}
	out := root
	for _, b := range inlineBlocks() {
		n := o.blocks[b.name]
		switch {
		case n == nil:
		case b.name == "ops":
			out = with(out, b.name, o.ops(out.Get(b.name), n))
		case b.merge:
			out = with(out, b.name, over(out.Get(b.name), n))
		default:
			out = with(out, b.name, n)
		}
	}
	return out
}

// ops merges operation by operation, and within one key by key: a connection
// that changes only `response` keeps the rest.
func (o *overlay) ops(base, n *yamlx.Node) *yamlx.Node {
	if n.Kind != yamlx.Map {
		return n
	}
	out := base
	for _, p := range n.Pairs {
		out = with(out, p.Key, over(base.Get(p.Key), p.Value))
	}
	return out
}

// over gives base with the keys of n in place of its own.
func over(base, n *yamlx.Node) *yamlx.Node {
	if base == nil || base.Kind != yamlx.Map || n.Kind != yamlx.Map {
		return n
	}
	out := base
	for _, p := range n.Pairs {
		out = with(out, p.Key, p.Value)
	}
	return out
}

// with gives a copy of a map in which key has the value.
func with(n *yamlx.Node, key string, value *yamlx.Node) *yamlx.Node {
	out := &yamlx.Node{Kind: yamlx.Map}
	if n != nil {
		*out = *n
	}
	out.Pairs = slices.Clone(out.Pairs)
	entry := yamlx.Pair{Key: key, Value: value, Line: value.Line, Col: value.Col}
	if i := slices.IndexFunc(out.Pairs, func(p yamlx.Pair) bool { return p.Key == key }); i >= 0 {
		out.Pairs[i] = entry
		return out
	}
	out.Pairs = append(out.Pairs, entry)
	return out
}
