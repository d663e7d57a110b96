package hosted

import (
	"os"
	"strings"
	"testing"
)

// The page of hosted tools tells every setting of every tool, in the tool's own
// section or among those that all have.
func TestDocsTellEverySetting(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/hosted-tools.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(page), "\n### ")
	sections := map[string]string{}
	for _, k := range Kinds() {
		name := map[string]string{"census": "Fivetran Activations (Census)", "multiwoven": "Multiwoven (AI Squared)", "webhook": "Any other service: `webhook`"}[k.Name]
		if name == "" {
			name = k.Title
		}
		for _, p := range parts[1:] {
			if title, _, _ := strings.Cut(p, "\n"); title == name {
				sections[k.Name] = p
			}
		}
		if sections[k.Name] == "" {
			t.Errorf("%s has no section", k.Name)
		}
		for _, p := range k.Params {
			if !strings.Contains(sections[k.Name], "`"+p.Name+"`") && !strings.Contains(parts[0], "`"+p.Name) {
				t.Errorf("%s: the page does not tell %s", k.Name, p.Name)
			}
			if p.Doc == "" || !strings.HasSuffix(p.Doc, ".") {
				t.Errorf("%s: %s has no sentence: %q", k.Name, p.Name, p.Doc)
			}
			if p.Secret && p.Default != "" {
				t.Errorf("%s: the secret %s has a default", k.Name, p.Name)
			}
		}
	}
}

// Settings are checked before anything is called.
func TestSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind   string
		params map[string]string
		want   string
	}{
		"no token":          {"hightouch", map[string]string{}, "exposync.yml:4: connection crm needs token: API key of the workspace (Settings, API keys). (param_missing)"},
		"a wrong region":    {"census", map[string]string{"token": "t", "region": "moon"}, "exposync.yml:4: connection crm: region is one of us, eu (setting_invalid)"},
		"http":              {"polytomic", map[string]string{"token": "t", "base_url": "http://polytomic.internal/canary"}, "exposync.yml:4: connection crm: base_url must be https, or the credentials travel in the open (where the tool allows it, plain_http: true) (http_url)"},
		"http, if wanted":   {"polytomic", map[string]string{"token": "t", "base_url": "http://polytomic.internal", "plain_http": "true"}, ""},
		"a line break":      {"hightouch", map[string]string{"token": "canary\nx"}, "exposync.yml:4: connection crm: token holds a line break (setting_invalid)"},
		"token or client":   {"airbyte", map[string]string{"token": "t"}, ""},
		"half of a client":  {"airbyte", map[string]string{"client_id": "t"}, "exposync.yml:4: connection crm needs client_secret: Secret of the application. (param_missing)"},
		"a password in it":  {"hightouch", map[string]string{"token": "t", "base_url": "https://canary:canary@x.example"}, "exposync.yml:4: connection crm: base_url holds a user or a password (http_url)"},
		"no URL":            {"hightouch", map[string]string{"token": "t", "base_url": "api.hightouch.com"}, "exposync.yml:4: connection crm: base_url is not an http or https URL (http_url)"},
		"region and no URL": {"census", map[string]string{"token": "t", "region": "eu"}, ""},
	} {
		k, _ := KindOf(c.kind)
		tool, err := k.Open(Config{Kind: c.kind, Name: "crm", Where: "exposync.yml:4", Params: c.params, Rest: testRest(), Now: testNow})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want || (err == nil) != (tool != nil) {
			t.Errorf("%s: %q\nwant %q", name, got, c.want)
		}
	}
}
