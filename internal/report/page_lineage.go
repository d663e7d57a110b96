package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// nodeIndex gives every node of all pictures one entry on the page.
type nodeIndex struct {
	ids    map[string]string // unique_id -> id on the page
	nodes  []LineageNode
	misses map[string][]Found // by subject
}

func newNodeIndex(active []Found) *nodeIndex {
	n := &nodeIndex{ids: map[string]string{}, misses: map[string][]Found{}}
	for _, x := range active {
		n.misses[x.Subject] = append(n.misses[x.Subject], x)
	}
	return n
}

func (n *nodeIndex) entry(id string) string { return n.ids[id] }

// add gives the page's id of a node.
func (n *nodeIndex) add(node LineageNode) string {
	if id, ok := n.ids[node.ID]; ok {
		return id
	}
	id := fmt.Sprintf("n%d", len(n.nodes)+1)
	n.ids[node.ID] = id
	n.nodes = append(n.nodes, node)
	return id
}

type nodeView struct {
	ID, Name, Unique, Kind, State, Mark, Says string
	Owner, File                               string
	Facts                                     []Fact
	Misses                                    []missView
}

type missView struct{ Role, Code, Message string }

func (n *nodeIndex) views() []nodeView {
	var out []nodeView
	for _, node := range n.nodes {
		v := nodeView{
			ID: n.ids[node.ID], Name: printable(node.Name), Unique: printable(node.ID), Kind: kindText(node), State: string(node.State), Mark: mark(node.State),
			Says: printable(node.Says), Owner: printable(node.Owner), File: printable(node.File),
		}
		for _, f := range node.Facts {
			v.Facts = append(v.Facts, Fact{printable(f.Label), printable(f.Text)})
		}
		for _, x := range n.misses[node.ID] {
			v.Misses = append(v.Misses, missView{severityClass(x.Severity), x.Code, printable(x.Message)})
		}
		out = append(out, v)
	}
	return out
}

// picture is the lineage of one exposure, drawn.
type picture struct {
	ID, Name, Owner, To, Unique string
	State, Mark, Says           string
	Misses                      int
	Open                        bool
	Width, Height, Least        string
	Boxes                       []boxView
	Lines                       []lineView
}

type boxView struct {
	ID, X, Y       string
	Link           string // to the entry of the node; empty for several nodes drawn as one
	Name, Sub, Tip string
	Kind           string
	State, Mark    string
	Misses         int
}

type lineView struct{ From, To, Path string }

// leastScale is how small a picture may get to fit the window; below that it
// scrolls.
const leastScale = 0.78

// longName is the most letters of a name in a heading; its entry has it whole.
const longName = 120

// openPictures is how many exposures a page may have so that all of them stand
// open.
const openPictures = 3

func (n *nodeIndex) picture(i int, l Lineage) picture {
	d := drawn(l)
	p := picture{ID: fmt.Sprintf("x%d", i+1), Unique: printable(l.Exposure), Name: printable(l.Exposure), State: string(StateUnknown), Width: fmt.Sprintf("%.0f", d.Width), Height: fmt.Sprintf("%.0f", d.Height), Least: fmt.Sprintf("%.0f", d.Width*leastScale), Open: i < openPictures}
	at := map[string]string{}
	for _, b := range d.Boxes {
		v := n.box(b)
		at[b.Node.ID] = v.ID
		p.Boxes = append(p.Boxes, v)
	}
	for _, line := range d.Lines {
		p.Lines = append(p.Lines, lineView{at[line.From], at[line.To], line.Path})
	}
	for _, node := range l.Nodes {
		if node.Kind == "more" {
			continue
		}
		n.add(node)
		p.Misses += len(n.misses[node.ID])
		switch {
		case node.ID == l.Exposure:
			p.Name, p.Owner, p.State, p.Says = middle(printable(node.Name), longName), middle(printable(node.Owner), longName), string(node.State), printable(node.Says)
		case node.Kind == "destination":
			p.To = strings.TrimPrefix(p.To+", "+middle(printable(node.Name), longName), ", ")
		}
	}
	p.Mark = mark(State(p.State))
	return p
}

func (n *nodeIndex) box(b box) boxView {
	v := boxView{
		X: fmt.Sprintf("%.0f", b.X), Y: fmt.Sprintf("%.1f", b.Y), Name: inBox(printable(b.Node.Name)), Sub: inBox(kindText(b.Node)),
		Kind: b.Node.Kind, State: string(cmp.Or(b.Node.State, StateNone)), Mark: mark(b.Node.State), Misses: len(n.misses[b.Node.ID]),
	}
	if b.Node.Kind == "more" {
		v.ID = strings.ReplaceAll(b.Node.ID, " ", "")
	} else {
		v.ID = n.add(b.Node)
		v.Link = "#" + v.ID
	}
	tip := []string{printable(b.Node.Name), kindText(b.Node), printable(b.Node.Says)}
	if b.Node.Owner != "" {
		tip = append(tip, "owner: "+printable(b.Node.Owner))
	}
	for _, f := range b.Node.Facts {
		tip = append(tip, printable(f.Label)+": "+printable(f.Text))
	}
	v.Tip = strings.Join(slices.DeleteFunc(tip, func(s string) bool { return s == "" }), "\n")
	return v
}

// boxWide is how much room a text takes, in letters: wide ones count twice.
func boxWide(text string) int {
	n := 0
	for _, c := range text {
		n++
		if c >= 0x1100 {
			n++
		}
	}
	return n
}

// boxRunes is how many letters a box has room for.
const boxRunes = 19

// inBox cuts a name in the middle so that it fits its box.
func inBox(text string) string {
	for most := boxRunes; most > 2; most-- {
		if cut := middle(text, most); boxWide(cut) <= boxRunes {
			return cut
		}
	}
	return middle(text, 2)
}

func kindText(n LineageNode) string {
	kind := n.Kind
	if kind == "more" {
		return printable(n.How)
	}
	if n.How != "" && n.How != kind {
		kind += " · " + n.How
	}
	return printable(kind)
}

// mark tells states apart without colour.
func mark(s State) string {
	return map[State]string{StateBad: "✕", StateWarn: "!", StateGood: "✓", StateUnknown: "?"}[s]
}
