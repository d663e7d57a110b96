package tools_test

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"exposync/internal/sandbox"
	"exposync/internal/sandbox/tools"
)

func TestEnds(t *testing.T) {
	t.Parallel()
	everyTool(t, func(k talker) {
		t := k.t
		for end, word := range k.words {
			if end == tools.Skipped {
				continue
			}
			k.script(k.sync, tools.Script{End: end, Times: 1})
			run := k.started()
			r := k.until(run, word)
			if failed := r.Get(k.failed).Int(); end == tools.Partial && failed != 3 || end == tools.Success && failed != 0 {
				t.Errorf("%s: %d rows failed in %s", end, failed, r.Raw)
			}
			if again := k.run(run); again.Get(k.status).String() != word {
				t.Errorf("%s changed its mind: %s", end, again.Raw)
			}
			if end == tools.Interrupted {
				k.until(k.runs()[0], k.words[tools.Success])
			}
		}
	})
}

func TestRunGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	everyTool(t, func(k talker) {
		t := k.t
		k.script(k.sync, tools.Script{End: tools.Failed, Hidden: 0})
		run := k.started()
		first := k.run(run).Get(k.status).String()
		equal(t, "first word", k.first, first)
		k.restart()
		k.until(run, k.words[tools.Failed])
		if n := k.counts(k.sync); n.Triggers != 1 || n.Runs != 1 {
			t.Errorf("counts %+v", n)
		}
		if next := k.started(); next == run {
			t.Errorf("the next run has the id of the one before the restart")
		}
	})
}

func TestHiddenRuns(t *testing.T) {
	t.Parallel()
	everyTool(t, func(k talker) {
		t := k.t
		k.script(k.sync, tools.Script{Hidden: 2})
		run := ""
		if r := k.start(); k.id != "" {
			run = r.get(k.id).String()
		}
		for range 2 {
			if ids := k.runs(); len(ids) != 0 {
				t.Errorf("the run is listed: %v", ids)
			}
		}
		ids := k.runs()
		if len(ids) != 1 || run != "" && ids[0] != run {
			t.Errorf("listed are %v, want %s", ids, run)
		}
		k.until(ids[0], k.words[tools.Success])
	})
}

// Hightouch answers a question about one run with a list, which is empty first.
func TestHiddenRunOfHightouch(t *testing.T) {
	t.Parallel()
	c := open(t, "hightouch")
	c.script("1", tools.Script{Hidden: 2})
	run := hightouchStart(c, "1")
	for range 2 {
		wants(t, hightouchPoll(c, "1", run), 200, `{"hasMore":false,"data":[]}`)
	}
	equal(t, "then", "queued", hightouchPoll(c, "1", run).get("data.0.status").String())
	wants(t, hightouchPoll(c, "1", "1234"), 200, `{"hasMore":false,"data":[]}`) // of a run that there is not
}

func TestUnknownWords(t *testing.T) {
	t.Parallel()
	everyTool(t, func(k talker) {
		t := k.t
		unheard := []string{"hibernating", "hibernating"}
		if k.id == "" { // it is found in the list, which shows it once
			unheard = append(unheard, "hibernating")
		}
		k.script(k.sync, tools.Script{Stages: unheard, Times: 1}, tools.Script{Stages: []string{"dreaming"}, End: tools.Never})
		run := k.started()
		var said []string
		for range 3 {
			said = append(said, k.run(run).Get(k.status).String())
		}
		equal(t, "words", []string{"hibernating", "hibernating", k.words[tools.Success]}, said)
		run = k.started()
		for range 6 {
			equal(t, "for ever", "dreaming", k.run(run).Get(k.status).String())
		}
		if err := k.ws.End(k.sync, run, ""); err != nil {
			t.Fatal(err)
		}
		equal(t, "told to end", k.words[tools.Success], k.run(run).Get(k.status).String())
	})
}

// What a poll is answered instead of as usual, and that the run goes on after.
func TestPolls(t *testing.T) {
	t.Parallel()
	everyTool(t, func(k talker) {
		t := k.t
		k.script(k.sync, tools.Script{Polls: []tools.Answer{tools.TooMany, tools.Broken, tools.Down, tools.Reset, tools.Login, tools.Wrong, tools.NotJSON, tools.Gone}})
		run := k.started()
		var got []string
		for range 8 {
			r := k.ask(run)
			what := strconv.Itoa(r.status)
			switch {
			case strings.Contains(r.body, "Please sign in"):
				what += " page"
			case r.status == 200 && !gjson.Valid(r.body):
				what += " no JSON"
			}
			got = append(got, what)
			if r.status == 200 && r.get(k.one+"."+k.status).Type == gjson.String {
				t.Errorf("the run stands in %s", r.body)
			}
		}
		equal(t, "answers", []string{"429", "500", "503", "0", "200 page", "200", "200 no JSON", "404"}, got)
		equal(t, "then", k.first, k.run(run).Get(k.status).String())
		k.until(run, k.words[tools.Success])
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	everyTool(t, func(k talker) {
		t := k.t
		for header, want := range map[string]string{"86400": "86400", "none": ""} {
			k.script(k.sync, tools.Script{Polls: []tools.Answer{tools.TooMany}, RetryAfter: header, Times: 1, Stages: []string{}})
			run := k.started()
			if r := k.ask(run); r.status != 429 || r.header.Get("Retry-After") != want {
				t.Errorf("status %d, Retry-After %q, want %q", r.status, r.header.Get("Retry-After"), want)
			}
			k.until(run, k.words[tools.Success])
		}
	})
}

// Triggers that start nothing, and those that do although they fail.
func TestTriggers(t *testing.T) {
	t.Parallel()
	everyTool(t, func(k talker) {
		t := k.t
		runs := 0
		for _, tt := range []struct {
			answer tools.Answer
			status int
			runs   int
		}{
			{tools.TooMany, 429, 0},
			{tools.Broken, 500, 0},
			{tools.Broken + "-done", 500, 1},
			{tools.Down, 503, 0},
			{tools.Reset, 0, 0},
			{tools.Reset + "-done", 0, 1},
			{tools.Login, 200, 0},
			{tools.Wrong, 200, 0},
			{tools.NotJSON + "-done", 200, 1},
		} {
			k.script(k.sync, tools.Script{Answer: tt.answer, Times: 1, Stages: []string{}})
			r := k.start()
			runs += tt.runs
			if n := k.counts(k.sync).Runs; r.status != tt.status || n != runs {
				t.Errorf("%s: status %d, want %d; %d runs, want %d: %s", tt.answer, r.status, tt.status, n, runs, r.body)
			}
			if k.id != "" && r.get(k.id).Exists() {
				t.Errorf("%s gives an id: %s", tt.answer, r.body)
			}
			if tt.runs > 0 {
				k.until(k.runs()[0], k.words[tools.Success])
			}
		}
		equal(t, "triggers", 9, k.counts(k.sync).Triggers)
	})
}

func TestTriggerWithoutID(t *testing.T) {
	t.Parallel()
	everyTool(t, func(k talker) {
		t := k.t
		k.script(k.sync, tools.Script{Answer: tools.Hollow, Times: 1}, tools.Script{Answer: tools.Swallowed, Times: 1})
		if r := k.start(); r.status != 200 || k.id != "" && r.get(k.id).Exists() || !gjson.Valid(r.body) {
			t.Errorf("without an id: %d %s", r.status, r.body)
		}
		if r := k.start(); r.status != 200 || k.id != "" && !r.get(k.id).Exists() {
			t.Errorf("swallowed: %d %s", r.status, r.body)
		}
		equal(t, "counts", [2]int{2, 0}, [2]int{k.counts(k.sync).Triggers, k.counts(k.sync).Runs})
	})
}

func TestHang(t *testing.T) {
	t.Parallel()
	everyTool(t, func(k talker) {
		t := k.t
		k.script(k.sync, tools.Script{Answer: tools.Hang + "-done"})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if r := k.send(k.trigger(k.client, k.sync).WithContext(ctx)); r.status != 0 {
			t.Errorf("status %d: %s", r.status, r.body)
		}
		equal(t, "runs", 1, k.counts(k.sync).Runs)
	})
}

func TestSomebodyElse(t *testing.T) {
	t.Parallel()
	everyTool(t, func(k talker) {
		t := k.t
		k.script(k.sync, tools.Script{Others: 1, Answer: tools.Broken + "-done", Times: 1})
		k.start()
		if ids := k.runs(); len(ids) != 2 || ids[0] == ids[1] {
			t.Errorf("runs %v", ids)
		}
		equal(t, "runs", 2, k.counts(k.sync).Runs)
	})
}

// A run that the tool's own schedule started is in the way, and ends as it is
// looked at.
func TestBusy(t *testing.T) {
	t.Parallel()
	everyTool(t, func(k talker) {
		t := k.t
		k.script(k.sync, tools.Script{Busy: true, Times: 1})
		r := k.start()
		if r.status != k.busy {
			t.Fatalf("status %d, want %d: %s", r.status, k.busy, r.body)
		}
		ids := k.runs()
		taken := k.busy < 300
		if want := map[bool]int{true: 2, false: 1}[taken]; len(ids) != want {
			t.Fatalf("runs %v, want %d", ids, want)
		}
		k.until(ids[len(ids)-1], k.words[tools.Success])
		if !taken {
			k.until(k.started(), k.words[tools.Success])
		}
	})
}

func TestTimesAreLeftOut(t *testing.T) {
	t.Parallel()
	everyTool(t, func(k talker) {
		t := k.t
		k.script(k.sync, tools.Script{NoTimes: true})
		run := k.started()
		r := k.until(run, k.words[tools.Success])
		for _, name := range []string{"finishedAt", "completed_at", "finished_at", "startedAt", "started_at"} {
			if v := r.Get(name); v.Exists() && v.Type != gjson.Null {
				t.Errorf("%s is %s", name, v.Raw)
			}
		}
	})
}

// The general fault "partial" refuses rows of a run, always the same ones.
func TestPartialFault(t *testing.T) {
	t.Parallel()
	everyTool(t, func(k talker) {
		t := k.t
		if _, has := k.words[tools.Partial]; !has {
			t.Skip("the tool does not know rows that were refused")
		}
		var failed []int64
		for range 2 {
			failed = append(failed, k.until(k.started(), k.words[tools.Partial]).Get(k.failed).Int())
		}
		if failed[0] < 1 || failed[0] > 20 || failed[0] != failed[1] {
			t.Errorf("rows that failed: %v", failed)
		}
	}, sandbox.Rule{Kind: sandbox.Partial, Rate: 0.05})
}

// Every scenario can be asked for by its fault word, and acts wherever the tool
// has it.
func TestScenariosAsFaults(t *testing.T) {
	t.Parallel()
	if names := tools.Scenarios(); len(names) < 30 || slices.ContainsFunc(names, func(n string) bool { return tools.About(n) == "" }) {
		t.Errorf("scenarios %v", names)
	}
	rules, err := sandbox.ParseFaults("hosted-failed,hosted-ids-number")
	if err != nil {
		t.Fatal(err)
	}
	everyTool(t, func(k talker) {
		t := k.t
		k.until(k.started(), k.words[tools.Failed])
		if r := k.control(http.MethodGet, "/_/requests?fault=hosted-failed", ""); r.get("requests.#").Int() != 1 {
			t.Errorf("the page shows the fault in %s", r.body)
		}
	}, rules...)
}
