package job_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"exposync/internal/job"
	"exposync/internal/plan"
)

func declared() plan.Job {
	return plan.Job{
		ID: "x", Source: plan.Source{Node: "model.shop.export_a", Relation: `"a"."b"`, Adapter: "postgres"},
		Target: "prod", Connection: "crm", Type: "http", Object: "contacts", Mode: plan.Upsert,
		Key: []plan.KeyField{{Field: "id", Column: "id"}},
		Fields: []plan.Field{
			{Name: "a", Column: "a", Nulls: plan.Clear},
			{Name: "b", Value: plan.TextConstant("1"), Nulls: plan.Clear},
		},
		Guards: plan.DefaultGuards(),
	}
}

func TestDefinitionIsStable(t *testing.T) {
	t.Parallel()

	// A different text here resends nothing, but makes every sync run again
	// for a dbt run that it has answered: change the version with it.
	equal(t, "d1:9b0f1290a7e05043b9d11ac87f8feac4", job.Definition(declared()))
}

func TestDefinitionTellsWhatIsSentWhere(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		change  func(*plan.Job)
		changes bool
	}{
		"source":         {func(j *plan.Job) { j.Source.Relation = `"a"."c"` }, true},
		"target":         {func(j *plan.Job) { j.Target = "dev" }, true},
		"sandbox":        {func(j *plan.Job) { j.Sandbox = true }, true},
		"connection":     {func(j *plan.Job) { j.Connection = "erp" }, true},
		"settings":       {func(j *plan.Job) { j.Settings = "other" }, true},
		"type":           {func(j *plan.Job) { j.Type = "file" }, true},
		"object":         {func(j *plan.Job) { j.Object = "people" }, true},
		"mode":           {func(j *plan.Job) { j.Mode = plan.Mirror }, true},
		"key column":     {func(j *plan.Job) { j.Key[0].Column = "x" }, true},
		"key field":      {func(j *plan.Job) { j.Key[0].Field = "x" }, true},
		"field column":   {func(j *plan.Job) { j.Fields[0].Column = "x" }, true},
		"field name":     {func(j *plan.Job) { j.Fields[0].Name = "x" }, true},
		"nulls":          {func(j *plan.Job) { j.Fields[0].Nulls = plan.Skip }, true},
		"constant":       {func(j *plan.Job) { j.Fields[1].Value = plan.TextConstant("2") }, true},
		"constant kind":  {func(j *plan.Job) { j.Fields[1].Value, _ = plan.NumberConstant("1") }, true},
		"a field less":   {func(j *plan.Job) { j.Fields = j.Fields[:1] }, true},
		"all fields":     {func(j *plan.Job) { j.AllFields = true }, true},
		"order":          {func(j *plan.Job) { slices.Reverse(j.Fields) }, false},
		"guards":         {func(j *plan.Job) { j.Guards.Deletes.Off = true }, false},
		"max_rejected":   {func(j *plan.Job) { j.MaxRejected.Records = 9 }, false},
		"owned":          {func(j *plan.Job) { j.Owned = plan.OwnedAll }, true},
		"on_in_doubt":    {func(j *plan.Job) { j.OnInDoubt = plan.Resend }, true},
		"every":          {func(j *plan.Job) { j.Every = time.Hour }, false},
		"first":          {func(j *plan.Job) { j.First = plan.FirstSend }, false},
		"where it stood": {func(j *plan.Job) { j.Where = "a.yml:9" }, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			j := declared()
			tt.change(&j)
			if got := job.Definition(j) != job.Definition(declared()); got != tt.changes {
				t.Errorf("definition changes: %t, want %t", got, tt.changes)
			}
		})
	}
}

// Names are hostile: no text in one place can pass for two places.
func TestDefinitionKeepsNamesApart(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringOf(rapid.SampledFrom([]rune("ab\" =\n\\:"))).Draw
		a, b := declared(), declared()
		a.Fields = []plan.Field{{Name: name(t, "a name"), Column: name(t, "a column")}}
		b.Fields = []plan.Field{{Name: name(t, "b name"), Column: name(t, "b column")}}
		same := a.Fields[0] == b.Fields[0]
		if (job.Definition(a) == job.Definition(b)) != same {
			t.Fatalf("definitions of %+v and %+v", a.Fields, b.Fields)
		}
	})
}

func TestWatched(t *testing.T) {
	t.Parallel()

	tests := map[string]string{
		"https://app.hightouch.com/acme/syncs/42606": "hightouch",
		"https://APP.getcensus.com/workspaces/1":     "census",
		"https://cloud.airbyte.com/workspaces/x":     "airbyte",
		"https://fivetran.com/dashboard/activations": "census",
		"https://evil.example/app.hightouch.com":     "",
		"https://nothightouch.com/x":                 "",
		"<insert url here>":                          "",
		"":                                           "",
		"https://[::1":                               "",
	}
	for address, want := range tests {
		if got := job.Watched(address); got != want {
			t.Errorf("Watched(%q) = %q, want %q", address, got, want)
		}
	}
}

// FuzzMeta feeds Build with metadata that dbt let through: it never panics,
// never runs a job that lacks what a job needs, and has a page for every
// code.
func FuzzMeta(f *testing.F) {
	for _, seed := range []string{
		`{"to":"crm.contacts","key":"email","fields":"all"}`,
		`{"to":"crm.c","key":{"a":"b"},"fields":{"x":{"from":"y","nulls":"skip"},"z":{"value":1e3}},"guards":{"deletes":"1%, 10"}}`,
		`{"syncs":{"a":{"from":"export_orders"},"b":null},"gate":{"waive":[{"node":"x"}]}}`,
		`{"fields":[[]],"key":[{}],"syncs":[1],"to":".","guards":[],"gate":7,"max_rejected":{}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, meta string) {
		p := shop("export_customers", "export_orders")
		expose(p, "x", meta, "export_customers", "export_orders")
		set := job.Build(p, settings(t), job.Options{Target: "prod", Files: func(string) ([]byte, error) {
			return []byte("exposures: [{name: x, meta: {exposync: " + meta + "}}]"), nil
		}})
		for _, j := range set.Jobs {
			if len(problems(t, j.Problems)) == 0 {
				complete(t, j)
			}
		}
	})
}

// complete checks that a job has everything that a run needs.
func complete(t *testing.T, j plan.Job) {
	t.Helper()
	if j.Object == "" || j.Connection == "" || len(j.Key) == 0 || !j.AllFields && len(j.Fields) == 0 || j.Source.Relation == "" {
		t.Errorf("a job without problems lacks something: %+v", j)
	}
	for _, field := range j.Fields {
		if (field.Column == "") == (field.Value == nil) {
			t.Errorf("field %+v is neither a column nor a constant", field)
		}
	}
}
