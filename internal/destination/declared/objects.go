package declared

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/yamlx"
)

// objectSpec is the spec as it is for some objects: a service may write each
// kind of object in its own way.
type objectSpec struct {
	pattern string // an object's name, or its beginning with a * for the rest
	spec    *spec
}

// match reports whether an object is meant, and what stands for the *.
func (o objectSpec) match(object string) (star string, ok bool) {
	before, wild := strings.CutSuffix(o.pattern, "*")
	if !wild {
		return "", o.pattern == object
	}
	star, ok = strings.CutPrefix(object, before)
	return star, ok && star != ""
}

// objects reads the blocks that an object has for itself. They go over those
// of the spec, and the connection's go over both.
func (d *decoder) objects(s *spec, root *yamlx.Node) {
	n := root.Get("objects")
	if n.IsNull() {
		return
	}
	base := without(root, "fixtures")
	fields := known{}
	for _, pattern := range n.Keys() {
		if i := strings.IndexByte(pattern, '*'); i >= 0 && i < len(pattern)-1 {
			d.fail(n, "", "objects: a * stands at the end of a name, which it does not in %q", pattern)
		}
		fields[pattern] = func(n *yamlx.Node) {
			before := len(d.problems)
			one := d.spec(without(d.over.within(d.object(pattern, base, n)), "objects"))
			if one == nil {
				return
			}
			if len(one.ops) == 0 {
				d.fail(n, "", "objects.%s: without an operation nothing can be written", pattern)
			}
			d.problems = distinct(d.problems, before)
			s.objects = append(s.objects, objectSpec{pattern, one})
		}
	}
	d.keys(n, "objects", fields)
	d.strays(s)
}

// strays tells of operations of the connection that no object has.
func (d *decoder) strays(s *spec) {
	if d.over == nil {
		return
	}
	var names []string
	for _, one := range s.eachSpec() {
		names = append(names, slices.Sorted(maps.Keys(one.ops))...)
	}
	ops := d.over.blocks["ops"]
	for _, name := range ops.Keys() {
		if !slices.Contains(names, name) {
			slices.Sort(names)
			d.fail(ops.Get(name), "known here: "+strings.Join(slices.Compact(names), ", "), "ops: unknown key %q", name)
		}
	}
}

// object gives the tree of the spec with an object's blocks in place.
func (d *decoder) object(pattern string, base, n *yamlx.Node) *yamlx.Node {
	out := base
	put := func(name string, how func(base, n *yamlx.Node) *yamlx.Node) func(*yamlx.Node) {
		return func(n *yamlx.Node) { out = with(out, name, how(out.Get(name), n)) }
	}
	whole := func(_, n *yamlx.Node) *yamlx.Node { return n }
	d.keys(n, "objects."+pattern, known{
		"discover": put("discover", whole), "read": put("read", whole), "routes": put("routes", whole),
		"fields": put("fields", over), "other_fields": put("other_fields", whole), "limits": put("limits", over), "encode": put("encode", over),
		"ops": put("ops", (&overlay{}).ops),
	})
	return out
}

// within is apply for one object: operations that the object does not have
// stay away.
func (o *overlay) within(root *yamlx.Node) *yamlx.Node {
	if o == nil || o.blocks["ops"] == nil || root.Get("objects").IsNull() {
		return o.apply(root)
	}
	var foreign []string
	for _, name := range o.blocks["ops"].Keys() {
		if root.Get("ops").Get(name) == nil {
			foreign = append(foreign, name)
		}
	}
	mine := *o
	mine.blocks = maps.Clone(o.blocks)
	if mine.blocks["ops"] = without(o.blocks["ops"], foreign...); len(mine.blocks["ops"].Pairs) == 0 {
		delete(mine.blocks, "ops")
	}
	return mine.apply(root)
}

// without gives a copy of a map that does not have the keys.
func without(n *yamlx.Node, keys ...string) *yamlx.Node {
	out := *n
	out.Pairs = slices.DeleteFunc(slices.Clone(n.Pairs), func(p yamlx.Pair) bool { return slices.Contains(keys, p.Key) })
	return &out
}

// distinct drops problems that were told before: what all objects share is
// read once for each of them.
func distinct(list fault.List, before int) fault.List {
	told := map[string]bool{}
	for _, f := range list[:before] {
		told[f.Where+f.Msg] = true
	}
	out := list[:before]
	for _, f := range list[before:] {
		if !told[f.Where+f.Msg] {
			told[f.Where+f.Msg] = true
			out = append(out, f)
		}
	}
	return out
}

// of is the destination as it is for one object. An object that the spec does
// not know is a fault with code object_missing.
func (d *Destination) of(object string) (*Destination, error) {
	if len(d.spec.objects) == 0 {
		return d, nil
	}
	var names []string
	for _, o := range d.spec.objects {
		star, ok := o.match(object)
		if !ok {
			names = append(names, o.pattern)
			continue
		}
		view := *d
		view.spec, view.values = o.spec, d.values.with(pair{"star", star})
		return &view, nil
	}
	return nil, &fault.Fault{
		Code: "object_missing", Kind: fault.Config, Whose: fault.Mapping, Where: "connection " + d.cfg.Name,
		Msg:  fmt.Sprintf("the destination has no object %q; it has %s", object, strings.Join(names, ", ")),
		Hint: "correct the object after the dot in `to:`; * stands for a name of your own",
	}
}

// eachSpec gives the spec of every object; the spec itself where objects make
// no difference.
func (s *spec) eachSpec() []*spec {
	if len(s.objects) == 0 {
		return []*spec{s}
	}
	var out []*spec
	for _, o := range s.objects {
		out = append(out, o.spec)
	}
	return out
}

// reads reports whether records of some object can be read by key.
func (s *spec) reads() bool {
	return slices.ContainsFunc(s.eachSpec(), func(s *spec) bool { return s.lookup != nil })
}

// lookerOf is newLooker for an object that may have no `read`.
func (r Readable) lookerOf(t destination.Target) (*looker, error) {
	d, err := r.of(t.Object)
	if err != nil {
		return nil, err
	}
	if d.spec.lookup == nil {
		return nil, d.unread(t.Object, "the description has no `read` for it")
	}
	return d.newLooker(t)
}
