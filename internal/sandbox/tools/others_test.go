package tools_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"exposync/internal/sandbox/tools"
)

func TestMultiwoven(t *testing.T) {
	t.Parallel()
	c := open(t, "multiwoven")
	r := c.do(http.MethodPost, "/api/v1/login", `{"email":"a@example.com","password":"pw"}`, "Authorization", "")
	token := r.get("data.attributes.token").String()
	if r.status != 200 || r.get("data.type").String() != "token" || token == "" {
		t.Fatalf("login: %d %s", r.status, r.body)
	}
	c.header = http.Header{"Authorization": {"Bearer " + token}, "Workspace-Id": {"1"}}
	wants(t, c.do(http.MethodPost, "/api/v1/schedule_syncs", `{"schedule_sync":{"sync_id":5}}`), 200, `{"message":"Sync scheduled successfully"}`)
	poll := func() reply { return c.do(http.MethodGet, "/api/v1/syncs/5/sync_runs/801", "") }
	equal(t, "statuses", []string{"pending", "started", "querying", "queued", "in_progress", "success"}, words(c, poll, "data.attributes.status", "success"))
	wants(t, poll(), 200, `{"data":{"id":"801","type":"sync_runs","attributes":{"sync_id":5,"status":"success","started_at":"2026-11-24T10:15:00.000Z",
		"finished_at":"2026-11-24T10:15:00.000Z","duration":0,"total_query_rows":100,"total_rows":100,"skipped_rows":0,"successful_rows":100,"failed_rows":0,
		"error":null,"created_at":"2026-11-24T10:15:00.000Z","updated_at":"2026-11-24T10:15:00.000Z"}}}`)

	c.do(http.MethodPost, "/api/v1/schedule_syncs", `{"schedule_sync":{"sync_id":5}}`)
	wants(t, c.do(http.MethodDelete, "/api/v1/schedule_syncs/5", ""), 200, `{"message":"Sync cancelled successfully"}`)
	equal(t, "stopped", "canceled", c.do(http.MethodGet, "/api/v1/syncs/5/sync_runs?status=pending&page=1", "").get("data.0.attributes.status").String())
	c.clock = c.clock.Add(2 * time.Hour)
	wants(t, poll(), 401, `{"error":"Unauthorized"}`)
	if strings.Contains(c.control(http.MethodGet, "/_/requests/1", "").body, token) {
		t.Error("the page shows the token")
	}
}

func TestMultiwovenRefuses(t *testing.T) {
	t.Parallel()
	c := open(t, "multiwoven")
	c.header.Set("Workspace-Id", "1")
	c.declare(tools.Sync{ID: "6", Disabled: true})
	c.declare(tools.Sync{ID: "7", Schedule: "1h"})
	c.declare(tools.Sync{ID: "8", Missing: true})
	failed := func(status int, detail string) string {
		return fmt.Sprintf(`{"errors":[{"status":%d,"title":"Error","detail":%q}]}`, status, detail)
	}
	const schedule = "/api/v1/schedule_syncs"
	tests := map[string]struct {
		method, path, body string
		status             int
		want               string
	}{
		"disabled":       {"POST", schedule, `{"schedule_sync":{"sync_id":6}}`, 424, failed(424, "Sync is disabled")},
		"scheduled":      {"POST", schedule, `{"schedule_sync":{"sync_id":7}}`, 424, failed(424, "Sync Schedule type should be manual")},
		"missing":        {"POST", schedule, `{"schedule_sync":{"sync_id":8}}`, 404, failed(404, "Sync not found")},
		"no sync":        {"POST", schedule, `{}`, 400, `{"errors":{"schedule_sync":["is missing"]}}`},
		"no JSON":        {"POST", schedule, `{`, 400, failed(400, "Error occurred while parsing request parameters")},
		"nothing runs":   {"DELETE", schedule + "/9", "", 424, failed(424, "Sync cannot be cancelled due to no active sync run")},
		"no run":         {"GET", "/api/v1/syncs/5/sync_runs/1", "", 404, failed(404, "Sync Run not found")},
		"wrong password": {"POST", "/api/v1/login", `{"email":"a","password":"wrong"}`, 401, failed(401, "Invalid email or password")},
		"no password":    {"POST", "/api/v1/login", `{"email":"a"}`, 400, `{"errors":{"password":["is missing"]}}`},
		"page zero":      {"GET", "/api/v1/syncs/5/sync_runs?page=0", "", 400, `{"errors":{"page":["must be greater than 0"]}}`},
		"another method": {"PUT", schedule, `{}`, 404, failed(404, "Not Found")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wants(t, c.do(tt.method, tt.path, tt.body), tt.status, tt.want)
		})
	}
	wants(t, c.do(http.MethodGet, "/api/v1/syncs/5", "", "Workspace-Id", ""), 500, failed(500, "Workspace not found"))
	wants(t, c.do(http.MethodGet, "/api/v1/syncs/5", "", "Authorization", ""), 401, `{"error":"Unauthorized"}`)
	for id, want := range map[string]string{"5": "manual", "7": "interval"} {
		r := c.do(http.MethodGet, "/api/v1/syncs/"+id, "")
		equal(t, id, want, r.get("data.attributes.schedule_type").String())
	}
	r := c.do(http.MethodGet, "/api/v1/syncs/7", "")
	equal(t, "interval", `1 hours`, r.get("data.attributes.sync_interval").Raw+" "+r.get("data.attributes.sync_interval_unit").String())
	equal(t, "status", "disabled", c.do(http.MethodGet, "/api/v1/syncs/6", "").get("data.attributes.status").String())
}

func TestAirbyte(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"/v1", "/api/public/v1"} {
		c := open(t, "airbyte")
		fetch := func() {
			r := c.do(http.MethodPost, base+"/applications/token", `{"client_id":"a","client_secret":"b"}`, "Authorization", "")
			if r.status != 200 || r.get("expires_in").Int() != 180 {
				t.Fatalf("token: %d %s", r.status, r.body)
			}
			c.header.Set("Authorization", "Bearer "+r.get("access_token").String())
		}
		fetch()
		wants(t, c.do(http.MethodPost, base+"/jobs", `{"connectionId":"`+connection+`","jobType":"sync"}`), 200, `{"jobId":1201,"status":"pending","jobType":"sync",
			"startTime":"2026-11-24T10:15:00.000Z","connectionId":"`+connection+`","lastUpdatedAt":"2026-11-24T10:15:00.000Z","bytesSynced":0,"rowsSynced":0}`)
		c.clock = c.clock.Add(3 * time.Minute)
		poll := func() reply { return c.do(http.MethodGet, base+"/jobs/1201", "") }
		wants(t, poll(), 401, `{"type":"error:unauthorized","title":"unauthorized","status":401,"detail":"The request is not authorized"}`)
		fetch()
		equal(t, "statuses", []string{"pending", "running", "succeeded"}, words(c, poll, "status", "succeeded"))
		wants(t, poll(), 200, `{"jobId":1201,"status":"succeeded","jobType":"sync","startTime":"2026-11-24T10:15:00.000Z","connectionId":"`+connection+`",
			"lastUpdatedAt":"2026-11-24T10:18:00.000Z","duration":"PT3M","bytesSynced":12000,"rowsSynced":100}`)
	}
}

func TestAirbyteRefuses(t *testing.T) {
	t.Parallel()
	c := open(t, "airbyte")
	const off, gone = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
	c.declare(tools.Sync{ID: off, Disabled: true})
	c.declare(tools.Sync{ID: gone, Missing: true})
	problem := func(status int, kind, detail, data string) string {
		return fmt.Sprintf(`{"type":"error:%s","title":%q,"status":%d,"detail":%q,"data":%s}`, kind, kind, status, detail, data)
	}
	bad := func(text string) string {
		return problem(400, "bad-request", "The request could not be understood", `{"message":"`+text+`"}`)
	}
	missing := func(kind, id string) string {
		return problem(404, "resource-not-found", "The requested resource could not be found", `{"resourceType":"`+kind+`","resourceId":"`+id+`"}`)
	}
	job := func(id string) string { return `{"connectionId":"` + id + `","jobType":"sync"}` }
	tests := map[string]struct {
		method, path, body string
		status             int
		want               string
	}{
		"no UUID":       {"POST", "/v1/jobs", job("x"), 400, bad("connectionId: is no UUID")},
		"another type":  {"POST", "/v1/jobs", `{"connectionId":"` + connection + `","jobType":"x"}`, 400, bad("jobType: must be one of sync, reset, refresh, clear")},
		"no JSON":       {"POST", "/v1/jobs", `x`, 400, bad("the body is no JSON object")},
		"inactive":      {"POST", "/v1/jobs", job(off), 409, problem(409, "state-conflict", "State conflict", `{"message":"The connection is inactive."}`)},
		"missing":       {"POST", "/v1/jobs", job(gone), 404, missing("CONNECTION", gone)},
		"no job":        {"GET", "/v1/jobs/7", "", 404, missing("JOB", "7")},
		"a word as job": {"GET", "/v1/jobs/x", "", 400, bad("jobId: is no number")},
		"another order": {"GET", "/v1/jobs?connectionId=" + connection + "&orderBy=x", "", 400, bad("orderBy: is a field and ASC or DESC, such as createdAt|DESC")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := c.do(tt.method, tt.path, tt.body)
			wants(t, r, tt.status, tt.want)
			if kind := r.header.Get("Content-Type"); kind != "application/problem+json" {
				t.Errorf("the type is %s", kind)
			}
		})
	}
	if r := c.do(http.MethodPost, "/v1/applications/token", `{"client_id":"a","client_secret":"wrong"}`); r.status != 401 {
		t.Errorf("a wrong secret: %d %s", r.status, r.body)
	}
	// one job at a time, which can be stopped
	if r := c.do(http.MethodPost, "/v1/jobs", job(connection)); r.status != 200 {
		t.Fatalf("status %d: %s", r.status, r.body)
	}
	wants(t, c.do(http.MethodPost, "/v1/jobs", job(connection)), 409,
		problem(409, "try-again-later", "Please try again later.", `{"message":"A sync is already running for: `+connection+`"}`))
	if r := c.do(http.MethodDelete, "/v1/jobs/1201", ""); r.status != 200 {
		t.Errorf("status %d: %s", r.status, r.body)
	}
	equal(t, "after that", "cancelled", c.do(http.MethodGet, "/v1/jobs/1201", "").get("status").String())
	equal(t, "cancels", 1, c.counts(connection).Cancels)
}

func TestAirbyteConnection(t *testing.T) {
	t.Parallel()
	c := open(t, "airbyte")
	if err := c.ws.DeclareModel(tools.Model{ID: "1", Name: "export_customers", Schema: "exports", Table: "export_customers"}); err != nil {
		t.Fatal(err)
	}
	for schedule, want := range map[string]string{
		"": `{"scheduleType":"manual"}`, "2h": `{"scheduleType":"basic","basicTiming":"Every 2 HOURS"}`,
		"0 6 * * 1": `{"scheduleType":"cron","cronExpression":"0 0 6 * * 1 UTC"}`,
	} {
		c.declare(tools.Sync{ID: connection, Schedule: schedule, Model: "1"})
		r := c.do(http.MethodGet, "/v1/connections/"+connection, "")
		equal(t, schedule, decoded(t, want), decoded(t, r.get("schedule").Raw))
		equal(t, "stream", "exports.export_customers", r.get("configurations.streams.0.namespace").String()+"."+r.get("configurations.streams.0.name").String())
	}
	r := c.do(http.MethodGet, "/v1/connections?limit=1", "")
	equal(t, "list", `["`+connection+`"]`, r.get("data.#.connectionId").Raw)
	// a job that failed once goes on
	c.script(connection, tools.Script{Stages: []string{"running", "incomplete", "running"}})
	c.do(http.MethodPost, "/v1/jobs", `{"connectionId":"`+connection+`","jobType":"sync"}`)
	poll := func() reply { return c.do(http.MethodGet, "/v1/jobs/1201", "") }
	equal(t, "statuses", []string{"running", "incomplete", "running", "succeeded"}, words(c, poll, "status", "succeeded"))
}

func TestPolytomic(t *testing.T) {
	t.Parallel()
	c := open(t, "polytomic")
	r := c.do(http.MethodPost, "/api/syncs/"+connection+"/executions", `{"resync":true}`)
	id := r.get("data.id").String()
	if r.status != 200 || r.get("data.status").String() != "created" {
		t.Fatalf("status %d: %s", r.status, r.body)
	}
	wants(t, c.do(http.MethodPost, "/api/syncs/"+connection+"/executions", ""), 409, `{"key":"conflict","message":"the sync is already running","metadata":{},"status":409}`)
	equal(t, "current", id, c.do(http.MethodGet, "/api/syncs/"+connection+"/status", "").get("data.current_execution.id").String())
	poll := func() reply { return c.do(http.MethodGet, "/api/syncs/"+connection+"/executions/"+id, "") }
	equal(t, "statuses", []string{"queued", "running", "processing", "completed"}, words(c, poll, "data.status", "completed"))
	wants(t, poll(), 200, `{"data":{"id":"`+id+`","type":"sync","status":"completed","created_at":"2026-11-24T10:15:00.000Z","started_at":"2026-11-24T10:15:00.000Z",
		"completed_at":"2026-11-24T10:15:00.000Z","errors":[],"counts":{"insert":60,"update":30,"upserts":0,"delete":10,"error":0,"warnings":0,"total":100}}}`)
	r = c.do(http.MethodGet, "/api/syncs/"+connection+"/status", "")
	if r.get("data.current_execution").Raw != "null" || r.get("data.last_execution.id").String() != id {
		t.Errorf("status %s", r.body)
	}

	id = c.do(http.MethodPost, "/api/syncs/"+connection+"/executions", "").get("data.id").String()
	wants(t, c.do(http.MethodPost, "/api/syncs/"+connection+"/cancel", ""), 200, `{"data":{"id":"`+id+`","status":"canceling"}}`)
	equal(t, "statuses", []string{"canceling", "canceled"}, words(c, poll, "data.status", "canceled"))
}

func TestPolytomicSync(t *testing.T) {
	t.Parallel()
	c := open(t, "polytomic")
	for schedule, want := range map[string]string{"": "manual", "15m": "continuous", "1h": "hourly", "24h": "daily", "168h": "weekly", "0 6 * * 1": "custom", "dbt_cloud": "dbtcloud"} {
		c.declare(tools.Sync{ID: connection, Schedule: schedule})
		equal(t, schedule, want, c.do(http.MethodGet, "/api/syncs/"+connection, "").get("data.schedule.frequency").String())
	}
	r := c.do(http.MethodGet, "/api/syncs/"+connection, "")
	model := r.get("data.fields.0.source.model_id").String()
	equal(t, "model", model, c.do(http.MethodGet, "/api/models/"+model, "").get("data.id").String())
	equal(t, "models", int64(1), c.do(http.MethodGet, "/api/models", "").get("data.#").Int())
	c.declare(tools.Sync{ID: connection, Disabled: true})
	equal(t, "active syncs", int64(0), c.do(http.MethodGet, "/api/syncs?active=true", "").get("data.#").Int())
	wants(t, c.do(http.MethodPost, "/api/syncs/"+connection+"/executions", ""), 400, `{"key":"bad_request","message":"the sync is not active","metadata":{},"status":400}`)
	wants(t, c.do(http.MethodPost, "/api/syncs/x/executions", ""), 404, `{"key":"not_found","message":"sync not found","metadata":{},"status":404}`)
	wants(t, c.do(http.MethodPost, "/api/syncs/"+connection+"/executions", `{"resync":"yes"}`), 400, `{"key":"bad_request","message":"resync is no boolean","metadata":{},"status":400}`)
	wants(t, c.do(http.MethodGet, "/api/syncs", "", "Authorization", ""), 401, `{"key":"unauthorized","message":"the API key is not valid","metadata":{},"status":401}`)
}

func TestRudderStack(t *testing.T) {
	t.Parallel()
	c := open(t, "rudderstack")
	const at = "/v2/retl-connections/2C8Vk2wj8qkofy00YzJbvJOGeqa"
	id := c.do(http.MethodPost, at+"/start", `{"syncType":"full"}`).get("syncId").String()
	wants(t, c.do(http.MethodPost, at+"/start", `{}`), 409, `{"message":"A Reverse ETL sync is already running for the specified connection ID"}`)
	equal(t, "running", `["`+id+`"]`, c.do(http.MethodGet, at+"/syncs?status=running", "").get("syncs.#.id").Raw)
	poll := func() reply { return c.do(http.MethodGet, at+"/syncs/"+id, "") }
	words(c, poll, "status", "succeeded")
	wants(t, poll(), 200, `{"id":"`+id+`","status":"succeeded","startedAt":"2026-11-24T10:15:00.000Z","finishedAt":"2026-11-24T10:15:00.000Z","error":null,
		"metrics":{"succeeded":{"total":100},"failed":{"total":0},"changed":{"total":100},"total":100}}`)
	c.clock = c.clock.Add(time.Minute)
	second := c.do(http.MethodPost, at+"/start", `{"syncType":"incremental"}`).get("syncId").String()
	equal(t, "since", `["`+second+`"]`, c.do(http.MethodGet, at+"/syncs?started_after=2026-11-24T10:15:30Z", "").get("syncs.#.id").Raw)
	equal(t, "before", `["`+id+`"]`, c.do(http.MethodGet, at+"/syncs?started_before=2026-11-24T10:15:30Z", "").get("syncs.#.id").Raw)
	r := c.do(http.MethodGet, at+"/syncs?per_page=1", "")
	equal(t, "paging", "2 /v2/retl-connections/2C8Vk2wj8qkofy00YzJbvJOGeqa/syncs?page=2&per_page=1", r.get("paging.total").Raw+" "+r.get("paging.next").String())
	if r := c.do(http.MethodPost, at+"/stop", ""); r.status != 204 {
		t.Errorf("stop: %d %s", r.status, r.body)
	}
	r = c.do(http.MethodGet, at+"/syncs/"+second, "")
	equal(t, "stopped", "failed The sync was cancelled", r.get("status").String()+" "+r.get("error").String())
	wants(t, c.do(http.MethodPost, at+"/start", `{"syncType":"x"}`), 400, `{"message":"syncType is incremental or full"}`)
	wants(t, c.do(http.MethodPost, "/v2/retl-connections/x/start", `{}`), 404, `{"message":"Reverse ETL connection was not found"}`)
	wants(t, c.do(http.MethodGet, at+"/syncs/none", ""), 404, `{"message":"Sync not found"}`)
	wants(t, c.do(http.MethodGet, at+"/syncs?status=done", ""), 400, `{"message":"status, started_after, started_before, page or per_page is not valid"}`)
	wants(t, c.do(http.MethodGet, at+"/syncs", "", "Authorization", ""), 401, `{"message":"Unauthorized"}`)
}

func TestRudderStackConnection(t *testing.T) {
	t.Parallel()
	c := open(t, "rudderstack")
	const at = "/v2/retl-connections"
	for schedule, want := range map[string]string{"": `{"type":"manual"}`, "2h": `{"type":"basic","everyMinutes":120}`, "0 6 * * 1": `{"type":"cron"}`} {
		c.declare(tools.Sync{ID: "2C8Vk2wj", Schedule: schedule, Disabled: true})
		r := c.do(http.MethodGet, at+"/2C8Vk2wj", "")
		equal(t, schedule, decoded(t, want), decoded(t, r.get("schedule").Raw))
		equal(t, "enabled", "false", r.get("enabled").Raw)
	}
	c.declare(tools.Sync{ID: "2C8Vk2wk", Model: "src7"})
	r := c.do(http.MethodGet, at+"?pageSize=1", "")
	equal(t, "first page", `["2C8Vk2wj"] 2 /v2/retl-connections?page=2&pageSize=1`, r.get("data.#.id").Raw+" "+r.get("paging.total").Raw+" "+r.get("paging.next").String())
	equal(t, "of a source", `["2C8Vk2wk"]`, c.do(http.MethodGet, at+"?sourceId=src7", "").get("data.#.id").Raw)
	equal(t, "past the end", `[]`, c.do(http.MethodGet, at+"?page=9", "").get("data").Raw)
}

func TestSegment(t *testing.T) {
	t.Parallel()
	c := open(t, "segment")
	c.script("sub1", tools.Script{End: tools.Partial})
	r := c.do(http.MethodPost, "/reverse-etl-syncs", `{"sourceId":"src1","modelId":"mod1","subscriptionId":"sub1"}`)
	id := r.get("data.reverseETLManualSync.syncId").String()
	if kind := r.header.Get("Content-Type"); kind != "application/vnd.segment.v1alpha+json" || id == "" {
		t.Fatalf("%s: %s", kind, r.body)
	}
	poll := func() reply { return c.do(http.MethodGet, "/reverse-etl-models/mod1/syncs/"+id, "") }
	equal(t, "statuses", []string{"IN_PROGRESS", "IN_PROGRESS", "PARTIAL_SUCCESS"}, words(c, poll, "data.reverseETLSyncStatus.syncStatus", "PARTIAL_SUCCESS"))
	wants(t, poll(), 200, `{"data":{"reverseETLSyncStatus":{"syncId":"`+id+`","modelId":"mod1","sourceId":"src1","syncStatus":"PARTIAL_SUCCESS",
		"startedAt":"2026-11-24T10:15:00.000Z","finishedAt":"2026-11-24T10:15:00.000Z","duration":"00:00:00",
		"extractPhase":{"extractCount":"100","addedCount":"60","updatedCount":"30","deletedCount":"10"},"loadPhase":{"deliverSuccessCount":"97","deliverFailureCount":"3"}}}}`)
	wants(t, c.do(http.MethodPost, "/reverse-etl-models/mod1/syncs/"+id+"/cancel", `{"reasonForCanceling":4}`), 200, `{"data":{"status":"SyncFinishedCannotCancel"}}`)
	second := c.do(http.MethodPost, "/reverse-etl-syncs", `{"sourceId":"src1","modelId":"mod1","subscriptionId":"sub1"}`).get("data.reverseETLManualSync.syncId").String()
	wants(t, c.do(http.MethodPost, "/reverse-etl-models/mod1/syncs/"+second+"/cancel", `{"reasonForCanceling":4}`), 200, `{"data":{"status":"CANCELLING"}}`)
	r = c.do(http.MethodGet, "/reverse-etl-models/mod1/subscriptionId/sub1/syncs?count=1", "")
	equal(t, "list", `["`+second+`"]`, r.get("data.syncStatuses.#.syncId").Raw)
	equal(t, "canceled", "CANCELED", r.get("data.syncStatuses.0.syncStatus").String())
	wants(t, c.do(http.MethodPost, "/reverse-etl-models/mod1/syncs/"+second+"/cancel", `{"reasonForCanceling":4}`), 200, `{"data":{"status":"SyncAlreadyCanceled"}}`)
}

func TestSegmentRefuses(t *testing.T) {
	t.Parallel()
	c := open(t, "segment")
	c.declare(tools.Sync{ID: "sub2", Model: "mod2", Disabled: true, Schedule: "0 6 * * *"})
	failed := func(status int, kind, field, message string) string {
		if field != "" {
			field = fmt.Sprintf(`,"field":%q`, field)
		}
		return fmt.Sprintf(`{"errors":[{"type":%q,"message":%q,"status":%d%s}]}`, kind, message, status, field)
	}
	for body, want := range map[string]reply{
		`{"modelId":"mod1","subscriptionId":"sub1"}`:                     {400, nil, failed(400, "bad-request", "sourceId", "sourceId is required")},
		`{"sourceId":"src","modelId":"mod1","subscriptionId":"sub2"}`:    {404, nil, failed(404, "not-found", "", "The subscription of this model was not found")},
		`{"sourceId":"src","modelId":"mod2","subscriptionId":"sub2"}`:    {400, nil, failed(400, "bad-request", "subscriptionId", "The subscription is not enabled")},
		`{"sourceId":"src","modelId":"mod1","subscriptionId":{"a":"b"}}`: {400, nil, failed(400, "bad-request", "subscriptionId", "subscriptionId is required")},
	} {
		wants(t, c.do(http.MethodPost, "/reverse-etl-syncs", body), want.status, want.body)
	}
	wants(t, c.do(http.MethodGet, "/reverse-etl-models/mod1/syncs/none", ""), 404, failed(404, "not-found", "", "The sync was not found"))
	wants(t, c.do(http.MethodGet, "/reverse-etl-models", "", "Authorization", ""), 401, failed(401, "unauthorized", "", "The provided token is not valid"))
	wants(t, c.do(http.MethodPost, "/reverse-etl-models/mod1/syncs/none/cancel", `{}`), 400, failed(400, "bad-request", "reasonForCanceling", "reasonForCanceling is a number from 0 to 4"))
	r := c.do(http.MethodGet, "/destinations/d1/subscriptions/sub2", "")
	equal(t, "schedule", decoded(t, `{"strategy":"CRON","config":{"spec":"0 6 * * *","timezone":"UTC"}}`), decoded(t, r.get("data.subscription.reverseETLSchedule").Raw))
	equal(t, "enabled", `false "mod2"`, r.get("data.subscription.enabled").Raw+" "+r.get("data.subscription.modelId").Raw)
	equal(t, "model", "false", c.do(http.MethodGet, "/reverse-etl-models/mod2", "").get("data.reverseEtlModel.enabled").Raw)
	equal(t, "source", "", c.do(http.MethodGet, "/reverse-etl-models/mod9", "").get("data.reverseEtlModel.sourceId").String())
	c.do(http.MethodPost, "/reverse-etl-syncs", `{"sourceId":"src9","modelId":"mod9","subscriptionId":"sub9"}`)
	equal(t, "source of a model that was synced", "src9", c.do(http.MethodGet, "/reverse-etl-models/mod9", "").get("data.reverseEtlModel.sourceId").String())
	wants(t, c.do(http.MethodPost, "/reverse-etl-syncs", `{"sourceId":"src8","modelId":"mod9","subscriptionId":"sub9"}`), 404, failed(404, "not-found", "", "The subscription of this model was not found"))
	c.declare(tools.Sync{ID: "sub9", Missing: true})
	equal(t, "models", `["mod2"]`, c.do(http.MethodGet, "/reverse-etl-models?pagination.count=5", "").get("data.models.#.id").Raw)
	equal(t, "subscriptions", `["sub2"]`, c.do(http.MethodGet, "/destinations/d1/subscriptions?pagination.count=1", "").get("data.subscriptions.#.id").Raw)
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	c := open(t, "webhook")
	c.header = http.Header{}
	r := c.do(http.MethodPost, "/hooks/nightly", `{"exposure":"crm"}`, "Idempotency-Key", "k1")
	equal(t, "first", 202, r.status)
	again := c.do(http.MethodPost, "/hooks/nightly", `{"exposure":"crm"}`, "Idempotency-Key", "k1")
	equal(t, "again", "200 "+r.get("id").String(), fmt.Sprint(again.status, " ", again.get("id").String()))
	c.restart()
	again = c.do(http.MethodPost, "/hooks/nightly", "", "Idempotency-Key", "k1")
	equal(t, "after a restart", r.get("id").String(), again.get("id").String())
	other := c.do(http.MethodPost, "/hooks/nightly", "", "Idempotency-Key", "k2")
	if other.get("id").String() == r.get("id").String() {
		t.Error("another key starts no other job")
	}
	equal(t, "counts", tools.Counts{Triggers: 4, Runs: 2}, c.counts("nightly"))
	at := strings.TrimPrefix(again.get("url").String(), c.server.URL+"/as/webhook/tool")
	poll := func() reply { return c.do(http.MethodGet, at, "") }
	equal(t, "statuses", []string{"queued", "running", "succeeded"}, words(c, poll, "status", "succeeded"))
	equal(t, "rows", decoded(t, `{"total":100,"ok":100,"failed":0}`), decoded(t, poll().get("rows").Raw))
	if r := c.do(http.MethodDelete, "/jobs/job-2", ""); r.status != 204 {
		t.Errorf("status %d: %s", r.status, r.body)
	}
	equal(t, "stopped", "canceled", c.do(http.MethodGet, "/jobs/job-2", "").get("status").String())
	wants(t, c.do(http.MethodGet, "/jobs/job-9", ""), 404, `{"error":"there is no such job"}`)
	wants(t, c.do(http.MethodPost, "/hooks/!", ""), 404, `{"error":"there is no such hook"}`)
	other = c.do(http.MethodPost, "/api/v2/run/crm", "")
	equal(t, "another address", "202 api-v2-run-crm", fmt.Sprint(other.status, " ", other.get("hook").String()))
	equal(t, "and its job", "queued", c.do(http.MethodGet, "/api/v2/run/crm/"+other.get("id").String(), "").get("status").String())
	wants(t, c.do(http.MethodGet, "/api/v2/run/crm", ""), 404, `{"error":"not found"}`)
	c.declare(tools.Sync{ID: "off", Disabled: true})
	wants(t, c.do(http.MethodPut, "/hooks/off", ""), 409, `{"error":"the hook is disabled"}`)
}
