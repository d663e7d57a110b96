package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"exposync/internal/yamlx"
)

// checkExposureType wants one of the types that dbt knows: with another one, or none,
// dbt stops, and what is meant to be an application is checked by no other rule.
func checkExposureType(p *project) []Finding {
	const fix = "type: application   # or dashboard, notebook, analysis, ml"
	var out []Finding
	for _, x := range p.exposures {
		if x.yaml == nil {
			continue
		}
		switch kind := x.text("type"); {
		case kind == "":
			out = append(out, x.finding(x.name+" has no type: dbt does not load it", fix, "type"))
		case !jinja(kind) && !slices.Contains(exposureTypes(), kind):
			out = append(out, x.finding(fmt.Sprintf("%s: dbt knows no type %q of an exposure", x.name, kind), fix, "type"))
		}
	}
	return out
}

// checkParents wants depends_on as dbt reads it: a list of texts, each with
// calls of ref, source or metric. dbt puts the braces around them itself.
func checkParents(p *project) []Finding {
	var out []Finding
	for _, x := range p.exposures {
		if x.yaml == nil {
			continue
		}
		parents := x.yaml.item.Get("depends_on")
		for i, n := range parentsOf(parents) {
			message := unreadParent(n, parents.Kind == yamlx.List)
			if message == "" {
				continue
			}
			f := x.finding(x.name+": "+message, "depends_on: [ref('export_customers')]", "depends_on")
			f.Column = fmt.Sprintf("depends_on.%d", i)
			if n.Line > 0 {
				x.yaml.doc.place(&f, n.Start)
			}
			out = append(out, f)
		}
	}
	return out
}

// parentsOf are the entries of a list, or what stands in the place of one.
func parentsOf(n *yamlx.Node) []*yamlx.Node {
	if n.IsNull() || n.Kind == yamlx.List {
		return itemsOf(n)
	}
	return []*yamlx.Node{n}
}

// unreadParent says why dbt cannot read an entry of depends_on; empty if it can.
func unreadParent(n *yamlx.Node, listed bool) string {
	text, isText := n.Scalar()
	switch {
	case !isText && listed:
		return "an entry of depends_on is no text: dbt wants ref('…')"
	case !listed:
		return "depends_on is no list, which dbt wants"
	case strings.Contains(text, "{{") || strings.Contains(text, "{%"):
		return "dbt puts the braces around an entry of depends_on itself, so with braces it cannot be read"
	case !callsParent().MatchString(text):
		return fmt.Sprintf("the entry %q of depends_on is no call of ref, source or metric, so it is no parent", text)
	}
	return ""
}

func callsParent() *regexp.Regexp { return regexp.MustCompile(`\b(?:ref|source|metric|function)\s*\(`) }
