package config

import (
	"maps"
	"slices"

	"exposync/internal/yamlx"
)

// Target is what exposync.yml says about one dbt target.
type Target struct {
	Name        string
	Sandbox     bool // everything goes to the local sandbox
	Connections map[string]Connection
	Schemas     []string // further schemas that belong to the target, for projects with their own generate_schema_name
	Tried       bool     // require: sandbox, of all its connections
	Where       string   // file:line
}

func readTargets(r *Reader, types Connectors) map[string]Target {
	out := map[string]Target{}
	targets := r.Map("targets")
	for name, n := range targets.Entries() {
		out[name] = readTarget(targets, name, n, types)
	}
	oneType(targets, out)
	sandboxFor(targets, out)
	return shareWithSandboxes(out)
}

func readTarget(targets *Reader, name string, n *yamlx.Node, types Connectors) Target {
	t := Target{Name: name, Connections: map[string]Connection{}, Where: targets.Place(name).Where}
	if n.Kind != yamlx.Map {
		t.Sandbox = true
		if word, _ := n.Str(); word != "sandbox" {
			targets.Fault(name, "setting_invalid", "write `"+name+": sandbox`, or a map with `connections:`",
				"must be the word sandbox or a map with connections%s", suggestion(word, []string{"sandbox"}))
		}
		return t
	}
	r := targets.Map(name)
	if on := r.Bool("sandbox"); on != nil {
		t.Sandbox = *on
	}
	t.Schemas = r.Texts("schemas")
	t.Tried = readRequire(r)
	if t.Sandbox && r.Has("connections") {
		r.Fault("connections", "setting_invalid", "remove them: a sandbox target takes the connections of the other targets",
			"a sandbox target has no connections of its own")
		r.Done()
		return t
	}
	if t.Sandbox && t.Tried {
		r.Fault("require", "setting_invalid", "write it at the targets that are real", "a sandbox target cannot ask for another one")
	}
	connections := r.Map("connections")
	for name, value := range connections.Entries() {
		c := readConnection(connections, name, value, types)
		c.Tried = c.Tried || t.Tried
		t.Connections[name] = c
	}
	r.Done()
	return t
}

// readRequire reads `require: sandbox`: what is sent has to have passed a
// sandbox.
func readRequire(r *Reader) bool {
	if !r.Has("require") {
		return false
	}
	word := r.Text("require")
	if word != "sandbox" {
		r.Fault("require", "setting_invalid", "write require: sandbox, or remove it", "must be the word sandbox%s", suggestion(word, []string{"sandbox"}))
	}
	return word == "sandbox"
}

// sandboxFor makes sure that there is a sandbox where one is asked for.
func sandboxFor(r *Reader, targets map[string]Target) {
	for _, t := range targets {
		if t.Sandbox {
			return
		}
	}
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		for _, c := range targets[name].Connections {
			if c.Tried {
				r.Fault(name, "setting_missing", "add a target such as `dev: sandbox`", "asks with require: sandbox for a sandbox, and no target is one")
				break
			}
		}
	}
}

// oneType reports connections that are one thing in one target and another
// in the next: a sync would mean something else from target to target.
func oneType(r *Reader, targets map[string]Target) {
	first := map[string]Connection{}
	for _, target := range slices.Sorted(maps.Keys(targets)) {
		for _, name := range slices.Sorted(maps.Keys(targets[target].Connections)) {
			c := targets[target].Connections[name]
			was, known := first[name]
			if !known {
				first[name] = c
				continue
			}
			if was.Type != c.Type {
				r.Map(target).Map("connections").Fault(name, "connection_type_differs",
					"give the two connections different names, or the same type",
					"is of type %s here, but of type %s at %s", c.Type, was.Type, was.Where)
			}
		}
	}
}

// shareWithSandboxes gives sandbox targets the connections of the others, of
// two with one name that of the target whose name comes first.
func shareWithSandboxes(targets map[string]Target) map[string]Target {
	names := slices.Sorted(maps.Keys(targets))
	for _, t := range targets {
		if !t.Sandbox {
			continue
		}
		for _, other := range names {
			for name, c := range targets[other].Connections {
				if _, taken := t.Connections[name]; !taken && !targets[other].Sandbox {
					t.Connections[name] = Connection{Name: name, Type: c.Type, Hosted: c.Hosted, Sandbox: true, Where: t.Where, params: c.params, settings: c.settings, digest: c.digest}
				}
			}
		}
	}
	return targets
}
