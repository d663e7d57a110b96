//go:build duckdb

package cli

import (
	"path/filepath"

	"exposync/internal/dbt"
	"exposync/internal/warehouse"
	"exposync/internal/warehouse/duckdb"
)

// duckdb opens the profile's files itself. What only dbt-duckdb can follow
// (MotherDuck, secrets, plugins) is read through dbt show, as in a build
// without the tag.
func (s *session) duckdb(out dbt.Output, where string) (warehouse.Warehouse, error) {
	d, err := out.DuckDB()
	if err != nil {
		return nil, err
	}
	setup := out.DuckDBSetup()
	if setup.Beyond != "" {
		s.a.say("reading through %s show, because the profile has %s", s.a.dbtProgram(), setup.Beyond)
		return s.throughDBT(out.Adapter), nil
	}
	files := []duckdb.File{{Name: d.Database, Path: d.Path}}
	for _, f := range setup.Attached {
		files = append(files, duckdb.File(f))
	}
	return duckdb.New(duckdb.Config{
		Files: files, Extensions: setup.Extensions, Spool: filepath.Join(s.ledgerDir(), "tmp"), Where: where,
	}), nil
}
