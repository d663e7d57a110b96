package dbtshow_test

import (
	"maps"
	"slices"
	"testing"

	"exposync/internal/warehouse/dbtshow"
	"exposync/internal/warehouse/warehousetest"
)

// The suite runs as both dbts print: every value must be the one that the
// native reader of PostgreSQL gives, or marks would depend on the reader.
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, v2 := range map[string]bool{"dbt 1": false, "dbt 2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// PostgreSQL writes what is inside an array by other rules than a value.
			lacks := []string{"text nul", "array of decimals", "array of instants"}
			if v2 {
				lacks = append(lacks, "char padded") // its functions cut the padding off
			}
			values := warehousetest.PostgreSQL()
			maps.DeleteFunc(values, func(name string, _ warehousetest.Literal) bool { return slices.Contains(lacks, name) })
			warehousetest.Run(t, warehousetest.Harness{
				New: func(t *testing.T) warehousetest.Bench {
					t.Helper()
					w, f := open(t, func(c *dbtshow.Config, f *fake) {
						f.v2, f.noise = v2, "12:00:00  a package says hello\n[1, 2]\n"
						c.Masked = v2 // both ways to select
					})
					return warehousetest.Bench{Warehouse: w, Exec: f.exec, Relation: f.relation}
				},
				Values: values, Lacks: lacks, Late: true, Many: 30_000,
				Numbers: "select n, n::text as s from generate_series(1, %d) n",
			})
		})
	}
}
