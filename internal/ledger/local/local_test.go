package local_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/ledger"
	"exposync/internal/ledger/ledgertest"
	"exposync/internal/ledger/local"
	"exposync/internal/plan"
	"exposync/internal/record"
)

func TestMain(m *testing.M) {
	ledgertest.Histories(40) // of each way to sort
	m.Run()
}

func TestLedger(t *testing.T) {
	t.Parallel()
	ledgertest.Run(t, func(tb testing.TB) ledgertest.Store { tb.Helper(); return newStore(tb) })
}

// Views of copies go with it: that is how they are where an open file cannot
// be replaced.
func TestLedgerSortingInSmallPieces(t *testing.T) {
	t.Parallel()
	ledgertest.Run(t, func(tb testing.TB) ledgertest.Store {
		tb.Helper()
		s := newStore(tb)
		s.sortIn, s.copies = 300, true
		return s
	})
}

//nolint:paralleltest // it measures the heap of the process
func TestMemoryDoesNotGrowWithMarks(t *testing.T) {
	ledgertest.Memory(t, func(tb testing.TB) ledgertest.Store { tb.Helper(); return newStore(tb) }, 24<<20)
}

// testStore is a directory, the way the suite sees it.
type testStore struct {
	dir    string
	sortIn int
	copies bool
}

func newStore(tb testing.TB) *testStore {
	tb.Helper()
	return &testStore{dir: filepath.Join(tb.TempDir(), ".exposync")}
}

func options(dir string) local.Options {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return local.Options{Now: func() time.Time { return start }, Host: "testhost", Temp: filepath.Dir(dir)}
}

func (s *testStore) Open(tb testing.TB) ledger.Ledger {
	tb.Helper()
	l, err := local.Open(s.dir, options(s.dir))
	if err != nil {
		tb.Fatal(err)
	}
	if s.sortIn > 0 {
		local.SortIn(l, s.sortIn)
	}
	if s.copies {
		local.CopyViews(l)
	}
	return l
}

// Kill leaves the dead process its directory and goes on with a copy, as it
// was at that instant.
func (s *testStore) Kill(tb testing.TB, torn bool) {
	tb.Helper()
	dead := s.dir
	s.dir = filepath.Join(tb.TempDir(), ".exposync")
	copyTree(tb, dead, s.dir)
	if !torn {
		return
	}
	journals, err := filepath.Glob(filepath.Join(s.dir, "syncs", "*", "journal"))
	if err != nil {
		tb.Fatal(err)
	}
	for _, path := range journals {
		tear(tb, path)
	}
}

// tear adds the first part of a commit that never got further.
func tear(tb testing.TB, path string) {
	tb.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { must(tb, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		tb.Fatal(err)
	}
	payload := local.RawEntry(ledgertest.Entry(ledger.Deleted, 1, ledgertest.Row(0)))
	frame := local.Frame(payload, info.Size())
	if _, err := f.Write(frame[:len(frame)-1-int(info.Size())%(len(frame)-1)]); err != nil {
		tb.Fatal(err)
	}
}

func copyTree(tb testing.TB, from, to string) {
	tb.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		tb.Fatal(err)
	}
}

// childEnv makes a test process do what another process would, until it is
// killed: hold the lease, or commit key after key.
const childEnv = "EXPOSYNC_TEST_CHILD"

// child starts this test binary again. It gives the lines that the other
// process writes; kill ends it with SIGKILL.
func child(tb testing.TB, dir, job, what string) (lines *bufio.Scanner, kill func()) {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), childEnv+"="+dir+"|"+job+"|"+what)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	must(tb, err)
	stdout, err := cmd.StdoutPipe()
	must(tb, err)
	must(tb, cmd.Start())
	kill = func() {
		_ = cmd.Process.Kill()
		_ = stdin.Close()
		_ = cmd.Wait()
	}
	tb.Cleanup(kill)
	return bufio.NewScanner(stdout), kill
}

// Hold starts another process that holds the lease.
func (s *testStore) Hold(tb testing.TB, id plan.SyncID) func() {
	tb.Helper()
	lines, kill := child(tb, s.dir, id.Job, "hold")
	if !lines.Scan() || lines.Text() != "holding" {
		tb.Fatalf("the other process says %q", lines.Text())
	}
	return kill
}

//nolint:paralleltest // the body of the other process, see child
func TestChild(t *testing.T) {
	args := strings.Split(os.Getenv(childEnv), "|")
	if len(args) != 3 {
		t.Skip("only for the other process of other tests")
	}
	l, err := local.Open(args[0], options(args[0]))
	must(t, err)
	y, err := l.Open(t.Context(), ledgertest.SyncID(args[1]), "prod")
	must(t, err)
	if args[2] == "hold" {
		_, _ = os.Stdout.WriteString("holding\n")
		_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is gone
		return
	}
	for n := 0; ; n++ {
		must(t, y.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, n%50, ledgertest.Row(n))))
		if n%20 == 19 {
			must(t, y.Fold(t.Context(), ledger.Header{Mapping: "m"}))
		}
		if _, err := fmt.Fprintln(os.Stdout, n); err != nil {
			return // the parent is gone
		}
	}
}

// TestKilledProcess kills a real process while it commits and folds. Every
// key has to be at the commit that was last acknowledged, or a later one.
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	commitOf := map[record.Hash]int{}
	for n := range 100_000 {
		commitOf[ledgertest.Row(n)] = n
	}
	for round := range 8 {
		s := newStore(t)
		lines, kill := child(t, s.dir, "job", "commit")
		last := -1
		for range 37*round + 51 {
			if !lines.Scan() {
				t.Fatal("the other process ended early")
			}
			n, err := strconv.Atoi(lines.Text())
			must(t, err)
			last = n
		}
		kill()
		v, err := s.Open(t).View(t.Context(), ledgertest.SyncID("job"), "prod")
		must(t, err)
		viewed := ledgertest.Marks(t, v)
		y := mustOpen(t, s.Open(t))
		got := ledgertest.Marks(t, y)
		must(t, errors.Join(v.Close(), y.Close()))
		if d := cmp.Diff(viewed, got); d != "" {
			t.Errorf("round %d: a view and a run differ (-view +run):\n%s", round, d)
		}
		for n := last - 49; n <= last; n++ {
			commit, ok := commitOf[got[ledgertest.Key(n%50).Hash()].RowHash]
			if !ok || commit < n || commit%50 != n%50 {
				t.Errorf("round %d: commit %d was acknowledged, the ledger has %d of that key", round, n, commit)
			}
		}
	}
}
