package gate

import (
	"fmt"
	"time"

	"exposync/internal/dbt"
	"exposync/internal/plan"
)

// standing says what a judged node means for those above it.
type standing bool

const (
	standsAlone      standing = false
	standsForParents standing = true // an absent view: its parents are judged in its place
)

// node judges one node that holds rows by rows 1 to 13; column 3 of the table
// with direct, column 4 with ancestor.
func (j *judge) node(n int32, col column) standing {
	node, ft := j.graph.nodes[n], j.facts.current(n)
	if node.ResourceType == "source" {
		j.source(n, col)
		return standsAlone
	}
	if ft == nil || ft.class == silent || j.outdated(ft) && view(node) {
		return j.absent(n, col)
	}
	if transparent(node) && ft.class != failed {
		return standsAlone
	}
	if !j.bad(n, ft, col) {
		j.proven(n, ft, col)
	}
	return standsAlone
}

// bad judges rows 4, 5 and 7, and builds without all their rows.
func (j *judge) bad(n int32, ft *fact, col column) bool {
	if ft.class.proves() || ft.class == unknown {
		return false
	}
	name, next := label(j.graph.nodes[n]), "dbt build --select "+selector(j.graph.nodes[n])+"+"
	v := plan.VerdictBlock
	// In scope direct an ancestor's failure does not close the gate, but
	// nobody may overlook it.
	if col == ancestor && j.policy.Scope == ScopeDirect {
		v = plan.VerdictGoWarn
	}
	switch ft.class {
	case failed:
		// allow_failed_ancestors tells of the failure instead of hiding it;
		// scope strict asks for proof of every ancestor all the same.
		if col == ancestor && j.policy.AllowFailedAncestors && j.policy.Scope != ScopeStrict {
			v = plan.VerdictGoWarn
		}
		j.report(n, ft, v, codeNodeFailed, next, "%s failed%s%s", name, in(ft), why(ft))
	case skipped:
		j.report(n, ft, v, codeNodeSkipped, next, "%s was skipped%s%s", name, in(ft), why(ft))
	case partial:
		if j.policy.PartialSuccess == PartialWarn {
			v = plan.VerdictGoWarn
		}
		j.report(n, ft, v, codePartialSuccess, "dbt retry", "some batches of %s failed%s", name, in(ft))
	case sliced:
		j.sliced(n, ft, v)
	case silent, reused, good, warned, unknown:
	}
	return true
}

// sliced tells of a node that was built without all its rows, unless that was
// said for the whole file already.
func (j *judge) sliced(n int32, ft *fact, v plan.Verdict) {
	if j.slicedFile && ft.file == j.facts.newest() {
		return
	}
	code, rows := codeEmptyBuild, "no rows"
	if ft.Cut == cutSample {
		code, rows = codeSampleBuild, "a part of its rows"
	}
	node := j.graph.nodes[n]
	j.report(n, ft, v, code, "dbt build --select "+selector(node)+"+",
		"%s was last built with --%s and holds %s", label(node), ft.Cut, rows)
}

// why says what dbt's fixed words say about a node that was not built.
func why(ft *fact) string {
	switch ft.Message {
	case "Compilation Error":
		if ft.file != nil && ft.file.refused {
			return ", like everything in it: dbt stopped before it built anything (a compile error, a failed hook, or --fail-fast)"
		}
		return ": it does not compile"
	case "Skipping due to fail_fast":
		return ": an earlier failure stopped dbt (--fail-fast)"
	case "Skipped due to upstream failure":
		return ": something above it failed"
	}
	return ""
}

// proven judges a node that stands in the run with a result that is not bad:
// rows 1 to 3, and what is wrong with the proof itself.
func (j *judge) proven(n int32, ft *fact, col column) {
	node := j.graph.nodes[n]
	needed := col == direct || j.policy.Scope == ScopeStrict
	switch {
	case ft.class == unknown:
		v := plan.VerdictGoWarn
		if needed {
			v = plan.VerdictHold
		}
		j.report(n, ft, v, codeUnknownStatus, "exposync version",
			"%s has status %q, which this version does not know", label(node), ft.Status)
	case j.outdated(ft):
		if needed {
			j.report(n, ft, plan.VerdictHold, codeStale, "dbt build --select "+selector(node)+"+",
				"the newest result of %s is not of the last %s (max_age)", label(node), plan.Age(j.policy.MaxAge))
		}
	case ft.class == warned:
		j.report(n, ft, plan.VerdictGoWarn, codeModelWarned, "", "%s was built with a warning", label(node))
	case ft.class == reused && col == direct:
		j.report(n, ft, plan.VerdictUnchanged, codeReused, "", "dbt reused %s: nothing changed", label(node))
	}
}

// outdated reports whether a success is too old to prove anything. Of the
// newest file that is said once, for the file.
func (j *judge) outdated(ft *fact) bool {
	said := j.staleFile && ft.file == j.facts.newest()
	return ft.class.proves() && !j.timely(ft.GeneratedAt) && !said
}

func view(n *dbt.Node) bool { return n.Materialized == "view" && n.ResourceType == "model" }

// absent judges a node that no file speaks of: rows 6, 8, 9, 10 and 13.
func (j *judge) absent(n int32, col column) standing {
	node := j.graph.nodes[n]
	required := col == direct || j.policy.Scope == ScopeStrict
	switch {
	case node.External:
		j.external(n, col)
	case transparent(node), node.ResourceType == "function":
	case !view(node):
		if required {
			j.notRebuilt(n)
		}
	case j.policy.Views == ViewsRequire:
		// Only standing in the run counts: code that a macro or a variable
		// changes has the checksum it had before.
		if required {
			j.reportAbsence(n, plan.VerdictHold, codeViewNotInRun, "%s was not built in this run, and views: require asks for it", label(node))
		}
	case col == direct:
		return j.absentView(n)
	}
	return standsAlone
}

// absentView judges row 8: a view shows what its parents hold, as long as the
// warehouse has the code that the manifest has.
func (j *judge) absentView(n int32) standing {
	node, k := j.graph.nodes[n], j.facts.known[n]
	if k == nil || !k.class.proves() || k.Checksum == "" || node.Checksum == "" {
		v := plan.VerdictGoWarn
		if j.policy.Scope == ScopeStrict {
			v = plan.VerdictHold
		}
		j.reportAbsence(n, v, codeViewNotInRun,
			"%s was not built in this run, and nothing tells whether the warehouse has this version of it", label(node))
		return standsForParents
	}
	if k.Checksum != node.Checksum {
		j.report(n, k, plan.VerdictHold, codeNotBuilt, "dbt build --select "+selector(node),
			"%s changed since it was last built: the warehouse still has the old view", label(node))
	}
	return standsForParents
}

// notRebuilt judges row 9: what holds rows of its own has to be rebuilt, now
// or not long ago.
func (j *judge) notRebuilt(n int32) {
	node, k := j.graph.nodes[n], j.facts.known[n]
	switch {
	case k == nil || !k.class.proves() || k.Checksum == "" || node.Checksum == "":
		j.reportAbsence(n, plan.VerdictHold, codeNotRebuilt,
			"%s was not built in this run, and nothing tells when it was built last", label(node))
	case k.Checksum != node.Checksum:
		j.report(n, k, plan.VerdictHold, codeNotRebuilt, "dbt build --select "+selector(node)+"+",
			"%s changed since it was last built", label(node))
	case !j.timely(k.GeneratedAt):
		j.reportAbsence(n, plan.VerdictHold, codeNotRebuilt,
			"%s was not built in this run, and last %s ago", label(node), plan.Age(age(k.GeneratedAt, j.now)))
	default:
		j.report(n, k, plan.VerdictGoWarn, codeNotRebuilt, "",
			"%s was not built in this run, but %s ago", label(node), plan.Age(age(k.GeneratedAt, j.now)))
	}
}

// external judges row 10: another project's node, of which no file is here.
// It never stands in a run, so its absence says nothing about this one.
func (j *judge) external(n int32, col column) {
	node, v := j.graph.nodes[n], plan.VerdictGoWarn
	if j.policy.External == ExternalRequire {
		v = plan.VerdictHold
	}
	if col == direct || v == plan.VerdictHold && j.policy.Scope == ScopeStrict {
		j.report(n, nil, v, codeOtherProject, "exposync explain "+codeOtherProject,
			"%s belongs to project %s: nothing tells whether it was built", label(node), node.Package)
	}
}

// report adds a finding about a node, with its evidence if there is any.
func (j *judge) report(n int32, ft *fact, v plan.Verdict, code, next, format string, args ...any) {
	f := finding{Reason: plan.Reason{
		Code: code, Verdict: v, UniqueID: j.graph.nodes[n].UniqueID, Path: j.closure.path(n),
		Message: fmt.Sprintf(format, args...), Next: next,
	}}
	f.from(ft)
	j.add(f)
}

func (f *finding) from(ft *fact) {
	if ft != nil {
		f.Status, f.InvocationID, f.File, f.at = ft.Status, ft.InvocationID, ft.File, ft.GeneratedAt
		f.file = ft.file
	}
}

// reportAbsence adds a finding that says only that nothing is known.
func (j *judge) reportAbsence(n int32, v plan.Verdict, code, format string, args ...any) {
	j.report(n, nil, v, code, "dbt build --select "+selector(j.graph.nodes[n]), format, args...)
	j.found[len(j.found)-1].absence = true
}

// in says where a result stood.
func in(ft *fact) string {
	if ft.file == nil {
		return " in dbt " + ft.Which + " of " + ft.GeneratedAt.UTC().Format(time.DateOnly) + ", and nothing newer is known"
	}
	return " in dbt " + ft.Which
}

// label is how messages name a node.
func label(n *dbt.Node) string {
	if n.ResourceType == "source" && n.SourceName != "" {
		return n.SourceName + "." + n.Name
	}
	return selector(n)
}

// selector is how dbt's --select names a node.
func selector(n *dbt.Node) string {
	switch {
	case n.ResourceType == "source":
		return "source:" + n.SourceName + "." + n.Name
	case n.Version != "":
		return n.Name + ".v" + n.Version
	}
	return n.Name
}
