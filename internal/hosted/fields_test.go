package hosted

import (
	"testing"

	"github.com/tidwall/gjson"
)

// Refused rows that are told and cannot be read are no proof that there are
// none.
func TestMind(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		body   string
		state  State
		failed string // the count that is kept
	}{
		{`{}`, Succeeded, "none"},
		{`{"failed":null}`, Succeeded, "none"},
		{`{"failed":""}`, Succeeded, "none"},
		{`{"failed":0}`, Succeeded, "0"},
		{`{"failed":"0"}`, Succeeded, "0"},
		{`{"failed":2}`, Partial, "2"},
		{`{"failed":"2"}`, Partial, "2"},
		{`{"failed":-1}`, Partial, "none"},
		{`{"failed":"many"}`, Partial, "none"},
		{`{"failed":1e30}`, Partial, "none"},
		{`{"failed":{"total":2}}`, Partial, "none"},
	} {
		v := gjson.Get(tt.body, "failed")
		r := Run{State: Succeeded, Rows: Rows{Failed: count(v)}}
		r.mind(v)
		kept := "none"
		if r.Rows.Failed != nil {
			kept = gjson.Get(`{"n":`+v.Raw+`}`, "n").String()
		}
		if r.State != tt.state || kept != tt.failed {
			t.Errorf("%s: %s with %s refused, want %s with %s", tt.body, r.State, kept, tt.state, tt.failed)
		}
		bad := Run{State: Failed}
		if bad.mind(v); bad.State != Failed {
			t.Errorf("%s: a failed run became %s", tt.body, bad.State)
		}
	}
}

// The same for every tool that tells refused rows.
func TestNoSuccessWithUnreadableRefusals(t *testing.T) {
	t.Parallel()
	for name, bodies := range map[string][3]string{
		"hightouch":   {"42", "GET /syncs/42/runs", `{"data":[{"id":"7","status":"success","failedRows":{"addedCount":-1,"changedCount":0,"removedCount":0}}]}`},
		"census":      {"42", "GET /api/v2/sync_runs/7", `{"status":"success","data":{"id":7,"status":"completed","records_failed":"many"}}`},
		"rudderstack": {"abc", "GET /retl-connections/abc/syncs/7", `{"id":"7","status":"succeeded","metrics":{"failed":{"total":-3}}}`},
		"segment":     {"s/m/u", "GET /reverse-etl-models/m/syncs/7", `{"data":{"reverseETLSyncStatus":{"syncId":"7","syncStatus":"SUCCESS","loadPhase":{"deliverFailureCount":"?"}}}}`},
	} {
		s := newService(t, map[string][]answer{bodies[1]: {{body: bodies[2]}}})
		r, err := opened(t, name, s.URL, nil, nil).Run(t.Context(), bodies[0], "7")
		if err != nil || r.State != Partial || r.Rows.Failed != nil {
			t.Errorf("%s: Run() = %+v, %v", name, r, err)
		}
	}
}
