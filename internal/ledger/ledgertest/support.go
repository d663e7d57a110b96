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

func open(t testing.TB, l ledger.Ledger, id plan.SyncID) ledger.Sync {
	t.Helper()
	s, err := l.Open(t.Context(), id, target)
	if err != nil {
		t.Fatalf("Open(): %v", err)
	}
	return s
}

func look(t testing.TB, l ledger.Ledger, id plan.SyncID) ledger.Sync {
	t.Helper()
	s, err := l.View(t.Context(), id, target)
	if err != nil {
		t.Fatalf("View(): %v", err)
	}
	return s
}

func appendAll(t testing.TB, s ledger.Sync, entries ...ledger.Entry) {
	t.Helper()
	if err := s.Append(t.Context(), entries...); err != nil {
		t.Fatalf("Append(): %v", err)
	}
}

func fold(t testing.TB, s ledger.Sync, h ledger.Header) {
	t.Helper()
	if err := s.Fold(t.Context(), h); err != nil {
		t.Fatalf("Fold(): %v", err)
	}
}

func closeAll(t testing.TB, closers ...interface{ Close() error }) {
	t.Helper()
	for _, c := range closers {
		if err := c.Close(); err != nil {
			t.Fatalf("Close(): %v", err)
		}
	}
}

// Marks reads every mark, and checks place, order and the header's counts.
func Marks(t testing.TB, s ledger.Sync) map[record.Hash]record.Mark {
	t.Helper()
	out := map[record.Hash]record.Mark{}
	var confirmed, standing int64
	for part := range ledger.Partitions {
		var last record.Hash
		for m, err := range s.Marks(t.Context(), part) {
			if err != nil {
				t.Fatalf("Marks(%d): %v", part, err)
			}
			if int(m.KeyHash[0]) != part || bytes.Compare(m.KeyHash[:], last[:]) <= 0 {
				t.Fatalf("Marks(%d): %s after %s", part, m.KeyHash, last)
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
		t.Errorf("header counts %d marks and %d standing, there are %d and %d", h.Marks, h.Standing, confirmed, standing)
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
func expect(t testing.TB, s ledger.Sync, want ...record.Mark) {
	t.Helper()
	all := map[record.Hash]record.Mark{}
	for _, m := range want {
		all[m.KeyHash] = clone(m)
	}
	if d := cmp.Diff(all, Marks(t, s)); d != "" {
		t.Errorf("marks (-want +got):\n%s", d)
	}
}

// mark is a confirmed mark of the n-th key.
func mark(n int, row record.Hash) record.Mark {
	k := Key(n)
	return record.Mark{Key: k, KeyHash: k.Hash(), RowHash: row}
}
