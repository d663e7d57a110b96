package lint

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/yamlx"
)

// article is the shape of the example in dbt Labs' article "How dbt Labs' data
// team approaches reverse ETL", with its four mistakes. dbt cannot load it.
const article = `- name: email_crm_export
  type: application
  url: <your Hightouch sync url>
  description: '{{ doc('email_crm_export') }}'
  depends on:
	- ref('export_customers')
  owner:
	name: Marketing Operations
	email: m******@example.com
`

// All four mistakes come in one run, though each hides the next from a parser.
func TestArticle(t *testing.T) {
	t.Parallel()
	in := Input{Files: map[string][]byte{"models/exports/_exports.yml": []byte(article)}}
	var got []string
	for _, f := range Check(in).Findings {
		got = append(got, strings.TrimPrefix(placed(f), "models/exports/_exports.yml:"))
	}
	want := []string{
		"1:1 yaml_bare_list", "1:9 exposure_no_maturity", "3:3 exposure_placeholder", "4:16 yaml_quotes", "5:3 yaml_depends_on",
		"6:1 yaml_tab", "8:1 yaml_tab", "9:1 yaml_tab", "9:2 exposure_placeholder",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Check() mismatch (-want +got):\n%s", diff)
	}
}

func TestArticleIsMended(t *testing.T) {
	t.Parallel()
	in := Input{Files: map[string][]byte{"models/exports/_exports.yml": []byte(article)}}
	fixed := Fix(in)
	if len(fixed) != 1 {
		t.Fatalf("Fix() changes %d files, want 1", len(fixed))
	}
	const want = `exposures:
- name: email_crm_export
  type: application
  url: <your Hightouch sync url>
  description: "{{ doc('email_crm_export') }}"
  depends_on:
    - ref('export_customers')
  owner:
    name: Marketing Operations
    email: m******@example.com
`
	if diff := cmp.Diff(want, string(fixed[0].Now)); diff != "" {
		t.Errorf("Fix() mismatch (-want +got):\n%s", diff)
	}
	root, err := yamlx.Parse("x.yml", fixed[0].Now)
	if err != nil {
		t.Fatal(err)
	}
	x := root.Get("exposures").Items[0]
	if deps, _ := x.Get("depends_on").Strings(); len(deps) != 1 || deps[0] != "ref('export_customers')" {
		t.Errorf("depends_on is %q", deps)
	}
	if name, _ := x.At("owner", "name").Str(); name != "Marketing Operations" {
		t.Errorf("the owner is %q", name)
	}
}

// placed is where a finding is, and its code.
func placed(f Finding) string {
	return strings.Join([]string{f.File, itoa(f.Line), itoa(f.Col)}, ":") + " " + f.Code
}
