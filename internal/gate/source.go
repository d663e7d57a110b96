package gate

import (
	"time"

	"exposync/internal/dbt"
	"exposync/internal/plan"
)

// freshness is what is known of a source now.
type freshness uint8

const (
	unwatched freshness = iota // it promises nothing, or freshness was not looked at
	fresh
	late    // older than warn_after
	tooLate // older than error_after
	lost    // freshness was looked at, but not for this source
)

// freshnessOf computes a source's age anew: the status in sources.json was
// true when it was written, and an age only grows.
func (f *Facts) freshnessOf(n *dbt.Node, now time.Time) (freshness, time.Duration) {
	r, ok := f.fresh[n.UniqueID]
	if !ok || r.Status == "runtime error" {
		// dbt >= 1.8 leaves out sources whose check failed.
		if ok || f.sources != nil && n.Freshness != nil && *n.Freshness != (dbt.Freshness{}) {
			return lost, 0
		}
		return unwatched, 0
	}
	state := fresh
	switch r.Status {
	case "warn":
		state = late
	case "error", "fail":
		state = tooLate
	case "pass":
	default:
		state = lost
	}
	if r.MaxLoadedAt.IsZero() {
		return state, 0
	}
	limits := r.Freshness
	if limits == (dbt.Freshness{}) && n.Freshness != nil {
		limits = *n.Freshness
	}
	old := age(r.MaxLoadedAt, now)
	switch {
	case limits.ErrorAfter > 0 && old > limits.ErrorAfter:
		return tooLate, old
	case limits.WarnAfter > 0 && old > limits.WarnAfter:
		return max(state, late), old
	}
	return state, old
}

// source judges rows 11 and 12. A source that the exposure reads directly is
// never silently good: freshness: ignore leaves its result out, but something
// must say that nothing vouches for it.
func (j *judge) source(n int32, col column) {
	node := j.graph.nodes[n]
	state, old := j.facts.freshnessOf(node, j.now)
	require := j.policy.Freshness == FreshnessRequire
	if j.policy.Freshness == FreshnessIgnore {
		state = unwatched
	}
	switch state {
	case fresh:
	case late:
		j.sourceReason(n, plan.VerdictGoWarn, codeFreshWarn, "%s was loaded %s ago: later than it promises", label(node), plan.Age(old))
	case tooLate:
		v := plan.VerdictGoWarn
		if col == direct || require {
			v = plan.VerdictBlock
		}
		if old == 0 {
			j.sourceReason(n, v, codeFreshError, "%s is not fresh", label(node))
			return
		}
		j.sourceReason(n, v, codeFreshError, "%s was loaded %s ago: it counts as not fresh", label(node), plan.Age(old))
	case lost:
		v := plan.VerdictGoWarn
		if require {
			v = plan.VerdictHold
		}
		j.sourceReason(n, v, codeFreshMissing, "%s promises freshness, but dbt source freshness has no result for it", label(node))
	case unwatched:
		j.unwatched(n, col)
	}
}

// unwatched judges row 11. With freshness: require a promise that nobody
// checked holds anywhere above; one that was never made holds only where the
// exposure reads the source itself.
func (j *judge) unwatched(n int32, col column) {
	node, require := j.graph.nodes[n], j.policy.Freshness == FreshnessRequire
	promised := node.Freshness != nil && *node.Freshness != (dbt.Freshness{})
	switch {
	case require && promised:
		j.sourceReason(n, plan.VerdictHold, codeFreshMissing, "%s promises freshness, but there is no sources.json", label(node))
	case require && col == direct:
		j.sourceReason(n, plan.VerdictHold, codeSourceUnknown, "%s is read directly and promises no freshness", label(node))
	case col == direct:
		j.sourceReason(n, plan.VerdictGoWarn, codeSourceUnknown, "%s is read directly, and nothing says how fresh it is", label(node))
	}
}

func (j *judge) sourceReason(n int32, v plan.Verdict, code, format string, args ...any) {
	j.report(n, nil, v, code, "dbt source freshness --select "+selector(j.graph.nodes[n]), format, args...)
	f := &j.found[len(j.found)-1]
	if r, ok := j.facts.fresh[f.UniqueID]; ok {
		f.Status, f.InvocationID, f.File, f.at = r.Status, j.facts.sources.InvocationID, j.facts.sources.File, r.SnapshottedAt
	}
}
