package dbtshow_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	"exposync/internal/mariatest"
	"exposync/internal/record"
	"exposync/internal/warehouse"
	"exposync/internal/warehouse/dbtshow"
	"exposync/internal/warehouse/sqlreader"
	"exposync/internal/warehouse/warehousetest"
)

// The reader of MySQL's own and dbt-mysql give the same rows of one table with
// every value of the suite, and some that only MySQL has.
func TestRealDBTOnMariaDB(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a server")
	}
	p := newProject(t, "EXPOSYNC_TEST_DBT_MYSQL", "mariadb", "{type: mariadb, threads: 1}")
	db := mariatest.New(t)
	p.file("profiles.yml", fmt.Sprintf(
		"shop: {target: prod, outputs: {prod: {type: mariadb, server: %s, port: %d, username: %s, password: '', schema: %s, charset: utf8mb4, collation: utf8mb4_general_ci, threads: 1}}}\n",
		db.Host, db.Port, db.User, db.Name))
	values := warehousetest.MySQL()
	delete(values, "text long") // 65,535 bytes a row are few for the others
	for i, l := range []warehousetest.Literal{
		{Type: "tinyint(1)", SQL: "2"},
		{Type: "bit(9)", SQL: "b'101010101'"},
		{Type: "bigint unsigned", SQL: "18446744073709551615"},
		{Type: "year", SQL: "2024"},
		{Type: "float", SQL: "16777217"},
		{Type: "double", SQL: "0.30000000000000004"},
		{Type: "double(10,2)", SQL: "1.10"},
		{Type: "date", SQL: "'0000-00-00'"},
		{Type: "timestamp null", SQL: "'0000-00-00'"},
		{Type: "time(3)", SQL: "'100:00:00.5'"},
		{Type: "enum('a','B')", SQL: "'B'"},
		{Type: "set('a','b')", SQL: "'b,a'"},
		{Type: "point", SQL: "point(1, 2)"},
		{Type: "int(5) zerofill", SQL: "7"},
		{Type: "uuid", SQL: "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"},
		{Type: "varchar(5) character set latin1", SQL: "'é€'"},
	} {
		values[fmt.Sprintf("own %d", i)] = l
	}
	var defs, full, names []string
	for name, l := range values {
		defs = append(defs, fmt.Sprintf("`%s` %s", name, l.Type))
		full, names = append(full, l.SQL), append(names, name)
	}
	execute(t, db, "create table export_t ("+strings.Join(defs, ", ")+")", "insert into export_t values ("+strings.Join(full, ", ")+")", "insert into export_t () values ()")

	own, err := sqlreader.NewMySQL(sqlreader.MySQL{Host: db.Host, Port: db.Port, User: db.User, Schema: db.Name})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = own.Close() }()
	through := dbtshow.New(dbtshow.Config{Run: p.run, Program: p.program, Adapter: "mariadb", Args: p.flags(), Spool: t.TempDir()})
	defer func() { _ = through.Close() }()
	q := warehouse.Query{Relation: "`" + db.Name + "`.`export_t`", Columns: names}
	want, got := texts(t, own, q), texts(t, through, q)
	if diff := cmp.Diff(want, got); diff != "" || len(want) != 2*len(names) {
		t.Errorf("%d values; its own reader and dbt show (-own +dbt):\n%s", len(want), diff)
	}
	for from, rows := range map[string]int{"2024-02-29T10:30:05.5Z": 2, "2024-03-01T00:00:00Z": 1} { // a null comes
		since := warehouse.Since{Column: "instant east", From: record.Value{Kind: record.Instant, Data: []byte(from)}}
		bounded := warehouse.Query{Relation: q.Relation, Columns: []string{"int zero", "instant east"}, Since: since}
		if got := texts(t, through, bounded); len(got) != 2*rows {
			t.Errorf("since %s: %v, want %d rows", from, got, rows)
		}
	}
}

// texts reads all values, each with the name of its column.
func texts(t *testing.T, w warehouse.Warehouse, q warehouse.Query) map[string]string {
	t.Helper()
	s, err := w.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	out := map[string]string{}
	for r, err := range s.Rows(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range r {
			row := "full "
			if v.Kind == record.Null && q.Columns[i] != "null" || out["full "+q.Columns[i]] != "" {
				row = "empty "
			}
			out[row+q.Columns[i]] = v.Kind.String() + " " + string(v.Data)
		}
	}
	return out
}

// execute runs statements on MariaDB, on UTC.
func execute(t *testing.T, db mariatest.Database, statements ...string) {
	t.Helper()
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.DBName = "tcp", net.JoinHostPort(db.Host, strconv.Itoa(db.Port)), db.User, db.Name
	c.Params = map[string]string{"sql_mode": "'NO_BACKSLASH_ESCAPES'", "time_zone": "'+00:00'"}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := connector.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, sql := range statements {
		if _, err := conn.(driver.ExecerContext).ExecContext(context.WithoutCancel(t.Context()), sql, nil); err != nil {
			t.Fatalf("%.300s: %v", sql, err)
		}
	}
}
