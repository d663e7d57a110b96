package cli_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// objectStore is an S3 server in this process.
type objectStore struct {
	url     string
	backend *s3mem.Backend

	mu   sync.Mutex
	seen map[string]int // requests by method
}

func newObjectStore(tb testing.TB) *objectStore {
	tb.Helper()
	o := &objectStore{backend: s3mem.New(), seen: map[string]int{}}
	if err := o.backend.CreateBucket("ledgers"); err != nil {
		tb.Fatal(err)
	}
	inner := gofakes3.New(o.backend).Server()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		o.seen[r.Method]++
		o.mu.Unlock()
		inner.ServeHTTP(w, r)
	}))
	tb.Cleanup(srv.Close)
	o.url = srv.URL
	return o
}

// requests gives the counts since it was last asked.
func (o *objectStore) requests() map[string]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.seen
	o.seen = map[string]int{}
	return out
}

func (o *objectStore) keys(tb testing.TB) []string {
	tb.Helper()
	list, err := o.backend.ListBucket("ledgers", nil, gofakes3.ListBucketPage{})
	if err != nil {
		tb.Fatal(err)
	}
	var keys []string
	for _, c := range list.Contents {
		keys = append(keys, c.Key)
	}
	return keys
}

const bucketSecret = "wJalrXUtnFEMI-not-a-real-secret"

// inBucket makes the project remember in the object store.
func (m *mini) inBucket(o *objectStore) {
	m.Helper()
	path := filepath.Join(m.dir, "exposync.yml")
	text := string(must(os.ReadFile(path))) + `
ledger:
  s3: s3://ledgers/team/shop
  endpoint: "{{ env_var('S3_URL') }}"
  access_key: "{{ env_var('S3_ID') }}"
  secret_key: "{{ env_var('S3_SECRET') }}"
`
	m.write("exposync.yml", text)
	m.env = append(m.env, "S3_URL="+o.url, "S3_ID=someone", "S3_SECRET="+bucketSecret)
}

// elsewhere is the same project on another machine, without what the first
// one keeps for itself.
func (m *mini) elsewhere() *mini {
	m.Helper()
	other := *m
	other.dir, other.runs = m.TempDir(), m.runs+100 // its dbt runs have ids of their own
	if err := os.CopyFS(other.dir, os.DirFS(m.dir)); err != nil {
		m.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(other.dir, ".exposync")); err != nil {
		m.Fatal(err)
	}
	return &other
}

// Two machines that share a ledger: the second goes on where the first ended,
// never beside it, and at once where it was killed.
func TestBucketLedgerOfTwoMachines(t *testing.T) {
	t.Parallel()
	o := newObjectStore(t)
	m, db := toTable(t, "mirror")
	m.inBucket(o)
	m.exec(thousand)
	for _, look := range []string{"plan", "status", "gate", "ls"} {
		if _, out := m.run(look); strings.Contains(out, bucketSecret) {
			t.Errorf("%s prints the secret", look)
		}
	}
	if keys := o.keys(t); len(keys) > 0 {
		t.Fatalf("looking created %v", keys)
	}
	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 1000, "created": 1000, "ok": 1000})

	other := m.elsewhere()
	m.exec(`update main.export_t set name = 'now ' || id where id <= 30`)
	other.build()
	other.want(0, "run")
	other.wantCounts(map[string]int64{"read": 1000, "unchanged": 970, "updated": 30, "ok": 30})
	agree(t, m, func() map[string]string { return contacts(t, db) })
	other.build()
	o.requests()
	other.want(0, "run")
	other.wantCounts(map[string]int64{"read": 1000, "unchanged": 1000, "calls": 0})
	got := o.requests()
	t.Logf("a run without changes: %v", got)
	if got["GET"]+got["HEAD"] > 15 || got["PUT"] > 4 {
		t.Errorf("a run without changes makes the requests %v", got)
	}

	meanwhile(t, m, other, db)
	agree(t, other, func() map[string]string { return contacts(t, db) })
	if m.confirmed() != other.confirmed() {
		t.Errorf("the machines see %d and %d records", m.confirmed(), other.confirmed())
	}
	marks, err := filepath.Glob(filepath.Join(m.dir, ".exposync", "*", "*"))
	if err != nil || len(marks) > 0 {
		t.Errorf("the machine kept %v", marks)
	}
}

// meanwhile holds a run of one machine in its middle, tries the other, kills
// the first, and tries again.
func meanwhile(t *testing.T, m, other *mini, db *pgx.Conn) {
	t.Helper()
	sqlExec(t, db, `create function hold() returns trigger language plpgsql as $$
			begin perform pg_advisory_xact_lock_shared(42); return null; end $$;
		create trigger hold before insert on contacts for each statement execute function hold();
		select pg_advisory_lock(42)`)
	m.exec(`update main.export_t set name = 'then ' || id`)
	m.build()
	other.build()
	p := m.start("run")
	awaitRow(t, db, `select exists(select from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database()))`)
	out := other.want(3, "run")
	for _, want := range []string{"locked", fmt.Sprintf("process %d", p.cmd.Process.Pid), "since", "its lease ends"} {
		if !strings.Contains(out, want) {
			t.Errorf("the other machine does not say %q:\n%s", want, out)
		}
	}
	p.signal(syscall.SIGKILL)
	p.exit()
	sqlExec(t, db, `select pg_advisory_unlock(42); drop trigger hold on contacts`)
	started := time.Now()
	other.want(0, "run")
	if took := time.Since(started); took > 30*time.Second {
		t.Errorf("going on after a killed process took %s", took)
	}
}
