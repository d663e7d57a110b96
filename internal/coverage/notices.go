package coverage

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"exposync/internal/dbt"
	"exposync/internal/plan"
)

// notices are what a reader should know and what no dimension scores.
func (f *Facts) notices() []Notice {
	var out []Notice
	add := func(kind, id, message string) {
		at := f.Place(id, "")
		out = append(out, Notice{Kind: kind, Subject: id, File: at.File, Line: at.Line, Message: message})
	}
	for _, n := range f.Exports {
		f.exportNotices(n, add)
	}
	for _, e := range f.Applications {
		if len(e.Jobs) == 0 && e.SyncID() != "" { // without an id it is a miss of bound
			add("no_job", e.UniqueID, e.Name+" is watched only: its url shows a sync, and nothing triggers it from here")
		}
	}
	for _, u := range f.usedModels() {
		f.governance(u, add)
	}
	for _, id := range slices.Sorted(maps.Keys(f.Project.Disabled)) {
		d := f.Project.Disabled[id]
		if d.ResourceType == "exposure" && f.in.Selected == nil {
			add("disabled", id, d.Name+" is disabled in dbt")
		}
	}
	slices.SortStableFunc(out, func(a, b Notice) int { return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Kind, b.Kind)) })
	return out
}

func (f *Facts) exportNotices(n *dbt.Node, add func(kind, id, message string)) {
	switch {
	case strings.EqualFold(n.Materialized, "ephemeral"):
		add("not_a_view", n.UniqueID, Label(n)+" is materialized as ephemeral: the warehouse has no relation of it, so that nothing can read it")
	case n.Materialized != "" && !strings.EqualFold(n.Materialized, "view"):
		add("not_a_view", n.UniqueID, Label(n)+" is materialized as "+n.Materialized+": as a view it needs no rebuild and is as fresh as its parents")
	}
	if len(f.Tests(n.UniqueID)) == 0 {
		add("untested", n.UniqueID, "no test is about "+Label(n))
	}
	p := f.ParityOf(n)
	if len(p.Parents) > 1 && len(p.Tests) == 0 {
		names := make([]string, len(p.Parents))
		for i, parent := range p.Parents {
			names[i] = Label(parent)
		}
		add("several_parents", n.UniqueID, Label(n)+" is made of "+quoted(names)+": rows are compared only if a test says with which")
	}
}

// usedModels gives the models that application exposures depend on directly.
func (f *Facts) usedModels() []*dbt.Node {
	var out []*dbt.Node
	for _, e := range f.Applications {
		for _, id := range e.DependsOn {
			if n := f.Project.Nodes[id]; n != nil && n.ResourceType == "model" && !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// governance tells of models that their owners may take away.
func (f *Facts) governance(n *dbt.Node, add func(kind, id, message string)) {
	if !n.Deprecation.IsZero() {
		word := "will be deprecated on "
		if !n.Deprecation.After(f.in.Now) {
			word = "is deprecated since "
		}
		add("deprecated", n.UniqueID, Label(n)+" "+word+n.Deprecation.Format(time.DateOnly))
	}
	if n.Access == "private" {
		add("private", n.UniqueID, Label(n)+" is private to its group: an exposure that depends on it can break without notice")
	}
	if n.Version != "" && n.LatestVersion != "" && n.Version != n.LatestVersion {
		add("old_version", n.UniqueID, Label(n)+" is not the latest version, which is v"+n.LatestVersion)
	}
}

// notes say what could not be looked at.
func (f *Facts) notes(dims []Dimension) []string {
	var out []string
	for _, d := range dims {
		if d.Note != "" {
			out = append(out, d.Name+": "+d.Note)
		}
	}
	if len(f.Synced) == 0 {
		out = append(out, f.nothingSynced())
	}
	if f.in.Catalog == nil {
		out = append(out, "no catalog.json: whether relations and columns exist was not looked at")
	}
	return out
}

// nothingSynced says why there is nothing for most dimensions to look at.
func (f *Facts) nothingSynced() string {
	if len(f.Applications) > 0 {
		return "no exposure declares a sync, so that from described to mapped there is nothing to look at: exposync explain coverage_bound"
	}
	others := map[string]int{}
	for _, e := range f.Project.Exposures {
		if e.Type != "application" && f.in.Selected == nil {
			others[e.Type]++
		}
	}
	if len(others) == 0 {
		return "there is no exposure of type application"
	}
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(others)) {
		parts = append(parts, fmt.Sprintf("%d %s", others[kind], kind))
	}
	return "there is no exposure of type application; those of other types are not measured: " + strings.Join(parts, ", ")
}

// Findings gives what is to be mended in the shape that junit, sarif, github
// and html render: the misses, and suppressions that do not count.
func (r Report) Findings() []plan.Finding {
	var out []plan.Finding
	for _, m := range r.Misses() {
		out = append(out, m.Finding)
	}
	for _, i := range r.Ignored {
		if text := i.Problem(); text != "" {
			file, line := splitPlace(i.Where)
			out = append(out, plan.Finding{
				Code: "coverage_ignore", Severity: plan.SeverityWarning, Subject: i.Subject, Column: i.Check,
				File: file, Line: line, Message: text, Fix: "ignore: [{check: parity, reason: …, until: \"2027-01-31\"}]",
			})
		}
	}
	return out
}

// Problem says why a suppression does not count; empty if it does, or has
// nothing to do here.
func (i Ignored) Problem() string {
	switch i.State {
	case IgnoreExpired:
		return "the suppression of " + i.Check + " ended on " + i.Until.Format(time.DateOnly) + ": it does not count any more"
	case IgnoreNoReason:
		return "the suppression of " + i.Check + " gives no reason: it does not count"
	case IgnoreUnknown:
		return "there is no check " + cmp.Or(i.Check, "without a name") + " to suppress"
	case IgnoreInvalid:
		return "a suppression cannot be read: " + i.Mistake
	case IgnoreUsed, IgnoreUnused, IgnoreOther:
	}
	return ""
}

// splitPlace takes file:line apart.
func splitPlace(where string) (file string, line int) {
	where, _, _ = strings.Cut(where, ", ")
	at := strings.LastIndexByte(where, ':')
	if at < 0 {
		return where, 0
	}
	for _, c := range where[at+1:] {
		if c < '0' || c > '9' {
			return where, 0
		}
		line = line*10 + int(c-'0')
	}
	return where[:at], line
}
