package declared_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"exposync/internal/destination/declared"
	"exposync/internal/destination/destinationtest"
	"exposync/internal/fault"
	"exposync/internal/record"
	"exposync/internal/sandbox"
)

// box is a real sandbox behind a handler that counts batches and can hang.
type box struct {
	*httptest.Server
	sandbox *sandbox.Sandbox

	mu    sync.Mutex
	sizes []destinationtest.Size
	hangs bool
	quit  chan struct{}
}

// spoilt makes the sandbox refuse one value.
func spoilt() sandbox.Rule {
	return sandbox.Rule{
		Kind: "reject", Field: "name", Value: json.RawMessage(`"spoilt value"`), Code: "INVALID", Message: "name must not be spoilt value",
	}
}

func newBox(t *testing.T) *box {
	t.Helper()
	s, err := sandbox.Open(sandbox.Config{Dir: t.TempDir(), Now: time.Now, Rules: []sandbox.Rule{spoilt()}})
	if err != nil {
		t.Fatal(err)
	}
	b := &box{sandbox: s, quit: make(chan struct{})}
	b.Server = httptest.NewServer(b)
	t.Cleanup(func() {
		close(b.quit)
		b.Close()
		if err := s.Close(); err != nil {
			t.Errorf("close the sandbox: %v", err)
		}
	})
	return b
}

// ServeHTTP looks at batches on their way.
func (b *box) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/batch") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var batch struct{ Records []json.RawMessage }
		_ = json.Unmarshal(body, &batch)
		b.mu.Lock()
		b.sizes = append(b.sizes, destinationtest.Size{Rows: len(batch.Records), Bytes: len(body)})
		hangs := b.hangs
		b.mu.Unlock()
		if hangs {
			select {
			case <-r.Context().Done():
			case <-b.quit:
			}
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	b.sandbox.ServeHTTP(w, r)
}

func (b *box) fail(t *testing.T, f destinationtest.Failure) {
	t.Helper()
	rules := []sandbox.Rule{spoilt()}
	switch f {
	case destinationtest.Die:
		b.Close()
		return
	case destinationtest.Hang:
		b.mu.Lock()
		b.hangs = true
		b.mu.Unlock()
	case destinationtest.Shed:
		rules = append(rules, sandbox.Rule{Kind: "status", Status: 503, Method: http.MethodPost, Times: 1})
	case destinationtest.LoseAnswer:
		rules = append(rules, sandbox.Rule{Kind: "reset_after_commit", Method: http.MethodPost, Times: 1})
	case destinationtest.Deny:
		t.Fatal("the sandbox has no credentials")
	}
	body, err := json.Marshal(map[string]any{"rules": rules})
	if err != nil {
		t.Fatal(err)
	}
	b.call(t, http.MethodPost, "/v1/_faults", body)
}

func (b *box) call(t *testing.T, method, path string, body []byte) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, b.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	reply, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %s, %v", method, path, resp.StatusCode, reply, err)
	}
	return reply
}

// rows reads an object page by page.
func (b *box) rows(t *testing.T, object string) []destinationtest.Row {
	t.Helper()
	var out []destinationtest.Row
	for after := ""; ; {
		var page struct {
			Records []struct{ Key, Fields row }
			Next    string
		}
		path := "/v1/crm/" + url.PathEscape(object) + "/records?limit=1000&after=" + url.QueryEscape(after)
		if err := json.Unmarshal(b.call(t, http.MethodGet, path, nil), &page); err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Records {
			whole := maps.Clone(r.Key)
			maps.Copy(whole, r.Fields)
			out = append(out, readRow(whole))
		}
		if page.Next == "" {
			return out
		}
		after = page.Next
	}
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

// The spec and the sandbox are written from one contract by two hands: here
// they meet.
func TestSandboxConforms(t *testing.T) {
	t.Parallel()
	const object = "crm.people/a b"
	destinationtest.Run(t, destinationtest.Harness{
		Missing: map[destinationtest.Ability]string{
			destinationtest.Denies:    "the sandbox has no credentials",
			destinationtest.JSONNulls: "JSON has one null",
		},
		New: func(t *testing.T) *destinationtest.Subject {
			t.Helper()
			b := newBox(t)
			return &destinationtest.Subject{
				Destination: b.connect(t), Object: object, Secrets: []string{"spoilt value"},
				Rows: func(t *testing.T) []destinationtest.Row { t.Helper(); return b.rows(t, object) },
				Spoil: func(ch *record.Change) {
					ch.Values[0] = record.Value{Kind: record.Text, Data: []byte("spoilt value")}
				},
				Fail: b.fail,
				Seen: func() []destinationtest.Size {
					b.mu.Lock()
					defer b.mu.Unlock()
					return append([]destinationtest.Size(nil), b.sizes...)
				},
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
