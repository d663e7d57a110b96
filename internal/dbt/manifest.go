package dbt

import (
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

// newestSchema is the newest version of a manifest that was seen; Fusion
// called the same shape 20 for a while.
const newestSchema, fusionSchema = 12, 20

// manifest reads the project out of a file that is proven to be JSON.
func (a *artifact) manifest(keep ...Keep) (*Project, error) {
	meta := a.sections["metadata"]
	kind, version := a.schema()
	switch {
	case !a.sections["nodes"].IsObject() || !meta.IsObject():
		return nil, artifactFault("artifact_wrong_kind", a.file, "this is no manifest: it has no nodes or no metadata", nil)
	case version == 0 && (kind != "" || !meta.Get("dbt_version").Exists()):
		return nil, artifactFault("manifest_too_old", a.file, "this manifest is of dbt 0.18 or older", nil)
	}
	d := &manifestReader{
		artifact: a, names: map[string]string{}, node: nodeFields(), config: configFields(),
		Project: &Project{
			Name: str(meta.Get("project_name")), ID: str(meta.Get("project_id")), Adapter: str(meta.Get("adapter_type")),
			InvocationID: str(meta.Get("invocation_id")), DBTVersion: str(meta.Get("dbt_version")), Schema: version,
			GeneratedAt: when(meta.Get("generated_at")), Env: stringMap(meta.Get("env")), File: a.file, Digest: a.digest,
			Nodes: map[string]*Node{}, Exposures: map[string]*Exposure{}, Disabled: map[string]Disabled{},
			Parents: map[string][]string{}, Groups: map[string]*Group{},
		},
	}
	for _, k := range keep {
		d.keep |= k
	}
	if version != fusionSchema && (version == 0 || version > newestSchema) {
		d.diagnose("schema_unknown", fmt.Sprintf("manifest schema version %d is not known; reading it as version %d", version, newestSchema))
	}
	if err := d.read(); err != nil {
		return nil, err
	}
	return d.Project, nil
}

// manifestReader reads the sections of one manifest.
type manifestReader struct {
	*Project
	artifact *artifact
	names    map[string]string // texts that thousands of nodes share, kept once
	node     map[string]func(*manifestReader, *rawNode, gjson.Result)
	config   map[string]func(*manifestReader, *rawNode, gjson.Result)
	pathless []*Node // models without a file
	keep     Keep
}

func (d *manifestReader) read() error {
	if d.keep&KeepContents != 0 {
		d.Contents = &Contents{nodes: map[string]content{}, macros: map[string]macro{}}
	}
	for section, kind := range map[string]string{
		"nodes": "", "sources": "source", "exposures": "exposure", "metrics": "metric",
		"semantic_models": "semantic_model", "saved_queries": "saved_query",
		"unit_tests": "unit_test", "functions": "function",
	} {
		if err := d.section(section, kind); err != nil {
			return err
		}
	}
	d.disabled(d.artifact.sections["disabled"])
	d.groups(d.artifact.sections["groups"])
	if selectors := d.artifact.sections["selectors"]; selectors.IsObject() && len(selectors.Raw) > len("{}") {
		d.Selectors = []byte(selectors.Raw)
	}
	if d.Contents != nil {
		d.Contents.readMacros(d.artifact.sections["macros"])
	}
	if d.Name == "" {
		d.Name = d.rootPackage()
	}
	d.markExternal()
	return d.edges(d.artifact.sections["parent_map"])
}

// section reads one map of nodes. A node that cannot be read is a fault, not
// a gap: the gate would miss what depends on it.
func (d *manifestReader) section(name, kind string) error {
	v := d.artifact.sections[name]
	if v.Type == gjson.Null {
		return nil
	}
	if !v.IsObject() {
		return artifactFault("artifact_invalid", d.File, name+" is not a map", nil)
	}
	var err error
	v.ForEach(func(key, value gjson.Result) bool {
		if !value.IsObject() {
			err = artifactFault("artifact_invalid", d.File, fmt.Sprintf("%s: %q is not a map", name, key.Str), nil)
			return false
		}
		n := d.entry(strings.Clone(key.Str), kind, value)
		if n.edgesBroken {
			err = artifactFault("artifact_invalid", d.File, fmt.Sprintf("%s: depends_on of %q is not a list of ids", name, key.Str), nil)
			return false
		}
		d.add(n)
		if d.Contents != nil && n.Enabled {
			d.Contents.nodes[n.UniqueID] = newContent(n, value)
		}
		return true
	})
	return err
}

// add files a node under what it is.
func (d *manifestReader) add(n *rawNode) {
	switch {
	case !n.Enabled:
		d.Disabled[n.UniqueID] = Disabled{UniqueID: n.UniqueID, ResourceType: n.ResourceType, Name: n.Name}
	case n.ResourceType == "exposure":
		d.Exposures[n.UniqueID] = n.exposure()
	default:
		node := n.Node // n itself holds on to the file's text
		d.Nodes[n.UniqueID] = &node
		if n.pathEmpty && n.originalEmpty && n.ResourceType == "model" {
			d.pathless = append(d.pathless, &node)
		}
	}
}

// disabled reads the disabled nodes: a list up to manifest v3, after that a
// map from id to the nodes of that id.
func (d *manifestReader) disabled(v gjson.Result) {
	if !v.IsArray() && !v.IsObject() {
		return
	}
	v.ForEach(func(key, value gjson.Result) bool {
		items := []gjson.Result{value}
		if value.IsArray() {
			items = value.Array()
		}
		for _, item := range items {
			id := str(item.Get("unique_id"))
			if id == "" {
				id = strings.Clone(key.Str)
			}
			if _, enabled := d.Nodes[id]; id == "" || enabled || d.Exposures[id] != nil {
				continue // an enabled node of the same id has its place
			}
			d.Disabled[id] = Disabled{
				UniqueID: id, ResourceType: kindOf(id, str(item.Get("resource_type"))), Name: str(item.Get("name")),
			}
		}
		return true
	})
}

// kindOf gives the resource type; old and trimmed files leave it to the id.
func kindOf(id, written string) string {
	if written == "" {
		written, _, _ = strings.Cut(id, ".")
	}
	if written == "sql operation" || written == "sql_operation" {
		return "operation"
	}
	return written
}

func (d *manifestReader) diagnose(code, message string) {
	d.Diagnostics = append(d.Diagnostics, Diagnostic{Code: code, Message: message})
}

// name keeps one copy of a text that many nodes share.
func (d *manifestReader) name(v gjson.Result) string {
	if v.Type != gjson.String {
		return str(v)
	}
	if kept, ok := d.names[v.Str]; ok {
		return kept
	}
	kept := strings.Clone(v.Str)
	d.names[kept] = kept
	return kept
}
