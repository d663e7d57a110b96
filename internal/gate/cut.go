package gate

import (
	"strings"

	"exposync/internal/dbt"
)

// sliceOf turns success in a build without its rows into what it is. Its tests
// looked at next to nothing, so they count as if they had not been there.
func sliceOf(n *dbt.Node, c class, cut string) class {
	switch {
	case cut == "":
		return c
	case n.Test():
		return silent
	}
	return sliced
}

// cutOf says what kept a build from having all its rows. dbt v1 writes its
// flags; v2 does not, but its compiled code shows --empty. A --sample of v2
// cannot be told from what people write themselves: there the guard on a
// shrunken source is what remains.
func (f *Facts) cutOf(r *dbt.RunResults) string {
	switch {
	case r.Args.Empty:
		return cutEmpty
	case r.Args.Sample != "":
		return cutSample
	case major(r.DBTVersion) == "1", !f.pairs(r):
		return ""
	}
	for i := range r.Results {
		n, ok := f.graph.index[r.Results[i].UniqueID]
		if ok && r.Results[i].Status == "success" && f.graph.emptied(n) {
			return cutEmpty
		}
	}
	return ""
}

// emptied reports whether the compiled code of a model reads each of its
// parents through the subquery that dbt's --empty puts around every ref.
func (g *graph) emptied(n int32) bool {
	code := g.nodes[n].CompiledCode
	if !strings.Contains(code, " limit 0)") {
		return false
	}
	wrapped := false
	for _, p := range g.parents[n] {
		relation := g.nodes[p].RelationName
		if relation == "" {
			continue
		}
		all := strings.Count(code, relation)
		empty := strings.Count(code, "(select * from "+relation+" limit 0)") +
			strings.Count(code, "(select * from "+relation+" where false limit 0)")
		if all != empty {
			return false
		}
		wrapped = wrapped || empty > 0
	}
	return wrapped
}

// The values of plan.Evidence.Cut.
const (
	cutEmpty  = "empty"
	cutSample = "sample"
)
