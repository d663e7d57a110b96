package cli_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// toolCounts are what a stand-in counted of the one sync of a connection.
type toolCounts struct {
	Triggers int `json:"triggers"`
	Runs     int `json:"runs"`
}

// hostedCounts asks a sandbox.
func hostedCounts(tb testing.TB, base string) toolCounts {
	tb.Helper()
	req := must(http.NewRequestWithContext(tb.Context(), http.MethodGet, base+"/v1/_hosted", nil))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var doc struct {
		Workspaces []struct {
			Syncs []struct {
				Counts toolCounts `json:"counts"`
			} `json:"syncs"`
		} `json:"workspaces"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
		tb.Fatal(err)
	}
	if len(doc.Workspaces) == 0 || len(doc.Workspaces[0].Syncs) == 0 { // nobody asked for it yet
		return toolCounts{}
	}
	return doc.Workspaces[0].Syncs[0].Counts
}

// order changes a workspace of the sandbox from outside.
func order(m *mini, base, body string) {
	m.Helper()
	req := must(http.NewRequestWithContext(m.Context(), http.MethodPost, base+"/v1/_hosted", strings.NewReader(body)))
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		m.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		m.Fatalf("the sandbox answered %s", resp.Status)
	}
}

// hostedMini is a project with one sync of a hosted tool in a sandbox target,
// and the address of that sandbox: another process, which stays.
func hostedMini(tb testing.TB, tool string, args ...string) (m *mini, base string) {
	tb.Helper()
	sync := "42606"
	switch tool {
	case "polytomic", "airbyte":
		sync = "0cb7da35-1fff-4d4a-bf1b-6534d515e5b5"
	case "segment":
		sync = "9f7LqFK3y7QW7uU5tGLRQ8/model/subscription" // the stand-in has one source
	}
	connection := "ht: {type: " + tool + ", token: \"{{ env_var('HT') }}\"}"
	if tool == "multiwoven" {
		connection = "ht: {type: multiwoven, base_url: https://mw.example.com, email: me@example.com, password: \"{{ env_var('HT') }}\", workspace: 1}"
	}
	m = newMini(tb, `create table main.export_t (id int primary key)`, `{"hosted": "ht/`+sync+`"}`, connection)
	m.write("exposync.yml", "targets:\n  live:\n    connections:\n      "+connection+"\n  prod: sandbox\n")
	return m, startSandbox(tb, m, append([]string{"--dir", filepath.Join(m.dir, ".exposync/sandbox")}, args...)...)
}

// Kill -9 at any instant, run again: every dbt run has exactly one run in the
// tool, or it is said that nobody knows.
func TestKillHosted(t *testing.T) {
	t.Parallel()
	m, base := hostedMini(t, "hightouch")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	whole, killed, doubts := 3*time.Second, 0, 0
	for i := range kills() {
		m.build()
		before := hostedCounts(t, base)
		for range 1 + rng.IntN(2) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.Int64N(int64(whole))))
			started := time.Now()
			if err := m.command(ctx, "run").Run(); err == nil {
				whole = max(time.Since(started), 200*time.Millisecond)
			} else if ctx.Err() != nil {
				killed++
			}
			cancel()
		}
		code, said := m.run("run")
		got := hostedCounts(t, base)
		triggers, runs := got.Triggers-before.Triggers, got.Runs-before.Runs
		switch {
		case code == 4 && strings.Contains(said, "hosted_in_doubt"):
			if doubts++; triggers > 1 {
				t.Fatalf("round %d: %d triggers, and a doubt\n%s", i, triggers, said)
			}
		case code != 0 || triggers != 1 || runs != 1:
			t.Fatalf("round %d: exit %d after %d triggers and %d runs\n%s", i, code, triggers, runs, said)
		}
		if again := m.want(code, "run"); code == 0 && !strings.Contains(again, "already synced") {
			t.Fatalf("round %d: the same dbt run again:\n%s", i, again)
		}
		if after := hostedCounts(t, base); after.Triggers != got.Triggers {
			t.Fatalf("round %d: the same dbt run triggered again", i)
		}
	}
	t.Logf("%d runs were killed before their end, %d dbt runs ended in doubt", killed, doubts)
}

// ^C stops the waiting: where the run goes on is said, and the next process
// waits for it.
func TestInterruptedHosted(t *testing.T) {
	t.Parallel()
	m, base := hostedMini(t, "hightouch")
	order(m, base, `{"kind": "hightouch", "connection": "ht", "sync": "42606", "scenario": "stuck"}`)
	p := m.start("run")
	for deadline := time.Now().Add(patience); hostedCounts(t, base).Runs == 0 && time.Now().Before(deadline); {
	}
	p.interrupt()
	if said := p.wantExit(130); !strings.Contains(flat(said), "goes on in ht") || !strings.Contains(said, "exposync wait --select t") {
		t.Errorf("%s", said)
	}
	order(m, base, `{"kind": "hightouch", "connection": "ht", "sync": "42606", "end": {}, "scripts": []}`)
	if said := m.want(0, "wait"); !strings.Contains(said, "(resumed)") {
		t.Errorf("%s", said)
	}
	m.want(0, "run")
	if got := hostedCounts(t, base); got != (toolCounts{Triggers: 1, Runs: 1}) {
		t.Errorf("%+v", got)
	}
}
