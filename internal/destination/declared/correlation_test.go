package declared

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"exposync/internal/destination"
)

// described are all descriptions there are: those that are embedded, examples
// for users, and those of tests.
func described(t *testing.T) map[string]*spec {
	t.Helper()
	out := map[string]*spec{}
	for _, pattern := range []string{"specs/*.yaml", "testdata/*.yaml", "../../../fixtures/destinations/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %v, %v", pattern, paths, err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s, err := parse(path, data)
			if err != nil {
				t.Fatal(err)
			}
			out[path] = s
		}
	}
	return out
}

// Examples and descriptions of tests agree with their fixtures, too.
func TestFixturesOfExamples(t *testing.T) {
	t.Parallel()
	for path, s := range described(t) {
		report := s.test(t.Context())
		for _, f := range report.Fixtures {
			if !f.OK {
				t.Errorf("%s: %s\n  want %v\n  got  %v %s", path, f.Fixture, f.Want, f.Got, f.Problem)
			}
		}
		if len(report.Fixtures) > 0 && len(report.Unproven) > 0 {
			t.Errorf("%s: no fixture reaches %v", path, report.Unproven)
		}
	}
}

// modes are the ways in which an answer names its records, and whether a rule
// has one of them.
func modes() map[string]func(r *rule) bool {
	list := func(is func(e *errorList) bool) func(r *rule) bool {
		return func(r *rule) bool {
			return slices.ContainsFunc(r.errors, func(e errorList) bool { return is(&e) })
		}
	}
	return map[string]func(r *rule) bool{
		"results in order":           func(r *rule) bool { return r.each != nil },
		"an index":                   list(func(e *errorList) bool { return e.index != "" }),
		"lists of indexes":           list(func(e *errorList) bool { return e.indexList != "" }),
		"a trace":                    list(func(e *errorList) bool { return e.trace != "" }),
		"a key":                      list(func(e *errorList) bool { return e.key != "" }),
		"lists of keys":              list(func(e *errorList) bool { return e.keyList != "" }),
		"a map":                      list(func(e *errorList) bool { return e.mapIndex || e.mapKey }),
		"nothing: the batch is bad":  func(r *rule) bool { return r.outcome == destination.Bisect && r.each == nil && len(r.errors) == 0 },
		"nothing but a count of all": func(r *rule) bool { return r.okCount != "" && len(r.errors) == 0 },
	}
}

// Every way in which an answer can name its records is proved by a fixture
// that reaches a rule with it.
func TestEveryWayOfNamingHasAFixture(t *testing.T) {
	t.Parallel()
	proved := map[string]string{}
	for path, s := range described(t) {
		for i := range s.fixtures {
			seen := &trial{reached: map[*rule]bool{}}
			s.try(t.Context(), &s.fixtures[i], seen)
			for r := range seen.reached {
				for name, has := range modes() {
					if has(r) {
						proved[name] = path + ": " + s.fixtures[i].name
					}
				}
			}
		}
	}
	for name := range modes() {
		if proved[name] == "" {
			t.Errorf("no fixture has an answer that names its records by %s", name)
		}
	}
}
