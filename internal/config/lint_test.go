package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/config"
)

func TestLint(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("exposync.yml", []byte("lint:\n  fail_on: warning\n  rules:\n    export_heavy: off\n    exposure_no_url: error\n"), config.Types{})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Lint{FailOn: "warning", Rules: map[string]config.LintRule{
		"export_heavy": {Level: "off", Where: "exposync.yml:4"}, "exposure_no_url": {Level: "error", Where: "exposync.yml:5"},
	}}
	if diff := cmp.Diff(want, c.Lint); diff != "" {
		t.Errorf("Lint mismatch (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"export_heavy", "exposure_no_url"}, c.Lint.Codes()); diff != "" {
		t.Errorf("Codes() mismatch (-want +got):\n%s", diff)
	}
	for text, says := range map[string]string{
		"lint: {rules: {export_heavy: no}}": "off, info, warning or error", "lint: {fail_on: info}": "error or warning", "lint: {rule: {}}": `unknown key "rule"`,
	} {
		if _, err := config.Parse("exposync.yml", []byte(text), config.Types{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("Parse(%q) says %v, want %q", text, err, says)
		}
	}
	if c := config.Default("exposync.yml"); c.Lint.FailOn != "error" || len(c.Lint.Rules) != 0 {
		t.Errorf("the default is %+v", c.Lint)
	}
}
