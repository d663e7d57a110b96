package declared

import (
	"slices"

	"exposync/internal/destination"
)

var _ destination.Identifier = (*Destination)(nil)

// Identifies reports whether the answers to the mode's writes have a place for
// ids.
func (d *Destination) Identifies(_ string, mode destination.Mode) bool {
	return slices.ContainsFunc(opsOf(mode), func(name string) bool {
		o := d.spec.ops[name]
		return name != "delete" && o != nil && (o.echoID != "" || slices.ContainsFunc(o.rules, func(r rule) bool { return r.each != nil && r.each.id != "" }))
	})
}
