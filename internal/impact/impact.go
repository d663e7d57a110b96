// Package impact says what a change of a dbt project reaches: from two
// manifests, and catalogs where they are at hand, the differences between them
// and for each the exposures, syncs, destination fields and owners behind it.
// It computes only.
package impact

import (
	"cmp"
	"slices"
	"strings"

	"exposync/internal/coverage"
	"exposync/internal/dbt"
	"exposync/internal/job"
)

// Side is a project at one time.
type Side struct {
	Project *dbt.Project // read with Keep
	Jobs    job.Set      // what its exposures declare
	Catalog *dbt.Catalog // nil if none is at hand
}

// Keep is what a manifest has to be read with to be compared.
const Keep = dbt.KeepConfig | dbt.KeepContents

// Options are what Compare can do with beyond the two sides.
type Options struct {
	// Place finds where today's project describes a node, or a column of it; see
	// coverage.Places. It may be nil.
	Place func(id, column string) coverage.Place
}

// Severity is how much a change matters to what it reaches.
type Severity string

// The severities, worst first.
const (
	Breaking Severity = "breaking" // a sync stops, loses its memory or deletes; a tool loses what it reads
	Risky    Severity = "risky"    // what arrives may differ, or less is proven: review it
	Safe     Severity = "safe"     // nothing that arrives differs
)

// Severities lists them, worst first.
func Severities() []Severity { return []Severity{Breaking, Risky, Safe} }

// rank is 0 for the worst.
func (s Severity) rank() int { return slices.Index(Severities(), s) }

// Worse reports whether a severity is worse than another one.
func (s Severity) Worse(than Severity) bool { return s.rank() < than.rank() }

// Impact is what a change reaches.
type Impact struct {
	Changes   []Change  // worst first, then by subject
	Exposures []Reached // of either side, those that a change reaches; worst first, then by name
	Notes     []string  // what limits the comparison
}

// Change is one difference between the two sides.
type Change struct {
	Kind     Kind
	Subject  string // unique_id of the node or exposure
	Job      string // of changes that a sync declares
	Column   string // of the node, or the sync's field
	Before   string // empty if there was nothing
	After    string // empty if there is nothing
	File     string // relative to the project; empty if nobody knows
	Line     int    // 1-based, of today's file; 0 if nobody knows
	Message  string // one sentence
	Severity Severity
	Reaches  []Reach
}

// Reach is one exposure, or one sync of it, that a change reaches.
type Reach struct {
	Exposure string // unique_id
	Job      string // empty for an exposure without syncs, and for what only its gate looks at
	To       string // connection.object
	Fields   []string
	Way      Way
	Path     []string // unique_ids, from the changed node down to what the exposure depends on
	Severity Severity
	Why      string
}

// Reached is an exposure with what reaches it.
type Reached struct {
	ID       string // unique_id
	Name     string
	Type     string
	Owner    string // name, else e-mail address
	Emails   []string
	URL      string
	File     string
	Line     int
	Gone     bool // it is not in the project any more
	Synced   bool // it declares syncs
	Severity Severity
	Changes  []int // into Impact.Changes, worst for this exposure first
	Next     string
}

// Compare gives what differs between two sides, and what that reaches.
func Compare(before, after Side, opt Options) Impact {
	c := newComparison(before, after, opt)
	c.nodes()
	c.tests()
	c.exposures()
	c.jobs()
	c.reach()
	out := Impact{Changes: c.changes, Notes: c.notes}
	out.sort()
	out.Exposures = c.reached(out.Changes)
	return out
}

// sort puts the worst first; equal ones stand by subject.
func (i *Impact) sort() {
	for n := range i.Changes {
		reaches := i.Changes[n].Reaches
		slices.SortFunc(reaches, func(a, b Reach) int {
			return cmp.Or(a.Severity.rank()-b.Severity.rank(), strings.Compare(a.Exposure, b.Exposure), strings.Compare(a.Job, b.Job))
		})
	}
	slices.SortStableFunc(i.Changes, func(a, b Change) int {
		return cmp.Or(a.Severity.rank()-b.Severity.rank(), strings.Compare(a.Subject, b.Subject), strings.Compare(a.Job, b.Job),
			order(a.Kind)-order(b.Kind), strings.Compare(a.Column, b.Column), strings.Compare(a.Message, b.Message))
	})
}

// Count is how many changes have a severity.
func (i Impact) Count(s Severity) int {
	n := 0
	for _, c := range i.Changes {
		if c.Severity == s {
			n++
		}
	}
	return n
}

// Fails reports whether there is a change of a severity or worse.
func (i Impact) Fails(at Severity) bool {
	return slices.ContainsFunc(i.Changes, func(c Change) bool { return !at.Worse(c.Severity) })
}

// comparison is one Compare while it goes on.
type comparison struct {
	before, after Side
	opt           Options
	differ        map[string]dbt.Difference
	sameWorld     bool              // both sides are of the same database and schema
	worlds        map[string]int    // else: from where to where, and how many nodes
	renamed       map[string]string // nodes, exposures and jobs: what was -> what is
	was           map[string]string // the other way round
	touch         map[string]bool   // see touched
	renamedColumn map[string]string // id and column: what was -> what is
	columnsOf     [2]map[string]columns
	changes       []Change
	notes         []string
	traces        map[traceKey]map[string]bool
}

func newComparison(before, after Side, opt Options) *comparison {
	c := &comparison{
		before: before, after: after, opt: opt, renamed: map[string]string{}, was: map[string]string{}, touch: map[string]bool{}, renamedColumn: map[string]string{},
		differ: dbt.Differences(before.Project, after.Project),
	}
	if before.Project.Digest == after.Project.Digest {
		c.note("both manifests are the same file: dbt parse writes that of the project as it is now")
	}
	c.compareWorlds()
	c.learnColumns()
	return c
}

func (c *comparison) note(text string) { c.notes = append(c.notes, text) }

// add files a change.
func (c *comparison) add(change Change) { c.changes = append(c.changes, change) }

// at gives file and line of what YAML says about a node, or a column of it.
func (c *comparison) at(n *dbt.Node, column string) (file string, line int) {
	if c.opt.Place != nil {
		if p := c.opt.Place(n.UniqueID, column); p.File != "" {
			return p.File, p.Line
		}
	}
	return slashes(cmp.Or(n.PatchPath, n.Path)), 0
}
