package hosted

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/fault"
	"exposync/internal/yamlx"
)

// hook opens a webhook that is written in YAML, as exposync.yml has it; every
// address goes to the service.
func hook(tb testing.TB, s *service, yaml string, notes *[]string) (Tool, error) {
	tb.Helper()
	return webhookKind().Open(hookConfig(tb, s, yaml, notes))
}

func hookConfig(tb testing.TB, s *service, yaml string, notes *[]string) Config {
	tb.Helper()
	base := "https://hooks.example.com"
	if s != nil {
		base = s.URL
	}
	yaml = regexp.MustCompile(`https://[a-z.]+/`).ReplaceAllString(yaml, base+"/")
	yaml = regexp.MustCompile(`\{\{ env_var\('(\w+)'\) \}\}`).ReplaceAllString(yaml, "canary-$1")
	doc, err := yamlx.Parse("exposync.yml", []byte(yaml))
	if err != nil {
		tb.Fatal(err)
	}
	cfg := Config{
		Kind: "webhook", Name: "hooks", Where: "exposync.yml:3", File: "exposync.yml", Params: map[string]string{}, Blocks: map[string]*yamlx.Node{},
		Rest: testRest(), Now: testNow, Note: func(s string) {
			if notes != nil {
				*notes = append(*notes, s)
			}
		},
	}
	for _, p := range doc.Pairs {
		if text, ok := p.Value.Scalar(); ok {
			cfg.Params[p.Key] = text
		} else {
			cfg.Blocks[p.Key] = p.Value
		}
	}
	delete(cfg.Params, "type")
	return cfg
}

func mustHook(tb testing.TB, s *service, yaml string, notes *[]string) Tool {
	tb.Helper()
	tool, err := hook(tb, s, yaml, notes)
	if err != nil {
		tb.Fatal(err)
	}
	return tool
}

// example is a block of the documentation.
func example(t *testing.T, connection string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/hosted-tools.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?s)```yaml\nconnections:\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		if block, ok := strings.CutPrefix(m[1], "  "+connection+":\n"); ok {
			return regexp.MustCompile(`(?m)^    `).ReplaceAllString(block, "")
		}
	}
	t.Fatalf("docs/hosted-tools.md has no example of %s", connection)
	return ""
}

const aKey = "5f2d7b1e-8a9b-5c3d-9e4f-001122334455"

// An un-polled request that is accepted says just that.
func TestWebhookWithoutPoll(t *testing.T) {
	t.Parallel()
	s := newService(t, map[string][]answer{"POST /hook/a b": {
		{body: `{"ok":true}`}, {status: 204}, {body: "ok", kind: "text/plain"}, {status: 202, body: ""}, {body: "<html>log in", kind: "text/html"}, {status: 500}, {cut: true},
	}})
	var notes []string
	tool := mustHook(t, s, `trigger: {url: "https://hooks.example.com/hook/${sync}", body: {text: "${sync} \" ${key}", n: 1.50, flag: true, nothing: null, list: ["${reason}", $$x]}}`, &notes)
	for range 4 {
		r, err := tool.Trigger(t.Context(), "a b", TriggerOptions{Key: aKey, Reason: `say "x", {"y":1}`})
		if err != nil || r.State != Succeeded || r.Status != "accepted" || !r.Unwatched || r.ID != "" {
			t.Errorf("Trigger() = %+v, %v", r, err)
		}
	}
	if got := s.last(); got.header.Get("Idempotency-Key") != aKey ||
		got.body != `{"text":"a b \" `+aKey+`","n":1.50,"flag":true,"nothing":null,"list":["say \"x\", {\"y\":1}","$x"]}` {
		t.Errorf("sent %s with %v", got.body, got.header)
	}
	for range 3 {
		if _, err := tool.Trigger(t.Context(), "a b", TriggerOptions{Key: aKey}); fateOf(t, err).Fate != MayHaveStarted {
			t.Errorf("Trigger() = %v", err)
		}
	}
	if n := len(s.asked()); n != 7 {
		t.Errorf("sent %d times", n)
	}
	if len(notes) != 1 {
		t.Errorf("notes: %q", notes)
	}
	if _, err := tool.Recent(t.Context(), "a", testNow()); one(t, err).Code != "hosted_no_list" {
		t.Errorf("Recent() = %v", err)
	}
	if _, err := tool.Trigger(t.Context(), "a b", TriggerOptions{FullResync: true}); one(t, err).Code != "hosted_refused" {
		t.Errorf("a full resync that the request does not have: %v", err)
	}
	if _, can := tool.(Canceler); can {
		t.Error("it can cancel without cancel")
	}
}

func TestWebhookGitHubActions(t *testing.T) {
	t.Parallel()
	const runs, workflow = "/repos/acme/data/actions/runs/7", "/repos/acme/data/actions/workflows/publish.yml"
	s := newService(t, map[string][]answer{
		"POST " + workflow + "/dispatches": {{body: `{"workflow_run_id":7,"run_url":"https://api.github.com/x","html_url":"https://github.com/acme/data/actions/runs/7"}`}, {status: 204}},
		"GET " + workflow:                  {{body: `{"id":1,"name":"Publish","html_url":"https://github.com/acme/data"}`}, {status: 404, body: `{"message":"Not Found"}`}},
		"POST " + runs + "/cancel":         {{status: 202, body: `{}`}},
		"GET " + runs: {
			{body: `{"id":7,"status":"queued","conclusion":null}`},
			{body: `{"id":7,"status":"in_progress","conclusion":null}`},
			{body: `{"id":7,"status":"completed","conclusion":null}`},
			{body: `{"id":7,"status":"completed","conclusion":"success"}`},
			{body: `{"id":7,"status":"completed","conclusion":"timed_out"}`},
			{body: `{"id":7,"status":"completed","conclusion":"skipped"}`},
			{body: `{"id":7,"status":"completed","conclusion":"cancelled"}`},
		},
	})
	tool := mustHook(t, s, example(t, "actions"), nil)
	if got, err := tool.Inspect(t.Context(), "publish.yml"); err != nil || got.Title != "Publish" || got.URL != "https://github.com/acme/data" {
		t.Errorf("Inspect() = %+v, %v", got, err)
	}
	if _, err := tool.Inspect(t.Context(), "publish.yml"); one(t, err).Code != "hosted_missing" {
		t.Errorf("Inspect() = %v", err)
	}
	r, err := tool.Trigger(t.Context(), "publish.yml", TriggerOptions{Key: aKey, Invocation: "inv-1"})
	if err != nil || r.ID != "7" || r.State != Queued || r.Unwatched || r.URL != "https://github.com/acme/data/actions/runs/7" {
		t.Errorf("Trigger() = %+v, %v", r, err)
	}
	if got := s.last(); got.body != `{"ref":"main","inputs":{"invocation":"inv-1"},"return_run_details":true}` ||
		got.header.Get("Authorization") != "Bearer canary-GITHUB_TOKEN" || got.header.Get("Accept") != "application/vnd.github+json" {
		t.Errorf("sent %s with %v", got.body, got.header)
	}
	for _, want := range []string{"queued queued", "running in_progress", "unknown completed", "succeeded success", "failed timed_out", "skipped skipped", "canceled cancelled"} {
		if r, err = tool.Run(t.Context(), "publish.yml", "7"); err != nil || line(r) != "7 "+want {
			t.Errorf("Run() = %s, %v; want %s", line(r), err, want)
		}
	}
	if err := tool.(Canceler).Cancel(t.Context(), "publish.yml", "7"); err != nil {
		t.Errorf("Cancel(): %v", err)
	}
	// an installation that does not tell the run
	if r, err = tool.Trigger(t.Context(), "publish.yml", TriggerOptions{}); err != nil || r.ID != "" || r.State != Queued {
		t.Errorf("Trigger() = %+v, %v", r, err)
	}
}

func TestWebhookAirflow(t *testing.T) {
	t.Parallel()
	runs, run := "/api/v2/dags/my_dag/dagRuns", "exposync__"+aKey
	s := newService(t, map[string][]answer{
		"POST /auth/token": {{status: 201, body: `{"access_token":"jwt-1"}`}, {status: 201, body: `{"access_token":"jwt-2"}`}},
		"POST " + runs: {
			{status: 503}, {body: `{"dag_run_id":"` + run + `","state":"queued"}`}, {status: 409, body: `{"detail":"a DAG run with that id exists"}`},
		},
		"GET " + runs + "/" + run: {{body: `{"state":"running","start_date":"2026-11-27T11:59:59.5Z"}`}, {status: 401}, {body: `{"state":"success","end_date":"2026-11-27T12:00:00Z"}`}, {body: `{"state":"failed"}`}},
		"GET " + runs:             {{body: `{"dag_runs":[{"dag_run_id":"` + run + `","run_after":"2026-11-27T11:59:58Z","state":"queued"},{"dag_run_id":"old","run_after":"2026-11-26T11:59:58Z","state":"success"}]}`}},
		"GET /api/v2/dags/my_dag": {{body: `{"dag_display_name":"My DAG","is_paused":true,"timetable_summary":"0 6 * * *"}`}},
	})
	tool := mustHook(t, s, example(t, "airflow"), nil)
	if got, err := tool.Inspect(t.Context(), "my_dag"); err != nil || got.Title != "My DAG" || got.Disabled != "paused" || got.Schedule != "0 6 * * *" {
		t.Errorf("Inspect() = %+v, %v", got, err)
	}
	for range 2 { // the second finds that it is there already
		r, err := tool.Trigger(t.Context(), "my_dag", TriggerOptions{Key: aKey, Invocation: "inv-1", FullResync: true})
		if err != nil || r.ID != run || r.State != Queued {
			t.Errorf("Trigger() = %+v, %v", r, err)
		}
	}
	if got := s.last().body; got != `{"dag_run_id":"`+run+`","logical_date":null,"conf":{"invocation":"inv-1","full_resync":true}}` {
		t.Errorf("sent %s", got)
	}
	for _, want := range []string{"running running", "succeeded success", "failed failed"} {
		if r, err := tool.Run(t.Context(), "my_dag", run); err != nil || line(r) != run+" "+want {
			t.Errorf("Run() = %s, %v; want %s", line(r), err, want)
		}
	}
	if got := s.last().header.Get("Authorization"); got != "Bearer jwt-2" {
		t.Errorf("Authorization: %s", got)
	}
	if r, err := tool.Recent(t.Context(), "my_dag", testNow().Add(-5*time.Second)); err != nil || lines(r) != run+" queued queued" ||
		s.last().what != "GET "+runs+"?run_after_gte=2026-11-27T11%3A59%3A55Z&limit=100" {
		t.Errorf("Recent() = %s, %v by %s", lines(r), err, s.last().what)
	}
}

func TestWebhookPrefect(t *testing.T) {
	t.Parallel()
	const base = "/api/accounts/ACCOUNT/workspaces/WORKSPACE"
	s := newService(t, map[string][]answer{
		"POST " + base + "/deployments/" + aSync + "/create_flow_run": {{cut: true}, {status: 201, body: `{"id":"` + aRun + `","state":{"type":"SCHEDULED"}}`}},
		"GET " + base + "/flow_runs/" + aRun:                          {{body: `{"state":{"type":"PAUSED"}}`}, {body: `{"state":{"type":"CRASHED","message":"out of memory"}}`}, {body: `{"state":{"type":"COMPLETED"}}`}, {status: 404, body: `{"detail":"Flow run not found"}`}},
		"POST " + base + "/flow_runs/filter":                          {{body: `[{"id":"` + aRun + `","created":"2026-11-27T11:59:58Z","state":{"type":"PENDING"}}]`}},
		"GET " + base + "/deployments/" + aSync:                       {{body: `{"name":"nightly","paused":false}`}},
	})
	tool := mustHook(t, s, example(t, "prefect"), nil)
	if got, err := tool.Inspect(t.Context(), aSync); err != nil || got.Title != "nightly" || got.Disabled != "" {
		t.Errorf("Inspect() = %+v, %v", got, err)
	}
	r, err := tool.Trigger(t.Context(), aSync, TriggerOptions{Key: aKey, Invocation: "inv-1"})
	if err != nil || r.ID != aRun || s.last().body != `{"parameters":{"invocation":"inv-1"},"idempotency_key":"`+aKey+`"}` {
		t.Errorf("Trigger() = %+v, %v by %s", r, err, s.last().body)
	}
	for _, want := range []string{"running PAUSED", `failed CRASHED "out of memory"`, "succeeded COMPLETED"} {
		if r, err = tool.Run(t.Context(), aSync, aRun); err != nil || line(r) != aRun+" "+want {
			t.Errorf("Run() = %s, %v; want %s", line(r), err, want)
		}
	}
	if _, err = tool.Run(t.Context(), aSync, aRun); one(t, err).Code != "hosted_run_gone" {
		t.Errorf("Run() = %v", err)
	}
	list, err := tool.Recent(t.Context(), aSync, testNow().Add(-5*time.Second))
	if err != nil || lines(list) != aRun+" queued PENDING" ||
		s.last().body != `{"deployments":{"id":{"any_":["`+aSync+`"]}},"flow_runs":{"expected_start_time":{"after_":"2026-11-27T11:59:55Z"}}}` {
		t.Errorf("Recent() = %s, %v by %s", lines(list), err, s.last().body)
	}
}

// What a name stands for stays within its part.
func TestWebhookFillsStructurally(t *testing.T) {
	t.Parallel()
	s := newService(t, map[string][]answer{"POST /a/../b?c#d&e=/x": {{}}})
	tool := mustHook(t, s, `
trigger:
  url: "https://hooks.example.com/a/${sync}/x?q=${job}&r=$$1"
  headers: {X-Job: "j ${job}"}
  body: {"${sync}": "${job}"}
`, nil)
	_, err := tool.Trigger(t.Context(), "../b?c#d&e=", TriggerOptions{Job: "a&b=c\r\nX-Evil: 1\"}"})
	if err != nil {
		t.Fatal(err)
	}
	got := s.last()
	if got.what != "POST /a/../b?c#d&e=/x?q=a%26b%3Dc%0D%0AX-Evil%3A+1%22%7D&r=$1" || got.header.Get("X-Evil") != "" || got.header.Get("X-Job") != `j a&b=c  X-Evil: 1"}` ||
		got.body != `{"${sync}":"a\u0026b=c\r\nX-Evil: 1\"}"}` {
		t.Errorf("sent %s\n%v\n%s", got.what, got.header, got.body)
	}
}

func TestWebhookRowsMakeARunPartial(t *testing.T) {
	t.Parallel()
	s := newService(t, map[string][]answer{"GET /r/7": {{body: `{"s":"OK","n":{"all":"10","good":8,"bad":2}}`}, {body: `{"s":true}`}}})
	tool := mustHook(t, s, `
trigger: {url: https://hooks.example.com/t, id: id}
poll: {url: "https://hooks.example.com/r/${run}", status: s, success: [ok, true], rows: {total: n.all, ok: n.good, failed: n.bad}}
`, nil)
	for _, want := range []string{"7 partial OK total=10 ok=8 failed=2", "7 succeeded true"} {
		if r, err := tool.Run(t.Context(), "x", "7"); err != nil || line(r) != want {
			t.Errorf("Run() = %s, %v; want %s", line(r), err, want)
		}
	}
}

// Everything that is wrong is said at once, with its line, and without a
// secret.
func TestWebhookProblems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		yaml string
		want []string
	}{
		"nothing":    {``, []string{"connection hooks needs trigger: The request that starts a run: method, url, headers, body, and where its id is. (param_missing)"}},
		"no url":     {`trigger: {bodi: {}}`, []string{`exposync.yml:1: connection hooks: trigger has no key "bodi" (unknown_key)`, "exposync.yml:1: connection hooks: trigger needs url (setting_missing)"}},
		"plain http": {`trigger: {url: "http://hooks.internal/canary-path"}`, []string{"exposync.yml:1: connection hooks: trigger.url must be https, or the credentials travel in the open (where the tool allows it, plain_http: true) (http_url)"}},
		"host":       {`trigger: {url: "https://${sync}/x"}`, []string{"exposync.yml:1: connection hooks: trigger.url has a ${name} in its host (http_url)"}},
		"unknown name": {"trigger:\n  url: https://hooks.example.com/x\n  body: {a: \"${synk}\"}", []string{
			"exposync.yml:3: connection hooks: trigger: ${synk} is not known (setting_invalid)",
		}},
		"poll": {"trigger: {url: https://hooks.example.com/x}\npoll: {url: \"https://hooks.example.com/${run}\", body: {}, rows: {bad: x}, failure: [a], partial: a}", []string{
			"exposync.yml:2: connection hooks: poll: a GET has no body (setting_invalid)",
			`exposync.yml:2: connection hooks: poll: "a" cannot mean two things (setting_invalid)`,
			"exposync.yml:2: connection hooks: poll needs status: the place of the run's state in the answer (setting_missing)",
			"exposync.yml:2: connection hooks: poll needs success: the words that say that a run succeeded (setting_missing)",
			`exposync.yml:2: connection hooks: poll.rows has no key "bad" (unknown_key)`,
			"exposync.yml:2: connection hooks: poll asks for ${run}, and nothing says where its id comes from (setting_missing)",
		}},
		"header": {"trigger: {url: https://hooks.example.com/x, headers: {X: \"canary-1\\ncanary-2\"}}", []string{`exposync.yml:1: connection hooks: trigger.headers: "X" is no header with a text of one line (setting_invalid)`}},
		"statuses": {"trigger: {url: https://hooks.example.com/x, busy: [200], exists: 409}", []string{
			"exposync.yml:1: connection hooks: trigger.busy is a list of statuses from 400 to 499 (setting_invalid)",
			"exposync.yml:1: connection hooks: trigger.exists needs run: the id that a run which is there already has (setting_missing)",
		}},
		"list": {"trigger: {url: https://hooks.example.com/x}\nlist: {url: https://hooks.example.com/y, items: a, id: b, created: c}", []string{
			"exposync.yml:2: connection hooks: list needs poll: its words are those of poll (setting_missing)",
		}},
		"shapes": {"trigger: {url: https://hooks.example.com/x, method: BREW, repeatable: yes, id: 7}\ncheck: [a]", []string{
			"exposync.yml:1: connection hooks: trigger.id is a text (setting_invalid)", "exposync.yml:1: connection hooks: trigger.repeatable is true or false (setting_invalid)",
			"exposync.yml:1: connection hooks: trigger.method is GET, POST, PUT, PATCH or DELETE (setting_invalid)",
			"exposync.yml:2: connection hooks: check is a map (setting_invalid)", "exposync.yml:2: connection hooks: check needs url (setting_missing)",
		}},
	} {
		_, err := hook(t, nil, c.yaml, nil)
		list := fault.List{}
		errors.As(err, &list)
		got := map[string]bool{}
		for _, f := range list {
			got[strings.TrimPrefix(f.Error(), "exposync.yml:3: connection hooks needs")] = true
			if strings.Contains(f.Error()+f.Hint, "canary") {
				t.Errorf("%s: a secret shows: %v", name, f)
			}
		}
		want := map[string]bool{}
		for _, w := range c.want {
			want[strings.TrimPrefix(w, "connection hooks needs")] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: problems mismatch (-want +got):\n%s", name, diff)
		}
	}
}
