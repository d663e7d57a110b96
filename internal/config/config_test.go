package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/config"
	"exposync/internal/fault"
)

// types are small stand-ins for the connectors' own declarations.
func types() config.Types {
	return config.Types{
		"postgres": {
			{Name: "url", Secret: true, Doc: "the connection string"},
			{Name: "host", Required: true, Unless: "url", Doc: "the server"},
			{Name: "port", Kind: config.Int, Default: "5432"},
			{Name: "password", Secret: true},
			{Name: "connect_timeout", Kind: config.Duration, Default: "10s"},
		},
		"file": {
			{Name: "path", Required: true, Doc: "the folder that the files appear in"},
			{Name: "format", Kind: config.Choice, Choices: []string{"csv", "ndjson"}, Default: "csv"},
			{Name: "header", Kind: config.Bool, Default: "true"},
		},
		"http": {
			{Name: "url", Required: true, Doc: "where the API is"},
			{Name: "token", Secret: true},
			{Name: "headers", Kind: config.Map},
			{Name: "ops", Kind: config.Tree},
		},
	}
}

func parse(t *testing.T, text string) (*config.Config, []string) {
	t.Helper()
	c, err := config.Parse("exposync.yml", []byte(text), types())
	var lines []string
	for _, f := range fault.All(err) {
		if _, ok := fault.Explain(f.Code); !ok {
			t.Errorf("code %s has no page", f.Code)
		}
		if f.Hint == "" || f.Where == "" {
			t.Errorf("no hint or place: %+v", f)
		}
		lines = append(lines, f.Error())
	}
	return c, lines
}

func TestParseReadsEverySetting(t *testing.T) {
	t.Parallel()

	c, problems := parse(t, `
targets:
  prod:
    schemas: [crm, finance]
    connections:
      crm: {type: http, url: "https://crm.example.com", token: "{{ env_var('CRM_TOKEN') }}", expect: {account: 00123}}
      postgres: {host: db.example.com, password: file:/run/secrets/db}
      erp: {type: file, path: out}
  dev: sandbox
ledger: {dir: state/.exposync}
gate:
  scope: strict
  max_age: 1d12h
  skip_if_unchanged: true
  tests: {warn: block, require: false}
exports: {prefix: out_, paths: models/out/, tag: export}
`)
	if problems != nil {
		t.Fatalf("Parse() problems: %q", problems)
	}
	yes, no := true, false
	wantGate := config.Gate{
		Scope: "strict", MaxAge: 36 * time.Hour, SkipIfUnchanged: &yes,
		Tests: config.GateTests{Warn: "block", Require: &no},
	}
	if diff := cmp.Diff(wantGate, c.Gate); diff != "" {
		t.Errorf("gate mismatch (-want +got):\n%s", diff)
	}
	wantExports := config.Exports{Prefix: "out_", Paths: []string{"models/out"}, Tag: "export"}
	if diff := cmp.Diff(wantExports, c.Exports); diff != "" {
		t.Errorf("exports mismatch (-want +got):\n%s", diff)
	}
	if c.Ledger.Dir != "state/.exposync" || c.Missing || c.File != "exposync.yml" {
		t.Errorf("ledger %q, missing %t, file %q", c.Ledger.Dir, c.Missing, c.File)
	}
	if diff := cmp.Diff([]string{"crm", "finance"}, c.Targets["prod"].Schemas); diff != "" {
		t.Errorf("schemas mismatch (-want +got):\n%s", diff)
	}
	var got []string
	for _, target := range []string{"prod", "dev", "ci"} {
		for _, name := range []string{"crm", "postgres", "erp"} {
			if conn, ok := c.Connection(target, name); ok {
				got = append(got, strings.Join([]string{target, conn.Name, conn.Type, conn.Account, conn.Where}, " "))
				if conn.Sandbox != (target == "dev") {
					t.Errorf("%s.%s: sandbox = %t", target, name, conn.Sandbox)
				}
			}
		}
	}
	want := []string{
		"prod crm http 00123 exposync.yml:6",
		"prod postgres postgres  exposync.yml:7",
		"prod erp file  exposync.yml:8",
		"dev crm http  exposync.yml:9",
		"dev postgres postgres  exposync.yml:9",
		"dev erp file  exposync.yml:9",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("connections mismatch (-want +got):\n%s", diff)
	}
}

func TestParseCollectsProblemsWithTheirLines(t *testing.T) {
	t.Parallel()

	_, got := parse(t, `
target: {}
targets:
  prod:
    conections: {}
    connections:
      crm: {type: htp, token: abc}
      desk: {type: postgres, password: hunter2, port: many}
      store: {url: "postgres://x"}
      erp: {type: file, path: out, format: cvs, header: yes}
      api:
        type: http
        url: "https://me:hunter2@api.example.com"
        headers: {X-Api-Key: hunter2, Accept: application/json, X-Note: 1}
        ops: {upsert: {request: {headers: {Authorization: Bearer hunter2}}}}
      hubspot:
  qa:
    sandbox: true
    connections: {crm: {type: http, url: x}}
  dev: sandbx
ledger: {keep_values: true}
gate: {scope: stric, max_age: 24, views: true, waive: [], hooks: {start: warn}}
exports: {paths: [models/a, 1]}
sandbox: {}
`)
	want := []string{
		`exposync.yml:2: unknown key "target"; did you mean "targets"? (unknown_key)`,
		`exposync.yml:5: targets.prod: unknown key "conections"; did you mean "connections"? (unknown_key)`,
		`exposync.yml:7: targets.prod.connections.crm.type: no connector has the type "htp"; did you mean "http"? (connection_type_unknown)`,
		`exposync.yml:8: targets.prod.connections.desk: host is missing: the server (setting_missing)`,
		`exposync.yml:8: targets.prod.connections.desk.port: must be a whole number (setting_invalid)`,
		`exposync.yml:8: targets.prod.connections.desk.password: holds a secret and has to be a reference, not the value itself (secret_literal)`,
		`exposync.yml:9: targets.prod.connections.store: has no type, and no connector is called "store" (connection_type_unknown)`,
		`exposync.yml:10: targets.prod.connections.erp.format: must be csv or ndjson; did you mean "csv"? (setting_invalid)`,
		`exposync.yml:10: targets.prod.connections.erp.header: must be true or false (setting_invalid)`,
		`exposync.yml:13: targets.prod.connections.api.url: holds a secret and has to be a reference, not the value itself (secret_literal)`,
		`exposync.yml:14: targets.prod.connections.api.headers.X-Api-Key: holds a secret and has to be a reference, not the value itself (secret_literal)`,
		`exposync.yml:15: targets.prod.connections.api.ops.upsert.request.headers.Authorization: holds a secret and has to be a reference, not the value itself (secret_literal)`,
		`exposync.yml:16: targets.prod.connections.hubspot: must be a map, not nothing (setting_invalid)`,
		`exposync.yml:19: targets.qa.connections: a sandbox target has no connections of its own (setting_invalid)`,
		`exposync.yml:20: targets.dev: must be the word sandbox or a map with connections; did you mean "sandbox"? (setting_invalid)`,
		`exposync.yml:21: ledger: "keep_values" does not act in this version (unknown_key)`,
		`exposync.yml:22: gate.scope: must be direct, run or strict, not "stric"; did you mean "strict"? (setting_invalid)`,
		`exposync.yml:22: gate.max_age: must be a duration such as 90m, 24h or 7d, not a number without a unit; dbt reads an unquoted 1:30 as the number 90 (setting_invalid)`,
		`exposync.yml:22: gate.views: must be transparent or require, not true or false; unquoted yes, no, on and off count as true or false: put the word in quotes (setting_invalid)`,
		`exposync.yml:22: gate.waive: a test is waived for one exposure, in its metadata (unknown_key)`,
		`exposync.yml:23: exports.paths[1]: must be text, not a number; unquoted digits are a number, and dbt reads 1:30 as 90: put the value in quotes (setting_invalid)`,
		`exposync.yml:24: "sandbox" does not act in this version (unknown_key)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems mismatch (-want +got):\n%s", diff)
	}
}
