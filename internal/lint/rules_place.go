package lint

import (
	"fmt"
	"slices"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/yamlx"
)

// placeRules are about keys that stand where nobody reads them, and about
// secrets where everybody does.
func placeRules() []Rule {
	return []Rule{
		{Code: "meta_misplaced", Severity: plan.SeverityError, Fixes: true, needs: needYAML | needVersion, check: checkMetaPlace},
		{Code: "exposync_misplaced", Severity: plan.SeverityError, needs: needYAML, check: checkBlockPlace},
		{Code: "exposure_unknown_key", Severity: plan.SeverityError, needs: needYAML, check: checkKeys},
		{Code: "exposure_owner_keys", Severity: plan.SeverityWarning, needs: needYAML, check: checkOwnerKeys},
		{Code: "secret_in_meta", Severity: plan.SeverityError, check: checkSecrets},
		{Code: "sync_invalid", Severity: plan.SeverityError, needs: needManifest, check: checkProblems},
		{Code: "config_invalid", Severity: plan.SeverityError, needs: needConfig, check: checkConfig},
	}
}

// beside reports whether this version of dbt wants meta beside config (up to
// 1.9), and only config reports whether it wants it in config and nowhere else
// (2.x). Between them both are read.
func (p *project) metaPlaces() (beside, onlyConfig bool) {
	var major, minor int
	if _, err := fmt.Sscanf(p.version(), "%d.%d", &major, &minor); err != nil {
		return false, false
	}
	return major == 1 && minor < 10 || major < 1, major >= 2
}

// misplaced are the keys that stand beside config or in it, by version.
func misplaced() []string { return []string{"meta", "tags"} }

func checkMetaPlace(p *project) []Finding {
	beside, onlyConfig := p.metaPlaces()
	var out []Finding
	for _, x := range p.exposures {
		if x.yaml == nil {
			continue
		}
		for _, key := range misplaced() {
			if _, ok := pair(x.yaml.item, key); ok && onlyConfig {
				f := x.finding(fmt.Sprintf("dbt %s does not read %s beside config", p.version(), key), "move it: config: {"+key+": …}", key)
				f.Column = key
				out = append(out, x.yaml.doc.edit(f, x.intoConfig(key)...))
			}
			if _, ok := pair(x.yaml.item.Get("config"), key); ok && beside {
				f := x.finding(fmt.Sprintf("dbt %s does not read %s in config of an exposure", p.version(), key), "move it one level up: "+key+": …", "config", key)
				f.Column = key
				out = append(out, x.yaml.doc.edit(f, x.outOfConfig(key)...))
			}
		}
	}
	return out
}

// intoConfig moves an entry of the exposure into its config. There are no
// edits where that takes a person: both places have one, or braces are around.
func (x *exposure) intoConfig(key string) []yamlx.Edit {
	text, item := x.yaml.doc.read, x.yaml.item
	entry, _ := pair(item, key)
	start, end, ok := entry.Block(text)
	config, has := pair(item, "config")
	if !ok || config.Value.Get(key) != nil {
		return nil
	}
	indent, eol := strings.Repeat(" ", entry.KeyStart-start), endOfLine(text)
	block := string(text[start:end])
	if !has {
		return []yamlx.Edit{{Start: start, End: end, New: indent + "config:" + eol + shifted(block, "  ", 0)}}
	}
	_, after, ok := config.Block(text)
	if !ok || config.Value.Kind != yamlx.Map || config.Value.Flow || len(config.Value.Pairs) == 0 {
		return nil
	}
	deeper := config.Value.Pairs[0].Col - entry.Col
	if deeper <= 0 {
		return nil
	}
	return []yamlx.Edit{
		{Start: start, End: end, New: ""},
		{Start: after, End: after, New: closed(text[:after], eol) + shifted(block, strings.Repeat(" ", deeper), 0)},
	}
}

// outOfConfig moves an entry of config one level up, and an empty config away.
func (x *exposure) outOfConfig(key string) []yamlx.Edit {
	text, item := x.yaml.doc.read, x.yaml.item
	config, _ := pair(item, "config")
	entry, _ := pair(config.Value, key)
	from, to, whole := config.Block(text)
	start, end, ok := entry.Block(text)
	less := entry.Col - config.Col
	if !ok || !whole || item.Get(key) != nil || less <= 0 {
		return nil
	}
	block := shifted(string(text[start:end]), "", less)
	stays := func(e yamlx.Pair) bool { return !slices.Contains(misplaced(), e.Key) || item.Get(e.Key) != nil }
	switch {
	case slices.ContainsFunc(config.Value.Pairs, stays):
	case config.Value.Pairs[0].Key == key: // the first takes the line of config with it, which dbt refuses without a map
		return []yamlx.Edit{{Start: from, End: start, New: comments(string(text[from:start]))}, {Start: start, End: end, New: block}}
	default:
		return []yamlx.Edit{{Start: start, End: end, New: block}}
	}
	return []yamlx.Edit{{Start: start, End: end, New: ""}, {Start: to, End: to, New: closed(text[:to], endOfLine(text)) + block}}
}

// closed is a line break if the text does not end with one.
func closed(text []byte, eol string) string {
	if len(text) > 0 && text[len(text)-1] != '\n' {
		return eol
	}
	return ""
}

// shifted indents every line that holds something, or takes indentation away.
func shifted(block, more string, less int) string {
	var b strings.Builder
	for line := range strings.SplitAfterSeq(block, "\n") {
		if strings.TrimSpace(line) != "" {
			indent := len(line) - len(strings.TrimLeft(line, " "))
			line = more + line[min(less, indent):]
		}
		b.WriteString(line)
	}
	return b.String()
}

// comments are the lines of a text that are comments.
func comments(text string) string {
	var b strings.Builder
	for line := range strings.SplitAfterSeq(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func checkBlockPlace(p *project) []Finding {
	var out []Finding
	for _, x := range p.exposures {
		if x.yaml == nil {
			continue
		}
		for _, at := range [][]string{{"exposync"}, {"config", "exposync"}} {
			if x.yaml.item.At(at...) != nil {
				f := x.finding("`exposync:` stands outside of meta, so dbt drops it or refuses the exposure", "move it: config: {meta: {exposync: …}} (up to dbt 1.9: meta: {exposync: …})", at...)
				f.Column = strings.Join(at, ".")
				out = append(out, f)
			}
		}
	}
	for _, name := range sortedKeys(p.models) {
		m := p.models[name]
		for _, at := range blockPaths() {
			for _, e := range pairsOf(m.item.At(at...)) {
				if slices.Contains([]string{"to", "hosted", "syncs", "fields", "key", "mode"}, e.Key) {
					f := m.doc.atPair(e, p.modelID(name), fmt.Sprintf("model %s says exposync: %s: syncs are declared by exposures, here it does nothing", name, e.Key), "move it to the exposure that depends on the model")
					f.Column = e.Key
					out = append(out, f)
				}
			}
		}
	}
	return out
}

// exposureKeys are the keys of an exposure that dbt knows.
func exposureKeys() []string {
	return []string{"name", "label", "type", "maturity", "url", "description", "depends_on", "owner", "config", "meta", "tags", "enabled"}
}

func checkKeys(p *project) []Finding {
	var out []Finding
	for _, x := range p.exposures {
		if x.yaml == nil {
			continue
		}
		for _, e := range x.yaml.item.Pairs {
			if slices.Contains(exposureKeys(), e.Key) || slices.Contains(dependsOnWords(), e.Key) || e.Key == "exposync" {
				continue
			}
			fix := "remove it, or move it into config: {meta: …}"
			if near := fault.Suggest(e.Key, exposureKeys()); near != "" {
				fix = "write `" + near + ":`"
			}
			f := x.finding(fmt.Sprintf("dbt knows no key %q of an exposure", e.Key), fix, e.Key)
			f.Column = e.Key
			out = append(out, f)
		}
	}
	return out
}

func checkOwnerKeys(p *project) []Finding {
	var out []Finding
	for _, x := range p.exposures {
		if x.yaml == nil {
			continue
		}
		for _, key := range x.yaml.item.Get("owner").Keys() {
			if key != "name" && key != "email" {
				f := x.finding(fmt.Sprintf("owner: %s: dbt v2 takes name and email of an owner and nothing else", key), "move it into config: {meta: …}; alerts go where notify: says", "owner", key)
				f.Column = "owner." + key
				out = append(out, f)
			}
		}
	}
	return out
}

// checkProblems passes on what the reader of metadata found, with the code
// that explains it.
func checkProblems(p *project) []Finding {
	var out []Finding
	seen := map[*fault.Fault]bool{}
	for _, x := range p.exposures {
		for _, j := range x.jobs {
			for _, problem := range j.Problems {
				if !seen[problem] && problem.Whose == fault.Mapping {
					seen[problem] = true
					out = append(out, p.problem(problem, x.id, x.path, x.who()))
				}
			}
		}
		for _, problem := range x.job.Problems {
			if !seen[problem] {
				seen[problem] = true
				out = append(out, p.problem(problem, x.id, x.path, x.who()))
			}
		}
	}
	return out
}

func checkConfig(p *project) []Finding {
	var out []Finding
	for _, problem := range p.in.ConfigProblems {
		out = append(out, p.problem(problem, "exposync.yml", "exposync.yml", ""))
	}
	return out
}

// problem is a fault as a finding. Two of one code are told apart by what they
// say.
func (p *project) problem(e *fault.Fault, subject, file, owner string) Finding {
	f := Finding{Finding: plan.Finding{Code: e.Code, Subject: subject, Message: e.Msg, Fix: e.Hint, File: file, Owner: owner}}
	if e.Err != nil {
		f.Message += ": " + e.Err.Error()
	}
	f.Line = lineOf(e.Where)
	head, rest, _ := strings.Cut(strings.TrimPrefix(e.Msg, "exposure "), ": ")
	setting, _, more := strings.Cut(rest, ": ")
	f.Column = head
	if more {
		f.Column = setting
	} else if word := quotedWord(e.Msg); word != "" {
		f.Column = word
	}
	return f
}

// quotedWord is the first word in double quotes of a message.
func quotedWord(text string) string {
	_, rest, _ := strings.Cut(text, `"`)
	word, _, ok := strings.Cut(rest, `"`)
	if !ok {
		return ""
	}
	return word
}
