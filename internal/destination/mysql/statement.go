package mysql

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"

	"exposync/internal/destination"
)

// lacks names a column that new records need and that the group leaves out.
func (s *shape) lacks(present []bool) string {
	for i, there := range present {
		if f := s.fields[i]; !there && !f.column.hasDefault {
			return f.column.name
		}
	}
	return ""
}

// insert is one statement, a record a line.
func (s *shape) insert(g group, items []item) string {
	var names []string
	for _, k := range s.keys {
		names = append(names, quote(k.column.name))
	}
	for i, f := range s.fields {
		if g.present[i] {
			names = append(names, quote(f.column.name))
		}
	}
	var b strings.Builder
	b.WriteString("insert into " + s.table.sql() + " (" + strings.Join(names, ", ") + ") values")
	for n, it := range items {
		if n > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n(" + strings.Join(it.keys, ", "))
		for i, v := range it.values {
			if g.present[i] {
				b.WriteString(", " + v)
			}
		}
		b.WriteByte(')')
	}
	return b.String()
}

// sets assigns the fields of a derived table; empty without any.
func (s *shape) sets(present []bool) string {
	var sets []string
	for i, f := range s.fields {
		if !present[i] {
			continue
		}
		value := "s." + short("f", i)
		if f.column.family() == bits { // a text would be taken for its bits
			value = "cast(" + value + " as unsigned)"
		}
		sets = append(sets, "t."+quote(f.column.name)+" = "+value)
	}
	return strings.Join(sets, ", ")
}

func short(prefix string, i int) string { return prefix + itoa(i+1) }

// update joins the table with its new values. Texts of a derived table have a
// collation of their own, so the column's is named.
func (s *shape) update(g group, items []item) string {
	var b strings.Builder
	b.WriteString("update " + s.table.sql() + " t join (")
	for n, it := range items {
		if n > 0 {
			b.WriteString(" union all")
		}
		b.WriteString("\nselect ")
		b.WriteString(s.row(g, it, n == 0))
	}
	b.WriteString(") s on ")
	for i, k := range s.keys {
		if i > 0 {
			b.WriteString(" and ")
		}
		b.WriteString("t." + quote(k.column.name) + " = " + k.column.compared("s."+short("k", i)))
	}
	return b.String() + " set " + s.sets(g.present)
}

// row selects an item's values, with names in the first one.
func (s *shape) row(g group, it item, named bool) string {
	var cells []string
	add := func(cell, prefix string, i int) {
		if named {
			cell += " as " + short(prefix, i)
		}
		cells = append(cells, cell)
	}
	for i, k := range it.keys {
		add(k, "k", i)
	}
	for i, v := range it.values {
		if g.present[i] {
			add(s.fields[i].derived(v), "f", i)
		}
	}
	return strings.Join(cells, ", ")
}

// derived writes a number as a text: a derived table would give all numbers
// of a column one type, which might not keep all of them.
func (f field) derived(literal string) string {
	switch f.column.family() {
	case integers, decimals, floats:
		if literal != "null" && literal[0] != '\'' {
			return "'" + literal + "'"
		}
	default:
	}
	return literal
}

// compared makes a derived value comparable to the column, through its index.
func (c column) compared(value string) string {
	switch {
	case c.collation != "" && c.charset == "utf8mb4":
		return value + " collate " + c.collation
	case c.collation != "":
		return "convert(" + value + " using " + c.charset + ") collate " + c.collation
	case c.family() == dates:
		return "cast(" + value + " as date)"
	case c.family() == moments:
		return "cast(" + value + " as datetime(6))"
	}
	return value
}

// sought is a literal for a lookup. One that the column's charset lacks finds
// nothing of its own there.
func (c column) sought(literal string) string {
	if c.collation != "" && c.charset != "utf8mb4" {
		return c.compared(literal)
	}
	return literal
}

// where finds the rows of items.
func (s *shape) where(items []item) string {
	var b strings.Builder
	if len(s.keys) == 1 {
		b.WriteString(quote(s.keys[0].column.name) + " in (")
		for n, it := range items {
			if n > 0 {
				b.WriteString(", ")
			}
			b.WriteString(s.keys[0].column.sought(it.keys[0]))
		}
		return b.String() + ")"
	}
	for n, it := range items {
		if n > 0 {
			b.WriteString(" or ")
		}
		for i, k := range s.keys {
			b.WriteString(map[bool]string{true: "(", false: " and "}[i == 0] + quote(k.column.name) + " = " + k.column.sought(it.keys[i]))
		}
		b.WriteByte(')')
	}
	return b.String()
}

func (s *shape) deletion(_ group, items []item) string {
	return "delete from " + s.table.sql() + " where " + s.where(items)
}

// divide runs a statement for items as a whole. If the server refuses values,
// or says that it did something to them, it is run for each half, down to the
// record that is to blame.
func (t *transaction) divide(ctx context.Context, g group, statement func(group, []item) string, items []item) error {
	if len(items) == 0 {
		return nil
	}
	sql := statement(g, items)
	refusal, err := t.attempt(ctx, sql, items)
	if err != nil || refusal == nil {
		return err
	}
	if len(items) == 1 {
		t.refused[items[0].at] = *refusal
		return t.twins(ctx, sql, items, refusal)
	}
	half := len(items) / 2 //nolint:mnd // in two
	if err := t.divide(ctx, g, statement, items[:half]); err != nil {
		return err
	}
	return t.divide(ctx, g, statement, items[half:])
}

// twins finds out which unique index an insert met: that of the key, with a
// record that was made meanwhile, or with one whose key is the same to the
// table only; else the refusal stands as it is.
func (t *transaction) twins(ctx context.Context, sql string, items []item, refusal *destination.Outcome) error {
	if refusal.Code != "1062" || t.w.shape.mode == destination.Append || !strings.HasPrefix(sql, "insert") {
		return nil
	}
	there, _, err := t.lookup(ctx, items, false)
	if len(there) > 0 {
		refusal.Transient = true
		t.refused[items[0].at] = *refusal
	}
	return err
}

// attempt runs a statement; a refusal says that nothing of it was written, and
// why, as far as one record is concerned.
func (t *transaction) attempt(ctx context.Context, sql string, items []item) (*destination.Outcome, error) {
	if _, err := t.conn.ExecContext(ctx, "savepoint exposync"); err != nil {
		return nil, err
	}
	result, err := t.conn.ExecContext(ctx, sql)
	refusal, err := t.judge(ctx, sql, result, err, items)
	if err != nil || refusal == nil {
		return nil, err
	}
	_, err = t.conn.ExecContext(ctx, "rollback to savepoint exposync")
	return refusal, err
}

func (t *transaction) judge(ctx context.Context, sql string, result counted, err error, items []item) (*destination.Outcome, error) {
	refused, ok := errors.AsType[*mysql.MySQLError](err)
	destination.Show(ctx, func() destination.Spoken {
		heard := "ok"
		if ok {
			heard = code(refused) + " " + refused.Message
		}
		return destination.Spoken{Kind: "sql", Said: sql, Heard: heard}
	})
	switch {
	case ok && recordError(refused):
		o := rejected(code(refused), clean(refused, t.w.shape.table, wordsOf(items)))
		return &o, nil
	case err != nil:
		return nil, err
	}
	if o, err := t.warned(ctx); o != nil || err != nil {
		return o, err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return nil, err
	}
	if n != int64(len(items)) {
		o := rejected("not_written", "the server did not write the record")
		return &o, nil
	}
	return t.kept(ctx, sql, items)
}

type counted interface{ RowsAffected() (int64, error) }

// dataNotes are warnings and notes that a value was changed. Others are about
// the statement.
var dataNotes = []uint16{1048, 1264, 1265, 1292, 1364, 1366, 1367, 1406, 1411, 1441, 1525, 1690, 1916, 1918, 4078}

// warned finds what the server would only have noted.
func (t *transaction) warned(ctx context.Context) (*destination.Outcome, error) {
	var out *destination.Outcome
	err := each(ctx, t.conn, "show warnings", nil, func(scan func(...any) error) error {
		var level string
		var e mysql.MySQLError
		if err := scan(&level, &e.Number, &e.Message); err != nil {
			return err
		}
		if out == nil && slices.Contains(dataNotes, e.Number) {
			o := rejected(code(&e), clean(&e, t.w.shape.table, nil))
			out = &o
		}
		return nil
	})
	return out, err
}

// kept looks whether records stand under their keys after they were inserted
// into a table with triggers, which may have given them others.
func (t *transaction) kept(ctx context.Context, sql string, items []item) (*destination.Outcome, error) {
	if !t.w.shape.table.triggers || t.w.shape.mode == destination.Append || !strings.HasPrefix(sql, "insert") {
		return nil, nil
	}
	ids, err := t.w.shape.found(ctx, t.conn, items)
	if err != nil {
		return nil, err
	}
	for _, it := range items {
		if !ids[it.id] {
			o := rejected("not_written", "a trigger of the table changed the key of the record")
			return &o, nil
		}
	}
	return nil, nil
}

// wordsOf are the values of a change that a trigger may have put into words.
func wordsOf(items []item) []string {
	var out []string
	for _, it := range items {
		for _, v := range slices.Concat(it.change.KeyVals, it.change.Values) {
			out = append(out, string(v.Data))
		}
	}
	return out
}
