package impact

import (
	"fmt"
	"maps"
	"slices"

	"exposync/internal/dbt"
)

// constraints are what the warehouse is asked to refuse, by column in lower
// case and type; the column is empty for what is said of the model as a whole.
func constraints(n *dbt.Node) map[[2]string]string {
	out := map[[2]string]string{}
	for _, col := range n.Columns {
		for _, t := range col.Constraints {
			out[[2]string{fold(col.Name), t}] = col.Name
		}
	}
	for _, c := range n.Constraints {
		if len(c.Columns) == 0 {
			out[[2]string{"", c.Type}] = ""
		}
		for _, name := range c.Columns {
			out[[2]string{fold(name), c.Type}] = name
		}
	}
	return out
}

func (c *comparison) constraintChanges(was, is *dbt.Node) {
	before, after := constraints(was), constraints(is)
	c.constraintsBeyond("constraint_dropped", was, is, before, after)
	c.constraintsBeyond("constraint_added", is, was, after, before)
}

// constraintsBeyond tells of constraints that one side has alone, on columns
// that both have.
func (c *comparison) constraintsBeyond(kind Kind, of, other *dbt.Node, have, lack map[[2]string]string) {
	keys := slices.SortedFunc(maps.Keys(have), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	for _, key := range keys {
		if _, both := lack[key]; both || key[0] != "" && len(other.Columns) > 0 && !declaredColumns(other).has(key[0]) {
			continue
		}
		name, what := have[key], key[1]
		subject := of.Name
		if name != "" {
			subject = "column " + name + " of " + of.Name
		}
		change, word := [2]string{what, ""}, "has no constraint %s any more"
		if kind == "constraint_added" {
			change, word = [2]string{"", what}, "has the constraint %s now"
		}
		file, line := c.at(c.after.Project.Nodes[of.UniqueID], name)
		c.add(Change{
			Kind: kind, Subject: of.UniqueID, Column: name, Before: change[0], After: change[1], File: file, Line: line,
			Message: subject + " " + fmt.Sprintf(word, what),
		})
	}
}
