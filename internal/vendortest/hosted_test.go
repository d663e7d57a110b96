package vendortest

import (
	"errors"
	"maps"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"exposync/internal/fault"
	"exposync/internal/hosted"
	"exposync/internal/rest"
	"exposync/internal/sandbox"
	"exposync/internal/sandbox/facade"
	"exposync/internal/sandbox/tools"
)

// pair is an adapter in front of the stand-in of its tool: two readings of one
// documentation that share no code.
type pair struct {
	t    testing.TB
	kind string
	tool hosted.Tool
	ws   *tools.Workspace
	sync string // as hosted: has it
	key  string // as the stand-in has it
	now  time.Time
}

// reading is what a tool is spoken to with.
type reading struct {
	kind, base, sync, key string
	params                map[string]string
}

func readings() []reading {
	const uuid = "3c7e8b1a-52d4-4c0e-9d7b-0f6a4b2d9e10"
	token := map[string]string{"token": "x"}
	return []reading{
		{"hightouch", "/api/v1", "42606", "42606", token},
		{"census", "", "52", "52", map[string]string{"token": "x", "api_version": "v2", "region": "us"}},
		{"multiwoven", "/api/v1", "5", "5", map[string]string{"email": "a@example.com", "password": "x", "workspace": "1"}},
		{"airbyte", "/v1", uuid, uuid, map[string]string{"client_id": "a", "client_secret": "b"}},
		{"polytomic", "", uuid, uuid, token},
		{"rudderstack", "/v2", "2C8Vk2wj8qkofy00YzJbvJOGeqa", "2C8Vk2wj8qkofy00YzJbvJOGeqa", map[string]string{"token": "x", "region": "us"}},
		{"segment", "", "src1/mod1/sub1", "sub1", map[string]string{"token": "x", "region": "us"}},
	}
}

func openPair(t *testing.T, r reading) *pair {
	t.Helper()
	p := &pair{t: t, kind: r.kind, sync: r.sync, key: r.key, now: time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return p.now }
	box, err := sandbox.Open(sandbox.Config{Dir: t.TempDir(), Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close(); _ = box.Close() })
	p.ws, _ = box.Hosted(r.kind, "tool")
	kind, known := hosted.KindOf(r.kind)
	if !known || p.ws == nil {
		t.Fatalf("%s has no adapter or no stand-in", r.kind)
	}
	params := map[string]string{"base_url": server.URL + facade.Mount(r.kind, "tool") + r.base, "plain_http": "true"}
	maps.Copy(params, r.params)
	p.tool, err = kind.Open(hosted.Config{Kind: r.kind, Name: "tool", Where: "exposync.yml:1", Params: params, Now: clock, Rest: rest.Config{
		UserAgent: "exposync/test", Now: clock, Jitter: func() float64 { return 0 }, WaitMin: time.Millisecond, WaitMax: time.Millisecond,
		Timeout: 10 * time.Second, PerSecond: 100000, Burst: 1000,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *pair) script(s ...tools.Script) {
	p.t.Helper()
	if err := p.ws.Script(p.key, s...); err != nil {
		p.t.Fatal(err)
	}
}

// recent are the ids of the runs since a moment.
func (p *pair) recent(since time.Time) []string {
	p.t.Helper()
	runs, err := p.tool.Recent(p.t.Context(), p.sync, since)
	if err != nil {
		p.t.Fatal(err)
	}
	var ids []string
	for _, r := range runs {
		ids = append(ids, r.ID)
	}
	return ids
}

// start triggers the sync, and finds the run where the tool gives no id.
func (p *pair) start() string {
	p.t.Helper()
	p.now = p.now.Add(time.Minute) // so that runs before do not count
	r, err := p.tool.Trigger(p.t.Context(), p.sync, hosted.TriggerOptions{Key: "k", Reason: "test"})
	if err != nil {
		p.t.Fatal(err)
	}
	if r.ID != "" {
		return r.ID
	}
	ids := p.recent(p.now)
	if len(ids) != 1 {
		p.t.Fatalf("runs since the trigger: %v", ids)
	}
	return ids[0]
}

// end polls a run until it has ended.
func (p *pair) end(id string) hosted.Run {
	p.t.Helper()
	for range 12 {
		r, err := p.tool.Run(p.t.Context(), p.sync, id)
		if err != nil {
			p.t.Fatal(err)
		}
		if r.State.Ended() {
			return r
		}
	}
	p.t.Fatalf("run %s does not end", id)
	return hosted.Run{}
}

// everyPair runs a test with each tool.
func everyPair(t *testing.T, test func(p *pair)) {
	t.Helper()
	for _, r := range readings() {
		t.Run(r.kind, func(t *testing.T) {
			t.Parallel()
			test(openPair(t, r))
		})
	}
}

func TestAdaptersUnderstandStandInsEnds(t *testing.T) {
	t.Parallel()
	everyPair(t, func(p *pair) {
		t, kind := p.t, p.kind
		p.script()
		if r := p.end(p.start()); r.State != hosted.Succeeded || r.Rows.OK != nil && *r.Rows.OK != 100 {
			t.Errorf("a usual run is %+v", r)
		}
		for end, want := range map[tools.End]hosted.State{tools.Partial: hosted.Partial, tools.Failed: hosted.Failed, tools.Canceled: hosted.Canceled} {
			if kind == "airbyte" && end == tools.Partial {
				continue // it knows no rows that were refused
			}
			if kind == "rudderstack" && end == tools.Canceled {
				want = hosted.Failed // it has no word for it
			}
			p.script(tools.Script{End: end, Stages: []string{}})
			r := p.end(p.start())
			if r.State != want || want == hosted.Partial && (r.Rows.Failed == nil || *r.Rows.Failed != 3) {
				t.Errorf("%s: %+v", end, r)
			}
		}
	})
}

func TestAdaptersFindRunsOfStandInsAgain(t *testing.T) {
	t.Parallel()
	everyPair(t, func(p *pair) {
		t := p.t
		for _, answer := range []tools.Answer{"500-done", "reset-done", "no-id-done"} {
			p.now = p.now.Add(time.Minute)
			p.script(tools.Script{Answer: answer, Times: 1})
			_, err := p.tool.Trigger(t.Context(), p.sync, hosted.TriggerOptions{})
			e, ok := errors.AsType[*hosted.TriggerError](err)
			if !ok || e.Fate != hosted.MayHaveStarted {
				t.Errorf("%s: %v", answer, err)
			}
			ids := p.recent(p.now)
			if len(ids) != 1 {
				t.Fatalf("%s: runs since %v", answer, ids)
			}
			if r := p.end(ids[0]); r.State != hosted.Succeeded {
				t.Errorf("%s: %+v", answer, r)
			}
		}
		counts, err := p.ws.Counts(p.key)
		if err != nil || counts.Triggers != 3 || counts.Runs != 3 {
			t.Errorf("counts %+v, %v", counts, err)
		}
	})
}

func TestAdaptersTellWhatStandInsRefuse(t *testing.T) {
	t.Parallel()
	everyPair(t, func(p *pair) {
		t, kind := p.t, p.kind
		for _, answer := range []tools.Answer{tools.Login, tools.Wrong, tools.TooMany} {
			p.script(tools.Script{Answer: answer, RetryAfter: "7200", Times: 1})
			if r, err := p.tool.Trigger(t.Context(), p.sync, hosted.TriggerOptions{}); err == nil {
				t.Errorf("%s is taken for run %q", answer, r.ID)
			}
		}
		p.script(tools.Script{Polls: []tools.Answer{tools.Gone, tools.NotJSON, tools.Login}})
		id := p.start()
		for _, want := range []string{"hosted_run_gone", "hosted_reply", "hosted_reply"} {
			_, err := p.tool.Run(t.Context(), p.sync, id)
			if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Code != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
		p.end(id)
		if kind == "airbyte" || kind == "multiwoven" { // their tokens can be fetched anew
			p.script(tools.Script{Polls: []tools.Answer{tools.Denied}})
			p.end(p.start())
		}
	})
}

func TestAdaptersReadSyncsOfStandIns(t *testing.T) {
	t.Parallel()
	everyPair(t, func(p *pair) {
		t, kind := p.t, p.kind
		if s, err := p.tool.Inspect(t.Context(), p.sync); err != nil || s.Disabled != "" || s.Schedule != "" {
			t.Errorf("a usual sync is %+v, %v", s, err)
		}
		if err := p.ws.Declare(tools.Sync{ID: p.key, Disabled: true, Schedule: "1h"}); err != nil {
			t.Fatal(err)
		}
		s, err := p.tool.Inspect(t.Context(), p.sync)
		if schedule := kind != "segment"; err != nil || s.Disabled == "" || schedule && !strings.Contains(s.Schedule, "h") && s.Schedule != "every 60 minutes" {
			t.Errorf("a disabled sync with a schedule is %+v, %v", s, err)
		}
		if lister, can := p.tool.(hosted.Lister); can {
			if all, err := lister.List(t.Context()); err != nil || len(all) != 1 || all[0].ID != p.sync {
				t.Errorf("the list is %+v, %v", all, err)
			}
		}
		if err := p.ws.Declare(tools.Sync{ID: p.key, Missing: true}); err != nil {
			t.Fatal(err)
		}
		_, err = p.tool.Inspect(t.Context(), p.sync)
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Code != "hosted_missing" {
			t.Errorf("a sync that there is not: %v", err)
		}
	})
}

func TestAdaptersStopRunsOfStandIns(t *testing.T) {
	t.Parallel()
	everyPair(t, func(p *pair) {
		t, kind := p.t, p.kind
		c, can := p.tool.(hosted.Canceler)
		if !can {
			t.Skip("the tool cannot stop a run")
		}
		id := p.start()
		if err := c.Cancel(t.Context(), p.sync, id); err != nil {
			t.Fatal(err)
		}
		want := hosted.Canceled
		if kind == "rudderstack" {
			want = hosted.Failed
		}
		if r := p.end(id); r.State != want {
			t.Errorf("a run that was stopped is %+v", r)
		}
		if err := c.Cancel(t.Context(), p.sync, id); err != nil {
			t.Errorf("stopped again: %v", err)
		}
	})
}
