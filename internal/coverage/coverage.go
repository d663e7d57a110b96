// Package coverage says how well the syncs of a dbt project are covered: each
// export by an exposure, each exposure by an owner and a sync, each key by
// tests, each source by a promise of freshness, and so on. It works on the
// manifest alone, and says more where there is more to read.
//
// It computes only: texts and values in, a report out.
package coverage

// The names of the dimensions. They are stable: reports, thresholds,
// suppressions and weights name them.
const (
	Exports    = "exports"    // a: export models with an application exposure
	Targets    = "targets"    // b: application exposures on an export model
	Bound      = "bound"      // c: application exposures that name their sync
	Hosted     = "hosted"     // d: hosted syncs that an exposure stands for
	Described  = "described"  // e: owner, url, description, maturity, SLA
	Keys       = "keys"       // f: export models whose keys are tested
	Parity     = "parity"     // g: export models compared with their parent by rows
	Values     = "values"     // h: enum-like columns with accepted values
	Documented = "documented" // i: mapped columns with description, type and contract
	Fresh      = "fresh"      // j: root sources that promise freshness
	Proven     = "evidence"   // k: nodes and tests with a result of this run
	Views      = "views"      // l: dependencies that are no views on views
	Mapped     = "mapped"     // m: columns of exports that some job sends
)

// Names lists the dimensions in their order, a to m.
func Names() []string {
	return []string{Exports, Targets, Bound, Hosted, Described, Keys, Parity, Values, Documented, Fresh, Proven, Views, Mapped}
}

// Code is the code of a dimension's misses, which has a page of its own.
func Code(name string) string { return "coverage_" + name }

// letter is the dimension's letter in the documentation.
func letter(name string) string {
	for i, n := range Names() {
		if n == name {
			return string(rune('a' + i))
		}
	}
	return ""
}

func share(covered, total int) *float64 {
	if total == 0 {
		return nil
	}
	s := float64(covered) / float64(total)
	return &s
}
