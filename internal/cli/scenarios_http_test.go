package cli_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The scenarios whose destination is an HTTP service, see scenarios_test.go.

// 1. A mirror whose writes are cut short deletes nothing at all.
func TestScenarioMirrorCutShort(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	m := s.project(t, peopleTable, peopleMeta("crm.people", "mirror"), "{rows: 100, concurrency: 2}")
	m.exec(thousand)
	m.want(0, "run")
	s.log()

	s.set(func() { s.before = afterRecords(300, refuseAll) })
	m.exec(`update main.export_t set name = 'now ' || id`)
	m.exec(`delete from main.export_t where id > 995`)
	m.build()
	m.want(5, "run")
	m.wantCounts(map[string]int64{"read": 995, "updated": 995, "deleted": 5, "ok": 300, "not_sent": 700})
	if n := len(s.field("name")); n != 1000 {
		t.Fatalf("%d records are left of 1000", n)
	}

	s.set(func() { s.before = nil })
	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 995, "unchanged": 300, "updated": 695, "deleted": 5, "ok": 700})
	agree(t, m, func() map[string]string { return s.field("name") })
}

const fiveThousand = `insert into main.export_t select i, 'name ' || i, i % 97 from generate_series(1, 5000) i order by md5(i::text)`

// 5. The destination stops taking records after the first thousand: the next
// run sends the other four, and none of the first again.
func TestScenarioSinkStopsAfterAThousand(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	m := s.project(t, peopleTable, peopleMeta("crm.people", "upsert"), "{rows: 100, concurrency: 4}")
	m.exec(fiveThousand)
	s.set(func() { s.before = afterRecords(1000, refuseAll) })
	m.want(5, "run")
	m.wantCounts(map[string]int64{"read": 5000, "created": 5000, "ok": 1000, "not_sent": 4000})
	first, _ := s.log()
	if n := m.confirmed(); len(first) != 1000 || n != 1000 {
		t.Fatalf("%d arrived, the ledger says %d", len(first), n)
	}

	s.set(func() { s.before = nil })
	m.build()
	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 5000, "unchanged": 1000, "created": 4000, "ok": 4000})
	second, _ := s.log()
	once(t, slices.Concat(first, second), 5000)
	agree(t, m, func() map[string]string { return s.field("name") })
}

// 5. The destination refuses four thousand records one by one: they are
// known, told at every run, and sent as soon as they change.
func TestScenarioSinkRefusesFourThousand(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	m := s.project(t, peopleTable, peopleMeta("crm.people", "upsert"), "{rows: 100, concurrency: 4}")
	m.exec(fiveThousand)
	s.refusing(func(rec map[string]any) string {
		if id, _ := strconv.Atoi(fmt.Sprint(rec["ext"])); id > 1000 && rec["score"] != nil {
			return "too_many"
		}
		return ""
	})
	m.want(4, "run")
	m.wantCounts(map[string]int64{"read": 5000, "created": 5000, "ok": 1000, "rejected": 4000})
	s.log()

	m.build()
	out := m.want(4, "run") // far more than max_rejected
	m.wantCounts(map[string]int64{"read": 5000, "unchanged": 1000, "held_back": 4000, "standing": 4000, "calls": 0})
	if !strings.Contains(out, "too_many") {
		t.Errorf("the standing rejects are not told:\n%s", out)
	}

	m.exec(`update main.export_t set score = null where id > 1000`)
	m.build()
	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 5000, "unchanged": 1000, "created": 4000, "ok": 4000})
	second, _ := s.log()
	once(t, second, 4000)
	agree(t, m, func() map[string]string { return s.field("name") })
}

// 6. SIGTERM after 700 of 5000: the request in flight ends, and the next run
// sends exactly what is missing.
func TestScenarioInterrupted(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	m := s.project(t, peopleTable, peopleMeta("crm.people", "upsert"), "{rows: 100, concurrency: 1}")
	m.exec(fiveThousand)
	h := holdRequest(t, 8)
	s.set(func() { s.before = h.hook })
	p := m.start("run")
	await(t, "the eighth request", h.there)
	p.interrupt()
	h.release()
	p.wantExit(130)
	if status := m.last().Status; status != "interrupted" {
		t.Errorf("status %s", status)
	}
	m.wantCounts(map[string]int64{"read": 5000, "created": 5000, "ok": 800, "not_sent": 4200})
	first, _ := s.log()

	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 5000, "unchanged": 800, "created": 4200, "ok": 4200})
	second, _ := s.log()
	once(t, slices.Concat(first, second), 5000)
	agree(t, m, func() map[string]string { return s.field("name") })
}

// 6. Two SIGTERMs end a run that waits for an answer; what it was about is
// sent again.
func TestScenarioInterruptedTwice(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	m := s.project(t, peopleTable, peopleMeta("crm.people", "upsert"), "{rows: 100, concurrency: 1}")
	m.exec(fiveThousand)
	h := holdRequest(t, 8)
	s.set(func() { s.before = h.hook })
	p := m.start("run")
	await(t, "the eighth request", h.there)
	p.interrupt()
	p.signal(syscall.SIGTERM)
	p.wantExit(130)
	h.release()
	m.wantCounts(map[string]int64{"read": 5000, "created": 5000, "ok": 700, "in_doubt": 100, "not_sent": 4200})

	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 5000, "unchanged": 700, "created": 4300, "ok": 4300})
	agree(t, m, func() map[string]string { return s.field("name") })
}

// 6 and 11. SIGKILL while an answer is awaited: what was confirmed is not
// sent again, and the record that was refused before keeps its reason.
func TestScenarioKilled(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	m := s.project(t, peopleTable, peopleMeta("crm.people", "upsert"), "{rows: 100, concurrency: 1}")
	m.exec(fiveThousand)
	refused := ""
	s.refusing(func(rec map[string]any) string { // the first one that comes, always
		if key := fmt.Sprint(rec["ext"]); refused == "" || refused == key {
			refused = key
			return "unwelcome"
		}
		return ""
	})
	h := holdRequest(t, 8)
	s.set(func() { s.after = h.hook })
	p := m.start("run")
	await(t, "the eighth request", h.there)
	p.signal(syscall.SIGKILL)
	p.exit()
	h.release()
	s.log()

	out := m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 5000, "unchanged": 699, "created": 4300, "ok": 4300, "held_back": 1, "standing": 1})
	if !strings.Contains(out, "unwelcome") {
		t.Errorf("the reject is forgotten:\n%s", out)
	}
	s.set(func() { s.refuse = nil })
	m.exec(`update main.export_t set name = 'welcome' where id = ` + refused)
	m.build()
	m.want(0, "run")
	agree(t, m, func() map[string]string { return s.field("name") })
}

// 7. Rows that come late, with a time that was seen already or long ago.
func TestScenarioLateRows(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	m := s.project(t, `create table main.export_t (id int primary key, name text, updated_at timestamptz)`,
		`{"to": "crm.people", "key": {"ext": "id"}, "fields": {"name": "name", "changed": "updated_at"}, "first": "send"}`, "{rows: 100}")
	m.exec(`insert into main.export_t select i, 'name ' || i, timestamptz '2026-03-01 12:00Z' from generate_series(1, 500) i`)
	m.want(0, "run")
	s.log()
	m.exec(`insert into main.export_t values (501, 'same time', '2026-03-01 12:00Z'), (502, 'long ago', '1999-12-31 23:59Z'), (503, 'never', null)`)
	m.exec(`update main.export_t set name = 'other, same time' where id = 1`)
	m.build()
	m.want(0, "run")
	if taken, _ := s.log(); !slices.Equal(taken, []string{"1", "501", "502", "503"}) {
		t.Errorf("sent %v", taken)
	}
	agree(t, m, func() map[string]string { return s.field("name") })
}

// 8. The ledger cannot be written any more in the middle of a run: the run
// says so, and the next one repeats safely.
func TestScenarioLedgerUnwritable(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	m := s.project(t, peopleTable, peopleMeta("crm.people", "upsert"), "{rows: 100, concurrency: 1}")
	m.exec(thousand)
	m.want(0, "run")
	s.log()
	dirs := must(filepath.Glob(filepath.Join(m.dir, ".exposync", "syncs", "*")))
	if len(dirs) != 1 {
		t.Fatalf("syncs: %v", dirs)
	}
	obstacle := filepath.Join(dirs[0], "marks.tmp") // where the marks are written anew
	s.set(func() {
		s.before = func(http.ResponseWriter, string, []map[string]any) bool {
			if err := os.MkdirAll(obstacle, 0o700); err != nil {
				t.Error(err)
			}
			return false
		}
	})
	m.exec(`update main.export_t set name = 'now ' || id`)
	m.build()
	out := m.want(5, "run")
	if !strings.Contains(out, "ledger_write") || !strings.Contains(out, filepath.Join(filepath.Base(dirs[0]), "marks.tmp")) {
		t.Errorf("no fault of the ledger:\n%s", out)
	}
	s.set(func() { s.before = nil })
	if err := os.Remove(obstacle); err != nil {
		t.Fatal(err)
	}
	s.log()
	m.want(0, "run") // not taken for handled; what was journaled counts
	if taken, _ := s.log(); len(taken) != 0 {
		t.Errorf("%d records were sent again although the journal has them", len(taken))
	}
	agree(t, m, func() map[string]string { return s.field("name") })
}

// 9. Two runs of one sync at once: the second is told who is at work, and
// does nothing.
func TestScenarioTwoRunsAtOnce(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	m := s.project(t, peopleTable, peopleMeta("crm.people", "upsert"), "{rows: 100, concurrency: 1}")
	m.exec(thousand)
	h := holdRequest(t, 3)
	s.set(func() { s.before = h.hook })
	p := m.start("run")
	await(t, "the third request", h.there)
	out := m.want(3, "run")
	if !strings.Contains(out, "locked") || !strings.Contains(out, strconv.Itoa(p.cmd.Process.Pid)) {
		t.Errorf("the second run does not say who holds the sync:\n%s", out)
	}
	h.release()
	p.wantExit(0)
	taken, _ := s.log()
	once(t, taken, 1000)
	agree(t, m, func() map[string]string { return s.field("name") })
}

// 10. Killed between a request that must not be sent twice and its answer:
// nothing arrives twice, and what is in doubt is said to be.
func TestScenarioAppendKilled(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	m := s.project(t, peopleTable, peopleMeta("crm.people", "append"), "{rows: 100, concurrency: 1}")
	m.exec(thousand)
	h := holdRequest(t, 3)
	s.set(func() { s.after = h.hook })
	p := m.start("run")
	await(t, "the third request", h.there)
	p.signal(syscall.SIGKILL)
	p.exit()
	h.release()

	m.build()
	out := m.want(4, "run")
	m.wantCounts(map[string]int64{"read": 1000, "unchanged": 200, "created": 700, "held_back": 100, "standing": 100, "ok": 700})
	if !strings.Contains(out, "100 records (in doubt): interrupted") || !strings.Contains(out, "exposync rejects settle t --sent") {
		t.Errorf("nothing is said of the doubt:\n%s", out)
	}
	taken, _ := s.log()
	once(t, taken, 1000)
	if n := m.confirmed(); n != 900 {
		t.Errorf("the ledger claims %d, 100 of which nobody knows", n)
	}

	// a person looks, and says so
	m.want(0, "rejects", "settle", "t", "--sent", "--yes")
	m.want(0, "retry")
	m.wantCounts(map[string]int64{"read": 1000, "unchanged": 1000})
	if taken, _ := s.log(); len(taken) != 0 || m.confirmed() != 1000 {
		t.Errorf("%d records were sent again, %d are confirmed", len(taken), m.confirmed())
	}
}

// 13. Values that break what is glued together as text.
func TestScenarioAwkwardValues(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	m := s.project(t, peopleTable, peopleMeta("crm.people", "upsert"), "{rows: 3}")
	m.exec(`insert into main.export_t values
		(1, 'She said "no"', 1), (2, E'back\\slash', 2), (3, E'two\nlines\tand\r\x01', 3), (4, '{"a": [1, "}"]}', 4), (5, '', 5), (6, null, 6),
		(7, '''; drop table contacts; --', 7), (8, 'Zoë 北京 🦊', 8), (9, '</script>&amp;', 9), (10, '{{ env_var(''CRM_URL'') }}', 10), (11, '$rows', 11), (12, '${token}', 12)`)
	m.want(0, "run")
	want := rows(t, m.source, `select id::text, coalesce(name, '<nil>') from main.export_t`)
	if d := cmp.Diff(want, s.field("name")); d != "" {
		t.Errorf("(-source +destination):\n%s", d)
	}
}

// 14. The first record has nulls where later ones have values.
func TestScenarioColumnsOfLaterRecords(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	m := s.project(t, `create table main.export_t (id int primary key, name text, a text, b int, c date)`,
		`{"to": "crm.people", "key": {"ext": "id"}, "fields": "all", "first": "send"}`, "{rows: 2}")
	m.exec(`insert into main.export_t values (1, 'x', null, null, null), (2, 'y', 'a2', null, null), (3, 'z', null, 3, '2026-01-02')`)
	m.want(0, "run")
	for field, want := range map[string]map[string]string{
		"a": {"1": "<nil>", "2": "a2", "3": "<nil>"},
		"b": {"1": "<nil>", "2": "<nil>", "3": "3"},
		"c": {"1": "<nil>", "2": "<nil>", "3": "2026-01-02"},
	} {
		if d := cmp.Diff(want, s.field(field)); d != "" {
			t.Errorf("field %s (-want +got):\n%s", field, d)
		}
	}
}
