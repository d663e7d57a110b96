package coverage

import (
	"cmp"
	"slices"
	"time"

	"exposync/internal/fault"
)

// ignores are the suppressions of a project while it is measured.
type ignores struct {
	now time.Time
	by  map[string][]*Ignored // by the unique_id of what declares them
}

// collectIgnores reads what exposures and nodes declare under ignore.
func (f *Facts) collectIgnores() *ignores {
	set := &ignores{now: f.in.Now, by: map[string][]*Ignored{}}
	for _, e := range f.Applications {
		set.add(e.UniqueID, e.Ignores)
	}
	for id, n := range f.Project.Nodes {
		if len(n.Meta) > 0 && !n.Test() {
			found, mistakes := f.IgnoresOf(id)
			set.add(id, found)
			for _, m := range mistakes {
				set.by[id] = append(set.by[id], &Ignored{Subject: id, Mistake: m, Where: f.Place(id, "").String(), State: IgnoreInvalid})
			}
		}
	}
	return set
}

func (s *ignores) add(subject string, list []Ignore) {
	for _, i := range list {
		state := IgnoreUnused
		switch {
		case !dimensionNamed(i.Check):
			state = IgnoreUnknown
			if _, ok := fault.Explain(i.Check); ok {
				state = IgnoreOther
			}
		case i.Reason == "":
			state = IgnoreNoReason
		case !i.Holds(s.now):
			state = IgnoreExpired
		}
		s.by[subject] = append(s.by[subject], &Ignored{
			Check: i.Check, Subject: subject, Reason: i.Reason, Until: i.Until, Where: i.Where, State: state,
		})
	}
}

// dimensionNamed reports whether a check is a dimension, by its name or code.
func dimensionNamed(check string) bool {
	return slices.ContainsFunc(Names(), func(n string) bool { return check == n || check == Code(n) })
}

// of finds the suppression that takes a miss out: that of the subject itself,
// else those of the exposures for which it matters, if every one of them has
// one.
func (s *ignores) of(name string, i item) *Ignored {
	if by := s.find(i.subject, name); by != nil {
		by.State = IgnoreUsed
		return by
	}
	var found []*Ignored
	for _, e := range i.via {
		by := s.find(e.UniqueID, name)
		if by == nil {
			return nil
		}
		found = append(found, by)
	}
	for _, by := range found {
		by.State = IgnoreUsed
	}
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

func (s *ignores) find(subject, name string) *Ignored {
	for _, i := range s.by[subject] {
		if (i.Check == name || i.Check == Code(name)) && (i.State == IgnoreUnused || i.State == IgnoreUsed) {
			return i
		}
	}
	return nil
}

func (s *ignores) list() []Ignored {
	var out []Ignored
	for _, list := range s.by {
		for _, i := range list {
			out = append(out, *i)
		}
	}
	slices.SortFunc(out, func(a, b Ignored) int {
		return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Check, b.Check), cmp.Compare(a.Where, b.Where))
	})
	return out
}
