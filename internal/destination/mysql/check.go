package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"

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

// check resolves a target against the catalog and collects everything that
// would make every record fail.
func (m *MySQL) check(ctx context.Context, t destination.Target) (*shape, error) {
	tab, err := m.table(ctx, t.Object)
	if err != nil {
		return nil, err
	}
	if tab.kind != "BASE TABLE" {
		return nil, m.objectFault("object_unwritable", t.Object, tab.sql()+" is no plain table; records are written to tables only",
			"name the table behind it")
	}
	if !tab.atomic {
		return nil, m.objectFault("object_unwritable", t.Object,
			"table "+tab.sql()+" has the engine "+tab.engine+", which knows no transactions: a batch that is refused would stay half written",
			"alter table "+tab.sql()+" engine = InnoDB;")
	}
	c := &checker{m: m, target: t, shape: &shape{table: tab, mode: t.Mode}}
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

// writes checks that the server takes writes, and that the user may delete
// where the mode does.
func (m *MySQL) writes(ctx context.Context, s *shape, object string) error {
	conn, err := m.db.Conn(ctx)
	if err != nil {
		return m.unusable(err, "ask whether the database takes writes")
	}
	defer func() { _ = conn.Close() }()
	_, err = conn.ExecContext(ctx, "start transaction read write")
	if refused, ok := errors.AsType[*mysql.MySQLError](err); ok && slices.Contains([]uint16{1290, 1227, 1836}, refused.Number) {
		return &fault.Fault{
			Code: "destination_readonly", Kind: fault.Config, Whose: fault.Destination, Where: "connection " + m.name,
			Msg:  "the database takes no writes: it is a replica, or was set to read only",
			Hint: "name the primary server as host",
		}
	}
	if err != nil {
		return m.unusable(err, "ask whether the database takes writes")
	}
	if s.mode == destination.Mirror { // nothing but the rights is looked at
		_, err = conn.ExecContext(ctx, "explain delete from "+s.table.sql()+" where 1 = 0") //nolint:gosec // the table's name, quoted
	}
	if refused, ok := errors.AsType[*mysql.MySQLError](err); ok && refused.Number == 1142 {
		err = m.objectFault("object_unwritable", object, "the user may not delete from "+s.table.sql()+", which mode mirror does",
			fmt.Sprintf("grant delete on %s to the user of the connection", s.table.sql()))
	} else if err != nil {
		err = m.unusable(err, "ask whether rows may be deleted")
	}
	_, end := conn.ExecContext(ctx, "rollback")
	if err == nil && end != nil {
		err = m.unusable(end, "ask whether the database takes writes")
	}
	return err
}

type checker struct {
	m        *MySQL
	target   destination.Target
	shape    *shape
	problems fault.List
}

func (c *checker) fault(code, hint, msg string, args ...any) {
	c.problems = append(c.problems, c.m.objectFault(code, c.target.Object, fmt.Sprintf(msg, args...), hint))
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
		allowed, strict := accepts(col)
		if what == "key" && col.family() != texts { // 1 and 01 would be one record
			allowed = slices.DeleteFunc(slices.Clone(allowed), func(k record.Kind) bool { return k == record.Text })
		}
		if f.Kind != record.Null && f.Kind != record.Absent && strict && !slices.Contains(allowed, f.Kind) {
			c.fault("field_kind", "cast the column in the export model", "%s %q: a %s does not fit a column of type %s", what, f.Name, f.Kind, col.typ)
		}
		out = append(out, field{Field: f, column: col})
	}
	return out
}

// twice finds two names that mean one column.
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
		key, rights := i < len(c.shape.keys), strings.Split(f.column.rights, ",")
		for right, needed := range map[string]bool{
			"insert": mode != destination.Update,
			"update": mode != destination.Insert && mode != destination.Append && !key,
			"select": mode != destination.Append,
		} {
			if needed && !slices.Contains(rights, right) {
				missing[right] = append(missing[right], f.column.name)
			}
		}
	}
	table := c.shape.table.sql()
	for _, right := range []string{"select", "insert", "update"} {
		if len(missing[right]) > 0 {
			c.fault("object_unwritable", fmt.Sprintf("grant %s on %s to the user of the connection", right, table),
				"the user may not %s %s of %s", right, strings.Join(missing[right], ", "), table)
		}
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
		if !col.hasDefault && !col.generated && !mapped[col.name] {
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
		names[i], quoted[i] = k.column.name, quote(k.column.name)
	}
	if !c.shape.table.uniqueOn(names) {
		c.fault("key_not_unique", fmt.Sprintf("alter table %s add unique (%s);", c.shape.table.sql(), strings.Join(quoted, ", ")),
			"table %s has no primary key and no unique index on exactly the key (%s), so records cannot be told apart",
			c.shape.table.sql(), strings.Join(names, ", "))
	}
}

// family groups types that values are written to and read from alike.
type family int

const (
	others family = iota
	integers
	decimals
	floats
	bits
	texts
	binaries
	documents
	dates
	times
	moments // datetime and timestamp
)

func (c column) family() family {
	switch c.base {
	case "tinyint", "smallint", "mediumint", "int", "integer", "bigint", "year":
		return integers
	case "decimal", "numeric":
		return decimals
	case "float", "double", "real":
		return floats
	case "bit":
		return bits
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
		return texts
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
		return binaries
	case "json":
		return documents
	case "date":
		return dates
	case "time":
		return times
	case "datetime", "timestamp":
		return moments
	}
	return others // enum, set, uuid, inet6, geometry
}

// accepts gives the kinds that a column takes; false where that is up to the
// type. Only pairs that lose something or fail for every record are refused;
// the rest is judged record by record.
func accepts(c column) ([]record.Kind, bool) {
	numbers := []record.Kind{record.Int, record.Float, record.Decimal, record.Text}
	switch c.family() {
	case integers, bits:
		return append(numbers, record.Bool), true
	case decimals, floats:
		return numbers, true
	case binaries:
		return []record.Kind{record.Bytes}, true
	case documents:
		return append(numbers, record.JSON, record.Bool), true
	case dates:
		return []record.Kind{record.Date, record.Text}, true
	case times:
		return []record.Kind{record.Time, record.Text}, true
	case moments:
		return []record.Kind{record.Date, record.Timestamp, record.Instant, record.Text}, true
	case texts:
		return append(numbers, record.Bool, record.Date, record.Time, record.Timestamp, record.Instant, record.JSON), true
	default:
	}
	return nil, false
}
