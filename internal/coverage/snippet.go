package coverage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"exposync/internal/dbt"
)

// The texts of this file are what to write into the project's YAML, in the
// words of the dbt version that wrote the manifest.

// since reports whether the manifest is of dbt 1.minor or later. A version that
// cannot be read counts as new.
func (f *Facts) since(minor int) bool {
	var a, b int
	if n, _ := fmt.Sscanf(f.Project.DBTVersion, "%d.%d", &a, &b); n < 2 {
		return true
	}
	return a > 1 || a == 1 && b >= minor
}

// metaBlock writes keys of exposync: where this dbt wants them.
func (f *Facts) metaBlock(indent string, lines ...string) string {
	head := []string{"config:", "  meta:", "    exposync:"}
	if !f.since(10) {
		head = []string{"meta:", "  exposync:"}
	}
	var out []string
	for _, l := range head {
		out = append(out, indent+l)
	}
	deep := indent + strings.Repeat("  ", len(head))
	for _, l := range lines {
		out = append(out, deep+l)
	}
	return strings.Join(out, "\n")
}

// exposureSnippet is an exposure for an export model that has none.
func (f *Facts) exposureSnippet(n *dbt.Node) string {
	key := "…"
	if keys := f.KeysOf(n, nil); len(keys) > 0 {
		key = strings.Join(keys[0].Columns, ", ")
		if len(keys[0].Columns) > 1 {
			key = "[" + key + "]"
		}
	}
	return f.exposureYAML(exposureName(n), "https://…", Label(n), []string{"to: connection.object", "key: " + key, "fields: all", "sla: 24h"}, Ref(n))
}

// tested is the first column that tests prove to identify a row.
func (f *Facts) tested(n *dbt.Node) string {
	for _, t := range f.Tests(n.UniqueID) {
		if column := testColumn(t); column != "" && f.Prove(n, []string{column}).Proven() {
			return column
		}
	}
	return ""
}

// exposureName makes a name for the exposure of a model: export_customers
// becomes customers_export. Versions of a model have names of their own.
func exposureName(n *dbt.Node) string {
	version := ""
	if n.Version != "" && n.Version != n.LatestVersion {
		version = "_v" + strings.ReplaceAll(n.Version, ".", "_")
	}
	if rest, ok := strings.CutPrefix(n.Name, "export_"); ok {
		return rest + version + "_export"
	}
	return n.Name + version + "_sync"
}

func (f *Facts) exposureYAML(name, address, what string, sync []string, dependsOn string) string {
	return strings.Join([]string{
		"exposures:",
		"  - name: " + name,
		"    type: application",
		"    maturity: medium",
		"    url: " + address,
		"    description: what " + what + " is used for, and by whom",
		"    depends_on:",
		"      - " + dependsOn,
		"    owner:",
		"      name: …",
		"      email: …",
		f.metaBlock("    ", sync...),
	}, "\n")
}

// Ref is how depends_on, SQL and the arguments of tests name a node.
func Ref(n *dbt.Node) string {
	switch {
	case n.ResourceType == "source":
		return fmt.Sprintf("source('%s', '%s')", n.SourceName, n.Name)
	case n.Version != "":
		return fmt.Sprintf("ref('%s', v=%s)", n.Name, n.Version)
	}
	return "ref('" + n.Name + "')"
}

// exportSnippet is the export model that an exposure should depend on: one
// that is made of its dependency already, else the start of a new one.
func (f *Facts) exportSnippet(e *Exposure) string {
	var from *dbt.Node
	for _, id := range e.DependsOn {
		n := f.Project.Nodes[id]
		if n == nil {
			continue
		}
		for _, x := range f.Exports {
			if slices.Contains(f.Project.Parents[x.UniqueID], id) {
				return "depends_on:\n  - " + Ref(x) + "   # is made of " + Label(n)
			}
		}
		if from == nil || from.ResourceType == "source" && n.ResourceType != "source" {
			from = n
		}
	}
	if from == nil { // nothing to make an export model of
		return "depends_on:\n  - ref('export_…')"
	}
	name := "export_" + strings.TrimPrefix(strings.TrimPrefix(from.Name, "dim_"), "fct_")
	for _, x := range f.Exports {
		if x.Name == name { // its file is there: it must not be written over
			return "depends_on:\n  - " + Ref(x) + "   # is there already"
		}
	}
	return fmt.Sprintf("-- models/exports/%s.sql\nselect … from {{ %s }}\n\n# %s\ndepends_on:\n  - ref('%s')   # in place of %s", name, Ref(from), slashed(e.Path), name, Label(from))
}

func (f *Facts) bindSnippet(e *Exposure) string {
	for _, j := range e.Jobs {
		for _, p := range j.Problems {
			return cmp.Or(p.Hint, "exposync explain "+p.Code)
		}
	}
	if e.Watched != "" {
		return "url: https://…/syncs/12345   # the page of the sync itself"
	}
	return f.metaBlock("", "to: connection.object", "key: …", "fields: all")
}

func (f *Facts) hostedSnippet(h HostedSync, n *dbt.Node) string {
	if n == nil {
		return "point the sync at an export model of this project, or retire it in " + h.Tool
	}
	return f.exposureYAML(exposureName(n), cmp.Or(h.URL, "https://…"), Label(n), []string{"hosted: " + h.Ref(), "sla: 24h"}, Ref(n))
}

func (f *Facts) fieldSnippet(_ *Exposure, field string) string {
	switch field {
	case "owner":
		return "owner:\n  name: …\n  email: …"
	case "url":
		return "url: https://…   # where its rows can be seen"
	case "description":
		return "description: what it is used for, and by whom"
	case "maturity":
		return "maturity: medium   # low, medium or high"
	}
	return f.metaBlock("", "sla: 24h   # how stale the destination may be")
}

// modelYAML starts the YAML of a model.
func modelYAML(n *dbt.Node, lines ...string) string {
	out := []string{n.ResourceType + "s:", "  - name: " + n.Name}
	for _, l := range lines {
		out = append(out, "    "+l)
	}
	return strings.Join(out, "\n")
}

// testsKey is what this dbt calls the list of tests.
func (f *Facts) testsKey() string {
	if f.since(8) {
		return "data_tests"
	}
	return "tests"
}

// testArgs writes the arguments of a test where this dbt wants them.
func (f *Facts) testArgs(indent string, lines ...string) []string {
	var out []string
	if f.since(11) {
		out = append(out, indent+"arguments:")
		indent += "  "
	}
	for _, l := range lines {
		out = append(out, indent+l)
	}
	return out
}

// noKeySnippet says where a key can be told: by the sync, or where a hosted
// tool has it, by tests.
func (f *Facts) noKeySnippet(u Use) string {
	for _, e := range u.Exposures {
		for _, j := range e.Jobs {
			if j.Hosted == nil {
				return "key: …   # under exposync: of " + e.Name
			}
		}
	}
	return modelYAML(u.Model, "columns:", "  - name: …   # what identifies a row in the tool", "    "+f.testsKey()+": [unique, not_null]")
}

func (f *Facts) keySnippet(n *dbt.Node, k Key) string {
	var lines []string
	var columns []string
	for _, m := range k.Missing {
		what, column, _ := strings.Cut(m, " on ")
		if what == "unique_combination_of_columns" {
			lines = append(lines, f.testsKey()+":", "  - dbt_utils.unique_combination_of_columns:")
			lines = append(lines, f.testArgs("      ", "combination_of_columns: ["+column+"]")...)
			return modelYAML(n, lines...)
		}
		if len(columns) > 0 && strings.HasPrefix(columns[len(columns)-1], column+"\x00") {
			columns[len(columns)-1] += ", " + what
			continue
		}
		columns = append(columns, column+"\x00"+what)
	}
	lines = append(lines, "columns:")
	for _, c := range columns {
		name, tests, _ := strings.Cut(c, "\x00")
		lines = append(lines, "  - name: "+name, "    "+f.testsKey()+": ["+tests+"]")
	}
	return modelYAML(n, lines...)
}

func (f *Facts) paritySnippet(n, parent *dbt.Node) string {
	lines := append([]string{f.testsKey() + ":", "  - dbt_utils.equal_rowcount:"}, f.testArgs("      ", "compare_model: "+Ref(parent))...)
	lines = append(lines, "# or, if rows are left out on purpose:")
	lines = append(lines, "config: {meta: {exposync: {ignore: [{check: parity, reason: …}]}}}")
	return modelYAML(n, lines...)
}

func (f *Facts) tableSnippet(c Chain) string {
	at := c.Nodes[0]
	for _, n := range c.Nodes[1:] {
		if n.ResourceType == "model" {
			at = n
			break
		}
	}
	return modelYAML(at, "config: {materialized: table}")
}

func (f *Facts) valuesSnippet(s Sent) string {
	lines := append([]string{
		"columns:", "  - name: " + s.Column, "    " + f.testsKey() + ":", "      - accepted_values:",
	}, f.testArgs("          ", "values: […]")...)
	lines = append(lines, fmt.Sprintf("# what is there now: dbt show --inline \"select distinct %s from {{ %s }}\"", s.Column, Ref(s.Model)))
	return modelYAML(s.Model, lines...)
}

func (f *Facts) columnSnippet(s Sent, c Column) string {
	var lines []string
	if !s.Model.ContractEnforced {
		lines = append(lines, "config: {contract: {enforced: true}}")
	}
	kind, text := "", ""
	if c.Documented != nil {
		kind, text = c.Documented.DataType, c.Documented.Description
	}
	if c.There != nil {
		kind = cmp.Or(kind, strings.ToLower(c.There.Type))
	}
	noType, noText := c.Documented == nil || c.Documented.DataType == "", strings.TrimSpace(text) == ""
	if noType || noText {
		lines = append(lines, "columns:", "  - name: "+s.Column)
	}
	if noType {
		lines = append(lines, "    data_type: "+cmp.Or(kind, "…"))
	}
	if noText {
		lines = append(lines, "    description: …")
	}
	return modelYAML(s.Model, lines...)
}

func mapSnippet(column string) string {
	return "fields:   # of the sync; or drop what nobody needs\n  " + column + ": " + column
}

func (f *Facts) freshnessSnippet(n *dbt.Node) string {
	var lines []string
	if n.LoadedAt == "" {
		lines = append(lines, "loaded_at_field: …")
	}
	lines = append(lines, "freshness:", "  warn_after: {count: 24, period: hour}", "  error_after: {count: 72, period: hour}")
	indent := "        "
	out := []string{"sources:", "  - name: " + n.SourceName, "    tables:", "      - name: " + n.Name}
	if f.since(10) {
		out = append(out, indent+"config:")
		indent += "  "
	}
	for _, l := range lines {
		out = append(out, indent+l)
	}
	return strings.Join(out, "\n")
}
