package config

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"exposync/internal/yamlx"
)

// Connectors are the connection types there are. A type is asked for only if a
// connection has it.
type Connectors interface {
	// Names lists the types, sorted.
	Names() []string
	// Type gives one of them.
	Type(name string) Type
}

// Type is one type of connections.
type Type struct {
	Params []Param // in the order of the documentation
	// Digest identifies the type's description where that is the user's own;
	// it is part of the fingerprint of every connection of the type.
	Digest string
	// Hosted: a tool whose syncs are triggered, not a place that records are
	// written to.
	Hosted bool
	// Problem is why no connection can be of the type now: a fault.List.
	Problem error
}

// Types are connection types that are written out.
type Types map[string][]Param

// Names lists the types, sorted.
func (t Types) Names() []string { return slices.Sorted(maps.Keys(t)) }

// Type gives one of them.
func (t Types) Type(name string) Type { return Type{Params: t[name]} }

// Param declares one parameter of a connection type. A parameter cannot be
// named type, expect or require.
type Param struct {
	Name     string
	Kind     Kind
	Required bool
	Unless   string   // Required only if this other parameter is not set
	Secret   bool     // has to be a reference, never written out
	Default  string   // used when it is not set; as it would be written
	Choices  []string // Choice: the words
	Doc      string   // one sentence for the reference page
}

// Kind says what a parameter holds.
type Kind uint8

// The kinds of parameters.
const (
	Text     Kind = iota
	Int           // a whole number
	Bool          // true or false
	Duration      // see ParseDuration
	Choice        // one of Param.Choices
	Map           // names and texts, such as HTTP headers
	Tree          // anything; the connector reads it
)

// problem says what is wrong with the text of a parameter, "" if nothing is.
// It never repeats the text, which may be a secret.
func (p Param) problem(text string) string {
	switch p.Kind {
	case Int:
		if _, err := strconv.Atoi(text); err != nil {
			return "must be a whole number"
		}
	case Bool:
		if text != "true" && text != "false" {
			return "must be true or false"
		}
	case Duration:
		if _, ok := ParseDuration(text); !ok {
			return "must be a duration such as 30s, 10m or 2h"
		}
	case Choice:
		if !slices.Contains(p.Choices, text) {
			return "must be " + orList(p.Choices)
		}
	case Text, Map, Tree:
	}
	if text == "" && (p.Required || p.Secret) {
		return "is empty"
	}
	return ""
}

// checkParams reads the parameters of a connection and reports what is wrong
// with them as far as that can be seen without resolving references.
func checkParams(r *Reader, params []Param) {
	for _, p := range params {
		n := r.Node(p.Name)
		if n == nil {
			if p.Required && (p.Unless == "" || !r.Has(p.Unless)) {
				hint := "add " + p.Name
				if p.Unless != "" {
					hint = fmt.Sprintf("add %s, or %s instead", p.Name, p.Unless)
				}
				r.Fault("", "setting_missing", hint, "%s is missing: %s", p.Name, p.Doc)
			}
			continue
		}
		switch p.Kind {
		case Map, Tree:
			checkBranch(r, []string{p.Name}, p, n)
		case Text, Int, Bool, Duration, Choice:
			checkLeaf(r, []string{p.Name}, p, n)
		}
	}
}

func checkBranch(r *Reader, path []string, p Param, n *yamlx.Node) {
	key := strings.Join(path, ".")
	switch {
	case len(path) == 1 && p.Kind == Map && n.Kind != yamlx.Map:
		r.Fault(key, "setting_invalid", "", "must be a map, not %s", n.Kind)
	case n.Kind == yamlx.Map && (p.Kind == Tree || len(path) == 1):
		for _, pair := range n.Pairs {
			checkBranch(r, append(slices.Clip(path), pair.Key), p, pair.Value)
		}
	case n.Kind == yamlx.List && p.Kind == Tree:
		for _, item := range n.Items {
			checkBranch(r, path, p, item)
		}
	case n.Kind == yamlx.Null && p.Kind == Tree:
	default:
		leaf := Param{Name: path[len(path)-1], Secret: p.Secret || Credential(path[len(path)-1])}
		checkLeaf(r, path, leaf, n)
	}
}

func checkLeaf(r *Reader, path []string, p Param, n *yamlx.Node) {
	text, ok := n.Scalar()
	if !ok {
		r.faultBelow(path, "setting_invalid", "", fmt.Sprintf("must be one value, not %s%s", n.Kind, Trap(n)))
		return
	}
	if reference(text) && (!p.Secret || !literalDefault().MatchString(text)) {
		return
	}
	if p.Secret || LiteralSecret(text) {
		r.faultBelow(path, "secret_literal",
			fmt.Sprintf(`keep the value in an environment variable and write "{{ env_var('%s') }}", or file:/path, or exec:command`,
				variable(r.path, p.Name)),
			"holds a secret and has to be a reference, not the value itself")
		return
	}
	if problem := p.problem(text); problem != "" {
		near := ""
		if p.Kind == Choice {
			near = suggestion(text, p.Choices)
		}
		r.faultBelow(path, "setting_invalid", "", problem+near)
	}
}

// faultBelow reports a problem several keys below the reader's map.
func (r *Reader) faultBelow(path []string, code, hint, msg string) {
	r.report(append(slices.Clip(r.path), path...), code, hint, msg)
}

// reference reports whether a text is resolved when the connection is opened.
func reference(text string) bool {
	if strings.HasPrefix(text, "file:") || strings.HasPrefix(text, "exec:") {
		return true
	}
	_, rest, open := strings.Cut(text, "{{")
	return open && strings.Contains(rest, "env_var") && strings.Contains(rest, "}}")
}

// literalDefault finds env_var('X', 'default'): a default is written out too.
func literalDefault() *regexp.Regexp {
	return regexp.MustCompile(`env_var\(\s*(?:'[^']*'|"[^"]*")\s*,\s*(?:'[^']|"[^"])`)
}

// LiteralSecret recognises secrets in parameters that need not hold one.
func LiteralSecret(text string) bool {
	if scheme, token, ok := strings.Cut(text, " "); ok && token != "" {
		switch strings.ToLower(scheme) {
		case "bearer", "basic":
			return true
		}
	}
	if u, err := url.Parse(text); err == nil && u.User != nil {
		_, has := u.User.Password()
		return has
	}
	return false
}

// Credential reports whether a header or key is named like a secret.
func Credential(name string) bool {
	name = strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(name))
	for _, end := range []string{
		"authorization", "token", "password", "passwd", "secret", "apikey",
		"accesskey", "privatekey", "cookie", "credential", "credentials",
	} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// variable proposes a name for the environment variable of a parameter.
func variable(path []string, param string) string {
	name := param
	if len(path) > 0 {
		name = path[len(path)-1] + "_" + param
	}
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z':
			return c - 'a' + 'A'
		case c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			return c
		}
		return '_'
	}, name)
}
