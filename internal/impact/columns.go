package impact

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"exposync/internal/dbt"
)

// The two sides, as an index.
const (
	then = iota
	now
)

// columns are those of one node, in table order. Names are compared whatever
// their case, as warehouses do.
type columns struct {
	list []column
	at   map[string]int // by name in lower case
}

type column struct {
	name, dataType string
}

func newColumns(list []column) columns {
	c := columns{list: list, at: make(map[string]int, len(list))}
	for i, col := range list {
		c.at[fold(col.name)] = i
	}
	return c
}

func (c columns) has(name string) bool { _, ok := c.at[fold(name)]; return ok }

func fold(name string) string { return strings.ToLower(name) }

// side gives one of the two sides.
func (c *comparison) side(which int) *Side {
	if which == then {
		return &c.before
	}
	return &c.after
}

// learnColumns lets go of catalogs that are older than their manifest: they
// would tell of columns that were there before.
func (c *comparison) learnColumns() {
	c.columnsOf = [2]map[string]columns{{}, {}}
	for which, word := range []string{"before", "after"} {
		s := c.side(which)
		if s.Catalog != nil && s.Catalog.GeneratedAt.Before(s.Project.GeneratedAt) {
			c.note(fmt.Sprintf("%s is older than the manifest of %s, so it is not used: dbt docs generate writes both", s.Catalog.File, word))
			s.Catalog = nil
		}
	}
	switch {
	case c.before.Catalog == nil && c.after.Catalog == nil:
		c.note("without catalogs, columns are compared as far as YAML declares them; dbt docs generate writes catalog.json, on both sides")
	case c.before.Catalog == nil || c.after.Catalog == nil:
		missing := "before"
		if c.after.Catalog == nil {
			missing = "after"
		}
		c.note("there is a catalog on one side only (none of " + missing + "), so columns are compared as far as YAML declares them")
	}
}

// declaredColumns are those that YAML declares.
func declaredColumns(n *dbt.Node) columns {
	list := make([]column, len(n.Columns))
	for i, col := range n.Columns {
		list[i] = column{name: col.Name, dataType: col.DataType}
	}
	return newColumns(list)
}

func catalogColumns(s *Side, id string) (columns, bool) {
	if s.Catalog == nil {
		return columns{}, false
	}
	found, ok := s.Catalog.Columns[id]
	if !ok || len(found) == 0 {
		return columns{}, false
	}
	list := make([]column, len(found))
	for i, col := range found {
		list[i] = column{name: col.Name, dataType: col.Type}
	}
	return newColumns(list), true
}

// known gives the columns of a node on one side: those of the warehouse, else
// those that YAML declares.
func (c *comparison) known(which int, id string) columns {
	if cols, ok := c.columnsOf[which][id]; ok {
		return cols
	}
	s := c.side(which)
	cols, ok := catalogColumns(s, id)
	if n := s.Project.Nodes[id]; !ok && n != nil {
		cols = declaredColumns(n)
	}
	c.columnsOf[which][id] = cols
	return cols
}

// columnPair is what is compared of a node: both from catalogs, or both as
// declared.
type columnPair struct {
	was, is columns
	proven  bool // the warehouse or a contract says so
}

func (c *comparison) pair(was, is *dbt.Node) columnPair {
	a, okA := catalogColumns(&c.before, was.UniqueID)
	b, okB := catalogColumns(&c.after, is.UniqueID)
	if okA && okB {
		return columnPair{was: a, is: b, proven: true}
	}
	return columnPair{was: declaredColumns(was), is: declaredColumns(is), proven: was.ContractEnforced && is.ContractEnforced}
}

// columnChanges compares the columns of a node that both sides have.
func (c *comparison) columnChanges(was, is *dbt.Node) {
	p := c.pair(was, is)
	var removed, added []column
	for _, col := range p.was.list {
		if !p.is.has(col.name) {
			removed = append(removed, col)
		}
	}
	for _, col := range p.is.list {
		if !p.was.has(col.name) {
			added = append(added, col)
		}
	}
	if len(removed)+len(added) > 0 {
		c.columnSets(p, is, removed, added)
	}
	for _, col := range p.was.list {
		if at, ok := p.is.at[fold(col.name)]; ok {
			c.columnType(is, col, p.is.list[at])
		}
	}
}

// columnSets tells of columns that are on one side only. What YAML alone says
// is believed where SQL changed, too, in the node or above it.
func (c *comparison) columnSets(p columnPair, is *dbt.Node, removed, added []column) {
	if !p.proven && (len(p.was.list) == 0 || len(p.is.list) == 0 || !c.touched(is.UniqueID)) {
		for _, col := range removed {
			c.column("column_undeclared", is, col.name, typed(col), "", "%s no longer declares the column %s", is.Name, col.name)
		}
		for _, col := range added {
			c.column("column_declared", is, col.name, "", typed(col), "%s declares the column %s", is.Name, col.name)
		}
		return
	}
	renamed := renames(p, removed, added)
	for _, col := range removed {
		if to, ok := renamed[fold(col.name)]; ok {
			c.renamedColumn[is.UniqueID+" "+fold(col.name)] = fold(to.name)
			c.column("column_renamed", is, col.name, typed(col), typed(to), "column %s of %s looks renamed to %s", col.name, is.Name, to.name)
			continue
		}
		c.column("column_removed", is, col.name, typed(col), "", "column %s of %s is gone", col.name, is.Name)
	}
	for _, col := range added {
		if !taken(renamed, col) {
			c.column("column_added", is, col.name, "", typed(col), "%s has a new column, %s", is.Name, col.name)
		}
	}
}

func taken(renamed map[string]column, col column) bool {
	for _, to := range renamed {
		if to.name == col.name {
			return true
		}
	}
	return false
}

func typed(col column) string {
	return strings.TrimSpace(col.name + " " + strings.ToLower(col.dataType))
}

func (c *comparison) column(kind Kind, n *dbt.Node, name, before, after, format string, args ...any) {
	file, line := c.at(n, name)
	c.add(Change{
		Kind: kind, Subject: n.UniqueID, Column: name, Before: before, After: after, File: file, Line: line,
		Message: fmt.Sprintf(format, args...),
	})
}

func (c *comparison) columnType(is *dbt.Node, was, col column) {
	kind := compareTypes(was.dataType, col.dataType)
	if kind == "" {
		return
	}
	verb := map[Kind]string{"column_retyped": "has another type", "column_narrowed": "holds less", "column_widened": "holds more"}[kind]
	before, after := strings.ToLower(was.dataType), strings.ToLower(col.dataType)
	c.column(kind, is, col.name, before, after, "column %s of %s %s: %s now, was %s", col.name, is.Name, verb, after, before)
}

// renames pairs a column that is gone with one that is new where there is only
// one way to do so: between the same neighbours, and of the same type.
func renames(p columnPair, removed, added []column) map[string]column {
	out := map[string]column{}
	for _, from := range removed {
		var to []column
		for _, col := range added {
			if alike(p, from, col) {
				to = append(to, col)
			}
		}
		if len(to) != 1 {
			continue
		}
		rivals := slices.ContainsFunc(removed, func(other column) bool { return other.name != from.name && alike(p, other, to[0]) })
		if !rivals {
			out[fold(from.name)] = to[0]
		}
	}
	return out
}

func alike(p columnPair, from, to column) bool {
	return strings.EqualFold(from.dataType, to.dataType) &&
		neighbour(p.was, p.is, from.name, -1) == neighbour(p.is, p.was, to.name, -1) &&
		neighbour(p.was, p.is, from.name, 1) == neighbour(p.is, p.was, to.name, 1)
}

// neighbour is the nearest column in one direction that the other side has, too.
func neighbour(of, other columns, name string, step int) string {
	for i := of.at[fold(name)] + step; i >= 0 && i < len(of.list); i += step {
		if other.has(of.list[i].name) {
			return fold(of.list[i].name)
		}
	}
	return ""
}

// touched reports whether SQL changed in a node or above it.
func (c *comparison) touched(id string) bool {
	if known, ok := c.touch[id]; ok {
		return known
	}
	c.touch[id] = false // a cycle ends here
	d := c.differ[id]
	_, was := c.before.Project.Nodes[c.formerly(id)]
	yes := d.Body || len(d.Macros) > 0 || !was || !slices.Equal(c.before.Project.Parents[id], c.after.Project.Parents[id])
	for _, parent := range c.after.Project.Parents[id] {
		if yes {
			break
		}
		yes = c.touched(parent)
	}
	c.touch[id] = yes
	return yes
}

// formerly is the id that a node had before.
func (c *comparison) formerly(id string) string { return cmp.Or(c.was[id], id) }
