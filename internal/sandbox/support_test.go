package sandbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/sandbox"
)

// bundle is one sandbox behind a real server.
type bundle struct {
	t   testing.TB
	box *sandbox.Sandbox
	url string
	now time.Time
}

func setup(tb testing.TB, dir string) *bundle {
	tb.Helper()
	b := &bundle{t: tb, now: time.Date(2026, 11, 24, 10, 15, 0, 0, time.UTC)}
	var err error
	if b.box, err = sandbox.Open(sandbox.Config{Dir: dir, Now: func() time.Time { return b.now }}); err != nil {
		tb.Fatal(err)
	}
	server := httptest.NewServer(b.box)
	b.url = server.URL
	tb.Cleanup(func() { server.Close(); _ = b.box.Close() })
	return b
}

// call makes a request and gives status and body.
func (b *bundle) call(method, path, body string) (int, string) {
	b.t.Helper()
	status, answer, err := b.try(method, path, body)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	return status, answer
}

func (b *bundle) try(method, path, body string) (int, string, error) {
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(data), err
}

type answer struct {
	Accepted int `json:"accepted"`
	Results  []struct{ Status, ID, Code, Message string }
}

// batch writes records, each given as JSON without op, and gives the statuses.
func (b *bundle) batch(mode string, records ...string) []string {
	b.t.Helper()
	for i, r := range records {
		if strings.HasPrefix(r, `{"key"`) {
			records[i] = `{"op":"upsert",` + r[1:]
		}
	}
	status, body := b.call(http.MethodPost, "/v1/crm/contacts/batch", fmt.Sprintf(`{"mode":%q,"records":[%s]}`, mode, strings.Join(records, ",")))
	if status != http.StatusOK {
		b.t.Fatalf("status %d: %s", status, body)
	}
	var a answer
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		b.t.Fatal(err)
	}
	out, accepted := make([]string, len(a.Results)), 0
	for i, r := range a.Results {
		out[i] = r.Status
		if r.Code != "" {
			out[i] += " " + r.Code
		} else {
			accepted++
		}
	}
	if accepted != a.Accepted {
		b.t.Errorf("accepted is %d, but %d results are", a.Accepted, accepted)
	}
	return out
}

// records lists an object as lines of key, fields and version.
func (b *bundle) records(query string) (lines []string, next string) {
	b.t.Helper()
	_, body := b.call(http.MethodGet, "/v1/crm/contacts/records"+query, "")
	var page struct {
		Records []struct {
			ID          string
			Key, Fields json.RawMessage
			Version     int
			Deleted     bool
		}
		Next string
	}
	if err := json.NewDecoder(bytes.NewReader([]byte(body))).Decode(&page); err != nil {
		b.t.Fatalf("%v in %s", err, body)
	}
	for _, r := range page.Records {
		line := fmt.Sprintf("%s %s v%d", r.Key, r.Fields, r.Version)
		if r.Deleted {
			line += " deleted"
		}
		lines = append(lines, line)
	}
	return lines, page.Next
}

func equal[T any](tb testing.TB, what string, want, got T) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s mismatch (-want +got):\n%s", what, diff)
	}
}
