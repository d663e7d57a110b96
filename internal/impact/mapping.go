package impact

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"exposync/internal/mapping"
	"exposync/internal/plan"
)

// uses is what a sync does with the columns of its export.
type uses struct {
	fields map[string][]string // destination fields by column in lower case
	key    map[string]bool     // columns that the key is made of, in lower case
	all    bool                // every other column goes to a field of its own name
}

func usesOf(j plan.Job) uses {
	u := uses{fields: map[string][]string{}, key: map[string]bool{}, all: j.AllFields}
	for _, k := range j.Key {
		name := func(column string) string { u.add(column, k.Field); u.key[fold(column)] = true; return column }
		if k.Rule != nil {
			k.Rule.Text(k.Column, name)
			continue
		}
		name(k.Column)
	}
	for _, f := range j.Fields {
		name := func(column string) string { u.add(column, f.Name); return column }
		switch {
		case f.Value != nil:
		case f.Rule != nil:
			f.Rule.Text(f.Column, name)
		default:
			name(f.Column)
		}
	}
	if j.Incremental.On() {
		u.add(j.Incremental.Column, "")
	}
	return u
}

func (u uses) add(column, field string) {
	column = fold(column)
	if column != "" && !slices.Contains(u.fields[column], field) {
		u.fields[column] = append(u.fields[column], field)
	}
}

// of gives the fields that a column fills; ok is false if the sync does not
// use it at all.
func (u uses) of(column string) (fields []string, ok bool) {
	named, ok := u.fields[fold(column)]
	for _, f := range named {
		if f != "" { // of a column that says where to read from
			fields = append(fields, f)
		}
	}
	if u.all && !u.key[fold(column)] && !slices.Contains(fields, column) {
		return append(fields, column), true
	}
	return fields, ok
}

// fieldSaid is what a mapping says about one field.
type fieldSaid struct{ name, text string }

// fieldTexts are the fields of a sync; with fields: all, as far as its columns
// are known.
func (c *comparison) fieldTexts(which int, j plan.Job) []fieldSaid {
	var out []fieldSaid
	if j.AllFields {
		u := usesOf(j)
		for _, col := range c.known(which, j.Source.Node).list {
			if !u.key[fold(col.name)] {
				out = append(out, fieldSaid{col.name, col.name})
			}
		}
		return out
	}
	for _, f := range j.Fields {
		out = append(out, fieldSaid{f.Name, fieldText(f)})
	}
	return out
}

// fieldText is what a field is filled with, as people would say it.
func fieldText(f plan.Field) string {
	text := f.Column
	switch {
	case f.Value != nil:
		text = fmt.Sprintf("the constant %q", f.Value.Data)
	case f.Rule != nil:
		text = f.Rule.Text(f.Column, func(column string) string { return column })
		if f.Rule.Expr != "" {
			text = "expr: " + f.Rule.Expr + transformed(f.Rule)
		} else if f.Rule.Object == nil && f.Rule.Array == nil {
			text = f.Column + transformed(f.Rule)
		}
	}
	if f.Lookup != nil {
		text += " looked up in " + f.Lookup.Job + ", miss: " + string(f.Lookup.Miss)
	}
	if f.Nulls == plan.Skip {
		text += ", nulls: skip"
	}
	if f.Write != plan.WriteAlways {
		text += ", write: " + string(f.Write)
	}
	return text
}

// literals are the texts in quotes of what a field is filled with.
var literals = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`"[^"]*"|'[^']*'`) })

// withoutTokens leaves out what may be a token: a text in quotes that is long and of
// letters and digits without a space. A report goes where the metadata of the
// project does not, into comments and mails.
func withoutTokens(text string) string {
	return literals().ReplaceAllStringFunc(text, func(quoted string) string {
		for word := range strings.FieldsSeq(quoted[1 : len(quoted)-1]) {
			if len(word) >= tokenLength && strings.ContainsAny(word, "0123456789") && strings.ContainsFunc(word, unicode.IsLetter) {
				return quoted[:1] + "…" + quoted[:1]
			}
		}
		return quoted
	})
}

// tokenLength is that of the shortest tokens that are in use.
const tokenLength = 16

func keyText(k plan.KeyField) string {
	if k.Rule == nil {
		return k.Column
	}
	return fieldText(plan.Field{Column: k.Column, Rule: k.Rule})
}

// transformed is what is done to a value before it is sent.
func transformed(r *mapping.Rule) string {
	var b strings.Builder
	for _, part := range [][2]string{{"cast", string(r.Cast)}, {"normalize", string(r.Normalize)}, {"hash", string(r.Hash)}} {
		if part[1] != "" {
			b.WriteString(", " + part[0] + ": " + part[1])
		}
	}
	return b.String()
}
