package impact

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"exposync/internal/dbt"
)

// about is the node that a test is about: where it says none, its only parent.
func about(p *dbt.Project, t *dbt.Node) string {
	if t.AttachedNode != "" {
		return t.AttachedNode
	}
	for _, parent := range p.Parents[t.UniqueID] {
		if n := p.Nodes[parent]; n == nil || !n.Test() {
			return parent
		}
	}
	return ""
}

// tests compares the tests, which are what the gate asks for.
func (c *comparison) tests() {
	gone, fresh := c.testsOf(&c.before, c.after.Project), c.testsOf(&c.after, c.before.Project)
	for _, key := range slices.Sorted(maps.Keys(gone)) {
		if len(gone[key]) == 1 && len(fresh[key]) == 1 {
			c.test(gone[key][0], fresh[key][0], true)
			delete(fresh, key)
			continue
		}
		for _, t := range gone[key] {
			c.goneTest(t)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(fresh)) {
		for _, t := range fresh[key] {
			c.newTest(t)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.after.Project.Nodes)) {
		was, is := c.before.Project.Nodes[id], c.after.Project.Nodes[id]
		if !is.Test() || was == nil {
			continue
		}
		if _, differs := c.differ[id]; differs || !bytes.Equal(was.Config, is.Config) {
			c.test(was, is, false)
		}
	}
}

// testsOf are the tests of one side that the other one does not have, by what
// stays when only their arguments change.
func (c *comparison) testsOf(s *Side, other *dbt.Project) map[string][]*dbt.Node {
	out := map[string][]*dbt.Node{}
	for _, id := range slices.Sorted(maps.Keys(s.Project.Nodes)) {
		n := s.Project.Nodes[id]
		if !n.Test() || other.Nodes[id] != nil {
			continue
		}
		_, off := other.Disabled[id]
		key := id
		if subject := about(s.Project, n); n.TestName != "" && !off {
			if to, ok := c.renamed[subject]; ok {
				subject = to
			}
			column := fold(n.ColumnName)
			key = n.TestName + " " + subject + " " + cmp.Or(c.renamedColumn[subject+" "+column], column)
		}
		out[key] = append(out[key], n)
	}
	return out
}

func (c *comparison) addTest(kind Kind, p *dbt.Project, t *dbt.Node, before, after, message string) {
	subject := about(p, t)
	if p == c.before.Project {
		if to, ok := c.renamed[subject]; ok {
			subject = to
		}
	}
	file, line := t.Path, 0
	if n := c.after.Project.Nodes[subject]; n != nil && t.TestName != "" {
		file, line = c.at(n, t.ColumnName)
	}
	c.add(Change{Kind: kind, Subject: subject, Column: t.ColumnName, Before: before, After: after, File: file, Line: line, Message: message})
}

func (c *comparison) goneTest(t *dbt.Node) {
	kind, word := Kind("test_removed"), "is gone"
	if _, off := c.after.Project.Disabled[t.UniqueID]; off {
		kind, word = "test_disabled", "is disabled"
	}
	if c.alone("column_removed", cmp.Or(c.renamed[about(c.before.Project, t)], about(c.before.Project, t)), t.ColumnName) {
		return // it went with its model or column, which is told by itself
	}
	c.addTest(kind, c.before.Project, t, testText(c.before.Project, t), "", testWord(t)+testText(c.before.Project, t)+" "+word)
}

func (c *comparison) newTest(t *dbt.Node) {
	kind, word := Kind("test_added"), "is new"
	if _, off := c.before.Project.Disabled[t.UniqueID]; off {
		kind, word = "test_enabled", "is enabled"
	}
	if c.alone("column_added", about(c.after.Project, t), t.ColumnName) || c.before.Project.Nodes[c.formerly(about(c.after.Project, t))] == nil {
		return // it came with its model or column
	}
	c.addTest(kind, c.after.Project, t, "", testText(c.after.Project, t), testWord(t)+testText(c.after.Project, t)+" "+word)
}

// alone reports whether what a test is about is not in the project any more, or
// its column is on one side only.
func (c *comparison) alone(kind Kind, subject, column string) bool {
	if c.after.Project.Nodes[subject] == nil {
		return true
	}
	return column != "" && slices.ContainsFunc(c.changes, func(ch Change) bool {
		return ch.Kind == kind && ch.Subject == subject && fold(ch.Column) == fold(column)
	})
}

func testWord(t *dbt.Node) string {
	if t.ResourceType == "unit_test" {
		return "the unit test "
	}
	return "the test "
}

// testText is a test as people say it: not_null on email of export_customers.
func testText(p *dbt.Project, t *dbt.Node) string {
	subject := p.Nodes[about(p, t)]
	if t.TestName == "" || subject == nil {
		return t.Name
	}
	if t.ColumnName != "" {
		return fmt.Sprintf("%s on %s of %s", t.TestName, t.ColumnName, shown(subject))
	}
	return t.TestName + " on " + shown(subject)
}

// testKeys are the settings of a test that decide what it lets through.
var testKeys = []string{"severity", "where", "limit", "fail_calc", "warn_if", "error_if"}

// test compares a test that both sides have; otherID: its arguments gave it
// another id.
func (c *comparison) test(was, is *dbt.Node, otherID bool) {
	a, b := testConfig(was), testConfig(is)
	var keys []string
	for _, key := range testKeys {
		if a[key] != b[key] {
			keys = append(keys, key)
		}
	}
	text := testWord(is) + testText(c.after.Project, is)
	d := c.differ[is.UniqueID]
	switch {
	case len(keys) > 0:
		kind, word := Kind("test_loosened"), "is looser"
		if slices.Equal(keys, []string{"severity"}) && is.Severity == "error" {
			kind, word = "test_tightened", "is stricter"
		} else if onlyLifted(keys, a, b) {
			kind, word = "test_tightened", "looks at more"
		}
		c.addTest(kind, c.after.Project, is, keysText(keys, a), keysText(keys, b),
			fmt.Sprintf("%s %s: %s now, was %s", text, word, keysText(keys, b), keysText(keys, a)))
	case otherID && sameArguments(was, is):
	case otherID:
		c.addTest("test_changed", c.after.Project, is, was.Name, is.Name, text+" has other arguments")
	case d.Body || len(d.Macros) > 0 || is.ResourceType == "unit_test" && d.Modified:
		c.addTest("test_changed", c.after.Project, is, "", "", text+" asks something else")
	}
}

// sameArguments reports whether two tests differ at most in the names of their
// model and their column, which were renamed.
func sameArguments(was, is *dbt.Node) bool {
	args := func(n *dbt.Node) map[string]any {
		var out map[string]any
		_ = json.Unmarshal(n.TestArgs, &out) // the manifest is valid JSON
		delete(out, "column_name")
		return out
	}
	return reflect.DeepEqual(args(was), args(is))
}

// onlyLifted reports whether all that changed is that conditions which left
// something out are gone.
func onlyLifted(keys []string, was, is map[string]string) bool {
	for _, key := range keys {
		if key != "where" && key != "limit" || was[key] == "" || is[key] != "" {
			return false
		}
	}
	return true
}

func testConfig(n *dbt.Node) map[string]string {
	out := map[string]string{"severity": n.Severity, "fail_calc": "count(*)", "warn_if": "!= 0", "error_if": "!= 0"}
	config := configOf(n)
	for _, key := range testKeys[1:] {
		if v, ok := config[key]; ok {
			out[key] = fmt.Sprint(v)
		}
	}
	return out
}

func keysText(keys []string, config map[string]string) string {
	var out []string
	for _, key := range keys {
		out = append(out, key+" "+orNothing(config[key]))
	}
	return strings.Join(out, ", ")
}
