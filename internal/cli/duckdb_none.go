//go:build !duckdb

package cli

import (
	"exposync/internal/dbt"
	"exposync/internal/warehouse"
)

// duckdb reads through dbt show: this build holds no DuckDB.
func (s *session) duckdb(out dbt.Output, _ string) (warehouse.Warehouse, error) {
	return s.throughDBT(out.Adapter), nil
}
