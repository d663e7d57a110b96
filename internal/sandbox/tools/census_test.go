package tools_test

import (
	"net/http"
	"testing"

	"exposync/internal/sandbox/tools"
)

func TestCensusRun(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"/api/v1", "/api/v2"} {
		c := open(t, "census")
		wants(t, c.do(http.MethodPost, version+"/syncs/52/trigger?force_full_sync=true", ""), 200, `{"status":"success","data":{"sync_run_id":1234567001}}`)
		poll := func() reply { return c.do(http.MethodGet, version+"/sync_runs/1234567001", "") }
		equal(t, "statuses", []string{"queued", "working", "completed"}, words(c, poll, "data.status", "completed"))
		wants(t, poll(), 200, `{"status":"success","data":{
			"id":1234567001,"sync_id":52,"status":"completed","canceled":false,"full_sync":true,"current_step":null,"sync_trigger_reason":"API",
			"created_at":"2026-11-24T10:15:00.000Z","updated_at":"2026-11-24T10:15:00.000Z","completed_at":"2026-11-24T10:15:00.000Z","scheduled_execution_time":null,
			"source_record_count":100,"source_record_updates":90,"source_record_deletes":10,"source_record_invalids":0,"records_invalid":0,
			"records_processed":100,"records_updated":100,"records_failed":0,"error_code":null,"error_message":null,"error_detail":null}}`)
	}
}

func TestCensusSync(t *testing.T) {
	t.Parallel()
	c := open(t, "census")
	wants(t, c.do(http.MethodGet, "/api/v1/syncs/61", ""), 200, `{"status":"success","data":{
		"id":61,"label":"Sync 61","status":"ready","operation":"upsert","paused":false,"created_at":"2026-11-24T10:15:00.000Z","updated_at":"2026-11-24T10:15:00.000Z",
		"schedule_frequency":"never","schedule_day":null,"schedule_hour":null,"schedule_minute":null,"cron_expression":null,
		"mode":{"type":"triggered","triggers":{"schedule":{"frequency":"never"}}},
		"source_attributes":{"connection_id":4,"object":{"type":"model","id":"90061","name":"Query of Sync 61","query":"select id, email from customers"}},
		"destination_attributes":{"connection_id":15,"object":"contact"},
		"mappings":[{"from":{"type":"column","data":"id"},"to":"id","is_primary_identifier":true},{"from":{"type":"column","data":"email"},"to":"email","is_primary_identifier":false}]}}`)
	r := c.do(http.MethodGet, "/api/v2/syncs/61", "")
	equal(t, "in the second version", "glimmering_donkey", r.get("data.destination_attributes.connection_id").String())
	for schedule, want := range map[string]string{
		"1h":        `{"schedule":{"frequency":"hourly","hour":10,"minute":30}}`,
		"20m":       `{"schedule":{"frequency":"expression","cron_expression":"*/20 * * * *"}}`,
		"0 6 * * 1": `{"schedule":{"frequency":"expression","cron_expression":"0 6 * * 1"}}`,
		"dbt_cloud": `{"schedule":{"frequency":"never"},"dbt_cloud":{"project_id":"12345","job_id":"123456"}}`,
	} {
		c.declare(tools.Sync{ID: "8", Schedule: schedule})
		equal(t, schedule, decoded(t, want), decoded(t, c.do(http.MethodGet, "/api/v2/syncs/8", "").get("data.mode.triggers").Raw))
	}
	c.declare(tools.Sync{ID: "9", Disabled: true})
	if r := c.do(http.MethodGet, "/api/v2/syncs/9", ""); !r.get("data.paused").Bool() {
		t.Errorf("a sync that is paused: %s", r.body)
	}
	if r := c.do(http.MethodPost, "/api/v2/syncs/9/trigger", ""); r.status != 400 || r.get("status").String() != "error" {
		t.Errorf("a sync that is paused is triggered: %d %s", r.status, r.body)
	}
}

func TestCensusLists(t *testing.T) {
	t.Parallel()
	c := open(t, "census")
	for _, m := range []tools.Model{
		{ID: "15", Name: "Export customers", Database: "shop", Schema: "exports", Table: "export_customers"},
		{ID: "16", Name: "Customers", UniqueID: "model.shop.customers"},
		{ID: "17", Name: "By hand"},
	} {
		if err := c.ws.DeclareModel(m); err != nil {
			t.Fatal(err)
		}
	}
	for id, model := range map[string]string{"1": "15", "2": "16", "3": "17"} {
		c.declare(tools.Sync{ID: id, Model: model, Title: "Sync of " + model})
	}
	r := c.do(http.MethodGet, "/api/v2/syncs?per_page=2", "")
	equal(t, "pagination", decoded(t, `{"total_records":3,"per_page":2,"page":1,"last_page":2,"prev_page":null,"next_page":2}`), decoded(t, r.get("pagination").Raw))
	equal(t, "sources", decoded(t, `[{"type":"table","table_catalog":"shop","table_schema":"exports","table_name":"export_customers"},
		{"type":"model","id":"16","name":"Customers","dbt_unique_id":"model.shop.customers"}]`), decoded(t, r.get("data.#.source_attributes.object").Raw))
	r = c.do(http.MethodGet, "/api/v2/syncs?per_page=2&page=2", "")
	equal(t, "second page", `["Sync of 17"]`, r.get("data.#.label").Raw)
	for range 3 {
		run := c.do(http.MethodPost, "/api/v2/syncs/1/trigger", "").get("data.sync_run_id").String()
		words(c, func() reply { return c.do(http.MethodGet, "/api/v2/sync_runs/"+run, "") }, "data.status", "completed")
	}
	for _, path := range []string{"/api/v2/syncs/1/sync_runs?per_page=2", "/api/v2/sync_runs?sync_id=1&per_page=2"} {
		r = c.do(http.MethodGet, path, "")
		equal(t, path, `[1234567003,1234567002]`, r.get("data.#.id").Raw)
		equal(t, path, int64(2), r.get("pagination.last_page").Int())
	}
}

func TestCensusRefuses(t *testing.T) {
	t.Parallel()
	c := open(t, "census")
	c.declare(tools.Sync{ID: "10", Missing: true})
	denied := `{"status":"error","message":"Access denied: the token is invalid"}`
	tests := map[string]struct {
		method, path, auth string
		status             int
		want               string
	}{
		"no credential":      {"GET", "/api/v1/syncs/1", "", 401, denied},
		"no prefix":          {"GET", "/api/v1/syncs/1", "Bearer abc", 401, denied},
		"basic in version 2": {"GET", "/api/v2/syncs/1", "Basic YmVhcmVyOmFiYw==", 401, denied},
		"another limit":      {"GET", "/api/v2/syncs?per_page=101", "Bearer abc", 400, `{"status":"error","message":"page, per_page (at most 100) or order is invalid"}`},
		"another flag":       {"POST", "/api/v2/syncs/1/trigger?force_full_sync=yes", "Bearer abc", 400, `{"status":"error","message":"force_full_sync is true or false"}`},
		"a word as id":       {"POST", "/api/v2/syncs/x/trigger", "Bearer abc", 404, `{"status":"404","message":"Sync not found"}`},
		"no sync":            {"POST", "/api/v2/syncs/10/trigger", "Bearer abc", 404, `{"status":"404","message":"Sync not found"}`},
		"no run":             {"GET", "/api/v2/sync_runs/5", "Bearer abc", 404, `{"status":"404","message":"Sync run not found"}`},
		"another method":     {"PUT", "/api/v2/syncs/5/trigger", "Bearer abc", 404, `{"status":"404","message":"Not Found"}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wants(t, c.do(tt.method, tt.path, "", "Authorization", tt.auth), tt.status, tt.want)
		})
	}
	if r := c.do(http.MethodGet, "/api/v1/syncs/1", "", "Authorization", "Basic YmVhcmVyOmFiYw=="); r.status != 200 {
		t.Errorf("basic authentication in version 1: %d %s", r.status, r.body)
	}
}

// A run that is triggered while another goes on does nothing.
func TestCensusSkips(t *testing.T) {
	t.Parallel()
	c := open(t, "census")
	trigger := func() string {
		return c.do(http.MethodPost, "/api/v2/syncs/1/trigger", "").get("data.sync_run_id").String()
	}
	status := func(run string) string {
		return c.do(http.MethodGet, "/api/v2/sync_runs/"+run, "").get("data.status").String()
	}
	first, second := trigger(), trigger()
	equal(t, "the second", "skipped", status(second))
	for status(first) != "completed" {
	}
	equal(t, "after the first", "queued", status(trigger()))
}

func TestCensusCanceledIsCompleted(t *testing.T) {
	t.Parallel()
	c := open(t, "census")
	c.script("1", tools.Script{End: tools.Canceled, Times: 1}, tools.Script{End: tools.Canceled, Word: "cancelled"})
	for _, want := range []string{"completed", "cancelled"} {
		run := c.do(http.MethodPost, "/api/v2/syncs/1/trigger", "").get("data.sync_run_id").String()
		poll := func() reply { return c.do(http.MethodGet, "/api/v2/sync_runs/"+run, "") }
		words(c, poll, "data.status", want)
		r := poll()
		if r.get("data.status").String() != want || !r.get("data.canceled").Bool() || r.get("data.records_updated").Int() != 50 {
			t.Errorf("a run that was stopped is %s", r.body)
		}
	}
}
