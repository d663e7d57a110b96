package local_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/ledger/ledgertest"
	"exposync/internal/ledger/local"
	"exposync/internal/record"
)

// TestEveryStepMayFail lets each step on the disk fail once. Whatever fails
// has to surface, and nothing that was acknowledged may be lost.
func TestEveryStepMayFail(t *testing.T) {
	t.Parallel()
	steps := 100
	for failing := 1; failing <= steps; failing++ {
		s := newStore(t)
		l := s.Open(t)
		count, op := 0, ""
		local.Hook(l, func(step, path string) error {
			if count++; count != failing {
				return nil
			}
			op = step + " " + filepath.Base(path)
			return &fs.PathError{Op: step, Path: path, Err: syscall.ENOSPC}
		})
		acked, failed := run(t, l)
		if count < failing { // the run has no more steps
			must(t, failed)
			steps = count
			break
		}
		if !fault.Is(failed, "ledger_write") {
			t.Fatalf("step %d (%s): the run ends with %v, want a fault ledger_write", failing, op, failed)
		}
		got, err := read(t, s)
		if err != nil {
			t.Fatalf("after step %d (%s) failed: %v", failing, op, err)
		}
		for n, rows := range acked {
			if row := got[ledgertest.Key(n).Hash()].RowHash; !slices.Contains(rows, row) {
				t.Errorf("after step %d (%s) failed: key %d was acknowledged and is lost", failing, op, n)
			}
		}
		must(t, mustOpen(t, s.Open(t)).Close())
	}
	if steps < 40 || steps == 100 {
		t.Errorf("a run has %d steps", steps)
	}
}

// run goes on after errors as far as it can, as the engine does. It gives,
// for each key, the rows that may be found: the last one acknowledged, and
// those that were tried after it.
func run(t *testing.T, l ledger.Ledger) (may map[int][]record.Hash, failed error) {
	t.Helper()
	may = map[int][]record.Hash{}
	y, err := l.Open(t.Context(), ledgertest.SyncID("job"), "prod")
	if err != nil {
		return may, err
	}
	for n := range 6 {
		key, row := n%4, ledgertest.Row(n)
		err := y.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, key, row))
		switch {
		case err == nil:
			may[key] = []record.Hash{row}
		case len(may[key]) > 0:
			may[key] = append(may[key], row)
		}
		failed = errors.Join(failed, err)
		if n%2 == 1 {
			failed = errors.Join(failed, y.Fold(t.Context(), ledger.Header{Mapping: "m"}))
		}
	}
	return may, errors.Join(failed, y.Close())
}

func TestPrivateFiles(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	must(t, os.Mkdir(s.dir, 0o755)) // made by something else
	l := s.Open(t)
	y := mustOpen(t, l)
	must(t, y.Append(t.Context(), commitsOf(1)[0]...))
	must(t, y.Fold(t.Context(), ledger.Header{Mapping: "m"}))
	must(t, y.Append(t.Context(), commitsOf(1)[0]...))
	must(t, l.AddRun(t.Context(), "shop", "job", ledger.Run{ID: "1"}))
	must(t, y.Close())
	names := map[string]bool{}
	must(t, filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		must(t, err)
		info, err := d.Info()
		must(t, err)
		if info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" { // there folders inherit who may read
			t.Errorf("%s is open to others: %s", path, info.Mode())
		}
		names[d.Name()] = true
		return nil
	}))
	for _, want := range []string{".gitignore", "marks", "journal", "identity.json", "history"} {
		if !names[want] {
			t.Errorf("there is no %s in %v", want, slices.Sorted(maps.Keys(names)))
		}
	}
	for name := range names {
		if strings.HasSuffix(name, ".tmp") {
			t.Errorf("%s was left behind", name)
		}
	}
}

func TestReadingLeavesNoTrace(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	l := s.Open(t)
	_, err := read(t, s)
	must(t, err)
	_, err = l.Siblings(t.Context(), "shop", "job", "prod")
	must(t, err)
	_, err = l.Runs(t.Context(), "shop", "job")
	must(t, err)
	_, err = l.Evidence(t.Context(), "shop")
	must(t, err)
	if _, err := os.Stat(s.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading made %s", s.dir)
	}
}

func TestViewLeavesTheLedgerAsItIs(t *testing.T) {
	t.Parallel()
	s, dir := written(t, commitsOf(3)...)
	before, err := os.ReadFile(filepath.Join(dir, "journal"))
	must(t, err)
	for _, sortIn := range []int{0, 50} {
		s.sortIn = sortIn
		_, err = read(t, s)
		must(t, err)
	}
	now, err := os.ReadFile(filepath.Join(dir, "journal"))
	must(t, err)
	if !bytes.Equal(before, now) {
		t.Error("a view changed the journal")
	}
	files, err := os.ReadDir(dir)
	must(t, err)
	if len(files) != 3 {
		t.Errorf("a view left something behind: %v", files)
	}
}

func TestNamesStayInTheDirectory(t *testing.T) {
	t.Parallel()
	for _, job := range []string{"", ".", "..", "../../x", "/etc/passwd", "a/b", "ä🌍", strings.Repeat("x", 300), "CON", "a\x00b", "-"} {
		s := newStore(t)
		l := s.Open(t)
		id := ledgertest.SyncID(job)
		id.Object = "../" + job
		y, err := l.Open(t.Context(), id, "prod")
		must(t, err)
		must(t, y.Append(t.Context(), commitsOf(1)[0]...))
		must(t, y.Close())
		must(t, l.AddRun(t.Context(), job, job, ledger.Run{ID: "1"}))
		got, err := l.Siblings(t.Context(), "shop", job, "prod")
		if err != nil || len(got) != 1 {
			t.Errorf("job %q: Siblings() = %v, %v", job, got, err)
		}
		entries, err := os.ReadDir(filepath.Dir(s.dir))
		must(t, err)
		if len(entries) != 1 {
			t.Errorf("job %q wrote beside the directory: %v", job, entries)
		}
	}
}

func TestLockedNamesTheHolder(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	l := s.Open(t)
	y := mustOpen(t, l)
	_, err := l.Open(t.Context(), ledgertest.SyncID("job"), "prod")
	must(t, y.Close())
	if !fault.Is(err, "locked") {
		t.Fatalf("Open() = %v, want a fault locked", err)
	}
	for _, want := range []string{fmt.Sprintf("process %d", os.Getpid()), "testhost", "since 2026-03-01", "job job"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

func TestOpenNeedsADirectory(t *testing.T) {
	t.Parallel()
	if _, err := local.Open("", local.Options{}); err == nil {
		t.Error("Open() without a directory is no error")
	}
	s := newStore(t)
	must(t, os.WriteFile(s.dir, nil, 0o600))
	l := s.Open(t)
	if _, err := l.Open(t.Context(), ledgertest.SyncID("job"), "prod"); !fault.Is(err, "ledger_write") {
		t.Errorf("a file in place of the directory gives %v, want a fault ledger_write", err)
	}
}
