package local_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/ledger/ledgertest"
	"exposync/internal/ledger/local"
	"exposync/internal/record"
)

// written makes a store whose sync has marks of 24 keys and a journal of
// commits, and gives the path of the sync's directory.
func written(tb testing.TB, commits ...[]ledger.Entry) (*testStore, string) {
	tb.Helper()
	s := newStore(tb)
	l := s.Open(tb)
	y := mustOpen(tb, l)
	var first []ledger.Entry
	for n := range 24 {
		first = append(first, ledgertest.Entry(ledger.Confirmed, n, ledgertest.Row(n)))
	}
	must(tb, y.Append(tb.Context(), first...))
	must(tb, y.Fold(tb.Context(), ledger.Header{Encoding: 1, Mapping: "m", Rows: 40}))
	for _, c := range commits {
		must(tb, y.Append(tb.Context(), c...))
	}
	must(tb, errors.Join(y.Close(), l.Close()))
	dirs, err := filepath.Glob(filepath.Join(s.dir, "syncs", "*"))
	if err != nil || len(dirs) != 1 {
		tb.Fatalf("directories of syncs = %v, %v", dirs, err)
	}
	return s, dirs[0]
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func mustOpen(tb testing.TB, l ledger.Ledger) ledger.Sync {
	tb.Helper()
	y, err := l.Open(tb.Context(), ledgertest.SyncID("job"), "prod")
	must(tb, err)
	return y
}

// read reads all there is, as a view does.
func read(tb testing.TB, s *testStore) (map[record.Hash]record.Mark, error) {
	tb.Helper()
	v, err := s.Open(tb).View(tb.Context(), ledgertest.SyncID("job"), "prod")
	if err != nil {
		return nil, err
	}
	defer func() { must(tb, v.Close()) }()
	got := map[record.Hash]record.Mark{}
	for part := range ledger.Partitions {
		for m, err := range v.Marks(tb.Context(), part) {
			if err != nil {
				return nil, err
			}
			m.Key = slices.Clone(m.Key)
			got[m.KeyHash] = m
		}
	}
	return got, nil
}

// put changes a file in place: emptying it first would make the disk work
// every time.
func put(tb testing.TB, path string, content []byte) {
	tb.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(tb, err)
	_, err = f.WriteAt(content, 0)
	must(tb, errors.Join(err, f.Truncate(int64(len(content))), f.Close()))
}

func commitsOf(n int) [][]ledger.Entry {
	var out [][]ledger.Entry
	for i := range n {
		out = append(out, []ledger.Entry{
			ledgertest.Entry(ledger.Confirmed, i, ledgertest.Row(100+i)), ledgertest.Entry(ledger.Deleted, 20+i, record.Hash{}),
		})
	}
	return out
}

// after gives the marks when the first n commits are there.
func after(tb testing.TB, n int) map[record.Hash]record.Mark {
	tb.Helper()
	s, _ := written(tb, commitsOf(n)...)
	got, err := read(tb, s)
	must(tb, err)
	return got
}

func TestJournalCutAnywhereGivesWholeCommits(t *testing.T) {
	t.Parallel()
	const commits = 3
	s, dir := written(t, commitsOf(commits)...)
	path := filepath.Join(dir, "journal")
	whole, err := os.ReadFile(path)
	must(t, err)
	var states []map[record.Hash]record.Mark
	for n := range commits + 1 {
		states = append(states, after(t, n))
	}
	seen := 0
	for cut := range len(whole) + 1 {
		put(t, path, whole[:cut])
		got, err := read(t, s)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		for seen < commits && cmp.Equal(got, states[seen+1]) {
			seen++
		}
		if d := cmp.Diff(states[seen], got); d != "" {
			t.Fatalf("cut at %d, after %d commits (-want +got):\n%s", cut, seen, d)
		}
	}
	if seen != commits {
		t.Errorf("the whole journal shows %d commits, want %d", seen, commits)
	}
}

func TestJournalDamagedAnywhereIsNeverMisread(t *testing.T) {
	t.Parallel()
	s, dir := written(t, commitsOf(3)...)
	path := filepath.Join(dir, "journal")
	whole, err := os.ReadFile(path)
	must(t, err)
	two, all := after(t, 2), after(t, 3)
	last := lastFrame(whole)
	reported := 0
	for at := range whole {
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			b := bytes.Clone(whole)
			b[at] ^= flip
			put(t, path, b)
			got, err := read(t, s)
			switch {
			case fault.Is(err, "ledger_corrupt") || fault.Is(err, "ledger_newer"):
				reported++
			case err != nil:
				t.Fatalf("byte %d ^ %02x: %v is no fault of the ledger", at, flip, err)
			case !cmp.Equal(got, all) && (at < last || !cmp.Equal(got, two)):
				t.Fatalf("byte %d ^ %02x changes the marks and is not reported", at, flip)
			}
		}
	}
	if reported < last {
		t.Errorf("only %d of %d changes were reported", reported, 3*len(whole))
	}
}

// lastFrame is where the last frame of a journal begins.
func lastFrame(journal []byte) int {
	last := 0
	for at := 16; at < len(journal); at += 16 + int(binary.LittleEndian.Uint32(journal[at+4:])) {
		last = at
	}
	return last
}

func TestJournalCutDuringTheRunIsNoticed(t *testing.T) {
	t.Parallel()
	s, dir := written(t)
	y := mustOpen(t, s.Open(t))
	for _, c := range commitsOf(3) {
		must(t, y.Append(t.Context(), c...))
	}
	path := filepath.Join(dir, "journal")
	whole, err := os.ReadFile(path)
	must(t, err)
	b := bytes.Clone(whole)
	b[len(b)-1] ^= 1
	for what, content := range map[string][]byte{"cut": whole[:len(whole)-1], "changed": b} {
		put(t, path, content)
		if err := y.Fold(t.Context(), y.Header()); !fault.Is(err, "ledger_corrupt") {
			t.Errorf("a fold of a journal whose end was %s = %v, want a fault ledger_corrupt", what, err)
		}
	}
	put(t, path, whole)
	must(t, errors.Join(y.Fold(t.Context(), y.Header()), y.Close()))
	got, err := read(t, s)
	must(t, err)
	if d := cmp.Diff(after(t, 3), got); d != "" {
		t.Errorf("marks (-want +got):\n%s", d)
	}
}

func TestMarksDamagedAnywhereAreNeverMisread(t *testing.T) {
	t.Parallel()
	s, dir := written(t)
	path := filepath.Join(dir, "marks")
	whole, err := os.ReadFile(path)
	must(t, err)
	want, err := read(t, s)
	must(t, err)
	check := func(what string, b []byte) {
		t.Helper()
		put(t, path, b)
		got, err := read(t, s)
		if err == nil && !cmp.Equal(got, want) {
			t.Fatalf("%s changes the marks and is not reported", what)
		}
		if err != nil && !fault.Is(err, "ledger_corrupt") && !fault.Is(err, "ledger_newer") {
			t.Fatalf("%s: %v is no fault of the ledger", what, err)
		}
		if err == nil && (len(b) != len(whole) || !bytes.Equal(b[16:], whole[16:])) {
			t.Fatalf("%s is not noticed", what)
		}
	}
	for at := 0; at < len(whole); at++ {
		b := bytes.Clone(whole)
		b[at] ^= 0x10
		check(fmt.Sprintf("byte %d", at), b)
		check(fmt.Sprintf("a cut at %d", at), whole[:at])
		if index := len(whole) - 10500; at > index && at < len(whole)-300 {
			at += 100 // the index is much of the same
		}
	}
	check("more at the end", append(bytes.Clone(whole), whole...))
}

func TestBlocksOfOlderMarksAreNoticed(t *testing.T) {
	t.Parallel()
	s, dir := written(t)
	path := filepath.Join(dir, "marks")
	old, err := os.ReadFile(path)
	must(t, err)
	l := s.Open(t)
	y := mustOpen(t, l)
	for n := range 24 {
		must(t, y.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, n, ledgertest.Row(n+1))))
	}
	must(t, errors.Join(y.Fold(t.Context(), y.Header()), y.Close()))
	fresh, err := os.ReadFile(path)
	must(t, err)
	if len(fresh) != len(old) {
		t.Fatalf("the files differ in length: %d and %d", len(fresh), len(old))
	}
	meta := int(binary.LittleEndian.Uint32(fresh[len(fresh)-24:]))
	end := len(fresh) - 24 - meta - 40*ledger.Partitions
	copy(fresh[16:end], old[16:end]) // sectors that the disk never wrote
	must(t, os.WriteFile(path, fresh, 0o600))
	if _, err := read(t, s); !fault.Is(err, "ledger_corrupt") {
		t.Errorf("stale blocks give %v, want a fault ledger_corrupt", err)
	}
}

func TestWhatCannotBeReadHasAWayOut(t *testing.T) {
	t.Parallel()
	newer := func(b []byte) []byte { b[8] = 2; return b }
	garbage := func([]byte) []byte { return []byte("no JSON") }
	later := func([]byte) []byte { return []byte(`{"version": 2}`) }
	unknown := ledgertest.Entry(ledger.Confirmed, 1, ledgertest.Row(1))
	unknown.Kind = 77
	tests := map[string]struct {
		file   string // below the sync's directory
		change func([]byte) []byte
		code   string
	}{
		"newer marks":      {"marks", newer, "ledger_newer"},
		"newer journal":    {"journal", newer, "ledger_newer"},
		"newer identity":   {"identity.json", later, "ledger_newer"},
		"newer entry":      {"journal", func(b []byte) []byte { return append(b, local.Frame(local.RawEntry(unknown), int64(len(b)))...) }, "ledger_newer"},
		"other marks":      {"marks", garbage, "ledger_corrupt"},
		"empty marks":      {"marks", func([]byte) []byte { return nil }, "ledger_corrupt"},
		"damaged identity": {"identity.json", garbage, "ledger_corrupt"},
		"other identity":   {"identity.json", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`"42"`), []byte(`"43"`)) }, "ledger_corrupt"},
		"lost marks":       {"marks", nil, "ledger_corrupt"},
		"lost identity":    {"identity.json", nil, "ledger_corrupt"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := written(t, commitsOf(1)...)
			path := filepath.Join(dir, tt.file)
			if tt.change == nil {
				must(t, os.Remove(path))
			} else {
				b, err := os.ReadFile(path)
				must(t, err)
				must(t, os.WriteFile(path, tt.change(b), 0o600))
			}
			l := s.Open(t)
			_, viewed := read(t, s)
			_, opened := l.Open(t.Context(), ledgertest.SyncID("job"), "prod")
			for _, err := range []error{viewed, opened} {
				if !fault.Is(err, tt.code) {
					t.Fatalf("opening gives %v, want a fault %s", err, tt.code)
				}
				f := fault.All(err)[0]
				if f.Hint == "" || !strings.HasPrefix(f.Where, s.dir) {
					t.Errorf("the fault says neither where nor what next: %+v", f)
				}
				if _, ok := fault.Explain(f.Code); !ok {
					t.Errorf("code %s has no page", f.Code)
				}
			}
			must(t, l.Reset(t.Context(), ledgertest.SyncID("job")))
			must(t, mustOpen(t, l).Close())
		})
	}
}

func TestDamagedHistoryIsNamed(t *testing.T) {
	t.Parallel()
	for content, code := range map[string]string{
		"": "ledger_corrupt", "{}": "ledger_corrupt", `{"version":1,"runs":[`: "ledger_corrupt", `{"version":9}`: "ledger_newer",
	} {
		s := newStore(t)
		l := s.Open(t)
		must(t, l.AddRun(t.Context(), "shop", "job", ledger.Run{ID: "1"}))
		files, err := filepath.Glob(filepath.Join(s.dir, "runs", "*.json"))
		must(t, err)
		must(t, os.WriteFile(files[0], []byte(content), 0o600))
		_, err = l.Runs(t.Context(), "shop", "job")
		for _, err := range []error{err, l.AddRun(t.Context(), "shop", "job", ledger.Run{ID: "2"})} {
			if !fault.Is(err, code) || fault.All(err)[0].Where != files[0] {
				t.Errorf("runs of %q: %v, want a fault %s that names %s", content, err, code, files[0])
			}
		}
	}
}

// Marks are not forgotten where a run that stays handled would keep the next
// one from starting.
func TestResetLeavesMarksWhereRunsCannotBeWritten(t *testing.T) {
	t.Parallel()
	s, _ := written(t, commitsOf(1)...)
	l := s.Open(t)
	must(t, l.AddRun(t.Context(), "shop", "job", ledger.Run{ID: "1", Handled: true, Sync: ledgertest.SyncID("job")}))
	files, err := filepath.Glob(filepath.Join(s.dir, "runs", "*.json"))
	must(t, err)
	must(t, os.WriteFile(files[0], []byte(`{"version":9}`), 0o600))
	before, err := read(t, s)
	must(t, err)
	if err := l.Reset(t.Context(), ledgertest.SyncID("job")); !fault.Is(err, "ledger_newer") {
		t.Errorf("Reset(): %v", err)
	}
	after, err := read(t, s)
	if len(before) == 0 || len(after) != len(before) || err != nil {
		t.Errorf("%d marks before, %d after: %v", len(before), len(after), err)
	}
}
