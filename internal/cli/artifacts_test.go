package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"exposync/internal/dbt"
)

// dbt may end between the reading of its two files: then both are read again.
func TestFilesThatChangeWhileTheyAreRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "manifest.json")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stat := func() (fs.FileInfo, error) { return os.Stat(path) }
	failure := errors.New("no")
	for name, tt := range map[string]struct {
		changes int
		err     error
		want    int
	}{
		"nothing changes":    {0, nil, 1},
		"dbt ends meanwhile": {1, nil, 2},
		"it never rests":     {9, nil, 3},
		"it cannot be read":  {9, failure, 1},
	} {
		write("first")
		reads := 0
		err := settled(stat, func() error {
			if reads++; reads <= tt.changes {
				write("second, longer by far"[:10+reads])
			}
			return tt.err
		})
		if reads != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: read %d times, %v; want %d", name, reads, err, tt.want)
		}
	}
	if err := settled(func() (fs.FileInfo, error) { return nil, fs.ErrNotExist }, func() error { return failure }); !errors.Is(err, failure) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestLaterRun(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	run := func(which string, rows int, at time.Time) *dbt.RunResults {
		return &dbt.RunResults{Args: dbt.Args{Which: which}, Results: make([]dbt.Result, rows), GeneratedAt: at}
	}
	old := run("build", 3, now.Add(-time.Hour))
	for name, tt := range map[string]struct {
		a    *dbt.RunResults
		want bool
	}{
		"a later build":            {run("build", 1, now), true},
		"an earlier build":         {run("build", 1, now.Add(-2*time.Hour)), false},
		"later docs":               {run("generate", 9, now), false},
		"a later build of nothing": {run("build", 0, now), false},
	} {
		if got := later(tt.a, old); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
