package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/record"
)

// shape is a target whose fields are known to be columns.
type shape struct {
	table  *table
	mode   destination.Mode
	keys   []field
	fields []field
}

// field is one field of the target and its column.
type field struct {
	destination.Field
	column column
}

// names are the words that messages about the target may quote.
func (s *shape) names() []string { return append(s.table.columnNames(), s.table.name, s.table.schema) }

// check resolves a target against the catalog and collects everything that
// would make every record fail.
func (p *Postgres) check(ctx context.Context, t destination.Target) (*shape, error) {
	tab, err := p.table(ctx, t.Object)
	if err != nil {
		return nil, err
	}
	c := &checker{p: p, target: t, shape: &shape{table: tab, mode: t.Mode}}
	if tab.kind != "r" && tab.kind != "p" {
		return nil, p.objectFault("object_unwritable", t.Object, tab.sql()+" is a view or foreign table; records are written to tables only",
			"name the table behind it")
	}
	c.shape.keys = c.resolve("key", t.Key)
	c.shape.fields = c.resolve("field", t.Fields)
	if len(c.problems) == 0 {
		c.twice()
		c.writable()
		c.required()
		c.identity()
	}
	return c.shape, c.problems.Err()
}

// writes checks that the server takes writes at all.
func (p *Postgres) writes(ctx context.Context) error {
	var readOnly bool
	err := p.pool.QueryRow(ctx, "select pg_is_in_recovery() or current_setting('default_transaction_read_only') = 'on'").Scan(&readOnly)
	if err != nil {
		return p.unusable(err, "ask whether the database takes writes")
	}
	if readOnly {
		return &fault.Fault{
			Code: "destination_readonly", Kind: fault.Config, Whose: fault.Destination, Where: "connection " + p.name,
			Msg:  "the database takes no writes: it is a standby, or its default is read only",
			Hint: "name the primary server as host",
		}
	}
	return nil
}

type checker struct {
	p        *Postgres
	target   destination.Target
	shape    *shape
	problems fault.List
}

func (c *checker) fault(code, hint, msg string, args ...any) {
	c.problems = append(c.problems, c.p.objectFault(code, c.target.Object, fmt.Sprintf(msg, args...), hint))
}

func (c *checker) resolve(what string, fields []destination.Field) []field {
	out := make([]field, 0, len(fields))
	for _, f := range fields {
		col, ok := c.shape.table.column(f.Name)
		if !ok {
			hint := "the table has " + strings.Join(c.shape.table.columnNames(), ", ")
			if near := fault.Suggest(f.Name, c.shape.table.columnNames()); near != "" {
				hint = "did you mean " + near + "?"
			}
			c.fault("field_missing", hint, "%s %q: table %s has no such column", what, f.Name, c.shape.table.sql())
			continue
		}
		if col.generated && (what != "key" || c.target.Mode != destination.Update) {
			c.fault("field_readonly", "remove it from the mapping", "%s %q: the database computes this column itself", what, f.Name)
		}
		if !fits(f.Kind, col) {
			c.fault("field_kind", "cast the column in the export model", "%s %q: a %s does not fit a column of type %s", what, f.Name, f.Kind, col.typ)
		}
		out = append(out, field{Field: f, column: col})
	}
	return out
}

// twice finds two names that fold to one column.
func (c *checker) twice() {
	seen := map[string]string{}
	for _, f := range slices.Concat(c.shape.keys, c.shape.fields) {
		if other, ok := seen[f.column.name]; ok {
			c.fault("field_twice", "remove one of them", "fields %q and %q are the same column %q", other, f.Name, f.column.name)
		}
		seen[f.column.name] = f.Name
	}
}

// writable checks the privileges that the mode's statements need.
func (c *checker) writable() {
	mode, missing := c.target.Mode, map[string][]string{}
	for i, f := range slices.Concat(c.shape.keys, c.shape.fields) {
		key := i < len(c.shape.keys)
		if mode != destination.Update && !f.column.insertable {
			missing["insert"] = append(missing["insert"], f.column.name)
		}
		if mode != destination.Insert && mode != destination.Append && !key && !f.column.updatable {
			missing["update"] = append(missing["update"], f.column.name)
		}
		if mode != destination.Append && !f.column.selectable {
			missing["select"] = append(missing["select"], f.column.name)
		}
	}
	table := c.shape.table.sql()
	for _, right := range []string{"select", "insert", "update"} {
		if len(missing[right]) > 0 {
			c.fault("object_unwritable", fmt.Sprintf("grant %s on %s to the user of the connection", right, table),
				"the user may not %s %s of %s", right, strings.Join(missing[right], ", "), table)
		}
	}
	if mode == destination.Mirror && !c.shape.table.del {
		c.fault("object_unwritable", fmt.Sprintf("grant delete on %s to the user of the connection", table),
			"the user may not delete from %s, which mode mirror does", table)
	}
}

// required finds columns without which no record can be created.
func (c *checker) required() {
	if c.target.Mode == destination.Update {
		return
	}
	mapped := map[string]bool{}
	for _, f := range slices.Concat(c.shape.keys, c.shape.fields) {
		mapped[f.column.name] = true
	}
	for _, col := range c.shape.table.columns {
		if col.notNull && !col.hasDefault && !col.generated && !mapped[col.name] {
			c.fault("field_required", "map a value to it, give it a default, or use mode: update",
				"column %q takes no nulls and has no default, but the sync sends nothing to it", col.name)
		}
	}
}

// identity checks that the key tells records apart.
func (c *checker) identity() {
	if c.target.Mode == destination.Append {
		return
	}
	names, quoted := make([]string, len(c.shape.keys)), make([]string, len(c.shape.keys))
	for i, k := range c.shape.keys {
		names[i], quoted[i] = k.column.name, pgx.Identifier{k.column.name}.Sanitize()
	}
	if !c.shape.table.uniqueOn(names) {
		c.fault("key_not_unique", fmt.Sprintf("create unique index concurrently on %s (%s);", c.shape.table.sql(), strings.Join(quoted, ", ")),
			"table %s has no unique index on exactly the key (%s), so records cannot be told apart", c.shape.table.sql(), strings.Join(names, ", "))
	}
}

// fits reports whether values of a kind can be right in a column. Only pairs
// that lose something or fail for every record are refused; the rest is the
// server's to judge, record by record.
func fits(k record.Kind, c column) bool {
	if k == record.Absent || k == record.Null {
		return true
	}
	allowed, strict := accepts(c)
	return !strict || slices.Contains(allowed, k)
}

// accepts gives the kinds that a column takes; false where that is up to the
// type (enums, networks, types of extensions).
func accepts(c column) ([]record.Kind, bool) {
	numbers := []record.Kind{record.Int, record.Float, record.Decimal, record.Text}
	switch c.base {
	case "bytea":
		return []record.Kind{record.Bytes}, true
	case "json", "jsonb":
		return append(numbers, record.JSON, record.Bool), true
	case "date":
		return []record.Kind{record.Date, record.Text}, true
	case "time", "timetz":
		return []record.Kind{record.Time, record.Text}, true
	case "timestamp", "timestamptz":
		return []record.Kind{record.Date, record.Timestamp, record.Instant, record.Text}, true
	case "uuid", "interval":
		return []record.Kind{record.Text}, true
	}
	switch c.category {
	case "N":
		return numbers, true
	case "B":
		return []record.Kind{record.Bool, record.Int, record.Text}, true
	case "A":
		return []record.Kind{record.JSON, record.Text}, true
	case "S":
		return append(numbers, record.Bool, record.Date, record.Time, record.Timestamp, record.Instant, record.JSON), true
	}
	return nil, false
}
