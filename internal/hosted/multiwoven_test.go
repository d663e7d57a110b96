package hosted

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func multiwovenService(t *testing.T, table map[string][]answer) *service {
	t.Helper()
	table["POST /login"] = []answer{{body: `{"data":{"id":"1","type":"token","attributes":{"token":"jwt-1"}}}`}}
	return newService(t, table)
}

func TestMultiwovenRun(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`"status":"pending","started_at":null`: "7 queued pending",
		`"status":"queued"`:                    "7 queued queued",
		`"status":"started"`:                   "7 running started",
		`"status":"querying"`:                  "7 running querying",
		`"status":"in_progress"`:               "7 running in_progress",
		`"status":"paused"`:                    "7 running paused",
		`"status":"success","total_query_rows":10,"total_rows":10,"successful_rows":10,"failed_rows":0`: "7 succeeded success total=10 ok=10 failed=0",
		`"status":"success","successful_rows":8,"failed_rows":2`:                                        "7 partial success ok=8 failed=2",
		`"status":"failed","error":"no such table"`:                                                     `7 failed failed "no such table"`,
		`"status":"canceled"`: "7 canceled canceled",
		`"status":"asleep"`:   "7 unknown asleep",
	} {
		s := multiwovenService(t, map[string][]answer{"GET /syncs/5/sync_runs/7": {{body: `{"data":{"id":"7","type":"sync_runs","attributes":{"sync_id":5,` + data + `}}}`}}})
		r, err := opened(t, "multiwoven", s.URL, nil, nil).Run(t.Context(), "5", "7")
		if err != nil || line(r) != want {
			t.Errorf("%s\ngives %s, %v\nwant  %s", data, line(r), err, want)
		}
		if got := s.last().header; got.Get("Workspace-Id") != "canary-workspace" || got.Get("Authorization") != "Bearer jwt-1" {
			t.Errorf("headers %v", got)
		}
	}
}

func TestMultiwovenTrigger(t *testing.T) {
	t.Parallel()
	s := multiwovenService(t, map[string][]answer{
		"POST /schedule_syncs": {
			{body: `{"message":"Sync scheduled successfully"}`},
			{status: 424, body: `{"errors":[{"status":424,"title":"Error","detail":"Sync is disabled"}]}`},
			{status: 424, body: `{"errors":[{"status":424,"title":"Error","detail":"Sync Schedule type should be manual"}]}`},
			{status: 424, body: `{"errors":[{"status":424,"title":"Error","detail":"Sync is already running"}]}`},
			{body: `{"errors":[{"detail":"no"}]}`},
		},
		"GET /syncs/5/sync_runs": {{body: `{"data":[]}`}, {body: `{"data":[{"id":"6","attributes":{"status":"querying"}}]}`}},
	})
	tool := opened(t, "multiwoven", s.URL, nil, nil)
	r, err := tool.Trigger(t.Context(), "5", TriggerOptions{})
	if err != nil || r.ID != "" || r.State != Queued || s.last().body != `{"schedule_sync":{"sync_id":5}}` {
		t.Errorf("Trigger() = %+v, %v by %s", r, err, s.last().body)
	}
	for range 2 {
		if _, err := tool.Trigger(t.Context(), "5", TriggerOptions{}); fateOf(t, err).Fate != NotStarted || one(t, err).Code != "hosted_refused" {
			t.Errorf("disabled or scheduled: %v", err)
		}
	}
	_, err = tool.Trigger(t.Context(), "5", TriggerOptions{})
	if got := fateOf(t, err); got.Fate != Busy || got.Running != "6" {
		t.Errorf("busy: %+v", got)
	}
	if _, err = tool.Trigger(t.Context(), "5", TriggerOptions{}); fateOf(t, err).Fate != MayHaveStarted || !strings.Contains(err.Error(), "no") {
		t.Errorf("an error at 200: %v", err)
	}
}

func TestMultiwovenInspect(t *testing.T) {
	t.Parallel()
	const refused = "scheduled: Multiwoven takes triggers only for a sync whose schedule type is manual"
	for data, want := range map[string]Sync{
		`"status":"healthy","schedule_type":"manual"`:                                                  {},
		`"status":"disabled","schedule_type":"manual"`:                                                 {Disabled: "disabled"},
		`"status":"healthy","schedule_type":"interval","sync_interval":3,"sync_interval_unit":"hours"`: {Disabled: refused, Schedule: "every 3 hours"},
		`"status":"pending","schedule_type":"cron_expression","cron_expression":"0 * * * *"`:           {Disabled: refused, Schedule: "cron 0 * * * *"},
	} {
		s := multiwovenService(t, map[string][]answer{"GET /syncs/5": {{
			body: `{"data":{"id":"5","type":"syncs","attributes":{"name":"to crm","model_id":3,"stream_name":"Contact","model":{"name":"customers"},` + data + `}}}`,
		}}})
		got, err := opened(t, "multiwoven", s.URL, nil, nil).Inspect(t.Context(), "5")
		want.ID, want.Title, want.Object, want.Model = "5", "to crm", "Contact", Model{ID: "3", Name: "customers"}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("Inspect(): %v, mismatch (-want +got):\n%s", err, diff)
		}
	}
}

func TestMultiwovenRecentListCancel(t *testing.T) {
	t.Parallel()
	s := multiwovenService(t, map[string][]answer{
		"GET /syncs/5/sync_runs": {
			{body: `{"data":[{"id":"9","attributes":{"status":"pending","started_at":null,"created_at":"2026-11-27T11:59:59.000Z"}},{"id":"8","attributes":{"status":"success","created_at":"2026-11-27T11:59:56.000Z"}}],"links":{"next":"http://x?page=2"}}`},
			{body: `{"data":[{"id":"7","attributes":{"status":"success","created_at":"2026-11-27T11:00:00.000Z"}}],"links":{"next":"http://x?page=3"}}`},
		},
		"GET /syncs":               {{body: `{"data":[{"id":"10","attributes":{}},{"id":"9","attributes":{}}]}`}},
		"GET /syncs/5/sync_runs/9": {{body: `{"data":{"id":"9","attributes":{"status":"in_progress"}}}`}, {body: `{"data":{"id":"9","attributes":{"status":"success"}}}`}},
		"DELETE /schedule_syncs/5": {{body: `{"message":"Sync cancelled successfully"}`}},
	})
	tool := opened(t, "multiwoven", s.URL, nil, nil)
	runs, err := tool.Recent(t.Context(), "5", testNow().Add(-5*time.Second))
	if err != nil || lines(runs) != "8 succeeded success; 9 queued pending" {
		t.Errorf("Recent() = %s, %v", lines(runs), err)
	}
	if list, err := tool.(Lister).List(t.Context()); err != nil || len(list) != 2 || list[0].ID != "9" {
		t.Errorf("List() = %+v, %v", list, err)
	}
	for range 2 {
		if err := tool.(Canceler).Cancel(t.Context(), "5", "9"); err != nil {
			t.Errorf("Cancel(): %v", err)
		}
	}
	if got := s.last().what; got != "GET /syncs/5/sync_runs/9" {
		t.Errorf("a run that has ended was cancelled: %v", s.asked())
	}
}
