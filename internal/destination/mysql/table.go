package mysql

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"exposync/internal/fault"
)

// table is what the catalog says about a target's object.
type table struct {
	schema    string
	name      string
	kind      string // BASE TABLE, VIEW, …
	engine    string
	atomic    bool // the engine has transactions
	columns   []column
	unique    [][]string // columns of each index that can tell records apart, sorted
	triggers  bool
	maxPacket int
	names     []string // that messages may quote: columns, indexes, constraints
}

// column is one column of a table.
type column struct {
	name       string
	typ        string // as declared, for messages: varchar(20)
	base       string // data type alone, in lower case: varchar
	scale      int    // digits after the point, of decimals and of seconds
	bytes      int    // of binary(n)
	labels     []string
	charset    string
	collation  string
	notNull    bool
	hasDefault bool
	generated  bool
	rights     string // select,insert,update
}

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// sql is the table's name, ready for statements.
func (t *table) sql() string { return quote(t.schema) + "." + quote(t.name) }

// column finds a column by its name; the server's names ignore case.
func (t *table) column(name string) (column, bool) {
	i := slices.IndexFunc(t.columns, func(c column) bool { return strings.EqualFold(c.name, name) })
	if i < 0 {
		return column{}, false
	}
	return t.columns[i], true
}

func (t *table) columnNames() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return names
}

// uniqueOn reports whether an index enforces exactly these columns.
func (t *table) uniqueOn(columns []string) bool {
	want := slices.Sorted(slices.Values(columns))
	return slices.ContainsFunc(t.unique, func(u []string) bool { return slices.Equal(u, want) })
}

// object reads `table` or `database.table`.
func (m *MySQL) object(object string) (schema, name string, ok bool) {
	schema, name, two := strings.Cut(object, ".")
	if !two {
		return m.dbname, object, object != ""
	}
	return schema, name, schema != "" && name != "" && !strings.Contains(name, ".")
}

const findTable = `select t.table_schema, t.table_name, t.table_type, coalesce(t.engine, ''), coalesce(e.transactions, '') = 'YES',
  (select count(*) from information_schema.triggers g where g.event_object_schema = t.table_schema and g.event_object_table = t.table_name) > 0,
  @@max_allowed_packet
from information_schema.tables t left join information_schema.engines e on e.engine = t.engine
where t.table_schema = ? and t.table_name = ?`

const findColumns = `select column_name, column_type, lower(data_type),
  coalesce(datetime_precision, numeric_scale, 0), coalesce(character_octet_length, 0), is_nullable = 'NO',
  is_nullable = 'YES' or column_default is not null or extra like '%auto_increment%',
  coalesce(generation_expression, '') <> '', privileges, coalesce(character_set_name, ''), coalesce(collation_name, '')
from information_schema.columns where table_schema = ? and table_name = ? order by ordinal_position`

// findIndexes lists the columns of unique indexes; those on a part of a text,
// or on an expression, tell no records apart.
const findIndexes = `select index_name, coalesce(column_name, ''), sub_part is null and column_name is not null
from information_schema.statistics where table_schema = ? and table_name = ? and non_unique = 0 order by index_name, seq_in_index`

const findConstraints = `select constraint_name from information_schema.table_constraints where table_schema = ? and table_name = ?`

// table looks the object up in the catalog.
func (m *MySQL) table(ctx context.Context, object string) (*table, error) {
	schema, name, ok := m.object(object)
	if !ok {
		return nil, m.objectFault("object_missing", object, "this is not a table's name", "write table, or database.table")
	}
	t := &table{}
	err := m.db.QueryRowContext(ctx, findTable, schema, name).
		Scan(&t.schema, &t.name, &t.kind, &t.engine, &t.atomic, &t.triggers, &t.maxPacket)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, m.missing(ctx, object, schema, name)
	}
	if err != nil {
		return nil, m.unusable(err, "look up table "+object)
	}
	if err := t.describe(ctx, m.db); err != nil {
		return nil, m.unusable(err, "read the columns and indexes of "+object)
	}
	return t, nil
}

func (t *table) describe(ctx context.Context, db *sql.DB) error {
	err := each(ctx, db, findColumns, []any{t.schema, t.name}, func(scan func(...any) error) error {
		var c column
		err := scan(&c.name, &c.typ, &c.base, &c.scale, &c.bytes, &c.notNull, &c.hasDefault, &c.generated, &c.rights, &c.charset, &c.collation)
		c.labels = labels(c.typ)
		t.columns, t.names = append(t.columns, c), append(t.names, c.name, t.name+"."+c.name)
		return err
	})
	if err != nil {
		return err
	}
	last, plain := "", false
	err = each(ctx, db, findIndexes, []any{t.schema, t.name}, func(scan func(...any) error) error {
		var index, name string
		var whole bool
		if err := scan(&index, &name, &whole); err != nil {
			return err
		}
		if index != last {
			t.unique, t.names = append(t.unique, nil), append(t.names, index)
			last, plain = index, true
		}
		if plain = plain && whole; !plain {
			name = "\x00" // the name of no column
		}
		t.unique[len(t.unique)-1] = append(t.unique[len(t.unique)-1], name)
		return nil
	})
	if err != nil {
		return err
	}
	for _, u := range t.unique {
		slices.Sort(u)
	}
	return each(ctx, db, findConstraints, []any{t.schema, t.name}, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		t.names = append(t.names, name)
		return err
	})
}

// labels are those of an enum: enum('a','b').
func labels(typ string) []string {
	body, ok := strings.CutPrefix(typ, "enum(")
	if !ok {
		return nil
	}
	var out []string
	for part := range strings.SplitSeq(strings.TrimSuffix(body, ")"), "','") {
		out = append(out, strings.ReplaceAll(strings.Trim(part, "'"), "''", "'"))
	}
	return out
}

// each reads a query's rows.
func each(ctx context.Context, q queryer, query string, args []any, fn func(scan func(...any) error) error) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := fn(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// missing says that there is no such table, and what is near.
func (m *MySQL) missing(ctx context.Context, object, schema, name string) error {
	var known []string
	err := each(ctx, m.db, `select concat(table_schema, '.', table_name) from information_schema.tables
where table_type = 'BASE TABLE' and table_schema not in ('mysql', 'sys', 'performance_schema', 'information_schema') limit 10000`, nil,
		func(scan func(...any) error) error {
			var k string
			err := scan(&k)
			known = append(known, k)
			return err
		})
	if err != nil {
		return m.unusable(err, "list the tables")
	}
	full, hint := schema+"."+name, "create the table, correct the object after the dot in `to:`, or grant the user rights on it"
	near := fault.Suggest(full, known)
	if near == "" { // the same name in another database
		for _, k := range known {
			if strings.HasSuffix(strings.ToLower(k), "."+strings.ToLower(name)) {
				near = k
			}
		}
	}
	if near != "" {
		hint = "did you mean " + near + "?"
	}
	return m.objectFault("object_missing", object, "there is no table "+full+" that this user may see", hint)
}

func (m *MySQL) objectFault(code, object, msg, hint string) *fault.Fault {
	return &fault.Fault{
		Code: code, Kind: fault.Config, Whose: fault.Mapping,
		Where: "connection " + m.name + ", object " + object, Msg: msg, Hint: hint,
	}
}
