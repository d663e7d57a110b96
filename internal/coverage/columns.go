package coverage

import (
	"slices"
	"strings"

	"exposync/internal/dbt"
	"exposync/internal/plan"
)

// Column is a column of a model as far as it is known.
type Column struct {
	Name       string
	Documented *dbt.Column        // what the project says of it; nil if nothing
	There      *dbt.CatalogColumn // what the catalog has; nil if nothing
}

// Columns gives the columns of a model: those of the catalog where it has the
// model, else those that the project documents. known is false if nobody says
// which columns there are.
func (f *Facts) Columns(n *dbt.Node) (columns []Column, known bool) {
	if f.in.Catalog.Has(n.UniqueID) {
		for _, c := range f.in.Catalog.Columns[n.UniqueID] {
			columns = append(columns, Column{Name: c.Name, Documented: documented(n, c.Name), There: &c})
		}
		return columns, true
	}
	for i := range n.Columns {
		columns = append(columns, Column{Name: n.Columns[i].Name, Documented: &n.Columns[i]})
	}
	return columns, len(columns) > 0
}

// Column finds a column of a model by the name that a mapping gives it. One
// that nobody knows comes back with its name alone.
func (f *Facts) Column(n *dbt.Node, name string) Column {
	c := Column{Name: name, Documented: documented(n, name)}
	if there, ok := f.in.Catalog.Column(n.UniqueID, name); ok {
		c.There, c.Name = &there, there.Name
	}
	if c.Documented != nil {
		c.Name = c.Documented.Name
	}
	return c
}

// documented finds a column among those that the project documents: by its
// exact name, else regardless of case.
func documented(n *dbt.Node, name string) *dbt.Column {
	at := slices.IndexFunc(n.Columns, func(c dbt.Column) bool { return c.Name == name })
	if at < 0 {
		at = slices.IndexFunc(n.Columns, func(c dbt.Column) bool { return strings.EqualFold(c.Name, name) })
	}
	if at < 0 {
		return nil
	}
	return &n.Columns[at]
}

// Sent is a column of a model that a job sends.
type Sent struct {
	Model  *dbt.Node
	Column string // as the project or the catalog spells it, else as the job does
}

// MappedBy gives the columns that a job sends, each once: key, fields and what
// they are made of. With `fields: all` those are all columns that are known of
// its model.
func (f *Facts) MappedBy(j plan.Job) []Sent {
	n := f.Project.Nodes[j.Source.Node]
	if n == nil {
		return nil
	}
	var out []Sent
	seen := map[string]bool{}
	add := func(name string) {
		if name = f.Column(n, name).Name; !seen[strings.ToLower(name)] {
			seen[strings.ToLower(name)] = true
			out = append(out, Sent{n, name})
		}
	}
	for _, name := range j.NamedColumns() {
		add(name)
	}
	if j.AllFields {
		columns, _ := f.Columns(n)
		for _, c := range columns {
			add(c.Name)
		}
	}
	return out
}

// MappedOf gives the columns that the jobs of an exposure send, each once; for
// a hosted sync those that the tool says it reads, if it was asked.
func (f *Facts) MappedOf(e *Exposure) []Sent {
	var out []Sent
	seen := map[[2]string]bool{}
	add := func(sent []Sent) {
		for _, s := range sent {
			if id := [2]string{s.Model.UniqueID, strings.ToLower(s.Column)}; !seen[id] {
				seen[id] = true
				out = append(out, s)
			}
		}
	}
	for _, j := range e.Jobs {
		add(f.MappedBy(j))
	}
	for _, h := range f.hostedOf(e) {
		add(f.referenced(h))
	}
	return out
}
