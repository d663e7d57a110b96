package cli_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
)

// A real Request Tracker, started by fixtures/e2e/rt.sh (make nightly), as a
// destination that a project describes itself.

// tickets are the subjects of all tickets that RT has.
func tickets(t *testing.T, base, password string) []string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/REST/2.0/tickets?query=id>0&per_page=100&fields=Subject", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("root", password)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var doc struct{ Items []struct{ Subject string } }
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("tickets: %d %v", resp.StatusCode, err)
	}
	var out []string
	for _, i := range doc.Items {
		out = append(out, i.Subject)
	}
	slices.Sort(out)
	return out
}

func TestRequestTracker(t *testing.T) { //nolint:paralleltest // one server, which it shares with nobody
	base, password := os.Getenv("EXPOSYNC_RT_URL"), os.Getenv("EXPOSYNC_RT_PASSWORD")
	if base == "" {
		t.Skip("Request Tracker is started by fixtures/e2e/rt.sh")
	}
	m := newMini(t, `create table main.export_t (id text primary key, subject text, queue text, status text, requestor text)`,
		`{"to": "rt.tickets", "key": {"ref": "id"}, "mode": "insert", "first": "send",
			"fields": {"Subject": "subject", "Queue": "queue", "Status": "status", "Requestor": "requestor"}}`,
		`rt: {type: request_tracker, url: "{{ env_var('RT_URL') }}", user: root, password: "{{ env_var('RT_PASSWORD') }}"}`)
	m.env = []string{"RT_URL=" + base, "RT_PASSWORD=" + password}
	m.write("destinations/request_tracker.yaml", string(must(os.ReadFile("../../fixtures/destinations/request_tracker.yaml"))))
	m.exec(`insert into main.export_t select 't-' || i, 'Zoë 北京 "' || i || '"', 'General', 'new', 'user' || i || '@example.com' from generate_series(1, 20) i`)
	m.exec(`update main.export_t set queue = 'Nowhere' where id = 't-7'`)
	m.exec(`update main.export_t set status = 'nonsense' where id in ('t-8', 't-20')`)

	out := m.want(4, "run")
	m.wantCounts(map[string]int64{"read": 20, "created": 20, "ok": 17, "rejected": 3})
	for _, reason := range []string{"No permission to create tickets in the queue", "isn't a valid status for tickets in this queue"} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), reason) {
			t.Errorf("RT's reason %q is not told:\n%s", reason, out)
		}
	}
	source := func(where string) []string {
		return slices.Sorted(maps.Values(rows(t, m.source, `select id, subject from main.export_t where `+where)))
	}
	if got, want := tickets(t, base, password), source(`queue = 'General' and status = 'new'`); !slices.Equal(got, want) {
		t.Fatalf("RT has %d tickets, want %d: %q", len(got), len(want), got)
	}

	m.build()
	m.want(4, "run")
	m.wantCounts(map[string]int64{"read": 20, "unchanged": 17, "held_back": 3, "standing": 3, "calls": 0})

	m.exec(`update main.export_t set queue = 'General', status = 'new'`)
	m.build()
	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 20, "unchanged": 17, "created": 3, "ok": 3})
	if got, want := tickets(t, base, password), source(`true`); !slices.Equal(got, want) {
		t.Fatalf("RT has %d tickets, want %d: %q", len(got), len(want), got)
	}
	fmt.Printf("Request Tracker at %s has all %d tickets, each of them once\n", base, 20)
}
