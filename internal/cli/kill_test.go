package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/pgtest"
)

// kills is how many processes each kill test ends at a random instant.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("EXPOSYNC_KILLS")); err == nil {
		return n
	}
	if os.Getenv("EXPOSYNC_NIGHTLY") != "" {
		return 200
	}
	return 8
}

const quietGuards = `"guards": {"deletes": "off", "creates": "off", "rows": "off"}`

// Kill -9 at any instant, run again: what the destination holds equals what
// the ledger says equals the source.
func TestKillPostgresToPostgres(t *testing.T) {
	t.Parallel()
	theirs := pgtest.New(t)
	m := newMini(t, `create table main.export_t (id int primary key, name text)`,
		`{"to": "db.public.contacts", "mode": "mirror", "key": {"ext": "id"}, "fields": {"name": "name"}, "first": "send", `+quietGuards+`}`,
		`db: {type: postgres, url: "{{ env_var('DB_URL') }}"}`)
	m.env = []string{"DB_URL=" + theirs}
	db := connect(t, theirs)
	if _, err := db.Exec(t.Context(), `create table contacts (ext int primary key, name text)`); err != nil {
		t.Fatal(err)
	}
	killing(t, m, func() map[string]string { return rows(t, db, `select ext::text, name from contacts`) })
}

func TestKillPostgresToSandbox(t *testing.T) {
	t.Parallel()
	m := newMini(t, `create table main.export_t (id int primary key, name text)`,
		`{"to": "crm.contacts", "mode": "mirror", "key": {"ext": "id"}, "fields": {"name": "name"}, "first": "send", `+quietGuards+`}`,
		`crm: {type: sandbox, url: "{{ env_var('SANDBOX_URL') }}"}`)
	base := startSandbox(t, m)
	m.env = []string{"SANDBOX_URL=" + base}
	killing(t, m, func() map[string]string { return sandboxRecords(t, base+"/v1/crm/contacts", "ext", "name") })
}

// killing changes the source, kills a run at a random instant, runs to the
// end, and compares; again and again.
func killing(t *testing.T, m *mini, theirs func() map[string]string) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	m.exec(`insert into main.export_t select i, 'name ' || i from generate_series(1, 4000) i`)
	whole := 2 * time.Second
	killed := 0
	for i := range kills() {
		m.exec(`delete from main.export_t where id % 97 = $1`, rng.IntN(97))
		m.exec(`update main.export_t set name = $1 || id where id % 11 = $2`, fmt.Sprintf("round %d of ", i), rng.IntN(11))
		m.exec(`insert into main.export_t select 4000 + i, 'new ' || i from generate_series($1::int, $1 + 700) i on conflict do nothing`, 700*i)
		m.build()
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.Int64N(int64(whole))))
		started := time.Now()
		err := m.command(ctx, "run").Run()
		if err == nil {
			whole = time.Since(started) * 11 / 10
		} else if ctx.Err() != nil {
			killed++
		}
		cancel()
		m.want(0, "run")
		want := rows(t, m.source, `select id::text, name from main.export_t`)
		if d := cmp.Diff(want, theirs()); d != "" {
			t.Fatalf("round %d: destination differs from source (-source +destination):\n%s", i, d)
		}
		if n := m.confirmed(); n != int64(len(want)) {
			t.Fatalf("round %d: the ledger says %d, the source has %d", i, n, len(want))
		}
	}
	t.Logf("%d of %d runs were killed before their end", killed, kills())
	m.build()
	m.want(0, "run")
	if c := m.counts(); c["calls"] != 0 || c["created"]+c["updated"]+c["deleted"] != 0 {
		t.Errorf("a run without changes: %v", c)
	}
}

// sandboxRecords reads an object of the sandbox, page by page.
func sandboxRecords(tb testing.TB, object, key, field string) map[string]string {
	tb.Helper()
	out, after := map[string]string{}, ""
	for {
		req := must(http.NewRequestWithContext(tb.Context(), http.MethodGet, object+"/records?limit=1000&after="+after, nil))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			tb.Fatal(err)
		}
		var page struct {
			Records []struct {
				Key    map[string]json.Number `json:"key"`
				Fields map[string]string      `json:"fields"`
			} `json:"records"`
			Next string `json:"next"`
		}
		err = json.NewDecoder(resp.Body).Decode(&page)
		_ = resp.Body.Close()
		if err != nil {
			tb.Fatal(err)
		}
		for _, r := range page.Records {
			out[r.Key[key].String()] = r.Fields[field]
		}
		if page.Next == "" {
			return out
		}
		after = page.Next
	}
}
