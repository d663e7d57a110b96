// Package mariatest gives tests a real MariaDB server of their own: one per
// test binary, started when the first test asks for it, stopped at the end.
// Without MariaDB's binaries such tests fail; they are never skipped.
//
//	func TestMain(m *testing.M) { mariatest.Around(m).Run() }
//
//	func TestX(t *testing.T) {
//		t.Parallel()
//		db := mariatest.New(t) // an empty database
//	}
package mariatest

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// shared is the server of this test binary. It is the one global: tests reach
// it through New alone, and only Around stops it.
var shared struct {
	mu     sync.Mutex
	server *Server
	err    error
}

var databases atomic.Int64

// Runner is a *testing.M, or what wraps one.
type Runner interface{ Run() int }

// Around wraps the tests of a TestMain: the server is stopped when Run
// returns.
func Around(m Runner) Runner { return around{m} }

type around struct{ Runner }

func (a around) Run() int {
	defer stopShared()
	return a.Runner.Run()
}

// Database is one database of a server, for user root without a password.
type Database struct {
	Host string
	Port int
	User string
	Name string
}

// New gives a new, empty database on the test binary's server, in utf8mb4.
func New(tb testing.TB) Database {
	tb.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = start()
	}
	if shared.err != nil {
		tb.Fatal(fmt.Errorf("start a MariaDB server for the tests: %w", shared.err))
	}
	return shared.server.New(tb)
}

// Start starts a server that the test may kill.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s, err := start()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Stop)
	return s
}

// New gives a new, empty database on this server.
func (s *Server) New(tb testing.TB) Database {
	tb.Helper()
	name := "test_" + strconv.FormatInt(databases.Add(1), 10)
	if _, err := s.query(tb.Context(), "create database "+name); err != nil {
		tb.Fatal(err)
	}
	return Database{Host: "127.0.0.1", Port: s.port, User: "root", Name: name}
}

func stopShared() {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.server != nil {
		shared.server.Stop()
		shared.server = nil
	}
}
