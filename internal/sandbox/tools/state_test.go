package tools_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"exposync/internal/sandbox"
	"exposync/internal/sandbox/tools"
)

// Triggers and polls at once: every run has an id of its own, and nothing is
// counted twice or lost.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	c := open(t, "segment") // where runs of a sync go on beside each other
	const workers, each = 8, 5
	ids := make(chan string, workers*each)
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for range each {
				sub := fmt.Sprintf("sub%d", worker%2)
				r := c.do(http.MethodPost, "/reverse-etl-syncs", `{"sourceId":"src1","modelId":"mod1","subscriptionId":"`+sub+`"}`)
				id := r.get("data.reverseETLManualSync.syncId").String()
				for range 3 {
					r = c.do(http.MethodGet, "/reverse-etl-models/mod1/syncs/"+id, "")
				}
				if word := r.get("data.reverseETLSyncStatus.syncStatus").String(); word != "SUCCESS" {
					t.Errorf("run %s says %q after three polls", id, word)
				}
				_ = c.control(http.MethodGet, "/_/hosted", "")
				ids <- id
			}
		})
	}
	group.Wait()
	close(ids)
	seen := map[string]bool{}
	for id := range ids {
		seen[id] = true
	}
	equal(t, "different runs", workers*each, len(seen))
	for _, sub := range []string{"sub0", "sub1"} {
		n := workers * each / 2
		equal(t, sub, tools.Counts{Triggers: n, Runs: n, Polls: 3 * n}, c.counts(sub))
	}
}

func TestControl(t *testing.T) {
	t.Parallel()
	c := open(t, "hightouch")
	order := func(text string) reply {
		return c.control(http.MethodPost, "/v1/_hosted", `{"kind":"hightouch","connection":"tool",`+text+`}`)
	}
	r := order(`"models":[{"id":"11","name":"Export customers","unique_id":"model.shop.export_customers"}],
		"syncs":[{"id":"1","title":"Customers","model":"11","schedule":"1h"},{"id":"2","disabled":true}],
		"sequence":{"id":"0f8fad5b-d9cb-469f-a165-70867728950e","syncs":["1"]},
		"sync":"1","scenario":"failed","scripts":[{"times":1,"end":"partial","rows":{"added":5,"changed":1,"removed":0,"failed":2}}]`)
	if r.status != 200 {
		t.Fatalf("status %d: %s", r.status, r.body)
	}
	equal(t, "titles", `["Customers","Sync 2"]`, r.get("workspaces.0.syncs.#.title").Raw)
	equal(t, "scripts", int64(2), r.get("workspaces.0.syncs.0.scripts.#").Int())
	equal(t, "about", "the run fails", r.get("scenarios.failed").String())
	for _, want := range []string{"failed", "warning", "success"} {
		run := hightouchStart(c, "1")
		words(c, func() reply { return hightouchPoll(c, "1", run) }, "data.0.status", want)
		if want == "warning" {
			doc := hightouchPoll(c, "1", run).get("data.0")
			equal(t, "rows", "3 2", doc.Get("successfulRows.addedCount").Raw+" "+doc.Get("failedRows.addedCount").Raw)
		}
	}
	r = order(`"sync":"1","start":{"end":"never"}`)
	first := r.get("workspaces.0.syncs.0.runs.0")
	equal(t, "a run of somebody else", "somebody else queued", first.Get("by").String()+" "+first.Get("state").String())
	run := first.Get("id").String()
	for range 6 {
		hightouchPoll(c, "1", run)
	}
	equal(t, "for ever", "reporting", hightouchPoll(c, "1", run).get("data.0.status").String())
	if r = order(`"sync":"1","end":{"run":"` + run + `","as":"canceled"}`); r.status != 200 {
		t.Fatalf("status %d: %s", r.status, r.body)
	}
	equal(t, "told to end", "cancelled", hightouchPoll(c, "1", run).get("data.0.status").String())
	shown := c.control(http.MethodGet, "/_/overview", "")
	equal(t, "on the page", `{"kind":"hightouch","title":"Hightouch","connection":"tool","syncs":2,"runs":4,"going":0`, strings.Split(shown.get("hosted.0").Raw, `,"latest"`)[0])
}

func TestControlRefuses(t *testing.T) {
	t.Parallel()
	c := open(t, "hightouch")
	for body, want := range map[string]string{
		`{"kind":"hubspot","connection":"crm"}`:                                               "no_such_facade",
		`{"kind":"hightouch","connection":"tool","more":1}`:                                   `unknown field \"more\"`,
		`{"kind":"hightouch","connection":"tool","sync":"abc","scripts":[]}`:                  `\"abc\" is no id of a sync here`,
		`{"kind":"hightouch","connection":"tool","sync":"1","scenario":"x"}`:                  "no scenario of that name",
		`{"kind":"hightouch","connection":"tool","sync":"1","scenario":"disabled"}`:           "no scenario of that name",
		`{"kind":"hightouch","connection":"tool","sync":"1","scripts":[{"answer":"418"}]}`:    "is no answer",
		`{"kind":"hightouch","connection":"tool","sync":"1","scripts":[{"end":"skipped"}]}`:   "no run that ends as",
		`{"kind":"hightouch","connection":"tool","sync":"1","scripts":[{"ids":"roman"}]}`:     "ids are a number or a string",
		`{"kind":"hightouch","connection":"tool","sync":"1","end":{}}`:                        "no such run that is going on",
		`{"kind":"hightouch","connection":"tool","sync":"1","end":{"as":"skipped"}}`:          "no run that ends as",
		`{"kind":"hightouch","connection":"tool","syncs":[{"id":"1","schedule":"often"}]}`:    "a schedule is an interval",
		`{"kind":"hightouch","connection":"tool","models":[{"id":"1"}]}`:                      "a model has an id and a name",
		`{"kind":"hightouch","connection":"tool","sequence":{"id":"1","syncs":["1"]}}`:        "a sequence has a UUID",
		`{"kind":"hightouch","connection":"tool","syncs":[{"id":"1","rows":{"failed":5}}]}`:   "no more fail than there are",
		`{"kind":"hightouch","connection":"tool","sync":"1","scripts":[{"times":-1}]}`:        "are not negative",
		`{"kind":"hightouch","connection":"tool","sync":"1","start":{"answer":"nonsense"}}`:   "is no answer",
		`{"kind":"hightouch","connection":"tool","sync":"1","scripts":[{"then":"sometime"}]}`: "no run that ends as",
	} {
		if r := c.control(http.MethodPost, "/v1/_hosted", body); r.status < 400 || r.status > 499 || !strings.Contains(r.body, want) {
			t.Errorf("%s: status %d, %s", body, r.status, r.body)
		}
	}
}

// A scenario about a sync shows in what a tool says of it, and leaves what is
// declared as it was.
func TestSyncScenarios(t *testing.T) {
	t.Parallel()
	rules, err := sandbox.ParseFaults("hosted-schedule,hosted-disabled")
	if err != nil {
		t.Fatal(err)
	}
	c := open(t, "hightouch", rules...)
	r := c.do(http.MethodGet, "/api/v1/syncs/1", "")
	if !r.get("disabled").Bool() || r.get("schedule.type").String() != "interval" {
		t.Errorf("the sync is %s", r.body)
	}
	c.control(http.MethodPost, "/v1/_faults", `{"rules":[]}`)
	if r = c.do(http.MethodGet, "/api/v1/syncs/1", ""); r.get("disabled").Bool() || r.get("schedule").Raw != "null" {
		t.Errorf("without the faults the sync is %s", r.body)
	}
	c.control(http.MethodPost, "/v1/_faults", `{"rules":[{"kind":"hosted-missing","times":1}]}`)
	equal(t, "missing once", 404, c.do(http.MethodGet, "/api/v1/syncs/1", "").status)
	equal(t, "and then not", 200, c.do(http.MethodGet, "/api/v1/syncs/1", "").status)
}

func TestFaultWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"hosted-x":   "scenarios of hosted syncs are busy, canceled",
		"x":          "and for hosted syncs hosted-SCENARIO",
		"hosted-":    "scenarios of hosted syncs are",
		"Hosted-big": "is no fault",
	} {
		if _, err := sandbox.ParseFaults(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	rules, err := sandbox.ParseFaults("hosted-partial=20%,hosted-failed")
	if err != nil || rules[0].Rate != 0.2 || rules[1].Rate != 0 {
		t.Errorf("rules %+v, %v", rules, err)
	}
}

// What the general faults do, they do to tools, too.
func TestGeneralFaults(t *testing.T) {
	t.Parallel()
	everyTool(t, func(k talker) {
		t := k.t
		set := func(rules string) { k.control(http.MethodPost, "/v1/_faults", `{"rules":[`+rules+`]}`) }
		set(`{"kind":"timeout-after-commit","times":1}`)
		if r := k.start(); r.status != 0 {
			t.Errorf("an answer that is lost: %d %s", r.status, r.body)
		}
		run := k.runs()[0]
		for kind, status := range map[string]int{"429": 429, "quota": 429, "5xx": 503, "html-200": 200, "token-expiry": 401} {
			set(`{"kind":"` + kind + `","times":1}`)
			if r := k.ask(run); r.status != status {
				t.Errorf("%s: status %d: %s", kind, r.status, r.body)
			}
		}
		k.until(run, k.words[tools.Success])
		equal(t, "runs", 1, k.counts(k.sync).Runs)
	})
}

// A credential is needed, and never shown.
func TestCredentials(t *testing.T) {
	t.Parallel()
	everyTool(t, func(k talker) {
		t := k.t
		r := k.trigger(k.client, k.sync)
		r.Header.Del("Authorization")
		want := http.StatusUnauthorized
		if k.talk.kind == "webhook" {
			want = http.StatusAccepted
		}
		if got := k.send(r); got.status != want {
			t.Errorf("without a credential: %d %s", got.status, got.body)
		}
		k.start()
		for n := 1; n <= 2; n++ {
			if shown := k.control(http.MethodGet, fmt.Sprintf("/_/requests/%d", n), ""); strings.Contains(shown.body, secret) {
				t.Errorf("the page shows the credential: %s", shown.body)
			}
		}
	})
}

// An interrupted run goes on in another, once, which ends as it is told.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	c := open(t, "hightouch")
	c.script("1", tools.Script{End: tools.Interrupted, Then: tools.Partial, Times: 1}, tools.Script{End: tools.Interrupted, Then: "none", Times: 1})
	poll := func(run string) func() reply { return func() reply { return hightouchPoll(c, "1", run) } }
	first := hightouchStart(c, "1")
	words(c, poll(first), "data.0.status", "interrupted")
	for range 2 { // to look again starts no more
		poll(first)()
	}
	ids := c.do(http.MethodGet, "/api/v1/syncs/1/runs", "").get("data.#.id").Array()
	if len(ids) != 2 || ids[1].String() != first {
		t.Fatalf("runs %v", ids)
	}
	said := words(c, poll(ids[0].String()), "data.0.status", "warning")
	equal(t, "the follow-up", "warning", said[len(said)-1])
	words(c, poll(hightouchStart(c, "1")), "data.0.status", "interrupted")
	equal(t, "runs", 3, c.counts("1").Runs)
}

func TestWordAndReasonOfAnEnd(t *testing.T) {
	t.Parallel()
	c := open(t, "hightouch")
	c.script("1", tools.Script{End: tools.Failed, Word: "aborted", Why: "no such table"})
	run := hightouchStart(c, "1")
	words(c, func() reply { return hightouchPoll(c, "1", run) }, "data.0.status", "aborted")
	equal(t, "reason", "no such table", hightouchPoll(c, "1", run).get("data.0.error").String())
}

// The page of the documentation lists every scenario, in the words of the code.
func TestScenariosAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range tools.Scenarios() {
		if line := "| `" + name + "` | " + tools.About(name) + " |\n"; !strings.Contains(string(page), line) {
			t.Errorf("docs/sandbox.md has no line %s", line)
		}
	}
	for _, v := range tools.Vendors() {
		if !strings.Contains(string(page), "| `"+v.Kind+"` | ") {
			t.Errorf("docs/sandbox.md says nothing of %s", v.Kind)
		}
	}
}
