package facade_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"exposync/internal/sandbox/facade"
	"exposync/internal/sandbox/facade/facadetest"
)

func hubspotHarness() facadetest.Harness {
	return facadetest.Harness{
		Kind: "hubspot", Object: "contacts", Method: http.MethodGet, Path: "/account-info/v3/details",
		Authorize: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+facadetest.Secret) },
		Write: func(c *facadetest.Client, key, value string) string {
			body := fmt.Sprintf(`{"inputs":[{"id":%q,"idProperty":"email","objectWriteTraceId":"0","properties":{"email":%q,"firstname":%q}}]}`, key, key, value)
			status, _, answer := c.Do(http.MethodPost, "/crm/objects/2026-09/contacts/batch/upsert", body)
			if status != http.StatusOK {
				c.T.Fatalf("status %d: %s", status, answer)
			}
			return gjson.Get(answer, "errors.0.message").String()
		},
		Answers: map[facade.Trouble]facadetest.Answer{
			facade.Unauthorized: {Status: 401, Says: `"category":"INVALID_AUTHENTICATION"`},
			facade.Expired:      {Status: 401, Says: `"category":"EXPIRED_AUTHENTICATION"`},
			facade.Throttled:    {Status: 429, Says: `"policyName":"TEN_SECONDLY_ROLLING"`, Header: map[string]string{"X-HubSpot-RateLimit-Remaining": "0"}},
			facade.Exhausted:    {Status: 429, Says: `"policyName":"DAILY"`, Header: map[string]string{"X-HubSpot-RateLimit-Daily-Remaining": "0"}},
			facade.Down:         {Status: 503, Says: `"status":"error"`},
		},
	}
}

func TestHubSpotKeepsTheSeam(t *testing.T) {
	t.Parallel()
	facadetest.Run(t, hubspotHarness())
}

func TestHubSpotRefuses(t *testing.T) {
	t.Parallel()
	traced := func(properties string) string {
		return `{"inputs":[{"id":"a@example.com","idProperty":"email","objectWriteTraceId":"7","properties":{"email":"a@example.com",` + properties + `}}]}`
	}
	many := strings.TrimSuffix(strings.Repeat(`{"id":"1","properties":{}},`, 101), ",")
	tests := []struct {
		name, path, body string
		status           int
		says             []string
	}{
		{"a number", "v3", traced(`"firstname":7`), 400, []string{"VALIDATION_ERROR", "firstname"}},
		{"a null", "v3", traced(`"firstname":null`), 400, []string{"VALIDATION_ERROR"}},
		{"no JSON", "v3", `{"inputs":`, 400, []string{"VALIDATION_ERROR"}},
		{"more than 100", "v3", `{"inputs":[` + many + `]}`, 400, []string{"batch size"}},
		{"an id twice", "v3", `{"inputs":[{"id":"a@example.com","idProperty":"email","properties":{}},{"id":"a@example.com","idProperty":"email","properties":{}}]}`, 400, []string{`"context":{"ids":["a@example.com"]}`}},
		{"a bad address under 207", "v3", traced(`"email":"not-an-address"`), 207, []string{`"objectWriteTraceId":["7"]`, `"numErrors":1`}},
		{"a bad option under 207", "v3", traced(`"lifecyclestage":"nobody"`), 207, []string{"subscriber, lead", `"category":"VALIDATION_ERROR"`}},
		{"a bad option under 207, dated", "2026-03", traced(`"lifecyclestage":"nobody"`), 207, []string{`"objectWriteTraceId":["7"]`}},
		{"a bad option inside 200", "2026-09", traced(`"lifecyclestage":"nobody"`), 200, []string{`"objectWriteTraceId":["7"]`, `"results":[]`}},
		{"a bad option without a trace", "v3", `{"inputs":[{"id":"b@example.com","idProperty":"email","properties":{"lifecyclestage":"nobody"}}]}`, 400, []string{`"code":"INVALID_OPTION"`}},
		{"what is read only", "v3", traced(`"createdate":"2026-01-01"`), 207, []string{"read only"}},
		{"a property that is not unique", "v3", `{"inputs":[{"id":"x","idProperty":"lastname","properties":{}}]}`, 400, []string{"not a unique identifier"}},
		{"an id of no record", "v3", `{"inputs":[{"id":"4711","objectWriteTraceId":"3","properties":{"firstname":"x"}}]}`, 207, []string{"OBJECT_NOT_FOUND", `"ids":["4711"]`}},
		{"a version that there is not", "2031-01", `{"inputs":[]}`, 404, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := facadetest.New(t, hubspotHarness())
			path := "/crm/v3/objects/contacts"
			if tt.path != "v3" {
				path = "/crm/objects/" + tt.path + "/contacts"
			}
			status, _, body := c.Do(http.MethodPost, path+"/batch/upsert", tt.body)
			if status != tt.status {
				t.Errorf("status %d: %s", status, body)
			}
			for _, says := range tt.says {
				if !strings.Contains(body, says) {
					t.Errorf("%s is not in %s", says, body)
				}
			}
			if records := c.Records("contacts"); len(records) != 0 {
				t.Errorf("kept %+v", records)
			}
		})
	}
}

func TestHubSpotProperties(t *testing.T) {
	t.Parallel()
	const write = `{"inputs":[{"id":"A-1","idProperty":"external_id","properties":{"seats":"12"}}]}`
	t.Run("open: they are made", func(t *testing.T) {
		t.Parallel()
		c := facadetest.New(t, hubspotHarness())
		if status, _, body := c.Do(http.MethodPost, "/crm/v3/objects/companies/batch/upsert", write); status != 200 || !strings.Contains(body, `"new":true`) {
			t.Fatalf("status %d: %s", status, body)
		}
		c.Restart()
		if _, _, body := c.Do(http.MethodGet, "/crm/properties/2026-09/companies/external_id", ""); !gjson.Get(body, "hasUniqueValue").Bool() {
			t.Errorf("the property of the id: %s", body)
		}
	})
	t.Run("strict: they are refused until they are declared", func(t *testing.T) {
		t.Parallel()
		c := facadetest.NewStrict(t, hubspotHarness())
		c.Learn("companies", facade.Field{Name: "seats"})
		status, _, body := c.Do(http.MethodPost, "/crm/v3/objects/companies/batch/upsert", write)
		if status != 400 || gjson.Get(body, `errors.#(code=="PROPERTY_DOESNT_EXIST")#.context.propertyName.0`).String() != `["external_id","seats"]` {
			t.Fatalf("status %d: %s", status, body)
		}
		for _, p := range []string{`{"name":"external_id","type":"string","fieldType":"text","hasUniqueValue":true}`, `{"name":"seats","type":"number","fieldType":"number"}`} {
			if status, _, body := c.Do(http.MethodPost, "/crm/v3/properties/companies", p); status != 201 {
				t.Fatalf("status %d: %s", status, body)
			}
		}
		if status, _, body := c.Do(http.MethodPost, "/crm/v3/objects/companies/batch/upsert", write); status != 200 {
			t.Fatalf("status %d: %s", status, body)
		}
		bad := strings.Replace(write, `"12"`, `"a dozen"`, 1)
		if status, _, body := c.Do(http.MethodPost, "/crm/v3/objects/companies/batch/upsert", bad); status != 400 || !strings.Contains(body, "INVALID_LONG") {
			t.Errorf("status %d: %s", status, body)
		}
	})
	t.Run("learned with their types", func(t *testing.T) {
		t.Parallel()
		c := facadetest.New(t, hubspotHarness())
		c.Learn("contacts", facade.Field{Name: "crm_id", Key: true}, facade.Field{Name: "since", Type: "date"}, facade.Field{Name: "firstname"}, facade.Field{Name: "Not OK"})
		_, _, body := c.Do(http.MethodGet, "/crm/v3/properties/contacts", "")
		if got := gjson.Get(body, `results.#(name=="since").type`).String(); got != "date" {
			t.Errorf("since is of type %q", got)
		}
		if !gjson.Get(body, `results.#(name=="crm_id").hasUniqueValue`).Bool() || gjson.Get(body, `results.#(name=="Not OK")`).Exists() {
			t.Error(body)
		}
		c.Learn("contacts", facade.Field{Name: "since", Type: "number"}, facade.Field{Name: "email", Type: "number", Key: true})
		_, _, body = c.Do(http.MethodGet, "/crm/v3/properties/contacts", "")
		if got := gjson.Get(body, `results.#(name=="since").type`).String() + gjson.Get(body, `results.#(name=="email").type`).String(); got != "numberstring" {
			t.Errorf("learned anew, the types are %q", got)
		}
	})
}

func TestHubSpotRecords(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, hubspotHarness())
	status, _, body := c.Do(http.MethodPost, "/crm/v3/objects/contacts", `{"properties":{"email":"Ada@Example.com","lifecyclestage":"lead"}}`)
	id := gjson.Get(body, "id").String()
	if status != 201 || id != "501" {
		t.Fatalf("status %d: %s", status, body)
	}
	if status, _, body := c.Do(http.MethodPost, "/crm/v3/objects/contacts", `{"properties":{"email":"ada@example.com"}}`); status != 409 || !strings.Contains(body, "Existing ID: 501") {
		t.Errorf("the same address again: status %d: %s", status, body)
	}
	upsert := `{"inputs":[{"id":"ADA@example.com","idProperty":"email","properties":{"firstname":"Ada","lifecyclestage":"subscriber"}}]}`
	if _, _, body := c.Do(http.MethodPost, "/crm/objects/2025-09/contacts/batch/upsert", upsert); gjson.Get(body, "results.0.id").String() != id || gjson.Get(body, "results.0.new").Bool() {
		t.Errorf("upsert by address: %s", body)
	}
	if status, _, body := c.Do(http.MethodPatch, "/crm/v3/objects/contacts/501", `{"properties":{"firstname":""}}`); status != 200 || gjson.Get(body, "properties.firstname").Type != gjson.Null {
		t.Errorf("a value cleared: status %d: %s", status, body)
	}
	if _, _, body := c.Do(http.MethodGet, "/crm/v3/objects/contacts/501?properties=lifecyclestage,email", ""); gjson.Get(body, "properties.lifecyclestage").String() != "lead" || gjson.Get(body, "properties.email").String() != "ada@example.com" {
		t.Errorf("read: %s", body)
	}
	read := `{"idProperty":"email","properties":["firstname"],"inputs":[{"id":"ada@example.com"},{"id":"nobody@example.com"}]}`
	if status, _, body := c.Do(http.MethodPost, "/crm/v3/objects/contacts/batch/read", read); status != 207 || gjson.Get(body, "results.#").Int() != 1 || gjson.Get(body, "errors.0.context.ids.0").String() != "nobody@example.com" {
		t.Errorf("read two: status %d: %s", status, body)
	}
	if status, _, body := c.Do(http.MethodPost, "/crm/v3/objects/contacts/batch/archive", `{"inputs":[{"id":"501"},{"id":"999"}]}`); status != 204 || body != "" {
		t.Errorf("archive: status %d: %s", status, body)
	}
	if status, _, _ := c.Do(http.MethodGet, "/crm/v3/objects/contacts/501", ""); status != 404 {
		t.Errorf("an archived record is read with status %d", status)
	}
	if _, _, body := c.Do(http.MethodPost, "/crm/v3/objects/contacts", `{"properties":{"email":"ada@example.com"}}`); gjson.Get(body, "id").String() != "502" {
		t.Errorf("made anew: %s", body)
	}
	if records := c.Records("contacts"); len(records) != 2 || !records[0].Deleted {
		t.Errorf("kept %+v", records)
	}
}

func TestHubSpotLists(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, hubspotHarness())
	for i := range 5 {
		c.Do(http.MethodPost, "/crm/v3/objects/deals", fmt.Sprintf(`{"properties":{"dealname":"d%d"}}`, i))
	}
	var names []string
	for after := "0"; after != ""; {
		_, _, body := c.Do(http.MethodGet, "/crm/v3/objects/deals?limit=2&after="+after, "")
		for _, name := range gjson.Get(body, "results.#.properties.dealname").Array() {
			names = append(names, name.String())
		}
		after = gjson.Get(body, "paging.next.after").String()
	}
	if got := strings.Join(names, " "); got != "d0 d1 d2 d3 d4" {
		t.Errorf("listed %s", got)
	}
}
