package sqlite_test

import (
	"database/sql/driver"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	sqlitedriver "modernc.org/sqlite"

	"exposync/internal/fault"
	"exposync/internal/record"
	"exposync/internal/warehouse"
	"exposync/internal/warehouse/sqlite"
)

func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(dir, "good.db")
	execute(t, good, "create table t (a)")
	for name, paths := range map[string]map[string]string{
		"missing":          {"main": filepath.Join(dir, "missing.db")},
		"folder":           {"main": dir},
		"no database":      {"main": text},
		"missing attached": {"main": good, "more": filepath.Join(dir, "missing.db")},
		"broken attached":  {"main": good, "more": text},
	} {
		_, err := open(t, sqlite.Config{Paths: paths, Where: "profiles.yml: shop.test"}).Snapshot(t.Context())
		if !fault.Is(err, "warehouse_unreachable") || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "profiles.yml") {
			t.Errorf("%s: %v, want warehouse_unreachable with the path", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "missing.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("looking for a file made it: %v", err)
	}
	if _, err := sqlite.New(sqlite.Config{Paths: map[string]string{"prod": good}}); !fault.Is(err, "warehouse_settings") {
		t.Errorf("paths without main: %v, want warehouse_settings", err)
	}
}

// What is damaged in the middle of a file must not look like its end.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	execute(t, path, "create table t as with recursive c(n) as (select 1 union all select n + 1 from c where n < 20000) select n, hex(randomblob(50)) as s from c")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(content[len(content)/2/4096*4096:], make([]byte, 40*4096))
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	n, failure := 0, error(nil)
	s := snapshot(t, open(t, sqlite.Config{Paths: map[string]string{"main": path}}))
	for _, err := range s.Rows(t.Context(), warehouse.Query{Relation: "t", Columns: []string{"n", "s"}}) {
		if failure = err; err == nil {
			n++
		}
	}
	if n >= 20_000 || !fault.Is(failure, "warehouse_read") {
		t.Errorf("%d rows, then %v, want warehouse_read", n, failure)
	}
}

// A view can fail at any row; the message must not quote it.
func TestReadFaultsNameNoValue(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	execute(t, path, "create table t (n int, s text)", "insert into t values (1, '$.a'), (2, 'ada@example.com')",
		`create view v as select n, json_extract('{"a":1}', s) as v from t`,
		"create view broken as select nowhere from t")
	s := snapshot(t, open(t, sqlite.Config{Paths: map[string]string{"main": path}}))
	n, failure := 0, error(nil)
	for _, err := range s.Rows(t.Context(), warehouse.Query{Relation: "v", Columns: []string{"n", "v"}}) {
		if failure = err; err == nil {
			n++
		}
	}
	if n != 1 || !fault.Is(failure, "warehouse_read") || strings.Contains(failure.Error(), "ada") {
		t.Errorf("%d rows, then %v, want 1 and warehouse_read without the value", n, failure)
	}
	if _, err := s.Columns(t.Context(), "broken"); !fault.Is(err, "warehouse_read") || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a broken view: %v, want warehouse_read that names the column", err)
	}
}

// Without a write-ahead log the writer waits; the snapshot stays the same.
func TestSnapshotOfARollbackJournal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	execute(t, path, "create table t (n int)", "insert into t values (1)")
	w := open(t, sqlite.Config{Paths: map[string]string{"main": path}})
	s := snapshot(t, w)
	conn, err := new(sqlitedriver.Driver).Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	insert := func() error {
		_, err := conn.(driver.ExecerContext).ExecContext(t.Context(), "insert into t values (2)", nil)
		return err
	}
	if err := insert(); err == nil {
		t.Error("a writer could commit under an open snapshot")
	}
	q := warehouse.Query{Relation: "t", Columns: []string{"n"}}
	if got := read(t, s, q); len(got) != 1 {
		t.Errorf("the snapshot has %v", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := insert(); err != nil {
		t.Errorf("a writer after the snapshot: %v", err)
	}
}

// Reading leaves no trace: not a byte of the file changes.
func TestReadingChangesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "x.db")
	execute(t, path, "create table t (n int)", "insert into t values (1)")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := snapshot(t, open(t, sqlite.Config{Paths: map[string]string{"main": path}}))
	q := warehouse.Query{Relation: "t", Columns: []string{"n"}, Key: []string{"n"}}
	key := record.AppendKey(nil, record.Value{Kind: record.Int, Data: []byte("1")})
	for _, err := range s.Fetch(t.Context(), q, []record.Key{key}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil || string(before) != string(after) {
		t.Errorf("the file changed (%v)", err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("reading left files behind: %v (%v)", files, err)
	}
}
