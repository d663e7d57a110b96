package pgtest_test

import (
	"bufio"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"exposync/internal/pgtest"
)

// sleeper makes this test binary start a server and wait to be killed.
const sleeper = "PGTEST_SLEEPER"

func TestMain(m *testing.M) {
	if os.Getenv(sleeper) != "" {
		m.Run()
		return
	}
	goleak.VerifyTestMain(pgtest.Around(m))
}

func TestNewGivesDifferentDatabasesOnOneServer(t *testing.T) {
	t.Parallel()
	a, b := parse(t, pgtest.New(t)), parse(t, pgtest.New(t))
	if a.Host != b.Host || a.Path == b.Path {
		t.Errorf("New() = %s and %s, want one server and two databases", a, b)
	}
	if got := parse(t, pgtest.DSN(t)); got.Host != a.Host || got.Path != "/postgres" {
		t.Errorf("DSN() = %s, want the database postgres of %s", got, a.Host)
	}
}

func TestStartStopsItsOwnServer(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t)
	if !listens(s.Port()) {
		t.Fatalf("nobody listens on port %d after Start", s.Port())
	}
	s.Kill()
	if listens(s.Port()) {
		t.Errorf("port %d is still open after Kill", s.Port())
	}
	s.Stop()
}

// A test binary that is killed cannot stop anything itself.
func TestServerEndsWithTheTestBinary(t *testing.T) {
	t.Parallel()
	if os.Getenv(sleeper) != "" {
		fmt.Println("port", pgtest.Start(t).Port())
		select {}
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), sleeper+"=1", "TMPDIR="+enterable(t))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	port := 0
	for lines := bufio.NewScanner(out); port == 0 && lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "port "); ok {
			if port, err = strconv.Atoi(text); err != nil {
				t.Fatal(err)
			}
		}
	}
	if port == 0 || !listens(port) {
		t.Fatalf("the child started no server (port %d)", port)
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for deadline := time.Now().Add(10 * time.Second); listens(port); {
		if time.Now().After(deadline) {
			t.Fatalf("the server on port %d outlives its test binary", port)
		}
	}
}

// enterable is a temporary folder for what the killed child leaves behind;
// other users may pass through it, unlike t.TempDir.
func enterable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgtest-child-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

func parse(t *testing.T, dsn string) *url.URL {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func listens(port int) bool {
	c, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), time.Second)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}
