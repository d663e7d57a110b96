package dbtshow_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/goleak"

	"exposync/internal/mariatest"
	"exposync/internal/pgtest"
	"exposync/internal/warehouse"
	"exposync/internal/warehouse/dbtshow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(mariatest.Around(pgtest.Around(m))) }

// fake is a dbt that asks a real PostgreSQL: it understands the two templates
// of this package and prints as dbt 1.x, or as v2, does. fixtures/dbt/show has
// what those print.
type fake struct {
	dsn   string
	v2    bool
	noise string // printed before all else, as packages do
	calls int
	args  []string // of the last call
}

func (f *fake) run(ctx context.Context, stdout, _ io.Writer, args ...string) (int, error) {
	f.calls++
	f.args = args
	inline := args[slices.Index(args, "--inline")+1]
	conn, err := pgx.Connect(ctx, f.dsn)
	if err != nil {
		return 2, nil // as a dbt does that cannot connect
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	out := bufio.NewWriter(stdout)
	_, _ = out.WriteString(f.noise)
	if strings.Contains(inline, "get_columns_in_relation") {
		err = f.catalog(ctx, conn, inline, out)
	} else {
		err = f.show(ctx, conn, inline, out)
	}
	if err != nil {
		fmt.Fprintf(out, "\x1b[0m12:08:33  [\x1b[31mERROR\x1b[0m]: Encountered an error:\nRuntime Error\n  Database Error in sql_operation inline_query (from remote system.sql)\n    %s\n", err)
		return 2, out.Flush()
	}
	return 0, out.Flush()
}

// catalog does what dbt-postgres does for get_relation and
// get_columns_in_relation.
func (f *fake) catalog(ctx context.Context, conn *pgx.Conn, inline string, out io.Writer) error {
	answers := []map[string]any{}
	for _, m := range regexp.MustCompile(`\[("[^"]*"|none), ("[^"]*"|none), ("[^"]*")\]`).FindAllStringSubmatch(inline, -1) {
		schema, _ := strconv.Unquote(m[2])
		table, _ := strconv.Unquote(m[3])
		rows, err := conn.Query(ctx, "select column_name, data_type from information_schema.columns where table_schema = $1 and table_name = $2 order by ordinal_position", schema, table)
		if err != nil {
			return err
		}
		columns, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (c [2]string, err error) { return c, r.Scan(&c[0], &c[1]) })
		if err != nil {
			return err
		}
		answers = append(answers, map[string]any{"found": len(columns) > 0, "columns": columns})
	}
	text, err := json.Marshal(answers)
	fmt.Fprintf(out, "EXPOSYNC-ANSWER %s\n%s", text, f.printed(`{"c0": 1}`))
	return err
}

func (f *fake) printed(rows ...string) string {
	if f.v2 {
		return "[" + strings.Join(rows, ",") + "]\n"
	}
	return "{\n  \"show\": [\n" + strings.Join(rows, ",\n") + "\n  ]\n}\n"
}

// show runs the SQL as it stands and prints every row.
func (f *fake) show(ctx context.Context, conn *pgx.Conn, inline string, out io.Writer) error {
	_, sql, _ := strings.Cut(inline, "{% raw %}")
	sql, _, ok := strings.Cut(sql, "{% endraw %}")
	if !ok {
		return errors.New("the SQL is not raw")
	}
	head, tail, _ := strings.Cut(f.printed("\x00"), "\x00")
	fmt.Fprintf(out, "EXPOSYNC-ANSWER rows\n")
	results := conn.PgConn().Exec(ctx, sql) // all values as text
	defer func() { _ = results.Close() }()
	between := head
	for results.NextResult() {
		r := results.ResultReader()
		fields := slices.Clone(r.FieldDescriptions())
		for r.NextRow() {
			fmt.Fprint(out, between, object(fields, r.Values()))
			between = ","
		}
	}
	if err := results.Close(); err != nil {
		return err
	}
	if between == head {
		fmt.Fprint(out, head)
	}
	fmt.Fprint(out, tail)
	return nil
}

func object(fields []pgconn.FieldDescription, cells [][]byte) string {
	var b strings.Builder
	for i, cell := range cells {
		name, value := fields[i].Name, []byte("null")
		if cell != nil {
			var err error
			if value, err = json.Marshal(string(cell)); err != nil {
				panic(err)
			}
		}
		if name == "n" && cell != nil {
			value = cell
		}
		fmt.Fprintf(&b, "%s%q: %s", map[bool]string{true: "{", false: ", "}[i == 0], name, value)
	}
	return b.String() + "}"
}

// open gives a reader on a database of its own.
func open(t *testing.T, change func(*dbtshow.Config, *fake)) (*dbtshow.Warehouse, *fake) {
	t.Helper()
	f := &fake{dsn: pgtest.New(t)}
	c := dbtshow.Config{Run: f.run, Program: "dbt", Adapter: "postgres", Args: []string{"--target", "prod"}, Spool: t.TempDir()}
	if change != nil {
		change(&c, f)
	}
	w := dbtshow.New(c)
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return w, f
}

func (f *fake) exec(t *testing.T, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%.200s: %v", sql, err)
	}
}

func (f *fake) relation(table string) string {
	database := f.dsn[strings.LastIndex(f.dsn, "/")+1:]
	database, _, _ = strings.Cut(database, "?")
	return `"` + database + `"."public"."` + strings.ReplaceAll(table, `"`, `""`) + `"`
}

func snapshot(t *testing.T, w *dbtshow.Warehouse) warehouse.Snapshot {
	t.Helper()
	s, err := w.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// drain counts rows up to the end or an error.
func drain(t *testing.T, s warehouse.Snapshot, q warehouse.Query) (rows int, err error) {
	t.Helper()
	for _, e := range s.Rows(t.Context(), q) {
		if e != nil {
			return rows, e
		}
		rows++
	}
	return rows, nil
}
