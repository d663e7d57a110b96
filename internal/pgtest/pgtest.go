// Package pgtest gives tests a real PostgreSQL server of their own: one per
// test binary, started when the first test asks for it, stopped at the end.
// Without PostgreSQL's binaries such tests fail; they are never skipped.
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
//	func TestX(t *testing.T) {
//		t.Parallel()
//		dsn := pgtest.New(t) // an empty database
//	}
package pgtest

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// shared is the server of this test binary. It is the one global: tests reach
// it through New alone, and only Main stops it.
var shared struct {
	mu     sync.Mutex
	server *Server
	err    error
}

var databases atomic.Int64

// Runner is a *testing.M, or what wraps one.
type Runner interface{ Run() int }

// Main runs the tests and stops the server. Call it from TestMain.
func Main(m Runner) { Around(m).Run() }

// Around is Main for a TestMain that has other things to wrap, such as
// goleak.VerifyTestMain: the server is stopped when Run returns.
func Around(m Runner) Runner { return around{m} }

type around struct{ Runner }

func (a around) Run() int {
	defer stopShared()
	return a.Runner.Run()
}

// New gives the DSN of a new, empty database on the test binary's server:
// user postgres, no password, UTF-8, collation C.
func New(tb testing.TB) string {
	tb.Helper()
	s := started(tb)
	name := "test_" + strconv.FormatInt(databases.Add(1), 10)
	if err := s.create(tb.Context(), name); err != nil {
		tb.Fatal(err)
	}
	return s.DSN(name)
}

// DSN gives the DSN of the server's own database postgres, for what concerns
// the whole server: roles, pg_terminate_backend.
func DSN(tb testing.TB) string {
	tb.Helper()
	return started(tb).DSN("postgres")
}

// Start gives a server for this test alone, to be stopped or killed by it.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s, err := start()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Stop)
	return s
}

func started(tb testing.TB) *Server {
	tb.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = start()
	}
	if shared.err != nil {
		tb.Fatal(fmt.Errorf("start a PostgreSQL server for the tests: %w", shared.err))
	}
	return shared.server
}

func stopShared() {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.server != nil {
		shared.server.Stop()
		shared.server = nil
	}
}
