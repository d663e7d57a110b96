package lint

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The table in docs/lint.md is made of the rules; UPDATE=1 writes it.
func TestDocs(t *testing.T) {
	t.Parallel()
	const file, end = "../../docs/lint.md", "<!-- end of rules -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), "UPDATE=1 -->\n")
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatal("docs/lint.md has no place for the rules")
	}
	want := before + "UPDATE=1 -->\n" + rulesTable() + end + after
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(text), want); diff != "" {
		t.Errorf("docs/lint.md is not what the rules say; UPDATE=1 go test ./internal/lint -run Docs (-is +want):\n%s", diff)
	}
}

func rulesTable() string {
	var b strings.Builder
	b.WriteString("| rule | severity | `--fix` | needs | finds |\n|---|---|---|---|---|\n")
	for _, r := range Rules() {
		fix := ""
		if r.Fixes {
			fix = "yes"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", r.Code, r.Severity, fix, r.Needs(), r.Title())
	}
	return b.String()
}
