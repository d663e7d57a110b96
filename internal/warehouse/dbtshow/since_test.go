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
		{"clickhouse", "DateTime", "2024-03-01T12:00:00Z", ""},
		{"postgres", "date", "12024-03-01", ""},
		{"postgres", "date", "0044-03-15 BC", ""},
		{"duckdb", "HUGEINT", "9999999999999999999", ""},
	} {
		d := dialectOf(c.adapter)
		col := column{form: d.formOf(c.typ)}
		col.Name = "v"
		col.Type = c.typ
		want := ""
		if c.want != "" {
			name := d.name("v")
			want = " where " + c.want + " or " + name + " is null"
		}
		if got := d.since(col, record.Value{Kind: col.form.kind, Data: []byte(c.from)}); got != want {
			t.Errorf("%s %s since %s:\n got %s\nwant %s", c.adapter, c.typ, c.from, got, want)
		}
	}
	for _, c := range []struct{ typ, from, want string }{
		{"INT UNSIGNED", "-5", " where `v` >= -5 or `v` is null"},
		{"year", "69", " where `v` + 0 >= 69 or `v` + 0 is null"},
		{"decimal(20,3)", "-12.5", " where `v` >= -13 or `v` is null"},
		{"date", "0999-01-01", ""},
		{
			"datetime(6)", "2024-03-01T12:00:00.5",
			" where (`v` < timestamp'2024-03-01 12:00:00' and year(`v`) > 0 and month(`v`) > 0 and dayofmonth(`v`) between 1 and dayofmonth(last_day(`v`))) is not true",
		},
		{
			"timestamp", "2024-03-01T12:00:00.5Z",
			" where (`v` >= from_unixtime(1709121600) or `v` < from_unixtime(172800) or `v` is null) and (unix_timestamp(`v`) < 1709294400 and unix_timestamp(`v`) <> 0) is not true",
		},
	} {
		d := dialectOf("mariadb")
		col := column{form: d.formOf(c.typ)}
		col.Name, col.Type = "v", c.typ
		if got := d.since(col, record.Value{Kind: col.form.kind, Data: []byte(c.from)}); got != c.want {
			t.Errorf("mariadb %s since %s:\n got %s\nwant %s", c.typ, c.from, got, c.want)
		}
	}
	d := dialectOf("postgres")
	col := column{form: d.formOf("text")}
	if got := d.since(col, record.Value{Kind: record.Int, Data: []byte("1")}); got != "" {
		t.Errorf("a bound of another kind than the column's became %s", got)
	}
}
