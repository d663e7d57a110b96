package coverage

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"exposync/internal/dbt"
	"exposync/internal/yamlx"
)

// Place is where something is written: a file of the dbt project, with slashes,
// and the line, 0 if nobody knows.
type Place struct {
	File      string
	Line, Col int
}

// String is file:line, or the file alone.
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Place finds where a node or exposure is described in YAML, or a column of
// it; a column that is not described is at its model. A model without YAML is
// at its own file. Files of installed packages are not looked into.
func (f *Facts) Place(id, column string) Place {
	if e := f.Project.Exposures[id]; e != nil {
		return f.places.find(e.Path, e.Package, at{"exposures", e.Name})
	}
	n := f.Project.Nodes[id]
	if n == nil {
		return Place{}
	}
	switch n.ResourceType {
	case "source":
		return f.places.find(n.Path, n.Package, at{"sources", n.SourceName}, at{"tables", n.Name}, at{"columns", column})
	case "model", "seed", "snapshot":
		if n.PatchPath != "" {
			return f.places.find(n.PatchPath, n.Package, at{n.ResourceType + "s", n.Name}, at{"columns", column})
		}
	}
	return Place{File: slashed(n.Path)}
}

// Places gives what finds the places of a project's nodes, as Facts.Place does.
// files reads a file of the project by its path in the manifest; it may be nil.
func Places(project *dbt.Project, files func(path string) ([]byte, error)) func(id, column string) Place {
	f := &Facts{Project: project, places: &places{project: project, files: files}}
	return f.Place
}

// places finds positions in the YAML of a project. Every file is read once.
type places struct {
	project *dbt.Project
	files   func(path string) ([]byte, error)
	parsed  map[string]map[at]*yamlx.Node // by file, its named entries
}

// at is one entry of a list whose entries have names.
type at struct{ list, name string }

// find goes down from the root of a file, as far as it finds what is asked for.
func (p *places) find(file, pkg string, path ...at) Place {
	file = slashed(file)
	place := Place{File: file}
	if p.files == nil || file == "" || pkg != p.project.Name {
		return place
	}
	node := p.entry(file, path[0])
	for i, step := range path {
		if i > 0 {
			node = named(node.Get(step.list), step.name)
		}
		if node == nil {
			return place
		}
		place.Line, place.Col = node.Line, node.Col
	}
	return place
}

// entry finds an entry of one of the lists at the root of a file.
func (p *places) entry(file string, a at) *yamlx.Node {
	entries, known := p.parsed[file]
	if !known {
		entries = map[at]*yamlx.Node{}
		root := p.root(file)
		for _, list := range []string{"exposures", "models", "sources", "seeds", "snapshots"} {
			if items := root.Get(list); items != nil {
				for _, item := range slices.Backward(items.Items) { // the first of a name counts
					name, _ := item.Get("name").Scalar()
					entries[at{list, name}] = item
				}
			}
		}
		if p.parsed == nil {
			p.parsed = map[string]map[at]*yamlx.Node{}
		}
		p.parsed[file] = entries
	}
	return entries[a]
}

// root parses a file. One that cannot be read or parsed has no positions: dbt
// has read it, so this is no problem of its own.
func (p *places) root(file string) *yamlx.Node {
	if ext := path.Ext(file); ext != ".yml" && ext != ".yaml" {
		return nil
	}
	data, err := p.files(file)
	if err != nil {
		return nil
	}
	root, err := yamlx.Parse(file, data)
	if err != nil {
		return nil
	}
	return root
}

func named(list *yamlx.Node, name string) *yamlx.Node {
	if list == nil || name == "" {
		return nil
	}
	i := slices.IndexFunc(list.Items, func(n *yamlx.Node) bool {
		own, _ := n.Get("name").Scalar()
		return strings.EqualFold(own, name)
	})
	if i < 0 {
		return nil
	}
	return list.Items[i]
}

// slashed undoes the separators of a manifest that dbt wrote on Windows.
func slashed(p string) string { return strings.ReplaceAll(p, `\`, "/") }
