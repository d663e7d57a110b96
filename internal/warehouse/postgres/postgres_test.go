package postgres_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"exposync/internal/pgtest"
	"exposync/internal/warehouse/postgres"
	"exposync/internal/warehouse/warehousetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Around(m)) }

func TestConformance(t *testing.T) {
	t.Parallel()
	warehousetest.Run(t, warehousetest.Harness{
		New: func(t *testing.T) warehousetest.Bench {
			t.Helper()
			return bench(t, pgtest.New(t))
		},
		Doomed: func(t *testing.T) (warehousetest.Bench, func()) {
			t.Helper()
			server := pgtest.Start(t)
			return bench(t, server.DSN("postgres")), server.Kill
		},
		Values:  literals(),
		Lacks:   []string{"text nul"}, // PostgreSQL stores none
		Numbers: "select n, n::text as s from generate_series(1, %d) as n",
	})
}

// bench reads one database and writes to it over connections of its own.
func bench(t *testing.T, dsn string) warehousetest.Bench {
	t.Helper()
	return warehousetest.Bench{
		Warehouse: open(t, config(t, dsn)),
		Exec: func(t *testing.T, sql string) {
			t.Helper()
			execute(t, dsn, sql)
		},
		Relation: func(table string) string { // as dbt-postgres writes relation_name
			return `"` + config(t, dsn).DBName + `"."public"."` + strings.ReplaceAll(table, `"`, `""`) + `"`
		},
	}
}

func open(tb testing.TB, c postgres.Config) *postgres.Warehouse {
	tb.Helper()
	w, err := postgres.New(tb.Context(), c)
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

// config is the profile that leads to a test database.
func config(tb testing.TB, dsn string) postgres.Config {
	tb.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		tb.Fatal(err)
	}
	return postgres.Config{
		Host: u.Hostname(), Port: u.Port(), User: u.User.Username(), DBName: strings.TrimPrefix(u.Path, "/"),
		SSLMode: "disable", Where: "profiles.yml: shop.test",
	}
}

// execute runs statements on a connection of its own.
func execute(tb testing.TB, dsn string, statements ...string) {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context()) // also used to clean up
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			tb.Fatalf("%.200s: %v", sql, err)
		}
	}
}

// literals says how PostgreSQL writes the values of the suite.
func literals() map[string]warehousetest.Literal {
	lit := func(typ, sql string) warehousetest.Literal { return warehousetest.Literal{Type: typ, SQL: sql} }
	return map[string]warehousetest.Literal{
		"null":                            lit("text", "null"),
		"bool true":                       lit("boolean", "true"),
		"bool false":                      lit("boolean", "false"),
		"int zero":                        lit("smallint", "0"),
		"int lowest":                      lit("bigint", "-9223372036854775808"),
		"int highest":                     lit("bigint", "9223372036854775807"),
		"float tenth":                     lit("float8", "0.1"),
		"float whole":                     lit("float8", "12"),
		"float minus zero":                lit("float8", "'-0'"),
		"float large":                     lit("float8", "1e24"),
		"float small":                     lit("float8", "1.2345e-10"),
		"float infinity":                  lit("float8", "'infinity'"),
		"float minus infinity":            lit("float8", "'-infinity'"),
		"float nan":                       lit("float8", "'NaN'"),
		"float of 4 bytes":                lit("float4", "0.1"),
		"decimal zero":                    lit("numeric(38,9)", "0"),
		"decimal with zeros":              lit("numeric(38,9)", "-12.5"),
		"decimal hundred":                 lit("numeric", "100"),
		"decimal 38,9":                    lit("numeric(38,9)", "99999999999999999999999999999.999999999"),
		"decimal small":                   lit("numeric(38,9)", "0.000000001"),
		"decimal nan":                     lit("numeric", "'NaN'"),
		"text empty":                      lit("text", "''"),
		"text spaces":                     lit("varchar(20)", "'  a  '"),
		"text quotes":                     lit("text", `'a''b"c\d{e},f'`),
		"text four bytes":                 lit("text", "'Zoë 😀 日本'"),
		"text control":                    lit("text", `E'a\tb\nc\rd\x01\x7f'`),
		"text long":                       lit("text", fmt.Sprintf("repeat('x', %d)", warehousetest.LongText)),
		"text that looks like null":       lit("text", "'NULL'"),
		"char padded":                     lit("char(5)", "'ab'"),
		"uuid":                            lit("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"),
		"bytes":                           lit("bytea", `'\x0001ff5c27'`),
		"bytes empty":                     lit("bytea", "''"),
		"date":                            lit("date", "'2024-02-29'"),
		"date far":                        lit("date", "'12024-12-31'"),
		"date before the common era":      lit("date", "'0044-03-15 BC'"),
		"date infinity":                   lit("date", "'infinity'"),
		"time":                            lit("time", "'15:04:05.12'"),
		"time midnight":                   lit("time", "'00:00'"),
		"time 24":                         lit("time", "'24:00'"),
		"timestamp":                       lit("timestamp", "'2024-02-29 12:30:05'"),
		"timestamp micros":                lit("timestamp", "'1969-12-31 23:59:59.999999'"),
		"timestamp before the common era": lit("timestamp", "'0044-03-15 12:00 BC'"),
		"timestamp infinity":              lit("timestamp", "'infinity'"),
		"instant east":                    lit("timestamptz", "'2024-02-29 12:30:05.5+02'"),
		"instant west":                    lit("timestamptz", "'2024-02-29 23:45:05-05:30'"),
		"instant minus infinity":          lit("timestamptz", "'-infinity'"),
		"json object":                     lit("json", `'{ "b": "\u00e9\n", "a": [1, 2.50, {"x": null}], "": true }'`),
		"json repeated name":              lit("json", `'{"a": 1, "a": 2}'`),
		"json text":                       lit("jsonb", `'"a"'`),
		"json number":                     lit("jsonb", `'1.50'`),
		"json null":                       lit("jsonb", `'null'`),
		"array of ints":                   lit("int[]", "'{1,null,-3}'"),
		"array of arrays":                 lit("bigint[]", "'{{1,2},{3,4}}'"),
		"array of texts":                  lit("text[]", `array['a"b', '', 'NULL', null, 'é,{}']`),
		"array of decimals":               lit("numeric[]", "'{1.50,NaN,99999999999999999999.90}'"),
		"array of instants":               lit("timestamptz[]", "'{2024-02-29 12:30:05+02}'"),
		"array empty":                     lit("text[]", "'{}'"),
	}
}
