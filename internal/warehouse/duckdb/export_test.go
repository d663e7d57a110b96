//go:build duckdb

package duckdb

import (
	"testing"

	bindings "github.com/duckdb/duckdb-go-bindings"

	"exposync/internal/warehouse"
)

// Shared is one DuckDB that a reader reads and a test writes to. Between
// processes there is no such thing: whoever reads keeps writers out.
type Shared struct{ instance *instance }

// NewShared starts one with an empty database of that name.
func NewShared(t *testing.T, name string) *Shared {
	t.Helper()
	i, err := start(map[string]string{"memory_limit": "1GB", "temp_directory": t.TempDir(), "threads": "2"})
	if err != nil {
		t.Fatal(err)
	}
	i.keep = true
	s := &Shared{i}
	t.Cleanup(func() { bindings.Close(&i.db) })
	s.Exec(t, "attach ':memory:' as "+quote(name))
	return s
}

// Exec runs a statement on a connection of its own.
func (s *Shared) Exec(tb testing.TB, sql string) {
	tb.Helper()
	conn, err := s.instance.connection()
	if err != nil {
		tb.Fatal(err)
	}
	defer bindings.Disconnect(&conn)
	if err := execute(conn, sql); err != nil {
		tb.Fatalf("%.200s: %v", sql, err)
	}
}

// Reader reads it.
func (s *Shared) Reader(name string) *Warehouse {
	w := New(Config{Files: []File{{Name: name}}})
	w.connect = func(Config) (*instance, error) { return s.instance, nil }
	return w
}

// Write runs statements on a file, which is closed then. It is called shop.
func Write(tb testing.TB, path string, statements ...string) {
	tb.Helper()
	i, err := start(nil)
	if err != nil {
		tb.Fatal(err)
	}
	defer i.close()
	conn, err := i.connection()
	if err != nil {
		tb.Fatal(err)
	}
	defer bindings.Disconnect(&conn)
	for _, sql := range append([]string{"attach " + literal(path) + " as shop", "use shop"}, statements...) {
		if err := execute(conn, sql); err != nil {
			tb.Fatalf("%.200s: %v", sql, err)
		}
	}
}

// Held keeps a file open for writing until the test ends.
func Held(tb testing.TB, path string) {
	tb.Helper()
	i, err := start(nil)
	if err != nil {
		tb.Fatal(err)
	}
	(&Shared{i}).Exec(tb, "attach "+literal(path)+" as shop")
	tb.Cleanup(i.close)
}

// CountChunks reads a relation and looks at nothing but how many rows a chunk
// has: the floor of reading.
func CountChunks(tb testing.TB, from warehouse.Snapshot, relation string) (rows int) {
	tb.Helper()
	s, ok := from.(*Snapshot)
	if !ok {
		tb.Fatal("not a snapshot of DuckDB")
	}
	var statement bindings.PreparedStatement
	defer bindings.DestroyPrepare(&statement)
	var result bindings.Result
	defer bindings.DestroyResult(&result)
	if bindings.Prepare(s.conn, "select * from "+relation, &statement) == bindings.StateError ||
		bindings.ExecutePreparedStreaming(statement, &result) == bindings.StateError {
		tb.Fatal(bindings.ResultError(&result))
	}
	for {
		chunk := bindings.FetchChunk(result)
		if chunk.Ptr == nil {
			return rows
		}
		rows += int(bindings.DataChunkGetSize(chunk))
		bindings.DestroyDataChunk(&chunk)
	}
}
