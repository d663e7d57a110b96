package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/ledger/ledgertest"
)

// Crashes runs do through a proxy. Before every statement, and before every
// commit, it copies what the server holds as committed, which is all that is
// left if everything stops there.
func (s *testStore) Crashes(tb testing.TB, do func(l ledger.Ledger), found func(step string, l ledger.Ledger)) {
	tb.Helper()
	p, dsn := newProxy(tb, s.dsn)
	p.before = func(statement string) {
		statement, _, _ = strings.Cut(strings.Join(strings.Fields(statement), " "), " values")
		left := s.copied(tb)
		l := left.Open(tb)
		found("before "+statement[:min(60, len(statement))], l)
		must(tb, l.Close())
	}
	watched := &testStore{dsn: dsn, schema: s.schema, admin: s.admin}
	l := watched.Open(tb)
	do(l)
	left := s.copied(tb)
	found("at the end", left.Open(tb))
	must(tb, l.Close())
}

// copied is another schema that holds what is committed in this one; the
// sessions of its leases are gone.
func (s *testStore) copied(tb testing.TB) *testStore {
	tb.Helper()
	to := newStore(tb)
	if !ask[bool](tb, s, "select to_regclass('{s}.version') is not null") {
		return to
	}
	script := fmt.Sprintf("begin; create schema %s;", to.schema)
	for _, table := range []string{"version", "syncs", "leases", "journal", "marks", "evidence", "runs"} {
		script += fmt.Sprintf("create table %[1]s.%[3]s (like %[2]s.%[3]s including all); insert into %[1]s.%[3]s overriding system value select * from %[2]s.%[3]s;",
			to.schema, s.schema, table)
	}
	script += fmt.Sprintf("update %s.leases set expires_at = null; commit", to.schema)
	conn, err := s.admin.Acquire(tb.Context())
	must(tb, err)
	defer conn.Release()
	must(tb, conn.Conn().PgConn().Exec(tb.Context(), script).Close())
	return to
}

// TestCutAtEveryStatement cuts the connection before each statement of a run
// in turn. What was acknowledged is there, and the next run goes on.
func TestCutAtEveryStatement(t *testing.T) {
	t.Parallel()
	for cutAt, last := int64(1), false; !last; cutAt++ {
		s := newStore(t)
		first := s.Open(t)
		must(t, errors.Join(mustOpen(t, first).Close(), first.Close())) // the tables are there
		p, dsn := newProxy(t, s.dsn)
		var seen atomic.Int64
		p.before = func(string) {
			if seen.Add(1) == cutAt {
				p.cut(true)
			}
		}
		acked := cutRun(t, &testStore{dsn: dsn, schema: s.schema, admin: s.admin})
		last = seen.Load() < cutAt
		if last && acked.folds != 2 {
			t.Errorf("cut at %d of %d: %+v was acknowledged", cutAt, seen.Load(), acked)
		}
		p.sessions.Wait() // the server may have been committing a lease
		s.sessionsEnded(t)
		l := s.Open(t)
		y := mustOpen(t, l)
		got := ledgertest.Marks(t, y)
		if len(got) < acked.entries || len(got) > acked.entries+10 {
			t.Errorf("cut at %d: %d marks, but %d entries were acknowledged", cutAt, len(got), acked.entries)
		}
		must(t, errors.Join(y.Close(), l.Close()))
		if cutAt > 200 {
			t.Fatal("the run has no end")
		}
	}
}

// acknowledged is what a run was told is durable.
type acknowledged struct{ entries, folds int }

// cutRun runs until something fails, which has to be said as a fault.
func cutRun(t *testing.T, s *testStore) (acked acknowledged) {
	t.Helper()
	l := s.Open(t)
	defer func() { must(t, l.Close()) }()
	y, err := l.Open(t.Context(), ledgertest.SyncID("job"), "prod")
	for part := 0; part < 2 && err == nil; part++ {
		list := make([]ledger.Entry, 10)
		for i := range list {
			list[i] = ledgertest.Entry(ledger.Confirmed, 10*part+i, ledgertest.Row(i))
		}
		if err = y.Append(t.Context(), list...); err != nil {
			break
		}
		acked.entries += len(list)
		if err = y.Fold(t.Context(), ledger.Header{Mapping: "m"}); err == nil {
			acked.folds++
		}
	}
	if y != nil {
		must(t, y.Close())
	}
	if err != nil && !fault.Is(err, "ledger_unreachable") {
		t.Errorf("the cut is told as %v", err)
	}
	return acked
}
