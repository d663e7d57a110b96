package lint

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"exposync/internal/coverage"
	"exposync/internal/dbt"
	"exposync/internal/plan"
	"exposync/internal/yamlx"
)

// exportRules are about the models that leave the warehouse: what they are
// called, where they are, and that they only pick, name and cast.
func exportRules() []Rule {
	return []Rule{
		{Code: "export_no_exposure", Severity: plan.SeverityWarning, needs: needManifest, check: ofExports(checkExposed)},
		{Code: "export_misnamed", Severity: plan.SeverityWarning, needs: needManifest, check: ofExports(checkExportName)},
		{Code: "export_misplaced", Severity: plan.SeverityWarning, needs: needManifest, check: ofExports(checkExportFolder)},
		{Code: "export_same_parent", Severity: plan.SeverityWarning, needs: needManifest, check: checkSameParent},
		{Code: "export_used", Severity: plan.SeverityWarning, needs: needManifest, check: ofExports(checkUsed)},
		{Code: "export_heavy", Severity: plan.SeverityWarning, needs: needManifest, check: ofExports(checkHeavy)},
		{Code: "export_not_view", Severity: plan.SeverityWarning, needs: needManifest, check: ofExports(checkNotView)},
		{Code: "export_view_chain", Severity: plan.SeverityWarning, needs: needManifest, check: ofExports(checkChain)},
	}
}

// ofExports checks the export models of the project one by one.
func ofExports(look func(p *project, n *dbt.Node) []Finding) func(*project) []Finding {
	return func(p *project) []Finding {
		var out []Finding
		for _, n := range p.in.Facts.Exports {
			if n.Package == p.in.Name {
				out = append(out, look(p, n)...)
			}
		}
		return out
	}
}

// node is a finding about a node, or a column of it, where its YAML is.
func (p *project) node(n *dbt.Node, column, message, fix string) Finding {
	f := Finding{Finding: plan.Finding{Subject: n.UniqueID, Column: column, Message: message, Fix: fix, Owner: p.in.Facts.Owner(n.UniqueID)}}
	place := p.in.Facts.Place(n.UniqueID, column)
	f.File, f.Line, f.Col = place.File, place.Line, place.Col
	return f
}

// code is a finding in the file of a model's SQL, at a byte of it.
func (p *project) code(n *dbt.Node, at int, message, fix string) Finding {
	f := p.node(n, "", message, fix)
	file := slashes(n.Path)
	f.File, f.Line, f.Col = file, 0, 0
	if text, ok := p.in.Files[file]; ok {
		f.Line, f.Col = yamlx.Position(text, at)
	}
	return f
}

// about is a finding about whatever has that unique_id.
func (p *project) about(id, message, fix string) Finding {
	if i := slices.IndexFunc(p.exposures, func(x *exposure) bool { return x.id == id }); i >= 0 {
		return p.exposures[i].finding(message, fix)
	}
	if p.in.Facts != nil {
		if n := p.in.Facts.Project.Nodes[id]; n != nil {
			return p.node(n, "", message, fix)
		}
	}
	f := Finding{Finding: plan.Finding{Subject: id, Message: message, Fix: fix}}
	for name, m := range p.models {
		if p.modelID(name) == id {
			f.File, f.Line, f.Col = m.doc.path, m.item.Line, m.item.Col
		}
	}
	return f
}

func checkExposed(p *project, n *dbt.Node) []Finding {
	facts := p.in.Facts
	depends := func(e *coverage.Exposure) bool { return slices.Contains(facts.ExportsOf(e), n) }
	written := func(x *exposure) bool { return x.dbt == nil && x.mention(n.Name) != nil }
	if slices.ContainsFunc(facts.Applications, depends) || slices.ContainsFunc(p.applications(), written) {
		return nil
	}
	fix := fmt.Sprintf("exposures:\n  - name: %s\n    type: application\n    owner: {name: …, email: …}\n    depends_on: [ref('%s')]", strings.TrimPrefix(n.Name, "export_")+"_export", n.Name)
	return []Finding{p.node(n, "", coverage.Label(n)+" leaves the warehouse, or nobody reads it: no application exposure depends on it", fix)}
}

func checkExportName(p *project, n *dbt.Node) []Finding {
	prefix := p.in.Config.Exports.Prefix
	if prefix == "" || strings.HasPrefix(n.Name, prefix) || !p.inFolder(n) {
		return nil
	}
	return []Finding{p.code(n, 0, fmt.Sprintf("%s is in a folder of exports, but is not called %s…", n.Name, prefix), "rename it to "+prefix+n.Name+", or move it")}
}

func checkExportFolder(p *project, n *dbt.Node) []Finding {
	if len(p.in.Config.Exports.Paths) == 0 || p.inFolder(n) || !strings.HasPrefix(n.Name, p.in.Config.Exports.Prefix) || p.in.Config.Exports.Prefix == "" {
		return nil
	}
	return []Finding{p.code(n, 0, fmt.Sprintf("%s is called like an export model, but is in %s", n.Name, path.Dir(slashes(n.Path))), "move it to "+p.in.Config.Exports.Paths[0])}
}

// inFolder reports whether a model's file is in one of the folders of exports.
func (p *project) inFolder(n *dbt.Node) bool {
	return slices.ContainsFunc(p.in.Config.Exports.Paths, func(folder string) bool { return strings.HasPrefix(slashes(n.Path), folder+"/") })
}

func checkSameParent(p *project) []Finding {
	facts := p.in.Facts
	over := map[string][]*dbt.Node{}
	for _, n := range facts.Exports {
		if parents := facts.Parents(n.UniqueID); len(parents) == 1 && n.Package == p.in.Name && n.LatestVersion == n.Version {
			over[parents[0].UniqueID] = append(over[parents[0].UniqueID], n)
		}
	}
	var out []Finding
	for _, parent := range sortedKeys(over) {
		for _, n := range over[parent][1:] {
			first := over[parent][0]
			out = append(out, p.node(n, "", fmt.Sprintf("%s and %s both read nothing but %s: what a record is would be said twice", first.Name, n.Name, coverage.Label(facts.Project.Nodes[parent])),
				"let the exposures share one export model, each with its own fields; or say why in ignore:"))
		}
	}
	return out
}

func checkUsed(p *project, n *dbt.Node) []Finding {
	by := p.builtOn(n.UniqueID)
	if len(by) == 0 {
		return nil
	}
	parent := "its parent"
	if parents := p.in.Facts.Parents(n.UniqueID); len(parents) == 1 {
		parent = coverage.Label(parents[0])
	}
	verb, them := "builds", "it"
	if len(by) > 1 {
		verb, them = "build", "them"
	}
	return []Finding{p.node(n, "", fmt.Sprintf("%s %s on the export %s, so a change made for a destination changes %s, too", andList(by), verb, coverage.Label(n), them), "let "+them+" read "+parent)}
}

// builtOn are the models and snapshots that read a node, by name.
func (p *project) builtOn(id string) []string {
	if p.children == nil {
		p.children = map[string][]string{}
		for _, child := range sortedKeys(p.in.Project.Parents) {
			if n := p.in.Project.Nodes[child]; n != nil && (n.ResourceType == "model" || n.ResourceType == "snapshot") {
				for _, parent := range p.in.Project.Parents[child] {
					p.children[parent] = append(p.children[parent], coverage.Label(n))
				}
			}
		}
	}
	return p.children[id]
}

func checkHeavy(p *project, n *dbt.Node) []Finding {
	file := slashes(n.Path)
	text, own := p.in.Files[file]
	sql := string(text)
	switch {
	case path.Ext(file) != ".sql":
		return nil
	case !own && (n.CompiledCode == "" || strings.Contains(n.CompiledCode, "__dbt__cte__")):
		return nil // compiled code holds the ephemeral parents, too
	case !own:
		sql = n.CompiledCode
	}
	found := workOf(sql)
	if len(found) == 0 {
		return nil
	}
	var what []string
	for _, w := range found {
		line, _ := yamlx.Position([]byte(sql), w.at)
		phrase := fmt.Sprintf("%s (%s, line %d)", w.what, w.word, line)
		if !slices.ContainsFunc(what, func(s string) bool { return strings.HasPrefix(s, w.what) }) {
			what = append(what, phrase)
		}
	}
	return []Finding{p.code(n, found[0].at, coverage.Label(n)+" "+andList(what)+": an export picks, names and casts", "do that in its parent, where it is tested once for all who read it")}
}

// andList writes phrases as people do: a, b and c.
func andList(items []string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	return strings.Join(items[:len(items)-1], ", ") + " and " + items[len(items)-1]
}

func checkNotView(p *project, n *dbt.Node) []Finding {
	switch n.Materialized {
	case "view", "materialized_view", "ephemeral", "": // of an ephemeral one the sync itself says that it cannot be read
		return nil
	}
	return []Finding{p.node(n, "", fmt.Sprintf("%s is materialized as %s: a view over a table is always current and needs no rebuild", coverage.Label(n), n.Materialized),
		"{{ config(materialized='view') }}, or say why: config: {meta: {exposync: {ignore: [{check: export_not_view, reason: …}]}}}")}
}

func checkChain(p *project, n *dbt.Node) []Finding {
	chain := p.in.Facts.ChainOf(n)
	if chain.OK(p.in.viewDepth()) {
		return nil
	}
	message := coverage.Label(n) + " reads views on views"
	if chain.Raw {
		message = coverage.Label(n) + " shows raw data: no table is between it and a source"
	}
	return []Finding{p.node(n, "", message+": "+chain.String(), "materialize its parent as a table")}
}
