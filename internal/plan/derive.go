package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/mapping"
)

// DerivesKey reports whether a part of the key is made of columns: then the
// source cannot be asked for a key.
func (b Bound) DerivesKey() bool {
	return slices.ContainsFunc(b.Key, func(k BoundPart) bool { return k.Derive != nil })
}

// part binds a column as it stands, or what a rule makes of columns.
func (b *binder) part(place, field, column string, rule *mapping.Rule) BoundPart {
	if rule != nil {
		return b.derived(place, field, column, rule)
	}
	return b.column(place, field, column)
}

// derived binds a field whose value is made by a rule.
func (b *binder) derived(place, field, column string, rule *mapping.Rule) BoundPart {
	part := BoundPart{Name: field, Index: -1}
	d, problems := mapping.Compile(field, column, rule, func(name string) (mapping.Column, bool) {
		c := b.column(place, field, name)
		if name == column {
			part.Index = c.Index
		}
		return mapping.Column{Name: c.Column, Kind: c.Kind, Index: c.Index}, c.Index >= 0
	})
	for _, p := range problems {
		b.problems = append(b.problems, &fault.Fault{
			Code: p.Code, Kind: fault.Config, Whose: fault.Mapping, Where: cmp.Or(rule.Where, b.job.Where),
			Msg:  fmt.Sprintf("job %s: %s: %s", b.job.ID, place, p.Msg),
			Hint: cmp.Or(p.Hint, "correct it and run dbt parse; more: exposync explain "+p.Code),
		})
	}
	if d == nil {
		return part
	}
	part.Derive, part.Kind, part.Sources = d, d.Kind, d.Columns
	part.Column = strings.Join(d.Columns, ", ")
	part.Text = rule.Text(column, func(name string) string {
		if c, ok := b.find(name); ok {
			return c.Name
		}
		return name
	})
	return part
}
