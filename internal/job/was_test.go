package job_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/config"
	"exposync/internal/dbt"
	"exposync/internal/job"
)

// declaring builds the jobs of exposures by name, with their metadata.
func declaring(t *testing.T, metas map[string]string, yaml string) job.Set {
	t.Helper()
	cfg, err := config.Parse("exposync.yml", []byte("targets: {prod: {connections: {crm: {type: sandbox, url: x}}}}"),
		config.Types{"sandbox": {{Name: "url"}}})
	if err != nil {
		t.Fatal(err)
	}
	p := &dbt.Project{
		Name: "shop", DBTVersion: "1.12.0", Exposures: map[string]*dbt.Exposure{},
		Nodes: map[string]*dbt.Node{"model.shop.export_a": {UniqueID: "model.shop.export_a", Name: "export_a", ResourceType: "model", RelationName: `"a"`, Materialized: "view"}},
	}
	for name, meta := range metas {
		id := "exposure.shop." + name
		p.Exposures[id] = &dbt.Exposure{
			UniqueID: id, Name: name, Package: "shop", Path: "models/e.yml", Type: "application", Meta: []byte(`{"exposync":` + meta + `}`),
			DependsOn: []string{"model.shop.export_a"},
		}
	}
	return job.Build(p, cfg, job.Options{Target: "prod", Files: func(string) ([]byte, error) { return []byte(yaml), nil }})
}

func TestFormerNames(t *testing.T) {
	t.Parallel()
	const to = `"to":"crm.c","key":"id","fields":"all"`
	tests := map[string]struct {
		meta string
		want map[string][]string
	}{
		"none":              {`{` + to + `}`, map[string][]string{"x": nil}},
		"renamed":           {`{` + to + `,"was":"y"}`, map[string][]string{"x": {"y"}}},
		"renamed twice":     {`{` + to + `,"was":["z","y"]}`, map[string][]string{"x": {"z", "y"}}},
		"one of several":    {`{` + to + `,"was":"y.a"}`, map[string][]string{"x": {"y.a"}}},
		"exposure of syncs": {`{` + to + `,"was":"y","syncs":{"a":{},"b":{"to":"crm.d"}}}`, map[string][]string{"x.a": {"y.a"}, "x.b": {"y.b"}}},
		"sync":              {`{` + to + `,"syncs":{"a":{"was":"b"}}}`, map[string][]string{"x.a": {"x.b"}}},
		"both":              {`{` + to + `,"was":"y","syncs":{"a":{"was":"b"}}}`, map[string][]string{"x.a": {"x.b", "y.b", "y.a"}}},
		"split":             {`{` + to + `,"syncs":{"a":{"was":"x"}}}`, map[string][]string{"x.a": {"x"}}},
		"from elsewhere":    {`{` + to + `,"syncs":{"a":{"was":"other.c"}}}`, map[string][]string{"x.a": {"other.c"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := map[string][]string{}
			for _, j := range declaring(t, map[string]string{"x": tt.meta}, "").Jobs {
				got[j.ID] = j.Was
				if len(j.Problems) > 0 {
					t.Errorf("%s: %v", j.ID, j.Problems)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("former names (-want +got):\n%s", d)
			}
		})
	}
}

func TestFormerNamesThatAreNobodys(t *testing.T) {
	t.Parallel()
	const to = `"to":"crm.c","key":"id","fields":"all"`
	yaml := "exposures:\n"
	line := func(name, was string) string {
		return fmt.Sprintf("  - name: %s\n    config:\n      meta:\n        exposync:\n          to: crm.c\n          was: %s\n", name, was)
	}
	yaml += line("new", "old") + line("old", "older") + line("third", "older") + line("self", "self") + line("odd", "a b")
	set := declaring(t, map[string]string{
		"new": `{` + to + `,"was":"old"}`, "old": `{` + to + `,"was":"older"}`, "third": `{` + to + `,"was":"older"}`,
		"self": `{` + to + `,"was":"self"}`, "odd": `{` + to + `,"was":"a b"}`,
	}, yaml)
	var got []string
	for _, j := range set.Jobs {
		for _, f := range j.Problems {
			got = append(got, j.ID+" "+f.Error())
			if f.Hint == "" {
				t.Errorf("no hint: %v", f)
			}
		}
	}
	want := []string{
		`new models/e.yml:7: was: old: that sync still exists (models/e.yml:11), so this one cannot continue what it confirmed (was_exists)`,
		`odd models/e.yml:31: exposure odd: was: "a b" is no name of an exposure or sync (setting_invalid)`,
		`self models/e.yml:25: was: self: that is its present name (was_exists)`,
		`third models/e.yml:19: was: older: old continues that sync already (models/e.yml:11) (was_twice)`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("problems (-want +got):\n%s", d)
	}
}
