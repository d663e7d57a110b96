package cli_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"exposync/internal/servicetest"
)

// PocketBase, a real server whose batches are written whole or not at all, as a
// destination that a project describes itself: fixtures/destinations/pocketbase.yaml
// beside exposync.yml.

const accountsTable = `create table main.export_t (id text primary key, email text, name text, ltv numeric(12,2), active boolean, since date, plan text)`

const accountsMeta = `{"to": "pb.accounts", "key": "id", "fields": "all", "first": "send"}`

// accounts fills the export: 500 records, of which four have something that
// PocketBase takes from nobody.
const accounts = `insert into main.export_t
	select 'acct' || lpad(i::text, 11, '0'), 'user' || i || '@example.com', 'Zoë 北京 🦊 ' || i, i * 1.25, i % 3 = 0,
		date '2026-01-01' + i, case when i % 2 = 0 then 'free' else 'pro' end
	from generate_series(1, 500) i;
	update main.export_t set email = 'nobody' where id = 'acct00000000007';
	update main.export_t set email = null where id = 'acct00000000101';
	update main.export_t set name = repeat('x', 41) where id = 'acct00000000102';
	update main.export_t set ltv = -1 where id = 'acct00000000500'`

// reasons are what PocketBase says of those four.
var reasons = map[string]string{
	"acct00000000007": "validation_is_email email",
	"acct00000000101": "validation_required email",
	"acct00000000102": "validation_max_text_constraint name",
	"acct00000000500": "validation_min_number_constraint ltv",
}

func newPocketBase(t *testing.T) (*mini, *servicetest.PocketBase, *relay) {
	t.Helper()
	pb := servicetest.NewPocketBase(t)
	pb.Collection("accounts",
		servicetest.Field{"name": "email", "type": "email", "required": true},
		servicetest.Field{"name": "name", "type": "text", "max": 40},
		servicetest.Field{"name": "ltv", "type": "number", "min": 0},
		servicetest.Field{"name": "active", "type": "bool"},
		servicetest.Field{"name": "since", "type": "date"},
		servicetest.Field{"name": "plan", "type": "select", "values": []string{"free", "pro"}, "maxSelect": 1},
		servicetest.Field{"name": "made", "type": "autodate", "onCreate": true},
	)
	r := newRelay(t, pb.URL)
	m := newMini(t, accountsTable, accountsMeta, `pb: {type: pocketbase, url: "{{ env_var('PB_URL') }}", token: "{{ env_var('PB_TOKEN') }}", limits: {concurrency: 1}}`)
	m.env = []string{"PB_URL=" + r.URL, "PB_TOKEN=" + pb.Token}
	m.write("destinations/pocketbase.yaml", string(must(os.ReadFile("../../fixtures/destinations/pocketbase.yaml"))))
	m.exec(accounts)
	return m, pb, r
}

// refusals are the standing rejects: key -> code and the field in the message.
func refusals(m *mini) map[string]string {
	m.Helper()
	out, err := m.command(m.Context(), "rejects", "--keys", "--output", "json").Output()
	if err != nil {
		m.Fatalf("rejects: %v\n%s", err, out)
	}
	var doc struct {
		Jobs []struct {
			Rejects []struct {
				Code, Reason string
				Keys         []string
			}
		}
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		m.Fatalf("rejects: %v\n%s", err, out)
	}
	found := map[string]string{}
	for _, j := range doc.Jobs {
		for _, r := range j.Rejects {
			field, _, _ := strings.Cut(r.Reason, ":")
			for _, key := range r.Keys {
				found[key] = r.Code + " " + field
			}
		}
	}
	return found
}

// wantStored wants PocketBase to hold what the source does, but for the records
// that it refused.
func wantStored(t *testing.T, m *mini, pb *servicetest.PocketBase, refused map[string]string) {
	t.Helper()
	want := rows(t, m.source, `select id, concat_ws('|', email, name, ltv::float8, active, since, plan) from main.export_t`)
	for id := range refused {
		delete(want, id)
	}
	got := map[string]string{}
	for id, rec := range pb.Records("accounts") {
		since, _, _ := strings.Cut(fmt.Sprint(rec["since"]), " ")
		active := "f"
		if rec["active"] == true {
			active = "t"
		}
		got[id] = fmt.Sprintf("%s|%s|%v|%s|%s|%s", rec["email"], rec["name"], rec["ltv"], active, since, rec["plan"])
	}
	if !maps.Equal(want, got) {
		for id := range want {
			if want[id] != got[id] {
				t.Errorf("%s: the source has %q, PocketBase %q", id, want[id], got[id])
			}
		}
		t.Fatalf("%d records in the source, %d in PocketBase", len(want), len(got))
	}
}

func TestPocketBase(t *testing.T) {
	t.Parallel()
	m, pb, r := newPocketBase(t)
	m.want(4, "run")
	m.wantCounts(map[string]int64{"read": 500, "created": 500, "ok": 496, "rejected": 4})
	if n := r.count(); n != 14 { // ten batches, and one more for each record that is refused
		t.Errorf("%d requests", n)
	}
	if got := refusals(m); !maps.Equal(got, reasons) {
		t.Errorf("refused: %v, want %v", got, reasons)
	}
	wantStored(t, m, pb, reasons)

	m.build()
	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 500, "unchanged": 496, "held_back": 4, "standing": 4, "calls": 0})
	if n := r.count(); n != 0 {
		t.Errorf("%d requests were sent for records that are confirmed or refused", n)
	}

	m.exec(`update main.export_t set email = id || '@example.com', ltv = 1, name = 'short' where id = any($1)`, slices.Collect(maps.Keys(reasons)))
	m.exec(`update main.export_t set plan = 'pro' where id = 'acct00000000002'`)
	m.build()
	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 500, "unchanged": 495, "created": 4, "updated": 1, "ok": 5})
	wantStored(t, m, pb, nil)
}

// What is held against a collection's fields before anything is written.
func TestPocketBaseFields(t *testing.T) {
	t.Parallel()
	m, pb, r := newPocketBase(t)
	m.exec(`alter table main.export_t add made timestamptz; alter table main.export_t add shoe_size int`)
	out := m.want(2, "run")
	for _, want := range []string{`"made": the destination takes no value for it`, `"shoe_size": the destination has no such field`} {
		if !strings.Contains(out, want) {
			t.Errorf("nothing is said of %s:\n%s", want, out)
		}
	}
	if n := r.count(); n != 0 || len(pb.Records("accounts")) != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// A first run that compares takes what is equal for confirmed.
func TestPocketBaseCompare(t *testing.T) {
	t.Parallel()
	m, pb, r := newPocketBase(t)
	m.want(4, "run")
	m.exec(`update main.export_t set name = 'changed' where id < 'acct00000000004'`)
	m.exec(`delete from main.export_t where id = any($1)`, slices.Collect(maps.Keys(reasons)))
	if err := os.RemoveAll(m.dir + "/.exposync"); err != nil {
		t.Fatal(err)
	}
	r.count()
	m.build()
	m.want(0, "run", "--first", "compare")
	m.wantCounts(map[string]int64{"read": 496, "unchanged": 493, "adopted": 493, "updated": 3, "ok": 3})
	if n := r.count(); n != 1 {
		t.Errorf("%d requests for three records", n)
	}
	wantStored(t, m, pb, nil)
}

// SIGKILL when PocketBase has written a batch and the answer is on its way.
func TestPocketBaseKilled(t *testing.T) {
	t.Parallel()
	m, pb, r := newPocketBase(t)
	there, release := make(chan struct{}), make(chan struct{})
	r.then(func(n int) {
		if n == 6 {
			close(there)
			<-release
		}
	})
	p := m.start("run")
	await(t, "the sixth answer", there)
	p.signal(syscall.SIGKILL)
	p.exit()
	close(release)
	r.then(nil)
	before := int64(len(pb.Records("accounts")))
	if before == 0 || before >= 496 {
		t.Fatalf("killed too early or too late: %d records", before)
	}
	m.want(4, "run")
	if c := m.counts(); c["unchanged"] == 0 || c["unchanged"] > before || c["ok"]+c["unchanged"] != 496 {
		t.Errorf("after %d records: %v", before, c)
	}
	if got := refusals(m); !maps.Equal(got, reasons) {
		t.Errorf("refused: %v, want %v", got, reasons)
	}
	wantStored(t, m, pb, reasons)
}

// A mirror deletes what left the export, also what PocketBase has lost already.
func TestPocketBaseMirror(t *testing.T) {
	t.Parallel()
	m, pb, r := newPocketBase(t)
	m.meta = strings.Replace(accountsMeta, `"fields"`, `"mode": "mirror", "fields"`, 1)
	m.build()
	m.want(4, "run")
	m.exec(`delete from main.export_t where id <= 'acct00000000006'`)
	pb.Call("DELETE", "/api/collections/accounts/records/acct00000000003", nil, nil)
	m.build()
	r.count()
	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 494, "unchanged": 490, "held_back": 4, "standing": 4, "deleted": 6, "ok": 6})
	if n := r.count(); n != 2 { // the second without the record that was gone
		t.Errorf("%d requests for six deletes", n)
	}
	wantStored(t, m, pb, reasons)
}
