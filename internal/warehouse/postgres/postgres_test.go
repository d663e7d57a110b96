package postgres_test

import (
	"context"
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
		Values:  warehousetest.PostgreSQL(),
		Lacks:   []string{"text nul"}, // PostgreSQL stores none
		Numbers: "select n, n::text as s from generate_series(1, %d) as n",
	})
}

// There is no Redshift to try: PostgreSQL is asked in the way that Redshift is.
func TestConformanceAsRedshift(t *testing.T) {
	t.Parallel()
	asRedshift := func(t *testing.T, dsn string) warehousetest.Bench {
		t.Helper()
		b, c := bench(t, dsn), config(t, dsn)
		c.Redshift = true
		b.Warehouse = open(t, c)
		return b
	}
	values := warehousetest.PostgreSQL()
	lacks := []string{
		"text nul", "uuid", // Redshift has no such type
		"array of ints", "array of arrays", "array of texts", "array of decimals", "array of instants", "array empty",
	}
	for _, name := range lacks {
		delete(values, name)
	}
	warehousetest.Run(t, warehousetest.Harness{
		New: func(t *testing.T) warehousetest.Bench {
			t.Helper()
			return asRedshift(t, pgtest.New(t))
		},
		Doomed: func(t *testing.T) (warehousetest.Bench, func()) {
			t.Helper()
			server := pgtest.Start(t)
			return asRedshift(t, server.DSN("postgres")), server.Kill
		},
		Values: values, Lacks: lacks,
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
