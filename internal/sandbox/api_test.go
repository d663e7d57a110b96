package sandbox_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestModes(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	steps := []struct {
		mode    string
		records []string
		want    []string
	}{
		{"upsert", []string{`{"key":{"id":1},"fields":{"a":"x","n":1.50}}`, `{"key":{"id":2},"fields":{"a":null}}`}, []string{"created", "created"}},
		{"upsert", []string{`{"key":{"id":1},"fields":{"a":"y"}}`, `{"key":{"id":2},"fields":{"a":null}}`}, []string{"updated", "unchanged"}},
		{"update", []string{`{"key":{"id":3},"fields":{"a":"z"}}`, `{"key":{"id":1},"fields":{"b":12345678901234567890}}`}, []string{"rejected not_found", "updated"}},
		{"insert", []string{`{"key":{"id":1},"fields":{"a":"z"}}`, `{"key":{"id":3},"fields":{"a":"z"}}`}, []string{"rejected exists", "created"}},
		{"upsert", []string{`{"op":"delete","key":{"id":2}}`, `{"op":"delete","key":{"id":9}}`, `{"key":{"id":4},"fields":{}}`, `{"op":"delete","key":{"id":4}}`}, []string{"deleted", "deleted", "created", "deleted"}},
		{"insert", []string{`{"key":{"id":2},"fields":{"a":"again"}}`}, []string{"created"}},
		{"upsert", []string{`{"key":{"id":null},"fields":{}}`, `{"key":{},"fields":{}}`, `{"op":"merge","key":{"id":1}}`, `7`, `{"key":{"id":"1"},"fields":{"a":"text"}}`}, []string{"rejected invalid", "rejected invalid", "rejected invalid", "rejected invalid", "created"}},
	}
	for i, s := range steps {
		equal(t, fmt.Sprintf("step %d", i+1), s.want, b.batch(s.mode, s.records...))
	}
	lines, _ := b.records("?deleted=true")
	equal(t, "records", []string{
		`{"id":1} {"a":"y","b":12345678901234567890,"n":1.50} v3`,
		`{"id":2} {"a":"again"} v3`,
		`{"id":3} {"a":"z"} v1`,
		`{"id":4} {} v2 deleted`,
		`{"id":"1"} {"a":"text"} v1`,
	}, lines)
	lines, _ = b.records("")
	equal(t, "live records", 4, len(lines))
}

func TestAppendKeepsEveryRecord(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	for range 2 {
		equal(t, "statuses", []string{"appended", "appended"}, b.batch("append", `{"key":{"id":1},"fields":{"a":1}}`, `{"key":{"id":1},"fields":{"a":1}}`))
	}
	lines, _ := b.records("")
	equal(t, "records", 4, len(lines))
}

func TestHistory(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	b.batch("upsert", `{"key":{"id":1},"fields":{"a":1}}`)
	b.batch("upsert", `{"key":{"id":1},"fields":{"a":2}}`)
	b.batch("upsert", `{"op":"delete","key":{"id":1}}`)
	_, body := b.call(http.MethodPost, "/v1/crm/contacts/batch", `{"mode":"upsert","records":[{"op":"upsert","key":{"id":1},"fields":{"a":3}}]}`)
	id := body[strings.Index(body, `"id":"`)+6:][:32]
	status, body := b.call(http.MethodGet, "/v1/crm/contacts/records/"+id, "")
	want := `{"id":"` + id + `","key":{"id":1},"fields":{"a":3},"version":4,"updated_at":"2026-11-24T10:15:00Z","versions":[` +
		`{"version":4,"at":"2026-11-24T10:15:00Z","what":"created","fields":{"a":3}},` +
		`{"version":3,"at":"2026-11-24T10:15:00Z","what":"deleted"},` +
		`{"version":2,"at":"2026-11-24T10:15:00Z","what":"updated","fields":{"a":2}},` +
		`{"version":1,"at":"2026-11-24T10:15:00Z","what":"created","fields":{"a":1}}]}`
	equal(t, "history", want, body)
	equal(t, "status", http.StatusOK, status)
	for _, path := range []string{"/v1/crm/contacts/records/00", "/v1/crm/contacts/records/" + strings.Repeat("0", 32), "/v1/crm/none/records/" + id} {
		if status, _ := b.call(http.MethodGet, path, ""); status != http.StatusNotFound {
			t.Errorf("%s: status %d", path, status)
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	for n := range 25 {
		b.batch("upsert", fmt.Sprintf(`{"key":{"id":%d},"fields":{"name":"Ünï %d"}}`, n, n))
	}
	b.batch("upsert", `{"key":{"id":3},"fields":{"name":"changed"}}`)
	for _, order := range []string{"", "&order=recent"} {
		var all []string
		next := ""
		for pages := 0; ; pages++ {
			query := "?limit=7" + order
			if next != "" {
				query += "&after=" + next
			}
			var lines []string
			lines, next = b.records(query)
			all = append(all, lines...)
			if next == "" {
				break
			}
			if pages > 10 {
				t.Fatal("no end")
			}
		}
		equal(t, "records in pages"+order, 25, len(all))
		if order != "" {
			equal(t, "newest first", `{"id":3} {"name":"changed"} v2`, all[0])
			equal(t, "then", `{"id":24} {"name":"Ünï 24"} v1`, all[1])
		}
	}
	lines, _ := b.records("?q=" + url.QueryEscape("ünï 1"))
	equal(t, "found", 11, len(lines))
	for _, bad := range []string{"?after=x", "?limit=0", "?limit=1001", "?after=-1"} {
		if status, _ := b.call(http.MethodGet, "/v1/crm/contacts/records"+bad, ""); status != http.StatusBadRequest {
			t.Errorf("%s: status %d", bad, status)
		}
	}
}

func TestNamesAreKeptApart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := setup(t, dir)
	names := []string{"Contact", "contact", "../x", "a/b", "ünï", "%41", "A", "CON", strings.Repeat("x", 80), "a b?c#d"}
	for i, name := range names {
		status, body := b.call(http.MethodPost, "/v1/crm/"+url.PathEscape(name)+"/batch", fmt.Sprintf(`{"mode":"upsert","records":[{"op":"upsert","key":{"id":%d},"fields":{}}]}`, i))
		if status != http.StatusOK || !strings.Contains(body, "created") {
			t.Errorf("%q: %d %s", name, status, body)
		}
	}
	for i, name := range names {
		_, body := b.call(http.MethodGet, "/v1/crm/"+url.PathEscape(name)+"/records", "")
		if want := fmt.Sprintf(`"key":{"id":%d}`, i); strings.Count(body, `"key"`) != 1 || !strings.Contains(body, want) {
			t.Errorf("%q holds %s, want %s", name, body, want)
		}
	}
	for _, path := range []string{"/v1/_crm/x/batch", "/v1/crm/" + strings.Repeat("x", 81) + "/batch", "/v1/crm/%ff/batch"} {
		if status, _ := b.call(http.MethodPost, path, `{"mode":"upsert","records":[]}`); status != http.StatusBadRequest {
			t.Errorf("%s: status %d", path, status)
		}
	}
}

func TestLimitsAndBrokenBodies(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	one := `{"op":"upsert","key":{"id":1},"fields":{}}`
	tests := []struct {
		name, body string
		want       int
	}{
		{"a thousand", `{"mode":"append","records":[` + strings.Repeat(one+",", 999) + one + `]}`, 200},
		{"one too many", `{"mode":"append","records":[` + strings.Repeat(one+",", 1000) + one + `]}`, 413},
		{"too large", `{"mode":"upsert","records":["` + strings.Repeat("x", 4<<20) + `"]}`, 413},
		{"nothing", `{"mode":"upsert","records":[]}`, 200},
		{"torn", `{"mode":"upsert","records":[` + one, 400},
		{"two values", `{"mode":"upsert","records":[]} {}`, 400},
		{"no mode", `{"records":[]}`, 400},
		{"no records", `{"mode":"upsert"}`, 400},
		{"another member", `{"mode":"upsert","records":[],"force":true}`, 400},
		{"a list", `[]`, 400},
	}
	for _, tt := range tests {
		if status, body := b.call(http.MethodPost, "/v1/crm/contacts/batch", tt.body); status != tt.want {
			t.Errorf("%s: status %d, want %d: %.200s", tt.name, status, tt.want, body)
		}
	}
}

func TestDrop(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	b.batch("upsert", `{"key":{"id":1},"fields":{}}`)
	for _, want := range []string{`{"dropped":true}`, `{"dropped":false}`} {
		_, body := b.call(http.MethodDelete, "/v1/crm/contacts", "")
		equal(t, "answer", want, body)
	}
	lines, _ := b.records("")
	equal(t, "records", 0, len(lines))
	equal(t, "again", []string{"created"}, b.batch("upsert", `{"key":{"id":1},"fields":{}}`))
}

func TestOthersAreKeptAway(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	body := `{"mode":"upsert","records":[]}`
	tests := []struct {
		name, host, kind, site string
		want                   int
	}{
		{"us", "", "application/json; charset=utf-8", "", 200},
		{"by name", "localhost:8765", "application/json", "none", 200},
		{"IPv6", "[::1]:8765", "application/json", "same-origin", 200},
		{"a rebound name", "evil.example:80", "application/json", "", 403},
		{"a name that looks like us", "127.0.0.1.evil.example", "application/json", "", 403},
		{"a form of another site", "", "text/plain", "", 415},
		{"a form without a type", "", "", "", 415},
		{"another site", "", "application/json", "cross-site", 403},
		{"another port", "", "application/json", "same-site", 403},
	}
	for _, tt := range tests {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/v1/crm/contacts/batch", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if tt.host != "" {
			req.Host = tt.host
		}
		req.Header.Set("Content-Type", tt.kind)
		if tt.site != "" {
			req.Header.Set("Sec-Fetch-Site", tt.site)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != tt.want || resp.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: status %d, want %d", tt.name, resp.StatusCode, tt.want)
		}
	}
}

func TestHealthAndAccount(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	_, body := b.call(http.MethodGet, "/healthz", "")
	equal(t, "health", `{"sandbox":true,"token":"`+b.box.Token()+`"}`, body)
	_, body = b.call(http.MethodGet, "/v1/crm", "")
	equal(t, "account", `{"account":"sandbox/crm","sandbox":true}`, body)
	if status, _ := b.call(http.MethodGet, "/v1/crm/contacts/nothing", ""); status != http.StatusNotFound {
		t.Errorf("an unknown path: status %d", status)
	}
}
