package cli_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whatever the sandbox does on purpose, a run ends with the truth: the ledger
// holds no record that did not arrive, and once the faults are over the next
// runs send exactly the rest.
func TestSandboxFaults(t *testing.T) {
	t.Parallel()
	const generic, hubspot = "sandbox", "hubspot"
	tests := []struct{ kind, fault string }{
		{generic, "429=30%"},
		{generic, "5xx=30%"},
		{generic, "timeout-after-commit=50%"},
		{generic, "partial"},
		{generic, "slow=1ms"},
		{generic, "token-expiry=10%"},
		{generic, "html-200=20%"},
		{generic, "duplicate-id=20%"},
		{hubspot, "5xx=30%"},
		{hubspot, "timeout-after-commit=50%"},
		{hubspot, "partial"},
		{hubspot, "slow=1ms"},
		{hubspot, "token-expiry=10%"},
		{hubspot, "html-200=20%"},
		{hubspot, "duplicate-id=20%"},
		{hubspot, "quota=20%"},
		{hubspot, "timeout-after-commit=20%,partial=3%,5xx=10%"},
	}
	for _, tt := range tests {
		t.Run(tt.kind+" "+tt.fault, func(t *testing.T) {
			t.Parallel()
			m := newMini(t, `create table main.export_t (id int primary key, name text)`,
				`{"to": "crm.contacts", "key": {"ext": "id"}, "fields": {"name": "name"}, `+quietGuards+`}`, `crm: {type: sandbox, url: x}`)
			live := map[string]string{generic: `{type: file, path: out}`, hubspot: `{type: hubspot, token: "{{ env_var('NOT_SET') }}"}`}
			m.write("exposync.yml", "targets:\n  live: {connections: {crm: "+live[tt.kind]+"}}\n  prod: sandbox\n")
			m.exec(`insert into main.export_t select i, 'name ' || i from generate_series(1, 450) i`)
			base := startSandbox(t, m, "--dir", filepath.Join(m.dir, ".exposync", "sandbox"), "--fault", tt.fault, "--seed", "3")

			m.build()
			code, out := m.run("run")
			arrived := sandboxNames(t, base, tt.kind)
			if n := m.confirmed(); n > int64(len(arrived)) {
				t.Fatalf("exit %d: the ledger says %d are there, %d are\n%s", code, n, len(arrived), out)
			}
			if acted := len(faultsSeen(t, base)); acted == 0 {
				t.Errorf("no request shows a fault\n%s", out)
			}

			control(t, base+"/v1/_faults", http.MethodDelete)
			m.build()
			m.want(0, "retry")
			m.want(0, "run")
			want := rows(t, m.source, `select id::text, name from main.export_t`)
			if d := cmp.Diff(want, sandboxNames(t, base, tt.kind)); d != "" {
				t.Fatalf("destination differs from source (-source +destination):\n%s", d)
			}
			if n := m.confirmed(); n != int64(len(want)) {
				t.Errorf("the ledger says %d, the source has %d", n, len(want))
			}
			m.build()
			m.want(0, "run")
			if c := m.counts(); c["calls"] != 0 || c["created"]+c["updated"] != 0 {
				t.Errorf("a run without changes: %v", c)
			}
		})
	}
}

// sandboxNames reads what the page shows of crm.contacts: ext to name.
func sandboxNames(t *testing.T, base, kind string) map[string]string {
	t.Helper()
	connection := "crm"
	if kind != "sandbox" {
		connection = "_" + kind + ":crm"
	}
	out := map[string]string{}
	for after := ""; ; {
		var page struct {
			Records []struct{ Key, Fields map[string]any }
			Next    string
		}
		body := control(t, base+"/_/data/"+url.PathEscape(connection)+"/contacts/records?limit=1000&after="+after, http.MethodGet)
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Records {
			ext, ok := r.Fields["ext"]
			if !ok {
				ext = r.Key["ext"]
			}
			if _, twice := out[fmt.Sprint(ext)]; twice {
				t.Errorf("%v is there twice", ext)
			}
			out[fmt.Sprint(ext)] = fmt.Sprint(r.Fields["name"])
		}
		if after = page.Next; after == "" {
			return out
		}
	}
}

func faultsSeen(t *testing.T, base string) (seen []string) {
	t.Helper()
	var overview struct{ Requests []struct{ Fault string } }
	if err := json.Unmarshal([]byte(control(t, base+"/_/requests?limit=2000", http.MethodGet)), &overview); err != nil {
		t.Fatal(err)
	}
	for _, r := range overview.Requests {
		if r.Fault != "" {
			seen = append(seen, r.Fault)
		}
	}
	return seen
}

// control makes a request of the sandbox itself.
func control(t *testing.T, address, method string) string {
	t.Helper()
	resp, err := http.DefaultClient.Do(must(http.NewRequestWithContext(t.Context(), method, address, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %s, %v", address, resp.StatusCode, body, err)
	}
	return string(body)
}
