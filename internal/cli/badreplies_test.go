package cli_test

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/pgtest"
)

// Services that do not answer as they should: no answer is taken for yes.
func TestBadReplies(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		reply  func(http.ResponseWriter)
		exit   int
		code   string // somewhere in the output
		counts map[string]int64
	}{
		{"an error in a 200", func(w http.ResponseWriter) {
			_, _ = w.Write([]byte(`{"error": {"code": "E7", "message": "object is locked"}}`))
		}, 4, "E7", map[string]int64{"rejected": 20}},
		{"unknown JSON in a 200", func(w http.ResponseWriter) {
			_, _ = w.Write([]byte(`{"status": "success"}`))
		}, 5, "destination_unavailable", map[string]int64{"in_doubt": 20}},
		{"a web page in a 200", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html><body>Please sign in</body></html>"))
		}, 5, "reply_not_json", map[string]int64{"in_doubt": 20}},
		{"half a reply", func(w http.ResponseWriter) {
			_, _ = w.Write([]byte(`{"results": [{"ok": true}, {"ok": true}, {"o`))
		}, 5, "reply_not_json", map[string]int64{"in_doubt": 20}},
		{"a reply that is cut off", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "5000")
			_, _ = w.Write([]byte(`{"results": [{"ok": true}`))
			panic(http.ErrAbortHandler)
		}, 5, "destination_unavailable", map[string]int64{"in_doubt": 20}},
		{"nothing in a 200", func(http.ResponseWriter) {}, 5, "reply_empty", map[string]int64{"in_doubt": 20}},
		{"204", func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) }, 5, "reply_empty", map[string]int64{"in_doubt": 20}},
		{"a reset", reset, 5, "destination_unavailable", map[string]int64{"in_doubt": 20}},
		{"no results", func(w http.ResponseWriter) {
			_, _ = w.Write([]byte(`{"results": []}`))
		}, 5, "destination_unavailable", map[string]int64{"in_doubt": 20}},
		{"a redirect", func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://login.example.com/")
			w.WriteHeader(http.StatusFound)
		}, 5, "redirect", map[string]int64{"not_sent": 20}},
		{"not found", func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }, 5, "404", map[string]int64{"not_sent": 20}},
		{"not allowed", func(w http.ResponseWriter) { w.WriteHeader(http.StatusUnauthorized) }, 2, "destination_auth", map[string]int64{"not_sent": 20}},
	}
	for _, tt := range cases {
		s := newSink(t)
		m := s.project(t, peopleTable, peopleMeta("crm.people", "upsert"), "{rows: 20}")
		m.exec(`insert into main.export_t select i, 'name ' || i, i from generate_series(1, 20) i`)
		s.set(func() {
			s.before = func(w http.ResponseWriter, _ string, _ []map[string]any) bool {
				tt.reply(w)
				return true
			}
		})
		p := m.start("run")
		t.Run(tt.name, func(t *testing.T) { // they all try again for a while, together
			t.Parallel()
			m.TB = t
			out := p.wantExit(tt.exit)
			if !strings.Contains(out, tt.code) {
				t.Errorf("the output does not say %s:\n%s", tt.code, out)
			}
			if tt.exit != 4 && !strings.Contains(out, "next ") {
				t.Errorf("no next step:\n%s", out)
			}
			want := map[string]int64{"read": 20, "created": 20}
			maps.Copy(want, tt.counts)
			m.wantCounts(want)
			if n := m.confirmed(); n != 0 {
				t.Fatalf("the ledger claims %d records", n)
			}
			s.set(func() { s.before = nil })
			if tt.counts["rejected"] > 0 { // refused is refused, until the records change
				m.exec(`update main.export_t set name = 'now ' || id`)
			}
			m.build()
			m.want(0, "run")
			agree(t, m, func() map[string]string { return s.field("name") })
		})
	}
}

// reset ends the connection as a crashed server does.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// What must not be sent twice is sent once, whatever the answer.
func TestBadRepliesToAppend(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	m := s.project(t, peopleTable, peopleMeta("crm.people", "append"), "{rows: 10, concurrency: 1}")
	m.exec(`insert into main.export_t select i, 'name ' || i, i from generate_series(1, 30) i`)
	var n atomic.Int64
	s.set(func() {
		s.after = func(w http.ResponseWriter, _ string, _ []map[string]any) bool {
			if n.Add(1) != 2 {
				return false
			}
			reset(w)
			return true
		}
	})
	m.want(4, "run")
	m.wantCounts(map[string]int64{"read": 30, "created": 30, "ok": 20, "in_doubt": 10})
	m.build()
	m.want(4, "run")
	m.wantCounts(map[string]int64{"read": 30, "unchanged": 20, "held_back": 10, "standing": 10, "calls": 0})
	taken, _ := s.log()
	once(t, taken, 30)
}

// The warehouse dies while it is read: half a table is no table.
func TestWarehouseDiesWhileReading(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	m := s.project(t, peopleTable, peopleMeta("crm.people", "mirror"), "{rows: 100}")
	m.exec(thousand)
	m.want(0, "run")
	s.log()
	m.exec(`update main.export_t set name = 'now ' || id`)
	m.build()

	// The same project on a server of its own, which stops at row 900.
	server := pgtest.Start(t)
	doomed := connect(t, server.DSN("postgres"))
	database := strings.TrimPrefix(m.source.Config().Database, "/")
	sqlExec(t, doomed, "create database "+database)
	doomed = connect(t, server.DSN(database))
	sqlExec(t, doomed, `create schema main; create function hold(id int) returns int language plpgsql as $$
			begin if id = 900 then perform pg_advisory_lock(42); end if; return id; end $$;
		create table main.t (id int, name text, score int);
		insert into main.t select i, 'now ' || i, i % 97 from generate_series(1, 1000) i;
		create view main.export_t as select hold(id) as id, name, score from main.t;
		select pg_advisory_lock(42)`)
	profiles := string(must(os.ReadFile(filepath.Join(m.dir, "profiles.yml"))))
	port := fmt.Sprintf("port: %d", m.source.Config().Port)
	if !strings.Contains(profiles, port) {
		t.Fatal("the profile has another port")
	}
	m.write("profiles.yml", strings.Replace(profiles, port, fmt.Sprintf("port: %d", server.Port()), 1))
	p := m.start("run")
	awaitRow(t, doomed, `select exists(select from pg_locks where locktype = 'advisory' and not granted)`)
	server.Kill()
	out := p.wantExit(5)
	explained(t, out, "warehouse_read", "export_t")
	if taken, requests := s.log(); requests != 0 {
		t.Errorf("%d requests with %d records", requests, len(taken))
	}
	out = m.want(5, "run")
	explained(t, out, "warehouse_unreachable", strconv.Itoa(server.Port()))
	m.write("profiles.yml", profiles)
	if n := m.confirmed(); n != 1000 {
		t.Errorf("the ledger says %d", n)
	}
	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 1000, "updated": 1000, "ok": 1000})
	agree(t, m, func() map[string]string { return s.field("name") })
}

// A destination database that dies while it is written to.
func TestDestinationDiesWhileWriting(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	m := newMini(t, peopleTable, peopleMeta("db.public.contacts", "mirror"), `db: {type: postgres, url: "{{ env_var('DB_URL') }}"}`)
	m.env = []string{"DB_URL=" + server.DSN("postgres")}
	doomed := connect(t, server.DSN("postgres"))
	sqlExec(t, doomed, contactsTable+`; create sequence merges;
		create function hold() returns trigger language plpgsql as $$
			begin if nextval('merges') > 2 then perform pg_advisory_xact_lock_shared(42); end if; return null; end $$;
		create trigger hold before insert on contacts for each statement execute function hold();
		select pg_advisory_lock(42)`)
	m.exec(`insert into main.export_t select i, 'name ' || i, i % 97 from generate_series(1, 40000) i`)
	p := m.start("run")
	awaitRow(t, doomed, `select exists(select from pg_locks where locktype = 'advisory' and not granted)`)
	server.Kill()
	explained(t, p.wantExit(5), "destination_unavailable", "job t")
	r := m.last()
	if ok := r.Counts["ok"]; ok > 10000 || ok != m.confirmed() {
		t.Errorf("counts %v; the ledger says %d", r.Counts, m.confirmed())
	}
	if d := cmp.Diff("error", r.Status); d != "" {
		t.Error(d)
	}
}
