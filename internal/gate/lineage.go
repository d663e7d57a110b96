package gate

import (
	"slices"
	"time"

	"exposync/internal/dbt"
	"exposync/internal/plan"
)

// Lineage is what stands above one exposure, in unique_ids, each list sorted.
type Lineage struct {
	Nodes []string // every node upstream; transparent ones too, tests and operations not
	Reads []string // what the exposure reads: its dependencies that hold rows, see HoldsRows
	Tests []string // the tests that the gate judges with it
}

// Lineages walks the lineage of one exposure after the other. It is not for
// several goroutines.
type Lineages struct {
	facts   *Facts
	closure *closure
}

// Lineages gives a walker over the project that the facts are about.
func (f *Facts) Lineages() *Lineages { return &Lineages{facts: f, closure: newClosure(f.graph)} }

// Of gives what stands above an exposure, as Evaluate walks it.
func (l *Lineages) Of(e *dbt.Exposure) Lineage {
	g, c := l.facts.graph, l.closure
	parents, _ := g.resolve(g.parentIDs(e.UniqueID, e.DependsOn))
	c.walk(parents)
	c.meetTests()
	out := Lineage{Nodes: g.ids(c.all), Reads: g.ids(c.reads)}
	for _, t := range c.tests {
		if c.stand(t).belongs {
			out.Tests = append(out.Tests, g.nodes[t].UniqueID)
		}
	}
	slices.Sort(out.Tests)
	return out
}

func (g *graph) ids(of []int32) []string {
	out := make([]string, len(of))
	for i, n := range of {
		out[i] = g.nodes[n].UniqueID
	}
	slices.Sort(out)
	return out
}

// HoldsRows reports whether a node holds rows of its own. Where it does not
// (ephemeral models, metrics, …), its parents take its place.
func HoldsRows(n *dbt.Node) bool { return !transparent(n) }

// TestsOf gives the tests that are about a node: not those that only mention
// it, such as a relationship of another model to it. Sorted by unique_id.
func (f *Facts) TestsOf(id string) []*dbt.Node {
	n, ok := f.graph.index[id]
	if !ok {
		return nil
	}
	var out []*dbt.Node
	for _, t := range f.graph.tests[n] {
		if a := f.graph.attached[t]; a < 0 || a == n {
			out = append(out, f.graph.nodes[t])
		}
	}
	slices.SortFunc(out, byID)
	return out
}

func byID(a, b *dbt.Node) int {
	if a.UniqueID < b.UniqueID {
		return -1
	}
	return 1
}

// Standing is the newest that is known of one node or test.
type Standing struct {
	plan.Evidence
	InRun  bool // it stands in the files of this run, not only in the ledger
	Ran    bool // something was built or tested; a skip proves nothing, and neither does an unknown status
	Proves bool // that went well
}

// Standing gives the newest result of a node or test; ok is false where
// nothing is known. A row that says nothing, such as that of an ephemeral
// model, is none.
func (f *Facts) Standing(id string) (s Standing, ok bool) {
	n, ok := f.graph.index[id]
	if !ok {
		return s, false
	}
	ft := f.current(n)
	if ft == nil || ft.class == silent {
		ft = f.known[n]
	}
	if ft == nil {
		return s, false
	}
	return Standing{
		Evidence: ft.Evidence, InRun: ft.file != nil,
		Ran: ft.class != skipped && ft.class != unknown && ft.class != silent, Proves: ft.class.proves(),
	}, true
}

// HasRuns reports whether any of the files is evidence: of a dbt command that
// builds or tests.
func (f *Facts) HasRuns() bool { return len(f.files) > 0 }

// Loaded tells when the newest rows of a source were loaded, as sources.json
// has it, and dbt's word on that; ok is false where nothing is known.
func (f *Facts) Loaded(source string) (at time.Time, status string, ok bool) {
	r, ok := f.fresh[source]
	return r.MaxLoadedAt, r.Status, ok
}
