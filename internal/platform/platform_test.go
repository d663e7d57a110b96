package platform_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/fault"
	"exposync/internal/platform"
	"exposync/internal/platform/platformtest"
	"exposync/internal/rest"
	"exposync/internal/vendortest"
)

const token = "dbtc_canary_5b21"

// asking is a client of a stand-in that holds every request against the
// description of the API.
type asking struct {
	*platformtest.Server
	*platform.Client
}

func setup(t *testing.T) asking {
	t.Helper()
	stand := platformtest.New(token)
	server := httptest.NewServer(vendortest.NewGuard(t, "dbt_cloud", "", stand))
	t.Cleanup(server.Close)
	return asking{stand, client(server.URL)}
}

func client(base string) *platform.Client {
	return platform.New(platform.Config{
		Base: base, Account: platformtest.Account, Token: token, Where: "exposync.yml:3",
		Rest: rest.Config{Now: time.Now, Jitter: func() float64 { return 0 }, WaitMin: time.Millisecond, WaitMax: time.Millisecond},
	})
}

// ago is a time at which a run ended.
func ago(hours int) time.Time {
	return time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC).Add(-time.Duration(hours) * time.Hour)
}

func TestLatestIsTheOneThatEndedLast(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		runs []platformtest.Run
		want int64 // 0: none
		code string
	}{
		"a failed one counts": {[]platformtest.Run{
			{ID: 1, Job: 5, Status: 10, Finished: ago(9)}, {ID: 2, Job: 5, Status: 20, Finished: ago(1)}, {ID: 3, Job: 6, Status: 10, Finished: ago(0)},
		}, 2, ""},
		"a cancelled one counts": {[]platformtest.Run{
			{ID: 1, Job: 5, Status: 10, Finished: ago(9)}, {ID: 2, Job: 5, Status: 30, Finished: ago(1)},
		}, 2, ""},
		"one that never began does not": {[]platformtest.Run{
			{ID: 1, Job: 5, Status: 10, Finished: ago(9)}, {ID: 2, Job: 5, Status: 30, Finished: ago(1), NeverBegan: true},
		}, 1, ""},
		"one that goes on does not": {[]platformtest.Run{
			{ID: 1, Job: 5, Status: 10, Finished: ago(9)}, {ID: 2, Job: 5, Status: 3}, {ID: 3, Job: 5, Status: 1},
		}, 1, ""},
		"by its end, not by its number": {[]platformtest.Run{
			{ID: 1, Job: 5, Status: 10, Finished: ago(1)}, {ID: 2, Job: 5, Status: 10, Finished: ago(2)},
		}, 1, ""},
		"none has ended": {[]platformtest.Run{{ID: 1, Job: 5, Status: 2}}, 0, "none of the newest 1 runs of job 5 has ended"},
		"no run":         {nil, 0, "there is no run of job 5"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := setup(t)
			for _, r := range tt.runs {
				a.Put(r)
			}
			got, err := a.Latest(t.Context(), 5)
			switch {
			case tt.want != 0 && (err != nil || got.ID != tt.want):
				t.Errorf("Latest() = %+v, %v", got, err)
			case tt.want == 0 && (!fault.Is(err, "dbt_cloud_no_run") || !strings.Contains(err.Error(), tt.code)):
				t.Errorf("Latest() error = %v", err)
			}
		})
	}
}

// Runs that go on stand before all others, so the one that ended may be pages
// away.
func TestLatestTurnsPages(t *testing.T) {
	t.Parallel()
	a := setup(t)
	for id := range int64(120) {
		a.Put(platformtest.Run{ID: 1000 + id, Job: 5, Status: 1})
	}
	a.Put(platformtest.Run{ID: 7, Job: 5, Status: 10, Finished: ago(3), Steps: platformtest.Before()})
	got, err := a.Latest(t.Context(), 5)
	if err != nil || got.ID != 7 || len(got.Steps) != 3 {
		t.Fatalf("Latest() = %+v, %v", got, err)
	}
	if seen := a.Seen(); len(seen) != 4 || !strings.Contains(seen[2], "offset=100") {
		t.Errorf("requests %q", seen)
	}
	endless := setup(t)
	for id := range int64(1100) {
		endless.Put(platformtest.Run{ID: 1000 + id, Job: 5, Status: 3})
	}
	if _, err := endless.Latest(t.Context(), 5); err == nil || !strings.Contains(err.Error(), "none of the newest 1000 runs") || len(endless.Seen()) != 20 {
		t.Errorf("Latest() of endless queues: %v", err)
	}
}

func TestRunTellsItsSteps(t *testing.T) {
	t.Parallel()
	a := setup(t)
	a.Put(platformtest.Run{
		ID: 7, Project: 11, Job: 5, Status: 20, Target: "prod", Finished: ago(2),
		Steps: append(platformtest.Before(), platformtest.Step{Name: "Invoke dbt with `dbt build --select x`", Status: 20}, platformtest.Step{Name: "a\x1b[31m\nb", Status: 30}),
	})
	got, err := a.Run(t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	if got.Account != platformtest.Account || got.Project != 11 || got.Job != 5 || got.JobName != "Nightly" || got.Environment != "Production" ||
		got.Status != platform.Failed || got.Saved != platform.SavedYes || got.Target != "prod" || !got.Finished.Equal(ago(2)) {
		t.Errorf("Run() = %+v", got)
	}
	want := []platform.Step{
		{Index: 1, Name: "Clone Git Repository", Status: 10},
		{Index: 2, Name: "Create Profile from Connection Warehouse", Status: 10},
		{Index: 3, Name: "Invoke dbt with `dbt deps`", Status: 10},
		{Index: 4, Name: "Invoke dbt with `dbt build --select x`", Status: 20},
		{Index: 5, Name: "a [31m b", Status: 30},
	}
	if d := cmp.Diff(want, got.Steps); d != "" {
		t.Errorf("steps (-want +got):\n%s", d)
	}
	a.Put(platformtest.Run{ID: 8, Status: 10, Target: "prod", TargetOverride: "ci"})
	if got, err := a.Run(t.Context(), 8); err != nil || got.Target != "ci" {
		t.Errorf("Run() with another target = %+v, %v", got, err)
	}
}

// A run that goes on with a failed one says with which; those are told oldest
// first, and a circle ends.
func TestRetried(t *testing.T) {
	t.Parallel()
	a := setup(t)
	a.Put(platformtest.Run{ID: 1, Status: 20, Finished: ago(3)})
	a.Put(platformtest.Run{ID: 2, Status: 20, Finished: ago(2), Retries: 1})
	got, err := a.Retried(t.Context(), &platform.Run{ID: 3, Retries: 2})
	if err != nil || len(got) != 2 || got[0].ID != 1 || got[1].ID != 2 {
		t.Errorf("Retried() = %+v, %v", got, err)
	}
	if got, err := a.Retried(t.Context(), &platform.Run{ID: 3}); err != nil || got != nil {
		t.Errorf("Retried() of a first run = %+v, %v", got, err)
	}
	if _, err := a.Retried(t.Context(), &platform.Run{ID: 3, Retries: 9}); !fault.Is(err, "dbt_cloud_run_missing") {
		t.Errorf("Retried() of a lost run: %v", err)
	}
	a.Put(platformtest.Run{ID: 1, Status: 20, Finished: ago(3), Retries: 2})
	if got, err := a.Retried(t.Context(), &platform.Run{ID: 3, Retries: 2}); err != nil || len(got) != 2 {
		t.Errorf("Retried() in a circle = %d runs, %v", len(got), err)
	}
	if got, err := a.Retried(t.Context(), &platform.Run{ID: 3, Retries: 3}); err != nil || got != nil {
		t.Errorf("Retried() of a run that goes on with itself = %+v, %v", got, err)
	}
}

func TestStepsTellTheirCommand(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		command           string
		builds, preparing bool
	}{
		"Clone Git Repository":                           {"", false, true},
		"Create Profile from Connection Snowflake ":      {"", false, true},
		"Invoke dbt with `dbt deps`":                     {"deps", false, false},
		"Invoke dbt with `dbt build --select tag:run`":   {"build", true, false},
		"Invoke dbt with `dbt --warn-error run -s x`":    {"run", true, false},
		"Invoke dbt with `dbt run-operation grant_all`":  {"run-operation", false, false},
		"Invoke dbt with `dbt retry`":                    {"retry", false, false},
		"Invoke dbt with `dbt source freshness`":         {"source", false, false},
		"Source freshness":                               {"source", false, false},
		"Invoke dbt with `dbt docs generate`":            {"docs", false, false},
		"Generate docs":                                  {"docs", false, false},
		"Invoke dbt with `dbtf test`":                    {"test", true, false},
		"dbt seed":                                       {"seed", true, false},
		"Something new":                                  {"", false, false},
		"Clone and `dbt build` in one":                   {"build", true, false},
		"Invoke dbt with `dbt something-new --flag run`": {"run", true, false},
		"": {"", false, false},
	}
	for name, tt := range tests {
		s := platform.Step{Name: name}
		if s.Command() != tt.command || s.Builds() != tt.builds || s.Prepares() != tt.preparing {
			t.Errorf("%q: command %q, builds %t, prepares %t", name, s.Command(), s.Builds(), s.Prepares())
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	c := client("https://dbt.invalid")
	good := platform.Run{
		ID: 7, Account: platformtest.Account, Project: 11, Job: 5, Status: platform.Failed, Saved: platform.SavedYes, Steps: []platform.Step{{Index: 1}},
	}
	tests := map[string]struct {
		change func(*platform.Run)
		asked  platform.Asked
		want   string // the message; empty: nothing is wrong
	}{
		"a failed run":       {func(*platform.Run) {}, platform.Asked{Job: 5, Project: 11}, ""},
		"a cancelled run":    {func(r *platform.Run) { r.Status = platform.Cancelled }, platform.Asked{}, ""},
		"saving is not told": {func(r *platform.Run) { r.Saved = platform.SavedUnknown }, platform.Asked{}, ""},
		"another job":        {func(*platform.Run) {}, platform.Asked{Job: 6}, "run 7 is of job 5, not 6 (dbt_cloud_wrong_run)"},
		"another project":    {func(*platform.Run) {}, platform.Asked{Project: 6}, "run 7 is of project 11, not 6 (dbt_cloud_wrong_run)"},
		"another account":    {func(r *platform.Run) { r.Account = 9 }, platform.Asked{}, "run 7 is of account 9, not 1234 (dbt_cloud_wrong_run)"},
		"queued":             {func(r *platform.Run) { r.Status = platform.Queued }, platform.Asked{}, "run 7 has not ended: queued (dbt_cloud_run_unfinished)"},
		"running":            {func(r *platform.Run) { r.Status = platform.Running }, platform.Asked{}, "run 7 has not ended: running (dbt_cloud_run_unfinished)"},
		"a new status":       {func(r *platform.Run) { r.Status = 4 }, platform.Asked{}, "run 7 has not ended: status 4 (dbt_cloud_run_unfinished)"},
		"nothing saved":      {func(r *platform.Run) { r.Saved = platform.SavedNo }, platform.Asked{}, "dbt platform saved no artifacts of run 7 (error) (dbt_cloud_no_artifacts)"},
		"no steps":           {func(r *platform.Run) { r.Steps = nil }, platform.Asked{}, "run 7 has no steps (error) (dbt_cloud_no_artifacts)"},
	}
	for name, tt := range tests {
		r := good
		tt.change(&r)
		err := c.Check(&r, tt.asked)
		if got := strings.TrimPrefix(text(err), "exposync.yml:3: "); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
		for _, f := range fault.All(err) {
			if _, ok := fault.Explain(f.Code); !ok || f.Hint == "" {
				t.Errorf("%s: no page or hint: %+v", name, f)
			}
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// What goes wrong between here and there is told by its kind, and never with
// the token.
func TestTrouble(t *testing.T) {
	t.Parallel()
	page := func(w http.ResponseWriter, status int) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write([]byte("<html>Log in " + token))
	}
	tests := map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		want   string
		code   string
	}{
		"a login page":    {func(w http.ResponseWriter, _ *http.Request) { page(w, 200) }, "something else than the API", "dbt_cloud_reply"},
		"another server":  {func(w http.ResponseWriter, _ *http.Request) { page(w, 404) }, "something else than the API", "dbt_cloud_reply"},
		"other JSON":      {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"data": 1}`)) }, "something else than the API", "dbt_cloud_reply"},
		"no data":         {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"data": null}`)) }, "what came for run 7 is no run", "dbt_cloud_reply"},
		"a wrong token":   {func(w http.ResponseWriter, _ *http.Request) { platformtest.Refuse(w, 401, "bad "+token) }, "does not accept the token", "dbt_cloud_auth"},
		"a lacking right": {func(w http.ResponseWriter, _ *http.Request) { platformtest.Refuse(w, 403, "bad "+token) }, "may not read runs of account 1234", "dbt_cloud_denied"},
		"no such run":     {func(w http.ResponseWriter, _ *http.Request) { platformtest.Refuse(w, 404, "bad "+token) }, "there is no run 7 in account 1234", "dbt_cloud_run_missing"},
		"a refusal":       {func(w http.ResponseWriter, _ *http.Request) { platformtest.Refuse(w, 400, "bad "+token) }, "answered 400", "http_refused"},
		"down":            {func(w http.ResponseWriter, _ *http.Request) { page(w, 502) }, "answered 502", "http_unavailable"},
		"far too busy": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7200")
			platformtest.Refuse(w, 429, "slow down")
		}, "rate limited until", "rate_limited"},
		"to another address": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://login.invalid/?t="+token, http.StatusFound)
		}, "redirects to https://login.invalid", "http_redirect"},
		"half an answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"data":`))
		}, "closed before the answer was complete", "http_unreachable"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := setup(t)
			a.SetTrouble(func(w http.ResponseWriter, r *http.Request) bool { tt.answer(w, r); return true })
			_, err := a.Run(t.Context(), 7)
			all := fault.All(err)
			if len(all) != 1 || all[0].Code != tt.code || !strings.Contains(err.Error(), tt.want) || all[0].Hint == "" || all[0].Where != "exposync.yml:3" {
				t.Errorf("Run() error = %v\nhint %q", err, all[0].Hint)
			}
			if shown := err.Error() + all[0].Hint; strings.Contains(shown, token) || strings.Contains(shown, "this connection") {
				t.Errorf("shown: %s", shown)
			}
			if _, ok := fault.Explain(all[0].Code); !ok {
				t.Errorf("no page for %s", all[0].Code)
			}
		})
	}
}

// A busy server is asked again, and then answers.
func TestBusyServerIsAskedAgain(t *testing.T) {
	t.Parallel()
	a := setup(t)
	a.Put(platformtest.Run{ID: 7, Job: 5, Status: 10, Finished: ago(1)})
	n := 0
	a.SetTrouble(func(w http.ResponseWriter, _ *http.Request) bool {
		if n++; n > 2 {
			return false
		}
		w.Header().Set("Retry-After", "0.001")
		platformtest.Refuse(w, http.StatusTooManyRequests, "slow down")
		return true
	})
	if got, err := a.Run(t.Context(), 7); err != nil || got.ID != 7 || n != 3 {
		t.Errorf("Run() = %+v, %v after %d requests", got, err, n)
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	_, err := client("http://127.0.0.1:1").Latest(t.Context(), 5)
	if !fault.Is(err, "http_unreachable") || !strings.Contains(fault.All(err)[0].Hint, "dbt_cloud.host") {
		t.Errorf("Latest() error = %v", err)
	}
}
