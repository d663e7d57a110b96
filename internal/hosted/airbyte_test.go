package hosted

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func airbyteService(t *testing.T, table map[string][]answer) *service {
	t.Helper()
	if table["POST /applications/token"] == nil {
		table["POST /applications/token"] = []answer{{body: `{"access_token":"token-1","token_type":"Bearer","expires_in":180}`}, {body: `{"access_token":"token-2"}`}}
	}
	return newService(t, table)
}

func TestAirbyteRun(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`"status":"pending","startTime":"2023-03-25T01:30:50Z"`: "1234 queued pending",
		`"status":"queued"`:     "1234 queued queued",
		`"status":"running"`:    "1234 running running",
		`"status":"incomplete"`: "1234 running incomplete",
		`"status":"succeeded","rowsSynced":15,"bytesSynced":1,"lastUpdatedAt":"2023-03-25T02:30:50Z"`: "1234 succeeded succeeded ok=15",
		`"status":"failed"`:    "1234 failed failed",
		`"status":"cancelled"`: "1234 canceled cancelled",
		`"status":"resumed"`:   "1234 unknown resumed",
	} {
		s := airbyteService(t, map[string][]answer{"GET /jobs/1234": {{body: `{"jobId":1234,"jobType":"sync","duration":"PT8H6M12S",` + data + `}`}}})
		r, err := opened(t, "airbyte", s.URL, nil, nil).Run(t.Context(), aSync, "1234")
		if err != nil || line(r) != want || r.State.Ended() != strings.Contains("succeeded failed cancelled", r.Status) {
			t.Errorf("%s\ngives %s, %v\nwant  %s", data, line(r), err, want)
		}
	}
}

// A token ends while a run is waited for: it is fetched anew, once.
func TestAirbyteTokenEnds(t *testing.T) {
	t.Parallel()
	job := `{"jobId":1234,"status":"running"}`
	s := airbyteService(t, map[string][]answer{"GET /jobs/1234": {{body: job}, {status: 401, body: `{"title":"unauthorized"}`}, {body: job}, {status: 401}, {status: 401, body: `{"detail":"no token-2"}`}}})
	tool := opened(t, "airbyte", s.URL, nil, nil)
	for range 2 {
		if _, err := tool.Run(t.Context(), aSync, "1234"); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"POST /applications/token", "GET /jobs/1234", "GET /jobs/1234", "POST /applications/token", "GET /jobs/1234"}
	if diff := cmp.Diff(want, s.asked()); diff != "" {
		t.Errorf("requests mismatch (-want +got):\n%s", diff)
	}
	if got := s.last().header.Get("Authorization"); got != "Bearer token-2" {
		t.Errorf("Authorization: %s", got)
	}
	_, err := tool.Run(t.Context(), aSync, "1234")
	if f := one(t, err); f.Code != "hosted_denied" || !strings.Contains(f.Msg, "no ***") {
		t.Errorf("a second 401: %v", f)
	}
}

// A trigger that was refused for its token is sent again: nothing happened.
func TestAirbyteTriggerWithAnOldToken(t *testing.T) {
	t.Parallel()
	s := airbyteService(t, map[string][]answer{"POST /jobs": {{status: 401}, {body: `{"jobId":1234,"status":"running","jobType":"sync"}`}}})
	r, err := opened(t, "airbyte", s.URL, nil, nil).Trigger(t.Context(), aSync, TriggerOptions{})
	if err != nil || r.ID != "1234" || s.last().body != `{"connectionId":"`+aSync+`","jobType":"sync"}` {
		t.Errorf("Trigger() = %+v, %v by %s", r, err, s.last().body)
	}
}

func TestAirbyteTrigger(t *testing.T) {
	t.Parallel()
	s := airbyteService(t, map[string][]answer{
		"POST /jobs": {{status: 409, body: `{"type":"error:try-again-later","title":"try-again-later","status":409,"detail":"A sync is already running"}`, kind: "application/problem+json"}, {body: `{}`}, {status: 409, body: `{"title":"state-conflict","data":{"message":"The connection is inactive."}}`}},
		"GET /jobs":  {{body: `{"data":[{"jobId":1200,"status":"running"}],"next":""}`}, {body: `{"data":[],"next":""}`}},
	})
	tool := opened(t, "airbyte", s.URL, nil, nil)
	_, err := tool.Trigger(t.Context(), aSync, TriggerOptions{})
	if got := fateOf(t, err); got.Fate != Busy || got.Running != "1200" || !strings.Contains(one(t, err).Msg, "A sync is already running") {
		t.Errorf("busy: %+v", got)
	}
	if _, err := tool.Trigger(t.Context(), aSync, TriggerOptions{}); fateOf(t, err).Fate != MayHaveStarted {
		t.Errorf("no id: %v", err)
	}
	if _, err := tool.Trigger(t.Context(), aSync, TriggerOptions{}); fateOf(t, err).Fate != NotStarted || one(t, err).Code != "hosted_refused" {
		t.Errorf("inactive: %v", err)
	}
	before := len(s.asked())
	if _, err := tool.Trigger(t.Context(), aSync, TriggerOptions{FullResync: true}); one(t, err).Code != "hosted_refused" || len(s.asked()) != before {
		t.Errorf("a full resync: %v", err)
	}
}

// Nobody could log in: the trigger was not sent.
func TestAirbyteLoginFails(t *testing.T) {
	t.Parallel()
	for _, a := range []answer{{status: 401, body: `{"detail":"canary-client_secret is wrong"}`}, {status: 500}, {cut: true}, {body: `{}`}, {body: `<html>`, kind: "text/html"}} {
		s := newService(t, map[string][]answer{"POST /applications/token": {a}})
		_, err := opened(t, "airbyte", s.URL, nil, nil).Trigger(t.Context(), aSync, TriggerOptions{})
		if got := fateOf(t, err); got.Fate != NotStarted || strings.Contains(err.Error(), "canary") {
			t.Errorf("%+v: fate %d, %v", a, got.Fate, err)
		}
	}
}

func TestAirbyteInspectRecentListCancel(t *testing.T) {
	t.Parallel()
	const body = `{"connectionId":"` + aSync + `","name":"pg to crm","sourceId":"src","destinationId":"d","workspaceId":"w1","status":"inactive","schedule":SCHEDULE,"configurations":{"streams":[{"name":"export_customers"}]}}`
	for schedule, want := range map[string]string{
		`{"scheduleType":"manual"}`: "", `{"scheduleType":"cron","cronExpression":"0 0 * * * ? UTC"}`: "cron 0 0 * * * ? UTC",
		`{"scheduleType":"basic","basicTiming":"Every 24 HOURS"}`: "every 24 hours", `{"scheduleType":"basic"}`: "basic",
	} {
		s := airbyteService(t, map[string][]answer{
			"GET /api/public/v1/connections/" + aSync: {{body: replace(body, "SCHEDULE", schedule)}},
			"POST /api/public/v1/applications/token":  {{body: `{"access_token":"token-1"}`}},
		})
		got, err := opened(t, "airbyte", s.URL+"/api/public/v1", nil, nil).Inspect(t.Context(), aSync)
		wanted := Sync{
			ID: aSync, Title: "pg to crm", Disabled: "inactive", Schedule: want, Model: Model{ID: "src", Name: "export_customers"},
			URL: s.URL + "/workspaces/w1/connections/" + aSync,
		}
		if diff := cmp.Diff(wanted, got); diff != "" || err != nil {
			t.Errorf("Inspect(): %v, mismatch (-want +got):\n%s", err, diff)
		}
	}
	s := airbyteService(t, map[string][]answer{
		"GET /jobs": {
			{body: `{"data":[{"jobId":9,"status":"succeeded","startTime":"2026-11-27T11:59:50Z"},{"jobId":10,"status":"running","startTime":"2026-11-27T11:59:56Z"}],"next":"https://x/jobs?offset=2"}`},
			{body: `{"data":[{"jobId":11,"status":"pending","startTime":"2026-11-27T11:59:59Z"}],"next":""}`},
		},
		"DELETE /jobs/11":  {{body: `{"jobId":11,"status":"cancelled"}`}},
		"GET /connections": {{body: `{"data":[{"connectionId":"b","status":"active"},{"connectionId":"a"}],"next":""}`}},
	})
	tool := opened(t, "airbyte", s.URL, map[string]string{"workspace": "w1"}, nil)
	runs, err := tool.Recent(t.Context(), aSync, testNow().Add(-5*time.Second))
	if err != nil || lines(runs) != "10 running running; 11 queued pending" {
		t.Errorf("Recent() = %s, %v", lines(runs), err)
	}
	if got := s.last().what; got != "GET /jobs?connectionId="+aSync+"&createdAtStart=2026-11-27T11%3A59%3A54Z&jobType=sync&limit=100&offset=2&orderBy=createdAt%7CASC" {
		t.Errorf("asked %s", got)
	}
	if err := tool.(Canceler).Cancel(t.Context(), aSync, "11"); err != nil {
		t.Errorf("Cancel(): %v", err)
	}
	if list, err := tool.(Lister).List(t.Context()); err != nil || len(list) != 2 || list[0].ID != "a" || list[1].Disabled != "" {
		t.Errorf("List() = %+v, %v", list, err)
	}
	if got := s.last().what; got != "GET /connections?limit=100&offset=0&workspaceIds=w1" {
		t.Errorf("asked %s", got)
	}
}
