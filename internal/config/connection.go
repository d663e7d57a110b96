package config

import (
	"slices"

	"exposync/internal/yamlx"
)

// Connection is one place that records can go to.
type Connection struct {
	Name    string
	Type    string
	Hosted  bool   // a tool whose syncs are triggered: named by hosted:, not by to:
	Sandbox bool   // stands in a sandbox target: it has no parameters of its own
	Account string // expect: {account: …} as written, perhaps a reference; empty if not expected
	Tried   bool   // require: sandbox, here or at the target: what is sent has to have passed a sandbox
	Where   string // file:line
	// Problem is why nothing can be sent through it though it is written as it
	// should be: what is wrong with the user's own description of its type, as
	// a fault.List. It is a problem of the jobs that use the connection only.
	Problem error

	digest   string // of the type's description, if that is the user's own
	params   []Param
	settings *yamlx.Node // as written; checked. Of a sandbox: those of the connection that it stands in for
	place    func(key string) Place
}

func readConnection(connections *Reader, name string, n *yamlx.Node, types Connectors) Connection {
	r := connections.Map(name)
	c := Connection{Name: name, Type: name, Where: r.Place("").Where, settings: n, place: r.Place}
	if r.Has("type") {
		c.Type = r.Text("type")
	}
	expect := r.Map("expect")
	c.Account = expectedAccount(expect)
	expect.Done()
	c.Tried = readRequire(r)

	if !slices.Contains(types.Names(), c.Type) {
		if n.Kind == yamlx.Map {
			unknownType(r, c, types)
		}
		return c
	}
	t := types.Type(c.Type)
	c.params, c.digest, c.Problem, c.Hosted = t.Params, t.Digest, t.Problem, t.Hosted
	if n.Kind != yamlx.Map || c.Problem != nil {
		return c // without a description nothing tells which settings there are
	}
	checkParams(r, c.params)
	r.Done()
	return c
}

func expectedAccount(r *Reader) string {
	n := r.Node("account")
	if n == nil {
		return ""
	}
	text, ok := n.Scalar()
	if !ok || text == "" {
		r.Fault("account", "setting_invalid", "", "must be the account as the destination names it%s", Trap(n))
	}
	return text
}

func unknownType(r *Reader, c Connection, types Connectors) {
	names := types.Names()
	key, msg := "type", "no connector has the type %q%s"
	if !r.Has("type") {
		key, msg = "", "has no type, and no connector is called %q%s"
	}
	r.Fault(key, "connection_type_unknown", "this version has the types "+orList(names), msg, c.Type, suggestion(c.Type, names))
}

// Written is a setting as it stands there; empty if it is not set, or refers
// to a value that stands elsewhere.
func (c *Connection) Written(key string) string {
	text, ok := c.settings.Get(key).Scalar()
	if !ok || reference(text) {
		return ""
	}
	return text
}

// Literals are the settings that are written out, by name, without those that
// are secrets: what a sandbox may know of the connection that it stands in for.
func (c *Connection) Literals() map[string]string {
	out := map[string]string{}
	for _, p := range c.params {
		if text := c.Written(p.Name); text != "" && !p.Secret && p.Kind != Map && p.Kind != Tree {
			out[p.Name] = text
		}
	}
	return out
}

// alike reports whether two connections are written the same way.
func (c *Connection) alike(o *Connection) bool {
	if c == nil || o == nil {
		return c == o
	}
	if c.Type != o.Type || len(c.settings.Keys()) != len(o.settings.Keys()) {
		return false
	}
	for _, key := range c.settings.Keys() {
		ours, _ := c.settings.Get(key).Scalar()
		theirs, ok := o.settings.Get(key).Scalar()
		if !ok || ours != theirs {
			return false
		}
	}
	return true
}
