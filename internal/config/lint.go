package config

import (
	"maps"
	"slices"
)

// The levels of a lint rule. The others are plan's severities.
const (
	LintOff     = "off"
	LintInfo    = "info"
	LintWarning = "warning"
	LintError   = "error"
)

// Lint is which rules count for a project, and how much.
type Lint struct {
	Rules  map[string]LintRule // by code; what is not named has its default
	FailOn string              // LintError or LintWarning: the least that makes lint fail
}

// LintRule is what exposync.yml says about one rule.
type LintRule struct {
	Level string
	Where string // file:line
}

func readLint(r *Reader) Lint {
	l := Lint{Rules: map[string]LintRule{}, FailOn: LintError}
	if word := r.Choice("fail_on", LintError, LintWarning); word != "" {
		l.FailOn = word
	}
	rules := r.Map("rules")
	for code := range rules.Entries() {
		level := rules.Choice(code, LintOff, LintInfo, LintWarning, LintError)
		l.Rules[code] = LintRule{Level: level, Where: rules.Place(code).Where}
	}
	rules.Done()
	r.Done()
	return l
}

// Codes lists the rules that are named, sorted.
func (l Lint) Codes() []string { return slices.Sorted(maps.Keys(l.Rules)) }
