package cli

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"exposync/internal/dbt"
	"exposync/internal/fault"
	"exposync/internal/plan"
)

// asked is what --select, --exclude and --selector say.
func (f *flags) asked() dbt.Selection {
	return dbt.Selection{Select: f.selects, Exclude: f.excludes, Selector: f.selector}
}

// checkSelectors refuses what no manifest can make right. dbt lets --selector
// win over --exclude without a word; here that could send what was excluded.
func (a *app) checkSelectors() error {
	sel := a.flags.asked()
	if sel.Selector != "" && (len(sel.Select) > 0 || len(sel.Exclude) > 0) {
		return usage("exposync ls --select selector:"+sel.Selector,
			"--selector excludes --select and --exclude; selector:%s can be one word among others", sel.Selector)
	}
	return sel.Check()
}

// choose settles which exposures and jobs the selectors mean. It warns of
// words that match nothing, as dbt does.
func (s *session) choose(ctx context.Context) error {
	sel := s.a.flags.asked()
	if sel.Empty() {
		return nil
	}
	with, err := s.selectContext(ctx, sel)
	if err != nil {
		return err
	}
	selected, err := dbt.Select(s.project, sel, with)
	if err != nil {
		return err
	}
	s.chosen = selected.IDs
	for _, word := range selected.Unmatched {
		s.a.say("warning: the selector %q matches nothing", word)
	}
	if len(s.candidates(true)) == 0 {
		s.a.say("warning: nothing selected: no exposure is among what was selected")
		s.a.say("%s", s.nearby())
	}
	return nil
}

// nearby says how to get from models to exposures, where models were selected.
func (s *session) nearby() string {
	for _, id := range slices.Sorted(maps.Keys(s.chosen)) {
		if n := s.project.Nodes[id]; n != nil && n.ResourceType == "model" {
			return "a model does not stand for its exposures: try --select " + n.Name + "+"
		}
	}
	return "exposync ls shows what there is"
}

// selectContext loads what the selectors compare with, and nothing else.
// Without --state, result: looks at this dbt run.
func (s *session) selectContext(ctx context.Context, sel dbt.Selection) (dbt.SelectContext, error) {
	with := dbt.SelectContext{Results: s.runs, Sources: s.sources, Parts: map[string][]string{}}
	for _, j := range s.set.Jobs {
		if j.ID != s.project.Exposures[j.Exposure].Name {
			with.Parts[j.Exposure] = append(with.Parts[j.Exposure], j.ID)
		}
	}
	dir := s.stateDir()
	if dir == "" || !sel.Compares() {
		return with, nil
	}
	var problems fault.List
	load := func(name string, read func(path string) error) {
		for _, path := range existing(filepath.Join(dir, name)) {
			if err := read(path); err != nil {
				problems = append(problems, fault.All(err)...)
			}
		}
	}
	with.Results = nil
	load("manifest.json", func(path string) (err error) {
		with.State, err = dbt.LoadManifest(ctx, path, dbt.KeepContents)
		return err
	})
	load("run_results.json", func(path string) error {
		r, err := dbt.LoadRunResults(ctx, path)
		with.Results = append(with.Results, r)
		return err
	})
	load("sources.json", func(path string) (err error) {
		with.PreviousSources, err = dbt.LoadSources(ctx, path)
		return err
	})
	return with, problems.Err()
}

// stateDir is --state, as in dbt seen from the project's folder; empty if
// there is none.
func (s *session) stateDir() string {
	dir := s.a.flags.state
	if dir == "" {
		dir = s.a.env.get("DBT_STATE")
	}
	if dir == "" || filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(s.dir, dir)
}

// selects reports whether the selectors leave an exposure (id is empty), or
// the job of that ID in it. An exposure is also left where one of its jobs is.
func (s *session) selects(x *dbt.Exposure, id string) bool {
	switch {
	case s.chosen == nil:
		return true
	case id != "" && id != x.Name:
		return s.chosen[id]
	case s.chosen[x.UniqueID] || id != "":
		return s.chosen[x.UniqueID]
	}
	return slices.ContainsFunc(s.set.Jobs, func(j plan.Job) bool { return j.Exposure == x.UniqueID && s.chosen[j.ID] })
}

// named reports whether the job was selected by its very name.
func (s *session) named(j plan.Job) bool {
	return s.namedExposure(s.project.Exposures[j.Exposure]) || slices.Contains(s.words(), j.ID)
}

func (s *session) namedExposure(x *dbt.Exposure) bool {
	return slices.ContainsFunc(s.words(), func(word string) bool {
		return word == x.Name || word == x.Package+"."+x.Name || strings.HasPrefix(word, x.Name+".")
	})
}

// words are the selectors that --select gives one by one, without the methods
// that mean names.
func (s *session) words() []string {
	var out []string
	for _, text := range s.a.flags.selects {
		for word := range strings.FieldsSeq(text) {
			word = strings.TrimPrefix(word, "exposure:")
			out = append(out, strings.TrimPrefix(word, "fqn:"))
		}
	}
	return out
}

// spread gives --select a b as --select a --select b, which is what dbt makes
// of it. Only words after a command are spread.
func spread(args []string) []string {
	many := func(arg string) bool { return arg == "--select" || arg == "-s" || arg == "--exclude" }
	var out []string
	command := false
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return append(out, args[i:]...)
		}
		out = append(out, arg)
		if !many(arg) || i+1 == len(args) {
			command = command || !strings.HasPrefix(arg, "-")
			continue
		}
		i++
		out = append(out, args[i])
		for command && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
			i++
			out = append(out, arg, args[i])
		}
	}
	return out
}
