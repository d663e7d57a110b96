package coverage_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"exposync/internal/coverage"
	"exposync/internal/dbt"
	"exposync/internal/plan"
)

// bare is a project that misses parity on two models, one of two exposures.
func bare(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.model("table", "dim")
	w.model("view", "export_a", "dim")
	w.model("view", "export_b", "dim")
	w.exposure("one", "export_a")
	w.exposure("two", "export_a", "export_b")
	w.job("one", "export_a", "id")
	w.job("two", "export_b", "id")
	return w
}

func ignoring(reason string, until time.Time) coverage.Declared {
	return coverage.Declared{Ignores: []coverage.Ignore{{Check: coverage.Parity, Reason: reason, Until: until, Where: "models/exposures.yml:7"}}}
}

func TestSuppressions(t *testing.T) {
	t.Parallel()
	today := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		one, two   coverage.Declared
		meta       string // of export_a
		counts     string
		misses     []string
		suppressed []string
		states     []coverage.IgnoreState
	}{
		"none": {counts: "0 of 2", misses: []string{"export_a", "export_b"}},
		"on the model": {
			meta:   `{"exposync":{"ignore":[{"check":"parity","reason":"filters on purpose"}]}}`,
			counts: "0 of 1", misses: []string{"export_b"}, suppressed: []string{"export_a"}, states: []coverage.IgnoreState{coverage.IgnoreUsed},
		},
		"by its code": {
			meta:   `{"exposync":{"ignore":[{"check":"coverage_parity","reason":"x","until":"2026-11-27"}]}}`,
			counts: "0 of 1", misses: []string{"export_b"}, suppressed: []string{"export_a"}, states: []coverage.IgnoreState{coverage.IgnoreUsed},
		},
		"expired": {
			meta:   `{"exposync":{"ignore":[{"check":"parity","reason":"x","until":"2026-11-26"}]}}`,
			counts: "0 of 2", misses: []string{"export_a", "export_b"}, states: []coverage.IgnoreState{coverage.IgnoreExpired},
		},
		"no day": {
			meta:   `{"exposync":{"ignore":[{"check":"parity","reason":"x","until":"soon"}]}}`,
			counts: "0 of 2", misses: []string{"export_a", "export_b"}, states: []coverage.IgnoreState{coverage.IgnoreInvalid},
		},
		"no list": {
			meta:   `{"exposync":{"ignore":{"check":"parity","reason":"x"}}}`,
			counts: "0 of 2", misses: []string{"export_a", "export_b"}, states: []coverage.IgnoreState{coverage.IgnoreInvalid},
		},
		"no reason on an exposure": {
			one: ignoring("", time.Time{}), counts: "0 of 2", misses: []string{"export_a", "export_b"},
			states: []coverage.IgnoreState{coverage.IgnoreNoReason},
		},
		"no reason": {
			meta:   `{"exposync":{"ignore":[{"check":"parity"}]}}`,
			counts: "0 of 2", misses: []string{"export_a", "export_b"}, states: []coverage.IgnoreState{coverage.IgnoreInvalid},
		},
		"unknown, unused, and another check's": {
			meta:   `{"exposync":{"ignore":[{"check":"parety","reason":"x"},{"check":"fresh","reason":"x"},{"check":"first_run","reason":"x"}]}}`,
			counts: "0 of 2", misses: []string{"export_a", "export_b"},
			states: []coverage.IgnoreState{coverage.IgnoreOther, coverage.IgnoreUnused, coverage.IgnoreUnknown},
		},
		"one of two exposures": {
			one: ignoring("x", time.Time{}), counts: "0 of 2", misses: []string{"export_a", "export_b"},
			states: []coverage.IgnoreState{coverage.IgnoreUnused},
		},
		"both exposures": {
			one: ignoring("x", today), two: ignoring("x", time.Time{}), counts: "0 of 0",
			suppressed: []string{"export_a", "export_b"}, states: []coverage.IgnoreState{coverage.IgnoreUsed, coverage.IgnoreUsed},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := bare(t)
			w.declared("one", c.one)
			w.declared("two", c.two)
			w.in.Project.Nodes[id("export_a")].Meta = []byte(c.meta)
			w.in.NodeIgnores = readIgnores
			r := w.measure()
			d := *r.Dimension(coverage.Parity)
			wants(t, d, c.counts, c.misses...)
			var suppressed []string
			for _, s := range d.Suppressed {
				suppressed = append(suppressed, short(s.Subject, s.Column))
				if s.Reason == "" {
					t.Errorf("%s is suppressed without a reason", s.Subject)
				}
			}
			if !slices.Equal(suppressed, c.suppressed) {
				t.Errorf("suppressed %q, want %q", suppressed, c.suppressed)
			}
			var states []coverage.IgnoreState
			for _, i := range r.Ignored {
				states = append(states, i.State)
				bad := i.State == coverage.IgnoreExpired || i.State == coverage.IgnoreNoReason || i.State == coverage.IgnoreUnknown ||
					i.State == coverage.IgnoreInvalid
				if bad != (i.Problem() != "") {
					t.Errorf("%s: problem %q", i.State, i.Problem())
				}
			}
			slices.Sort(states)
			slices.Sort(c.states)
			if !slices.Equal(states, c.states) {
				t.Errorf("states %q, want %q", states, c.states)
			}
			told := slices.ContainsFunc(r.Findings(), func(f plan.Finding) bool { return f.Code == "coverage_ignore" })
			if told != slices.ContainsFunc(r.Ignored, func(i coverage.Ignored) bool { return i.Problem() != "" }) {
				t.Error("a suppression that does not count is a finding of its own")
			}
		})
	}
}

func TestTotalIsWeighted(t *testing.T) {
	t.Parallel()
	w := bare(t)
	w.in.Settings.Weights = map[string]float64{}
	for _, name := range coverage.Names() {
		w.in.Settings.Weights[name] = 0
	}
	if s := w.measure().Total.Share; s != nil {
		t.Errorf("nothing has weight, and the total is %v", *s)
	}
	w.in.Settings.Weights[coverage.Exports], w.in.Settings.Weights[coverage.Parity] = 3, 1 // 100% and 0%
	if s := w.measure().Total.Share; s == nil || *s != 0.75 {
		t.Errorf("the total is %v, want 0.75", s)
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		under    map[string]coverage.Threshold
		required map[string]string
		fails    []string
	}{
		"nothing asked": {},
		"kept":          {under: map[string]coverage.Threshold{"exports": {Share: 1}, "parity": {Share: 0}}},
		"not kept":      {under: map[string]coverage.Threshold{"total": {Share: 0.99}, "parity": {Share: 0.01}}, fails: []string{"total", "parity"}},
		"n/a fails nothing": {
			under: map[string]coverage.Threshold{"hosted": {Share: 1}, "fresh": {Share: 1}},
		},
		"n/a and required": {
			required: map[string]string{"hosted": "exposync.yml:3", "exports": "exposync.yml:3"}, fails: []string{"hosted"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := bare(t)
			w.in.Settings.FailUnder, w.in.Settings.Required = c.under, c.required
			r := w.measure()
			var fails []string
			for _, check := range r.Checks {
				if !check.OK {
					fails = append(fails, check.Name)
				}
			}
			if !slices.Equal(fails, c.fails) || r.Failed() != (len(c.fails) > 0) {
				t.Errorf("fails %q, want %q", fails, c.fails)
			}
			if len(r.Checks) != len(c.under)+len(c.required) {
				t.Errorf("%d checks of %d", len(r.Checks), len(c.under)+len(c.required))
			}
			for _, d := range r.Dimensions {
				if d.Failed != slices.Contains(c.fails, d.Name) {
					t.Errorf("%s failed: %v", d.Name, d.Failed)
				}
				for _, m := range d.Misses {
					if (m.Severity == plan.SeverityError) != d.Failed {
						t.Errorf("a miss of %s is a %s", d.Name, m.Severity)
					}
				}
			}
		})
	}
}

// 7 of 10 is no less than 70%, whatever floats make of it.
func TestThresholdsAreMetExactly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 10 {
		name := "export_" + string(rune('a'+i))
		w.model("view", name)
		if i < 7 {
			w.exposure("of_"+name, name)
		}
	}
	w.in.Settings.FailUnder = map[string]coverage.Threshold{"exports": {Share: 70.0 / 100}}
	if r := w.measure(); r.Failed() {
		t.Errorf("%+v", r.Checks)
	}
	w.in.Settings.FailUnder = map[string]coverage.Threshold{"exports": {Share: 0.7001}}
	if r := w.measure(); !r.Failed() {
		t.Errorf("%+v", r.Checks)
	}
}

func TestSelection(t *testing.T) {
	t.Parallel()
	w := bare(t)
	w.model("view", "export_lonely", "dim")
	w.in.Selected = func(of string) bool { return of == "exposure.p.one" }
	r := w.measure()
	wants(t, *r.Dimension(coverage.Exports), "1 of 1")
	wants(t, *r.Dimension(coverage.Parity), "0 of 1", "export_a")
	if len(r.Exposures) != 1 || r.Exposures[0].Name != "one" {
		t.Errorf("%d lineages", len(r.Exposures))
	}
	w.in.Selected = func(of string) bool { return of == id("export_lonely") }
	r = w.measure()
	wants(t, *r.Dimension(coverage.Exports), "0 of 1", "export_lonely")
}

func TestNotices(t *testing.T) {
	t.Parallel()
	w := bare(t)
	n := w.in.Project.Nodes[id("export_a")]
	n.Materialized, n.Access, n.Version, n.LatestVersion = "table", "private", "1", "2"
	n.Deprecation = now.AddDate(0, 1, 0)
	w.in.Project.Disabled["exposure.p.off"] = dbt.Disabled{UniqueID: "exposure.p.off", ResourceType: "exposure", Name: "off"}
	w.exposure("watched", "export_b").URL = "https://app.hightouch.com/a/syncs/1"
	var kinds []string
	for _, n := range w.measure().Shown {
		kinds = append(kinds, n.Kind+" "+short(n.Subject, ""))
	}
	want := []string{
		"disabled off", "no_job watched", "deprecated export_a", "not_a_view export_a", "old_version export_a", "private export_a",
		"untested export_a", "untested export_b",
	}
	if !slices.Equal(kinds, want) {
		t.Errorf("%q, want %q", kinds, want)
	}
	if !strings.Contains(strings.Join(newWorld(t).measure().Notes, " "), "no exposure of type application") {
		t.Error("an empty project is told to be one")
	}
}
