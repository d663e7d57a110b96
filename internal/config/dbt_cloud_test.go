package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/fault"
	"exposync/internal/secret"
)

func TestDBTCloud(t *testing.T) {
	t.Parallel()
	c, problems := parse(t, `targets: {}
dbt_cloud:
  host: abc123.us1.dbt.com
  account: 70403103922125
  job: "{{ env_var('JOB') }}"
  project: 11
  token: "{{ env_var('DBT_CLOUD_TOKEN') }}"
`)
	if problems != nil || !c.DBTCloud.Set() || c.DBTCloud.Where != "exposync.yml:2" {
		t.Fatalf("%+v, %v", c, problems)
	}
	var redactor secret.Redactor
	env := map[string]string{"JOB": "456", "DBT_CLOUD_TOKEN": "dbtc_canary"}
	resolver := secret.Resolver{Redactor: &redactor, Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	got, err := c.DBTCloud.Access(t.Context(), resolver)
	if err != nil || got.Base != "https://abc123.us1.dbt.com" || got.Account != 70403103922125 || got.Job != 456 || got.Project != 11 || got.Token.Reveal() != "dbtc_canary" {
		t.Errorf("Access() = %s %d %d %d, %v", got.Base, got.Account, got.Job, got.Project, err)
	}
	if text := redactor.Redact("as dbtc_canary"); text != "as ***" {
		t.Errorf("a message shows %q", text)
	}
	for value, want := range map[string]string{"0": "number above 0", "x": "whole number", "-1": "number above 0", "": "number"} {
		env["JOB"] = value
		_, err := c.DBTCloud.Access(t.Context(), resolver)
		if value == "" && err == nil {
			continue // as if it were not set
		}
		if err == nil || !strings.Contains(err.Error(), want) || fault.All(err)[0].Where != "exposync.yml:5" {
			t.Errorf("job %q: %v", value, err)
		}
	}
	if c, _ := parse(t, "targets: {}\n"); c.DBTCloud.Set() {
		t.Error("a file without the block has one")
	}
}

func TestDBTCloudMistakes(t *testing.T) {
	t.Parallel()
	const rest = `, account: 1, token: "{{ env_var('T') }}"}`
	tests := map[string][]string{
		`{host: "https://cloud.getdbt.com/"` + rest:       nil,
		`{host: "http://127.0.0.1:8080"` + rest:           nil,
		`{host: "{{ env_var('HOST') }}"` + rest:           nil,
		`{host: "http://cloud.getdbt.com"` + rest:         {"dbt_cloud.host: must be the name of a host alone (setting_invalid)"},
		`{host: cloud.getdbt.com/deploy/1` + rest:         {"dbt_cloud.host: must be the name of a host alone (setting_invalid)"},
		`{host: "me@cloud.getdbt.com"` + rest:             {"dbt_cloud.host: must be the name of a host alone (setting_invalid)"},
		`{host: h, account: 0, token: "file:t"}`:          {"dbt_cloud.account: must be a number above 0 (setting_invalid)"},
		`{host: h, account: acme, token: "file:t"}`:       {"dbt_cloud.account: must be a whole number (setting_invalid)"},
		`{host: h, account: 1, token: dbtc_x}`:            {"dbt_cloud.token: holds a secret and has to be a reference, not the value itself (secret_literal)"},
		`{account: 1, token: "file:t"}`:                   {"dbt_cloud: host is missing: the access URL of the account, such as abc123.us1.dbt.com (setting_missing)"},
		`{host: h, account: 1, token: "file:t", jobs: 1}`: {`dbt_cloud: unknown key "jobs"; did you mean "job"? (unknown_key)`},
		`abc`: {"dbt_cloud: must be a map, not text (setting_invalid)"},
	}
	for text, want := range tests {
		_, got := parse(t, "dbt_cloud: "+text+"\n")
		for i := range got {
			got[i] = strings.TrimPrefix(got[i], "exposync.yml:1: ")
		}
		if !cmp.Equal(want, got) {
			t.Errorf("%s: problems mismatch (-want +got):\n%s", text, cmp.Diff(want, got))
		}
	}
}
