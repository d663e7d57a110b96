package hosted

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	aSync = "248df4b7-aa70-47b8-a036-33ac447e668d"
	aRun  = "348df4b7-aa70-47b8-a036-33ac447e668d"
	bRun  = "448df4b7-aa70-47b8-a036-33ac447e668d"
)

func TestPolytomicRun(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`"status":"created","created_at":"2026-11-27T11:59:00Z","started_at":null`: " queued created",
		`"status":"scheduled"`:  " queued scheduled",
		`"status":"queued"`:     " queued queued",
		`"status":"waiting"`:    " queued waiting",
		`"status":"running"`:    " running running",
		`"status":"processing"`: " running processing",
		`"status":"canceling"`:  " running canceling",
		`"status":"completed","counts":{"insert":5,"update":2,"upserts":1,"delete":1,"error":0,"total":9}`: " succeeded completed added=5 changed=3 removed=1 total=9 ok=9 failed=0",
		`"status":"completed","counts":{"error":4},"errors":[]`:                                            " partial completed failed=4",
		`"status":"completed","counts":null`:                                                               " succeeded completed",
		`"status":"failed","errors":["no table","see https://s3.example/x?sig=1",{}]`:                      ` failed failed "no table; see https://s3.example/…"`,
		`"status":"interrupted"`: " failed interrupted",
		`"status":"canceled"`:    " canceled canceled",
		`"status":"exporting"`:   " unknown exporting",
		`"status":null`:          " unknown",
	} {
		s := newService(t, map[string][]answer{"GET /api/syncs/" + aSync + "/executions/" + aRun: {{body: `{"data":{"id":"` + aRun + `",` + data + `}}`}}})
		r, err := opened(t, "polytomic", s.URL, nil, nil).Run(t.Context(), aSync, aRun)
		if err != nil || line(r) != aRun+want {
			t.Errorf("%s\ngives %s, %v\nwant  %s", data, line(r), err, aRun+want)
		}
	}
}

func TestPolytomicTrigger(t *testing.T) {
	t.Parallel()
	path := "/api/syncs/" + aSync
	s := newService(t, map[string][]answer{
		"POST " + path + "/executions": {
			{body: `{"data":{"id":"` + aRun + `","status":"created","created_at":"2026-11-27T11:59:00Z"}}`},
			{body: `{"data":{"id":"` + aRun + `","status":"created"}}`},
			{status: 409, body: `{"key":"conflict","message":"sync is already running","status":409}`},
			{body: `{"data":{}}`},
		},
		"GET " + path + "/status": {{body: `{"data":{"current_execution":{"id":"` + bRun + `","status":"running"}}}`}},
	})
	tool := opened(t, "polytomic", s.URL, nil, nil)
	r, err := tool.Trigger(t.Context(), aSync, TriggerOptions{})
	if err != nil || r.ID != aRun || r.State != Queued || r.Created.IsZero() || s.last().body != `{}` {
		t.Errorf("Trigger() = %+v, %v by %s", r, err, s.last().body)
	}
	if _, err = tool.Trigger(t.Context(), aSync, TriggerOptions{FullResync: true}); err != nil || s.last().body != `{"resync":true}` {
		t.Errorf("a full resync: %v by %s", err, s.last().body)
	}
	_, err = tool.Trigger(t.Context(), aSync, TriggerOptions{})
	if got := fateOf(t, err); got.Fate != Busy || got.Running != bRun || one(t, err).Code != "hosted_busy" {
		t.Errorf("busy: %+v", got)
	}
	if _, err = tool.Trigger(t.Context(), aSync, TriggerOptions{}); fateOf(t, err).Fate != MayHaveStarted {
		t.Errorf("no id: %v", err)
	}
}

func TestPolytomicRecentWithoutAList(t *testing.T) {
	t.Parallel()
	path := "/api/syncs/" + aSync
	s := newService(t, map[string][]answer{
		"GET " + path + "/executions": {{status: 404, body: `{"message":"not found"}`}},
		"GET " + path + "/status": {{body: `{"data":{"current_execution":{"id":"` + bRun + `","status":"running","created_at":"2026-11-27T11:59:58Z"},
			"last_execution":{"id":"` + aRun + `","status":"completed","created_at":"2026-11-27T10:00:00Z"}}}`}},
	})
	runs, err := opened(t, "polytomic", s.URL, nil, nil).Recent(t.Context(), aSync, testNow().Add(-5*time.Second))
	if err != nil || lines(runs) != bRun+" running running" {
		t.Errorf("Recent() = %s, %v", lines(runs), err)
	}
}

func TestPolytomicRecentPages(t *testing.T) {
	t.Parallel()
	path := "GET /api/syncs/" + aSync + "/executions"
	s := newService(t, map[string][]answer{path: {
		{body: `{"data":[{"id":"` + bRun + `","status":"running","started_at":"2026-11-27T11:59:58Z"}],"pagination":{"next_page_token":"a b"}}`},
		{body: `{"data":[{"id":"` + aRun + `","status":"completed","started_at":"2026-11-27T10:00:00Z"}],"pagination":{"next_page_token":"c"}}`},
	}})
	runs, err := opened(t, "polytomic", s.URL, nil, nil).Recent(t.Context(), aSync, testNow().Add(-5*time.Second))
	if err != nil || lines(runs) != bRun+" running running" {
		t.Errorf("Recent() = %s, %v", lines(runs), err)
	}
	if diff := cmp.Diff([]string{path, path + "?page_token=a+b"}, s.asked()); diff != "" {
		t.Errorf("requests mismatch (-want +got):\n%s", diff)
	}
}

func TestPolytomicInspectAndList(t *testing.T) {
	t.Parallel()
	const sync = `{"id":"` + aSync + `","name":"Users to CRM","active":false,"mode":"updateOrCreate","schedule":{"frequency":"FREQ","job_id":77},
		"model_ids":["m1"],"target":{"object":"Contact"},"identity":{"source":{"field":"id"}},"fields":[{"source":{"field":"email"}},{"source":{"field":"id"}},{"override_value":"x"}]}`
	for frequency, want := range map[string]string{"manual": "", "hourly": "hourly", "dbtcloud": "after dbt Cloud job 77", "runafter": "after other syncs", "continuous": "continuous"} {
		body := replace(sync, "FREQ", frequency)
		s := newService(t, map[string][]answer{"GET /api/syncs/" + aSync: {{body: `{"data":` + body + `}`}}, "GET /api/syncs": {{body: `{"data":[` + body + `]}`}}})
		tool := opened(t, "polytomic", s.URL, nil, nil)
		wanted := Sync{ID: aSync, Title: "Users to CRM", Disabled: "inactive", Schedule: want, Model: Model{ID: "m1"}, Columns: []string{"id", "email"}, Object: "Contact"}
		got, err := tool.Inspect(t.Context(), aSync)
		if diff := cmp.Diff(wanted, got); diff != "" || err != nil {
			t.Errorf("Inspect(): %v, mismatch (-want +got):\n%s", err, diff)
		}
		list, err := tool.(Lister).List(t.Context())
		if diff := cmp.Diff([]Sync{wanted}, list); diff != "" || err != nil {
			t.Errorf("List(): %v, mismatch (-want +got):\n%s", err, diff)
		}
	}
}

// A run that has ended already is no error, one that has not is.
func TestPolytomicCancel(t *testing.T) {
	t.Parallel()
	path := "/api/syncs/" + aSync + "/executions/" + aRun
	s := newService(t, map[string][]answer{
		"POST " + path + "/cancel": {{body: `{"data":{"message":"canceling"}}`}, {status: 400, body: `{"message":"not running"}`}},
		"GET " + path:              {{body: `{"data":{"id":"` + aRun + `","status":"completed"}}`}, {body: `{"data":{"id":"` + aRun + `","status":"running"}}`}},
	})
	tool := opened(t, "polytomic", s.URL, nil, nil).(Canceler)
	for i, bad := range []bool{false, false, true} {
		if err := tool.Cancel(t.Context(), aSync, aRun); (err != nil) != bad {
			t.Errorf("Cancel() %d: %v", i, err)
		}
	}
}
