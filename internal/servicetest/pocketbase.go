package servicetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"testing"
)

// PocketBase is a real PocketBase server: collections of typed records behind
// HTTP, with batches that are written whole or not at all.
type PocketBase struct {
	URL   string
	Token string // of a superuser, in the header Authorization
	tb    testing.TB
}

// NewPocketBase starts an empty server that takes batches of up to 50 requests.
// It ends with the test.
func NewPocketBase(tb testing.TB) *PocketBase {
	tb.Helper()
	program, dir, address := binary(tb, pocketBase), tb.TempDir(), freeAddress(tb)
	where := []string{"--dir", dir + "/data", "--migrationsDir", dir + "/migrations", "--dev=false"}
	user, pass := "ci@example.com", rand.Text()
	// the process is stopped by start, not by a context that ends before it
	ctx := context.WithoutCancel(tb.Context())
	admin := exec.CommandContext(ctx, program, append([]string{"superuser", "upsert", user, pass}, where...)...) //nolint:gosec // the test server
	if out, err := admin.CombinedOutput(); err != nil {
		tb.Fatalf("pocketbase superuser: %v\n%s", err, out)
	}
	serve := exec.CommandContext(ctx, program, append([]string{"serve", "--http", address}, where...)...) //nolint:gosec // the test server
	p := &PocketBase{URL: start(tb, address, "/api/health", serve).url, tb: tb}
	// only this server knows the password: another one at the port would refuse it
	var login struct{ Token string }
	p.Call(http.MethodPost, "/api/collections/_superusers/auth-with-password", map[string]string{"identity": user, "password": pass}, &login)
	p.Token = login.Token
	p.Call(http.MethodPatch, "/api/settings", map[string]any{
		"batch": map[string]any{"enabled": true, "maxRequests": 50, "timeout": 3},
		"meta":  map[string]any{"appName": "Acme CRM", "appURL": "https://crm.example.com", "senderName": "Acme", "senderAddress": "crm@example.com"},
	}, nil)
	return p
}

// Field is one field of a collection, as PocketBase's API describes it: name,
// type, required, max, values and more.
type Field map[string]any

// Collection makes a collection; its id comes by itself, 15 letters and digits.
func (p *PocketBase) Collection(name string, fields ...Field) {
	p.tb.Helper()
	p.Call(http.MethodPost, "/api/collections", map[string]any{"name": name, "type": "base", "fields": fields}, nil)
}

// Records reads all records of a collection by id.
func (p *PocketBase) Records(collection string) map[string]map[string]any {
	p.tb.Helper()
	out := map[string]map[string]any{}
	for page, pages := 1, 1; page <= pages; page++ {
		var doc struct {
			TotalPages int              `json:"totalPages"`
			Items      []map[string]any `json:"items"`
		}
		p.Call(http.MethodGet, fmt.Sprintf("/api/collections/%s/records?perPage=500&page=%d", collection, page), nil, &doc)
		pages = doc.TotalPages
		for _, item := range doc.Items {
			out[fmt.Sprint(item["id"])] = item
		}
	}
	return out
}

// Call sends a request as the superuser and decodes the answer; anything but
// 2xx fails the test.
func (p *PocketBase) Call(method, path string, body, into any) {
	p.tb.Helper()
	var in bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&in).Encode(body); err != nil {
			p.tb.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(p.tb.Context(), method, p.URL+path, &in)
	if err != nil {
		p.tb.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", p.Token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.tb.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	out, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 {
		p.tb.Fatalf("%s %s: %d %v\n%s", method, path, resp.StatusCode, err, out)
	}
	if into != nil {
		if err := json.Unmarshal(out, into); err != nil {
			p.tb.Fatal(err)
		}
	}
}
