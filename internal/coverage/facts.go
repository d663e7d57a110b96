package coverage

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"exposync/internal/dbt"
	"exposync/internal/gate"
	"exposync/internal/plan"
)

// Input is everything that speaks about a project's coverage. Only Project and
// IsExport have to be there.
type Input struct {
	Project  *dbt.Project
	IsExport func(n *dbt.Node) bool // whether a model is an export model, as config.Exports.Has says
	Jobs     []plan.Job             // by ID
	Declared map[string]Declared    // by the exposure's unique_id

	Gate    *gate.Facts         // evidence; nil if there are neither run results nor a ledger
	Runs    bool                // run results were given, whether or not they are evidence
	Catalog *dbt.Catalog        // nil without one
	Last    map[string]LastSync // newest run of each job, by ID
	Hosted  *HostedInventory    // nil if no hosted tool was asked

	// Files reads a file of the dbt project by its path in the manifest, to
	// tell the lines of what is missed; it may be nil.
	Files func(path string) ([]byte, error)
	// NodeIgnores reads the suppressions that models and sources declare; nil:
	// none count.
	NodeIgnores ReadNodeIgnores
	// Selected says what the report is about; nil for everything.
	Selected func(id string) bool
	Now      time.Time
	Settings Settings
}

// Declared is what Exposync's metadata says about one exposure.
type Declared struct {
	Where   string        // file:line as far as known
	Watched string        // the tool whose sync its url shows; empty if the url shows none
	Sync    string        // the id of that sync; empty if the url shows none
	SLA     time.Duration // of the exposure as a whole; 0: none
	Ignores []Ignore
}

// Stale gives how stale the exposure's destinations may be: what it says
// itself, else the strictest of its jobs. It is 0 unless that is said of all.
func (e *Exposure) Stale() time.Duration {
	if e.SLA > 0 || len(e.Jobs) == 0 {
		return e.SLA
	}
	least := e.Jobs[0].SLA
	for _, j := range e.Jobs {
		least = min(least, j.SLA)
	}
	return least
}

// SyncID is the id of the hosted sync that the exposure's url shows; empty if
// it shows none. A tool of an unknown host counts if its address ends like
// those of the known ones: /syncs/12345.
func (e *Exposure) SyncID() string { return cmp.Or(e.Sync, HostedID(e.URL)) }

// Facts is what coverage and lint know about a project: which models leave it,
// by which exposures and jobs, how they are tested, and where all that is
// written. It is not changed by asking.
type Facts struct {
	Project *dbt.Project
	// Exports are the export models, by unique_id: X.
	Exports []*dbt.Node
	// Applications are the enabled exposures of type application, by unique_id: P0.
	Applications []*Exposure
	// Synced are those of them that have a job or whose url shows a sync of a
	// known tool: P.
	Synced []*Exposure

	in      Input
	gate    *gate.Facts
	exports map[string]bool
	tests   map[string][]*dbt.Node // memory of Tests
	places  *places
}

// Exposure is an application exposure with what is known of it.
type Exposure struct {
	*dbt.Exposure
	Declared
	Jobs    []plan.Job
	Lineage gate.Lineage
}

// Collect finds the facts.
func Collect(in Input) *Facts {
	f := &Facts{
		Project: in.Project, in: in, gate: in.Gate, exports: map[string]bool{}, tests: map[string][]*dbt.Node{},
		places: &places{project: in.Project, files: in.Files},
	}
	if f.gate == nil {
		f.gate = gate.Collect(in.Project, gate.Input{})
	}
	for _, n := range in.Project.Nodes {
		if n.ResourceType == "model" && !n.External && in.IsExport(n) {
			f.exports[n.UniqueID] = true
			f.Exports = append(f.Exports, n)
		}
	}
	slices.SortFunc(f.Exports, func(a, b *dbt.Node) int { return cmp.Compare(a.UniqueID, b.UniqueID) })
	jobs := map[string][]plan.Job{}
	for _, j := range in.Jobs {
		jobs[j.Exposure] = append(jobs[j.Exposure], j)
	}
	lineages := f.gate.Lineages()
	for _, id := range slices.Sorted(maps.Keys(in.Project.Exposures)) {
		e := in.Project.Exposures[id]
		if e.Type != "application" {
			continue
		}
		x := &Exposure{Exposure: e, Declared: in.Declared[id], Jobs: jobs[id], Lineage: lineages.Of(e)}
		f.Applications = append(f.Applications, x)
		if len(x.Jobs) > 0 || x.Watched != "" {
			f.Synced = append(f.Synced, x)
		}
	}
	return f
}

// Export reports whether a node is an export model.
func (f *Facts) Export(id string) bool { return f.exports[id] }

// ExportsOf gives the export models that an exposure depends on: itself, or
// through nodes that hold no rows. By unique_id.
func (f *Facts) ExportsOf(e *Exposure) []*dbt.Node {
	var out []*dbt.Node
	for _, id := range slices.Concat(e.DependsOn, e.Lineage.Reads) {
		if n := f.Project.Nodes[id]; n != nil && f.exports[id] && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b *dbt.Node) int { return cmp.Compare(a.UniqueID, b.UniqueID) })
	return out
}

// Used gives the export models that synced exposures depend on, with those
// exposures. By unique_id.
func (f *Facts) Used() []Use { return f.used(f.Synced) }

// Use is one export model and the exposures that depend on it.
type Use struct {
	Model     *dbt.Node
	Exposures []*Exposure
}

func (f *Facts) used(by []*Exposure) []Use {
	users := map[string][]*Exposure{}
	for _, e := range by {
		for _, n := range f.ExportsOf(e) {
			users[n.UniqueID] = append(users[n.UniqueID], e)
		}
	}
	var out []Use
	for _, id := range slices.Sorted(maps.Keys(users)) {
		out = append(out, Use{f.Project.Nodes[id], users[id]})
	}
	return out
}

// Tests gives the tests that are about a node, by unique_id.
func (f *Facts) Tests(id string) []*dbt.Node {
	out, known := f.tests[id]
	if !known {
		out = f.gate.TestsOf(id)
		f.tests[id] = out
	}
	return out
}

// Parents gives the nodes that a node depends on, tests left out. Ids that the
// manifest does not hold are left out, too.
func (f *Facts) Parents(id string) []*dbt.Node {
	var out []*dbt.Node
	for _, p := range f.Project.Parents[id] {
		if n := f.Project.Nodes[p]; n != nil && !n.Test() && n.ResourceType != "operation" {
			out = append(out, n)
		}
	}
	return out
}

// Standing gives the newest result of a node or test, see gate.Facts.Standing.
func (f *Facts) Standing(id string) (gate.Standing, bool) { return f.gate.Standing(id) }

// Owner gives who is responsible for a node or an exposure: the exposure's
// owner, or the owner of the node's group. It is empty if nobody is named.
func (f *Facts) Owner(id string) string {
	if e := f.Project.Exposures[id]; e != nil {
		return who(e.OwnerName, e.OwnerEmails)
	}
	if g := f.Project.GroupOf(f.Project.Nodes[id]); g != nil {
		return cmp.Or(who(g.OwnerName, g.OwnerEmails), g.Name)
	}
	return ""
}

func who(name string, emails []string) string {
	if name == "" && len(emails) > 0 {
		return emails[0]
	}
	return name
}

// Label is how people name a node: its name, with the version or the source.
func Label(n *dbt.Node) string {
	switch {
	case n.ResourceType == "source" && n.SourceName != "":
		return n.SourceName + "." + n.Name
	case n.Version != "":
		return n.Name + ".v" + n.Version
	}
	return n.Name
}

// Selector is how dbt's --select names a node.
func Selector(n *dbt.Node) string {
	if n.ResourceType == "source" {
		return "source:" + Label(n)
	}
	return Label(n)
}

// table reports whether dbt writes the node's rows down, so that reading it
// costs no more than reading a table. Other projects' models are read as what
// they publish.
func table(n *dbt.Node) bool {
	return n.External || n.ResourceType != "source" && gate.HoldsRows(n) && !strings.EqualFold(n.Materialized, "view")
}
