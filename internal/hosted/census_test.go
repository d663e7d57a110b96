package hosted

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCensusRun(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`{"id":94,"sync_id":52,"source_record_count":15,"source_record_updates":12,"source_record_deletes":2,"source_record_invalids":1,"records_processed":14,
		  "records_updated":13,"records_failed":1,"created_at":"2021-10-20T02:51:07.546Z","completed_at":"2021-10-20T02:52:29.234Z","status":"completed","canceled":false,
		  "error_code":"JSON_ARRAY_ERROR","error_message":"not a JSON array","error_detail":"value jim"}`: `94 partial completed changed=12 removed=2 total=15 ok=13 failed=2 "JSON_ARRAY_ERROR: not a JSON array"`,
		`{"id":"94","status":"completed","canceled":true,"records_failed":3}`:           "94 canceled completed failed=3",
		`{"id":94,"status":"completed","records_failed":0,"records_invalid":2}`:         "94 partial completed failed=2",
		`{"id":94,"status":"completed","records_invalid":0,"source_record_invalids":4}`: "94 partial completed failed=4",
		`{"id":94,"status":"completed","records_failed":null,"records_updated":"7"}`:    "94 succeeded completed ok=7",
		`{"id":94,"status":"working","canceled":true}`:                                  "94 running working",
		`{"id":94,"status":"queued","completed_at":null}`:                               "94 queued queued",
		`{"id":94,"status":"skipped","canceled":true}`:                                  "94 skipped skipped",
		`{"id":94,"status":"failed","error_message":"warehouse is asleep"}`:             `94 failed failed "warehouse is asleep"`,
		`{"id":94,"status":"cancelled"}`:                                                "94 canceled cancelled",
		`{"id":94,"status":"success"}`:                                                  "94 unknown success",
		`{"id":94}`:                                                                     "94 unknown",
	} {
		s := newService(t, map[string][]answer{"GET /api/v2/sync_runs/94": {{body: `{"status":"success","data":` + data + `}`}}})
		r, err := opened(t, "census", s.URL, nil, nil).Run(t.Context(), "52", "94")
		if err != nil || line(r) != want {
			t.Errorf("%s\ngives %s, %v\nwant  %s", data, line(r), err, want)
		}
	}
}

// The envelope says how the call went, the data how the run stands.
func TestCensusEnvelope(t *testing.T) {
	t.Parallel()
	for body, said := range map[string]string{
		`{"status":"error","message":"no"}`:                          "and an error: no",
		`{"status":"404","data":{"id":94,"status":"completed"}}`:     "an error",
		`{"status":"success"}`:                                       "without data",
		`{"status":"success","data":{"id":95,"status":"completed"}}`: "not the run",
		`{"status":"success","data":[]}`:                             "not the run",
		`[]`:                                                         "without data",
	} {
		s := newService(t, map[string][]answer{"GET /api/v2/sync_runs/94": {{body: body}}})
		r, err := opened(t, "census", s.URL, nil, nil).Run(t.Context(), "52", "94")
		if err == nil {
			t.Errorf("%s gives %s", body, line(r))
			continue
		}
		if f := one(t, err); f.Code != "hosted_reply" || !strings.Contains(f.Msg, said) {
			t.Errorf("%s gives %v, want %q", body, f, said)
		}
	}
	s := newService(t, map[string][]answer{"GET /api/v2/sync_runs/94": {{status: 404, body: `{"status":"404","message":"Not found"}`}}})
	if _, err := opened(t, "census", s.URL, nil, nil).Run(t.Context(), "52", "94"); one(t, err).Code != "hosted_run_gone" {
		t.Errorf("a run that is gone: %v", err)
	}
}

func TestCensusTrigger(t *testing.T) {
	t.Parallel()
	s := newService(t, map[string][]answer{"POST /api/v2/syncs/52/trigger": {
		{body: `{"status":"success","data":{"sync_run_id":12345678901234567890}}`},
		{body: `{"status":"success","data":{"sync_run_id":"94"}}`},
		{body: `{"status":"error","message":"sync is broken"}`},
		{body: `{"status":"success","data":{}}`},
	}})
	tool := opened(t, "census", s.URL, nil, nil)
	if r, err := tool.Trigger(t.Context(), "52", TriggerOptions{}); err != nil || r.ID != "12345678901234567890" {
		t.Errorf("Trigger() = %+v, %v", r, err)
	}
	if got := s.last(); got.body != "" || got.header.Get("Authorization") != "Bearer canary-token" {
		t.Errorf("sent %q with %v", got.body, got.header)
	}
	if r, err := tool.Trigger(t.Context(), "52", TriggerOptions{FullResync: true}); err != nil || r.ID != "94" || s.last().what != "POST /api/v2/syncs/52/trigger?force_full_sync=true" {
		t.Errorf("Trigger() = %+v, %v by %s", r, err, s.last().what)
	}
	for range 2 {
		if _, err := tool.Trigger(t.Context(), "52", TriggerOptions{}); fateOf(t, err).Fate != MayHaveStarted || one(t, err).Code != "hosted_reply" {
			t.Errorf("Trigger() = %v", err)
		}
	}
}

func TestCensusVersion1(t *testing.T) {
	t.Parallel()
	s := newService(t, map[string][]answer{"POST /api/v1/syncs/52/trigger": {{body: `{"status":"success","data":{"sync_run_id":94}}`}}})
	var notes []string
	tool := opened(t, "census", s.URL, map[string]string{"api_version": "v1"}, &notes)
	if _, err := tool.Trigger(t.Context(), "52", TriggerOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := s.last().header.Get("Authorization"); got != "Bearer secret-token:canary-token" {
		t.Errorf("Authorization: %s", got)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "2027-01-15") {
		t.Errorf("notes: %q", notes)
	}
}

func TestCensusInspect(t *testing.T) {
	t.Parallel()
	const rest = `"id":61,"label":"New Signups","paused":true,"destination_attributes":{"connection_id":15,"object":"user"},
		"mappings":[{"from":{"type":"column","data":"EMAIL"},"to":"external_id"},{"from":"NAME","to":"n"},{"from":{"type":"constant_value","data":{"value":"x"}},"to":"c"},{"from":{"type":"column","data":"EMAIL"},"to":"e"}],
		"source_attributes":{"connection_id":12,"object":{"type":"table","table_catalog":"prod","table_schema":"public","table_name":"users"}}`
	for schedule, want := range map[string]string{
		`"schedule_frequency":"never"`:                                                                                           "",
		`"schedule_frequency":"hourly","triggers":{}`:                                                                            "hourly",
		`"schedule_frequency":"expression","cron_expression":"0 */4 * * *"`:                                                      "cron 0 */4 * * *",
		`"mode":{"type":"triggered","triggers":{"schedule":{"frequency":"daily","hour":10}}}`:                                    "daily",
		`"mode":{"type":"triggered","triggers":{"schedule":{"frequency":"never"},"dbt_cloud":{"project_id":"1","job_id":"77"}}}`: "after dbt Cloud job 77",
		`"triggers":{"dbt_cloud":{"job_id":"77"},"fivetran":{"job_id":"j","job_name":"n"}},"schedule_frequency":"never"`:         "after dbt Cloud job 77; after Fivetran",
		`"mode":{"type":"triggered","triggers":{"sync_sequence":{"id":3}}}`:                                                      "after sync sequence",
		`"mode":{"type":"live"}`:                                                  "live",
		`"trigger_on_dbt_cloud_rebuild":true`:                                     "after dbt Cloud",
		`"mode":{"type":"triggered","triggers":{"dbt_cloud":null,"fivetran":{}}}`: "",
	} {
		s := newService(t, map[string][]answer{"GET /api/v2/syncs/61": {{body: `{"status":"success","data":{` + rest + `,` + schedule + `}}`}}})
		got, err := opened(t, "census", s.URL, nil, nil).Inspect(t.Context(), "61")
		wanted := Sync{
			ID: "61", Title: "New Signups", URL: s.URL + "/syncs/61", Disabled: "paused", Schedule: want,
			Model: Model{Name: "users", Relation: "prod.public.users"}, Columns: []string{"EMAIL", "NAME"}, Object: "user",
		}
		if diff := cmp.Diff(wanted, got); diff != "" || err != nil {
			t.Errorf("Inspect(): %v, mismatch (-want +got):\n%s", err, diff)
		}
	}
}

func TestCensusRecentStopsWhereItIsTooOld(t *testing.T) {
	t.Parallel()
	s := newService(t, map[string][]answer{"GET /api/v2/syncs/52/sync_runs": {
		{body: `{"status":"success","pagination":{"next_page":2,"last_page":3},"data":[{"id":97,"status":"working","created_at":"2026-11-27T11:59:59Z"}]}`},
		{body: `{"status":"success","pagination":{"next_page":3,"last_page":3},"data":[{"id":96,"status":"skipped","created_at":"2026-11-27T11:59:58Z"},{"id":95,"status":"completed","created_at":"2026-11-20T11:59:59Z"}]}`},
	}})
	runs, err := opened(t, "census", s.URL, nil, nil).Recent(t.Context(), "52", testNow().Add(-5*time.Second))
	if err != nil || lines(runs) != "96 skipped skipped; 97 running working" {
		t.Errorf("Recent() = %s, %v", lines(runs), err)
	}
	want := []string{"GET /api/v2/syncs/52/sync_runs?order=desc&page=1&per_page=100", "GET /api/v2/syncs/52/sync_runs?order=desc&page=2&per_page=100"}
	if diff := cmp.Diff(want, s.asked()); diff != "" {
		t.Errorf("requests mismatch (-want +got):\n%s", diff)
	}
}

func TestCensusList(t *testing.T) {
	t.Parallel()
	s := newService(t, map[string][]answer{"GET /api/v2/syncs": {
		{body: `{"status":"success","pagination":{"next_page":2},"data":[{"id":10,"label":"b"},{"id":9,"label":null}]}`},
		{body: `{"status":"success","pagination":{"next_page":null},"data":[{"id":11,"label":"c","paused":false}]}`},
	}})
	list, err := opened(t, "census", s.URL, nil, nil).(Lister).List(t.Context())
	if err != nil || len(list) != 3 || list[0].ID != "9" || list[2].Title != "c" {
		t.Errorf("List() = %+v, %v", list, err)
	}
}
