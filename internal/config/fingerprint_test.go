package config_test

import (
	"testing"

	"exposync/internal/config"
)

func TestFingerprintChangesWithWhatIsWritten(t *testing.T) {
	t.Parallel()
	fingerprint := func(t *testing.T, crm string) string {
		t.Helper()
		c, err := config.Parse("exposync.yml", []byte("targets: {prod: {connections: {crm: "+crm+"\n}}, dev: sandbox}"), types())
		if err != nil {
			t.Fatal(err)
		}
		conn, _ := c.Connection("prod", "crm")
		if dev, _ := c.Connection("dev", "crm"); dev.Fingerprint() != "" {
			t.Error("a sandbox has no settings, but a fingerprint")
		}
		return conn.Fingerprint()
	}
	const written = `{type: http, url: "{{ env_var('CRM_URL') }}", token: "{{ env_var('TOKEN') }}", headers: {a: b, c: d}}`
	was := fingerprint(t, written)
	for name, tt := range map[string]struct {
		crm  string
		same bool
	}{
		"as it was":         {written, true},
		"order and quotes":  {`{headers: {"c": d, a: "b"}, token: "{{ env_var('TOKEN') }}", url: "{{ env_var('CRM_URL') }}", type: "http"} # x`, true},
		"another variable":  {`{type: http, url: "{{ env_var('CRM2_URL') }}", token: "{{ env_var('TOKEN') }}", headers: {a: b, c: d}}`, false},
		"another header":    {`{type: http, url: "{{ env_var('CRM_URL') }}", token: "{{ env_var('TOKEN') }}", headers: {a: b, c: e}}`, false},
		"a header less":     {`{type: http, url: "{{ env_var('CRM_URL') }}", token: "{{ env_var('TOKEN') }}", headers: {a: b}}`, false},
		"expects somebody":  {`{type: http, url: "{{ env_var('CRM_URL') }}", token: "{{ env_var('TOKEN') }}", headers: {a: b, c: d}, expect: {account: x}}`, false},
		"moved texts about": {`{type: http, url: "{{ env_var('CRM_URL') }}", token: "{{ env_var('TOKEN') }}", headers: {a: "b,c:d"}}`, false},
	} {
		if got := fingerprint(t, tt.crm) == was; got != tt.same {
			t.Errorf("%s: same fingerprint %t, want %t", name, got, tt.same)
		}
	}
}
