package gate

import (
	"cmp"
	"slices"

	"exposync/internal/plan"
)

// fold reduces the findings to the worst of them.
func (j *judge) fold() plan.Judgement {
	if absent, ok := j.notInRun(); ok {
		j.found = []finding{absent}
	}
	j.tidy()
	out := plan.Judgement{Exposure: j.exposure.UniqueID, Verdict: plan.VerdictGo, Touched: j.touched, Invocation: j.invocation()}
	for _, f := range j.found {
		r := f.Reason
		r.Next = j.facts.next(r.Next)
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

// tidy drops findings that only repeat a worse one; none of them decides the
// verdict.
func (j *judge) tidy() {
	drop := func(because, repeats func(finding) bool) {
		if slices.ContainsFunc(j.found, because) {
			j.found = slices.DeleteFunc(j.found, repeats)
		}
	}
	if !j.touched {
		// The files cannot speak at all, so every node is absent.
		drop(func(f finding) bool {
			return f.UniqueID == "" && severity(f.Verdict) >= severity(plan.VerdictHold) && !f.absence && !Acceptable(f.Code)
		}, func(f finding) bool { return f.absence })
	}
	// v2 writes one error for everything that it did not start: it is told of
	// what the exposure reads.
	refused := func(f finding) bool { return f.file != nil && f.file.refused }
	read := func(f finding) bool {
		n, ok := j.graph.index[f.UniqueID]
		return ok && refused(f) && f.Verdict == plan.VerdictBlock && slices.Contains(j.closure.reads, n)
	}
	drop(read, func(f finding) bool { return refused(f) && !read(f) })
	// After a failed hook dbt skips every model.
	failedHook := map[string]bool{}
	for _, f := range j.found {
		if f.Code == codeHookFailed && f.Verdict == plan.VerdictBlock {
			failedHook[f.File] = true
		}
	}
	j.found = slices.DeleteFunc(j.found, func(f finding) bool { return f.Code == codeNodeSkipped && failedHook[f.File] })
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
