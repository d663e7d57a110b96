package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience is how long a server may take to start or to stop.
const patience = 30 * time.Second

// Server is one running PostgreSQL server, listening on 127.0.0.1 only.
type Server struct {
	bin  string // folder of the binaries
	dir  string // of this server: data, socket, log
	port int
	cmd  *exec.Cmd
	gone chan struct{} // closed when the process has ended
	once sync.Once
}

// Port is where the server listens.
func (s *Server) Port() int { return s.port }

// DSN gives the connection string of one of the server's databases.
func (s *Server) DSN(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", s.port, database)
}

// Kill ends the server at once, as a crash would: connections just break.
func (s *Server) Kill() { s.end(syscall.SIGQUIT) }

// Stop ends the server and removes its files. Stopping twice does no harm.
func (s *Server) Stop() {
	s.end(syscall.SIGQUIT) // nothing of a test is worth a checkpoint
	_ = os.RemoveAll(s.dir)
}

func (s *Server) end(sig syscall.Signal) {
	s.once.Do(func() {
		if s.cmd.Process.Signal(sig) != nil { // Windows knows no signal but kill
			_ = s.cmd.Process.Kill()
		}
	})
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-s.gone:
	case <-late.C:
		_ = s.cmd.Process.Kill()
		<-s.gone
	}
}

// start makes a data directory and runs a server on it. A port that somebody
// else took meanwhile is no reason to give up.
func start() (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin}
	if s.dir, err = privateDir(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	initdb := s.command(ctx, "initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8",
		"--locale=C", "--no-sync", "--no-instructions")
	if out, err := initdb.CombinedOutput(); err != nil {
		_ = os.RemoveAll(s.dir)
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	for try := 0; ; try++ {
		err := s.run(ctx)
		if err == nil {
			return s, nil
		}
		if try == 3 {
			_ = os.RemoveAll(s.dir)
			return nil, err
		}
	}
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// run starts the server on a free port and waits until it answers.
func (s *Server) run(ctx context.Context) error {
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	var log bytes.Buffer
	s.port, s.gone, s.once = port, make(chan struct{}), sync.Once{}
	// The server must end when the test binary ends, however that happens; so
	// it is not bound to ctx, which ends with the start.
	s.cmd = s.command(context.WithoutCancel(ctx), "postgres", "-D", s.data(), "-p", strconv.Itoa(port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+s.dir, "-c", "fsync=off",
		"-c", "full_page_writes=off", "-c", "synchronous_commit=off", "-c", "max_connections=200",
		"-c", "temp_file_limit=2GB") // a test that goes wrong must not fill the disk
	s.cmd.Stderr = &log
	if err := s.launch(); err != nil {
		return err
	}
	if err := s.ready(ctx); err != nil {
		s.end(syscall.SIGQUIT)
		return fmt.Errorf("%w\n%s", err, log.Bytes()) // the process has ended: nobody writes to log
	}
	return nil
}

// launch starts the process from a thread of its own that waits for it,
// because Linux sends the parent-death signal when the thread dies.
func (s *Server) launch() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := s.cmd.Start(); err != nil {
			started <- fmt.Errorf("start postgres: %w", err)
			return
		}
		started <- nil
		_ = s.cmd.Wait()
		close(s.gone)
	}()
	return <-started
}

// ready waits until the server answers, and makes sure that it is this one:
// another server on the same port would be written to by the tests.
func (s *Server) ready(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-s.gone:
			return errors.New("postgres ended while it was starting")
		case <-ctx.Done():
			return fmt.Errorf("wait for postgres: %w", ctx.Err())
		case <-tick.C:
		}
		if pid, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid")); err != nil || !bytes.Contains(pid, []byte("ready")) {
			continue
		}
		dir, err := s.query(ctx, "show data_directory")
		if err != nil {
			return err
		}
		if dir != s.data() {
			return fmt.Errorf("another server answers on port %d: its data is in %s", s.port, dir)
		}
		return nil
	}
}

// create makes a database.
func (s *Server) create(ctx context.Context, name string) error {
	_, err := s.query(ctx, "create database "+name)
	return err
}

// query runs one statement on the database postgres, over TCP as tests do.
func (s *Server) query(ctx context.Context, sql string) (string, error) {
	out, err := s.command(ctx, "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", s.DSN("postgres"), "-c", sql).
		CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("psql: %s: %w\n%s", sql, err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// command prepares one of the server's programs, run as a user that may.
func (s *Server) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, name), args...) //nolint:gosec // the programs of the test server, no outside input
	cmd.Dir = s.dir
	cmd.Env = []string{"LC_ALL=C", "PATH=" + s.bin, "HOME=" + s.dir}
	cmd.SysProcAttr = attributes()
	return cmd
}

func freePort(ctx context.Context) (int, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("find a free port: %s is no TCP address", l.Addr())
	}
	return addr.Port, nil
}
