package lint

import (
	"fmt"
	"slices"
	"strings"

	"exposync/internal/coverage"
	"exposync/internal/dbt"
	"exposync/internal/plan"
)

// columnRules are about what is sent: that keys are keys, that no rows get
// lost, and that every mapped column is known.
func columnRules() []Rule {
	return []Rule{
		{Code: "key_untested", Severity: plan.SeverityWarning, needs: needManifest, check: ofUsed(checkKeyTests)},
		{Code: "parity_untested", Severity: plan.SeverityWarning, needs: needManifest, check: ofUsed(checkParity)},
		{Code: "values_untested", Severity: plan.SeverityInfo, needs: needManifest, check: ofSent(checkValues)},
		{Code: "column_unknown", Severity: plan.SeverityError, needs: needManifest, check: checkColumns},
		{Code: "column_undocumented", Severity: plan.SeverityWarning, needs: needManifest, check: ofSent(checkDescription)},
		{Code: "column_untyped", Severity: plan.SeverityWarning, needs: needManifest, check: ofSent(checkType)},
		{Code: "contract_missing", Severity: plan.SeverityInfo, needs: needManifest, check: ofUsed(checkContract)},
		{Code: "source_no_freshness", Severity: plan.SeverityWarning, needs: needManifest, check: checkFreshness},
	}
}

// ofUsed checks the export models that synced exposures depend on.
func ofUsed(look func(p *project, n *dbt.Node, jobs []plan.Job) []Finding) func(*project) []Finding {
	return func(p *project) []Finding {
		var out []Finding
		for _, u := range p.in.Facts.Used() {
			if u.Model.Package == p.in.Name {
				out = append(out, look(p, u.Model, p.jobsOf(u.Model))...)
			}
		}
		return out
	}
}

// jobsOf are the jobs that read a model.
func (p *project) jobsOf(n *dbt.Node) []plan.Job {
	var out []plan.Job
	for _, j := range p.in.Set.Jobs {
		if j.Source.Node == n.UniqueID {
			out = append(out, j)
		}
	}
	return out
}

// ofSent checks the columns that jobs send, each once.
func ofSent(look func(p *project, s coverage.Sent, c coverage.Column) []Finding) func(*project) []Finding {
	return func(p *project) []Finding {
		var out []Finding
		seen := map[string]bool{}
		for _, e := range p.in.Facts.Synced {
			for _, s := range p.in.Facts.MappedOf(e) {
				id := s.Model.UniqueID + " " + strings.ToLower(s.Column)
				if !seen[id] && s.Model.Package == p.in.Name {
					seen[id] = true
					out = append(out, look(p, s, p.in.Facts.Column(s.Model, s.Column))...)
				}
			}
		}
		return out
	}
}

func checkKeyTests(p *project, n *dbt.Node, jobs []plan.Job) []Finding {
	var out []Finding
	for _, k := range p.in.Facts.KeysOf(n, jobs) {
		if k.Proven() {
			continue
		}
		column := k.Columns[0]
		f := p.node(n, column, fmt.Sprintf("%s is the key of %s, and nothing tests it: %s", strings.Join(k.Columns, ", "), k.From, strings.Join(k.Missing, ", ")), keyTest(p.version(), k.Columns))
		f.Column = strings.Join(k.Columns, ", ")
		out = append(out, f)
	}
	return out
}

// keyTest is the YAML of the tests of a key. `tests:` was renamed in dbt 1.8.
func keyTest(version string, columns []string) string {
	word := "data_tests"
	if older(version, 8) {
		word = "tests"
	}
	if len(columns) == 1 {
		return fmt.Sprintf("columns:\n  - name: %s\n    %s: [unique, not_null]", columns[0], word)
	}
	return testYAML(version, "", "dbt_utils.unique_combination_of_columns", "combination_of_columns: ["+strings.Join(columns, ", ")+"]")
}

// older reports whether a version of dbt is before 1.minor.
func older(version string, minor int) bool {
	var a, b int
	if _, err := fmt.Sscanf(version, "%d.%d", &a, &b); err != nil {
		return false
	}
	return a < 1 || a == 1 && b < minor
}

func checkParity(p *project, n *dbt.Node, _ []plan.Job) []Finding {
	parity := p.in.Facts.ParityOf(n)
	if !parity.Asked() || len(parity.Tests) > 0 {
		return nil
	}
	parent := coverage.Label(parity.Parents[0])
	return []Finding{p.node(n, "", fmt.Sprintf("no test counts the rows of %s against those of %s, so rows may get lost on the way", coverage.Label(n), parent),
		testYAML(p.version(), "", "dbt_utils.equal_rowcount", "compare_model: "+coverage.Ref(parity.Parents[0])))}
}

// testYAML writes a test with an argument as this version of dbt wants it: the
// key is data_tests since 1.8, and arguments stand under their own since 1.11.
func testYAML(version, indent, test, argument string) string {
	key, below := "data_tests", "\n"+indent+"      arguments:\n"+indent+"        "
	if older(version, 8) {
		key = "tests"
	}
	if older(version, 11) {
		below = "\n" + indent + "      "
	}
	return indent + key + ":\n" + indent + "  - " + test + ":" + below + argument
}

func checkValues(p *project, s coverage.Sent, _ coverage.Column) []Finding {
	if !p.in.Facts.EnumLike(s.Model, s.Column) || len(p.in.Facts.AcceptedValues(s.Model, s.Column)) > 0 {
		return nil
	}
	return []Finding{p.node(s.Model, s.Column, fmt.Sprintf("%s.%s looks like one of a few values, and no test says which", s.Model.Name, s.Column),
		fmt.Sprintf("columns:\n  - name: %s\n%s", s.Column, testYAML(p.version(), "    ", "accepted_values", "values: […]")))}
}

// checkColumns looks for mapped columns that a model does not have: by the
// catalog, or by a contract that dbt holds the model to. What is only not
// documented may well be there.
func checkColumns(p *project) []Finding {
	var out []Finding
	for _, j := range p.in.Set.Jobs {
		n := p.in.Project.Nodes[j.Source.Node]
		if n == nil {
			continue
		}
		columns, known := p.in.Facts.Columns(n)
		sure := n.ContractEnforced || slices.ContainsFunc(columns, func(c coverage.Column) bool { return c.There != nil })
		if !known || !sure {
			continue
		}
		for _, name := range j.NamedColumns() {
			if slices.ContainsFunc(columns, func(c coverage.Column) bool { return strings.EqualFold(c.Name, name) }) {
				continue
			}
			f := p.about(j.Exposure, fmt.Sprintf("%s maps the column %s, which %s does not have%s", j.ID, name, coverage.Label(n), meantColumn(name, columns)), "correct the column (left is theirs, right is ours), or add it to the model")
			f.Column = name
			if line := lineOf(j.Where); line > 0 {
				f.Line, f.Col = line, 0
			}
			out = append(out, f)
		}
	}
	return out
}

func checkDescription(p *project, s coverage.Sent, c coverage.Column) []Finding {
	if c.Documented != nil && strings.TrimSpace(c.Documented.Description) != "" {
		return nil
	}
	return []Finding{p.node(s.Model, s.Column, fmt.Sprintf("%s.%s is sent, and nobody says what it means", s.Model.Name, s.Column), fmt.Sprintf("columns:\n  - name: %s\n    description: …", s.Column))}
}

func checkType(p *project, s coverage.Sent, c coverage.Column) []Finding {
	if c.Documented != nil && c.Documented.DataType != "" {
		return nil
	}
	kind := "…"
	if c.There != nil && c.There.Type != "" {
		kind = c.There.Type
	}
	return []Finding{p.node(s.Model, s.Column, fmt.Sprintf("%s.%s is sent, and its type is not declared", s.Model.Name, s.Column), fmt.Sprintf("columns:\n  - name: %s\n    data_type: %s", s.Column, kind))}
}

func checkContract(p *project, n *dbt.Node, _ []plan.Job) []Finding {
	if n.ContractEnforced || older(p.version(), 5) {
		return nil
	}
	return []Finding{p.node(n, "", coverage.Label(n)+" has no contract: a column that is renamed or retyped is only noticed by the destination", "config: {contract: {enforced: true}}")}
}

func checkFreshness(p *project) []Finding {
	sources := map[string][]string{} // with the exposures that stand on it
	for _, e := range p.in.Facts.Synced {
		for _, id := range p.in.Project.Ancestors(e.UniqueID) {
			n := p.in.Project.Nodes[id]
			if n.ResourceType == "source" && n.Package == p.in.Name && n.Freshness == nil {
				sources[id] = append(sources[id], e.Name)
			}
		}
	}
	var out []Finding
	for _, id := range sortedKeys(sources) {
		n := p.in.Project.Nodes[id]
		out = append(out, p.node(n, "", fmt.Sprintf("%s promises no freshness, so nobody knows how old the data of %s is", coverage.Label(n), strings.Join(sources[id], ", ")),
			"loaded_at_field: …\nfreshness: {warn_after: {count: 12, period: hour}}"))
	}
	return out
}
