package job_test

import (
	"strings"
	"testing"

	"exposync/internal/job"
)

func TestLookupsFindTheirJobs(t *testing.T) {
	t.Parallel()

	const sync = `{"to":"crm.c","key":"id","fields":{"a":{"lookup":"LOOKUP","from":"b"}}}`
	of := func(lookup string) string { return strings.Replace(sync, "LOOKUP", lookup, 1) }
	tests := map[string]struct {
		meta string
		want []string // what each job looks up, or its problem
	}{
		"a sync beside it": {`{"syncs":{"one":{"to":"crm.c","key":"id","fields":"all"},"two":` + of("one") + `}}`, []string{"x.one", "x.two x.one"}},
		"another exposure": {`{"syncs":{"two":` + of("y") + `}}`, []string{"x.two y"}},
		"by its whole id":  {`{"syncs":{"one":{"to":"crm.c","key":"id","fields":"all"},"two":` + of("x.one") + `}}`, []string{"x.one", "x.two x.one"}},
		"nobody": {`{"syncs":{"ones":{"to":"crm.c","key":"id","fields":"all"},"two":` + of("one") + `}}`, []string{
			"x.ones", `x.two: job x.two: fields.a: lookup: there is no sync "one" (lookup_unknown)`,
		}},
		"a key of two fields": {`{"syncs":{"one":{"to":"crm.c","key":["id","n"],"fields":"all"},"two":` + of("one") + `}}`, []string{
			"x.one", `x.two: job x.two: fields.a: lookup: x.one has a key of several fields, and one column cannot hold it (lookup_key)`,
		}},
		"a window": {`{"syncs":{"one":{"to":"crm.c","key":"id","fields":"all"},"two":` + strings.Replace(of("one"), `{`, `{"changed_since":"u","lookback":"1d",`, 1) + `}}`, []string{
			"x.one", `x.two: job x.two: fields.a: lookup: with changed_since, a record would not be read again when the id that it waits for is there (lookup_incremental)`,
		}},
		"a circle": {`{"syncs":{"one":` + of("two") + `,"two":` + of("one") + `,"six":` + of("one") + `}}`, []string{
			`x.one: job x.one: fields.a: lookup: x.one looks up x.two, but x.two looks up x.one (exposure x: config.meta.exposync.syncs.two.fields.a.lookup): none of them could be first (lookup_circle)`,
			"x.six x.one",
			`x.two: job x.two: fields.a: lookup: x.two looks up x.one, but x.one looks up x.two (exposure x: config.meta.exposync.syncs.one.fields.a.lookup): none of them could be first (lookup_circle)`,
		}},
		"inherited fields": {`{"fields":{"a":{"lookup":"y","from":"b"}},"to":"crm.c","key":"id","syncs":{"one":{},"two":{}}}`, []string{"x.one y", "x.two y"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p := shop("export_customers")
			expose(p, "x", tt.meta, "export_customers")
			expose(p, "y", `{"to":"crm.c","key":"id","fields":"all"}`, "export_customers")
			var got []string
			for _, j := range job.Build(p, settings(t), job.Options{Target: "prod"}).Jobs {
				if j.ID == "y" {
					continue
				}
				line := strings.TrimSpace(j.ID + " " + strings.Join(j.LooksUp(), " "))
				for _, f := range j.Problems {
					line = j.ID + ": " + f.Msg + " (" + f.Code + ")"
				}
				got = append(got, line)
			}
			equal(t, tt.want, got)
		})
	}
}
