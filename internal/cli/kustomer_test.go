package cli_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// kustomer is a stand-in for Kustomer's customers, as its documentation tells
// of the bulk API: a request is queued, done later, and says what became of
// every entry by its _clientRef.
type kustomer struct {
	t  *testing.T
	mu sync.Mutex

	customers map[string]map[string]any // by externalId
	bulks     []bulkOfKustomer
	calls     []string
}

type bulkOfKustomer struct {
	results []map[string]any
}

func (k *kustomer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("x-ratelimit-limit", "1000")
	w.Header().Set("x-ratelimit-remaining", "999")
	if r.Header.Get("Authorization") != "Bearer key-canary" {
		k.answer(w, http.StatusUnauthorized, map[string]any{"errors": []any{map[string]any{"code": "unauthorized", "message": "no"}}})
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	key, one := strings.CutPrefix(path, "customers/externalId=")
	n := -1
	_, _ = fmt.Sscanf(path, "bulk/b%d", &n)
	switch {
	case path == "customers/bulk" && (r.Method == http.MethodPost || r.Method == http.MethodPut):
		k.queue(w, r)
	case one && r.Method == http.MethodGet:
		k.calls = append(k.calls, "read")
		c := k.customers[key]
		if c == nil {
			k.answer(w, http.StatusNotFound, map[string]any{"errors": []any{map[string]any{"code": "not_found", "message": "no"}}})
			return
		}
		k.answer(w, http.StatusOK, map[string]any{"data": map[string]any{"type": "customer", "id": c["id"], "attributes": c}})
	case n >= 0 && n < len(k.bulks) && strings.HasSuffix(path, "/batches"):
		k.answer(w, http.StatusOK, []any{map[string]any{"results": k.bulks[n].results}})
	case n >= 0 && n < len(k.bulks):
		k.answer(w, http.StatusOK, map[string]any{"data": map[string]any{"id": path[5:], "attributes": map[string]any{"status": "complete"}}})
	default:
		k.t.Errorf("unexpected request %s %s", r.Method, r.URL.Path)
		w.WriteHeader(http.StatusTeapot)
	}
}

// forget drops the calls so far; called and held are what the service saw and
// has.
func (k *kustomer) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls = nil
}

func (k *kustomer) called() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.calls)
}

func (k *kustomer) held() map[string]map[string]any {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := map[string]map[string]any{}
	for key, c := range k.customers {
		out[key] = maps.Clone(c)
	}
	return out
}

func (k *kustomer) answer(w http.ResponseWriter, status int, doc any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(doc)
}

// queue takes a bulk request, and does what it asks at once.
func (k *kustomer) queue(w http.ResponseWriter, r *http.Request) {
	var items []map[string]any
	if err := json.NewDecoder(r.Body).Decode(&items); err != nil || len(items) > 100 {
		k.t.Errorf("a bulk request of %d items: %v", len(items), err)
	}
	k.calls = append(k.calls, fmt.Sprintf("%s %d", r.Method, len(items)))
	var results []map[string]any
	for _, item := range items {
		result := map[string]any{"_clientRef": item["_clientRef"]}
		delete(item, "_clientRef")
		if problem := k.store(r.Method, item, result); problem != "" {
			result["status"], result["error"] = "error", problem
		}
		results = append([]map[string]any{result}, results...) // in another order than they came
	}
	k.bulks = append(k.bulks, bulkOfKustomer{results: results})
	k.answer(w, http.StatusCreated, map[string]any{
		"data": map[string]any{"type": "bulk", "id": fmt.Sprintf("b%d", len(k.bulks)-1), "attributes": map[string]any{"status": "queued"}},
	})
}

func (k *kustomer) store(method string, item, result map[string]any) (problem string) {
	if method == http.MethodPost {
		key, _ := item["externalId"].(string)
		if k.customers[key] != nil {
			return "duplicate detected"
		}
		item["id"] = "k-" + key
		k.customers[key] = item
		result["status"], result["objectId"] = "created", item["id"]
		return ""
	}
	for _, c := range k.customers {
		if c["id"] == item["id"] {
			maps.Copy(c, item)
			result["status"], result["objectId"] = "updated", item["id"]
			return ""
		}
	}
	return "not found"
}

// A destination that no release knows: its description lies beside
// exposync.yml, and customers are created, refused, found again and updated.
func TestKustomerNeedsNoRelease(t *testing.T) {
	t.Parallel()
	k := &kustomer{t: t, customers: map[string]map[string]any{"c003": {"externalId": "c003", "id": "k-old", "name": "Somebody"}}}
	server := httptest.NewServer(k)
	t.Cleanup(server.Close)

	meta := func(mode string) string {
		return `{"to": "desk.customers", "mode": "` + mode + `", "key": {"externalId": "ext"}, "fields": {"name": "name"}}`
	}
	m := newMini(t, `create table main.export_t (ext text primary key, name text)`, meta("insert"),
		`desk: {type: kustomer, url: "`+server.URL+`", token: "{{ env_var('KUSTOMER_TOKEN') }}"}`)
	m.env = []string{"KUSTOMER_TOKEN=key-canary"}
	m.exec(`insert into main.export_t select 'c' || lpad(i::text, 3, '0'), 'name ' || i from generate_series(1, 150) i`)

	out := m.want(2, "run", "--first", "send")
	if !strings.Contains(out, "connection_type_unknown") {
		t.Fatalf("without the description:\n%s", out)
	}
	m.write("destinations/kustomer.yaml", string(must(os.ReadFile("../../fixtures/destinations/kustomer.yaml"))))
	out = m.want(4, "run", "--first", "send")
	m.wantCounts(map[string]int64{"read": 150, "created": 150, "ok": 149, "rejected": 1})
	if len(k.held()) != 150 || k.held()["c150"]["name"] != "name 150" || k.held()["c003"]["name"] != "Somebody" {
		t.Errorf("%d customers, %v, %v", len(k.held()), k.held()["c150"], k.held()["c003"])
	}
	rejects := m.want(0, "rejects")
	if !strings.Contains(rejects, "duplicate detected") || strings.Contains(out+rejects, "key-canary") {
		t.Errorf("rejects:\n%s\n%s", rejects, out)
	}

	m.meta = meta("update")
	m.exec(`update main.export_t set name = 'renamed' where ext in ('c001', 'c003')`)
	m.exec(`insert into main.export_t values ('c999', 'nobody')`)
	m.build()
	k.forget()
	m.want(4, "run")
	if k.held()["c001"]["name"] != "renamed" || k.held()["c003"]["name"] != "renamed" || k.held()["c999"] != nil || len(k.held()) != 150 {
		t.Errorf("after the update: %v, %v, %v", k.held()["c001"], k.held()["c003"], k.held()["c999"])
	}
	if diff := cmp.Diff([]string{"read", "read", "read", "PUT 2"}, k.called()); diff != "" {
		t.Errorf("calls: %s", diff)
	}

	k.forget()
	m.build()
	m.run("run")
	if len(k.called()) != 0 {
		t.Errorf("nothing changed, and there were calls: %v", k.called())
	}
}
