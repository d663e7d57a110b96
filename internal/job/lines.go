package job

import (
	"fmt"
	"slices"
	"strings"

	"exposync/internal/config"
	"exposync/internal/dbt"
	"exposync/internal/yamlx"
)

// lines finds where exposures are written. A file that cannot be read or
// parsed gives no lines: dbt has read it, so this is no problem of its own.
type lines struct {
	project *dbt.Project
	files   func(path string) ([]byte, error)
	parsed  map[string]*yamlx.Node
}

// source is where the `exposync:` block of one exposure is written.
type source struct {
	name string      // of the exposure
	key  string      // "config.meta.exposync", or where older versions of dbt want it
	file string      // empty if the file is not at hand
	item *yamlx.Node // the exposure in the file; nil if it is not at hand
	base []string    // from item to the block
}

// of finds an exposure. Files of installed packages are not looked for: their
// paths are relative to the package.
func (l *lines) of(e *dbt.Exposure) source {
	s := source{name: e.Name, base: []string{"config", "meta", "exposync"}}
	if metaOutsideConfig(l.project.DBTVersion) {
		s.base = s.base[1:]
	}
	s.key = strings.Join(s.base, ".")
	if e.Path == "" || e.Package != l.project.Name && e.Package != "" && l.project.Name != "" {
		return s
	}
	path := strings.ReplaceAll(e.Path, `\`, "/") // a manifest that dbt wrote on Windows
	list := l.file(path).Get("exposures")
	if list == nil {
		return s
	}
	i := slices.IndexFunc(list.Items, func(n *yamlx.Node) bool {
		name, _ := n.Get("name").Scalar()
		return name == e.Name
	})
	if i < 0 {
		return s
	}
	s.file, s.item = path, list.Items[i]
	for _, base := range [][]string{{"config", "meta", "exposync"}, {"meta", "exposync"}} {
		if s.item.At(base...) != nil {
			s.base = base
			break
		}
	}
	return s
}

func (l *lines) file(path string) *yamlx.Node {
	if l.files == nil {
		return nil
	}
	if n, ok := l.parsed[path]; ok {
		return n
	}
	if l.parsed == nil {
		l.parsed = map[string]*yamlx.Node{}
	}
	var root *yamlx.Node
	if data, err := l.files(path); err == nil {
		if n, err := yamlx.Parse(path, data); err == nil {
			root = n
		}
	}
	l.parsed[path] = root
	return root
}

// place tells where a setting below the block stands.
func (s source) place(path []string) config.Place {
	if s.item == nil {
		return config.Place{Where: fmt.Sprintf("exposure %s: %s", s.name, config.Dotted(append([]string{s.key}, path...)))}
	}
	line := config.LineAt(s.item, append(slices.Clip(s.base), path...))
	if line == 0 {
		line = s.item.Line
	}
	subject := "exposure " + s.name
	if len(path) > 0 {
		subject += ": " + config.Dotted(path)
	}
	return config.Place{Where: fmt.Sprintf("%s:%d", s.file, line), Subject: subject, Line: line}
}

// trapped gives what is written at path if dbt read something else from it
// because it has no quotes; empty if it read the same, or nobody knows.
func (s source) trapped(path []string, read *yamlx.Node) string {
	if s.item == nil {
		return ""
	}
	written := s.item.At(s.base...).At(path...)
	if written == nil || !written.Plain || !yaml11(written.Text, read.Kind) {
		return ""
	}
	return written.Text
}

// metaOutsideConfig reports whether this version of dbt wants meta beside
// config instead of in it: up to 1.9.
func metaOutsideConfig(version string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return false
	}
	return major < 1 || major == 1 && minor < 10
}
