package dbt

import (
	"maps"
	"slices"
	"strings"
)

// selecting answers one selection.
type selecting struct {
	project   *Project
	ctx       SelectContext
	members   []member // sorted by id
	byID      map[string]*member
	children  map[string][]string
	unmatched []string
	active    []string // selectors being answered, to find circles
}

// member is a node or an exposure as selection sees it.
type member struct {
	id, kind, name, pkg string
	path, patch         string
	fqn, tags           []string
	node                *Node     // nil for exposures
	exposure            *Exposure // nil for nodes
}

func newSelecting(p *Project, ctx SelectContext) *selecting {
	s := &selecting{
		project: p, ctx: ctx, members: make([]member, 0, len(p.Nodes)+len(p.Exposures)),
		byID: map[string]*member{}, children: map[string][]string{},
	}
	for _, n := range p.Nodes {
		s.members = append(s.members, member{
			id: n.UniqueID, kind: n.ResourceType, name: n.Name, pkg: n.Package, path: slashes(n.Path), patch: slashes(n.PatchPath),
			fqn: n.FQN, tags: n.Tags, node: n,
		})
	}
	for _, x := range p.Exposures {
		s.members = append(s.members, member{
			id: x.UniqueID, kind: "exposure", name: x.Name, pkg: x.Package, path: slashes(x.Path), fqn: x.FQN, tags: x.Tags, exposure: x,
		})
	}
	slices.SortFunc(s.members, func(a, b member) int { return strings.Compare(a.id, b.id) })
	for i := range s.members {
		s.byID[s.members[i].id] = &s.members[i]
	}
	for i := range s.members {
		for _, parent := range s.parents(s.members[i].id) {
			s.children[parent] = append(s.children[parent], s.members[i].id)
		}
	}
	return s
}

// slashes gives a path of a manifest that was written on Windows as elsewhere.
func slashes(path string) string {
	return strings.TrimPrefix(strings.ReplaceAll(path, `\`, "/"), "./")
}

// parents are the direct parents that the project has.
func (s *selecting) parents(id string) []string {
	known := func(id string) bool { return s.byID[id] != nil }
	all := s.project.Parents[id]
	for i, parent := range all {
		if known(parent) {
			continue
		}
		out := slices.Clone(all[:i])
		for _, p := range all[i+1:] {
			if known(p) {
				out = append(out, p)
			}
		}
		return out
	}
	return all
}

type ids = map[string]bool

// answer gives what a rule selects, as `dbt ls` lists it: hooks are in the
// graph, but never listed.
func (s *selecting) answer(r *rule) (ids, error) {
	found, err := s.eval(r)
	for id := range found {
		if m := s.byID[id]; m != nil && m.kind == "operation" {
			delete(found, id)
		}
	}
	return found, err
}

// eval gives what a rule selects; the caller may change it.
func (s *selecting) eval(r *rule) (ids, error) {
	if r.op == single {
		return s.criterion(r.one)
	}
	var out ids
	for i, part := range r.parts {
		found, err := s.eval(part)
		if err != nil {
			return nil, err
		}
		switch {
		case i == 0:
			out = found
		case r.op == anyOf:
			maps.Copy(out, found)
		case r.op == allOf:
			maps.DeleteFunc(out, func(id string, _ bool) bool { return !found[id] })
		case r.op == difference:
			maps.DeleteFunc(out, func(id string, _ bool) bool { return found[id] })
		}
	}
	if r.word && len(out) == 0 {
		s.unmatched = append(s.unmatched, r.raw)
	}
	if out == nil {
		out = ids{}
	}
	return out, nil
}

// criterion gives what a criterion matches, the relatives it asks for, and
// the tests of all these.
func (s *selecting) criterion(c *criterion) (ids, error) {
	matched, err := s.matched(c)
	if err != nil {
		return nil, err
	}
	found := maps.Clone(matched)
	if c.childrensParents {
		family := maps.Clone(matched)
		maps.Copy(family, s.walk(matched, unlimited, s.childrenOf))
		maps.Copy(found, family)
		maps.Copy(found, s.walk(family, unlimited, s.parents))
	}
	if c.parents {
		maps.Copy(found, s.walk(matched, c.parentsDepth, s.parents))
	}
	if c.children {
		maps.Copy(found, s.walk(matched, c.childrenDepth, s.childrenOf))
	}
	if c.method != "selector" { // that has its tests, and left some out perhaps
		s.addTests(found, c.indirect)
	}
	s.addParts(found)
	return found, nil
}

func (s *selecting) childrenOf(id string) []string { return s.children[id] }

// walk gives all that is up to depth steps away, the start left out unless a
// way leads back to it.
func (s *selecting) walk(from ids, depth int, next func(string) []string) ids {
	found := ids{}
	layer := slices.Collect(maps.Keys(from))
	for step := 0; len(layer) > 0 && (depth == unlimited || step < depth); step++ {
		var further []string
		for _, id := range layer {
			for _, n := range next(id) {
				if !found[n] {
					found[n] = true
					further = append(further, n)
				}
			}
		}
		layer = further
	}
	return found
}

// addTests adds the tests of what is found (indirect selection): all of them
// (eager), those that need nothing else (cautious), those that need nothing
// but this and its ancestors (buildable), or none (empty).
func (s *selecting) addTests(found ids, indirect string) {
	if indirect == "empty" {
		return
	}
	present := found
	if indirect == "buildable" {
		present = maps.Clone(found)
		maps.Copy(present, s.walk(found, unlimited, s.parents))
		for i := range s.members {
			if s.members[i].kind == "source" {
				present[s.members[i].id] = true
			}
		}
	}
	var tests []string
	for id := range found {
		for _, child := range s.children[id] {
			if n := s.byID[child].node; n != nil && n.Test() && (indirect == "eager" || within(n.DependsOn, present)) {
				tests = append(tests, child)
			}
		}
	}
	for _, id := range tests {
		found[id] = true
	}
}

func within(all []string, set ids) bool {
	return !slices.ContainsFunc(all, func(id string) bool { return !set[id] })
}

// addParts adds the parts of the exposures that are found.
func (s *selecting) addParts(found ids) {
	for exposure, parts := range s.ctx.Parts {
		if found[exposure] {
			for _, part := range parts {
				found[part] = true
			}
		}
	}
}
