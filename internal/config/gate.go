package config

import "time"

// Gate holds the knobs of the gate as they are written in exposync.yml and in
// an exposure's metadata. What is zero or nil was not written: the next wider
// setting holds.
type Gate struct {
	Scope                string        // direct, run, strict
	MaxAge               time.Duration // how old evidence may be
	Views                string        // transparent, require
	PartialSuccess       string        // block, warn
	AllowFailedAncestors *bool
	SkipIfUnchanged      *bool
	External             string // warn, require
	Freshness            string // ignore, warn, require
	Tests                GateTests
	Hooks                GateHooks
}

// GateHooks says what a failed hook of the dbt run leads to.
type GateHooks struct {
	Start string // on-run-start: block, warn
	End   string // on-run-end: block, warn
}

// GateTests are the knobs about dbt's tests.
type GateTests struct {
	Scope   string // direct, closure
	Warn    string // pass, warn, block
	Require *bool
}

// ReadGate reads the knobs of a gate map. The caller ends with Done.
func ReadGate(r *Reader) Gate {
	tests, hooks := r.Map("tests"), r.Map("hooks")
	g := Gate{
		Scope:                r.Choice("scope", "direct", "run", "strict"),
		MaxAge:               r.Duration("max_age"),
		Views:                r.Choice("views", "transparent", "require"),
		PartialSuccess:       r.Choice("partial_success", "block", "warn"),
		AllowFailedAncestors: r.Bool("allow_failed_ancestors"),
		SkipIfUnchanged:      r.Bool("skip_if_unchanged"),
		External:             r.Choice("external", "warn", "require"),
		Freshness:            r.Choice("freshness", "ignore", "warn", "require"),
		Tests: GateTests{
			Scope:   tests.Choice("scope", "direct", "closure"),
			Warn:    tests.Choice("warn", "pass", "warn", "block"),
			Require: tests.Bool("require"),
		},
		Hooks: GateHooks{Start: hooks.Choice("start", "block", "warn"), End: hooks.Choice("end", "block", "warn")},
	}
	tests.Done()
	hooks.Done()
	return g
}
