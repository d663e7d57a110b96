package sqlreader_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"exposync/internal/fault"
	"exposync/internal/mariatest"
	"exposync/internal/record"
	"exposync/internal/warehouse"
	"exposync/internal/warehouse/sqlreader"
	"exposync/internal/warehouse/warehousetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(mariatest.Around(m)) }

func TestConformance(t *testing.T) {
	t.Parallel()
	warehousetest.Run(t, warehousetest.Harness{
		New: func(t *testing.T) warehousetest.Bench { t.Helper(); return bench(t, mariatest.New(t)) },
		Doomed: func(t *testing.T) (warehousetest.Bench, func()) {
			t.Helper()
			server := mariatest.Start(t)
			return bench(t, server.New(t)), server.Kill
		},
		Values:  warehousetest.MySQL(),
		Lacks:   warehousetest.MySQLLacks(),
		Numbers: "select seq as n, cast(seq as char(20)) as s from seq_1_to_300000 where seq <= %d",
	})
}

// bench reads one database and writes to it over connections of its own.
func bench(t *testing.T, db mariatest.Database) warehousetest.Bench {
	t.Helper()
	return warehousetest.Bench{
		Warehouse: open(t, config(db)),
		Exec:      func(t *testing.T, sql string) { t.Helper(); execute(t, db, sql) },
		Relation: func(table string) string { // as dbt-mysql writes relation_name; the writer takes both quotes
			return "`" + db.Name + "`.`" + strings.ReplaceAll(table, "`", "``") + "`"
		},
	}
}

func config(db mariatest.Database) sqlreader.MySQL {
	return sqlreader.MySQL{Host: db.Host, Port: db.Port, User: db.User, Schema: db.Name, Where: "profiles.yml: shop.test"}
}

func open(tb testing.TB, c sqlreader.MySQL) *sqlreader.Warehouse {
	tb.Helper()
	w, err := sqlreader.NewMySQL(c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := w.Close(); err != nil {
			tb.Errorf("Close: %v", err)
		}
	})
	return w
}

// execute runs statements on a connection of its own, on UTC.
func execute(tb testing.TB, db mariatest.Database, statements ...string) {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context()) // also used to clean up
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.DBName = "tcp", net.JoinHostPort(db.Host, strconv.Itoa(db.Port)), db.User, db.Name
	c.Params = map[string]string{"sql_mode": "'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'", "time_zone": "'+00:00'"}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		tb.Fatal(err)
	}
	conn, err := connector.Connect(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, sql := range statements {
		if err := sqlreader.Execute(ctx, conn, sql); err != nil {
			tb.Fatalf("%.200s: %v", sql, err)
		}
	}
}

func snapshot(tb testing.TB, w warehouse.Warehouse) warehouse.Snapshot {
	tb.Helper()
	s, err := w.Snapshot(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// Types that no other warehouse has.
func TestValuesOfMySQLAlone(t *testing.T) {
	t.Parallel()
	db := mariatest.New(t)
	s := func(i int) string { return fmt.Sprintf("`%s`.`v%d`", db.Name, i) }
	cases := []struct {
		typ, sql string
		kind     record.Kind
		want     string
	}{
		{"tinyint(1)", "2", record.Int, "2"},
		{"tinyint(1)", "-1", record.Int, "-1"},
		{"tinyint(1)", "0", record.Bool, "false"},
		{"tinyint", "1", record.Int, "1"},
		{"bit(1)", "b'1'", record.Bool, "true"},
		{"bit(64)", "~0", record.Int, "18446744073709551615"},
		{"bit(9)", "b'101010101'", record.Int, "341"},
		{"bigint unsigned", "18446744073709551615", record.Int, "18446744073709551615"},
		{"int(5) zerofill", "7", record.Int, "7"},
		{"year", "2024", record.Int, "2024"},
		{"float", "16777217", record.Float, "16777216"},
		{"float", "3.4028234e38", record.Float, "340282350000000000000000000000000000000"},
		{"double", "1.7976931348623157e308", record.Float, "17976931348623157" + strings.Repeat("0", 292)},
		{"double", "0.30000000000000004", record.Float, "0.30000000000000004"},
		{"double(10,2)", "1.10", record.Float, "1.1"},
		{"decimal(65,30)", "-0.000000000000000000000000000001", record.Decimal, "-0.000000000000000000000000000001"},
		{"date", "'0000-00-00'", record.Text, "0000-00-00"},
		{"date", "'2024-00-00'", record.Text, "2024-00-00"},
		{"date", "'9999-12-31'", record.Date, "9999-12-31"},
		{"datetime", "'0000-00-00 00:00:00'", record.Text, "0000-00-00 00:00:00"},
		{"timestamp null", "'0000-00-00 00:00:00'", record.Text, "0000-00-00 00:00:00"},
		{"timestamp(6) null", "'1970-01-01 00:00:00.000001'", record.Instant, "1970-01-01T00:00:00.000001Z"},
		{"time", "'838:59:59'", record.Text, "838:59:59"},
		{"time", "'-01:00:00'", record.Text, "-01:00:00"},
		{"time(3)", "'100:00:00.5'", record.Text, "100:00:00.500"},
		{"enum('a','B')", "'B'", record.Text, "B"},
		{"set('a','b')", "'b,a'", record.Text, "a,b"},
		{"json", `'{"b": 1}'`, record.Text, `{"b": 1}`}, // a longtext in MariaDB
		{"varchar(5) character set latin1", "'é€'", record.Text, "é€"},
		{"varchar(5) character set utf16", "'é😀'", record.Text, "é😀"},
		{"text character set binary", "'é'", record.Bytes, "é"},
		{"binary(4)", "x'6100'", record.Bytes, "a\x00\x00\x00"},
		{"char(5)", "'ab'", record.Text, "ab"},
		{"point", "point(1, 2)", record.Text, "POINT(1 2)"},
		{"uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", record.Text, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		{"inet6", "'::1'", record.Text, "::1"},
	}
	for i, c := range cases {
		execute(t, db, fmt.Sprintf("create table %s (id int, v %s)", s(i), c.typ), fmt.Sprintf("insert into %s values (1, null), (2, %s)", s(i), c.sql))
	}
	snap := snapshot(t, open(t, config(db)))
	for i, c := range cases {
		var got []string
		q := warehouse.Query{Relation: s(i), Columns: []string{"id", "v"}, Key: []string{"v"}}
		for r, err := range snap.Rows(t.Context(), q) {
			if err != nil {
				t.Errorf("%s %s: %v", c.typ, c.sql, err)
				break
			}
			got = append(got, r[1].Kind.String()+" "+string(r[1].Data))
		}
		if diff := cmp.Diff([]string{"null ", c.kind.String() + " " + c.want}, got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", c.typ, c.sql, diff)
		}
		fetched := 0
		for r, err := range snap.Fetch(t.Context(), q, []record.Key{record.AppendKey(nil, record.Value{Kind: c.kind, Data: []byte(c.want)})}) {
			if err != nil || string(r[0].Data) != "2" {
				t.Errorf("%s %s by its key: %v, %v", c.typ, c.sql, r, err)
				break
			}
			fetched++
		}
		if fetched != 1 {
			t.Errorf("%s %s: fetched %d rows by its key, want the second", c.typ, c.sql, fetched)
		}
	}
}

// What a TIMESTAMP holds does not depend on the zone of the server.
func TestTimestampsInAnotherZone(t *testing.T) {
	t.Parallel()
	server := mariatest.Start(t)
	db := server.New(t)
	execute(t, db, "create table t (v timestamp(3) null, d datetime)", "insert into t values ('2024-02-29 10:30:05.5', '2024-02-29 10:30:05')", "set global time_zone = '+05:30'")
	for r, err := range snapshot(t, open(t, config(db))).Rows(t.Context(), warehouse.Query{Relation: "t", Columns: []string{"v", "d"}}) {
		if err != nil || string(r[0].Data) != "2024-02-29T10:30:05.5Z" || string(r[1].Data) != "2024-02-29T10:30:05" {
			t.Errorf("%s, %v", r, err)
		}
	}
}

// Statements are cut to what the server takes, and a row that equals keys of
// two of them comes once.
func TestKeysBeyondOneStatement(t *testing.T) {
	t.Parallel()
	server := mariatest.Start(t)
	db := server.New(t)
	execute(t, db, "set global max_allowed_packet = 65536", "create table t (k varchar(50), n int)",
		"insert into t select concat('Key ', seq), seq from seq_1_to_9000", "insert into t select concat('KEY ', seq), seq from seq_1_to_9000")
	keys := make([]record.Key, 0, 10_000)
	for _, form := range []string{"Key %d", "key %d"} { // the second equals all, and none byte by byte
		for n := 1; n <= 5000; n++ {
			keys = append(keys, record.AppendKey(nil, record.Value{Kind: record.Text, Data: fmt.Appendf(nil, form, n)}))
		}
	}
	seen := map[string]int{}
	for r, err := range snapshot(t, open(t, config(db))).Fetch(t.Context(), warehouse.Query{Relation: "t", Columns: []string{"k", "n"}, Key: []string{"k"}}, keys) {
		if err != nil {
			t.Fatal(err)
		}
		seen[string(r[0].Data)]++
	}
	for k, n := range seen {
		if n != 1 || !strings.HasPrefix(k, "Key ") {
			t.Errorf("%s came %d times", k, n)
		}
	}
	if len(seen) != 5000 {
		t.Errorf("%d rows, want 5000", len(seen))
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	server := mariatest.Start(t)
	db := server.New(t)
	execute(t, db, "create table s (x varchar(20))", "insert into s values ('(secret value')", "create table gone (n int)",
		"create view broken as select * from gone", "drop table gone",
		"create user reader identified by 'pw!pw'", "grant select on "+db.Name+".broken to reader", "create view v as select (select x union all select x) as x from s")
	reader := func(change func(*sqlreader.MySQL)) warehouse.Warehouse {
		c := config(db)
		change(&c)
		return open(t, c)
	}
	for name, c := range map[string]struct {
		change func(*sqlreader.MySQL)
		code   string
	}{
		"password": {func(c *sqlreader.MySQL) { c.User, c.Password = "reader", "wrong!" }, "warehouse_auth"},
		"schema":   {func(c *sqlreader.MySQL) { c.Schema = "nope" }, "warehouse_settings"},
		"port":     {func(c *sqlreader.MySQL) { c.Port = 1 }, "warehouse_unreachable"},
		"socket":   {func(c *sqlreader.MySQL) { c.Host, c.Socket = "", "/nowhere/s" }, "warehouse_unreachable"},
	} {
		_, err := reader(c.change).Snapshot(t.Context())
		if !fault.Is(err, c.code) || strings.Contains(err.Error(), "wrong!") || !strings.Contains(err.Error(), "profiles.yml") {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	s := snapshot(t, open(t, config(db)))
	if _, err := s.Columns(t.Context(), "`nope`.`t`"); !fault.Is(err, "relation_missing") {
		t.Errorf("another schema: %v", err)
	}
	if _, err := s.Columns(t.Context(), "broken"); !fault.Is(err, "warehouse_read") || !strings.Contains(err.Error(), "1356") {
		t.Errorf("a view on a table that is gone: %v", err)
	}
	for _, err := range s.Rows(t.Context(), warehouse.Query{Relation: "v", Columns: []string{"x"}}) {
		if !fault.Is(err, "warehouse_read") || strings.Contains(err.Error(), "more than") || !strings.Contains(err.Error(), "not shown") {
			t.Errorf("a view that fails: %v", err)
		}
	}
	denied := snapshot(t, reader(func(c *sqlreader.MySQL) { c.User, c.Password = "reader", "pw!pw" }))
	if _, err := denied.Columns(t.Context(), "s"); !fault.Is(err, "relation_denied") {
		t.Errorf("a table that may not be read: %v", err)
	}
}
