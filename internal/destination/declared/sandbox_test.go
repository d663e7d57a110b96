package declared_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"exposync/internal/destination/declared"
	"exposync/internal/destination/destinationtest"
	"exposync/internal/fault"
	"exposync/internal/record"
)

// box keeps the contract of the sandbox's generic store, as specs/sandbox.yaml
// relies on it.
type box struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	objects map[string]map[string]row // object → key → key and fields
	logs    map[string][]row
	sizes   []destinationtest.Size
	next    []destinationtest.Failure
	quit    chan struct{}
}

type boxRecord struct {
	Op     string
	Key    row
	Fields row
}

func newBox(t *testing.T) *box {
	t.Helper()
	b := &box{t: t, objects: map[string]map[string]row{}, logs: map[string][]row{}, quit: make(chan struct{})}
	b.Server = httptest.NewServer(b)
	t.Cleanup(func() {
		close(b.quit)
		b.Close()
	})
	return b
}

// ServeHTTP answers the account and batches.
func (b *box) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	parts := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/v1/"), "/")
	if len(parts) == 1 && r.Method == http.MethodGet {
		fmt.Fprintf(w, `{"account":"sandbox/%s","sandbox":true}`, parts[0])
		return
	}
	var batch struct {
		Mode    string
		Records []boxRecord
	}
	if err := json.NewDecoder(r.Body).Decode(&batch); err != nil || len(parts) != 3 || parts[2] != "batch" {
		http.Error(w, `{"message":"not a batch"}`, http.StatusBadRequest)
		return
	}
	failure, failing := b.failure()
	switch {
	case failing && failure == destinationtest.Shed:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case failing && failure == destinationtest.Hang:
		select {
		case <-r.Context().Done():
		case <-b.quit:
		}
		return
	}
	reply := b.take(parts[1], batch.Mode, batch.Records, int(r.ContentLength))
	if failing && failure == destinationtest.LoseAnswer {
		hangUp(b.t, w)
		return
	}
	fmt.Fprint(w, reply)
}

func (b *box) failure() (destinationtest.Failure, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.next) == 0 {
		return 0, false
	}
	f := b.next[0]
	if f != destinationtest.Hang {
		b.next = b.next[1:]
	}
	return f, true
}

func (b *box) take(object, mode string, records []boxRecord, size int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sizes = append(b.sizes, destinationtest.Size{Rows: len(records), Bytes: size})
	if b.objects[object] == nil {
		b.objects[object] = map[string]row{}
	}
	accepted := 0
	results := make([]string, len(records))
	for i, rec := range records {
		status := b.apply(object, mode, rec)
		if !strings.HasPrefix(status, `"rejected"`) {
			accepted++
		}
		results[i] = `{"status":` + status + `,"id":"` + strconv.Itoa(i) + `"}`
	}
	return fmt.Sprintf(`{"results":[%s],"accepted":%d}`, strings.Join(results, ","), accepted)
}

func (b *box) apply(object, mode string, rec boxRecord) string {
	key := string(rec.Key["id"])
	old, exists := b.objects[object][key]
	whole := maps.Clone(rec.Key)
	maps.Copy(whole, rec.Fields)
	switch {
	case rec.Op == "delete":
		delete(b.objects[object], key)
		return `"deleted"`
	case string(rec.Fields["name"]) == `"spoilt value"`:
		return `"rejected","code":"INVALID","message":"name must not be spoilt value"`
	case mode == "append":
		b.logs[object] = append(b.logs[object], whole)
		return `"appended"`
	case mode == "update" && !exists:
		return `"rejected","code":"not_found","message":"no such record"`
	case mode == "insert" && exists:
		return `"rejected","code":"exists","message":"the record exists"`
	}
	merged := row{}
	maps.Copy(merged, old)
	maps.Copy(merged, whole)
	b.objects[object][key] = merged
	if exists {
		return `"updated"`
	}
	return `"created"`
}

func (b *box) rows(object string) []destinationtest.Row {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []destinationtest.Row
	for _, r := range b.logs[object] {
		out = append(out, readRow(r))
	}
	for _, r := range b.objects[object] {
		out = append(out, readRow(r))
	}
	return out
}

func (b *box) connect(t *testing.T) *declared.Destination {
	t.Helper()
	d, err := declared.New(declared.Config{
		Kind: "sandbox", Name: "crm", Where: "exposync.yml:9", Rest: restConfig(),
		Params: map[string]string{"url": b.URL, "connection": "crm"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSandboxConforms(t *testing.T) {
	t.Parallel()
	destinationtest.Run(t, destinationtest.Harness{
		Missing: map[destinationtest.Ability]string{
			destinationtest.Denies:    "the sandbox has no credentials",
			destinationtest.JSONNulls: "JSON has one null",
		},
		New: func(t *testing.T) *destinationtest.Subject {
			t.Helper()
			b := newBox(t)
			return &destinationtest.Subject{
				Destination: b.connect(t), Object: "crm.people/a",
				Rows: func(*testing.T) []destinationtest.Row { return b.rows("crm.people%2Fa") },
				Spoil: func(ch *record.Change) {
					ch.Values[0] = record.Value{Kind: record.Text, Data: []byte("spoilt value")}
				},
				Fail: func(t *testing.T, f destinationtest.Failure) {
					t.Helper()
					if f == destinationtest.Die {
						b.Close()
						return
					}
					b.mu.Lock()
					defer b.mu.Unlock()
					b.next = append(b.next, f)
				},
				Seen: func() []destinationtest.Size {
					b.mu.Lock()
					defer b.mu.Unlock()
					return append([]destinationtest.Size(nil), b.sizes...)
				},
				Secrets: []string{"spoilt value"},
			}
		},
	})
}

func TestSandboxTellsItsAccount(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	d := b.connect(t)
	defer func() { _ = d.Close() }()
	if got, err := d.Account(t.Context()); got != "sandbox/crm" || err != nil {
		t.Errorf("Account() = %q, %v", got, err)
	}
	b.Close()
	if _, err := d.Account(t.Context()); !fault.Is(err, "http_unreachable") || !strings.Contains(err.Error(), "exposync.yml:9") {
		t.Errorf("Account() of a sandbox that is down = %v", err)
	}
}
