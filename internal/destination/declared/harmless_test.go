package declared_test

import (
	"strings"
	"testing"

	"exposync/internal/destination/declared"
)

// Every description can be opened at a stand-in, and nothing of it points
// elsewhere.
func TestHarmless(t *testing.T) {
	t.Parallel()
	const base = "http://127.0.0.1:8765/as/kind/crm"
	for _, kind := range declared.Kinds() {
		if kind == "sandbox" {
			continue
		}
		given := map[string]string{"url": "https://api.example.com", "token": "written-by-mistake", "api_version": "59.0"}
		params, err := declared.Harmless(kind, base, given)
		if err != nil {
			t.Fatal(err)
		}
		about, err := declared.Describe(kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range about.Params {
			switch value := params[p.Name]; {
			case p.Kind == "url" && value != base:
				t.Errorf("%s: the address %s is %q", kind, p.Name, value)
			case strings.Contains(value, "by-mistake"):
				t.Errorf("%s: %s is what somebody wrote for production", kind, p.Name)
			case p.Name == "api_version" && value != "59.0":
				t.Errorf("%s: a setting that was given is %q", kind, value)
			}
		}
		d, err := declared.Connect(declared.Config{Kind: kind, Name: "crm", Where: "exposync.yml:4", Params: params, Rest: restConfig()})
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		_ = d.Close()
	}
}
