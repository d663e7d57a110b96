package impact

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"exposync/internal/dbt"
)

// data reports whether rows come from nodes of this type.
func data(n *dbt.Node) bool {
	switch n.ResourceType {
	case "model", "seed", "snapshot", "source":
		return true
	}
	return false
}

// lineage reports whether a node can stand between a change and an exposure;
// tests are compared by themselves.
func lineage(n *dbt.Node) bool {
	return !n.Test() && n.ResourceType != "operation" && n.ResourceType != "analysis"
}

// nodes compares everything that is no test.
func (c *comparison) nodes() {
	c.pairRenamed()
	for _, id := range slices.Sorted(maps.Keys(c.before.Project.Nodes)) {
		n := c.before.Project.Nodes[id]
		if _, stays := c.after.Project.Nodes[id]; stays || !lineage(n) {
			continue
		}
		if to, ok := c.renamed[id]; ok {
			c.renamedNode(n, c.after.Project.Nodes[to])
			continue
		}
		c.goneNode(n)
	}
	for _, id := range slices.Sorted(maps.Keys(c.after.Project.Nodes)) {
		is := c.after.Project.Nodes[id]
		if !lineage(is) {
			continue
		}
		if was := c.before.Project.Nodes[id]; was != nil {
			c.node(was, is)
		} else if c.was[id] == "" {
			c.newNode(is)
		}
	}
}

func (c *comparison) goneNode(n *dbt.Node) {
	kind, word := Kind("model_removed"), "is gone"
	if _, off := c.after.Project.Disabled[n.UniqueID]; off {
		kind, word = "model_disabled", "is disabled"
	}
	if n.ResourceType == "source" {
		kind = "source_removed"
	}
	c.add(Change{Kind: kind, Subject: n.UniqueID, Before: n.RelationName, File: n.Path, Message: title(n) + " " + word})
}

func (c *comparison) newNode(n *dbt.Node) {
	kind, word := Kind("model_added"), "is new"
	if _, off := c.before.Project.Disabled[n.UniqueID]; off {
		kind, word = "model_enabled", "is enabled"
	}
	if n.ResourceType == "source" {
		kind = "source_added"
	}
	c.add(Change{Kind: kind, Subject: n.UniqueID, After: n.RelationName, File: n.Path, Message: title(n) + " " + word})
}

// pairRenamed finds nodes that go by another name: one that is gone and one
// that is new, with the same SQL and no other like them.
func (c *comparison) pairRenamed() {
	gone, fresh := map[string][]*dbt.Node{}, map[string][]*dbt.Node{}
	signature := func(n *dbt.Node) string {
		return n.ResourceType + " " + n.Package + " " + n.Checksum + " " + strings.Join(n.DependsOn, " ")
	}
	collect := func(from, other map[string]*dbt.Node, into map[string][]*dbt.Node) {
		for id, n := range from {
			if other[id] == nil && (n.ResourceType == "model" || n.ResourceType == "snapshot" || n.ResourceType == "seed") && n.Checksum != "" {
				into[signature(n)] = append(into[signature(n)], n)
			}
		}
	}
	collect(c.before.Project.Nodes, c.after.Project.Nodes, gone)
	collect(c.after.Project.Nodes, c.before.Project.Nodes, fresh)
	for what, nodes := range gone {
		if len(nodes) == 1 && len(fresh[what]) == 1 {
			c.renamed[nodes[0].UniqueID] = fresh[what][0].UniqueID
			c.was[fresh[what][0].UniqueID] = nodes[0].UniqueID
		}
	}
}

func (c *comparison) renamedNode(was, is *dbt.Node) {
	c.add(Change{
		Kind: "model_renamed", Subject: is.UniqueID, Before: shown(was), After: shown(is), File: is.Path,
		Message: renamedText(was, is),
	})
	c.columnChanges(was, is)
}

// renamedText says how the name changed: a model that gets its first version
// keeps its own name, and yet is another node in another relation.
func renamedText(was, is *dbt.Node) string {
	switch {
	case was.Name == is.Name && was.Version == "":
		return fmt.Sprintf("%s has versions now, and this one is %s", title(was), shown(is))
	case was.Name == is.Name && is.Version == "":
		return fmt.Sprintf("%s is %s now, without a version", title(was), shown(is))
	}
	return fmt.Sprintf("%s looks renamed to %s", title(was), shown(is))
}

// node compares a node that both sides have.
func (c *comparison) node(was, is *dbt.Node) {
	known := len(c.changes)
	c.columnChanges(was, is)
	c.constraintChanges(was, is)
	told := len(c.changes) > known
	if data(is) {
		c.relationChange(was, is)
		c.materialization(was, is)
		c.governance(was, is, told)
	}
	if is.ResourceType == "source" {
		c.freshness(was, is)
	}
	c.logic(was, is, len(c.changes) > known)
	if was.Path != is.Path && is.Path != "" {
		c.add(Change{
			Kind: "file_moved", Subject: is.UniqueID, Before: was.Path, After: is.Path, File: is.Path,
			Message: title(is) + " stands in another file",
		})
	}
}

// logic tells of what dbt calls modified: SQL, macros, configuration, and
// whatever else where nothing was said yet.
func (c *comparison) logic(was, is *dbt.Node, said bool) {
	d := c.differ[is.UniqueID]
	known := len(c.changes)
	add := func(kind Kind, before, after, message string) {
		c.add(Change{Kind: kind, Subject: is.UniqueID, Before: before, After: after, File: is.Path, Message: message})
	}
	if d.Body {
		what := "SQL"
		if is.ResourceType == "seed" {
			what = "data"
		}
		add("logic_changed", short(was.Checksum), short(is.Checksum), fmt.Sprintf("the %s of %s changed", what, is.Name))
	}
	if len(d.Macros) > 0 {
		add("macro_changed", "", "", fmt.Sprintf("%s uses %s, which changed or calls what did", is.Name, macroNames(d.Macros)))
	}
	keys := c.configKeys(was, is)
	if len(keys) > 0 {
		add("config_changed", configText(was, keys), configText(is, keys), fmt.Sprintf("the configuration of %s changed: %s", is.Name, strings.Join(keys, ", ")))
	}
	said = said || len(c.changes) > known || was.LatestVersion != is.LatestVersion
	moved := d.Relation && !c.sameWorld // told already, or of another place
	switch {
	case !said && (d.Configs || d.Persisted):
		add("config_respelled", "", "", fmt.Sprintf("what YAML says about %s changed, and nothing that dbt builds", is.Name))
	case !said && d.Modified && was.Path == is.Path && !moved:
		add("other_changed", "", "", fmt.Sprintf("dbt calls %s modified", is.Name))
	}
}

func short(sum string) string { return sum[:min(len(sum), 12)] }

func macroNames(ids []string) string {
	var out []string
	for _, id := range ids {
		out = append(out, "the macro "+strings.TrimPrefix(id, "macro."))
	}
	if len(out) > 3 {
		out = append(out[:3], fmt.Sprintf("%d more", len(out)-3))
	}
	return strings.Join(out, " and ")
}

// title is a node as a sentence begins with it.
func title(n *dbt.Node) string {
	if n.ResourceType == "source" {
		return "source " + n.SourceName + "." + n.Name
	}
	return n.ResourceType + " " + shown(n)
}

// shown is a node's name, with its version.
func shown(n *dbt.Node) string {
	if n.Version != "" {
		return n.Name + ".v" + n.Version
	}
	return n.Name
}
