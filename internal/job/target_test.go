package job_test

import (
	"testing"

	"exposync/internal/config"
	"exposync/internal/dbt"
	"exposync/internal/fault"
	"exposync/internal/job"
)

func TestResolveTarget(t *testing.T) {
	t.Parallel()

	tests := []struct{ flag, ran, profile, target, from string }{
		{"a", "b", "c", "a", "--target"},
		{"", "b", "c", "b", "run_results.json"},
		{"", "", "c", "c", "profiles.yml"},
		{"", "", "", "", ""},
	}
	for _, tt := range tests {
		target, from := job.ResolveTarget(tt.flag, tt.ran, tt.profile)
		if target != tt.target || from != tt.from {
			t.Errorf("ResolveTarget(%q, %q, %q) = %q, %q", tt.flag, tt.ran, tt.profile, target, from)
		}
	}
}

func TestCheckTarget(t *testing.T) {
	t.Parallel()

	postgres := dbt.Profile{Target: "prod", Output: dbt.Output{Adapter: "postgres", Database: "shop", Schema: "prod"}}
	node := func(database, schema, configDatabase, configSchema string) dbt.Node {
		return dbt.Node{
			UniqueID: "model.shop.export_a", Name: "export_a", Database: database, SchemaName: schema,
			ConfigDatabase: configDatabase, ConfigSchema: configSchema,
		}
	}
	with := func(h dbt.Profile, adapter, database, schema string) dbt.Profile {
		h.Output.Adapter, h.Output.Database, h.Output.Schema = adapter, database, schema
		return h
	}
	tests := map[string]struct {
		node    dbt.Node
		home    dbt.Profile
		schemas []string
		ok      bool
	}{
		"the profile's":                  {node("shop", "prod", "", ""), postgres, nil, true},
		"another schema":                 {node("shop", "dev", "", ""), postgres, nil, false},
		"another database":               {node("shop_dev", "prod", "", ""), postgres, nil, false},
		"own schema":                     {node("shop", "prod_crm", "", "crm"), postgres, nil, true},
		"own schema of another target":   {node("shop", "dev_crm", "", "crm"), postgres, nil, false},
		"own schema, not prefixed":       {node("shop", "crm", "", "crm"), postgres, nil, false},
		"own schema, listed":             {node("shop", "crm", "", "crm"), postgres, []string{"fin", "crm"}, true},
		"listed, in another database":    {node("shop_dev", "crm", "", "crm"), postgres, []string{"crm"}, false},
		"own database":                   {node("exports", "prod", "exports", ""), postgres, nil, true},
		"own database, other schema":     {node("exports", "dev", "exports", ""), postgres, nil, false},
		"prefix alone does not do":       {node("shop", "prod_alice", "", ""), postgres, nil, false},
		"case counts on postgres":        {node("shop", "Prod", "", ""), postgres, nil, false},
		"case does not on snowflake":     {node("SHOP", "PROD", "", ""), with(postgres, "snowflake", "shop", "prod"), nil, true},
		"duckdb: the stem of the file":   {node("shop", "main", "", ""), with(postgres, "duckdb", "shop", "main"), nil, true},
		"duckdb: the schema main":        {node("shop", "main", "", ""), with(postgres, "duckdb", "shop", ""), nil, true},
		"duckdb: another file":           {node("shop_dev", "main", "", ""), with(postgres, "duckdb", "shop", "main"), nil, false},
		"sqlite: another file":           {node("shop_dev", "main", "", ""), with(postgres, "sqlite", "shop", "main"), nil, false},
		"no databases at all":            {node("", "prod", "", ""), with(postgres, "spark", "", "prod"), nil, true},
		"a database that cannot be told": {node("shop", "prod", "", ""), with(postgres, "trino", "", "prod"), nil, false},
		"a manifest without a schema":    {node("shop", "", "", ""), postgres, nil, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			f := job.CheckTarget(&tt.node, tt.home, config.Target{Schemas: tt.schemas})
			if (f == nil) != tt.ok {
				t.Fatalf("CheckTarget() = %v, want ok %t", f, tt.ok)
			}
			if f != nil && (f.Code != "wrong_target" || f.Kind != fault.Blocked) {
				t.Errorf("fault = %+v", f)
			}
		})
	}
}

func TestCheckTargetSaysWhatItFound(t *testing.T) {
	t.Parallel()

	n := dbt.Node{UniqueID: "model.shop.export_a", Name: "export_a", Database: "shop", SchemaName: "dev_crm", ConfigSchema: "crm"}
	home := dbt.Profile{Target: "prod", Output: dbt.Output{Adapter: "postgres", Database: "shop", Schema: "prod"}}
	got := job.CheckTarget(&n, home, config.Target{})
	equal(t, "model.shop.export_a: export_a was built in shop.dev_crm, but target prod is shop.prod or prod_crm (wrong_target)", got.Error())
	equal(t, "run dbt build --target prod, or choose the target that was built with --target", got.Hint)
}
