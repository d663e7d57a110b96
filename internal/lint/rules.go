package lint

import (
	"slices"

	"exposync/internal/fault"
	"exposync/internal/plan"
)

// Rule is one thing that is checked. Its code is public: it stands in
// exposync.yml, in `ignore:` and has a page, see fault.Explain.
type Rule struct {
	Code     string
	Severity plan.Severity // unless exposync.yml says another
	Fixes    bool          // --fix can mend it
	needs    need
	check    func(*project) []Finding
}

// Title is one line: what is wrong where the rule finds something.
func (r Rule) Title() string {
	page, _ := fault.Explain(r.Code)
	return page.Title
}

// need is what a rule reads.
type need uint8

const (
	needYAML     need = 1 << iota // the project's YAML files
	needManifest                  // dbt's manifest
	needVersion                   // which dbt it is
	needConfig                    // exposync.yml; without one there is nothing wrong with it
)

// Needs names what a rule reads, for the documentation.
func (r Rule) Needs() string {
	switch {
	case r.needs&needConfig != 0:
		return "exposync.yml"
	case r.needs&needManifest != 0:
		return "manifest"
	case r.needs&needVersion != 0:
		return "YAML, version of dbt"
	}
	return "YAML"
}

// Rules lists every rule, in the order of the documentation.
func Rules() []Rule {
	return slices.Concat(yamlRules(), trapRules(), placeRules(), exposureRules(), exportRules(), columnRules(), jobRules(), suppressRules())
}

// Codes lists the codes of the rules, sorted.
func Codes() []string {
	var out []string
	for _, r := range Rules() {
		out = append(out, r.Code)
	}
	slices.Sort(out)
	return out
}
