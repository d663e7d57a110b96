package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"exposync/internal/plan"
	"exposync/internal/yamlx"
)

// yamlRules are about files that dbt cannot load, or loads without the
// exposure in them.
func yamlRules() []Rule {
	return []Rule{
		{Code: "yaml_tab", Severity: plan.SeverityError, Fixes: true, needs: needYAML, check: scanned("yaml_tab", "indent it with spaces")},
		{Code: "yaml_quotes", Severity: plan.SeverityError, Fixes: true, needs: needYAML, check: scanned("yaml_quotes", `use double quotes outside: "{{ doc('…') }}"`)},
		{Code: "yaml_jinja", Severity: plan.SeverityError, Fixes: true, needs: needYAML, check: scanned("yaml_jinja", `put quotes around it: "{{ … }}"`)},
		{Code: "yaml_bare_list", Severity: plan.SeverityError, Fixes: true, needs: needYAML, check: checkBareLists},
		{Code: "yaml_depends_on", Severity: plan.SeverityError, Fixes: true, needs: needYAML, check: checkDependsOn},
		{Code: "yaml_unreadable", Severity: plan.SeverityError, needs: needYAML, check: checkUnreadable},
		{Code: "yaml_sql", Severity: plan.SeverityError, needs: needYAML, check: checkSQLInYAML},
	}
}

// scanned gives what the scan of lines found under a code.
func scanned(code, fix string) func(*project) []Finding {
	return func(p *project) []Finding {
		var out []Finding
		for _, d := range p.docs {
			n := 0
			for _, m := range d.mends {
				if m.code == code {
					n++
					f := d.mended(m, fix)
					f.Column = strconv.Itoa(n) // several of a file, wherever they are
					out = append(out, f)
				}
			}
		}
		return out
	}
}

// mended is the finding of a mend.
func (d *doc) mended(m mend, fix string) Finding {
	f := Finding{Finding: plan.Finding{Subject: d.path, Message: m.message, Fix: fix, File: d.path}}
	f.Line, f.Col = yamlx.Position(d.text, m.at)
	for _, e := range m.edits {
		f.Edits = append(f.Edits, Edit{File: d.path, Edit: e})
	}
	return f
}

// bareList reports whether a file is a list of exposures without their key.
func bareList(root *yamlx.Node) bool {
	return root != nil && root.Kind == yamlx.List && slices.ContainsFunc(root.Items, func(n *yamlx.Node) bool {
		kind, _ := n.Get("type").Scalar()
		return n.Get("name") != nil && slices.Contains(exposureTypes(), kind)
	})
}

func exposureTypes() []string {
	return []string{"dashboard", "notebook", "analysis", "ml", "application"}
}

func checkBareLists(p *project) []Finding {
	const message, fix = "a list of exposures without a key above it: dbt does not know what it is", "write `exposures:` above the list"
	var out []Finding
	for _, d := range p.docs {
		switch {
		case bareList(d.root) && !d.root.Flow:
			f := d.at(d.root.Items[0], d.path, message, fix)
			start := yamlx.Offset(d.read, d.root.Items[0].Line, 1)
			d.place(&f, start)
			out = append(out, d.edit(f, yamlx.Edit{Start: start, End: start, New: "exposures:" + endOfLine(d.text)}))
		case d.root == nil:
			if at, ok := bareLines(d.text); ok {
				f := Finding{Finding: plan.Finding{Subject: d.path, Message: message, Fix: fix, File: d.path}}
				f.Line, f.Col = yamlx.Position(d.text, at)
				f.Edits = []Edit{{File: d.path, Edit: yamlx.Edit{Start: at, End: at, New: "exposures:" + endOfLine(d.text)}}}
				out = append(out, f)
			}
		}
	}
	return out
}

// bareLines finds a list of exposures in a text that is no YAML: its first item
// is at the margin, no key is above it, and a type of exposures is below it.
func bareLines(text []byte) (at int, ok bool) {
	typed := regexp.MustCompile(`^\s+type:\s+(?:` + strings.Join(exposureTypes(), "|") + `)\s*(?:#.*)?$`)
	at = -1
	for _, l := range split(text) {
		switch {
		case l.literal || strings.TrimSpace(l.text) == "" || strings.HasPrefix(l.text, "#") || strings.HasPrefix(l.text, "---"):
		case at < 0 && strings.HasPrefix(l.text, "- name:"):
			at = l.start
		case at < 0:
			return 0, false
		case typed.MatchString(l.text):
			return at, true
		}
	}
	return 0, false
}

// endOfLine is how the lines of a text end.
func endOfLine(text []byte) string {
	if strings.Contains(string(text), "\r\n") {
		return "\r\n"
	}
	return "\n"
}

// dependsOnWords are the ways in which depends_on is written wrongly.
func dependsOnWords() []string {
	return []string{"depends on", "depends-on", "dependsOn", "depend_on", "dependson", "depends_upon", "depends"}
}

func checkDependsOn(p *project) []Finding {
	var out []Finding
	for _, d := range p.docs {
		if d.root == nil {
			out = append(out, dependsOnLines(d)...)
			continue
		}
		for _, item := range exposuresOf(d) {
			for _, e := range item.Pairs {
				if !slices.Contains(dependsOnWords(), e.Key) {
					continue
				}
				name, _ := item.Get("name").Scalar()
				f := d.atPair(e, p.idOf(name), dependsOnMessage(e.Key), "write `depends_on:`")
				f.Column = e.Key
				if e.KeyEnd > 0 && item.Get("depends_on") == nil {
					f = d.edit(f, yamlx.Edit{Start: e.KeyStart, End: e.KeyEnd, New: "depends_on"})
				}
				out = append(out, f)
			}
		}
	}
	return out
}

func dependsOnMessage(word string) string {
	return fmt.Sprintf("%q is no key that dbt knows, so the exposure depends on nothing", word)
}

// dependsOnLines looks for the key with a space in a text that is no YAML.
func dependsOnLines(d *doc) []Finding {
	key := regexp.MustCompile(`^\s*(?:- )?(depends[ -]on)\s*:`)
	var out []Finding
	for _, l := range split(d.text) {
		m := key.FindStringSubmatchIndex(l.text)
		if m == nil || l.literal {
			continue
		}
		word := l.text[m[2]:m[3]]
		f := d.mended(mend{at: l.start + m[2], message: dependsOnMessage(word), edits: []yamlx.Edit{{Start: l.start + m[2], End: l.start + m[3], New: "depends_on"}}}, "write `depends_on:`")
		out = append(out, f)
	}
	return out
}

// checkUnreadable passes on what the parser says where the scan cannot explain
// everything.
func checkUnreadable(p *project) []Finding {
	var out []Finding
	for _, d := range p.docs {
		if sqlText(d) {
			continue
		}
		for _, e := range d.err {
			f := Finding{Finding: plan.Finding{Subject: d.path, Message: e.Msg, Fix: e.Hint, File: d.path}}
			f.Line = lineOf(e.Where)
			out = append(out, f)
		}
		if second := d.second(); second != nil {
			out = append(out, d.at(second, d.path, "a second document begins, and dbt reads files of one: it stops here", "put everything into one document, or into two files"))
		}
	}
	return out
}

// second is the second document of a file; nil if there is one alone.
func (d *doc) second() *yamlx.Node {
	if d.root == nil || !strings.Contains(string(d.read), "\n---") {
		return nil
	}
	if all, err := yamlx.ParseAll(d.path, d.read); err == nil && len(all) > 1 {
		return all[1]
	}
	return nil
}

// lineOf is the line of "file:line"; 0 if there is none.
func lineOf(where string) int {
	line := 0
	if i := strings.LastIndexByte(where, ':'); i >= 0 {
		_, _ = fmt.Sscanf(where[i+1:], "%d", &line)
	}
	return line
}

// sqlText reports whether a YAML file holds a model's SQL.
func sqlText(d *doc) bool {
	tokens := tokenize(string(d.text))
	i := slices.IndexFunc(tokens, func(t token) bool { return t.kind == wordToken || t.kind == punctToken })
	if i < 0 || !tokens[i].is("select") && !tokens[i].is("with") {
		return false
	}
	return slices.ContainsFunc(tokens, func(t token) bool { return t.is("from") })
}

func checkSQLInYAML(p *project) []Finding {
	var out []Finding
	for _, d := range p.docs {
		if (d.root == nil || d.root.Kind == yamlx.String) && sqlText(d) {
			f := Finding{Finding: plan.Finding{
				Subject: d.path, Message: "this is the SQL of a model in a file that dbt reads as YAML, so there is no such model",
				Fix: "name the file " + strings.TrimSuffix(strings.TrimSuffix(d.path, ".yml"), ".yaml") + ".sql", File: d.path, Line: 1, Col: 1,
			}}
			out = append(out, f)
		}
	}
	return out
}
