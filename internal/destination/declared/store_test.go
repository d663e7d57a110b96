package declared_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"exposync/internal/destination/destinationtest"
)

const token = "s3cr3t-token-canary"

// store is a service that keeps the contract of specs/http.yaml, written from
// its comments and not with the engine's code.
type store struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	objects map[string]map[string]row // object → key → row
	logs    map[string][]row          // append
	sizes   []destinationtest.Size
	fail    destinationtest.Failure
	failing bool
	quit    chan struct{}
}

type row map[string]json.RawMessage

func newStore(t *testing.T) *store {
	t.Helper()
	s := &store{t: t, objects: map[string]map[string]row{}, logs: map[string][]row{}, quit: make(chan struct{})}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() {
		close(s.quit)
		s.Close()
	})
	return s
}

// ServeHTTP answers one batch.
func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client hung up
	}
	if s.meet(w, r) {
		return
	}
	var batch struct{ Records []row }
	if err := json.Unmarshal(body, &batch); err != nil || r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, `{"message":"not a batch"}`, http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.sizes = append(s.sizes, destinationtest.Size{Rows: len(batch.Records), Bytes: len(body)})
	s.mu.Unlock()
	object, op, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/api/"), "/")
	results := make([]string, len(batch.Records))
	for i, rec := range batch.Records {
		results[i] = s.apply(object, op, rec)
	}
	if s.answerLost() {
		hangUp(s.t, w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"results":[%s]}`, strings.Join(results, ","))
}

// meet acts out a failure that comes before the write.
func (s *store) meet(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	failing, fail := s.failing, s.fail
	if failing && fail == destinationtest.Shed {
		s.failing = false
	}
	s.mu.Unlock()
	denied := failing && fail == destinationtest.Deny
	switch {
	case r.Header.Get("Authorization") != "Bearer "+token || denied:
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"message":"token %s is not valid"}`, r.Header.Get("Authorization"))
	case failing && fail == destinationtest.Shed:
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
	case failing && fail == destinationtest.Hang:
		select {
		case <-r.Context().Done():
		case <-s.quit:
		}
	default:
		return false
	}
	return true
}

func (s *store) answerLost() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	lost := s.failing && s.fail == destinationtest.LoseAnswer
	if lost {
		s.failing = false
	}
	return lost
}

// apply does one record and gives its result.
func (s *store) apply(object, op string, rec row) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := string(rec["id"])
	if s.objects[object] == nil {
		s.objects[object] = map[string]row{}
	}
	rows := s.objects[object]
	old, exists := rows[key]
	switch {
	case string(rec["name"]) == `"spoilt value"`:
		return `{"ok":false,"code":"INVALID","message":"name 'spoilt value' is not allowed"}`
	case op == "update" && !exists:
		return `{"ok":false,"code":"not_found","message":"no such record"}`
	case op == "insert" && exists:
		return `{"ok":false,"code":"exists","message":"the record exists"}`
	case op == "append":
		s.logs[object] = append(s.logs[object], rec)
	case op == "delete":
		delete(rows, key)
	default:
		merged := row{}
		maps.Copy(merged, old)
		maps.Copy(merged, rec)
		rows[key] = merged
	}
	return fmt.Sprintf(`{"ok":true,"id":%q}`, "r-"+strings.Trim(key, `"`))
}

// rows reads an object back as the suite wants it.
func (s *store) rows(object string) []destinationtest.Row {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := append([]row(nil), s.logs[object]...)
	for _, r := range s.objects[object] {
		all = append(all, r)
	}
	out := make([]destinationtest.Row, len(all))
	for i, r := range all {
		out[i] = readRow(r)
	}
	return out
}

// readRow turns JSON into canonical text: only the field doc holds JSON.
func readRow(r row) destinationtest.Row {
	out := destinationtest.Row{}
	for name, raw := range r {
		text := string(raw)
		switch {
		case text == "null":
			out[name] = nil
			continue
		case name != "doc" && raw[0] == '"':
			if err := json.Unmarshal(raw, &text); err != nil {
				panic(err)
			}
		}
		out[name] = &text
	}
	return out
}

func (s *store) seen() []destinationtest.Size {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]destinationtest.Size(nil), s.sizes...)
}

func (s *store) arrange(t *testing.T, f destinationtest.Failure) {
	t.Helper()
	if f == destinationtest.Die {
		s.Close()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail, s.failing = f, true
}

// hangUp resets the request's connection.
func hangUp(t *testing.T, w http.ResponseWriter) {
	t.Helper()
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Errorf("hijack: %v", err)
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
