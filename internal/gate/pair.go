package gate

import (
	"fmt"
	"slices"
	"strings"

	"exposync/internal/dbt"
	"exposync/internal/plan"
)

// about adds a finding about a whole file: it concerns every exposure.
func (f *Facts) about(r *dbt.RunResults, v plan.Verdict, code, next, format string, args ...any) {
	found := finding{Reason: plan.Reason{
		Code: code, Verdict: v, Message: fmt.Sprintf(format, args...), Next: next,
	}}
	if r != nil {
		found.InvocationID, found.File, found.at = r.InvocationID, r.File, r.GeneratedAt
	}
	f.found = append(f.found, found)
}

// checkPresence says why there is no evidence at all, or none that holds rows.
// A file that is no evidence beside one that is decides nothing.
func (f *Facts) checkPresence(runs []*dbt.RunResults) {
	if newest := f.newest(); newest != nil {
		switch newest.cut {
		case cutEmpty:
			f.about(newest.RunResults, plan.VerdictBlock, codeEmptyBuild, "dbt build",
				"dbt %s ran with --empty: the relations hold no rows", newest.Args.Which)
		case cutSample:
			f.about(newest.RunResults, plan.VerdictBlock, codeSampleBuild, "dbt build",
				"dbt %s ran with --sample: the relations hold a part of their rows", newest.Args.Which)
		}
		return
	}
	if len(runs) == 0 {
		f.about(nil, plan.VerdictHold, codeNoResults, "dbt build",
			"there is no run_results.json: nothing says that dbt built anything")
		return
	}
	last := runs[len(runs)-1]
	if last.Executes() && !slices.ContainsFunc(last.Results, func(r dbt.Result) bool { return r.UniqueID != "" }) {
		f.about(last, plan.VerdictHold, codeNoResults, "dbt build",
			"dbt %s selected nothing: the file has no results; check its --select", last.Args.Which)
		return
	}
	f.about(last, plan.VerdictHold, codeNotEvidence, nextFor(last.Args.Which), "%s", notEvidence(last))
}

func notEvidence(r *dbt.RunResults) string {
	switch {
	case r.Executes():
		return "the file says dbt " + r.Args.Which + " but marks tests \"success\", as only dbt compile and docs do: nothing was built or tested"
	case r.Args.Which == "":
		return "the file does not say which dbt command wrote it, so it proves nothing"
	case r.Args.Which == "generate":
		return "dbt docs generate wrote this file over that of the build; it builds and tests nothing"
	}
	if r.Args.Which == "freshness" {
		return "dbt source freshness wrote this file; it builds and tests nothing"
	}
	return "dbt " + r.Args.Which + " wrote this file; it builds and tests nothing"
}

func nextFor(which string) string {
	if which == "generate" {
		return "run exposync before dbt docs generate, or give docs its own folder: dbt docs generate --target-path target/docs"
	}
	return "dbt build"
}

// checkPairs compares every file with the manifest. Only the newest has to be
// of the same invocation; the others only have to fit.
func (f *Facts) checkPairs(runs []*dbt.RunResults) {
	for _, file := range f.files {
		switch {
		case file.present == 0 && file.absent > 0:
			f.about(file.RunResults, plan.VerdictHold, codeWrongProject, "exposync gate --project-dir PATH",
				"none of the %d nodes in this file is in the manifest of project %q", file.absent, f.graph.project.Name)
		case f.pairs(file.RunResults):
		case file.moved != "":
			f.about(file.RunResults, plan.VerdictHold, codeWrongTarget, "dbt build",
				"dbt built %s somewhere else than the manifest says: the files are of different targets", file.moved)
		case file.absent > 0:
			f.about(file.RunResults, plan.VerdictHold, codePairMismatch, "dbt build",
				"the manifest is of another state of the project: it lacks %s", andMore(file.missing, file.absent))
		case file.renamed != "":
			f.about(file.RunResults, plan.VerdictHold, codePairMismatch, "dbt build",
				"the manifest is of another state of the project: dbt built %s under another name", file.renamed)
		case file == f.newest() && !f.explained(runs):
			f.about(file.RunResults, plan.VerdictGoWarn, codeReparsed, "exposync build",
				"the manifest was written anew after dbt %s (by dbt ls, parse, docs or source freshness, or by a build that failed before it had results?)", file.Args.Which)
		}
	}
}

func (f *Facts) pairs(r *dbt.RunResults) bool {
	return r.InvocationID != "" && r.InvocationID == f.graph.project.InvocationID
}

// explained reports whether a later file tells which command wrote the
// manifest anew: then there is nothing to wonder about.
func (f *Facts) explained(runs []*dbt.RunResults) bool {
	return slices.ContainsFunc(runs, func(r *dbt.RunResults) bool {
		return f.pairs(r) && !r.GeneratedAt.Before(f.newest().GeneratedAt)
	})
}

func andMore(first string, n int) string {
	if n <= 1 {
		return first
	}
	return fmt.Sprintf("%s and %d more", first, n-1)
}

// checkTargets refuses to merge what was built in different places: a success
// in dev must never cover a failure in production.
func (f *Facts) checkTargets() {
	want := ""
	if f.target != nil {
		want = f.target.Name
		if f.target.Project != "" && f.graph.project.Name != "" && f.target.Project != f.graph.project.Name {
			f.about(nil, plan.VerdictHold, codeWrongProject, "dbt build",
				"the manifest is of project %q, dbt_project.yml says %q", f.graph.project.Name, f.target.Project)
		}
	}
	place := map[string]string{} // relation of a node, as first seen
	for _, file := range f.files {
		if t := file.Args.Target; t != "" {
			if want != "" && t != want {
				f.about(file.RunResults, plan.VerdictHold, codeWrongTarget, "dbt build --target "+want,
					"dbt %s ran with --target %s, not %s", file.Args.Which, t, want)
				continue
			}
			want = t
		}
		if id := f.conflict(file, place); id != "" {
			f.about(file.RunResults, plan.VerdictHold, codeWrongTarget, "dbt build",
				"the files are of different targets: they built %s in different places", id)
		}
	}
}

// conflict gives the first node that an earlier file built somewhere else.
func (f *Facts) conflict(file *file, place map[string]string) string {
	if len(f.files) < 2 {
		return ""
	}
	first := ""
	for i := range file.Results {
		r := &file.Results[i]
		if r.RelationName == "" || r.UniqueID == "" {
			continue
		}
		if was, ok := place[r.UniqueID]; !ok {
			place[r.UniqueID] = r.RelationName
		} else if moved(was, r.RelationName) && (first == "" || r.UniqueID < first) {
			first = r.UniqueID
		}
	}
	return first
}

// note collects what is told and decides nothing.
func (f *Facts) note(runs []*dbt.RunResults) {
	if f.target == nil {
		f.notef("no dbt profile was read: database and schema were not compared with a target")
	}
	for _, r := range runs {
		f.noteFile(r)
	}
	for _, n := range f.run {
		if n != nil && n.class == unknown {
			f.notef("%s: %s has status %q, which Exposync does not know", n.File, n.UniqueID, n.Status)
		}
	}
	slices.Sort(f.Notes)
	f.Notes = slices.Compact(f.Notes)
}

func (f *Facts) noteFile(r *dbt.RunResults) {
	a, nameless, static := r.Args, 0, 0
	for i := range r.Results {
		if r.Results[i].UniqueID == "" {
			nameless++
		}
		if strings.HasPrefix(r.Results[i].Message, "Statically checked") {
			static++
		}
	}
	if !isEvidence(r, f.graph) && len(f.files) > 0 {
		which := a.Which
		if which == "generate" {
			which = "docs generate"
		}
		f.notef("%s: written by dbt %s, which builds and tests nothing: left out", r.File, which)
		return
	}
	if nameless > 0 {
		f.notef("%s: left out %s without unique_id", r.File, count(nameless, "result"))
	}
	if static > 0 {
		f.notef("%s: %s checked by analysis, without a query in the warehouse", r.File, count(static, "test"))
	}
	if a.Defer || a.FavorState {
		f.notef("%s: dbt %s used --defer: parents outside of the selection were read from another environment", r.File, a.Which)
	}
	if narrowed := narrowing(a); narrowed != "" {
		f.notef("%s: dbt %s was narrowed by %s: tests may be missing on purpose", r.File, a.Which, narrowed)
	}
	if major(r.DBTVersion) != major(f.graph.project.DBTVersion) && f.pairs(r) {
		f.notef("%s: dbt %s ran what dbt %s parsed", r.File, r.DBTVersion, f.graph.project.DBTVersion)
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func narrowing(a dbt.Args) string {
	var flags []string
	for _, f := range []struct {
		flag string
		set  bool
	}{
		{"--select", len(a.Select) > 0},
		{"--exclude", len(a.Exclude) > 0},
		{"--selector", a.Selector != ""},
		{"--resource-type", len(a.ResourceTypes) > 0},
		{"--indirect-selection " + a.IndirectSelection, a.IndirectSelection != "" && a.IndirectSelection != "eager"},
	} {
		if f.set {
			flags = append(flags, f.flag)
		}
	}
	return strings.Join(flags, ", ")
}

func (f *Facts) notef(format string, args ...any) {
	f.Notes = append(f.Notes, fmt.Sprintf(format, args...))
}

func major(version string) string {
	m, _, _ := strings.Cut(version, ".")
	return m
}
