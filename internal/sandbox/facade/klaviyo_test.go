package facade_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"exposync/internal/sandbox/facade"
	"exposync/internal/sandbox/facade/facadetest"
)

func klaviyoHarness() facadetest.Harness {
	return facadetest.Harness{
		Kind: "klaviyo", Object: "profiles", Method: http.MethodGet, Path: "/api/accounts",
		Authorize: func(r *http.Request) {
			r.Header.Set("Authorization", "Klaviyo-API-Key "+facadetest.Secret)
			r.Header.Set("Revision", "2026-07-15")
		},
		Write: func(c *facadetest.Client, key, value string) string {
			status, _, body := c.Do(http.MethodPost, "/api/profile-import", klaviyoOne(key, `"first_name":"`+value+`"`))
			if status != 200 && status != 201 && status != 400 {
				c.T.Fatalf("status %d: %s", status, body)
			}
			return gjson.Get(body, "errors.0.detail").String()
		},
		Answers: map[facade.Trouble]facadetest.Answer{
			facade.Unauthorized: {Status: 401, Says: `"code":"not_authenticated"`},
			facade.Expired:      {Status: 401, Says: `"code":"authentication_failed"`},
			facade.Throttled:    {Status: 429, Says: `"code":"throttled"`, Header: map[string]string{"Retry-After": "1"}},
			facade.Exhausted:    {Status: 429, Says: `"code":"throttled"`, Header: map[string]string{"Retry-After": "59"}},
			facade.Down:         {Status: 503, Says: `"errors":[`},
		},
	}
}

func klaviyoProfileBody(email, more string) string {
	if more != "" {
		more = "," + more
	}
	return fmt.Sprintf(`{"type":"profile","attributes":{"email":%q%s}}`, email, more)
}

func klaviyoOne(email, more string) string {
	return `{"data":` + klaviyoProfileBody(email, more) + `}`
}

func klaviyoJobBody(list string, profiles ...string) string {
	relationships := ""
	if list != "" {
		relationships = `,"relationships":{"lists":{"data":[{"type":"list","id":"` + list + `"}]}}`
	}
	return `{"data":{"type":"profile-bulk-import-job","attributes":{"profiles":{"data":[` + strings.Join(profiles, ",") + `]}}` + relationships + `}}`
}

func TestKlaviyoKeepsTheSeam(t *testing.T) {
	t.Parallel()
	facadetest.Run(t, klaviyoHarness())
}

func TestKlaviyoRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		says       string
	}{
		{"an address that is none", klaviyoOne("nobody", ""), "Invalid email address"},
		{"a phone number that is not E.164", klaviyoOne("a@example.com", `"phone_number":"030 1234"`), "/data/attributes/phone_number"},
		{"an attribute that there is not", klaviyoOne("a@example.com", `"ltv":1`), "'ltv' is not a valid field"},
		{"a number for a text", klaviyoOne("a@example.com", `"first_name":1`), "must be a string"},
		{"properties that are none", klaviyoOne("a@example.com", `"properties":[1]`), "must be an object"},
		{"nobody", `{"data":{"type":"profile","attributes":{"first_name":"x"}}}`, "One of the following must be provided"},
		{"another type", `{"data":{"type":"event","attributes":{"email":"a@example.com"}}}`, "valid resource type"},
		{"a profile of more than 100 KB", klaviyoOne("a@example.com", `"title":"`+strings.Repeat("x", 100_000)+`"`), "larger than 100KB"},
		{"no JSON", `{"data":`, "Invalid JSON"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := facadetest.New(t, klaviyoHarness())
			status, header, body := c.Do(http.MethodPost, "/api/profile-import", tt.body)
			if status != 400 || !strings.Contains(body, tt.says) || header.Get("Content-Type") != "application/vnd.api+json" {
				t.Errorf("status %d %s, want %q: %s", status, header.Get("Content-Type"), tt.says, body)
			}
			if records := c.Records("profiles"); len(records) != 0 {
				t.Errorf("what was refused is kept: %+v", records)
			}
		})
	}
	t.Run("an import of more than 5 MB", func(t *testing.T) {
		t.Parallel()
		c := facadetest.New(t, klaviyoHarness())
		one := `{"type":"profile","attributes":{"email":"a@example.com","title":"` + strings.Repeat("x", 5_000_000) + `"}}`
		status, _, _ := c.Do(http.MethodPost, "/api/profile-bulk-import-jobs", `{"data":{"type":"profile-bulk-import-job","attributes":{"profiles":{"data":[`+one+`]}}}}`)
		if records := c.Records("profiles"); status != 413 || len(records) != 0 {
			t.Errorf("status %d, kept %d", status, len(records))
		}
	})
	t.Run("no revision", func(t *testing.T) {
		t.Parallel()
		c := facadetest.New(t, klaviyoHarness())
		r := c.Request(http.MethodGet, "/api/accounts", "")
		r.Header.Set("Authorization", "Klaviyo-API-Key x")
		if status, _, body := c.Send(r); status != 400 || !strings.Contains(body, "revision") {
			t.Errorf("status %d: %s", status, body)
		}
	})
}

func TestKlaviyoProfiles(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, klaviyoHarness())
	status, _, body := c.Do(http.MethodPost, "/api/profile-import", klaviyoOne("Ada@example.com", `"external_id":"A-1","properties":{"ltv":12.50,"plan":"pro"}`))
	id := gjson.Get(body, "data.id").String()
	if status != 201 || id == "" || gjson.Get(body, "data.links.self").String() == "" {
		t.Fatalf("status %d: %s", status, body)
	}
	status, _, body = c.Do(http.MethodPost, "/api/profile-import", klaviyoOne("ada@example.com", `"properties":{"plan":null}`))
	if status != 200 || gjson.Get(body, "data.id").String() != id || gjson.Get(body, "data.attributes.properties.ltv").Raw != "12.50" || gjson.Get(body, "data.attributes.properties.plan").Type != gjson.Null {
		t.Errorf("absent keeps, null clears: status %d: %s", status, body)
	}
	if status, _, body := c.Do(http.MethodPost, "/api/profiles", klaviyoOne("ada@example.com", "")); status != 409 || gjson.Get(body, "errors.0.meta.duplicate_profile_id").String() != id {
		t.Errorf("created twice: status %d: %s", status, body)
	}
	c.Do(http.MethodPost, "/api/profile-import", klaviyoOne("b@example.com", `"external_id":"B-1"`))
	if status, _, body := c.Do(http.MethodPost, "/api/profile-import", klaviyoOne("b@example.com", `"external_id":"A-1"`)); status != 409 {
		t.Errorf("identifiers of two profiles: status %d: %s", status, body)
	}
	filter := "/api/profiles?page%5Bsize%5D=1&filter=" + strings.ReplaceAll(`any(external_id,["A-1","B-1","C-1"])`, `"`, "%22")
	status, _, body = c.Do(http.MethodGet, filter, "")
	next := strings.TrimPrefix(gjson.Get(body, "links.next").String(), c.Base)
	if status != 200 || gjson.Get(body, "data.#").Int() != 1 || next == "" {
		t.Fatalf("status %d: %s", status, body)
	}
	if _, _, body := c.Do(http.MethodGet, next, ""); gjson.Get(body, "data.0.attributes.external_id").String() != "B-1" || gjson.Get(body, "links.next").Type != gjson.Null {
		t.Errorf("the second page: %s", body)
	}
	if status, _, body := c.Do(http.MethodGet, "/api/profiles?filter=contains(email,%22a%22)", ""); status != 400 {
		t.Errorf("a filter that there is not: status %d: %s", status, body)
	}
	if status, _, body := c.Do(http.MethodPatch, "/api/profiles/"+id, `{"data":{"type":"profile","id":"`+id+`","attributes":{"last_name":"L"}}}`); status != 200 || gjson.Get(body, "data.attributes.last_name").String() != "L" {
		t.Errorf("patched: status %d: %s", status, body)
	}
}

func TestKlaviyoJobs(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, klaviyoHarness())
	var profiles []string
	for i := range 130 {
		phone := ""
		if i%2 == 1 {
			phone = `"phone_number":"12"`
		}
		profiles = append(profiles, klaviyoProfileBody(fmt.Sprintf("p%d@example.com", i), phone))
	}
	status, _, body := c.Do(http.MethodPost, "/api/profile-bulk-import-jobs", klaviyoJobBody("L1", profiles...))
	job := "/api/profile-bulk-import-jobs/" + gjson.Get(body, "data.id").String()
	if status != 202 || gjson.Get(body, "data.attributes.status").String() != "queued" {
		t.Fatalf("status %d: %s", status, body)
	}
	states := ""
	for range 2 {
		_, _, body = c.Do(http.MethodGet, job, "")
		states += gjson.Get(body, "data.attributes.status").String() + " "
	}
	if states != "processing complete " || gjson.Get(body, "data.attributes.failed_count").Int() != 65 || gjson.Get(body, "data.attributes.completed_count").Int() != 65 {
		t.Errorf("%s: %s", states, body)
	}
	seen, pages := map[string]bool{}, 0
	for at := job + "/import-errors"; at != ""; pages++ {
		_, _, body = c.Do(http.MethodGet, at, "")
		for _, e := range gjson.Get(body, "data").Array() {
			seen[e.Get("attributes.source.pointer").String()] = true
			if !strings.HasSuffix(e.Get("attributes.original_payload.email").String(), "@example.com") {
				t.Errorf("an error without its payload: %s", e.Raw)
			}
		}
		at = strings.TrimPrefix(gjson.Get(body, "links.next").String(), c.Base)
	}
	if len(seen) != 65 || pages != 4 || !seen["/data/attributes/profiles/data/129/attributes/phone_number"] {
		t.Errorf("%d errors on %d pages", len(seen), pages)
	}
	if _, _, body := c.Do(http.MethodGet, "/api/lists/L1/profiles?page%5Bsize%5D=100", ""); gjson.Get(body, "data.#").Int() != 65 {
		t.Errorf("members: %s", body)
	}
	first := c.Records("list L1")[0].Key.ID
	leave := `{"data":[{"type":"profile","id":"` + first + `"}]}`
	if status, _, body := c.Do(http.MethodDelete, "/api/lists/L1/relationships/profiles", leave); status != 204 || body != "" {
		t.Errorf("status %d: %s", status, body)
	}
	if records := c.Records("list L1"); !records[0].Deleted {
		t.Errorf("who left is a member: %+v", records[0])
	}
	if status, _, _ := c.Do(http.MethodPost, "/api/lists/L1/relationships/profiles", leave); status != 204 || c.Records("list L1")[0].Deleted {
		t.Errorf("who came back is none")
	}
}

func TestKlaviyoJobsEndByThemselves(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, klaviyoHarness())
	_, _, body := c.Do(http.MethodPost, "/api/profile-bulk-import-jobs", klaviyoJobBody("", klaviyoProfileBody("a@example.com", "")))
	c.Pass(time.Minute)
	c.Restart()
	if _, _, body := c.Do(http.MethodGet, "/api/profile-bulk-import-jobs/"+gjson.Get(body, "data.id").String(), ""); gjson.Get(body, "data.attributes.status").String() != "complete" {
		t.Error(body)
	}
	for body, status := range map[string]int{
		klaviyoJobBody(""): 400, klaviyoJobBody("no list!", klaviyoProfileBody("a@example.com", "")): 404, `{"data":{"type":"x"}}`: 400,
	} {
		if got, _, answer := c.Do(http.MethodPost, "/api/profile-bulk-import-jobs", body); got != status {
			t.Errorf("%s: status %d, want %d: %s", body, got, status, answer)
		}
	}
	if status, _, _ := c.Do(http.MethodGet, "/api/profile-bulk-import-jobs/nothing", ""); status != 404 {
		t.Errorf("a job that there is not: status %d", status)
	}
}
