package declared

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"exposync/internal/fault"
)

// Texts of a spec may hold ${name}: a parameter of the connection, a var of
// the spec, or one of the names below. $$ stands for one $.

// jobNames are the names that a job fills.
func jobNames() []string { return []string{"object", "key_field", "mode", "star"} }

// expand fills the names of a text; each value goes through escape. lookup is
// asked for every name.
func expand(text string, lookup func(string) (string, bool), escape func(string) string) (string, error) {
	if !strings.Contains(text, "$") {
		return text, nil
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], "$$"):
			b.WriteByte('$')
			i++
		case strings.HasPrefix(text[i:], "${"):
			end := strings.IndexByte(text[i:], '}')
			if end < 0 {
				return "", errors.New("${ without }")
			}
			name := text[i+2 : i+end]
			value, ok := lookup(name)
			if !ok {
				return "", &unknownName{name}
			}
			b.WriteString(escape(value))
			i += end
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String(), nil
}

type unknownName struct{ name string }

func (e *unknownName) Error() string { return fmt.Sprintf("${%s} is not known", e.name) }

func verbatim(s string) string { return s }

// checkTexts makes sure that every ${…} of a spec can be filled.
func (d *decoder) checkTexts(s *spec) {
	var names []string
	for _, p := range s.params {
		names = append(names, p.Name)
	}
	for _, v := range s.vars {
		names = append(names, v.name)
	}
	names = append(names, jobNames()...)
	for _, t := range d.texts {
		known := func(name string) (string, bool) {
			return "", slices.Contains(names, name) || slices.Contains(t.more, name)
		}
		_, err := expand(t.text, known, verbatim)
		if err == nil {
			continue
		}
		hint := "known here: " + strings.Join(names, ", ")
		if unknown, ok := err.(*unknownName); ok { //nolint:errorlint // expand returns it as it is
			if near := fault.Suggest(unknown.name, names); near != "" {
				hint = "did you mean ${" + near + "}?"
			}
		}
		d.failAt(t.where, hint, "%s", err)
	}
}

// values fills texts for one connection, and for one job once bind was called.
type values struct {
	named map[string]string
	vars  map[string]bool // names of the spec's own: their slashes part segments of a path
}

// newValues resolves the spec's vars over the connection's parameters.
func newValues(s *spec, params map[string]string) (values, error) {
	v := values{named: map[string]string{}, vars: map[string]bool{}}
	for _, p := range s.params {
		v.named[p.Name] = p.Default
		if given, ok := params[p.Name]; ok {
			v.named[p.Name] = given
		}
	}
	for _, x := range s.vars {
		text, err := v.variable(x)
		if err != nil {
			return v, fmt.Errorf("vars.%s: %w", x.name, err)
		}
		v.named[x.name], v.vars[x.name] = text, true
	}
	return v, nil
}

// variable is the text of a var.
func (v values) variable(x variable) (string, error) {
	if x.of == "" {
		return v.text(x.text)
	}
	of, err := v.text(x.of)
	if err != nil {
		return "", err
	}
	text := ""
	for _, c := range x.cases {
		if c.name == of {
			return v.text(c.text)
		}
		if c.name == "*" {
			text = c.text
		}
	}
	return v.text(text)
}

func (v values) lookup(name string) (string, bool) {
	s, ok := v.named[name]
	return s, ok
}

// with gives the values with more names.
func (v values) with(more ...pair) values {
	out := values{named: make(map[string]string, len(v.named)+len(more)), vars: v.vars}
	maps.Copy(out.named, v.named)
	for _, p := range more {
		out.named[p.name] = p.text
	}
	return out
}

// text fills a text as it is; path and query make it fit for their place.
func (v values) text(s string) (string, error) { return expand(s, v.lookup, verbatim) }

func (v values) path(s string) (string, error) {
	return expand(s, func(name string) (string, bool) {
		text, ok := v.named[name]
		escaped := url.PathEscape(text)
		if v.vars[name] {
			escaped = strings.ReplaceAll(escaped, "%2F", "/")
		}
		return escaped, ok
	}, verbatim)
}

// target is the path and query of a request.
func (v values) target(r request) (string, error) {
	path, err := v.path(r.path)
	if err != nil {
		return "", err
	}
	query := url.Values{}
	for _, q := range r.query {
		text, err := v.text(q.text)
		if err != nil {
			return "", err
		}
		name, err := v.text(q.name)
		if err != nil {
			return "", err
		}
		query.Add(name, text)
	}
	if more := query.Encode(); more != "" {
		path = withQuery(path, more)
	}
	return path, nil
}
