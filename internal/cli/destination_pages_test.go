package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const pages = "../../docs/destinations"

// The pages are what the descriptions say today; `make docs` writes them
// again. A page of nothing is one too many.
func TestDestinationPages(t *testing.T) {
	t.Parallel()
	a := newApp(&Env{Dir: t.TempDir(), Lookup: func(string) (string, bool) { return "", false }})
	all, problems := a.aboutAll()
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"README.md": indexPage(all)}
	for i := range all {
		want[all[i].Name+".md"] = destinationPage(&all[i])
	}
	if os.Getenv("UPDATE") != "" {
		for name, text := range want {
			if err := os.WriteFile(filepath.Join(pages, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	entries, err := os.ReadDir(pages)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, ok := want[e.Name()]; !ok {
			t.Errorf("docs/destinations/%s is about no destination: remove it", e.Name())
		}
	}
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join(pages, name))
		if err != nil {
			t.Errorf("%v: make docs", err)
			continue
		}
		if diff := cmp.Diff(text, string(got)); diff != "" {
			t.Errorf("docs/destinations/%s is not what the description says: make docs (- description, + page)\n%s", name, diff)
		}
	}
}
