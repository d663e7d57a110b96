package local_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"exposync/internal/ledger"
	"exposync/internal/ledger/ledgertest"
	"exposync/internal/ledger/local"
)

// moverEnv makes a test process move one ledger to another.
const moverEnv = "EXPOSYNC_TEST_MOVER"

//nolint:paralleltest // the body of the other process, see TestMoveKilledHalfway
func TestMover(t *testing.T) {
	from, to, ok := strings.Cut(os.Getenv(moverEnv), "|")
	if !ok {
		t.Skip("only for the other process of another test")
	}
	must(t, moveAll(t, from, to))
}

func moveAll(tb testing.TB, from, to string) error {
	tb.Helper()
	a, err := local.Open(from, options(from))
	must(tb, err)
	b, err := local.Open(to, options(to))
	must(tb, err)
	_, err = ledger.Move(tb.Context(), a, b, nil)
	return errors.Join(err, a.Close(), b.Close())
}

// TestMoveKilledHalfway kills a process that moves 100 000 marks, with
// SIGKILL, at several places. What is there then passes for nothing, and
// moving again completes it.
func TestMoveKilledHalfway(t *testing.T) {
	t.Parallel()
	const marks = 100_000
	s := newStore(t)
	l := s.Open(t)
	y := mustOpen(t, l)
	list := make([]ledger.Entry, 0, marks)
	for n := range marks {
		list = append(list, ledgertest.Entry(ledger.Confirmed, n, ledgertest.Row(n)))
	}
	must(t, y.Append(t.Context(), list...))
	must(t, y.Fold(t.Context(), ledger.Header{Encoding: 1, Mapping: "m", Rows: marks}))
	must(t, errors.Join(y.Close(), l.Close()))

	dir := filepath.Join(t.TempDir(), "moved")
	cut := 0
	for _, written := range []int64{1, 1 << 20, 4 << 20} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMover$")
		cmd.Env = append(os.Environ(), moverEnv+"="+s.dir+"|"+dir)
		must(t, cmd.Start())
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		if killWhen(t, cmd.Process, ended, filepath.Join(dir, "syncs", "*", "journal"), written) {
			cut++
		}
		to, err := local.Open(dir, options(dir))
		must(t, err)
		v, err := to.View(t.Context(), ledgertest.SyncID("job"), "prod")
		must(t, err)
		if _, half := v.Header().Incomplete(); !half && v.Header().Marks != marks && v.Header().Generation > 0 {
			t.Fatalf("killed after %d bytes, a part passes for the whole: %+v", written, v.Header())
		}
		must(t, v.Close())
	}
	if cut == 0 {
		t.Error("no process was killed before its end: the test saw nothing")
	}
	must(t, moveAll(t, s.dir, dir))
	must(t, moveAll(t, s.dir, dir))
	var sums []ledger.Sum
	for _, d := range []string{s.dir, dir} {
		l, err := local.Open(d, options(d))
		must(t, err)
		v, err := l.View(t.Context(), ledgertest.SyncID("job"), "prod")
		must(t, err)
		sum, err := ledger.SumOf(t.Context(), v)
		must(t, errors.Join(err, v.Close()))
		sums = append(sums, sum)
	}
	if sums[0] != sums[1] || sums[0].Confirmed != marks {
		t.Errorf("%d marks, moved %d", sums[0].Confirmed, sums[1].Confirmed)
	}
}

// killWhen kills a process once a file has so many bytes; false if it ended
// before.
func killWhen(tb testing.TB, p *os.Process, ended <-chan error, pattern string, bytes int64) bool {
	tb.Helper()
	for {
		select {
		case err := <-ended:
			must(tb, err)
			return false
		default:
		}
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			if info, err := os.Stat(path); err == nil && info.Size() >= bytes {
				_ = p.Kill()
				return <-ended != nil
			}
		}
	}
}
