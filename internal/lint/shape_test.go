package lint

import (
	"strings"
	"testing"
)

// What dbt stops at has to be found without a manifest: there is none then.
func TestWhatDBTDoesNotLoad(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ yaml, code, at, says string }{
		"a text for a list":        {"exposures:\n  - name: x\n    type: application\n    depends_on: ref('a')\n", "exposure_parents_unread", ":4:17", "no list"},
		"braces of one's own":      {"exposures:\n  - name: x\n    type: ml\n    depends_on: [\"{{ ref('a') }}\"]\n", "exposure_parents_unread", ":4:18", "braces"},
		"an entry that is no text": {"exposures:\n  - name: x\n    type: ml\n    depends_on: [{ref: a}]\n", "exposure_parents_unread", ":4:18", "no text"},
		"no type":                  {"exposures:\n  - name: x\n    depends_on: [ref('a')]\n", "exposure_type_unknown", ":2:11", "has no type"},
		"a comment of no check":    {"exposures: [] # exposync: ignore exposure_no_ulr why\n", "ignore_unknown", ":1:15", "did you mean exposure_no_url?"},
		"a comment without why":    {"exposures: []\n  # exposync: ignore exposure_no_url\n# more\n", "ignore_no_reason", ":2:3", "no reason"},
		"two documents":            {"exposures: []\n---\nmodels: [{name: a}]\n", "yaml_unreadable", ":3:1", "second document"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := scene{yaml: c.yaml}.input(t)
			var found []string
			for _, f := range Check(in).Findings {
				if f.Code == c.code {
					found = append(found, placed(f)+" "+f.Message)
				}
			}
			if len(found) != 1 || !strings.HasPrefix(found[0], exportsYML+c.at+" ") || !strings.Contains(found[0], c.says) {
				t.Errorf("%s: %q", c.code, found)
			}
		})
	}
	for name, text := range map[string]string{
		"a mark at the beginning": "---\nexposures: []\n",
		"a comment with both":     "# exposync: ignore exposure_no_url (DATA-12)\n# exposync: ignore unknown_key #12\nexposures: []\n",
		"a line in a text":        "models:\n  - name: a\n    description: |\n      a\n      ---\n      b\n",
	} {
		for _, f := range Check(scene{yaml: text}.input(t)).Findings {
			if f.Code == "yaml_unreadable" || strings.HasPrefix(f.Code, "ignore_") {
				t.Errorf("%s: %s", name, f.Message)
			}
		}
	}
}
