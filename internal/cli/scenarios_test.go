package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"exposync/internal/pgtest"
)

// What goes wrong in production, end to end: real processes, a real
// PostgreSQL as the source, and a table or an HTTP service as the destination.
// After each accident the next run has to bring source, destination and ledger
// to the same state, and every count has to be true.

const (
	peopleTable   = `create table main.export_t (id int primary key, name text, score int)`
	contactsTable = `create table contacts (ext int primary key, name text, score int)`
	thousand      = `insert into main.export_t select i, 'name ' || i, i % 97 from generate_series(1, 1000) i`
)

// peopleMeta declares the sync of peopleTable in a mode.
func peopleMeta(to, mode string) string {
	return `{"to": "` + to + `", "mode": "` + mode + `", "key": {"ext": "id"}, "fields": {"name": "name", "score": "score"}, "first": "send"}`
}

// toTable makes a project that syncs peopleTable to a table of another database.
func toTable(t *testing.T, mode string) (*mini, *pgx.Conn) {
	t.Helper()
	theirs := pgtest.New(t)
	m := newMini(t, peopleTable, peopleMeta("db.public.contacts", mode), `db: {type: postgres, url: "{{ env_var('DB_URL') }}"}`)
	m.env = []string{"DB_URL=" + theirs}
	db := connect(t, theirs)
	sqlExec(t, db, contactsTable)
	return m, db
}

func sqlExec(tb testing.TB, conn *pgx.Conn, sql string) {
	tb.Helper()
	if _, err := conn.Exec(tb.Context(), sql); err != nil {
		tb.Fatalf("%s: %v", sql, err)
	}
}

func people(m *mini) map[string]string {
	return rows(m, m.source, `select id::text, name from main.export_t`)
}

func contacts(t *testing.T, db *pgx.Conn) map[string]string {
	t.Helper()
	return rows(t, db, `select ext::text, name from contacts`)
}

// agree compares source, destination and ledger, and wants one more run to
// find nothing to do.
func agree(t *testing.T, m *mini, theirs func() map[string]string) {
	t.Helper()
	want := people(m)
	if d := cmp.Diff(want, theirs()); d != "" {
		t.Fatalf("the destination differs (-source +destination):\n%s", d)
	}
	if n := m.confirmed(); n != int64(len(want)) {
		t.Fatalf("the ledger says %d, the source has %d", n, len(want))
	}
	m.build()
	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": int64(len(want)), "unchanged": int64(len(want)), "calls": 0})
}

// 1. A mirror with one record that the destination refuses: exactly that
// record stays behind, and nothing is deleted but what is gone.
func TestScenarioMirrorWithOneBadRow(t *testing.T) {
	t.Parallel()
	m, db := toTable(t, "mirror")
	m.exec(thousand)
	m.want(0, "run")

	sqlExec(t, db, `alter table contacts add check (name <> 'now 250')`)
	m.exec(`update main.export_t set name = 'now ' || id`)
	m.exec(`delete from main.export_t where id > 995`)
	m.build()
	m.want(4, "run")
	m.wantCounts(map[string]int64{"read": 995, "updated": 995, "deleted": 5, "ok": 999, "rejected": 1})
	want := people(m)
	want["250"] = "name 250"
	if d := cmp.Diff(want, contacts(t, db)); d != "" {
		t.Fatalf("(-want +destination):\n%s", d)
	}

	m.exec(`update main.export_t set name = 'good' where id = 250`)
	m.build()
	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 995, "unchanged": 994, "updated": 1, "ok": 1})
	agree(t, m, func() map[string]string { return contacts(t, db) })
}

// 2. SIGTERM in the middle of a mirror: what is in flight ends, nothing is
// deleted, and the next run sends exactly the rest.
func TestScenarioMirrorInterrupted(t *testing.T) {
	t.Parallel()
	m, db := toTable(t, "mirror")
	m.exec(`insert into main.export_t select i, 'name ' || i, i % 97 from generate_series(1, 45000) i`)
	m.want(0, "run")

	// From the third statement on, every merge waits for a lock of the test's.
	sqlExec(t, db, `create sequence merges;
		create function hold() returns trigger language plpgsql as $$
			begin if nextval('merges') > 2 then perform pg_advisory_xact_lock_shared(42); end if; return null; end $$;
		create trigger hold before insert on contacts for each statement execute function hold();
		select pg_advisory_lock(42)`)
	m.exec(`update main.export_t set name = 'now ' || id`)
	m.exec(`delete from main.export_t where id > 44600`)
	m.build()
	p := m.start("run")
	awaitRow(t, db, `select exists(select from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database()))`)
	p.interrupt()
	sqlExec(t, db, `select pg_advisory_unlock(42)`)
	p.wantExit(130)

	var arrived, all int64
	if err := db.QueryRow(t.Context(), `select count(*) filter (where name like 'now %'), count(*) from contacts`).Scan(&arrived, &all); err != nil {
		t.Fatal(err)
	}
	if all != 45000 || arrived == 0 || arrived == 44600 {
		t.Errorf("the destination has %d records, %d of them new", all, arrived)
	}
	if status := m.last().Status; status != "interrupted" {
		t.Errorf("status %s", status)
	}
	m.wantCounts(map[string]int64{"read": 44600, "updated": 44600, "deleted": 400, "ok": arrived, "not_sent": 45000 - arrived})

	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 44600, "unchanged": arrived, "updated": 44600 - arrived, "deleted": 400, "ok": 45000 - arrived})
	agree(t, m, func() map[string]string { return contacts(t, db) })
}

// 3. A record whose write fails is never taken for one that is gone, however
// often it fails.
func TestScenarioMirrorNeverDeletesWhatFailed(t *testing.T) {
	t.Parallel()
	m, db := toTable(t, "mirror")
	m.exec(thousand)
	m.want(0, "run")
	sqlExec(t, db, `create function refuse() returns trigger language plpgsql as $$
			begin if new.ext = 7 then raise exception 'no' using errcode = '23514'; end if; return new; end $$;
		create trigger refuse before insert or update on contacts for each row execute function refuse()`)
	for i := range int64(7) { // past quarantine, which follows the fifth attempt
		m.exec(`update main.export_t set score = score + 1 where id in (7, 8)`)
		m.exec(`delete from main.export_t where id = $1`, 1000-i)
		m.build()
		m.want(4, "run")
		m.wantCounts(map[string]int64{"read": 999 - i, "unchanged": 997 - i, "updated": 2, "deleted": 1, "ok": 2, "rejected": 1})
		if got := contacts(t, db); got["7"] != "name 7" || int64(len(got)) != 999-i {
			t.Fatalf("run %d: record 7 is %q, %d records", i, got["7"], len(got))
		}
	}
	m.build()
	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 993, "unchanged": 992, "held_back": 1, "standing": 1, "calls": 0})

	sqlExec(t, db, `drop trigger refuse on contacts`)
	m.exec(`update main.export_t set name = 'well again' where id = 7`)
	m.build()
	m.want(0, "run")
	agree(t, m, func() map[string]string { return contacts(t, db) })
}

// 4. One bad record among a thousand: 999 arrive, and 999 are counted.
func TestScenarioOneBadRowInAThousand(t *testing.T) {
	t.Parallel()
	m, db := toTable(t, "upsert")
	sqlExec(t, db, `alter table contacts add check (ext <> 500 or score is null)`)
	m.exec(thousand)
	out := m.want(4, "run")
	m.wantCounts(map[string]int64{"read": 1000, "created": 1000, "ok": 999, "rejected": 1})
	if r := m.last().Rejects; len(r) != 1 || r[0].Code != "23514" || r[0].Records != 1 || !strings.Contains(out, "23514") {
		t.Errorf("rejects %+v in\n%s", r, out)
	}
	if n := len(contacts(t, db)); n != 999 || m.confirmed() != 999 {
		t.Errorf("%d records, the ledger says %d", n, m.confirmed())
	}

	m.build()
	m.want(0, "run") // known, and below max_rejected: it does not come back by itself
	m.wantCounts(map[string]int64{"read": 1000, "unchanged": 999, "held_back": 1, "standing": 1, "calls": 0})
	m.exec(`update main.export_t set score = null where id = 500`)
	m.build()
	m.want(0, "run")
	agree(t, m, func() map[string]string { return contacts(t, db) })
}

// 15. A plan changes nothing: no call, not one byte of the ledger, and the
// run after it sends all of it.
func TestScenarioPlanChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	m := s.project(t, peopleTable, peopleMeta("crm.people", "mirror"), "{rows: 100}")
	m.exec(thousand)
	m.want(0, "run")
	s.log()
	m.exec(`update main.export_t set name = 'now ' || id where id <= 10`)
	m.exec(`delete from main.export_t where id > 995`)
	m.build()
	before := tree(t, m.dir)
	for range 2 {
		out := m.want(0, "plan")
		if !strings.Contains(out, "~10 update") || !strings.Contains(out, "-5 delete") {
			t.Errorf("the plan says:\n%s", out)
		}
	}
	if d := cmp.Diff(before, tree(t, m.dir)); d != "" {
		t.Errorf("plan changed files (-before +after):\n%s", d)
	}
	if taken, requests := s.log(); requests != 0 {
		t.Errorf("plan made %d requests with %d records", requests, len(taken))
	}
	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 995, "unchanged": 985, "updated": 10, "deleted": 5, "ok": 15})
	agree(t, m, func() map[string]string { return s.field("name") })
}

// tree reads all files below a directory.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		out[must(filepath.Rel(dir, path))] = string(must(os.ReadFile(path)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// 16. A file that is written in many batches has all of them.
func TestScenarioFileOfManyBatches(t *testing.T) {
	t.Parallel()
	m := newMini(t, peopleTable, peopleMeta("drop.people", "upsert"), `drop: {type: file, path: out}`)
	m.exec(`insert into main.export_t select i, 'name ' || i, i % 97 from generate_series(1, 12000) i`)
	m.want(0, "run")
	if c := m.last().Counts; c["ok"] != 12000 || c["calls"] < 2 {
		t.Errorf("counts %v; the test means more than one batch", c)
	}
	files := must(filepath.Glob(filepath.Join(m.dir, "out", "*")))
	if len(files) != 1 {
		t.Fatalf("files: %v", files)
	}
	got := map[string]string{}
	for line := range strings.Lines(string(must(os.ReadFile(files[0])))) {
		cells := strings.Split(strings.TrimSpace(line), ",")
		got[cells[0]] = cells[1]
	}
	delete(got, "ext") // the head
	agree(t, m, func() map[string]string { return got })
}

// 17. Names that would be SQL if they were pasted into it.
func TestScenarioAwkwardNames(t *testing.T) {
	t.Parallel()
	theirs := pgtest.New(t)
	m := newMini(t, `create table main.export_t ("i""d; --" int primary key, "na me" text, "select" text, "Größe" text)`,
		`{"to": "db.public.Con\"tacts; drop table x", "mode": "mirror", "key": {"ex\"t": "i\"d; --"}, "fields": "all", "first": "send"}`,
		`db: {type: postgres, url: "{{ env_var('DB_URL') }}"}`)
	m.env = []string{"DB_URL=" + theirs}
	db := connect(t, theirs)
	sqlExec(t, db, `create table "Con""tacts; drop table x" ("ex""t" int primary key, "na me" text, "select" text, "Größe" text)`)
	m.exec(`insert into main.export_t select i, 'n' || i, 's' || i, 'g' || i from generate_series(1, 50) i`)
	m.want(0, "run")
	m.exec(`delete from main.export_t where "i""d; --" > 45`)
	m.exec(`update main.export_t set "select" = 'from' where "i""d; --" = 1`)
	m.build()
	m.want(0, "run")
	want := rows(t, m.source, `select "i""d; --"::text, row("na me", "select", "Größe")::text from main.export_t`)
	got := rows(t, db, `select "ex""t"::text, row("na me", "select", "Größe")::text from "Con""tacts; drop table x"`)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-source +destination):\n%s", d)
	}
}
