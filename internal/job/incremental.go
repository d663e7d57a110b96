package job

import (
	"slices"
	"strconv"
	"time"

	"exposync/internal/config"
	"exposync/internal/plan"
	"exposync/internal/yamlx"
)

// fullRead is how old the last whole reading may be where nothing is said.
const fullRead = 7 * 24 * time.Hour

// readIncremental reads what a sync says about reading its source in part;
// what fits together is for incremental to say.
func readIncremental(r *config.Reader, s *spec) {
	s.cursor, s.changedSince = r.Text("cursor"), r.Text("changed_since")
	s.lookback = readLookback(r)
	s.fullRead = readFullRead(r)
}

// readLookback reads a duration, or a whole number for columns of numbers.
func readLookback(r *config.Reader) plan.Lookback {
	const key = "lookback"
	n := r.Node(key)
	if n == nil {
		return plan.Lookback{}
	}
	if text, ok := n.Str(); ok {
		if age, ok := config.ParseDuration(text); ok {
			return plan.Lookback{Age: age}
		}
	}
	if n.Kind == yamlx.String || n.Kind == yamlx.Number {
		if steps, err := strconv.ParseInt(n.Text, 10, 64); err == nil && steps >= 0 {
			return plan.Lookback{Steps: steps}
		}
	}
	r.Fault(key, "setting_invalid", "write a duration for a column of times (3d, 6h), a whole number for a column of numbers (10000)",
		"must be a duration or a whole number, 0 or more")
	return plan.Lookback{}
}

// readFullRead reads daily, never or a duration. never is negative; 0 if the
// key is not there or wrong.
func readFullRead(r *config.Reader) time.Duration {
	const key = "full_read"
	n := r.Node(key)
	if n == nil {
		return 0
	}
	text, _ := n.Str()
	switch text {
	case "daily":
		return 24 * time.Hour
	case "never":
		return -1
	}
	age, ok := config.ParseDuration(text)
	if !ok {
		r.Fault(key, "setting_invalid", "write how old the last whole reading may get: daily, 7d, or never",
			"must be daily, never or a duration%s", config.Trap(n))
	}
	return age
}

// incremental is what a job reads of its source, with what contradicts itself.
func (s spec) incremental(r *config.Reader, mode plan.Mode) plan.Incremental {
	has := func(key string) bool { return slices.Contains(s.set, key) }
	switch {
	case has("cursor") && has("changed_since"):
		r.Fault("cursor", "setting_invalid", "keep cursor for mode append, changed_since for the other modes",
			"there is changed_since, too: a source is read in one way")
		return plan.Incremental{}
	case !has("cursor") && !has("changed_since"):
		for _, key := range []string{"lookback", "full_read"} {
			if has(key) {
				r.Fault(key, "setting_invalid", "add changed_since (or cursor, in mode append), or remove it",
					"says nothing without cursor or changed_since: all rows are read")
			}
		}
		return plan.Incremental{}
	}
	i := plan.Incremental{Column: s.changedSince, Lookback: s.lookback, FullRead: max(s.fullRead, 0)}
	if has("cursor") {
		i.Column, i.Forget = s.cursor, true
	} else if s.fullRead == 0 {
		i.FullRead = fullRead
	}
	s.checkIncremental(r, i, mode)
	return i
}

func (s spec) checkIncremental(r *config.Reader, i plan.Incremental, mode plan.Mode) {
	has := func(key string) bool { return slices.Contains(s.set, key) }
	if !has("lookback") {
		r.Fault(i.Setting(), "setting_missing", "add `lookback: 3d` (or a whole number, for a column of numbers): what comes later than that is missed",
			"there is no lookback beside it")
	}
	switch {
	case i.Forget && mode != plan.Append:
		r.Fault("cursor", "setting_invalid", "use changed_since instead, or mode: append",
			"is for events in mode append; mode %s needs to remember every record", mode)
	case i.Forget && has("full_read"):
		r.Fault("full_read", "setting_invalid", "remove it",
			"does not go with cursor: what left the window is forgotten and would be sent again")
	case !i.Forget && mode == plan.Append:
		r.Fault("changed_since", "setting_invalid", "use cursor instead", "does not go with mode append")
	case mode == plan.Mirror && s.fullRead < 0:
		r.Fault("full_read", "setting_invalid", "say how old the last whole reading may get: daily, 7d; or use mode: upsert",
			"never means that mode mirror would never delete anything")
	}
}
