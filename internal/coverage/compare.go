package coverage

import (
	"slices"

	"exposync/internal/plan"
)

// Compare says what became better and worse between two reports. A miss is the
// same one if dimension, unique_id and column are: neither its place nor the
// numbers around it count, so that renaming or adding a model hides nothing.
func Compare(before, after Report) Comparison {
	c := Comparison{Before: before.Total, After: after.Total}
	for _, name := range Names() {
		b, a := before.Dimension(name), after.Dimension(name)
		if a == nil || b == nil {
			continue // of another version of Exposync
		}
		row := Change{Name: name, Before: b.Share, After: a.Share}
		was, is := missIDs(*b), missIDs(*a)
		for _, m := range a.Misses {
			if was[m.ID()] {
				continue
			}
			m.New = true
			if !b.Measured || a.Weight == 0 {
				c.Unjudged = append(c.Unjudged, m)
				continue
			}
			row.New++
			c.New = append(c.New, m)
		}
		for _, m := range b.Misses {
			switch {
			case is[m.ID()]:
			case !a.Measured:
				c.Unjudged = append(c.Unjudged, m)
			case a.covers(m.Subject, m.Column):
				row.Fixed++
				c.Fixed = append(c.Fixed, m)
			default:
				c.Gone = append(c.Gone, m)
			}
		}
		c.Rows = append(c.Rows, row)
	}
	for _, list := range [][]Miss{c.New, c.Fixed, c.Gone, c.Unjudged} {
		sortMisses(list)
	}
	return c
}

func missIDs(d Dimension) map[string]bool {
	ids := map[string]bool{}
	for _, m := range d.Misses {
		ids[m.ID()] = true
	}
	return ids
}

// covers reports whether the dimension looked at something and found it.
func (d Dimension) covers(subject, column string) bool {
	t := slices.IndexFunc(d.Tables, func(t Table) bool { return t.Name == subject })
	if t < 0 {
		return false
	}
	if column == "" {
		return d.Tables[t].Covered == d.Tables[t].Total
	}
	return slices.ContainsFunc(d.Tables[t].Columns, func(c TableColumn) bool {
		return c.Name == column && c.Covered == c.Total
	})
}

// CompareWith compares a report with an earlier one and marks what is new. New
// misses are errors from then on: the check that was asked for fails by them.
func (r *Report) CompareWith(baseline string, before Report) {
	c := Compare(before, *r)
	c.Baseline = baseline
	isNew := map[string]bool{}
	for i := range c.New {
		c.New[i].Severity = plan.SeverityError
		isNew[c.New[i].ID()] = true
	}
	for d := range r.Dimensions {
		for i := range r.Dimensions[d].Misses {
			if m := &r.Dimensions[d].Misses[i]; isNew[m.ID()] {
				m.New, m.Severity = true, plan.SeverityError
			}
		}
	}
	r.Against = &c
}
