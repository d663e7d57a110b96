package dbt

import (
	"maps"
	"path"
	"slices"
)

// SelectorValues lists what a method of selectors can be asked for in this
// project, sorted, for completion: values without wildcards, and only what
// the project has.
func (p *Project) SelectorValues(method string) []string {
	if fixed := fixedValues()[method]; fixed != nil {
		return fixed
	}
	if method == "selector" {
		return p.SelectorNames()
	}
	values := map[string]bool{}
	for _, m := range newSelecting(p, SelectContext{}).members {
		if m.kind == "operation" || method == "path" && m.pkg != p.Name {
			continue // a hook is never selected, a package's path is not below the project
		}
		for _, v := range m.values(method) {
			values[v] = true
		}
	}
	delete(values, "")
	delete(values, ".")
	return slices.Sorted(maps.Keys(values))
}

// fixedValues are the values of methods that do not depend on a project.
func fixedValues() map[string][]string {
	return map[string][]string{
		"access":        {"private", "protected", "public"},
		"result":        {"error", "fail", "no-op", "partial success", "pass", "reused", "skipped", "success", "warn"},
		"source_status": {"fresher"},
		"state": {
			"modified", "modified.body", "modified.configs", "modified.contract", "modified.macros",
			"modified.persisted_descriptions", "modified.relation", "new", "old", "unmodified",
		},
		"test_type": {"data", "generic", "singular", "unit"},
		"version":   {"latest", "none", "old", "prerelease"},
	}
}

// values are what the method can find this member by.
func (m *member) values(method string) []string {
	switch method {
	case m.kind:
		if m.kind == "source" {
			return []string{m.node.SourceName, m.node.SourceName + "." + m.name}
		}
		return []string{m.name}
	case "fqn":
		if m.kind == "model" || m.kind == "exposure" {
			return []string{m.name}
		}
	case "tag":
		return m.tags
	case "package":
		return []string{m.pkg}
	case "resource_type":
		return []string{m.kind}
	case "path":
		return append(dirs(m.path), m.path)
	case "file":
		return []string{path.Base(m.path)}
	case "owner":
		if m.exposure != nil {
			return append([]string{m.exposure.OwnerName}, m.exposure.OwnerEmails...)
		}
	}
	return m.nodeValues(method)
}

func (m *member) nodeValues(method string) []string {
	switch {
	case m.node == nil:
	case method == "group":
		return []string{m.node.ConfigGroup}
	case method == "test_name":
		return []string{m.node.TestName}
	case method == "config.materialized" && m.inNodes():
		return []string{m.node.Materialized}
	}
	return nil
}
