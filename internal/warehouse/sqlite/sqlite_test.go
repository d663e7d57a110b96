package sqlite_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	sqlitedriver "modernc.org/sqlite"

	"exposync/internal/fault"
	"exposync/internal/record"
	"exposync/internal/warehouse"
	"exposync/internal/warehouse/sqlite"
	"exposync/internal/warehouse/warehousetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	t.Parallel()
	warehousetest.Run(t, warehousetest.Harness{
		New: func(t *testing.T) warehousetest.Bench {
			t.Helper()
			name := "shop of 100%? #1.sqlite"
			if runtime.GOOS == "windows" { // no name there has a question mark
				name = "shop of 100% #1.sqlite"
			}
			path := filepath.Join(t.TempDir(), name)
			execute(t, path, "pragma journal_mode = wal")
			return warehousetest.Bench{
				Warehouse: open(t, sqlite.Config{Paths: map[string]string{"main": path}}),
				Exec: func(t *testing.T, sql string) {
					t.Helper()
					execute(t, path, sql)
				},
				Relation: func(table string) string { // as dbt-sqlite writes relation_name
					return `main."` + strings.ReplaceAll(table, `"`, `""`) + `"`
				},
			}
		},
		Values: literals(),
		Lacks: []string{
			"float nan", "float of 4 bytes", "decimal 38,9", "decimal nan", "char padded", "json number",
			"date far", "date before the common era", "date infinity", "time 24",
			"timestamp before the common era", "timestamp infinity", "instant minus infinity",
			"array of ints", "array of arrays", "array of texts", "array of decimals", "array of instants", "array empty",
		},
		Numbers: "with recursive c(n) as (select 1 union all select n + 1 from c where n < %[1]d) select n, cast(n as text) as s from c where n <= %[1]d",
	})
}

func open(t *testing.T, c sqlite.Config) *sqlite.Warehouse {
	t.Helper()
	w, err := sqlite.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return w
}

// execute writes to a file on a connection of its own.
func execute(t *testing.T, path string, statements ...string) {
	t.Helper()
	conn, err := new(sqlitedriver.Driver).Open(strings.Replace(sqlite.SlashURI(filepath.ToSlash(path)), "mode=ro", "mode=rwc", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, sql := range statements {
		if _, err := conn.(driver.ExecerContext).ExecContext(context.Background(), sql, nil); err != nil {
			t.Fatalf("%.200s: %v", sql, err)
		}
	}
}

// literals says how SQLite writes the values of the suite.
func literals() map[string]warehousetest.Literal {
	lit := func(typ, sql string) warehousetest.Literal { return warehousetest.Literal{Type: typ, SQL: sql} }
	return map[string]warehousetest.Literal{
		"null":                      lit("text", "null"),
		"bool true":                 lit("boolean", "true"),
		"bool false":                lit("bool", "0"),
		"int zero":                  lit("int", "0"),
		"int lowest":                lit("bigint", "-9223372036854775808"),
		"int highest":               lit("integer", "9223372036854775807"),
		"float tenth":               lit("real", "0.1"),
		"float whole":               lit("double precision", "12"),
		"float minus zero":          lit("float", "-0.0"),
		"float large":               lit("real", "1e24"),
		"float small":               lit("real", "1.2345e-10"),
		"float infinity":            lit("real", "9e999"),
		"float minus infinity":      lit("real", "-9e999"),
		"decimal zero":              lit("decimal(38,9)", "0.0"),
		"decimal with zeros":        lit("numeric(38, 9)", "'-12.500'"),
		"decimal hundred":           lit("numeric", "100"),
		"decimal small":             lit("decimal(38,9)", "0.000000001"),
		"text empty":                lit("text", "''"),
		"text spaces":               lit("varchar(20)", "'  a  '"),
		"text quotes":               lit("text", `'a''b"c\d{e},f'`),
		"text four bytes":           lit("text", "'Zoë 😀 日本'"),
		"text control":              lit("text", "'a'||char(9)||'b'||char(10)||'c'||char(13)||'d'||char(1)||char(127)"),
		"text nul":                  lit("text", "'a'||char(0)||'b'"),
		"text long":                 lit("text", fmt.Sprintf("replace(hex(zeroblob(%d)), '00', 'x')", warehousetest.LongText)),
		"text that looks like null": lit("text", "'NULL'"),
		"uuid":                      lit("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
		"bytes":                     lit("blob", "x'0001ff5c27'"),
		"bytes empty":               lit("blob", "x''"),
		"date":                      lit("date", "'2024-02-29'"),
		"time":                      lit("time", "'15:04:05.120'"),
		"time midnight":             lit("time", "'00:00'"),
		"timestamp":                 lit("timestamp", "'2024-02-29 12:30:05'"),
		"timestamp micros":          lit("datetime", "'1969-12-31T23:59:59.999999'"),
		"instant east":              lit("timestamptz", "'2024-02-29 12:30:05.5+02'"),
		"instant west":              lit("timestamp with time zone", "'2024-02-29 23:45:05-05:30'"),
		"json object":               lit("json", `'{ "b": "\u00e9\n", "a": [1, 2.50, {"x": null}], "": true }'`),
		"json repeated name":        lit("json", `'{"a": 1, "a": 2}'`),
		"json text":                 lit("jsonb", `'"a"'`),
		"json null":                 lit("json", `'null'`),
	}
}

func snapshot(t *testing.T, w warehouse.Warehouse) warehouse.Snapshot {
	t.Helper()
	s, err := w.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func read(t *testing.T, s warehouse.Snapshot, q warehouse.Query) []string {
	t.Helper()
	var out []string
	for r, err := range s.Rows(t.Context(), q) {
		if err != nil {
			t.Fatalf("%s: %v", q.Relation, err)
		}
		for _, v := range r {
			out = append(out, v.Kind.String()+" "+string(v.Data))
		}
	}
	return out
}

// A declaration is a wish: what does not read as it stays what it is.
func TestValuesThatAreNotWhatTheirColumnDeclares(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.sqlite")
	execute(t, path, "create table t (a boolean, b date, c timestamp, d decimal(5,2), e json, f int, g real, h text, i num, j)",
		"insert into t values (2, 'soon', '2024-02-29', 'many', '{', 'z', 'y', x'00', '2024-02-29', 1.5)",
		"insert into t values (3, '2024-02-30', '2024-02-29 25:00', 'NaN', ' 1.50', 'x', -0.0, '', 9e999, -9e999)",
		"insert into t values ('true', 20240229, 1709210000, x'01', x'7b7d', 1.5, 3, 4.5, '12', '13')",
		"create table made as select * from t where false")
	s := snapshot(t, open(t, sqlite.Config{Paths: map[string]string{"main": path}}))
	q := warehouse.Query{Relation: "t", Columns: []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}, Key: []string{"a"}}
	want := []string{
		"int 2", "text soon", "text 2024-02-29", "text many", "text {", "text z", "text y", "bytes \x00", "text 2024-02-29", "float 1.5",
		"int 3", "text 2024-02-30", "text 2024-02-29 25:00", "decimal NaN", "json 1.5", "text x", "float 0", "text ", "float Infinity", "float -Infinity",
		"text true", "int 20240229", "int 1709210000", "bytes \x01", "bytes {}", "float 1.5", "float 3", "text 4.5", "int 12", "text 13",
	}
	if diff := cmp.Diff(want, read(t, s, q)); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	for r, err := range s.Rows(t.Context(), q) { // each can be fetched by itself
		if err != nil {
			t.Fatal(err)
		}
		row := r.Clone()
		other := snapshot(t, open(t, sqlite.Config{Paths: map[string]string{"main": path}}))
		for i, name := range q.Columns {
			q := warehouse.Query{Relation: "t", Columns: q.Columns, Key: []string{name}}
			n := 0
			for got, err := range other.Fetch(t.Context(), q, []record.Key{record.AppendKey(nil, row[i])}) {
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if diff := cmp.Diff(row, got); diff != "" {
					t.Errorf("%s fetched another row:\n%s", name, diff)
				}
				n++
			}
			if n != 1 {
				t.Errorf("fetch by %s = %s %q gave %d rows, want 1", name, row[i].Kind, row[i].Data, n)
			}
		}
	}
}

func TestDeclarations(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.sqlite")
	execute(t, path, "create table t (a boolean, b date, c timestamp, d decimal(5,2), e json, f unsigned big int, g double, h nvarchar(10), i, j blob, k timestamp with time zone)",
		"create view v as select a, b, f + 1 as f1, upper(h) as h1 from t",
		"create table made as select * from t")
	s := snapshot(t, open(t, sqlite.Config{Paths: map[string]string{"main": path}}))
	for relation, want := range map[string]string{
		"t":    "a bool, b date, c timestamp, d decimal, e json, f int, g float, h text, i text, j bytes, k instant",
		"v":    "a bool, b date, f1 text, h1 text",                                                       // expressions declare nothing
		"made": "a text, b text, c text, d text, e text, f int, g float, h text, i text, j text, k text", // NUM says nothing
	} {
		columns, err := s.Columns(t.Context(), relation)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range columns {
			got = append(got, c.Name+" "+c.Kind.String())
		}
		if diff := cmp.Diff(want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", relation, diff)
		}
	}
}

// The layouts of dbt-sqlite: main, files by schema, files of a directory.
func TestSchemas(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	if err := os.Mkdir(file("more [1]"), 0o750); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"main.db", "it's prod.sqlite", "more [1]/Marts.db", "more [1]/main.db"} {
		execute(t, file(name), "create table t (file text)", "insert into t values ('"+strings.ReplaceAll(name, "'", "''")+"')")
	}
	w := open(t, sqlite.Config{
		Paths:     map[string]string{"main": file("main.db"), "prod": file("it's prod.sqlite")},
		Directory: file("more [1]"),
	})
	s := snapshot(t, w)
	for relation, want := range map[string]string{
		`main."t"`:               "main.db",
		`"main"."t"`:             "main.db",
		`"shop"."main"."t"`:      "main.db",
		`t`:                      "main.db",
		`[main].[t]`:             "main.db",
		"`main`.`t`":             "main.db",
		`prod."t"`:               "it's prod.sqlite",
		`PROD."T"`:               "it's prod.sqlite",
		`marts."t"`:              "more [1]/Marts.db",
		`"any thing"."prod"."t"`: "it's prod.sqlite",
	} {
		got := read(t, s, warehouse.Query{Relation: relation, Columns: []string{"file"}})
		if diff := cmp.Diff([]string{"text " + want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", relation, diff)
		}
	}
	for _, relation := range []string{
		"", `elsewhere."t"`, `main."u"`, `a.b.c.t`, `main.`, `."t"`, `"t`, `t; drop table t`, `main."t" union select 1`, `(select 1)`, `main."t".`, `main "t"`,
	} {
		if _, err := s.Columns(t.Context(), relation); !fault.Is(err, "relation_missing") {
			t.Errorf("Columns(%s): %v, want relation_missing", relation, err)
		}
	}
}
