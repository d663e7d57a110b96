package impact_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"exposync/internal/impact"
	"exposync/internal/plan"
)

func pullRequest(t *testing.T) impact.Impact {
	t.Helper()
	dir := filepath.Join(artifacts, "1.12-duckdb")
	return impact.Compare(load(t, filepath.Join(dir, "all_green", "manifest.json.gz")), load(t, filepath.Join(dir, "pull_request", "manifest.json.gz")), impact.Options{})
}

// Every change is a finding, told apart from the others, with what it reaches.
func TestFindings(t *testing.T) {
	t.Parallel()
	i := pullRequest(t)
	found := i.Findings()
	if len(found) != len(i.Changes) {
		t.Fatalf("%d findings of %d changes", len(found), len(i.Changes))
	}
	ids := map[string]bool{}
	for n, f := range found {
		if ids[f.ID()] {
			t.Errorf("two findings are %s", f.ID())
		}
		ids[f.ID()] = true
		want := map[impact.Severity]plan.Severity{impact.Breaking: plan.SeverityError, impact.Risky: plan.SeverityWarning, impact.Safe: plan.SeverityInfo}[i.Changes[n].Severity]
		if f.Severity != want || (f.Owner == "") != (want == plan.SeverityInfo) || (f.Fix == "") != (want == plan.SeverityInfo) {
			t.Errorf("%s: %+v", want, f)
		}
	}
}

// What is left of an impact is what reaches the exposures that were asked for,
// with the severity that it has for them.
func TestOnly(t *testing.T) {
	t.Parallel()
	i := pullRequest(t)
	keep := func(exposure, job string) bool {
		return strings.HasSuffix(exposure, "_desk_export") && job != "support_desk_export.users"
	}
	got := i.Only(keep)
	if len(got.Exposures) != 1 || got.Exposures[0].Name != "support_desk_export" || len(got.Changes) == 0 || len(got.Changes) >= len(i.Changes) {
		t.Fatalf("%d exposures and %d changes are left", len(got.Exposures), len(got.Changes))
	}
	for n, c := range got.Changes {
		worst := impact.Safe
		for _, r := range c.Reaches {
			if !keep(r.Exposure, r.Job) {
				t.Errorf("%s is left", r.Job)
			}
			if r.Severity.Worse(worst) {
				worst = r.Severity
			}
		}
		if c.Severity != worst || !slices.Contains(got.Exposures[0].Changes, n) {
			t.Errorf("%s is %s, and the worst is %s", c.Kind, c.Severity, worst)
		}
	}
	if !i.Fails(impact.Breaking) || got.Fails(impact.Breaking) || !got.Fails(impact.Risky) || (impact.Impact{}).Fails(impact.Safe) {
		t.Error("it fails at another severity")
	}
}
