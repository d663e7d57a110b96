package tools_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"exposync/internal/sandbox"
	"exposync/internal/sandbox/tools"
)

// talk is how a test triggers and polls a tool. Each is written after the
// vendor's documentation once more.
type talk struct {
	kind, sync string
	trigger    func(c *client, sync string) *http.Request
	id         string // of the run, in the answer to a trigger; empty: the newest that the list has
	poll       func(c *client, sync, run string) *http.Request
	one        string // where in the answer to a poll the run is
	status     string // in that
	list       func(c *client, sync string) *http.Request
	ids        string // of runs, in the answer to a list
	words      map[tools.End]string
	first      string // the first word of a run
	failed     string // the count of rows that were refused
	busy       int    // the status of a trigger while another run is going on
}

// connection is an id of a sync for tools that have UUIDs.
const connection = "3c7e8b1a-52d4-4c0e-9d7b-0f6a4b2d9e10"

func talks() map[string]talk {
	get := func(path string) func(*client, string, string) *http.Request {
		return func(c *client, sync, run string) *http.Request {
			return c.request(http.MethodGet, strings.NewReplacer("SYNC", sync, "RUN", run).Replace(path), "")
		}
	}
	list := func(path string) func(*client, string) *http.Request {
		return func(c *client, sync string) *http.Request { return get(path)(c, sync, "") }
	}
	post := func(path, body string) func(*client, string) *http.Request {
		return func(c *client, sync string) *http.Request {
			in := strings.NewReplacer("SYNC", sync)
			return c.request(http.MethodPost, in.Replace(path), in.Replace(body))
		}
	}
	return map[string]talk{
		"hightouch": {
			kind: "hightouch", sync: "42606", trigger: post("/api/v1/syncs/SYNC/trigger", ""), id: "id",
			poll: get("/api/v1/syncs/SYNC/runs?runId=RUN"), one: "data.0", status: "status", list: list("/api/v1/syncs/SYNC/runs?within=5&orderBy=createdAt"), ids: "data.#.id",
			words: map[tools.End]string{tools.Success: "success", tools.Partial: "warning", tools.Failed: "failed", tools.Canceled: "cancelled", tools.Interrupted: "interrupted"},
			first: "queued", failed: "failedRows.addedCount", busy: 200,
		},
		"census": {
			kind: "census", sync: "52", trigger: post("/api/v2/syncs/SYNC/trigger", ""), id: "data.sync_run_id",
			poll: get("/api/v2/sync_runs/RUN"), one: "data", status: "status", list: list("/api/v2/syncs/SYNC/sync_runs"), ids: "data.#.id",
			words: map[tools.End]string{tools.Success: "completed", tools.Partial: "completed", tools.Failed: "failed", tools.Canceled: "completed", tools.Skipped: "skipped"},
			first: "queued", failed: "records_failed", busy: 200,
		},
		"multiwoven": {
			kind: "multiwoven", sync: "5", trigger: post("/api/v1/schedule_syncs", `{"schedule_sync":{"sync_id":SYNC}}`),
			poll: get("/api/v1/syncs/SYNC/sync_runs/RUN"), one: "data.attributes", status: "status", list: list("/api/v1/syncs/SYNC/sync_runs"), ids: "data.#.id",
			words: map[tools.End]string{tools.Success: "success", tools.Partial: "success", tools.Failed: "failed", tools.Canceled: "canceled"},
			first: "started", failed: "failed_rows", busy: 424, // the list has shown pending already
		},
		"airbyte": {
			kind: "airbyte", sync: connection, trigger: post("/v1/jobs", `{"connectionId":"SYNC","jobType":"sync"}`), id: "jobId",
			poll: get("/v1/jobs/RUN"), one: "@this", status: "status", list: list("/v1/jobs?connectionId=SYNC&orderBy=createdAt%7CDESC"), ids: "data.#.jobId",
			words: map[tools.End]string{tools.Success: "succeeded", tools.Failed: "failed", tools.Canceled: "cancelled"},
			first: "pending", failed: "rowsFailed", busy: 409,
		},
		"polytomic": {
			kind: "polytomic", sync: connection, trigger: post("/api/syncs/SYNC/executions", `{"resync":false}`), id: "data.id",
			poll: get("/api/syncs/SYNC/executions/RUN"), one: "data", status: "status", list: list("/api/syncs/SYNC/executions"), ids: "data.#.id",
			words: map[tools.End]string{tools.Success: "completed", tools.Partial: "completed", tools.Failed: "failed", tools.Canceled: "canceled", tools.Interrupted: "interrupted"},
			first: "created", failed: "counts.error", busy: 409,
		},
		"rudderstack": {
			kind: "rudderstack", sync: "2C8Vk2wj8qkofy00YzJbvJOGeqa", trigger: post("/v2/retl-connections/SYNC/start", `{"syncType":"incremental"}`), id: "syncId",
			poll: get("/v2/retl-connections/SYNC/syncs/RUN"), one: "@this", status: "status", list: list("/v2/retl-connections/SYNC/syncs"), ids: "syncs.#.id",
			words: map[tools.End]string{tools.Success: "succeeded", tools.Partial: "succeeded", tools.Failed: "failed", tools.Canceled: "failed"},
			first: "running", failed: "metrics.failed.total", busy: 409,
		},
		"segment": {
			kind: "segment", sync: "sub1", trigger: post("/reverse-etl-syncs", `{"sourceId":"src1","modelId":"mod1","subscriptionId":"SYNC"}`), id: "data.reverseETLManualSync.syncId",
			poll: get("/reverse-etl-models/mod1/syncs/RUN"), one: "data.reverseETLSyncStatus", status: "syncStatus",
			list: list("/reverse-etl-models/mod1/subscriptionId/SYNC/syncs"), ids: "data.syncStatuses.#.syncId",
			words: map[tools.End]string{tools.Success: "SUCCESS", tools.Partial: "PARTIAL_SUCCESS", tools.Failed: "FAIL", tools.Canceled: "CANCELED"},
			first: "IN_PROGRESS", failed: "loadPhase.deliverFailureCount", busy: 200,
		},
		"webhook": {
			kind: "webhook", sync: "nightly", trigger: post("/hooks/SYNC", `{"exposure":"crm"}`), id: "id",
			poll: get("/jobs/RUN"), one: "@this", status: "status", list: list("/jobs?hook=SYNC"), ids: "jobs.#.id",
			words: map[tools.End]string{tools.Success: "succeeded", tools.Partial: "completed_with_errors", tools.Failed: "failed", tools.Canceled: "canceled"},
			first: "queued", failed: "rows.failed", busy: 202,
		},
	}
}

// talker is a tool that a test speaks with.
type talker struct {
	*client

	talk
}

func (k talker) start() reply { return k.send(k.trigger(k.client, k.sync)) }

func (k talker) started() string {
	k.t.Helper()
	r := k.start()
	if r.status < 200 || r.status > 299 {
		k.t.Fatalf("the trigger is answered %d: %s", r.status, r.body)
	}
	if k.id == "" {
		return k.runs()[0]
	}
	id := r.get(k.id).String()
	if id == "" {
		k.t.Fatalf("the trigger gives no id: %s", r.body)
	}
	return id
}

func (k talker) ask(run string) reply { return k.send(k.poll(k.client, k.sync, run)) }

// run is what a poll says of a run.
func (k talker) run(run string) gjson.Result { return k.ask(run).get(k.one) }

// runs are the ids of the listed runs, the newest first.
func (k talker) runs() []string {
	var out []string
	for _, id := range k.send(k.talk.list(k.client, k.sync)).get(k.ids).Array() {
		out = append(out, id.String())
	}
	return out
}

// until polls a run until it says a word.
func (k talker) until(run, word string) gjson.Result {
	k.t.Helper()
	var said []string
	for range 20 {
		r := k.run(run)
		if r.Get(k.status).String() == word {
			return r
		}
		said = append(said, r.Get(k.status).String())
	}
	k.t.Fatalf("run %s says %v, and never %s", run, said, word)
	return gjson.Result{}
}

// everyTool runs a test with each tool.
func everyTool(t *testing.T, test func(k talker), rules ...sandbox.Rule) {
	t.Helper()
	all := talks()
	for _, v := range tools.Vendors() {
		if _, tested := all[v.Kind]; !tested {
			t.Errorf("nobody speaks with %s", v.Kind)
		}
	}
	for kind, talk := range all {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			c := open(t, kind, rules...)
			c.header.Set("Workspace-Id", "1") // Multiwoven asks for it
			test(talker{c, talk})
		})
	}
}
