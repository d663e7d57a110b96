package cli

import (
	"path/filepath"

	"exposync/internal/fault"
)

// shown is a path as people read it: relative where it lies below the working
// directory. What is opened is the whole path.
func (a *app) shown(path string) string {
	rel, err := filepath.Rel(a.env.Dir, path)
	if err != nil || !filepath.IsAbs(path) || !filepath.IsLocal(rel) {
		return path
	}
	return rel
}

// located shortens the places of faults, with the lines that follow them.
func (a *app) located(list fault.List) fault.List {
	for _, f := range list {
		f.Where = a.shown(f.Where)
	}
	return list
}
