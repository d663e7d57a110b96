package declared

import (
	"slices"

	"exposync/internal/destination"
)

var _ destination.Identifier = (*Destination)(nil)

// Identifies reports whether the answers to the mode's writes have a place for
// ids.
func (d *Destination) Identifies(object string, mode destination.Mode) bool {
	return slices.ContainsFunc(d.spec.opsFor(mode, object), func(o *op) bool {
		inResults := func(r rule) bool { return r.each != nil && r.each.id != "" }
		ofJob := o.job != nil && slices.ContainsFunc(o.job.results, func(r results) bool { return r.id != "" })
		return !o.deletes && (o.echoID != "" || ofJob || slices.ContainsFunc(o.rules, inResults))
	})
}
