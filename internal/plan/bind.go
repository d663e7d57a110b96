package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/mapping"
	"exposync/internal/record"
)

// Bound is a job whose columns are known: every name is resolved to a place
// in the rows that the warehouse will yield.
type Bound struct {
	Job     Job
	Columns []string    // to select, distinct, in the order of the rows
	Key     []BoundPart // in the order of Job.Key
	Fields  []BoundPart // in declared order; AllFields expanded in table order
	Since   *BoundPart  // the column of an incremental reading; nil if all is read
}

// BoundPart is one field of the destination and where its value comes from.
type BoundPart struct {
	Name   string        // theirs
	Column string        // ours; empty for a constant
	Index  int           // into the row; -1 for a constant
	Kind   record.Kind   // of the column or constant
	Value  *record.Value // the constant
	Nulls  Nulls
	Write  Write
	Lookup *Lookup // see Field; Kind is that of the id

	// Derive makes the value; nil for a constant and for a column as it
	// stands. Sources are the columns that it reads, and Text is what the
	// mapping's fingerprint says about it.
	Derive  *mapping.Deriver
	Sources []string
	Text    string
}

// Bind resolves the columns of a job against those of its relation. A name
// matches exactly, else regardless of case if only one column does. Every
// column that is missing is a fault with code "column_missing"; a column that
// fields: all would send to a field of the key is one with "field_twice".
func Bind(job Job, columns []record.Column) (Bound, fault.List) {
	b := &binder{job: job, columns: columns, index: map[string]int{}}
	bound := Bound{Job: job}
	for _, k := range job.Key {
		part := b.part("key."+k.Field, k.Field, k.Column, k.Rule)
		bound.Key = append(bound.Key, part)
	}
	fields := job.Fields
	if job.AllFields {
		fields = b.rest()
	}
	for _, f := range fields {
		part := BoundPart{Name: f.Name, Index: -1, Value: f.Value}
		switch {
		case f.Value != nil:
			part.Kind = f.Value.Kind
		default:
			part = b.part("fields."+f.Name, f.Name, f.Column, f.Rule)
		}
		part.Nulls, part.Write, part.Lookup = f.Nulls, f.Write, f.Lookup
		if f.Lookup != nil {
			part.Kind = record.Text
		}
		bound.Fields = append(bound.Fields, part)
	}
	bound.Since = b.since(job)
	bound.Columns = b.selected
	b.refuseTwins(bound)
	return bound, b.problems
}

// Mapping is the fingerprint of everything that decides which values a record
// is sent with: key, fields and mode. It does not depend on the order of
// fields and is stable over releases; "m1:" is its version.
func (b Bound) Mapping() string {
	lines := []string{"mode " + string(b.Job.Mode)}
	for _, k := range b.Key {
		line := fmt.Sprintf("key %q = %q", k.Name, k.Column)
		if k.Derive != nil {
			line = fmt.Sprintf("key %q %s", k.Name, k.Text)
		}
		lines = append(lines, line)
	}
	for _, f := range b.Fields {
		line := fmt.Sprintf("field %q = %q nulls %s", f.Name, f.Column, f.Nulls)
		switch {
		case f.Value != nil:
			line = fmt.Sprintf("field %q := %s %q", f.Name, f.Value.Kind, f.Value.Data)
		case f.Derive != nil:
			line = fmt.Sprintf("field %q %s nulls %s", f.Name, f.Text, f.Nulls)
		}
		if f.Lookup != nil {
			line += fmt.Sprintf(" lookup %q miss %s", f.Lookup.Job, f.Lookup.Miss)
		}
		if f.Write != WriteAlways {
			line += " write " + string(f.Write)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return "m1:" + hex.EncodeToString(sum[:16])
}

// refuseTwins reports fields that would be sent twice, with different values.
func (b *binder) refuseTwins(bound Bound) {
	for _, f := range bound.Fields {
		if slices.ContainsFunc(bound.Key, func(k BoundPart) bool { return k.Name == f.Name }) {
			b.problems = append(b.problems, &fault.Fault{
				Code: "field_twice", Kind: fault.Config, Whose: fault.Mapping, Where: b.job.Where,
				Msg:  fmt.Sprintf("job %s: the column %q would go to the field %q, which is part of the key", b.job.ID, f.Column, f.Name),
				Hint: "name the fields one by one instead of `fields: all`, or drop the column from the export model",
			})
		}
	}
}

type binder struct {
	job      Job
	columns  []record.Column
	index    map[string]int // column -> place in selected
	selected []string
	problems fault.List
}

func (b *binder) column(place, field, name string) BoundPart {
	part := BoundPart{Name: field, Column: name, Index: -1}
	col, ok := b.find(name)
	if !ok {
		hint := "correct the column in the exposure's metadata, or add it to the model and run dbt build"
		if near := fault.Suggest(name, b.columnNames()); near != "" {
			hint = "did you mean " + near + "? Else " + hint
		}
		b.problems = append(b.problems, &fault.Fault{
			Code: "column_missing", Kind: fault.Config, Whose: fault.Mapping,
			Where: b.job.Where,
			Msg: fmt.Sprintf("job %s: %s: %s has no column %q; it has %s",
				b.job.ID, place, b.job.Source.Name, name, b.names()),
			Hint: hint,
		})
		return part
	}
	if _, taken := b.index[col.Name]; !taken {
		b.index[col.Name] = len(b.selected)
		b.selected = append(b.selected, col.Name)
	}
	part.Column, part.Index, part.Kind = col.Name, b.index[col.Name], col.Kind
	return part
}

func (b *binder) find(name string) (record.Column, bool) {
	var folded []record.Column
	for _, c := range b.columns {
		if c.Name == name {
			return c, true
		}
		if strings.EqualFold(c.Name, name) {
			folded = append(folded, c)
		}
	}
	if len(folded) == 1 {
		return folded[0], true
	}
	return record.Column{}, false
}

// rest gives every column that is not part of the key, under its own name.
func (b *binder) rest() []Field {
	var out []Field
	for _, c := range b.columns {
		used := slices.ContainsFunc(b.job.Key, func(k KeyField) bool {
			col, ok := b.find(k.Column)
			return ok && col.Name == c.Name // a column that differs by case only is another one
		})
		if !used {
			out = append(out, Field{Name: c.Name, Column: c.Name, Nulls: Clear})
		}
	}
	return out
}

func (b *binder) names() string { return strings.Join(b.columnNames(), ", ") }

func (b *binder) columnNames() []string {
	names := make([]string, len(b.columns))
	for i, c := range b.columns {
		names[i] = c.Name
	}
	return names
}
