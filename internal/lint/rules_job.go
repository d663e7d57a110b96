package lint

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"exposync/internal/config"
	"exposync/internal/coverage"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/yamlx"
)

// jobRules are about what an exposure depends on, and about syncs that get
// into each other's way.
func jobRules() []Rule {
	return []Rule{
		{Code: "parent_missing", Severity: plan.SeverityError, needs: needManifest, check: checkParentThere},
		{Code: "parent_private", Severity: plan.SeverityWarning, needs: needManifest, check: checkPrivate},
		{Code: "parent_deprecated", Severity: plan.SeverityWarning, needs: needManifest, check: checkDeprecated},
		{Code: "parent_unpinned", Severity: plan.SeverityWarning, needs: needManifest | needYAML, check: checkUnpinned},
		{Code: "parent_not_export", Severity: plan.SeverityWarning, needs: needManifest, check: checkParentExport},
		{Code: "destination_twice", Severity: plan.SeverityWarning, needs: needManifest, check: checkTwice},
		{Code: "sla_unreachable", Severity: plan.SeverityWarning, needs: needManifest, check: checkReach},
	}
}

// parents visits what the application exposures depend on.
func (p *project) parents(visit func(x *exposure, id string)) {
	for _, x := range p.applications() {
		if x.dbt == nil {
			continue
		}
		for _, id := range x.dbt.DependsOn {
			visit(x, id)
		}
	}
}

func checkParentThere(p *project) []Finding {
	var out []Finding
	p.parents(func(x *exposure, id string) {
		if p.in.Project.Nodes[id] != nil || p.in.Project.Exposures[id] != nil {
			return
		}
		why := "is not in the manifest"
		if _, off := p.in.Project.Disabled[id]; off {
			why = "is disabled"
		}
		f := x.finding(fmt.Sprintf("%s depends on %s, which %s", x.name, nameOf(id), why), "enable it, or correct depends_on", "depends_on")
		f.Column = id
		out = append(out, f)
	})
	return out
}

// nameOf is the name in a unique_id.
func nameOf(id string) string {
	parts := strings.SplitN(id, ".", 3)
	return parts[len(parts)-1]
}

func checkPrivate(p *project) []Finding {
	var out []Finding
	p.parents(func(x *exposure, id string) {
		n := p.in.Project.Nodes[id]
		if n == nil || n.Access != "private" {
			return
		}
		f := x.finding(fmt.Sprintf("%s depends on %s, which is private to group %s: it may change without notice", x.name, n.Name, cmp.Or(n.Group, "?")), "access: public, or depend on a model that is", "depends_on")
		f.Column = id
		out = append(out, f)
	})
	return out
}

func checkDeprecated(p *project) []Finding {
	var out []Finding
	p.parents(func(x *exposure, id string) {
		n := p.in.Project.Nodes[id]
		if n == nil || n.Deprecation.IsZero() {
			return
		}
		when := "will be deprecated on "
		if !n.Deprecation.After(p.in.Now) {
			when = "is deprecated since "
		}
		f := x.finding(fmt.Sprintf("%s depends on %s, which %s%s", x.name, coverage.Label(n), when, n.Deprecation.Format(time.DateOnly)), "depend on what takes its place", "depends_on")
		f.Column = id
		out = append(out, f)
	})
	return out
}

func checkUnpinned(p *project) []Finding {
	var out []Finding
	p.parents(func(x *exposure, id string) {
		n := p.in.Project.Nodes[id]
		if n == nil || n.Version == "" {
			return
		}
		at := x.mention(n.Name)
		if at == nil {
			return
		}
		f := x.finding(fmt.Sprintf("%s depends on %s without a version: with the next one it reads other columns", x.name, n.Name), fmt.Sprintf("ref('%s', v=%s)", n.Name, n.Version), "depends_on")
		x.yaml.doc.place(&f, at.Start)
		f.Column = id
		out = append(out, f)
	})
	return out
}

// mention is where depends_on names a model without a version; nil if it does
// not.
func (x *exposure) mention(name string) *yamlx.Node {
	for _, r := range x.refs() {
		if r.name == name {
			return r.at
		}
	}
	return nil
}

// unpinned is a model that depends_on names without a version.
type unpinned struct {
	name string
	at   *yamlx.Node
}

// refPattern is a ref() without a version; its group is the model's name.
var refPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`ref\(\s*(?:['"][^'"]*['"]\s*,\s*)?['"]([^'"]+)['"]\s*\)`)
})

// refs are the models that depends_on names without a version.
func (x *exposure) refs() []unpinned {
	if x.yaml == nil {
		return nil
	}
	var out []unpinned
	for _, key := range append([]string{"depends_on"}, dependsOnWords()...) {
		n := x.yaml.item.Get(key)
		texts := itemsOf(n)
		if n != nil && n.Kind == yamlx.String {
			texts = []*yamlx.Node{n}
		}
		for _, text := range texts {
			for _, m := range refPattern().FindAllStringSubmatch(text.Text, -1) {
				out = append(out, unpinned{m[1], text})
			}
		}
	}
	return out
}

func checkParentExport(p *project) []Finding {
	var out []Finding
	exports := p.in.Config.Exports
	p.parents(func(x *exposure, id string) {
		n := p.in.Project.Nodes[id]
		if n == nil || !x.synced() && x.watched() == "" || n.ResourceType == "metric" || n.ResourceType == "model" && exports.Has(n.Name, slashes(n.Path), n.Tags) {
			return
		}
		f := x.finding(fmt.Sprintf("%s depends on %s, which is no export model: what is sent is not said in one place", x.name, coverage.Label(n)), "make a view "+cmp.Or(exports.Prefix, "export_")+"… over it and depend on that", "depends_on")
		f.Column = id
		out = append(out, f)
	})
	return out
}

func checkTwice(p *project) []Finding {
	var out []Finding
	jobs := p.in.Set.Jobs
	for i := range jobs {
		for k := range i {
			fields := p.shared(jobs[k], jobs[i])
			if len(fields) == 0 {
				continue
			}
			where := jobs[i].Connection + "." + jobs[i].Object
			message := fmt.Sprintf("%s and %s both write %s of %s: the one that runs last wins", jobs[k].ID, jobs[i].ID, shortList(fields), where)
			fix := "send each field by one sync, or say why in ignore:"
			if jobs[i].Hosted != nil {
				message = fmt.Sprintf("%s and %s both trigger %s/%s", jobs[k].ID, jobs[i].ID, jobs[i].Connection, jobs[i].Object)
				fix = "let one exposure depend on what both do"
			}
			f := p.about(jobs[i].Exposure, message, fix)
			f.Column = jobs[k].ID + " " + jobs[i].ID
			if line := lineOf(jobs[i].Where); line > 0 {
				f.Line, f.Col = line, 0
			}
			out = append(out, f)
		}
	}
	return out
}

// shared are the fields that two jobs both write to one object.
func (p *project) shared(a, b plan.Job) []string {
	same := a.Connection != "" && a.Object != "" && a.Object == b.Object && (a.Connection == b.Connection || p.sameAccount(a, b))
	if !same || a.Mode == plan.Append || b.Mode == plan.Append || (a.Hosted == nil) != (b.Hosted == nil) {
		return nil
	}
	if a.Hosted != nil {
		return []string{a.Object}
	}
	own, all := p.fieldsOf(a)
	theirs, every := p.fieldsOf(b)
	switch {
	case all && every:
		return []string{"all fields"}
	case all:
		return theirs
	case every:
		return own
	}
	return slices.DeleteFunc(own, func(f string) bool { return !slices.Contains(theirs, f) })
}

// fieldsOf are the fields that a job writes; all is true where it is all
// columns of a model that nobody says the columns of.
func (p *project) fieldsOf(j plan.Job) (fields []string, all bool) {
	for _, f := range j.Fields {
		fields = append(fields, f.Name)
	}
	if !j.AllFields {
		return fields, false
	}
	n := p.in.Project.Nodes[j.Source.Node]
	if n == nil {
		return nil, true
	}
	columns, known := p.in.Facts.Columns(n)
	for _, c := range columns {
		if !slices.ContainsFunc(j.Key, func(k plan.KeyField) bool { return strings.EqualFold(k.Column, c.Name) }) {
			fields = append(fields, c.Name)
		}
	}
	return fields, !known
}

// sameAccount reports whether two connections lead to one account, as far as
// exposync.yml tells.
func (p *project) sameAccount(a, b plan.Job) bool {
	for _, t := range sortedKeys(p.in.Config.Targets) {
		one, ok := p.in.Config.Connection(t, a.Connection)
		two, also := p.in.Config.Connection(t, b.Connection)
		if ok && also && !one.Sandbox && one.Type == two.Type && one.Account != "" && one.Account == two.Account {
			return true
		}
	}
	return false
}

// shortList names the first of many.
func shortList(items []string) string {
	const most = 4
	if len(items) <= most {
		return andList(items)
	}
	return fmt.Sprintf("%s and %d more", strings.Join(items[:most], ", "), len(items)-most)
}

func checkReach(p *project) []Finding {
	var out []Finding
	for _, x := range p.applications() {
		for _, r := range x.promises() {
			if r.every > r.sla {
				f := x.finding(fmt.Sprintf("%s runs every %s, so the destination is older than its sla of %s before the next run", r.who, lasting(r.every), lasting(r.sla)), "every: "+lasting(r.sla/2)+", or a longer sla")
				f.Column = r.who + " every"
				out = append(out, f)
			}
			out = append(out, p.slowSources(x, r)...)
		}
	}
	return out
}

// promise is how stale a sync may be, and how often it runs.
type promise struct {
	who        string
	sla, every time.Duration
}

// promises are what an exposure says about its syncs, each that says an SLA.
func (x *exposure) promises() []promise {
	var out []promise
	for _, j := range x.jobs {
		if j.SLA > 0 {
			out = append(out, promise{j.ID, j.SLA, j.Every})
		}
	}
	if len(x.jobs) == 0 && x.job.SLA > 0 {
		out = append(out, promise{x.name, x.job.SLA, 0})
	}
	return out
}

// slowSources are the sources upstream that may be older than the SLA before
// dbt says so.
func (p *project) slowSources(x *exposure, r promise) []Finding {
	var out []Finding
	for _, id := range p.in.Project.Ancestors(x.id) {
		n := p.in.Project.Nodes[id]
		if n.ResourceType != "source" || n.Freshness == nil {
			continue
		}
		allows, word := n.Freshness.WarnAfter, "warn_after"
		if allows == 0 {
			allows, word = n.Freshness.ErrorAfter, "error_after"
		}
		if allows <= r.sla {
			continue
		}
		f := x.finding(fmt.Sprintf("%s may be stale for %s, but its source %s may be %s old before dbt says a word (%s)", r.who, lasting(r.sla), coverage.Label(n), lasting(allows), word), "shorten "+word+" of the source to less than "+lasting(r.sla)+", or lengthen sla")
		f.Column = r.who + " " + id
		out = append(out, f)
	}
	return out
}

// lasting writes a duration as exposync.yml does: 6h, 1d12h.
func lasting(d time.Duration) string {
	var b strings.Builder
	for _, u := range []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if n := d / u.size; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d %= u.size
		}
	}
	return b.String()
}

// meant proposes a check for one that there is not.
func meant(check string) string {
	return suggestion(check, append(Codes(), coverage.Names()...))
}

func meantColumn(name string, columns []coverage.Column) string {
	var names []string
	for _, c := range columns {
		names = append(names, c.Name)
	}
	return suggestion(name, names)
}

func suggestion(word string, known []string) string {
	if near := fault.Suggest(word, known); near != "" && near != word {
		return "; did you mean " + near + "?"
	}
	return ""
}

// UnknownRules are the faults of codes in exposync.yml that are no rule's.
func UnknownRules(c config.Lint) fault.List {
	var out fault.List
	for _, code := range c.Codes() {
		if !slices.Contains(Codes(), code) {
			out = append(out, &fault.Fault{
				Code: "setting_invalid", Kind: fault.Config, Whose: fault.Setup, Where: c.Rules[code].Where,
				Msg: fmt.Sprintf("lint.rules: there is no rule %q%s", code, meant(code)), Hint: "exposync lint --list",
			})
		}
	}
	return out
}
