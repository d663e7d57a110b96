package coverage_test

import (
	"slices"
	"testing"

	"exposync/internal/coverage"
	"exposync/internal/plan"
)

func ids(misses []coverage.Miss) []string {
	var out []string
	for _, m := range misses {
		if m.Dimension == coverage.Parity || m.Dimension == coverage.Proven {
			out = append(out, short(m.Subject, m.Column))
		}
	}
	slices.Sort(out)
	return out
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change                      func(w *world)
		fresh, fixed, gone, skipped []string
	}{
		"nothing": {change: func(*world) {}},
		"a better one": {
			change: func(w *world) { w.test("equal_rowcount", "export_a", "", "", "dim") }, fixed: []string{"export_a"},
		},
		"one more, and one mended: the percentage is the same": {
			change: func(w *world) {
				w.test("equal_rowcount", "export_a", "", "", "dim")
				w.model("view", "export_c", "dim")
				w.exposure("three", "export_c")
				w.job("three", "export_c", "id")
			},
			fresh: []string{"export_c"}, fixed: []string{"export_a"},
		},
		"renamed": {
			change: func(w *world) {
				delete(w.in.Project.Nodes, id("export_b"))
				w.model("view", "export_z", "dim")
				w.in.Project.Exposures["exposure.p.two"].DependsOn = []string{id("export_a"), id("export_z")}
				w.in.Project.Parents["exposure.p.two"] = []string{id("export_a"), id("export_z")}
			},
			fresh: []string{"export_z"}, gone: []string{"export_b"},
		},
		"weightless": {
			change: func(w *world) {
				w.in.Settings.Weights = map[string]float64{coverage.Parity: 0}
				w.model("view", "export_c", "dim")
				w.exposure("three", "export_c")
				w.job("three", "export_c", "id")
			},
			skipped: []string{"export_c"},
		},
		"measured now": {
			change:  func(w *world) { w.in.Runs = true },
			skipped: []string{"dim", "export_a", "export_b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := bare(t).measure()
			w := bare(t)
			c.change(w)
			after := w.measure()
			after.CompareWith("base.json", before)
			got := after.Against
			for what, lists := range map[string][2][]string{
				"new": {ids(got.New), c.fresh}, "fixed": {ids(got.Fixed), c.fixed}, "gone": {ids(got.Gone), c.gone}, "unjudged": {ids(got.Unjudged), c.skipped},
			} {
				if !slices.Equal(lists[0], lists[1]) {
					t.Errorf("%s: %q, want %q", what, lists[0], lists[1])
				}
			}
			if after.Failed() != (len(got.New) > 0) {
				t.Errorf("failed: %v", after.Failed())
			}
			for _, m := range after.Misses() {
				if m.New != (m.Severity == plan.SeverityError) {
					t.Errorf("%s is new: %v, and a %s", m.ID(), m.New, m.Severity)
				}
			}
		})
	}
}

// What was measured and is not any more is no improvement.
func TestCompareWithLess(t *testing.T) {
	t.Parallel()
	w := bare(t)
	w.in.Runs = true
	before, after := w.measure(), bare(t).measure()
	c := coverage.Compare(before, after)
	if len(c.Fixed) > 0 || len(c.New) > 0 || len(ids(c.Unjudged)) != 3 {
		t.Errorf("fixed %v, new %v, unjudged %v", ids(c.Fixed), ids(c.New), ids(c.Unjudged))
	}
}

// A dimension with nothing to look at was measured: its first miss is new.
func TestCompareWithNothing(t *testing.T) {
	t.Parallel()
	c := coverage.Compare(newWorld(t).measure(), bare(t).measure())
	if got := ids(c.New); !slices.Equal(got, []string{"export_a", "export_b"}) {
		t.Errorf("new: %q", got)
	}
}

// A suppression that ended shows as new.
func TestCompareAfterASuppression(t *testing.T) {
	t.Parallel()
	w := bare(t)
	w.in.Project.Nodes[id("export_a")].Meta = []byte(`{"exposync":{"ignore":[{"check":"parity","reason":"x","until":"2026-11-27"}]}}`)
	w.in.NodeIgnores = readIgnores
	before := w.measure()
	w.in.Now = now.AddDate(0, 0, 1)
	c := coverage.Compare(before, w.measure())
	if got := ids(c.New); !slices.Equal(got, []string{"export_a"}) {
		t.Errorf("new: %q", got)
	}
}
