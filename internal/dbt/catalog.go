package dbt

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// Catalog is one catalog.json: what the warehouse had when `dbt docs generate`
// looked. It is as old as GeneratedAt says.
type Catalog struct {
	File        string
	GeneratedAt time.Time
	Columns     map[string][]CatalogColumn // by unique_id, in table order; ephemeral models are not in it
	Kinds       map[string]string          // by unique_id: what the warehouse calls the relation, such as VIEW or BASE TABLE
}

// CatalogColumn is a column as the warehouse has it.
type CatalogColumn struct {
	Name string
	Type string
}

// Has reports whether the warehouse had a relation for the node. A nil catalog
// has none.
func (c *Catalog) Has(id string) bool {
	if c == nil {
		return false
	}
	_, ok := c.Columns[id]
	return ok
}

// Column finds a column of a node by its name, regardless of case unless two
// columns differ by case only.
func (c *Catalog) Column(id, name string) (CatalogColumn, bool) {
	if c == nil {
		return CatalogColumn{}, false
	}
	var folded []CatalogColumn
	for _, column := range c.Columns[id] {
		if column.Name == name {
			return column, true
		}
		if strings.EqualFold(column.Name, name) {
			folded = append(folded, column)
		}
	}
	if len(folded) == 1 {
		return folded[0], true
	}
	return CatalogColumn{}, false
}

// catalog reads the columns of every relation that the warehouse showed.
func (a *artifact) catalog() (*Catalog, error) {
	if !a.sections["nodes"].IsObject() || !a.sections["metadata"].IsObject() {
		return nil, artifactFault("artifact_wrong_kind", a.file, "this is no catalog: it has no nodes or no metadata", nil)
	}
	out := &Catalog{
		File: a.file, GeneratedAt: when(a.sections["metadata"].Get("generated_at")),
		Columns: map[string][]CatalogColumn{}, Kinds: map[string]string{},
	}
	for _, section := range []string{"nodes", "sources"} {
		each(a.sections[section], func(key, value gjson.Result) {
			if !value.IsObject() {
				return
			}
			id := strings.Clone(key.Str)
			out.Columns[id] = catalogColumns(value.Get("columns"))
			out.Kinds[id] = str(value.Get("metadata.type"))
		})
	}
	return out, nil
}

func catalogColumns(v gjson.Result) []CatalogColumn {
	type indexed struct {
		CatalogColumn
		index int64
	}
	var columns []indexed
	v.ForEach(func(key, value gjson.Result) bool {
		c := indexed{CatalogColumn{Name: str(value.Get("name")), Type: str(value.Get("type"))}, value.Get("index").Int()}
		if c.Name == "" {
			c.Name = str(key)
		}
		columns = append(columns, c)
		return true
	})
	slices.SortStableFunc(columns, func(a, b indexed) int { return cmp.Compare(a.index, b.index) })
	out := make([]CatalogColumn, len(columns))
	for i, c := range columns {
		out[i] = c.CatalogColumn
	}
	return out
}
