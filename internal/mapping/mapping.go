// Package mapping is what happens to values on their way from a column to a
// field: casts that lose nothing, expressions, normalisation and hashing,
// objects and arrays. It computes only, and the same values always give the
// same result: what was confirmed is told from what changed by its hash.
package mapping

import (
	"fmt"
	"slices"
	"strings"

	"exposync/internal/record"
)

// Rule says how a value is made that is not a column as it stands. Its parts
// act in this order: where the value comes from, Cast, Normalize, Hash.
type Rule struct {
	Expr      string
	Object    []Member
	Array     []Member
	Cast      Cast
	Normalize Normalize
	Hash      Hash
	Where     string // file:line of the declaration, as far as known
}

// Member is one member of an object, or one element of an array.
type Member struct {
	Name      string        // of an object's member
	Column    string        // ours; empty if there is none
	Value     *record.Value // a constant
	SkipNulls bool          // a null is left out
	Rule      *Rule         // nil: the column as it stands
}

// Failure says why a record has no value for a field, so that it cannot be
// sent. It names no value.
type Failure struct {
	Code   string // public, see fault.Explain
	Reason string
}

// Problem is a mistake in a rule, found before anything is read.
type Problem struct {
	Code string
	Msg  string // after the name of the field
	Hint string
}

// Column is a column of the source as a rule finds it.
type Column struct {
	Name  string // as the warehouse spells it
	Kind  record.Kind
	Index int // into the row
}

// Find resolves the name of a column. It reports columns that are missing by
// itself.
type Find func(name string) (Column, bool)

// Deriver makes the values of one field. It is for one goroutine.
type Deriver struct {
	Kind    record.Kind // of its values when not null; Null if there are no others
	Columns []string    // it reads, as the warehouse spells them

	make func(record.Record) (record.Value, *Failure)
}

// Value gives the value of one row, valid until the next call.
func (d *Deriver) Value(r record.Record) (record.Value, *Failure) { return d.make(r) }

// Compile prepares a rule: column is where its value comes from, if neither an
// expression nor members say so. The result is nil if there are problems, or
// if find missed a column.
func Compile(field, column string, rule *Rule, find Find) (*Deriver, []Problem) {
	c := &compiler{field: field}
	c.find = func(name string) (Column, bool) {
		col, ok := find(name)
		if !ok {
			c.missed = true
		} else {
			c.note(col.Name)
		}
		return col, ok
	}
	s := c.rule(column, rule)
	if c.missed || len(c.problems) > 0 {
		return nil, c.problems
	}
	return &Deriver{Kind: s.kind, Columns: c.columns, make: s.make}, nil
}

type compiler struct {
	field    string
	find     Find
	missed   bool
	columns  []string
	problems []Problem
}

func (c *compiler) note(column string) {
	if !slices.Contains(c.columns, column) {
		c.columns = append(c.columns, column)
	}
}

func (c *compiler) problem(code, hint, format string, args ...any) {
	c.problems = append(c.problems, Problem{Code: code, Msg: fmt.Sprintf(format, args...), Hint: hint})
}

// step is one step of a value's way.
type step struct {
	kind record.Kind
	make func(record.Record) (record.Value, *Failure)
}

func (c *compiler) rule(column string, r *Rule) step {
	var s step
	switch {
	case r.Expr != "":
		s = c.expression(r.Expr)
	case r.Object != nil:
		s = c.object(r.Object)
	case r.Array != nil:
		s = c.array(r.Array)
	default:
		s = c.column(column)
	}
	if c.missed || len(c.problems) > 0 {
		return s
	}
	if r.Cast != "" {
		s = c.cast(s, r.Cast)
	}
	if r.Normalize != "" {
		s = c.normalize(s, r.Normalize)
	}
	if r.Hash != "" {
		s = c.hash(s)
	}
	return s
}

func (c *compiler) column(name string) step {
	col, _ := c.find(name)
	at := col.Index
	return step{kind: col.Kind, make: func(r record.Record) (record.Value, *Failure) { return r[at], nil }}
}

// then is a step after another one; nulls pass.
func (s step) then(kind record.Kind, next func(record.Value) (record.Value, *Failure)) step {
	before := s.make
	if s.kind == record.Null { // there is nothing else
		kind = record.Null
	}
	return step{kind: kind, make: func(r record.Record) (record.Value, *Failure) {
		v, failed := before(r)
		if failed != nil || v.Kind == record.Null || v.Kind == record.Absent {
			return v, failed
		}
		return next(v)
	}}
}

// fail makes the failures of a field.
func (c *compiler) fail(code, why string) *Failure {
	return &Failure{Code: code, Reason: c.field + ": " + why}
}

// Text is the rule as a fingerprint sees it: equal if and only if the same
// columns give the same values. It is stable over releases. name spells a
// column as the warehouse does.
func (r *Rule) Text(column string, name func(string) string) string {
	var b strings.Builder
	r.write(&b, column, name)
	return b.String()
}

func (r *Rule) write(b *strings.Builder, column string, name func(string) string) {
	switch {
	case r.Expr != "":
		fmt.Fprintf(b, "expr %q", Tokens(r.Expr, name))
	case r.Object != nil:
		writeMembers(b, "object", sortedMembers(r.Object), name)
	case r.Array != nil:
		writeMembers(b, "array", r.Array, name)
	default:
		fmt.Fprintf(b, "= %q", name(column))
	}
	for _, part := range [][2]string{{"cast", string(r.Cast)}, {"normalize", string(r.Normalize)}, {"hash", string(r.Hash)}} {
		if part[1] != "" {
			fmt.Fprintf(b, " %s %s", part[0], part[1])
		}
	}
}

func writeMembers(b *strings.Builder, what string, members []Member, name func(string) string) {
	b.WriteString(what + " {")
	for _, m := range members {
		fmt.Fprintf(b, " %q ", m.Name)
		switch {
		case m.Rule != nil:
			m.Rule.write(b, m.Column, name)
		case m.Value != nil:
			fmt.Fprintf(b, ":= %s %q", m.Value.Kind, m.Value.Data)
		default:
			fmt.Fprintf(b, "= %q", name(m.Column))
		}
		if m.SkipNulls {
			b.WriteString(" nulls skip")
		}
		b.WriteString(";")
	}
	b.WriteString(" }")
}
