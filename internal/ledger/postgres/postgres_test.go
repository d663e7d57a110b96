package postgres_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"exposync/internal/ledger"
	"exposync/internal/ledger/ledgertest"
	"exposync/internal/ledger/postgres"
	"exposync/internal/pgtest"
	"exposync/internal/plan"
)

func TestMain(m *testing.M) {
	ledgertest.Histories(15)
	pgtest.Main(m)
}

func TestLedger(t *testing.T) {
	t.Parallel()
	ledgertest.Run(t, func(tb testing.TB) ledgertest.Store { tb.Helper(); return newStore(tb) })
}

//nolint:paralleltest // it measures the heap of the process
func TestMemoryDoesNotGrowWithMarks(t *testing.T) {
	ledgertest.Memory(t, func(tb testing.TB) ledgertest.Store { tb.Helper(); return newStore(tb) }, 24<<20)
}

// database is one for all stores of this test binary: each has its own schema.
var database struct {
	once  sync.Once
	dsn   string
	admin *pgxpool.Pool
}

var schemas atomic.Int64

// testStore is a schema, the way the suite sees it.
type testStore struct {
	dsn    string
	schema string
	admin  *pgxpool.Pool

	mu   sync.Mutex
	open []ledger.Ledger
}

func newStore(tb testing.TB) *testStore {
	tb.Helper()
	database.once.Do(func() {
		database.dsn = pgtest.New(tb)
		var err error
		database.admin, err = pgxpool.New(context.Background(), database.dsn)
		must(tb, err)
	})
	return &testStore{dsn: database.dsn, schema: fmt.Sprintf("ledger_%d", schemas.Add(1)), admin: database.admin}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// Open opens it with a heartbeat that the test makes, if any.
func (s *testStore) Open(tb testing.TB) ledger.Ledger {
	tb.Helper()
	l, err := postgres.Open(tb.Context(), postgres.Options{URL: s.dsn, Schema: s.schema, Where: "exposync.yml:3", Host: "testhost"})
	must(tb, err)
	tb.Cleanup(func() { must(tb, l.Close()) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = append(s.open, l)
	return l
}

// exec runs SQL in which {s} is the store's schema.
func (s *testStore) exec(tb testing.TB, sql string) {
	tb.Helper()
	_, err := s.admin.Exec(tb.Context(), strings.ReplaceAll(sql, "{s}", s.schema))
	must(tb, err)
}

// ask runs a query for one value.
func ask[T any](tb testing.TB, s *testStore, sql string, args ...any) (v T) {
	tb.Helper()
	must(tb, s.admin.QueryRow(tb.Context(), strings.ReplaceAll(sql, "{s}", s.schema), args...).Scan(&v))
	return v
}

// await asks until the answer is yes.
func (s *testStore) await(tb testing.TB, sql string, args ...any) {
	tb.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if ask[bool](tb, s, sql, args...) {
			return
		}
	}
	tb.Fatalf("waited in vain for %s", sql)
}

// sessionsEnded waits until the server has noticed that the sessions which
// keep the leases are gone.
func (s *testStore) sessionsEnded(tb testing.TB) {
	tb.Helper()
	s.await(tb, "select not exists (select from {s}.leases l join pg_stat_activity a on a.pid = l.backend_pid and a.backend_start = l.backend_start)")
}

// Kill severs every connection. With torn a transaction had written an entry
// and was not committed.
func (s *testStore) Kill(tb testing.TB, torn bool) {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if torn {
		conn, err := pgx.Connect(tb.Context(), s.dsn)
		must(tb, err)
		_, err = conn.Exec(tb.Context(), strings.ReplaceAll(`begin; insert into {s}.journal (sync, seq, kind, key_hash)
			select id, 999999999, 3, $1 from {s}.syncs`, "{s}", s.schema), pgx.QueryExecModeSimpleProtocol, ledgertest.Key(1).Hash().String())
		must(tb, err)
		must(tb, conn.PgConn().Conn().Close())
		s.await(tb, "select not exists (select from pg_stat_activity where pid = $1)", int32(conn.PgConn().PID()))
	}
	for _, l := range s.open {
		postgres.Sever(l)
	}
	s.open = nil
	s.sessionsEnded(tb)
}

// childEnv makes a test process hold a lease until it is killed.
const childEnv = "EXPOSYNC_TEST_CHILD"

// Hold starts this test binary again, as another process.
func (s *testStore) Hold(tb testing.TB, id plan.SyncID) func() {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), childEnv+"="+s.dsn+"|"+s.schema+"|"+id.Job)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	must(tb, err)
	stdout, err := cmd.StdoutPipe()
	must(tb, err)
	must(tb, cmd.Start())
	kill := func() {
		_ = cmd.Process.Kill()
		_ = stdin.Close()
		_ = cmd.Wait()
		s.sessionsEnded(tb)
	}
	tb.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() || lines.Text() != "holding" {
		tb.Fatalf("the other process says %q", lines.Text())
	}
	return kill
}

//nolint:paralleltest // the body of the other process, see Hold
func TestChild(t *testing.T) {
	args := strings.Split(os.Getenv(childEnv), "|")
	if len(args) != 3 {
		t.Skip("only for the other process of other tests")
	}
	l, err := postgres.Open(t.Context(), postgres.Options{URL: args[0], Schema: args[1], Host: "otherhost"})
	must(t, err)
	_, err = l.Open(t.Context(), ledgertest.SyncID(args[2]), "prod")
	must(t, err)
	_, _ = os.Stdout.WriteString("holding\n")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is gone
}

func mustOpen(tb testing.TB, l ledger.Ledger) ledger.Sync {
	tb.Helper()
	y, err := l.Open(tb.Context(), ledgertest.SyncID("job"), "prod")
	must(tb, err)
	return y
}

// Expire lets time pass on the server.
func (s *testStore) Expire(tb testing.TB, _ plan.SyncID) {
	tb.Helper()
	if ask[bool](tb, s, "select to_regclass('{s}.leases') is not null") {
		s.exec(tb, "update {s}.leases set expires_at = clock_timestamp() - interval '1 second' where expires_at is not null")
	}
}
