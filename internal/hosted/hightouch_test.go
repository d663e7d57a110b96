package hosted

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const hightouchRun = `{"id":43,"createdAt":"2026-11-27T11:59:00.712Z","startedAt":null,"finishedAt":null,"querySize":773,"status":"STATUS",
	"completionRatio":0.54,"plannedRows":{"addedCount":700,"changedCount":70,"removedCount":3},
	"successfulRows":{"addedCount":700,"changedCount":70,"removedCount":3},"failedRows":{"addedCount":0,"changedCount":0,"removedCount":0},"error":null}`

// Every status that Hightouch documents, and some that it does not.
func TestHightouchStatuses(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]State{
		"queued": Queued, "querying": Running, "processing": Running, "reporting": Running, "success": Succeeded, "warning": Partial,
		"failed": Failed, "cancelled": Canceled, "canceled": Canceled, "interrupted": Failed, "aborted": Failed, "Completed-With Errors": Partial,
		"disabled": Unknown, "pending": Unknown, "completed": Unknown, "": Unknown, "SUCCESS ": Succeeded, "done": Unknown,
	} {
		s := newService(t, map[string][]answer{"GET /syncs/42/runs": {{body: `{"hasMore":false,"data":[` + strings.ReplaceAll(hightouchRun, "STATUS", status) + `]}`}}})
		r, err := opened(t, "hightouch", s.URL, nil, nil).Run(t.Context(), "42", "43")
		if err != nil || r.State != want || r.Continued != (status == "interrupted") {
			t.Errorf("status %q: state %s, continued %v, error %v; want %s", status, r.State, r.Continued, err, want)
		}
	}
}

func TestHightouchRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, want string }{
		"not listed yet":                 {`{"hasMore":false,"data":[]}`, "43 queued"},
		"another run is first":           {`{"data":[{"id":"42","status":"success"},{"id":"43","status":"querying"}]}`, "43 running querying"},
		"only another run":               {`{"data":[{"id":"42","status":"success"}]}`, "43 queued"},
		"id as text, rejects at success": {`{"data":[{"id":"43","status":"success","failedRows":{"addedCount":1,"changedCount":2,"removedCount":0}}]}`, "43 partial success failed=3"},
		"an error with a secret":         {`{"data":[{"id":43,"status":"failed","error":"GET https://u:p@x.example/a?sig=1 said\nno to canary-token and ada@example.com"}]}`, `43 failed failed "GET https://x.example/… said no to *** and ***"`},
		"complete":                       {`{"data":[` + strings.ReplaceAll(hightouchRun, "STATUS", "warning") + `]}`, "43 partial warning added=700 changed=70 removed=3 total=773 ok=773 failed=0"},
	} {
		s := newService(t, map[string][]answer{"GET /syncs/42/runs": {{body: c.body}}})
		r, err := opened(t, "hightouch", s.URL, nil, nil).Run(t.Context(), "42", "43")
		if err != nil || line(r) != c.want {
			t.Errorf("%s: %s, error %v\nwant %s", name, line(r), err, c.want)
		}
		if got := s.last().what; got != "GET /syncs/42/runs?runId=43" {
			t.Errorf("%s: asked %s", name, got)
		}
	}
}

func TestHightouchTrigger(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer answer
		full   bool
		sent   string
		id     string
		fate   Fate
		code   string
		said   string
	}{
		"a text":            {answer: answer{body: `{"id":"43"}`}, sent: `{}`, id: "43"},
		"a number":          {answer: answer{body: `{"id":43}`}, sent: `{}`, id: "43"},
		"everything again":  {answer: answer{body: `{"id":"43"}`}, full: true, sent: `{"fullResync":true}`, id: "43"},
		"200 without an id": {answer: answer{body: `{"message":"Validation failed","details":{}}`}, sent: `{}`, fate: MayHaveStarted, code: "hosted_reply", said: "Validation failed"},
		"null as id":        {answer: answer{body: `{"id":null}`}, sent: `{}`, fate: MayHaveStarted, code: "hosted_reply"},
		"a login page":      {answer: answer{body: `<html>{"id":"43"}`, kind: "text/html; charset=utf-8"}, sent: `{}`, fate: MayHaveStarted, code: "hosted_reply", said: "a web page"},
		"half of JSON":      {answer: answer{body: `{"id":"4`}, sent: `{}`, fate: MayHaveStarted, code: "hosted_reply", said: "start sync 42"},
		"401":               {answer: answer{status: 401, body: `{"message":"Authentication error","details":"key of ada@example.com"}`}, sent: `{}`, code: "hosted_denied", said: "Authentication error"},
		"404":               {answer: answer{status: 404, body: `{"error":"no such sync"}`}, sent: `{}`, code: "hosted_missing", said: "no such sync"},
		"422":               {answer: answer{status: 422, body: `{"message":"Validation failed","details":{}}`}, sent: `{}`, code: "hosted_refused"},
		"500":               {answer: answer{status: 500, body: `Internal Server Error`, kind: "text/plain"}, sent: `{}`, fate: MayHaveStarted, code: "hosted_unavailable"},
		"502 page":          {answer: answer{status: 502, body: `<html>`, kind: "text/html"}, sent: `{}`, fate: MayHaveStarted, code: "hosted_unavailable"},
		"cut":               {answer: answer{cut: true}, sent: `{}`, fate: MayHaveStarted, code: "hosted_unavailable"},
		"redirect":          {answer: answer{status: 302, header: map[string]string{"Location": "/login"}}, sent: `{}`, fate: MayHaveStarted, code: "http_redirect"},
		"moved":             {answer: answer{status: 308, header: map[string]string{"Location": "/v2/syncs/42/trigger"}}, sent: `{}`, code: "http_redirect"},
		"0 as id":           {answer: answer{body: `{"id":0}`}, sent: `{}`, fate: MayHaveStarted, code: "hosted_reply", said: "without the id of a run"},
		"-1 as id":          {answer: answer{body: `{"id":"-1"}`}, sent: `{}`, fate: MayHaveStarted, code: "hosted_reply"},
		"long wait":         {answer: answer{status: 429, header: map[string]string{"Retry-After": "86400"}}, sent: `{}`, code: "rate_limited", said: "until 2026-11-28 12:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, map[string][]answer{"POST /syncs/42/trigger": {c.answer}})
			r, err := opened(t, "hightouch", s.URL, map[string]string{"workspace": "acme"}, nil).Trigger(t.Context(), "42", TriggerOptions{FullResync: c.full})
			if got := s.last(); got.body != c.sent || got.header.Get("Authorization") != "Bearer canary-token" {
				t.Errorf("sent %s with %v", got.body, got.header)
			}
			if n := len(s.asked()); n != 1 {
				t.Errorf("it was sent %d times", n)
			}
			if c.id != "" {
				if err != nil || r.ID != c.id || r.State != Queued || r.URL != "https://app.hightouch.com/acme/syncs/42/runs/43" {
					t.Errorf("Trigger() = %+v, %v", r, err)
				}
				return
			}
			if fate := fateOf(t, err).Fate; fate != c.fate {
				t.Errorf("fate %d, want %d: %v", fate, c.fate, err)
			}
			if f := one(t, err); f.Code != c.code || !strings.Contains(f.Msg, c.said) || !strings.Contains(f.Msg, "Hightouch: cannot start sync 42") {
				t.Errorf("fault %v, want code %s and %q", f, c.code, c.said)
			}
		})
	}
}

// A trigger that was refused for now did not start anything.
func TestTriggerWaitsWhenRefusedForNow(t *testing.T) {
	t.Parallel()
	s := newService(t, map[string][]answer{"POST /syncs/42/trigger": {{status: 429}, {status: 429}, {body: `{"id":"43"}`}}})
	r, err := opened(t, "hightouch", s.URL, nil, nil).Trigger(t.Context(), "42", TriggerOptions{})
	if err != nil || r.ID != "43" || len(s.asked()) != 3 {
		t.Errorf("Trigger() = %+v, %v after %v", r, err, s.asked())
	}
}

func TestHightouchInspect(t *testing.T) {
	t.Parallel()
	const sync = `{"id":42,"slug":"contacts-to-crm","workspaceId":1,"modelId":7,"destinationId":2,"configuration":{"object":"contacts"},
		"schedule":SCHEDULE,"disabled":DISABLED,"status":"success","lastRunAt":LAST,"primaryKey":"id","referencedColumns":["email","name"]}`
	const model = `{"id":7,"name":"export_customers","dbt":{"dbtUniqueId":"model.shop.export_customers","database":"analytics","schema":"exports","name":"export_customers","rawSql":"","compiledSql":"","modelId":"9"}}`
	for schedule, want := range map[string]string{
		`null`: "",
		`{"type":"interval","schedule":{"interval":{"quantity":1,"unit":"hour"}}}`:                                                 "every 1 hour",
		`{"type":"interval","schedule":{"interval":{"quantity":15,"unit":"minute"}}}`:                                              "every 15 minutes",
		`{"type":"cron","schedule":{"expression":"0 * * * *"}}`:                                                                    "cron 0 * * * *",
		`{"type":"visual_cron","schedule":{"expressions":[{"days":{"monday":true,"friday":true,"sunday":false},"time":"10:00"}]}}`: "Mon, Fri at 10:00",
		`{"type":"dbt-cloud","schedule":{"dbtCredentialId":"1","account":{"id":"4"},"job":{"id":"77"}}}`:                           "after dbt job 77",
		`{"type":"match_booster"}`: "match_booster",
		`{"type":"manual"}`:        "",
		`{"schedule":{}}`:          "its own schedule",
	} {
		s := newService(t, map[string][]answer{
			"GET /syncs/42": {{body: strings.NewReplacer("SCHEDULE", schedule, "DISABLED", "true", "LAST", `"2022-02-16T21:37:58.510Z"`).Replace(sync)}},
			"GET /models/7": {{body: model}},
		})
		got, err := opened(t, "hightouch", s.URL, map[string]string{"workspace": "acme"}, nil).Inspect(t.Context(), "42")
		if err != nil {
			t.Fatal(err)
		}
		wanted := Sync{
			ID: "42", Title: "contacts-to-crm", URL: "https://app.hightouch.com/acme/syncs/42", Disabled: "disabled", Schedule: want,
			Model:   Model{ID: "7", Name: "export_customers", UniqueID: "model.shop.export_customers", Relation: "analytics.exports.export_customers"},
			Columns: []string{"email", "name"}, Object: "contacts", LastRun: time.Date(2022, 2, 16, 21, 37, 58, 510e6, time.UTC),
		}
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Errorf("Inspect() mismatch (-want +got):\n%s", diff)
		}
	}
	s := newService(t, map[string][]answer{
		"GET /syncs/42": {{body: strings.NewReplacer("SCHEDULE", "null", "DISABLED", "false", "LAST", "null").Replace(sync)}},
		"GET /models/7": {{status: http.StatusForbidden, body: `{}`}},
	})
	got, err := opened(t, "hightouch", s.URL, nil, nil).Inspect(t.Context(), "42")
	if err != nil || got.Disabled != "" || got.Model != (Model{ID: "7"}) || !got.LastRun.IsZero() || got.URL != "" {
		t.Errorf("a model that the key may not read: %+v, %v", got, err)
	}
}

func TestHightouchRecent(t *testing.T) {
	t.Parallel()
	s := newService(t, map[string][]answer{"GET /syncs/42/runs": {
		{body: `{"hasMore":true,"data":[{"id":41,"status":"success","createdAt":"2026-11-27T11:50:00Z"},{"id":44,"status":"queued","createdAt":"2026-11-27T11:59:58.000Z","startedAt":null}]}`},
		{body: `{"hasMore":false,"data":[{"id":44,"status":"queued","createdAt":"2026-11-27T11:59:58.000Z"},{"id":"43","status":"interrupted","createdAt":"2026-11-27T11:59:57Z"}]}`},
	}})
	runs, err := opened(t, "hightouch", s.URL, nil, nil).Recent(t.Context(), "42", testNow().Add(-5*time.Second))
	if err != nil || lines(runs) != "43 failed interrupted continued; 44 queued queued" {
		t.Errorf("Recent() = %s, %v", lines(runs), err)
	}
	want := []string{"GET /syncs/42/runs?limit=100&offset=0&orderBy=id&within=2", "GET /syncs/42/runs?limit=100&offset=2&orderBy=id&within=2"}
	if diff := cmp.Diff(want, s.asked()); diff != "" {
		t.Errorf("requests mismatch (-want +got):\n%s", diff)
	}
}

func TestHightouchList(t *testing.T) {
	t.Parallel()
	s := newService(t, map[string][]answer{
		"GET /models": {{body: `{"hasMore":false,"data":[{"id":7,"name":"m","dbt":{"dbtUniqueId":"model.shop.export_customers"},"syncs":[9,10]}]}`}},
		"GET /syncs": {
			{body: `{"hasMore":true,"data":[{"id":10,"slug":"b","modelId":7,"schedule":null},{"id":"9","slug":"a","modelId":"7"}]}`},
			{body: `{"hasMore":false,"data":[{"id":8,"slug":"c","modelId":99}]}`},
		},
	})
	list, err := opened(t, "hightouch", s.URL, nil, nil).(Lister).List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range list {
		got = append(got, s.ID+" "+s.Title+" "+s.Model.UniqueID+" "+s.Model.ID)
	}
	if diff := cmp.Diff([]string{"8 c  99", "9 a model.shop.export_customers 7", "10 b model.shop.export_customers 7"}, got); diff != "" {
		t.Errorf("List() mismatch (-want +got):\n%s", diff)
	}
}

func TestHightouchSequence(t *testing.T) {
	t.Parallel()
	const id, run = "0cb7da35-1fff-4d4a-bf1b-6534d515e5b5", "1cb7da35-1fff-4d4a-bf1b-6534d515e5b5"
	for body, want := range map[string]string{
		`{"id":"x","status":"pending","syncRuns":[]}`: run + " queued pending",
		`{"status":"running","syncRuns":[{"syncId":3093,"status":"success","finishedAt":"2023-10-17T11:06:01.713+00:00","syncRunId":6134}]}`:  run + " running running (6134 succeeded success)",
		`{"status":"done","syncRuns":[{"syncId":1,"status":"success","syncRunId":6134},{"syncId":2,"status":"warning","syncRunId":6148}]}`:    run + " partial done (6134 succeeded success) (6148 partial warning)",
		`{"status":"done","syncRuns":[{"syncId":1,"status":"failed","syncRunId":6134},{"syncId":2,"status":"warning","syncRunId":"6148"}]}`:   run + " failed done (6134 failed failed) (6148 partial warning)",
		`{"status":"done","syncRuns":[{"syncId":1,"status":"success","syncRunId":6134},{"syncId":2,"status":"astonished","syncRunId":6148}]}`: run + " unknown done (6134 succeeded success) (6148 unknown astonished)",
		`{"status":"done","syncRuns":[{"syncId":1,"status":"success","syncRunId":6134},{"syncId":2,"status":"cancelled","syncRunId":6148}]}`:  run + " partial done (6134 succeeded success) (6148 canceled cancelled)",
		`{"status":"done","syncRuns":[{"syncId":1,"status":"success","syncRunId":1}]}`:                                                        run + " succeeded done (1 succeeded success)",
		`{"status":"failed","syncRuns":[]}`:    run + " failed failed",
		`{"status":"cancelled","syncRuns":[]}`: run + " canceled cancelled",
		`{"message":"odd"}`:                    run + " unknown",
	} {
		s := newService(t, map[string][]answer{
			"POST /sync-sequences/" + id + "/trigger": {{body: `{"id":"` + run + `"}`}},
			"GET /sync-sequences/runs/" + run:         {{body: body}},
		})
		tool := opened(t, "hightouch", s.URL, nil, nil)
		r, err := tool.Trigger(t.Context(), "sequence/"+id, TriggerOptions{})
		if err != nil || r.ID != run || r.State != Queued {
			t.Fatalf("Trigger() = %+v, %v", r, err)
		}
		if r, err = tool.Run(t.Context(), "sequence/"+id, run); err != nil || line(r) != want {
			t.Errorf("%s\ngives %s, %v\nwant  %s", body, line(r), err, want)
		}
	}
	tool := opened(t, "hightouch", "http://127.0.0.1:1", nil, nil)
	if _, err := tool.Recent(t.Context(), "sequence/"+id, testNow()); one(t, err).Code != "hosted_no_list" {
		t.Errorf("Recent() = %v", err)
	}
	if _, err := tool.Trigger(t.Context(), "sequence/"+id, TriggerOptions{FullResync: true}); fateOf(t, err).Fate != NotStarted || one(t, err).Code != "hosted_refused" {
		t.Errorf("a full resync of a sequence: %v", err)
	}
}

func TestHightouchChecksIDs(t *testing.T) {
	t.Parallel()
	k, _ := KindOf("hightouch")
	for id, good := range map[string]bool{
		"42606": true, "sequence/0cb7da35-1fff-4d4a-bf1b-6534d515e5b5": true, "": false, "contacts": false, "42/runs/1": false, "sequence/1": false,
		"0cb7da35-1fff-4d4a-bf1b-6534d515e5b5": false, "-1": false, "4 2": false,
	} {
		if got := k.Check(id) == ""; got != good {
			t.Errorf("Check(%q) says %q", id, k.Check(id))
		}
	}
}
