package facade_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"exposync/internal/sandbox/facade"
	"exposync/internal/sandbox/facade/facadetest"
)

func intercomHarness() facadetest.Harness {
	return facadetest.Harness{
		Kind: "intercom", Object: "contacts", Method: http.MethodGet, Path: "/me",
		Authorize: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+facadetest.Secret) },
		Write: func(c *facadetest.Client, key, value string) string {
			_, _, body := c.Do(http.MethodPost, "/contacts/search", fmt.Sprintf(`{"query":{"field":"email","operator":"=","value":%q}}`, key))
			method, path := http.MethodPost, "/contacts"
			if id := gjson.Get(body, "data.0.id").String(); id != "" {
				method, path = http.MethodPut, "/contacts/"+id
			}
			status, _, body := c.Do(method, path, fmt.Sprintf(`{"email":%q,"name":%q}`, key, value))
			if status != 200 && status != 400 {
				c.T.Fatalf("status %d: %s", status, body)
			}
			return gjson.Get(body, "errors.0.message").String()
		},
		Answers: map[facade.Trouble]facadetest.Answer{
			facade.Unauthorized: {Status: 401, Says: `"type":"error.list"`},
			facade.Expired:      {Status: 401, Says: `"code":"unauthorized"`},
			facade.Throttled:    {Status: 429, Says: `"code":"rate_limit_exceeded"`, Header: map[string]string{"X-Ratelimit-Remaining": "0"}},
			facade.Exhausted:    {Status: 429, Says: `"code":"rate_limit_exceeded"`},
			facade.Down:         {Status: 503, Says: `"code":"service_unavailable"`},
		},
	}
}

func TestIntercomKeepsTheSeam(t *testing.T) {
	t.Parallel()
	facadetest.Run(t, intercomHarness())
}

func TestIntercomRefuses(t *testing.T) {
	t.Parallel()
	c := facadetest.NewStrict(t, intercomHarness())
	attribute := func(name, kind string) {
		if status, _, body := c.Do(http.MethodPost, "/data_attributes", `{"name":"`+name+`","model":"contact","data_type":"`+kind+`","options":[{"value":"a"}]}`); status != 200 {
			t.Fatalf("status %d: %s", status, body)
		}
	}
	attribute("tier", "string")
	attribute("vip", "boolean")
	_, _, body := c.Do(http.MethodPost, "/contacts", `{"external_id":"a","email":"a@example.com"}`)
	id := gjson.Get(body, "id").String()
	for _, tt := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"POST", "/contacts", `{"external_id":"x","email":"nobody"}`, 400, "Email is invalid"},
		{"POST", "/contacts", `{"external_id":"x","email_verified":true}`, 400, "without an email"},
		{"POST", "/contacts", `{"external_id":"x","role":"king"}`, 400, "Role must be"},
		{"POST", "/contacts", `{"external_id":"x","signed_up_at":"2026-01-01"}`, 400, "UNIX timestamp"},
		{"POST", "/contacts", `{"external_id":"x","custom_attributes":{"nothing":1}}`, 400, "'nothing' does not exist"},
		{"POST", "/contacts", `{"external_id":"x","custom_attributes":{"tier":"z"}}`, 400, "one of its options"},
		{"POST", "/contacts", `{"external_id":"x","custom_attributes":{"vip":"yes"}}`, 400, "must be a boolean"},
		{"POST", "/contacts", `{"external_id":"x","custom_attributes":{"tier":{"a":1}}}`, 400, "cannot be nested"},
		{"POST", "/contacts", `{"name":"x"}`, 400, "is required"},
		{"POST", "/contacts", `{"name"`, 400, "no JSON object"},
		{"POST", "/contacts", `{"external_id":"x","email":"A@example.com"}`, 409, "already exists with id=" + id},
		{"PUT", "/contacts/nobody", `{"name":"x"}`, 404, "User Not Found"},
		{"POST", "/contacts/search", `{"query":{"operator":"OR","value":[` + strings.Repeat(`{"field":"id","operator":"=","value":"1"},`, 15) + `{}]}}`, 400, "1 to 15"},
		{"POST", "/contacts/search", `{"query":{"field":"email","operator":"~","value":"a"}}`, 400, "by = and IN"},
		{"POST", "/companies", `{}`, 400, "is required"},
		{"POST", "/companies", `{"company_id":"c","monthly_spend":2147483648}`, 400, "at most 2147483647"},
		{"POST", "/custom_object_instances/Order", `{"external_id":"o"}`, 404, "type not found"},
		{"GET", "/data_attributes?model=ticket", "", 400, "model must be"},
		{"GET", "/nothing", "", 404, "not_found"},
	} {
		if status, _, body := c.Do(tt.method, tt.path, tt.body); status != tt.status || !strings.Contains(body, tt.says) {
			t.Errorf("%s %s %.80s: status %d, want %d with %q: %s", tt.method, tt.path, tt.body, status, tt.status, tt.says, body)
		}
	}
	if status, _, body := c.Do(http.MethodGet, "/me", "", "Intercom-Version", "latest"); status != 400 || !strings.Contains(body, "intercom_version_invalid") {
		t.Errorf("a version that is none: status %d: %s", status, body)
	}
	if records := c.Records("contacts"); len(records) != 1 {
		t.Errorf("what was refused is kept: %+v", records)
	}
}

func TestIntercomContacts(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, intercomHarness())
	_, _, body := c.Do(http.MethodPost, "/contacts", `{"external_id":"a","email":"Ada@example.com","custom_attributes":{"score":12.50}}`)
	id := gjson.Get(body, "id").String()
	if len(id) != 24 || gjson.Get(body, "role").String() != "user" {
		t.Errorf("created: %s", body)
	}
	if _, _, body := c.Do(http.MethodPut, "/contacts/"+id, `{"name":"Ada","custom_attributes":{"plan":"pro"}}`); gjson.Get(body, "custom_attributes.score").Raw != "12.50" || gjson.Get(body, "email").String() != "Ada@example.com" {
		t.Errorf("changed: %s", body)
	}
	search := `{"query":{"operator":"OR","value":[{"field":"email","operator":"=","value":"ada@EXAMPLE.com"},{"field":"external_id","operator":"IN","value":["a","A"]}]}}`
	found := func() int64 {
		_, _, body := c.Do(http.MethodPost, "/contacts/search", search)
		return gjson.Get(body, "data.#").Int()
	}
	if n := found(); n != 1 {
		t.Errorf("found %d", n)
	}
	c.Do(http.MethodPost, "/contacts/"+id+"/archive", "")
	if n := found(); n != 0 {
		t.Errorf("an archived contact is found %d times", n)
	}
	if status, _, body := c.Do(http.MethodPost, "/contacts", `{"external_id":"a"}`); status != 409 || !strings.Contains(body, "An archived contact") {
		t.Errorf("an archived contact does not block: status %d: %s", status, body)
	}
	c.Do(http.MethodPost, "/contacts/"+id+"/unarchive", "")
	if n := found(); n != 1 {
		t.Errorf("found %d after it came back", n)
	}
	if status, _, _ := c.Do(http.MethodDelete, "/contacts/"+id, ""); status != 200 {
		t.Errorf("deleted: status %d", status)
	}
	if status, _, body := c.Do(http.MethodGet, "/contacts/"+id, ""); status != 410 {
		t.Errorf("a deleted contact is read with status %d: %s", status, body)
	}
}

func TestIntercomCompaniesAndObjects(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, intercomHarness())
	for i, path := range []string{"/companies", "/custom_object_instances/Order"} {
		key := []string{"company_id", "external_id"}[i]
		_, _, body := c.Do(http.MethodPost, path, `{"`+key+`":"a b","custom_attributes":{"n":1}}`)
		id := gjson.Get(body, "id").String()
		if _, _, body := c.Do(http.MethodPost, path, `{"`+key+`":"a b","custom_attributes":{"m":2}}`); gjson.Get(body, "id").String() != id || gjson.Get(body, "custom_attributes.n").Int() != 1 {
			t.Errorf("%s again: %s", path, body)
		}
		at := path + "?" + url.Values{key: {"a b"}}.Encode()
		if status, _, body := c.Do(http.MethodGet, at, ""); status != 200 || gjson.Get(body, "id").String() != id {
			t.Errorf("%s: status %d: %s", at, status, body)
		}
		if status, _, _ := c.Do(http.MethodDelete, path+"/"+id, ""); status != 200 {
			t.Errorf("deleted: status %d", status)
		}
		if status, _, body := c.Do(http.MethodGet, at, ""); status != 404 {
			t.Errorf("%s after that: status %d: %s", at, status, body)
		}
	}
	_, _, body := c.Do(http.MethodPost, "/companies", `{"company_id":"c","monthly_spend":12.99}`)
	if gjson.Get(body, "monthly_spend").Raw != "12" {
		t.Errorf("cents are kept: %s", body)
	}
	if _, _, body := c.Do(http.MethodPut, "/companies/"+gjson.Get(body, "id").String(), `{"company_id":"d","name":"C"}`); gjson.Get(body, "company_id").String() != "c" || gjson.Get(body, "name").String() != "C" {
		t.Errorf("a company's id changed: %s", body)
	}
	if _, _, body := c.Do(http.MethodGet, "/companies?per_page=1", ""); gjson.Get(body, "data.0.company_id").String() != "c" || gjson.Get(body, "pages.total_pages").Int() != 1 {
		t.Errorf("listed: %s", body)
	}
}
