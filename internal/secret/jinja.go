package secret

import (
	"errors"
	"fmt"
	"strings"

	"exposync/internal/fault"
)

// Jinja renders only the Jinja in text, in the subset that dbt's profiles
// need: env_var, var, text, numbers, true, false, none, ~, +, ==, !=, not,
// and, or, inline if, and the filters int, float, as_number, as_bool,
// as_native, as_text, string, trim, lower, upper and default. where is the
// place that faults name: env_missing, var_missing, jinja_invalid,
// jinja_unsupported.
func (r Resolver) Jinja(where, text string) (string, error) {
	if !strings.Contains(text, "{{") && !strings.Contains(text, "{%") && !strings.Contains(text, "{#") {
		return text, nil
	}
	out, err := r.template(text)
	if err == nil {
		return out, nil
	}
	f, known := errors.AsType[*fault.Fault](err)
	if !known {
		f = &fault.Fault{
			Code: "jinja_invalid", Kind: fault.Config, Whose: fault.Setup,
			Msg: "this Jinja cannot be read", Err: err,
		}
	}
	f.Where = where
	return "", f
}

// template renders text piece by piece. A text that is one expression and
// nothing else gives a YAML value ("true"), else Python's words ("True").
func (r Resolver) template(text string) (string, error) {
	var b strings.Builder
	for rest := text; ; {
		at := nextTag(rest)
		if at < 0 {
			b.WriteString(rest)
			return b.String(), nil
		}
		before, tag := rest[:at], rest[at:at+2]
		if strings.HasPrefix(rest[at+2:], "-") {
			before = strings.TrimRight(before, " \t\r\n")
		}
		b.WriteString(before)
		rest = rest[at+2:]
		switch tag {
		case "{#":
			_, after, closed := strings.Cut(rest, "#}")
			if !closed {
				return "", errors.New("its {# is never closed")
			}
			rest = after
		case "{%":
			return "", unsupported("statements ({% … %})")
		default:
			v, after, err := r.expression(rest)
			if err != nil {
				return "", err
			}
			if b.Len() == 0 && after == "" {
				return v.yaml(), nil
			}
			b.WriteString(v.String())
			rest = after
		}
	}
}

// nextTag finds the next opening tag, -1 if there is none.
func nextTag(text string) int {
	for i := 0; i+1 < len(text); i++ {
		if text[i] == '{' && (text[i+1] == '{' || text[i+1] == '%' || text[i+1] == '#') {
			return i
		}
	}
	return -1
}

// expression evaluates what stands between {{ and }}.
func (r Resolver) expression(text string) (value, string, error) {
	tokens, rest, err := lex(text)
	if err != nil {
		return value{}, "", err
	}
	p := &parser{tokens: tokens}
	run, err := p.ternary()
	if err != nil {
		return value{}, "", err
	}
	if t := p.peek(); t.kind != "" {
		return value{}, "", unsupported(t.describe())
	}
	v, err := run(r)
	return v, rest, err
}

func unsupported(what string) error {
	return &fault.Fault{
		Code: "jinja_unsupported", Kind: fault.Config, Whose: fault.Setup,
		Msg:  "this Jinja uses what Exposync does not know: " + what,
		Hint: "use env_var('NAME'), or set the value in an environment variable: exposync explain jinja_unsupported",
	}
}

// describe names a token in a message. The text of a string is left out: it
// may be a default password.
func (t token) describe() string {
	switch t.kind {
	case "":
		return "an expression that ends early"
	case "s":
		return "a text at this place"
	case "n", "w":
		return fmt.Sprintf("%q", t.text)
	}
	return fmt.Sprintf("%q", t.kind)
}
