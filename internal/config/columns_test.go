package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/config"
)

func TestColumns(t *testing.T) {
	t.Parallel()
	c, problems := parse(t, `
samples: {default: show}
columns: {"*Email*": mask, "email_*": hash, Country: show, "id?": hash}
`)
	if problems != nil {
		t.Fatal(problems)
	}
	if c.Columns.Default != "show" || c.Columns.Named("COUNTRY") != "show" || c.Columns.Named("email") != "" {
		t.Errorf("%+v", c.Columns)
	}
	for column, want := range map[string]string{"EMAIL": "mask", "email_hash": "mask", "id1": "hash", "id": "", "country": ""} {
		if got := c.Columns.Matched(column); got != want {
			t.Errorf("Matched(%s) = %q, want %q", column, got, want)
		}
	}
	if d := config.Default("exposync.yml").Columns.Default; d != "mask" {
		t.Errorf("without a file, samples show %q", d)
	}
}

func TestColumnsProblems(t *testing.T) {
	t.Parallel()
	_, got := parse(t, `
samples:
  default: shwo
  size: 3
columns:
  email: msak
  "[a": mask
  name: true
  other: {mask: true}
`)
	want := []string{
		`exposync.yml:3: samples.default: must be mask, hash or show, not "shwo"; did you mean "show"? (setting_invalid)`,
		`exposync.yml:4: samples: unknown key "size" (unknown_key)`,
		`exposync.yml:6: columns.email: must be mask, hash or show, not "msak"; did you mean "mask"? (setting_invalid)`,
		`exposync.yml:7: columns.[a: is no pattern of column names (setting_invalid)`,
		`exposync.yml:8: columns.name: must be mask, hash or show, not true or false; unquoted yes, no, on and off count as true or false: put the word in quotes (setting_invalid)`,
		`exposync.yml:9: columns.other: must be mask, hash or show, not a map (setting_invalid)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems mismatch (-want +got):\n%s", diff)
	}
}
