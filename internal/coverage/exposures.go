package coverage

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"exposync/internal/dbt"
	"exposync/internal/fault"
)

// exports asks (a): does an application exposure depend on the export model?
func exports(f *Facts) answer {
	users := map[string][]*Exposure{}
	for _, u := range f.used(f.Applications) {
		users[u.Model.UniqueID] = u.Exposures
	}
	var a answer
	for _, n := range f.Exports {
		i := item{
			subject: n.UniqueID, name: Label(n), hits: len(users[n.UniqueID]), evidence: f.lastResult(n.UniqueID),
		}
		i.lazy = func() (string, string) {
			return "no application exposure depends on " + Label(n) + ": nobody is told what it feeds", f.exposureSnippet(n)
		}
		a.items = append(a.items, i)
	}
	return a
}

// lastResult is the newest result of a node in words.
func (f *Facts) lastResult(id string) string {
	s, ok := f.Standing(id)
	if !ok {
		return ""
	}
	return s.Status + " in dbt " + s.Which + " of " + s.GeneratedAt.UTC().Format("2006-01-02 15:04")
}

// targets asks (b): does the exposure read an export model?
func targets(f *Facts) answer {
	var a answer
	for _, e := range f.Applications {
		i := f.ofExposure(e)
		i.hits = len(f.ExportsOf(e))
		i.lazy = func() (string, string) {
			return e.Name + " " + f.reads(e), f.exportSnippet(e)
		}
		a.items = append(a.items, i)
	}
	return a
}

func (f *Facts) ofExposure(e *Exposure) item {
	return item{subject: e.UniqueID, name: e.Name, via: []*Exposure{e}}
}

// reads says what an exposure depends on that is no export model.
func (f *Facts) reads(e *Exposure) string {
	if len(e.DependsOn) == 0 {
		return "depends on nothing"
	}
	var names []string
	for _, id := range e.DependsOn {
		switch d, off := f.Project.Disabled[id]; {
		case f.Project.Nodes[id] != nil:
			names = append(names, Label(f.Project.Nodes[id]))
		case off:
			names = append(names, d.Name+" (disabled in dbt)")
		default:
			names = append(names, id+" (not in the manifest)")
		}
	}
	return "depends on " + quoted(names) + ", and on no export model"
}

// bound asks (c): does the exposure name its sync?
func bound(f *Facts) answer {
	var a answer
	for _, e := range f.Applications {
		i := f.ofExposure(e)
		why := unbound(e)
		if why == "" {
			i.hits = max(1, len(e.Jobs))
		}
		i.lazy = func() (string, string) { return e.Name + ": " + why, f.bindSnippet(e) }
		a.items = append(a.items, i)
	}
	return a
}

// unbound says why no sync belongs to an exposure; empty if one does. What is
// not set up here (a connection, a target) is no fault of the declaration.
func unbound(e *Exposure) string {
	for _, j := range e.Jobs {
		for _, p := range j.Problems {
			if p.Whose == fault.Mapping {
				return "its sync never runs: " + p.Msg
			}
		}
	}
	switch {
	case len(e.Jobs) > 0 || e.SyncID() != "":
		return ""
	case e.Watched != "":
		return "its url shows " + e.Watched + ", but not the id of a sync"
	case strings.TrimSpace(e.URL) != "" && placeholder(e.URL):
		return "it has no sync under exposync:, and its url is no address"
	case placeholder(e.URL):
		return "it has neither a sync under exposync: nor a url"
	}
	return "it has no sync under exposync:, and its url shows no sync"
}

// hosted asks (d): does an exposure stand for the hosted sync?
func hosted(f *Facts) answer {
	if f.in.Hosted == nil {
		return answer{absent: "no tool was asked: see --online"}
	}
	unread := quoted(slices.Sorted(maps.Keys(f.in.Hosted.Unread)))
	switch inv := f.in.Hosted; {
	case len(inv.Syncs) == 0 && unread != "":
		return answer{absent: "not read: " + unread}
	case len(inv.Syncs) == 0 && len(inv.Asked) == 0:
		return answer{absent: "there is no hosted tool to ask"}
	}
	reads := map[string]bool{}
	ids := map[string]bool{}
	for _, e := range f.Applications {
		for _, id := range slices.Concat(e.DependsOn, e.Lineage.Reads) {
			reads[id] = true
		}
		for _, h := range f.hostedOf(e) {
			ids[h.Ref()] = true
		}
	}
	var a answer
	for _, h := range f.in.Hosted.Syncs {
		n := f.ModelOf(h)
		i := item{subject: h.Ref(), name: h.Name}
		if ids[h.Ref()] || n != nil && reads[n.UniqueID] {
			i.hits = 1
		}
		i.lazy = func() (string, string) { return f.unclaimed(h, n), f.hostedSnippet(h, n) }
		a.items = append(a.items, i)
	}
	if unread != "" {
		a.note = "not read: " + unread
	}
	return a
}

func (f *Facts) unclaimed(h HostedSync, n *dbt.Node) string {
	text := h.Tool + " sync " + h.ID
	if h.Name != "" {
		text += " (" + h.Name + ")"
	}
	switch {
	case n != nil:
		text += " reads " + Label(n) + ", and no exposure stands for it"
	case h.Relation != "":
		text += " reads " + h.Relation + ", which is no model of this project"
	default:
		text += " does not say which model it reads"
	}
	if len(h.Columns) > 0 {
		text += "; it sends " + quoted(h.Columns)
	}
	if !h.Enabled {
		text += "; it is switched off"
	}
	return text
}

// described asks (e): is the exposure told about: owner, url, description,
// maturity and SLA?
func described(f *Facts) answer {
	var a answer
	for _, e := range f.Synced {
		for _, field := range fields() {
			i := f.ofExposure(e)
			i.column, i.missing = field, []string{field}
			why := f.unfilled(e, field)
			if why == "" {
				i.hits = 1
			}
			i.lazy = func() (string, string) { return e.Name + " " + why, f.fieldSnippet(e, field) }
			a.items = append(a.items, i)
		}
	}
	return a
}

// fields are the descriptive fields of an exposure.
func fields() []string { return []string{"owner", "url", "description", "maturity", "sla"} }

// unfilled says what is wrong with a field; empty if it is filled.
func (f *Facts) unfilled(e *Exposure, field string) string {
	missing := false
	switch field {
	case "owner":
		missing = masked(e.OwnerName) && !slices.ContainsFunc(e.OwnerEmails, func(s string) bool { return !masked(s) })
	case "url":
		if e.URL != "" && placeholder(e.URL) {
			return "has a url that leads nowhere"
		}
		missing = e.URL == ""
	case "description":
		missing = strings.TrimSpace(e.Description) == ""
	case "maturity":
		missing = e.Maturity == ""
	case "sla":
		missing = e.Stale() == 0
	}
	if !missing {
		return ""
	}
	return "has no " + field
}

func masked(s string) bool { return strings.Trim(s, " *") == "" || strings.Contains(s, "***") }

// placeholder reports whether an address is none: empty, not of the web, or
// with a part that was never filled in.
func placeholder(address string) bool {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return true
	}
	return strings.ContainsAny(address, "<>…") || strings.Contains(address, "...")
}

// fieldParts counts every field, and the exposures that have them all.
func fieldParts(items []item) []Part {
	var out []Part
	for _, field := range fields() {
		p := Part{Name: field}
		for _, i := range items {
			if i.column == field {
				p.Total++
				if i.covered() {
					p.Covered++
				}
			}
		}
		p.Share = share(p.Covered, p.Total)
		out = append(out, p)
	}
	missed := map[string]bool{}
	for _, i := range items {
		missed[i.subject] = missed[i.subject] || !i.covered()
	}
	all := Part{Name: "all five", Total: len(missed)}
	for _, m := range missed {
		if !m {
			all.Covered++
		}
	}
	all.Share = share(all.Covered, all.Total)
	return append(out, all)
}
