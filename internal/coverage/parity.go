package coverage

import (
	"slices"
	"strings"

	"exposync/internal/dbt"
)

// RowParity is whether a test compares the rows of an export model with those
// of what it is made of.
type RowParity struct {
	Parents []*dbt.Node // what holds rows or stands for it, tests left out
	Tests   []string    // unique_ids of the tests that compare with one of them
}

// Asked reports whether parity can be asked for: there is exactly one parent,
// and it is no source.
func (p RowParity) Asked() bool {
	return len(p.Parents) == 1 && p.Parents[0].ResourceType != "source"
}

// ParityOf looks for a test of an export model that counts its rows against
// its parent's.
func (f *Facts) ParityOf(n *dbt.Node) RowParity {
	p := RowParity{Parents: f.Parents(n.UniqueID)}
	p.Parents = slices.DeleteFunc(p.Parents, func(n *dbt.Node) bool {
		return n.ResourceType == "function" || n.ResourceType == "analysis"
	})
	for _, t := range f.Tests(n.UniqueID) {
		if !countsRows(t) {
			continue
		}
		compares := func(parent *dbt.Node) bool { return f.mentions(t, parent) }
		if slices.ContainsFunc(p.Parents, compares) {
			p.Tests = append(p.Tests, t.UniqueID)
		}
	}
	return p
}

// countsRows reports whether a test compares two relations row by row or by
// their number: of dbt_utils, dbt_expectations, or a project's own of that name.
func countsRows(t *dbt.Node) bool {
	switch t.TestName {
	case "equal_rowcount", "equality", "expect_table_row_count_to_equal_other_table":
		return true
	}
	return false
}

// mentions reports whether a test depends on a node, or names it where the
// engine did not write the edge.
func (f *Facts) mentions(t, n *dbt.Node) bool {
	if slices.Contains(f.Project.Parents[t.UniqueID], n.UniqueID) || slices.Contains(t.DependsOn, n.UniqueID) {
		return true
	}
	return strings.Contains(string(t.TestArgs), "ref('"+n.Name+"')") || strings.Contains(string(t.TestArgs), `ref(\"`+n.Name+`\")`)
}
