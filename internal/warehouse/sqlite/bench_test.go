package sqlite_test

import (
	"context"
	"database/sql/driver"
	"path/filepath"
	"strconv"
	"testing"

	sqlitedriver "modernc.org/sqlite"

	"exposync/internal/record"
	"exposync/internal/warehouse"
	"exposync/internal/warehouse/sqlite"
)

// BenchmarkRead compares reading and hashing 200,000 rows of 8 columns with
// the driver alone, and fetches 50,000 of them by key.
func BenchmarkRead(b *testing.B) {
	const rows = 200_000
	path := filepath.Join(b.TempDir(), "x.db")
	conn, err := new(sqlitedriver.Driver).Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	const table = `create table t as with recursive c(n) as (select 1 union all select n + 1 from c where n < 200000)
		select n as id, 'user' || n || '@example.com' as email, 'Ada ' || n as name, n / 7.0 as clv, n % 3 = 0 as active,
		'2020-01-01' as first_order, '2020-01-01 12:00:00' as updated_at, null as score from c`
	if _, err := conn.(driver.ExecerContext).ExecContext(context.Background(), table, nil); err != nil {
		b.Fatal(err)
	}
	w, err := sqlite.New(sqlite.Config{Paths: map[string]string{"main": path}})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	s, err := w.Snapshot(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	q := warehouse.Query{
		Relation: `main."t"`, Key: []string{"id"},
		Columns: []string{"id", "email", "name", "clv", "active", "first_order", "updated_at", "score"},
	}
	b.Run("Floor", func(b *testing.B) {
		for b.Loop() {
			result, err := conn.(driver.QueryerContext).QueryContext(context.Background(), "select * from t", nil)
			if err != nil {
				b.Fatal(err)
			}
			cells, n := make([]driver.Value, len(q.Columns)), 0
			for result.Next(cells) == nil {
				n++
			}
			if err := result.Close(); err != nil || n != rows {
				b.Fatalf("%d rows, %v", n, err)
			}
		}
	})
	b.Run("Hashed", func(b *testing.B) {
		hasher := record.NewHasher(q.Columns)
		for b.Loop() {
			n := 0
			for r, err := range s.Rows(b.Context(), q) {
				if err != nil {
					b.Fatal(err)
				}
				hasher.Sum(r)
				n++
			}
			if n != rows {
				b.Fatalf("%d rows", n)
			}
		}
	})
	b.Run("Fetch", func(b *testing.B) {
		keys := make([]record.Key, warehouse.FetchChunk)
		for i := range keys {
			keys[i] = record.AppendKey(nil, record.Value{Kind: record.Int, Data: strconv.AppendInt(nil, int64(3*i+1), 10)})
		}
		for b.Loop() {
			n := 0
			for _, err := range s.Fetch(b.Context(), q, keys) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			if n != warehouse.FetchChunk {
				b.Fatalf("%d rows", n)
			}
		}
	})
}
