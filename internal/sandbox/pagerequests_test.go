package sandbox_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// vendor makes a request of HubSpot's facade of the connection crm.
func (b *bundle) vendor(method, path, kind, body string) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), method, "http://127.0.0.1:80/as/hubspot/crm"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer canary-of-the-header")
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if kind == "gzip" {
		r.Header.Set("Content-Encoding", "gzip")
	}
	w := httptest.NewRecorder()
	b.box.ServeHTTP(w, r)
	return w
}

type listed struct {
	Requests []struct {
		Number           int
		Path, Connection string
		Kind, Fault      string
	}
	Next, Count, Kept   int
	Connections, Faults []string
	Statuses            []int
}

func (b *bundle) listed(query string) (out listed) {
	b.t.Helper()
	status, body := b.call(http.MethodGet, "/_/requests?"+query, "")
	if err := json.Unmarshal([]byte(body), &out); err != nil || status != http.StatusOK {
		b.t.Fatalf("%d %s", status, body)
	}
	return out
}

func TestPageFiltersRequests(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	for range 3 {
		b.vendor(http.MethodGet, "/account-info/v3/details", "", "")
	}
	b.vendor(http.MethodGet, "/no/such/path", "", "")
	b.batch("upsert", `{"key":{"id":1},"fields":{}}`)
	b.call(http.MethodPost, "/v1/_faults", `{"rules":[{"kind":"429","times":1},{"kind":"slow","times":1}]}`)
	b.vendor(http.MethodGet, "/account-info/v3/details", "", "")
	for query, want := range map[string]string{
		"":                          "6 5 4 3 2 1",
		"connection=crm":            "6 5 4 3 2 1",
		"connection=support":        "",
		"status=4":                  "6 4",
		"status=429":                "6",
		"status=0":                  "",
		"fault=any":                 "6",
		"fault=slow":                "6",
		"fault=partial":             "",
		"status=2&limit=2":          "5 3",
		"status=2&limit=2&before=3": "2 1",
		"status=404&fault=any":      "",
	} {
		var numbers []string
		for _, r := range b.listed(query).Requests {
			numbers = append(numbers, strconv.Itoa(r.Number))
		}
		equal(t, query, want, strings.Join(numbers, " "))
	}
	all := b.listed("limit=2")
	if all.Next != 5 || all.Count != 6 || all.Kept != 6 || len(all.Requests) != 2 {
		t.Errorf("%+v", all)
	}
	equal(t, "statuses", []int{200, 404, 429}, all.Statuses)
	equal(t, "faults", []string{"429", "slow"}, all.Faults)
	if r := b.listed("status=404").Requests[0]; r.Kind != "hubspot" || r.Path != "/no/such/path" {
		t.Errorf("a request to a vendor is shown as %+v", r)
	}
	for _, bad := range []string{"limit=0", "limit=5000", "before=x", "before=-1"} {
		if status, _ := b.call(http.MethodGet, "/_/requests?"+bad, ""); status != http.StatusBadRequest {
			t.Errorf("%s: status %d", bad, status)
		}
	}
}

func TestPageKeepsTheLastRequests(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	for range 2010 {
		b.vendor(http.MethodGet, "/account-info/v3/details", "", "")
	}
	all := b.listed("limit=2000")
	if all.Count != 2010 || all.Kept != 2000 || len(all.Requests) != 2000 || all.Next != 0 || all.Requests[1999].Number != 11 {
		t.Errorf("%d of %d kept, %d listed, next %d", all.Kept, all.Count, len(all.Requests), all.Next)
	}
	_, body := b.call(http.MethodGet, "/_/overview", "")
	if len(body) > 20_000 {
		t.Errorf("what the page asks for every second has %d bytes", len(body))
	}
}

// Whatever a vendor's client sends as a credential, the page does not show it.
func TestPageHidesCredentials(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	pad := strings.Repeat("x", 8<<10-30)
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, _ = zip.Write([]byte(`{"api_key":"canary"}`))
	_ = zip.Close()
	bodies := []struct{ kind, body string }{
		{"application/json", `{"a":1,"client_secret" : "canary \" canary","api_key":"canary","b":{"$token":"canary"}}`},
		{"application/json", `{"pad":"` + pad + `","password":"canary-at-the-cut`},
		{"application/x-www-form-urlencoded", "grant_type=refresh_token&refresh_token=canary&client_secret=canary&assertion=canary"},
		{"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"access_token\"\r\n\r\ncanary\r\n--x--\r\n"},
		{"text/plain", "Api-Key=canary"},
		{"gzip", packed.String()},
	}
	for _, x := range bodies {
		b.vendor(http.MethodPost, "/crm/v3/objects/contacts?hapikey=canary&q=1&access_token=canary", x.kind, x.body)
	}
	for _, r := range b.listed("").Requests {
		_, one := b.call(http.MethodGet, fmt.Sprintf("/_/requests/%d", r.Number), "")
		if strings.Contains(one, "canary") || strings.Contains(r.Path, "canary") {
			t.Errorf("a credential is shown: %.300s", one)
		}
		if !strings.Contains(one, "***") || !strings.Contains(r.Path, "q=1") {
			t.Errorf("more is hidden than needs to be: %.300s", one)
		}
	}
}

func TestPageNamesTheServices(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	b.batch("upsert", `{"key":{"id":1},"fields":{}}`)
	b.vendor(http.MethodGet, "/crm/v3/objects/deals", "", "") // asked about, never written to
	if w := b.vendor(http.MethodPost, "/crm/v3/objects/contacts", "application/json", `{"properties":{"email":"ada@example.com"}}`); w.Code != http.StatusCreated {
		t.Fatal(w.Body)
	}
	_, body := b.call(http.MethodGet, "/_/overview", "")
	var overview struct {
		Objects []struct{ Connection, Name, Service, Object string }
	}
	if err := json.Unmarshal([]byte(body), &overview); err != nil {
		t.Fatal(err)
	}
	equal(t, "objects", []struct{ Connection, Name, Service, Object string }{
		{"_hubspot:crm", "crm", "HubSpot", "contacts"}, {"crm", "crm", "", "contacts"},
	}, overview.Objects)
}

func TestBodiesOfVendors(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	big := `{"properties":{"firstname":"` + strings.Repeat("é", 5<<20) + `"}}` // more than is read at once
	if w := b.vendor(http.MethodPost, "/crm/v3/objects/contacts", "application/json", big); w.Code != http.StatusCreated {
		t.Errorf("10 MB: %d %.200s", w.Code, w.Body)
	}
	b.vendor(http.MethodPost, "/crm/v3/objects/contacts", "application/octet-stream", "\xff\xfe\x00\x01\x02\x03\x04\x05")
	_, one := b.call(http.MethodGet, "/_/requests/1", "")
	var first struct {
		Request string
		Bytes   int
		Cut     bool `json:"request_cut"`
	}
	if err := json.Unmarshal([]byte(one), &first); err != nil || !first.Cut || first.Bytes != len(big) || len(first.Request) > 8<<10 {
		t.Errorf("%v: %d bytes, cut %v, %d kept", err, first.Bytes, first.Cut, len(first.Request))
	}
	if _, one := b.call(http.MethodGet, "/_/requests/2", ""); !strings.Contains(one, "8 bytes that are no text") {
		t.Errorf("%.300s", one)
	}
}
