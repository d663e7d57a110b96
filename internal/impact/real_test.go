package impact_test

import (
	"path/filepath"
	"testing"

	"exposync/internal/impact"
)

// manifests are all that real dbt wrote, of every version and engine.
func manifests(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(artifacts, "*", "*", "manifest.json.gz"))
	if err != nil || len(found) < 50 {
		t.Fatalf("%d manifests, %v", len(found), err)
	}
	return found
}

func TestNothingDiffersFromItself(t *testing.T) {
	t.Parallel()
	for _, path := range manifests(t) {
		t.Run(filepath.Base(filepath.Dir(filepath.Dir(path)))+"/"+filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			t.Parallel()
			s := load(t, path)
			got := impact.Compare(s, s, impact.Options{})
			if len(got.Changes)+len(got.Exposures) > 0 {
				t.Errorf("%d changes, the first: %+v", len(got.Changes), got.Changes[0])
			}
		})
	}
}

// Manifests of any two versions and engines can be compared: what is read
// differently is told as a change, never a crash.
func TestAnyTwoVersions(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(filepath.Join(artifacts, "*", "all_green", "manifest.json.gz"))
	if err != nil || len(paths) < 5 {
		t.Fatalf("%d manifests, %v", len(paths), err)
	}
	sides := make([]impact.Side, len(paths))
	for i, path := range paths {
		sides[i] = load(t, path)
	}
	for i, before := range sides {
		for k, after := range sides {
			there, back := impact.Compare(before, after, impact.Options{}), impact.Compare(after, before, impact.Options{})
			mirrored(t, there, back)
			for _, c := range there.Changes {
				if c.Message == "" || c.Subject == "" || c.Severity == "" {
					t.Errorf("%s to %s: %+v is not complete", paths[i], paths[k], c)
				}
			}
		}
	}
}
