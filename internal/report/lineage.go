package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Lineage is what leads to one exposure, and where it goes: the value of a
// picture.
type Lineage struct {
	Exposure string // unique_id
	Nodes    []LineageNode
	Edges    []LineageEdge
}

// LineageEdge leads from what is read to what reads it.
type LineageEdge struct{ From, To string }

// LineageNode is one node of a picture.
type LineageNode struct {
	ID    string // unique_id; of an object at a destination any id that no node has
	Name  string
	Kind  string // source, seed, snapshot, model, export, exposure, destination, …
	How   string // the materialization, or the mode of a sync; may be empty
	State State
	Says  string // one sentence: why it has that state
	Owner string
	File  string
	Facts []Fact
}

// Fact is one thing that is known of a node, such as its tests.
type Fact struct{ Label, Text string }

// State is what is known of a node after the last run of dbt.
type State string

// The states, worst first.
const (
	StateBad     State = "bad"     // proven bad: it failed, or a test of it did
	StateWarn    State = "warn"    // to look at: a test warned, or the rows are old
	StateUnknown State = "unknown" // nothing is known, because nothing of it ran
	StateGood    State = "good"    // built, and every test of it passed
	StateNone    State = "none"    // there is nothing that could be known
)

// maxLayer is the most nodes that one layer of a picture has; the least telling
// ones beyond it are drawn as one.
const maxLayer = 12

// layers orders the nodes of a lineage from left to right: each one stands to
// the right of everything that it reads.
type layers struct {
	nodes   map[string]LineageNode
	parents map[string][]string
	rank    map[string]int
	rows    [][]string // ids by rank
}

func layered(l Lineage) *layers {
	g := &layers{nodes: map[string]LineageNode{}, parents: map[string][]string{}, rank: map[string]int{}}
	for _, n := range l.Nodes {
		g.nodes[n.ID] = n
	}
	for _, e := range l.Edges {
		_, from := g.nodes[e.From]
		_, to := g.nodes[e.To]
		if from && to && e.From != e.To && !slices.Contains(g.parents[e.To], e.From) {
			g.parents[e.To] = append(g.parents[e.To], e.From)
		}
	}
	open := map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(g.nodes)) {
		g.place(id, open)
	}
	g.fill()
	g.fold()
	return g
}

// place gives a node its rank. A circle, which dbt does not write, is cut where
// it closes.
func (g *layers) place(id string, open map[string]bool) int {
	if rank, done := g.rank[id]; done {
		return rank
	}
	open[id] = true
	rank := 0
	g.parents[id] = slices.DeleteFunc(g.parents[id], func(p string) bool {
		if open[p] {
			return true
		}
		rank = max(rank, g.place(p, open)+1)
		return false
	})
	delete(open, id)
	g.rank[id] = rank
	return rank
}

func (g *layers) fill() {
	g.rows = nil
	for _, id := range slices.Sorted(maps.Keys(g.rank)) {
		for len(g.rows) <= g.rank[id] {
			g.rows = append(g.rows, nil)
		}
		g.rows[g.rank[id]] = append(g.rows[g.rank[id]], id)
	}
}

// fold makes one node of what a layer has too many of: those that need the
// least attention.
func (g *layers) fold() {
	into := map[string]string{}
	for rank, row := range g.rows {
		if len(row) <= maxLayer {
			continue
		}
		byState := slices.Clone(row)
		slices.SortStableFunc(byState, func(a, b string) int { return cmp.Compare(attention(g.nodes[a]), attention(g.nodes[b])) })
		rest := byState[maxLayer-1:]
		id := fmt.Sprintf("more %d", rank)
		more := LineageNode{ID: id, Kind: "more", Name: fmt.Sprintf("%d more", len(rest)), State: StateNone}
		named := map[string]bool{}
		for _, r := range rest {
			into[r] = id
			named[g.nodes[r].Kind] = true
			more.State = worse(more.State, g.nodes[r].State)
			delete(g.nodes, r)
			delete(g.rank, r)
		}
		more.How = strings.Join(slices.Sorted(maps.Keys(named)), ", ")
		g.nodes[id], g.rank[id] = more, rank
	}
	if len(into) > 0 {
		g.redirect(into)
		g.fill()
	}
}

// redirect lets edges of folded nodes lead to what stands for them.
func (g *layers) redirect(into map[string]string) {
	parents := map[string][]string{}
	for id, of := range g.parents {
		to := cmp.Or(into[id], id)
		for _, p := range of {
			if from := cmp.Or(into[p], p); !slices.Contains(parents[to], from) && g.rank[from] < g.rank[to] {
				parents[to] = append(parents[to], from)
			}
		}
	}
	for _, of := range parents {
		slices.Sort(of)
	}
	g.parents = parents
}

// attention is lower for what a picture must not leave out.
func attention(n LineageNode) int {
	switch n.Kind {
	case "exposure", "destination", "export":
		return -1
	}
	return slices.Index(states, n.State)
}

var states = []State{StateBad, StateWarn, StateUnknown, StateGood, StateNone}

func worse(a, b State) State {
	if slices.Index(states, b) < slices.Index(states, a) {
		return b
	}
	return a
}
