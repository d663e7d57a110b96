package gate

import (
	"maps"
	"slices"

	"exposync/internal/dbt"
)

// graph is a project's lineage with nodes as numbers, so that hundreds of
// exposures can be walked without hashing a unique_id twice. Numbers follow
// the order of unique_ids: visiting in numeric order is visiting sorted.
type graph struct {
	project  *dbt.Project
	nodes    []*dbt.Node
	isTest   []bool
	index    map[string]int32
	parents  [][]int32          // of every node, tests and operations left out
	dangling map[int32][]string // parents that the manifest does not hold
	attached []int32            // the node a test is about; -1 if the manifest does not say
	tests    [][]int32          // tests that are about a node or depend on it
}

func newGraph(p *dbt.Project) *graph {
	ids := slices.Sorted(maps.Keys(p.Nodes))
	g := &graph{
		project: p, nodes: make([]*dbt.Node, len(ids)), isTest: make([]bool, len(ids)), index: make(map[string]int32, len(ids)),
		parents: make([][]int32, len(ids)), dangling: map[int32][]string{},
		attached: make([]int32, len(ids)), tests: make([][]int32, len(ids)),
	}
	for i, id := range ids {
		g.nodes[i] = p.Nodes[id]
		g.isTest[i] = g.nodes[i].Test()
		g.index[id] = int32(i)
	}
	for i, n := range g.nodes {
		g.attached[i] = -1
		found, missing := g.resolve(g.parentIDs(n.UniqueID, n.DependsOn))
		g.parents[i] = found
		if len(missing) > 0 {
			g.dangling[int32(i)] = missing
		}
		if g.isTest[i] {
			g.attach(int32(i))
		}
	}
	return g
}

func (g *graph) parentIDs(id string, dependsOn []string) []string {
	if parents, ok := g.project.Parents[id]; ok {
		return parents
	}
	return dependsOn
}

// resolve turns ids into numbers, sorted. Tests and operations are nobody's
// data, and exposures never chain: they are left out.
func (g *graph) resolve(ids []string) (found []int32, missing []string) {
	for _, id := range ids {
		i, ok := g.index[id]
		if !ok {
			if g.project.Exposures[id] == nil {
				missing = append(missing, id)
			}
			continue
		}
		if !g.isTest[i] && g.nodes[i].ResourceType != "operation" {
			found = append(found, i)
		}
	}
	slices.Sort(found)
	slices.Sort(missing)
	return slices.Compact(found), slices.Compact(missing)
}

// attach finds what a test is about and indexes it there and at its parents.
// A unit test names its model first; before manifest v9 only a test with one
// parent says what it is about.
func (g *graph) attach(test int32) {
	n := g.nodes[test]
	about := n.AttachedNode
	if n.ResourceType == "unit_test" && about == "" && len(n.DependsOn) > 0 {
		about = n.DependsOn[0]
	}
	if i, ok := g.index[about]; ok {
		g.attached[test] = i
	} else if about == "" && len(g.parents[test]) == 1 && len(g.dangling[test]) == 0 {
		g.attached[test] = g.parents[test][0]
	}
	for _, p := range g.parents[test] {
		g.tests[p] = append(g.tests[p], test)
	}
	if a := g.attached[test]; a >= 0 && !slices.Contains(g.parents[test], a) {
		g.tests[a] = append(g.tests[a], test)
	}
}

// transparent reports whether a node holds no rows of its own: its parents
// take its place.
func transparent(n *dbt.Node) bool {
	switch n.ResourceType {
	case "model", "seed", "snapshot", "source", "function":
		return n.Materialized == "ephemeral" && !n.External
	}
	return true
}

// column is where a node stands in the truth table.
type column uint8

const (
	outside  column = iota
	ancestor        // A(E) \ D(E)
	direct          // D(E), and what an absent view in D(E) stands for
)

// closure is the lineage of one exposure. One value serves every exposure in
// turn: reset forgets only what was touched.
type closure struct {
	g     *graph
	cols  []column
	via   []int32 // one step towards the exposure on a shortest path; -1 at its side
	all   []int32 // A(E), nearest first
	reads []int32 // D(E), sorted
	seen  []bool  // tests already judged
	tests []int32
}

func newClosure(g *graph) *closure {
	n := len(g.nodes)
	return &closure{g: g, cols: make([]column, n), via: make([]int32, n), seen: make([]bool, n)}
}

func (c *closure) reset() {
	for _, n := range c.all {
		c.cols[n] = outside
	}
	for _, t := range c.tests {
		c.seen[t] = false
	}
	c.all, c.reads, c.tests = c.all[:0], c.reads[:0], c.tests[:0]
}

// walk finds everything above the given parents of an exposure, breadth first
// and safe on cycles.
func (c *closure) walk(parents []int32) {
	c.reset()
	for _, p := range parents {
		c.visit(p, -1)
	}
	for i := 0; i < len(c.all); i++ {
		n := c.all[i]
		for _, p := range c.g.parents[n] {
			c.visit(p, n)
		}
	}
	c.reads = append(c.reads, c.expand(parents)...)
}

func (c *closure) visit(n, via int32) {
	if c.cols[n] == outside {
		c.cols[n], c.via[n] = ancestor, via
		c.all = append(c.all, n)
	}
}

// expand marks nodes as direct and gives those that hold rows, sorted, with
// parents in the place of transparent ones. What is direct already is left out.
func (c *closure) expand(from []int32) []int32 {
	var out []int32
	queue := slices.Clone(from)
	for i := 0; i < len(queue); i++ {
		n := queue[i]
		if c.cols[n] == direct {
			continue
		}
		c.cols[n] = direct
		if transparent(c.g.nodes[n]) {
			queue = append(queue, c.g.parents[n]...)
		} else {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

// path leads from the exposure down to a node, both in unique_ids, the
// exposure left out.
func (c *closure) path(n int32) []string {
	var out []string
	for ; n >= 0 && len(out) <= len(c.all); n = c.via[n] {
		out = append(out, c.g.nodes[n].UniqueID)
	}
	slices.Reverse(out)
	return out
}
