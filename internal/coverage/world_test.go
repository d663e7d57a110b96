package coverage_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"exposync/internal/coverage"
	"exposync/internal/dbt"
	"exposync/internal/plan"
)

// world is a project that a test writes down, and what coverage is told of it.
type world struct {
	t  *testing.T
	in coverage.Input
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{t: t, in: coverage.Input{
		Project: &dbt.Project{
			Name: "p", DBTVersion: "1.11.0", Nodes: map[string]*dbt.Node{}, Exposures: map[string]*dbt.Exposure{},
			Disabled: map[string]dbt.Disabled{}, Parents: map[string][]string{}, Groups: map[string]*dbt.Group{},
		},
		IsExport: func(n *dbt.Node) bool { return strings.HasPrefix(n.Name, "export_") },
		Declared: map[string]coverage.Declared{}, Now: now,
	}}
}

func id(name string) string {
	if strings.HasPrefix(name, "raw_") {
		return "source.p.raw." + name
	}
	return "model.p." + name
}

// model adds a model, or a source if its name begins with raw_.
func (w *world) model(how, name string, parents ...string) *dbt.Node {
	n := &dbt.Node{
		UniqueID: id(name), ResourceType: "model", Name: name, Package: "p", Materialized: how, Enabled: true,
		Path: "models/" + name + ".sql", RelationName: `"db"."s"."` + name + `"`,
	}
	if strings.HasPrefix(name, "raw_") {
		n.ResourceType, n.SourceName, n.Materialized = "source", "raw", ""
	}
	for _, p := range parents {
		n.DependsOn = append(n.DependsOn, id(p))
	}
	return w.add(n)
}

func (w *world) add(n *dbt.Node) *dbt.Node {
	if w.in.Project.Nodes[n.UniqueID] != nil {
		w.t.Fatalf("%s stands twice", n.UniqueID)
	}
	w.in.Project.Nodes[n.UniqueID] = n
	w.in.Project.Parents[n.UniqueID] = slices.Sorted(slices.Values(n.DependsOn))
	return n
}

// test adds a generic test about a column, or about the model if column is
// empty; args is its kwargs as JSON.
func (w *world) test(name, model, column, args string, also ...string) *dbt.Node {
	n := &dbt.Node{
		UniqueID: fmt.Sprintf("test.p.%s_%s_%s.%d", name, model, column, len(w.in.Project.Nodes)), ResourceType: "test",
		Name: name + "_" + model + "_" + column, Package: "p", TestName: name, ColumnName: column, AttachedNode: id(model),
		DependsOn: []string{id(model)}, Enabled: true, TestArgs: []byte(args),
	}
	for _, a := range also {
		n.DependsOn = append(n.DependsOn, id(a))
	}
	return w.add(n)
}

// columns documents columns of a model: "name" or "name type text".
func columns(n *dbt.Node, all ...string) *dbt.Node {
	for _, text := range all {
		parts := append(strings.SplitN(text, " ", 3), "", "")
		n.Columns = append(n.Columns, dbt.Column{Name: parts[0], DataType: parts[1], Description: parts[2]})
	}
	return n
}

// exposure adds an application exposure that is filled in well.
func (w *world) exposure(name string, models ...string) *dbt.Exposure {
	e := &dbt.Exposure{
		UniqueID: "exposure.p." + name, Name: name, Type: "application", Package: "p", Path: "models/exposures.yml",
		OwnerName: "Team " + name, URL: "https://crm.example.com/" + name, Description: "why", Maturity: "high",
	}
	for _, m := range models {
		e.DependsOn = append(e.DependsOn, id(m))
	}
	w.in.Project.Exposures[e.UniqueID] = e
	w.in.Project.Parents[e.UniqueID] = slices.Sorted(slices.Values(e.DependsOn))
	return e
}

// job gives an exposure a job: a key, and fields of the same names on both
// sides; "*" stands for all.
func (w *world) job(exposure, from, key string, fields ...string) *plan.Job {
	j := plan.Job{
		ID: exposure + "." + from, Exposure: "exposure.p." + exposure, Source: plan.Source{Node: id(from), Name: from},
		Connection: "crm", Object: from, Mode: plan.Upsert,
	}
	for k := range strings.FieldsSeq(key) {
		j.Key = append(j.Key, plan.KeyField{Field: k, Column: k})
	}
	for _, f := range fields {
		if f == "*" {
			j.AllFields = true
			continue
		}
		j.Fields = append(j.Fields, plan.Field{Name: f, Column: f})
	}
	w.in.Jobs = append(w.in.Jobs, j)
	return &w.in.Jobs[len(w.in.Jobs)-1]
}

func (w *world) declared(exposure string, d coverage.Declared) {
	w.in.Declared["exposure.p."+exposure] = d
}

func (w *world) measure() coverage.Report { return coverage.Measure(coverage.Collect(w.in)) }

// dimension is the one that a test is about.
func (w *world) dimension(name string) coverage.Dimension {
	r := w.measure()
	return *r.Dimension(name)
}

// wants compares a dimension with "covered of total" and the misses as
// subject.column, last parts only.
func wants(t *testing.T, d coverage.Dimension, counts string, misses ...string) {
	t.Helper()
	if got := fmt.Sprintf("%d of %d", d.Covered, d.Total); got != counts {
		t.Errorf("%s: %s, want %s", d.Name, got, counts)
	}
	var got []string
	for _, m := range d.Misses {
		got = append(got, short(m.Subject, m.Column))
		if m.Message == "" || m.Fix == "" || m.Code != coverage.Code(d.Name) {
			t.Errorf("%s: a miss says too little: %+v", d.Name, m)
		}
	}
	slices.Sort(got)
	slices.Sort(misses)
	if !slices.Equal(got, misses) {
		t.Errorf("%s misses %q, want %q", d.Name, got, misses)
	}
	if (d.Share == nil) != (d.Total == 0) {
		t.Errorf("%s: share %v of %d", d.Name, d.Share, d.Total)
	}
}

func short(subject, column string) string {
	parts := strings.Split(subject, ".")
	return strings.Trim(parts[len(parts)-1]+":"+column, ":")
}
