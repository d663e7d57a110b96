package job_test

import (
	"strings"
	"testing"

	"exposync/internal/config"
	"exposync/internal/dbt"
	"exposync/internal/job"
)

func TestProblemsOfOneExposure(t *testing.T) {
	t.Parallel()

	const at = "exposure x: config.meta.exposync"
	tests := map[string]struct {
		meta string
		want []string
	}{
		"empty": {`null`, []string{
			at + `: exposync is empty (setting_invalid)`,
		}},
		"a word": {`"crm.contacts"`, []string{
			at + `: must be a map, not text (setting_invalid)`,
		}},
		"misspelt and later keys": {`{"to":"crm.c","kay":"id","key":"id","fields":"all","notify":"6h","lookup":"y"}`, []string{
			at + `.kay: unknown key "kay"; did you mean "key"? (unknown_key)`,
			at + `.notify: "notify" does not act in this version (unknown_key)`,
			at + `.lookup: "lookup" does not act in this version (unknown_key)`,
		}},
		"every as dbt reads 1:30": {`{"to":"crm.c","key":"id","fields":"all","every":90}`, []string{
			at + `.every: must be a duration such as 90m, 24h or 7d, not a number without a unit; dbt reads an unquoted 1:30 as the number 90 (setting_invalid)`,
		}},
		"every in quotes": {`{"to":"crm.c","key":"id","fields":"all","every":"1:30"}`, []string{
			at + `.every: must be a duration such as 90m, 24h or 7d, not "1:30" (setting_invalid)`,
		}},
		"every nothing": {`{"to":"crm.c","key":"id","fields":"all","every":"0h"}`, []string{
			at + `.every: must be a duration such as 90m, 24h or 7d, not "0h" (setting_invalid)`,
		}},
		"every below syncs": {`{"every":"3h","syncs":{"a":{"to":"crm.c","key":"id","fields":"all","every":"daily"}}}`, []string{
			at + `.syncs.a.every: must be a duration such as 90m, 24h or 7d, not "daily" (setting_invalid)`,
		}},
		"hosted": {`{"hosted":"hightouch/42606"}`, []string{
			at + `.hosted: target prod has no connection "hightouch" (connection_missing)`,
		}},
		"lookups": {`{"to":"crm.c","key":"id","fields":{"a":{"lookup":"x","from":"b"},"c":{"lookup":"y","from":"b","hash":"sha256"},"d":{"from":"b","miss":"skip"},"e":{"lookup":"z","miss":"fail"}}}`, []string{
			at + `.fields.c.hash: cannot be said of a field with lookup (setting_invalid)`,
			at + `.fields.d.miss: is for fields with lookup (setting_invalid)`,
			at + `.fields.e: says neither from nor value nor expr nor object nor array (setting_missing)`,
			at + `.fields.e.miss: must be wait, skip or clear, not "fail" (setting_invalid)`,
			at + `.fields.c.lookup: job x: fields.c: lookup: there is no sync "y" (lookup_unknown)`,
			at + `.fields.e.lookup: job x: fields.e: lookup: there is no sync "z" (lookup_unknown)`,
			at + `.fields.a.lookup: job x: fields.a: lookup: looks up itself (lookup_circle)`,
		}},
		"a key that is made": {`{"to":"crm.c","key":{"a":{"from":"b","cast":"txt"},"c":{"value":1},"d":{"from":"x","nulls":"skip","write":"create"}},"fields":"all"}`, []string{
			at + `.key.a.cast: must be integer, decimal, text, boolean, date, time, timestamp, instant or json, not "txt"; did you mean "text"? (setting_invalid)`,
			at + `.key.c.value: cannot be said of a part of the key (setting_invalid)`,
			at + `.key.d.nulls: cannot be said of a part of the key (setting_invalid)`,
			at + `.key.d.write: unknown key "write" (unknown_key)`,
		}},
		"a key that is made, in a window": {`{"to":"crm.c","key":{"a":{"from":"b","cast":"text"}},"fields":"all","changed_since":"u","lookback":"1d"}`, []string{
			at + `.key: a: with changed_since, rows are fetched by their key, which has to be a column as it stands (setting_invalid)`,
		}},
		"later keys of fields": {`{"to":"crm.c","key":"id","fields":{"a":{"from":"b","format":"x"}}}`, []string{
			at + `.fields.a.format: "format" does not act in this version (unknown_key)`,
		}},
		"words of a field": {`{"to":"crm.c","key":"id","fields":{"a":{"from":"b","cast":"int","normalize":"mail","hash":"md5","write":"once"}}}`, []string{
			at + `.fields.a.cast: must be integer, decimal, text, boolean, date, time, timestamp, instant or json, not "int" (setting_invalid)`,
			at + `.fields.a.normalize: must be email, phone, e164, name, zip or country, not "mail"; did you mean "email"? (setting_invalid)`,
			at + `.fields.a.hash: must be sha256, not "md5" (setting_invalid)`,
			at + `.fields.a.write: must be always, create or if_empty, not "once" (setting_invalid)`,
		}},
		"sources of a field": {`{"to":"crm.c","key":"id","fields":{"a":{"from":"b","expr":"x"},"n":{"cast":"text"}}}`, []string{
			at + `.fields.a: has both from and expr (setting_invalid)`,
			at + `.fields.n: says neither from nor value nor expr nor object nor array (setting_missing)`,
		}},
		"an expression": {`{"to":"crm.c","key":"id","fields":{"a":{"expr":"x +"},"b":{"expr":" "},"c":{"expr":1}}}`, []string{
			at + `.fields.a.expr: at column 3: unexpected token EOF (expr_invalid)`,
			at + `.fields.b.expr: is empty (setting_invalid)`,
			at + `.fields.c.expr: must be text, not a number; unquoted digits are a number, and dbt reads 1:30 as 90: put the value in quotes (setting_invalid)`,
		}},
		"casts of a constant": {`{"to":"crm.c","key":"id","fields":{"a":{"value":"x","cast":"text","hash":"sha256"}}}`, []string{
			at + `.fields.a.cast: acts on columns, not on a constant (setting_invalid)`,
			at + `.fields.a.hash: acts on columns, not on a constant (setting_invalid)`,
		}},
		"members": {`{"to":"crm.c","key":"id","fields":{"a":{"object":{"x":1,"y":{"from":"b","write":"create"},"z":{"object":{}}}},"b":{"array":[]},"c":{"array":["x",2,{"expr":"("}]}}}`, []string{
			at + `.fields.a.object.x: must be the name of a column, not a number; unquoted digits are a number, and dbt reads 1:30 as 90: put the value in quotes (setting_invalid)`,
			at + `.fields.a.object.y.write: unknown key "write" (unknown_key)`,
			at + `.fields.a.object.z.object: names no member (setting_invalid)`,
			at + `.fields.b.array: must be a list of columns (setting_invalid)`,
			at + `.fields.c.array[1]: must be the name of a column, not a number; unquoted digits are a number, and dbt reads 1:30 as 90: put the value in quotes (setting_invalid)`,
			at + `.fields.c.array[2].expr: at column 1: unexpected token EOF (expr_invalid)`,
		}},
		"write in mode append": {`{"to":"crm.c","key":"id","mode":"append","fields":{"a":{"from":"b","write":"if_empty"}}}`, []string{
			at + `.fields: a: write: if_empty: in mode append every version is a new record (setting_invalid)`,
		}},
		"write in mode update": {`{"to":"crm.c","key":"id","mode":"update","fields":{"a":{"from":"b","write":"create"}}}`, []string{
			at + `.fields: a: write: create: mode update creates no record (setting_invalid)`,
		}},
		"to": {`{"to":"contacts","key":"id","fields":"all"}`, []string{
			at + `.to: "contacts" does not name a connection and an object (setting_invalid)`,
		}},
		"connection": {`{"to":"crn.contacts","key":"id","fields":"all"}`, []string{
			at + `.to: target prod has no connection "crn"; did you mean "crm"? (connection_missing)`,
		}},
		"key shapes": {`{"to":"crm.c","key":["a","a",1],"fields":"all"}`, []string{
			at + `.key[2]: must be text, not a number; unquoted digits are a number, and dbt reads 1:30 as 90: put the value in quotes (setting_invalid)`,
			at + `.key[1]: "a" stands twice (field_twice)`,
		}},
		"key map": {`{"to":"crm.c","key":{"id":["x"]},"fields":"all"}`, []string{
			at + `.key.id: must be text, not a list (setting_invalid)`,
		}},
		"no key": {`{"to":"crm.c","key":{},"fields":[]}`, []string{
			at + `.key: names no field (setting_invalid)`, at + `.fields: names no field (setting_invalid)`,
		}},
		"key is false": {`{"to":"crm.c","key":false,"fields":"all"}`, []string{
			at + `.key: must be text, not true or false; unquoted yes, no, on and off count as true or false: put the word in quotes (setting_invalid)`,
		}},
		"fields shapes": {`{"to":"crm.c","key":"id","fields":"everything"}`, []string{
			at + `.fields: must be the word all or none, a list or a map (setting_invalid)`,
		}},
		"field values": {`{"to":"crm.c","key":"id","fields":{"a":null,"b":7,"c":true,"d":["x"],"true":"x"}}`, []string{
			at + `.fields.a: must be the name of a column, not nothing; ~, null and everything after a # count as nothing: put the value in quotes (setting_invalid)`,
			at + `.fields.b: must be the name of a column, not a number; unquoted digits are a number, and dbt reads 1:30 as 90: put the value in quotes (setting_invalid)`,
			at + `.fields.c: must be the name of a column, not true or false; unquoted yes, no, on and off count as true or false: put the word in quotes (setting_invalid)`,
			at + `.fields.d: must be the name of a column, not a list (setting_invalid)`,
			at + `.fields.true: a field cannot be called true: unquoted yes, no, on, off and ~ become that (yaml_trap)`,
		}},
		"constants": {`{"to":"crm.c","key":"id","fields":{"a":{"value":null},"b":{"value":[1]},"c":{"value":1,"from":"x","nulls":"skip"},"d":{"value":1e999}}}`, []string{
			at + `.fields.a.value: is empty; ~, null and everything after a # count as nothing: put the value in quotes (setting_invalid)`,
			at + `.fields.b.value: must be one value, not a list (setting_invalid)`,
			at + `.fields.c: has both from and value (setting_invalid)`,
			at + `.fields.c.nulls: a constant is never null (setting_invalid)`,
			at + `.fields.d.value: is a number too large or too small to send (setting_invalid)`,
		}},
		"key field mapped again": {`{"to":"crm.c","key":{"email":"mail"},"fields":["email","name"]}`, []string{
			at + `.fields: "email" is part of the key and of the fields (field_twice)`,
		}},
		"words": {`{"to":"crm.c","key":"id","fields":"all","mode":"upsrt","first":"snd"}`, []string{
			at + `.mode: must be upsert, update, insert, mirror or append, not "upsrt"; did you mean "upsert"? (setting_invalid)`,
			at + `.first: must be send, compare or adopt, not "snd"; did you mean "send"? (setting_invalid)`,
		}},
		"limits": {`{"to":"crm.c","key":"id","fields":"all","max_rejected":0.01,"guards":{"deletes":"200%","creates":"many","rows":true,"keys":-1,"key":1}}`, []string{
			at + `.guards.deletes: is not a limit: a share is between 0% and 100% (setting_invalid)`,
			at + `.guards.creates: is not a limit (setting_invalid)`,
			at + `.guards.rows: is not a limit (setting_invalid)`,
			at + `.guards.keys: is not a limit (setting_invalid)`,
			at + `.guards.key: unknown key "key"; did you mean "keys"? (unknown_key)`,
			at + `.max_rejected: is not a limit: a share needs its percent sign (setting_invalid)`,
		}},
		"gate": {`{"to":"crm.c","key":"id","fields":"all","gate":{"scope":"run ","max_age":"1:30","tests":{"warns":1},
			"waive":[{"node":"t","until":"31.12.2026"},"x",{"node":"t","reason":"r","until":"2026-12-31","by":"me"}]}}`, []string{
			at + `.gate.scope: must be direct, run or strict, not "run "; did you mean "run"? (setting_invalid)`,
			at + `.gate.max_age: must be a duration such as 90m, 24h or 7d, not "1:30" (setting_invalid)`,
			at + `.gate.tests.warns: unknown key "warns"; did you mean "warn"? (unknown_key)`,
			at + `.gate.waive[0]: reason is missing (setting_missing)`,
			at + `.gate.waive[0].until: must be a day, not "31.12.2026" (setting_invalid)`,
			at + `.gate.waive[1]: must be a map, not text (setting_invalid)`,
			at + `.gate.waive[1]: node is missing (setting_missing)`,
			at + `.gate.waive[1]: reason is missing (setting_missing)`,
			at + `.gate.waive[1]: until is missing (setting_missing)`,
			at + `.gate.waive[2].by: unknown key "by" (unknown_key)`,
		}},
		"from": {`{"from":"export_custommers","to":"crm.c","key":"id","fields":"all"}`, []string{
			at + `.from: the exposure does not depend on "export_custommers"; did you mean "export_customers"? (export_missing)`,
		}},
		"syncs":           {`{"syncs":{}}`, []string{at + `.syncs: declares no sync (setting_missing)`}},
		"syncs is a list": {`{"syncs":[]}`, []string{at + `.syncs: must be a map, not a list (setting_invalid)`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p := shop("export_customers")
			expose(p, "x", tt.meta, "export_customers")
			set := job.Build(p, settings(t), job.Options{Target: "prod"})
			if len(set.Jobs) != 1 {
				t.Fatalf("%d jobs", len(set.Jobs))
			}
			equal(t, tt.want, problems(t, set.Jobs[0].Problems))
		})
	}
}

func TestProblemsWithTheExportModel(t *testing.T) {
	t.Parallel()

	const meta = `{"to":"crm.c","key":"id","fields":"all"}`
	const at = "exposure x: config.meta.exposync"
	tests := map[string]struct {
		models, depends []string
		disabled        string
		materialized    string
		want            string
	}{
		"none":      {models: []string{"dim"}, depends: []string{"dim"}, want: at + `: the exposure depends on no export model (export_missing)`},
		"several":   {models: []string{"export_b", "export_a"}, depends: []string{"export_b", "export_a"}, want: at + `: the exposure depends on several export models: export_a, export_b (export_ambiguous)`},
		"dangling":  {depends: []string{"export_a"}, want: at + `.from: export_a is not in the manifest (export_unreadable)`},
		"disabled":  {depends: []string{"export_a"}, disabled: "export_a", want: at + `.from: export_a is disabled (export_unreadable)`},
		"ephemeral": {models: []string{"export_a"}, depends: []string{"export_a"}, materialized: "ephemeral", want: at + `.from: export_a is ephemeral: there is nothing in the warehouse to read (export_unreadable)`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p := shop(tt.models...)
			for _, n := range p.Nodes {
				n.Path = "models/marts/" + n.Name + ".sql"
				if tt.materialized != "" {
					n.Materialized, n.RelationName = tt.materialized, ""
				}
			}
			if tt.disabled != "" {
				id := "model.shop." + tt.disabled
				p.Disabled[id] = disabled(id)
			}
			expose(p, "x", meta, tt.depends...)
			set := job.Build(p, settings(t), job.Options{Target: "prod"})
			equal(t, []string{tt.want}, problems(t, set.Jobs[0].Problems))
			equal(t, set.Jobs[0].Problems, set.Exposures[0].Problems)
		})
	}
}

func TestFaultsHaveTheLineOfTheYAML(t *testing.T) {
	t.Parallel()

	const file = `version: 2
exposures:
  - name: good
    config: {meta: {exposync: {from: export_orders, to: crm.c, key: id, fields: all}}}
  - name: old
    meta:
      exposync:
        from: export_orders
        to: crm.c
        key:
          id: id
        fields:
          since: {value: 1:30}
          flag:
            value: yes
          code: {value: 0123}
          rate: {value: 1.50}
          edited: {value: 7}
          plus: {value: +0.5}
          word: {value: "yes"}
          on: ok
  - name: split
    config:
      meta:
        exposync:
          max_rejected: 0.5
          syncs:
            a:
              to: crm.a
              key: id
              fields: all
            b:
              from: export_orders
              to: crm.b
              key: id
              fields: all
  - name: elsewhere
`
	metas := map[string]string{
		"good":      `{"from":"export_orders","to":"crm.c","key":"id","fields":"all"}`,
		"old":       `{"from":"export_orders","to":"crm.c","key":{"id":"id"},"fields":{"since":{"value":90},"flag":{"value":true},"code":{"value":83},"rate":{"value":1.5},"edited":{"value":5},"plus":{"value":0.5},"word":{"value":"yes"},"true":"ok"}}`,
		"split":     `{"max_rejected":0.5,"syncs":{"a":{"to":"crm.a","key":"id","fields":"all"},"b":{"from":"export_orders","to":"crm.b","key":"id","fields":"all"}}}`,
		"elsewhere": `{"from":"export_orders","to":"crm.c","key":"id"}`,
		"unwritten": `{"from":"export_orders","to":"crm.c","key":"id"}`,
	}
	set := fromYAML(t, shop("export_customers", "export_orders"), settings(t), "prod", file, metas)
	const path = "models/exports/_exports.yml"
	const limit = path + `:26: exposure split: max_rejected: is not a limit: a share needs its percent sign (setting_invalid)`
	want := map[string][]string{
		"good " + path + ":4": nil,
		"old " + path + ":7": {
			path + `:12: exposure old: fields.true: a field cannot be called true: unquoted yes, no, on, off and ~ become that (yaml_trap)`,
			path + `:13: exposure old: fields.since.value: dbt reads the unquoted 1:30 as 90 (yaml_trap)`,
			path + `:15: exposure old: fields.flag.value: dbt reads the unquoted yes as true (yaml_trap)`,
			path + `:16: exposure old: fields.code.value: dbt reads the unquoted 0123 as 83 (yaml_trap)`,
		},
		"split.a " + path + ":28": {
			limit,
			path + `:28: exposure split: syncs.a: the exposure depends on several export models: export_customers, export_orders (export_ambiguous)`,
		},
		"split.b " + path + ":32":                            {limit},
		"elsewhere " + path + ":37":                          {path + `:37: exposure elsewhere: fields is missing (setting_missing)`},
		"unwritten exposure unwritten: config.meta.exposync": {`exposure unwritten: config.meta.exposync: fields is missing (setting_missing)`},
	}
	got := map[string][]string{}
	for _, j := range set.Jobs {
		got[j.ID+" "+j.Where] = problems(t, j.Problems)
	}
	equal(t, want, got)
	for _, e := range set.Exposures {
		if e.Name == "split" {
			equal(t, []string{limit}, problems(t, e.Problems))
			equal(t, []string{"split.a", "split.b"}, e.Jobs)
		}
	}
}

func TestAFaultInOneSyncBlocksThatJobOnly(t *testing.T) {
	t.Parallel()

	p := shop("export_customers")
	expose(p, "x", `{"to":"crm.c","key":"id","syncs":{"good":{"fields":"all"},"bad":{"fields":"al"},"a.b":{"fields":"all"},"gated":{"fields":"all","gate":{}}}}`, "export_customers")
	set := job.Build(p, settings(t), job.Options{Target: "prod"})
	got := map[string][]string{}
	for _, j := range set.Jobs {
		got[j.ID] = problems(t, j.Problems)
	}
	const at = "exposure x: config.meta.exposync.syncs."
	equal(t, map[string][]string{
		"x.good":  nil,
		"x.bad":   {at + "bad.fields: must be the word all or none, a list or a map (setting_invalid)"},
		"x.a.b":   {at + "a.b: a sync's name has only letters, digits, _ and - (setting_invalid)"},
		"x.gated": {at + "gated.gate: one verdict counts for all syncs of an exposure (setting_invalid)"},
	}, got)
	equal(t, 0, len(set.Exposures[0].Problems))
}

func TestFaultsOfTheSetUpAreNotTheExposures(t *testing.T) {
	t.Parallel()

	const meta = `{"to":"crm.c","key":"id","fields":"all"}`
	missing := config.Default("exposync.yml")
	tests := map[string]struct {
		cfg    *config.Config
		target string
		want   []string
	}{
		"no exposync.yml":     {missing, "prod", []string{"exposync.yml: there is no exposync.yml, so nothing says where syncs go (config_missing)"}},
		"target not listed":   {settings(t), "staging", []string{"exposync.yml: target staging is not listed, so nothing is sent (target_not_configured)"}},
		"target not known":    {settings(t), "", nil},
		"connection nowhere":  {settings(t), "", nil},
		"production is never": {settings(t), "PROD", []string{"exposync.yml: target PROD is not listed, so nothing is sent (target_not_configured)"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p := shop("export_customers")
			expose(p, "x", meta, "export_customers")
			expose(p, "y", meta, "export_customers")
			set := job.Build(p, tt.cfg, job.Options{Target: tt.target})
			for _, j := range set.Jobs {
				equal(t, tt.want, problems(t, j.Problems))
				if tt.want != nil && j.Problems[0] != set.Jobs[0].Problems[0] {
					t.Error("a shared fault is not one pointer")
				}
			}
			for _, e := range set.Exposures {
				equal(t, 0, len(e.Problems))
			}
		})
	}
}

func TestOnlyApplicationsAreSynced(t *testing.T) {
	t.Parallel()

	p := shop("export_customers")
	expose(p, "x", `{"to":"crm.c","key":"id","fields":"all"}`, "export_customers").Type = "dashboard"
	expose(p, "plain", "", "export_customers").Type = "dashboard"
	set := job.Build(p, settings(t), job.Options{Target: "prod"})
	equal(t, 1, len(set.Jobs))
	equal(t, []string{`exposure x: config.meta.exposync: is of type dashboard: only application exposures are synced (not_application)`},
		problems(t, set.Jobs[0].Problems))
}

func TestTwoJobsWithOneNameAreBothRefused(t *testing.T) {
	t.Parallel()

	p := shop("export_customers")
	expose(p, "x", `{"to":"crm.c","key":"id","syncs":{"a":{"fields":"all"}}}`, "export_customers")
	expose(p, "x.a", `{"to":"crm.d","key":"id","fields":"all"}`, "export_customers")
	set := job.Build(p, settings(t), job.Options{Target: "prod"})
	for _, j := range set.Jobs {
		got := strings.Join(problems(t, j.Problems), "")
		if !strings.Contains(got, "a second sync is called x.a") {
			t.Errorf("%s at %s: %q", j.ID, j.Where, got)
		}
	}
}

// A misspelt connection is refused in the sandbox too: it would fail in
// production otherwise, after all looked well in dev.
func TestASandboxKnowsTheConnectionsOfOtherTargets(t *testing.T) {
	t.Parallel()

	p := shop("export_customers")
	expose(p, "x", `{"to":"crn.contacts","key":"id","fields":"all"}`, "export_customers")
	set := job.Build(p, settings(t), job.Options{Target: "dev"})
	equal(t, []string{`exposure x: config.meta.exposync.to: target dev has no connection "crn"; did you mean "crm"? (connection_missing)`},
		problems(t, set.Jobs[0].Problems))
}

// Rows are read from what dbt builds, not from a source or a metric that
// happens to have the name.
func TestFromIsNoSource(t *testing.T) {
	t.Parallel()

	p := shop()
	p.Nodes["source.shop.raw.users"] = &dbt.Node{
		UniqueID: "source.shop.raw.users", ResourceType: "source", Name: "users", RelationName: "raw.users",
	}
	e := expose(p, "x", `{"from":"users","to":"crm.c","key":"id","fields":"all"}`)
	e.DependsOn = []string{"source.shop.raw.users"}
	set := job.Build(p, settings(t), job.Options{Target: "prod"})
	equal(t, []string{`exposure x: config.meta.exposync.from: the exposure does not depend on "users" (export_missing)`},
		problems(t, set.Jobs[0].Problems))
}

// Paths of an installed package start at the package: a file of the project
// with the same path is another file.
func TestExposuresOfPackagesHaveNoLines(t *testing.T) {
	t.Parallel()

	p := shop("export_customers")
	expose(p, "x", `{"to":"crm.c","key":"id"}`, "export_customers").Package = "other"
	set := job.Build(p, settings(t), job.Options{Target: "prod", Files: func(string) ([]byte, error) {
		return []byte("exposures: [{name: x, config: {meta: {exposync: {}}}}]"), nil
	}})
	equal(t, "exposure x: config.meta.exposync", set.Jobs[0].Where)
}

// Up to 1.9 dbt wants meta beside config, and the place says so.
func TestThePlaceOfMetadataFollowsTheVersion(t *testing.T) {
	t.Parallel()

	for version, want := range map[string]string{
		"1.9.11": "meta.exposync", "0.21.0": "meta.exposync", "1.10.0": "config.meta.exposync",
		"2.0.0-alpha.4": "config.meta.exposync", "": "config.meta.exposync",
	} {
		p := shop("export_customers")
		p.DBTVersion = version
		expose(p, "x", `{"to":"crm.c","key":"id","fields":"all"}`, "export_customers")
		set := job.Build(p, settings(t), job.Options{Target: "prod"})
		equal(t, "exposure x: "+want, set.Jobs[0].Where)
	}
}
