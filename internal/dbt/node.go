package dbt

import (
	"strings"

	"github.com/tidwall/gjson"
)

// rawNode is a node or an exposure while its keys come in, in whatever order
// the engine wrote them.
type rawNode struct {
	Node

	meta, configMeta           gjson.Result
	tags, configTags           []string
	freshness, configFreshness gjson.Result
	group, access              string // of config; the node's own win
	pathEmpty, originalEmpty   bool   // written, but empty
	edgesBroken                bool   // depends_on is not what it should be
	warns                      bool   // config.severity, in whatever case
	testedModel                string // unit tests: the model's name
	loadedQuery                string // sources: loaded_at_query

	// of exposures
	label, kind, description, maturity, url, ownerName string
	ownerEmails                                        []string
}

// entry reads one entry of a section.
func (d *manifestReader) entry(id, kind string, v gjson.Result) *rawNode {
	n := &rawNode{}
	n.UniqueID, n.ResourceType, n.Enabled = id, kind, true
	v.ForEach(func(key, value gjson.Result) bool {
		if value.Type == gjson.Null {
			return true
		}
		if set := d.node[key.Str]; set != nil {
			set(d, n, value)
		}
		return true
	})
	n.finish()
	return n
}

// finish settles what several keys decide together.
func (n *rawNode) finish() {
	n.ResourceType = kindOf(n.UniqueID, n.ResourceType)
	n.Meta = overlay(n.meta, n.configMeta)
	n.Tags = union(n.tags, n.configTags)
	if n.ResourceType == "metric" || n.ResourceType == "semantic_model" {
		n.Tags = n.tags // dbt does not apply config.tags to these
	}
	n.ConfigGroup = n.group
	if n.Group == "" {
		n.Group = n.group
	}
	if n.Access == "" {
		n.Access = n.access
	}
	switch n.ResourceType {
	case "test":
		n.Severity = "error"
		if n.warns {
			n.Severity = "warn"
		}
	case "unit_test":
		n.Severity, n.AttachedNode = "error", n.tested()
	case "source":
		n.Severity = ""
		n.Freshness = n.promise()
		if n.LoadedAt == "" {
			n.LoadedAt = strings.Clone(n.loadedQuery)
		}
	}
	if n.ResourceType == "model" {
		n.Description = strings.Clone(n.description)
	}
	if n.ResourceType == "model" {
		n.CompiledCode = strings.Clone(n.CompiledCode)
	} else {
		n.CompiledCode = ""
	}
}

// tested gives the id of the model that a unit test is about: the node it
// depends on that has the model's name, else the first.
func (n *rawNode) tested() string {
	for _, id := range n.DependsOn {
		if strings.HasSuffix(id, "."+n.testedModel) || strings.Contains(id, "."+n.testedModel+".v") {
			return id
		}
	}
	if len(n.DependsOn) > 0 {
		return n.DependsOn[0]
	}
	return ""
}

// promise gives a source's freshness; config has it since dbt 1.10.
func (n *rawNode) promise() *Freshness {
	for _, v := range []gjson.Result{n.configFreshness, n.freshness} {
		if f := freshness(v); f != (Freshness{}) {
			return &f
		}
	}
	return nil
}

// exposure gives the exposure that the entry describes.
func (n *rawNode) exposure() *Exposure {
	return &Exposure{
		UniqueID: n.UniqueID, Name: n.Name, Label: n.label, Type: n.kind, Package: n.Package, FQN: n.FQN, Path: n.Path,
		Description: strings.Clone(n.description), Maturity: n.maturity, URL: n.url,
		OwnerName: n.ownerName, OwnerEmails: n.ownerEmails, Tags: n.Tags, Meta: n.Meta, DependsOn: n.DependsOn,
	}
}

// nodeFields says what each key of an entry fills. Keys that are not listed
// are not kept.
func nodeFields() map[string]func(*manifestReader, *rawNode, gjson.Result) {
	return map[string]func(*manifestReader, *rawNode, gjson.Result){
		"resource_type": func(d *manifestReader, n *rawNode, v gjson.Result) { n.ResourceType = d.name(v) },
		"name":          func(_ *manifestReader, n *rawNode, v gjson.Result) { n.Name = str(v) },
		"alias":         func(_ *manifestReader, n *rawNode, v gjson.Result) { n.Alias = str(v) },
		"package_name":  func(d *manifestReader, n *rawNode, v gjson.Result) { n.Package = d.name(v) },
		"fqn":           func(d *manifestReader, n *rawNode, v gjson.Result) { n.FQN = d.nameList(v) },
		"path":          func(_ *manifestReader, n *rawNode, v gjson.Result) { n.pathEmpty = v.Str == "" },
		"original_file_path": func(d *manifestReader, n *rawNode, v gjson.Result) {
			n.Path, n.originalEmpty = d.name(v), v.Str == ""
		},
		"patch_path": func(d *manifestReader, n *rawNode, v gjson.Result) {
			n.PatchPath = d.name(v)
			if _, path, ok := strings.Cut(n.PatchPath, "://"); ok {
				n.PatchPath = path
			}
		},
		"tags":             func(d *manifestReader, n *rawNode, v gjson.Result) { n.tags = d.nameList(v) },
		"meta":             func(_ *manifestReader, n *rawNode, v gjson.Result) { n.meta = v },
		"database":         func(d *manifestReader, n *rawNode, v gjson.Result) { n.Database = d.name(v) },
		"schema":           func(d *manifestReader, n *rawNode, v gjson.Result) { n.SchemaName = d.name(v) },
		"relation_name":    func(_ *manifestReader, n *rawNode, v gjson.Result) { n.RelationName = str(v) },
		"checksum":         func(_ *manifestReader, n *rawNode, v gjson.Result) { n.Checksum = checksum(v) },
		"group":            func(d *manifestReader, n *rawNode, v gjson.Result) { n.Group = d.name(v) },
		"access":           func(d *manifestReader, n *rawNode, v gjson.Result) { n.Access = d.name(v) },
		"version":          func(_ *manifestReader, n *rawNode, v gjson.Result) { n.Version = str(v) },
		"latest_version":   func(_ *manifestReader, n *rawNode, v gjson.Result) { n.LatestVersion = str(v) },
		"deprecation_date": func(_ *manifestReader, n *rawNode, v gjson.Result) { n.Deprecation = when(v) },
		"columns":          func(d *manifestReader, n *rawNode, v gjson.Result) { n.Columns = d.columns(v) },
		"depends_on":       func(d *manifestReader, n *rawNode, v gjson.Result) { d.dependsOn(n, v) },
		"attached_node":    func(_ *manifestReader, n *rawNode, v gjson.Result) { n.AttachedNode = str(v) },
		"column_name":      func(d *manifestReader, n *rawNode, v gjson.Result) { n.ColumnName = d.name(v) },
		"test_metadata":    func(d *manifestReader, n *rawNode, v gjson.Result) { d.test(n, v) },
		"constraints":      func(d *manifestReader, n *rawNode, v gjson.Result) { n.Constraints = d.constraints(v) },
		"primary_key":      func(d *manifestReader, n *rawNode, v gjson.Result) { n.PrimaryKey = d.nameList(v) },
		"loaded_at_field":  func(d *manifestReader, n *rawNode, v gjson.Result) { n.LoadedAt = d.name(v) },
		"loaded_at_query":  func(_ *manifestReader, n *rawNode, v gjson.Result) { n.loadedQuery = v.Str },
		"compiled_code":    func(_ *manifestReader, n *rawNode, v gjson.Result) { n.setCode(v) },
		"compiled_sql":     func(_ *manifestReader, n *rawNode, v gjson.Result) { n.setCode(v) }, // before 1.3
		"source_name":      func(d *manifestReader, n *rawNode, v gjson.Result) { n.SourceName = d.name(v) },
		"freshness":        func(_ *manifestReader, n *rawNode, v gjson.Result) { n.freshness = v },
		"model":            func(_ *manifestReader, n *rawNode, v gjson.Result) { n.testedModel = str(v) },
		"config":           func(d *manifestReader, n *rawNode, v gjson.Result) { d.configure(n, v) },
		"label":            func(_ *manifestReader, n *rawNode, v gjson.Result) { n.label = str(v) },
		"type":             func(d *manifestReader, n *rawNode, v gjson.Result) { n.kind = d.name(v) },
		"description":      func(_ *manifestReader, n *rawNode, v gjson.Result) { n.description = v.Str },
		"maturity":         func(d *manifestReader, n *rawNode, v gjson.Result) { n.maturity = d.name(v) },
		"url":              func(_ *manifestReader, n *rawNode, v gjson.Result) { n.url = str(v) },
		"owner": func(_ *manifestReader, n *rawNode, v gjson.Result) {
			n.ownerName, n.ownerEmails = str(v.Get("name")), strs(v.Get("email"))
		},
	}
}

// configFields says what each key of an entry's config fills.
func configFields() map[string]func(*manifestReader, *rawNode, gjson.Result) {
	return map[string]func(*manifestReader, *rawNode, gjson.Result){
		"enabled":         func(_ *manifestReader, n *rawNode, v gjson.Result) { n.Enabled = v.Type != gjson.False },
		"materialized":    func(d *manifestReader, n *rawNode, v gjson.Result) { n.Materialized = d.name(v) },
		"severity":        func(_ *manifestReader, n *rawNode, v gjson.Result) { n.warns = strings.EqualFold(v.Str, "warn") },
		"on_error":        func(d *manifestReader, n *rawNode, v gjson.Result) { n.OnError = d.name(v) },
		"database":        func(d *manifestReader, n *rawNode, v gjson.Result) { n.ConfigDatabase = d.name(v) },
		"schema":          func(d *manifestReader, n *rawNode, v gjson.Result) { n.ConfigSchema = d.name(v) },
		"unique_key":      func(_ *manifestReader, n *rawNode, v gjson.Result) { n.UniqueKey = strs(v) },
		"contract":        func(_ *manifestReader, n *rawNode, v gjson.Result) { n.ContractEnforced = truth(v.Get("enforced")) },
		"meta":            func(_ *manifestReader, n *rawNode, v gjson.Result) { n.configMeta = v },
		"tags":            func(d *manifestReader, n *rawNode, v gjson.Result) { n.configTags = d.nameList(v) },
		"group":           func(d *manifestReader, n *rawNode, v gjson.Result) { n.group = d.name(v) },
		"access":          func(d *manifestReader, n *rawNode, v gjson.Result) { n.access = d.name(v) },
		"freshness":       func(_ *manifestReader, n *rawNode, v gjson.Result) { n.configFreshness = v },
		"where":           func(_ *manifestReader, n *rawNode, v gjson.Result) { n.Where = str(v) },
		"loaded_at_field": func(d *manifestReader, n *rawNode, v gjson.Result) { n.LoadedAt = d.name(v) },
		"loaded_at_query": func(_ *manifestReader, n *rawNode, v gjson.Result) { n.loadedQuery = v.Str },
	}
}

func (d *manifestReader) configure(n *rawNode, config gjson.Result) {
	if !config.IsObject() {
		return
	}
	if d.keep&KeepConfig != 0 {
		n.Config = []byte(config.Raw)
	}
	config.ForEach(func(key, value gjson.Result) bool {
		if set := d.config[key.Str]; set != nil && value.Type != gjson.Null {
			set(d, n, value)
		}
		return true
	})
}

// setCode keeps compiled code for later; finish drops it for other nodes
// than models.
func (n *rawNode) setCode(v gjson.Result) { n.CompiledCode = v.Str }

func checksum(v gjson.Result) string {
	if v.IsObject() {
		return str(v.Get("checksum"))
	}
	return str(v)
}

func (d *manifestReader) nameList(v gjson.Result) []string {
	if !v.IsArray() {
		return strs(v)
	}
	var out []string
	v.ForEach(func(_, item gjson.Result) bool {
		out = append(out, d.name(item))
		return true
	})
	return out
}

func (d *manifestReader) columns(v gjson.Result) []Column {
	if !v.IsObject() {
		return nil
	}
	var out []Column
	v.ForEach(func(key, value gjson.Result) bool {
		c := Column{Name: d.name(key)}
		var meta, configMeta gjson.Result
		var tags, configTags []string
		value.ForEach(func(key, value gjson.Result) bool {
			switch key.Str {
			case "name":
				c.Name = d.name(value)
			case "data_type":
				c.DataType = d.name(value)
			case "description":
				c.Description = str(value)
			case "meta":
				meta = value
			case "tags":
				tags = d.nameList(value)
			case "constraints":
				c.Constraints = d.constraintTypes(value)
			case "config":
				configMeta, configTags = value.Get("meta"), d.nameList(value.Get("tags"))
			}
			return true
		})
		c.Meta, c.Tags = overlay(meta, configMeta), union(tags, configTags)
		out = append(out, c)
		return true
	})
	return out
}
