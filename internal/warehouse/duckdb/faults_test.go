//go:build duckdb

package duckdb_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"exposync/internal/fault"
	"exposync/internal/warehouse"
	"exposync/internal/warehouse/duckdb"
)

// writer makes this test binary hold a file as a dbt that still runs does.
const writer = "DUCKDB_TEST_WRITER"

func TestWriterInAnotherProcess(t *testing.T) {
	if path := os.Getenv(writer); path != "" {
		duckdb.Held(t, path)
		fmt.Println("\nheld")
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		return
	}
	t.Parallel()
	w, path := file(t, "create table t as select 1 as n")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), writer+"="+path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "held"; {
		continue
	}
	_, err = w.Snapshot(t.Context())
	if !fault.Is(err, "warehouse_busy") || fault.ExitCode(err) != 5 {
		t.Errorf("a file that is being written: %v", err)
	}
	for _, f := range fault.All(err) {
		if !strings.Contains(f.Hint, fmt.Sprintf("ps -p %d", cmd.Process.Pid)) {
			t.Errorf("the hint %q does not name process %d", f.Hint, cmd.Process.Pid)
		}
	}
	_ = in.Close()
	_ = cmd.Wait()
	s := snapshot(t, w) // it has ended: the file is free again
	other := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
	other.Env = cmd.Env
	if said, err := other.CombinedOutput(); err == nil || !strings.Contains(string(said), "lock") {
		t.Errorf("a writer got in while a snapshot was open: %s", said)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	other = exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
	other.Env = cmd.Env
	if said, err := other.CombinedOutput(); err != nil {
		t.Errorf("a writer after the last snapshot was closed: %v, %s", err, said)
	}
}

func TestFilesThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	junk, newer := filepath.Join(dir, "junk.duckdb"), filepath.Join(dir, "newer.duckdb")
	if err := os.WriteFile(junk, []byte(strings.Repeat("no database", 2000)), 0o600); err != nil {
		t.Fatal(err)
	}
	duckdb.Write(t, newer, "create table t as select 1 as n")
	age(t, newer)
	for path, code := range map[string]string{
		filepath.Join(dir, "none.duckdb"): "warehouse_unreachable",
		dir:                               "warehouse_unreachable",
		junk:                              "warehouse_unreachable",
		newer:                             "warehouse_settings",
	} {
		w := closed(t, duckdb.New(duckdb.Config{Files: []duckdb.File{{"shop", path}}, Spool: filepath.Join(dir, "tmp"), Where: "profiles.yml: shop.prod"}))
		_, err := w.Snapshot(t.Context())
		if !fault.Is(err, code) || !strings.Contains(err.Error(), "profiles.yml") || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %s", path, err, code)
		}
		if _, err := os.Stat(path); path == filepath.Join(dir, "none.duckdb") && err == nil {
			t.Error("reading made a file")
		}
	}
}

// age makes a file look like one of a later DuckDB: its head is a checksum,
// the letters DUCK and the version of the storage.
func age(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const head = 4096
	text[12] = 200
	sum := uint64(5381)
	for at := 8; at < head; at += 8 {
		sum ^= binary.LittleEndian.Uint64(text[at:]) * 0xbf58476d1ce4e5b9
	}
	binary.LittleEndian.PutUint64(text, sum)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// What DuckDB says of a row may quote it.
func TestErrorsQuoteNoValue(t *testing.T) {
	t.Parallel()
	w, _ := file(t, "create table s as select 'secret value' as x", "create view v as select x::int as x from s",
		"create table gone as select 1 as n", "create view broken as select * from gone", "drop table gone")
	_, err := drain(t, snapshot(t, w), warehouse.Query{Relation: relation("shop", "v"), Columns: []string{"x"}})
	if !fault.Is(err, "warehouse_read") || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "Conversion Error") {
		t.Errorf("a view that fails: %v", err)
	}
	if _, err := snapshot(t, w).Columns(t.Context(), relation("shop", "broken")); !fault.Is(err, "relation_missing") || !strings.Contains(err.Error(), "gone") {
		t.Errorf("a view on a table that is gone: %v", err)
	}
	for _, name := range []string{`"other"."main"."t"`, `"shop"."other"."t"`, `"shop"."main"."t"`} {
		if _, err := snapshot(t, w).Columns(t.Context(), name); !fault.Is(err, "relation_missing") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

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

func TestUseAfterClose(t *testing.T) {
	t.Parallel()
	w, _ := file(t, "create table t as select 1 as n")
	s := snapshot(t, w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Columns(t.Context(), relation("shop", "t")); err == nil {
		t.Error("a closed snapshot knows columns")
	}
	if _, err := drain(t, s, warehouse.Query{Relation: relation("shop", "t"), Columns: []string{"n"}}); err == nil {
		t.Error("a closed snapshot gives rows")
	}
}

// Half a table is never taken for a whole one, at whichever row it broke.
func TestErrorsAfterManyChunks(t *testing.T) {
	t.Parallel()
	w, _ := file(t, "create table s as select n, case when n = 499000 then 'secret value' else n::varchar end as x from range(500000) as r(n)",
		"create view v as select n, x::int as x from s")
	for range 3 {
		n, err := drain(t, snapshot(t, w), warehouse.Query{Relation: relation("shop", "v"), Columns: []string{"n", "x"}})
		if !fault.Is(err, "warehouse_read") || strings.Contains(err.Error(), "secret") || n >= 500_000 {
			t.Errorf("%d rows and %v, want warehouse_read", n, err)
		}
		if n == 0 {
			t.Log("it broke before the first row")
		}
	}
}

// A dbt that was killed leaves what it committed in a log beside the file.
func TestRowsThatAreStillInTheLog(t *testing.T) {
	t.Parallel()
	w, path := file(t, "pragma disable_checkpoint_on_shutdown", "create table t as select 1 as n", "insert into t values (2)")
	if log, err := os.Stat(path + ".wal"); err != nil || log.Size() == 0 {
		t.Fatalf("there is no log: %v", err)
	}
	n, err := drain(t, snapshot(t, w), warehouse.Query{Relation: relation("shop", "t"), Columns: []string{"n"}})
	if n != 2 || err != nil {
		t.Errorf("%d rows, %v; want both", n, err)
	}
	if log, err := os.Stat(path + ".wal"); err != nil || log.Size() == 0 {
		t.Errorf("reading changed the log: %v", err)
	}
}
