package declared

import (
	"slices"

	"exposync/internal/destination"
)

var _ destination.Identifier = (*Destination)(nil)

// Identifies reports whether the answers to the mode's writes have a place for
// ids, whichever way is taken.
func (d *Destination) Identifies(_ string, mode destination.Mode) bool {
	for _, name := range opsOf(mode) {
		if name == "delete" {
			continue
		}
		for _, r := range d.spec.waysOf(name) {
			if o := d.spec.ops[r.op]; o == nil || !o.identifies() {
				return false
			}
		}
	}
	return true
}

// identifies reports whether an answer, or a job's results, tell ids.
func (o *op) identifies() bool {
	if o.job != nil {
		return slices.ContainsFunc(o.job.results, func(r results) bool { return r.id != "" })
	}
	return o.echoID != "" || slices.ContainsFunc(o.rules, func(r rule) bool { return r.each != nil && r.each.id != "" })
}
