package gate

import (
	"cmp"
	"slices"
)

// invocation gives the newest dbt run that built or tested something of the
// lineage, in the files or in the ledger. Where rows can change without dbt no
// dbt run stands for them, and it is empty.
func (j *judge) invocation() string {
	if j.live() {
		return ""
	}
	var newest *fact
	see := func(n int32) {
		for _, ft := range []*fact{j.facts.run[n], j.facts.known[n]} {
			if ft == nil || ft.class == silent {
				continue
			}
			if newest == nil || cmp.Or(ft.GeneratedAt.Compare(newest.GeneratedAt), cmp.Compare(ft.InvocationID, newest.InvocationID)) > 0 {
				newest = ft
			}
		}
	}
	for _, n := range j.closure.all {
		see(n)
	}
	for _, t := range j.closure.tests {
		if j.closure.stand(t).belongs {
			see(t)
		}
	}
	if newest == nil {
		return ""
	}
	return newest.InvocationID
}

// live reports whether what the exposure reads shows rows that dbt does not
// build: views down to a source or another project's model, and relations
// that refresh by themselves.
func (j *judge) live() bool {
	queue := slices.Clone(j.closure.reads)
	seen := map[int32]bool{}
	for i := 0; i < len(queue); i++ {
		n := queue[i]
		if seen[n] {
			continue
		}
		seen[n] = true
		node := j.graph.nodes[n]
		switch {
		case node.External, node.ResourceType == "source",
			node.Materialized == "materialized_view", node.Materialized == "dynamic_table":
			return true
		case view(node), transparent(node):
			queue = append(queue, j.graph.parents[n]...)
		}
	}
	return false
}
