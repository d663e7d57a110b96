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
	read := map[string][]string{} // what the syncs of an exposure read
	var out []reader
	for _, j := range s.Jobs.Jobs {
		roots := rootsOf(s.Project, j)
		read[j.Exposure] = append(read[j.Exposure], roots...)
		declares, ok := c.today(which, j)
		if ok && len(roots) > 0 {
			out = append(out, reader{exposure: declares.Exposure, job: &declares, uses: usesOf(declares), outside: j.Hosted != nil, roots: roots})
		}
	}
	for _, id := range sortedExposures(s.Project) {
		is := cmp.Or(c.renamed[id], id)
		if c.after.Project.Exposures[is] == nil {
			continue
		}
		own, synced := read[id]
		roots := slices.DeleteFunc(slices.Clone(s.Project.Exposures[id].DependsOn), func(parent string) bool { return slices.Contains(own, parent) })
		if len(roots) > 0 {
			out = append(out, reader{exposure: is, outside: !synced, roots: roots})
		}
	}
	return out
}

// today gives a sync of one side as it is declared today; not ok for one that
// is gone, or reads another node now. A hosted tool reads by itself, whatever
// the exposure says today.
func (c *comparison) today(which int, j plan.Job) (plan.Job, bool) {
	if which == now {
		return j, true
	}
	is, ok := c.after.Jobs.Find(cmp.Or(c.renamed[j.ID], j.ID))
	moved := is.Source.Node != "" && is.Source.Node != cmp.Or(c.renamed[j.Source.Node], j.Source.Node)
	return is, ok && (!moved || j.Hosted != nil)
}

// rootsOf are the nodes that a sync reads. A hosted one may not say which.
func rootsOf(p *dbt.Project, j plan.Job) []string {
	switch {
	case j.Source.Node != "":
		return []string{j.Source.Node}
	case j.Hosted != nil:
		return p.Exposures[j.Exposure].DependsOn
	}
	return nil
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
func (c *Change) put(r Reach) {
	i := slices.IndexFunc(c.Reaches, func(o Reach) bool { return o.Exposure == r.Exposure && o.Job == r.Job })
	switch {
	case i < 0:
		c.Reaches = append(c.Reaches, r)
	case r.Severity.Worse(c.Reaches[i].Severity):
		c.Reaches[i] = r
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
