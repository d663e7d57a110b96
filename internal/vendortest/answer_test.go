package vendortest

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"exposync/internal/sandbox"
	"exposync/internal/sandbox/tools"
)

// A wrong answer is found: each line is one that a stand-in could give.
func TestCheckAnswer(t *testing.T) {
	t.Parallel()
	d, err := Load("hightouch")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		path   string
		status int
		body   string
		want   string
	}{
		"as described":      {"/api/v1/syncs/1/trigger", 200, `{"id":"5"}`, ""},
		"an error with 200": {"/api/v1/syncs/1/trigger", 200, `{"message":"Validation failed","details":{}}`, ""},
		"a number as id":    {"/api/v1/syncs/1/trigger", 200, `{"id":5}`, "string"},
		"more than is said": {"/api/v1/syncs/1/trigger", 200, `{"id":"5","more":1}`, "unsupported"},
		"another error":     {"/api/v1/syncs/1/trigger", 422, `{"errors":[]}`, "oneOf"},
		"no JSON":           {"/api/v1/syncs/1/trigger", 200, `{`, "decode"},
		"an unknown path":   {"/api/v1/nothing", 200, `{}`, "no path"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, tt.path, nil)
			_, err := d.CheckAnswer(r, tt.status, http.Header{"Content-Type": {"application/json"}}, []byte(tt.body))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("CheckAnswer() = %v, want %q", err, tt.want)
			}
		})
	}
}

// What the stand-in of Hightouch answers is what Hightouch's own models say,
// at every step of every kind of run.
func TestHightouchAnswersAsDescribed(t *testing.T) {
	t.Parallel()
	d, err := Load("hightouch")
	if err != nil {
		t.Fatal(err)
	}
	box, err := sandbox.Open(sandbox.Config{Dir: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	ws, _ := box.Hosted("hightouch", "tool")
	seen := map[string]int{}
	ask := func(method, path, body string) string {
		r := httptest.NewRequestWithContext(t.Context(), method, "/as/hightouch/tool"+path, strings.NewReader(body))
		r.Host = "127.0.0.1:1"
		r.Header.Set("Authorization", "Bearer x")
		r.Header.Set("Content-Type", "application/json")
		if path == "/api/v1/syncs/8" {
			r.Header.Del("Authorization")
		}
		w := httptest.NewRecorder()
		box.ServeHTTP(w, r)
		answer, err := io.ReadAll(w.Result().Body)
		if err != nil {
			t.Fatal(err)
		}
		plain := httptest.NewRequestWithContext(t.Context(), method, path, bytes.NewReader([]byte(body)))
		operation, err := d.CheckAnswer(plain, w.Code, w.Header(), answer)
		if err != nil {
			t.Errorf("%s %s: status %d: %v\n%s", method, path, w.Code, err, answer)
		}
		seen[operation+" "+http.StatusText(w.Code)]++
		return string(answer)
	}
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	must(ws.DeclareModel(tools.Model{ID: "11", Name: "Export", UniqueID: "model.shop.export"}))
	must(ws.DeclareModel(tools.Model{ID: "12", Name: "Orders", Database: "shop", Schema: "raw", Table: "orders"}))
	for i, schedule := range []string{"", "1h", "0 6 * * *", "dbt_cloud"} {
		must(ws.Declare(tools.Sync{ID: string(rune('1' + i)), Schedule: schedule, Model: []string{"11", "12", "", ""}[i], Disabled: i == 3}))
	}
	must(ws.Script("1", tools.Script{End: tools.Partial, Times: 1}, tools.Script{End: tools.Failed, Times: 1}, tools.Script{End: tools.Canceled, Times: 1},
		tools.Script{End: tools.Interrupted, Times: 1}, tools.Script{NoTimes: true, Times: 1}, tools.Script{Answer: tools.Broken, Times: 1}, tools.Script{Answer: tools.Wrong, Times: 1},
		tools.Script{Answer: tools.TooMany, Times: 1}, tools.Script{Hidden: 2}))
	for range 9 {
		id := strings.Trim(ask(http.MethodPost, "/api/v1/syncs/1/trigger", `{"fullResync":true}`), `{"id:}`)
		for range 6 {
			if strings.Trim(id, "0123456789") == "" {
				ask(http.MethodGet, "/api/v1/syncs/1/runs?runId="+id, "")
			}
			ask(http.MethodGet, "/api/v1/syncs/1", "")
		}
	}
	for _, path := range []string{
		"/api/v1/syncs", "/api/v1/syncs?limit=1", "/api/v1/syncs/2", "/api/v1/syncs/3", "/api/v1/syncs/4", "/api/v1/syncs/1/runs", "/api/v1/syncs/0/runs", "/api/v1/syncs/8",
		"/api/v1/models", "/api/v1/models/11", "/api/v1/models/77",
	} {
		ask(http.MethodGet, path, "")
	}
	for _, body := range []string{`{"syncId":"2"}`, `{"syncSlug":"none"}`, `{"syncId":2}`, `{}`, `{"syncId":"4"}`} {
		ask(http.MethodPost, "/api/v1/syncs/trigger", body)
	}
	for _, want := range []string{
		"get_model Not Found", "get_model OK", "get_sync OK", "get_sync Unauthorized", "list_models OK", "list_runs OK", "list_runs Unprocessable Entity", "list_syncs OK",
		"trigger_named Bad Request", "trigger_named Not Found", "trigger_named OK", "trigger_named Unprocessable Entity", "trigger_sync Internal Server Error", "trigger_sync OK", "trigger_sync Too Many Requests",
	} {
		if seen[want] == 0 {
			t.Errorf("%s was not answered; answered were %v", want, slices.Sorted(maps.Keys(seen)))
		}
	}
}
