package mariatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// patience is how long a server may take to start or to stop.
const patience = 60 * time.Second

// errMissing is what a test says where MariaDB is not installed.
var errMissing = errors.New("no MariaDB server binaries (mariadbd, mariadb-install-db, mariadb) on PATH or in /usr/sbin; " +
	"type: apt-get install -y --no-install-recommends mariadb-server-core mariadb-client-core")

// Server is one running MariaDB server, listening on 127.0.0.1 only.
type Server struct {
	dir  string // of this server: data, socket
	port int
	cmd  *exec.Cmd
	gone chan struct{} // closed when the process has ended
}

// Kill ends the server at once, as a crash would: connections just break.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.gone
}

// Stop ends the server and removes its files. Nothing of a test is worth an
// orderly end. Stopping twice does no harm.
func (s *Server) Stop() {
	s.Kill()
	_ = os.RemoveAll(s.dir)
}

// start makes a data directory and runs a server on it. A port that somebody
// else took meanwhile is no reason to give up.
func start() (*Server, error) {
	dir, err := os.MkdirTemp("/tmp", "mariatest-") // short, because it holds a Unix socket
	if err != nil {
		return nil, fmt.Errorf("make a folder for the server: %w", err)
	}
	s := &Server{dir: dir}
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	if err := s.install(ctx); err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	for try := 0; ; try++ {
		if err = s.run(ctx); err == nil || try == 3 {
			break
		}
	}
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return s, nil
}

func (s *Server) install(ctx context.Context) error {
	cmd, err := s.command(ctx, "mariadb-install-db", "--datadir="+s.data(), "--auth-root-authentication-method=normal",
		"--skip-test-db", "--innodb-log-file-size=8M")
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mariadb-install-db: %w\n%s", err, out)
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// run starts the server on a free port and waits until it answers.
func (s *Server) run(ctx context.Context) (err error) {
	if s.port, err = freePort(ctx); err != nil {
		return err
	}
	// The server must end when the test binary ends, however that happens; so
	// it is not bound to ctx, which ends with the start.
	s.cmd, err = s.command(context.WithoutCancel(ctx), "mariadbd", "--datadir="+s.data(), "--socket="+filepath.Join(s.dir, "s"),
		"--port="+strconv.Itoa(s.port), "--bind-address=127.0.0.1", "--pid-file="+filepath.Join(s.dir, "pid"),
		"--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=0", "--skip-networking=0",
		"--character-set-server=utf8mb4", "--max-connections=200")
	if err != nil {
		return err
	}
	var log bytes.Buffer
	s.cmd.Stderr, s.gone = &log, make(chan struct{})
	if err := s.launch(); err != nil {
		return err
	}
	if err := s.ready(ctx); err != nil {
		s.Kill()
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
			started <- fmt.Errorf("start mariadbd: %w", err)
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
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-s.gone:
			return errors.New("mariadbd ended while it was starting")
		case <-ctx.Done():
			return fmt.Errorf("wait for mariadbd: %w", ctx.Err())
		case <-tick.C:
		}
		if _, err := os.Stat(filepath.Join(s.dir, "pid")); err != nil {
			continue
		}
		dir, err := s.query(ctx, "select @@datadir")
		if err != nil {
			return err
		}
		if strings.TrimSuffix(dir, "/") != s.data() {
			return fmt.Errorf("another server answers on port %d: its data is in %s", s.port, dir)
		}
		return nil
	}
}

// query runs one statement, over TCP as tests do.
func (s *Server) query(ctx context.Context, sql string) (string, error) {
	cmd, err := s.command(ctx, "mariadb", "--host=127.0.0.1", "--port="+strconv.Itoa(s.port), "--user=root",
		"--batch", "--skip-column-names", "--execute="+sql)
	if err != nil {
		return "", err
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("mariadb: %s: %w\n%s", sql, err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// command prepares one of MariaDB's programs, which read no settings of this
// machine. As root they have to be told that they may run as root.
func (s *Server) command(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/" + name); err != nil {
			return nil, errMissing
		}
	}
	args = append([]string{"--no-defaults"}, args...)
	if u, err := user.Current(); err == nil && name != "mariadb" {
		args = append(args, "--user="+u.Username)
	}
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // the programs of the test server, no outside input
	cmd.Dir = s.dir
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/opt/homebrew/bin", "HOME=" + s.dir}
	cmd.Env = append(cmd.Env, "TMPDIR="+s.dir) // a server that starts removes temporary tables of others from a shared one
	cmd.SysProcAttr = attributes()
	return cmd, nil
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
