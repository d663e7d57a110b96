package gate

import (
	"path"
	"slices"
	"time"

	"exposync/internal/dbt"
	"exposync/internal/fault"
)

// Scope says how much of an exposure's lineage has to be proven.
type Scope string

// The scopes.
const (
	ScopeDirect Scope = "direct" // what the exposure reads; what failed further up is only told
	ScopeRun    Scope = "run"    // what the exposure reads, and no known failure anywhere above it
	ScopeStrict Scope = "strict" // every materialized ancestor, within MaxAge
)

// Views says how an absent view is judged.
type Views string

// The ways to judge an absent view.
const (
	ViewsTransparent Views = "transparent" // by its parents: a view needs no rebuild while its code is the same
	ViewsRequire     Views = "require"     // it must stand in this run
)

// PartialSuccess says what a microbatch model with failed batches leads to.
type PartialSuccess string

// The answers to a partial success.
const (
	PartialBlock PartialSuccess = "block"
	PartialWarn  PartialSuccess = "warn"
)

// External says what a node of another dbt project leads to, of which no
// evidence can be here.
type External string

// The answers to an external node.
const (
	ExternalWarn    External = "warn"
	ExternalRequire External = "require" // hold without evidence
)

// Freshness says how much source freshness counts.
type Freshness string

// The weights of source freshness.
const (
	FreshnessIgnore  Freshness = "ignore"
	FreshnessWarn    Freshness = "warn"    // an error blocks only a source that is read directly
	FreshnessRequire Freshness = "require" // an error blocks anywhere above; a promise that nobody checked holds
)

// TestScope says whose failing tests close the gate.
type TestScope string

// The scopes of tests.
const (
	TestsDirect  TestScope = "direct"  // tests of what the exposure reads; others are only told
	TestsClosure TestScope = "closure" // tests of every ancestor
)

// TestWarn says what a test of severity warn leads to when it finds rows.
type TestWarn string

// The answers to a test that warned.
const (
	TestWarnPass  TestWarn = "pass"
	TestWarnWarn  TestWarn = "warn"
	TestWarnBlock TestWarn = "block"
)

// Hook says what a failed hook leads to.
type Hook string

// The answers to a failed hook.
const (
	HookBlock Hook = "block"
	HookWarn  Hook = "warn"
)

// Policy is every knob of the gate. The zero Policy is not usable: start from
// DefaultPolicy.
type Policy struct {
	Scope                Scope
	MaxAge               time.Duration // how old a success may be and still prove something
	Views                Views
	PartialSuccess       PartialSuccess
	AllowFailedAncestors bool // a failed ancestor that is not read directly warns instead of blocking; not under ScopeStrict
	SkipIfUnchanged      bool // the run does nothing under plan.VerdictUnchanged; the gate itself only reports it
	External             External
	Freshness            Freshness
	TestScope            TestScope
	TestWarn             TestWarn
	TestRequire          bool          // hold if no test of a direct parent ran
	HookStart, HookEnd   Hook          // on-run-start, on-run-end
	ClockSkew            time.Duration // how far in the future a file's time may lie
	Waivers              []Waiver
}

// Waiver lets one known-red test through until a date. It never covers a
// model.
type Waiver struct {
	Node   string    // name or unique_id of the test, or of the model for "untested"; globs as in path.Match
	Reason string    // why; without one the waiver does not hold
	Until  time.Time // its last day, in UTC; zero: the waiver does not hold
}

// DefaultPolicy is the policy of a project that sets no knob.
func DefaultPolicy() Policy {
	return Policy{
		Scope:          ScopeRun,
		MaxAge:         24 * time.Hour,
		Views:          ViewsTransparent,
		PartialSuccess: PartialBlock,
		External:       ExternalWarn,
		Freshness:      FreshnessWarn,
		TestScope:      TestsClosure,
		TestWarn:       TestWarnWarn,
		HookStart:      HookBlock,
		HookEnd:        HookWarn,
		ClockSkew:      5 * time.Minute,
	}
}

// Override is a policy with knobs left open: an empty string, zero duration
// or nil pointer leaves the wider setting. Waivers are added to the wider ones.
type Override struct {
	Scope                Scope
	MaxAge               time.Duration
	Views                Views
	PartialSuccess       PartialSuccess
	AllowFailedAncestors *bool
	SkipIfUnchanged      *bool
	External             External
	Freshness            Freshness
	TestScope            TestScope
	TestWarn             TestWarn
	TestRequire          *bool
	HookStart, HookEnd   Hook
	Waivers              []Waiver
}

// With is p with the knobs that o sets.
func (p Policy) With(o Override) Policy {
	set(&p.Scope, o.Scope)
	set(&p.MaxAge, o.MaxAge)
	set(&p.Views, o.Views)
	set(&p.PartialSuccess, o.PartialSuccess)
	set(&p.External, o.External)
	set(&p.Freshness, o.Freshness)
	set(&p.TestScope, o.TestScope)
	set(&p.TestWarn, o.TestWarn)
	set(&p.HookStart, o.HookStart)
	set(&p.HookEnd, o.HookEnd)
	setFrom(&p.AllowFailedAncestors, o.AllowFailedAncestors)
	setFrom(&p.SkipIfUnchanged, o.SkipIfUnchanged)
	setFrom(&p.TestRequire, o.TestRequire)
	p.Waivers = slices.Concat(p.Waivers, o.Waivers)
	return p
}

func set[T comparable](dst *T, v T) {
	var zero T
	if v != zero {
		*dst = v
	}
}

func setFrom[T any](dst, v *T) {
	if v != nil {
		*dst = *v
	}
}

// Policies is everything that people decided about a run of the gate.
type Policies struct {
	Default    Policy
	ByExposure map[string]Policy     // the whole policy of an exposure, by unique_id
	Accept     Accept                // run --accept
	Faults     map[string]fault.List // faults in an exposure's own metadata, by unique_id: they block it
}

func (p *Policies) of(exposure string) *Policy {
	if own, ok := p.ByExposure[exposure]; ok {
		return &own
	}
	return &p.Default
}

// Accept is the set of reason codes that a person lets through for one run.
type Accept map[string]bool

// Acceptable reports whether a hold of that code may be accepted at all. A
// proven block and every other code never are.
func Acceptable(code string) bool {
	switch code {
	case codeStale, codePairMismatch, codeNotRebuilt, codeNotBuilt, codeTestSkipped:
		return true
	}
	return false
}

func (a Accept) has(code string) bool { return a[code] && Acceptable(code) }

// waiver gives the waiver that covers a test at now; if there is none, the one
// that would have covered it but does not hold any more.
func (p *Policy) waiver(n *dbt.Node, now time.Time) (w *Waiver, holds bool) {
	for i := range p.Waivers {
		c := &p.Waivers[i]
		if !matches(c.Node, n.Name) && !matches(c.Node, n.UniqueID) {
			continue
		}
		if c.Reason != "" && !c.Until.IsZero() && now.Before(dayAfter(c.Until)) {
			return c, true
		}
		if w == nil {
			w = c
		}
	}
	return w, false
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return pattern == name || (err == nil && ok)
}

// dayAfter is midnight after the day of t: a waiver covers its whole last day.
func dayAfter(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC)
}
