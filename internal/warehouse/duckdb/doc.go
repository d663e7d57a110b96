// Package duckdb reads export models from DuckDB files, as dbt-duckdb lays
// them out. All else in it needs the build tag duckdb and a C compiler: it
// links DuckDB itself. A build without the tag reads DuckDB through dbt show,
// and gets the same values.
//
// It uses the bindings that duckdb-go is made of, not its database/sql driver:
// that one holds a whole result in memory, these hand it out in chunks of 2,048
// rows while DuckDB still works on it. So memory does not grow with the number
// of rows, for views as little as for tables.
package duckdb
