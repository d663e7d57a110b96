package gate

import (
	"fmt"
	"slices"
	"time"

	"exposync/internal/plan"
)

// tests judges rows 14 to 18 and 21 for every test of the lineage: those about
// a node of A(E), those that depend on nothing outside of it, and those of
// several nodes that touch what the exposure reads.
func (j *judge) tests() {
	j.closure.meetTests()
	for _, t := range j.closure.tests {
		if s := j.closure.stand(t); s.belongs {
			j.touched = j.touched || j.facts.run[t] != nil
			if ft := j.facts.current(t); ft != nil {
				j.test(t, ft, s)
			}
		}
	}
}

// meetTests finds every test that is about a node of the lineage or depends on
// one.
func (c *closure) meetTests() {
	for _, n := range c.all {
		for _, t := range c.g.tests[n] {
			if !c.seen[t] {
				c.seen[t] = true
				c.tests = append(c.tests, t)
			}
		}
	}
}

// stance is how a test stands to an exposure.
type stance struct {
	belongs bool
	col     column // of what the test is about
	related bool   // it also looks at something outside (row 21)
	at      int32  // the node of the lineage that a why tree shows it under
}

func (c *closure) stand(t int32) stance {
	g, cols := c.g, c.cols
	s := stance{at: -1, related: len(g.dangling[t]) > 0}
	touches := outside
	for _, p := range g.parents[t] {
		s.related = s.related || cols[p] == outside
		if cols[p] > touches {
			touches, s.at = cols[p], p
		}
	}
	if a := g.attached[t]; a >= 0 {
		s.col, s.belongs = cols[a], cols[a] != outside
		if s.belongs {
			s.at = a
		}
	} else {
		s.col = touches
		// A test that does not say what it is about, and looks outside, may
		// well be about what is outside.
		if s.related {
			s.col = min(touches, ancestor)
		}
	}
	s.belongs = s.belongs || !s.related && touches != outside || s.related && touches == direct
	return s
}

// test judges one test that has a result.
func (j *judge) test(t int32, ft *fact, s stance) {
	if ft.class == good || ft.class == reused {
		return
	}
	name := j.graph.nodes[t].Name
	closes := s.col == direct || s.col == ancestor && j.policy.TestScope == TestsClosure && !s.related
	v := plan.VerdictGoWarn
	switch ft.class {
	case failed:
		if closes {
			v = plan.VerdictBlock
		}
		j.testReason(t, ft, s, v, failureCode(ft, s), "%s %s%s", name, failureWords(ft), in(ft))
	case warned:
		if j.policy.TestWarn == TestWarnPass {
			return
		}
		if closes && j.policy.TestWarn == TestWarnBlock {
			v = plan.VerdictBlock
		}
		j.testReason(t, ft, s, v, codeTestWarned, "%s warned%s", name, rows(ft))
	case skipped:
		if s.col == direct && !j.parentExplains(t) {
			j.testReason(t, ft, s, plan.VerdictHold, codeTestSkipped, "%s was skipped%s", name, j.outsideCause(t))
		}
	case unknown:
		if s.col == direct {
			v = plan.VerdictHold
		}
		j.testReason(t, ft, s, v, codeUnknownStatus, "%s has status %q, which this version does not know", name, ft.Status)
	case silent, reused, good, partial, sliced:
	}
}

func failureCode(ft *fact, s stance) string {
	switch {
	case s.related:
		return codeRelatedTest
	case ft.Status == "fail":
		return codeTestFailed
	}
	return codeTestError
}

func failureWords(ft *fact) string {
	if ft.Status == "fail" {
		return "failed" + rows(ft)
	}
	return "could not run"
}

func rows(ft *fact) string {
	switch {
	case ft.Failures <= 0:
		return ""
	case ft.Failures == 1:
		return " (1 row)"
	}
	return fmt.Sprintf(" (%d rows)", ft.Failures)
}

// parentExplains reports whether a parent blocks that was not built, which is
// why dbt skipped the test; then the parent is what is told (row 18).
func (j *judge) parentExplains(t int32) bool {
	return slices.ContainsFunc(j.graph.parents[t], func(p int32) bool {
		if j.closure.cols[p] == outside {
			return false
		}
		closes := func(f finding) bool {
			return f.UniqueID == j.graph.nodes[p].UniqueID && f.Verdict == plan.VerdictBlock
		}
		return slices.ContainsFunc(j.found, closes) || transparent(j.graph.nodes[p]) && j.parentExplains(p)
	})
}

// outsideCause names the parent outside of the lineage that is why dbt skipped
// a test. The test stays unproven: what it compares is what the exposure reads.
func (j *judge) outsideCause(t int32) string {
	for _, p := range j.graph.parents[t] {
		if ft := j.facts.current(p); ft != nil && j.closure.cols[p] == outside && ft.bad(false) {
			return ", because " + label(j.graph.nodes[p]) + " was not built"
		}
	}
	return ", and nothing it tests failed"
}

// testReason adds a finding about a test, unless a waiver takes it over.
func (j *judge) testReason(t int32, ft *fact, s stance, v plan.Verdict, code, format string, args ...any) {
	f := finding{Reason: plan.Reason{
		Code: code, Verdict: v, UniqueID: j.graph.nodes[t].UniqueID,
		Message: fmt.Sprintf(format, args...), Next: "dbt test --select " + j.graph.nodes[t].Name,
	}}
	if s.at >= 0 {
		f.Path = append(j.closure.path(s.at), f.UniqueID)
	}
	f.from(ft)
	j.add(j.waive(f, t))
}

// waive lets a finding about a test through if a waiver covers it (rows 15 to
// 19, and 21: its test is a test like others).
func (j *judge) waive(f finding, n int32) finding {
	w, holds := j.policy.waiver(j.graph.nodes[n], j.now)
	switch {
	case w == nil:
	case holds:
		f.Code, f.Verdict, f.absence = codeWaived, plan.VerdictGoWarn, false
		f.Message += fmt.Sprintf("; waived until %s: %s", w.Until.Format(time.DateOnly), w.Reason)
	case w.Reason == "" || w.Until.IsZero():
		f.Message += "; its waiver does not hold without a reason and a date"
	default:
		f.Message += "; its waiver ended on " + w.Until.Format(time.DateOnly)
	}
	return f
}

// untested judges row 19 for every node that the exposure reads: it has tests,
// but none of them looked at the rows that are there now.
func (j *judge) untested() {
	v := plan.VerdictGoWarn
	if j.policy.TestRequire {
		v = plan.VerdictHold
	}
	for _, n := range j.closure.reads {
		if ft := j.facts.current(n); ft != nil && ft.bad(false) {
			continue
		}
		own, tested := 0, false
		for _, t := range j.graph.tests[n] {
			if a := j.graph.attached[t]; a >= 0 && a != n {
				continue
			}
			own++
			tested = tested || j.speaks(t, n)
		}
		if own == 0 || tested {
			continue
		}
		node := j.graph.nodes[n]
		j.report(n, nil, v, codeUntested, "dbt test --select "+selector(node),
			"no test of %s passed on what it holds now", label(node))
		last := &j.found[len(j.found)-1]
		last.absence = true
		*last = j.waive(*last, n)
	}
}

// speaks reports whether a test's newest result is about the rows that node n
// holds now: it is not older than the newest rebuild that changed them. One
// that did not pass is told as such, which is enough unless tests.require
// asks for a pass.
func (j *judge) speaks(t, n int32) bool {
	ft := j.facts.current(t)
	if ft == nil {
		ft = j.facts.known[t]
		if ft == nil || !ft.class.proves() || ft.Checksum != j.graph.nodes[t].Checksum || !j.timely(ft.GeneratedAt) {
			return false
		}
	}
	switch ft.class {
	case failed, skipped, unknown:
		return !j.policy.TestRequire
	case good, warned, reused:
		return !j.outdated(ft) && !ft.GeneratedAt.Before(j.rebuilds.of(n))
	case silent, partial, sliced:
	}
	return false
}

// rebuilds knows when the rows that a node shows last changed: for a view,
// when the tables under it were built.
type rebuilds struct {
	facts *Facts
	at    []time.Time
	known []bool
}

func newRebuilds(f *Facts) *rebuilds {
	return &rebuilds{facts: f, at: make([]time.Time, len(f.graph.nodes)), known: make([]bool, len(f.graph.nodes))}
}

func (r *rebuilds) of(n int32) time.Time {
	if r.known[n] {
		return r.at[n]
	}
	r.known[n] = true // also ends cycles
	node := r.facts.graph.nodes[n]
	ft := r.facts.run[n]
	if k := r.facts.known[n]; ft == nil || k != nil && k.GeneratedAt.After(ft.GeneratedAt) {
		ft = k
	}
	switch newest := r.facts.newest(); {
	case transparent(node), ft != nil && (ft.class == skipped || ft.class == reused):
	case ft != nil:
		r.at[n] = ft.GeneratedAt
	case newest != nil && !node.External && node.ResourceType != "source":
		// Nobody knows when: perhaps a moment ago. Only tests of the newest
		// file are surely not older than that.
		r.at[n] = newest.GeneratedAt
	}
	if transparent(node) || view(node) && !node.External {
		for _, p := range r.facts.graph.parents[n] {
			if t := r.of(p); t.After(r.at[n]) {
				r.at[n] = t
			}
		}
	}
	return r.at[n]
}
