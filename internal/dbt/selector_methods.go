package dbt

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"exposync/internal/fault"
)

// test reports whether a method matches a member.
type test func(*member) bool

// method makes the test of one criterion; an error where its value is none
// that the method knows.
type method func(s *selecting, c *criterion) (test, error)

// methods is every method of dbt-core 1.12, and owner. Which members each
// looks at is dbt's choice: config, for one, knows nodes and sources only.
func methods() map[string]method {
	return map[string]method{
		"fqn":            fqnMethod,
		"tag":            tagMethod,
		"group":          groupMethod,
		"access":         accessMethod,
		"source":         sourceMethod,
		"path":           pathMethod,
		"file":           fileMethod,
		"package":        packageMethod,
		"config":         configMethod,
		"test_name":      testNameMethod,
		"test_type":      testTypeMethod,
		"resource_type":  resourceTypeMethod,
		"state":          stateMethod,
		"exposure":       nameMethod("exposure"),
		"metric":         nameMethod("metric"),
		"semantic_model": nameMethod("semantic_model"),
		"saved_query":    nameMethod("saved_query"),
		"unit_test":      nameMethod("unit_test"),
		"result":         resultMethod,
		"source_status":  sourceStatusMethod,
		"version":        versionMethod,
		"selector":       selectorMethod,
		"owner":          ownerMethod,
	}
}

// matched gives the members and parts that a criterion itself matches.
func (s *selecting) matched(c *criterion) (ids, error) {
	matches, err := methods()[c.method](s, c)
	if err != nil {
		return nil, err
	}
	found := ids{}
	for i := range s.members {
		if matches(&s.members[i]) {
			found[s.members[i].id] = true
		}
	}
	if (c.method == "fqn" || c.method == "exposure") && strings.Contains(c.value, ".") {
		for _, parts := range s.ctx.Parts {
			for _, part := range parts {
				if fnmatch(c.value, part) {
					found[part] = true
				}
			}
		}
	}
	return found, nil
}

// fqnMethod matches names, and the folders that lead to them.
func fqnMethod(_ *selecting, c *criterion) (test, error) {
	return func(m *member) bool {
		if m.kind == "source" || len(m.fqn) == 0 {
			return false
		}
		versioned := m.kind == "model" && m.node.Version != ""
		return matchesFQN(m.fqn, c.value, versioned) || matchesFQN(m.fqn[1:], c.value, versioned) // the package may be left out
	}, nil
}

// matchesFQN reports whether a selector is the name at the end of an fqn, or
// dotted and its beginning. From the first part with a wildcard on, the rest
// is matched as one text; a wildcard without a dot also against the name
// alone. A versioned model has its version after its name: both together may
// be written with a dot or an underscore.
func matchesFQN(fqn []string, selector string, versioned bool) bool {
	if len(fqn) == 0 || versioned && len(fqn) < 2 {
		return false
	}
	name, want := fqn[len(fqn)-1], strings.Split(selector, ".")
	if versioned {
		last := fqn[len(fqn)-2:]
		if name = last[0]; strings.Join(last, "_") == strings.Join(want[max(0, len(want)-2):], "_") {
			return true
		}
	}
	if name == selector {
		return true
	}
	have := strings.Split(strings.Join(fqn, "."), ".")
	if len(have) < len(want) {
		return false
	}
	for i, part := range want {
		if strings.ContainsAny(part, "*?[]") {
			return fnmatch(strings.Join(want[i:], "."), strings.Join(have[i:], ".")) || len(want) == 1 && fnmatch(selector, name)
		}
		if have[i] != part {
			return false
		}
	}
	return true
}

func tagMethod(_ *selecting, c *criterion) (test, error) {
	return func(m *member) bool {
		return slices.ContainsFunc(m.tags, func(tag string) bool { return fnmatch(c.value, tag) })
	}, nil
}

func groupMethod(_ *selecting, c *criterion) (test, error) {
	return func(m *member) bool {
		return (m.inNodes() || m.kind == "metric") && m.node.ConfigGroup != "" && fnmatch(c.value, m.node.ConfigGroup)
	}, nil
}

func accessMethod(_ *selecting, c *criterion) (test, error) {
	return func(m *member) bool { return m.kind == "model" && m.node.Access == c.value }, nil
}

// sourceMethod matches source, source.table or package.source.table.
func sourceMethod(_ *selecting, c *criterion) (test, error) {
	parts := strings.Split(c.value, ".")
	switch len(parts) {
	case 1:
		parts = []string{"*", parts[0], "*"}
	case 2:
		parts = []string{"*", parts[0], parts[1]}
	case 3:
	default:
		return nil, selectorFault(c.raw, "source: takes SOURCE, SOURCE.TABLE or PACKAGE.SOURCE.TABLE")
	}
	return func(m *member) bool {
		return m.kind == "source" && fnmatch(parts[0], m.pkg) && fnmatch(parts[1], m.node.SourceName) && fnmatch(parts[2], m.name)
	}, nil
}

// nameMethod matches name or package.name of one type.
func nameMethod(kind string) method {
	return func(_ *selecting, c *criterion) (test, error) {
		pkg, name, dotted := strings.Cut(c.value, ".")
		if !dotted {
			pkg, name = "*", c.value
		}
		if strings.Contains(name, ".") {
			return nil, selectorFault(c.raw, kind+": takes NAME or PACKAGE.NAME")
		}
		return func(m *member) bool { return m.kind == kind && fnmatch(pkg, m.pkg) && fnmatch(name, m.name) }, nil
	}
}

// fileMethod matches a file's name with its ending or without.
func fileMethod(_ *selecting, c *criterion) (test, error) {
	return func(m *member) bool {
		file := m.path[strings.LastIndex(m.path, "/")+1:]
		if fnmatch(c.value, file) {
			return true
		}
		stem := strings.TrimSuffix(file, path.Ext(file))
		if stem == "" || strings.HasSuffix(file, ".") {
			stem = file // to dbt .yml has no ending, nor has "x."
		}
		return fnmatch(c.value, stem)
	}, nil
}

func packageMethod(s *selecting, c *criterion) (test, error) {
	pkg := c.value
	if pkg == "this" && s.project.Name != "" {
		pkg = s.project.Name
	}
	return func(m *member) bool { return fnmatch(pkg, m.pkg) }, nil
}

func testNameMethod(_ *selecting, c *criterion) (test, error) {
	return func(m *member) bool {
		switch m.kind {
		case "test":
			return m.node.TestName != "" && fnmatch(c.value, m.node.TestName)
		case "unit_test":
			return fnmatch(c.value, m.name)
		}
		return false
	}, nil
}

// testTypeMethod takes generic (or schema), data, singular and unit. dbt also
// takes any piece of the last three; so does this.
func testTypeMethod(_ *selecting, c *criterion) (test, error) {
	generic := func(m *member) bool { return m.kind == "test" && m.node.TestName != "" }
	switch {
	case c.value == "generic", c.value == "schema":
		return generic, nil
	case strings.Contains("data", c.value):
		return func(m *member) bool { return m.kind == "test" }, nil
	case strings.Contains("singular", c.value):
		return func(m *member) bool { return m.kind == "test" && !generic(m) }, nil
	case strings.Contains("unit", c.value):
		return func(m *member) bool { return m.kind == "unit_test" }, nil
	}
	return nil, oneOf(c, "generic", "singular", "unit", "data")
}

func resourceTypeMethod(_ *selecting, c *criterion) (test, error) {
	known := []string{
		"model", "analysis", "test", "snapshot", "operation", "seed", "rpc", "doc", "source", "macro",
		"exposure", "metric", "group", "saved_query", "semantic_model", "unit_test", "fixture", "function",
	}
	if !slices.Contains(known, c.value) {
		return nil, oneOf(c, "model", "test", "unit_test", "snapshot", "seed", "source", "exposure", "metric", "semantic_model",
			"saved_query", "analysis", "function")
	}
	return func(m *member) bool { return m.kind == c.value }, nil
}

// versionMethod tells the versions of models from the latest one.
func versionMethod(_ *selecting, c *criterion) (test, error) {
	compare := map[string]func(n *Node) bool{
		"latest":     func(n *Node) bool { return n.Version != "" && n.Version == n.LatestVersion },
		"old":        func(n *Node) bool { return versions(n) && older(n.Version, n.LatestVersion) },
		"prerelease": func(n *Node) bool { return versions(n) && older(n.LatestVersion, n.Version) },
		"none":       func(n *Node) bool { return n.Version == "" },
	}
	is, ok := compare[c.value]
	if !ok {
		return nil, oneOf(c, "latest", "old", "prerelease", "none")
	}
	return func(m *member) bool { return m.kind == "model" && is(m.node) }, nil
}

// versions reports whether there is something to compare; to dbt version 0 is
// not.
func versions(n *Node) bool {
	return n.Version != "" && n.Version != "0" && n.LatestVersion != "" && n.LatestVersion != "0"
}

// older compares versions as numbers where both are, else as texts.
func older(a, b string) bool {
	x, err := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	if err == nil && err2 == nil {
		return x < y
	}
	return a < b
}

// ownerMethod matches the owner of an exposure, by name or any e-mail.
func ownerMethod(_ *selecting, c *criterion) (test, error) {
	return func(m *member) bool {
		return m.exposure != nil && slices.ContainsFunc(append([]string{m.exposure.OwnerName}, m.exposure.OwnerEmails...),
			func(owner string) bool { return owner != "" && fnmatch(c.value, owner) })
	}, nil
}

// selectorMethod matches what selectors of selectors.yml select.
func selectorMethod(s *selecting, c *criterion) (test, error) {
	found := ids{}
	selectors := s.project.selectors()
	matched := false
	for _, name := range slices.Sorted(maps.Keys(selectors)) {
		if !fnmatch(c.value, name) {
			continue
		}
		matched = true
		if slices.Contains(s.active, name) {
			return nil, selectorFault(c.raw, "selectors.yml goes in a circle: "+strings.Join(append(s.active, name), " -> "))
		}
		r, err := s.defined(name, selectors[name])
		if err != nil {
			return nil, err
		}
		s.active = append(s.active, name)
		one, err := s.answer(r)
		if err != nil {
			return nil, err
		}
		s.active = s.active[:len(s.active)-1]
		maps.Copy(found, one)
	}
	if !matched {
		return nil, unknownSelector(c.value, s.project.SelectorNames())
	}
	return func(m *member) bool { return found[m.id] }, nil
}

// inNodes reports whether dbt has the member under nodes: all but sources,
// exposures and what has a section of its own.
func (m *member) inNodes() bool {
	switch m.kind {
	case "source", "exposure", "metric", "semantic_model", "saved_query", "unit_test", "function":
		return false
	}
	return true
}

func oneOf(c *criterion, known ...string) error {
	msg := fmt.Sprintf("%s: takes %s", c.method, strings.Join(known, ", "))
	if near := fault.Suggest(c.value, known); near != "" {
		msg += fmt.Sprintf("; did you mean %q?", near)
	}
	return selectorFault(c.raw, msg)
}
