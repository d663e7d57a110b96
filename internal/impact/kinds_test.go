package impact_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"exposync/internal/fault"
	"exposync/internal/impact"
)

func TestEveryKindHasAPageAndALineInTheDocs(t *testing.T) {
	t.Parallel()
	docs, err := os.ReadFile("../../docs/impact.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[impact.Kind]bool{}
	for _, r := range impact.Rules() {
		if seen[r.Kind] {
			t.Errorf("%s stands twice in the table", r.Kind)
		}
		seen[r.Kind] = true
		if page, ok := fault.Explain(string(r.Kind)); !ok || page.Title == "" || page.Means == "" || page.Next == "" {
			t.Errorf("%s has no page, or one that is not complete", r.Kind)
		}
		if len(r.By) == 0 || r.Why == "" {
			t.Errorf("%s reaches nobody, or for no reason", r.Kind)
		}
		for way, severity := range r.By {
			if !slices.Contains(impact.Ways(), way) || !slices.Contains(impact.Severities(), severity) {
				t.Errorf("%s: %s is %s", r.Kind, way, severity)
			}
		}
		if want := docsLine(r); !strings.Contains(string(docs), want+"\n") {
			t.Errorf("docs/impact.md lacks the line\n%s", want)
		}
	}
}

// docsLine is a rule as a line of the table in docs/impact.md.
func docsLine(r impact.Rule) string {
	page, _ := fault.Explain(string(r.Kind))
	cells := []string{"`" + string(r.Kind) + "`", page.Title}
	for _, way := range impact.Ways() {
		cells = append(cells, string(r.By[way]))
	}
	return "| " + strings.Join(cells, " | ") + " |"
}
