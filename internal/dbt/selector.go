package dbt

import (
	"maps"
	"slices"
	"strings"
)

// Selection is what --select, --exclude and --selector say, each word as it
// was typed. The words of a list are a union, a comma is an intersection.
type Selection struct {
	Select   []string // nil: everything
	Exclude  []string
	Selector string // a name of selectors.yml; as in dbt the other two are then ignored
}

// SelectContext is what some methods need beside the project.
type SelectContext struct {
	State           *Project      // state:, loaded with KeepContents; nil if there is none
	Results         []*RunResults // result:
	Sources         *Sources      // source_status:, as they are now
	PreviousSources *Sources      // source_status:, as they were
	// Parts are names that an exposure's parts go by, by its unique_id. A part
	// is selected with its exposure, or alone by its name.
	Parts map[string][]string
}

// Selected is the answer to a selection.
type Selected struct {
	IDs       map[string]bool // unique_ids, and names of parts
	Unmatched []string        // words that match nothing; dbt warns of them
}

// Select answers a selection as dbt-core 1.12 answers `dbt ls --resource-types
// all`: nodes of every type, and the tests of what is selected with it
// (indirect selection, eager unless a selector says otherwise). Like dbt it
// does not apply the default of selectors.yml by itself.
//
// Beyond dbt there is owner:, which matches an exposure's owner by name or
// e-mail, and parts. Short of dbt, state:modified does not fail where the
// contract of a versioned model breaks; it selects the model.
//
// Faults: selector_invalid, selector_unknown, state_missing.
func Select(p *Project, sel Selection, ctx SelectContext) (Selected, error) {
	s := newSelecting(p, ctx)
	r, err := s.rule(sel)
	if err != nil {
		return Selected{}, err
	}
	ids, err := s.answer(r)
	if err != nil {
		return Selected{}, err
	}
	return Selected{IDs: ids, Unmatched: s.unmatched}, nil
}

// Empty reports whether nothing was said, so that everything is selected.
func (s Selection) Empty() bool { return len(s.Select) == 0 && len(s.Exclude) == 0 && s.Selector == "" }

// Check finds mistakes that show without a manifest: the grammar and the
// names of methods. All are reported together, as selector_invalid.
func (s Selection) Check() error {
	_, err := unionOf(slices.Concat(s.Select, s.Exclude))
	return err
}

// Keep says what the project has to be loaded with so that the selection can
// be answered, and the state too.
func (s Selection) Keep() Keep {
	if s.Selector != "" {
		return KeepConfig | KeepContents // what it asks for stands in the manifest
	}
	var keep Keep
	for _, c := range s.criteria() {
		switch c.method {
		case "config":
			keep |= KeepConfig
		case "state":
			keep |= KeepContents
		case "selector":
			keep |= KeepConfig | KeepContents
		}
	}
	return keep
}

// Compares reports whether the selection may need an earlier state: --state.
func (s Selection) Compares() bool {
	return s.Selector != "" || slices.ContainsFunc(s.criteria(), func(c criterion) bool {
		return slices.Contains([]string{"state", "result", "source_status", "selector"}, c.method)
	})
}

// criteria are all criteria of --select and --exclude, those with mistakes
// left out.
func (s Selection) criteria() []criterion {
	var out []criterion
	r, _ := unionOf(slices.Concat(s.Select, s.Exclude)) // Select reports what is wrong
	for _, part := range r.parts {
		for _, one := range part.parts {
			out = append(out, *one.one)
		}
	}
	return out
}

// SelectorNames are the names that selectors.yml gives, sorted.
func (p *Project) SelectorNames() []string {
	return slices.Sorted(maps.Keys(p.selectors()))
}

// rule is a selection as a tree.
type rule struct {
	op    op
	one   *criterion // op is single
	parts []*rule
	raw   string
	word  bool // a word of the command line: to warn of where it matches nothing
}

type op uint8

const (
	single op = iota
	anyOf
	allOf
	difference // the first part less all others
)

// rule reads the selection. What is not said is everything, with dbt's own
// words for it.
func (s *selecting) rule(sel Selection) (*rule, error) {
	if sel.Selector != "" {
		return s.named(sel.Selector)
	}
	words := sel.Select
	if len(words) == 0 {
		words = []string{"fqn:*", "source:*", "exposure:*", "metric:*", "semantic_model:*"}
	}
	included, err := unionOf(words)
	excluded, err2 := unionOf(sel.Exclude)
	if err := joined(err, err2); err != nil {
		return nil, err
	}
	return &rule{op: difference, parts: []*rule{included, excluded}}, nil
}

// unionOf reads words: blanks part them once more, commas make intersections.
// The rule has the words that could be read, the error those that could not.
func unionOf(words []string) (*rule, error) {
	out := &rule{op: anyOf}
	var problems error
	for _, text := range words {
		for word := range strings.SplitSeq(text, " ") {
			all := &rule{op: allOf, raw: word, word: true}
			for part := range strings.SplitSeq(word, ",") {
				c, err := parseCriterion(part)
				if err != nil {
					problems = joined(problems, err)
					continue
				}
				all.parts = append(all.parts, &rule{one: c})
			}
			out.parts = append(out.parts, all)
		}
	}
	return out, problems
}
