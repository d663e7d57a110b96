package coverage

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"exposync/internal/dbt"
	"exposync/internal/gate"
	"exposync/internal/plan"
)

// above gives every node above the synced exposures that counts, with those
// exposures, by unique_id.
func (f *Facts) above(of func(e *Exposure) []string, counts func(n *dbt.Node) bool) []Use {
	users := map[string][]*Exposure{}
	for _, e := range f.Synced {
		for _, id := range of(e) {
			if n := f.Project.Nodes[id]; n != nil && counts(n) {
				users[id] = append(users[id], e)
			}
		}
	}
	var out []Use
	for _, id := range slices.Sorted(maps.Keys(users)) {
		out = append(out, Use{f.Project.Nodes[id], users[id]})
	}
	return out
}

// fresh asks (j): does the source that it all begins with promise freshness?
func fresh(f *Facts) answer {
	var a answer
	lineage := func(e *Exposure) []string { return e.Lineage.Nodes }
	for _, u := range f.above(lineage, func(n *dbt.Node) bool { return n.ResourceType == "source" }) {
		i := item{subject: u.Model.UniqueID, name: Label(u.Model), via: u.Exposures, evidence: f.loaded(u.Model)}
		if u.Model.Freshness != nil {
			i.hits = 1
		}
		i.lazy = func() (string, string) {
			how := "; loaded_at_field is there"
			if u.Model.LoadedAt == "" {
				how = ", nor loaded_at_field"
			}
			return Label(u.Model) + " has no freshness" + how, f.freshnessSnippet(u.Model)
		}
		a.items = append(a.items, i)
	}
	return a
}

// loaded says how old the newest rows of a source are.
func (f *Facts) loaded(n *dbt.Node) string {
	at, _, ok := f.gate.Loaded(n.UniqueID)
	if !ok || at.IsZero() {
		return ""
	}
	return "loaded " + plan.Age(max(f.in.Now.Sub(at), 0)) + " ago"
}

// proven asks (k): does the run tell about the node or test?
func proven(f *Facts) answer {
	if !f.in.Runs {
		return answer{absent: "there is no run_results.json"}
	}
	var a answer
	both := func(e *Exposure) []string { return slices.Concat(e.Lineage.Nodes, e.Lineage.Tests) }
	for _, u := range f.above(both, provable) {
		s, known := f.Standing(u.Model.UniqueID)
		i := item{subject: u.Model.UniqueID, name: Label(u.Model), via: u.Exposures, evidence: f.lastResult(u.Model.UniqueID)}
		if known && s.InRun && s.Ran {
			i.hits = 1
		}
		i.lazy = func() (string, string) { return unproven(u.Model, s, known), f.buildCommand(u.Model) }
		a.items = append(a.items, i)
	}
	if !f.gate.HasRuns() {
		a.note = "the run results are of a command that builds and tests nothing"
	}
	return a
}

// provable reports whether dbt writes a result for a node that counts: it
// builds the relation, or runs the test.
func provable(n *dbt.Node) bool {
	if n.Test() {
		return true
	}
	switch n.ResourceType {
	case "model", "seed", "snapshot":
		return !n.External && gate.HoldsRows(n)
	}
	return false
}

func unproven(n *dbt.Node, s gate.Standing, known bool) string {
	switch {
	case !known:
		return Label(n) + " has no result in this run"
	case s.InRun:
		return fmt.Sprintf("%s was %s in this run", Label(n), s.Status)
	}
	return fmt.Sprintf("%s has no result in this run; the last one is of %s", Label(n), s.GeneratedAt.UTC().Format(time.DateOnly))
}

func (f *Facts) buildCommand(n *dbt.Node) string {
	command := "dbt build --select "
	if n.Test() {
		command = "dbt test --select "
	}
	return command + cmp.Or(Selector(n), n.UniqueID)
}
