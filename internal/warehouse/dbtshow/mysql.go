package dbtshow

import (
	"strings"

	"exposync/internal/record"
)

// mysqlForm reads a type as SHOW COLUMNS writes it. MySQL and MariaDB have a
// reader of their own, which this one must not differ from: a profile may still
// have to be read through dbt, for its plugin of authentication.
func mysqlForm(typ string) form {
	typ = strings.ToLower(typ)
	base := typ
	if at := strings.IndexAny(typ, "( "); at >= 0 {
		base = typ[:at]
	}
	const number, float = "cast(%s + 0 as char)", "cast(%s + 0e0 as char)"
	switch base {
	case "tinyint", "bit":
		if typ == "tinyint(1)" || typ == "bit(1)" { // what BOOLEAN is
			return form{kind: record.Bool, through: number, number: true}
		}
		return form{kind: record.Int, through: number}
	case "smallint", "mediumint", "int", "integer", "bigint", "year":
		return form{kind: record.Int}
	case "decimal", "numeric":
		return form{kind: record.Decimal}
	case "float": // its own text has six digits only
		return form{kind: record.Float, bits: 32, through: float}
	case "double", "real":
		return form{kind: record.Float, bits: 64, through: float}
	case "date":
		return form{kind: record.Date}
	case "datetime":
		return form{kind: record.Timestamp}
	case "timestamp": // a moment, whatever the session's zone; 0 is the zero date alone
		return form{
			kind: record.Instant, micros: true,
			through: "if(unix_timestamp(%s) = 0, cast(%s as char), cast(cast(unix_timestamp(%s) * 1000000 as signed) as char))",
		}
	case "time":
		return form{kind: record.Time}
	case "json":
		return form{kind: record.JSON}
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "vector":
		return form{kind: record.Bytes, through: "hex(%s)"}
	case "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection", "geomcollection":
		return form{kind: record.Text, through: "st_astext(%s)"}
	}
	return form{kind: record.Text}
}
