// Package lint checks how syncs are declared: the YAML that dbt may not even
// load, the exposures, the export models and what stands upstream of them. It
// computes only: cli hands it the texts of files and writes what it proposes.
package lint

import (
	"cmp"
	"slices"
	"time"

	"exposync/internal/config"
	"exposync/internal/coverage"
	"exposync/internal/dbt"
	"exposync/internal/fault"
	"exposync/internal/job"
	"exposync/internal/plan"
)

// Input is what there is to check. Everything but Files may be missing; the
// rules that need what is missing do not run, and the report says so.
type Input struct {
	Project *dbt.Project    // nil without a manifest
	Set     job.Set         // what its exposures declare
	Facts   *coverage.Facts // what is known of it; there whenever Project is
	Config  *config.Config
	// ConfigProblems is what is wrong with exposync.yml; Config is then the default.
	ConfigProblems fault.List
	Name           string            // of the dbt project, where no manifest says it
	Files          map[string][]byte // YAML and SQL of the project, by path from it, with slashes
	Now            time.Time
	ViewDepth      int      // views on views that are let through; 0 means 1
	Only           []string // codes of the rules to run; all of them if empty
	Read           *Read    // files that were read already; nil for none
}

// viewDepth is how many views on views are let through.
func (in Input) viewDepth() int { return max(in.ViewDepth, 1) }

// Finding is one finding with what mends it; no edits where that takes a
// person.
type Finding struct {
	plan.Finding
	Edits []Edit
}

// Report is what a check found, by file and line.
type Report struct {
	Findings []Finding
	Ran      []string // codes of the rules that were checked
	NotRun   []NotRun
	Ignored  int // findings that someone gave a reason to let pass
}

// NotRun is a rule that could not be checked.
type NotRun struct {
	Code string
	Why  string // what is missing
}

// Check runs the rules.
func Check(in Input) Report {
	p := newProject(in)
	var out Report
	for _, r := range Rules() {
		severity, on := p.severity(r)
		if !on {
			continue
		}
		if why := p.missing(r.needs); why != "" {
			out.NotRun = append(out.NotRun, NotRun{Code: r.Code, Why: why})
			continue
		}
		out.Ran = append(out.Ran, r.Code)
		for _, f := range r.check(p) {
			f.Code, f.Severity = cmp.Or(f.Code, r.Code), severity
			out.Findings = append(out.Findings, f)
		}
	}
	out.Findings = said(out.Findings)
	out.Findings, out.Ignored = p.letPass(out.Findings)
	slices.SortStableFunc(out.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), cmp.Compare(a.Code, b.Code))
	})
	return out
}

// severity is how much a rule matters in this project; on is false where it
// is switched off.
func (p *project) severity(r Rule) (severity plan.Severity, on bool) {
	if len(p.in.Only) > 0 && !slices.Contains(p.in.Only, r.Code) {
		return "", false
	}
	set, ok := p.in.Config.Lint.Rules[r.Code]
	if !ok {
		return r.Severity, true
	}
	return plan.Severity(set.Level), set.Level != config.LintOff
}

// said drops what another finding explains better: of the faults that the
// reader of metadata has on a line, those where a rule tells what YAML made of
// it; and what is said twice.
func said(all []Finding) []Finding {
	type place struct {
		file string
		line int
	}
	explained, seen, rules, traps := map[place]bool{}, map[string]bool{}, Codes(), trapCodes()
	for _, f := range all {
		if f.Line > 0 && traps[f.Code] {
			explained[place{f.File, f.Line}] = true
		}
	}
	return slices.DeleteFunc(all, func(f Finding) bool {
		if !slices.Contains(rules, f.Code) && explained[place{f.File, f.Line}] {
			return true
		}
		id := f.ID() + "\x00" + f.Message
		was := seen[id]
		seen[id] = true
		return was
	})
}
