package hosted

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const rudderPath = "/retl-connections/2abc"

func TestRudderstackRun(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`"status":"running","startedAt":"2024-04-20T05:41:18.871Z","finishedAt":null,"error":"","metrics":{"total":0}`:   "s1 running running total=0",
		`"status":"succeeded","metrics":{"succeeded":{"total":7},"failed":{"total":0},"changed":{"total":7},"total":10}`: "s1 succeeded succeeded changed=7 total=10 ok=7 failed=0",
		`"status":"succeeded","metrics":{"succeeded":{"total":7},"failed":{"total":3}}`:                                  "s1 partial succeeded ok=7 failed=3",
		`"status":"failed","error":"warehouse said no"`:                                                                  `s1 failed failed "warehouse said no"`,
		`"status":"finished"`: "s1 unknown finished",
		`"status":7`:          "s1 unknown 7",
	} {
		s := newService(t, map[string][]answer{"GET " + rudderPath + "/syncs/s1": {{body: `{"id":"s1",` + data + `}`}}})
		r, err := opened(t, "rudderstack", s.URL, nil, nil).Run(t.Context(), "2abc", "s1")
		if err != nil || line(r) != want {
			t.Errorf("%s\ngives %s, %v\nwant  %s", data, line(r), err, want)
		}
	}
}

func TestRudderstackTrigger(t *testing.T) {
	t.Parallel()
	s := newService(t, map[string][]answer{
		"POST " + rudderPath + "/start": {{body: `{"syncId":"s1"}`}, {body: `{"syncId":"s2"}`}, {status: 409, body: `{"error":"already running"}`}, {body: `{}`}},
		"GET " + rudderPath + "/syncs":  {{body: `{"syncs":[{"id":"s0","status":"running"}],"paging":{"total":1}}`}},
	})
	tool := opened(t, "rudderstack", s.URL, nil, nil)
	if r, err := tool.Trigger(t.Context(), "2abc", TriggerOptions{}); err != nil || r.ID != "s1" || s.last().body != `{}` {
		t.Errorf("Trigger() = %+v, %v by %s", r, err, s.last().body)
	}
	if _, err := tool.Trigger(t.Context(), "2abc", TriggerOptions{FullResync: true}); err != nil || s.last().body != `{"syncType":"full"}` {
		t.Errorf("a full resync: %v by %s", err, s.last().body)
	}
	_, err := tool.Trigger(t.Context(), "2abc", TriggerOptions{})
	if got := fateOf(t, err); got.Fate != Busy || got.Running != "s0" || s.last().what != "GET "+rudderPath+"/syncs?status=running" {
		t.Errorf("busy: %+v by %s", got, s.last().what)
	}
	if _, err := tool.Trigger(t.Context(), "2abc", TriggerOptions{}); fateOf(t, err).Fate != MayHaveStarted {
		t.Errorf("no id: %v", err)
	}
}

func TestRudderstackInspect(t *testing.T) {
	t.Parallel()
	const body = `{"id":"2abc","sourceId":"src","destinationId":"d","enabled":false,"schedule":SCHEDULE,"identifiers":[{"from":"id","to":"ext"}],"mappings":[{"from":"name","to":"n"}],"object":"Contact"}`
	for schedule, want := range map[string]string{
		`{"type":"basic","everyMinutes":60}`: "every 60 minutes", `{"type":"manual"}`: "", `{"type":"cron"}`: "cron", `null`: "",
	} {
		s := newService(t, map[string][]answer{"GET " + rudderPath: {{body: replace(body, "SCHEDULE", schedule)}}})
		got, err := opened(t, "rudderstack", s.URL, nil, nil).Inspect(t.Context(), "2abc")
		wanted := Sync{ID: "2abc", Disabled: "disabled", Schedule: want, Model: Model{ID: "src"}, Columns: []string{"id", "name"}, Object: "Contact"}
		if diff := cmp.Diff(wanted, got); diff != "" || err != nil {
			t.Errorf("Inspect(): %v, mismatch (-want +got):\n%s", err, diff)
		}
	}
	s := newService(t, map[string][]answer{
		"GET " + rudderPath: {{status: 404, body: `{}`}},
		"GET " + rudderPath + "/syncs": {
			{body: `{"syncs":[{"id":"s1","startedAt":"2026-11-27T11:00:00Z"}]}`}, {status: 404, body: `{"error":"no such connection"}`},
		},
	})
	tool := opened(t, "rudderstack", s.URL, nil, nil)
	if got, err := tool.Inspect(t.Context(), "2abc"); err != nil || got.ID != "2abc" || got.LastRun.IsZero() {
		t.Errorf("by its syncs: %+v, %v", got, err)
	}
	if _, err := tool.Inspect(t.Context(), "2abc"); one(t, err).Code != "hosted_missing" {
		t.Errorf("missing: %v", err)
	}
}

func TestRudderstackRecent(t *testing.T) {
	t.Parallel()
	s := newService(t, map[string][]answer{"GET " + rudderPath + "/syncs": {
		{body: `{"syncs":[{"id":"s3","status":"running","startedAt":"2026-11-27T11:59:59Z"},{"id":"s2","status":"succeeded","startedAt":"2026-11-27T11:59:57Z"}],"paging":{"total":3,"next":"/x?page=2"}}`},
		{body: `{"syncs":[{"id":"s1","status":"succeeded","startedAt":"2026-11-27T11:59:54.500Z"}],"paging":{"total":3}}`},
	}})
	runs, err := opened(t, "rudderstack", s.URL, nil, nil).Recent(t.Context(), "2abc", testNow().Add(-5*time.Second))
	if err != nil || lines(runs) != "s2 succeeded succeeded; s3 running running" {
		t.Errorf("Recent() = %s, %v", lines(runs), err)
	}
	want := []string{
		"GET " + rudderPath + "/syncs?page=1&per_page=100&started_after=2026-11-27T11%3A59%3A54Z", "GET " + rudderPath + "/syncs?page=2&per_page=100&started_after=2026-11-27T11%3A59%3A54Z",
	}
	if diff := cmp.Diff(want, s.asked()); diff != "" {
		t.Errorf("requests mismatch (-want +got):\n%s", diff)
	}
}

func TestRudderstackCancelAndList(t *testing.T) {
	t.Parallel()
	s := newService(t, map[string][]answer{
		"GET " + rudderPath + "/syncs/s1": {{body: `{"id":"s1","status":"running"}`}, {body: `{"id":"s1","status":"succeeded"}`}},
		"POST " + rudderPath + "/stop":    {{status: 204}},
		"GET /retl-connections":           {{body: `{"data":[],"paging":{"next":"x"}}`}, {body: `{"data":[{"id":"b","enabled":true},{"id":"a"}],"paging":{}}`}},
	})
	tool := opened(t, "rudderstack", s.URL, nil, nil)
	for range 2 {
		if err := tool.(Canceler).Cancel(t.Context(), "2abc", "s1"); err != nil {
			t.Errorf("Cancel(): %v", err)
		}
	}
	if n := len(s.asked()); n != 3 { // look, stop, look
		t.Errorf("asked %v", s.asked())
	}
	if list, err := tool.(Lister).List(t.Context()); err != nil || len(list) != 2 || list[0].ID != "a" || list[1].Disabled != "" {
		t.Errorf("List() = %+v, %v", list, err)
	}
}
