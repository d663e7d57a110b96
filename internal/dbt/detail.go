package dbt

import (
	"bytes"
	"strings"

	"github.com/tidwall/gjson"
)

// test reads what a generic test was made from. The argument `model` is left
// out: it is the same for every test of a model, and long.
func (d *manifestReader) test(n *rawNode, v gjson.Result) {
	n.TestName, n.TestPackage = d.name(v.Get("name")), d.name(v.Get("namespace"))
	var b bytes.Buffer
	each(v.Get("kwargs"), func(key, value gjson.Result) {
		if key.Str == "model" || value.Type == gjson.Null {
			return
		}
		if b.Len() == 0 {
			b.WriteByte('{')
		} else {
			b.WriteByte(',')
		}
		b.WriteString(key.Raw)
		b.WriteByte(':')
		b.WriteString(value.Raw)
	})
	if b.Len() > 0 {
		b.WriteByte('}')
		n.TestArgs = bytes.Clone(b.Bytes())
	}
}

// constraints reads the constraints of a model.
func (d *manifestReader) constraints(v gjson.Result) []Constraint {
	var out []Constraint
	for _, c := range v.Array() {
		out = append(out, Constraint{Type: strings.ToLower(d.name(c.Get("type"))), Columns: d.nameList(c.Get("columns"))})
	}
	return out
}

// constraintTypes reads the constraints of a column.
func (d *manifestReader) constraintTypes(v gjson.Result) []string {
	var out []string
	for _, c := range v.Array() {
		out = append(out, strings.ToLower(d.name(c.Get("type"))))
	}
	return out
}

func (d *manifestReader) groups(v gjson.Result) {
	each(v, func(key, value gjson.Result) {
		id := strings.Clone(key.Str)
		d.Groups[id] = &Group{
			UniqueID: id, Name: str(value.Get("name")), Package: d.name(value.Get("package_name")),
			Path:      d.name(value.Get("original_file_path")),
			OwnerName: str(value.Get("owner.name")), OwnerEmails: strs(value.Get("owner.email")),
		}
	})
}
