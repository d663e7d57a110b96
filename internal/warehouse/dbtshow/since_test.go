package dbtshow

import (
	"testing"

	"exposync/internal/record"
)

// No dialect but two has a server here: what is sent to the others is held
// against their documentation.
func TestSinceOfDialects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ adapter, typ, from, want string }{
		{"postgres", "timestamp with time zone", "2024-03-01T00:00:00.5Z", `"v" >= cast('2024-02-29 23:59:59+00:00' as timestamptz)`},
		{"duckdb", "TIMESTAMP", "2024-03-01T00:00:00", `"v" >= cast('2024-02-29 23:59:59' as timestamp)`},
		{"redshift", "date", "2024-03-01", `"v" >= cast('2024-03-01' as date)`},
		{"snowflake", "TIMESTAMP_NTZ(9)", "2024-03-01T12:00:00", `"v" >= cast('2024-03-01T11:59:59' as timestamp_ntz)`},
		{"snowflake", "TIMESTAMP_LTZ(9)", "2024-03-01T12:00:00Z", `"v" >= cast('2024-03-01T11:59:59+00:00' as timestamp_tz)`},
		{"snowflake", "NUMBER(38,0)", "12.5", `"v" >= 11`},
		{"bigquery", "DATETIME", "2024-03-01T12:00:00", "`v` >= cast('2024-03-01 11:59:59' as datetime)"},
		{"bigquery", "TIMESTAMP", "2024-03-01T12:00:00Z", "`v` >= cast('2024-03-01 11:59:59+00:00' as timestamp)"},
		{"databricks", "timestamp", "2024-03-01T12:00:00Z", "`v` >= cast('2024-03-01 11:59:59+00:00' as timestamp)"},
		{"trino", "timestamp(6) with time zone", "2024-03-01T12:00:00Z", `"v" >= cast('2024-03-01 11:59:59 UTC' as timestamp(6) with time zone)`},
		{"trino", "bigint", "-5", `"v" >= -6`},
		// Not certain: all rows are read.
		{"sqlserver", "datetime", "2024-03-01T12:00:00", ""},
		{"mysql", "timestamp", "2024-03-01T12:00:00", ""},
		{"clickhouse", "DateTime", "2024-03-01T12:00:00Z", ""},
		{"postgres", "date", "12024-03-01", ""},
		{"postgres", "date", "0044-03-15 BC", ""},
		{"duckdb", "HUGEINT", "9999999999999999999", ""},
	} {
		d := dialectOf(c.adapter)
		col := column{form: d.formOf(c.typ)}
		col.Name = "v"
		want := ""
		if c.want != "" {
			name := d.name("v")
			want = " where " + c.want + " or " + name + " is null"
		}
		if got := d.since(col, record.Value{Kind: col.form.kind, Data: []byte(c.from)}); got != want {
			t.Errorf("%s %s since %s:\n got %s\nwant %s", c.adapter, c.typ, c.from, got, want)
		}
	}
	d := dialectOf("postgres")
	col := column{form: d.formOf("text")}
	if got := d.since(col, record.Value{Kind: record.Int, Data: []byte("1")}); got != "" {
		t.Errorf("a bound of another kind than the column's became %s", got)
	}
}
