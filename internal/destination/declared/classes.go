package declared

import (
	"regexp"
	"strings"

	"exposync/internal/destination"
	"exposync/internal/yamlx"
)

// classes says what a code means; "*" stands for all other codes. A key
// between slashes is a pattern for "CODE: message": some services tell two
// things apart in the text only. The first pattern that matches wins over all
// codes.
type classes struct {
	codes map[string]destination.State
	texts []textClass
}

type textClass struct {
	match *regexp.Regexp
	state destination.State
}

// of is the state of codes: the worst that the spec gives to one of them;
// other for a code it does not know.
func (c classes) of(codes []string, message string, other destination.State) destination.State {
	if len(c.texts) > 0 {
		text := join(codes, ",") + ": " + message
		for _, t := range c.texts {
			if t.match.MatchString(text) {
				return t.state
			}
		}
	}
	if fallback, ok := c.codes["*"]; ok {
		other = fallback
	}
	if len(codes) == 0 {
		return other
	}
	worst := destination.OK
	for _, code := range codes {
		state, ok := c.codes[code]
		if !ok {
			state = other
		}
		if rank(state) > rank(worst) {
			worst = state
		}
	}
	return worst
}

func (d *decoder) classes(dst *classes) func(*yamlx.Node) {
	return func(n *yamlx.Node) {
		if d.drawing.free(d.state(new(destination.State))) {
			return
		}
		if n.Kind != yamlx.Map {
			d.fail(n, "", "class must map codes to states, not be %s", n.Kind)
			return
		}
		*dst = classes{codes: map[string]destination.State{}}
		for _, p := range n.Pairs {
			var s destination.State
			d.state(&s)(p.Value)
			text, isPattern := strings.CutPrefix(p.Key, "/")
			if !isPattern {
				dst.codes[p.Key] = s
				continue
			}
			re, err := regexp.Compile(strings.TrimSuffix(text, "/"))
			if err != nil {
				d.fail(p.Value, "", "class: %s is no regular expression", p.Key)
				continue
			}
			dst.texts = append(dst.texts, textClass{re, s})
		}
	}
}

// renames gives our words for what a service calls otherwise: not_found,
// exists.
func (d *decoder) renames(dst *map[string]string) func(*yamlx.Node) {
	return func(n *yamlx.Node) {
		var list []pair
		d.pairs(&list, "codes", d.text)(n)
		*dst = map[string]string{}
		for _, p := range list {
			(*dst)[p.name] = p.text
		}
	}
}
