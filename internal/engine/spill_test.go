package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/record"
)

func textRecord(values ...string) record.Record {
	var out record.Record
	for _, v := range values {
		out = append(out, record.Value{Kind: record.Text, Data: []byte(v)})
	}
	return out
}

// Three times its memory goes through the spill, comes back whole and in
// order, and leaves no file behind.
func TestSpillBeyondItsMemory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	s := &spill{dir: dir}
	const rows, size = 50_000, 1000
	row := make([]byte, size)
	for i := range rows {
		binary.LittleEndian.PutUint32(row, uint32(i))
		key := record.AppendKey(nil, textRecord(fmt.Sprint("key ", i))...)
		if err := s.add(key.Hash(), record.Hash{byte(i)}, key, row); err != nil {
			t.Fatal(err)
		}
	}
	if s.file == nil || s.memory >= spillMemory {
		t.Fatalf("%d bytes in memory, file %v", s.memory, s.file)
	}
	seen := make([]bool, rows)
	for part := range ledger.Partitions {
		list, err := s.load(part)
		if err != nil {
			t.Fatal(err)
		}
		last := -1
		for _, one := range list {
			i := int(binary.LittleEndian.Uint32(one.Row))
			key := record.AppendKey(nil, textRecord(fmt.Sprint("key ", i))...)
			if !bytes.Equal(one.Key, key) || one.KeyHash != key.Hash() || int(one.KeyHash[0]) != part || one.RowHash[0] != byte(i) || len(one.Row) != size {
				t.Fatalf("row %d came back as another", i)
			}
			if i <= last || seen[i] {
				t.Fatalf("row %d came back twice or out of order", i)
			}
			last, seen[i] = i, true
		}
	}
	if slices.Contains(seen, false) {
		t.Error("a row did not come back")
	}
	s.close()
	noFiles(t, dir)
}

func noFiles(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestSpoolThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, flush := range map[string]func() error{
		"spill":   (&spill{dir: filepath.Join(file, "below")}).flush,
		"changes": (&changes{dir: filepath.Join(file, "below")}).flush,
	} {
		if err := flush(); !fault.Is(err, "spool_failed") || fault.ExitCode(err) != 5 {
			t.Errorf("%s: err = %v", name, err)
		}
	}
}

func TestRowsOnDiskAreForTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	f, err := nameless(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	defer discard(f)
	info, err := f.Stat()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file: %v %v", info.Mode(), err)
	}
	if info, err = os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v %v", info.Mode(), err)
	}
}

func genChange(t *rapid.T) (record.Change, flags, []byte) {
	key := textRecord(rapid.SliceOfN(rapid.String(), 1, 3).Draw(t, "key")...)
	ch := record.Change{
		Op:       record.Op(rapid.IntRange(1, 3).Draw(t, "op")),
		Key:      record.AppendKey(nil, key...),
		RemoteID: rapid.String().Draw(t, "remote id"),
		Attempts: rapid.IntRange(0, 1000).Draw(t, "attempts"),
		Since:    rapid.Int64().Draw(t, "since"),
	}
	ch.KeyHash, ch.KeyVals = ch.Key.Hash(), key
	var row []byte
	if ch.Op != record.Delete {
		ch.Values = textRecord(rapid.SliceOfN(rapid.String(), 1, 5).Draw(t, "values")...)
		ch.RowHash = record.Hash{1}
		row = record.AppendRecord(nil, ch.Values)
	}
	return ch, flags(rapid.IntRange(0, 3).Draw(t, "flags")), row
}

func TestChangesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		c := &changes{dir: dir}
		defer c.close()
		var want []string
		for range rapid.IntRange(0, 20).Draw(t, "changes") {
			ch, f, row := genChange(t)
			want = append(want, fmt.Sprintf("%+v %d", ch, f))
			if err := c.add(ch, f, row); err != nil {
				t.Fatal(err)
			}
			if rapid.IntRange(0, 5).Draw(t, "flush") == 0 {
				if err := c.flush(); err != nil {
					t.Fatal(err)
				}
			}
		}
		for range 2 { // read twice: to send and to settle
			b := newBatch(0)
			for frame, err := range c.frames() {
				if err != nil {
					t.Fatal(err)
				}
				b.add(frame, int64(len(b.ends)), 0)
			}
			l, err := b.decode(nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i, ch := range l.changes {
				got = append(got, fmt.Sprintf("%+v %d", ch, l.ways[i].flags))
			}
			if !slices.Equal(got, want) {
				t.Fatalf("got  %q\nwant %q", got, want)
			}
		}
	})
	noFiles(t, dir)
}

// A changes file that is cut, by whoever, is an error and not a shorter list.
func TestChangesThatAreCut(t *testing.T) {
	t.Parallel()
	c := &changes{dir: t.TempDir()}
	defer c.close()
	for i := range 100 {
		ch := record.Change{Op: record.Create, Key: record.AppendKey(nil, textRecord(strconv.Itoa(i))...), RowHash: record.Hash{1}}
		if err := c.add(ch, 0, record.AppendRecord(nil, textRecord("value"))); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.flush(); err != nil {
		t.Fatal(err)
	}
	if err := c.file.Truncate(c.size / 2); err != nil {
		t.Fatal(err)
	}
	read, failed := 0, error(nil)
	for _, err := range c.frames() {
		if err != nil {
			failed = err
			break
		}
		read++
	}
	if !errors.Is(failed, errChanges) || read >= 100 {
		t.Errorf("%d read, err = %v", read, failed)
	}
}

func FuzzDecode(f *testing.F) {
	c := &changes{}
	ch := record.Change{Op: record.Create, Key: record.AppendKey(nil, textRecord("k")...), RowHash: record.Hash{1}, RemoteID: "r"}
	if err := c.add(ch, wasAdopted, record.AppendRecord(nil, textRecord("value"))); err != nil {
		f.Fatal(err)
	}
	f.Add(c.frame)
	f.Fuzz(func(t *testing.T, frame []byte) {
		ch, _, _, err := decode(frame, nil)
		if err == nil && len(frame) <= factBytes {
			t.Errorf("too short for a change: %+v", ch)
		}
	})
}

func TestSumDoesNotDependOnOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		facts := rapid.SliceOfDistinct(rapid.StringN(1, 33, 33), rapid.ID[string]).Draw(t, "facts")
		var one, other sum
		for _, f := range facts {
			one.add([]byte(f))
		}
		for _, f := range rapid.Permutation(facts).Draw(t, "order") {
			other.add([]byte(f))
		}
		if one != other {
			t.Fatal("another order, another sum")
		}
		if len(facts) > 0 {
			other.add([]byte(facts[0]))
			if one == other {
				t.Fatal("a change more, and the same sum")
			}
		}
	})
}

func TestBits(t *testing.T) {
	t.Parallel()
	var b bits
	for _, n := range []int64{0, 63, 64, 1000} {
		b.add(n)
	}
	for n := range int64(2000) {
		if want := n == 0 || n == 63 || n == 64 || n == 1000; b.has(n) != want {
			t.Errorf("has(%d) = %t", n, b.has(n))
		}
	}
	if b.count != 4 {
		t.Errorf("count = %d", b.count)
	}
}
