package impact

import (
	"cmp"
	"slices"
	"strings"

	"exposync/internal/dbt"
	"exposync/internal/plan"
)

// reader is somebody who reads nodes: a sync of Exposync, or an exposure whose
// tool reads by itself.
type reader struct {
	exposure string // unique_id, as it is today
	job      *plan.Job
	uses     uses
	roots    []string // nodes that it reads itself, as the side names them
	outside  bool     // by a tool that knows relations by their names
}

// reach finds for every change whom it reaches, on the graphs of both sides,
// and gives it the severity of the worst.
func (c *comparison) reach() {
	at := map[string][]int{} // changes by the node that they are about
	for i := range c.changes {
		ch := &c.changes[i]
		if strings.HasPrefix(ch.Subject, "exposure.") {
			c.declared(ch)
			continue
		}
		at[ch.Subject] = append(at[ch.Subject], i)
	}
	for which := range 2 {
		for _, r := range c.readers(which) {
			c.walk(which, r, at)
		}
	}
	for i := range c.changes {
		ch := &c.changes[i]
		ch.Severity = Safe
		for _, r := range ch.Reaches {
			if r.Severity.Worse(ch.Severity) {
				ch.Severity = r.Severity
			}
		}
	}
}

// readers are the syncs and exposures of one side. Of before, only those that
// are still there count, and syncs that still read what they read: of others
// it is said that they are gone, or read something else.
func (c *comparison) readers(which int) []reader {
	s := c.side(which)
	synced := map[string][]string{} // what the syncs of an exposure read
	var out []reader
	for _, j := range s.Jobs.Jobs {
		declares := j
		if which == then {
			is, ok := c.after.Jobs.Find(cmp.Or(c.renamed[j.ID], j.ID))
			// A tool reads by itself, whatever the exposure says today.
			moved := is.Source.Node != "" && is.Source.Node != cmp.Or(c.renamed[j.Source.Node], j.Source.Node) && j.Hosted == nil
			if !ok || moved {
				synced[j.Exposure] = append(synced[j.Exposure], j.Source.Node)
				continue
			}
			declares = is
		}
		r := reader{exposure: declares.Exposure, job: &declares, uses: usesOf(declares), outside: j.Hosted != nil, roots: []string{j.Source.Node}}
		if j.Source.Node == "" {
			r.roots = nil
		}
		if j.Source.Node == "" && j.Hosted != nil {
			r.roots = s.Project.Exposures[j.Exposure].DependsOn
		}
		synced[j.Exposure] = append(synced[j.Exposure], r.roots...)
		if len(r.roots) > 0 {
			out = append(out, r)
		}
	}
	for _, id := range sortedExposures(s.Project) {
		is := cmp.Or(c.renamed[id], id)
		if c.after.Project.Exposures[is] == nil {
			continue
		}
		read, any := synced[id]
		r := reader{exposure: is, outside: !any}
		for _, parent := range s.Project.Exposures[id].DependsOn {
			if !slices.Contains(read, parent) {
				r.roots = append(r.roots, parent)
			}
		}
		if len(r.roots) > 0 {
			out = append(out, r)
		}
	}
	return out
}

func sortedExposures(p *dbt.Project) []string {
	ids := make([]string, 0, len(p.Exposures))
	for id := range p.Exposures {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// walk goes up from what a reader reads, nearest first, and files it with every
// change on the way.
func (c *comparison) walk(which int, r reader, at map[string][]int) {
	p := c.side(which).Project
	toward := make(map[string]string, 64) // node -> the next one on the way down; itself for roots
	queue := make([]string, 0, 64)
	for _, root := range r.roots {
		if _, seen := toward[root]; !seen {
			toward[root] = root
			queue = append(queue, root)
		}
	}
	for i := 0; i < len(queue); i++ {
		id := queue[i]
		for _, n := range at[cmp.Or(c.renamed[id], id)] {
			c.reaches(which, &c.changes[n], r, id, toward)
		}
		for _, parent := range p.Parents[id] {
			if _, seen := toward[parent]; seen {
				continue
			}
			if n := p.Nodes[parent]; n != nil && !lineage(n) {
				continue
			}
			toward[parent] = id
			queue = append(queue, parent)
		}
	}
}

// reaches files a reader with one change, unless no way leads from it to there.
func (c *comparison) reaches(which int, ch *Change, r reader, id string, toward map[string]string) {
	rule := ruleOf(ch.Kind)
	way, fields := c.way(which, ch, rule, r, id, toward)
	severity, ok := rule.By[way]
	if !ok {
		return
	}
	found := Reach{
		Exposure: r.exposure, Way: way, Fields: fields, Severity: severity, Why: rule.Why, Path: c.path(id, toward),
	}
	if ch.Kind == "column_renamed" && way == Mapped && r.uses.all && len(r.uses.fields[fold(ch.Column)]) == 0 {
		found.Why = "with `fields: all` the values go to a field of the new name, and the old field keeps its last one"
	}
	if r.job != nil {
		found.Job, found.To = r.job.ID, target(*r.job)
	}
	ch.put(found)
}

// put keeps the worst way to each sync and exposure.
func (ch *Change) put(r Reach) {
	i := slices.IndexFunc(ch.Reaches, func(o Reach) bool { return o.Exposure == r.Exposure && o.Job == r.Job })
	switch {
	case i < 0:
		ch.Reaches = append(ch.Reaches, r)
	case r.Severity.Worse(ch.Reaches[i].Severity):
		ch.Reaches[i] = r
	}
}

// path is the way down from a node, both ends included.
func (c *comparison) path(id string, toward map[string]string) []string {
	var out []string
	for {
		out = append(out, cmp.Or(c.renamed[id], id))
		next := toward[id]
		if next == id {
			return out
		}
		id = next
	}
}

// way decides how a change of a node gets to a reader.
func (c *comparison) way(which int, ch *Change, rule Rule, r reader, id string, toward map[string]string) (Way, []string) {
	root := toward[id] == id
	switch {
	case root && r.outside:
		return Outside, nil
	case r.outside, r.job == nil:
		return c.above(which, rule, id, toward), nil
	}
	_, byColumn := rule.By[Mapped]
	_, byNode := rule.By[Direct]
	if ch.Column == "" || !byColumn {
		if root {
			return Direct, nil
		}
		return c.above(which, rule, id, toward), nil
	}
	fields, mapped := c.mapped(ch, r)
	switch {
	case root && mapped:
		return Mapped, fields
	case root && byNode: // of a test on a column that is not sent
		return Direct, nil
	case root:
		return "", nil
	case mapped && c.traced(which, r.roots[0], ch.Column, id):
		if _, ok := rule.By[Traced]; ok {
			return Traced, fields
		}
	}
	return Upstream, nil
}

// mapped gives the fields that today's mapping fills with the column. A column
// that is new matters to a mapping that takes all of them.
func (c *comparison) mapped(ch *Change, r reader) ([]string, bool) {
	if ch.Kind == "column_added" || ch.Kind == "column_declared" {
		if !r.uses.all || r.uses.key[fold(ch.Column)] {
			return nil, false
		}
		return []string{ch.Column}, true
	}
	return r.uses.of(ch.Column)
}

// above is the way of what stands above a reader's own nodes.
func (c *comparison) above(which int, rule Rule, id string, toward map[string]string) Way {
	if _, ok := rule.By[Chained]; !ok || toward[id] == id {
		return Upstream
	}
	for at := toward[id]; ; at = toward[at] {
		n := c.side(which).Project.Nodes[at]
		if n == nil || n.Materialized != "view" && n.Materialized != "ephemeral" {
			return Upstream
		}
		if toward[at] == at {
			return Chained
		}
	}
}

// traced reports whether the column goes by its name from a node down to the
// export: each node on some way between them has a column of that name.
func (c *comparison) traced(which int, export, column, from string) bool {
	key := traceKey{which, export, fold(column)}
	if c.traces == nil {
		c.traces = map[traceKey]map[string]bool{}
	}
	found, ok := c.traces[key]
	if !ok {
		found = c.trace(which, export, column)
		c.traces[key] = found
	}
	return found[from]
}

type traceKey struct {
	which          int
	export, column string
}

// trace finds the nodes above an export from which a column comes down by its
// name. A change of a node is one of a column that the node itself may have on
// the other side only, so it is found where its children have the column.
func (c *comparison) trace(which int, export, column string) map[string]bool {
	p := c.side(which).Project
	out := map[string]bool{}
	if !c.known(which, export).has(column) {
		return out
	}
	queue := []string{export}
	for len(queue) > 0 {
		id := queue[0]
		queue = queue[1:]
		for _, parent := range p.Parents[id] {
			if out[parent] {
				continue
			}
			out[parent] = true
			if c.known(which, parent).has(column) {
				queue = append(queue, parent)
			}
		}
	}
	return out
}

// declared files the exposure or sync that a change is a declaration of.
func (c *comparison) declared(ch *Change) {
	rule := ruleOf(ch.Kind)
	severity, ok := rule.By[Declared]
	if !ok {
		return
	}
	r := Reach{Exposure: ch.Subject, Job: ch.Job, Way: Declared, Severity: severity, Why: rule.Why}
	j, found := c.after.Jobs.Find(ch.Job)
	if !found {
		j, found = c.before.Jobs.Find(ch.Job)
	}
	if found && ch.Job != "" {
		r.To = target(j)
	}
	switch {
	case ch.Column != "":
		r.Fields = []string{ch.Column}
	case ch.Kind == "job_key_changed":
		r.Fields = keyFields(j)
	}
	ch.put(r)
	if s, ok := rule.By[LooksUp]; ok {
		c.lookups(ch, rule, s)
	}
}

// lookups files the syncs that look up the ids of the sync that changed.
func (c *comparison) lookups(ch *Change, rule Rule, s Severity) {
	for _, j := range c.after.Jobs.Jobs {
		var fields []string
		for _, f := range j.Fields {
			if f.Lookup != nil && f.Lookup.Job == ch.Job {
				fields = append(fields, f.Name)
			}
		}
		if len(fields) > 0 {
			ch.put(Reach{
				Exposure: j.Exposure, Job: j.ID, To: target(j), Fields: fields, Way: LooksUp, Severity: s,
				Why: "its ids are looked up there: " + rule.Why,
			})
		}
	}
}
