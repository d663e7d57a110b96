// Package dbt reads what dbt wrote: manifest, run_results, sources, catalog
// and profiles.yml, of every version since 0.19 and of both engines. It says
// what stands in the files; what that means is decided by job and gate.
package dbt

import (
	"slices"
	"time"

	"github.com/tidwall/gjson"
)

// Project is one manifest: the graph and what is known of each node.
type Project struct {
	Name         string // metadata.project_name, else taken from the root package
	ID           string // metadata.project_id
	Adapter      string // metadata.adapter_type: postgres, sqlite, duckdb, …
	InvocationID string
	DBTVersion   string
	Schema       int // version of the manifest's schema: 1 to 12, 20; 0 if it says none
	GeneratedAt  time.Time
	Env          map[string]string // metadata.env
	File         string            // where it was read from
	Digest       string            // sha256 of the file, hexadecimal

	Nodes     map[string]*Node     // enabled, everything but exposures, by unique_id
	Exposures map[string]*Exposure // enabled, by unique_id
	Disabled  map[string]Disabled  // nodes and exposures that dbt disabled
	Parents   map[string][]string  // direct parents by unique_id, sorted; exposures and tests included
	Groups    map[string]*Group    // by unique_id
	Selectors []byte               // selectors.yml as JSON, expanded by dbt; nil if there is none
	Contents  *Contents            // what state: compares; nil unless asked for

	Diagnostics []Diagnostic
}

// Diagnostic is something odd that reading tolerated.
type Diagnostic struct {
	Code    string // schema_unknown, edge_rebuilt, edge_added, edge_dangling, project_guessed, result_without_id
	Message string
}

// Disabled is a node that is not part of the project.
type Disabled struct {
	UniqueID     string
	ResourceType string
	Name         string
}

// Node is a model, seed, snapshot, test, unit test, source, metric, semantic
// model, saved query, function, analysis or operation.
type Node struct {
	UniqueID     string
	ResourceType string // model, seed, snapshot, test, unit_test, source, metric, semantic_model, saved_query, function, analysis, operation
	Name         string
	Alias        string
	Package      string
	FQN          []string
	Path         string // original_file_path
	PatchPath    string // without the package prefix
	Tags         []string
	Meta         []byte // effective meta as JSON: meta overlaid by config.meta; nil if none
	Config       []byte // config as JSON; nil unless asked for

	Database     string
	SchemaName   string
	RelationName string // quoted, ready for SQL; empty for ephemeral nodes, tests, analyses

	Materialized     string // config.materialized
	Severity         string // tests: lower case, "error" unless the test says "warn"
	Enabled          bool
	OnError          string // config.on_error
	Checksum         string // checksum.checksum
	ConfigDatabase   string // config.database
	ConfigSchema     string // config.schema
	Group            string
	ConfigGroup      string // config.group: tests share the Group of their model, but not this
	Access           string
	Version          string // model version as text; empty if unversioned
	LatestVersion    string
	Deprecation      time.Time // zero if none
	UniqueKey        []string  // config.unique_key
	ContractEnforced bool
	Description      string
	Constraints      []Constraint // of the model as a whole
	PrimaryKey       []string     // primary_key: what dbt 1.8 and later infers from constraints and tests

	Columns      []Column
	DependsOn    []string // depends_on.nodes as written
	AttachedNode string   // generic tests, manifest v9 and later; unit tests: their model
	ColumnName   string   // generic tests
	TestName     string   // test_metadata.name
	TestPackage  string   // test_metadata.namespace: dbt_utils, dbt_expectations, …; empty for dbt's own and the project's
	TestArgs     []byte   // test_metadata.kwargs as JSON without the model; nil if none: see Arg and Args
	Where        string   // config.where of a test: it looks at a part of the rows only
	CompiledCode string   // models

	SourceName string     // sources
	Freshness  *Freshness // sources that declare one
	LoadedAt   string     // sources: loaded_at_field, else loaded_at_query

	External bool // node of another project (mesh)
}

// Column is a column as the project documents it.
type Column struct {
	Name        string
	DataType    string
	Description string
	Tags        []string
	Meta        []byte   // effective meta as JSON: meta overlaid by config.meta; nil if none
	Constraints []string // types in lower case: not_null, unique, primary_key, foreign_key, check, custom
}

// Constraint is one that a model declares about several of its columns.
type Constraint struct {
	Type    string // in lower case: primary_key, unique, not_null, foreign_key, check, custom
	Columns []string
}

// Group is a group of models with its owner (dbt 1.5 and later).
type Group struct {
	UniqueID    string
	Name        string
	Package     string
	Path        string // original_file_path
	OwnerName   string
	OwnerEmails []string
}

// Freshness is what a source promises; a zero duration is no promise.
type Freshness struct {
	WarnAfter, ErrorAfter time.Duration
}

// Exposure is an enabled exposure.
type Exposure struct {
	UniqueID    string
	Name        string
	Label       string
	Type        string // dashboard, notebook, analysis, ml, application
	Package     string
	FQN         []string
	Path        string // original_file_path
	Description string
	Maturity    string
	URL         string
	OwnerName   string
	OwnerEmails []string
	Tags        []string
	Meta        []byte   // effective meta as JSON; nil if none
	DependsOn   []string // depends_on.nodes as written
}

// Relation reports whether the node stands for a relation in the warehouse
// that dbt builds or reads.
func (n *Node) Relation() bool {
	switch n.ResourceType {
	case "model", "seed", "snapshot", "source":
		return n.Materialized != "ephemeral"
	}
	return false
}

// Test reports whether the node is a data test or a unit test.
func (n *Node) Test() bool { return n.ResourceType == "test" || n.ResourceType == "unit_test" }

// Arg gives an argument of a generic test as text; empty if it has none of
// that name, or no single value.
func (n *Node) Arg(name string) string {
	return str(gjson.ParseBytes(n.TestArgs).Get(gjson.Escape(name)))
}

// Args gives an argument of a generic test that is a list of texts, or the
// one text that stands in its place.
func (n *Node) Args(name string) []string {
	return strs(gjson.ParseBytes(n.TestArgs).Get(gjson.Escape(name)))
}

// GroupOf gives the group of a node; nil if it has none.
func (p *Project) GroupOf(n *Node) *Group {
	if n == nil || n.Group == "" {
		return nil
	}
	return p.Groups["group."+n.Package+"."+n.Group]
}

// Ancestors gives every distinct node upstream of id, sorted, id excluded.
// Ephemeral nodes count; tests, unit tests, operations and ids the manifest
// does not hold do not. It is safe on graphs with cycles.
func (p *Project) Ancestors(id string) []string {
	seen := map[string]bool{id: true}
	queue := []string{id}
	var out []string
	for len(queue) > 0 {
		next := queue[0]
		queue = queue[1:]
		for _, parent := range p.Parents[next] {
			if seen[parent] {
				continue
			}
			seen[parent] = true
			n := p.Nodes[parent]
			if n == nil || n.Test() || n.ResourceType == "operation" {
				continue
			}
			out = append(out, parent)
			queue = append(queue, parent)
		}
	}
	slices.Sort(out)
	return out
}
