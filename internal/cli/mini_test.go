package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"exposync/internal/cli"
	"exposync/internal/pgtest"
)

// TestMain lets the test binary be exposync itself, so that tests can start,
// interrupt and kill real processes of it.
func TestMain(m *testing.M) {
	if os.Getenv("EXPOSYNC_TEST_PROCESS") == "1" {
		os.Exit(cli.Main())
	}
	scriptMain(m)
}

// mini is a dbt project with one export model on a real PostgreSQL and one
// exposure; its artifacts are written by hand, as small as they can be.
type mini struct {
	testing.TB
	dir    string
	source *pgx.Conn
	dsn    string
	runs   int
	meta   string // JSON of the exposure's exposync block
	env    []string
}

// newMini makes the project; create is the DDL of main."export_t" and whatever
// it needs.
func newMini(tb testing.TB, create, meta, connections string) *mini {
	tb.Helper()
	m := &mini{TB: tb, dir: tb.TempDir(), dsn: pgtest.New(tb), meta: meta}
	m.source = connect(tb, m.dsn)
	m.exec("create schema main")
	m.exec(create)
	u, err := url.Parse(m.dsn)
	if err != nil {
		tb.Fatal(err)
	}
	m.write("dbt_project.yml", "name: mini\nprofile: mini\n")
	m.write("profiles.yml", fmt.Sprintf(`
mini:
  target: prod
  outputs:
    prod: {type: postgres, host: %s, port: %s, user: %s, password: "", dbname: %s, schema: main, sslmode: disable}
`, u.Hostname(), u.Port(), u.User.Username(), strings.TrimPrefix(u.Path, "/")))
	m.write("exposync.yml", "targets:\n  prod:\n    connections:\n      "+connections+"\n")
	m.build()
	return m
}

func connect(tb testing.TB, dsn string) *pgx.Conn {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), dsn)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close(context.WithoutCancel(tb.Context())) })
	return conn
}

func (m *mini) exec(sql string, args ...any) {
	m.Helper()
	if _, err := m.source.Exec(m.Context(), sql, args...); err != nil {
		m.Fatalf("%s: %v", sql, err)
	}
}

func (m *mini) write(name, text string) {
	m.Helper()
	path := filepath.Join(m.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		m.Fatal(err)
	}
}

// build plays a green dbt build: new artifacts with a new invocation.
func (m *mini) build() {
	m.Helper()
	m.runs++
	id := fmt.Sprintf("%08d-0000-4000-8000-000000000000", m.runs)
	now := time.Now().UTC().Format(time.RFC3339Nano)
	database := strings.TrimPrefix(must(url.Parse(m.dsn)).Path, "/")
	manifest := map[string]any{
		"metadata": map[string]any{
			"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "dbt_version": "1.12.6", "generated_at": now,
			"invocation_id": id, "project_name": "mini", "adapter_type": "postgres",
		},
		"nodes": map[string]any{"model.mini.export_t": map[string]any{
			"unique_id": "model.mini.export_t", "resource_type": "model", "name": "export_t", "package_name": "mini",
			"original_file_path": "models/exports/export_t.sql", "database": database, "schema": "main",
			"relation_name": fmt.Sprintf(`"%s"."main"."export_t"`, database), "config": map[string]any{"enabled": true, "materialized": "table"},
			"depends_on": map[string]any{"nodes": []string{}}, "checksum": map[string]any{"name": "sha256", "checksum": "x"}, "columns": map[string]any{},
		}},
		"exposures": map[string]any{"exposure.mini.t": map[string]any{
			"unique_id": "exposure.mini.t", "resource_type": "exposure", "name": "t", "type": "application", "package_name": "mini",
			"original_file_path": "models/exports/_exports.yml", "owner": map[string]any{"name": "me"},
			"depends_on": map[string]any{"nodes": []string{"model.mini.export_t"}},
			"config":     map[string]any{"enabled": true, "meta": map[string]any{"exposync": json.RawMessage(m.meta)}},
		}},
		"sources": map[string]any{}, "metrics": map[string]any{}, "disabled": map[string]any{},
		"parent_map": map[string]any{"exposure.mini.t": []string{"model.mini.export_t"}, "model.mini.export_t": []string{}},
		"child_map":  map[string]any{},
	}
	results := map[string]any{
		"metadata": map[string]any{
			"dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json", "dbt_version": "1.12.6", "generated_at": now, "invocation_id": id,
		},
		"args": map[string]any{"which": "build"}, "elapsed_time": 1.0,
		"results": []any{map[string]any{"unique_id": "model.mini.export_t", "status": "success", "message": "SELECT", "failures": nil}},
	}
	m.write("target/manifest.json", string(must(json.Marshal(manifest))))
	m.write("target/run_results.json", string(must(json.Marshal(results))))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// command is exposync as a process of its own, in the project.
func (m *mini) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, must(os.Executable()), args...)
	cmd.Dir = m.dir
	cmd.Env = append(os.Environ(), "EXPOSYNC_TEST_PROCESS=1", "CI=", "COLUMNS=100",
		"GORACE=atexit_sleep_ms=0", "GOCOVERDIR="+m.TempDir())
	cmd.Env = append(cmd.Env, m.env...)
	return cmd
}

// run runs exposync to its end and gives its exit code and all it said.
func (m *mini) run(args ...string) (int, string) {
	m.Helper()
	cmd := m.command(m.Context(), args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// want runs exposync and fails unless it ends with that exit code.
func (m *mini) want(code int, args ...string) string {
	m.Helper()
	got, out := m.run(args...)
	if got != code {
		m.Fatalf("exposync %s: exit %d, want %d\n%s", strings.Join(args, " "), got, code, out)
	}
	return out
}

// counts are the numbers of the job in the last run's artifact.
func (m *mini) counts() map[string]int64 {
	m.Helper()
	var doc struct {
		Results []struct {
			Status string           `json:"status"`
			Counts map[string]int64 `json:"counts"`
		} `json:"results"`
	}
	if err := json.Unmarshal(must(os.ReadFile(filepath.Join(m.dir, "target/exposync_run_results.json"))), &doc); err != nil {
		m.Fatal(err)
	}
	if len(doc.Results) != 1 {
		m.Fatalf("%d results", len(doc.Results))
	}
	return doc.Results[0].Counts
}

// confirmed is how many records the ledger says the destination has.
func (m *mini) confirmed() int64 {
	m.Helper()
	cmd := m.command(m.Context(), "status", "--output", "json")
	out, err := cmd.Output()
	if err != nil {
		m.Fatalf("status: %v", err)
	}
	var doc struct {
		Jobs []struct {
			Records int64 `json:"records"`
		} `json:"jobs"`
	}
	if err := json.Unmarshal(out, &doc); err != nil || len(doc.Jobs) != 1 {
		m.Fatalf("status: %v\n%s", err, out)
	}
	return doc.Jobs[0].Records
}

// rows reads a table as key -> value text.
func rows(tb testing.TB, conn *pgx.Conn, query string) map[string]string {
	tb.Helper()
	r, err := conn.Query(tb.Context(), query)
	if err != nil {
		tb.Fatal(err)
	}
	out := map[string]string{}
	var k, v string
	if _, err := pgx.ForEachRow(r, []any{&k, &v}, func() error { out[k] = v; return nil }); err != nil {
		tb.Fatal(err)
	}
	return out
}

// startSandbox starts `exposync sandbox` as a process of its own and gives its
// address; it is killed when the test ends.
func startSandbox(tb testing.TB, m *mini, args ...string) string {
	tb.Helper()
	args = append([]string{"sandbox", "--dir", filepath.Join(m.dir, "box"), "--address", "127.0.0.1:0"}, args...)
	cmd := m.command(tb.Context(), args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		tb.Fatalf("the sandbox said %q: %v", line, err)
	}
	return strings.Fields(line)[1]
}
