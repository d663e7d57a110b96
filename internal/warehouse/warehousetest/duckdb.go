package warehousetest

import "maps"

// DuckDB says how DuckDB writes the values of the suite, for all readers that
// can be tried on it.
func DuckDB() map[string]Literal {
	values := PostgreSQL()
	maps.Copy(values, map[string]Literal{
		"text control":                    {Type: "varchar", SQL: "'a' || chr(9) || 'b' || chr(10) || 'c' || chr(13) || 'd' || chr(1) || chr(127)"},
		"text nul":                        {Type: "varchar", SQL: "'a' || chr(0) || 'b'"},
		"bytes":                           {Type: "blob", SQL: "from_hex('0001ff5c27')"},
		"date before the common era":      {Type: "date", SQL: "'0044-03-15 (BC)'"},
		"timestamp before the common era": {Type: "timestamp", SQL: "'0044-03-15 (BC) 12:00:00'"},
		"time midnight":                   {Type: "time", SQL: "'00:00:00'"},
		"json text":                       {Type: "json", SQL: `'"a"'`},
		"json number":                     {Type: "json", SQL: `'1.50'`},
		"json null":                       {Type: "json", SQL: `'null'`},
		"array of ints":                   {Type: "int[]", SQL: "[1, null, -3]"},
		"array of arrays":                 {Type: "bigint[][]", SQL: "[[1, 2], [3, 4]]"},
		"array of texts":                  {Type: "varchar[]", SQL: `['a"b', '', 'NULL', null, 'é,{}']`},
		"array empty":                     {Type: "varchar[]", SQL: "[]"},
	})
	for _, name := range DuckDBLacks() {
		delete(values, name)
	}
	return values
}

// DuckDBLacks are the cases that DuckDB has no such type for, or writes
// otherwise inside lists.
func DuckDBLacks() []string {
	return []string{"char padded", "decimal nan", "array of decimals", "array of instants"}
}
