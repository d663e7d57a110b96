package lint

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"exposync/internal/job"
	"exposync/internal/plan"
	"exposync/internal/yamlx"
)

// exposureRules are about what an exposure has to say so that people know what
// it is, whose it is and how fresh it has to be.
func exposureRules() []Rule {
	return []Rule{
		{Code: "exposure_no_owner", Severity: plan.SeverityError, check: checkOwner},
		{Code: "exposure_no_url", Severity: plan.SeverityWarning, check: lacks("url", "has no url: nobody finds what it feeds", "url: https://…")},
		{Code: "exposure_no_description", Severity: plan.SeverityWarning, check: lacks("description", "has no description", `description: "{{ doc('%s') }}"`)},
		{Code: "exposure_no_maturity", Severity: plan.SeverityWarning, check: lacks("maturity", "says no maturity", "maturity: high    # or medium, low")},
		{Code: "exposure_no_sla", Severity: plan.SeverityWarning, check: checkSLA},
		{Code: "exposure_maturity_unknown", Severity: plan.SeverityWarning, check: checkMaturity},
		{Code: "exposure_placeholder", Severity: plan.SeverityWarning, check: checkPlaceholders},
		{Code: "exposure_url_invalid", Severity: plan.SeverityWarning, check: checkURL},
		{Code: "exposure_name_invalid", Severity: plan.SeverityWarning, check: checkName},
		{Code: "exposure_type_unknown", Severity: plan.SeverityError, check: checkExposureType},
		{Code: "exposure_parents_unread", Severity: plan.SeverityError, check: checkParents},
		{Code: "exposure_no_parents", Severity: plan.SeverityError, check: checkNoParents},
		{Code: "exposure_no_sync", Severity: plan.SeverityInfo, check: checkNoSync},
		{Code: "exposure_watched_only", Severity: plan.SeverityInfo, check: checkWatched},
	}
}

// ofApplications checks the application exposures one by one.
func ofApplications(look func(p *project, x *exposure) []Finding) func(*project) []Finding {
	return func(p *project) []Finding {
		var out []Finding
		for _, x := range p.applications() {
			out = append(out, look(p, x)...)
		}
		return out
	}
}

// lacks wants a property. %s of the fix is the exposure's name.
func lacks(key, message, fix string) func(*project) []Finding {
	return ofApplications(func(p *project, x *exposure) []Finding {
		if x.text(key) != "" || !p.sends(x) {
			return nil
		}
		if strings.Contains(fix, "%s") {
			return []Finding{x.finding(x.name+" "+message, fmt.Sprintf(fix, x.name), key)}
		}
		return []Finding{x.finding(x.name+" "+message, fix, key)}
	})
}

// sends reports whether rows leave the warehouse by the exposure, as far as one
// can tell: it declares a sync, shows one, or depends on an export model.
func (p *project) sends(x *exposure) bool {
	if x.block() != nil || x.watched() != "" {
		return true
	}
	exports := p.in.Config.Exports
	if x.dbt != nil {
		return slices.ContainsFunc(x.dbt.DependsOn, func(id string) bool {
			n := p.in.Project.Nodes[id]
			return n != nil && n.ResourceType == "model" && exports.Has(n.Name, slashes(n.Path), n.Tags)
		})
	}
	return slices.ContainsFunc(x.refs(), func(r unpinned) bool { return exports.Has(r.name, "", nil) })
}

func checkOwner(p *project) []Finding {
	return ofApplications(func(_ *project, x *exposure) []Finding {
		if x.who() != "" {
			return nil
		}
		return []Finding{x.finding(x.name+" has no owner: nobody is told when it fails", "owner: {name: Lifecycle team, email: lifecycle@example.com}", "owner")}
	})(p)
}

func checkSLA(p *project) []Finding {
	return ofApplications(func(_ *project, x *exposure) []Finding {
		if !x.synced() && x.watched() == "" || x.saysSLA() {
			return nil
		}
		return []Finding{x.finding(x.name+" does not say how stale the destination may be, so nobody is told when it is late", "exposync: {sla: 24h}")}
	})(p)
}

// saysSLA reports whether the exposure says an SLA, for itself or for each of
// its syncs.
func (x *exposure) saysSLA() bool {
	block := x.block()
	if !block.Get("sla").IsNull() {
		return true
	}
	syncs := pairsOf(block.Get("syncs"))
	return len(syncs) > 0 && !slices.ContainsFunc(syncs, func(e yamlx.Pair) bool { return e.Value.Get("sla").IsNull() })
}

func checkMaturity(p *project) []Finding {
	return ofApplications(func(_ *project, x *exposure) []Finding {
		m := x.text("maturity")
		if m == "" || jinja(m) || slices.Contains([]string{"low", "medium", "high"}, m) {
			return nil
		}
		return []Finding{x.finding(fmt.Sprintf("%s: maturity is %q: dbt 1.x refuses what is none of low, medium and high", x.name, m), "maturity: medium", "maturity")}
	})(p)
}

func jinja(text string) bool { return strings.Contains(text, "{{") || strings.Contains(text, "{%") }

func checkPlaceholders(p *project) []Finding {
	return ofApplications(func(_ *project, x *exposure) []Finding {
		var out []Finding
		if placeholder(x.text("url")) {
			f := x.finding(x.name+": the url still holds a placeholder", "write the address of the sync or of what it feeds", "url")
			f.Column = "url"
			out = append(out, f)
		}
		_, emails := x.owner()
		if slices.ContainsFunc(emails, func(e string) bool { return strings.Contains(e, "*") || placeholder(e) }) {
			f := x.finding(x.name+": the owner's e-mail address is masked or a placeholder", "write the whole address", "owner", "email")
			f.Column = "owner.email"
			out = append(out, f)
		}
		return out
	})(p)
}

// placeholder reports whether a text holds <something> to be filled in.
func placeholder(text string) bool {
	return regexp.MustCompile(`<[^<>]+>`).MatchString(text) || strings.Contains(text, "…")
}

func checkURL(p *project) []Finding {
	return ofApplications(func(_ *project, x *exposure) []Finding {
		text := x.text("url")
		if text == "" || jinja(text) || placeholder(text) {
			return nil
		}
		u, err := url.Parse(text)
		if err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
			return nil
		}
		return []Finding{x.finding(x.name+": the url is no address that begins with https:// or http://", "url: https://…", "url")}
	})(p)
}

func checkName(p *project) []Finding {
	var out []Finding
	for _, x := range p.exposures {
		if !regexp.MustCompile(`^[\w-]+$`).MatchString(x.name) && !jinja(x.name) {
			out = append(out, x.finding(fmt.Sprintf("the name %q has other characters than letters, digits, _ and -", x.name), "rename it; say `was:` if it was synced already", "name"))
		}
	}
	return out
}

func checkNoParents(p *project) []Finding {
	return ofApplications(func(_ *project, x *exposure) []Finding {
		if x.depends() {
			return nil
		}
		return []Finding{x.finding(x.name+" depends on nothing: the gate can prove nothing and blocks it", "depends_on: [ref('export_…')]", "depends_on")}
	})(p)
}

// depends reports whether the exposure depends on anything. Where its key is
// misspelt, that is said elsewhere.
func (x *exposure) depends() bool {
	if x.yaml == nil {
		return len(x.dbt.DependsOn) > 0
	}
	for _, key := range append([]string{"depends_on"}, dependsOnWords()...) {
		if n := x.yaml.item.Get(key); len(itemsOf(n)) > 0 || n != nil && n.Kind == yamlx.String && strings.TrimSpace(n.Text) != "" {
			return true
		}
	}
	return false
}

func checkNoSync(p *project) []Finding {
	return ofApplications(func(_ *project, x *exposure) []Finding {
		if x.block() != nil || x.watched() != "" || placeholder(x.text("url")) {
			return nil
		}
		message := x.name + " is of type application, but declares no sync, and its url shows none"
		if x.text("url") == "" {
			message = x.name + " is of type application, but declares no sync and has no url"
		}
		if tool := biTool(x.text("url")); tool != "" {
			message = x.name + " is of type application, but its url shows " + tool
		}
		return []Finding{x.finding(message, "say where it goes with exposync: in its meta; if nothing is sent, use type dashboard, notebook, analysis or ml", "type")}
	})(p)
}

// biTool is the reporting tool that an address shows; empty if it shows none.
func biTool(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Hostname())
	for _, t := range []struct{ part, name string }{
		{"looker", "Looker"},
		{"lookerstudio", "Looker Studio"},
		{"tableau", "Tableau"},
		{"powerbi", "Power BI"},
		{"metabase", "Metabase"},
		{"mode.com", "Mode"},
		{"superset", "Superset"},
		{"sigmacomputing", "Sigma"},
		{"lightdash", "Lightdash"},
		{"hex.tech", "Hex"},
		{"thoughtspot", "ThoughtSpot"},
		{"redash", "Redash"},
	} {
		if strings.Contains(host, t.part) {
			return t.name
		}
	}
	return ""
}

func checkWatched(p *project) []Finding {
	return ofApplications(func(_ *project, x *exposure) []Finding {
		if x.watched() == "" || x.synced() {
			return nil
		}
		message, fix := x.name+" shows a sync of "+x.watched()+", which Exposync watches and does not trigger", "exposync: {hosted: "+x.watched()+"/ID, sla: 24h}"
		switch page, _ := job.PageOf(x.text("url")); {
		case page.Search:
			message = x.name + " shows a search of " + x.watched() + ", which stands for many syncs: Exposync triggers none of them"
			fix = "exposync: {syncs: {NAME: {hosted: " + x.watched() + "/ID}}, sla: 24h}"
		case page.Sync != "":
			fix = "exposync: {hosted: " + x.watched() + "/" + page.Sync + ", sla: 24h}"
		}
		return []Finding{x.finding(message, fix, "url")}
	})(p)
}
