package config_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"exposync/internal/config"
	"exposync/internal/fault"
)

func TestLoadWithoutAFileHasTheDefaults(t *testing.T) {
	t.Parallel()

	c, err := config.Load(filepath.Join(t.TempDir(), config.FileName), types())
	if err != nil {
		t.Fatal(err)
	}
	if !c.Missing || len(c.Targets) != 0 || c.Ledger.Dir != ".exposync" {
		t.Errorf("Load() = %+v", c)
	}
	if !c.Exports.Has("export_a", "models/a/export_a.sql", nil) || c.Exports.Has("dim_a", "models/a/dim_a.sql", nil) {
		t.Errorf("exports = %+v", c.Exports)
	}
}

func TestLoadReadsTheFile(t *testing.T) {
	t.Parallel()

	file := filepath.Join(t.TempDir(), config.FileName)
	for content, code := range map[string]string{
		"":                       "",
		"# nothing yet\n":        "",
		"targets: {dev: sandbox": "yaml_syntax",
		"- targets":              "setting_invalid",
		"targets:\n":             "setting_invalid",
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(file, types())
		if code == "" && (err != nil || c.Missing) || code != "" && !fault.Is(err, code) {
			t.Errorf("Load(%q) = %v, want %q", content, err, code)
		}
	}
	if _, err := config.Load(t.TempDir(), types()); !fault.Is(err, "config_unreadable") {
		t.Errorf("Load(a folder) = %v", err)
	}
}

func TestOneConnectionHasOneType(t *testing.T) {
	t.Parallel()

	_, got := parse(t, `
targets:
  b:
    connections: {crm: {type: file, path: x}}
  a:
    connections: {crm: {type: http, url: x}}
  dev: sandbox
`)
	want := "exposync.yml:4: targets.b.connections.crm: is of type file here, but of type http at exposync.yml:6 (connection_type_differs)"
	if len(got) != 1 || got[0] != want {
		t.Errorf("problems = %q, want %q", got, want)
	}
}

func TestASandboxAloneTakesEveryConnection(t *testing.T) {
	t.Parallel()

	c, problems := parse(t, "targets:\n  dev: {sandbox: true, schemas: [crm]}\n")
	if problems != nil {
		t.Fatal(problems)
	}
	got, ok := c.Connection("dev", "crm")
	if !ok || !got.Sandbox || got.Type != "crm" || got.Name != "crm" {
		t.Errorf("Connection() = %+v, %t", got, ok)
	}
	if _, ok := c.Connection("prod", "crm"); ok {
		t.Error("a target that is not listed has a connection")
	}
}

func TestATargetWithoutConnectionsHasNone(t *testing.T) {
	t.Parallel()

	c, problems := parse(t, "targets:\n  prod: {}\n  dev: sandbox\n")
	if problems != nil {
		t.Fatal(problems)
	}
	if got, ok := c.Connection("prod", "crm"); ok {
		t.Errorf("Connection(prod) = %+v", got)
	}
}

func TestExportsHas(t *testing.T) {
	t.Parallel()

	e := config.Exports{Prefix: "export_", Paths: []string{"models/exports"}, Tag: "export"}
	tests := []struct {
		name, path string
		tags       []string
		want       bool
	}{
		{"export_a", "models/marts/export_a.sql", nil, true},
		{"a", "models/exports/crm/a.sql", nil, true},
		{"a", `models\exports\a.sql`, nil, true},
		{"a", "models/exports_old/a.sql", nil, false},
		{"a", "models/marts/a.sql", []string{"x", "export"}, true},
		{"exported", "models/marts/a.sql", []string{"x"}, false},
	}
	for _, tt := range tests {
		if got := e.Has(tt.name, tt.path, tt.tags); got != tt.want {
			t.Errorf("Has(%q, %q, %q) = %t", tt.name, tt.path, tt.tags, got)
		}
	}
}

func TestParseDuration(t *testing.T) {
	t.Parallel()

	for text, want := range map[string]time.Duration{
		"24h": 24 * time.Hour, "90m": 90 * time.Minute, "7d": 168 * time.Hour, "1w": 168 * time.Hour,
		"1d12h": 36 * time.Hour, "1h30m15s": time.Hour + 30*time.Minute + 15*time.Second,
	} {
		if got, ok := config.ParseDuration(text); !ok || got != want {
			t.Errorf("ParseDuration(%q) = %s, %t", text, got, ok)
		}
	}
	for _, text := range []string{
		"", "24", "h", "1:30", "-1h", "1.5h", "0h", "0", "1h1h", "30m1h", "1y", "24 h", "9999999999w", "99999999999999999999h",
	} {
		if got, ok := config.ParseDuration(text); ok {
			t.Errorf("ParseDuration(%q) = %s, want none", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("targets: {dev: sandbox, prod: {connections: {crm: {type: http, url: x, token: \"{{ env_var('T') }}\"}}}}")
	f.Add("gate: {tests: {warn: block}}\nexports: {paths: [a]}\nledger: {dir: x}")
	f.Add("targets: {a: {connections: {b: {type: http, headers: {x: [1]}, ops: [{a: {b: null}}]}}}}")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := config.Parse("exposync.yml", []byte(text), types())
		if (c == nil) == (err == nil) {
			t.Errorf("Parse() = %v, %v", c, err)
		}
		for _, f := range fault.All(err) {
			if _, ok := fault.Explain(f.Code); !ok && f.Code != "yaml_syntax" && f.Code != "yaml_duplicate_key" {
				t.Errorf("code %s has no page", f.Code)
			}
		}
	})
}
