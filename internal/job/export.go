package job

import (
	"fmt"
	"slices"
	"strings"

	"exposync/internal/config"
	"exposync/internal/dbt"
	"exposync/internal/fault"
	"exposync/internal/plan"
)

// source finds the model that a job reads: the one that `from:` names among
// the exposure's dependencies, else their only export model.
func (b *builder) source(r *config.Reader, e *dbt.Exposure, from string) plan.Source {
	var id string
	if from != "" {
		id = b.named(r, e, from)
	} else if r.Node("from") == nil {
		id = b.onlyExport(r, e)
	}
	n := b.project.Nodes[id]
	if n == nil {
		return plan.Source{Node: id}
	}
	if !n.Relation() || n.RelationName == "" {
		r.Fault("from", "export_unreadable", "materialize it as a view or a table, then run dbt build",
			"%s is %s: there is nothing in the warehouse to read", n.Name, orElse(n.Materialized, "no relation"))
	}
	return plan.Source{
		Node: id, Name: n.Name, Relation: n.RelationName,
		Database: n.Database, Schema: n.SchemaName, Adapter: b.project.Adapter,
	}
}

// named finds the dependency that a name, name.vN or unique_id stands for.
func (b *builder) named(r *config.Reader, e *dbt.Exposure, from string) string {
	var ids, known []string
	for _, id := range e.DependsOn {
		n := b.project.Nodes[id]
		name, version := nodeName(id), ""
		if n != nil {
			name, version = n.Name, n.Version
		}
		if !readable(id) {
			continue
		}
		known = append(known, name)
		if from == id || from == name || version != "" && from == name+".v"+version {
			ids = append(ids, id)
		}
	}
	switch {
	case len(ids) == 1:
		b.present(r, ids[0])
		return ids[0]
	case len(ids) > 1:
		r.Fault("from", "export_ambiguous", "name one of them: "+strings.Join(versions(ids), " or "),
			"the exposure depends on several versions of %s", from)
		return ""
	}
	near := fault.Suggest(from, known)
	if near != "" {
		near = fmt.Sprintf("; did you mean %q?", near)
	}
	r.Fault("from", "export_missing", "add it to depends_on: a sync reads only what the gate judges",
		"the exposure does not depend on %q%s", from, near)
	return ""
}

func (b *builder) onlyExport(r *config.Reader, e *dbt.Exposure) string {
	var ids, names []string
	for _, id := range e.DependsOn {
		n := b.project.Nodes[id]
		switch {
		case n != nil && n.ResourceType == "model" && b.cfg.Exports.Has(n.Name, n.Path, n.Tags):
		case n == nil && strings.HasPrefix(id, "model.") && b.cfg.Exports.Has(nodeName(id), "", nil):
		default:
			continue
		}
		ids, names = append(ids, id), append(names, nodeName(id))
	}
	switch len(ids) {
	case 0:
		r.Fault("", "export_missing", "add `- ref('export_…')` to depends_on, or name the model with `from:`",
			"the exposure depends on no export model")
		return ""
	case 1:
		b.present(r, ids[0])
		return ids[0]
	}
	slices.Sort(names)
	r.Fault("", "export_ambiguous", "choose with `from:`, or declare one sync for each under `syncs:`",
		"the exposure depends on several export models: %s", strings.Join(names, ", "))
	return ""
}

// present reports an export model that dbt does not build.
func (b *builder) present(r *config.Reader, id string) {
	if b.project.Nodes[id] != nil {
		return
	}
	why := "is not in the manifest"
	if _, off := b.project.Disabled[id]; off {
		why = "is disabled"
	}
	r.Fault("from", "export_unreadable", "enable the model or correct depends_on, then run dbt build", "%s %s", nodeName(id), why)
}

// readable reports whether a dependency is of a kind that rows are read from.
func readable(id string) bool {
	kind, _, _ := strings.Cut(id, ".")
	return kind == "model" || kind == "snapshot" || kind == "seed"
}

// nodeName gives the name part of a unique_id, with the version where there
// is one: model.shop.export_customers.v2 is export_customers.v2.
func nodeName(id string) string {
	parts := strings.SplitN(id, ".", 3)
	return parts[len(parts)-1]
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func versions(ids []string) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = nodeName(id)
	}
	return out
}
