// Package gate says whether an exposure's sync may start: whether everything
// above it was built and tested well, in this run of dbt. It walks the lineage
// itself, because an exposure's own status proves nothing and dbt lets
// children build over failed parents.
//
// It computes only. Files are read by package dbt, the ledger and the clock
// are handed in.
package gate

import (
	"maps"
	"math"
	"slices"
	"time"

	"exposync/internal/dbt"
	"exposync/internal/plan"
)

// Evaluate judges every enabled exposure, of any type, by unique_id. Equal
// input gives equal output, to the byte.
func Evaluate(f *Facts, policies Policies, now time.Time) map[string]plan.Judgement {
	out := make(map[string]plan.Judgement, len(f.graph.project.Exposures))
	shared := newRebuilds(f)
	c := newClosure(f.graph)
	for _, id := range slices.Sorted(maps.Keys(f.graph.project.Exposures)) {
		j := &judge{
			facts: f, graph: f.graph, closure: c, rebuilds: shared,
			exposure: f.graph.project.Exposures[id], policy: policies.of(id), accept: policies.Accept, now: now,
		}
		out[id] = j.run(policies)
	}
	return out
}

// Raised gives, sorted, the codes of holds that were raised, accepted or not.
// Accepting any other code is a mistake of the command line.
func Raised(judgements map[string]plan.Judgement) []string {
	codes := map[string]bool{}
	for _, j := range judgements {
		for _, r := range j.Reasons {
			if r.Accepted || r.Verdict == plan.VerdictHold {
				codes[r.Code] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(codes))
}

// Disabled gives a reason for every exposure that dbt disabled, sorted by
// unique_id: they are no jobs, but a report lists them.
func Disabled(p *dbt.Project) []plan.Reason {
	var out []plan.Reason
	for _, id := range slices.Sorted(maps.Keys(p.Disabled)) {
		if d := p.Disabled[id]; d.ResourceType == "exposure" {
			out = append(out, plan.Reason{
				Code: codeDisabled, UniqueID: id,
				Message: d.Name + " is disabled in dbt: it is not synced",
				Next:    "set enabled: true on the exposure, then dbt build",
			})
		}
	}
	return out
}

// judge works on one exposure.
type judge struct {
	facts    *Facts
	graph    *graph
	closure  *closure
	rebuilds *rebuilds
	exposure *dbt.Exposure
	policy   *Policy
	accept   Accept
	now      time.Time

	found      []finding
	touched    bool // something of the lineage stands in the run's files
	staleFile  bool // the newest file is too old, which is said once
	slicedFile bool // the newest file is an --empty or --sample build, which is said once
}

func (j *judge) run(policies Policies) plan.Judgement {
	j.files()
	j.metadata(policies)
	j.hooks()
	j.lineage()
	j.direct()
	j.ancestors()
	j.tests()
	j.untested()
	j.ownRow()
	return j.fold()
}

func (j *judge) add(f finding) { j.found = append(j.found, f) }

// age of something at now. It is never negative, and very large for something
// without a time.
func age(at, now time.Time) time.Duration {
	if at.IsZero() {
		return math.MaxInt64
	}
	return max(now.Sub(at), 0)
}

// timely reports whether something of that time is young enough to prove
// anything. What lies in the future beyond the tolerated skew is not.
func (j *judge) timely(at time.Time) bool {
	return age(at, j.now) <= j.policy.MaxAge && !at.After(j.now.Add(j.policy.ClockSkew))
}
