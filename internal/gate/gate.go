// Package gate says whether an exposure's sync may start: whether everything
// above it was built and tested well, in this run of dbt. It walks the lineage
// itself, because an exposure's own status proves nothing and dbt lets
// children build over failed parents.
//
// It computes only. Files are read by package dbt, the ledger and the clock
// are handed in.
package gate

import (
	"cmp"
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

// fold reduces the findings to the worst of them.
func (j *judge) fold() plan.Judgement {
	if absent, ok := j.notInRun(); ok {
		j.found = []finding{absent}
	}
	j.tidy()
	out := plan.Judgement{Exposure: j.exposure.UniqueID, Verdict: plan.VerdictGo}
	for _, f := range j.found {
		r := f.Reason
		if r.Verdict == plan.VerdictHold && j.accept.has(r.Code) {
			r.Verdict, r.Accepted = plan.VerdictGoWarn, true
		}
		if !f.at.IsZero() {
			r.Age = age(f.at, j.now)
		}
		if severity(r.Verdict) > severity(out.Verdict) {
			out.Verdict = r.Verdict
		}
		out.Reasons = append(out.Reasons, r)
	}
	if out.Verdict == plan.VerdictGo && j.unchanged() {
		out.Verdict = plan.VerdictUnchanged
	}
	slices.SortFunc(out.Reasons, func(a, b plan.Reason) int {
		return cmp.Or(cmp.Compare(severity(b.Verdict), severity(a.Verdict)), cmp.Compare(a.UniqueID, b.UniqueID),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.File, b.File), cmp.Compare(a.Message, b.Message))
	})
	out.Reasons = slices.CompactFunc(out.Reasons, func(a, b plan.Reason) bool {
		return a.Code == b.Code && a.UniqueID == b.UniqueID && a.File == b.File && a.Message == b.Message
	})
	return out
}

func severity(v plan.Verdict) int {
	switch v {
	case plan.VerdictBlock:
		return 4
	case plan.VerdictHold:
		return 3
	case plan.VerdictGoWarn:
		return 2
	case plan.VerdictGo:
		return 1
	case plan.VerdictUnchanged:
	}
	return 0
}

// notInRun puts one line in the place of many absences: dbt built another part
// of the project, and neither a failure nor changed code speaks.
func (j *judge) notInRun() (finding, bool) {
	newest := j.facts.newest()
	if j.touched || newest == nil {
		return finding{}, false
	}
	held := false
	for _, f := range j.found {
		if f.Verdict == plan.VerdictBlock || f.Verdict == plan.VerdictHold && !f.absence {
			return finding{}, false
		}
		held = held || f.Verdict == plan.VerdictHold
	}
	if !held {
		return finding{}, false
	}
	return finding{absence: true, at: newest.GeneratedAt, Reason: plan.Reason{
		Code: codeNotInRun, Verdict: plan.VerdictHold,
		InvocationID: newest.InvocationID, File: newest.File,
		Message: "nothing that " + j.exposure.Name + " depends on was in this dbt " + newest.Args.Which,
		Next:    "dbt build --select +exposure:" + j.exposure.Name,
	}}, true
}

// tidy drops findings that only repeat a worse one: absences where the files
// cannot speak at all, and v2's one error for everything it did not start,
// which is told of what the exposure reads.
func (j *judge) tidy() {
	mute := func(f finding) bool {
		return f.UniqueID == "" && severity(f.Verdict) >= severity(plan.VerdictHold) && !f.absence && !Acceptable(f.Code)
	}
	if !j.touched && slices.ContainsFunc(j.found, mute) {
		j.found = slices.DeleteFunc(j.found, func(f finding) bool { return f.absence })
	}
	told := func(f finding) bool {
		n, ok := j.graph.index[f.UniqueID]
		return ok && f.file != nil && f.file.refused && f.Verdict == plan.VerdictBlock && slices.Contains(j.closure.reads, n)
	}
	if slices.ContainsFunc(j.found, told) {
		j.found = slices.DeleteFunc(j.found, func(f finding) bool { return f.file != nil && f.file.refused && !told(f) })
	}
}

// unchanged reports whether dbt reused everything that the exposure reads. The
// nodes above do not count: reused, a model is as it was.
func (j *judge) unchanged() bool {
	for _, n := range j.closure.reads {
		if ft := j.facts.current(n); ft == nil || ft.class != reused {
			return false
		}
	}
	return len(j.closure.reads) > 0
}

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
