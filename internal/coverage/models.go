package coverage

import (
	"fmt"
	"strings"

	"exposync/internal/dbt"
	"exposync/internal/plan"
)

// jobsOf are the jobs of some exposures.
func jobsOf(exposures []*Exposure) []plan.Job {
	var out []plan.Job
	for _, e := range exposures {
		out = append(out, e.Jobs...)
	}
	return out
}

// keys asks (f): is every key of the export model known to be unique and
// without nulls?
func keys(f *Facts) answer {
	var a answer
	for _, u := range f.Used() {
		of := f.KeysOf(u.Model, jobsOf(u.Exposures))
		base := item{subject: u.Model.UniqueID, unit: u.Model.UniqueID, name: Label(u.Model), via: u.Exposures}
		if len(of) == 0 {
			i := base
			i.message = "nobody says what identifies a row of " + Label(u.Model)
			i.fix = f.noKeySnippet(u)
			a.items = append(a.items, i)
		}
		for _, k := range of {
			i := base
			i.column = strings.Join(k.Columns, ", ")
			i.via, i.missing = keyUsers(u, k), k.Missing
			if k.Proven() {
				i.hits = max(1, len(k.Tests))
			}
			i.lazy = func() (string, string) {
				return fmt.Sprintf("the key %s of %s (%s) is not proven: no %s", i.column, Label(u.Model), k.From, quoted(k.Missing)),
					f.keySnippet(u.Model, k)
			}
			a.items = append(a.items, i)
		}
	}
	return a
}

// keyUsers are the exposures with a job that has the key; all of them for one
// that the model itself declares.
func keyUsers(u Use, k Key) []*Exposure {
	var out []*Exposure
	for _, e := range u.Exposures {
		for _, j := range e.Jobs {
			if j.Source.Node == u.Model.UniqueID && sameColumns(j.KeyColumns(), k.Columns) {
				out = append(out, e)
				break
			}
		}
	}
	if len(out) == 0 {
		return u.Exposures
	}
	return out
}

// parity asks (g): does a test count the rows of the export model against its
// parent's?
func parity(f *Facts) answer {
	var a answer
	for _, u := range f.Used() {
		p := f.ParityOf(u.Model)
		if !p.Asked() && len(p.Tests) == 0 {
			continue // made of several models, or of a source: nothing to compare with, unless a test says so
		}
		i := item{subject: u.Model.UniqueID, name: Label(u.Model), hits: len(p.Tests), via: u.Exposures}
		i.lazy = func() (string, string) {
			return fmt.Sprintf("no test compares the number of rows of %s with %s", Label(u.Model), Label(p.Parents[0])),
				f.paritySnippet(u.Model, p.Parents[0])
		}
		a.items = append(a.items, i)
	}
	return a
}

// views asks (l): does reading what an exposure depends on cost no more than
// reading tables?
func views(f *Facts) answer {
	users := map[string][]*Exposure{}
	var models []*dbt.Node
	for _, e := range f.Synced {
		for _, id := range e.DependsOn {
			n := f.Project.Nodes[id]
			if n == nil || n.ResourceType != "model" {
				continue
			}
			if users[id] == nil {
				models = append(models, n)
			}
			users[id] = append(users[id], e)
		}
	}
	var a answer
	depth := f.in.Settings.viewDepth()
	for _, n := range models {
		c := f.ChainOf(n)
		i := item{subject: n.UniqueID, name: Label(n), via: users[n.UniqueID]}
		if c.OK(depth) {
			i.hits = 1
		}
		i.lazy = func() (string, string) {
			what := "is a view on views"
			if c.Raw {
				what = "shows raw data through views"
			}
			return fmt.Sprintf("%s %s: %s", Label(n), what, c), f.tableSnippet(c)
		}
		a.items = append(a.items, i)
	}
	return a
}
