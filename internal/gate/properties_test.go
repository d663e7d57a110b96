package gate_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"exposync/internal/dbt"
	"exposync/internal/gate"
	"exposync/internal/plan"
)

// drawWorld makes a project of up to ten nodes, with tests, several files, a
// ledger and any policy. Each node has a result in one place at most, so that
// taking one away uncovers no older one, and no file is empty, so that adding
// a row makes no file a newer one.
func drawWorld(tb testing.TB, t *rapid.T) *world {
	tb.Helper()
	w := newWorld(tb)
	drawProject(t, w)
	drawn := slices.Sorted(maps.Keys(w.ids))
	w.node("table anchor")
	times := []time.Duration{10 * time.Minute, 3 * time.Hour, 30 * time.Hour}
	files := rapid.IntRange(1, 3).Draw(t, "files")
	rows := make([][]string, files)
	for _, name := range drawn {
		n := w.project.Nodes[w.id(name)]
		if n == nil || n.ResourceType == "source" || n.External {
			continue
		}
		switch where := rapid.IntRange(-2, files-1).Draw(t, name+" in"); {
		case where >= 0:
			rows[where] = append(rows[where], name+" "+drawStatus(t, n, name))
		case where == -1:
			status := drawStatus(t, n, name)
			if status != "exploded" {
				w.knows(name, status, rapid.SampledFrom(times).Draw(t, name+" ago"))
			}
		}
	}
	for i, r := range rows {
		at := now.Add(-times[min(i, rapid.IntRange(0, 2).Draw(t, "age"))] - time.Duration(i)*time.Minute)
		w.file("build", fmt.Sprintf("inv-%d", i+1), at, append(r, "anchor success")...)
	}
	w.policies.Default = drawPolicy(t)
	return w
}

func drawProject(t *rapid.T, w *world) {
	kinds := []string{"table", "table", "view", "view", "ephemeral", "seed", "source", "external", "incremental"}
	var names []string
	for i := range rapid.IntRange(1, 8).Draw(t, "nodes") {
		name, kind := fmt.Sprintf("n%d", i), rapid.SampledFrom(kinds).Draw(t, "kind")
		if kind == "source" {
			name = "raw." + name
		}
		var parents []string
		if kind != "seed" && kind != "source" {
			parents = drawSome(t, names, "parents")
		}
		w.node(kind+" "+name, parents...)
		names = append(names, name)
	}
	for i := range rapid.IntRange(0, 6).Draw(t, "tests") {
		parents := append([]string{rapid.SampledFrom(names).Draw(t, "tested")}, drawSome(t, names, "compared")...)
		parents = slices.Compact(parents[:min(len(parents), 2)])
		if rapid.Bool().Draw(t, "attached") {
			w.test(fmt.Sprintf("t%d", i), parents...)
		} else {
			w.singular(fmt.Sprintf("t%d", i), parents...)
		}
	}
	w.exposure("e", append([]string{names[len(names)-1]}, drawSome(t, names, "read")...)...)
}

func drawSome(t *rapid.T, names []string, label string) []string {
	if len(names) == 0 {
		return nil
	}
	return rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, min(2, len(names)), rapid.ID).Draw(t, label)
}

func drawStatus(t *rapid.T, n *dbt.Node, label string) string {
	if n.Test() {
		return rapid.SampledFrom([]string{"pass", "pass", "pass", "warn", "fail", "error", "skipped", "reused", "exploded"}).Draw(t, label)
	}
	return rapid.SampledFrom([]string{"success", "success", "success", "success", "warn", "reused", "error", "skipped", "partial success", "exploded"}).Draw(t, label)
}

func drawPolicy(t *rapid.T) gate.Policy {
	p := gate.DefaultPolicy()
	p.Scope = rapid.SampledFrom([]gate.Scope{gate.ScopeDirect, gate.ScopeRun, gate.ScopeStrict}).Draw(t, "scope")
	p.Views = rapid.SampledFrom([]gate.Views{gate.ViewsTransparent, gate.ViewsRequire}).Draw(t, "views")
	p.PartialSuccess = rapid.SampledFrom([]gate.PartialSuccess{gate.PartialBlock, gate.PartialWarn}).Draw(t, "partial")
	p.AllowFailedAncestors = rapid.Bool().Draw(t, "allow")
	p.External = rapid.SampledFrom([]gate.External{gate.ExternalWarn, gate.ExternalRequire}).Draw(t, "external")
	p.Freshness = rapid.SampledFrom([]gate.Freshness{gate.FreshnessIgnore, gate.FreshnessWarn, gate.FreshnessRequire}).Draw(t, "freshness")
	p.TestScope = rapid.SampledFrom([]gate.TestScope{gate.TestsDirect, gate.TestsClosure}).Draw(t, "tests.scope")
	p.TestWarn = rapid.SampledFrom([]gate.TestWarn{gate.TestWarnPass, gate.TestWarnWarn, gate.TestWarnBlock}).Draw(t, "tests.warn")
	p.TestRequire = rapid.Bool().Draw(t, "tests.require")
	return p
}

// rank orders verdicts from the best to the worst.
func rank(v plan.Verdict) int {
	return slices.Index([]plan.Verdict{plan.VerdictUnchanged, plan.VerdictGo, plan.VerdictGoWarn, plan.VerdictHold, plan.VerdictBlock}, v)
}

// verdict judges e, and gives the reasons for the message of a failed check.
func (w *world) verdict() (int, string) {
	j := w.judge("e")
	return rank(j.Verdict), w.short(j)
}

// results are pointers to every row of every file.
func (w *world) results() []*dbt.Result {
	var out []*dbt.Result
	for _, r := range w.runs {
		for i := range r.Results {
			out = append(out, &r.Results[i])
		}
	}
	return out
}

func TestAFailureNeverImprovesAVerdict(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(t, rt)
		before, why := w.verdict()
		// A skip or a partial success turns into the failure that
		// allow_failed_ancestors is about: that adds none.
		bad := map[string]bool{}
		for _, r := range w.results() {
			bad[r.UniqueID] = r.Status == "skipped" || r.Status == "partial success"
		}
		for id, e := range w.known {
			bad[id] = e.Status == "skipped" || e.Status == "partial success"
		}
		var names []string
		for name, id := range w.ids {
			if n := w.project.Nodes[id]; n != nil && n.ResourceType != "source" && !n.External && name != "anchor" && !bad[id] {
				names = append(names, name)
			}
		}
		if len(names) == 0 {
			return
		}
		slices.Sort(names)
		name := rapid.SampledFrom(names).Draw(rt, "fails")
		failure := dbt.Result{UniqueID: w.id(name), Status: rapid.SampledFrom([]string{"error", "fail"}).Draw(rt, "status")}
		if rows := w.results(); slices.ContainsFunc(rows, func(r *dbt.Result) bool { return r.UniqueID == failure.UniqueID }) {
			for _, r := range rows {
				if r.UniqueID == failure.UniqueID {
					r.Status = failure.Status
				}
			}
		} else {
			w.runs[0].Results = append(w.runs[0].Results, failure)
		}
		if after, now := w.verdict(); after < before {
			rt.Fatalf("the failure of %s improved the verdict\nfrom %s\n  to %s", name, why, now)
		}
	})
}

func TestALostSuccessNeverImprovesAVerdict(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(t, rt)
		before, why := w.verdict()
		for _, r := range w.runs {
			good := slices.DeleteFunc(slices.Clone(r.Results), func(r dbt.Result) bool {
				return !slices.Contains([]string{"success", "pass", "reused"}, r.Status) || r.UniqueID == w.id("anchor")
			})
			if len(good) == 0 {
				continue
			}
			lost := rapid.SampledFrom(good).Draw(rt, "lost")
			rest := slices.DeleteFunc(slices.Clone(r.Results), func(r dbt.Result) bool { return r.UniqueID == lost.UniqueID })
			all := r.Results
			r.Results = rest
			if after, now := w.verdict(); after < before {
				rt.Fatalf("losing %s of %s improved the verdict\nfrom %s\n  to %s", lost.Status, lost.UniqueID, why, now)
			}
			r.Results = all
		}
	})
}

func TestOrderNeverCounts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(t, rt)
		// Rows of one node in several files and twice in one are the hard case.
		if rows := w.results(); len(rows) > 0 {
			again := *rapid.SampledFrom(rows).Draw(rt, "again")
			again.Status = rapid.SampledFrom([]string{"success", "error", "pass", "skipped", "fail"}).Draw(rt, "status")
			into := rapid.SampledFrom(w.runs).Draw(rt, "into")
			into.Results = append(into.Results, again)
		}
		before := gate.Evaluate(w.facts(), w.policies, now)
		notes := w.facts().Notes
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		rnd.Shuffle(len(w.runs), func(i, j int) { w.runs[i], w.runs[j] = w.runs[j], w.runs[i] })
		for _, r := range w.runs {
			rnd.Shuffle(len(r.Results), func(i, j int) { r.Results[i], r.Results[j] = r.Results[j], r.Results[i] })
		}
		facts := w.facts()
		after := gate.Evaluate(facts, w.policies, now)
		if diff := cmp.Diff(before, after); diff != "" {
			rt.Fatalf("another order, another outcome (-before +after):\n%s", diff)
		}
		if diff := cmp.Diff(notes, facts.Notes); diff != "" {
			rt.Fatalf("another order, other notes:\n%s", diff)
		}
		id := w.id("e")
		if diff := cmp.Diff(gate.Why(facts, after[id], now).Lines(), gate.Why(w.facts(), before[id], now).Lines()); diff != "" {
			rt.Fatalf("another order, another tree:\n%s", diff)
		}
	})
}

func TestAFailureElsewhereNeverCounts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(t, rt)
		w.node("table elsewhere").test("t_elsewhere", "elsewhere").node("view below", "elsewhere").exposure("other", "below")
		w.runs[0].Results = append(w.runs[0].Results, dbt.Result{UniqueID: w.id("elsewhere"), Status: "success"})
		before, _ := w.verdict()
		for i := range w.runs[0].Results {
			if w.runs[0].Results[i].UniqueID == w.id("elsewhere") {
				w.runs[0].Results[i].Status = "error"
			}
		}
		w.runs[0].Results = append(w.runs[0].Results,
			dbt.Result{UniqueID: w.id("t_elsewhere"), Status: "fail"}, dbt.Result{UniqueID: w.id("below"), Status: "skipped"})
		w.knows("below", "error", time.Hour)
		if after, why := w.verdict(); after != before {
			rt.Fatalf("a failure elsewhere changed the verdict to %s", why)
		}
	})
}

// TestNothingOpensWithoutProof builds worlds without a single success and
// without anything that dbt cannot build: nothing may open.
func TestNothingOpensWithoutProof(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		drawProject(rt, w)
		w.node("table root").node("table last", "root").exposure("sure", "last")
		w.policies.Default = drawPolicy(rt)
		which := rapid.SampledFrom([]string{"generate", "compile", "build", ""}).Draw(rt, "which")
		if which == "build" {
			w.ran("build", "root success")
		} else {
			w.ran(which, w.greenRows()...)
		}
		if j := w.judge("sure"); j.Verdict.Open() {
			rt.Fatalf("it opened: %s", w.short(j))
		}
	})
}
