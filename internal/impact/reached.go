package impact

import (
	"cmp"
	"slices"
	"strings"
)

// reached collects the changes by exposure.
func (c *comparison) reached(changes []Change) []Reached {
	type found struct {
		change   int
		severity Severity
		way      int // how near it is
	}
	by := map[string][]found{}
	for i, ch := range changes {
		seen := map[string]bool{}
		for _, r := range ch.Reaches { // the worst stands first
			if !seen[r.Exposure] {
				seen[r.Exposure] = true
				by[r.Exposure] = append(by[r.Exposure], found{i, r.Severity, slices.Index(Ways(), r.Way)})
			}
		}
	}
	var out []Reached
	for id, list := range by {
		slices.SortStableFunc(list, func(a, b found) int {
			return cmp.Or(a.severity.rank()-b.severity.rank(), a.way-b.way, a.change-b.change)
		})
		x := c.exposureOf(id)
		x.Severity = list[0].severity
		for _, f := range list {
			x.Changes = append(x.Changes, f.change)
		}
		x.Next = next(x, changes[x.Changes[0]])
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b Reached) int {
		return cmp.Or(a.Severity.rank()-b.Severity.rank(), strings.Compare(a.ID, b.ID))
	})
	return out
}

// exposureOf is an exposure as it is today, else as it was.
func (c *comparison) exposureOf(id string) Reached {
	s, gone := &c.after, false
	e := s.Project.Exposures[id]
	if e == nil {
		s, gone = &c.before, true
		e = s.Project.Exposures[id]
	}
	x := Reached{ID: id, Name: lastName(id), Gone: gone}
	if e == nil {
		return x
	}
	x.Name, x.Type, x.Owner, x.Emails, x.URL = e.Name, e.Type, e.OwnerName, e.OwnerEmails, e.URL
	if x.Owner == "" && len(e.OwnerEmails) > 0 {
		x.Owner = e.OwnerEmails[0]
	}
	for _, d := range s.Jobs.Exposures {
		if d.ID == id {
			x.Synced = len(d.Jobs) > 0
			x.File, x.Line = place(d.Where, e.Path)
		}
	}
	return x
}

// next is what to do about a change that reaches an exposure.
func next(x Reached, c Change) string {
	switch {
	case x.Severity == Safe:
		return ""
	case x.Gone:
		return "retire what it filled, or take its removal back"
	case !x.Synced && x.URL != "":
		return "look at " + x.URL
	case !x.Synced:
		return "ask " + orNobody(x.Owner) + " what reads it"
	}
	switch c.Kind {
	case "job_key_changed", "job_destination_changed":
		return "exposync ledger rekey " + c.Job
	case "job_invalid":
		return "exposync ls --select " + x.Name
	}
	return "after dbt build: exposync plan --select " + x.Name
}
