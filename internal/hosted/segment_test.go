package hosted

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const segmentList = "GET /reverse-etl-models/m1/subscriptionId/sub1/syncs"

func TestSegmentRun(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`"syncStatus":"IN_PROGRESS","finishedAt":""`: "r1 running IN_PROGRESS",
		`"syncStatus":"SUCCESS","extractPhase":{"extractCount":"12","addedCount":"10","updatedCount":"2","deletedCount":"0"},"loadPhase":{"deliverSuccessCount":"12","deliverFailureCount":"0"}`: "r1 succeeded SUCCESS added=10 changed=2 removed=0 total=12 ok=12 failed=0",
		`"syncStatus":"SUCCESS","loadPhase":{"deliverSuccessCount":"9","deliverFailureCount":"3"}`:                                                                                               "r1 partial SUCCESS ok=9 failed=3",
		`"syncStatus":"PARTIAL_SUCCESS","loadPhase":{"deliverFailureCount":3}`:                                                                                                                   "r1 partial PARTIAL_SUCCESS failed=3",
		`"syncStatus":"FAIL","error":"no access","errorCode":"E1"`:                                                                                                                               `r1 failed FAIL "E1: no access"`,
		`"syncStatus":"CANCELLED"`: "r1 canceled CANCELLED",
		`"syncStatus":"NEW_THING","loadPhase":{"deliverSuccessCount":"many"}`: "r1 unknown NEW_THING",
	} {
		s := newService(t, map[string][]answer{"GET /reverse-etl-models/m1/syncs/r1": {{
			body: `{"data":{"reverseETLSyncStatus":{"syncId":"r1","modelId":"m1",` + data + `}}}`, kind: segmentType,
		}}})
		r, err := opened(t, "segment", s.URL, nil, nil).Run(t.Context(), "s1/m1/sub1", "r1")
		if err != nil || line(r) != want {
			t.Errorf("%s\ngives %s, %v\nwant  %s", data, line(r), err, want)
		}
	}
}

func TestSegmentTrigger(t *testing.T) {
	t.Parallel()
	s := newService(t, map[string][]answer{"POST /reverse-etl-syncs": {
		{body: `{"data":{"reverseETLManualSync":{"startedAt":"2026-11-27T11:59:59Z","syncId":"r1"}}}`, kind: segmentType},
		{body: `{"data":{"reverseETLManualSync":{}}}`},
		{status: 404, body: `{"errors":[{"type":"not-found","message":"no such model","status":404}]}`},
	}})
	tool := opened(t, "segment", s.URL, nil, nil)
	r, err := tool.Trigger(t.Context(), "s1/m1/sub1", TriggerOptions{})
	if got := s.last(); err != nil || r.ID != "r1" || r.Created.IsZero() || got.header.Get("Content-Type") != segmentType || got.header.Get("Accept") != segmentType ||
		got.body != `{"modelId":"m1","sourceId":"s1","subscriptionId":"sub1"}` {
		t.Errorf("Trigger() = %+v, %v by %+v", r, err, got)
	}
	if _, err := tool.Trigger(t.Context(), "s1/m1/sub1", TriggerOptions{}); fateOf(t, err).Fate != MayHaveStarted {
		t.Errorf("no id: %v", err)
	}
	if _, err := tool.Trigger(t.Context(), "s1/m1/sub1", TriggerOptions{}); fateOf(t, err).Fate != NotStarted || one(t, err).Code != "hosted_missing" {
		t.Errorf("missing: %v", err)
	}
	before := len(s.asked())
	if _, err := tool.Trigger(t.Context(), "s1/m1/sub1", TriggerOptions{FullResync: true}); one(t, err).Code != "hosted_refused" || len(s.asked()) != before {
		t.Errorf("a full resync: %v", err)
	}
}

func TestSegmentInspect(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]Sync{
		`{"id":"m1","sourceId":"s1","name":"Customers","enabled":true}`: {Title: "Customers", Model: Model{ID: "m1", Name: "Customers"}},
		`{"id":"m1","sourceId":"s1","name":"Customers","enabled":false,"scheduleStrategy":"PERIODIC","scheduleConfig":{"interval":"15m"}}`: {
			Title: "Customers", Model: Model{ID: "m1", Name: "Customers"}, Disabled: "its model is disabled", Schedule: "every 15m",
		},
		`{"name":"C","scheduleStrategy":"SPECIFIC_DAYS"}`: {Title: "C", Model: Model{ID: "m1", Name: "C"}, Schedule: "specific days"},
		`{"name":"C","scheduleStrategy":"MANUAL"}`:        {Title: "C", Model: Model{ID: "m1", Name: "C"}},
	} {
		s := newService(t, map[string][]answer{
			segmentList:                  {{body: `{"data":{"syncStatuses":[],"pagination":{"current":"a","totalEntries":0}}}`}},
			"GET /reverse-etl-models/m1": {{body: `{"data":{"reverseEtlModel":` + model + `}}`, kind: segmentType}},
		})
		got, err := opened(t, "segment", s.URL, nil, nil).Inspect(t.Context(), "s1/m1/sub1")
		want.ID = "s1/m1/sub1"
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("Inspect(): %v, mismatch (-want +got):\n%s", err, diff)
		}
	}
	s := newService(t, map[string][]answer{
		segmentList:                  {{body: `{"data":{"syncStatuses":[]}}`}},
		"GET /reverse-etl-models/m1": {{body: `{"data":{"reverseEtlModel":{"sourceId":"other"}}}`}},
	})
	var notes []string
	if _, err := opened(t, "segment", s.URL, nil, &notes).Inspect(t.Context(), "s1/m1/sub1"); err != nil || len(notes) != 1 || !strings.Contains(notes[0], "source other") {
		t.Errorf("another source: %v, %q", err, notes)
	}
}

func TestSegmentRecentAndCancel(t *testing.T) {
	t.Parallel()
	s := newService(t, map[string][]answer{
		segmentList: {
			{body: `{"data":{"syncStatuses":[{"syncId":"r3","syncStatus":"IN_PROGRESS","startedAt":"2026-11-27T11:59:59Z"}],"pagination":{"next":"c2"}}}`},
			{body: `{"data":{"reverseETLSyncStatuses":[{"syncId":"r1","syncStatus":"FAIL","startedAt":"2026-11-27T11:00:00Z"}],"pagination":{"next":"c3"}}}`},
		},
		"POST /reverse-etl-models/m1/syncs/r3/cancel": {{body: `{"data":{"reverseETLSyncCancel":{"status":"CANCELLING"}}}`}},
	})
	tool := opened(t, "segment", s.URL, nil, nil)
	runs, err := tool.Recent(t.Context(), "s1/m1/sub1", testNow().Add(-5*time.Second))
	if err != nil || lines(runs) != "r3 running IN_PROGRESS" || len(s.asked()) != 2 || s.last().what != segmentList+"?count=100&cursor=c2" {
		t.Errorf("Recent() = %s, %v by %v", lines(runs), err, s.asked())
	}
	if err := tool.(Canceler).Cancel(t.Context(), "s1/m1/sub1", "r3"); err != nil || s.last().body != `{"reasonForCanceling":4}` {
		t.Errorf("Cancel(): %v by %s", err, s.last().body)
	}
	k, _ := KindOf("segment")
	for id, good := range map[string]bool{"s1/m1/sub1": true, "s1/m1": false, "s1/m1/": false, "a/b/c/d": false, "a/b/c?": false} {
		if (k.Check(id) == "") != good {
			t.Errorf("Check(%q) = %q", id, k.Check(id))
		}
	}
}
