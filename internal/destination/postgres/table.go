package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"exposync/internal/fault"
)

// table is what the catalog says about a target's object.
type table struct {
	oid     uint32
	schema  string
	name    string
	kind    string // pg_class.relkind
	columns []column
	unique  [][]string // columns of each index that can tell records apart
	del     bool       // rows may be deleted
}

// column is one column of a table.
type column struct {
	name       string
	typ        string // as declared, for messages: character varying(20)
	cast       string // without length or domain, so that a cast neither cuts nor pads
	category   string // pg_type.typcategory
	base       string // name of the base type: int4, jsonb, _text
	elem       string // arrays: name of the element's type
	notNull    bool
	hasDefault bool // default, identity or sequence
	generated  bool // computed, or an identity that takes no values
	selectable bool
	insertable bool
	updatable  bool
}

// sql is the table's name, ready for statements.
func (t *table) sql() string { return pgx.Identifier{t.schema, t.name}.Sanitize() }

// column finds a column by its exact name, else by the name in lower case,
// which is what PostgreSQL makes of a name without quotes.
func (t *table) column(name string) (column, bool) {
	for _, want := range []string{name, strings.ToLower(name)} {
		if i := slices.IndexFunc(t.columns, func(c column) bool { return c.name == want }); i >= 0 {
			return t.columns[i], true
		}
	}
	return column{}, false
}

func (t *table) columnNames() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return names
}

// uniqueOn reports whether an index enforces exactly these columns: what
// `on conflict` needs to recognise a record.
func (t *table) uniqueOn(columns []string) bool {
	want := slices.Sorted(slices.Values(columns))
	return slices.ContainsFunc(t.unique, func(u []string) bool { return slices.Equal(u, want) })
}

// splitObject reads `table`, `schema.table`, and names in double quotes.
func splitObject(object string) (schema, name string, ok bool) {
	var parts []string
	rest := object
	for {
		var part, after string
		if body, quoted := strings.CutPrefix(rest, `"`); quoted {
			end := strings.Index(strings.ReplaceAll(body, `""`, "\x00\x00"), `"`)
			if end < 0 {
				return "", "", false
			}
			part, after = strings.ReplaceAll(body[:end], `""`, `"`), body[end+1:]
		} else if i := strings.IndexByte(rest, '.'); i >= 0 {
			part, after = rest[:i], rest[i:]
		} else {
			part = rest
		}
		if part == "" {
			return "", "", false
		}
		parts = append(parts, part)
		if after == "" {
			break
		}
		if rest, ok = strings.CutPrefix(after, "."); !ok {
			return "", "", false
		}
	}
	switch len(parts) {
	case 1:
		return "", parts[0], true
	case 2:
		return parts[0], parts[1], true
	}
	return "", "", false
}

// table looks the object up in the catalog.
func (p *Postgres) table(ctx context.Context, object string) (*table, error) {
	schema, name, ok := splitObject(object)
	if !ok {
		return nil, p.objectFault("object_missing", object, fmt.Sprintf("%q is not a table's name", object),
			"write table or schema.table; a name with a dot or capitals in double quotes")
	}
	if schema == "" {
		schema = p.schema
	}
	t := &table{}
	err := p.pool.QueryRow(ctx, findTable, schema, strings.ToLower(schema), name, strings.ToLower(name)).
		Scan(&t.oid, &t.schema, &t.name, &t.kind, &t.del)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, p.missing(ctx, object, schema, name)
	}
	if err != nil {
		return nil, p.unusable(err, "look up table "+object)
	}
	if t.columns, err = p.columns(ctx, t.oid); err != nil {
		return nil, p.unusable(err, "read the columns of "+object)
	}
	if t.unique, err = p.uniques(ctx, t.oid); err != nil {
		return nil, p.unusable(err, "read the indexes of "+object)
	}
	return t, nil
}

// findTable prefers the exact spelling to the lower-case one.
const findTable = `select c.oid, n.nspname, c.relname, c.relkind::text, has_table_privilege(c.oid, 'DELETE')
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname in ($1::text, $2::text) and c.relname in ($3::text, $4::text)
  and c.relkind in ('r', 'p', 'v', 'm', 'f')
order by n.nspname = $1::text desc, c.relname = $3::text desc limit 1`

const findColumns = `select a.attname, format_type(a.atttypid, a.atttypmod), format_type(b.oid, -1),
  b.typcategory::text, b.typname, coalesce(e.typname, ''), a.attnotnull,
  a.atthasdef or a.attidentity <> '', a.attgenerated <> '' or a.attidentity = 'a',
  has_column_privilege(a.attrelid, a.attnum, 'SELECT'),
  has_column_privilege(a.attrelid, a.attnum, 'INSERT'),
  has_column_privilege(a.attrelid, a.attnum, 'UPDATE')
from pg_catalog.pg_attribute a
join pg_catalog.pg_type t on t.oid = a.atttypid
join pg_catalog.pg_type b on b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
left join pg_catalog.pg_type e on e.oid = b.typelem and b.typcategory = 'A'
where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped
order by a.attnum`

// findUniques lists indexes that on conflict can infer: of plain columns, of
// all rows, checked at once.
const findUniques = `select array(select a.attname::text from unnest(i.indkey[0:i.indnkeyatts - 1]) k
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k order by a.attname::text collate "C")
from pg_catalog.pg_index i
where i.indrelid = $1 and i.indisunique and i.indisvalid and i.indimmediate
  and i.indpred is null and i.indexprs is null`

func (p *Postgres) columns(ctx context.Context, oid uint32) ([]column, error) {
	rows, err := p.pool.Query(ctx, findColumns, oid)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (column, error) {
		var c column
		err := r.Scan(&c.name, &c.typ, &c.cast, &c.category, &c.base, &c.elem, &c.notNull,
			&c.hasDefault, &c.generated, &c.selectable, &c.insertable, &c.updatable)
		return c, err
	})
}

func (p *Postgres) uniques(ctx context.Context, oid uint32) ([][]string, error) {
	rows, err := p.pool.Query(ctx, findUniques, oid)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[[]string])
}

// missing says that there is no such table, and what is near.
func (p *Postgres) missing(ctx context.Context, object, schema, name string) error {
	rows, err := p.pool.Query(ctx, `select n.nspname || '.' || c.relname
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema)' order by 1 limit 10000`)
	if err != nil {
		return p.unusable(err, "list the tables")
	}
	known, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return p.unusable(err, "list the tables")
	}
	full, hint := schema+"."+name, "create the table, or correct the object after the dot in `to:`"
	near := fault.Suggest(full, known)
	if near == "" { // the same name in another schema
		for _, k := range known {
			if strings.HasSuffix(strings.ToLower(k), "."+strings.ToLower(name)) {
				near = k
			}
		}
	}
	if near != "" {
		hint = "did you mean " + near + "?"
	}
	return p.objectFault("object_missing", object, "there is no table "+full, hint)
}

func (p *Postgres) objectFault(code, object, msg, hint string) *fault.Fault {
	return &fault.Fault{
		Code: code, Kind: fault.Config, Whose: fault.Mapping,
		Where: "connection " + p.name + ", object " + object, Msg: msg, Hint: hint,
	}
}
