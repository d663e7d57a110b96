package postgres

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"exposync/internal/destination"
)

// staged is the temporary table that a batch is copied into: n counts the
// records in the order they are written, k1… and f1… hold the texts of the
// key and the fields.
const staged = "pg_temp.exposync_staged"

// group is a run of staged records that one statement can write: all of them
// carry the same fields, or all of them are deletes.
type group struct {
	lo, hi  int    // of n, hi excluded
	present []bool // by field; nil for a delete
	del     bool
}

// step is how the records of one range of n are written.
type step struct {
	lock  string // takes the rows in the order of n, so that two batches cannot deadlock; may be empty
	main  string // its row count is the number of records it confirmed
	wrong string // yields a row where main did not do what it should; may be empty
	zero  destination.Outcome
	same  string // insert: yields a row where the table already holds exactly this record; may be empty
	// counted says that a row count other than the number of records is wrong.
	counted bool
}

// builder makes the statements of one shape for a range of n; its ends are
// numbers, or names of variables where the statements stand in a block.
type builder struct {
	*shape
	bounds string
}

// step builds the statements that write the part of a group from lo to hi.
func (s *shape) step(g group, lo, hi string) step {
	b := builder{shape: s, bounds: " where s.n >= " + lo + " and s.n < " + hi}
	if g.del {
		return b.deletion()
	}
	switch missing := s.lacks(g.present); {
	case s.mode == destination.Append:
		return step{main: b.insert(g.present), counted: true, zero: swallowed()}
	case s.mode == destination.Insert:
		return step{
			main: b.insert(g.present) + " on conflict (" + s.keyColumns() + ") do nothing", counted: true,
			zero: rejected("exists", "a record with this key exists already"), same: b.equal(g.present),
		}
	case s.mode == destination.Update:
		return b.update(g.present, rejected("not_found", "no record has this key"))
	case missing != "":
		// An insert without this column fails before it finds the record
		// that exists, so only those that exist can be written.
		return b.update(g.present, rejected("23502", "a new record needs a value in column "+missing))
	}
	return step{main: b.insert(g.present) + s.onConflict(g.present), counted: true, zero: swallowed()}
}

func rejected(code, message string) destination.Outcome {
	return destination.Outcome{State: destination.Rejected, Code: code, Message: message}
}

func swallowed() destination.Outcome {
	return rejected("not_written", "a trigger or rule of the table swallowed the record")
}

// lacks names a column that new records need and that the group leaves out.
func (s *shape) lacks(present []bool) string {
	if s.mode != destination.Upsert && s.mode != destination.Mirror {
		return ""
	}
	for i, f := range s.fields {
		if !present[i] && f.column.notNull && !f.column.hasDefault {
			return f.column.name
		}
	}
	return ""
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// cast reads a staged text as the column's type.
func cast(prefix string, i int, c column) string {
	return fmt.Sprintf("s.%s%d::%s", prefix, i+1, c.cast)
}

func (b builder) insert(present []bool) string {
	var names, values []string
	for i, k := range b.keys {
		names, values = append(names, quote(k.column.name)), append(values, cast("k", i, k.column))
	}
	for i, f := range b.fields {
		if present[i] {
			names, values = append(names, quote(f.column.name)), append(values, cast("f", i, f.column))
		}
	}
	return fmt.Sprintf("insert into %s as t (%s) select %s from %s s%s order by s.n",
		b.table.sql(), strings.Join(names, ", "), strings.Join(values, ", "), staged, b.bounds)
}

func (s *shape) keyColumns() string {
	names := make([]string, len(s.keys))
	for i, k := range s.keys {
		names[i] = quote(k.column.name)
	}
	return strings.Join(names, ", ")
}

func (s *shape) onConflict(present []bool) string {
	var sets []string
	for i, f := range s.fields {
		if present[i] {
			sets = append(sets, quote(f.column.name)+" = excluded."+quote(f.column.name))
		}
	}
	if len(sets) == 0 { // nothing but the key: written again, so that the row is counted
		key := quote(s.keys[0].column.name)
		sets = []string{key + " = t." + key}
	}
	return fmt.Sprintf(" on conflict (%s) do update set %s", s.keyColumns(), strings.Join(sets, ", "))
}

// join finds the row of a staged record.
func (s *shape) join() string {
	terms := make([]string, len(s.keys))
	for i, k := range s.keys {
		terms[i] = "t." + quote(k.column.name) + " = " + cast("k", i, k.column)
	}
	return strings.Join(terms, " and ")
}

// found selects the rows of staged records, in the order of n.
func (b builder) found(lock string) string {
	return fmt.Sprintf("select s.n from %s s join %s t on %s%s order by s.n%s", staged, b.table.sql(), b.join(), b.bounds, lock)
}

func (b builder) update(present []bool, zero destination.Outcome) step {
	var sets []string
	for i, f := range b.fields {
		if present[i] {
			sets = append(sets, quote(f.column.name)+" = "+cast("f", i, f.column))
		}
	}
	lock := b.found(" for no key update of t")
	if len(sets) == 0 {
		return step{main: lock, counted: true, zero: zero}
	}
	main := fmt.Sprintf("update %s as t set %s from %s s%s and %s", b.table.sql(), strings.Join(sets, ", "), staged, b.bounds, b.join())
	return step{lock: lock, main: main, counted: true, zero: zero}
}

// deletion is confirmed by looking: the rows must be gone, whoever deleted
// them.
func (b builder) deletion() step {
	return step{
		lock:  b.found(" for update of t"),
		main:  fmt.Sprintf("delete from %s as t using %s s%s and %s", b.table.sql(), staged, b.bounds, b.join()),
		wrong: b.found(" limit 1"),
		zero:  rejected("not_deleted", "a trigger or rule of the table kept the record"),
	}
}

// equal finds staged records that the table holds with the same values, as it
// does after a connection broke during a commit that succeeded.
func (b builder) equal(present []bool) string {
	terms := []string{b.join()}
	for i, f := range b.fields {
		if present[i] {
			terms = append(terms, fmt.Sprintf("t.%s::text is not distinct from (%s)::text", quote(f.column.name), cast("f", i, f.column)))
		}
	}
	return fmt.Sprintf("select s.n from %s s join %s t on %s%s", staged, b.table.sql(), strings.Join(terms, " and "), b.bounds)
}

// collisions selects the staged records whose keys the table takes for one
// and the same, though they differ in the source: 1 and 01 in an integer
// column, a and A under some collations.
func (s *shape) collisions(g group) string {
	keys := make([]string, len(s.keys))
	for i, k := range s.keys {
		keys[i] = cast("k", i, k.column)
	}
	return fmt.Sprintf("select c.n from (select s.n, count(*) over (partition by %s) as same from %s s where s.n >= %d and s.n < %d and s.n not in (select r.n from %s r where r.code <> '')) c where c.same > 1",
		strings.Join(keys, ", "), staged, g.lo, g.hi, refused)
}
