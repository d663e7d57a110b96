package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

const binaryFormat = 1

// column is a column and how it is read.
type column struct {
	record.Column
	expression string // what is selected: the quoted name, perhaps with a cast
	decode     decodeFunc
	compare    string // Redshift: what is compared with keys; empty where they are looked for here
	bits       int    // Redshift: of a float
	keys       uint32 // type of an array of such keys; 0 where keys cannot be compared by the server
}

// Columns implements warehouse.Snapshot.
func (s *Snapshot) Columns(ctx context.Context, relation string) ([]record.Column, error) {
	described, err := s.describe(ctx, relation)
	if err != nil {
		return nil, err
	}
	out := make([]record.Column, len(described))
	for i, c := range described {
		out[i] = c.Column
	}
	return out, nil
}

// describe learns the columns of a relation by selecting no row of it, which
// also proves that it may be read.
func (s *Snapshot) describe(ctx context.Context, relation string) ([]column, error) {
	if known, ok := s.relations[relation]; ok {
		return known, nil
	}
	if s.redshift {
		return s.describeRedshift(ctx, relation)
	}
	if err := s.skip(ctx); err != nil {
		return nil, readFault(ctx, relation, err)
	}
	result := s.pg.ExecParams(ctx, "select * from "+relation+" limit 0", nil, nil, nil, nil)
	fields := slices.Clone(result.FieldDescriptions())
	if _, err := result.Close(); err != nil {
		return nil, describeFault(ctx, relation, err)
	}
	types, err := s.types(ctx, fields)
	if err != nil {
		return nil, describeFault(ctx, relation, fmt.Errorf("look up the types of its columns: %w", err))
	}
	columns := make([]column, len(fields))
	for i, f := range fields {
		columns[i] = newColumn(f.Name, f.DataTypeOID, types[i])
	}
	s.relations[relation] = columns
	return columns, nil
}

// typeInfo is what the catalog says of a column's type.
type typeInfo struct {
	name    string // as SQL writes it
	array   uint32 // the type of arrays of it; 0 if there is none
	element uint32 // of an array; 0 if it is none
}

// types looks up the types of fields. (A domain's fields have the type that
// the domain is made of: the server sends them so.)
func (s *Snapshot) types(ctx context.Context, fields []pgconn.FieldDescription) ([]typeInfo, error) {
	const sql = `select format_type(f.type, f.modifier), coalesce(t.typarray, 0),
	coalesce((select e.oid from pg_catalog.pg_type e where e.oid = t.typelem and e.typarray = t.oid), 0)
from unnest($1::oid[], $2::int4[]) with ordinality as f(type, modifier, place)
left join pg_catalog.pg_type t on t.oid = f.type
order by f.place`
	var oids, modifiers []string
	for _, f := range fields {
		oids = append(oids, strconv.FormatUint(uint64(f.DataTypeOID), 10))
		modifiers = append(modifiers, strconv.FormatInt(int64(f.TypeModifier), 10))
	}
	list := func(items []string) []byte { return []byte("{" + strings.Join(items, ",") + "}") }
	result := s.pg.ExecParams(ctx, sql, [][]byte{list(oids), list(modifiers)}, nil, nil, nil).Read()
	if result.Err != nil {
		return nil, result.Err
	}
	if len(result.Rows) != len(fields) {
		return nil, errors.New("the catalog does not know every type")
	}
	out := make([]typeInfo, len(fields))
	for i, row := range result.Rows {
		array, err := strconv.ParseUint(string(row[1]), 10, 32)
		if err != nil {
			return nil, err
		}
		element, err := strconv.ParseUint(string(row[2]), 10, 32)
		if err != nil {
			return nil, err
		}
		out[i] = typeInfo{name: string(row[0]), array: uint32(array), element: uint32(element)}
	}
	return out, nil
}

// newColumn decides how a column is read: in binary where its type is known,
// else as the text that the server makes of it.
func newColumn(name string, oid uint32, t typeInfo) column {
	c := column{expression: quote(name), keys: t.array}
	c.Name, c.Type = name, t.name
	if scalar, ok := scalarOf(oid); ok {
		c.Kind, c.decode = scalar.kind, scalar.decode
		if oid == jsonOID { // has no equality
			c.keys = 0
		}
		return c
	}
	if t.element != 0 {
		element, ok := scalarOf(t.element)
		if !ok {
			element, _ = scalarOf(textOID)
			c.expression += "::pg_catalog.text[]"
		}
		c.Kind, c.decode, c.keys = record.JSON, arrayOf(element), 0
		return c
	}
	as, cast := textOID, "::pg_catalog.text"
	c.keys = textArrayOID
	if oid == moneyOID { // its text depends on a setting of the database
		as, cast, c.keys = numericOID, "::pg_catalog.numeric", numericArrayOID
	}
	scalar, _ := scalarOf(as)
	c.expression += cast
	c.Kind, c.decode = scalar.kind, scalar.decode
	return c
}

// pick gives the columns with these names, in this order.
func (s *Snapshot) pick(ctx context.Context, relation string, names []string) ([]column, error) {
	described, err := s.describe(ctx, relation)
	if err != nil {
		return nil, err
	}
	out := make([]column, len(names))
	for i, name := range names {
		at := slices.IndexFunc(described, func(c column) bool { return c.Name == name })
		if at < 0 {
			return nil, warehouse.Broken(ctx, relation, fmt.Errorf("it has no column %q any more", name))
		}
		out[i] = described[at]
	}
	return out, nil
}

func expressions(columns []column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.expression
	}
	return strings.Join(list, ", ")
}

// quote makes a name safe to stand in SQL.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
