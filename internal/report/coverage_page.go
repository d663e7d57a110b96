package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"exposync/internal/coverage"
	"exposync/internal/plan"
)

// CoverageHTML is a coverage report as a page, with the lineage of every
// exposure drawn.
func CoverageHTML(r coverage.Report, version, root string) string {
	p := CheckPage{Findings: CoverageFindings(r, version, root), Title: "Exposure lineage coverage", Made: r.GeneratedAt, Invocation: r.Invocation}
	all, total := scores(r)
	p.Scores, p.Total = all, &total
	for _, x := range r.Exposures {
		p.Lineages = append(p.Lineages, lineageOf(x))
	}
	slices.SortStableFunc(p.Lineages, func(a, b Lineage) int { return slices.Index(states, a.state()) - slices.Index(states, b.state()) })
	return p.HTML()
}

// state is that of the exposure.
func (l Lineage) state() State {
	for _, n := range l.Nodes {
		if n.ID == l.Exposure {
			return n.State
		}
	}
	return StateUnknown
}

func lineageOf(x coverage.Lineage) Lineage {
	l := Lineage{Exposure: x.Exposure}
	for _, e := range x.Edges {
		l.Edges = append(l.Edges, LineageEdge{e.From, e.To})
	}
	count, worst := map[State]int{}, StateGood
	for _, n := range x.Nodes {
		node := nodeOf(n)
		l.Nodes = append(l.Nodes, node)
		if node.Kind != "exposure" && node.Kind != "destination" {
			count[node.State]++
			worst = worse(worst, node.State)
		}
	}
	for i, n := range l.Nodes {
		if n.ID == x.Exposure {
			l.Nodes[i].State, l.Nodes[i].Says = worst, aboveText(worst, count[worst])
			l.Nodes[i].Facts = append(exposureFacts(x), n.Facts...)
		}
	}
	return l
}

// aboveText says what an exposure's state is: that of the worst node above it.
func aboveText(s State, n int) string {
	switch s {
	case StateBad:
		return Count(int64(n), "node") + " above it failed"
	case StateWarn:
		return Count(int64(n), "node") + " above it warned"
	case StateUnknown:
		return "nothing is known of " + Count(int64(n), "node") + " above it"
	case StateGood, StateNone:
	}
	return "everything above it was built and tested"
}

func exposureFacts(x coverage.Lineage) []Fact {
	var out []Fact
	for _, f := range []Fact{{"label", x.Label}, {"type", x.Type}, {"maturity", x.Maturity}, {"url", x.URL}} {
		if f.Text != "" {
			out = append(out, f)
		}
	}
	if x.SLA > 0 {
		out = append(out, Fact{"sla", plan.Age(x.SLA)})
	}
	return out
}

func nodeOf(n coverage.Node) LineageNode {
	out := LineageNode{ID: n.ID, Name: n.Name, Kind: n.Kind, How: n.Materialized, Owner: n.Owner}
	if n.File != "" {
		out.File = n.File
		if n.Line > 0 {
			out.File = fmt.Sprintf("%s:%d", n.File, n.Line)
		}
	}
	if n.Layer == coverage.LayerExport {
		out.Kind = "export"
	}
	if n.Layer == coverage.LayerDestination {
		out.Kind, out.How = "destination", n.Kind // of a hosted tool, which says so
	}
	if n.External {
		out.How = "of another project"
	}
	out.State, out.Says = stateOf(n)
	out.Facts = nodeFacts(n)
	return out
}

// stateOf is what is known of a node, the worst of it first.
func stateOf(n coverage.Node) (State, string) {
	switch {
	case n.Layer == coverage.LayerExposure:
		return StateUnknown, ""
	case n.Layer == coverage.LayerDestination:
		return syncState(n.Last)
	case n.Exists != nil && !*n.Exists:
		return StateBad, "the catalog does not have it"
	case n.Evidence != nil && !n.Evidence.Good:
		return StateBad, "its newest result is " + n.Evidence.Status
	case n.Tests.Failed > 0:
		return StateBad, Count(int64(n.Tests.Failed), "test") + " failed"
	}
	if n.Freshness != nil {
		switch n.Freshness.Status {
		case "error":
			return StateBad, "its rows are too old"
		case "warn":
			return StateWarn, "its rows are old"
		}
	}
	switch {
	case n.Tests.Warned > 0:
		return StateWarn, Count(int64(n.Tests.Warned), "test") + " warned"
	case n.Tests.NotRun > 0:
		return StateUnknown, "nothing is known of " + Count(int64(n.Tests.NotRun), "test")
	case n.Evidence == nil && n.Kind == "source":
		return sourceState(n.Freshness)
	case n.Evidence == nil && n.Materialized == "ephemeral":
		return StateNone, "it is part of what reads it"
	case n.Evidence == nil:
		return StateUnknown, "no result of it is known"
	case n.Tests.Total == 0:
		return StateGood, "built; it has no tests"
	}
	return StateGood, "built, and its tests passed"
}

func sourceState(f *coverage.Freshness) (State, string) {
	switch {
	case f != nil && f.Status == "pass":
		return StateGood, "its rows are fresh"
	case f != nil && (f.WarnAfter > 0 || f.ErrorAfter > 0):
		return StateUnknown, "it promises to be fresh, and nobody looked"
	}
	return StateNone, "it promises no freshness"
}

// syncState is what the newest run of a job came to.
func syncState(last *coverage.LastSync) (State, string) {
	if last == nil {
		return StateUnknown, "no run is known"
	}
	state := StateUnknown
	switch last.Status {
	case "success":
		state = StateGood
	case "partial", "held", "interrupted":
		state = StateWarn
	case "error", "blocked":
		state = StateBad
	}
	return state, "the newest run: " + last.Status
}

func nodeFacts(n coverage.Node) []Fact {
	var out []Fact
	if t := n.Tests; t.Total > 0 {
		out = append(out, Fact{"tests", testsFact(t)})
	}
	if f := n.Freshness; f != nil {
		out = append(out, Fact{"freshness", freshnessText(*f)})
	}
	if e := n.Evidence; e != nil {
		text := e.Status + ", " + momentText(e.GeneratedAt)
		if !e.InRun {
			text += ", of an earlier run"
		}
		out = append(out, Fact{"result", text})
	}
	if n.Job != "" {
		out = append(out, Fact{"job", n.Job})
	}
	if l := n.Last; l != nil {
		out = append(out, Fact{"last run", l.Status + ", " + momentText(l.EndedAt)})
		if l.Status != "success" && !l.Success.IsZero() {
			out = append(out, Fact{"last success", momentText(l.Success)})
		}
	}
	return out
}

func testsFact(t coverage.TestCount) string {
	parts := []string{fmt.Sprintf("%d of %d passed", t.Passed, t.Total)}
	for _, part := range []struct {
		n    int
		word string
	}{{t.Failed, "failed"}, {t.Warned, "warned"}, {t.NotRun, "without a result"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.word))
		}
	}
	return strings.Join(parts, ", ")
}

func freshnessText(f coverage.Freshness) string {
	text := "nothing promised"
	switch {
	case f.WarnAfter > 0 && f.ErrorAfter > 0:
		text = fmt.Sprintf("warns after %s, fails after %s", plan.Age(f.WarnAfter), plan.Age(f.ErrorAfter))
	case f.WarnAfter > 0:
		text = "warns after " + plan.Age(f.WarnAfter)
	case f.ErrorAfter > 0:
		text = "fails after " + plan.Age(f.ErrorAfter)
	}
	if !f.LoadedAt.IsZero() {
		text += "; newest rows of " + momentText(f.LoadedAt) + ", " + plan.Age(f.Age) + " old"
	}
	return text
}

func momentText(at time.Time) string {
	if at.IsZero() {
		return "time unknown"
	}
	return at.UTC().Format("2006-01-02 15:04 MST")
}
