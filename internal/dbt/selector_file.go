package dbt

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"exposync/internal/fault"
)

// selectors are the definitions of selectors.yml by name. dbt keeps them in
// the manifest, with every short form written out.
func (p *Project) selectors() map[string]gjson.Result {
	out := map[string]gjson.Result{}
	each(gjson.ParseBytes(p.Selectors), func(key, value gjson.Result) { out[key.Str] = value.Get("definition") })
	return out
}

// named reads the selector of that very name.
func (s *selecting) named(name string) (*rule, error) {
	definition, ok := s.project.selectors()[name]
	if !ok {
		return nil, unknownSelector(name, s.project.SelectorNames())
	}
	return s.defined(name, definition)
}

func (s *selecting) defined(name string, definition gjson.Result) (*rule, error) {
	r, err := ruleOf(definition)
	if err == nil {
		return r, nil
	}
	for _, f := range fault.All(err) {
		f.Where = "selectors.yml: " + name + ": " + f.Where
	}
	return nil, err
}

// ruleOf reads a definition: a text, a union, an intersection, or a method.
func ruleOf(v gjson.Result) (*rule, error) {
	switch {
	case v.Type == gjson.String:
		c, err := parseCriterion(v.Str)
		return &rule{one: c}, err
	case v.Get("union").Exists():
		return group(anyOf, v.Get("union"))
	case v.Get("intersection").Exists():
		return group(allOf, v.Get("intersection"))
	case v.IsObject():
		return methodRule(v)
	}
	return nil, selectorFault(v.Raw, "a selector is a text, a union, an intersection or a method")
}

// group reads a union or an intersection. An item with exclude: takes away
// from the group, whatever else it says.
func group(how op, items gjson.Result) (*rule, error) {
	if !items.IsArray() {
		return nil, selectorFault(items.Raw, "a union or intersection is a list")
	}
	out := &rule{op: how}
	var excluded *rule
	for _, item := range items.Array() {
		exclude := item.Get("exclude")
		r, err := ruleOf(item)
		if exclude.Exists() {
			r, err = group(anyOf, exclude)
		}
		if err != nil {
			return nil, err
		}
		switch {
		case !exclude.Exists():
			out.parts = append(out.parts, r)
		case excluded != nil:
			return nil, selectorFault(items.Raw, "a union or intersection can have one exclude only")
		default:
			excluded = r
		}
	}
	return less(out, excluded), nil
}

// less takes the second away from the first, if there is a second.
func less(from, excluded *rule) *rule {
	if excluded == nil || len(excluded.parts) == 0 {
		return from
	}
	return &rule{op: difference, parts: []*rule{from, excluded}}
}

// methodRule reads {method: tag, value: crm, children: true, …} or {tag: crm}.
func methodRule(v gjson.Result) (*rule, error) {
	method, value := v.Get("method"), v.Get("value")
	if entries := v.Map(); len(entries) == 1 {
		for key, only := range entries {
			method, value = gjson.Result{Type: gjson.String, Str: key}, only
		}
	}
	if method.Type != gjson.String || !value.Exists() || value.Type == gjson.JSON {
		return nil, selectorFault(v.Raw, "a selector has a method and a value")
	}
	c := &criterion{
		raw: method.Str + ":" + value.String(), value: strings.Clone(value.String()),
		childrensParents: v.Get("childrens_parents").Bool(),
		parents:          v.Get("parents").Bool(), parentsDepth: depth(v.Get("parents_depth")),
		children: v.Get("children").Bool(), childrenDepth: depth(v.Get("children_depth")),
		indirect: v.Get("indirect_selection").String(),
	}
	switch value.Type {
	case gjson.Number:
		c.typed = number
	case gjson.True, gjson.False:
		c.typed = boolean
	case gjson.Null, gjson.String, gjson.JSON:
	}
	if c.indirect == "" {
		c.indirect = "eager"
	}
	if !slices.Contains([]string{"eager", "cautious", "buildable", "empty"}, c.indirect) {
		return nil, selectorFault(c.raw, fmt.Sprintf("indirect_selection %q is none of eager, cautious, buildable, empty", c.indirect))
	}
	if err := c.finish(method.Str); err != nil {
		return nil, err
	}
	out := &rule{one: c}
	if exclude := v.Get("exclude"); exclude.Exists() {
		excluded, err := group(anyOf, exclude)
		if err != nil {
			return nil, err
		}
		return less(out, excluded), nil
	}
	return out, nil
}

// depth reads a depth of selectors.yml. To dbt the number 0 is none at all,
// the text "0" is zero.
func depth(v gjson.Result) int {
	if v.Type == gjson.Number && v.Num != 0 && v.Num < math.MaxInt32 {
		return int(v.Num)
	}
	if v.Type == gjson.String && digits(v.Str) {
		return depthOf(v.Str)
	}
	return unlimited
}

func unknownSelector(name string, known []string) error {
	msg := fmt.Sprintf("selectors.yml has no selector %q", name)
	if near := fault.Suggest(name, known); near != "" {
		msg += fmt.Sprintf("; did you mean %q?", near)
	}
	if len(known) == 0 {
		msg = fmt.Sprintf("there is no selector %q: the manifest has none, so there was no selectors.yml when dbt ran", name)
	} else {
		msg += " (there are " + strings.Join(known, ", ") + ")"
	}
	return &fault.Fault{
		Code: "selector_unknown", Kind: fault.Config, Whose: fault.User, Msg: msg,
		Hint: "dbt parse, if selectors.yml has changed since dbt ran",
	}
}
