package cli

import (
	"path"
	"slices"
	"strings"

	"exposync/internal/yamlx"
)

// yamlLines finds where the YAML of a dbt project describes a node. A file
// that cannot be read or parsed gives no lines: dbt has read it, and a line is
// a help and no more.
type yamlLines struct {
	read   func(path string) ([]byte, error)
	parsed map[string]*yamlx.Node
}

// of gives the line of a node, or of a column of it, in a file; 0 if it is not
// there. A source is named source.table.
func (l *yamlLines) of(file, kind, name, column string) int {
	if ext := path.Ext(file); ext != ".yml" && ext != ".yaml" {
		return 0
	}
	item := l.item(l.file(file), kind, name)
	if item == nil {
		return 0
	}
	if col := named(item.Get("columns"), column); column != "" && col != nil {
		return col.Line
	}
	return item.Line
}

func (l *yamlLines) item(root *yamlx.Node, kind, name string) *yamlx.Node {
	if kind != "source" {
		return named(root.Get(kind+"s"), name)
	}
	source, table, _ := strings.Cut(name, ".")
	return named(named(root.Get("sources"), source).Get("tables"), table)
}

// named is the item of a list of maps with that name, whatever its case; nil if
// there is none.
func named(list *yamlx.Node, name string) *yamlx.Node {
	if list == nil {
		return nil
	}
	i := slices.IndexFunc(list.Items, func(n *yamlx.Node) bool {
		text, _ := n.Get("name").Scalar()
		return strings.EqualFold(text, name)
	})
	if i < 0 {
		return nil
	}
	return list.Items[i]
}

func (l *yamlLines) file(name string) *yamlx.Node {
	name = strings.ReplaceAll(name, `\`, "/") // a manifest that dbt wrote on Windows
	if n, ok := l.parsed[name]; ok {
		return n
	}
	if l.parsed == nil {
		l.parsed = map[string]*yamlx.Node{}
	}
	var root *yamlx.Node
	if data, err := l.read(name); err == nil {
		if n, err := yamlx.Parse(name, data); err == nil {
			root = n
		}
	}
	l.parsed[name] = root
	return root
}
