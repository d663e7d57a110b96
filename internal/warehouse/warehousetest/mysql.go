package warehousetest

import "fmt"

// MySQL says how MySQL and MariaDB write the values of the suite, for all
// readers that can be tried on them. The session has ANSI_QUOTES and
// NO_BACKSLASH_ESCAPES.
func MySQL() map[string]Literal {
	lit := func(typ, sql string) Literal { return Literal{Type: typ, SQL: sql} }
	return map[string]Literal{
		"null":                      lit("text", "null"),
		"bool true":                 lit("boolean", "true"),
		"bool false":                lit("bit(1)", "b'0'"),
		"int zero":                  lit("smallint", "0"),
		"int lowest":                lit("bigint", "-9223372036854775808"),
		"int highest":               lit("bigint", "9223372036854775807"),
		"float tenth":               lit("double", "0.1"),
		"float whole":               lit("double", "12"),
		"float minus zero":          lit("double", "-0e0"),
		"float large":               lit("double", "1e24"),
		"float small":               lit("double", "1.2345e-10"),
		"float of 4 bytes":          lit("float", "0.1"),
		"decimal zero":              lit("decimal(38,9)", "0"),
		"decimal with zeros":        lit("decimal(38,9)", "-12.5"),
		"decimal hundred":           lit("numeric", "100"),
		"decimal 38,9":              lit("decimal(38,9)", "99999999999999999999999999999.999999999"),
		"decimal small":             lit("decimal(38,9)", "0.000000001"),
		"text empty":                lit("text", "''"),
		"text spaces":               lit("varchar(20)", "'  a  '"),
		"text quotes":               lit("text", `'a''b"c\d{e},f'`),
		"text four bytes":           lit("text", "'Zoë 😀 日本'"),
		"text control":              lit("text", "_utf8mb4 x'6109620a630d64017f'"),
		"text nul":                  lit("text", "_utf8mb4 x'610062'"),
		"text long":                 lit("longtext", fmt.Sprintf("repeat('x', %d)", LongText)),
		"text that looks like null": lit("text", "'NULL'"),
		"bytes":                     lit("varbinary(20)", "x'0001ff5c27'"),
		"bytes empty":               lit("blob", "''"),
		"date":                      lit("date", "'2024-02-29'"),
		"time":                      lit("time(6)", "'15:04:05.12'"),
		"time midnight":             lit("time", "'00:00:00'"),
		"time 24":                   lit("time", "'24:00:00'"),
		"timestamp":                 lit("datetime", "'2024-02-29 12:30:05'"),
		"timestamp micros":          lit("datetime(6)", "'1969-12-31 23:59:59.999999'"),
		"instant east":              lit("timestamp(6) null", "'2024-02-29 10:30:05.5'"), // in a session on UTC
		"instant west":              lit("timestamp null", "'2024-03-01 05:15:05'"),
	}
}

// MySQLLacks are the cases that MySQL and MariaDB have no such type for.
func MySQLLacks() []string {
	return []string{
		"float infinity", "float minus infinity", "float nan", "decimal nan", "char padded", "uuid",
		"date far", "date before the common era", "date infinity", "timestamp before the common era", "timestamp infinity",
		"instant minus infinity", "json object", "json repeated name", "json text", "json number", "json null",
		"array of ints", "array of arrays", "array of texts", "array of decimals", "array of instants", "array empty",
	}
}
