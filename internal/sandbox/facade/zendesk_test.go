package facade_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"exposync/internal/sandbox/facade"
	"exposync/internal/sandbox/facade/facadetest"
)

func zendeskHarness() facadetest.Harness {
	return facadetest.Harness{
		Kind: "zendesk", Object: "users", Method: http.MethodGet, Path: "/api/v2/users/me.json",
		Authorize: func(r *http.Request) { r.SetBasicAuth("ops@example.com/token", facadetest.Secret) },
		Write: func(c *facadetest.Client, key, value string) string {
			status, _, body := c.Do(http.MethodPost, "/api/v2/users/create_or_update.json", fmt.Sprintf(`{"user":{"email":%q,"name":%q}}`, key, value))
			if status != 200 && status != 201 && status != 422 {
				c.T.Fatalf("status %d: %s", status, body)
			}
			return gjson.Get(body, "description").String()
		},
		Answers: map[facade.Trouble]facadetest.Answer{
			facade.Unauthorized: {Status: 401, Says: "Couldn't authenticate you"},
			facade.Expired:      {Status: 401, Says: `"error":"invalid_token"`},
			facade.Throttled:    {Status: 429, Says: `"APIRateLimitExceeded"`, Header: map[string]string{"X-Rate-Limit-Remaining": "0", "Retry-After": "20"}},
			facade.Exhausted:    {Status: 429, Says: `"APIRateLimitExceeded"`},
			facade.Down:         {Status: 503, Says: `"ServiceUnavailable"`},
		},
	}
}

func TestZendeskKeepsTheSeam(t *testing.T) {
	t.Parallel()
	facadetest.Run(t, zendeskHarness())
}

// finished gives a job's results once it is complete.
func finished(c *facadetest.Client, body string) gjson.Result {
	c.T.Helper()
	id := gjson.Get(body, "job_status.id").String()
	if gjson.Get(body, "job_status.status").String() != "queued" || gjson.Get(body, "job_status.results").Type != gjson.Null {
		c.T.Errorf("a job that begins: %s", body)
	}
	for range 3 {
		_, _, body = c.Do(http.MethodGet, "/api/v2/job_statuses/"+id+".json", "")
		if gjson.Get(body, "job_status.status").String() == "completed" {
			return gjson.Get(body, "job_status.results")
		}
	}
	c.T.Fatalf("the job does not end: %s", body)
	return gjson.Result{}
}

func TestZendeskUsersAsJob(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, zendeskHarness())
	c.Learn("users", facade.Field{Name: "score", Type: "number"}, facade.Field{Name: "vip", Type: "bool"}, facade.Field{Name: "since", Type: "date"})
	_, _, body := c.Do(http.MethodPost, "/api/v2/users/create_or_update_many.json", `{"users":[
		{"external_id":"a","email":"A@example.com","name":"A","user_fields":{"score":12.50,"vip":true,"since":"2026-01-02"}},
		{"external_id":"b","email":"not an address","name":"B"},
		{"external_id":"c","name":""},
		{"external_id":"d","name":"D","tags":["two words"]},
		{"external_id":"e","name":"E","user_fields":{"score":"many"}},
		{"external_id":"f","name":"F","user_fields":{"vip":"perhaps"}},
		{"external_id":"g","name":"G","user_fields":{"since":"yesterday"}},
		{"external_id":"h","name":"H","email":"a@example.com"},
		{"external_id":"i","name":"I","role":"king"}]}`)
	results := finished(c, body)
	for i, says := range []string{
		`"status":"Created"`, "is not properly formatted", "Name: is too short", "Tags: contain", "is not a valid number", "is not a valid boolean",
		"is not a valid date", "already being used", "Role: is invalid",
	} {
		one := results.Get(strconv.Itoa(i))
		if one.Get("index").Int() != int64(i) || one.Get("success").Bool() != (i == 0) || !strings.Contains(one.Raw, says) {
			t.Errorf("result %d, want %q: %s", i, says, one.Raw)
		}
	}
	if results.Get("0.external_id").String() != "a" || results.Get("1.error").String() != "UserCreateError" {
		t.Errorf("results: %s", results.Raw)
	}
	_, _, body = c.Do(http.MethodPost, "/api/v2/users/create_or_update_many", `{"users":[{"external_id":"a","name":"A2","user_fields":{"vip":null}}]}`)
	if one := finished(c, body).Get("0"); one.Get("status").String() != "Updated" {
		t.Errorf("again: %s", one.Raw)
	}
	_, _, body = c.Do(http.MethodGet, "/api/v2/users/show_many.json?external_ids=a,z", "")
	user := gjson.Get(body, "users.0")
	if gjson.Get(body, "count").Int() != 1 || user.Get("name").String() != "A2" || user.Get("user_fields.score").Raw != "12.50" || user.Get("user_fields.vip").Type != gjson.Null {
		t.Errorf("read: %s", body)
	}
	_, _, body = c.Do(http.MethodDelete, "/api/v2/users/destroy_many?external_ids=a,z", "")
	if gone := finished(c, body); !gone.Get("0.success").Bool() || gone.Get("1.success").Bool() {
		t.Errorf("deleted: %s", gone.Raw)
	}
}

func TestZendeskTakesThirtyJobs(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, zendeskHarness())
	create := func() (int, http.Header, string) {
		return c.Do(http.MethodPost, "/api/v2/users/create_or_update_many.json", `{"users":[{"external_id":"a","name":"A"}]}`)
	}
	last := ""
	for i := range 30 {
		status, _, body := create()
		if last = body; status != 200 {
			t.Fatalf("job %d: status %d: %s", i, status, body)
		}
	}
	if status, header, body := create(); status != 429 || gjson.Get(body, "error").String() != "TooManyJobs" || header.Get("Retry-After") == "" {
		t.Errorf("the 31st: status %d: %s", status, body)
	}
	finished(c, last)
	if status, _, body := create(); status != 200 {
		t.Errorf("after one is complete: status %d: %s", status, body)
	}
	c.Pass(2 * time.Hour)
	if status, _, _ := create(); status != 200 {
		t.Errorf("jobs do not end by themselves: status %d", status)
	}
	if status, _, body := c.Do(http.MethodGet, "/api/v2/job_statuses/"+gjson.Get(last, "job_status.id").String(), ""); status != 404 {
		t.Errorf("a job is kept for an hour: status %d: %s", status, body)
	}
}

func TestZendeskOneByOne(t *testing.T) {
	t.Parallel()
	c := facadetest.NewStrict(t, zendeskHarness())
	status, _, body := c.Do(http.MethodPost, "/api/v2/organizations/create_or_update", `{"organization":{"external_id":"o1","name":"Acme","domain_names":["acme.example"]}}`)
	id := gjson.Get(body, "organization.id").Raw
	if status != 201 || id == "" {
		t.Fatalf("status %d: %s", status, body)
	}
	for _, tt := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"POST", "organizations/create_or_update", `{"organization":{"external_id":"o1","details":"x"}}`, 200, `"name":"Acme"`},
		{"POST", "organizations/create_or_update", `{"organization":{"external_id":"o2","name":"ACME"}}`, 422, "already being used"},
		{"POST", "organizations/create_or_update", `{"organization":{"name":"x"}}`, 422, "cannot be blank"},
		{"POST", "organizations/create_or_update", `{"organization":{"external_id":"o3","name":"x","organization_fields":{"nothing":1}}}`, 422, "Undefined organization fields: nothing"},
		{"POST", "organizations/create_or_update", `{"organization"`, 422, "parse JSON"},
		{"POST", "organizations/create_or_update", `{"user":{}}`, 400, "organization is required"},
		{"PUT", "organizations/" + id, `{"organization":{"notes":"n"}}`, 200, `"notes":"n"`},
		{"PUT", "organizations/1", `{"organization":{"notes":"n"}}`, 404, "RecordNotFound"},
		{"GET", "organizations/show_many?external_ids=", "", 400, "Between 1 and 100"},
		{"DELETE", "organizations/" + id, "", 204, ""},
		{"DELETE", "organizations/" + id, "", 404, "RecordNotFound"},
		{"POST", "users", `{"user":{"name":"U","email":"u@example.com"}}`, 201, `"active":true`},
		{"POST", "users", `{"user":{"name":"V","email":"U@example.com"}}`, 422, "already being used"},
		{"POST", "users/create_or_update_many", `{"users":[]}`, 400, "must be a list"},
		{"POST", "users/create_or_update_many", `{"users":[` + strings.Repeat(`{},`, 100) + `{}]}`, 400, "TooManyValues"},
		{"GET", "nothing", "", 404, "RecordNotFound"},
	} {
		if status, header, body := c.Do(tt.method, "/api/v2/"+tt.path, tt.body); status != tt.status || !strings.Contains(body, tt.says) || header.Get("X-Rate-Limit") != "700" {
			t.Errorf("%s %s: status %d, want %d with %q: %s", tt.method, tt.path, status, tt.status, tt.says, body)
		}
	}
}

func TestZendeskCustomObjects(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, zendeskHarness())
	c.Learn("custom_objects/car", facade.Field{Name: "doors", Type: "number"})
	jobs := "/api/v2/custom_objects/car/jobs.json"
	_, _, body := c.Do(http.MethodPost, jobs, `{"job":{"action":"create_or_update_by_external_id","items":[
		{"external_id":"k1","name":"one","custom_object_fields":{"doors":3}},{"name":"no key"},{"external_id":"k2","name":"`+strings.Repeat("x", 33_000)+`"}]}}`)
	results := finished(c, body)
	if !results.Get("0.success").Bool() || results.Get("1.error").String() != "RecordInvalid" || !strings.Contains(results.Get("2.details").String(), "32 KB") {
		t.Errorf("results: %s", results.Raw)
	}
	_, _, body = c.Do(http.MethodGet, "/api/v2/custom_objects/car/records?filter%5Bexternal_ids%5D=k1,k9", "")
	if gjson.Get(body, "custom_object_records.#").Int() != 1 || gjson.Get(body, "custom_object_records.0.custom_object_fields.doors").Raw != "3" {
		t.Errorf("read: %s", body)
	}
	if _, _, body := c.Do(http.MethodGet, "/api/v2/custom_objects/car/fields", ""); gjson.Get(body, "custom_object_fields.0.type").String() != "decimal" {
		t.Errorf("fields: %s", body)
	}
	if status, _, body := c.Do(http.MethodPost, jobs, `{"job":{"action":"upsert","items":[{}]}}`); status != 400 {
		t.Errorf("an action that there is not: status %d: %s", status, body)
	}
	_, _, body = c.Do(http.MethodPost, jobs, `{"job":{"action":"delete_by_external_id","items":["k1","k9"]}}`)
	if results := finished(c, body); !results.Get("0.success").Bool() || results.Get("1.success").Bool() {
		t.Errorf("deleted: %s", results.Raw)
	}
}
