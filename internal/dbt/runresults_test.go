package dbt_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/dbt"
)

func loadResults(t *testing.T, args, rows string) *dbt.RunResults {
	t.Helper()
	text := fmt.Sprintf(`{"metadata":{"dbt_schema_version":"https://schemas.getdbt.com/dbt/run-results/v6.json",
		"generated_at":"2026-11-24T10:00:00.123456789Z","invocation_id":"i","env":{"CI":"7"}},"args":%s,"results":[%s],"elapsed_time":1.5}`, args, rows)
	r, err := dbt.LoadRunResults(t.Context(), write(t, "run_results.json", text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestArgs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]dbt.Args{
		"null": {}, "{}": {}, "[]": {}, `{"which":null}`: {},
		`{"which":"build","target":"prod","profile":"p","select":["a","b+"],"exclude":["c"],"selector":"s","resource_types":["model"],
			"exclude_resource_types":["test"],"indirect_selection":"buildable","defer":true,"favor_state":true,"full_refresh":true}`: {
			Which: "build", Target: "prod", Profile: "p", Select: []string{"a", "b+"}, Exclude: []string{"c"}, Selector: "s",
			ResourceTypes: []string{"model"}, ExcludeResourceTypes: []string{"test"}, IndirectSelection: "buildable",
			Defer: true, FavorState: true, FullRefresh: true,
		},
		`{"which":"run","select":"a","empty":true}`: {Which: "run", Select: []string{"a"}, Empty: true},
		`{"rpc_method":"run","models":["a"]}`:       {Which: "run", Select: []string{"a"}},
		`{"empty":"True","full_refresh":"false"}`:   {Empty: true},
		`{"sample":"3 days"}`:                       {Sample: "3 days"},
		`{"sample":{"start":"a","end":"b"}}`:        {Sample: `{"start":"a","end":"b"}`},
		`{"sample":false}`:                          {},
		`{"command":"build","__other__":{"which":"build","empty":true,"target":null}}`: {Which: "build", Empty: true},
		`{"which":"run","__other__":{"which":"build"}}`:                                {Which: "run"},
	} {
		if diff := cmp.Diff(want, loadResults(t, text, "").Args); diff != "" {
			t.Errorf("%s: Args mismatch (-want +got):\n%s", text, diff)
		}
	}
}

func TestResults(t *testing.T) {
	t.Parallel()
	r := loadResults(t, `{"which":"build"}`, `
		{"status":"success","unique_id":"model.p.a","message":null,"failures":null,"relation_name":"r","thread_id":"T","compiled_code":"x",
		 "timing":[{"name":"execute","completed_at":"2026-11-24T10:00:02"},{"name":"compile","completed_at":"2026-11-24T10:00:01.5Z"}]},
		{"status":"fail","unique_id":"test.p.t","message":"Got 3","failures":"3","timing":[],"adapter_response":{"rows_affected":"-1"}},
		{"unique_id":"","status":"error"},
		{"status":"partial success","unique_id":"model.p.b","timing":null}`)
	want := []dbt.Result{
		{
			UniqueID: "model.p.a", Status: "success", RelationName: "r", ThreadID: "T",
			CompletedAt: time.Date(2026, 11, 24, 10, 0, 2, 0, time.UTC),
		},
		{UniqueID: "test.p.t", Status: "fail", Message: "Got 3", Failures: 3},
		{UniqueID: "model.p.b", Status: "partial success"},
	}
	if diff := cmp.Diff(want, r.Results); diff != "" {
		t.Errorf("Results mismatch (-want +got):\n%s", diff)
	}
	if len(r.Diagnostics) != 1 || r.Diagnostics[0].Code != "result_without_id" {
		t.Errorf("diagnostics %v", r.Diagnostics)
	}
	if r.GeneratedAt != time.Date(2026, 11, 24, 10, 0, 0, 123456789, time.UTC) || r.Env["CI"] != "7" || r.ElapsedTime != 1.5 || r.Schema != 6 {
		t.Errorf("metadata %+v", r)
	}
}

func TestExecutes(t *testing.T) {
	t.Parallel()
	for which, want := range map[string]bool{
		"build": true, "run": true, "seed": true, "snapshot": true, "test": true,
		"generate": false, "compile": false, "show": false, "clone": false, "run-operation": false, "freshness": false, "": false,
	} {
		r := loadResults(t, fmt.Sprintf(`{"which":%q}`, which), "")
		if r.Executes() != want {
			t.Errorf("%q executes: %v", which, r.Executes())
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026-11-24T10:00:00.5Z":              "2026-11-24T10:00:00.5Z",
		"2026-11-24T10:00:00.123456789+02:00": "2026-11-24T08:00:00.123456789Z",
		"2026-11-24T10:00:00.123456":          "2026-11-24T10:00:00.123456Z",
		"2026-11-24 10:00:00+00:00":           "2026-11-24T10:00:00Z",
		"2026-11-24T10:00:00+0200":            "2026-11-24T08:00:00Z",
		"2026-11-24":                          "2026-11-24T00:00:00Z",
		"yesterday":                           "0001-01-01T00:00:00Z",
	} {
		path := write(t, "s.json", fmt.Sprintf(`{"metadata":{"generated_at":%q},"results":[]}`, text))
		s, err := dbt.LoadSources(t.Context(), path)
		if err != nil || s.GeneratedAt.Format(time.RFC3339Nano) != want {
			t.Errorf("%q read as %v, %v", text, s.GeneratedAt, err)
		}
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	path := write(t, "sources.json", `{"metadata":{"invocation_id":"i","dbt_schema_version":"https://schemas.getdbt.com/dbt/sources/v3.json"},"results":[
		{"unique_id":"source.p.s.a","status":"warn","max_loaded_at":"2026-11-24T09:00:00+00:00","snapshotted_at":"2026-11-24T10:00:00Z",
		 "criteria":{"warn_after":{"count":30,"period":"minute"},"error_after":{"count":1,"period":"day"}}},
		{"unique_id":"source.p.s.b","status":"runtime error","error":"no such table"}]}`)
	s, err := dbt.LoadSources(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	want := []dbt.SourceResult{
		{
			UniqueID: "source.p.s.a", Status: "warn", MaxLoadedAt: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC),
			SnapshottedAt: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC),
			Freshness:     dbt.Freshness{WarnAfter: 30 * time.Minute, ErrorAfter: 24 * time.Hour},
		},
		{UniqueID: "source.p.s.b", Status: "runtime error"},
	}
	if diff := cmp.Diff(want, s.Results); diff != "" {
		t.Errorf("Results mismatch (-want +got):\n%s", diff)
	}
}

func TestCatalogColumnsAreInTableOrder(t *testing.T) {
	t.Parallel()
	path := write(t, "catalog.json", `{"metadata":{},"nodes":{"model.p.a":{"columns":{
		"Z":{"name":"Z","type":"int","index":1},"A":{"type":"text","index":10},"B":{"name":"B","type":"date","index":"2"}}}},
		"sources":{"source.p.s.t":{"columns":{}}}}`)
	c, err := dbt.LoadCatalog(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]dbt.CatalogColumn{
		"model.p.a":    {{Name: "Z", Type: "int"}, {Name: "B", Type: "date"}, {Name: "A", Type: "text"}},
		"source.p.s.t": {},
	}
	if diff := cmp.Diff(want, c.Columns); diff != "" {
		t.Errorf("Columns mismatch (-want +got):\n%s", diff)
	}
}
