package config

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"exposync/internal/fault"
	"exposync/internal/secret"
	"exposync/internal/yamlx"
)

// Values are the parameters of one connection with their references
// resolved. Asking for a parameter that is not set gives its default, else
// the zero value.
type Values struct {
	account string
	leaves  map[string]secret.Value
	maps    map[string]map[string]secret.Value
	trees   map[string]*yamlx.Node
}

// Resolve resolves the references of a connection. Only the connections that
// a run opens are resolved, so that the others may refer to what is not
// there. Everything that is wrong is reported together.
func (c Connection) Resolve(ctx context.Context, resolver secret.Resolver) (Values, fault.List) {
	v := Values{
		leaves: map[string]secret.Value{},
		maps:   map[string]map[string]secret.Value{},
		trees:  map[string]*yamlx.Node{},
	}
	rv := &resolving{resolver: resolver, place: c.place}
	if c.Account != "" {
		v.account = rv.text(ctx, "expect", Param{}, c.Account)
	}
	for _, p := range c.params {
		n := c.settings.Get(p.Name)
		switch {
		case n == nil:
			if p.Default != "" {
				v.leaves[p.Name] = secret.New(p.Default)
			}
		case p.Kind == Tree:
			v.trees[p.Name] = rv.tree(ctx, p.Name, p, n)
		case p.Kind == Map:
			v.maps[p.Name] = map[string]secret.Value{}
			for _, pair := range n.Pairs {
				leaf := Param{Secret: p.Secret || Credential(pair.Key)}
				v.maps[p.Name][pair.Key] = secret.New(rv.text(ctx, p.Name, leaf, pair.Value.Text))
			}
		default:
			v.leaves[p.Name] = secret.New(rv.text(ctx, p.Name, p, n.Text))
		}
	}
	return v, rv.problems
}

// Format prints a placeholder for every verb: values may be secrets.
func (Values) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "***") }

// Account is the account that the connection has to be of; empty if none is
// expected.
func (v Values) Account() string { return v.account }

// Has reports whether a parameter has a value, its default included.
func (v Values) Has(name string) bool {
	_, branch := v.maps[name]
	return branch || v.trees[name] != nil || !v.leaves[name].IsZero()
}

// Text gives the text of a parameter that is not secret.
func (v Values) Text(name string) string { return v.leaves[name].Reveal() }

// Secret gives a secret parameter.
func (v Values) Secret(name string) secret.Value { return v.leaves[name] }

// Int gives a whole number.
func (v Values) Int(name string) int {
	n, _ := strconv.Atoi(v.Text(name)) // Resolve has checked it
	return n
}

// Bool gives true or false.
func (v Values) Bool(name string) bool { return v.Text(name) == "true" }

// Duration gives a duration.
func (v Values) Duration(name string) time.Duration {
	d, _ := ParseDuration(v.Text(name)) // Resolve has checked it
	return d
}

// Map gives names and texts, any of which may hold a secret; nil if not set.
func (v Values) Map(name string) map[string]secret.Value { return v.maps[name] }

// Tree gives a parameter as it is written, with the references in it
// resolved: never print it. It is nil if not set.
func (v Values) Tree(name string) *yamlx.Node { return v.trees[name] }

// resolving collects what goes wrong while one connection is resolved.
type resolving struct {
	resolver secret.Resolver
	place    func(key string) Place
	problems fault.List
}

func (rv *resolving) text(ctx context.Context, key string, p Param, text string) string {
	place := rv.place(key)
	out, err := rv.resolver.RenderAt(ctx, place.Where, text)
	if err != nil {
		for _, f := range fault.All(err) {
			named := *f
			named.Msg = place.Subject + ": " + f.Msg
			rv.problems = append(rv.problems, &named)
		}
		return ""
	}
	if p.Secret && rv.resolver.Redactor != nil {
		rv.resolver.Redactor.Add(out)
	}
	if problem := p.problem(out); problem != "" {
		rv.problems = append(rv.problems, &fault.Fault{
			Code: "setting_invalid", Kind: fault.Config, Whose: fault.Setup, Where: place.Where,
			Msg:  place.Subject + ": what the reference stands for " + problem,
			Hint: "look at the variable, file or command that it names",
		})
	}
	return out
}

// tree copies a node with its references resolved.
func (rv *resolving) tree(ctx context.Context, key string, p Param, n *yamlx.Node) *yamlx.Node {
	if n == nil {
		return nil
	}
	out := *n
	if n.Kind == yamlx.String {
		out.Text = rv.text(ctx, key, p, n.Text)
	}
	out.Items = slices.Clone(n.Items)
	for i, item := range n.Items {
		out.Items[i] = rv.tree(ctx, key, p, item)
	}
	out.Pairs = slices.Clone(n.Pairs)
	for i, pair := range n.Pairs {
		leaf := Param{Secret: p.Secret || Credential(pair.Key)}
		out.Pairs[i].Value = rv.tree(ctx, key, leaf, pair.Value)
	}
	return &out
}
