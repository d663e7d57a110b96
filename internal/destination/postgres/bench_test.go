package postgres_test

import (
	"fmt"
	"sync"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/record"
)

// BenchmarkUpsert writes 100,000 records of six columns with four batches in
// flight, first as new ones, then as changed ones.
func BenchmarkUpsert(b *testing.B) {
	const rows = 100_000
	db := setup(b, "create table users (id int primary key, email text, first_name text, last_name text, score int, updated_at timestamptz)")
	target := destination.Target{
		Object: "users", Mode: destination.Upsert, Key: []destination.Field{{Name: "id", Kind: record.Int}},
		Fields: []destination.Field{
			{Name: "email", Kind: record.Text},
			{Name: "first_name", Kind: record.Text},
			{Name: "last_name", Kind: record.Text},
			{Name: "score", Kind: record.Int},
			{Name: "updated_at", Kind: record.Instant},
		},
	}
	w := db.open(target)
	for b.Loop() {
		batches := make(chan []record.Change)
		var wg sync.WaitGroup
		for range w.Traits().Concurrency {
			wg.Go(func() {
				for batch := range batches {
					if ok := count(said(w.Write(b.Context(), batch)), "ok"); ok != len(batch) {
						b.Errorf("%d of %d confirmed", ok, len(batch))
					}
				}
			})
		}
		for start := 0; start < rows; start += w.Traits().Rows {
			batch := make([]record.Change, w.Traits().Rows)
			for i := range batch {
				n := start + i
				batch[i] = put(number(n), text(fmt.Sprintf("user%d@example.com", n)), text("Ada"), text("Lovelace"),
					number(n%97), record.Value{Kind: record.Instant, Data: []byte("2026-11-24T10:15:00Z")})
			}
			batches <- batch
		}
		close(batches)
		wg.Wait()
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(0, "ns/op")
}
