package declared

import (
	"slices"

	"exposync/internal/destination"
)

var _ destination.Identifier = (*Destination)(nil)

// Identifies reports whether the answers to the mode's writes have a place for
// ids, whichever way they take.
func (d *Destination) Identifies(object string, mode destination.Mode) bool {
	view, err := d.of(object)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(opsOf(mode), func(name string) bool {
		return name != "delete" && view.spec.tellsIDs(name)
	})
}

// tellsIDs reports whether every way to carry out an operation tells ids.
func (s *spec) tellsIDs(name string) bool {
	if ways := s.routes[name]; len(ways) > 0 {
		return !slices.ContainsFunc(ways, func(r route) bool { return !s.tells(s.ops[r.op]) })
	}
	return s.tells(s.ops[name])
}

func (s *spec) tells(o *op) bool {
	switch {
	case o == nil:
		return false
	case o.find != nil:
		return !slices.ContainsFunc([]string{o.find.found, o.find.missing}, func(name string) bool { return name != "" && !s.tells(s.ops[name]) })
	case o.job != nil:
		return slices.ContainsFunc(o.job.results, func(r results) bool { return r.id != "" })
	}
	return o.echoID != "" || slices.ContainsFunc(o.rules, func(r rule) bool { return r.each != nil && r.each.id != "" })
}
