package declared

import (
	"fmt"
	"slices"
	"strings"

	"exposync/internal/destination"
	"exposync/internal/fault"
)

// pattern names objects: one by its name, or all that agree but for the place
// of the one *.
type pattern string

// match gives what the * stands for.
func (p pattern) match(object string) (part string, ok bool) {
	before, after, open := strings.Cut(string(p), "*")
	if !open {
		return "", string(p) == object
	}
	part, ok = strings.CutPrefix(object, before)
	if !ok {
		return "", false
	}
	part, ok = strings.CutSuffix(part, after)
	return part, ok && part != ""
}

// fixedObject is what a spec says of the fields of objects that no service
// tells.
type fixedObject struct {
	objects pattern
	open    bool // it takes any other field, but as key
	fields  []attribute
}

// fixed finds what the spec says of an object.
func (s *discovery) fixedOf(object string) *fixedObject {
	for i := range s.fixed {
		if _, ok := s.fixed[i].objects.match(object); ok {
			return &s.fixed[i]
		}
	}
	return nil
}

// part is what the * of the pattern stands for that an object agrees with.
func (s *spec) part(object string) string {
	var all []pattern
	if s.discover != nil {
		for _, f := range s.discover.fixed {
			all = append(all, f.objects)
		}
	}
	for _, name := range opNames() {
		for _, r := range s.routes[name] {
			all = append(all, r.objects)
		}
	}
	for _, p := range all {
		if part, ok := p.match(object); ok && part != "" {
			return part
		}
	}
	return ""
}

// routesOf are the ways to carry out an operation on an object; none if the
// spec has some, but not for that one.
func (s *spec) routesOf(name, object string) []route {
	list := s.routes[name]
	if len(list) == 0 {
		return []route{{op: name}}
	}
	var out []route
	for _, r := range list {
		_, ok := r.objects.match(object)
		if r.objects != "" && !ok || len(out) > 0 && out[0].objects != r.objects {
			continue // the first pattern that fits decides
		}
		out = append(out, r)
	}
	return out
}

// opsFor are all operations that may carry out a mode.
func (s *spec) opsFor(mode destination.Mode, object string) []*op {
	var out []*op
	for _, name := range opsOf(mode) {
		for _, r := range s.routesOf(name, object) {
			if o := s.ops[r.op]; o != nil {
				out = append(out, o)
			}
		}
	}
	return out
}

// noWay is the fault of an object that an operation is not for.
func (d *Destination) noWay(name string, t destination.Target) *fault.Fault {
	var known []string
	for _, r := range d.spec.routes[name] {
		if text := string(r.objects); !slices.Contains(known, text) {
			known = append(known, text)
		}
	}
	return d.objectMissing(t.Object, fmt.Sprintf("with mode: %s connection %s writes to", t.Mode, d.cfg.Name), known)
}

func (d *Destination) objectMissing(object, what string, known []string) *fault.Fault {
	return &fault.Fault{
		Code: "object_missing", Kind: fault.Config, Whose: fault.Mapping, Where: "connection " + d.cfg.Name,
		Msg:  fmt.Sprintf("the destination has no object %q for this: %s %s", object, what, strings.Join(known, ", ")),
		Hint: "correct the object after the dot in `to:`; a * stands for a name of yours",
	}
}
