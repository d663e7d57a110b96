package job_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"exposync/internal/config"
	"exposync/internal/job"
	"exposync/internal/plan"
)

// tooled are settings with hosted tools.
type tooled struct{ config.Types }

func (c tooled) Type(name string) config.Type {
	t := c.Types.Type(name)
	t.Hosted = name == "hightouch" || name == "census"
	return t
}

func toolSettings(t *testing.T, more string) *config.Config {
	t.Helper()
	c, err := config.Parse("exposync.yml", []byte(`
targets:
  prod:
    connections:
      crm: {type: file}
      hightouch: {}
      eu: {type: census}
      us: {type: census}
  dev: sandbox
`+more), tooled{config.Types{"file": {}, "hightouch": {}, "census": {}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestHostedSyncs(t *testing.T) {
	t.Parallel()
	const page = "https://app.hightouch.com/acme/syncs/42606"
	tests := map[string]struct {
		url, meta, more string
		to              []string
		problem         string
	}{
		"tool and id":           {"", `{"hosted":"hightouch/42606"}`, "", []string{"hightouch/42606"}, ""},
		"id of the url":         {page + "/runs/7", `{"hosted":"hightouch"}`, "", []string{"hightouch/42606"}, ""},
		"a composite id":        {"", `{"hosted":"hightouch/sequence/8f0c"}`, "", []string{"hightouch/sequence/8f0c"}, ""},
		"url of another tool":   {"https://app.getcensus.com/syncs/9/overview", `{"hosted":"hightouch"}`, "", []string{""}, "hosted: names no sync, and the exposure's url is not one of hightouch (hosted_no_id)"},
		"a search":              {"https://app.hightouch.io/acme/syncs?search=salesforce", `{"hosted":"hightouch"}`, "", []string{""}, "the exposure's url is a search, which stands for many (hosted_no_id)"},
		"another id":            {page, `{"hosted":"hightouch/1"}`, "", []string{"hightouch/1"}, "hosted: says 1, but the exposure's url shows sync 42606 (hosted_url_differs)"},
		"no tool":               {page, `{"hosted":"crm/1"}`, "", []string{"crm/1"}, "hosted: crm is of type file: records are written to it, it has no syncs of its own (connection_not_hosted)"},
		"a tool as destination": {"", `{"to":"hightouch.contacts","key":"id","fields":"all"}`, "", []string{"hightouch.contacts"}, "to: hightouch is a hosted tool: its syncs are triggered, nothing is written to it (connection_hosted)"},
		"both kinds":            {"", `{"hosted":"hightouch/1","key":"id"}`, "", []string{"hightouch/1"}, "key: says nothing to a hosted sync: the tool decides what it sends (setting_conflict)"},
		"a hosted key":          {"", `{"to":"crm.c","key":"id","fields":"all","on_partial":"ok"}`, "", []string{"crm.c"}, "on_partial: belongs to a sync of a hosted tool, and this one has `to:` (setting_conflict)"},
		"beside a direct one":   {page, `{"to":"crm.c","key":"id","fields":"all","syncs":{"a":{},"b":{"hosted":"hightouch/5","on_partial":"warn"}}}`, "", []string{"crm.c", "hightouch/5"}, ""},
		"only watched":          {page, `{"sla":"6h"}`, "", nil, ""},
		"triggered by its url":  {page, `{"trigger_urls":true,"sla":"6h"}`, "", []string{"hightouch/42606"}, ""},
		"by the whole project":  {page, ``, "trigger_urls: true", []string{"hightouch/42606"}, ""},
		"but not this one":      {page, `{"trigger_urls":false}`, "trigger_urls: true", nil, ""},
		"no url to go by":       {"https://example.com", `{"trigger_urls":true}`, "", []string{""}, "trigger_urls is on, but the exposure's url holds no id of a sync (hosted_no_id)"},
		"several workspaces":    {"https://app.getcensus.com/workspaces/4/syncs/9/sync-history", `{"trigger_urls":true}`, "", []string{""}, "several connections are of that type: eu, us (hosted_ambiguous)"},
		"no such answer":        {"", `{"hosted":"hightouch/1","on_partial":"maybe"}`, "", []string{"hightouch/1"}, `on_partial: must be fail, warn or ok, not "maybe" (setting_invalid)`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := shop("export_customers")
			meta := `{}`
			if tt.meta != "" {
				meta = tt.meta
			}
			expose(p, "x", meta, "export_customers")
			x := p.Exposures["exposure.shop.x"]
			x.URL = tt.url
			if tt.meta == "" {
				x.Meta = nil
			}
			set := job.Build(p, toolSettings(t, tt.more), job.Options{Target: "prod"})
			var to []string
			got := ""
			for _, j := range set.Jobs {
				to = append(to, j.To())
				got += strings.Join(problems(t, j.Problems), "\n")
			}
			equal(t, tt.to, to)
			if (tt.problem == "") != (got == "") || !strings.Contains(got, tt.problem) {
				t.Errorf("problems: %s", got)
			}
		})
	}
}

// In a sandbox the same sync is a sync of the sandbox.
func TestHostedInTheSandbox(t *testing.T) {
	t.Parallel()
	p := shop("export_customers")
	expose(p, "x", `{"hosted":"hightouch/1","timeout":"5m","sla":"6h","max_rejected":"2%"}`, "export_customers")
	cfg := toolSettings(t, "")
	prod, dev := job.Build(p, cfg, job.Options{Target: "prod"}).Jobs[0], job.Build(p, cfg, job.Options{Target: "dev"}).Jobs[0]
	if !dev.Sandbox || dev.Type != "hightouch" || prod.Sandbox || job.Definition(dev) == job.Definition(prod) {
		t.Errorf("dev %+v, prod %+v", dev, prod)
	}
	if prod.Hosted.Timeout != 5*time.Minute || prod.SLA != 6*time.Hour || prod.MaxRejected.Share != 0.02 || prod.Source.Name != "export_customers" {
		t.Errorf("%+v", prod)
	}
	other := prod
	other.Hosted = &plan.Hosted{Sync: "2"}
	if job.Definition(other) == job.Definition(prod) {
		t.Error("another sync is another definition")
	}
}

func TestPageOf(t *testing.T) {
	t.Parallel()
	const uuid = "0b1f8a52-7a44-4a1c-9d2e-0f6c1f3f7a10"
	for address, want := range map[string]job.Page{
		"https://app.hightouch.io/acme/syncs/42606":                    {Tool: "hightouch", Sync: "42606"},
		"https://app.hightouch.com/acme/models/7":                      {Tool: "hightouch"},
		"https://app.hightouch.io/acme/syncs?search=salesforce":        {Tool: "hightouch", Search: true},
		"https://app.getcensus.com/workspaces/12/syncs/9/sync-history": {Tool: "census", Sync: "9"},
		"https://app.getcensus.com/sync/9/sync-history":                {Tool: "census", Sync: "9"},
		"https://app-eu.getcensus.com/syncs/9/history?sync_run_id=5":   {Tool: "census", Sync: "9"},
		"https://app.getcensus.com/sync-runs/77":                       {Tool: "census"},
		"https://fivetran.com/dashboard/activations/syncs/31":          {Tool: "census", Sync: "31"},
		"https://fivetran.com/dashboard/connectors/abc":                {},
		"https://app.segment.com/acme/reverse-etl/destinations/d/sources/s/instances/0/mappings/sub1/source-id/src1/model-id/mod1/sync-details": {Tool: "segment", Sync: "src1/mod1/sub1"},
		"https://cloud.airbyte.com/workspaces/" + uuid + "/connections/" + uuid + "/replication":                                                {Tool: "airbyte", Sync: uuid},
		"https://app.polytomic.com/org/syncs/" + uuid:                                                                                           {Tool: "polytomic", Sync: uuid},
		"https://app.squared.ai/activate/syncs/5/run/9":                                                                                         {Tool: "multiwoven", Sync: "5"},
		"https://app.rudderstack.com/connections/xyz":                                                                                           {Tool: "rudderstack"},
		"https://nothightouch.com/acme/syncs/1":                                                                                                 {},
		"https://acme.example/app.hightouch.com/syncs/1":                                                                                        {},
	} {
		if got, ok := job.PageOf(address); got != want || ok != (want.Tool != "") {
			t.Errorf("%s: %+v, want %+v", address, got, want)
		}
	}
}

func TestIgnores(t *testing.T) {
	t.Parallel()
	day := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		meta     string
		ignores  int
		problems string
	}{
		"whole":      {`[{"check":"parity","reason":"aggregates","until":"2027-01-31"}]`, 1, ""},
		"for good":   {`[{"check":"parity","reason":"aggregates"}]`, 1, ""},
		"no reason":  {`[{"check":"parity"}]`, 0, "reason is missing"},
		"no check":   {`[{"reason":"so"}]`, 0, "check is missing"},
		"no list":    {`{"check":"parity"}`, 0, "must be a list, not a map"},
		"no day":     {`[{"check":"parity","reason":"so","until":"soon"}]`, 0, "is not a day"},
		"other keys": {`[{"check":"parity","reason":"so","why":"x"}]`, 1, `unknown key "why"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := shop("export_customers")
			expose(p, "x", `{"sla":"6h","ignore":`+tt.meta+`}`, "export_customers")
			x := job.Build(p, toolSettings(t, ""), job.Options{Target: "prod"}).Exposures[0]
			text := strings.Join(problems(t, x.Problems), "\n")
			if len(x.Ignores) != tt.ignores || (tt.problems == "") != (text == "") || !strings.Contains(text, tt.problems) || x.SLA != 6*time.Hour {
				t.Errorf("%+v: %s", x, text)
			}
			meta, err := json.Marshal(map[string]any{"exposync": map[string]any{"ignore": json.RawMessage(tt.meta)}})
			if err != nil {
				t.Fatal(err)
			}
			own, mistakes := job.Ignores(meta, "models/x.yml")
			if len(own) != tt.ignores || (tt.problems == "") != (len(mistakes) == 0) || !strings.Contains(strings.Join(mistakes, "\n"), tt.problems) {
				t.Errorf("of a model: %+v: %v", own, mistakes)
			}
		})
	}
	i := job.Ignore{Until: day}
	if i.Over(day.Add(23*time.Hour)) || !i.Over(day.Add(24*time.Hour)) || (job.Ignore{}).Over(day) {
		t.Error("it lasts to the end of its last day")
	}
}

// One dbt run triggers a sync once: the second exposure that names it does not
// run.
func TestHostedTwice(t *testing.T) {
	t.Parallel()
	p := shop("export_customers")
	expose(p, "a", `{"hosted":"hightouch/1"}`, "export_customers")
	expose(p, "b", `{"syncs":{"x":{"hosted":"hightouch/1"},"y":{"hosted":"hightouch/2"}}}`, "export_customers")
	set := job.Build(p, toolSettings(t, ""), job.Options{Target: "prod"})
	got := map[string]string{}
	for _, j := range set.Jobs {
		got[j.ID] = strings.Join(problems(t, j.Problems), "\n")
	}
	if got["a"] != "" || got["b.y"] != "" || !strings.Contains(got["b.x"], "b.x triggers hightouch/1, and so does a (") {
		t.Errorf("%v", got)
	}
}
