package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"exposync/internal/pgtest"
	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// BenchmarkRead compares reading and hashing a million rows of 8 columns with
// the floor: the driver alone, in binary, each row thrown away. Read the two
// side by side; the goal is a ratio of 1.2 on a machine with a core for each.
func BenchmarkRead(b *testing.B) {
	const rows = 1_000_000
	dsn := pgtest.New(b)
	execute(b, dsn, `create table t as select n as id, 'user' || n || '@example.com' as email, 'Ada ' || n as name,
		(n % 100000)::numeric(12,2) / 7 as clv, n % 3 = 0 as active, date '2020-01-01' + n % 2000 as first_order,
		timestamptz '2020-01-01' + n * interval '1 second' as updated_at, case when n % 4 = 0 then null else n * 0.1::float8 end as score
		from generate_series(1, 1000000) n`, "vacuum analyze t")
	q := warehouse.Query{Relation: "t", Columns: []string{"id", "email", "name", "clv", "active", "first_order", "updated_at", "score"}}
	s := snapshot(b, open(b, config(b, dsn)))
	conn, err := pgx.Connect(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close(b.Context()) }()

	b.Run("Floor", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			result, err := conn.Query(b.Context(), "select id, email, name, clv, active, first_order, updated_at, score from t")
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for result.Next() {
				_ = result.RawValues()
				n++
			}
			if result.Err() != nil || n != rows {
				b.Fatalf("%d rows, %v", n, result.Err())
			}
		}
	})
	b.Run("Hashed", func(b *testing.B) {
		b.ReportAllocs()
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
}
