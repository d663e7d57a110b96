package postgres_test

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/ledger/ledgertest"
	"exposync/internal/ledger/postgres"
)

const leased = "select expires_at > clock_timestamp() from {s}.leases"

// A lease that is renewed does not run out, and one that was taken over is
// known to be lost before anything is tried.
func TestLeaseIsRenewed(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	l := s.Open(t)
	y := mustOpen(t, l)
	s.exec(t, "update {s}.leases set expires_at = clock_timestamp() - interval '1 hour'")
	postgres.Renew(t.Context(), l)
	if !ask[bool](t, s, leased) {
		t.Error("renewing did not put off the end of the lease")
	}
	s.exec(t, "update {s}.leases set token = token + 1")
	postgres.Renew(t.Context(), l)
	if err := y.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, 1, ledgertest.Row(1))); !fault.Is(err, "lease_lost") {
		t.Errorf("Append() = %v, want a fault lease_lost", err)
	}
	must(t, y.Close())
}

// The heartbeat renews three times in the life of a lease, for as long as one
// is open, and also after its connection broke.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	beat, waited := make(chan struct{}), make(chan time.Duration)
	l, err := postgres.Open(t.Context(), postgres.Options{
		URL: s.dsn, Schema: s.schema, TTL: 30 * time.Second,
		Wait: func(ctx context.Context, d time.Duration) error {
			select {
			case waited <- d:
			case <-ctx.Done():
				return ctx.Err()
			}
			select {
			case <-beat:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	})
	must(t, err)
	y := mustOpen(t, l)
	if d := <-waited; d != 10*time.Second {
		t.Errorf("a lease of 30s is renewed after %s", d)
	}
	for _, before := range []string{
		"update {s}.leases set expires_at = clock_timestamp() - interval '1 hour'",
		"select pg_terminate_backend(backend_pid, 10000) from {s}.leases",
	} {
		s.exec(t, before)
		beat <- struct{}{}
		<-waited // it has renewed
		if !ask[bool](t, s, leased+" where exists (select from pg_stat_activity where pid = backend_pid)") {
			t.Errorf("no heartbeat after %s", before)
		}
	}
	must(t, errors.Join(y.Close(), l.Close()))
	if ask[bool](t, s, "select expires_at is not null from {s}.leases") {
		t.Error("Close() did not give the lease back")
	}
}

// Behind a pooler a lease says nothing about sessions, so only time ends it.
func TestLeaseBehindAPooler(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	l := s.Open(t)
	must(t, mustOpen(t, l).Close())
	postgres.Pooled(l)
	mustOpen(t, l)
	if ask[bool](t, s, "select backend_pid is not null from {s}.leases") {
		t.Error("the lease names a session of the pooler")
	}
	postgres.Sever(l)
	s.await(t, "select count(*) = 0 from pg_stat_activity where application_name = 'exposync ledger' and query like '%' || $1 || '%'", s.schema)
	other := s.Open(t)
	_, err := other.Open(t.Context(), ledgertest.SyncID("job"), "prod")
	if !fault.Is(err, "locked") {
		t.Fatalf("Open() = %v, want a fault locked until the lease runs out", err)
	}
	if text := err.Error(); !regexp.MustCompile(`job job is in use by process \d+ on testhost since \d{4}-`).MatchString(text) {
		t.Errorf("the fault does not name the holder: %s", text)
	}
	s.Expire(t, ledgertest.SyncID("job"))
	must(t, mustOpen(t, other).Close())
}

// A server that was started anew lost every session, which proves nothing
// about the processes.
func TestLeaseAfterARestartOfTheServer(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	l := s.Open(t)
	mustOpen(t, l)
	s.exec(t, "update {s}.leases set backend_pid = 1, server_start = server_start - interval '1 hour'")
	if _, err := s.Open(t).Open(t.Context(), ledgertest.SyncID("job"), "prod"); !fault.Is(err, "locked") {
		t.Errorf("Open() = %v, want a fault locked", err)
	}
}

// While a holder is in the middle of a commit nobody takes over, even if its
// lease ran out; and what is late is refused.
func TestTakeoverWaitsForCommits(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	p, dsn := newProxy(t, s.dsn)
	inside, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	p.before = func(statement string) {
		if statement == "commit" {
			once.Do(func() {
				close(inside)
				<-goOn
			})
		}
	}
	y := mustOpenUnwatched(t, &testStore{dsn: dsn, schema: s.schema, admin: s.admin}, p)
	done := make(chan error, 1)
	go func() { done <- y.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, 1, ledgertest.Row(1))) }()
	<-inside
	s.Expire(t, ledgertest.SyncID("job"))
	other := s.Open(t)
	if _, err := other.Open(t.Context(), ledgertest.SyncID("job"), "prod"); !fault.Is(err, "locked") {
		t.Errorf("Open() during a commit = %v, want a fault locked", err)
	}
	close(goOn)
	must(t, <-done)
	z := mustOpen(t, other)
	if n := len(ledgertest.Marks(t, z)); n != 1 {
		t.Errorf("%d marks, want the one that was committed", n)
	}
	if err := y.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, 2, ledgertest.Row(1))); !fault.Is(err, "lease_lost") {
		t.Errorf("Append() = %v, want a fault lease_lost", err)
	}
	must(t, errors.Join(z.Close(), y.Close()))
}

// mustOpenUnwatched opens the sync while the proxy tells nobody.
func mustOpenUnwatched(t *testing.T, s *testStore, p *proxy) ledger.Sync {
	t.Helper()
	before := p.before
	p.before = nil
	y := mustOpen(t, s.Open(t))
	p.before = before
	return y
}

// Marks that are read after somebody else took over are not those that were
// opened.
func TestMarksOfALostLease(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	y := mustOpen(t, s.Open(t))
	s.exec(t, "update {s}.leases set token = token + 1")
	for _, err := range y.Marks(t.Context(), 0) {
		if !fault.Is(err, "lease_lost") {
			t.Errorf("Marks() = %v, want a fault lease_lost", err)
		}
		return
	}
	t.Error("Marks() of a lost lease is no error")
}

func TestSchemaOfOthers(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	user := s.schema + "_user"
	s.exec(t, "create role "+user+" login")
	dsn := strings.Replace(s.dsn, "postgres@", user+"@", 1)
	denied := &testStore{dsn: dsn, schema: s.schema, admin: s.admin}
	_, err := denied.Open(t).Open(t.Context(), ledgertest.SyncID("job"), "prod")
	grants := wantFault(t, err, "ledger_denied", "create schema")
	must(t, mustOpen(t, s.Open(t)).Close()) // another user makes the tables
	_, err = denied.Open(t).Open(t.Context(), ledgertest.SyncID("job"), "prod")
	wantFault(t, err, "ledger_denied", "grant select, insert, update, delete")
	_, err = denied.Open(t).Runs(t.Context(), "shop", "job")
	wantFault(t, err, "ledger_denied", "grant usage")

	// The SQL of the message is enough.
	_, sql, _ := strings.Cut(grants, ": ")
	s.exec(t, sql)
	l := denied.Open(t)
	y := mustOpen(t, l)
	must(t, y.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, 1, ledgertest.Row(1))))
	must(t, y.Fold(t.Context(), ledger.Header{Mapping: "m"}))
	must(t, errors.Join(y.Close(), l.AddRun(t.Context(), "shop", "job", ledger.Run{ID: "1"}), l.Reset(t.Context(), ledgertest.SyncID("job"))))
}

// wantFault gives the hint of the fault.
func wantFault(t *testing.T, err error, code, hint string) string {
	t.Helper()
	if !fault.Is(err, code) {
		t.Fatalf("%v, want a fault %s", err, code)
	}
	f := fault.All(err)[0]
	if !strings.Contains(f.Hint, hint) || f.Where != "exposync.yml:3" {
		t.Errorf("%s at %q says next: %q, want %q", code, f.Where, f.Hint, hint)
	}
	return f.Hint
}

// What a newer Exposync wrote, or somebody damaged, is refused with a way out.
func TestRefusedTables(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ sql, code, hint string }{
		"newer tables":  {"update {s}.version set version = 99", "ledger_newer", "update exposync"},
		"newer entry":   {"insert into {s}.journal (sync, seq, kind, key_hash) select id, 99, 99, gen_random_uuid() from {s}.syncs", "ledger_newer", "update exposync"},
		"no key":        {"update {s}.journal set key_hash = null", "ledger_corrupt", "exposync ledger reset job"},
		"no row":        {"update {s}.journal set row_hash = null", "ledger_corrupt", "exposync ledger reset job"},
		"lost marks":    {"delete from {s}.marks", "ledger_corrupt", "exposync ledger reset job"},
		"more marks":    {"insert into {s}.marks (sync, key_hash, row_hash, adopted) select id, gen_random_uuid(), gen_random_uuid(), false from {s}.syncs", "ledger_corrupt", "exposync ledger reset job"},
		"open jobs":     {"update {s}.syncs set open_jobs = '{}'", "ledger_corrupt", "exposync ledger reset job"},
		"dropped table": {"drop table {s}.marks", "ledger_corrupt", "restore schema"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			y := mustOpen(t, s.Open(t))
			must(t, y.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, 1, ledgertest.Row(1))))
			must(t, y.Fold(t.Context(), ledger.Header{Mapping: "m"}))
			must(t, y.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, 2, ledgertest.Row(1))))
			must(t, y.Close())
			s.exec(t, tt.sql)
			l := s.Open(t)
			wantFault(t, readAll(t, l), tt.code, tt.hint)
			if tt.hint == "exposync ledger reset job" {
				must(t, l.Reset(t.Context(), ledgertest.SyncID("job")))
				must(t, readAll(t, l))
			}
		})
	}
}

// readAll opens a sync and reads its marks, as a run does before it sends.
func readAll(t *testing.T, l ledger.Ledger) error {
	t.Helper()
	y, err := l.Open(t.Context(), ledgertest.SyncID("job"), "prod")
	if err != nil {
		return err
	}
	defer func() { must(t, y.Close()) }()
	for part := range ledger.Partitions {
		for _, err := range y.Marks(t.Context(), part) {
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Several processes find no tables at once: one makes them.
func TestTablesAreMadeOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	var group sync.WaitGroup
	for i := range 8 {
		l := s.Open(t)
		group.Go(func() {
			if err := l.AddRun(t.Context(), "shop", "job", ledger.Run{ID: strconv.Itoa(i)}); err != nil {
				t.Errorf("AddRun(): %v", err)
			}
		})
	}
	group.Wait()
	if n := ask[int](t, s, "select count(*) from {s}.runs"); n != 8 {
		t.Errorf("%d runs, want 8", n)
	}
}

// A fold that changes few marks writes few: the others keep the place that
// they have in the table.
func TestFoldWritesWhatChanged(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	y := mustOpen(t, s.Open(t))
	must(t, y.Append(t.Context(), ledgertest.BenchEntries(3000)...))
	must(t, y.Fold(t.Context(), ledger.Header{Mapping: "m"}))
	must(t, y.Close())
	s.exec(t, "create table {s}.was as select key_hash, xmin::text as x from {s}.marks")
	const touched = "select count(*) from {s}.marks m join {s}.was w using (key_hash) where m.xmin::text <> w.x"
	y = mustOpen(t, s.Open(t))
	must(t, y.Fold(t.Context(), ledger.Header{Mapping: "m", Rows: 5}))
	must(t, y.Append(t.Context(), ledgertest.BenchEntries(2000)...)) // confirmed as they were
	again := ledgertest.BenchEntries(10)
	for i := range again {
		again[i].RowHash = ledgertest.Row(7000 + i)
	}
	must(t, y.Append(t.Context(), again...))
	must(t, y.Fold(t.Context(), ledger.Header{Mapping: "m", Rows: 5}))
	must(t, y.Close())
	if n := ask[int](t, s, touched); n != 10 {
		t.Errorf("%d marks were written, want the 10 that changed", n)
	}
}

func TestEscape(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"": "", "außerhalb 🌍": "außerhalb 🌍", `C:\x`: `C:\\x`, "a\x00b": `a\00b`, "\xff\xfe": `\ff\fe`, `\00`: `\\00`, "\ufffd": "\ufffd",
	}
	for text, want := range tests {
		if got := postgres.Escape(text); got != want || postgres.Unescape(got) != text {
			t.Errorf("Escape(%q) = %q, want %q; back it is %q", text, got, want, postgres.Unescape(got))
		}
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"", "mysql://me:hunter2@h/d", "postgres://me:hunter2@h", "postgres:///d", "postgres://me:hunter2@h:port/d",
		"postgres://me:hunter2@h/d?sslmode=maybe", "host=h password=hunter2",
	} {
		_, err := postgres.Open(t.Context(), postgres.Options{URL: address, Where: "exposync.yml:3"})
		if !fault.Is(err, "database_url") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Open(%q) = %v, want a fault database_url that shows nothing", address, err)
		}
	}
}
