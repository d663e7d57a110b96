package impact

import (
	"fmt"
	"strings"

	"exposync/internal/dbt"
)

// compareWorlds decides whether both manifests are of one database and schema.
// In a pull request the new one is often of a schema of its own: then a
// relation has moved only where its configuration says so.
func (c *comparison) compareWorlds() {
	same, other := 0, map[string]int{}
	for id, is := range c.after.Project.Nodes {
		was := c.before.Project.Nodes[id]
		if was == nil || !is.Relation() || is.ResourceType == "source" || was.RelationName == "" || is.RelationName == "" || c.differ[id].Relation {
			continue
		}
		if was.Database == is.Database && was.SchemaName == is.SchemaName {
			same++
			continue
		}
		other[worldText(was, is)]++
	}
	most, example := 0, ""
	for text, n := range other {
		if n > most || n == most && text < example {
			most, example = n, text
		}
	}
	c.sameWorld = most <= same
	c.worlds = other
	if !c.sameWorld {
		c.note("the manifests are of different places (" + example + "): a relation counts as moved only where its configuration says so")
	}
}

func worldText(was, is *dbt.Node) string { return where(was) + " before, " + where(is) + " after" }

func where(n *dbt.Node) string { return n.Database + "." + n.SchemaName }

// plain is a relation's name without quotes.
func plain(relation string) string {
	return strings.NewReplacer(`"`, "", "`", "", "[", "", "]", "").Replace(relation)
}

func (c *comparison) relationChange(was, is *dbt.Node) {
	before, after := plain(was.RelationName), plain(is.RelationName)
	if before == "" || after == "" {
		return
	}
	moved := before != after
	if !c.sameWorld {
		last := func(s string) string { return s[strings.LastIndexByte(s, '.')+1:] }
		elsewhere := c.differ[is.UniqueID].Relation
		if is.ResourceType == "source" { // dbt fills in its schema before it compares
			elsewhere = where(was) != where(is) && c.worlds[worldText(was, is)] == 0
		}
		moved = moved && (elsewhere || last(before) != last(after))
	}
	if !moved {
		return
	}
	kind := Kind("relation_moved")
	if is.ResourceType == "source" {
		kind = "source_moved"
	}
	file, line := c.at(is, "")
	c.add(Change{
		Kind: kind, Subject: is.UniqueID, Before: before, After: after, File: file, Line: line,
		Message: fmt.Sprintf("%s is %s now, was %s", title(is), after, before),
	})
}

// materialization compares how dbt keeps the rows.
func (c *comparison) materialization(was, is *dbt.Node) {
	a, b := was.Materialized, is.Materialized
	if a == b || a == "" || b == "" {
		return
	}
	kind := Kind("rematerialised")
	switch {
	case b == "ephemeral":
		kind = "made_ephemeral"
	case a == "incremental" || a == "snapshot":
		kind = "incremental_left"
	case b == "view":
		kind = "made_view"
	case b == "incremental":
		kind = "incremental_begun"
	}
	file, line := c.at(is, "")
	c.add(Change{
		Kind: kind, Subject: is.UniqueID, Before: a, After: b, File: file, Line: line,
		Message: fmt.Sprintf("%s is %s now, was %s", title(is), kept(b), kept(a)),
	})
}

// kept is a materialization as a sentence has it.
func kept(materialized string) string {
	switch materialized {
	case "table", "view", "snapshot", "seed":
		return "a " + materialized
	}
	return materialized
}
