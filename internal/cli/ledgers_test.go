package cli_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/pgtest"
)

// newShared is a project whose ledger is in a database: the connection to it
// stands in LEDGER_URL.
func newShared(t *testing.T) (m *mini, ledger string) {
	t.Helper()
	theirs, ledger := pgtest.New(t), pgtest.New(t)
	m = newMini(t, `create table main.export_t (id int primary key, name text)`,
		`{"to": "db.public.contacts", "mode": "mirror", "key": {"ext": "id"}, "fields": {"name": "name"}, "first": "send", `+quietGuards+`}`,
		`db: {type: postgres, url: "{{ env_var('DB_URL') }}"}`)
	m.write("exposync.yml", string(must(os.ReadFile(filepath.Join(m.dir, "exposync.yml"))))+"ledger: {postgres: \"{{ env_var('LEDGER_URL') }}\"}\n")
	m.env = []string{"DB_URL=" + theirs, "LEDGER_URL=" + ledger}
	if _, err := connect(t, theirs).Exec(t.Context(), `create table contacts (ext int primary key, name text)`); err != nil {
		t.Fatal(err)
	}
	return m, ledger
}

func (m *mini) destination() string { return strings.TrimPrefix(m.env[0], "DB_URL=") }

// Two machines share what is remembered: the second goes on where the first
// ended.
func TestLedgerOfTwoMachines(t *testing.T) {
	t.Parallel()
	m, ledger := newShared(t)
	m.exec(`insert into main.export_t select i, 'name ' || i from generate_series(1, 300) i`)
	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 300, "created": 300, "ok": 300})

	other := m.elsewhere()
	if out := other.want(0, "run"); !strings.Contains(out, "already synced") {
		t.Errorf("the same dbt run on another machine:\n%s", out)
	}
	m.exec(`update main.export_t set name = 'new' where id <= 7`)
	m.exec(`delete from main.export_t where id = 300`)
	m.build()
	other = m.elsewhere()
	other.want(0, "run")
	other.wantCounts(map[string]int64{"read": 299, "unchanged": 292, "updated": 7, "deleted": 1, "ok": 8})
	if n := m.confirmed(); n != 299 {
		t.Errorf("the first machine says %d records", n)
	}
	want := rows(t, m.source, `select id::text, name from main.export_t`)
	if d := cmp.Diff(want, rows(t, connect(t, m.destination()), `select ext::text, name from contacts`)); d != "" {
		t.Errorf("destination differs from source (-source +destination):\n%s", d)
	}
	// Nothing of it is in a directory.
	if found := must(filepath.Glob(filepath.Join(m.dir, ".exposync", "*"))); len(found) > 1 || len(found) == 1 && filepath.Base(found[0]) != "tmp" {
		t.Errorf(".exposync holds %v", found)
	}
	if n := rows(t, connect(t, ledger), `select job, marks::text from exposync.syncs`); !cmp.Equal(n, map[string]string{"t": "299"}) {
		t.Errorf("the table of syncs says %v", n)
	}
}

// A run that goes on elsewhere locks the sync, and is named.
func TestLedgerLockedByAnotherMachine(t *testing.T) {
	t.Parallel()
	m, _ := newShared(t)
	m.exec(`insert into main.export_t values (1, 'a')`)
	db := connect(t, m.destination())
	if _, err := db.Exec(t.Context(), "begin; lock table contacts in share mode"); err != nil {
		t.Fatal(err)
	}
	other := m.elsewhere()
	p := m.start("run")
	awaitRow(t, connect(t, m.destination()), "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database())")
	out := other.want(3, "run")
	for _, word := range []string{"locked", "in use by process ", " since 20", "exposync.yml:5"} {
		if !strings.Contains(out, word) {
			t.Errorf("the locked run does not say %q:\n%s", word, out)
		}
	}
	if _, err := db.Exec(t.Context(), "rollback"); err != nil {
		t.Fatal(err)
	}
	p.wantExit(0)
	other.want(0, "run")
}

// Commands that only look create nothing; a server that is away is exit 5
// before anything was sent; and the address is never shown.
func TestLedgerThatIsNotThere(t *testing.T) {
	t.Parallel()
	m, ledger := newShared(t)
	m.exec(`insert into main.export_t values (1, 'a')`)
	for _, args := range [][]string{{"gate"}, {"ls"}, {"status"}, {"plan"}} {
		m.want(0, args...)
	}
	m.want(2, "ledger", "reset", "t")
	conn := connect(t, ledger)
	var made bool
	if err := conn.QueryRow(t.Context(), "select to_regnamespace('exposync') is not null").Scan(&made); err != nil || made {
		t.Errorf("a command that only looks made the schema (%v)", err)
	}

	u := must(url.Parse(ledger))
	for name, tt := range map[string]struct {
		url, code string
		exit      int
	}{
		"nobody listens": {"postgres://me:hunter2@127.0.0.1:1/x", "ledger_unreachable", 5},
		"no database":    {"postgres://postgres:hunter2@" + u.Host + "/nowhere?sslmode=disable", "ledger_refused", 2},
		"no url":         {"hunter2", "database_url", 2},
	} {
		m.env[1] = "LEDGER_URL=" + tt.url
		for _, command := range []string{"run", "plan", "status"} {
			out := m.want(tt.exit, command)
			if !strings.Contains(out, tt.code) || !strings.Contains(out, "exposync.yml:5") || strings.Contains(out, "hunter2") {
				t.Errorf("%s: %s says\n%s", name, command, out)
			}
		}
	}
	if n := rows(t, connect(t, m.destination()), "select ext::text, name from contacts"); len(n) != 0 {
		t.Errorf("something was sent without a ledger: %v", n)
	}
	m.env = m.env[:1]
	if out := m.want(2, "run"); !strings.Contains(out, "env_missing") {
		t.Errorf("without the variable:\n%s", out)
	}
}

// Kill -9 at any instant: the lease ends with the process, and what was
// confirmed is there.
func TestKillWithLedgerInPostgres(t *testing.T) {
	t.Parallel()
	m, _ := newShared(t)
	db := connect(t, m.destination())
	killing(t, m, func() map[string]string { return rows(t, db, `select ext::text, name from contacts`) })
}

// The queries of docs/ledger.md are about the tables as they are.
func TestQueriesOfTheDocuments(t *testing.T) {
	t.Parallel()
	m, ledger := newShared(t)
	m.exec(`insert into main.export_t values (1, 'a')`)
	m.want(0, "run")
	conn, tried := connect(t, ledger), 0
	for _, block := range strings.Split(string(must(os.ReadFile("../../docs/ledger.md"))), "```sql\n")[1:] {
		sql, _, _ := strings.Cut(block, "```")
		if !strings.HasPrefix(sql, "-- ") {
			continue // rights of users that are not here
		}
		for query := range strings.SplitSeq(sql, ";\n") {
			if strings.TrimSpace(query) == "" {
				continue
			}
			tried++
			if _, err := conn.Exec(t.Context(), query); err != nil {
				t.Errorf("%s: %v", query, err)
			}
		}
	}
	if tried < 2 {
		t.Errorf("%d queries were tried: the test looks at the wrong place", tried)
	}
}
