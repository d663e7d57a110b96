package dbtshow_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"exposync/internal/pgtest"
	"exposync/internal/record"
	"exposync/internal/warehouse"
	"exposync/internal/warehouse/dbtshow"
	"exposync/internal/warehouse/warehousetest"
)

// real is a dbt project with one model, and a real dbt: fixtures/e2e/dbt.sh
// names one. A start of it takes seconds, so these tests are not for every day.
type real struct {
	*testing.T
	program, dir, adapter string
}

func newReal(t *testing.T, variable, adapter, output string) *real {
	t.Helper()
	program := os.Getenv(variable)
	if program == "" {
		t.Skipf("%s names no dbt: see fixtures/e2e/dbt.sh", variable)
	}
	r := &real{T: t, program: program, dir: t.TempDir(), adapter: adapter}
	r.file("dbt_project.yml", "name: shop\nversion: '1.0'\nprofile: shop\nflags: {send_anonymous_usage_stats: false}\nmodels: {+materialized: table}\n")
	r.file("profiles.yml", "shop: {target: prod, outputs: {prod: "+output+"}}\n")
	return r
}

func (r *real) file(name, text string) {
	r.Helper()
	path := filepath.Join(r.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		r.Fatal(err)
	}
}

func (r *real) run(ctx context.Context, stdout, stderr io.Writer, args ...string) (int, error) {
	cmd := exec.CommandContext(ctx, r.program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = r.dir, stdout, stderr
	err := cmd.Run()
	if cmd.ProcessState != nil {
		return cmd.ProcessState.ExitCode(), nil
	}
	return -1, err
}

func (r *real) flags() []string {
	return []string{"--project-dir", r.dir, "--profiles-dir", r.dir, "--profile", "shop", "--target", "prod"}
}

// sums are the hashes of all that dbt has written below target and elsewhere.
func (r *real) sums() map[string][32]byte {
	r.Helper()
	out := map[string][32]byte{}
	err := filepath.WalkDir(r.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), "shop.duckdb") {
			return err
		}
		text, err := os.ReadFile(path)
		out[path] = sha256.Sum256(text)
		return err
	})
	if err != nil {
		r.Fatal(err)
	}
	return out
}

// same builds one model with every value of the suite as a column, and one
// row of nulls, and reads it.
func (r *real) same(relation string, values map[string]warehousetest.Literal) {
	r.Helper()
	var cases []warehousetest.Case
	var full, empty, names []string
	for _, c := range warehousetest.Cases() {
		if lit, ok := values[c.Name]; ok {
			full = append(full, fmt.Sprintf("cast(%s as %s) as \"V %d\"", lit.SQL, lit.Type, len(cases)))
			empty = append(empty, fmt.Sprintf("cast(null as %s)", lit.Type))
			names = append(names, fmt.Sprintf("V %d", len(cases)))
			cases = append(cases, c)
		}
	}
	r.file("models/export_t.sql", "{% raw %}select "+strings.Join(full, ", ")+" union all select "+strings.Join(empty, ", ")+"{% endraw %}")
	var out strings.Builder
	if code, err := r.run(r.Context(), &out, &out, append([]string{"run"}, r.flags()...)...); code != 0 || err != nil {
		r.Fatalf("dbt run: exit %d, %v\n%s", code, err, out.String())
	}
	before := r.sums()
	w := dbtshow.New(dbtshow.Config{
		Run: r.run, Program: r.program, Adapter: r.adapter, Args: r.flags(), Spool: r.TempDir(),
		Parsed: filepath.Join(r.dir, "target", "partial_parse.msgpack"),
	})
	defer func() { _ = w.Close() }()
	rows := 0
	for row, err := range snapshot(r.T, w).Rows(r.Context(), warehouse.Query{Relation: relation, Columns: names}) {
		if err != nil {
			r.Fatal(err)
		}
		rows++
		nulls := !slices.ContainsFunc(row, func(v record.Value) bool { return v.Kind != record.Null })
		for i, c := range cases {
			if got := row[i]; !nulls && (got.Kind != c.Want.Kind || string(got.Data) != string(c.Want.Data)) {
				r.Errorf("%s: read %s %.100q, want %s %.100q", c.Name, got.Kind, got.Data, c.Want.Kind, c.Want.Data)
			}
		}
	}
	if rows != 2 {
		r.Errorf("%d rows, want 2", rows)
	}
	after := r.sums()
	for path, sum := range after {
		if before[path] != sum {
			r.Errorf("reading changed %s", path)
		}
	}
	if len(before) != len(after) || len(before) < 5 {
		r.Errorf("%d files before, %d after", len(before), len(after))
	}
}

func TestRealDBTOnPostgreSQL(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	database := strings.TrimPrefix(u.Path, "/")
	r := newReal(t, "EXPOSYNC_TEST_DBT_POSTGRES", "postgres", fmt.Sprintf(
		"{type: postgres, host: %s, port: %s, user: %s, password: none, dbname: %s, schema: public, threads: 1}", u.Hostname(), u.Port(), u.User.Username(), database))
	values := warehousetest.PostgreSQL()
	delete(values, "array of decimals") // see TestConformance
	delete(values, "array of instants")
	r.same(`"`+database+`"."public"."export_t"`, values)
}

func TestRealDBTOnDuckDB(t *testing.T) {
	t.Parallel()
	r := newReal(t, "EXPOSYNC_TEST_DBT_DUCKDB", "duckdb", "{type: duckdb, path: shop.duckdb, threads: 1}")
	values := warehousetest.PostgreSQL()
	for name, lit := range map[string]warehousetest.Literal{
		"text control":                    {Type: "varchar", SQL: "'a' || chr(9) || 'b' || chr(10) || 'c' || chr(13) || 'd' || chr(1) || chr(127)"},
		"text nul":                        {Type: "varchar", SQL: "'a' || chr(0) || 'b'"},
		"bytes":                           {Type: "blob", SQL: "from_hex('0001ff5c27')"},
		"date before the common era":      {Type: "date", SQL: "'0044-03-15 (BC)'"},
		"timestamp before the common era": {Type: "timestamp", SQL: "'0044-03-15 (BC) 12:00:00'"},
		"time midnight":                   {Type: "time", SQL: "'00:00:00'"},
		"json text":                       {Type: "json", SQL: `'"a"'`},
		"json number":                     {Type: "json", SQL: `'1.50'`},
		"json null":                       {Type: "json", SQL: `'null'`},
		"array of ints":                   {Type: "int[]", SQL: "[1, null, -3]"},
		"array of arrays":                 {Type: "bigint[][]", SQL: "[[1, 2], [3, 4]]"},
		"array of texts":                  {Type: "varchar[]", SQL: `['a"b', '', 'NULL', null, 'é,{}']`},
		"array empty":                     {Type: "varchar[]", SQL: "[]"},
	} {
		values[name] = lit
	}
	for _, name := range []string{
		"null", "char padded", "decimal nan", "array of decimals", "array of instants", // as it has no such type or writes lists otherwise
	} {
		delete(values, name)
	}
	r.same(`"shop"."main"."export_t"`, values)
}
