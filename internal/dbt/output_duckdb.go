package dbt

import (
	"path/filepath"
	"slices"
	"strings"

	"exposync/internal/yamlx"
)

// DuckDBSetup is what a dbt-duckdb output brings into DuckDB beside its file.
type DuckDBSetup struct {
	Attached   []DuckDBFile
	Extensions []string
	// Beyond names what only dbt-duckdb itself can follow: MotherDuck, secrets,
	// plugins. Empty if the files are all there is.
	Beyond string
}

// DuckDBFile is an attached file and the name that relations call it by.
type DuckDBFile struct{ Name, Path string }

// DuckDBSetup reads what the output has beside path, database and schema.
func (o Output) DuckDBSetup() DuckDBSetup {
	var out DuckDBSetup
	beyond := func(what string) {
		if out.Beyond == "" {
			out.Beyond = what
		}
	}
	switch path := o.text("path"); {
	case path == "", path == ":memory:":
		beyond("a database in memory")
	case isAddress(path):
		beyond("path: " + path[:strings.Index(path, ":")+1])
	}
	for _, key := range []string{"secrets", "plugins", "filesystems", "remote", "motherduck_token", "use_credential_provider", "is_ducklake"} {
		if n := o.tree.Get(key); n != nil && (n.Kind == yamlx.List || n.Kind == yamlx.Map || o.text(key) != "" && o.text(key) != "false") {
			beyond(key)
		}
	}
	for _, key := range []string{"settings", "config_options"} {
		for _, p := range mapPairs(o.tree.Get(key)) {
			if !slices.Contains(resources(), strings.ToLower(p.Key)) {
				beyond(key + "." + p.Key)
			}
		}
	}
	out.Extensions = o.extensions()
	for _, item := range listItems(o.tree.Get("attach")) {
		file, ok := o.attached(item)
		if !ok {
			beyond("attach of something that is no DuckDB file")
			continue
		}
		out.Attached = append(out.Attached, file)
	}
	return out
}

// extensions are named, some with the place that they come from.
func (o Output) extensions() (names []string) {
	for _, item := range listItems(o.tree.Get("extensions")) {
		name, ok := item.Scalar()
		if !ok {
			name, _ = item.Get("name").Scalar()
		}
		names = append(names, name)
	}
	return names
}

// attached reads one entry of attach. It is false for what is no local file
// of DuckDB.
func (o Output) attached(n *yamlx.Node) (DuckDBFile, bool) {
	path, _ := n.Get("path").Scalar()
	typ, _ := n.Get("type").Scalar()
	lake, _ := n.Get("is_ducklake").Scalar()
	if path == "" || isAddress(path) || typ != "" && !strings.EqualFold(typ, "duckdb") || isTrue(lake) || n.Get("options") != nil {
		return DuckDBFile{}, false
	}
	alias, _ := n.Get("alias").Scalar()
	return DuckDBFile{Name: firstOf(alias, duckDatabase(path)), Path: under(o.dir, path)}, true
}

// isAddress tells md:…, s3://…, ducklake:… from a path.
func isAddress(path string) bool { return strings.Contains(path, ":") && !filepath.IsAbs(path) }

// resources are settings that change no result.
func resources() []string {
	return []string{
		"memory_limit", "max_memory", "threads", "worker_threads", "external_threads", "temp_directory", "max_temp_directory_size",
		"preserve_insertion_order", "enable_progress_bar", "checkpoint_threshold", "wal_autocheckpoint",
	}
}

func listItems(n *yamlx.Node) []*yamlx.Node {
	if n == nil {
		return nil
	}
	return n.Items
}
