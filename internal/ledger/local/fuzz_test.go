package local_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"exposync/internal/fault"
	"exposync/internal/ledger/local"
)

// FuzzMarks: no bytes in place of marks make the store panic, or fail without
// a fault of its own.
func FuzzMarks(f *testing.F) { fuzzFile(f, "marks") }

// FuzzJournal is FuzzMarks for the journal.
func FuzzJournal(f *testing.F) { fuzzFile(f, "journal") }

func fuzzFile(f *testing.F, file string) {
	f.Helper()
	s, dir := written(f, commitsOf(2)...)
	path := filepath.Join(dir, file)
	whole, err := os.ReadFile(path)
	must(f, err)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte{})
	if file == "journal" { // an intact frame around any bytes
		start := whole[:16]
		f.Add(append(slices.Clip(start), local.Frame([]byte(`{"generation":1}`), 16)...))
		f.Add(append(slices.Clip(whole), local.Frame([]byte("\x05\x00\x00\x00\x02\xff\x00\x00\x00"), int64(len(whole)))...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		put(t, path, b)
		checkFault(t, s)
		if file == "journal" { // what the checksums would keep away
			frame := local.Frame(b, int64(len(whole)))
			put(t, path, append(slices.Clip(whole), frame...))
			checkFault(t, s)
		}
	})
}

func checkFault(t *testing.T, s *testStore) {
	t.Helper()
	_, err := read(t, s)
	if err != nil && !fault.Is(err, "ledger_corrupt") && !fault.Is(err, "ledger_newer") {
		t.Errorf("reading gives %v, which is no fault of the ledger", err)
	}
}
