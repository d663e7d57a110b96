package coverage

import (
	"strings"

	"exposync/internal/dbt"
)

// Chain is what reading a node costs: the longest way down from it to where
// rows are written down.
type Chain struct {
	Nodes []*dbt.Node // the node first; then what it reads, down to the first table or source
	Views int         // of the chain; 0 for a table
	Raw   bool        // it ends in a source: a view shows raw data
}

// OK is the view rule: a view is fine if everything that it reads is a table,
// incremental, snapshot, seed or materialized view. Of views on views up to
// depth are let through.
func (c Chain) OK(depth int) bool { return !c.Raw && c.Views <= depth }

// String is the chain as people read it: export_a (view) -> stg_a (view) -> raw.a (source).
func (c Chain) String() string {
	parts := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		kind := n.Materialized
		if kind == "" || n.ResourceType != "model" {
			kind = n.ResourceType
		}
		parts[i] = Label(n) + " (" + kind + ")"
	}
	return strings.Join(parts, " -> ")
}

// ChainOf follows the views and ephemeral models below a node. Of several ways
// it gives the worst: one to raw data, else the longest.
func (f *Facts) ChainOf(n *dbt.Node) Chain { return f.chain(n, map[string]bool{}) }

func (f *Facts) chain(n *dbt.Node, open map[string]bool) Chain {
	own := Chain{Nodes: []*dbt.Node{n}}
	if table(n) || open[n.UniqueID] {
		return own
	}
	if n.ResourceType == "source" {
		own.Raw = true
		return own
	}
	open[n.UniqueID] = true // also ends cycles
	defer delete(open, n.UniqueID)
	var worst Chain
	for _, p := range f.Parents(n.UniqueID) {
		if p.ResourceType == "function" {
			continue
		}
		c := f.chain(p, open)
		if worst.Nodes == nil || c.Raw && !worst.Raw || c.Raw == worst.Raw && c.Views > worst.Views {
			worst = c
		}
	}
	worst.Nodes = append(own.Nodes, worst.Nodes...)
	if strings.EqualFold(n.Materialized, "view") {
		worst.Views++
	}
	return worst
}
