package declared

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every embedded spec agrees with its fixtures, and every rule is reached.
func TestFixturesOfSpecs(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds() {
		report, err := Test(t.Context(), kind)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		agreed(t, report)
	}
	files, err := filepath.Glob("../../../fixtures/destinations/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no descriptions of users: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		report, err := TestFile(t.Context(), file, text)
		if err != nil {
			t.Fatal(err)
		}
		agreed(t, report)
	}
}

func agreed(t *testing.T, report Report) {
	t.Helper()
	if len(report.Fixtures) == 0 {
		t.Errorf("%s has no fixtures", report.Name)
	}
	for _, f := range report.Fixtures {
		if !f.OK {
			t.Errorf("%s: %s\n  want %v\n  got  %v %s\n  %s", f.Where, f.Fixture, f.Want, f.Got, f.Problem, strings.Join(f.Rules, "\n  "))
		}
	}
	for _, u := range report.Unproven {
		t.Errorf("%s: no fixture reaches %s", report.Name, u)
	}
}
