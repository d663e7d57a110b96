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

// project is a dbt project with one model, and a real dbt: fixtures/e2e/dbt.sh
// names one. A start of it takes seconds, so these tests are not for every day.
type project struct {
	*testing.T
	program, dir, adapter string
}

func newProject(t *testing.T, variable, adapter, output string) *project {
	t.Helper()
	program := os.Getenv(variable)
	if program == "" {
		t.Skipf("%s names no dbt: see fixtures/e2e/dbt.sh", variable)
	}
	p := &project{T: t, program: program, dir: t.TempDir(), adapter: adapter}
	p.file("dbt_project.yml", "name: shop\nversion: '1.0'\nprofile: shop\nmodels: {+materialized: table}\n")
	p.file("profiles.yml", "shop: {target: prod, outputs: {prod: "+output+"}}\n")
	return p
}

func (p *project) file(name, text string) {
	p.Helper()
	path := filepath.Join(p.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		p.Fatal(err)
	}
}

func (p *project) run(ctx context.Context, stdout, stderr io.Writer, args ...string) (int, error) {
	cmd := exec.CommandContext(ctx, p.program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, stdout, stderr
	cmd.Env = append(os.Environ(), "DBT_SEND_ANONYMOUS_USAGE_STATS=false", "DO_NOT_TRACK=1")
	err := cmd.Run()
	if cmd.ProcessState != nil {
		return cmd.ProcessState.ExitCode(), nil
	}
	return -1, err
}

func (p *project) flags() []string {
	return []string{"--project-dir", p.dir, "--profiles-dir", p.dir, "--profile", "shop", "--target", "prod"}
}

// sums are the hashes of all that dbt has written below target and elsewhere.
func (p *project) sums() map[string][32]byte {
	p.Helper()
	out := map[string][32]byte{}
	err := filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), "shop.duckdb") {
			return err
		}
		text, err := os.ReadFile(path)
		out[path] = sha256.Sum256(text)
		return err
	})
	if err != nil {
		p.Fatal(err)
	}
	return out
}

// same builds one model with every value of the suite as a column, and one
// row of nulls, and reads it.
func (p *project) same(relation string, values map[string]warehousetest.Literal) {
	p.Helper()
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
	p.file("models/export_t.sql", "{% raw %}select "+strings.Join(full, ", ")+" union all select "+strings.Join(empty, ", ")+"{% endraw %}")
	var out strings.Builder
	if code, err := p.run(p.Context(), &out, &out, append([]string{"run"}, p.flags()...)...); code != 0 || err != nil {
		p.Fatalf("dbt run: exit %d, %v\n%s", code, err, out.String())
	}
	before := p.sums()
	w := dbtshow.New(dbtshow.Config{
		Run: p.run, Program: p.program, Adapter: p.adapter, Args: p.flags(), Spool: p.TempDir(),
		Parsed: filepath.Join(p.dir, "target", "partial_parse.msgpack"),
	})
	defer func() { _ = w.Close() }()
	rows := 0
	for row, err := range snapshot(p.T, w).Rows(p.Context(), warehouse.Query{Relation: relation, Columns: names}) {
		if err != nil {
			p.Fatal(err)
		}
		rows++
		nulls := !slices.ContainsFunc(row, func(v record.Value) bool { return v.Kind != record.Null })
		for i, c := range cases {
			if got := row[i]; !nulls && (got.Kind != c.Want.Kind || string(got.Data) != string(c.Want.Data)) {
				p.Errorf("%s: read %s %.100q, want %s %.100q", c.Name, got.Kind, got.Data, c.Want.Kind, c.Want.Data)
			}
		}
	}
	if rows != 2 {
		p.Errorf("%d rows, want 2", rows)
	}
	after := p.sums()
	for path, sum := range after {
		if before[path] != sum {
			p.Errorf("reading changed %s", path)
		}
	}
	if len(before) != len(after) || len(before) < 5 {
		p.Errorf("%d files before, %d after", len(before), len(after))
	}
}

func TestRealDBTOnPostgreSQL(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	database := strings.TrimPrefix(u.Path, "/")
	p := newProject(t, "EXPOSYNC_TEST_DBT_POSTGRES", "postgres", fmt.Sprintf(
		"{type: postgres, host: %s, port: %s, user: %s, password: none, dbname: %s, schema: public, threads: 1}", u.Hostname(), u.Port(), u.User.Username(), database))
	values := warehousetest.PostgreSQL()
	delete(values, "array of decimals") // see TestConformance
	delete(values, "array of instants")
	p.same(`"`+database+`"."public"."export_t"`, values)
}

func TestRealDBTOnDuckDB(t *testing.T) {
	t.Parallel()
	p := newProject(t, "EXPOSYNC_TEST_DBT_DUCKDB", "duckdb", "{type: duckdb, path: shop.duckdb, threads: 1}")
	values := warehousetest.DuckDB()
	delete(values, "null") // of no type
	p.same(`"shop"."main"."export_t"`, values)
}
