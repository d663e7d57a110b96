package coverage

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"time"

	"exposync/internal/dbt"
)

// lineages draws the way of every application exposure that was selected.
func (f *Facts) lineages(dims []Dimension) []Lineage {
	missed := map[string]int{}
	for _, d := range dims {
		for _, m := range d.Misses {
			missed[m.Subject]++
		}
	}
	d := &drawer{facts: f, missed: missed, nodes: map[string]Node{}}
	var out []Lineage
	for _, e := range f.Applications {
		out = append(out, d.draw(e))
	}
	return out
}

// drawer makes lineages; nodes that several share are described once.
type drawer struct {
	facts  *Facts
	missed map[string]int
	nodes  map[string]Node
}

func (d *drawer) draw(e *Exposure) Lineage {
	at := d.facts.Place(e.UniqueID, "")
	l := Lineage{
		Exposure: e.UniqueID, Name: e.Name, Label: e.Label, Type: e.Type, Maturity: e.Maturity, URL: e.URL,
		Owner: d.facts.Owner(e.UniqueID), SLA: e.Stale(), File: at.File, Line: at.Line,
	}
	depth := d.depths(e)
	for _, id := range e.Lineage.Nodes {
		n := d.node(id)
		n.Depth = depth[id]
		l.Nodes = append(l.Nodes, n)
		l.Misses += n.Misses
	}
	l.Nodes = append(l.Nodes, Node{
		ID: e.UniqueID, Kind: "exposure", Layer: LayerExposure, Name: e.Name, Owner: l.Owner, File: l.File, Line: l.Line,
		Misses: d.missed[e.UniqueID],
	})
	l.Misses += d.missed[e.UniqueID]
	l.Edges = d.edges(e, depth)
	for _, n := range d.destinations(e) {
		l.Nodes = append(l.Nodes, n)
		l.Edges = append(l.Edges, Edge{e.UniqueID, n.ID})
	}
	slices.SortStableFunc(l.Nodes, func(a, b Node) int {
		return cmp.Or(
			cmp.Compare(slices.Index(Layers(), a.Layer), slices.Index(Layers(), b.Layer)),
			cmp.Compare(b.Depth, a.Depth), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID),
		)
	})
	slices.SortFunc(l.Edges, func(a, b Edge) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	l.Edges = slices.Compact(l.Edges)
	return l
}

// depths gives the longest way from each node to the exposure. A graph with
// cycles has none; then it is one of the ways that do not go round.
func (d *drawer) depths(e *Exposure) map[string]int {
	children := map[string][]string{}
	for _, id := range e.Lineage.Nodes {
		for _, p := range d.facts.Project.Parents[id] {
			children[p] = append(children[p], id)
		}
	}
	direct := map[string]bool{}
	for _, id := range slices.Concat(e.DependsOn, d.facts.Project.Parents[e.UniqueID]) {
		direct[id] = true
	}
	depth := map[string]int{}
	open := map[string]bool{}
	var of func(id string) int
	of = func(id string) int {
		if n, known := depth[id]; known {
			return n
		}
		if open[id] {
			return 0
		}
		open[id] = true
		n := 0
		if direct[id] {
			n = 1
		}
		for _, c := range children[id] {
			n = max(n, of(c)+1)
		}
		delete(open, id)
		depth[id] = n
		return n
	}
	for _, id := range e.Lineage.Nodes {
		of(id)
	}
	return depth
}

func (d *drawer) edges(e *Exposure, among map[string]int) []Edge {
	var out []Edge
	add := func(to string) {
		for _, p := range d.facts.Project.Parents[to] {
			if _, ok := among[p]; ok {
				out = append(out, Edge{p, to})
			}
		}
	}
	for _, id := range e.Lineage.Nodes {
		add(id)
	}
	add(e.UniqueID)
	return out
}

// node describes a node of the project.
func (d *drawer) node(id string) Node {
	if n, known := d.nodes[id]; known {
		return n
	}
	f, n := d.facts, d.facts.Project.Nodes[id]
	at := f.Place(id, "")
	out := Node{
		ID: id, Kind: n.ResourceType, Layer: d.layer(n), Name: Label(n), Owner: f.Owner(id), File: at.File, Line: at.Line,
		External: n.External, Tests: f.testCount(id), Misses: d.missed[id],
	}
	switch n.ResourceType {
	case "model", "snapshot", "seed":
		out.Materialized = n.Materialized
	case "source":
		out.Freshness = f.freshness(n)
	}
	if s, ok := f.Standing(id); ok {
		out.Evidence = &Evidence{Status: s.Status, GeneratedAt: s.GeneratedAt, Invocation: s.InvocationID, InRun: s.InRun, Good: s.Proves}
	}
	if f.in.Catalog != nil && n.Relation() && !n.External {
		has := f.in.Catalog.Has(id)
		out.Exists = &has
	}
	d.nodes[id] = out
	return out
}

// layer tells where a model stands by its name and folder, in the words that
// dbt projects use.
func (d *drawer) layer(n *dbt.Node) Layer {
	switch {
	case d.facts.Export(n.UniqueID):
		return LayerExport
	case n.ResourceType == "source", n.ResourceType == "seed", n.External:
		return LayerSource
	case n.ResourceType == "snapshot":
		return LayerStaging
	case n.ResourceType != "model":
		return LayerMart // metrics and semantic models
	}
	folder := "/" + path.Dir(slashed(n.Path)) + "/"
	for _, l := range []struct {
		layer    Layer
		prefixes []string
		folders  []string
	}{
		{LayerStaging, []string{"stg_", "base_", "staging_", "src_"}, []string{"/staging/", "/base/", "/stg/"}},
		{LayerIntermediate, []string{"int_"}, []string{"/intermediate/"}},
		{LayerMart, []string{"fct_", "fact_", "dim_", "mart_", "rpt_", "agg_"}, []string{"/marts/", "/mart/", "/core/", "/reporting/"}},
	} {
		if slices.ContainsFunc(l.prefixes, func(p string) bool { return strings.HasPrefix(n.Name, p) }) {
			return l.layer
		}
		if slices.ContainsFunc(l.folders, func(p string) bool { return strings.Contains(folder, p) }) {
			return l.layer
		}
	}
	return LayerIntermediate
}

// testCount says how the tests of a node stand.
func (f *Facts) testCount(id string) TestCount {
	var c TestCount
	for _, t := range f.Tests(id) {
		c.Total++
		s, ok := f.Standing(t.UniqueID)
		switch {
		case !ok || !s.Ran:
			c.NotRun++
		case s.Status == "warn":
			c.Warned++
		case s.Proves:
			c.Passed++
		default:
			c.Failed++
		}
	}
	return c
}

func (f *Facts) freshness(n *dbt.Node) *Freshness {
	at, _, looked := f.gate.Loaded(n.UniqueID)
	if n.Freshness == nil && !looked {
		return nil
	}
	out := &Freshness{LoadedAt: at}
	if n.Freshness != nil {
		out.WarnAfter, out.ErrorAfter = n.Freshness.WarnAfter, n.Freshness.ErrorAfter
	}
	if !looked || at.IsZero() {
		return out
	}
	out.Age = max(f.in.Now.Sub(at), 0)
	out.Status = judged(out.Age, out.WarnAfter, out.ErrorAfter)
	return out
}

// judged is dbt's word for rows of that age.
func judged(age, warn, bad time.Duration) string {
	switch {
	case bad > 0 && age > bad:
		return "error"
	case warn > 0 && age > warn:
		return "warn"
	}
	return "pass"
}

// destinations are where the rows of an exposure go: one for each job, else
// the hosted sync that its url shows.
func (d *drawer) destinations(e *Exposure) []Node {
	var out []Node
	for _, j := range e.Jobs {
		if j.Connection == "" {
			continue // its declaration could not be read that far
		}
		n := Node{ID: j.To(), Kind: "destination", Layer: LayerDestination, Depth: -1, Name: j.To(), Materialized: string(j.Mode), Job: j.ID}
		if j.Hosted != nil {
			n.Kind = "hosted"
		}
		n.File, n.Line = splitPlace(j.Where)
		if last, ok := d.facts.in.Last[j.ID]; ok {
			n.Last = &last
		}
		out = append(out, n)
	}
	if id := e.SyncID(); len(out) == 0 && e.Watched != "" {
		name := e.Watched
		if id != "" {
			name += "/" + id
		}
		out = append(out, Node{ID: name, Kind: "hosted", Layer: LayerDestination, Depth: -1, Name: name})
	}
	return out
}
