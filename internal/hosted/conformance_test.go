package hosted_test

import (
	"bytes"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"exposync/internal/hosted"
	"exposync/internal/hosted/hostedtest"
	"exposync/internal/rest"
	"exposync/internal/sandbox"
	"exposync/internal/sandbox/facade"
	"exposync/internal/sandbox/tools"
	"exposync/internal/vendortest"
	"exposync/internal/yamlx"
)

const aUUID = "3c7e8b1a-52d4-4c0e-9d7b-0f6a4b2d9e10"

// stand is how one tool is opened at its stand-in.
type stand struct {
	sync    string
	script  string // the sync, as the stand-in's workspace names it; "" for sync
	base    string // below the mount
	params  map[string]string
	yaml    string // of a webhook; BASE is the mount
	harness hostedtest.Harness
}

const (
	noIDs      = "its ids have one form"
	noWord     = "the tool has no such end"
	noSkip     = "the tool skips no runs"
	noContinue = "the tool continues no run in another"
)

// missing joins what several tools do not have.
func missing(more map[string]string) map[string]string {
	out := map[string]string{
		"ids-number": noIDs, "ids-string": noIDs, "skipped": noSkip, "interrupted": noContinue, "interrupted-only": noContinue,
	}
	for name, reason := range more {
		if out[name] = reason; reason == "" {
			delete(out, name)
		}
	}
	return out
}

func stands() map[string]stand {
	token := map[string]string{"token": "s3cr3t-token-0001"}
	return map[string]stand{
		"hightouch": {sync: "42606", base: "/api/v1", params: token, harness: hostedtest.Harness{Busy: hostedtest.Queues, Missing: missing(map[string]string{
			"ids-number": "", "ids-string": "", "interrupted": "", "interrupted-only": "", hostedtest.Cancels: "Hightouch has no call for it",
		})}},
		"census": {sync: "15135", params: token, harness: hostedtest.Harness{Busy: hostedtest.Skips, Missing: missing(map[string]string{
			"skipped": "", hostedtest.Cancels: "no call for it was found",
		})}},
		"polytomic": {sync: aUUID, params: token, harness: hostedtest.Harness{Busy: hostedtest.Refuses, Missing: missing(nil)}},
		"rudderstack": {sync: "2C8Vk2wj8qkofy00YzJbvJOGeqa", base: "/v2", params: token, harness: hostedtest.Harness{Busy: hostedtest.Refuses, Missing: missing(map[string]string{
			hostedtest.CancelWord: "RudderStack ends what was stopped as failed", hostedtest.Listing: "the stand-in has no call for it", hostedtest.Schedules: "the stand-in has no call that tells it", hostedtest.Disables: "the stand-in has no call that tells it",
		})}},
		"segment": {sync: "src1/mod1/sub1", script: "sub1", params: token, harness: hostedtest.Harness{Busy: hostedtest.Queues, Missing: missing(map[string]string{
			hostedtest.Listing: "a mapping is listed only below its destination", hostedtest.Schedules: "Segment tells it only below the destination, whose id a mapping does not have", hostedtest.FullResyncs: "Segment's API has none",
		})}},
		"airbyte": {sync: aUUID, base: "/v1", params: map[string]string{"client_id": "app", "client_secret": "s3cr3t-token-0001"}, harness: hostedtest.Harness{
			Busy: hostedtest.Refuses, Logs: true, Missing: missing(map[string]string{
				"partial": noWord, hostedtest.Counts: "Airbyte tells no rejected rows", hostedtest.FullResyncs: "it would clear the destination",
			}),
		}},
		"multiwoven": {sync: "5", base: "/api/v1", params: map[string]string{"email": "a@example.com", "password": "s3cr3t-token-0001", "workspace": "1"}, harness: hostedtest.Harness{
			Busy: hostedtest.Refuses, Logs: true, Nameless: true, Missing: missing(map[string]string{
				hostedtest.FullResyncs: "Multiwoven's API has none", "trigger-no-id": "no answer of Multiwoven has an id",
			}),
		}},
		"webhook": {sync: "nightly", yaml: `
headers: {X-Key: s3cr3t-token-0001}
trigger: {url: "BASE/hooks/${sync}", body: {full: "${full_resync}"}, id: id, page: url}
poll:
  url: BASE/jobs/${run}
  status: status
  success: succeeded
  partial: completed_with_errors
  failure: failed
  canceled: canceled
  skipped: skipped
  queued: queued
  pending: [running, canceling]
  rows: {total: rows.total, ok: rows.ok, failed: rows.failed}
  created: created_at
  ended: finished_at
  error: error
list: {url: "BASE/jobs?hook=${sync}", items: jobs, id: id, created: created_at}
cancel: {url: "BASE/jobs/${run}", method: DELETE}
check: {url: "BASE/jobs?hook=${sync}"}
`, harness: hostedtest.Harness{Busy: hostedtest.Queues, Missing: missing(map[string]string{
			hostedtest.Listing: "the settings describe none", hostedtest.Schedules: "the hook tells none", hostedtest.Disables: "the hook does not tell", "missing": "the hook's list is empty then", "skipped": "",
			hostedtest.FullResyncs: "",
		})}},
	}
}

// Every tool does at its stand-in what the seam promises.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, kind := range vendortest.Hosted() {
		if _, there := stands()[kind]; !there {
			t.Errorf("%s is described, and nothing is sent to it", kind)
		}
	}
	for _, k := range hosted.Kinds() {
		s, there := stands()[k.Name]
		if !there {
			t.Errorf("%s is not tested", k.Name)
			continue
		}
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			h := s.harness
			h.New = func(t *testing.T) *hostedtest.Subject { t.Helper(); return s.open(t, k) }
			hostedtest.Run(t, h)
		})
	}
}

// clock is one for both sides.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time       { c.mu.Lock(); defer c.mu.Unlock(); return c.at }
func (c *clock) pass(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

func (s stand) open(t *testing.T, k hosted.Kind) *hostedtest.Subject {
	t.Helper()
	c := &clock{at: time.Date(2026, 11, 24, 10, 15, 0, 0, time.UTC)}
	box, err := sandbox.Open(sandbox.Config{Dir: t.TempDir(), Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(described(t, k.Name, s.mounted(), box))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		_ = box.Close()
	})
	ws, ok := box.Hosted(k.Name, "tool")
	if !ok {
		t.Fatalf("there is no stand-in of %s", k.Name)
	}
	subject := &hostedtest.Subject{Sync: s.sync, Now: c.now, Pass: c.pass, Secrets: []string{"s3cr3t", "@example"}}
	var log bytes.Buffer
	cfg := hosted.Config{
		Kind: k.Name, Name: "tool", Where: "exposync.yml:4", Params: map[string]string{"base_url": server.URL + facade.Mount(k.Name, "tool") + s.base}, Now: c.now,
		Rest: rest.Config{
			UserAgent: "exposync/test", Now: c.now, Jitter: func() float64 { return 0 }, WaitMin: time.Millisecond, WaitMax: time.Millisecond,
			Timeout: 500 * time.Millisecond, PerSecond: 10000, Burst: 100, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		},
	}
	var notes []string
	cfg.Note = func(s string) { notes = append(notes, s) }
	maps.Copy(cfg.Params, s.params)
	if s.yaml != "" {
		cfg.File, cfg.Blocks = "exposync.yml", blocks(t, strings.ReplaceAll(s.yaml, "BASE", server.URL+facade.Mount(k.Name, "tool")))
		cfg.Params = map[string]string{}
	}
	if subject.Tool, err = k.Open(cfg); err != nil {
		t.Fatal(err)
	}
	subject.Notes, subject.Log = func() []string { return notes }, log.String
	s.connect(subject, ws)
	return subject
}

// mounted is what stands before the paths of the description: that of Hightouch
// has the version in its server's address.
func (s stand) mounted() string {
	if s.base == "/api/v1" && s.params["email"] == "" {
		return s.base
	}
	return ""
}

// hasty makes a minute that a tool asks to wait a second.
type hasty struct{ http.ResponseWriter }

// WriteHeader shortens what is asked for.
func (w hasty) WriteHeader(status int) {
	if w.Header().Get("X-RateLimit-Reset") == "60" {
		w.Header().Set("X-RateLimit-Reset", "0.01")
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets a handler close the connection.
func (w hasty) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// described holds every request against the tool's description, where there is
// one.
func described(t *testing.T, kind, below string, next http.Handler) http.Handler {
	t.Helper()
	if kind == "webhook" {
		return next
	}
	guard := vendortest.NewGuard(t, "hosted/"+kind, facade.Mount(kind, "tool")+below, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/_login") { // the page that a redirect of the stand-in leads to
			next.ServeHTTP(w, r)
			return
		}
		guard.ServeHTTP(hasty{w}, r)
	})
}

// connect lets the suite arrange and look at the stand-in.
func (s stand) connect(subject *hostedtest.Subject, ws *tools.Workspace) {
	id := s.script
	if id == "" {
		id = s.sync
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	view := func(t *testing.T) tools.SyncView {
		t.Helper()
		snap, err := ws.Snapshot(100)
		must(t, err)
		for _, v := range snap.Syncs {
			if v.ID == id {
				return v
			}
		}
		return tools.SyncView{}
	}
	subject.Play = func(t *testing.T, scenario string) {
		t.Helper()
		if tools.OfSync(scenario) {
			must(t, ws.Declare(tools.Sync{ID: id, Schedule: map[bool]string{true: "1h"}[scenario == "schedule"], Disabled: scenario == "disabled", Missing: scenario == "missing"}))
			return
		}
		script, ok := tools.ScriptOf(scenario)
		if !ok {
			t.Fatalf("there is no scenario %s", scenario)
		}
		script.Times = 1
		if script.RetryAfter == "" { // some tools ask for a minute
			script.RetryAfter = "none"
		}
		must(t, ws.Script(id, script))
	}
	subject.Seen = func(t *testing.T) ([]string, int) {
		t.Helper()
		v := view(t)
		var runs []string
		for _, r := range slices.Backward(v.Runs) {
			runs = append(runs, r.ID)
		}
		return runs, v.Counts.Triggers
	}
	subject.Somebody = func(t *testing.T) string {
		t.Helper()
		run, err := ws.Start(id, tools.Script{End: tools.Never})
		must(t, err)
		return run
	}
	subject.Finish = func(t *testing.T) { t.Helper(); must(t, ws.End(id, "", "")) }
	if s.yaml != "" {
		return // what the body of a webhook asks for is the user's own affair
	}
	subject.Flags = func(t *testing.T) []string {
		t.Helper()
		if v := view(t); len(v.Runs) > 0 {
			return v.Runs[0].Flags
		}
		return nil
	}
}

func blocks(t *testing.T, yaml string) map[string]*yamlx.Node {
	t.Helper()
	doc, err := yamlx.Parse("exposync.yml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*yamlx.Node{}
	for _, p := range doc.Pairs {
		out[p.Key] = p.Value
	}
	return out
}
