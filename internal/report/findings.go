package report

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/plan"
)

// Findings is what a command that checks the project found, ready for every
// format that programs and people read findings in: a command that gives this
// value has all of them.
type Findings struct {
	Command string // lint, coverage, …
	Version string // of Exposync
	Project string // name of the dbt project
	// Root is the folder of the dbt project within its repository, with
	// slashes; empty where it is the repository's own. GitHub knows files by
	// their place in the repository.
	Root     string
	Rules    []string // codes of all that was checked, in the order to show; each has a page, see fault.Explain
	Found    []Found
	LetPass  int      // findings that the project accepts, beyond those of Found that are ignored
	NotRun   []NotRun // what could not be checked
	Limits   []Limit  // what the project was asked to keep to
	Compared bool     // with a baseline, so that Found.New says something
}

// Found is one finding, and what the project says about it.
type Found struct {
	plan.Finding
	New     bool   // not in the baseline
	Ignored bool   // the project accepts it: shown, but it fails nothing
	Reason  string // why it is ignored
	Until   string // the day until which it is ignored, 2027-01-31; empty for always
}

// NotRun is a rule that could not be checked, and what was missing.
type NotRun struct{ Code, Why string }

// Limit is one thing that the command was asked to hold the project to, such as
// the least percentage of a dimension.
type Limit struct {
	Name    string // of the flag or of the dimension
	Kept    bool
	Message string // one sentence, such as "71.4% of the exports have an exposure, and 80% were asked for"
	Next    string // what to do or type, where it was not kept
}

// rule is a rule with its page.
type rule struct{ code, title, means, next string }

// ruleOf never comes back empty: a code without a page is its own title.
func ruleOf(code string) rule {
	page, ok := fault.Explain(code)
	if !ok {
		page = fault.Page{Title: code, Means: code, Next: "exposync explain " + code}
	}
	return rule{code, page.Title, page.Means, page.Next}
}

// rules are those that were checked, those that could not be, and those of
// findings that nobody listed.
func (f Findings) rules() []rule {
	codes := slices.Clone(f.Rules)
	for _, n := range f.NotRun {
		if !slices.Contains(codes, n.Code) {
			codes = append(codes, n.Code)
		}
	}
	for _, found := range f.Found {
		if !slices.Contains(codes, found.Code) {
			codes = append(codes, found.Code)
		}
	}
	out := make([]rule, len(codes))
	for i, code := range codes {
		out[i] = ruleOf(code)
	}
	return out
}

// Active are the findings that count, the most important first: errors before
// warnings, what is new before what was there, then by place.
func (f Findings) Active() []Found { return f.sorted(false) }

// Ignored are the findings that the project accepts, in the same order.
func (f Findings) Ignored() []Found { return f.sorted(true) }

func (f Findings) sorted(ignored bool) []Found {
	out := slices.DeleteFunc(slices.Clone(f.Found), func(x Found) bool { return x.Ignored != ignored })
	slices.SortStableFunc(out, func(a, b Found) int {
		return cmp.Or(
			cmp.Compare(rank(a.Severity), rank(b.Severity)), newer(a, b), strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			strings.Compare(a.Code, b.Code), strings.Compare(a.Subject, b.Subject), strings.Compare(a.Column, b.Column),
		)
	})
	return out
}

func newer(a, b Found) int {
	switch {
	case a.New && !b.New:
		return -1
	case b.New && !a.New:
		return 1
	}
	return 0
}

// severities, worst first. An unknown one counts as the worst: a finding is
// never shown as less than it may be.
var severities = []plan.Severity{plan.SeverityError, plan.SeverityWarning, plan.SeverityInfo}

func rank(s plan.Severity) int { return max(slices.Index(severities, s), 0) }

// passed is how many findings the project accepts.
func (f Findings) passed() int { return len(f.Ignored()) + f.LetPass }

// notRun says why a rule was not checked; empty for one that was.
func (f Findings) notRun(code string) string {
	for _, n := range f.NotRun {
		if n.Code == code {
			return n.Why
		}
	}
	return ""
}

// broken are the limits that were not kept.
func (f Findings) broken() []Limit {
	return slices.DeleteFunc(slices.Clone(f.Limits), func(l Limit) bool { return l.Kept })
}

// countText says how many of each severity there are: "2 errors, 1 warning".
func countText(found []Found) string {
	var parts []string
	for i, word := range []string{"error", "warning", "hint"} {
		n := 0
		for _, x := range found {
			if rank(x.Severity) == i {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, Count(int64(n), word))
		}
	}
	if len(parts) == 0 {
		return "nothing found"
	}
	return strings.Join(parts, ", ")
}

// repoPath is the file of a finding as the repository knows it; the project's
// own file where no file is known.
func (f Findings) repoPath(x Found) string {
	return path.Join(f.Root, cmp.Or(x.File, "dbt_project.yml"))
}

// until says how long a finding is ignored.
func (x Found) until() string {
	if x.Until == "" {
		return ""
	}
	return " (until " + x.Until + ")"
}

// named is what a finding is about: the last part of the node's id, and the
// column.
func (x Found) named() string {
	name := x.Subject
	if !strings.Contains(name, "/") {
		name = names([]string{x.Subject})[0]
	}
	if x.Column != "" {
		name += "." + x.Column
	}
	return name
}
