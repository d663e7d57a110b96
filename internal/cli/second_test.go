package cli_test

import (
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// prices is an export model with values that the destination's columns round,
// cut and pad.
const prices = `create table main.export_t as select n as id, (n * 1.005)::numeric as price, 'c' || n as code,
  timestamp '2026-01-01 00:00:00.6' + n * interval '1 second' as at from generate_series(1, 200) n`

// A first run that compares finds the same what the table cannot hold
// otherwise, and says how many are there, different and new.
func TestFirstRunComparesWithATable(t *testing.T) {
	t.Parallel()
	m := newMini(t, prices, `{"to": "crm.prices", "key": "id", "fields": "all"}`, `crm: {type: postgres, url: "{{ env_var('CRM_DSN') }}"}`)
	m.env = []string{"CRM_DSN=" + m.dsn}
	m.exec(`create table public.prices (id int primary key, price numeric(10,2), code char(8), at timestamp(0))`)
	m.exec(`insert into public.prices select id, price, code, at from main.export_t where id <= 150`)
	m.exec(`update public.prices set code = 'other' where id <= 20`)

	out := m.want(3, "plan")
	if flat := strings.Join(strings.Fields(out), " "); !strings.Contains(flat, "--first compare reads crm.prices by key and says how many are there already") {
		t.Errorf("the hold does not say that it can be compared:\n%s", out)
	}
	out = m.want(0, "plan", "--first", "compare")
	if !strings.Contains(out, "compared with the destination: 130 equal, 20 different, 50 not there, 0 ambiguous") {
		t.Errorf("%s", out)
	}
	if out = m.want(0, "plan", "--first", "compare", "--output", "json"); !strings.Contains(strings.Join(strings.Fields(out), " "), `"match": { "equal": 130, "different": 20, "missing": 50, "ambiguous": 0 }`) {
		t.Errorf("%s", out)
	}
	m.want(0, "run", "--first", "compare")
	m.wantCounts(map[string]int64{"read": 200, "unchanged": 130, "adopted": 130, "created": 50, "updated": 20, "ok": 70})

	// everything is equal now, though hardly a value is
	m.want(0, "ledger", "reset", "t", "--yes")
	m.want(0, "run", "--first", "compare")
	m.wantCounts(map[string]int64{"read": 200, "unchanged": 200, "adopted": 200})
}

// adopt says what it trusts.
func TestAdoptSaysWhatItTrusts(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	m := s.project(t, prices, `{"to": "crm.prices", "key": {"ext": "id"}, "fields": {"code": "code"}}`, "{rows: 100}")
	for _, command := range []string{"plan", "run"} {
		out := strings.Join(strings.Fields(m.want(0, command, "--first", "adopt")), " ")
		if !strings.Contains(out, "adopt trusts that crm.prices holds these 200 records already") {
			t.Errorf("%s", out)
		}
	}
}

// A statement is shown with the server's word on it.
func TestOneRecordIntoATable(t *testing.T) {
	t.Parallel()
	m := newMini(t, prices, `{"to": "crm.prices", "key": "id", "fields": "all"}`, `crm: {type: postgres, url: "{{ env_var('CRM_DSN') }}"}`)
	m.env = []string{"CRM_DSN=" + m.dsn}
	m.exec(`create table public.prices (id int primary key, price numeric(10,2) check (price < 100), code char(8), at timestamp(0))`)
	out := m.want(0, "test", "t", "--key", "7", "--send")
	for _, want := range []string{`insert into "public"."prices"`, "INSERT 0 1", "  ok"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in:\n%s", want, out)
		}
	}
	if got := rows(t, m.source, "select id::text, price::text from public.prices"); len(got) != 1 || got["7"] != "7.04" {
		t.Errorf("%v", got)
	}
	if out = m.want(4, "test", "t", "--key", "150", "--send"); !strings.Contains(out, "rejected: 23514") {
		t.Errorf("%s", out)
	}
	if out = m.want(0, "test", "t", "--key", "7"); !strings.Contains(out, "the destination confirmed these values") || !strings.Contains(out, "there now: 1 record") {
		t.Errorf("%s", out)
	}
	if out = m.want(3, "run"); !strings.Contains(out, "first_run") {
		t.Errorf("%s", out)
	}
}

// Whatever ended a run early, run goes on with exactly the rest in the same dbt
// run, and then has nothing to do.
func TestRunResumes(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T, m *mini, s *sink){
		"killed": func(t *testing.T, m *mini, s *sink) {
			t.Helper()
			h := holdRequest(t, 3)
			s.set(func() { s.after = h.hook })
			p := m.start("run", "--first", "send")
			await(t, "the third request", h.there)
			p.signal(syscall.SIGKILL)
			p.exit()
			s.set(func() { s.after = nil })
			h.release()
		},
		"interrupted": func(t *testing.T, m *mini, s *sink) {
			t.Helper()
			h := holdRequest(t, 3)
			s.set(func() { s.before = h.hook })
			p := m.start("run", "--first", "send")
			await(t, "the third request", h.there)
			p.interrupt()
			h.release()
			p.wantExit(130)
			s.set(func() { s.before = nil })
		},
		"held": func(_ *testing.T, m *mini, _ *sink) { m.want(3, "run") },
		"the destination ended it": func(_ *testing.T, m *mini, s *sink) {
			s.set(func() { s.before = afterRecords(300, refuseAll) })
			m.want(5, "run", "--first", "send")
			s.set(func() { s.before = nil })
		},
		"in doubt": func(_ *testing.T, m *mini, s *sink) {
			var first sync.Once
			s.set(func() {
				s.after = func(http.ResponseWriter, string, []map[string]any) bool {
					lost := false
					first.Do(func() { lost = true })
					if lost {
						panic(http.ErrAbortHandler)
					}
					return false
				}
			})
			m.want(0, "run", "--first", "send") // the engine's own second try clears it up
			s.set(func() { s.after = nil })
		},
	}
	for name, end := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSink(t)
			m := s.project(t, peopleTable, `{"to": "crm.people", "key": {"ext": "id"}, "fields": "all"}`, "{rows: 100, concurrency: 1}")
			m.exec(thousand)
			end(t, m, s)
			before := m.confirmed()
			s.log()
			if name != "in doubt" {
				m.want(0, "run", "--first", "send")
				taken, _ := s.log()
				once(t, taken, int(1000-before))
			}
			if m.confirmed() != 1000 {
				t.Errorf("%d confirmed", m.confirmed())
			}
			if out := m.want(0, "run"); !strings.Contains(out, "already synced") {
				t.Errorf("%s", out)
			}
			if taken, requests := s.log(); len(taken) != 0 || requests != 0 {
				t.Errorf("%d records in %d requests, want none", len(taken), requests)
			}
		})
	}
}
