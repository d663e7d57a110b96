package declared

import (
	"slices"

	"exposync/internal/destination"
)

var _ destination.Identifier = (*Destination)(nil)

// Identifies reports whether the answers to the mode's writes have a place for
// ids, whichever way is taken.
func (d *Destination) Identifies(object string, mode destination.Mode) bool {
	view, err := d.of(object)
	if err != nil {
		return false
	}
	for _, name := range opsOf(mode) {
		if name == "delete" {
			continue
		}
		for _, r := range view.spec.waysOf(name) {
			if !view.spec.identifies(r.op) {
				return false
			}
		}
	}
	return true
}

// identifies reports whether an answer, or a job's results, tell ids.
func (s *spec) identifies(name string) bool {
	o := s.ops[name]
	switch {
	case o == nil:
		return false
	case o.find != nil:
		return (o.find.found == "" || s.identifies(o.find.found)) && (o.find.missing == "" || s.identifies(o.find.missing))
	case o.job != nil:
		return slices.ContainsFunc(o.job.results, func(r results) bool { return r.id != "" })
	}
	return o.echoID != "" || slices.ContainsFunc(o.rules, func(r rule) bool { return r.each != nil && r.each.id != "" })
}
