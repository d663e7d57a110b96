package job_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/job"
	"exposync/internal/plan"
)

func TestIncremental(t *testing.T) {
	t.Parallel()

	const day = 24 * time.Hour
	for meta, want := range map[string]plan.Incremental{
		`"changed_since":"updated_at","lookback":"1d12h"`:                         {Column: "updated_at", Lookback: plan.Lookback{Age: 36 * time.Hour}, FullRead: 7 * day},
		`"changed_since":"updated_at","lookback":"6h","full_read":"daily"`:        {Column: "updated_at", Lookback: plan.Lookback{Age: 6 * time.Hour}, FullRead: day},
		`"changed_since":"version","lookback":10000,"full_read":"never"`:          {Column: "version", Lookback: plan.Lookback{Steps: 10_000}},
		`"changed_since":"version","lookback":0,"full_read":"3d","mode":"mirror"`: {Column: "version", FullRead: 3 * day},
		`"cursor":"happened_at","lookback":"3d","mode":"append"`:                  {Column: "happened_at", Lookback: plan.Lookback{Age: 3 * day}, Forget: true},
		`"mode":"append"`: {},
	} {
		p := shop("export_customers")
		expose(p, "x", `{"to":"crm.c","key":"id","fields":"all",`+meta+`}`, "export_customers")
		j := job.Build(p, settings(t), job.Options{Target: "prod"}).Jobs[0]
		if len(j.Problems) > 0 {
			t.Errorf("%s: %v", meta, j.Problems)
		}
		if diff := cmp.Diff(want, j.Incremental); diff != "" {
			t.Errorf("%s (-want +got):\n%s", meta, diff)
		}
	}
}

func TestProblemsWithIncremental(t *testing.T) {
	t.Parallel()

	const at = "exposure x: config.meta.exposync"
	for meta, want := range map[string][]string{
		`"changed_since":"a"`: {at + `.changed_since: there is no lookback beside it (setting_missing)`},
		`"lookback":"3d"`:     {at + `.lookback: says nothing without cursor or changed_since: all rows are read (setting_invalid)`},
		`"full_read":"7d"`:    {at + `.full_read: says nothing without cursor or changed_since: all rows are read (setting_invalid)`},
		`"cursor":"a","changed_since":"b","lookback":"3d","mode":"append"`: {
			at + `.cursor: there is changed_since, too: a source is read in one way (setting_invalid)`,
		},
		`"cursor":"a","lookback":"3d"`: {at + `.cursor: is for events in mode append; mode upsert needs to remember every record (setting_invalid)`},
		`"cursor":"a","lookback":"3d","mode":"append","full_read":"7d"`: {
			at + `.full_read: does not go with cursor: what left the window is forgotten and would be sent again (setting_invalid)`,
		},
		`"changed_since":"a","lookback":"3d","mode":"append"`: {at + `.changed_since: does not go with mode append (setting_invalid)`},
		`"changed_since":"a","lookback":"3d","mode":"mirror","full_read":"never"`: {
			at + `.full_read: never means that mode mirror would never delete anything (setting_invalid)`,
		},
		`"changed_since":"a","lookback":"three days"`: {at + `.lookback: must be a duration or a whole number, 0 or more (setting_invalid)`},
		`"changed_since":"a","lookback":-1`:           {at + `.lookback: must be a duration or a whole number, 0 or more (setting_invalid)`},
		`"changed_since":"a","lookback":1.5`:          {at + `.lookback: must be a duration or a whole number, 0 or more (setting_invalid)`},
		`"changed_since":true,"lookback":"3d"`:        {at + `.changed_since: must be text, not true or false; unquoted yes, no, on and off count as true or false: put the word in quotes (setting_invalid)`},
		`"changed_since":"a","lookback":"3d","full_read":"weekly"`: {
			at + `.full_read: must be daily, never or a duration (setting_invalid)`,
		},
		`"chnged_since":"a"`: {at + `.chnged_since: unknown key "chnged_since"; did you mean "changed_since"? (unknown_key)`},
	} {
		p := shop("export_customers")
		expose(p, "x", `{"to":"crm.c","key":"id","fields":"all",`+meta+`}`, "export_customers")
		equal(t, want, problems(t, job.Build(p, settings(t), job.Options{Target: "prod"}).Jobs[0].Problems))
	}
}

func TestIncrementalIsPartOfTheDefinition(t *testing.T) {
	t.Parallel()

	j := declared()
	j.Incremental = plan.Incremental{Column: "a", Lookback: plan.Lookback{Steps: 5}, FullRead: time.Hour}
	seen := map[string]bool{job.Definition(declared()): true, job.Definition(j): true}
	for _, change := range []func(*plan.Incremental){
		func(i *plan.Incremental) { i.Column = "b" },
		func(i *plan.Incremental) { i.Lookback.Steps = 6 },
		func(i *plan.Incremental) { i.Lookback = plan.Lookback{Age: 5} },
		func(i *plan.Incremental) { i.Forget = true },
		func(i *plan.Incremental) { i.FullRead = 0 },
	} {
		other := j
		change(&other.Incremental)
		if id := job.Definition(other); seen[id] {
			t.Errorf("%+v has the definition of another job", other.Incremental)
		} else {
			seen[id] = true
		}
	}
}
