//go:build unix

package cli_test

import (
	"bytes"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"exposync/internal/pgtest"
)

// A million rows from PostgreSQL to PostgreSQL: peak memory of the process,
// and how long each kind of run takes. `make million` runs it.
func TestNightlyMillion(t *testing.T) { //nolint:paralleltest // it measures
	if os.Getenv("EXPOSYNC_NIGHTLY") == "" {
		t.Skip("make million, or make nightly, runs this")
	}
	theirs := pgtest.New(t)
	m := newMini(t, `create table main.export_t (id int primary key, email text, first_name text, last_name text,
		score int, amount numeric(12,2), active boolean, updated_at timestamptz)`,
		`{"to": "db.public.contacts", "mode": "mirror", "key": {"ext": "id"}, "fields": "all", "first": "send", `+quietGuards+`}`,
		`db: {type: postgres, url: "{{ env_var('DB_URL') }}"}`)
	m.env = []string{"DB_URL=" + theirs}
	db := connect(t, theirs)
	if _, err := db.Exec(t.Context(), `create table contacts (ext int primary key, email text, first_name text, last_name text,
		score int, amount numeric(12,2), active boolean, updated_at timestamptz)`); err != nil {
		t.Fatal(err)
	}
	m.exec(`insert into main.export_t select i, 'user' || i || '@example.com', 'First' || i, 'Last' || i, i % 97, i / 100.0, i % 3 = 0,
		timestamptz '2026-01-01' + i * interval '1 second' from generate_series(1, 1000000) i`)
	m.exec(`analyze main.export_t`)

	first := m.measure("first run, 1,000,000 creates")
	m.build()
	m.measure("no change")
	m.exec(`update main.export_t set score = score + 1 where id % 100 = 0`)
	m.build()
	m.measure("1% changed")
	m.exec(`update main.export_t set score = score + 1`)
	m.build()
	every := m.measure("every row changed")
	if n := m.confirmed(); n != 1_000_000 {
		t.Errorf("the ledger says %d", n)
	}
	if limit := int64(200 << 20); max(first, every) > limit {
		t.Errorf("peak memory is above %d MiB", limit>>20)
	}
}

// measure runs once and gives the process's peak memory in bytes.
func (m *mini) measure(what string) int64 {
	m.Helper()
	cmd := m.command(m.Context(), "run")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	started := time.Now()
	if err := cmd.Run(); err != nil {
		m.Fatalf("%s: %v\n%s", what, err, out.String())
	}
	took := time.Since(started)
	rss := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	if runtime.GOOS == "linux" {
		rss <<= 10 // kilobytes there, bytes on macOS
	}
	c := m.counts()
	m.Logf("%-30s %6.1fs  peak RSS %4d MiB  +%d ~%d =%d, %d calls", what, took.Seconds(), rss>>20, c["created"], c["updated"], c["unchanged"], c["calls"])
	return rss
}

// TestNightlyBucketLedger compares a run of 100,000 rows with one that
// remembers on the disk.
func TestNightlyBucketLedger(t *testing.T) { //nolint:paralleltest // it measures
	if os.Getenv("EXPOSYNC_NIGHTLY") == "" {
		t.Skip("make nightly runs this")
	}
	for _, where := range []string{"disk", "bucket"} {
		m, _ := toTable(t, "upsert")
		o := newObjectStore(t)
		if where == "bucket" {
			m.inBucket(o)
		}
		m.exec(`insert into main.export_t select i, 'name ' || i, i % 97 from generate_series(1, 100000) i`)
		for _, what := range []string{"first run", "no change"} {
			m.measure(where + ", " + what)
			t.Logf("requests: %v", o.requests())
			m.build()
		}
	}
}
