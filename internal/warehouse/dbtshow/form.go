package dbtshow

import (
	"strings"

	"exposync/internal/record"
)

// form is how a column's values travel.
type form struct {
	kind   record.Kind
	bits   int  // of a float: 32 or 64
	lower  bool // a text whose case means nothing: a UUID
	nested bool // a list, struct, map or variant, which SQL writes as JSON
	native bool // a text: read as it is, without a cast
	micros bool // an instant that travels as microseconds since 1970
	number bool // a boolean that may be another number than 0 and 1
	check  bool // a float whose text SQL compares with the value

	through string // SQL that makes the text of a name, %s; empty: see dialect.expression
}

// formOf reads a type's name as the adapter spells it.
func (d dialect) formOf(typ string) form {
	if d.family == mysql {
		return mysqlForm(typ)
	}
	name := strings.ToUpper(strings.TrimSpace(typ))
	for _, wrapper := range []string{"NULLABLE(", "LOWCARDINALITY("} { // ClickHouse
		if inner, ok := strings.CutPrefix(name, wrapper); ok {
			return d.formOf(strings.TrimSuffix(inner, ")"))
		}
	}
	if strings.HasSuffix(name, "]") && !strings.HasPrefix(name, "[") {
		return form{kind: record.JSON, nested: true}
	}
	base := name
	if at := strings.IndexAny(name, "(<"); at >= 0 {
		base = strings.TrimSpace(name[:at])
	}
	if f, ok := d.moment(base, name); ok {
		return f
	}
	if f, ok := d.number(base); ok {
		return f
	}
	switch base {
	case "BOOLEAN", "BOOL":
		return form{kind: record.Bool}
	case "BIT":
		if d.family == tsql {
			return form{kind: record.Bool}
		}
	case "BLOB", "BYTEA", "BYTES", "BINARY", "VARBINARY", "VARBYTE", "BINARY VARYING", "IMAGE", "RAW":
		return form{kind: record.Bytes}
	case "JSON", "JSONB":
		return form{kind: record.JSON}
	case "ARRAY", "LIST", "STRUCT", "MAP", "OBJECT", "VARIANT", "SUPER", "RECORD", "ROW", "TUPLE", "UNION", "NESTED":
		return form{kind: record.JSON, nested: true}
	case "UUID", "UNIQUEIDENTIFIER":
		return form{kind: record.Text, lower: true}
	case "CHAR", "CHARACTER", "NCHAR", "BPCHAR", "VARCHAR", "NVARCHAR", "VARCHAR2", "CHARACTER VARYING", "TEXT", "NTEXT", "STRING", "FIXEDSTRING":
		return form{kind: record.Text, native: true}
	}
	return form{kind: record.Text}
}

// number reads the names of numbers. A FLOAT has 32 bits here and 64 there.
func (d dialect) number(base string) (form, bool) {
	switch base {
	case "DECIMAL", "NUMERIC", "NUMBER", "BIGNUMERIC", "BIGDECIMAL", "DEC", "FIXED",
		"DECIMAL32", "DECIMAL64", "DECIMAL128", "DECIMAL256":
		return form{kind: record.Decimal}, true
	case "MONEY", "SMALLMONEY":
		return form{kind: record.Decimal}, d.family == tsql
	case "FLOAT4", "REAL", "FLOAT32":
		return form{kind: record.Float, bits: 32, check: !d.roundTrips}, true
	case "FLOAT":
		bits := 64
		if d.smallFloat {
			bits = 32
		}
		return form{kind: record.Float, bits: bits, check: !d.roundTrips}, true
	case "FLOAT8", "FLOAT64", "DOUBLE", "DOUBLE PRECISION", "BINARY_DOUBLE":
		return form{kind: record.Float, bits: 64, check: !d.roundTrips}, true
	case "TINYINT", "SMALLINT", "MEDIUMINT", "INT", "INTEGER", "BIGINT", "HUGEINT", "BYTEINT", "LONG", "SHORT", "BYTE",
		"UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", "INT2", "INT4", "INT8", "INT16", "INT32", "INT64", "INT128", "INT256",
		"UINT8", "UINT16", "UINT32", "UINT64", "UINT128", "UINT256", "SERIAL", "BIGSERIAL", "OID", "BIGNUM":
		return form{kind: record.Int}, true
	}
	return form{}, false
}

// moment reads the names of dates and times. name is the whole type: TIMESTAMP(6)
// WITH TIME ZONE has its precision in the middle.
func (d dialect) moment(base, name string) (form, bool) {
	zoned := strings.Contains(name, "WITH TIME ZONE") || strings.Contains(name, "WITH LOCAL TIME ZONE")
	switch base {
	case "DATE", "DATE32":
		return form{kind: record.Date}, true
	case "TIME", "TIME WITHOUT TIME ZONE", "TIME_NS":
		return form{kind: record.Time}, !zoned
	case "TIMESTAMPTZ", "TIMESTAMP_TZ", "TIMESTAMP_LTZ", "DATETIMEOFFSET", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITH LOCAL TIME ZONE":
		return form{kind: record.Instant, micros: d.micros}, true
	case "TIMESTAMP", "DATETIME", "DATETIME2", "DATETIME64", "SMALLDATETIME", "TIMESTAMP_NTZ", "TIMESTAMP WITHOUT TIME ZONE",
		"TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS":
		if zoned || d.instants != "" && strings.HasPrefix(base, d.instants) && base != "TIMESTAMP_NTZ" {
			return form{kind: record.Instant, micros: d.micros}, true
		}
		return form{kind: record.Timestamp}, true
	}
	return form{}, false
}
