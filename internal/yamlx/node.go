// Package yamlx reads YAML and JSON into one ordered tree that remembers
// where everything stood, so that a problem can be reported with its line. It
// is the only user of the YAML library.
package yamlx

// Kind is what a node is.
type Kind uint8

// The kinds.
const (
	Null Kind = iota
	Bool
	Number // Text has it as written
	String
	List
	Map
)

// Node is one value of a document. A nil *Node stands for "not there": every
// method answers for it.
type Node struct {
	Kind  Kind
	Text  string  // scalars: the value as text ("true", "1.50", "crm.contacts")
	Items []*Node // lists
	Pairs []Pair  // maps, in the order of the document
	Line  int     // 1-based; 0 where the source has no positions
	Col   int
	// Start and End are the bytes of the file that it was read from, quotes
	// included. End is 0 where it is not known, as of every map and list.
	Start, End int
	Flow       bool // maps and lists: written in braces or brackets
	// Plain says that a string or number was written without quotes, which
	// is where YAML 1.1 surprises live.
	Plain bool
}

// Pair is one entry of a map.
type Pair struct {
	Key              string
	Line, Col        int // of the key
	KeyStart, KeyEnd int // bytes of the key, as Start and End of a node
	Value            *Node
}

// Get gives the value of a map's key, nil where there is none.
func (n *Node) Get(key string) *Node {
	if n == nil || n.Kind != Map {
		return nil
	}
	for _, p := range n.Pairs {
		if p.Key == key {
			return p.Value
		}
	}
	return nil
}

// At follows keys down nested maps.
func (n *Node) At(path ...string) *Node {
	for _, key := range path {
		n = n.Get(key)
	}
	return n
}

// IsNull reports whether the node is missing or null.
func (n *Node) IsNull() bool { return n == nil || n.Kind == Null }
