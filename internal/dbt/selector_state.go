package dbt

import (
	"fmt"
	"slices"

	"exposync/internal/fault"
)

// stateMethod compares with the project of --state.
func stateMethod(s *selecting, c *criterion) (test, error) {
	if s.ctx.State == nil || s.ctx.State.Contents == nil || s.project.Contents == nil {
		return nil, stateMissing(c, "manifest.json")
	}
	now, then := s.project.Contents, s.ctx.State.Contents
	pair := func(compare func(is content, was *content) bool) test {
		return func(m *member) bool {
			was, ok := then.nodes[m.id]
			if !ok {
				return compare(now.nodes[m.id], nil)
			}
			return compare(now.nodes[m.id], &was)
		}
	}
	changed := macrosBetween(then, now)
	modified := func(is content, was *content) bool { return is.modified(was) || changed(is.macros) }
	part := func(of ...facet) test {
		return pair(func(is content, was *content) bool {
			return is.has&bits(of...) != 0 && (was == nil || !is.sameAs(was, bits(of...)))
		})
	}
	switch c.value {
	case "new":
		return pair(func(_ content, was *content) bool { return was == nil }), nil
	case "old":
		return pair(func(_ content, was *content) bool { return was != nil }), nil
	case "modified":
		return pair(modified), nil
	case "unmodified":
		return pair(func(is content, was *content) bool { return !modified(is, was) }), nil
	case "modified.body":
		return part(body), nil
	case "modified.configs":
		return part(configs), nil
	case "modified.persisted_descriptions":
		return part(description, columnDocs), nil
	case "modified.relation":
		return part(relation), nil
	case "modified.contract":
		return part(contract), nil
	case "modified.macros":
		return pair(func(is content, _ *content) bool { return changed(is.macros) }), nil
	}
	return nil, oneOf(c, "new", "old", "modified", "unmodified", "modified.body", "modified.configs",
		"modified.persisted_descriptions", "modified.relation", "modified.contract", "modified.macros")
}

// modified reports whether dbt takes the node for modified. What is new and
// has a section of its own in the manifest (sources, exposures, metrics, …) is
// not: that is what state:new is for.
func (c *content) modified(was *content) bool {
	if was == nil {
		return c.newIsModified
	}
	return !c.sameAs(was, c.counts)
}

// macrosBetween gives what says whether any of some macros, or of those that
// they call, was changed, added or removed.
func macrosBetween(then, now *Contents) func(macros []string) bool {
	callers := map[string][]string{}
	changed := map[string]bool{}
	var queue []string
	for id, is := range now.macros {
		if was, had := then.macros[id]; !had || is.sql != was.sql {
			queue = append(queue, id)
		}
		for _, called := range is.dependsOn {
			callers[called] = append(callers[called], id)
		}
	}
	for id := range then.macros {
		if _, has := now.macros[id]; !has {
			queue = append(queue, id)
		}
	}
	for len(queue) > 0 {
		id := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if !changed[id] {
			changed[id] = true
			queue = append(queue, callers[id]...)
		}
	}
	return func(macros []string) bool {
		return slices.ContainsFunc(macros, func(id string) bool { return changed[id] })
	}
}

// resultMethod matches the status that a node had in run_results.
func resultMethod(s *selecting, c *criterion) (test, error) {
	if len(s.ctx.Results) == 0 {
		return nil, stateMissing(c, "run_results.json")
	}
	found := ids{}
	for _, run := range s.ctx.Results {
		for _, r := range run.Results {
			if r.Status == c.value {
				found[r.UniqueID] = true
			}
		}
	}
	return func(m *member) bool { return found[m.id] }, nil
}

// sourceStatusMethod knows one status, fresher: sources whose newest rows are
// newer than they were, or that nobody looked at before. Any other matches
// nothing.
func sourceStatusMethod(s *selecting, c *criterion) (test, error) {
	if s.ctx.Sources == nil || s.ctx.PreviousSources == nil {
		return nil, stateMissing(c, "sources.json, like the target folder,")
	}
	before := map[string]SourceResult{}
	for _, r := range s.ctx.PreviousSources.Results {
		if !r.MaxLoadedAt.IsZero() {
			before[r.UniqueID] = r
		}
	}
	found := ids{}
	for _, r := range s.ctx.Sources.Results {
		was, known := before[r.UniqueID]
		if c.value == "fresher" && !r.MaxLoadedAt.IsZero() && (!known || r.MaxLoadedAt.After(was.MaxLoadedAt)) {
			found[r.UniqueID] = true
		}
	}
	return func(m *member) bool { return found[m.id] }, nil
}

func stateMissing(c *criterion, file string) error {
	return &fault.Fault{
		Code: "state_missing", Kind: fault.Config, Whose: fault.User, Where: fmt.Sprintf("selector %q", c.raw),
		Msg:  c.method + ": compares with an earlier state, which has to have " + file + " and is not there",
		Hint: "--state DIR, a folder with the artifacts of an earlier dbt run",
	}
}
