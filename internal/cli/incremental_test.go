package cli_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"exposync/internal/pgtest"
)

// read is what the last run says it read.
func (m *mini) read() (rows, bytes int64, full bool, since string) {
	m.Helper()
	var doc struct {
		Results []struct {
			Plan struct {
				RowsRead  int64  `json:"rows_read"`
				BytesRead int64  `json:"bytes_read"`
				FullRead  bool   `json:"full_read"`
				Since     string `json:"since"`
			} `json:"plan"`
		} `json:"results"`
	}
	if err := json.Unmarshal(must(os.ReadFile(filepath.Join(m.dir, "target/exposync_run_results.json"))), &doc); err != nil || len(doc.Results) != 1 {
		m.Fatalf("%v, %d results", err, len(doc.Results))
	}
	p := doc.Results[0].Plan
	return p.RowsRead, p.BytesRead, p.FullRead, p.Since
}

// A table that is read in parts on a real server whose zone and precision do
// their worst; what is gone is deleted when all of it is read.
func TestChangedSinceOnPostgreSQL(t *testing.T) {
	t.Parallel()
	for name, typ := range map[string]string{
		"timestamptz": "timestamptz", "timestamptz of whole seconds": "timestamptz(0)", "timestamp": "timestamp", "date": "date", "numeric": "numeric(20,3)", "bigint": "bigint",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			theirs := pgtest.New(t)
			now, lookback := "now()", `"2d"`
			if typ == "bigint" || typ == "numeric(20,3)" {
				now, lookback = "extract(epoch from now()) * 1000", "172800000"
			}
			m := newMini(t, `create table main.export_t (id int primary key, name text, changed `+typ+`)`,
				`{"to": "db.public.contacts", "mode": "mirror", "key": {"ext": "id"}, "fields": {"name": "name"}, "first": "send",
				"changed_since": "changed", "lookback": `+lookback+`, `+quietGuards+`}`, `db: {type: postgres, url: "{{ env_var('DB_URL') }}"}`)
			m.env = []string{"DB_URL=" + theirs}
			m.exec(`do $$ begin execute format('alter database %I set timezone = ''Asia/Kolkata''', current_database()); end $$`)
			db := connect(t, theirs)
			if _, err := db.Exec(t.Context(), `create table contacts (ext int primary key, name text)`); err != nil {
				t.Fatal(err)
			}
			old := strings.ReplaceAll(now, "now()", "now() - interval '30 days' + i * interval '1 minute'")
			m.exec(`insert into main.export_t select i, 'name ' || i, ` + old + ` from generate_series(1, 3000) i`)
			m.exec(`insert into main.export_t values (9001, 'of today', ` + now + `), (9002, 'nobody knows when', null)`)
			m.want(0, "run")
			if rows, _, full, _ := m.read(); !full || rows != 3002 {
				t.Fatalf("the first run read %d rows, full %t", rows, full)
			}

			m.exec(`update main.export_t set name = 'changed', changed = ` + now + ` where id % 1000 = 7`)
			m.exec(`delete from main.export_t where id = 1000`)
			m.build()
			m.want(0, "run")
			rows, bytes, full, since := m.read()
			if c := m.counts(); full || rows != 5 || bytes == 0 || since == "" || c["updated"] != 3 || c["deleted"] != 0 || c["read"] != 5 {
				t.Errorf("read %d rows since %q, full %t, %v", rows, since, full, c)
			}
			m.build()
			m.want(0, "run", "--full-refresh")
			if c := m.counts(); c["deleted"] != 1 || c["updated"] != 0 {
				t.Errorf("the whole reading: %v", c)
			}
			got := dump(t, theirs, "select ext::text, name from contacts")
			if want := dump(t, m.dsn, "select id::text, name from main.export_t"); len(got) != len(want) || got["7"] != "changed" || got["9002"] != want["9002"] {
				t.Errorf("%d records there, %d rows here", len(got), len(want))
			}
		})
	}
}

func dump(tb testing.TB, dsn, query string) map[string]string {
	tb.Helper()
	return rows(tb, connect(tb, dsn), query)
}

// BenchmarkChangedSince runs whole processes over a table of a million rows
// of which 0.1% changed, by turns with changed_since and with a reading of all
// of it, and reports the ratio of their medians.
func BenchmarkChangedSince(b *testing.B) {
	theirs := pgtest.New(b)
	m := newMini(b, `create table main.export_t (id int primary key, email text, first_name text, last_name text,
		score int, amount numeric(12,2), active boolean, updated_at timestamptz)`,
		`{"to": "db.public.contacts", "key": {"ext": "id"}, "fields": "all", "first": "send",
		"changed_since": "updated_at", "lookback": "1h", `+quietGuards+`}`, `db: {type: postgres, url: "{{ env_var('DB_URL') }}"}`)
	m.env = []string{"DB_URL=" + theirs}
	db := connect(b, theirs)
	if _, err := db.Exec(b.Context(), `create table contacts (ext int primary key, email text, first_name text, last_name text,
		score int, amount numeric(12,2), active boolean, updated_at timestamptz)`); err != nil {
		b.Fatal(err)
	}
	m.exec(`insert into main.export_t select i, 'user' || i || '@example.com', 'First' || i, 'Last' || i, i % 97, i / 100.0, i % 3 = 0,
		now() - interval '30 days' + i * interval '1 second' from generate_series(1, 1000000) i`)
	m.exec(`create index on main.export_t (updated_at)`)
	m.exec(`vacuum analyze main.export_t`)
	m.want(0, "run")
	took := map[string][]time.Duration{}
	for b.Loop() {
		for _, way := range []string{"", "--full-refresh"} {
			m.exec(`update main.export_t set updated_at = updated_at - interval '2 hours' where updated_at > now() - interval '2 hours'`)
			m.exec(`update main.export_t set score = score + 1, updated_at = now() where id % 1000 = $1`, len(took[""])%1000)
			m.build()
			args := []string{"run"}
			if way != "" {
				args = append(args, way)
			}
			started := time.Now()
			m.want(0, args...)
			took[way] = append(took[way], time.Since(started))
			if c := m.counts(); c["updated"] < 1000 {
				b.Fatalf("%v", c)
			}
		}
	}
	median := func(d []time.Duration) time.Duration {
		slices.Sort(d)
		return d[len(d)/2]
	}
	part, whole := median(took[""]), median(took["--full-refresh"])
	b.ReportMetric(part.Seconds(), "s/changed")
	b.ReportMetric(whole.Seconds(), "s/full")
	b.ReportMetric(whole.Seconds()/part.Seconds(), "full/changed")
}

// Kill -9 at any instant of a stream of events, run again: every event is
// there once, or the ledger says that it is in doubt; and the ledger keeps no
// more than the window.
func TestKillAStreamOfEvents(t *testing.T) {
	t.Parallel()
	theirs := pgtest.New(t)
	m := newMini(t, `create table main.export_t (id int primary key, name text, at int)`,
		`{"to": "db.public.events", "mode": "append", "key": {"ext": "id"}, "fields": {"name": "name"}, "first": "send",
		"cursor": "at", "lookback": 50, `+quietGuards+`}`, `db: {type: postgres, url: "{{ env_var('DB_URL') }}"}`)
	m.env = []string{"DB_URL=" + theirs}
	if _, err := connect(t, theirs).Exec(t.Context(), `create table events (ext int, name text)`); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(rand.Uint64(), 1))
	whole, killed, next := time.Second, 0, 1
	for i := range kills() {
		batch := 200 + rng.IntN(600)
		m.exec(`insert into main.export_t select i, 'event ' || i, 100 * $3::int - (i * 7) % 50 from generate_series($1::int, $2::int) i`, next, next+batch-1, i)
		next += batch
		m.build()
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.Int64N(int64(whole))))
		started := time.Now()
		if m.command(ctx, "run").Run() == nil {
			whole = time.Since(started) * 11 / 10
		} else if ctx.Err() != nil {
			killed++
		}
		cancel()
		m.run("run") // exits with 4 while something is in doubt
	}
	for range 2 {
		m.build()
		m.run("run")
	}
	sent := dump(t, theirs, `select ext::text, count(*)::text from events group by ext`)
	for id, n := range sent {
		if n != "1" {
			t.Errorf("event %s is there %s times", id, n)
		}
	}
	remembered, standing := m.remembers()
	if missing := int64(next - 1 - len(sent)); missing > standing {
		t.Errorf("%d of %d events are missing, but %d are in doubt", missing, next-1, standing)
	}
	if window := rows(t, m.source, `select id::text, '' from main.export_t where at >= (select max(at) from main.export_t) - 50`); remembered > int64(len(window)) {
		t.Errorf("the ledger remembers %d events, the window has %d", remembered, len(window))
	}
	t.Logf("%d of %d runs were killed before their end; %d events, %d in doubt", killed, kills(), next-1, standing)
}

// remembers is how many records status counts.
func (m *mini) remembers() (records, standing int64) {
	m.Helper()
	var doc struct {
		Jobs []struct{ Records, Standing int64 } `json:"jobs"`
	}
	if err := json.Unmarshal(must(m.command(m.Context(), "status", "--output", "json").Output()), &doc); err != nil || len(doc.Jobs) != 1 {
		m.Fatalf("status: %v", err)
	}
	return doc.Jobs[0].Records, doc.Jobs[0].Standing
}
