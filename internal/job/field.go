package job

import (
	"strings"

	"exposync/internal/config"
	"exposync/internal/mapping"
	"exposync/internal/plan"
	"exposync/internal/yamlx"
)

// detailedField reads what is said about one field: where its value comes from
// (from, value, expr, object, array), what is done to it, and when it is sent.
func detailedField(r *config.Reader, theirs string, src source) plan.Field {
	v := readValue(r, src)
	f := plan.Field{Name: theirs, Column: v.column, Value: v.value, Rule: v.rule, Nulls: v.nulls, Write: readWrite(r), Lookup: readLookup(r)}
	r.Later("format", "default")
	r.Done()
	return f
}

// value is where a value comes from and what is done to it.
type value struct {
	column string
	value  *plan.Constant
	rule   *mapping.Rule // nil for a constant and for a column as it stands
	nulls  plan.Nulls
}

// valueSources are the keys that say where a value comes from.
func valueSources() []string { return []string{"from", "value", "expr", "object", "array"} }

func readValue(r *config.Reader, src source) value {
	var said []string
	for _, key := range valueSources() {
		if r.Node(key) != nil {
			said = append(said, key)
		}
	}
	v := value{column: r.Text("from"), nulls: plan.Nulls(r.Choice("nulls", string(plan.Skip), string(plan.Clear)))}
	rule := mapping.Rule{
		Cast:      mapping.Cast(r.Choice("cast", mapping.Casts()...)),
		Normalize: mapping.Normalize(r.Choice("normalize", mapping.Normalizations()...)),
		Hash:      mapping.Hash(r.Choice("hash", mapping.Hashes()...)),
		Where:     r.Place("").Where,
	}
	switch {
	case len(said) > 1:
		r.Fault("", "setting_invalid", "remove all but one of them", "has both %s", strings.Join(said, " and "))
	case len(said) == 0:
		r.Fault("", "setting_missing", "add `from: column`, or `value:` for a constant", "says neither %s", strings.Join(valueSources(), " nor "))
	}
	if n := r.Node("value"); n != nil {
		v.value = constant(r, n, src)
		onlyOfColumns(r)
		return v.orClear()
	}
	if expression := r.Text("expr"); expression != "" {
		if rule.Expr = expression; strings.TrimSpace(expression) != "" {
			if err := mapping.Check(expression); err != nil {
				r.Fault("expr", "expr_invalid", "", "%s", err)
			}
		}
	}
	if r.Node("object") != nil {
		rule.Object = readObject(r.Map("object"), src)
	}
	if r.Node("array") != nil {
		rule.Array = readArray(r, src)
	}
	if rule.Expr != "" || rule.Object != nil || rule.Array != nil || rule.Cast != "" || rule.Normalize != "" || rule.Hash != "" {
		v.rule = &rule
	}
	return v.orClear()
}

func (v value) orClear() value {
	if v.nulls == "" {
		v.nulls = plan.Clear
	}
	return v
}

// onlyOfColumns refuses what makes no sense with a constant.
func onlyOfColumns(r *config.Reader) {
	if r.Has("nulls") {
		r.Fault("nulls", "setting_invalid", "remove it", "a constant is never null")
	}
	for _, key := range []string{"cast", "normalize", "hash"} {
		if r.Has(key) {
			r.Fault(key, "setting_invalid", "write the constant as it is to be sent, and remove it", "acts on columns, not on a constant")
		}
	}
}

// derivedKey reads {from: column, cast: text} or {expr: …} of a part of the key.
func derivedKey(r *config.Reader, theirs string) plan.KeyField {
	for _, key := range []string{"value", "object", "array", "nulls"} {
		if r.Has(key) {
			r.Fault(key, "setting_invalid", "remove it", "cannot be said of a part of the key")
		}
	}
	v := readValue(r, source{})
	r.Done()
	return plan.KeyField{Field: theirs, Column: v.column, Rule: v.rule}
}

// requireWholeSource reports a key that is made of columns, where rows are
// asked for by their keys.
func (s spec) requireWholeSource(r *config.Reader) {
	setting := plan.Incremental{Column: s.cursor + s.changedSince, Forget: s.cursor != ""}
	if !setting.On() {
		return
	}
	for _, k := range s.key {
		if k.Rule != nil {
			r.Fault("key", "setting_invalid", "make the key in the export model", "%s: with %s, rows are fetched by their key, which has to be a column as it stands", k.Field, setting.Setting())
		}
	}
}

func readWrite(r *config.Reader) plan.Write {
	word := plan.Write(r.Choice("write", "always", string(plan.WriteCreate), string(plan.WriteIfEmpty)))
	if word == "always" {
		return plan.WriteAlways
	}
	return word
}

// requireWrites reports fields that the mode would never send as they say, or
// always.
func (s spec) requireWrites(r *config.Reader) {
	for _, f := range s.fields {
		switch {
		case f.Write != plan.WriteAlways && s.mode == plan.Append:
			r.Fault("fields", "setting_invalid", "remove it", "%s: write: %s: in mode append every version is a new record", f.Name, f.Write)
		case f.Write == plan.WriteCreate && s.mode == plan.Update:
			r.Fault("fields", "setting_invalid", "use write: if_empty, or another mode", "%s: write: create: mode update creates no record", f.Name)
		}
	}
}

// readObject reads the members of an object: theirs to ours, as in fields.
func readObject(m *config.Reader, src source) []mapping.Member {
	out := []mapping.Member{}
	for name, n := range m.Entries() {
		checkName(m, name)
		out = append(out, readMember(m, name, name, n, func() *config.Reader { return m.Map(name) }, src))
	}
	if len(out) == 0 {
		m.Fault("", "setting_invalid", "", "names no member")
	}
	return out
}

// readArray reads the elements of an array: columns, or what fields can say.
func readArray(r *config.Reader, src source) []mapping.Member {
	out := []mapping.Member{}
	n := r.Node("array")
	if n.Kind != yamlx.List || len(n.Items) == 0 {
		r.Fault("array", "setting_invalid", "write it as [column, {from: column}]; a column that holds an array already is written `from: column`", "must be a list of columns")
		return out
	}
	for i, item := range n.Items {
		out = append(out, readMember(r, at("array", i), "", item, func() *config.Reader { return r.Item("array", i) }, src))
	}
	return out
}

// readMember reads one member: the name of a column, or a map like a field's.
func readMember(r *config.Reader, key, name string, n *yamlx.Node, below func() *config.Reader, src source) mapping.Member {
	if n.Kind == yamlx.Map {
		m := below()
		v := readValue(m, src)
		m.Done()
		return mapping.Member{Name: name, Column: v.column, Value: v.value, SkipNulls: v.nulls == plan.Skip, Rule: v.rule}
	}
	column, ok := n.Str()
	if !ok || strings.TrimSpace(column) == "" {
		hint := ""
		if n.Kind == yamlx.Number || n.Kind == yamlx.Bool {
			hint = "to send a constant write {value: …}"
		}
		r.Fault(key, "setting_invalid", hint, "must be the name of a column, not %s%s", n.Kind, config.Trap(n))
	}
	return mapping.Member{Name: name, Column: column}
}
