package config

import (
	"slices"
	"strings"
)

// Exports says which models are export models.
type Exports struct {
	Prefix string   // of the model's name
	Paths  []string // folders below the project
	Tag    string   // a dbt tag; empty if none counts
}

// DefaultExports is what holds where exposync.yml says nothing.
func DefaultExports() Exports {
	return Exports{Prefix: "export_", Paths: []string{"models/exports", "models/export"}}
}

func readExports(r *Reader) Exports {
	e := DefaultExports()
	if r.Has("prefix") {
		e.Prefix = r.Text("prefix")
	}
	if r.Has("paths") {
		e.Paths = r.Texts("paths")
	}
	e.Tag = r.Text("tag")
	for i, p := range e.Paths {
		e.Paths[i] = strings.Trim(slashes(p), "/")
	}
	r.Done()
	return e
}

// Has reports whether a model is an export model: by its name, by the folder
// that its file (path, relative to the project) is in, or by a tag.
func (e Exports) Has(name, path string, tags []string) bool {
	if e.Prefix != "" && strings.HasPrefix(name, e.Prefix) {
		return true
	}
	path = slashes(path)
	if slices.ContainsFunc(e.Paths, func(folder string) bool { return strings.HasPrefix(path, folder+"/") }) {
		return true
	}
	return e.Tag != "" && slices.Contains(tags, e.Tag)
}

// slashes undoes the separators of a manifest that dbt wrote on Windows.
func slashes(path string) string { return strings.ReplaceAll(path, `\`, "/") }
