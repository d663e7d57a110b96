package yamlx

import "fmt"

// Str gives the text of a string. Numbers, booleans and null are none.
func (n *Node) Str() (string, bool) {
	if n == nil || n.Kind != String {
		return "", false
	}
	return n.Text, true
}

// Scalar gives the text of a string, a number or a boolean, for the places
// where people forget quotes.
func (n *Node) Scalar() (string, bool) {
	if n == nil || n.Kind != String && n.Kind != Number && n.Kind != Bool {
		return "", false
	}
	return n.Text, true
}

// Bool gives the value of a boolean. The YAML 1.1 words yes, no, on and off
// are strings here.
func (n *Node) Bool() (value, ok bool) {
	if n == nil || n.Kind != Bool {
		return false, false
	}
	return n.Text == "true", true
}

// Strings gives a string, or every item of a list of strings. Null is the
// empty list; a list that holds anything else is not ok.
func (n *Node) Strings() ([]string, bool) {
	if n.IsNull() {
		return nil, true
	}
	if n.Kind == String {
		return []string{n.Text}, true
	}
	if n.Kind != List {
		return nil, false
	}
	out := make([]string, 0, len(n.Items))
	for _, item := range n.Items {
		text, ok := item.Str()
		if !ok {
			return nil, false
		}
		out = append(out, text)
	}
	return out, true
}

// Keys gives a map's keys in the order of the document.
func (n *Node) Keys() []string {
	if n == nil || n.Kind != Map {
		return nil
	}
	out := make([]string, len(n.Pairs))
	for i, p := range n.Pairs {
		out[i] = p.Key
	}
	return out
}

// Find follows path down maps, as At does. Where the path ends early it gives
// the deepest node that is there, and false: the place to report a missing
// key at.
func (n *Node) Find(path ...string) (*Node, bool) {
	for _, key := range path {
		next := n.Get(key)
		if next == nil {
			return n, false
		}
		n = next
	}
	return n, n != nil
}

// Where gives "file:line", or the file alone where the line is not known.
func (n *Node) Where(file string) string {
	if n == nil || n.Line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, n.Line)
}

// String names the kind as messages do: "a list", "text".
func (k Kind) String() string {
	switch k {
	case Bool:
		return "true or false"
	case Number:
		return "a number"
	case String:
		return "text"
	case List:
		return "a list"
	case Map:
		return "a map"
	case Null:
	}
	return "nothing"
}
