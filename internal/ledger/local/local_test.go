package local_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"exposync/internal/ledger"
	"exposync/internal/ledger/ledgertest"
	"exposync/internal/ledger/local"
	"exposync/internal/plan"
)

func TestLedger(t *testing.T) {
	t.Parallel()
	ledgertest.Run(t, func(t testing.TB) ledgertest.Store { return newStore(t) })
}

func TestLedgerSortingInSmallPieces(t *testing.T) {
	t.Parallel()
	ledgertest.Run(t, func(t testing.TB) ledgertest.Store {
		s := newStore(t)
		s.sortIn = 300
		return s
	})
}

//nolint:paralleltest // it measures the heap of the process
func TestMemoryDoesNotGrowWithMarks(t *testing.T) {
	ledgertest.Memory(t, func(t testing.TB) ledgertest.Store { return newStore(t) }, 24<<20)
}

// testStore is a directory, the way the suite sees it.
type testStore struct {
	dir    string
	sortIn int
}

func newStore(t testing.TB) *testStore {
	t.Helper()
	return &testStore{dir: filepath.Join(t.TempDir(), ".exposync")}
}

func options(t testing.TB) local.Options {
	t.Helper()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return local.Options{Now: func() time.Time { return start }, Host: "testhost", Temp: t.TempDir()}
}

func (s *testStore) Open(t testing.TB) ledger.Ledger {
	t.Helper()
	l, err := local.Open(s.dir, options(t))
	if err != nil {
		t.Fatal(err)
	}
	if s.sortIn > 0 {
		local.SortIn(l, s.sortIn)
	}
	return l
}

// Kill leaves the dead process its directory and goes on with a copy, as it
// was at that instant.
func (s *testStore) Kill(t testing.TB, torn bool) {
	t.Helper()
	dead := s.dir
	s.dir = filepath.Join(t.TempDir(), ".exposync")
	copyTree(t, dead, s.dir)
	if !torn {
		return
	}
	journals, err := filepath.Glob(filepath.Join(s.dir, "syncs", "*", "journal"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range journals {
		tear(t, path)
	}
}

// tear adds the first part of a commit that never got further.
func tear(t testing.TB, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	payload := local.RawEntry(ledgertest.Entry(ledger.Deleted, 1, ledgertest.Row(0)))
	frame := local.Frame(payload, info.Size())
	if _, err := f.Write(frame[:len(frame)-1-int(info.Size())%(len(frame)-1)]); err != nil {
		t.Fatal(err)
	}
}

func copyTree(t testing.TB, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// holdEnv tells a test process to hold a lease until it is killed.
const holdEnv = "EXPOSYNC_TEST_HOLD"

// Hold starts this test binary again, as the other process.
func (s *testStore) Hold(t testing.TB, id plan.SyncID) func() {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHoldLease$", "-test.v")
	cmd.Env = append(os.Environ(), holdEnv+"="+s.dir+"|"+id.Job)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Cleanup(kill)
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if strings.Contains(lines.Text(), "holding") {
			return kill
		}
	}
	t.Fatal("the other process did not take the lease")
	return kill
}

//nolint:paralleltest // the body of the other process, see Hold
func TestHoldLease(t *testing.T) {
	dir, job, ok := strings.Cut(os.Getenv(holdEnv), "|")
	if !ok {
		t.Skip("only for the other process of the lease test")
	}
	l, err := local.Open(dir, options(t))
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Open(t.Context(), ledgertest.SyncID(job), "prod")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, 1, ledgertest.Row(1))); err != nil {
		t.Fatal(err)
	}
	_, _ = os.Stdout.WriteString("holding\n")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is gone
}
