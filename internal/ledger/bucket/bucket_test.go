package bucket_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"exposync/internal/ledger"
	"exposync/internal/ledger/bucket"
	"exposync/internal/ledger/ledgertest"
	"exposync/internal/plan"
)

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// TestMain lets the client try again sooner.
func TestMain(m *testing.M) {
	minio.DefaultRetryUnit = time.Millisecond
	ledgertest.Histories(15) // of each kind of store
	os.Exit(m.Run())
}

// TestLedger runs the suite on both kinds of stores; one of them sorts its
// journals in small pieces.
func TestLedger(t *testing.T) {
	t.Parallel()
	for kind, sortIn := range map[string]int{"s3": 300, "gcs": 0} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			ledgertest.Run(t, func(tb testing.TB) ledgertest.Store {
				tb.Helper()
				s := newStore(tb, kind)
				s.sortIn = sortIn
				return s
			})
		})
	}
}

// testStore is a bucket, the way the suite sees it.
type testStore struct {
	*cloud
	sortIn int
}

func newStore(tb testing.TB, kind string) *testStore {
	tb.Helper()
	return &testStore{cloud: newCloud(tb, kind)}
}

func options(tb testing.TB) bucket.Options {
	tb.Helper()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return bucket.Options{Now: func() time.Time { return start }, Host: "testhost", Temp: tb.TempDir()}
}

func (s *testStore) Open(tb testing.TB) ledger.Ledger {
	tb.Helper()
	l := s.ledger(tb, options(tb))
	// No beat comes by itself: a holder would learn that its lease is gone just
	// after it wrote something, which counts all the same.
	bucket.Beat(l, func(ctx context.Context, _ time.Duration) error {
		<-ctx.Done()
		return ctx.Err()
	})
	if s.sortIn > 0 {
		bucket.SortIn(l, s.sortIn)
	}
	return l
}

// Kill leaves everything as it is until the leases have run out. The dead
// process may have uploaded marks that no head came to name.
func (s *testStore) Kill(tb testing.TB, torn bool) {
	tb.Helper()
	if torn {
		o := bucket.Of(s.ledger(tb, options(tb)))
		must(tb, bucket.Upload(tb.Context(), o, bucket.SyncPrefix(ledgertest.SyncID("job"))+"marks/0000000001-0000000009-torn", strings.NewReader("half"), 4))
	}
	s.clock.advance(2 * time.Minute)
}

// Expire lets the lease of a holder run out that lives, but said nothing.
func (s *testStore) Expire(tb testing.TB, _ plan.SyncID) {
	tb.Helper()
	s.clock.advance(2 * time.Minute)
}

// Crashes runs do on a watched bucket. Before every change it copies what is
// there, and shows that after the lease has run out.
func (s *testStore) Crashes(tb testing.TB, do func(l ledger.Ledger), found func(step string, l ledger.Ledger)) {
	tb.Helper()
	show := func(step string) {
		later := &testStore{cloud: newCloud(tb, s.kind)}
		s.copyTo(tb, later.cloud)
		later.clock.advance(2 * time.Minute)
		found(step, later.Open(tb))
	}
	l := bucket.Over(bucket.Interposed{Objects: bucket.Of(s.Open(tb)), Before: func(op, key string) error {
		if op == "put" || op == "upload" || op == "remove" {
			show("before " + op + " " + key)
		}
		return nil
	}}, options(tb))
	do(l)
	show("at the end")
}

// childEnv makes a test process hold a lease until it is killed.
const childEnv = "EXPOSYNC_TEST_BUCKET_CHILD"

// Hold starts another process that holds the lease.
func (s *testStore) Hold(tb testing.TB, id plan.SyncID) func() {
	tb.Helper()
	said, kill := child(tb, s.kind+"|"+s.url+"|"+id.Job)
	if said != "holding" {
		tb.Fatalf("the other process says %q", said)
	}
	return kill
}

// child starts this test binary again, and gives the first line that it
// writes; kill ends it with SIGKILL.
func child(tb testing.TB, what string) (said string, kill func()) {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), childEnv+"="+what)
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
	lines := bufio.NewScanner(stdout)
	lines.Scan()
	return lines.Text(), kill
}

//nolint:paralleltest // the body of the other process, see Hold
func TestChild(t *testing.T) {
	args := strings.Split(os.Getenv(childEnv), "|")
	switch {
	case args[0] == "serve":
		_, _ = os.Stdout.WriteString(newCloud(t, "s3").url + "\n")
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	case len(args) != 3:
		t.Skip("only for the other process of other tests")
	}
	c := &cloud{kind: args[0], url: args[1], net: transport()}
	y, err := c.ledger(t, options(t)).Open(t.Context(), ledgertest.SyncID(args[2]), "prod")
	must(t, err)
	must(t, y.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, 1, ledgertest.Row(1))))
	_, _ = os.Stdout.WriteString("holding\n")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is gone
}

func mustOpen(tb testing.TB, l ledger.Ledger) ledger.Sync {
	tb.Helper()
	y, err := l.Open(tb.Context(), ledgertest.SyncID("job"), "prod")
	must(tb, err)
	return y
}

//nolint:paralleltest // it measures the heap of the process
func TestMemoryDoesNotGrowWithMarks(t *testing.T) {
	ledgertest.Memory(t, func(tb testing.TB) ledgertest.Store {
		tb.Helper()
		// The server keeps objects in memory, so it must not be this process.
		lines, _ := child(tb, "serve")
		return &testStore{cloud: &cloud{kind: "s3", url: lines, net: transport()}}
	}, 40<<20)
}
