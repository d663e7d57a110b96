package gate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"exposync/internal/plan"
)

// files judges what speaks against the files themselves (row 25).
func (j *judge) files() {
	for _, f := range j.facts.found {
		j.slicedFile = j.slicedFile || f.Code == codeEmptyBuild || f.Code == codeSampleBuild
		j.add(f)
	}
	newest := j.facts.newest()
	if newest == nil || j.timely(newest.GeneratedAt) {
		return
	}
	j.staleFile = true
	msg := fmt.Sprintf("the newest dbt %s is older than max_age (%s): its successes prove nothing any more",
		newest.Args.Which, plan.Age(j.policy.MaxAge))
	if newest.GeneratedAt.After(j.now) {
		msg = fmt.Sprintf("dbt %s ended %s in the future: a clock is wrong",
			newest.Args.Which, plan.Age(newest.GeneratedAt.Sub(j.now)))
	}
	j.add(finding{at: newest.GeneratedAt, Reason: plan.Reason{
		Code: codeStale, Verdict: plan.VerdictHold, InvocationID: newest.InvocationID, File: newest.File,
		Message: msg, Next: "dbt build",
	}})
}

// metadata blocks on faults in the exposure's own settings.
func (j *judge) metadata(policies Policies) {
	for _, p := range policies.Faults[j.exposure.UniqueID] {
		where := p.Where
		if where != "" {
			where += ": "
		}
		j.add(finding{Reason: plan.Reason{
			Code: codeConfig, Verdict: plan.VerdictBlock, UniqueID: j.exposure.UniqueID,
			Message: where + p.Msg, Next: p.Hint,
		}})
	}
}

// hooks judges what ran around the whole command (row 24). What cannot be told
// from its name counts as on-run-start.
func (j *judge) hooks() {
	for _, id := range slices.Sorted(maps.Keys(j.facts.hooks)) {
		h := j.facts.hooks[id]
		if h.class != failed {
			continue
		}
		when, answer := "on-run-start", j.policy.HookStart
		if strings.Contains(id, "on-run-end") {
			when, answer = "on-run-end", j.policy.HookEnd
		}
		v := plan.VerdictBlock
		if answer == HookWarn {
			v = plan.VerdictGoWarn
		}
		j.add(finding{at: h.GeneratedAt, Reason: plan.Reason{
			Code: codeHookFailed, Verdict: v, UniqueID: id, Status: h.Status,
			InvocationID: h.InvocationID, File: h.File,
			Message: "a hook of " + when + " failed", Next: "dbt build",
		}})
	}
}

// lineage finds what is above the exposure (row 27).
func (j *judge) lineage() {
	ids := j.graph.parentIDs(j.exposure.UniqueID, j.exposure.DependsOn)
	parents, missing := j.graph.resolve(ids)
	j.closure.walk(parents)
	for _, id := range missing {
		j.missing(id, nil)
	}
	j.danglingAbove()
	if len(j.closure.reads) == 0 && !slices.ContainsFunc(j.found, func(f finding) bool { return f.Code == codeDangling }) {
		j.add(finding{Reason: plan.Reason{
			Code: codeNoParents, Verdict: plan.VerdictBlock, UniqueID: j.exposure.UniqueID,
			Message: j.exposure.Name + " depends on no model, so nothing can be proven",
			Next:    "list its export model under depends_on: (with an underscore), then dbt parse",
		}})
	}
	for _, n := range j.closure.all {
		ft := j.facts.run[n]
		j.touched = j.touched || ft != nil && ft.class != silent
	}
}

func (j *judge) missing(id string, path []string) {
	msg := id + " is not in the manifest"
	if _, off := j.graph.project.Disabled[id]; off {
		msg = id + " is disabled in dbt"
	}
	j.add(finding{Reason: plan.Reason{
		Code: codeDangling, Verdict: plan.VerdictBlock, UniqueID: id, Path: append(path, id),
		Message: msg + ", yet " + j.exposure.Name + " depends on it",
		Next:    "correct depends_on: of the exposure, then dbt parse",
	}})
}

// direct judges D(E) (column 3 of the table), and the parents of an absent
// view as if they were read directly, because that is what they become.
func (j *judge) direct() {
	queue := slices.Clone(j.closure.reads)
	for i := 0; i < len(queue); i++ {
		n := queue[i]
		if j.node(n, direct) == standsForParents {
			for _, id := range j.graph.dangling[n] {
				j.missing(id, j.closure.path(n))
			}
			queue = append(queue, j.closure.expand(j.graph.parents[n])...)
		}
	}
	for _, n := range j.closure.reads {
		j.deprecated(n)
		j.place(n)
	}
	// A transparent node holds no rows, but a compile error in it is one.
	for _, n := range j.closure.all {
		if j.closure.cols[n] == direct && transparent(j.graph.nodes[n]) {
			j.node(n, direct)
		}
	}
}

// danglingAbove finds missing parents of what is expanded right under the
// exposure: a metric of a semantic model that is gone.
func (j *judge) danglingAbove() {
	for _, n := range j.closure.all {
		if j.closure.cols[n] == direct && transparent(j.graph.nodes[n]) {
			for _, id := range j.graph.dangling[n] {
				j.missing(id, j.closure.path(n))
			}
		}
	}
}

// ancestors judges A(E) \ D(E) (column 4).
func (j *judge) ancestors() {
	for _, n := range j.closure.all {
		if j.closure.cols[n] == ancestor {
			j.node(n, ancestor)
		}
	}
}

// deprecated warns of models past their deprecation date (row 28).
func (j *judge) deprecated(n int32) {
	node := j.graph.nodes[n]
	if node.Deprecation.IsZero() || node.Deprecation.After(j.now) {
		return
	}
	j.report(n, nil, plan.VerdictGoWarn, codeDeprecated, "move the exposure to a newer version of the model",
		"%s is deprecated since %s", label(node), node.Deprecation.Format("2006-01-02"))
}

// place compares what would be read with the target that is asked for.
func (j *judge) place(n int32) {
	t, node := j.facts.target, j.graph.nodes[n]
	if t == nil || node.External || node.ResourceType == "source" {
		return
	}
	same := sameName(j.graph.project.Adapter)
	var wrong string
	switch {
	case t.Database != "" && !same(node.Database, t.Database) &&
		(node.ConfigDatabase == "" || !same(node.Database, node.ConfigDatabase)):
		wrong = fmt.Sprintf("database %q, not %q", node.Database, t.Database)
	case !t.hasSchema(same, node.SchemaName, node.ConfigSchema):
		wrong = fmt.Sprintf("schema %q, not %q", node.SchemaName, t.Schema)
	default:
		return
	}
	next, target := "dbt build --target "+t.Name, "target "+t.Name
	if t.Name == "" {
		next, target = "dbt build", "the profile's target"
	}
	j.report(n, nil, plan.VerdictHold, codeWrongTarget, next, "%s stands in %s as %s has it", label(node), wrong, target)
}

func (t *Target) hasSchema(same func(a, b string) bool, schema, configured string) bool {
	if t.Schema == "" && len(t.Schemas) == 0 {
		return true
	}
	if same(schema, t.Schema) || configured != "" && same(schema, t.Schema+"_"+configured) {
		return true
	}
	return slices.ContainsFunc(t.Schemas, func(s string) bool { return same(s, schema) })
}

// sameName compares names as the warehouse does: regardless of case where it
// folds unquoted names to another case than dbt writes, or tells no case apart.
func sameName(adapter string) func(a, b string) bool {
	switch adapter {
	case "snowflake", "duckdb", "sqlite", "redshift", "databricks", "spark":
		return strings.EqualFold
	}
	return func(a, b string) bool { return a == b }
}

// ownRow is the backstop of row 23: dbt skipped the exposure, and nothing else
// says why. A build of everything it reads that is newer than that undoes it.
func (j *judge) ownRow() {
	row := j.facts.exposures[j.exposure.UniqueID]
	if row == nil || row.class != skipped && row.class != failed {
		return
	}
	if slices.ContainsFunc(j.found, func(f finding) bool { return f.Verdict == plan.VerdictBlock }) {
		return
	}
	newer := func(n int32) bool {
		ft := j.facts.current(n)
		return ft != nil && ft.GeneratedAt.After(row.GeneratedAt)
	}
	if len(j.closure.reads) > 0 && !slices.ContainsFunc(j.closure.reads, func(n int32) bool { return !newer(n) }) {
		return
	}
	j.add(finding{at: row.GeneratedAt, Reason: plan.Reason{
		Code: codeExposureSkipped, Verdict: plan.VerdictBlock, UniqueID: j.exposure.UniqueID, Status: row.Status,
		InvocationID: row.InvocationID, File: row.File,
		Message: "dbt skipped the exposure, so something above it failed", Next: "dbt retry",
	}})
}
