package cli_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// sink is a service as `type: http` describes it: it stores every record under
// its key field and says of each what became of it.
type sink struct {
	*httptest.Server
	key string // the field that records are known by

	mu       sync.Mutex
	records  map[string]map[string]any
	taken    []string // the key of every record that was stored, as often as it was
	deleted  []string
	requests int
	// refuse gives a code for a record that is not to be stored; it is called
	// under the lock.
	refuse func(record map[string]any) string
	// before sees a request before anything of it is stored, after when all of
	// it is; true means that it has answered itself.
	before, after func(w http.ResponseWriter, op string, records []map[string]any) bool
}

// newSink starts the service, with records known by "ext"; it ends with the
// test.
func newSink(tb testing.TB) *sink {
	tb.Helper()
	s := &sink{}
	s.serve("ext")
	tb.Cleanup(s.Close)
	return s
}

func (s *sink) serve(key string) {
	s.key, s.records = key, map[string]map[string]any{}
	s.Server = httptest.NewServer(s)
}

// ServeHTTP takes POST /OBJECT[/OPERATION] with {"records": […]}.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	op := "upsert"
	if len(parts) > 1 {
		op = parts[1]
	}
	var doc struct {
		Records []map[string]any `json:"records"`
	}
	dec := json.NewDecoder(r.Body)
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	s.mu.Lock()
	s.requests++
	before, after := s.before, s.after
	s.mu.Unlock()
	if before != nil && before(w, op, doc.Records) {
		return
	}
	results := s.store(op, doc.Records)
	if after != nil && after(w, op, doc.Records) {
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"results": results})
}

// store takes what is not refused and gives one result per record.
func (s *sink) store(op string, records []map[string]any) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	results := make([]map[string]any, len(records))
	for i, rec := range records {
		key := fmt.Sprint(rec[s.key])
		if s.refuse != nil {
			if code := s.refuse(rec); code != "" {
				results[i] = map[string]any{"ok": false, "code": code, "message": "not this one"}
				continue
			}
		}
		results[i] = map[string]any{"ok": true, "id": "id-" + key}
		if op == "delete" {
			s.deleted = append(s.deleted, key)
			delete(s.records, key)
			continue
		}
		s.taken = append(s.taken, key)
		if s.records[key] == nil {
			s.records[key] = map[string]any{}
		}
		maps.Copy(s.records[key], rec)
	}
	return results
}

// set changes how the sink behaves while requests may be under way.
func (s *sink) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// refusing sets what is refused; refuse is called under the lock.
func (s *sink) refusing(refuse func(record map[string]any) string) {
	s.set(func() { s.refuse = refuse })
}

// field gives one field of every record by key.
func (s *sink) field(name string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]string{}
	for k, rec := range s.records {
		out[k] = fmt.Sprint(rec[name])
	}
	return out
}

// log gives the keys that were stored since the last call, sorted, and how
// many requests there were.
func (s *sink) log() (taken []string, requests int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken, requests = slices.Sorted(slices.Values(s.taken)), s.requests
	s.taken, s.requests = nil, 0
	return taken, requests
}

// project makes a mini project whose connection crm is the sink. limits is
// YAML such as {rows: 100, concurrency: 1}.
func (s *sink) project(tb testing.TB, create, meta, limits string) *mini {
	tb.Helper()
	m := newMini(tb, create, meta, `crm: {type: http, url: "{{ env_var('CRM_URL') }}", limits: `+limits+`}`)
	m.env = []string{"CRM_URL=" + s.URL}
	return m
}

// refuseAll says what is said to who did not pay: no call makes sense.
func refuseAll(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusPaymentRequired)
	_, _ = w.Write([]byte(`{"message": "the plan of this account is used up"}`))
}

// afterRecords lets n records through and then answers with no.
func afterRecords(n int, no func(http.ResponseWriter)) func(http.ResponseWriter, string, []map[string]any) bool {
	var mu sync.Mutex
	return func(w http.ResponseWriter, _ string, records []map[string]any) bool {
		mu.Lock()
		defer mu.Unlock()
		if n -= len(records); n >= 0 {
			return false
		}
		no(w)
		return true
	}
}

// once wants n different keys, each of them once.
func once(t *testing.T, keys []string, n int) {
	t.Helper()
	slices.Sort(keys)
	if different := len(slices.Compact(slices.Clone(keys))); len(keys) != n || different != n {
		t.Errorf("%d records arrived, %d different ones, want %d", len(keys), different, n)
	}
}

// holding answers nothing to the n-th request until it is let go. It tells
// when that request is there.
type holding struct {
	mu       sync.Mutex
	n        int
	there    chan struct{}
	released chan struct{}
}

func holdRequest(t *testing.T, n int) *holding {
	t.Helper()
	h := &holding{n: n, there: make(chan struct{}), released: make(chan struct{})}
	t.Cleanup(h.release)
	return h
}

func (h *holding) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.released:
	default:
		close(h.released)
	}
}

func (h *holding) hook(http.ResponseWriter, string, []map[string]any) bool {
	h.mu.Lock()
	h.n--
	n := h.n
	h.mu.Unlock()
	if n == 0 {
		close(h.there)
		<-h.released
	}
	return false
}
