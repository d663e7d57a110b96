package lint

import (
	"strings"
	"testing"
)

// What a rule proposes is in the words of the dbt that read the project.
func TestFixInTheWordsOfThisDBT(t *testing.T) {
	t.Parallel()
	for engine, want := range map[string]string{
		"1.7-duckdb":  "tests:\n  - dbt_utils.equal_rowcount:\n      compare_model: ref('",
		"1.9-duckdb":  "data_tests:\n  - dbt_utils.equal_rowcount:\n      compare_model: ref('",
		"1.12-duckdb": "data_tests:\n  - dbt_utils.equal_rowcount:\n      arguments:\n        compare_model: ref('",
	} {
		s := proofs()["parity_untested"].bad
		s.engine = engine
		got := found(Check(s.input(t)), "parity_untested")
		if len(got) == 0 || !strings.HasPrefix(got[0].Fix, want) {
			t.Errorf("%s: %+v, want the fix %q", engine, got, want)
		}
	}
}

// A url that searches for syncs stands for several, and shows none.
func TestWatchedSearch(t *testing.T) {
	t.Parallel()
	got := found(Check(one("url: https://app.hightouch.com/acme/syncs?search=Trial+Request").input(t)), "exposure_watched_only")
	if len(got) != 1 || !strings.Contains(got[0].Message, "a search of hightouch") || got[0].Fix != "exposync: {syncs: {NAME: {hosted: hightouch/ID}}, sla: 24h}" {
		t.Errorf("got %+v", got)
	}
}
