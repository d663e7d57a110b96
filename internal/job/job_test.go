package job_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/config"
	"exposync/internal/dbt"
	"exposync/internal/fault"
	"exposync/internal/job"
	"exposync/internal/plan"
)

// shop is a project with the models and exposures of a test.
func shop(models ...string) *dbt.Project {
	p := &dbt.Project{
		Name: "shop", Adapter: "postgres", DBTVersion: "1.11.0",
		Nodes: map[string]*dbt.Node{}, Exposures: map[string]*dbt.Exposure{}, Disabled: map[string]dbt.Disabled{},
	}
	for _, name := range models {
		id := "model.shop." + name
		p.Nodes[id] = &dbt.Node{
			UniqueID: id, ResourceType: "model", Name: name, Path: "models/exports/" + name + ".sql",
			Materialized: "view", Database: "shop", SchemaName: "prod", RelationName: `"shop"."prod"."` + name + `"`,
		}
	}
	return p
}

// expose adds an application exposure with metadata as JSON.
func expose(p *dbt.Project, name, exposync string, models ...string) *dbt.Exposure {
	e := &dbt.Exposure{
		UniqueID: "exposure.shop." + name, Name: name, Type: "application", Package: "shop", Path: "models/exports/_exports.yml",
	}
	if exposync != "" {
		e.Meta = []byte(`{"exposync":` + exposync + `}`)
	}
	for _, m := range models {
		e.DependsOn = append(e.DependsOn, "model.shop."+m)
	}
	p.Exposures[e.UniqueID] = e
	return e
}

func disabled(id string) dbt.Disabled { return dbt.Disabled{UniqueID: id, ResourceType: "model"} }

func settings(t *testing.T) *config.Config {
	t.Helper()
	c, err := config.Parse("exposync.yml", []byte(`
targets:
  prod:
    connections:
      crm: {type: http}
      erp: {type: file}
  dev: sandbox
`), config.Types{"http": {}, "file": {}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// problems gives the faults of a list as lines, and checks what every fault
// of this package owes its reader.
func problems(t *testing.T, list fault.List) []string {
	t.Helper()
	var out []string
	for _, f := range list {
		if _, ok := fault.Explain(f.Code); !ok {
			t.Errorf("code %s has no page", f.Code)
		}
		if f.Kind != fault.Config || f.Where == "" || f.Hint == "" || strings.HasSuffix(f.Msg, ".") {
			t.Errorf("fault %+v: wrong kind, no place, no hint, or a final period", f)
		}
		out = append(out, f.Error())
	}
	return out
}

// describe writes a job as text, for tables.
func describe(j plan.Job) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s -> %s(%s).%s %s", j.ID, j.Source.Name, j.Connection, j.Type, j.Object, j.Mode)
	for _, k := range j.Key {
		fmt.Fprintf(&b, " [%s=%s]", k.Field, k.Column)
	}
	if j.AllFields {
		b.WriteString(" all")
	}
	for _, f := range j.Fields {
		switch {
		case f.Value != nil:
			fmt.Fprintf(&b, " %s:=%s %s", f.Name, f.Value.Kind, f.Value.Data)
		default:
			fmt.Fprintf(&b, " %s=%s", f.Name, f.Column)
		}
		if f.Nulls != plan.Clear {
			fmt.Fprintf(&b, "/%s", f.Nulls)
		}
	}
	if j.Every > 0 {
		fmt.Fprintf(&b, " every %s", j.Every)
	}
	return b.String()
}

func TestBuildReadsEveryForm(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		meta    string
		exports []string
		want    []string
	}{
		"short": {
			meta: `{"to":"crm.contacts","key":"email","fields":"all"}`,
			want: []string{"x: export_customers -> crm(http).contacts upsert [email=email] all"},
		},
		"an object with dots": {
			meta: `{"to":"crm.public.contacts","key":"email","fields":["name"]}`,
			want: []string{"x: export_customers -> crm(http).public.contacts upsert [email=email] name=name"},
		},
		"composite keys are sorted": {
			meta: `{"to":"crm.c","key":["b","a"],"fields":["c","d"],"mode":"mirror"}`,
			want: []string{"x: export_customers -> crm(http).c mirror [a=a] [b=b] c=c d=d"},
		},
		"mapped keys are sorted by their name": {
			meta: `{"to":"crm.c","key":{"Zone":"a","Id":"b"},"fields":{"n":"m"}}`,
			want: []string{"x: export_customers -> crm(http).c upsert [Id=b] [Zone=a] n=m"},
		},
		"detailed fields keep their order": {
			meta: `{"to":"crm.c","key":"id","fields":{
				"z":{"from":"zed","nulls":"skip"}, "a":{"from":"ay"}, "s":{"value":"dbt"}, "i":{"value":-12}, "d":{"value":1.50},
				"e":{"value":3e2}, "b":{"value":true}, "t":{"value":""}}}`,
			want: []string{"x: export_customers -> crm(http).c upsert [id=id] z=zed/skip a=ay s:=text dbt i:=int -12 d:=decimal 1.5 e:=decimal 300 b:=bool true t:=text "},
		},
		"several syncs inherit": {
			meta: `{"to":"crm.c","key":"id","mode":"update","syncs":{
				"two":{"from":"export_orders","fields":"all","mode":"insert"},
				"one":{"from":"export_customers","fields":["a"],"key":"other","to":"erp.x"}}}`,
			exports: []string{"export_customers", "export_orders"},
			want: []string{
				"x.one: export_customers -> erp(file).x update [other=other] a=a",
				"x.two: export_orders -> crm(http).c insert [id=id] all",
			},
		},
		"every is inherited and replaced": {
			meta: `{"to":"crm.c","key":"id","fields":"all","every":"3h","from":"export_customers","syncs":{"one":{},"two":{"every":"1d"}}}`,
			want: []string{
				"x.one: export_customers -> crm(http).c upsert [id=id] all every 3h0m0s",
				"x.two: export_customers -> crm(http).c upsert [id=id] all every 24h0m0s",
			},
		},
		"no block, no job":       {meta: ``},
		"gate alone is no sync":  {meta: `{"gate":{"scope":"strict"}}`},
		"from may be any model":  {meta: `{"from":"dim","to":"crm.c","key":"id","fields":"all"}`, exports: []string{"dim"}, want: []string{"x: dim -> crm(http).c upsert [id=id] all"}},
		"the only export wins":   {meta: `{"to":"crm.c","key":"id","fields":"all"}`, exports: []string{"dim", "export_a"}, want: []string{"x: export_a -> crm(http).c upsert [id=id] all"}},
		"from may be the id too": {meta: `{"from":"model.shop.dim","to":"crm.c","key":"id","fields":"all"}`, exports: []string{"dim"}, want: []string{"x: dim -> crm(http).c upsert [id=id] all"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if tt.exports == nil {
				tt.exports = []string{"export_customers"}
			}
			p := shop(tt.exports...)
			if dim := p.Nodes["model.shop.dim"]; dim != nil {
				dim.Path = "models/marts/dim.sql"
			}
			expose(p, "x", tt.meta, tt.exports...)
			set := job.Build(p, settings(t), job.Options{Target: "prod"})
			var got []string
			for _, j := range set.Jobs {
				got = append(got, describe(j))
				for _, line := range problems(t, j.Problems) {
					t.Errorf("problem: %s", line)
				}
			}
			equal(t, tt.want, got)
		})
	}
}

func TestBuildFillsTheJob(t *testing.T) {
	t.Parallel()

	p := shop("export_customers")
	expose(p, "crm_sync", `{"to":"crm.contacts","key":"email","fields":"all","first":"compare","max_rejected":5,
		"guards":{"deletes":"2%","creates":false,"keys":"0.1%, 3"}}`, "export_customers")
	set := job.Build(p, settings(t), job.Options{Target: "dev"})
	got, ok := set.Find("crm_sync")
	if !ok {
		t.Fatalf("no job crm_sync in %+v", set)
	}
	want := plan.Job{
		ID: "crm_sync", Exposure: "exposure.shop.crm_sync", Project: "shop", Where: "exposure crm_sync: config.meta.exposync",
		Source: plan.Source{
			Node: "model.shop.export_customers", Name: "export_customers", Relation: `"shop"."prod"."export_customers"`,
			Database: "shop", Schema: "prod", Adapter: "postgres",
		},
		Target: "dev", Connection: "crm", Type: "http", Sandbox: true, Object: "contacts",
		Mode: plan.Upsert, Key: []plan.KeyField{{Field: "email", Column: "email"}}, AllFields: true,
		First: plan.FirstCompare,
		Guards: plan.Guards{
			Deletes: plan.Limit{Share: 0.02}, Creates: plan.Limit{Off: true},
			Rows: plan.DefaultGuards().Rows, Keys: plan.Limit{Share: 0.001, Records: 3},
		},
		MaxRejected: plan.Limit{Records: 5},
	}
	equal(t, want, got)
}

func TestBuildInheritsGuardsOneByOne(t *testing.T) {
	t.Parallel()

	p := shop("export_customers")
	expose(p, "x", `{"to":"crm.c","key":"id","fields":"all","guards":{"deletes":"off","rows":7},"max_rejected":"off",
		"syncs":{"a":{"guards":{"rows":8}},"b":{"max_rejected":1}}}`, "export_customers")
	set := job.Build(p, settings(t), job.Options{Target: "prod"})
	a, b := set.Jobs[0], set.Jobs[1]
	equal(t, plan.Limit{Off: true}, a.Guards.Deletes)
	equal(t, plan.Limit{Records: 8}, a.Guards.Rows)
	equal(t, plan.Limit{Records: 7}, b.Guards.Rows)
	equal(t, plan.Limit{Off: true}, a.MaxRejected)
	equal(t, plan.Limit{Records: 1}, b.MaxRejected)
}

// fromYAML builds the jobs of exposures written in a YAML file, as dbt would
// put their metadata into the manifest.
func fromYAML(t *testing.T, p *dbt.Project, cfg *config.Config, target, file string, metas map[string]string) job.Set {
	t.Helper()
	for name, meta := range metas {
		expose(p, name, meta, "export_customers", "export_orders")
	}
	return job.Build(p, cfg, job.Options{Target: target, Files: func(path string) ([]byte, error) {
		if path != "models/exports/_exports.yml" {
			return nil, errors.New("no such file")
		}
		return []byte(file), nil
	}})
}

func equal(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mismatch (-want +got):\n%s", diff)
	}
}
