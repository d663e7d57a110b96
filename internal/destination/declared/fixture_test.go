package declared

import (
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
		for _, f := range report.Fixtures {
			if !f.OK {
				t.Errorf("%s: %s\n  want %v\n  got  %v %s\n  %s", f.Where, f.Fixture, f.Want, f.Got, f.Problem, strings.Join(f.Rules, "\n  "))
			}
		}
		for _, u := range report.Unproven {
			t.Errorf("%s: no fixture reaches %s", kind, u)
		}
	}
}
