package job

import (
	"fmt"
	"slices"

	"exposync/internal/config"
	"exposync/internal/plan"
	"exposync/internal/yamlx"
)

// readKey reads key: one name, a list of names, or a map of theirs to ours.
func readKey(r *config.Reader) []plan.KeyField {
	n := r.Node("key")
	if n == nil {
		return nil
	}
	if n.Kind != yamlx.Map {
		var out []plan.KeyField
		for _, name := range names(r, "key") {
			out = append(out, plan.KeyField{Field: name, Column: name})
		}
		return out
	}
	var out []plan.KeyField
	m := r.Map("key")
	for theirs, n := range m.Entries() {
		checkName(m, theirs)
		if n.Kind == yamlx.Map {
			out = append(out, derivedKey(m.Map(theirs), theirs))
			continue
		}
		out = append(out, plan.KeyField{Field: theirs, Column: m.Text(theirs)})
	}
	if len(out) == 0 {
		r.Fault("key", "setting_invalid", "", "names no field")
	}
	return out
}

// readFields reads fields: all, none, a list of names, or a map of theirs to
// ours. None is for members of a list that have nothing but their key.
func readFields(r *config.Reader, src source) (fields []plan.Field, all bool) {
	n := r.Node("fields")
	switch {
	case n == nil:
		return nil, false
	case n.Kind == yamlx.Map:
		return mappedFields(r.Map("fields"), src), false
	case n.Kind == yamlx.String && n.Text == "all":
		return nil, true
	case n.Kind == yamlx.String && n.Text == "none":
		return nil, false
	case n.Kind == yamlx.List:
		for _, name := range names(r, "fields") {
			fields = append(fields, plan.Field{Name: name, Column: name, Nulls: plan.Clear})
		}
		return fields, false
	}
	r.Fault("fields", "setting_invalid", "write `fields: all`, `fields: none`, a list of columns, or a map of their fields to our columns",
		"must be the word all or none, a list or a map%s", config.Trap(n))
	return nil, false
}

func mappedFields(m *config.Reader, src source) []plan.Field {
	var out []plan.Field
	for theirs, n := range m.Entries() {
		checkName(m, theirs)
		if n.Kind == yamlx.Map {
			out = append(out, detailedField(m.Map(theirs), theirs, src))
			continue
		}
		if _, ok := n.Str(); !ok {
			hint := ""
			if n.Kind == yamlx.Number || n.Kind == yamlx.Bool {
				hint = "to send a constant write {value: …}"
			}
			m.Fault(theirs, "setting_invalid", hint, "must be the name of a column, not %s%s", n.Kind, config.Trap(n))
			continue
		}
		out = append(out, plan.Field{Name: theirs, Column: m.Text(theirs), Nulls: plan.Clear})
	}
	if len(out) == 0 {
		m.Fault("", "setting_invalid", "", "names no field")
	}
	return out
}

// names reads a text or a list of texts that name a field each, on both sides.
func names(r *config.Reader, key string) []string {
	out := r.Texts(key)
	for i, name := range out {
		if name != "" && slices.Contains(out[:i], name) {
			r.Fault(at(key, i), "field_twice", "remove one of them", "%q stands twice", name)
		}
	}
	if len(out) == 0 {
		r.Fault(key, "setting_invalid", "", "names no field")
	}
	return out
}

// at is the key of a place in a list.
func at(key string, i int) string { return fmt.Sprintf("%s[%d]", key, i) }

// checkName refuses names that YAML 1.1 made of unquoted words.
func checkName(m *config.Reader, theirs string) {
	switch theirs {
	case "true", "false", "null", "True", "False", "None":
		m.Fault(theirs, "yaml_trap", "put the field's name in quotes",
			"a field cannot be called %s: unquoted yes, no, on, off and ~ become that", theirs)
	case "":
		m.Fault(theirs, "setting_invalid", "", "a field has no name")
	}
}
