package dbtshow

import (
	"strings"
	"testing"

	"exposync/internal/record"
)

func TestForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		adapter, typ string
		want         form
	}{
		{"duckdb", "DECIMAL(12,2)", form{kind: record.Decimal}},
		{"duckdb", "DECIMAL(12,2)[]", form{kind: record.JSON, nested: true}},
		{"duckdb", "STRUCT(a INTEGER, b TIMESTAMP WITH TIME ZONE)", form{kind: record.JSON, nested: true}},
		{"duckdb", "FLOAT", form{kind: record.Float, bits: 32}},
		{"duckdb", "TIMESTAMP WITH TIME ZONE", form{kind: record.Instant, micros: true}},
		{"duckdb", "TIMESTAMP", form{kind: record.Timestamp}},
		{"duckdb", "TIME WITH TIME ZONE", form{kind: record.Text}},
		{"duckdb", "ENUM('a', 'b')", form{kind: record.Text}},
		{"duckdb", "BIT", form{kind: record.Text}},
		{"duckdb", "INTERVAL", form{kind: record.Text}},
		{"duckdb", "UUID", form{kind: record.Text, lower: true}},
		{"snowflake", "NUMBER(38,0)", form{kind: record.Decimal}},
		{"snowflake", "FLOAT", form{kind: record.Float, bits: 64, check: true}},
		{"snowflake", "TIMESTAMP_NTZ", form{kind: record.Timestamp}},
		{"snowflake", "TIMESTAMP_LTZ", form{kind: record.Instant}},
		{"snowflake", "VARIANT", form{kind: record.JSON, nested: true}},
		{"snowflake", "character varying(16777216)", form{kind: record.Text, native: true}},
		{"bigquery", "TIMESTAMP", form{kind: record.Instant, micros: true}},
		{"bigquery", "DATETIME", form{kind: record.Timestamp}},
		{"bigquery", "ARRAY<STRUCT<a INT64>>", form{kind: record.JSON, nested: true}},
		{"bigquery", "FLOAT64", form{kind: record.Float, bits: 64}},
		{"databricks", "timestamp", form{kind: record.Instant, micros: true}},
		{"databricks", "timestamp_ntz", form{kind: record.Timestamp}},
		{"redshift", "timestamp without time zone", form{kind: record.Timestamp}},
		{"redshift", "real", form{kind: record.Float, bits: 32, check: true}},
		{"trino", "timestamp(6) with time zone", form{kind: record.Instant}},
		{"trino", "time(3) with time zone", form{kind: record.Text}},
		{"clickhouse", "LowCardinality(Nullable(String))", form{kind: record.Text, native: true}},
		{"clickhouse", "Nullable(DateTime64(3, 'UTC'))", form{kind: record.Instant, micros: true}},
		{"sqlserver", "bit", form{kind: record.Bool}},
		{"sqlserver", "money", form{kind: record.Decimal}},
		{"postgres", "money", form{kind: record.Text}},
		{"mariadb", "int(10) unsigned", form{kind: record.Int}},
		{"mysql", "bigint unsigned", form{kind: record.Int}},
		{"mysql", "tinyint(1)", form{kind: record.Bool, number: true, through: "cast(%s + 0 as char)"}},
		{"mysql5", "double(10,2)", form{kind: record.Float, bits: 64, through: "cast(%s + 0e0 as char)"}},
		{"somethingnew", "geography", form{kind: record.Text}},
	} {
		if got := dialectOf(c.adapter).formOf(c.typ); got != c.want {
			t.Errorf("%s, %s: %+v, want %+v", c.adapter, c.typ, got, c.want)
		}
	}
}

// The SQL of warehouses that no test can run, as their manuals want it.
func TestExpressions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ adapter, typ, want string }{
		{"duckdb", "INTEGER", `cast("a" as varchar)`},
		{"duckdb", "VARCHAR", `"a"`},
		{"duckdb", "BLOB", `case when "a" is not null then hex("a") end`},
		{"duckdb", "INTEGER[]", `case when "a" is not null then cast(to_json("a") as varchar) end`},
		{"redshift", "boolean", `case when "a" then 'true' when not "a" then 'false' end`},
		{"redshift", "numeric(18,2)", `cast("a" as varchar(65535))`},
		{"snowflake", "DATE", `case when "a" is not null then to_varchar("a", 'YYYY-MM-DD') end`},
		{"snowflake", "TIMESTAMP_TZ", `case when "a" is not null then to_varchar(convert_timezone('UTC', "a"), 'YYYY-MM-DD HH24:MI:SS.FF9') || 'Z' end`},
		{"bigquery", "TIMESTAMP", "case when `a` is not null then cast(unix_micros(`a`) as string) end"},
		{"bigquery", "JSON", "case when `a` is not null then to_json_string(`a`) end"},
		{"databricks", "timestamp", "case when `a` is not null then cast(unix_micros(`a`) as string) end"},
		{"clickhouse", "DateTime", "case when `a` is not null then cast(toUnixTimestamp64Micro(toDateTime64(`a`, 6)) as Nullable(String)) end"},
		{"trino", "row(x integer)", `case when "a" is not null then json_format(cast("a" as json)) end`},
		{"sqlserver", "float", `case when "a" is not null then convert(nvarchar(60), "a", 3) end`},
		{"sqlserver", "bit", `cast("a" as nvarchar(max))`},
		{"mysql", "int", "cast(`a` as char)"},
	} {
		d := dialectOf(c.adapter)
		col := column{form: d.formOf(c.typ)}
		col.Name, col.Type = "a", c.typ
		if got := d.expression(col); got != c.want {
			t.Errorf("%s, %s:\n got %s\nwant %s", c.adapter, c.typ, got, c.want)
		}
	}
	odd := column{form: form{kind: record.Float, bits: 64, check: true}}
	odd.Name, odd.Type = `a"b`, "float"
	want := `case when "a""b" is null or cast(cast("a""b" as varchar) as float) = "a""b" then 0 else 1 end`
	if got := dialectOf("snowflake").lossy(odd); got != want {
		t.Errorf("lossy:\n got %s\nwant %s", got, want)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	date, stamp, instant := form{kind: record.Date}, form{kind: record.Timestamp}, form{kind: record.Instant}
	for _, c := range []struct {
		form form
		text string
		kind record.Kind
		want string
	}{
		{form{kind: record.Bool}, "True", record.Bool, "true"},
		{form{kind: record.Bool}, "0", record.Bool, "false"},
		{form{kind: record.Bool}, "yes", record.Text, "yes"},
		{form{kind: record.Bool, number: true}, "1", record.Bool, "true"},
		{form{kind: record.Bool, number: true}, "-2", record.Int, "-2"},
		{form{kind: record.Int}, "-0012", record.Int, "-12"},
		{form{kind: record.Int}, "170141183460469231731687303715884105727", record.Int, "170141183460469231731687303715884105727"},
		{form{kind: record.Int}, "1.5", record.Text, "1.5"},
		{form{kind: record.Decimal}, "1.50E+3", record.Decimal, "1500"},
		{form{kind: record.Float, bits: 64}, "1.0E10", record.Float, "10000000000"},
		{form{kind: record.Float, bits: 64}, "-inf", record.Float, "-Infinity"},
		{form{kind: record.Float, bits: 32}, "0.1", record.Float, "0.1"},
		{form{kind: record.Float, bits: 64}, "1e999", record.Text, "1e999"},
		{form{kind: record.Bytes}, "0x00FF", record.Bytes, "\x00\xff"},
		{form{kind: record.Bytes}, "0", record.Text, "0"},
		{form{kind: record.JSON}, `{"b": 1, "a":2}`, record.JSON, `{"a":2,"b":1}`},
		{form{kind: record.JSON}, `{b}`, record.Text, `{b}`},
		{form{kind: record.Text, lower: true}, "AB-C", record.Text, "ab-c"},
		{date, "2024-02-30", record.Text, "2024-02-30"},
		{date, "0044-03-15 (BC)", record.Date, "0044-03-15 BC"},
		{date, "12024-12-31", record.Date, "12024-12-31"},
		{date, "2024-01-01 10:00:00", record.Text, "2024-01-01 10:00:00"},
		{stamp, "0044-03-15 (BC) 12:00:00.5", record.Timestamp, "0044-03-15T12:00:00.5 BC"},
		{stamp, "2024-01-01T10:00:00.120", record.Timestamp, "2024-01-01T10:00:00.12"},
		{stamp, "2024-01-01 10:00:00.123456000", record.Timestamp, "2024-01-01T10:00:00.123456"},
		{stamp, "2024-01-01 10:00:00.123456789", record.Text, "2024-01-01 10:00:00.123456789"},
		{stamp, "2024-01-01 10:00:00+01", record.Text, "2024-01-01 10:00:00+01"},
		{instant, "2024-01-01 10:00:00+05:30", record.Instant, "2024-01-01T04:30:00Z"},
		{instant, "12024-01-01 10:00:00+00", record.Instant, "12024-01-01T10:00:00Z"},
		{instant, "12024-01-01 10:00:00+01", record.Text, "12024-01-01 10:00:00+01"},
		{instant, "-infinity", record.Instant, "-infinity"},
		{instant, "2024-01-01 10:00:00", record.Text, "2024-01-01 10:00:00"},
		{form{kind: record.Instant, micros: true}, "-1", record.Instant, "1969-12-31T23:59:59.999999Z"},
		{form{kind: record.Time}, "24:00:00", record.Time, "24:00:00"},
	} {
		before := append(make([]byte, 0, 100), "before"...) // with room, as in reading
		got, rest := value(c.form, c.text, before)
		if got.Kind != c.kind || string(got.Data) != c.want || string(rest) != "before"+c.want {
			t.Errorf("%s %q: %s %q, want %s %q", c.form.kind, c.text, got.Kind, got.Data, c.kind, c.want)
		}
	}
}

func FuzzValue(f *testing.F) {
	for _, s := range []string{"", "0044-03-15 (BC)", "12024-12-31", "24:00:00", "1e5", "00ff", `{"a":1}`, "2024-01-01 10:00:00+05:30", "-infinity", "20000-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for kind := record.Bool; kind <= record.JSON; kind++ {
			for _, micros := range []bool{false, true} {
				v, rest := value(form{kind: kind, bits: 64, micros: micros}, text, nil)
				if v.Kind != kind && (v.Kind != record.Text || string(v.Data) != text) {
					t.Fatalf("%s of %q: %s %q", kind, text, v.Kind, v.Data)
				}
				if len(rest) != len(v.Data) {
					t.Fatalf("%s of %q leaves %d bytes for a value of %d", kind, text, len(rest), len(v.Data))
				}
			}
		}
	})
}

func TestDiscreet(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"Numeric value 'abc' is not recognized", "Numeric value … is not recognized"},
		{"Bad int64 value: abc", "Bad int64 value"},
		{"InvalidArguments: Conversion Error: Could not convert string 'x' to INT", "InvalidArguments: Conversion Error"},
		{`invalid input syntax for type integer: "abc"`, "invalid input syntax for type integer"},
		{"value 12345 is out of range", "value … is out of range"},
		{"it is 'cut off", "it is …"},
		{"permission denied for table export_customers", "permission denied for table export_customers"},
	} {
		if got := discreet(c[0]); got != c[1] {
			t.Errorf("%q: %q, want %q", c[0], got, c[1])
		}
	}
}

func TestComplaint(t *testing.T) {
	t.Parallel()
	for output, want := range map[string]string{
		"Usage: dbt show [OPTIONS]\nTry 'dbt show --help' for help.\n\nError: No such option: --log-level-file\n": "Error: No such option: --log-level-file",
		"Traceback (most recent call last):\n  File \"x\"\nModuleNotFoundError: No module named 'dbt'\n":          "ModuleNotFoundError: No module named 'dbt'",
		"[warning] [Old (dbt1700)]: x\n\n[error] [Bad (dbt1005)]: no target\n":                                    "no target",
		"12:00:00  Encountered an error:\nRuntime Error\n":                                                        "Runtime Error",
		"\n": "",
	} {
		if got := complaint(output); got != want {
			t.Errorf("%q: %q, want %q", output, got, want)
		}
	}
}

func TestRelations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][3]string{
		`"db"."s"."t""x"`: {"db", "s", `t"x`}, "`p-1`.`d`.`t`": {"p-1", "d", "t"}, "DB.S.T": {"DB", "S", "T"}, "s.t": {"", "s", "t"}, "[db].[s].[t]]x]": {"db", "s", "t]x"},
	} {
		if got, ok := parseRelation(text); !ok || got != want {
			t.Errorf("%s: %q, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "a.b.c.d", `"a`, "a b", "a;drop", `"a"b`, "a..b", "{{ x }}"} {
		if got, ok := parseRelation(text); ok {
			t.Errorf("%s was taken for %q", text, got)
		}
	}
	if got := literal(`a"%}{{é😀\`); strings.ContainsAny(got[1:len(got)-1], `"{}%`) {
		t.Errorf("literal: %s", got)
	}
}
