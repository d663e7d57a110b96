package sandbox_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"exposync/internal/sandbox"
)

func TestParseFaults(t *testing.T) {
	t.Parallel()
	rules, err := sandbox.ParseFaults("429=5%, slow=3s,slow, partial,,html-200=100%")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rules {
		got = append(got, fmt.Sprintf("%s %g %d", r.Kind, r.Rate, r.DelayMS))
	}
	equal(t, "rules", []string{"429 0.05 0", "slow 1 3000", "slow 0.2 2000", "partial 0.05 0", "html-200 1 0"}, got)
	for _, text := range []string{"428", "status", "429=5", "429=0%", "429=101%", "429=NaN%", "429=3s", "slow=-1s", "partial="} {
		if _, err := sandbox.ParseFaults(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	for _, word := range sandbox.FaultWords() {
		if _, err := sandbox.Open(sandbox.Config{Dir: t.TempDir(), Now: time.Now, Rules: []sandbox.Rule{{Kind: word, Rate: 0.5}}}); err != nil {
			t.Errorf("%s: %v", word, err)
		}
	}
}

// seeded gives the statuses of 2000 reads of a sandbox that fails at a rate of
// a fifth.
func seeded(t *testing.T, seed uint64) (statuses string) {
	t.Helper()
	box, err := sandbox.Open(sandbox.Config{
		Dir: t.TempDir(), Now: time.Now, Seed: seed, Rules: []sandbox.Rule{{Kind: sandbox.ServerError, Rate: 0.2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = box.Close() }()
	for range 2000 {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/v1/crm", nil)
		w := httptest.NewRecorder()
		box.ServeHTTP(w, r)
		statuses += string(rune('0' + w.Code/100))
	}
	return statuses
}

func TestRatesFollowTheSeed(t *testing.T) {
	t.Parallel()
	one := seeded(t, 1)
	if one != seeded(t, 1) {
		t.Error("the same seed fails otherwise")
	}
	if one == seeded(t, 2) {
		t.Error("another seed fails alike")
	}
	for seed := range uint64(20) {
		if n := strings.Count(seeded(t, seed), "5"); n < 320 || n > 480 {
			t.Errorf("seed %d: %d of 2000 fail, want some 400", seed, n)
		}
	}
}

// Whatever the rate, the first request that writes fails, and of a record the
// same is decided every time.
func TestRatesOfSmallRuns(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	b.call(http.MethodPost, "/v1/_faults", `{"rules":[{"kind":"5xx","rate":0.000001}]}`)
	if status, _ := b.call(http.MethodGet, "/v1/crm", ""); status != http.StatusOK {
		t.Errorf("a read: status %d", status)
	}
	const body = `{"mode":"upsert","records":[]}`
	for i, want := range []int{503, 200, 200} {
		if status, _ := b.call(http.MethodPost, "/v1/crm/contacts/batch", body); status != want {
			t.Errorf("write %d: status %d, want %d", i+1, status, want)
		}
	}
	b.call(http.MethodPost, "/v1/_faults", `{"rules":[{"kind":"partial","rate":0.3}]}`)
	var records []string
	for i := range 100 {
		records = append(records, fmt.Sprintf(`{"key":{"id":%d},"fields":{}}`, i))
	}
	first := strings.Join(b.batch("upsert", records...), " ")
	if n := strings.Count(first, "rejected rejected"); n < 15 || n > 45 {
		t.Errorf("%d of 100 are refused, want some 30", n)
	}
	if again := strings.Join(b.batch("upsert", records...), " "); strings.ReplaceAll(again, "unchanged", "created") != first {
		t.Error("sent again, other records are refused")
	}
}

// Rules reach a vendor by parts of its path, and the page names only those
// that did something.
func TestFaultsOfOneObjectOfAVendor(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	b.call(http.MethodPost, "/v1/_faults", `{"rules":[{"kind":"status","status":418,"object":"deals"},{"kind":"partial","rate":0.000001},{"kind":"duplicate-id"}]}`)
	for _, object := range []string{"deals", "contacts"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/as/hubspot/crm/crm/v3/objects/"+object, strings.NewReader(`{"properties":{}}`))
		r.Header.Set("Authorization", "Bearer x")
		w := httptest.NewRecorder()
		b.box.ServeHTTP(w, r)
		if want := map[string]int{"deals": 418, "contacts": 201}[object]; w.Code != want {
			t.Errorf("%s: status %d, want %d: %s", object, w.Code, want, w.Body)
		}
	}
	_, body := b.call(http.MethodGet, "/_/overview", "")
	if !strings.Contains(body, `"fault":"status"`) || strings.Contains(body, `"fault":"partial`) || strings.Contains(body, `"fault":"duplicate`) {
		t.Error(body)
	}
}

// A page of another site cannot write, whatever type its body has.
func TestVendorsKeepOtherSitesOut(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	for name, value := range map[string]string{"Origin": "https://example.com", "Sec-Fetch-Site": "cross-site", "Host": "example.com"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/as/hubspot/crm/crm/v3/objects/contacts", strings.NewReader(`{"properties":{}}`))
		r.Header.Set("Authorization", "Bearer x")
		r.Header.Set(name, value)
		if name == "Host" {
			r.Host = value
		}
		w := httptest.NewRecorder()
		b.box.ServeHTTP(w, r)
		if w.Code != http.StatusForbidden {
			t.Errorf("%s: %s is answered with %d", name, value, w.Code)
		}
	}
}
