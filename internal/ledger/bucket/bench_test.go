package bucket_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"exposync/internal/ledger/ledgertest"
)

// BenchmarkAppend is what eight workers get through that confirm batches of
// 100, against a server in this process; see the local ledger's.
func BenchmarkAppend(b *testing.B) {
	const workers, batch = 8, 100
	list := ledgertest.BenchEntries(batch)
	y := mustOpen(b, newStore(b, "s3").Open(b))
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
