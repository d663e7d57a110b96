//go:build duckdb

package duckdb

import (
	"strings"

	"exposync/internal/record"
)

// column is a column and how it is read.
type column struct {
	record.Column
	form form
}

// form is how a column's values travel: as they are, or as the text that SQL
// makes of them. What SQL writes is what `dbt show` prints, so that both
// readers give the same values.
type form struct {
	kind record.Kind
	cast string // around the quoted name, %s; empty: read as it is
	as   string // the type that the text of a key is cast to; empty: texts are compared
}

const (
	asText = "cast(%s as varchar)"
	asJSON = "cast(to_json(%s) as varchar)"
)

func newColumn(name, typ string) column {
	return column{Column: record.Column{Name: name, Type: typ, Kind: formOf(typ).kind}, form: formOf(typ)}
}

// formOf reads a type's name as DuckDB spells it. A name that it does not
// know (an alias, the type of an extension) is read as text.
func formOf(typ string) form {
	if strings.HasSuffix(typ, "]") {
		return form{kind: record.JSON, cast: asJSON}
	}
	base, _, _ := strings.Cut(typ, "(")
	switch base {
	case "STRUCT", "MAP", "UNION", "VARIANT":
		return form{kind: record.JSON, cast: asJSON}
	case "JSON":
		return form{kind: record.JSON}
	case "BOOLEAN":
		return form{kind: record.Bool, as: typ}
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT":
		return form{kind: record.Int, as: typ}
	case "BIGNUM":
		return form{kind: record.Int, cast: asText, as: typ}
	case "FLOAT", "DOUBLE":
		return form{kind: record.Float, as: typ}
	case "DECIMAL":
		return form{kind: record.Decimal, as: typ}
	case "VARCHAR", "ENUM":
		return form{kind: record.Text}
	case "UUID":
		return form{kind: record.Text, as: typ}
	case "BLOB":
		return form{kind: record.Bytes, as: typ}
	case "DATE":
		return form{kind: record.Date, as: typ}
	case "TIME":
		return form{kind: record.Time, as: typ}
	case "TIME_NS":
		return form{kind: record.Time, cast: asText}
	case "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS":
		return form{kind: record.Timestamp, as: typ}
	case "TIMESTAMP_NS":
		return form{kind: record.Timestamp, cast: asText, as: typ}
	case "TIMESTAMP WITH TIME ZONE":
		return form{kind: record.Instant, as: typ}
	}
	return form{kind: record.Text, cast: asText}
}

// expression is the SQL that gives a column's values.
func (c column) expression() string { return c.form.around("t." + quote(c.Name)) }

func (f form) around(name string) string {
	if f.cast == "" {
		return name
	}
	return strings.ReplaceAll(f.cast, "%s", name)
}

// comparison is the SQL that is true where a column equals the text of a key.
// A text that is no value of the column's type equals nothing.
func (c column) comparison(key string) string {
	name := "t." + quote(c.Name)
	switch {
	case c.form.as == "":
		return "cast(" + name + " as varchar) = " + key
	case c.form.kind == record.Bytes:
		return name + " = try(from_hex(" + key + "))"
	}
	return name + " = try_cast(" + key + " as " + c.form.as + ")"
}
