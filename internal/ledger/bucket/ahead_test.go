package bucket_test

import (
	"sync"
	"testing"

	"exposync/internal/ledger"
	"exposync/internal/ledger/bucket"
	"exposync/internal/ledger/ledgertest"
)

// TestLookingWhileARunWrites: commits are read several at a time, so one may
// not be there yet when it is asked for, and a later one may.
func TestLookingWhileARunWrites(t *testing.T) {
	t.Parallel()
	s := newStore(t, "s3")
	id := ledgertest.SyncID("job")
	writer := mustOpen(t, s.Open(t))
	write := func(n int) {
		must(t, writer.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, n, ledgertest.Row(n))))
	}
	write(0)
	token, _, err := bucket.Head(t.Context(), s.Open(t), id)
	must(t, err)
	written := make(chan struct{})
	var once sync.Once
	l := bucket.Over(bucket.Interposed{Objects: bucket.Of(s.Open(t)), Before: func(op, key string) error {
		var absent error
		switch {
		case op == "get" && key == bucket.CommitKey(id, token, 1):
			once.Do(func() {
				write(1)
				write(2)
				close(written)
				absent = bucket.ErrAbsent
			})
		case op == "get" && key == bucket.CommitKey(id, token, 2):
			<-written
		}
		return absent
	}}, options(t))
	v, err := l.View(t.Context(), id, "prod")
	if err != nil {
		t.Fatalf("View() during a run: %v", err)
	}
	if got := ledgertest.Marks(t, v); len(got) != 3 {
		t.Errorf("%d marks, want 3", len(got))
	}
	must(t, v.Close())
	must(t, writer.Close())
}
