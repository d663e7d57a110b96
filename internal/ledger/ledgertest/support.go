package ledgertest

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
)

const target = "prod"

// SyncID is an identity for tests of stores.
func SyncID(job string) plan.SyncID {
	return plan.SyncID{
		Project: "shop", Job: job, Connection: "crm", Account: "42", Object: "contacts", Key: []string{"email", "id"},
	}
}

// Key is the n-th key; consecutive ones fall into partitions all over.
func Key(n int) record.Key {
	return record.AppendKey(nil, record.Value{Kind: record.Text, Data: fmt.Appendf(nil, "key-%d@example.com", n)})
}

// Row is a hash of values.
func Row(n int) record.Hash {
	return record.Key(fmt.Appendf(nil, "row %d", n)).Hash()
}

// Entry is one entry about the n-th key.
func Entry(kind ledger.EntryKind, n int, row record.Hash) ledger.Entry {
	k := Key(n)
	return ledger.Entry{Kind: kind, Key: k, KeyHash: k.Hash(), RowHash: row}
}

func open(tb testing.TB, l ledger.Ledger, id plan.SyncID) ledger.Sync {
	tb.Helper()
	s, err := l.Open(tb.Context(), id, target)
	if err != nil {
		tb.Fatalf("Open(): %v", err)
	}
	return s
}

func look(tb testing.TB, l ledger.Ledger, id plan.SyncID) ledger.Sync {
	tb.Helper()
	s, err := l.View(tb.Context(), id, target)
	if err != nil {
		tb.Fatalf("View(): %v", err)
	}
	return s
}

func appendAll(tb testing.TB, s ledger.Sync, entries ...ledger.Entry) {
	tb.Helper()
	if err := s.Append(tb.Context(), entries...); err != nil {
		tb.Fatalf("Append(): %v", err)
	}
}

func fold(tb testing.TB, s ledger.Sync, h ledger.Header) {
	tb.Helper()
	if err := s.Fold(tb.Context(), h); err != nil {
		tb.Fatalf("Fold(): %v", err)
	}
}

func closeAll(tb testing.TB, closers ...interface{ Close() error }) {
	tb.Helper()
	for _, c := range closers {
		if err := c.Close(); err != nil {
			tb.Fatalf("Close(): %v", err)
		}
	}
}

// Marks reads every mark, and checks place, order and the header's counts.
func Marks(tb testing.TB, s ledger.Sync) map[record.Hash]record.Mark {
	tb.Helper()
	out := map[record.Hash]record.Mark{}
	var confirmed, standing int64
	for part := range ledger.Partitions {
		var last record.Hash
		for m, err := range s.Marks(tb.Context(), part) {
			if err != nil {
				tb.Fatalf("Marks(%d): %v", part, err)
			}
			if int(m.KeyHash[0]) != part || bytes.Compare(m.KeyHash[:], last[:]) <= 0 {
				tb.Fatalf("Marks(%d): %s after %s", part, m.KeyHash, last)
			}
			last = m.KeyHash
			out[m.KeyHash] = clone(m)
			if m.Confirmed() {
				confirmed++
			}
			if m.Standing != nil {
				standing++
			}
		}
	}
	if h := s.Header(); h.Marks != confirmed || h.Standing != standing {
		tb.Errorf("header counts %d marks and %d standing, there are %d and %d", h.Marks, h.Standing, confirmed, standing)
	}
	return out
}

// clone copies a mark. When a change that was on its way was announced cannot
// be known, so it does not count.
func clone(m record.Mark) record.Mark {
	m.Key = slices.Clone(m.Key)
	if m.Standing != nil {
		s := *m.Standing
		if s.Code == ledger.CodeInterrupted {
			s.Since, s.Reason = 0, ""
		}
		m.Standing = &s
	}
	return m
}

// expect compares the marks of a sync with those wanted.
func expect(tb testing.TB, s ledger.Sync, want ...record.Mark) {
	tb.Helper()
	all := map[record.Hash]record.Mark{}
	for _, m := range want {
		all[m.KeyHash] = clone(m)
	}
	if d := cmp.Diff(all, Marks(tb, s)); d != "" {
		tb.Errorf("marks (-want +got):\n%s", d)
	}
}

// mark is a confirmed mark of the n-th key.
func mark(n int, row record.Hash) record.Mark {
	k := Key(n)
	return record.Mark{Key: k, KeyHash: k.Hash(), RowHash: row}
}
