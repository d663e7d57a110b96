package gate

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"exposync/internal/dbt"
	"exposync/internal/plan"
)

// Input is everything that speaks about a project's nodes.
type Input struct {
	Runs    []*dbt.RunResults        // in any order
	Sources *dbt.Sources             // nil if freshness was not looked at
	Known   map[string]plan.Evidence // from the ledger, by unique_id; may be nil
	Asked   string                   // the --target that the user gave; empty if none
	Target  *Target                  // what the exposures would be synced from; nil if no profile is at hand
}

// Target is the output of the dbt profile that a run reads from.
type Target struct {
	Name     string   // dbt target; empty: not compared
	Project  string   // name in dbt_project.yml; empty: not compared
	Database string   // empty: not compared
	Schema   string   // the profile's; empty, with no Schemas: not compared
	Schemas  []string // further schemas that belong to the target
}

// Facts is what is known about a project when it is judged: evidence merged
// over all files and the ledger, and what speaks against the files themselves.
// It is the same for any order of files and rows, and is not changed by judging.
type Facts struct {
	// The newest dbt command that built or tested something; empty if none did.
	Invocation  string
	Which       string // build, run, seed, snapshot, test
	GeneratedAt time.Time
	TargetName  string // its --target, if given
	// Notes say, sorted, what a reader should know and what decides nothing.
	Notes []string

	graph     *graph
	target    *Target
	repeat    string  // the target that commands to type have to name; empty if none
	files     []*file // with results, oldest first
	found     []finding
	run       []*fact // newest result of each node
	known     []*fact // the ledger's, where it may count
	speaks    []*fact // see current
	exposures map[string]*fact
	hooks     map[string]*fact
	sources   *dbt.Sources
	fresh     map[string]dbt.SourceResult
}

// finding is a reason with what only the gate needs to know of it.
type finding struct {
	plan.Reason
	at      time.Time // of the evidence; zero if there is none
	file    *file     // that the evidence stood in, if it is a node's
	absence bool      // nothing is known, as opposed to something bad
}

// file is one run_results file of a command that builds or tests.
type file struct {
	*dbt.RunResults
	rows    int    // with a unique_id
	present int    // of nodes that the manifest holds
	missing string // the first node that it does not hold
	absent  int    // how many it does not hold
	moved   string // the first node whose database or schema is another one in the manifest
	renamed string // the first whose relation has only another name there
	cut     string // "empty" or "sample" if relations were built without all their rows
	refused bool   // every row is v2's "Compilation Error": dbt stopped before it did anything
}

// fact is one result as the gate reads it.
type fact struct {
	plan.Evidence
	class class
	file  *file // nil for the ledger's
}

// class is what a status means.
type class uint8

// The classes, from the one that proves most to the one that proves the worst.
const (
	silent  class = iota // a row that says nothing: an ephemeral model, a no-op
	reused               // dbt found that nothing changed
	good                 // built, or passed
	warned               // built or run, with a warning
	unknown              // a status that Exposync does not know
	skipped              // not run
	partial              // some batches of a microbatch model failed
	sliced               // built with --empty or --sample
	failed               // not built, or rows found
)

// proves reports whether the class is proof that something was done well.
func (c class) proves() bool { return c == reused || c == good || c == warned }

// bad reports whether a result stays until a newer one replaces it. A test
// that was skipped says nothing about the failure before it.
func (f *fact) bad(test bool) bool {
	switch f.class {
	case failed, partial, sliced:
		return true
	case skipped:
		return !test
	case silent, reused, good, warned, unknown:
	}
	return false
}

// ran reports whether a test looked at data.
func (f *fact) ran() bool { return f.class == good || f.class == warned || f.class == failed }

// classify reads a status the way both engines write it. v2 lists what has
// nothing to do as skipped: ephemeral models, and functions in `dbt run`.
func classify(n *dbt.Node, status, message, cut string) class {
	idle := n.Materialized == "ephemeral" ||
		(n.ResourceType == "function" && !strings.Contains(message, "upstream") && !strings.Contains(message, "fail"))
	switch status {
	case "error", "fail", "runtime error":
		return failed
	case "reused":
		return reused
	case "skipped":
		if idle {
			return silent
		}
		return skipped
	case "no-op":
		if idle || transparent(n) && !n.Test() {
			return silent
		}
		return unknown
	}
	switch {
	case n.Materialized == "ephemeral":
		return silent
	case status == "warn":
		return sliceOf(n, warned, cut)
	case status == "success" && !n.Test(), status == "pass" && n.Test():
		return sliceOf(n, good, cut)
	case status == "partial success" && !n.Test():
		return partial
	}
	return unknown
}

// Collect merges everything that speaks about the project's nodes. It judges
// nothing: what depends on a policy or on the time is left to Evaluate.
func Collect(p *dbt.Project, in Input) *Facts {
	g := newGraph(p)
	f := &Facts{
		graph: g, target: in.Target, sources: in.Sources,
		run: make([]*fact, len(g.nodes)), known: make([]*fact, len(g.nodes)),
		exposures: map[string]*fact{}, hooks: map[string]*fact{}, fresh: map[string]dbt.SourceResult{},
	}
	runs := inOrder(in.Runs)
	for _, r := range runs {
		f.read(r)
	}
	f.readKnown(in.Known)
	f.settle()
	f.readSources(in.Sources)
	if newest := f.newest(); newest != nil {
		f.Invocation, f.Which = newest.InvocationID, newest.Args.Which
		f.GeneratedAt, f.TargetName = newest.GeneratedAt, newest.Args.Target
	}
	if f.repeat = in.Asked; f.repeat == "" {
		f.repeat = f.TargetName
	}
	f.checkPresence(runs)
	f.checkPairs(runs)
	f.checkTargets()
	f.note(runs)
	return f
}

// inOrder sorts files by time, so that the order in which they were named
// does not count.
func inOrder(runs []*dbt.RunResults) []*dbt.RunResults {
	out := slices.DeleteFunc(slices.Clone(runs), func(r *dbt.RunResults) bool { return r == nil })
	slices.SortStableFunc(out, func(a, b *dbt.RunResults) int {
		return cmp.Or(a.GeneratedAt.Compare(b.GeneratedAt),
			cmp.Compare(a.InvocationID, b.InvocationID), cmp.Compare(a.File, b.File))
	})
	return out
}

func (f *Facts) newest() *file {
	if len(f.files) == 0 {
		return nil
	}
	return f.files[len(f.files)-1]
}

// current is the result that speaks for a node now: the newest of the run's
// files, or a failure that the ledger remembers and nothing has undone.
func (f *Facts) current(n int32) *fact { return f.speaks[n] }

// settle decides once, for every node, which of its results speaks.
func (f *Facts) settle() {
	f.speaks = slices.Clone(f.run)
	for n, k := range f.known {
		test := f.graph.isTest[n]
		if r := f.run[n]; k != nil && r != nil && !test && f.otherCode(n, k, r) {
			f.run[n], f.speaks[n] = nil, nil
		}
		if k == nil || !k.bad(test) {
			continue
		}
		if r := f.run[n]; r == nil || k.GeneratedAt.After(r.GeneratedAt) || replacedBySilence(test, k, r) {
			f.speaks[n] = k
		}
	}
}

// otherCode reports whether a success of the run was of other code than the
// manifest has: it was recorded with the manifest of its own invocation, and
// that had another checksum.
func (f *Facts) otherCode(n int, k, r *fact) bool {
	now := f.graph.nodes[n].Checksum
	return r.class.proves() && !f.pairs(r.file.RunResults) && k.InvocationID == r.InvocationID && k.GeneratedAt.Equal(r.GeneratedAt) &&
		k.Checksum != "" && now != "" && k.Checksum != now
}

// replacedBySilence reports whether next says nothing that could undo the
// failure of a test: it was skipped, or dbt reused it without running it.
func replacedBySilence(test bool, failure, next *fact) bool {
	return test && failure.class == failed && !next.ran()
}
