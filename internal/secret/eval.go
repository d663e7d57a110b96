package secret

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"exposync/internal/fault"
)

// value is what an expression gives. kind: 's' text, 'n' number, 'b' boolean,
// 0 none. text is the value as Python prints it.
type value struct {
	kind byte
	text string
}

var errNumber = errors.New("a value is not a number")

func text(s string) value { return value{kind: 's', text: s} }

func boolean(b bool) value {
	if b {
		return value{kind: 'b', text: "True"}
	}
	return value{kind: 'b', text: "False"}
}

// number keeps the text of a number, except for its underscores and spaces.
func number(s string) (value, error) {
	s = strings.ReplaceAll(strings.TrimSpace(s), "_", "")
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || strings.ContainsAny(s, "xXpP") {
		return value{}, errNumber
	}
	return value{kind: 'n', text: s}, nil
}

// String gives the text that stands in a longer template.
func (v value) String() string {
	if v.kind == 0 {
		return "None"
	}
	return v.text
}

// yaml gives the text of a value that stands alone, to be read as YAML.
func (v value) yaml() string {
	if v.kind == 'b' {
		return strings.ToLower(v.text)
	}
	return v.text
}

func (v value) truth() bool {
	switch v.kind {
	case 'b':
		return v.text == "True"
	case 'n':
		f, _ := strconv.ParseFloat(v.text, 64) // number made it
		return f != 0
	}
	return v.text != ""
}

func (v value) equal(o value) bool {
	if v.kind == 'n' && o.kind == 'n' {
		a, _ := strconv.ParseFloat(v.text, 64) // number made both
		b, _ := strconv.ParseFloat(o.text, 64)
		return a == b
	}
	return v == o
}

// plus joins two texts; Python adds no text to a number.
func (v value) plus(o value) (value, error) {
	if v.kind == 's' && o.kind == 's' {
		return text(v.text + o.text), nil
	}
	return value{}, unsupported("+ between anything but texts (~ joins all)")
}

// call gives a function's node: env_var or var.
func call(name string, args []node) (node, error) {
	if name != "env_var" && name != "var" {
		return nil, unsupported(fmt.Sprintf("the function %q", name))
	}
	if len(args) < 1 || len(args) > 2 {
		return nil, fmt.Errorf("%s takes a name and, if you like, a default", name)
	}
	return func(r Resolver) (value, error) {
		key, err := args[0](r)
		if err != nil {
			return value{}, err
		}
		found, ok := r.lookup(name, key.text)
		if ok {
			return text(found), nil
		}
		if len(args) == 2 {
			v, err := args[1](r)
			if err != nil || v.kind != 0 {
				return v, err
			}
		}
		return value{}, missing(name, key.text)
	}, nil
}

func (r Resolver) lookup(function, name string) (string, bool) {
	get := r.Env
	if function == "var" {
		get = r.Vars
	}
	if get == nil {
		return "", false
	}
	found, ok := get(name)
	if ok && r.Redactor != nil {
		r.Redactor.addFrom(name, found)
	}
	return found, ok
}

func missing(function, name string) error {
	if function == "var" {
		return &fault.Fault{
			Code: "var_missing", Kind: fault.Config, Whose: fault.Setup,
			Msg:  fmt.Sprintf("the dbt variable %q is not set and has no default", name),
			Hint: fmt.Sprintf("give it a default: {{ var('%s', 'value') }}", name),
		}
	}
	return &fault.Fault{
		Code: "env_missing", Kind: fault.Config, Whose: fault.Setup,
		Msg:  fmt.Sprintf("the environment variable %s is not set", name),
		Hint: fmt.Sprintf("export %s=…", name),
	}
}

// filter gives the node of `inner | name(args)`.
func filter(name string, inner node, args []node) (node, error) {
	one := map[string]func(value) (value, error){
		"as_text":   func(v value) (value, error) { return text(v.String()), nil },
		"string":    func(v value) (value, error) { return text(v.String()), nil },
		"as_native": func(v value) (value, error) { return v, nil },
		"as_number": func(v value) (value, error) { return number(v.text) },
		"float":     func(v value) (value, error) { return number(v.text) },
		"int":       integer,
		"as_bool":   asBool,
		"trim":      func(v value) (value, error) { return text(strings.TrimSpace(v.String())), nil },
		"lower":     func(v value) (value, error) { return text(strings.ToLower(v.String())), nil },
		"upper":     func(v value) (value, error) { return text(strings.ToUpper(v.String())), nil },
	}[name]
	switch {
	case name == "default" || name == "d":
		return defaulted(inner, args)
	case one == nil:
		return nil, unsupported(fmt.Sprintf("the filter %q", name))
	case len(args) > 0:
		return nil, unsupported(fmt.Sprintf("arguments of the filter %q", name))
	}
	return func(r Resolver) (value, error) {
		v, err := inner(r)
		if err != nil {
			return value{}, err
		}
		if v, err = one(v); err != nil {
			return value{}, fmt.Errorf("filter %s: %w", name, err)
		}
		return v, nil
	}, nil
}

// integer cuts a number's fraction off. Jinja turns any other text into 0; a
// port of 0 helps nobody, so that is a fault here.
func integer(v value) (value, error) {
	n, err := number(v.text)
	if err != nil {
		return value{}, err
	}
	f, _ := strconv.ParseFloat(n.text, 64) // number made it
	if math.Abs(f) > 1<<53 {
		return value{}, errNumber
	}
	return number(strconv.FormatInt(int64(f), 10))
}

func asBool(v value) (value, error) {
	switch strings.ToLower(strings.TrimSpace(v.text)) {
	case "true":
		return boolean(true), nil
	case "false":
		return boolean(false), nil
	}
	return value{}, errors.New("a value is neither true nor false")
}

// defaulted replaces none; with a second argument that is true, also empty
// and false values.
func defaulted(inner node, args []node) (node, error) {
	if len(args) < 1 || len(args) > 2 {
		return nil, errors.New("the filter default takes a value")
	}
	return func(r Resolver) (value, error) {
		v, err := inner(r)
		if err != nil {
			return value{}, err
		}
		falsy := value{}
		if len(args) == 2 {
			if falsy, err = args[1](r); err != nil {
				return value{}, err
			}
		}
		if v.kind == 0 || falsy.truth() && !v.truth() {
			return args[0](r)
		}
		return v, nil
	}, nil
}
