package sandbox_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"exposync/internal/fault"
	"exposync/internal/sandbox"
)

func TestRecordsSurviveReopening(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := setup(t, dir)
	token := b.box.Token()
	b.batch("upsert", `{"key":{"id":1},"fields":{"a":"`+strings.Repeat("long ", 600_000)+`"}}`, `{"key":{"id":2},"fields":{"a":"x"}}`)
	b.batch("upsert", `{"key":{"id":2},"fields":{"a":"y"}}`, `{"op":"delete","key":{"id":1}}`)
	if err := b.box.Close(); err != nil {
		t.Fatal(err)
	}
	b = setup(t, dir)
	lines, _ := b.records("")
	equal(t, "records", []string{`{"id":2} {"a":"y"} v2`}, lines)
	equal(t, "token", token, b.box.Token())
	equal(t, "going on", []string{"created", "unchanged"}, b.batch("upsert", `{"key":{"id":1},"fields":{"a":1}}`, `{"key":{"id":2},"fields":{"a":"y"}}`))
}

// A kill may leave any part of the last write. Whatever it is, opening keeps
// every whole line before it, and what is written then is kept too.
func TestTornEnds(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	b := setup(t, source)
	b.batch("upsert", `{"key":{"id":1},"fields":{"a":"first"}}`)
	path := filepath.Join("records", "crm", "contacts.log")
	first, err := os.ReadFile(filepath.Join(source, path))
	if err != nil {
		t.Fatal(err)
	}
	b.batch("upsert", `{"key":{"id":2},"fields":{"a":"second"}}`)
	whole, err := os.ReadFile(filepath.Join(source, path))
	if err != nil {
		t.Fatal(err)
	}
	for size := len(first); size <= len(whole); size++ {
		dir := t.TempDir()
		torn := append([]byte(nil), whole[:size]...)
		if size == len(whole) {
			torn[size-5] ^= 1 // a line that is whole and wrong
		}
		if err := os.MkdirAll(filepath.Join(dir, "records", "crm"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, path), torn, 0o600); err != nil {
			t.Fatal(err)
		}
		b := setup(t, dir)
		lines, _ := b.records("")
		equal(t, fmt.Sprintf("records of %d bytes", size), []string{`{"id":1} {"a":"first"} v1`}, lines)
		b.batch("upsert", `{"key":{"id":3},"fields":{"a":"third"}}`)
		_ = b.box.Close()
		b = setup(t, dir)
		lines, _ = b.records("")
		equal(t, fmt.Sprintf("records after %d bytes", size), []string{`{"id":1} {"a":"first"} v1`, `{"id":3} {"a":"third"} v1`}, lines)
		_ = b.box.Close()
	}
}

func TestFoldersThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	occupied := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(occupied, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := t.TempDir()
	if err := os.MkdirAll(filepath.Join(foreign, "records", "crm"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(foreign, "records", "crm", "contacts.log"), []byte("a file of something else\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	busy := t.TempDir()
	setup(t, busy)
	for dir, want := range map[string]string{occupied: "sandbox_dir", foreign: "sandbox_damaged", busy: "sandbox_busy"} {
		if _, err := sandbox.Open(sandbox.Config{Dir: dir, Now: time.Now}); !fault.Is(err, want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestServeStaysAtHome(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.box.Serve(t.Context(), l); !fault.Is(err, "sandbox_address") {
		t.Errorf("Serve on every address: %v", err)
	}
}

// Many writers at once: every version has one number, and nothing is lost.
func TestConcurrentWriters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := setup(t, dir)
	var group sync.WaitGroup
	for w := range 8 {
		group.Go(func() {
			for n := range 20 {
				b.batch("upsert", fmt.Sprintf(`{"key":{"id":"shared"},"fields":{"w%d":%d}}`, w, n), fmt.Sprintf(`{"key":{"id":"%d-%d"},"fields":{}}`, w, n))
			}
		})
	}
	group.Wait()
	check := func(b *bundle) {
		lines, _ := b.records("?limit=1000")
		equal(t, "records", 161, len(lines))
		equal(t, "the shared one", `{"id":"shared"} {"w0":19,"w1":19,"w2":19,"w3":19,"w4":19,"w5":19,"w6":19,"w7":19} v160`, lines[0])
	}
	check(b)
	_ = b.box.Close()
	check(setup(t, dir))
}
