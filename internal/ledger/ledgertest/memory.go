package ledgertest

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"exposync/internal/ledger"
	"exposync/internal/record"
)

// Memory writes, folds and reads 120 000 marks and fails if the heap grows by
// more than limit bytes at any time. All marks together are above 35 MB. Call
// it from a test that does not run in parallel: it measures the process.
func Memory(t *testing.T, factory Factory, limit uint64) {
	t.Helper()
	const marks, batch = 120_000, 5000 // a batch is more than one commit takes
	l := factory(t).Open(t)
	peak := watchHeap(t)

	s := open(t, l, SyncID("job"))
	list := make([]ledger.Entry, 0, batch)
	for n := range marks {
		list = append(list, longEntry(n))
		if len(list) == batch {
			appendAll(t, s, list...)
			list = list[:0]
		}
	}
	closeAll(t, s)
	for _, reopen := range []func() ledger.Sync{
		func() ledger.Sync { return look(t, l, SyncID("job")) },
		func() ledger.Sync { return open(t, l, SyncID("job")) },
	} {
		s := reopen()
		count := 0
		for part := range ledger.Partitions {
			for _, err := range s.Marks(t.Context(), part) {
				if err != nil {
					t.Fatal(err)
				}
				count++
			}
		}
		if count != marks {
			t.Errorf("%d marks, want %d", count, marks)
		}
		closeAll(t, s)
	}
	closeAll(t, l)
	if grown := peak(); grown > limit {
		t.Errorf("the heap grew by %d MB, want at most %d MB", grown>>20, limit>>20)
	} else {
		t.Logf("the heap grew by %.1f MB", float64(grown)/(1<<20))
	}
}

func longEntry(n int) ledger.Entry {
	k := record.AppendKey(nil, record.Value{Kind: record.Text, Data: fmt.Appendf(nil, "%0200d", n)})
	return ledger.Entry{Kind: ledger.Confirmed, Key: k, KeyHash: k.Hash(), RowHash: Row(n), RemoteID: fmt.Sprintf("%020d", n)}
}

// watchHeap looks at the heap until the returned function is called, which
// gives how far it grew above its size at the start.
func watchHeap(tb testing.TB) (peak func() uint64) {
	tb.Helper()
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	percent := debug.SetGCPercent(20) // what is in use counts, not what waits to be collected
	runtime.GC()
	start, most := heap(), uint64(0)
	stop := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, heap())
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	})
	return func() uint64 {
		close(stop)
		group.Wait()
		debug.SetGCPercent(percent)
		return most - min(start, most)
	}
}
