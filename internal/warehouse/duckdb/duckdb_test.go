//go:build duckdb

package duckdb_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"exposync/internal/record"
	"exposync/internal/warehouse"
	"exposync/internal/warehouse/duckdb"
	"exposync/internal/warehouse/warehousetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	t.Parallel()
	warehousetest.Run(t, warehousetest.Harness{
		New: func(t *testing.T) warehousetest.Bench {
			t.Helper()
			shared := duckdb.NewShared(t, "shop of 100%")
			return warehousetest.Bench{
				Warehouse: closed(t, shared.Reader("shop of 100%")),
				Exec:      func(t *testing.T, sql string) { t.Helper(); shared.Exec(t, sql) },
				Relation:  func(table string) string { return relation("shop of 100%", table) },
			}
		},
		Values:  warehousetest.DuckDB(),
		Lacks:   warehousetest.DuckDBLacks(),
		Numbers: "select n, n::varchar as s from range(1, %d + 1) as r(n)",
	})
}

// relation is a name as dbt-duckdb writes it.
func relation(database, table string) string {
	return `"` + database + `"."main"."` + strings.ReplaceAll(table, `"`, `""`) + `"`
}

func closed(t *testing.T, w *duckdb.Warehouse) *duckdb.Warehouse {
	t.Helper()
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return w
}

// file writes a file and gives a reader of it.
func file(t *testing.T, statements ...string) (*duckdb.Warehouse, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "it's.duckdb")
	duckdb.Write(t, path, statements...)
	return closed(t, duckdb.New(duckdb.Config{
		Files: []duckdb.File{{Name: "shop", Path: path}}, Spool: t.TempDir(), Where: "profiles.yml: shop.prod",
	})), path
}

func snapshot(tb testing.TB, w *duckdb.Warehouse) warehouse.Snapshot {
	tb.Helper()
	s, err := w.Snapshot(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// Types that no other warehouse has, as dbt show gives them too.
func TestValuesOfDuckDBAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sql  string
		kind record.Kind
		want string
	}{
		{"(-170141183460469231731687303715884105728)::hugeint", record.Int, "-170141183460469231731687303715884105728"},
		{"170141183460469231731687303715884105727::hugeint", record.Int, "170141183460469231731687303715884105727"},
		{"(-1)::hugeint", record.Int, "-1"},
		{"18446744073709551616::hugeint", record.Int, "18446744073709551616"},
		{"340282366920938463463374607431768211455::uhugeint", record.Int, "340282366920938463463374607431768211455"},
		{"18446744073709551615::ubigint", record.Int, "18446744073709551615"},
		{"255::utinyint", record.Int, "255"},
		{"65535::usmallint", record.Int, "65535"},
		{"4294967295::uinteger", record.Int, "4294967295"},
		{"(-128)::tinyint", record.Int, "-128"},
		{"'-123456789012345678901234567890'::bignum", record.Int, "-123456789012345678901234567890"},
		{"-0.05::decimal(4,2)", record.Decimal, "-0.05"},
		{"-9.9::decimal(9,1)", record.Decimal, "-9.9"},
		{"120::decimal(9,0)", record.Decimal, "120"},
		{"0.5::decimal(1,1)", record.Decimal, "0.5"},
		{"-99999999999999999999999999999999999999::decimal(38,0)", record.Decimal, "-99999999999999999999999999999999999999"},
		{"timestamp_s '2024-02-29 12:30:05'", record.Timestamp, "2024-02-29T12:30:05"},
		{"timestamp_ms '1969-12-31 23:59:59.999'", record.Timestamp, "1969-12-31T23:59:59.999"},
		{"timestamp_ns '2024-02-29 12:30:05.120'", record.Timestamp, "2024-02-29T12:30:05.12"},
		{"timestamp_ns '2024-02-29 12:30:05.123456789'", record.Text, "2024-02-29 12:30:05.123456789"},
		{"timestamp_ns 'infinity'", record.Timestamp, "infinity"},
		{"timestamp_s '-infinity'", record.Timestamp, "-infinity"},
		{"timestamptz '1900-01-01 00:00:00 Europe/Paris'", record.Instant, "1899-12-31T23:50:39Z"},
		{"date '-infinity'", record.Date, "-infinity"},
		{"date '5877642-06-25 (BC)'", record.Date, "5877642-06-25 BC"},
		{"date '5881580-07-10'", record.Date, "5881580-07-10"},
		{"time_ns '15:04:05.5'", record.Time, "15:04:05.5"},
		{"time_ns '15:04:05.123456789'", record.Text, "15:04:05.123456789"},
		{"timetz '15:04:05+02'", record.Text, "15:04:05+02"},
		{"interval '1 year 2 days'", record.Text, "1 year 2 days"},
		{"'10101'::bit", record.Text, "10101"},
		{"'b'::enum('a', 'b')", record.Text, "b"},
		{"uuid '00000000-0000-0000-0000-000000000001'", record.Text, "00000000-0000-0000-0000-000000000001"},
		{"{'b': 1, 'a': [date '2024-01-01', null]}", record.JSON, `{"a":["2024-01-01",null],"b":1}`},
		{"map {'k': 1.50, 'a': 2}", record.JSON, `{"a":2.0,"k":1.5}`},
		{"union_value(n := 1)", record.JSON, `{"n":1}`},
		{"[1, 2]::int[2]", record.JSON, `[1,2]`},
		{"{'a': 1}::variant", record.JSON, `"{'a': 1}"`}, // as DuckDB's to_json has it
	} {
		w, _ := file(t, "create view t as select "+c.sql+" as v union all select null") // old files cannot hold all of these
		got := []string{}
		for r, err := range snapshot(t, w).Rows(t.Context(), warehouse.Query{Relation: relation("shop", "t"), Columns: []string{"v"}}) {
			if err != nil {
				t.Errorf("%s: %v", c.sql, err)
				break
			}
			got = append(got, r[0].Kind.String()+" "+string(r[0].Data))
		}
		if diff := cmp.Diff([]string{c.kind.String() + " " + c.want, "null "}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.sql, diff)
		}
	}
}

// A row that stands behind chunks of others is read like the first.
func TestValuesBeyondTheFirstChunk(t *testing.T) {
	t.Parallel()
	w, _ := file(t, `create table t as select n, case when n % 3 > 0 then 'text of the row ' || n end as long, 's' || n % 10 as short, n / 100::decimal(18,2) as d
		from range(10000) as r(n)`)
	seen := map[string]bool{}
	q := warehouse.Query{Relation: relation("shop", "t"), Columns: []string{"n", "long", "short"}, Key: []string{"n"}}
	for r, err := range snapshot(t, w).Rows(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if _, err := fmt.Sscan(string(r[0].Data), &n); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("text of the row %d", n)
		if n%3 == 0 {
			want = ""
		}
		if string(r[1].Data) != want || string(r[2].Data) != fmt.Sprintf("s%d", n%10) {
			t.Fatalf("row %d: %q, %q", n, r[1].Data, r[2].Data)
		}
		seen[string(r[0].Data)] = true
	}
	if len(seen) != 10_000 {
		t.Errorf("%d different rows, want 10000", len(seen))
	}
}

// Views of dbt name tables in other files by the names that dbt gave them.
func TestAttachedFiles(t *testing.T) {
	t.Parallel()
	raw := filepath.Join(t.TempDir(), "raw.duckdb")
	duckdb.Write(t, raw, "create table customers as select 7 as id")
	path := filepath.Join(t.TempDir(), "x.duckdb")
	duckdb.Write(t, path, "attach '"+raw+"' as crm", "create view v as select * from crm.main.customers")
	w := closed(t, duckdb.New(duckdb.Config{Files: []duckdb.File{{"shop", path}, {"crm", raw}}, Spool: t.TempDir()}))
	rows := 0
	for r, err := range snapshot(t, w).Rows(t.Context(), warehouse.Query{Relation: relation("shop", "v"), Columns: []string{"id"}}) {
		if err != nil || string(r[0].Data) != "7" {
			t.Fatal(r, err)
		}
		rows++
	}
	if rows != 1 {
		t.Errorf("%d rows", rows)
	}
}
