package dbtshow

import (
	"strings"

	"exposync/internal/record"
)

// family groups adapters whose SQL is alike in what matters here.
type family uint8

const (
	generic family = iota
	duckdb
	postgres
	redshift
	snowflake
	bigquery
	spark
	trino
	clickhouse
	tsql
	mysql
)

// dialect is how a warehouse's SQL names things and writes values as text.
type dialect struct {
	family     family
	quote      string // of names
	text       string // the type that holds every text
	roundTrips bool   // a float's text reads back as the same float
	smallFloat bool   // FLOAT has 32 bits
	instants   string // TIMESTAMP, DATETIME: the plain type that is a moment in UTC
	micros     bool   // instants travel as microseconds since 1970: their text has no zone, or not a fixed one
}

func dialectOf(adapter string) dialect {
	switch adapter {
	case "duckdb":
		return dialect{family: duckdb, quote: `"`, text: "varchar", roundTrips: true, smallFloat: true, micros: true}
	case "postgres":
		return dialect{family: postgres, quote: `"`, text: "text", roundTrips: true}
	case "redshift": // varchar alone is varchar(256)
		return dialect{family: redshift, quote: `"`, text: "varchar(65535)"}
	case "snowflake":
		return dialect{family: snowflake, quote: `"`, text: "varchar"}
	case "bigquery":
		return dialect{family: bigquery, quote: "`", text: "string", roundTrips: true, instants: "TIMESTAMP", micros: true}
	case "databricks", "spark":
		return dialect{family: spark, quote: "`", text: "string", roundTrips: true, smallFloat: true, instants: "TIMESTAMP", micros: true}
	case "trino", "athena", "presto":
		return dialect{family: trino, quote: `"`, text: "varchar", roundTrips: true}
	case "clickhouse":
		return dialect{family: clickhouse, quote: "`", text: "Nullable(String)", roundTrips: true, smallFloat: true, instants: "DATETIME", micros: true}
	case "sqlserver", "fabric", "synapse":
		return dialect{family: tsql, quote: `"`, text: "nvarchar(max)", roundTrips: true}
	case "mysql", "mysql5", "mariadb":
		return dialect{family: mysql, quote: "`", text: "char", roundTrips: true}
	case "doris", "starrocks":
		return dialect{quote: "`", text: "char"}
	}
	return dialect{quote: `"`, text: "varchar"}
}

// name quotes a name. BigQuery, Spark and ClickHouse escape a backquote
// otherwise, and forbid it in the names of columns anyway.
func (d dialect) name(name string) string {
	return d.quote + strings.ReplaceAll(name, d.quote, d.quote+d.quote) + d.quote
}

// expression is the SQL that makes a column's text. Null stays null.
func (d dialect) expression(c column) string {
	name := d.name(c.Name)
	if c.form.native {
		return name
	}
	if c.form.through != "" {
		return strings.ReplaceAll(c.form.through, "%s", name)
	}
	call, whole := d.call(c.form, name)
	switch {
	case call == "":
		return d.cast(name)
	case whole:
		return call
	}
	// Some of these functions make the text null of a null.
	return "case when " + name + " is not null then " + call + " end"
}

func (d dialect) cast(expression string) string { return "cast(" + expression + " as " + d.text + ")" }

// call is the function that writes a column without a loss where a cast
// would not; empty where it does. whole says that it cares for null itself.
func (d dialect) call(f form, name string) (call string, whole bool) {
	switch f.kind {
	case record.Bool:
		if d.family != tsql { // Redshift casts no boolean
			return "case when " + name + " then 'true' when not " + name + " then 'false' end", true
		}
	case record.Bytes:
		return d.bytes(name), false
	case record.JSON:
		return d.json(f, name), false
	case record.Instant, record.Timestamp, record.Date, record.Time:
		return d.moments(f, name), false
	case record.Float, record.Decimal:
		if d.family == tsql { // 3: all digits of a float; 2: all of money; else ignored
			style := map[record.Kind]string{record.Float: "3", record.Decimal: "2"}[f.kind]
			return "convert(nvarchar(60), " + name + ", " + style + ")", false
		}
	default:
	}
	return "", false
}

// bytes writes bytes in hexadecimal.
func (d dialect) bytes(name string) string {
	switch d.family {
	case postgres:
		return "encode(" + name + ", 'hex')"
	case redshift:
		return "from_varbyte(" + name + ", 'hex')"
	case snowflake:
		return "hex_encode(" + name + ")"
	case bigquery, trino:
		return "to_hex(" + name + ")"
	case tsql:
		return "convert(nvarchar(max), " + name + ", 2)"
	default:
		return "hex(" + name + ")"
	}
}

func (d dialect) json(f form, name string) string {
	switch d.family {
	case duckdb, postgres:
		if f.nested {
			return d.cast("to_json(" + name + ")")
		}
	case redshift:
		return "json_serialize(" + name + ")"
	case snowflake:
		return "to_json(" + name + ")"
	case spark:
		if f.nested {
			return "to_json(" + name + ")"
		}
	case bigquery:
		return "to_json_string(" + name + ")"
	case trino:
		if f.nested {
			return "json_format(cast(" + name + " as json))"
		}
		return "json_format(" + name + ")"
	case clickhouse:
		return "toJSONString(" + name + ")"
	default:
	}
	return ""
}

// moments writes dates and times where a session's settings would decide how
// a cast writes them.
func (d dialect) moments(f form, name string) string {
	switch d.family {
	case snowflake:
		return snowflakeMoment(f.kind, name)
	case tsql:
		style := "126"
		if f.kind == record.Date {
			style = "23"
		}
		return "convert(nvarchar(40), " + name + ", " + style + ")"
	case trino:
		if f.kind == record.Instant {
			return "to_iso8601(" + name + ")"
		}
	case duckdb: // its text has the zone of the session, and 1900 in Paris one with seconds
		if f.micros {
			return "case when isfinite(" + name + ") then " + d.cast("epoch_us("+name+")") + " else " + d.cast(name) + " end"
		}
	case bigquery, spark:
		if f.micros {
			return d.cast("unix_micros(" + name + ")")
		}
	case clickhouse:
		if f.micros {
			return d.cast("toUnixTimestamp64Micro(toDateTime64(" + name + ", 6))")
		}
	default:
	}
	return ""
}

func snowflakeMoment(kind record.Kind, name string) string {
	const date, clock = `YYYY-MM-DD`, `HH24:MI:SS.FF9`
	switch kind {
	case record.Date:
		return "to_varchar(" + name + ", '" + date + "')"
	case record.Time:
		return "to_varchar(" + name + ", '" + clock + "')"
	case record.Instant:
		return "to_varchar(convert_timezone('UTC', " + name + "), '" + date + " " + clock + "') || 'Z'"
	default:
		return "to_varchar(" + name + ", '" + date + " " + clock + "')"
	}
}

// lossy is the SQL that is 1 where the text of a float does not read back as
// the float, and 0 elsewhere.
func (d dialect) lossy(c column) string {
	name := d.name(c.Name)
	return "case when " + name + " is null or cast(" + d.expression(c) + " as " + c.Type + ") = " + name + " then 0 else 1 end"
}
