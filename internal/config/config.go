// Package config reads exposync.yml: where each dbt target's syncs go, and
// the settings that hold for a whole project. It reads what is written and
// says what is wrong with it; values that refer to secrets are resolved only
// for the connections that a run opens.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"exposync/internal/fault"
	"exposync/internal/yamlx"
)

const defaultLedger = ".exposync"

// FileName is the settings file's name, beside dbt_project.yml.
const FileName = "exposync.yml"

// Config is one exposync.yml.
type Config struct {
	File     string            // as it was given to Load
	Missing  bool              // there is no file; everything has its default
	Targets  map[string]Target // by dbt target
	Ledger   Ledger
	Gate     Gate
	Exports  Exports
	Columns  Columns
	Lint     Lint
	Coverage Coverage
	// TriggerURLs: an exposure whose url shows a sync of a hosted tool triggers
	// it, though it says nothing else.
	TriggerURLs bool
	// DBTCloud is where runs of dbt platform are asked for.
	DBTCloud DBTCloud
}

// Ledger says where Exposync remembers what was confirmed.
type Ledger struct {
	Dir string // relative to the dbt project; ".exposync" unless set
	// Kept: in CI the directory is restored before a run and saved after it.
	Kept bool
	// Bucket is the object store that it is in; nil for another place. The
	// directory then holds working copies only.
	Bucket *Connection
	// Postgres is the database that it is in; not Set for another place.
	Postgres Postgres
}

// Elsewhere reports whether the ledger is in no directory.
func (l Ledger) Elsewhere() bool { return l.Bucket != nil || l.Postgres.Set() }

// Alike reports whether two are written as the same place, directories aside.
func (l Ledger) Alike(o Ledger) bool {
	return l.Bucket.alike(o.Bucket) && l.Postgres.url == o.Postgres.url && l.Postgres.Schema == o.Postgres.Schema
}

// Default is the Config of a project that has no exposync.yml.
func Default(file string) *Config {
	return &Config{
		File: file, Missing: true, Targets: map[string]Target{},
		Ledger: Ledger{Dir: defaultLedger}, Exports: DefaultExports(),
		Columns: Columns{Default: ShowMask}, Lint: Lint{FailOn: LintError},
	}
}

// Load reads and checks a settings file. A file that is not there is a
// Config with Missing set. Everything that is wrong with the file is
// reported together, as a fault.List.
func Load(file string, types Connectors) (*Config, error) {
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Default(file), nil
	case err != nil:
		return nil, &fault.Fault{
			Code: "config_unreadable", Kind: fault.Config, Whose: fault.Setup, Where: file,
			Msg: "cannot be read", Hint: "check the file's owner and permissions", Err: err,
		}
	}
	return Parse(file, data, types)
}

// Parse is Load for the contents of a file.
func Parse(file string, data []byte, types Connectors) (*Config, error) {
	root := &yamlx.Node{}
	if len(data) > 0 {
		var err error
		if root, err = yamlx.Parse(file, data); err != nil {
			return nil, err
		}
	}
	r := NewReader(root, fault.Setup, func(path []string) Place { return locate(file, root, path) })
	c := &Config{
		File:    file,
		Targets: readTargets(r, types),
		Ledger:  readLedger(r.Map("ledger")),
		Exports: readExports(r.Map("exports")),
		Columns: readColumns(r.Map("columns"), r.Map("samples")),
		Lint:    readLint(r.Map("lint")),

		DBTCloud: readDBTCloud(r),
		Coverage: readCoverage(r.Map("coverage")),
	}
	gate := r.Map("gate")
	c.Gate = ReadGate(gate)
	if gate.Has("waive") {
		gate.Fault("waive", "unknown_key", "write it under exposync: gate: of the exposure",
			"a test is waived for one exposure, in its metadata")
	}
	gate.Done()
	if on := r.Bool("trigger_urls"); on != nil {
		c.TriggerURLs = *on
	}
	r.Later("notify", "sandbox", "hosted")
	r.Done()
	if err := r.Problems().Err(); err != nil {
		return nil, err
	}
	return c, nil
}

// Connection gives what a name in `to:` stands for under a dbt target. In a
// sandbox target that no other target tells anything about, every name is a
// connection.
func (c *Config) Connection(target, name string) (Connection, bool) {
	t, ok := c.Targets[target]
	if !ok {
		return Connection{}, false
	}
	conn, ok := t.Connections[name]
	if !ok && t.Sandbox && len(c.ConnectionNames()) == 0 {
		return Connection{Name: name, Type: name, Sandbox: true, Where: t.Where}, true
	}
	return conn, ok
}

// ConnectionsOf lists the connections of a type under a dbt target; under no
// target, of all. Sorted.
func (c *Config) ConnectionsOf(target, kind string) []string {
	var names []string
	for name, t := range c.Targets {
		if name != target && target != "" {
			continue
		}
		for _, conn := range t.Connections {
			if conn.Type == kind {
				names = append(names, conn.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// ConnectionType gives the type that a connection has in every target.
func (c *Config) ConnectionType(name string) (string, bool) {
	for _, t := range c.Targets {
		if conn, ok := t.Connections[name]; ok {
			return conn.Type, true
		}
	}
	return "", false
}

// ConnectionNames lists the connections of all targets, sorted.
func (c *Config) ConnectionNames() []string {
	var names []string
	for _, t := range c.Targets {
		for name := range t.Connections {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func readLedger(r *Reader) Ledger {
	l := Ledger{Dir: defaultLedger}
	if r.Has("dir") {
		l.Dir = r.Text("dir")
	}
	if kept := r.Bool("kept"); kept != nil {
		l.Kept = *kept
	}
	l.Bucket = readBucket(r)
	l.Postgres = readLedgerPostgres(r)
	if l.Bucket != nil && l.Postgres.Set() {
		r.Fault("postgres", "setting_invalid", "keep one of the two", "a ledger is in one place only")
	}
	if l.Elsewhere() && r.Has("kept") {
		r.Fault("kept", "setting_invalid", "remove it: such a ledger outlives every job", "belongs to a ledger in a directory")
	}
	r.Later("keep_values")
	r.Done()
	return l
}

// ParseLedger reads what stands behind `ledger:` from the command line, where
// name says which word of it: a YAML map, or the name of a directory alone.
func ParseLedger(name, text string) (Ledger, error) {
	root, err := yamlx.Parse(name, []byte(text))
	if err != nil {
		return Ledger{}, err
	}
	if dir, ok := root.Str(); ok && dir != "" && !strings.Contains(dir, "://") {
		return Ledger{Dir: dir}, nil
	}
	r := NewReader(root, fault.User, func(path []string) Place { return Place{Where: name, Subject: Dotted(path)} })
	if len(root.Keys()) == 0 {
		r.Fault("", "setting_invalid", "write what would stand behind `ledger:` in exposync.yml, for example "+name+" 'dir: other'", "names no ledger")
	}
	l := readLedger(r)
	return l, r.Problems().Err()
}

// locate finds the line of the setting at path, or of the nearest one around
// it.
func locate(file string, root *yamlx.Node, path []string) Place {
	line := LineAt(root, path)
	place := Place{Where: file, Subject: Dotted(path), Line: line}
	if line > 0 {
		place.Where = fmt.Sprintf("%s:%d", file, line)
	}
	return place
}

// Dotted writes a path as messages do: targets.prod.connections.crm. Names
// that would not print are quoted.
func Dotted(path []string) string {
	out := make([]string, len(path))
	for i, segment := range path {
		out[i] = segment
		if strings.ContainsFunc(segment, func(c rune) bool { return !unicode.IsPrint(c) }) {
			out[i] = strconv.Quote(segment)
		}
	}
	return strings.Join(out, ".")
}

// LineAt gives the line of the setting at path below a node: of its key, or
// of the list's item for a segment such as "waive[0]". A path that ends
// early gives the line of the last part that is there; 0 if none is.
func LineAt(n *yamlx.Node, path []string) int {
	line := 0
	for _, segment := range path {
		if n == nil {
			return line
		}
		key, index, inList := segment, 0, false
		i := indexOf(n, key)
		if i < 0 {
			key, index, inList = splitIndex(segment)
			i = indexOf(n, key)
		}
		if i < 0 {
			return line
		}
		line, n = n.Pairs[i].Line, n.Pairs[i].Value
		if inList && n != nil && index < len(n.Items) {
			n = n.Items[index]
			line = n.Line
		}
	}
	return line
}

func indexOf(n *yamlx.Node, key string) int {
	return slices.IndexFunc(n.Pairs, func(p yamlx.Pair) bool { return p.Key == key })
}

// splitIndex takes "waive[2]" apart.
func splitIndex(segment string) (key string, index int, ok bool) {
	open := len(segment) - 1
	for open >= 0 && segment[open] != '[' {
		open--
	}
	if open < 0 || segment[len(segment)-1] != ']' {
		return segment, 0, false
	}
	index, err := strconv.Atoi(segment[open+1 : len(segment)-1])
	if err != nil || index < 0 {
		return segment, 0, false
	}
	return segment[:open], index, true
}
