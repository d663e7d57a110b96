package dbt_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/dbt"
)

// recorded is where fixtures/dbt/selectors/record.py keeps what dbt answered.
var recorded = filepath.Join("..", "..", "fixtures", "dbt", "selectors")

// answer is what dbt said to one selection.
type answer struct {
	Case      string   `json:"case"`
	Select    []string `json:"select"`
	Exclude   []string `json:"exclude"`
	Selector  []string `json:"selector"`
	IDs       []string `json:"ids"`
	Unmatched []string `json:"unmatched"`
	Error     string   `json:"error"`
}

func (a answer) selection() dbt.Selection {
	sel := dbt.Selection{Select: a.Select, Exclude: a.Exclude}
	if len(a.Selector) > 0 {
		sel.Selector = a.Selector[0]
	}
	return sel
}

// shop is the project that dbt was asked about, with the state it was compared
// with.
func shop(tb testing.TB) (*dbt.Project, dbt.SelectContext) {
	tb.Helper()
	all := dbt.KeepConfig | dbt.KeepContents
	project := must(dbt.LoadManifest(tb.Context(), filepath.Join(recorded, "manifest.json.gz"), all))(tb)
	return project, dbt.SelectContext{
		State:           must(dbt.LoadManifest(tb.Context(), filepath.Join(recorded, "state", "manifest.json.gz"), all))(tb),
		Results:         []*dbt.RunResults{must(dbt.LoadRunResults(tb.Context(), filepath.Join(recorded, "state", "run_results.json.gz")))(tb)},
		Sources:         must(dbt.LoadSources(tb.Context(), filepath.Join(recorded, "sources.json.gz")))(tb),
		PreviousSources: must(dbt.LoadSources(tb.Context(), filepath.Join(recorded, "state", "sources.json.gz")))(tb),
	}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

// TestSelectAgreesWithDBT: every selection that real dbt was asked about, line
// by line: the ids, the words it warns of, and whether it refuses.
func TestSelectAgreesWithDBT(t *testing.T) {
	t.Parallel()
	project, ctx := shop(t)
	var answers []answer
	if err := json.Unmarshal(must(os.ReadFile(filepath.Join(recorded, "expected.json")))(t), &answers); err != nil {
		t.Fatal(err)
	}
	if len(answers) < 250 {
		t.Fatalf("%d answers, is the file whole?", len(answers))
	}
	for _, want := range answers {
		t.Run(want.Case, func(t *testing.T) {
			t.Parallel()
			got, err := dbt.Select(project, want.selection(), ctx)
			if (err != nil) != (want.Error != "") {
				t.Fatalf("Select() = %v, dbt said %q", err, want.Error)
			}
			if err != nil {
				if !slices.Contains([]string{"selector_invalid", "selector_unknown"}, code(err)) {
					t.Errorf("Select() = %v, want a fault of the selector", err)
				}
				return
			}
			ids := []string{}
			for id := range got.IDs {
				ids = append(ids, id)
			}
			slices.Sort(ids)
			if diff := cmp.Diff(want.IDs, ids); diff != "" {
				t.Errorf("selected (-dbt +exposync):\n%s", diff)
			}
			if diff := cmp.Diff(want.Unmatched, append([]string{}, got.Unmatched...)); diff != "" {
				t.Errorf("unmatched (-dbt +exposync):\n%s", diff)
			}
		})
	}
}
