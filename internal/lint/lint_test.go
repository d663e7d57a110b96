package lint

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/config"
	"exposync/internal/plan"
)

// What lint says about the shop, for every version of dbt that read it. The
// golden is to be read: each line has to be right.
func TestShop(t *testing.T) {
	t.Parallel()
	engines, err := os.ReadDir("../../fixtures/dbt/artifacts")
	if err != nil || len(engines) < 8 {
		t.Fatalf("%d engines, %v", len(engines), err)
	}
	var b strings.Builder
	for _, engine := range engines {
		b.WriteString("== " + engine.Name() + "\n")
		for _, f := range Check(scene{engine: engine.Name()}.input(t)).Findings {
			b.WriteString(placed(f) + ": " + string(f.Severity) + ": " + f.Message + "\n")
		}
	}
	golden(t, "testdata/shop.golden", b.String())
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s mismatch (-want +got):\n%s", file, diff)
	}
}

func TestSeverities(t *testing.T) {
	t.Parallel()
	in := one("depends_on: []").input(t)
	in.Config.Lint.Rules = map[string]config.LintRule{"exposure_no_parents": {Level: config.LintInfo}, "exposure_no_owner": {Level: config.LintOff}}
	got := Check(in)
	if f := found(got, "exposure_no_parents"); len(f) != 1 || f[0].Severity != plan.SeverityInfo {
		t.Errorf("exposure_no_parents is %+v, want a note", f)
	}
	if f := found(got, "exposure_no_owner"); len(f) != 0 {
		t.Errorf("exposure_no_owner is off, and found %+v", f)
	}
}

// Without a manifest lint still speaks, and says what it could not check.
func TestNotRun(t *testing.T) {
	t.Parallel()
	r := Check(one("depends_on: []").input(t))
	if len(r.Findings) == 0 {
		t.Error("nothing was found")
	}
	why := map[string]string{}
	for _, n := range r.NotRun {
		why[n.Code] = n.Why
	}
	for _, rule := range Rules() {
		_, skipped := why[rule.Code]
		if needs := rule.needs&(needManifest|needVersion) != 0; needs != skipped {
			t.Errorf("%s: needs a manifest is %t, not run is %t", rule.Code, needs, skipped)
		}
	}
	if len(Check(Input{}).NotRun) <= len(r.NotRun) {
		t.Error("without any file as many rules run as with one")
	}
}

func TestIgnored(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scene   scene
		ignored bool
	}{
		"for good":            {ours(`ignore: [{check: exposure_no_owner, reason: it is nobody's}]`), true},
		"up to today":         {ours(`ignore: [{check: exposure_no_owner, reason: soon, until: "2026-11-01"}]`), true},
		"up to yesterday":     {ours(`ignore: [{check: exposure_no_owner, reason: soon, until: "2026-10-31"}]`), false},
		"without a reason":    {ours(`ignore: [{check: exposure_no_owner}]`), false},
		"another check":       {ours(`ignore: [{check: exposure_no_url, reason: x}]`), false},
		"a comment beside":    {scene{yaml: "exposures:\n  - name: a # exposync: ignore exposure_no_owner it is nobody's\n    type: application\n"}, true},
		"a comment above":     {scene{yaml: "exposures:\n  # exposync: ignore exposure_no_owner it is nobody's\n  - name: a\n    type: application\n"}, true},
		"one without why":     {scene{yaml: "exposures:\n  - name: a # exposync: ignore exposure_no_owner\n    type: application\n"}, false},
		"the item before":     {scene{yaml: "exposures:\n  - {name: b, type: ml} # exposync: ignore exposure_no_owner it is nobody's\n  - name: a\n    type: application\n"}, false},
		"the line above":      {scene{yaml: "exposures:\n  - type: application # exposync: ignore exposure_no_owner it is nobody's\n    name: a\n"}, true},
		"one of another line": {scene{yaml: "# exposync: ignore exposure_no_owner why\nexposures:\n  - name: a\n    type: application\n"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := c.scene.input(t)
			in.Only = []string{"exposure_no_owner"}
			r := Check(in)
			if got := len(r.Findings) == 0; got != c.ignored || (r.Ignored == 1) != c.ignored {
				t.Errorf("ignored is %t with %d counted, want %t", got, r.Ignored, c.ignored)
			}
		})
	}
}

// What is written counts, not what dbt read before: a stale manifest raises no
// false alarm about an exposure.
func TestTheFileWins(t *testing.T) {
	t.Parallel()
	s := scene{
		replace: []string{"    depends_on:\n      - ref('export_invoices')", "    url: https://erp.example.com/\n    depends_on:\n      - ref('export_invoices')"},
	}
	for _, f := range found(Check(s.input(t)), "exposure_no_url") {
		if strings.Contains(f.Subject, "finance_erp_export") {
			t.Errorf("it has a url, and lint says: %s", f.Message)
		}
	}
	gone := scene{replace: []string{"  - name: ops_tool\n", "  - name: other_tool\n"}}
	for _, f := range Check(gone.input(t)).Findings {
		if strings.Contains(f.Subject, "ops_tool") {
			t.Errorf("it is not in the file any more, and lint says: %s: %s", placed(f), f.Message)
		}
	}
}

// No finding ever holds a secret: neither its message nor what it proposes.
func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	secrets := []string{
		"AKIA" + "ABCDEFGHIJKLMNOP", "ghp_" + strings.Repeat("a1", 20), "xoxb-" + "123456789012-abcdefgh", "sk_live_" + strings.Repeat("a1", 12),
		"pat-na1-" + "12345678-1234-1234-1234-123456789012", "https://hooks.slack.com/services/" + "T0AAAAAAA/B0AAAAAAA/abcdefghijklmnop",
		"postgres://ada:" + "hunter2hunter2@db.example.com/x", "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdefghijklmnop",
		"-----BEGIN RSA PRIVATE " + "KEY-----", "glpat-" + strings.Repeat("a1", 10), "AIza" + strings.Repeat("a", 35),
		"dapi" + strings.Repeat("0a", 16), "https://x.example.com/?token=" + strings.Repeat("a1", 10), "Bearer " + strings.Repeat("a1", 12),
	}
	for _, secret := range secrets {
		in := one(`description: "see ` + secret + `"`).input(t)
		in.Only = []string{"secret_in_meta"}
		got := Check(in).Findings
		if len(got) != 1 {
			t.Errorf("%d findings for %.12s…, want 1", len(got), secret)
		}
		for _, f := range got {
			if shown := f.Message + f.Fix + f.Column; strings.Contains(shown, secret) || strings.Contains(shown, secret[8:]) {
				t.Errorf("the finding shows %.12s…", secret)
			}
		}
	}
	in := one("config: {meta: {exposync: {to: a.b}, api_token: \"{{ env_var('X') }}\", nested: [{client_secret: hunter2hunter2}]}}").input(t)
	in.Only = []string{"secret_in_meta"}
	if got := Check(in).Findings; len(got) != 1 || !strings.Contains(got[0].Message, "env_var") || strings.Contains(got[0].Message, "hunter2") {
		t.Errorf("found %+v, want the line once, for env_var", got)
	}
	for _, fine := range []string{"see the pat-tern of sk-etch", "https://app.hightouch.com/acme/syncs/42606", "mailto:a@example.com", "postgres://{{ env_var('U') }}:{{ env_var('P') }}@db/x", "https://x.example.com/?key=abc", "Basic customer information for everybody"} {
		in := one(`description: "`+fine+`"`, `meta: {tier: "`+fine+`"}`).input(t)
		in.Only = []string{"secret_in_meta"}
		if got := Check(in).Findings; len(got) > 0 {
			t.Errorf("%q is taken for a secret: %s", fine, got[0].Message)
		}
	}
}

// A job's fault is not told twice where a rule explains what YAML made of it.
func TestTrapsExplainFaults(t *testing.T) {
	t.Parallel()
	s := scene{
		replace: []string{"exposync: {to: crm.contacts, key: email, fields: all}", "exposync: {to: crm.contacts, key: email, fields: {country: {value: no}}}"},
		edit: func(m manifest) {
			m.declare("email_crm_export", map[string]any{"to": "crm.contacts", "key": "email", "fields": map[string]any{"country": map[string]any{"value": false}}})
		},
	}
	var got []string
	for _, f := range Check(s.input(t)).Findings {
		if f.Line == 165 {
			got = append(got, f.Code)
		}
	}
	if !slices.Equal(got, []string{"yaml_word"}) {
		t.Errorf("found %v on the line, want yaml_word alone", got)
	}
}
