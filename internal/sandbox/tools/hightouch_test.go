package tools_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"exposync/internal/sandbox"
	"exposync/internal/sandbox/tools"
)

const hightouchAPI = "/api/v1"

// hightouchStart triggers a sync and gives the run's id.
func hightouchStart(c *client, sync string) string {
	c.t.Helper()
	r := c.do(http.MethodPost, hightouchAPI+"/syncs/"+sync+"/trigger", "")
	if r.status != http.StatusOK || r.get("id").String() == "" {
		c.t.Fatalf("status %d: %s", r.status, r.body)
	}
	return r.get("id").String()
}

func hightouchPoll(c *client, sync, run string) reply {
	c.t.Helper()
	return c.do(http.MethodGet, hightouchAPI+"/syncs/"+sync+"/runs?runId="+run, "")
}

// words polls a run until it has ended, at most 20 times, and gives what it
// said.
func words(c *client, poll func() reply, path string, ended ...string) []string {
	c.t.Helper()
	var out []string
	for range 20 {
		word := poll().get(path).String()
		out = append(out, word)
		if slices.Contains(ended, word) {
			return out
		}
	}
	return out
}

func TestHightouchRun(t *testing.T) {
	t.Parallel()
	c := open(t, "hightouch")
	wants(t, c.do(http.MethodPost, hightouchAPI+"/syncs/42606/trigger", `{"fullResync":false}`), 200, `{"id":"6100001"}`)
	said := words(c, func() reply { return hightouchPoll(c, "42606", "6100001") }, "data.0.status", "success")
	equal(t, "statuses", []string{"queued", "querying", "processing", "reporting", "success"}, said)
	wants(t, hightouchPoll(c, "42606", "6100001"), 200, `{"hasMore":false,"data":[{
		"id":"6100001","status":"success","createdAt":"2026-11-24T10:15:00.000Z","startedAt":"2026-11-24T10:15:00.000Z","finishedAt":"2026-11-24T10:15:00.000Z",
		"querySize":100,"completionRatio":0.54,"error":null,
		"plannedRows":{"addedCount":60,"changedCount":30,"removedCount":10},
		"successfulRows":{"addedCount":60,"changedCount":30,"removedCount":10},
		"failedRows":{"addedCount":0,"changedCount":0,"removedCount":0}}]}`)
	equal(t, "counts", tools.Counts{Triggers: 1, Runs: 1, Polls: 6}, c.counts("42606"))
}

func TestHightouchFirstPollHasNoTimes(t *testing.T) {
	t.Parallel()
	c := open(t, "hightouch")
	r := hightouchPoll(c, "7", hightouchStart(c, "7"))
	for _, path := range []string{"data.0.startedAt", "data.0.finishedAt", "data.0.error"} {
		if v := r.get(path); !v.Exists() || v.Type.String() != "Null" {
			t.Errorf("%s is %s", path, v.Raw)
		}
	}
	if n := r.get("data.0.plannedRows.addedCount").Int(); n != 0 {
		t.Errorf("a queued run has planned %d rows", n)
	}
}

func TestHightouchSync(t *testing.T) {
	t.Parallel()
	c := open(t, "hightouch")
	const plain = `{"id":"42606","slug":"sync-42606","workspaceId":"1","modelId":"90042606","destinationId":"1","schedule":null,"disabled":false,
		"configuration":{"mode":"upsert","object":"contact"},"status":"pending","lastRunAt":null,"primaryKey":"id","referencedColumns":["id","email"],
		"tags":{},"createdAt":"2026-11-24T10:15:00.000Z","updatedAt":"2026-11-24T10:15:00.000Z"}`
	wants(t, c.do(http.MethodGet, hightouchAPI+"/syncs/42606", ""), 200, plain)
	for schedule, want := range map[string]string{
		"1h":        `{"type":"interval","schedule":{"interval":{"quantity":1,"unit":"hour"}}}`,
		"336h":      `{"type":"interval","schedule":{"interval":{"quantity":2,"unit":"week"}}}`,
		"0 6 * * 1": `{"type":"cron","schedule":{"expression":"0 6 * * 1"}}`,
		"dbt_cloud": `{"type":"dbt-cloud","schedule":{"dbtCredentialId":"1","account":{"id":"4242"},"job":{"id":"70403"}}}`,
	} {
		c.declare(tools.Sync{ID: "8", Schedule: schedule})
		r := c.do(http.MethodGet, hightouchAPI+"/syncs/8", "")
		equal(t, schedule, decoded(t, want), decoded(t, r.get("schedule").Raw))
	}
	c.declare(tools.Sync{ID: "9", Disabled: true})
	if r := c.do(http.MethodGet, hightouchAPI+"/syncs/9", ""); !r.get("disabled").Bool() || r.get("status").String() != "disabled" {
		t.Errorf("a disabled sync is %s", r.body)
	}
	if r := c.do(http.MethodPost, hightouchAPI+"/syncs/9/trigger", ""); r.status != 400 || c.counts("9").Runs != 0 {
		t.Errorf("a disabled sync is triggered: %d %s", r.status, r.body)
	}
	c.declare(tools.Sync{ID: "10", Missing: true})
	for _, path := range []string{"/syncs/10", "/syncs/10/runs", "/syncs/10/runs?runId=1"} {
		wants(t, c.do(http.MethodGet, hightouchAPI+path, ""), 404, `{"error":"Sync not found"}`)
	}
}

func TestHightouchRefuses(t *testing.T) {
	t.Parallel()
	c := open(t, "hightouch")
	invalid := func(name, text string) string {
		return `{"message":"Validation failed","details":{"` + name + `":{"message":"` + text + `"}}}`
	}
	tests := map[string]struct {
		method, path, body, auth string
		status                   int
		want                     string
	}{
		"no credential": {"GET", "/syncs/1", "", "-", 401, `{"message":"Authentication error","details":"The API key is invalid, or the person who made it was deactivated."}`},
		"a word as id":  {"GET", "/syncs/abc", "", "", 422, invalid("syncId", "invalid float number")},
		"a zero as id":  {"POST", "/syncs/0/trigger", "", "", 422, invalid("syncId", "invalid float number")},
		"a text as flag": {
			"POST", "/syncs/1/trigger", `{"fullResync":"false"}`, "", 422,
			invalid("body.fullResync", "invalid boolean value"),
		},
		"no JSON":         {"POST", "/syncs/1/trigger", `{`, "", 422, invalid("body", "invalid JSON")},
		"a list":          {"POST", "/syncs/1/trigger", `[]`, "", 422, invalid("body", "invalid object")},
		"a number as id":  {"POST", "/syncs/trigger", `{"syncId":1}`, "", 422, invalid("body.syncId", "Not match in '^[0-9]+$'")},
		"neither":         {"POST", "/syncs/trigger", `{}`, "", 422, invalid("body", "'syncId' or 'syncSlug' is required")},
		"no such slug":    {"POST", "/syncs/trigger", `{"syncSlug":"x"}`, "", 404, `{"error":"Sync not found"}`},
		"another limit":   {"GET", "/syncs/1/runs?limit=x", "", "", 422, invalid("limit", "invalid value")},
		"another order":   {"GET", "/syncs/1/runs?orderBy=x", "", "", 422, invalid("orderBy", "invalid value")},
		"another run":     {"GET", "/syncs/1/runs?runId=x", "", "", 422, invalid("runId", "invalid float number")},
		"another method":  {"DELETE", "/syncs/1", "", "", 404, `{"error":"Not found"}`},
		"another path":    {"GET", "/workspaces", "", "", 404, `{"error":"Not found"}`},
		"no sequence":     {"POST", "/sync-sequences/1/trigger", "", "", 422, invalid("syncSequenceId", "invalid uuid")},
		"no sequence run": {"GET", "/sync-sequences/runs/x", "", "", 404, `{"error":"Sync sequence run not found"}`},
		"no model":        {"GET", "/models/5", "", "", 404, `{"error":"Model not found"}`},
		"no destination":  {"GET", "/destinations/5", "", "", 404, `{"error":"Destination not found"}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var header []string
			if tt.auth == "-" {
				header = []string{"Authorization", ""}
			}
			wants(t, c.do(tt.method, hightouchAPI+tt.path, tt.body, header...), tt.status, tt.want)
		})
	}
}

func TestHightouchTriggerByName(t *testing.T) {
	t.Parallel()
	c := open(t, "hightouch")
	c.declare(tools.Sync{ID: "5", Slug: "users-to-crm"})
	for body, sync := range map[string]string{`{"syncId":"4"}`: "4", `{"syncSlug":"users-to-crm","fullResync":true}`: "5", `{"syncSlug":"sync-6"}`: "6"} {
		if r := c.do(http.MethodPost, hightouchAPI+"/syncs/trigger", body); r.status != 200 || c.counts(sync).Runs != 1 {
			t.Errorf("%s: status %d, %s", body, r.status, r.body)
		}
	}
	shown, err := c.ws.Snapshot(1)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "flags of the run", []string{"fullResync"}, shown.Syncs[1].Runs[0].Flags)
}

// While a run goes on one more waits for it, and further triggers give that.
func TestHightouchQueuesOneRun(t *testing.T) {
	t.Parallel()
	c := open(t, "hightouch")
	first, second, third := hightouchStart(c, "1"), hightouchStart(c, "1"), hightouchStart(c, "1")
	if first == second || second != third {
		t.Fatalf("runs %s, %s, %s", first, second, third)
	}
	said := words(c, func() reply { return hightouchPoll(c, "1", second) }, "data.0.status", "success")
	if want := "queued"; said[0] != want || said[3] != want || len(said) < 9 {
		t.Errorf("the second run said %v before the first had ended", said)
	}
	if word := hightouchPoll(c, "1", first).get("data.0.status").String(); word != "success" {
		t.Errorf("the second run ended before the first, which is %s", word)
	}
}

func TestHightouchListsRuns(t *testing.T) {
	t.Parallel()
	c := open(t, "hightouch")
	for range 3 {
		id := hightouchStart(c, "1")
		words(c, func() reply { return hightouchPoll(c, "1", id) }, "data.0.status", "success")
		c.clock = c.clock.Add(600e9)
	}
	ids := func(query string) (out []string, more bool) {
		r := c.do(http.MethodGet, hightouchAPI+"/syncs/1/runs"+query, "")
		for _, d := range r.get("data").Array() {
			out = append(out, d.Get("id").String())
		}
		return out, r.get("hasMore").Bool()
	}
	for query, want := range map[string][]string{
		"":                               {"6100003", "6100002", "6100001"},
		"?limit=1":                       {"6100003"},
		"?limit=1&offset=1":              {"6100002"},
		"?within=25&orderBy=createdAt":   {"6100003", "6100002"},
		"?after=2026-11-24T10:20:00Z":    {"6100003", "6100002"},
		"?before=2026-11-24T10:20:00Z":   {"6100001"},
		"?within=5":                      nil,
		"?offset=2&limit=100&orderBy=id": {"6100001"},
	} {
		got, more := ids(query)
		equal(t, query, want, got)
		if want := query == "?limit=1" || query == "?limit=1&offset=1"; more != want {
			t.Errorf("%s: hasMore is %v", query, more)
		}
	}
}

func TestHightouchModels(t *testing.T) {
	t.Parallel()
	c := open(t, "hightouch")
	for _, m := range []tools.Model{
		{ID: "11", Name: "Export customers", UniqueID: "model.shop.export_customers", Database: "shop", Schema: "exports", Table: "export_customers"},
		{ID: "12", Name: "Raw orders", Database: "shop", Schema: "raw", Table: "orders"},
	} {
		if err := c.ws.DeclareModel(m); err != nil {
			t.Fatal(err)
		}
	}
	c.declare(tools.Sync{ID: "1", Title: "Customers to CRM", Model: "11"})
	c.declare(tools.Sync{ID: "2", Model: "11"})
	c.declare(tools.Sync{ID: "3"})
	r := c.do(http.MethodGet, hightouchAPI+"/models", "")
	equal(t, "ids", `["11","12","9003"]`, r.get("data.#.id").Raw)
	equal(t, "kinds", `["dbt","table","raw_sql"]`, r.get("data.#.queryType").Raw)
	equal(t, "syncs", `[["1","2"],[],["3"]]`, r.get("data.#.syncs").Raw)
	equal(t, "node", "model.shop.export_customers", r.get("data.0.dbt.dbtUniqueId").String())
	equal(t, "relation", "shop.raw.orders", r.get("data.1.table.name").String())
	if r := c.do(http.MethodGet, hightouchAPI+"/models?limit=2&offset=0", ""); !r.get("hasMore").Bool() || len(r.get("data").Array()) != 2 {
		t.Errorf("a page of two is %s", r.body)
	}
	equal(t, "one", "Raw orders", c.do(http.MethodGet, hightouchAPI+"/models/12", "").get("name").String())
	equal(t, "of a model", `["1","2"]`, c.do(http.MethodGet, hightouchAPI+"/syncs?modelId=11", "").get("data.#.id").Raw)
	equal(t, "by slug", `["2"]`, c.do(http.MethodGet, hightouchAPI+"/syncs?slug=sync-2", "").get("data.#.id").Raw)
	equal(t, "destination", `["1","2","3"]`, c.do(http.MethodGet, hightouchAPI+"/destinations/1", "").get("syncs").Raw)
	equal(t, "destinations", int64(1), c.do(http.MethodGet, hightouchAPI+"/destinations", "").get("data.#").Int())
}

func TestHightouchSequence(t *testing.T) {
	t.Parallel()
	c := open(t, "hightouch")
	const id = "0f8fad5b-d9cb-469f-a165-70867728950e"
	if err := c.ws.Sequence(id, "3093", "3094"); err != nil {
		t.Fatal(err)
	}
	c.script("3094", tools.Script{End: tools.Failed})
	trigger := func() string {
		return c.do(http.MethodPost, hightouchAPI+"/sync-sequences/"+id+"/trigger", "").get("id").String()
	}
	first, waiting, again := trigger(), trigger(), trigger()
	if first == waiting || waiting != again {
		t.Fatalf("runs %s, %s, %s", first, waiting, again)
	}
	poll := func(id string) reply { return c.do(http.MethodGet, hightouchAPI+"/sync-sequences/runs/"+id, "") }
	equal(t, "the one that waits", "pending", poll(waiting).get("status").String())
	c.restart()
	said := words(c, func() reply { return poll(first) }, "status", "done")
	if said[0] != "running" || said[len(said)-1] != "done" {
		t.Errorf("statuses %v", said)
	}
	wants(t, poll(first), 200, `{"id":"`+first+`","status":"done","syncRuns":[
		{"syncId":3093,"status":"success","finishedAt":"2026-11-24T10:15:00.000Z","syncRunId":6100001},
		{"syncId":3094,"status":"failed","finishedAt":"2026-11-24T10:15:00.000Z","syncRunId":6100002}]}`)
	equal(t, "the next", "running", poll(waiting).get("status").String())
	if r := c.do(http.MethodPost, hightouchAPI+"/sync-sequences/"+strings.Repeat("0f8fad5b", 1)+"-d9cb-469f-a165-708677289500/trigger", ""); r.status != 200 {
		t.Errorf("a sequence that was not declared: %d %s", r.status, r.body)
	}
}

// What is to go wrong with runs goes wrong with the last part of a sequence.
func TestHightouchSequenceFaults(t *testing.T) {
	t.Parallel()
	rules, err := sandbox.ParseFaults("hosted-partial,hosted-poll-500")
	if err != nil {
		t.Fatal(err)
	}
	c := open(t, "hightouch", rules...)
	const id = "0f8fad5b-d9cb-469f-a165-70867728950e"
	run := c.do(http.MethodPost, hightouchAPI+"/sync-sequences/"+id+"/trigger", "").get("id").String()
	poll := func() reply { return c.do(http.MethodGet, hightouchAPI+"/sync-sequences/runs/"+run, "") }
	equal(t, "polls", [2]int{200, 500}, [2]int{poll().status, poll().status})
	words(c, poll, "status", "done")
	equal(t, "parts", `["success","warning"]`, poll().get("syncRuns.#.status").Raw)
}

func TestEachStageForSeveralPolls(t *testing.T) {
	t.Parallel()
	c := open(t, "hightouch")
	c.script("1", tools.Script{Each: 2, Stages: []string{"queued", "querying"}})
	run := hightouchStart(c, "1")
	said := words(c, func() reply { return hightouchPoll(c, "1", run) }, "data.0.status", "success")
	equal(t, "statuses", []string{"queued", "queued", "querying", "querying", "success"}, said)
}
