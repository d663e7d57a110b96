package local_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"exposync/internal/ledger"
	"exposync/internal/ledger/ledgertest"
)

// BenchmarkAppend is what eight workers get through that confirm batches of
// 100; every batch is durable before the worker goes on.
func BenchmarkAppend(b *testing.B) {
	const workers, batch = 8, 100
	list := ledgertest.BenchEntries(batch)
	y := mustOpen(b, newStore(b).Open(b))
	var next atomic.Int64
	var group sync.WaitGroup
	b.ResetTimer()
	for range workers {
		group.Go(func() {
			for next.Add(1) <= int64(b.N) {
				if err := y.Append(b.Context(), list...); err != nil {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)*batch/b.Elapsed().Seconds(), "entries/s")
	must(b, y.Close())
}

// BenchmarkMarks reads a million marks, checksums included.
func BenchmarkMarks(b *testing.B) {
	const marks = 1_000_000
	s := filled(b, marks)
	y := mustOpen(b, s.Open(b))
	b.ResetTimer()
	for range b.N {
		count := 0
		for part := range ledger.Partitions {
			for m, err := range y.Marks(b.Context(), part) {
				if err != nil {
					b.Fatal(err)
				}
				count += len(m.Key) & 1
			}
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/marks, "ns/mark")
	must(b, y.Close())
}

// BenchmarkFold folds a million confirmed entries into no marks.
func BenchmarkFold(b *testing.B) {
	const entries = 1_000_000
	list := ledgertest.BenchEntries(entries)
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		y := mustOpen(b, newStore(b).Open(b))
		must(b, y.Append(b.Context(), list...))
		runtime.GC()
		b.StartTimer()
		must(b, y.Fold(b.Context(), ledger.Header{Mapping: "m"}))
		b.StopTimer()
		must(b, y.Close())
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/entries, "ns/entry")
}

// filled makes a store with folded marks.
func filled(b *testing.B, marks int) *testStore {
	b.Helper()
	s := newStore(b)
	y := mustOpen(b, s.Open(b))
	must(b, y.Append(b.Context(), ledgertest.BenchEntries(marks)...))
	must(b, y.Fold(b.Context(), ledger.Header{Mapping: "m"}))
	must(b, y.Close())
	return s
}
