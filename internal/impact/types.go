package impact

import (
	"regexp"
	"strconv"
	"strings"
)

// A type's family is what values of it are to Exposync: types of one family
// give a value the same hash, so that a change within it sends nothing again.
// Families of the types of PostgreSQL, DuckDB, SQLite, MySQL, Snowflake,
// BigQuery, Redshift and Databricks, as their documentation names them.
var families = map[string]string{
	"tinyint": "number 1", "int1": "number 1", "utinyint": "number 1", "byteint": "number 1",
	"smallint": "number 2", "int2": "number 2", "short": "number 2", "smallserial": "number 2", "usmallint": "number 2",
	"mediumint": "number 3",
	"int":       "number 4", "integer": "number 4", "int4": "number 4", "serial": "number 4", "signed": "number 4", "uinteger": "number 4",
	"bigint": "number 8", "int8": "number 8", "int64": "number 8", "long": "number 8", "bigserial": "number 8", "ubigint": "number 8",
	"hugeint": "number 16", "uhugeint": "number 16",
	"numeric": "number 32", "decimal": "number 32", "number": "number 32", "dec": "number 32", "fixed": "number 32", "bignumeric": "number 33", "bigdecimal": "number 33",
	"real": "float 4", "float4": "float 4", "float": "float 8", "float8": "float 8", "double": "float 8", "double precision": "float 8", "float64": "float 8",
	"char": "text", "character": "text", "bpchar": "text", "varchar": "text", "character varying": "text", "nvarchar": "text", "nchar": "text",
	"text": "text", "string": "text", "uuid": "text", "clob": "text", "tinytext": "text", "mediumtext": "text", "longtext": "text", "citext": "text", "name": "text", "enum": "text", "interval": "text",
	"bool": "bool", "boolean": "bool",
	"date": "date",
	"time": "time", "time without time zone": "time",
	"timestamp": "timestamp", "timestamp without time zone": "timestamp", "timestamp_ntz": "timestamp", "datetime": "timestamp", "datetime2": "timestamp",
	"timestamptz": "instant", "timestamp with time zone": "instant", "timestamp_tz": "instant", "timestamp_ltz": "instant", "timestamp with local time zone": "instant",
	"json": "json", "jsonb": "json", "variant": "json", "object": "json", "array": "json", "super": "json", "struct": "json", "map": "json", "list": "json", "row": "json",
	"bytea": "bytes", "blob": "bytes", "binary": "bytes", "varbinary": "bytes", "bytes": "bytes", "varbyte": "bytes",
}

var typeForm = regexp.MustCompile(`^([a-z_][a-z0-9_ ]*?)\s*(?:\(([^()]*)\))?\s*(with(?:out)? time zone|with local time zone|unsigned)?$`)

// dataType is a column's type as far as it can be understood.
type dataType struct {
	name   string // in lower case, without blanks that mean nothing
	family string // empty if it is not known
	size   int    // rank of whole numbers and floats
	args   []int  // length, or precision and scale; nil if none are said
}

func readType(written string) dataType {
	t := dataType{name: strings.Join(strings.Fields(strings.ToLower(written)), " ")}
	m := typeForm.FindStringSubmatch(t.name)
	if m == nil {
		if strings.HasSuffix(t.name, "[]") || strings.ContainsAny(t.name, "<(") {
			t.family = nested(t.name)
		}
		return t
	}
	base := m[1]
	if m[3] != "" && m[3] != "unsigned" {
		base += " " + m[3]
	}
	family, ok := families[base]
	if !ok {
		return t
	}
	if m[2] != "" {
		for arg := range strings.SplitSeq(m[2], ",") {
			n, err := strconv.Atoi(strings.TrimSpace(arg))
			if err != nil {
				return dataType{name: t.name, family: nested(t.name)} // enum('a', 'b'), struct(a int)
			}
			t.args = append(t.args, n)
		}
	}
	t.family, _, _ = strings.Cut(family, " ")
	if _, size, ok := strings.Cut(family, " "); ok {
		t.size, _ = strconv.Atoi(size)
	}
	return t
}

// nested is the family of a type with others within.
func nested(name string) string {
	if strings.HasPrefix(name, "enum") {
		return "text"
	}
	return "json"
}

// compareTypes gives the kind of change from one type to another; empty if
// they are the same, or if one is not known.
func compareTypes(was, is string) Kind {
	a, b := readType(was), readType(is)
	switch {
	case was == "" || is == "" || a.name == b.name:
		return ""
	case a.family == "" || b.family == "" || !sameFamily(a.family, b.family):
		return "column_retyped"
	case a.family == "json" && a.name != b.name:
		return "column_retyped" // the members are others
	}
	wider, narrower := a.room(b)
	switch {
	case narrower:
		return "column_narrowed"
	case wider:
		return "column_widened"
	}
	return "" // another word for the same
}

// sameFamily: whole numbers, decimals and floats share a hash where they share a value.
func sameFamily(a, b string) bool {
	number := func(f string) bool { return f == "number" || f == "float" }
	return a == b || number(a) && number(b)
}

// room compares what two types of a family can hold.
func (t dataType) room(is dataType) (wider, narrower bool) {
	switch {
	case t.family != is.family: // decimals become floats, or floats decimals: digits may be lost
		return false, true
	case t.family == "number" || t.family == "float":
		wider, narrower = is.size > t.size, is.size < t.size
		if t.size >= 32 && is.size >= 32 {
			w, n := sizes(t.digits(), is.digits())
			return wider || w, narrower || n
		}
		if t.size < 32 && is.size >= 32 { // a decimal without scale holds whole numbers of up to its digits
			return is.whole() >= t.whole(), is.whole() < t.whole()
		}
		if t.size >= 32 && is.size < 32 {
			return t.scale() == 0 && is.whole() > t.whole(), t.scale() > 0 || t.whole() > is.whole()
		}
		return wider, narrower
	}
	return sizes(lengths(t.args), lengths(is.args))
}

// unlimited stands for a length that is not limited.
const unlimited = 1 << 30

func lengths(args []int) []int {
	if len(args) == 0 {
		return []int{unlimited}
	}
	return args
}

// digits are those before and those after the point.
func (t dataType) digits() []int { return []int{t.whole(), t.scale()} }

func (t dataType) scale() int {
	switch {
	case len(t.args) > 1:
		return t.args[1]
	case len(t.args) == 1:
		return 0
	}
	return unlimited
}

// whole is how many digits there can be before the point.
func (t dataType) whole() int {
	switch {
	case t.size < 32:
		return map[int]int{1: 3, 2: 5, 3: 7, 4: 10, 8: 19, 16: 39}[t.size]
	case len(t.args) > 1:
		return t.args[0] - t.args[1]
	case len(t.args) == 1:
		return t.args[0]
	}
	return unlimited
}

func sizes(was, is []int) (wider, narrower bool) {
	for i := range min(len(was), len(is)) {
		wider, narrower = wider || is[i] > was[i], narrower || is[i] < was[i]
	}
	return wider, narrower
}
